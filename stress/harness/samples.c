/* SPDX-License-Identifier: MIT */
#include <atomicx/stress.h>

void ax_stress_sample(ax_stress_samples *samples, int64_t value)
{
    if (samples->fell)
        return;
    if (samples->seen > 0 && value < samples->last_) {
        /* The evidence is the pair: the higher value goes in if thinning left it out, then the lower one.
         * There is room, as thinning keeps two places free. */
        if (samples->kept == 0 || samples->value[samples->kept - 1] != samples->last_)
            samples->value[samples->kept++] = samples->last_;
        samples->value[samples->kept++] = value;
        samples->fell = true;
        return;
    }
    samples->last_ = value;
    if (samples->seen++ % (UINT64_C(1) << samples->every_) != 0)
        return;
    if (samples->kept == AX_STRESS_SAMPLES - 2) {
        for (uint32_t i = 0; i < samples->kept / 2; i++)
            samples->value[i] = samples->value[2 * i];
        samples->kept /= 2;
        samples->every_++;
    }
    samples->value[samples->kept++] = value;
}

void ax_stress_put_samples(ax_stress_out *out, const char *key, const ax_stress_samples *samples)
{
    ax_stress_put_array(out, key);
    for (uint32_t i = 0; i < samples->kept; i++)
        ax_stress_put_integer(out, NULL, samples->value[i]);
    ax_stress_put_end(out);
}
