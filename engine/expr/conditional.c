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

struct branches {
    const struct od_evaluation *evaluation;
    struct od_column *sources; /* one a branch */
    uint32_t source_count;
    uint32_t *picks; /* by position */
    uint32_t *rows;  /* by position */
    /* What nothing has answered yet. */
    uint32_t *left_rows;
    uint32_t *left_positions;
    uint32_t left_count;
    /* What goes to the branch at hand; refilled for each. */
    uint32_t *hit_rows;
    uint32_t *hit_positions;
    uint32_t hit_count;
};

static enum od_status branches_init(struct branches *branches, const struct od_evaluation *evaluation,
                                    const struct od_selection *selection, uint32_t source_count)
{
    uint32_t count = selection->count;
    *branches = (struct branches){.evaluation = evaluation, .left_count = count};
    OD_TAKE_LIST(uint32_t, lists, evaluation->batch_arena, (size_t)count * 6, evaluation->error);
    OD_TAKE(branches->sources, evaluation->batch_arena, source_count, evaluation->error);
    branches->picks = lists;
    branches->rows = lists + count;
    branches->left_rows = lists + (size_t)count * 2;
    branches->left_positions = lists + (size_t)count * 3;
    branches->hit_rows = lists + (size_t)count * 4;
    branches->hit_positions = lists + (size_t)count * 5;
    for (uint32_t i = 0; i < count; i++) {
        branches->picks[i] = 0;
        branches->rows[i] = OD_ROW_NULL;
        branches->left_rows[i] = selection->rows == NULL ? i : selection->rows[i];
        branches->left_positions[i] = i;
    }
    return OD_OK;
}

/* A list of all rows of the batch, in order, is no selection at all: then columns need no gathering. */
static struct od_selection selection_of(const struct branches *branches, const uint32_t *rows, uint32_t count)
{
    bool is_whole = count == branches->evaluation->batch->row_count;
    return (struct od_selection){.rows = is_whole ? NULL : rows, .count = count};
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
    uint32_t kept = 0;
    branches->hit_count = 0;
    for (uint32_t i = 0; i < branches->left_count; i++) {
        uint32_t row = branches->left_rows[i];
        uint32_t position = branches->left_positions[i];
        bool hits = !od_operand_is_null(operand, i) &&
                    (is_value || od_bit(operand->column.values, i * operand->step));
        if (hits && is_value)
            note(branches, position, i * operand->step);
        if (hits) {
            branches->hit_rows[branches->hit_count] = row;
            branches->hit_positions[branches->hit_count++] = position;
        } else {
            branches->left_rows[kept] = row;
            branches->left_positions[kept++] = position;
        }
    }
    branches->left_count = kept;
}

static enum od_status evaluate_left(struct branches *branches, const struct od_expr *expr,
                                    struct od_operand *operand_out)
{
    struct od_selection left = selection_of(branches, branches->left_rows, branches->left_count);
    return od_evaluate_operand(branches->evaluation, expr, &left, operand_out);
}

/* Evaluates a value over some rows and notes where they find it. */
static enum od_status answer(struct branches *branches, const struct od_expr *value, const uint32_t *rows,
                             const uint32_t *positions, uint32_t count)
{
    struct od_operand operand;
    struct od_selection selection = selection_of(branches, rows, count);
    if (count == 0)
        return OD_OK;
    OD_TRY(od_evaluate_operand(branches->evaluation, value, &selection, &operand));
    branches->sources[branches->source_count] = operand.column;
    for (uint32_t i = 0; i < count; i++)
        note(branches, positions[i], i * operand.step);
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
    for (uint32_t k = 0; k < last && branches.left_count > 0; k += 2) {
        struct od_operand condition;
        OD_TRY(evaluate_left(&branches, expr->arguments[k], &condition));
        split(&branches, &condition, false);
        OD_TRY(answer(&branches, expr->arguments[k + 1], branches.hit_rows, branches.hit_positions,
                      branches.hit_count));
    }
    OD_TRY(answer(&branches, expr->arguments[last], branches.left_rows, branches.left_positions,
                  branches.left_count));
    return branches_stitch(&branches, expr, selection->count, column_out);
}

enum od_status od_lazy_coalesce(const struct od_evaluation *evaluation, const struct od_expr *expr,
                                const struct od_selection *selection, struct od_column *column_out)
{
    struct branches branches;
    OD_TRY(branches_init(&branches, evaluation, selection, expr->argument_count));
    for (uint32_t k = 0; k < expr->argument_count && branches.left_count > 0; k++) {
        struct od_operand value;
        OD_TRY(evaluate_left(&branches, expr->arguments[k], &value));
        branches.sources[k] = value.column;
        split(&branches, &value, true);
        branches.source_count++;
    }
    return branches_stitch(&branches, expr, selection->count, column_out);
}
