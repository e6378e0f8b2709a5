/* plan_rewrite: makes a node like another one, with other inputs or expressions. Internal to this folder. */
#ifndef OD_PLAN_PLAN_REWRITE_H
#define OD_PLAN_PLAN_REWRITE_H

#include "engine/plan/logical.h"

/* A node of the same kind, names and clauses over these inputs, which have the same column types at the same
 * places. The same node when the inputs are the ones that it has. NO_MEMORY. */
enum od_status od_plan_with_inputs(struct od_arena *plan_arena, const struct od_plan *plan,
                                   const struct od_plan *const *inputs, const struct od_plan **plan_out,
                                   struct od_error *error);

/* Every expression of the node goes through `rewrite`; the same node when none changed. `rewrite` keeps
 * types. */
struct od_expr_rewriter {
    enum od_status (*rewrite)(void *self, const struct od_expr *expr, const struct od_expr **expr_out,
                              struct od_error *error);
    void *self;
};
enum od_status od_plan_with_exprs(struct od_arena *plan_arena, const struct od_plan *plan,
                                  const struct od_plan *const *inputs,
                                  const struct od_expr_rewriter *rewriter, const struct od_plan **plan_out,
                                  struct od_error *error);

#endif
