/* plan_rewrite: nodes seen from outside: which expressions they hold, the same node with others, are two equal? What a rule
 * needs that treats most kinds of nodes alike, and frame/ for a plan's bytes; others see logical.h.
 *
 * A node's clauses are lists of expressions, of things that hold expressions, and of plain numbers; od_plan_clauses says
 * which. Everything below walks these lists, so that a new kind of node is one more row there. */
#ifndef OD_PLAN_PLAN_REWRITE_H
#define OD_PLAN_PLAN_REWRITE_H

#include "engine/plan/logical.h"

enum od_clause_element {
    OD_CLAUSE_NUMBERS,    /* uint32_t */
    OD_CLAUSE_EXPRS,      /* const struct od_expr * */
    OD_CLAUSE_KEYS,       /* struct od_sort_key */
    OD_CLAUSE_AGGREGATES, /* struct od_aggregate */
    OD_CLAUSE_CALLS       /* struct od_window_call */
};
struct od_clause_list {
    enum od_clause_element element;
    uint32_t count;
    const void *items;
    const void **place;    /* where the node points to them; NULL: the item is in the node itself */
    uint32_t *count_place; /* where their number stands; NULL: it follows from other numbers */
};
/* The last list of a node that makes columns makes its last ones: an item is a column (with several rows: in each). Places are
 * for nodes that nobody else has seen yet. */
#define OD_CLAUSE_LISTS_MAX 3
uint32_t od_plan_clauses(const struct od_plan *plan, struct od_clause_list lists[OD_CLAUSE_LISTS_MAX]);
size_t od_clause_item_bytes(enum od_clause_element element);

/* Calls visit for each expression of the node (not of its inputs), in one fixed order; the first for where it stands. */
void od_plan_places(const struct od_plan *plan, void (*visit)(void *self, const struct od_expr **place), void *self);
void od_plan_exprs(const struct od_plan *plan, void (*visit)(void *self, const struct od_expr *expr), void *self);
/* Can an item of a list raise EVALUATION? */
bool od_clause_item_may_fail(const struct od_clause_list *list, uint32_t index);
/* For the node alone, its inputs apart: can an expression, an aggregate, a second row of SINGLE raise EVALUATION? */
bool od_plan_node_may_fail(const struct od_plan *plan);
/* Which outer columns the node's own expressions read: as od_plan.outer_levels. */
uint32_t od_plan_node_outer_levels(const struct od_plan *plan);

/* As all builders do: copies the draft and its lists, then fits them: types are checked and the schema is made. `names`:
 * of the fields that come from expressions, copied; NULL: the draft's own schema has them, or if it has none, the expressions. */
enum od_status od_plan_make(struct od_arena *plan_arena, const struct od_plan *draft, const char *const *names,
                            const struct od_plan **plan_out, struct od_error *error);
/* Replaces the lists of a plan that nobody has seen yet by copies of its own. NO_MEMORY. */
enum od_status od_plan_copy_lists(struct od_arena *plan_arena, struct od_plan *plan, struct od_error *error);
/* Equal kind and clauses; the inputs must be the same nodes. */
bool od_plan_node_equal(const struct od_plan *left, const struct od_plan *right);

#endif
