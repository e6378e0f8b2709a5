/* decorrelate: what the two ways of turning an APPLY into joins share. Internal to this folder.
 *
 * `apply` is the node at work; its right side holds OUTER columns of depth 1 (its left side's) and deeper ones (those of
 * APPLYs around it, which come one level nearer); APPLYs inside its right side are gone already. */
#ifndef OD_PLAN_DECORRELATE_H
#define OD_PLAN_DECORRELATE_H

#include "engine/plan/plan_table.h"

struct od_decorrelation {
    struct od_arena *plan_arena;
    const struct od_plan *apply;
    /* the general way: what the right side depends on, each combination once */
    const struct od_plan *domain; /* NULL: not asked for yet */
    uint32_t key_count;
    uint32_t *columns; /* of the left side, ascending */
    bool *as_text;     /* key i is the column's text: values that are equal and not alike must be told apart */
    struct od_plan_table pushed;
};

/* Rewrites expressions of the right side for their new place.
 *   COLUMN i         column i of `schema`, moved by `shift` when i >= split
 *   OUTER, depth 1   column key_first + k of `schema`, when that is where the domain's keys are; else, key_first
 *                    OD_FIELD_NONE, column i of `schema`, which begins with the left side's fields
 *   OUTER, deeper    one level less */
struct od_binding {
    struct od_decorrelation *decorrelation;
    const struct od_schema *schema;
    uint32_t split;
    uint32_t shift;
    uint32_t key_first;
    const struct od_expr *const *map; /* not NULL: COLUMN i is map[i] instead */
};
enum od_status od_decorrelate_leaf(void *binding, const struct od_expr *leaf, const struct od_expr **expr_out,
                                   struct od_error *error);
enum od_status od_decorrelate_expr(void *binding, const struct od_expr *expr, const struct od_expr **expr_out,
                                   struct od_error *error);
/* A right side that does not read the left one: deeper levels come nearer. */
enum od_status od_decorrelate_lower(struct od_decorrelation *decorrelation, const struct od_plan *plan,
                                    const struct od_plan **plan_out, struct od_error *error);

/* decorrelate_general.c: fields of `plan` ++ the domain's keys: its rows for every combination of keys. */
enum od_status od_decorrelate_push(struct od_decorrelation *decorrelation, const struct od_plan *plan,
                                   const struct od_plan **plan_out, struct od_error *error);
/* A grouped aggregate of them: groups ++ keys ++ aggregates; no row where there are none. */
enum od_status od_decorrelate_aggregate(struct od_decorrelation *decorrelation, const struct od_plan *plan,
                                        const struct od_plan **plan_out, struct od_error *error);
/* A count that is 0 where a join has padded it. */
enum od_status od_decorrelate_count(struct od_decorrelation *decorrelation, const struct od_expr *count,
                                    const struct od_expr **expr_out, struct od_error *error);
/* left key k IS NOT DISTINCT FROM right key k, for all keys, in list[0..key_count); keys are columns of `schema` from these on;
 * left_first OD_FIELD_NONE: the left side's own columns. */
enum od_status od_decorrelate_keys_equal(struct od_decorrelation *decorrelation, const struct od_schema *schema,
                                         uint32_t left_first, uint32_t right_first, const struct od_expr **list,
                                         struct od_error *error);

/* decorrelate_simple.c. *plan_out NULL: not that simple. */
enum od_status od_decorrelate_simply(struct od_decorrelation *decorrelation, const struct od_plan **plan_out,
                                     struct od_error *error);

#endif
