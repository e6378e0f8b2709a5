/* csv_infer: a type is inferred only where printing it back says the same.
 *
 * Identifiers look like numbers: 00501 is a zip code, +4930... a phone number, 20 digits an order number.
 * Reading them as numbers would lose what they say, so each pattern here is narrower than what od_value_parse
 * accepts. When in doubt: text. */
#include "engine/io/csv_infer.h"

#include <string.h>

/* The largest integer up to which every one is a double. */
#define EXACT_INTEGER_MAX (INT64_C(1) << 53)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_at(const char *text, size_t size, size_t start)
{
    size_t count = 0;
    while (start + count < size && is_digit(text[start + count]))
        count++;
    return count;
}

static bool is_word(const struct od_csv_field *field, const char *word)
{
    return field->size == strlen(word) && memcmp(field->bytes, word, field->size) == 0;
}

static bool parses(const struct od_csv_field *field, enum od_type type)
{
    struct od_value value;
    return od_value_parse(type, field->bytes, field->size, &value);
}

enum number_shape { SHAPE_NONE, SHAPE_INTEGER, SHAPE_FRACTION };

/* -? (0 | [1-9] digits)? (. digits)? ([eE] [+-]? digits)?, with at least one digit before the exponent. "-0"
 * is a fraction: as an integer it would lose its sign. */
static enum number_shape number_shape(const char *text, size_t size)
{
    size_t at = size > 0 && text[0] == '-';
    size_t whole_start = at;
    size_t whole = digits_at(text, size, at);
    if (whole > 1 && text[whole_start] == '0')
        return SHAPE_NONE;
    at += whole;
    enum number_shape shape =
        whole == 1 && whole_start == 1 && text[1] == '0' ? SHAPE_FRACTION : SHAPE_INTEGER;
    if (at < size && text[at] == '.') {
        size_t fraction = digits_at(text, size, at + 1);
        if (fraction == 0)
            return SHAPE_NONE;
        at += 1 + fraction;
        shape = SHAPE_FRACTION;
    } else if (whole == 0) {
        return SHAPE_NONE;
    }
    if (at < size && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        at += at < size && (text[at] == '-' || text[at] == '+');
        size_t exponent = digits_at(text, size, at);
        if (exponent == 0)
            return SHAPE_NONE;
        at += exponent;
        shape = SHAPE_FRACTION;
    }
    return at == size ? shape : SHAPE_NONE;
}

static bool could_be_boolean(const struct od_csv_field *field)
{
    return is_word(field, "true") || is_word(field, "false");
}

static bool could_be_int64(const struct od_csv_field *field)
{
    return number_shape(field->bytes, field->size) == SHAPE_INTEGER && parses(field, OD_TYPE_INT64);
}

static bool could_be_float64(const struct od_csv_field *field)
{
    enum number_shape shape = number_shape(field->bytes, field->size);
    struct od_value value;
    if (shape == SHAPE_INTEGER)
        return od_value_parse(OD_TYPE_INT64, field->bytes, field->size, &value) &&
               value.int64 >= -EXACT_INTEGER_MAX && value.int64 <= EXACT_INTEGER_MAX;
    if (shape == SHAPE_FRACTION)
        return parses(field, OD_TYPE_FLOAT64);
    return is_word(field, "NaN") || is_word(field, "Infinity") || is_word(field, "-Infinity");
}

/* YYYY-MM-DD in front; od_value_parse would also take one-digit months. */
static bool starts_with_day(const struct od_csv_field *field)
{
    size_t year = digits_at(field->bytes, field->size, 0);
    if (year < 4 || year + 6 > field->size)
        return false;
    const char *rest = field->bytes + year;
    return rest[0] == '-' && is_digit(rest[1]) && is_digit(rest[2]) && rest[3] == '-' && is_digit(rest[4]) &&
           is_digit(rest[5]);
}

static bool ends_without_space(const struct od_csv_field *field)
{
    char last = field->bytes[field->size - 1];
    return is_digit(last) || last == 'C'; /* a digit, or BC */
}

static bool could_be_date(const struct od_csv_field *field)
{
    return starts_with_day(field) && ends_without_space(field) && parses(field, OD_TYPE_DATE);
}

static bool could_be_timestamp(const struct od_csv_field *field)
{
    return starts_with_day(field) && ends_without_space(field) && parses(field, OD_TYPE_TIMESTAMP);
}

static bool could_be_text(const struct od_csv_field *field)
{
    (void)field;
    return true;
}

struct candidate {
    enum od_type type;
    bool (*could_be)(const struct od_csv_field *field);
};

/* Narrowest first. */
static const struct candidate candidates_in_order[] = {
    {OD_TYPE_BOOLEAN, could_be_boolean},     {OD_TYPE_INT64, could_be_int64},
    {OD_TYPE_FLOAT64, could_be_float64},     {OD_TYPE_DATE, could_be_date},
    {OD_TYPE_TIMESTAMP, could_be_timestamp}, {OD_TYPE_TEXT, could_be_text},
};
#define CANDIDATE_COUNT (sizeof(candidates_in_order) / sizeof(candidates_in_order[0]))
_Static_assert(CANDIDATE_COUNT == OD_TYPE_COUNT - 3,
               "all types are tried but integer, numeric and interval: those only a declaration gives");

od_csv_types od_csv_infer_field(const struct od_csv_field *field, od_csv_types candidates)
{
    if (od_csv_field_is_null(field))
        return OD_CSV_TYPES_ALL;
    if (field->size == 0)
        return (od_csv_types)1 << OD_TYPE_TEXT;
    od_csv_types types = 0;
    for (size_t i = 0; i < CANDIDATE_COUNT; i++) {
        od_csv_types bit = (od_csv_types)1 << candidates_in_order[i].type;
        if ((candidates & bit) != 0 && candidates_in_order[i].could_be(field))
            types |= bit;
    }
    return types;
}

enum od_type od_csv_infer_type(od_csv_types candidates, bool has_values)
{
    for (size_t i = 0; has_values && i < CANDIDATE_COUNT; i++) {
        if (candidates & ((od_csv_types)1 << candidates_in_order[i].type))
            return candidates_in_order[i].type;
    }
    return OD_TYPE_TEXT;
}
