# SPDX-License-Identifier: MIT
# The look names a block that there may be.
s/{ AXI_NO_TICKET, 0, count, orders }/{ 0, 0, count, orders }/
