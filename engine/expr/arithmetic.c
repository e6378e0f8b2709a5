/* arithmetic: the operators of numbers and days, and the functions of one number that are worth a loop.
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
#include <math.h>

#include "engine/core/assert.h"
#include "engine/data/decimal.h"
#include "engine/expr/kernel.h"

enum od_status od_kernel_finish(const struct od_kernel_call *call, unsigned faults)
{
    static const char *const texts[] = {
        "integer out of range",
        "bigint out of range",
        "division by zero",
        "value out of range: overflow",
        "value out of range: underflow",
        "date out of range",
        "cannot take square root of a negative number",
        "numeric out of range: more than 38 digits",
        "date out of range for timestamp",
        "numeric out of range: NaN, infinite, or more than 38 digits",
    };
    if (faults == 0)
        return OD_OK;
    return od_fail(call->error, OD_EVALUATION, "%s", texts[__builtin_ctz(faults)]);
}

/* --- integers of one row -------------------------------------------------------------------------------- */

/* The smallest integer divided by -1 traps on some machines: it overflows, and its remainder is 0. Shifts take the count's
 * low bits, as the processors do on which PostgreSQL runs. */
#define INTEGER_ROW(name, suffix, right_type, type, fails, fault, value)                                     \
    static inline unsigned name##_##suffix(type left, right_type right, type *result)                        \
    {                                                                                                        \
        *result = (type)(value);                                                                             \
        return (fails) ? fault : 0;                                                                          \
    }
#define INTEGER_ROWS(suffix, type, unsigned_type, fault)                                                     \
    INTEGER_ROW(add, suffix, type, type, __builtin_add_overflow(left, right, result), fault, 0)              \
    INTEGER_ROW(subtract, suffix, type, type, __builtin_sub_overflow(left, right, result), fault, 0)         \
    INTEGER_ROW(multiply, suffix, type, type, __builtin_mul_overflow(left, right, result), fault, 0)         \
    INTEGER_ROW(modulo, suffix, type, type, right == 0, OD_FAULT_DIVISION,                                   \
                right == 0 || right == -1 ? 0 : left % right)                                                \
    INTEGER_ROW(bit_and, suffix, type, type, false, 0u, left &right)                                         \
    INTEGER_ROW(bit_or, suffix, type, type, false, 0u, left | right)                                         \
    INTEGER_ROW(bit_xor, suffix, type, type, false, 0u, left ^ right)                                        \
    INTEGER_ROW(shift_left, suffix, int32_t, type, false, 0u,                                                \
                (unsigned_type)left << ((unsigned)right & (sizeof(type) * 8 - 1)))                           \
    INTEGER_ROW(shift_right, suffix, int32_t, type, false, 0u,                                               \
                left >> ((unsigned)right & (sizeof(type) * 8 - 1)))                                          \
    static inline unsigned divide_##suffix(type left, type right, type *result)                              \
    {                                                                                                        \
        *result = right == 0 || right == -1 ? 0 : left / right;                                              \
        if (right == -1)                                                                                     \
            return subtract_##suffix(0, left, result);                                                       \
        return right == 0 ? OD_FAULT_DIVISION : 0;                                                           \
    }                                                                                                        \
    static inline unsigned negate_##suffix(type value, type *result)                                         \
    {                                                                                                        \
        return subtract_##suffix(0, value, result);                                                          \
    }                                                                                                        \
    static inline unsigned abs_##suffix(type value, type *result)                                            \
    {                                                                                                        \
        return value < 0 ? negate_##suffix(value, result) : add_##suffix(value, 0, result);                  \
    }                                                                                                        \
    static inline unsigned bit_not_##suffix(type value, type *result)                                        \
    {                                                                                                        \
        return bit_xor_##suffix(value, -1, result);                                                          \
    }
INTEGER_ROWS(int32, int32_t, uint32_t, OD_FAULT_INTEGER)
INTEGER_ROWS(int64, int64_t, uint64_t, OD_FAULT_BIGINT)
#undef INTEGER_ROWS
#undef INTEGER_ROW

/* --- other numbers of one row --------------------------------------------------------------------------- */

static inline double one_nan(double number)
{
    return number != number ? (double)NAN : number;
}
static inline unsigned overflow_of(double result, double left, double right)
{
    return isinf(result) && !isinf(left) && !isinf(right) ? OD_FAULT_OVERFLOW : 0;
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
    unsigned underflow = *result == 0 && left != 0 && right != 0 ? OD_FAULT_UNDERFLOW : 0;
    return overflow_of(*result, left, right) | underflow;
}
static inline unsigned divide_float64(double left, double right, double *result)
{
    *result = 0;
    if (right == 0 && !isnan(left))
        return OD_FAULT_DIVISION;
    *result = one_nan(left / right);
    unsigned underflow = *result == 0 && left != 0 && !isinf(right) ? OD_FAULT_UNDERFLOW : 0;
    return (isinf(*result) && !isinf(left) ? OD_FAULT_OVERFLOW : 0) | underflow;
}

static inline unsigned negate_float64(double value, double *result)
{
    *result = one_nan(-value);
    return 0;
}
static inline unsigned sqrt_float64(double value, double *result)
{
    *result = value < 0 ? 0 : sqrt(value);
    return value < 0 ? OD_FAULT_SQRT : 0;
}
#define PLAIN_ROW(name, function)                                                                            \
    static inline unsigned name(double value, double *result)                                                \
    {                                                                                                        \
        *result = function(value);                                                                           \
        return 0;                                                                                            \
    }
