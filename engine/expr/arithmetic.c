/* arithmetic: + - * / % and the functions of one number.
 *
 * Each operation is one inline function of a row that writes the result and returns what went wrong as a bit,
 * 0 for nothing. Loops OR those bits together and look at them once at the end, so the usual loop has no
 * branch. The loops come in three forms: column with column, column with literal, and the careful one (NULLs,
 * literal first).
 *
 * Errors are those of PostgreSQL 15 (int8.c, and check_float8_val as used in float.h): a result of infinity
 * from finite numbers is an overflow, a zero from a product or quotient of others an underflow.
 *
 * Which NaN comes out of two, and with which sign, is up to the processor and to how the compiler orders the operands. Those
 * bits would reach blocks, checksums and digests, so every NaN is made the one that the rest of the engine knows. */
#include "engine/expr/kernel.h"

#include <math.h>

#include "engine/core/assert.h"

#define FAULT_BIGINT    1u
#define FAULT_DIVISION  2u
#define FAULT_OVERFLOW  4u
#define FAULT_UNDERFLOW 8u
#define FAULT_DATE      16u
#define FAULT_SQRT      32u

static const char *const fault_texts[] = {
    "bigint out of range",           "division by zero",  "value out of range: overflow",
    "value out of range: underflow", "date out of range", "cannot take square root of a negative number",
};

static enum od_status finish(const struct od_kernel_call *call, unsigned faults)
{
    if (faults == 0)
        return OD_OK;
    return od_fail(call->error, OD_EVALUATION, "%s", fault_texts[__builtin_ctz(faults)]);
}

/* Room for the result; zeroed where rows may be skipped. */
static void *results_new(const struct od_kernel_call *call, size_t width, struct od_column *column_out)
{
    *column_out = (struct od_column){.type = call->expr->type, .row_count = call->row_count};
    size_t bytes = call->row_count * width;
    void *results = call->validity == NULL ? od_arena_take_raw(call->batch_arena, bytes)
                                           : od_arena_take(call->batch_arena, bytes);
    column_out->values = results;
    if (results == NULL)
        od_kernel_no_memory(call->error);
    return results;
}

/* --- operations of one row ------------------------------------------------------------------------------ */

static inline unsigned add_int64(int64_t left, int64_t right, int64_t *result)
{
    return __builtin_add_overflow(left, right, result) ? FAULT_BIGINT : 0;
}
static inline unsigned subtract_int64(int64_t left, int64_t right, int64_t *result)
{
    return __builtin_sub_overflow(left, right, result) ? FAULT_BIGINT : 0;
}
static inline unsigned multiply_int64(int64_t left, int64_t right, int64_t *result)
{
    return __builtin_mul_overflow(left, right, result) ? FAULT_BIGINT : 0;
}
static inline unsigned divide_int64(int64_t left, int64_t right, int64_t *result)
{
    *result = 0;
    if (right == 0)
        return FAULT_DIVISION;
    if (right == -1)
        return __builtin_sub_overflow(0, left, result) ? FAULT_BIGINT : 0;
    *result = left / right;
    return 0;
}
static inline unsigned modulo_int64(int64_t left, int64_t right, int64_t *result)
{
    *result = 0;
    if (right == 0)
        return FAULT_DIVISION;
    if (right != -1) /* the smallest bigint % -1 traps on some machines; it is 0 for all */
        *result = left % right;
    return 0;
}

static inline double one_nan(double number)
{
    return number != number ? (double)NAN : number;
}
static inline unsigned overflow_of(double result, double left, double right)
{
    return isinf(result) && !isinf(left) && !isinf(right) ? FAULT_OVERFLOW : 0;
}
static inline unsigned add_float64(double left, double right, double *result)
{
    *result = one_nan(left + right);
    return overflow_of(*result, left, right);
}
static inline unsigned subtract_float64(double left, double right, double *result)
{
    *result = one_nan(left - right);
    return overflow_of(*result, left, right);
}
static inline unsigned multiply_float64(double left, double right, double *result)
{
    *result = one_nan(left * right);
    unsigned underflow = *result == 0 && left != 0 && right != 0 ? FAULT_UNDERFLOW : 0;
    return overflow_of(*result, left, right) | underflow;
}
static inline unsigned divide_float64(double left, double right, double *result)
{
    *result = 0;
    if (right == 0 && !isnan(left))
        return FAULT_DIVISION;
    *result = one_nan(left / right);
    unsigned underflow = *result == 0 && left != 0 && !isinf(right) ? FAULT_UNDERFLOW : 0;
    return (isinf(*result) && !isinf(left) ? FAULT_OVERFLOW : 0) | underflow;
}

static inline unsigned date_of(bool overflowed, int64_t days, int32_t *result)
{
    *result = (int32_t)days;
    return overflowed || days < INT32_MIN || days > INT32_MAX ? FAULT_DATE : 0;
}
static inline unsigned add_days(int32_t left, int64_t right, int32_t *result)
{
    int64_t days = 0;
    bool overflowed = __builtin_add_overflow((int64_t)left, right, &days);
    return date_of(overflowed, days, result);
}
static inline unsigned subtract_days(int32_t left, int64_t right, int32_t *result)
{
    int64_t days = 0;
    bool overflowed = __builtin_sub_overflow((int64_t)left, right, &days);
    return date_of(overflowed, days, result);
}
static inline unsigned days_between(int32_t left, int32_t right, int64_t *result)
{
    *result = (int64_t)left - right;
    return 0;
}

