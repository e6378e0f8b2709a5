/* kernel: the contract between the walk over an expression tree (evaluate.c) and the functions' families.
 *
 *   evaluate.c  --- operands of one call, all rows at once --->  kernel  ---> column
 *               <-- od_evaluate_operand, for lazy functions ---
 *
 * Three kinds of function:
 *   STRICT  NULL in, NULL out. The walk combines the arguments' validity; the kernel computes the valid rows
 *           only and leaves zero in the others. Most functions.
 *   OPEN    sees NULLs itself (is null, is distinct from, greatest...).
 *   LAZY    evaluates its arguments itself, each on the rows that need it (and, or, case, coalesce).
 *
 * A kernel computes a column, or is one row long and run by the loop in rows.c.
 *
 * An operand is a column with a step: 1 for a column of call->row_count rows, 0 for a literal, whose one row
 * stands for all. So a literal is never spread out. Row i of an operand is row i * step of its column.
 *
 * The column of a result that is not text is there already: *column_out, without NULLs, over `results`, which is zero
 * wherever a kernel may leave it alone (rows with a NULL, bits). A kernel fills that, or writes a *column_out of its own; what
 * that points to lives in the arena. For this folder only. */
#ifndef OD_EXPR_KERNEL_H
#define OD_EXPR_KERNEL_H

#include "engine/core/buffer.h"
#include "engine/expr/evaluate.h"

struct od_operand {
    struct od_column column;
    uint32_t step; /* 1, or 0: row 0 stands for every row */
};

struct od_evaluation {
    const struct od_batch *batch;
    struct od_arena *batch_arena;
    struct od_error *error;
};

struct od_kernel_call {
    const struct od_expr *expr;
    const struct od_operand *arguments;
    uint32_t row_count;
    const uint8_t *validity; /* STRICT: rows whose arguments are all valid; NULL: every row. OPEN: NULL */
    void *results;           /* see above; NULL for text */
    struct od_column *column_out;
    struct od_arena *batch_arena;
    struct od_error *error;
};

typedef enum od_status (*od_kernel)(const struct od_kernel_call *call);
typedef enum od_status (*od_lazy_kernel)(const struct od_evaluation *evaluation, const struct od_expr *expr,
                                         const struct od_selection *selection, struct od_column *column_out);

/* One row of a function that is not worth a loop of its own (rows.c has the loop). It sets what `result` holds, whose type
 * is there already, or appends to `text` where that is the type. STRICT functions see no NULL. */
struct od_row {
    const struct od_expr *expr;
    const struct od_value *arguments; /* expr->argument_count */
    struct od_value result;
    struct od_buffer *text;
    struct od_error *error;
};
typedef enum od_status (*od_row_function)(struct od_row *row);

/* One of the three. */
struct od_kernel_entry {
    od_kernel column;
    od_row_function row;
    od_lazy_kernel lazy;
};
/* For a call: its function's and overload's. */
const struct od_kernel_entry *od_kernel_entry(const struct od_expr *call);

/* evaluate.c: an argument for the selected rows. */
enum od_status od_evaluate_operand(const struct od_evaluation *evaluation, const struct od_expr *expr,
                                   const struct od_selection *selection, struct od_operand *operand_out);

/* rows.c: a column by way of a row function. */
enum od_status od_run_rows(const struct od_kernel_call *call, od_row_function function);

/* arithmetic.c: what may go wrong in a row, as bits that a loop ORs together and looks at once. */
enum od_fault {
    OD_FAULT_INTEGER = 1,
    OD_FAULT_BIGINT = 2,
    OD_FAULT_DIVISION = 4,
    OD_FAULT_OVERFLOW = 8,
    OD_FAULT_UNDERFLOW = 16,
    OD_FAULT_DATE = 32,
    OD_FAULT_SQRT = 64,
    OD_FAULT_NUMERIC = 128,
    OD_FAULT_TIMESTAMP = 256,
    OD_FAULT_NO_NUMERIC = 512
};
enum od_status od_kernel_finish(const struct od_kernel_call *call, unsigned faults);
/* A kernel of one argument: a loop around `operation(value, &result)`, which returns faults. */
#define OD_UNARY_KERNEL(name, from_type, to_type, operation)                                                 \
    enum od_status name(const struct od_kernel_call *call)                     \
    {                                                                                                        \
        const from_type *values = call->arguments[0].column.values;                                          \
        uint32_t step = call->arguments[0].step;                                                             \
        to_type *results = call->results;                                                                    \
        unsigned faults = 0;                                                                                 \
        for (uint32_t i = 0; i < call->row_count; i++) {                                                     \
            if (od_call_row_is_valid(call, i))                                                               \
                faults |= operation(values[i * step], &results[i]);                                          \
        }                                                                                                    \
        return od_kernel_finish(call, faults);                                                               \
    }

/* evaluate.c: an operand as a column of row_count rows. */
enum od_status od_operand_spread(const struct od_operand *operand, uint32_t row_count, struct od_arena *arena,
                                 struct od_column *column_out, struct od_error *error);
/* Every kernel that the catalogue (plan/function.h) names. */
#define K(name) od_kernel_##name(const struct od_kernel_call *call)
#define R(name) od_row_##name(struct od_row *row)
#define L(name)                                                                                              \
    od_lazy_##name(const struct od_evaluation *evaluation, const struct od_expr *expr,                       \
                   const struct od_selection *selection, struct od_column *column_out)
#define X(function, text, style, signatures, ...) enum od_status __VA_ARGS__;
OD_FUNCTION_LIST(X)
#undef X
#undef K
#undef R
#undef L

/* --- small things that every family needs --------------------------------------------------------------- */

static inline bool od_call_row_is_valid(const struct od_kernel_call *call, uint32_t row)
{
    return call->validity == NULL || od_bit(call->validity, row);
}
static inline bool od_operand_is_null(const struct od_operand *operand, uint32_t row)
{
    return od_column_is_null(&operand->column, row * operand->step);
}
/* A slice of text. */
struct span {
    const char *at;
    const char *end;
};
/* Of a valid row. */
static inline struct span od_operand_span(const struct od_operand *operand, uint32_t row)
{
    const int32_t *offsets = operand->column.offsets + (size_t)row * operand->step;
    const char *bytes = (const char *)operand->column.bytes;
    return (struct span){bytes + offsets[0], bytes + offsets[1]};
}
static inline bool od_begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}
/* Bytes of the character at the front of a text that is not empty. */
static inline size_t od_character_bytes(struct span text)
{
    size_t bytes = 1;
    while (text.at + bytes < text.end && !od_begins_character(text.at[bytes]))
        bytes++;
    return bytes;
}
/* Bits behind the last row are zero in every bitmap that leaves a kernel. */
static inline void od_bits_clear_tail(uint8_t *bits, uint32_t count)
{
    if ((count & 7) != 0)
        bits[count >> 3] &= (uint8_t)((1u << (count & 7)) - 1);
}
/* NULL when all `count` bits are set: a column without NULLs says so by having no bitmap. */
static inline const uint8_t *od_validity_or_null(const uint8_t *bits, uint32_t count)
{
    return bits != NULL && od_bitmap_count_zeros(bits, 0, count) == 0 ? NULL : bits;
}
static inline enum od_status od_row_fail(struct od_row *row, const char *text)
{
    return od_fail(row->error, OD_EVALUATION, "%s", text);
}
static inline enum od_status od_kernel_no_memory(struct od_error *error)
{
    return od_fail(error, OD_NO_MEMORY, "evaluating an expression");
}

#endif
