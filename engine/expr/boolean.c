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

static inline uint8_t all_bits(bool bit)
{
    return bit ? 0xff : 0;
}
/* Eight rows of an operand: their bits, and ones where they are not NULL. */
static inline uint8_t value_byte(const struct od_operand *operand, size_t j)
{
    const uint8_t *bits = operand->column.values;
    return operand->step == 1 ? bits[j] : all_bits(bits[0] & 1);
}
static inline uint8_t valid_byte(const struct od_operand *operand, size_t j)
{
    const uint8_t *bits = operand->column.validity;
    return bits == NULL ? 0xff : operand->step == 1 ? bits[j] : all_bits(bits[0] & 1);
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
    for (size_t j = 0; j < size; j++) {
        uint8_t value = value_byte(&operand, j);
        uint8_t valid = valid_byte(&operand, j);
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
    OD_TAKE_LIST(uint32_t, positions, arena, selection->count, connective->evaluation->error);
    OD_TAKE_LIST(uint32_t, rows, arena, selection->count, connective->evaluation->error);
    *positions_out = positions;
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
    OD_TAKE_LIST(uint8_t, decided, evaluation->batch_arena, size, evaluation->error);
    OD_TAKE_LIST(uint8_t, sure, evaluation->batch_arena, size, evaluation->error);
    OD_TAKE_LIST(uint8_t, validity, evaluation->batch_arena, size, evaluation->error);
    struct connective connective = {evaluation, selection, expr->function == OD_FUNCTION_AND, decided, sure};
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

enum od_status od_kernel_null_test(const struct od_kernel_call *call)
{
    bool when_null = call->expr->function == OD_FUNCTION_IS_NULL;
    uint8_t *bits = call->results;
    for (size_t j = 0; j < od_bitmap_bytes(call->row_count); j++)
        bits[j] = valid_byte(&call->arguments[0], j) ^ all_bits(when_null);
    od_bits_clear_tail(bits, call->row_count);
    return OD_OK;
}

/* not, is true, is false: NULL is neither. */
enum od_status od_kernel_truth_test(const struct od_kernel_call *call)
{
    const struct od_operand *operand = &call->arguments[0];
    bool when_true = call->expr->function == OD_FUNCTION_IS_TRUE;
    uint8_t *bits = call->results;
    for (size_t j = 0; j < od_bitmap_bytes(call->row_count); j++)
        bits[j] = (value_byte(operand, j) ^ all_bits(!when_true)) & valid_byte(operand, j);
    od_bits_clear_tail(bits, call->row_count);
    return OD_OK;
}