static inline unsigned negate_int64(int64_t value, int64_t *result)
{
    return __builtin_sub_overflow(0, value, result) ? FAULT_BIGINT : 0;
}
static inline unsigned abs_int64(int64_t value, int64_t *result)
{
    *result = value;
    return value < 0 ? negate_int64(value, result) : 0;
}
static inline unsigned negate_float64(double value, double *result)
{
    *result = one_nan(-value);
    return 0;
}
static inline unsigned abs_float64(double value, double *result)
{
    *result = fabs(value);
    return 0;
}
static inline unsigned floor_float64(double value, double *result)
{
    *result = floor(value);
    return 0;
}
static inline unsigned ceil_float64(double value, double *result)
{
    *result = ceil(value);
    return 0;
}
static inline unsigned round_float64(double value, double *result)
{
    *result = rint(value);
    return 0;
}
static inline unsigned sqrt_float64(double value, double *result)
{
    *result = value < 0 ? 0 : sqrt(value);
    return value < 0 ? FAULT_SQRT : 0;
}

/* --- loops ---------------------------------------------------------------------------------------------- */

#define BINARY(name, left_type, right_type, result_type, operation)                                          \
    static enum od_status name(const struct od_kernel_call *call, struct od_column *column_out)              \
    {                                                                                                        \
        const left_type *left = call->arguments[0].column.values;                                            \
        const right_type *right = call->arguments[1].column.values;                                          \
        uint32_t left_step = call->arguments[0].step;                                                        \
        uint32_t right_step = call->arguments[1].step;                                                       \
        uint32_t row_count = call->row_count;                                                                \
        unsigned faults = 0;                                                                                 \
        result_type *results = results_new(call, sizeof(*results), column_out);                              \
        if (results == NULL)                                                                                 \
            return OD_NO_MEMORY;                                                                             \
        if (call->validity == NULL && left_step == 1 && right_step == 1) {                                   \
            for (uint32_t i = 0; i < row_count; i++)                                                         \
                faults |= operation(left[i], right[i], &results[i]);                                         \
        } else if (call->validity == NULL && left_step == 1) {                                               \
            right_type constant = right[0];                                                                  \
            for (uint32_t i = 0; i < row_count; i++)                                                         \
                faults |= operation(left[i], constant, &results[i]);                                         \
        } else {                                                                                             \
            for (uint32_t i = 0; i < row_count; i++) {                                                       \
                if (od_call_row_is_valid(call, i))                                                           \
                    faults |= operation(left[i * left_step], right[i * right_step], &results[i]);            \
            }                                                                                                \
        }                                                                                                    \
        return finish(call, faults);                                                                         \
    }

#define UNARY(name, type, operation)                                                                         \
    enum od_status name(const struct od_kernel_call *call, struct od_column *column_out)                     \
    {                                                                                                        \
        const type *values = call->arguments[0].column.values;                                               \
        uint32_t step = call->arguments[0].step;                                                             \
        unsigned faults = 0;                                                                                 \
        type *results = results_new(call, sizeof(*results), column_out);                                     \
        if (results == NULL)                                                                                 \
            return OD_NO_MEMORY;                                                                             \
        for (uint32_t i = 0; i < call->row_count; i++) {                                                     \
            if (od_call_row_is_valid(call, i))                                                               \
                faults |= operation(values[i * step], &results[i]);                                          \
        }                                                                                                    \
        return finish(call, faults);                                                                         \
    }

#define BINARY_KERNEL(name, type)                                                                            \
    BINARY(run_##name, type, type, type, name)                                                               \
    enum od_status od_kernel_##name(const struct od_kernel_call *call, struct od_column *column_out)         \
    {                                                                                                        \
        return run_##name(call, column_out);                                                                 \
    }

BINARY_KERNEL(add_int64, int64_t)
BINARY_KERNEL(subtract_int64, int64_t)
BINARY_KERNEL(multiply_int64, int64_t)
BINARY_KERNEL(divide_int64, int64_t)
BINARY_KERNEL(modulo_int64, int64_t)
BINARY_KERNEL(add_float64, double)
BINARY_KERNEL(subtract_float64, double)
BINARY_KERNEL(multiply_float64, double)
BINARY_KERNEL(divide_float64, double)

BINARY(run_add_days, int32_t, int64_t, int32_t, add_days)
BINARY(run_subtract_days, int32_t, int64_t, int32_t, subtract_days)
BINARY(run_days_between, int32_t, int32_t, int64_t, days_between)

enum od_status od_kernel_add_date(const struct od_kernel_call *call, struct od_column *column_out)
{
    od_assert(call->arguments[1].column.type == OD_TYPE_INT64);
    return run_add_days(call, column_out);
}

enum od_status od_kernel_subtract_date(const struct od_kernel_call *call, struct od_column *column_out)
{
    if (call->arguments[1].column.type == OD_TYPE_DATE)
        return run_days_between(call, column_out);
    od_assert(call->arguments[1].column.type == OD_TYPE_INT64);
    return run_subtract_days(call, column_out);
}

UNARY(od_kernel_negate_int64, int64_t, negate_int64)
UNARY(od_kernel_negate_float64, double, negate_float64)
UNARY(od_kernel_abs_int64, int64_t, abs_int64)
UNARY(od_kernel_abs_float64, double, abs_float64)
UNARY(od_kernel_floor, double, floor_float64)
UNARY(od_kernel_ceil, double, ceil_float64)
UNARY(od_kernel_round, double, round_float64)
UNARY(od_kernel_sqrt, double, sqrt_float64)
