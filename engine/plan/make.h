/* make: the makers that rules and the physical planner build plans with. Internal to this folder: others call the builders of
 * expr.h and logical.h.
 *
 * A maker gives NULL when it has failed, and the maker's status and error say why; from then on every maker gives NULL at
 * once, and the first error stays. So what is only handed on to another maker need not be looked at; what is looked into must
 * be, and OD_NEED does that. Whoever began asks `status` in the end. */
#ifndef OD_PLAN_MAKE_H
#define OD_PLAN_MAKE_H

#include "engine/plan/plan_rewrite.h"
#include "engine/plan/rules.h"

struct od_maker {
    struct od_arena *arena;                /* borrowed: the plan_arena */
    const struct od_plan_options *options; /* borrowed */
    struct od_error *error;                /* borrowed; may be NULL */
    enum od_status status;                 /* the first failure */
    uint32_t fired;                        /* bits of the rules that did something */
    bool changed;                          /* what the rule at work says of the plan */
};

bool od_rule_is_on(const struct od_maker *make, enum od_rule rule);
void od_rule_fired(struct od_maker *make, enum od_rule rule);
/* Notes an error, unless there is one, and returns NULL. */
void *od_make_fail(struct od_maker *make, enum od_status status, const char *text);

/* Zeroed. */
void *od_new(struct od_maker *make, size_t count, size_t bytes);
/* `pointer` = room for `count` zeroed elements, or the function ends with NULL. The second declares the pointer, too. */
#define OD_NEW(pointer, make, count)                                                                         \
    do {                                                                                                     \
        (pointer) = od_new((make), (count), sizeof(*(pointer)));                                             \
        OD_NEED((pointer) != NULL);                                                                          \
    } while (0)
#define OD_NEW_LIST(type, name, make, count)                                                                 \
    type *name;                                                                                              \
    OD_NEW(name, make, count)
/* "prefix7" */
const char *od_new_name(struct od_maker *make, const char *prefix, uint32_t number);

/* --- expressions ---------------------------------------------------------------------------------- */

const struct od_expr *od_new_column(struct od_maker *make, const struct od_schema *schema, uint32_t column_index);
/* As od_expr_outer. */
const struct od_expr *od_new_outer(struct od_maker *make, const struct od_field *field, uint32_t column_index,
                                   uint32_t outer_depth);
const struct od_expr *od_new_literal(struct od_maker *make, const struct od_value *value);
const struct od_expr *od_new_boolean(struct od_maker *make, bool value);
const struct od_expr *od_new_call(struct od_maker *make, enum od_function function,
                                  const struct od_expr *const *arguments, uint32_t count);
const struct od_expr *od_new_pair(struct od_maker *make, enum od_function function, const struct od_expr *left,
                                  const struct od_expr *right);
const struct od_expr *od_new_cast(struct od_maker *make, const struct od_expr *expr, enum od_type type);
const struct od_expr *od_new_conjunction(struct od_maker *make, const struct od_expr *const *list, uint32_t count);
const struct od_expr *od_new_rewritten(struct od_maker *make, const struct od_expr *expr,
                                       const struct od_leaf_rewriter *leaves);
const struct od_expr *od_new_substitute(struct od_maker *make, const struct od_expr *expr,
                                        const struct od_expr *const *map);
/* The schema's columns; room for `extra` more behind them. */
const struct od_expr **od_new_columns(struct od_maker *make, const struct od_schema *schema, uint32_t extra);
/* Columns `first`, `first` + 1... */
uint32_t *od_new_numbers(struct od_maker *make, uint32_t first, uint32_t count);

/* --- plans ---------------------------------------------------------------------------------------- */

/* As od_plan_make; names are the draft's. */
const struct od_plan *od_new_plan(struct od_maker *make, const struct od_plan *draft);
const struct od_plan *od_new_filter(struct od_maker *make, const struct od_plan *input, const struct od_expr *predicate);
/* Its columns are called as those of `schema`, whose number is theirs. */
const struct od_plan *od_new_project(struct od_maker *make, const struct od_plan *input,
                                     const struct od_expr *const *exprs, const struct od_schema *schema);
const struct od_plan *od_new_join(struct od_maker *make, enum od_join_type type, const struct od_plan *left,
                                  const struct od_plan *right, const struct od_expr *condition);
/* left ++ right, as od_plan_join_schema. */
struct od_schema od_new_join_schema(struct od_maker *make, const struct od_plan *left, const struct od_plan *right);
/* `input` with these columns only, in this order; the input itself when they are all of its columns in order. */
const struct od_plan *od_new_pick(struct od_maker *make, const struct od_plan *input, const uint32_t *columns,
                                  uint32_t count);
/* The node with these inputs and, where `leaves` is given, rewritten expressions: names are kept, types checked. The same
 * node when nothing changed. */
const struct od_plan *od_new_from(struct od_maker *make, const struct od_plan *plan,
                                  const struct od_plan *const *inputs, const struct od_leaf_rewriter *leaves);
/* The draft's lists become its own, with every expression in them rewritten. Did anything change? */
bool od_draft_rewrite(struct od_maker *make, struct od_plan *draft, const struct od_leaf_rewriter *leaves);

#endif
