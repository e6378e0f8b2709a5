/* stage_build: grows a stage graph from fragments. Internal to this folder: others see physical.h.
 *
 * A fragment is a stage that is not closed yet: a tree of physical nodes that still grows at its root. An exchange closes it
 * and leaves, in its place, a new fragment that reads what the stage wrote. Two fragments may grow together (a join, a
 * union); they then run as one stage.
 *
 * A fragment knows how its rows are spread and ordered; each node that is put on top says what of this still holds. That
 * knowledge is what makes exchanges and sorts unnecessary. All lists handed in live in the plan_arena already. What is not void
 * is a maker. */
#ifndef OD_PLAN_STAGE_BUILD_H
#define OD_PLAN_STAGE_BUILD_H

#include "engine/plan/physical.h"
#include "engine/plan/plan_table.h"

struct od_fragment;

struct od_stage_builder {
    struct od_maker *make;    /* borrowed */
    uint32_t partition_count; /* resolved options */
    uint32_t scan_task_count;
    uint32_t broadcast_rows_max;
    struct od_stage *stages; /* closed so far; in the plan_arena */
    uint32_t stage_count;
    uint32_t stage_capacity;
    struct od_plan_table plans;         /* every logical node, with its number of readers */
    struct od_fragment *shared_readers; /* by entry of the table: of its FORWARD exchange, once it is built */
};

struct od_fragment_order {
    uint32_t column;
    bool descending;
    bool nulls_first;
};

struct od_fragment {
    struct od_physical *root;
    uint32_t task_count;
    const struct od_plan *plan; /* the last logical node that is whole in it */
    /* Columns of root->schema by whose hash the rows are spread over the tasks: equal keys are in one task. 0: unknown. */
    uint32_t key_count;
    const uint32_t *keys;
    /* The order in which the rows of each task come. `order_is_total`: ties go by the whole row. 0: unknown. */
    uint32_t order_count;
    const struct od_fragment_order *order;
    bool order_is_total;
};

struct od_exchange {
    enum od_exchange_kind kind;
    uint32_t partition_count; /* HASH, ROUND_ROBIN; 0: as the options say */
    uint32_t key_count;       /* HASH */
    const uint32_t *keys;
    const char *reason;
};

/* A node on top of inputs (NULL where there is none); the caller fills in the kind's part. */
struct od_physical *od_physical_new(struct od_stage_builder *builder, enum od_physical_kind kind,
                                    const struct od_schema *schema, const struct od_physical *left,
                                    const struct od_physical *right);
/* The same, as the fragment's new root; what is known of its rows stays. */
bool od_fragment_put(struct od_stage_builder *builder, struct od_fragment *fragment, enum od_physical_kind kind,
                     const struct od_schema *schema);
/* Closes the fragment's stage with this exchange; the fragment becomes its reader. */
bool od_fragment_exchange(struct od_stage_builder *builder, struct od_fragment *fragment,
                          const struct od_exchange *exchange);
/* Spreads rows by the hash of these columns, for the reason `prefix` and their names ("equal groups meet: carrier, dest"); without
 * columns to a single task, for the reason `single`. partition_count 0: as the options say. */
bool od_fragment_spread(struct od_stage_builder *builder, struct od_fragment *fragment, const uint32_t *columns,
                        uint32_t count, uint32_t partition_count, const char *prefix, const char *single);
/* Another reader of the stage that this fragment, fresh from its exchange, reads. */
bool od_fragment_copy_reader(struct od_stage_builder *builder, const struct od_fragment *fragment,
                             struct od_fragment *copy_out);
/* Rows that come out hold exprs[i] in column i: keys and order follow their columns, and are forgotten where one is gone. */
bool od_fragment_remap(struct od_stage_builder *builder, struct od_fragment *fragment,
                       const struct od_expr *const *exprs, uint32_t count);
void od_fragment_forget_order(struct od_fragment *fragment);
bool od_fragment_project(struct od_stage_builder *builder, struct od_fragment *fragment,
                         const struct od_expr *const *exprs, const struct od_schema *schema);
/* A project to the columns columns[0..schema->field_count). */
bool od_fragment_pick(struct od_stage_builder *builder, struct od_fragment *fragment, const uint32_t *columns,
                      const struct od_schema *schema);
/* Makes every expression a column: gives where expression i is; what is not a column yet is appended by a project, and
 * *extra_out says how many columns that were. */
uint32_t *od_fragment_columns(struct od_stage_builder *builder, struct od_fragment *fragment,
                              const struct od_expr *const *exprs, uint32_t count, uint32_t *extra_out);
/* What od_stages_judge (physical.h) says of how tasks may read otherwise (adaptable.c). */
void od_stages_find_shapes(struct od_stage *stages, uint32_t stage_count);
void od_stages_find_adaptable(struct od_stage *stages, uint32_t stage_count);
/* Is every row in one task, and may we make use of that? */
bool od_fragment_is_single(const struct od_stage_builder *builder, const struct od_fragment *fragment);
/* Are rows with equal `exprs` in one task, and may we make use of that? Notes the rule as fired. */
bool od_fragment_has_met(struct od_stage_builder *builder, const struct od_fragment *fragment,
                         const struct od_expr *const *exprs, uint32_t count);
/* Sees to it that they are: a hash exchange, or one to a single task when count is 0 (for the reason `single`). Computed
 * expressions are appended as columns: *extra_out of them (NULL: there are none). */
bool od_fragment_meet(struct od_stage_builder *builder, struct od_fragment *fragment,
                      const struct od_expr *const *exprs, uint32_t count, const char *prefix, const char *single,
                      uint32_t *extra_out);
/* Sorts each task's rows by the keys, then by the whole row (unless !total), if they are not so already. limit UINT64_MAX:
 * all rows. */
bool od_fragment_sort(struct od_stage_builder *builder, struct od_fragment *fragment, const struct od_sort_key *keys,
                      uint32_t key_count, uint64_t limit, bool total);

/* The strategies, one file each: physical_build.c calls them with inputs already built. */
bool od_physical_join(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *left,
                      struct od_fragment *right, struct od_fragment *fragment_out);
bool od_physical_aggregate(struct od_stage_builder *builder, const struct od_plan *plan,
                           struct od_fragment *fragment);
bool od_physical_window(struct od_stage_builder *builder, const struct od_plan *plan, struct od_fragment *fragment);
/* `limit` UINT64_MAX: a whole sort. */
bool od_physical_order(struct od_stage_builder *builder, struct od_fragment *fragment,
                       const struct od_sort_key *keys, uint32_t key_count, uint64_t limit);

#endif
