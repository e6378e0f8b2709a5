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

/* --- loops ---------------------------------------------------------------------------------------------- */

#define PLAIN(type, column, row) (((const type *)(column)->values)[row])
#define INT64_AT(column, row)    PLAIN(int64_t, column, row)
#define INT32_AT(column, row)    PLAIN(int32_t, column, row)
#define FLOAT64_AT(column, row)  PLAIN(double, column, row)
#define DECIMAL_AT(column, row)  (&PLAIN(struct od_decimal, column, row))
#define INTERVAL_AT(column, row) (&PLAIN(struct od_interval, column, row))
#define BOOLEAN_AT(column, row)  od_bit((column)->values, row)

struct text {
    const uint8_t *bytes;
    size_t size;
};
static inline struct text text_at(const struct od_column *column, uint32_t row)
{
    const int32_t *offsets = column->offsets + row;
    return (struct text){column->bytes + offsets[0], (size_t)(offsets[1] - offsets[0])};
}
static inline bool equal_texts(struct text a, struct text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}
static inline bool is_less_text(struct text a, struct text b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter == 0 ? 0 : memcmp(a.bytes, b.bytes, shorter);
    return order != 0 ? order < 0 : a.size < b.size;
}

/* Sets bits for all rows, NULL ones too (their values are zero, so there is always something to compare). */
typedef void (*relation_loop)(const struct od_operand *left, const struct od_operand *right,
                              uint32_t row_count, uint8_t *bits);

