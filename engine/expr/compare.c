/* compare: = <> < <= > >=, is [not] distinct from, nullif, greatest, least.
 *
 * PostgreSQL's orders are total (NaN is equal to NaN and above all numbers, -0.0 equals 0.0), so two
 * relations are enough:
 *
 *   a <> b  is  not (a = b)      a > b  is  b < a      a >= b  is  not (a < b)      a <= b  is  not (b < a)
 *
 * A loop makes eight results at a time into one byte of the result's bitmap. */
#include "engine/expr/kernel.h"

#include <math.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/data/decimal.h"
#include "engine/data/interval.h"

/* --- relations of one row ------------------------------------------------------------------------------- */

#define PLAIN_ROWS(name, type)                                                                               \
    static inline bool equal_##name(const struct od_operand *left, const struct od_operand *right,           \
                                    uint32_t l, uint32_t r)                                                  \
    {                                                                                                        \
        return ((const type *)left->column.values)[l] == ((const type *)right->column.values)[r];            \
    }                                                                                                        \
    static inline bool less_##name(const struct od_operand *left, const struct od_operand *right,            \
                                   uint32_t l, uint32_t r)                                                   \
    {                                                                                                        \
        return ((const type *)left->column.values)[l] < ((const type *)right->column.values)[r];             \
    }
PLAIN_ROWS(int64, int64_t)
PLAIN_ROWS(int32, int32_t)
#undef PLAIN_ROWS

static inline bool equal_float64(const struct od_operand *left, const struct od_operand *right, uint32_t l,
                                 uint32_t r)
{
    double a = ((const double *)left->column.values)[l];
    double b = ((const double *)right->column.values)[r];
    return a == b || (isnan(a) && isnan(b));
}
static inline bool less_float64(const struct od_operand *left, const struct od_operand *right, uint32_t l,
                                uint32_t r)
{
    double a = ((const double *)left->column.values)[l];
    double b = ((const double *)right->column.values)[r];
    return a < b || (isnan(b) && !isnan(a));
}
static inline bool equal_boolean(const struct od_operand *left, const struct od_operand *right, uint32_t l,
                                 uint32_t r)
{
    return od_bit(left->column.values, l) == od_bit(right->column.values, r);
}
static inline bool less_boolean(const struct od_operand *left, const struct od_operand *right, uint32_t l,
                                uint32_t r)
{
    return !od_bit(left->column.values, l) && od_bit(right->column.values, r);
}
static inline bool equal_text(const struct od_operand *left, const struct od_operand *right, uint32_t l,
                              uint32_t r)
{
    const int32_t *a = left->column.offsets + l;
    const int32_t *b = right->column.offsets + r;
    size_t size = (size_t)(a[1] - a[0]);
    if (size != (size_t)(b[1] - b[0]))
        return false;
    return size == 0 || memcmp(left->column.bytes + a[0], right->column.bytes + b[0], size) == 0;
}
static inline bool less_text(const struct od_operand *left, const struct od_operand *right, uint32_t l,
                             uint32_t r)
{
    const int32_t *a = left->column.offsets + l;
    const int32_t *b = right->column.offsets + r;
    size_t left_size = (size_t)(a[1] - a[0]);
    size_t right_size = (size_t)(b[1] - b[0]);
    size_t shorter = left_size < right_size ? left_size : right_size;
    int order = shorter == 0 ? 0 : memcmp(left->column.bytes + a[0], right->column.bytes + b[0], shorter);
    return order != 0 ? order < 0 : left_size < right_size;
}

static inline int order_decimal(const struct od_operand *left, const struct od_operand *right, uint32_t l,
                                uint32_t r)
{
    return od_decimal_compare((const struct od_decimal *)left->column.values + l,
                              (const struct od_decimal *)right->column.values + r);
}
static inline int order_interval(const struct od_operand *left, const struct od_operand *right, uint32_t l,
                                 uint32_t r)
{
    return od_interval_compare((const struct od_interval *)left->column.values + l,
                               (const struct od_interval *)right->column.values + r);
}
#define ORDER_ROWS(name)                                                                                     \
    static inline bool equal_##name(const struct od_operand *left, const struct od_operand *right,           \
                                    uint32_t l, uint32_t r)                                                  \
    {                                                                                                        \
        return order_##name(left, right, l, r) == 0;                                                         \
    }                                                                                                        \
    static inline bool less_##name(const struct od_operand *left, const struct od_operand *right,            \
                                   uint32_t l, uint32_t r)                                                   \
    {                                                                                                        \
        return order_##name(left, right, l, r) < 0;                                                          \
    }
