/* SPDX-License-Identifier: MIT */
#include "internal.h"

ax_stress_random ax_stress_random_at(uint64_t seed, uint64_t number)
{
    /* Two rounds of the generator's own mixing: neighbouring seeds and numbers end up far apart. */
    ax_stress_random random = { seed };
    random.state_ = ax_stress_bits(&random) ^ (number * 0xd1342543de82ef95u);
    random.state_ = ax_stress_bits(&random);
    return random;
}

uint64_t ax_stress_key(ax_stress_worker *self)
{
    return axi_keys_next(&self->run->internal->keys, &self->random);
}
