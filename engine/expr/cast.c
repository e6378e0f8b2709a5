/* cast: one kernel a pair of types, picked from a square table; the catalogue (plan/function.c) has the same squares filled.
 *
 * Casts to text print as PostgreSQL does, but for booleans, which print as 'true' and 'false' (boolean to text is not its
 * output function there either). Casts from text read what od_value_parse reads; anything else is an EVALUATION
 * error. Double precision rounds half to even, numeric half away from zero. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/data/decimal.h"
#include "engine/expr/kernel.h"

#define DAY_US           INT64_C(86400000000)
#define TWO_TO_63        9223372036854775808.0
#define ERROR_TEXT_BYTES 60 /* of a text that is no value, quoted in the error */

/* --- between numbers and times -------------------------------------------------------------------------- */

/* Each is a kernel, by its name, and what it does to a value: a row function that returns faults. */
#define CAST(name, from_type, to_type, row) static OD_UNARY_KERNEL(name, from_type, to_type, row)

/* Conversions of C. */
#define PLAIN_CAST(name, from_type, to_type)                                                                 \
    static inline unsigned row_##name(from_type value, to_type *result)                                      \
    {                                                                                                        \
        *result = (to_type)value;                                                                            \
        return 0;                                                                                            \
    }                                                                                                        \
    CAST(name, from_type, to_type, row_##name)
PLAIN_CAST(integer_to_bigint, int32_t, int64_t)
PLAIN_CAST(integer_to_double, int32_t, double)
PLAIN_CAST(bigint_to_double, int64_t, double)
#undef PLAIN_CAST

static inline unsigned integer_of_bigint(int64_t value, int32_t *result)
{
    *result = (int32_t)value;
    return *result == value ? 0 : OD_FAULT_INTEGER;
}
static inline unsigned bigint_of_double(double value, int64_t *result)
{
    double rounded = rint(value);
    bool fits = rounded >= -TWO_TO_63 && rounded < TWO_TO_63; /* false for NaN */
    *result = fits ? (int64_t)rounded : 0;
    return fits ? 0 : OD_FAULT_BIGINT;
}
static inline unsigned bigint_of_numeric(struct od_decimal value, int64_t *result)
{
    return od_decimal_to_int64(&value, result) ? 0 : OD_FAULT_BIGINT;
}
static inline unsigned integer_of_double(double value, int32_t *result)
{
    int64_t number = 0;
    return bigint_of_double(value, &number) != 0 ? OD_FAULT_INTEGER : integer_of_bigint(number, result);
}
static inline unsigned integer_of_numeric(struct od_decimal value, int32_t *result)
{
    int64_t number = 0;
    return od_decimal_to_int64(&value, &number) ? integer_of_bigint(number, result) : OD_FAULT_INTEGER;
}
static inline unsigned numeric_of_bigint(int64_t value, struct od_decimal *result)
{
    *result = od_decimal_from_int64(value);
    return 0;
}
static inline unsigned numeric_of_double(double value, struct od_decimal *result)
{
    return od_decimal_from_float64(value, result) ? 0 : OD_FAULT_NO_NUMERIC;
}
static inline unsigned double_of_numeric(struct od_decimal value, double *result)
{
    *result = od_decimal_to_float64(&value);
    return 0;
}
static inline unsigned date_of_timestamp(int64_t value, int32_t *result)
{
    *result = (int32_t)(value / DAY_US - (value % DAY_US < 0));
    return 0;
}
static inline unsigned timestamp_of_date(int32_t value, int64_t *result)
{
    return __builtin_mul_overflow((int64_t)value, DAY_US, result) ? OD_FAULT_TIMESTAMP : 0;
}
CAST(bigint_to_integer, int64_t, int32_t, integer_of_bigint)
CAST(double_to_integer, double, int32_t, integer_of_double)
CAST(numeric_to_integer, struct od_decimal, int32_t, integer_of_numeric)
CAST(double_to_bigint, double, int64_t, bigint_of_double)
CAST(numeric_to_bigint, struct od_decimal, int64_t, bigint_of_numeric)
CAST(integer_to_numeric, int32_t, struct od_decimal, numeric_of_bigint)
CAST(bigint_to_numeric, int64_t, struct od_decimal, numeric_of_bigint)
CAST(double_to_numeric, double, struct od_decimal, numeric_of_double)
CAST(numeric_to_double, struct od_decimal, double, double_of_numeric)
CAST(timestamp_to_date, int64_t, int32_t, date_of_timestamp)
CAST(date_to_timestamp, int32_t, int64_t, timestamp_of_date)
#undef CAST

static enum od_status boolean_to_integer(struct od_row *row)
{
    row->result.int64 = row->arguments[0].boolean;
    return OD_OK;
}

static enum od_status integer_to_boolean(struct od_row *row)
{
    row->result.boolean = row->arguments[0].int64 != 0;
    return OD_OK;
}

/* --- text ----------------------------------------------------------------------------------------------- */

static enum od_status to_text(struct od_row *row)
{
    const struct od_value *value = &row->arguments[0];
    if (value->type == OD_TYPE_BOOLEAN)
        od_buffer_append_text(row->text, value->boolean ? "true" : "false");
    else
        od_value_print(value, row->text); /* a refusal is remembered in the buffer */
    return OD_OK;
}

/* Of the form of a value, so that it must be too large: digits, with what the type has between them. */
static bool has_form_of(enum od_type type, const char *text, uint32_t size)
{
    static const char *const others[OD_TYPE_COUNT] = {
        [OD_TYPE_INT32] = "",      [OD_TYPE_INT64] = "", [OD_TYPE_FLOAT64] = ".eE",
        [OD_TYPE_DECIMAL] = ".eE", [OD_TYPE_DATE] = "-", [OD_TYPE_TIMESTAMP] = "-: ."};
    char last = ' ';
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    for (uint32_t i = 0; i < size; last = text[i++]) {
        bool is_leading = last == ' ' && others[type] != NULL && isspace((unsigned char)text[i]);
        bool is_sign = (text[i] == '+' || text[i] == '-') && (last == ' ' || last == 'e' || last == 'E');
        if (is_leading || is_sign || isdigit((unsigned char)text[i]))
            continue;
        if (others[type] == NULL || text[i] == '\0' || strchr(others[type], text[i]) == NULL)
            return false;
    }
    bool is_time = type == OD_TYPE_DATE || type == OD_TYPE_TIMESTAMP;
    return isdigit((unsigned char)last) && (!is_time || memchr(text, '-', size) != NULL);
}

static enum od_status from_text(struct od_row *row)
{
    enum od_type type = row->expr->type;
    const char *text = row->arguments[0].text.bytes;
    uint32_t size = row->arguments[0].text.size;
    int shown = (int)(size < ERROR_TEXT_BYTES ? size : ERROR_TEXT_BYTES);
    if (od_value_parse(type, text, size, &row->result))
        return OD_OK;
    if (!has_form_of(type, text, size))
        return od_fail(row->error, OD_EVALUATION, "invalid input syntax for type %s: \"%.*s\"",
                       od_type_text(type), shown, text);
    if (type == OD_TYPE_DATE || type == OD_TYPE_TIMESTAMP)
        return od_fail(row->error, OD_EVALUATION, "date/time field value out of range: \"%.*s\"", shown,
                       text);
    return od_fail(row->error, OD_EVALUATION,
                   type == OD_TYPE_FLOAT64 ? "\"%.*s\" is out of range for type %s"
                                           : "value \"%.*s\" is out of range for type %s",
                   shown, text, od_type_text(type));
}

/* --- the table ------------------------------------------------------------------------------------------ */

#define COLUMN(name) {.column = name}
#define ROW(name)    {.row = name}
/* [from][to]; from and to text, and of a type to itself: see od_kernel_cast */
static const struct od_kernel_entry casts[OD_TYPE_COUNT][OD_TYPE_COUNT] = {
    [OD_TYPE_BOOLEAN] = {[OD_TYPE_INT32] = ROW(boolean_to_integer)},
    [OD_TYPE_INT32] = {[OD_TYPE_BOOLEAN] = ROW(integer_to_boolean),
                       [OD_TYPE_INT64] = COLUMN(integer_to_bigint),
                       [OD_TYPE_FLOAT64] = COLUMN(integer_to_double),
                       [OD_TYPE_DECIMAL] = COLUMN(integer_to_numeric)},
    [OD_TYPE_INT64] = {[OD_TYPE_INT32] = COLUMN(bigint_to_integer),
                       [OD_TYPE_FLOAT64] = COLUMN(bigint_to_double),
                       [OD_TYPE_DECIMAL] = COLUMN(bigint_to_numeric)},
    [OD_TYPE_FLOAT64] = {[OD_TYPE_INT32] = COLUMN(double_to_integer),
                         [OD_TYPE_INT64] = COLUMN(double_to_bigint),
                         [OD_TYPE_DECIMAL] = COLUMN(double_to_numeric)},
    [OD_TYPE_DECIMAL] = {[OD_TYPE_INT32] = COLUMN(numeric_to_integer),
                         [OD_TYPE_INT64] = COLUMN(numeric_to_bigint),
                         [OD_TYPE_FLOAT64] = COLUMN(numeric_to_double)},
    [OD_TYPE_TIMESTAMP] = {[OD_TYPE_DATE] = COLUMN(timestamp_to_date)},
    [OD_TYPE_DATE] = {[OD_TYPE_TIMESTAMP] = COLUMN(date_to_timestamp)},
};

enum od_status od_kernel_cast(const struct od_kernel_call *call)
{
    enum od_type from = call->arguments[0].column.type;
    enum od_type to = call->expr->type;
    if (from == to) /* the builder leaves such casts out; a plan made by hand may have them */
        return od_operand_spread(&call->arguments[0], call->row_count, call->batch_arena, call->column_out,
                                 call->error);
    if (from == OD_TYPE_TEXT || to == OD_TYPE_TEXT)
        return od_run_rows(call, to == OD_TYPE_TEXT ? to_text : from_text);
    const struct od_kernel_entry *entry = &casts[from][to];
    od_assert(entry->row != NULL || entry->column != NULL);
    return entry->row != NULL ? od_run_rows(call, entry->row) : entry->column(call);
}
