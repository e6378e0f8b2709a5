/* input_order: the order that a plan's rows come in, as keys over its own columns: what a LIMIT without ORDER BY counts in.
 *
 *   SORT             its keys
 *   FILTER, LIMIT    their input's
 *   PROJECT          its input's, as far as the keys can be said in its output columns
 *   anything else    none
 *
 * PostgreSQL does not promise it, but `SELECT ... FROM (SELECT ... ORDER BY a) AS q LIMIT 3` gives the first three by a there, and
 * people rely on it. Private to plan/. */
#ifndef OD_PLAN_INPUT_ORDER_H
#define OD_PLAN_INPUT_ORDER_H

#include "engine/plan/logical.h"

/* The keys live in the arena; *count_out 0: no order. NO_MEMORY. */
enum od_status od_plan_input_order(struct od_arena *plan_arena, const struct od_plan *plan,
                                   const struct od_sort_key **keys_out, uint32_t *count_out, struct od_error *error);

#endif
