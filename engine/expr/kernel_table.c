/* kernel_table: which kernel computes which function for which type of argument. A new function is one row
 * here.
 *
 * Where one kernel serves all types it looks at the column's type itself (once a column, not once a row). */
#include "engine/expr/kernel.h"

#include "engine/core/assert.h"

#define ALL_TYPES(kernel)                                                                                    \
    {                                                                                                        \
        kernel, kernel, kernel, kernel, kernel, kernel                                                       \
    }
#define STRICT_ALL(name)                                                                                     \
    {                                                                                                        \
        .kind = OD_KERNEL_STRICT, .by_type = ALL_TYPES(od_kernel_##name)                                     \
    }
#define OPEN_ALL(name)                                                                                       \
    {                                                                                                        \
        .kind = OD_KERNEL_OPEN, .by_type = ALL_TYPES(od_kernel_##name)                                       \
    }
#define LAZY(name)                                                                                           \
    {                                                                                                        \
        .kind = OD_KERNEL_LAZY, .lazy = od_lazy_##name                                                       \
    }
#define NUMBERS(name)                                                                                        \
    .by_type[OD_TYPE_INT64] = od_kernel_##name##_int64, .by_type[OD_TYPE_FLOAT64] = od_kernel_##name##_float64

static const struct od_kernel_row kernel_rows[] = {
    [OD_FUNCTION_ADD] = {NUMBERS(add), .by_type[OD_TYPE_DATE] = od_kernel_add_date},
    [OD_FUNCTION_SUBTRACT] = {NUMBERS(subtract), .by_type[OD_TYPE_DATE] = od_kernel_subtract_date},
    [OD_FUNCTION_MULTIPLY] = {NUMBERS(multiply)},
    [OD_FUNCTION_DIVIDE] = {NUMBERS(divide)},
    [OD_FUNCTION_MODULO] = {.by_type[OD_TYPE_INT64] = od_kernel_modulo_int64},
    [OD_FUNCTION_NEGATE] = {NUMBERS(negate)},
    [OD_FUNCTION_EQUAL] = STRICT_ALL(compare),
    [OD_FUNCTION_NOT_EQUAL] = STRICT_ALL(compare),
    [OD_FUNCTION_LESS] = STRICT_ALL(compare),
    [OD_FUNCTION_LESS_EQUAL] = STRICT_ALL(compare),
    [OD_FUNCTION_GREATER] = STRICT_ALL(compare),
    [OD_FUNCTION_GREATER_EQUAL] = STRICT_ALL(compare),
    [OD_FUNCTION_IS_DISTINCT] = OPEN_ALL(distinct),
    [OD_FUNCTION_IS_NOT_DISTINCT] = OPEN_ALL(distinct),
    [OD_FUNCTION_AND] = LAZY(connective),
    [OD_FUNCTION_OR] = LAZY(connective),
    [OD_FUNCTION_NOT] = STRICT_ALL(not ),
    [OD_FUNCTION_IS_NULL] = OPEN_ALL(null_test),
    [OD_FUNCTION_IS_NOT_NULL] = OPEN_ALL(null_test),
    [OD_FUNCTION_IS_TRUE] = OPEN_ALL(truth_test),
    [OD_FUNCTION_IS_FALSE] = OPEN_ALL(truth_test),
    [OD_FUNCTION_CASE] = LAZY(case),
    [OD_FUNCTION_COALESCE] = LAZY(coalesce),
    [OD_FUNCTION_NULLIF] = OPEN_ALL(nullif),
    [OD_FUNCTION_GREATEST] = OPEN_ALL(extreme),
    [OD_FUNCTION_LEAST] = OPEN_ALL(extreme),
    [OD_FUNCTION_CAST] = STRICT_ALL(cast),
    [OD_FUNCTION_LIKE] = STRICT_ALL(like),
    [OD_FUNCTION_CONCATENATE] = STRICT_ALL(concatenate),
    [OD_FUNCTION_LOWER] = STRICT_ALL(change_case),
    [OD_FUNCTION_UPPER] = STRICT_ALL(change_case),
    [OD_FUNCTION_LENGTH] = STRICT_ALL(length),
    [OD_FUNCTION_SUBSTRING] = STRICT_ALL(substring),
    [OD_FUNCTION_ABS] = {NUMBERS(abs)},
    [OD_FUNCTION_FLOOR] = {.by_type[OD_TYPE_FLOAT64] = od_kernel_floor},
    [OD_FUNCTION_CEIL] = {.by_type[OD_TYPE_FLOAT64] = od_kernel_ceil},
    [OD_FUNCTION_ROUND] = {.by_type[OD_TYPE_FLOAT64] = od_kernel_round},
    [OD_FUNCTION_SQRT] = {.by_type[OD_TYPE_FLOAT64] = od_kernel_sqrt},
    [OD_FUNCTION_EXTRACT] = {.keyed_by = 1,
                             .by_type[OD_TYPE_TIMESTAMP] = od_kernel_extract_timestamp,
                             .by_type[OD_TYPE_DATE] = od_kernel_extract_date},
    [OD_FUNCTION_DATE_TRUNC] = {.keyed_by = 1, .by_type[OD_TYPE_TIMESTAMP] = od_kernel_date_trunc},
};
_Static_assert(sizeof(kernel_rows) / sizeof(kernel_rows[0]) == OD_FUNCTION_COUNT,
               "every function has a kernel");

const struct od_kernel_row *od_kernel_row(enum od_function function)
{
    od_assert((unsigned)function < OD_FUNCTION_COUNT);
    return &kernel_rows[function];
}
