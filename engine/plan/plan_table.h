/* plan_table: node -> what a pass made of it. Plans are trees in which a sub-plan can have several readers (a CTE, the left side
 * of an APPLY); a pass that asks the table sees each of them once, and its readers share the result, too. Private to plan/.
 *
 * Looked up by address; nothing is ever read in the table's order. */
#ifndef OD_PLAN_PLAN_TABLE_H
#define OD_PLAN_PLAN_TABLE_H

#include "engine/plan/make.h"

struct od_plan_entry {
    const struct od_plan *plan;
    const struct od_plan *result; /* NULL: the pass was not here yet */
    uint32_t readers;
};

struct od_plan_table {
    uint32_t count;
    uint32_t capacity; /* a power of two */
    struct od_plan_entry *entries;
};

/* All nodes at and below `root`. False when memory is refused. */
bool od_plan_table_init(struct od_maker *make, const struct od_plan *root, struct od_plan_table *table);
/* The same, or an empty table where sub-plans are not shared: the rule common_subplans is off. */
bool od_plan_table_init_shared(struct od_maker *make, const struct od_plan *root, struct od_plan_table *table);
/* NULL: not in it. */
struct od_plan_entry *od_plan_table_find(const struct od_plan_table *table, const struct od_plan *plan);
/* The entry of a node that several read, if it is worth while to keep its rows for them; else NULL. */
struct od_plan_entry *od_plan_table_shared(const struct od_plan_table *table, const struct od_plan *plan);

/* Sees a node whose inputs are done and gives what takes its place, of the same types. A maker. */
typedef const struct od_plan *(*od_plan_step)(void *self, const struct od_plan *plan);
/* Bottom up, each node once. */
const struct od_plan *od_plan_walk(struct od_maker *make, const struct od_plan *root, od_plan_step step, void *self);

/* Is it worth while to keep its rows for several readers? Not what only scans, filters and computes row by row. */
bool od_plan_is_costly(const struct od_plan *plan);

#endif
