/* evaluate: the walk over an expression tree, one call at a time, each over all selected rows.
 *
 *   (delay + 1) > 15     operand: column delay  --+
 *                        operand: literal 1     --+--> add kernel --> column --+
 *                        operand: literal 15                                 --+--> compare kernel --> column
 *
 * Rows of a result are positions in the selection, so everything above a column reference works on dense
 * columns and a selection matters at the leaves only. A column is passed on as it is when every row is
 * selected, else gathered; a literal is one row with step 0 and spread out only when it is the whole
 * expression.
 *
 * Everything made here lives in the batch_arena. The recursion is as deep as the expression. */
#include "engine/expr/evaluate.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/expr/kernel.h"

#define OPERANDS_ON_STACK 4

/* --- leaves --------------------------------------------------------------------------------------------- */

enum od_status od_operand_spread(const struct od_operand *operand, uint32_t row_count, struct od_arena *arena,
                                 struct od_column *column_out, struct od_error *error)
{
    OD_TAKE_LIST(uint32_t, rows, arena, row_count, error);
    for (uint32_t i = 0; i < row_count; i++)
        rows[i] = i * operand->step;
    return od_column_gather(&operand->column, rows, row_count, arena, column_out, error);
}

static enum od_status column_operand(const struct od_evaluation *evaluation, const struct od_expr *expr,
                                     const struct od_selection *selection, struct od_operand *operand)
{
    od_assert(expr->column_index < evaluation->batch->schema->field_count);
    const struct od_column *column = &evaluation->batch->columns[expr->column_index];
    struct od_operand whole = {.column = *column, .step = 1};
    od_assert(column->type == expr->type);
    if (selection->rows != NULL)
        return od_column_gather(column, selection->rows, selection->count, evaluation->batch_arena,
                                &operand->column, evaluation->error);
    od_assert(selection->count <= column->row_count);
    if (selection->count < column->row_count)
        return od_operand_spread(&whole, selection->count, evaluation->batch_arena, &operand->column,
                                 evaluation->error);
    *operand = whole;
    return OD_OK;
}

static enum od_status literal_operand(const struct od_evaluation *evaluation, const struct od_expr *expr,
                                      struct od_operand *operand)
{
    static const uint8_t null_bit[1];
    OD_TAKE_LIST(uint64_t, cell, evaluation->batch_arena, 4, evaluation->error);
    struct od_column column = {.type = expr->type, .row_count = 1};
    if (expr->literal.is_null)
        column.validity = null_bit;
    if (expr->type == OD_TYPE_TEXT) {
        ((int32_t *)cell)[1] = expr->literal.is_null ? 0 : (int32_t)expr->literal.text.size;
        column.offsets = (const int32_t *)cell;
        column.bytes =
            expr->literal.is_null ? (const uint8_t *)cell : (const uint8_t *)expr->literal.text.bytes;
    } else {
        column.values = cell;
        if (!expr->literal.is_null)
            od_value_put(&expr->literal, cell, 0);
    }
    *operand = (struct od_operand){.column = column, .step = 0};
    return OD_OK;
}

/* --- calls ---------------------------------------------------------------------------------------------- */

/* The rows in which every argument is valid; NULL when that is all of them. */
static enum od_status combine_validity(struct od_kernel_call *call)
{
    size_t size = od_bitmap_bytes(call->row_count);
    uint8_t *combined = NULL;
    bool shares = true; /* `validity` is an argument's own */
    for (uint32_t k = 0; k < call->expr->argument_count; k++) {
        const struct od_operand *operand = &call->arguments[k];
        if (operand->column.validity == NULL || (operand->step == 0 && od_bit(operand->column.validity, 0)))
            continue;
        if (call->validity == NULL && operand->step == 1) {
            call->validity = operand->column.validity;
            continue;
        }
        if (combined == NULL)
            OD_TAKE(combined, call->batch_arena, size, call->error);
        for (size_t j = 0; operand->step == 1 && j < size; j++)
            combined[j] = (shares ? call->validity[j] : combined[j]) & operand->column.validity[j];
        if (operand->step == 0)
            memset(combined, 0, size);
        call->validity = combined;
        shares = false;
    }
    return OD_OK;
}

/* Without NULLs every value is written, so that only bits need zeros. */
static enum od_status results_new(struct od_kernel_call *call, bool is_whole)
{
    enum od_type type = call->expr->type;
    bool needs_zeros = !is_whole || type == OD_TYPE_BOOLEAN;
    size_t bytes = od_values_bytes(type, call->row_count);
    if (type == OD_TYPE_TEXT)
        return OD_OK;
    call->results = (needs_zeros ? od_arena_take : od_arena_take_raw)(call->batch_arena, bytes);
    *call->column_out =
        (struct od_column){.type = type, .row_count = call->row_count, .values = call->results};
    return call->results == NULL ? od_kernel_no_memory(call->error) : OD_OK;
}

