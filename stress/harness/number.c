/* SPDX-License-Identifier: MIT */
#include "number.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define DIGITS_MAX 64 /* significant digits; more than any 64-bit value with its fraction needs */

/* A decimal number taken apart: 0.digits[0]digits[1]... is never formed, value = digits * 10^exponent. */
struct decimal {
    char digits[DIGITS_MAX];
    size_t count;
    long exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Appends a run of digits, underscores allowed between two digits only. NULL when there is no such run. */
static const char *take_digits(const char *at, struct decimal *number, bool fraction, bool *too_long)
{
    if (!is_digit(*at))
        return NULL;
    for (;; at++) {
        if (*at == '_' && is_digit(at[-1]) && is_digit(at[1]))
            continue;
        if (!is_digit(*at))
            return at;
        if (fraction)
            number->exponent--;
        if (number->count == 0 && *at == '0')
            continue; /* leading zeros are not significant */
        if (number->count == DIGITS_MAX)
            *too_long = true;
        else
            number->digits[number->count++] = *at;
    }
}

static const char *take_exponent(const char *at, struct decimal *number)
{
    long sign = 1;
    if (*at == '+' || *at == '-')
        sign = *at++ == '-' ? -1 : 1;
    if (!is_digit(*at))
        return NULL;
    long exponent = 0;
    for (; is_digit(*at); at++)
        if (exponent < 100000)
            exponent = exponent * 10 + (*at - '0');
    number->exponent += sign * exponent;
    return at;
}

static const char *take_suffix(const char *at, struct decimal *number)
{
    static const char suffixes[] = "kMGT";
    if (*at == '\0')
        return at;
    char c = *at == 'K' ? 'k' : *at;
    const char *found = strchr(suffixes, c);
    if (found == NULL)
        return NULL;
    number->exponent += 3 * (found - suffixes + 1);
    return at + 1;
}

static const char *take_apart(const char *text, struct decimal *number)
{
    bool too_long = false;
    const char *at = take_digits(text, number, false, &too_long);
    if (at != NULL && *at == '.')
        at = take_digits(at + 1, number, true, &too_long);
    if (at != NULL && (*at == 'e' || *at == 'E'))
        at = take_exponent(at + 1, number);
    if (at != NULL)
        at = take_suffix(at, number);
    if (at == NULL || *at != '\0')
        return "is not a number";
    return too_long ? "has too many digits" : NULL;
}

/* digits * 10^exponent as an integer of at most 2^63. */
static const char *evaluate(struct decimal *number, uint64_t *magnitude)
{
    while (number->count > 0 && number->exponent < 0 && number->digits[number->count - 1] == '0') {
        number->count--;
        number->exponent++;
    }
    uint64_t value = 0;
    if (number->count > 0 && number->exponent < 0)
        return "is not a whole number";
    for (size_t i = 0; i < number->count; i++)
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(number->digits[i] - '0'), &value))
            return "is too large";
    for (long i = 0; value != 0 && i < number->exponent; i++)
        if (__builtin_mul_overflow(value, 10u, &value))
            return "is too large";
    if (value > (uint64_t)INT64_MAX + 1)
        return "is too large";
    *magnitude = value;
    return NULL;
}

const char *axi_number(const char *text, unsigned scale, int64_t least, int64_t most, int64_t *value)
{
    if (*text == '\0')
        return "is empty";
    bool negative = *text == '-';
    struct decimal number = { .exponent = (long)scale };
    const char *error = take_apart(text + negative, &number);
    uint64_t magnitude = 0;
    if (error == NULL && negative && least >= 0)
        error = "must not be negative";
    if (error == NULL)
        error = evaluate(&number, &magnitude);
    if (error != NULL)
        return error;
    if (!negative && magnitude > (uint64_t)INT64_MAX)
        return "is too large";
    int64_t signed_value = (int64_t)(negative ? 0 - magnitude : magnitude);
    if (signed_value < least)
        return "is too small";
    if (signed_value > most)
        return "is too large";
    *value = signed_value;
    return NULL;
}

const char *axi_number_seed(const char *text, uint64_t *value)
{
    uint64_t base = 10;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (*text == '\0')
        return "is empty";
    uint64_t result = 0;
    for (; *text != '\0'; text++) {
        char c = *text;
        uint64_t digit = 16;
        if (is_digit(c))
            digit = (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint64_t)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (uint64_t)(c - 'A') + 10;
        if (digit >= base)
            return "is not a seed: give 64 bits in decimal or as 0x and hexadecimal digits";
        if (__builtin_mul_overflow(result, base, &result) || __builtin_add_overflow(result, digit, &result))
            return "does not fit in 64 bits";
    }
    *value = result;
    return NULL;
}
