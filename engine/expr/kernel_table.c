/* kernel_table: the kernels that the catalogue's rows name (plan/function.h), by function and overload. */
#include "engine/expr/kernel.h"

#include "engine/core/assert.h"

#define KERNELS_MAX 7

#define K(name) {.column = od_kernel_##name}
#define R(name) {.row = od_row_##name}
#define L(name) {.lazy = od_lazy_##name}
static const struct od_kernel_entry entries[OD_FUNCTION_COUNT][KERNELS_MAX] = {
#define X(name, text, style, signatures, ...) [OD_FUNCTION_##name] = {__VA_ARGS__},
    OD_FUNCTION_LIST(X)
#undef X
};

static bool is_empty(const struct od_kernel_entry *entry)
{
    return entry->column == NULL && entry->row == NULL && entry->lazy == NULL;
}

const struct od_kernel_entry *od_kernel_entry(const struct od_expr *call)
{
    od_assert((unsigned)call->function < OD_FUNCTION_COUNT);
    const struct od_kernel_entry *of_function = entries[call->function];
    uint32_t overload = call->overload < KERNELS_MAX ? call->overload : KERNELS_MAX - 1;
    while (is_empty(&of_function[overload])) /* the last one serves those behind it */
        overload--;
    return &of_function[overload];
}
