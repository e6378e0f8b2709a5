/* decorrelate: what the two ways of turning an APPLY into joins share. Internal to this folder. All are makers.
 *
 * `apply` is the node at work; its right side holds OUTER columns of depth 1 (its left side's) and deeper ones (those of
 * APPLYs around it, which come one level nearer); APPLYs inside its right side are gone already. */
#ifndef OD_PLAN_DECORRELATE_H
#define OD_PLAN_DECORRELATE_H

#include "engine/plan/plan_table.h"

struct od_decorrelation {
    struct od_maker *make;
    const struct od_plan *apply;
    const struct od_expr **left; /* the left side's columns */
    /* the general way: what the right side depends on, each combination once */
    const struct od_plan *domain; /* NULL: not asked for yet */
    uint32_t key_count;
    uint32_t *columns; /* of the left side, ascending */
    bool *as_text;     /* key i is the column's text: values that are equal and not alike must be told apart */
    struct od_plan_table nodes;
    struct od_pushed *pushed; /* by entry of the table */
};

/* Expressions of the right side in their new place. */
struct od_binding {
    struct od_decorrelation *decorrelation;
    const struct od_expr *const *columns; /* COLUMN i becomes columns[i]; NULL: it stays */
    const struct od_expr *const *outer;   /* OUTER i of depth 1 becomes outer[i]; deeper ones come one level nearer */
};
struct od_leaf_rewriter od_decorrelate_leaves(struct od_binding *binding);

/* A right side that does not read the left one: deeper levels come nearer. */
const struct od_plan *od_decorrelate_lower(struct od_decorrelation *decorrelation, const struct od_plan *plan);

/* decorrelate_general.c: the rows of a node of the right side for every combination of keys. */
struct od_pushed {
    const struct od_plan *plan;
    uint32_t *where;    /* column of the node -> column of `plan` */
    uint32_t key_first; /* the domain's keys are columns from here on */
};
bool od_decorrelate_push(struct od_decorrelation *decorrelation, const struct od_plan *plan,
                         struct od_pushed *pushed_out);
/* An aggregate for every combination that has rows; also one without groups has none over none. */
bool od_decorrelate_group(struct od_decorrelation *decorrelation, const struct od_plan *plan,
                          struct od_pushed *pushed_out);
/* A count that is 0 where a join has padded it. */
const struct od_expr *od_decorrelate_count(struct od_decorrelation *decorrelation, const struct od_expr *count);
/* left key k IS NOT DISTINCT FROM right key k, for all keys, in list[0..key_count); keys are columns of `schema` from these on;
 * left_first OD_FIELD_NONE: the left side's own columns. */
bool od_decorrelate_keys_equal(struct od_decorrelation *decorrelation, const struct od_schema *schema,
                               uint32_t left_first, uint32_t right_first, const struct od_expr **list);

/* decorrelate_simple.c. NULL without an error: not that simple. */
const struct od_plan *od_decorrelate_simply(struct od_decorrelation *decorrelation);

#endif
