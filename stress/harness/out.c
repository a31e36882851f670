/* SPDX-License-Identifier: MIT */
#include "out.h"

#include <inttypes.h>

void axi_out_lead(ax_stress_out *out, const char *key)
{
    if (!out->first)
        fputc(',', out->file);
    /* Members of the outermost object and workers start a line each: a record is for people, too. */
    if (out->depth <= 1 || (out->depth == 2 && key == NULL))
        fputc('\n', out->file);
    out->first = false;
    if (key != NULL)
        fprintf(out->file, "\"%s\": ", key);
}

static void open_with(ax_stress_out *out, const char *key, char opening, char closing)
{
    if (out->depth > 0)
        axi_out_lead(out, key);
    fputc(opening, out->file);
    if (out->depth == AXI_OUT_DEPTH) {
        out->too_deep = true;
        return;
    }
    out->closing[out->depth++] = closing;
    out->first = true;
}

void axi_out_start(ax_stress_out *out, FILE *file)
{
    *out = (ax_stress_out){ .file = file };
    open_with(out, NULL, '{', '}');
}

bool axi_out_finish(ax_stress_out *out)
{
    while (out->depth > 1)
        ax_stress_put_end(out);
    out->depth = 0;
    fputs("\n}\n", out->file);
    return !out->too_deep && !ferror(out->file);
}

void ax_stress_put_object(ax_stress_out *out, const char *key)
{
    open_with(out, key, '{', '}');
}

void ax_stress_put_array(ax_stress_out *out, const char *key)
{
    open_with(out, key, '[', ']');
}

void ax_stress_put_end(ax_stress_out *out)
{
    if (out->depth < 2)
        return; /* the outermost object is the harness's to end */
    fputc(out->closing[--out->depth], out->file);
    out->first = false;
}

void ax_stress_put_integer(ax_stress_out *out, const char *key, int64_t value)
{
    axi_out_lead(out, key);
    fprintf(out->file, "%" PRId64, value);
}

void ax_stress_put_integers(ax_stress_out *out, const char *key, const int64_t *values, uint64_t count)
{
    ax_stress_put_array(out, key);
    for (uint64_t i = 0; i < count; i++)
        ax_stress_put_integer(out, NULL, values[i]);
    ax_stress_put_end(out);
}

void ax_stress_put_boolean(ax_stress_out *out, const char *key, bool value)
{
    axi_out_lead(out, key);
    fputs(value ? "true" : "false", out->file);
}

void axi_out_null(ax_stress_out *out, const char *key)
{
    axi_out_lead(out, key);
    fputs("null", out->file);
}

void axi_out_real(ax_stress_out *out, const char *key, double value)
{
    axi_out_lead(out, key);
    fprintf(out->file, "%.9g", value);
}

void ax_stress_put_modular(ax_stress_out *out, const char *key, uint64_t value)
{
    axi_out_lead(out, key);
    fprintf(out->file, "\"%" PRIu64 "\"", value);
}

/* The length of the UTF-8 sequence at `at`, 1 to 4, or 0 when it is none (RFC 3629). */
static int utf8_length(const unsigned char *at)
{
    int length = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : at[0] >= 0xe0 && at[0] < 0xf0 ? 3
               : at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : 0;
    for (int i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

void ax_stress_put_string(ax_stress_out *out, const char *key, const char *value)
{
    axi_out_lead(out, key);
    fputc('"', out->file);
    for (const unsigned char *at = (const unsigned char *)value; *at != '\0';) {
        int length = utf8_length(at);
        if (length == 0) { /* an argument need not be UTF-8, JSON must be */
            fputs("\\ufffd", out->file);
            length = 1;
        } else if (*at == '"' || *at == '\\') {
            fprintf(out->file, "\\%c", *at);
        } else if (*at < 0x20) {
            fprintf(out->file, "\\u%04x", (unsigned)*at);
        } else {
            fwrite(at, 1, (size_t)length, out->file);
        }
        at += length;
    }
    fputc('"', out->file);
}
