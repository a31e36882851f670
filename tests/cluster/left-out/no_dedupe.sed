# SPDX-License-Identifier: MIT
# An order that has a ticket gets another.
s/if (\*slot != 0) {/if (false) {/
