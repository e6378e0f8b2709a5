/* frame: queries built in C: lazily, by names, checked as they are built.
 *
 *   struct od_frames f;  od_frames_init(&f, &plan_arena);
 *   const struct od_frame *late = od_frame_filter(&f, od_frame_scan(&f, flights),
 *                                                 od_call(&f, OD_FUNCTION_GREATER, od_col(&f, "delay"), od_int(&f, 15)));
 *   struct od_frame_aggregate count = {.name = "n", .function = OD_AGGREGATE_COUNT_STAR};
 *   const struct od_frame *answer = od_frame_group_by(&f, late, OD_NAMES("carrier"), &count, 1);
 *   if (od_frame_error(&f) != NULL) ...
 *
 * A frame is a logical plan (the same typed nodes that SQL is bound to) and what is known of its sharding. Nothing runs until
 * somebody collects. The first error sticks in `f`: it names the call, the column and what was expected; every later call
 * does nothing and gives NULL, so that only the end needs a look at it.
 *
 * Sharding: od_frame_repartition spreads rows by the hash of columns; a frame is then sharded by them for as long as they come
 * out unchanged (through filters, projections, with_column). A map that needs equal keys in one place says so with
 * od_frame_require_shards, and is refused where that does not hold.
 *
 * Everything lives in the plan_arena; tables, map functions and names given are borrowed and outlive the plan, except names:
 * these are copied. */
#ifndef OD_FRAME_FRAME_H
#define OD_FRAME_FRAME_H

#include "engine/plan/physical.h"

struct od_frames {
    struct od_arena *plan_arena; /* borrowed */
    struct od_error error;       /* the first; status OK: none */
};
void od_frames_init(struct od_frames *f, struct od_arena *plan_arena);
/* NULL: all calls so far were right. */
const struct od_error *od_frame_error(const struct od_frames *f);

/* --- expressions: names until a frame binds them to its columns ------------------------------------------------------- */

struct od_term; /* immutable: may be used any number of times */

/* In a join's condition "left.NAME" and "right.NAME" say which side is meant, where both have the name. */
const struct od_term *od_col(struct od_frames *f, const char *name);
/* Typed as in SQL: integer, or bigint when it is too large for that. */
const struct od_term *od_int(struct od_frames *f, int64_t value);
const struct od_term *od_float(struct od_frames *f, double value);
const struct od_term *od_text(struct od_frames *f, const char *value);
const struct od_term *od_bool(struct od_frames *f, bool value);
/* Any value, NULLs, dates and numerics among them. */
const struct od_term *od_lit(struct od_frames *f, const struct od_value *value);
const struct od_term *od_cast(struct od_frames *f, const struct od_term *argument, enum od_type type);
const struct od_term *od_call_list(struct od_frames *f, enum od_function function,
                                   const struct od_term *const *arguments, uint32_t argument_count);
#define od_call(f, function, ...)                                                                            \
    od_call_list((f), (function), (const struct od_term *const[]){__VA_ARGS__},                              \
                 sizeof((const struct od_term *const[]){__VA_ARGS__}) / sizeof(const struct od_term *))

/* --- frames ------------------------------------------------------------------------------------------------------- */

struct od_frame {
    const struct od_plan *plan;
    uint32_t shard_count; /* 0: nothing is known */
    const uint32_t *shards;
};

/* A list of column names as two arguments: OD_NAMES("carrier", "dest"). */
#define OD_NAMES(...)                                                                                        \
    (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)

struct od_frame_item {
    const char *name; /* NULL: the column's own */
    const struct od_term *term;
};
struct od_frame_key {
    const struct od_term *term;
    bool descending;
    bool nulls_first;
};
struct od_frame_aggregate {
    const char *name;
    enum od_aggregate_function function;
    const struct od_term *argument; /* of percentiles and mode: what is ordered */
    const struct od_term *second;
    const struct od_term *filter;
    bool distinct;
};
/* `aggregate` for OD_WINDOW_AGGREGATE, `arguments` (NULL ends them) for the others. Offsets of `frame` are constants; a
 * frame of zeros is SQL's default, from the first row to the current one and its peers. */
struct od_frame_call {
    const char *name;
    enum od_window_function function;
    struct od_frame_aggregate aggregate;
    const struct od_term *arguments[3];
    struct od_window_frame frame;
};

const struct od_frame *od_frame_scan(struct od_frames *f, const struct od_table *table);
const struct od_frame *od_frame_filter(struct od_frames *f, const struct od_frame *input,
                                       const struct od_term *predicate);
