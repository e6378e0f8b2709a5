/* text_infer: a type is inferred only where printing it back says the same.
 *
 * Identifiers look like numbers: 00501 is a zip code, +4930... a phone number, 20 digits an order number.
 * Reading them as numbers would lose what they say, so each pattern here is narrower than what od_value_parse
 * accepts. When in doubt: text. */
#include <string.h>

#include "engine/core/assert.h"
#include "engine/io/text_table.h"

/* The largest integer up to which every one is a double. */
#define EXACT_INTEGER_MAX (INT64_C(1) << 53)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Steps over digits and says how many. */
static size_t skip_digits(const char *text, size_t size, size_t *at)
{
    size_t start = *at;
    while (*at < size && is_digit(text[*at]))
        ++*at;
    return *at - start;
}

enum number_shape { SHAPE_NONE, SHAPE_INTEGER, SHAPE_FRACTION };

/* "-0" is a fraction: as an integer it would lose its sign. */
static enum number_shape number_shape(const char *text, size_t size)
{
    bool is_negative = size > 0 && text[0] == '-';
    size_t at = is_negative;
    size_t whole = skip_digits(text, size, &at);
    bool starts_with_zero = whole > 0 && text[is_negative] == '0';
    bool has_point = at < size && text[at] == '.';
    at += has_point;
    if ((has_point ? skip_digits(text, size, &at) : whole) == 0 || (whole > 1 && starts_with_zero))
        return SHAPE_NONE;
    bool has_exponent = at < size && (text[at] | 0x20) == 'e';
    if (has_exponent) {
        at++;
        at += at < size && (text[at] == '-' || text[at] == '+');
        if (skip_digits(text, size, &at) == 0)
            return SHAPE_NONE;
    }
    if (at != size)
        return SHAPE_NONE;
    return has_point || has_exponent || (is_negative && starts_with_zero) ? SHAPE_FRACTION : SHAPE_INTEGER;
}

bool od_text_is_number(const char *text, size_t size)
{
    return number_shape(text, size) != SHAPE_NONE;
}

/* Whether the text goes on as the shape says, 0 for a digit; *at is then behind it. */
static bool skip_shape(const struct od_text_field *field, const char *shape, size_t *at)
{
    size_t size = strlen(shape);
    if (size > field->size - *at)
        return false;
    for (size_t i = 0; i < size; i++)
        if (shape[i] == '0' ? !is_digit(field->bytes[*at + i]) : field->bytes[*at + i] != shape[i])
            return false;
    *at += size;
    return true;
}

/* YYYY-MM-DD[ HH:MM:SS[.F]][ BC]: od_value_parse takes more, of which something would be lost: single digits, zones. */
static bool looks_like_day(const struct od_text_field *field)
{
    size_t at = 0;
    if (skip_digits(field->bytes, field->size, &at) < 4 || !skip_shape(field, "-00-00", &at))
        return false;
    if (skip_shape(field, " 00:00:00", &at) && skip_shape(field, ".0", &at))
        skip_digits(field->bytes, field->size, &at);
    skip_shape(field, " BC", &at);
    return at == field->size;
}

static bool could_be(const struct od_text_field *field, enum od_type type)
{
    enum number_shape shape = number_shape(field->bytes, field->size);
    struct od_value value;
    switch (type) {
    case OD_TYPE_BOOLEAN:
        return od_text_is_word(field, "true") || od_text_is_word(field, "false");
    case OD_TYPE_INT64:
        return shape == SHAPE_INTEGER && od_value_parse(type, field->bytes, field->size, &value);
    case OD_TYPE_FLOAT64:
        if (shape == SHAPE_FRACTION)
            return od_value_parse(type, field->bytes, field->size, &value);
        if (shape == SHAPE_INTEGER)
            return od_value_parse(OD_TYPE_INT64, field->bytes, field->size, &value) &&
                   value.int64 >= -EXACT_INTEGER_MAX && value.int64 <= EXACT_INTEGER_MAX;
        return od_text_is_word(field, "NaN") || od_text_is_word(field, "Infinity") ||
               od_text_is_word(field, "-Infinity");
    case OD_TYPE_DATE: /* whose time of day would go */
        if (memchr(field->bytes, ':', field->size) != NULL)
            return false;
        __attribute__((fallthrough));
    case OD_TYPE_TIMESTAMP:
        return looks_like_day(field) && od_value_parse(type, field->bytes, field->size, &value);
    default:
        od_assert(type == OD_TYPE_TEXT);
        return true;
    }
}

/* Narrowest first. All but integer, numeric and interval: those only a declaration gives. */
static const enum od_type types_in_order[] = {OD_TYPE_BOOLEAN, OD_TYPE_INT64,     OD_TYPE_FLOAT64,
                                              OD_TYPE_DATE,    OD_TYPE_TIMESTAMP, OD_TYPE_TEXT};
#define TYPES_IN_ORDER (sizeof(types_in_order) / sizeof(types_in_order[0]))
_Static_assert(TYPES_IN_ORDER == OD_TYPE_COUNT - 3, "every type is in the list or among its exceptions");

od_text_types od_text_infer_field(const struct od_text_field *field, od_text_types candidates)
{
    od_text_types types = 0;
    if (field->size == 0)
        return (od_text_types)1 << OD_TYPE_TEXT;
    for (size_t i = 0; i < TYPES_IN_ORDER; i++) {
        od_text_types bit = (od_text_types)1 << types_in_order[i];
        if ((candidates & bit) != 0 && could_be(field, types_in_order[i]))
            types |= bit;
    }
    return types;
}

enum od_type od_text_infer_type(od_text_types types)
{
    for (size_t i = 0; types != OD_TEXT_TYPES_ALL && i < TYPES_IN_ORDER; i++) {
        if (types & ((od_text_types)1 << types_in_order[i]))
            return types_in_order[i];
    }
    return OD_TYPE_TEXT;
}
