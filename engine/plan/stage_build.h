/* stage_build: grows a stage graph from fragments. Internal to this folder: others see physical.h.
 *
 * A fragment is a stage that is not closed yet: a tree of physical nodes that still grows at its root. An
 * exchange closes it and leaves, in its place, a new fragment that reads what the stage wrote. Two fragments
 * may grow together (a join); they then run as one stage. */
#ifndef OD_PLAN_STAGE_BUILD_H
#define OD_PLAN_STAGE_BUILD_H

#include "engine/plan/physical.h"

struct od_stage_builder {
    struct od_arena *plan_arena;           /* borrowed */
    const struct od_plan_options *options; /* borrowed */
    uint32_t partition_count;              /* resolved options */
    uint32_t scan_task_count;
    uint32_t broadcast_rows_max;
    struct od_stage *stages; /* closed so far; in the plan_arena */
    uint32_t stage_count;
    uint32_t stage_capacity;
    uint32_t rules_fired;
};

struct od_fragment {
    struct od_physical *root;
    uint32_t task_count;
    /* Columns of root->schema by whose hash the rows are spread over the tasks: equal keys are in one task.
     * 0: unknown. */
    uint32_t key_count;
    const uint32_t *keys;
};

/* A node on top of inputs (NULL where there is none); the caller fills in the kind's part. NULL: no memory.
 */
struct od_physical *od_physical_new(struct od_stage_builder *builder, enum od_physical_kind kind,
                                    const struct od_schema *schema, const struct od_physical *left,
                                    const struct od_physical *right);
/* "building stages", NO_MEMORY. */
enum od_status od_stage_no_memory(struct od_error *error);
/* `prefix` and the named columns: "equal groups meet: carrier, dest". NULL: no memory. */
const char *od_stage_reason(struct od_stage_builder *builder, const char *prefix,
                            const struct od_schema *schema, const uint32_t *keys, uint32_t key_count);

/* Closes the fragment's stage with this exchange; the fragment becomes its reader. `reason` NULL counts as no
 * memory. */
enum od_status od_fragment_exchange(struct od_stage_builder *builder, struct od_fragment *fragment,
                                    enum od_exchange_kind kind, const uint32_t *keys, uint32_t key_count,
                                    const char *reason, struct od_error *error);
/* Closes the last stage: its rows are the answer. */
enum od_status od_fragment_finish(struct od_stage_builder *builder, struct od_fragment *fragment,
                                  struct od_error *error);
/* Puts a project on top: the fragment's keys follow their columns, and are forgotten when one of them is
 * gone. */
enum od_status od_fragment_project(struct od_stage_builder *builder, struct od_fragment *fragment,
                                   const struct od_expr *const *exprs, const struct od_schema *schema,
                                   struct od_error *error);
/* Makes every expression a column: `columns_out[i]` is where expression i is; what is not a column yet is
 * appended by a project, and *extra_out says how many columns that were. columns_out: an array for `count` in
 * the plan_arena. */
enum od_status od_fragment_columns(struct od_stage_builder *builder, struct od_fragment *fragment,
                                   const struct od_expr *const *exprs, uint32_t count, uint32_t *columns_out,
                                   uint32_t *extra_out, struct od_error *error);

/* Is every row in one task, or every row with equal `columns` in one task? */
bool od_fragment_is_single(const struct od_stage_builder *builder, const struct od_fragment *fragment);

/* The strategies, one file each: physical_build.c calls them with inputs already built. */
enum od_status od_physical_join(struct od_stage_builder *builder, const struct od_plan *plan,
                                struct od_fragment *left, struct od_fragment *right,
                                struct od_fragment *fragment_out, struct od_error *error);
enum od_status od_physical_aggregate(struct od_stage_builder *builder, const struct od_plan *plan,
                                     struct od_fragment *fragment, struct od_error *error);
/* `limit` UINT64_MAX: a whole sort. */
enum od_status od_physical_order(struct od_stage_builder *builder, struct od_fragment *fragment,
                                 const struct od_sort_key *keys, uint32_t key_count, uint64_t limit,
                                 struct od_error *error);

#endif
