/* conditional: CASE and COALESCE: each branch is evaluated on the rows that reach it, and on no other.
 *
 *   left: rows that nothing has answered yet       picks[i]: which branch answered row i
 *     condition k over `left`  -> hits             rows[i]:  and in which row of that branch's column
 *     value k over `hits`      -> sources[k]
 *     left = left without hits                     in the end the pieces are stitched together
 *
 * So an error is raised only where PostgreSQL would raise it too. Selections here carry two lists side by
 * side: the rows of the batch, and the positions in the result. */
#include "engine/expr/kernel.h"

#include "engine/core/assert.h"

/* Rows that are still to be answered. */
struct open_rows {
    uint32_t *rows;      /* of the batch */
    uint32_t *positions; /* in the result */
    uint32_t count;
};

struct branches {
    const struct od_evaluation *evaluation;
    struct od_column *sources; /* one a branch */
    uint32_t source_count;
    uint32_t *picks;       /* by position */
    uint32_t *rows;        /* by position */
    struct open_rows left; /* what nothing has answered yet */
    struct open_rows hits; /* what goes to the branch at hand; refilled for each */
};

static enum od_status branches_init(struct branches *branches, const struct od_evaluation *evaluation,
                                    const struct od_selection *selection, uint32_t source_count)
{
    size_t count = selection->count;
    OD_TAKE_LIST(uint32_t, lists, evaluation->batch_arena, count * 6, evaluation->error);
    *branches = (struct branches){.evaluation = evaluation,
                                  .picks = lists,
                                  .rows = lists + count,
                                  .left = {lists + count * 2, lists + count * 3, selection->count},
                                  .hits = {lists + count * 4, lists + count * 5, 0}};
    OD_TAKE(branches->sources, evaluation->batch_arena, source_count, evaluation->error);
    for (uint32_t i = 0; i < count; i++) {
        branches->rows[i] = OD_ROW_NULL;
        branches->left.rows[i] = selection->rows == NULL ? i : selection->rows[i];
        branches->left.positions[i] = i;
    }
    return OD_OK;
}

/* A list of all rows of the batch, in order, is no selection at all: then columns need no gathering. */
static enum od_status evaluate(struct branches *branches, const struct od_expr *expr, const struct open_rows *open,
                               struct od_operand *operand_out)
{
    bool is_whole = open->count == branches->evaluation->batch->row_count;
    struct od_selection selection = {.rows = is_whole ? NULL : open->rows, .count = open->count};
    return od_evaluate_operand(branches->evaluation, expr, &selection, operand_out);
}

static void note(struct branches *branches, uint32_t position, uint32_t row)
{
    branches->picks[position] = branches->source_count;
    branches->rows[position] = row;
}

/* Moves the rows in which `operand` (over `left`) hits from `left` to `hits`: where it is true, or (is_value) not NULL, and then
 * it is their answer, too. */
static void split(struct branches *branches, const struct od_operand *operand, bool is_value)
{
    struct open_rows left = branches->left;
    branches->left.count = branches->hits.count = 0;
    for (uint32_t i = 0; i < left.count; i++) {
        bool hits = !od_operand_is_null(operand, i) &&
                    (is_value || od_bit(operand->column.values, i * operand->step));
        if (hits && is_value)
            note(branches, left.positions[i], i * operand->step);
        struct open_rows *target = hits ? &branches->hits : &branches->left;
        target->rows[target->count] = left.rows[i];
        target->positions[target->count++] = left.positions[i];
    }
}

/* Evaluates a value over some rows and notes where they find it. */
static enum od_status answer(struct branches *branches, const struct od_expr *value, const struct open_rows *open)
{
    struct od_operand operand;
    if (open->count == 0)
        return OD_OK;
    OD_TRY(evaluate(branches, value, open, &operand));
    branches->sources[branches->source_count] = operand.column;
    for (uint32_t i = 0; i < open->count; i++)
        note(branches, open->positions[i], i * operand.step);
    branches->source_count++;
    return OD_OK;
}

static enum od_status branches_stitch(const struct branches *branches, const struct od_expr *expr,
                                      uint32_t row_count, struct od_column *column_out)
{
    struct od_gather gather = {.type = expr->type,
                               .count = row_count,
                               .columns = branches->sources,
                               .picks = branches->picks,
                               .rows = branches->rows};
    return od_gather_column(&gather, branches->evaluation->batch_arena, column_out,
                            branches->evaluation->error);
}

enum od_status od_lazy_case(const struct od_evaluation *evaluation, const struct od_expr *expr,
                            const struct od_selection *selection, struct od_column *column_out)
{
    struct branches branches;
    uint32_t last = expr->argument_count - 1;
    OD_TRY(branches_init(&branches, evaluation, selection, expr->argument_count));
    for (uint32_t k = 0; k < last && branches.left.count > 0; k += 2) {
        struct od_operand condition;
        OD_TRY(evaluate(&branches, expr->arguments[k], &branches.left, &condition));
        split(&branches, &condition, false);
        OD_TRY(answer(&branches, expr->arguments[k + 1], &branches.hits));
    }
    OD_TRY(answer(&branches, expr->arguments[last], &branches.left));
    return branches_stitch(&branches, expr, selection->count, column_out);
}

enum od_status od_lazy_coalesce(const struct od_evaluation *evaluation, const struct od_expr *expr,
                                const struct od_selection *selection, struct od_column *column_out)
{
    struct branches branches;
    OD_TRY(branches_init(&branches, evaluation, selection, expr->argument_count));
    for (uint32_t k = 0; k < expr->argument_count && branches.left.count > 0; k++) {
        struct od_operand value;
        OD_TRY(evaluate(&branches, expr->arguments[k], &branches.left, &value));
        branches.sources[k] = value.column;
        split(&branches, &value, true);
        branches.source_count++;
    }
    return branches_stitch(&branches, expr, selection->count, column_out);
}
