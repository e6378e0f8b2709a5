/* evaluate: expressions over batches, vectorised, with a selection.
 *
 * A selection is a list of row numbers in rising order. Only selected rows are evaluated, so CASE, AND, OR
 * and COALESCE can guard what would fail: an error is raised only for a row that PostgreSQL would evaluate
 * too. */
#ifndef OD_EXPR_EVALUATE_H
#define OD_EXPR_EVALUATE_H

#include "engine/data/batch.h"
#include "engine/plan/expr.h"

struct od_selection {
    const uint32_t *rows; /* NULL: rows 0 .. count-1 */
    uint32_t count;
};

/* Result: a column of selection->count rows (row i belongs to the i-th selected row). It lives in
 * batch_arena, or in `batch` when the expression is a bare column and every row is selected. EVALUATION,
 * NO_MEMORY. */
enum od_status od_evaluate(const struct od_expr *expr, const struct od_batch *batch,
                           const struct od_selection *selection, struct od_arena *batch_arena,
                           struct od_column *column_out, struct od_error *error);
/* Rows of the selection for which a boolean expression is true (not false, not NULL); lives in batch_arena. The two selections
 * may be one and the same. EVALUATION, NO_MEMORY. */
enum od_status od_evaluate_true(const struct od_expr *predicate, const struct od_batch *batch,
                                const struct od_selection *selection, struct od_arena *batch_arena,
                                struct od_selection *selection_out, struct od_error *error);
/* As above for a WHERE or a join's condition: the conjuncts of a filter are asked one after the other, and a row for which one is not true is asked no further:
 * unlike AND in an expression, where NULL decides nothing (PostgreSQL's ExecQual). */
enum od_status od_evaluate_filter(const struct od_expr *predicate, const struct od_batch *batch,
                                  const struct od_selection *selection, struct od_arena *batch_arena,
                                  struct od_selection *selection_out, struct od_error *error);
/* For constant folding: an expression without columns. */
enum od_status od_evaluate_constant(const struct od_expr *expr, struct od_arena *arena,
                                    struct od_value *value_out, struct od_error *error);

#endif
