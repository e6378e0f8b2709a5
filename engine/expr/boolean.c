/* boolean: and, or, not, is null, is true and their kin, on whole bytes of bits.
 *
 * AND and OR of three-valued logic, n-ary, from left to right. Two bitmaps are carried along:
 *
 *            decided: some argument settled it     sure: every argument so far was the neutral one
 *   AND      some argument is false                all are true
 *   OR       some argument is true                 all are false
 *
 * In the end a row is settled, or all neutral, or NULL. An argument that cannot fail is evaluated on all rows
 * and combined byte by byte; one that can fail is evaluated only where nothing is decided yet, and scattered
 * back. */
#include "engine/expr/kernel.h"

#include <string.h>

#include "engine/core/assert.h"

struct connective {
    const struct od_evaluation *evaluation;
    const struct od_selection *selection;
    bool is_and;
    uint8_t *decided;
    uint8_t *sure;
};

/* A literal's bit, for eight rows. */
static inline uint8_t all_bits(bool bit)
{
    return bit ? 0xff : 0;
}

/* The settling and the neutral rows among eight. */
static inline uint8_t settling(bool is_and, uint8_t value, uint8_t valid)
{
    return is_and ? valid & (uint8_t)~value : value & valid;
}
static inline uint8_t neutral(bool is_and, uint8_t value, uint8_t valid)
{
    return settling(!is_and, value, valid);
}

static enum od_status combine_all_rows(struct connective *connective, const struct od_expr *argument)
{
    struct od_operand operand;
    OD_TRY(od_evaluate_operand(connective->evaluation, argument, connective->selection, &operand));
    size_t size = od_bitmap_bytes(connective->selection->count);
    const uint8_t *values = operand.column.values;
    bool is_literal = operand.step == 0;
    for (size_t j = 0; j < size; j++) {
        uint8_t value = is_literal ? all_bits(values[0] & 1) : values[j];
        uint8_t valid = 0xff;
        if (operand.column.validity != NULL)
            valid = is_literal ? all_bits(operand.column.validity[0] & 1) : operand.column.validity[j];
        connective->decided[j] |= settling(connective->is_and, value, valid);
        connective->sure[j] &= neutral(connective->is_and, value, valid);
    }
    return OD_OK;
}

/* Positions (in the selection) that no argument has decided, and the batch rows they stand for. */
static enum od_status undecided(const struct connective *connective, uint32_t **positions_out,
                                struct od_selection *left_out)
{
    const struct od_selection *selection = connective->selection;
    struct od_arena *arena = connective->evaluation->batch_arena;
    uint32_t *positions = od_arena_take_raw(arena, selection->count * sizeof(*positions));
    uint32_t *rows = od_arena_take_raw(arena, selection->count * sizeof(*rows));
    *positions_out = positions;
    if (positions == NULL || rows == NULL)
        return od_kernel_no_memory(connective->evaluation->error);
    uint32_t count = 0;
    for (uint32_t i = 0; i < selection->count; i++) {
        if (od_bit(connective->decided, i))
            continue;
        positions[count] = i;
        rows[count] = selection->rows == NULL ? i : selection->rows[i];
        count++;
    }
    *left_out = (struct od_selection){.rows = rows, .count = count};
    return OD_OK;
}

static enum od_status combine_undecided_rows(struct connective *connective, const struct od_expr *argument)
{
    struct od_operand operand;
    struct od_selection left = {0};
    uint32_t *positions = NULL;
    OD_TRY(undecided(connective, &positions, &left));
    if (left.count > 0)
        OD_TRY(od_evaluate_operand(connective->evaluation, argument, &left, &operand));
    for (uint32_t i = 0; i < left.count; i++) {
        uint32_t row = i * operand.step;
        uint32_t at = positions[i];
        uint8_t value = od_bit(operand.column.values, row);
        uint8_t valid = !od_column_is_null(&operand.column, row);
        od_bitmap_put(connective->decided, at, settling(connective->is_and, value, valid) & 1);
        if ((neutral(connective->is_and, value, valid) & 1) == 0)
            connective->sure[at >> 3] &= (uint8_t) ~(1u << (at & 7));
    }
    return OD_OK;
}

