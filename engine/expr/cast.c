/* cast: one kernel a pair of types, picked from a square table; the catalogue (plan/function.c) has the same
 * squares filled.
 *
 * Casts to text print as PostgreSQL does, but for booleans, which print as 'true' and 'false' (boolean to
 * text is not its output function there either). Casts from text read what od_value_parse reads; anything
 * else is an EVALUATION error. */
#include "engine/expr/text.h"

#include <math.h>
#include <string.h>

#include "engine/core/assert.h"

#define DAY_US           INT64_C(86400000000)
#define TWO_TO_63        9223372036854775808.0
#define ERROR_TEXT_BYTES 60 /* of a text that is no value, quoted in the error */

static void *results_new(const struct od_kernel_call *call, size_t bytes, struct od_column *column_out)
{
    void *results = od_arena_take(call->batch_arena, bytes);
    *column_out =
        (struct od_column){.type = call->expr->type, .row_count = call->row_count, .values = results};
    if (results == NULL)
        od_kernel_no_memory(call->error);
    return results;
}

/* --- between numbers and times -------------------------------------------------------------------------- */

#define FIXED_CAST(name, from_type, to_type, step_row, error_text)                                           \
    static enum od_status name(const struct od_kernel_call *call, struct od_column *column_out)              \
    {                                                                                                        \
        const from_type *values = call->arguments[0].column.values;                                          \
        uint32_t step = call->arguments[0].step;                                                             \
        bool fits = true;                                                                                    \
        to_type *results = results_new(call, call->row_count * sizeof(*results), column_out);                \
        if (results == NULL)                                                                                 \
            return OD_NO_MEMORY;                                                                             \
        for (uint32_t i = 0; i < call->row_count; i++) {                                                     \
            if (od_call_row_is_valid(call, i))                                                               \
                fits &= step_row(values[i * step], &results[i]);                                             \
        }                                                                                                    \
        return fits ? OD_OK : od_fail(call->error, OD_EVALUATION, "%s", error_text);                         \
    }

static inline bool double_of_bigint(int64_t value, double *result)
{
    *result = (double)value;
    return true;
}
static inline bool bigint_of_double(double value, int64_t *result)
{
    double rounded = rint(value);                             /* half to even */
    bool fits = rounded >= -TWO_TO_63 && rounded < TWO_TO_63; /* false for NaN */
    *result = fits ? (int64_t)rounded : 0;
    return fits;
}
static inline bool date_of_timestamp(int64_t value, int32_t *result)
{
    *result = (int32_t)(value / DAY_US - (value % DAY_US < 0));
    return true;
}
static inline bool timestamp_of_date(int32_t value, int64_t *result)
{
    return !__builtin_mul_overflow((int64_t)value, DAY_US, result);
}
FIXED_CAST(bigint_to_double, int64_t, double, double_of_bigint, "")
FIXED_CAST(double_to_bigint, double, int64_t, bigint_of_double, "bigint out of range")
FIXED_CAST(timestamp_to_date, int64_t, int32_t, date_of_timestamp, "")
FIXED_CAST(date_to_timestamp, int32_t, int64_t, timestamp_of_date, "date out of range for timestamp")

static enum od_status boolean_to_bigint(const struct od_kernel_call *call, struct od_column *column_out)
{
    const struct od_operand *operand = &call->arguments[0];
    int64_t *results = results_new(call, call->row_count * sizeof(*results), column_out);
    if (results == NULL)
        return OD_NO_MEMORY;
    for (uint32_t i = 0; i < call->row_count; i++)
        results[i] = od_call_row_is_valid(call, i) && od_bit(operand->column.values, i * operand->step);
    return OD_OK;
}

static enum od_status bigint_to_boolean(const struct od_kernel_call *call, struct od_column *column_out)
{
    const struct od_operand *operand = &call->arguments[0];
    const int64_t *values = operand->column.values;
    uint8_t *bits = results_new(call, od_bitmap_bytes(call->row_count), column_out);
    if (bits == NULL)
        return OD_NO_MEMORY;
    for (uint32_t i = 0; i < call->row_count; i++)
        od_bitmap_put(bits, i, od_call_row_is_valid(call, i) && values[i * operand->step] != 0);
    return OD_OK;
}

/* The builder leaves such casts out; a plan made by hand may have them. */
static enum od_status same_type(const struct od_kernel_call *call, struct od_column *column_out)
{
    const struct od_operand *operand = &call->arguments[0];
    uint32_t *rows = od_arena_take_raw(call->batch_arena, call->row_count * sizeof(*rows));
    if (rows == NULL)
        return od_kernel_no_memory(call->error);
    for (uint32_t i = 0; i < call->row_count; i++)
        rows[i] = i * operand->step;
    return od_gather_column(&operand->column, rows, call->row_count, call->batch_arena, column_out,
                            call->error);
}

/* --- to text -------------------------------------------------------------------------------------------- */

static bool print_row(const struct od_operand *operand, uint32_t row, struct od_buffer *buffer)
{
    struct od_value value = od_column_value(&operand->column, row * operand->step);
    if (value.type == OD_TYPE_BOOLEAN)
        return od_buffer_append_text(buffer, value.boolean ? "true" : "false");
    return od_value_print(&value, buffer);
}