/* Cells a and b of the two columns, read by `at`; `relation` is said of them. */
#define RELATION_LOOP(name, cell, at, relation)                                                              \
    static inline bool name##_row(const struct od_operand *left, const struct od_operand *right, uint32_t i) \
    {                                                                                                        \
        cell a = at(&left->column, i * left->step);                                                          \
        cell b = at(&right->column, i * right->step);                                                        \
        return relation;                                                                                     \
    }                                                                                                        \
    static void name(const struct od_operand *left, const struct od_operand *right, uint32_t row_count,      \
                     uint8_t *bits)                                                                          \
    {                                                                                                        \
        struct od_operand l = *left;                                                                         \
        struct od_operand r = *right;                                                                        \
        uint32_t i = 0;                                                                                      \
        for (; row_count - i >= 8; i += 8) {                                                                 \
            unsigned byte = 0;                                                                               \
            for (uint32_t k = 0; k < 8; k++)                                                                 \
                byte |= (unsigned)name##_row(&l, &r, i + k) << k;                                            \
            bits[i >> 3] = (uint8_t)byte;                                                                    \
        }                                                                                                    \
        for (; i < row_count; i++)                                                                           \
            od_bitmap_put(bits, i, name##_row(&l, &r, i));                                                   \
    }
#define RELATIONS(name, cell, at, equal, less)                                                               \
    RELATION_LOOP(equal_##name, cell, at, equal)                                                             \
    RELATION_LOOP(less_##name, cell, at, less)
RELATIONS(int64, int64_t, INT64_AT, a == b, a < b)
RELATIONS(int32, int32_t, INT32_AT, a == b, a < b)
RELATIONS(float64, double, FLOAT64_AT, a == b || (isnan(a) && isnan(b)), a < b || (isnan(b) && !isnan(a)))
RELATIONS(boolean, bool, BOOLEAN_AT, a == b, !a && b)
RELATIONS(text, struct text, text_at, equal_texts(a, b), is_less_text(a, b))
RELATIONS(decimal, const struct od_decimal *, DECIMAL_AT, od_decimal_compare(a, b) == 0,
          od_decimal_compare(a, b) < 0)
RELATIONS(interval, const struct od_interval *, INTERVAL_AT, od_interval_compare(a, b) == 0,
          od_interval_compare(a, b) < 0)
#undef RELATIONS
#undef RELATION_LOOP

struct relations {
    relation_loop equal;
    relation_loop less;
};
static const struct relations relations_by_type[] = {
    [OD_TYPE_BOOLEAN] = {equal_boolean, less_boolean},    [OD_TYPE_INT64] = {equal_int64, less_int64},
    [OD_TYPE_FLOAT64] = {equal_float64, less_float64},    [OD_TYPE_TEXT] = {equal_text, less_text},
    [OD_TYPE_TIMESTAMP] = {equal_int64, less_int64},      [OD_TYPE_DATE] = {equal_int32, less_int32},
    [OD_TYPE_INT32] = {equal_int32, less_int32},          [OD_TYPE_DECIMAL] = {equal_decimal, less_decimal},
    [OD_TYPE_INTERVAL] = {equal_interval, less_interval},
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

enum od_status od_kernel_compare(const struct od_kernel_call *call)
{
    uint8_t *bits = call->results;
    relate(call, relation_forms[call->expr->function], bits);
    for (size_t j = 0; call->validity != NULL && j < od_bitmap_bytes(call->row_count); j++)
        bits[j] &= call->validity[j];
    return OD_OK;
}

/* --- functions that see NULLs --------------------------------------------------------------------------- */

enum od_status od_kernel_distinct(const struct od_kernel_call *call)
{
    bool when_distinct = call->expr->function == OD_FUNCTION_IS_DISTINCT;
    uint8_t *bits = call->results;
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

/* Row i comes from argument picks[i]; NULL where that is the argument count. */
static enum od_status stitch_arguments(const struct od_kernel_call *call, uint32_t *picks)
{
    uint32_t count = call->expr->argument_count;
    OD_TAKE_LIST(struct od_column, columns, call->batch_arena, count, call->error);
    OD_TAKE_LIST(uint32_t, rows, call->batch_arena, call->row_count, call->error);
    for (uint32_t k = 0; k < count; k++)
        columns[k] = call->arguments[k].column;
    for (uint32_t i = 0; i < call->row_count; i++) {
        rows[i] = picks[i] == count ? OD_ROW_NULL : i * call->arguments[picks[i]].step;
        picks[i] %= count;
    }
    struct od_gather gather = {
        .type = call->expr->type, .count = call->row_count, .columns = columns, .picks = picks, .rows = rows};
    return od_gather_column(&gather, call->batch_arena, call->column_out, call->error);
}

enum od_status od_kernel_nullif(const struct od_kernel_call *call)
{
    const struct od_operand *arguments = call->arguments;
    OD_TAKE_LIST(uint32_t, picks, call->batch_arena, call->row_count, call->error);
    OD_TAKE_LIST(uint8_t, equal, call->batch_arena, od_bitmap_bytes(call->row_count), call->error);
    relate(call, relation_forms[OD_FUNCTION_EQUAL], equal);
    for (uint32_t i = 0; i < call->row_count; i++) {
        bool are_equal = od_bit(equal, i) && !od_operand_is_null(&arguments[0], i) &&
                         !od_operand_is_null(&arguments[1], i);
        picks[i] = are_equal ? call->expr->argument_count : 0;
    }
    return stitch_arguments(call, picks);
}

/* Whether the challenger takes the place: equal ones do not, so the first argument wins a tie (-0.0 and 0.0). */
static bool beats(const struct od_kernel_call *call, uint32_t row, uint32_t challenger, uint32_t holder)
{
    const struct od_operand *arguments = call->arguments;
    struct od_value left = od_column_value(&arguments[challenger].column, row * arguments[challenger].step);
    struct od_value right = od_column_value(&arguments[holder].column, row * arguments[holder].step);
    int order = od_value_compare(&left, &right);
    return call->expr->function == OD_FUNCTION_LEAST ? order < 0 : order > 0;
}

/* greatest, least: NULLs are passed over. */
enum od_status od_kernel_extreme(const struct od_kernel_call *call)
{
    uint32_t count = call->expr->argument_count;
    OD_TAKE_LIST(uint32_t, picks, call->batch_arena, call->row_count, call->error);
    for (uint32_t i = 0; i < call->row_count; i++) {
        picks[i] = count;
        for (uint32_t k = 0; k < count; k++) {
            if (!od_operand_is_null(&call->arguments[k], i) &&
                (picks[i] == count || beats(call, i, k, picks[i])))
                picks[i] = k;
        }
    }
    return stitch_arguments(call, picks);
}