ORDER_ROWS(decimal)
ORDER_ROWS(interval)
#undef ORDER_ROWS

/* --- loops ---------------------------------------------------------------------------------------------- */

/* Sets bits for all rows, NULL ones too (their values are zero, so there is always something to compare). */
typedef void (*relation_loop)(const struct od_operand *left, const struct od_operand *right,
                              uint32_t row_count, uint8_t *bits);

#define RELATION_LOOP(name)                                                                                  \
    static void loop_##name(const struct od_operand *left, const struct od_operand *right,                   \
                            uint32_t row_count, uint8_t *bits)                                               \
    {                                                                                                        \
        uint32_t left_step = left->step;                                                                     \
        uint32_t right_step = right->step;                                                                   \
        uint32_t i = 0;                                                                                      \
        for (; row_count - i >= 8; i += 8) {                                                                 \
            unsigned byte = 0;                                                                               \
            for (uint32_t k = 0; k < 8; k++)                                                                 \
                byte |= (unsigned)name(left, right, (i + k) * left_step, (i + k) * right_step) << k;         \
            bits[i >> 3] = (uint8_t)byte;                                                                    \
        }                                                                                                    \
        for (; i < row_count; i++)                                                                           \
            od_bitmap_put(bits, i, name(left, right, i *left_step, i *right_step));                          \
    }
RELATION_LOOP(equal_int64)
RELATION_LOOP(less_int64)
RELATION_LOOP(equal_int32)
RELATION_LOOP(less_int32)
RELATION_LOOP(equal_float64)
RELATION_LOOP(less_float64)
RELATION_LOOP(equal_boolean)
RELATION_LOOP(less_boolean)
RELATION_LOOP(equal_text)
RELATION_LOOP(less_text)
RELATION_LOOP(equal_decimal)
RELATION_LOOP(less_decimal)
RELATION_LOOP(equal_interval)
RELATION_LOOP(less_interval)
#undef RELATION_LOOP

struct relations {
    relation_loop equal;
    relation_loop less;
};
static const struct relations relations_by_type[] = {
    [OD_TYPE_BOOLEAN] = {loop_equal_boolean, loop_less_boolean},
    [OD_TYPE_INT64] = {loop_equal_int64, loop_less_int64},
    [OD_TYPE_FLOAT64] = {loop_equal_float64, loop_less_float64},
    [OD_TYPE_TEXT] = {loop_equal_text, loop_less_text},
    [OD_TYPE_TIMESTAMP] = {loop_equal_int64, loop_less_int64},
    [OD_TYPE_DATE] = {loop_equal_int32, loop_less_int32},
    [OD_TYPE_INT32] = {loop_equal_int32, loop_less_int32},
    [OD_TYPE_DECIMAL] = {loop_equal_decimal, loop_less_decimal},
    [OD_TYPE_INTERVAL] = {loop_equal_interval, loop_less_interval},
};
_Static_assert(sizeof(relations_by_type) / sizeof(relations_by_type[0]) == OD_TYPE_COUNT,
               "every type has relations");

struct relation_form {
    bool is_less; /* else: equal */
    bool swaps;
    bool inverts;
};
static const struct relation_form relation_forms[OD_FUNCTION_COUNT] = {
    [OD_FUNCTION_EQUAL] = {false, false, false},      [OD_FUNCTION_NOT_EQUAL] = {false, false, true},
    [OD_FUNCTION_LESS] = {true, false, false},        [OD_FUNCTION_GREATER_EQUAL] = {true, false, true},
    [OD_FUNCTION_GREATER] = {true, true, false},      [OD_FUNCTION_LESS_EQUAL] = {true, true, true},
    [OD_FUNCTION_IS_DISTINCT] = {false, false, true}, [OD_FUNCTION_IS_NOT_DISTINCT] = {false, false, false},
};

static void relate(const struct od_kernel_call *call, struct relation_form form, uint8_t *bits)
{
    const struct od_operand *left = &call->arguments[form.swaps ? 1 : 0];
    const struct od_operand *right = &call->arguments[form.swaps ? 0 : 1];
    const struct relations *relations = &relations_by_type[left->column.type];
    (form.is_less ? relations->less : relations->equal)(left, right, call->row_count, bits);
    if (form.inverts) {
        for (size_t j = 0; j < od_bitmap_bytes(call->row_count); j++)
            bits[j] = (uint8_t)~bits[j];
        od_bits_clear_tail(bits, call->row_count);
    }
}