enum od_status od_lazy_connective(const struct od_evaluation *evaluation, const struct od_expr *expr,
                                  const struct od_selection *selection, struct od_column *column_out)
{
    size_t size = od_bitmap_bytes(selection->count);
    struct connective connective = {.evaluation = evaluation,
                                    .selection = selection,
                                    .is_and = expr->function == OD_FUNCTION_AND,
                                    .decided = od_arena_take(evaluation->batch_arena, size),
                                    .sure = od_arena_take(evaluation->batch_arena, size)};
    uint8_t *validity = od_arena_take(evaluation->batch_arena, size);
    if (connective.decided == NULL || connective.sure == NULL || validity == NULL)
        return od_kernel_no_memory(evaluation->error);
    memset(connective.sure, 0xff, size);
    for (uint32_t k = 0; k < expr->argument_count; k++) {
        const struct od_expr *argument = expr->arguments[k];
        OD_TRY(k > 0 && argument->may_fail ? combine_undecided_rows(&connective, argument)
                                           : combine_all_rows(&connective, argument));
        od_bits_clear_tail(connective.decided, selection->count);
    }
    od_bits_clear_tail(connective.sure, selection->count);
    for (size_t j = 0; j < size; j++)
        validity[j] = connective.decided[j] | connective.sure[j];
    *column_out = (struct od_column){.type = OD_TYPE_BOOLEAN,
                                     .row_count = selection->count,
                                     .validity = od_validity_or_null(validity, selection->count),
                                     .values = connective.is_and ? connective.sure : connective.decided};
    return OD_OK;
}

/* --- one argument --------------------------------------------------------------------------------------- */

static inline uint8_t byte_of(const uint8_t *bits, uint32_t step, size_t j)
{
    return step == 1 ? bits[j] : all_bits(bits[0] & 1);
}

enum od_status od_kernel_not(const struct od_kernel_call *call, struct od_column *column_out)
{
    const struct od_operand *operand = &call->arguments[0];
    uint8_t *bits = od_results_new(call, column_out);
    if (bits == NULL)
        return OD_NO_MEMORY;
    for (size_t j = 0; j < od_bitmap_bytes(call->row_count); j++) {
        uint8_t valid = call->validity == NULL ? 0xff : call->validity[j];
        bits[j] = (uint8_t)~byte_of(operand->column.values, operand->step, j) & valid;
    }
    od_bits_clear_tail(bits, call->row_count);
    return OD_OK;
}

/* Eight rows' worth of ones where the argument is not NULL. */
static inline uint8_t valid_byte(const struct od_operand *operand, size_t j)
{
    return operand->column.validity == NULL ? 0xff : byte_of(operand->column.validity, operand->step, j);
}

enum od_status od_kernel_null_test(const struct od_kernel_call *call, struct od_column *column_out)
{
    bool when_null = call->expr->function == OD_FUNCTION_IS_NULL;
    uint8_t *bits = od_results_new(call, column_out);
    if (bits == NULL)
        return OD_NO_MEMORY;
    for (size_t j = 0; j < od_bitmap_bytes(call->row_count); j++)
        bits[j] = valid_byte(&call->arguments[0], j) ^ all_bits(when_null);
    od_bits_clear_tail(bits, call->row_count);
    return OD_OK;
}

/* is true, is false: NULL is neither. */
enum od_status od_kernel_truth_test(const struct od_kernel_call *call, struct od_column *column_out)
{
    const struct od_operand *operand = &call->arguments[0];
    bool when_false = call->expr->function == OD_FUNCTION_IS_FALSE;
    uint8_t *bits = od_results_new(call, column_out);
    if (bits == NULL)
        return OD_NO_MEMORY;
    for (size_t j = 0; j < od_bitmap_bytes(call->row_count); j++)
        bits[j] = (byte_of(operand->column.values, operand->step, j) ^ all_bits(when_false)) &
                  valid_byte(operand, j);
    od_bits_clear_tail(bits, call->row_count);
    return OD_OK;
}