PLAIN_ROW(abs_float64, fabs)
PLAIN_ROW(floor_float64, floor)
PLAIN_ROW(ceil_float64, ceil)
PLAIN_ROW(round_float64, rint)
PLAIN_ROW(trunc_float64, trunc)
#undef PLAIN_ROW

#define DECIMAL_ROW(name, division)                                                                          \
    static inline unsigned name##_decimal(struct od_decimal left, struct od_decimal right,                   \
                                          struct od_decimal *result)                                         \
    {                                                                                                        \
        if (division && od_decimal_is_zero(&right))                                                          \
            return OD_FAULT_DIVISION;                                                                        \
        return od_decimal_##name(&left, &right, result) ? 0 : OD_FAULT_NUMERIC;                              \
    }
DECIMAL_ROW(add, false)
DECIMAL_ROW(subtract, false)
DECIMAL_ROW(multiply, false)
DECIMAL_ROW(divide, true)
DECIMAL_ROW(modulo, true)
#undef DECIMAL_ROW
static inline unsigned negate_decimal(struct od_decimal value, struct od_decimal *result)
{
    *result = od_decimal_negate(&value);
    return 0;
}
static inline unsigned abs_decimal(struct od_decimal value, struct od_decimal *result)
{
    *result = od_decimal_sign(&value) < 0 ? od_decimal_negate(&value) : value;
    return 0;
}

/* PostgreSQL's dates, 4713-11-24 BC to 5874897-12-31 (IS_VALID_DATE); so the days between two of them are a difference of integers that fits. */
#define DATE_MIN (-INT32_C(2440588))
#define DATE_MAX INT32_C(2145042905)
static inline unsigned add_days(int32_t left, int32_t right, int32_t *result)
{
    int64_t days = (int64_t)left + right;
    *result = (int32_t)days;
    return days < DATE_MIN || days > DATE_MAX ? OD_FAULT_DATE : 0;
}
static inline unsigned subtract_days(int32_t left, int32_t right, int32_t *result)
{
    int64_t days = (int64_t)left - right;
    *result = (int32_t)days;
    return days < DATE_MIN || days > DATE_MAX ? OD_FAULT_DATE : 0;
}

/* --- loops ---------------------------------------------------------------------------------------------- */

#define BINARY(name, left_type, right_type, result_type, operation)                                          \
    enum od_status od_kernel_##name(const struct od_kernel_call *call)                                       \
    {                                                                                                        \
        const left_type *left = call->arguments[0].column.values;                                            \
        const right_type *right = call->arguments[1].column.values;                                          \
        uint32_t left_step = call->arguments[0].step;                                                        \
        uint32_t right_step = call->arguments[1].step;                                                       \
        uint32_t row_count = call->row_count;                                                                \
        unsigned faults = 0;                                                                                 \
        result_type *results = call->results;                                                                \
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
        return od_kernel_finish(call, faults);                                                               \
    }

#define UNARY(name, type, operation) OD_UNARY_KERNEL(od_kernel_##name, type, type, operation)

/* Operations with the name of their kernel. */
#define BINARY_ALIKE(name, type) BINARY(name, type, type, type, name)
#define UNARY_ALIKE(name, type)  UNARY(name, type, name)
#define INTEGER_KERNELS(suffix, type)                                                                        \
    BINARY_ALIKE(add_##suffix, type)                                                                         \
    BINARY_ALIKE(subtract_##suffix, type)                                                                    \
    BINARY_ALIKE(multiply_##suffix, type)                                                                    \
    BINARY_ALIKE(divide_##suffix, type)                                                                      \
    BINARY_ALIKE(modulo_##suffix, type)                                                                      \
    BINARY_ALIKE(bit_and_##suffix, type)                                                                     \
    BINARY_ALIKE(bit_or_##suffix, type)                                                                      \
    BINARY_ALIKE(bit_xor_##suffix, type)                                                                     \
    BINARY(shift_left_##suffix, type, int32_t, type, shift_left_##suffix)                                    \
    BINARY(shift_right_##suffix, type, int32_t, type, shift_right_##suffix)                                  \
    UNARY_ALIKE(negate_##suffix, type)                                                                       \
    UNARY_ALIKE(abs_##suffix, type)                                                                          \
    UNARY_ALIKE(bit_not_##suffix, type)
#define FRACTION_KERNELS(suffix, type)                                                                       \
    BINARY_ALIKE(add_##suffix, type)                                                                         \
    BINARY_ALIKE(subtract_##suffix, type)                                                                    \
    BINARY_ALIKE(multiply_##suffix, type)                                                                    \
    BINARY_ALIKE(divide_##suffix, type)                                                                      \
    UNARY_ALIKE(negate_##suffix, type)                                                                       \
    UNARY_ALIKE(abs_##suffix, type)
INTEGER_KERNELS(int32, int32_t)
INTEGER_KERNELS(int64, int64_t)
FRACTION_KERNELS(float64, double)
FRACTION_KERNELS(decimal, struct od_decimal)
BINARY_ALIKE(modulo_decimal, struct od_decimal)
BINARY(add_date, int32_t, int32_t, int32_t, add_days)
BINARY(subtract_date, int32_t, int32_t, int32_t, subtract_days)
UNARY(floor, double, floor_float64)
UNARY(ceil, double, ceil_float64)
UNARY(round, double, round_float64)
UNARY(trunc, double, trunc_float64)
UNARY(sqrt, double, sqrt_float64)