const struct od_frame *od_frame_select(struct od_frames *f, const struct od_frame *input,
                                       const struct od_frame_item *items, uint32_t count);
/* Replaces the column of that name, or adds it behind the others. */
const struct od_frame *od_frame_with_column(struct od_frames *f, const struct od_frame *input,
                                            const char *name, const struct od_term *term);
const struct od_frame *od_frame_join(struct od_frames *f, const struct od_frame *left,
                                     const struct od_frame *right, enum od_join_type type,
                                     const struct od_term *condition);
/* Without names: one row for all. */
const struct od_frame *od_frame_group_by(struct od_frames *f, const struct od_frame *input,
                                         const char *const *names, uint32_t name_count,
                                         const struct od_frame_aggregate *aggregates,
                                         uint32_t aggregate_count);
const struct od_frame *od_frame_distinct(struct od_frames *f, const struct od_frame *input);
const struct od_frame *od_frame_sort(struct od_frames *f, const struct od_frame *input,
                                     const struct od_frame_key *keys, uint32_t count);
const struct od_frame *od_frame_limit(struct od_frames *f, const struct od_frame *input, uint64_t offset,
                                      uint64_t count);
/* UNION ALL, by position. */
const struct od_frame *od_frame_union(struct od_frames *f, const struct od_frame *first,
                                      const struct od_frame *second);
const struct od_frame *od_frame_window(struct od_frames *f, const struct od_frame *input,
                                       const char *const *partitions, uint32_t partition_count,
                                       const struct od_frame_key *keys, uint32_t key_count,
                                       const struct od_frame_call *calls, uint32_t call_count);
const struct od_frame *od_frame_repartition(struct od_frames *f, const struct od_frame *input,
                                            const char *const *names, uint32_t count);
/* Dealt out in turn: even parts, whatever the rows hold. */
const struct od_frame *od_frame_repartition_evenly(struct od_frames *f, const struct od_frame *input,
                                                   uint32_t partition_count);
/* The same rows; where this is computed, they are also written to the driver's disk, so that no loss of executors makes
 * anything below be computed again. */
const struct od_frame *od_frame_checkpoint(struct od_frames *f, const struct od_frame *input);
/* The same rows; where this is computed, executors keep them (MEMORY, DISK) beyond the end of the query, and a later query on
 * the cluster that asks for the same (equal calls down to tables of equal rows) finds them there, if there was room for so
 * long. Reads the tables once, here. UNSUPPORTED over a map, which has no name that would hold beyond this process. */
const struct od_frame *od_frame_persist(struct od_frames *f, const struct od_frame *input, enum od_keep level);
/* Of a persisted frame: what OD_ORDER_UNCACHE names; 0 of another. */
uint64_t od_frame_cache_key(const struct od_frame *frame);
/* The function gives rows of `schema`. */
const struct od_frame *od_frame_map(struct od_frames *f, const struct od_frame *input,
                                    const struct od_map_function *function, const struct od_schema *schema);

/* The same frame when it has exactly these columns and types (names NULL in `schema` match any); BAD_INPUT says which not. */
const struct od_frame *od_frame_require_schema(struct od_frames *f, const struct od_frame *input,
                                               const struct od_schema *schema);
/* The same frame when rows with equal values in the named columns are in one place. */
const struct od_frame *od_frame_require_shards(struct od_frames *f, const struct od_frame *input,
                                               const char *const *names, uint32_t count);

/* --- what one does with a frame --------------------------------------------------------------------------------------- */

/* NULL after an error. */
const struct od_plan *od_frame_to_plan(const struct od_frames *f, const struct od_frame *frame);
/* As --explain shows it. The error that stuck, NO_MEMORY, and what planning may say. */
enum od_status od_frame_explain(struct od_frames *f, const struct od_frame *frame,
                                const struct od_plan_options *options, struct od_buffer *buffer);
/* The plan as a graph in DOT: one node each, shared sub-plans once. */
enum od_status od_frame_graph(struct od_frames *f, const struct od_frame *frame, struct od_buffer *buffer);

/* Who runs plans: a cluster, or anything that the caller has. The table is the caller's of od_frame_collect. */
struct od_frame_runner {
    enum od_status (*run)(void *self, const struct od_plan *plan, struct od_table **answer_out,
                          struct od_error *error);
    void *self;
};
enum od_status od_frame_collect(struct od_frames *f, const struct od_frame *frame,
                                const struct od_frame_runner *runner, struct od_table **answer_out);

#endif