enum od_status od_kernel_compare(const struct od_kernel_call *call, struct od_column *column_out)
{
    uint8_t *bits = od_results_new(call, column_out);
    if (bits == NULL)
        return OD_NO_MEMORY;
    relate(call, relation_forms[call->expr->function], bits);
    for (size_t j = 0; call->validity != NULL && j < od_bitmap_bytes(call->row_count); j++)
        bits[j] &= call->validity[j];
    return OD_OK;
}

/* --- functions that see NULLs --------------------------------------------------------------------------- */

enum od_status od_kernel_distinct(const struct od_kernel_call *call, struct od_column *column_out)
{
    bool when_distinct = call->expr->function == OD_FUNCTION_IS_DISTINCT;
    uint8_t *bits = od_results_new(call, column_out);
    if (bits == NULL)
        return OD_NO_MEMORY;
    relate(call, relation_forms[call->expr->function], bits);
    bool has_nulls = call->arguments[0].column.validity != NULL || call->arguments[1].column.validity != NULL;
    for (uint32_t i = 0; has_nulls && i < call->row_count; i++) {
        bool left_is_null = od_operand_is_null(&call->arguments[0], i);
        bool right_is_null = od_operand_is_null(&call->arguments[1], i);
        if (left_is_null || right_is_null) {
            bits[i >> 3] &= (uint8_t) ~(1u << (i & 7));
            od_bitmap_put(bits, i, (left_is_null != right_is_null) == when_distinct);
        }
    }
    return OD_OK;
}

/* Stitches the call's arguments: row i comes from argument picks[i]. */
static enum od_status stitch_arguments(const struct od_kernel_call *call, const uint32_t *picks,
                                       struct od_column *column_out)
{
    uint32_t count = call->expr->argument_count;
    struct od_column *sources = od_arena_take_array(call->batch_arena, count, sizeof(*sources));
    uint32_t *rows = od_arena_take_raw(call->batch_arena, call->row_count * sizeof(*rows));
    if (sources == NULL || rows == NULL)
        return od_kernel_no_memory(call->error);
    for (uint32_t k = 0; k < count; k++)
        sources[k] = call->arguments[k].column;
    for (uint32_t i = 0; i < call->row_count; i++)
        rows[i] = picks[i] == OD_PICK_NULL ? 0 : i * call->arguments[picks[i]].step;
    struct od_stitch stitch = {.type = call->expr->type,
                               .row_count = call->row_count,
                               .sources = sources,
                               .picks = picks,
                               .rows = rows};
    return od_stitch_column(&stitch, call->batch_arena, column_out, call->error);
}

enum od_status od_kernel_nullif(const struct od_kernel_call *call, struct od_column *column_out)
{
    const struct od_operand *arguments = call->arguments;
    uint32_t *picks = od_arena_take(call->batch_arena, call->row_count * sizeof(*picks));
    uint8_t *equal = od_arena_take(call->batch_arena, od_bitmap_bytes(call->row_count));
    if (picks == NULL || equal == NULL)
        return od_kernel_no_memory(call->error);
    relate(call, relation_forms[OD_FUNCTION_EQUAL], equal);
    for (uint32_t i = 0; i < call->row_count; i++) {
        if (od_bit(equal, i) && !od_operand_is_null(&arguments[0], i) &&
            !od_operand_is_null(&arguments[1], i))
            picks[i] = OD_PICK_NULL;
    }
    return stitch_arguments(call, picks, column_out);
}

/* Whether the challenger takes the place: equal ones do not, so the first argument wins a tie (-0.0 and 0.0).
 * */
static bool beats(const struct od_kernel_call *call, uint32_t row, uint32_t challenger, uint32_t holder)
{
    const struct od_operand *arguments = call->arguments;
    struct od_value left = od_column_value(&arguments[challenger].column, row * arguments[challenger].step);
    struct od_value right = od_column_value(&arguments[holder].column, row * arguments[holder].step);
    int order = od_value_compare(&left, &right);
    return call->expr->function == OD_FUNCTION_LEAST ? order < 0 : order > 0;
}

/* greatest, least: NULLs are passed over. */
enum od_status od_kernel_extreme(const struct od_kernel_call *call, struct od_column *column_out)
{
    uint32_t *picks = od_arena_take_raw(call->batch_arena, call->row_count * sizeof(*picks));
    if (picks == NULL)
        return od_kernel_no_memory(call->error);
    for (uint32_t i = 0; i < call->row_count; i++) {
        picks[i] = OD_PICK_NULL;
        for (uint32_t k = 0; k < call->expr->argument_count; k++) {
            if (od_operand_is_null(&call->arguments[k], i))
                continue;
            if (picks[i] == OD_PICK_NULL || beats(call, i, k, picks[i]))
                picks[i] = k;
        }
    }
    return stitch_arguments(call, picks, column_out);
}