static enum od_status call_column(const struct od_evaluation *evaluation, const struct od_expr *expr,
                                  const struct od_selection *selection, struct od_column *column_out)
{
    const struct od_kernel_entry *entry = od_kernel_entry(expr);
    bool is_strict = od_function_style(expr->function) == OD_STYLE_STRICT;
    if (entry->lazy != NULL)
        return entry->lazy(evaluation, expr, selection, column_out);
    struct od_operand on_stack[OPERANDS_ON_STACK];
    struct od_operand *operands = on_stack;
    struct od_kernel_call call = {.expr = expr,
                                  .row_count = selection->count,
                                  .column_out = column_out,
                                  .batch_arena = evaluation->batch_arena,
                                  .error = evaluation->error};
    if (expr->argument_count > OPERANDS_ON_STACK)
        OD_TAKE(operands, evaluation->batch_arena, expr->argument_count, evaluation->error);
    for (uint32_t k = 0; k < expr->argument_count; k++)
        OD_TRY(od_evaluate_operand(evaluation, expr->arguments[k], selection, &operands[k]));
    call.arguments = operands;
    if (is_strict)
        OD_TRY(combine_validity(&call));
    OD_TRY(results_new(&call, is_strict && call.validity == NULL));
    OD_TRY(entry->row != NULL ? od_run_rows(&call, entry->row) : entry->column(&call));
    if (is_strict)
        column_out->validity = od_validity_or_null(call.validity, call.row_count);
    od_assert(column_out->type == expr->type);
    od_assert(column_out->row_count == selection->count);
    return OD_OK;
}

enum od_status od_evaluate_operand(const struct od_evaluation *evaluation, const struct od_expr *expr,
                                   const struct od_selection *selection, struct od_operand *operand_out)
{
    *operand_out = (struct od_operand){.step = 1};
    switch (expr->kind) {
    case OD_EXPR_COLUMN:
        return column_operand(evaluation, expr, selection, operand_out);
    case OD_EXPR_LITERAL:
        return literal_operand(evaluation, expr, operand_out);
    case OD_EXPR_CALL:
        return call_column(evaluation, expr, selection, &operand_out->column);
    case OD_EXPR_OUTER:
        break; /* decorrelation leaves none */
    }
    od_unreachable();
}

/* --- what others call ----------------------------------------------------------------------------------- */

enum od_status od_evaluate(const struct od_expr *expr, const struct od_batch *batch,
                           const struct od_selection *selection, struct od_arena *batch_arena,
                           struct od_column *column_out, struct od_error *error)
{
    struct od_evaluation evaluation = {.batch = batch, .batch_arena = batch_arena, .error = error};
    struct od_operand operand;
    *column_out = (struct od_column){0};
    OD_TRY(od_evaluate_operand(&evaluation, expr, selection, &operand));
    if (operand.step == 0)
        return od_operand_spread(&operand, selection->count, batch_arena, column_out, error);
    *column_out = operand.column;
    return OD_OK;
}

enum od_status od_evaluate_true(const struct od_expr *predicate, const struct od_batch *batch,
                                const struct od_selection *selection, struct od_arena *batch_arena,
                                struct od_selection *selection_out, struct od_error *error)
{
    struct od_evaluation evaluation = {.batch = batch, .batch_arena = batch_arena, .error = error};
    struct od_operand operand;
    uint32_t count = 0;
    od_assert(predicate->type == OD_TYPE_BOOLEAN);
    OD_TRY(od_evaluate_operand(&evaluation, predicate, selection, &operand));
    OD_TAKE_LIST(uint32_t, rows, batch_arena, selection->count, error);
    for (uint32_t i = 0; i < selection->count; i++) {
        uint32_t row = i * operand.step;
        rows[count] = selection->rows == NULL ? i : selection->rows[i];
        count += od_bit(operand.column.values, row) && !od_column_is_null(&operand.column, row);
    }
    /* Where it is all of them, columns need no gathering. */
    *selection_out = (struct od_selection){.rows = count == batch->row_count ? NULL : rows, .count = count};
    return OD_OK;
}

enum od_status od_evaluate_filter(const struct od_expr *predicate, const struct od_batch *batch,
                                  const struct od_selection *selection, struct od_arena *batch_arena,
                                  struct od_selection *selection_out, struct od_error *error)
{
    struct od_selection left = *selection;
    if (predicate->kind != OD_EXPR_CALL || predicate->function != OD_FUNCTION_AND)
        return od_evaluate_true(predicate, batch, selection, batch_arena, selection_out, error);
    for (uint32_t k = 0; k < predicate->argument_count; k++)
        OD_TRY(od_evaluate_filter(predicate->arguments[k], batch, &left, batch_arena, &left, error));
    *selection_out = left;
    return OD_OK;
}

enum od_status od_evaluate_constant(const struct od_expr *expr, struct od_arena *arena,
                                    struct od_value *value_out, struct od_error *error)
{
    static const struct od_schema no_fields;
    struct od_batch batch = {.schema = &no_fields, .row_count = 1};
    struct od_selection selection = {.count = 1};
    struct od_column column;
    *value_out = (struct od_value){.type = expr->type, .is_null = true};
    enum od_status status = od_evaluate(expr, &batch, &selection, arena, &column, error);
    if (status == OD_OK)
        *value_out = od_column_value(&column, 0);
    return status;
}