/* Prints all rows behind each other first, since only then their size is known. */
static enum od_status to_text(const struct od_kernel_call *call, struct od_column *column_out)
{
    struct od_text_writer writer;
    struct od_buffer buffer;
    uint32_t *ends = od_arena_take_raw(call->batch_arena, call->row_count * sizeof(*ends));
    if (ends == NULL)
        return od_kernel_no_memory(call->error);
    od_buffer_init(&buffer, call->batch_arena->memory);
    for (uint32_t i = 0; i < call->row_count && !buffer.failed; i++) {
        if (od_call_row_is_valid(call, i))
            print_row(&call->arguments[0], i, &buffer);
        ends[i] = (uint32_t)buffer.size;
    }
    enum od_status status = buffer.failed || buffer.size > INT32_MAX
                                ? od_kernel_no_memory(call->error)
                                : od_text_writer_init(&writer, call, buffer.size);
    if (status == OD_OK) {
        if (buffer.size != 0)
            memcpy(writer.bytes, buffer.bytes, buffer.size);
        for (uint32_t i = 0; i < call->row_count; i++)
            od_text_writer_end_row(&writer, ends[i] - (i == 0 ? 0 : ends[i - 1]));
        *column_out = od_text_writer_column(&writer, call);
    }
    od_buffer_release(&buffer);
    return status;
}

/* --- from text ------------------------------------------------------------------------------------------ */

static void write_row(const struct od_value *value, uint32_t row, void *results)
{
    switch (value->type) {
    case OD_TYPE_BOOLEAN:
        od_bitmap_put(results, row, value->boolean);
        break;
    case OD_TYPE_INT64:
    case OD_TYPE_TIMESTAMP:
        ((int64_t *)results)[row] = value->int64;
        break;
    case OD_TYPE_FLOAT64:
        ((double *)results)[row] = value->float64;
        break;
    case OD_TYPE_DATE:
    case OD_TYPE_INT32:
        ((int32_t *)results)[row] = (int32_t)value->int64;
        break;
    case OD_TYPE_DECIMAL:
        ((struct od_decimal *)results)[row] = value->decimal;
        break;
    case OD_TYPE_INTERVAL:
        ((struct od_interval *)results)[row] = value->interval;
        break;
    case OD_TYPE_TEXT:
    case OD_TYPE_COUNT:
        od_unreachable();
    }
}

static enum od_status from_text(const struct od_kernel_call *call, struct od_column *column_out)
{
    enum od_type type = call->expr->type;
    size_t width = od_type_width_bytes(type);
    void *results = results_new(call, width == 0 ? od_bitmap_bytes(call->row_count) : call->row_count * width,
                                column_out);
    if (results == NULL)
        return OD_NO_MEMORY;
    for (uint32_t i = 0; i < call->row_count; i++) {
        if (!od_call_row_is_valid(call, i))
            continue;
        struct od_value value;
        uint32_t size = 0;
        const char *text = od_operand_text(&call->arguments[0], i, &size);
        if (!od_value_convert_text(type, text, size, &value))
            return od_fail(call->error, OD_EVALUATION, "invalid input syntax for type %s: \"%.*s\"",
                           od_type_text(type), (int)(size < ERROR_TEXT_BYTES ? size : ERROR_TEXT_BYTES),
                           text);
        write_row(&value, i, results);
    }
    return OD_OK;
}

/* [from][to] */
static const od_kernel casts[OD_TYPE_COUNT][OD_TYPE_COUNT] = {
    [OD_TYPE_BOOLEAN] =
        {[OD_TYPE_BOOLEAN] = same_type, [OD_TYPE_INT64] = boolean_to_bigint, [OD_TYPE_TEXT] = to_text},
    [OD_TYPE_INT64] = {[OD_TYPE_BOOLEAN] = bigint_to_boolean,
                       [OD_TYPE_INT64] = same_type,
                       [OD_TYPE_FLOAT64] = bigint_to_double,
                       [OD_TYPE_TEXT] = to_text},
    [OD_TYPE_FLOAT64] =
        {[OD_TYPE_INT64] = double_to_bigint, [OD_TYPE_FLOAT64] = same_type, [OD_TYPE_TEXT] = to_text},
    [OD_TYPE_TEXT] = {[OD_TYPE_BOOLEAN] = from_text,
                      [OD_TYPE_INT64] = from_text,
                      [OD_TYPE_FLOAT64] = from_text,
                      [OD_TYPE_TEXT] = same_type,
                      [OD_TYPE_TIMESTAMP] = from_text,
                      [OD_TYPE_DATE] = from_text},
    [OD_TYPE_TIMESTAMP] =
        {[OD_TYPE_TEXT] = to_text, [OD_TYPE_TIMESTAMP] = same_type, [OD_TYPE_DATE] = timestamp_to_date},
    [OD_TYPE_DATE] =
        {[OD_TYPE_TEXT] = to_text, [OD_TYPE_TIMESTAMP] = date_to_timestamp, [OD_TYPE_DATE] = same_type},
};

enum od_status od_kernel_cast(const struct od_kernel_call *call, struct od_column *column_out)
{
    od_kernel kernel = casts[call->arguments[0].column.type][call->expr->type];
    od_assert(kernel != NULL);
    return kernel(call, column_out);
}
