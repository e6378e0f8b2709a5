/* logical: what a query means, as a typed tree. The model of properties/ evaluates exactly this.
 *
 *   SCAN       a table, all columns (pruning is a rule's business: `columns`)
 *   FILTER     rows for which `predicate` is true
 *   PROJECT    one expression a field
 *   JOIN       inner or left; output = left fields ++ right fields; `condition` over that, NULL not allowed.
 *              It must contain at least one equality between the sides (else od_stage_graph_build says UNSUPPORTED).
 *   AGGREGATE  output = groups ++ aggregates. No groups: exactly one row, also over no input. Group keys come out canonical
 *              (-0.0 as 0.0, one NaN). DISTINCT is an AGGREGATE with groups only.
 *   SORT       by keys; ties by the whole row (total order), so that the answer does not depend on arrival order
 *   LIMIT      rows [offset, offset + count) of its input, which is always a SORT: where the input is none, od_plan_limit
 *              puts one, by the order that the input comes in (input_order.h), else by the whole row (no keys). So a LIMIT
 *              is determinate, as PostgreSQL allows but does not promise, and no rule can move what it counts in.
 *
 * Builders check types and compute schemas. All nodes and their lists live in the plan_arena and are never changed. */
#ifndef OD_PLAN_LOGICAL_H
#define OD_PLAN_LOGICAL_H

#include "engine/data/batch.h"
#include "engine/plan/expr.h"

#define OD_PLAN_KIND_LIST(X)                                                                                 \
    X(SCAN, "scan") X(FILTER, "filter") X(PROJECT, "project") X(JOIN, "join") X(AGGREGATE, "aggregate")        \
    X(SORT, "sort") X(LIMIT, "limit")

enum od_plan_kind {
#define X(name, text) OD_PLAN_##name,
    OD_PLAN_KIND_LIST(X)
#undef X
        OD_PLAN_KIND_COUNT
};
const char *od_plan_kind_text(enum od_plan_kind kind);

enum od_join_type { OD_JOIN_INNER, OD_JOIN_LEFT };

struct od_aggregate {
    enum od_aggregate_function function;
    const struct od_expr *argument; /* NULL for COUNT_STAR */
    enum od_type type;
    const char *name;
};

struct od_sort_key {
    const struct od_expr *expr;
    bool descending;
    bool nulls_first; /* PostgreSQL's default: NULLs last ascending, first descending; made explicit by the binder */
};

struct od_plan {
    enum od_plan_kind kind;
    struct od_schema schema; /* of the output */
    uint32_t input_count;
    const struct od_plan *inputs[2];
    union {
        struct {
            const struct od_table *table; /* borrowed; outlives the plan */
            uint32_t column_count;        /* which of the table's columns come out, in this order */
            const uint32_t *columns;
        } scan;
        struct {
            const struct od_expr *predicate; /* boolean */
        } filter;
        struct {
            const struct od_expr *const *exprs; /* schema.field_count of them */
        } project;
        struct {
            enum od_join_type type;
            const struct od_expr *condition; /* boolean, over left ++ right */
        } join;
        struct {
            uint32_t group_count;
            const struct od_expr *const *groups;
            uint32_t aggregate_count;
            const struct od_aggregate *aggregates;
        } aggregate;
        struct {
            uint32_t key_count;
            const struct od_sort_key *keys;
        } sort;
        struct {
            uint64_t offset;
            uint64_t count; /* UINT64_MAX: no limit */
        } limit;
    };
};

/* Each copies the lists it is given (not the expressions). BAD_INPUT when types do not fit; *plan_out NULL on failure.
 * Field names: `names` may be NULL, then "column1"... or the expression's own column name. */
enum od_status od_plan_scan(struct od_arena *plan_arena, const struct od_table *table, const uint32_t *columns,
                            uint32_t column_count, const struct od_plan **plan_out, struct od_error *error);
enum od_status od_plan_filter(struct od_arena *plan_arena, const struct od_plan *input,
                              const struct od_expr *predicate, const struct od_plan **plan_out,
                              struct od_error *error);
enum od_status od_plan_project(struct od_arena *plan_arena, const struct od_plan *input,
                               const struct od_expr *const *exprs, const char *const *names, uint32_t count,
                               const struct od_plan **plan_out, struct od_error *error);
enum od_status od_plan_join(struct od_arena *plan_arena, enum od_join_type type, const struct od_plan *left,
                            const struct od_plan *right, const struct od_expr *condition,
                            const struct od_plan **plan_out, struct od_error *error);
/* The schema that a join's condition is bound over: left ++ right (right nullable for LEFT outputs only after the join). */
enum od_status od_plan_join_schema(struct od_arena *plan_arena, const struct od_plan *left,
                                   const struct od_plan *right, struct od_schema *schema_out,
                                   struct od_error *error);
enum od_status od_plan_aggregate(struct od_arena *plan_arena, const struct od_plan *input,
                                 const struct od_expr *const *groups, const char *const *group_names,
                                 uint32_t group_count, const struct od_aggregate *aggregates,
                                 uint32_t aggregate_count, const struct od_plan **plan_out,
                                 struct od_error *error);
enum od_status od_plan_distinct(struct od_arena *plan_arena, const struct od_plan *input,
                                const struct od_plan **plan_out, struct od_error *error);
enum od_status od_plan_sort(struct od_arena *plan_arena, const struct od_plan *input,
                            const struct od_sort_key *keys, uint32_t key_count, const struct od_plan **plan_out,
                            struct od_error *error);
enum od_status od_plan_limit(struct od_arena *plan_arena, const struct od_plan *input, uint64_t offset,
                             uint64_t count, const struct od_plan **plan_out, struct od_error *error);
/* Indented text, one node a line. */
bool od_plan_print(const struct od_plan *plan, struct od_buffer *buffer);

#endif
