/* logical: what a query means, as a typed tree. The model of properties/ evaluates exactly this.
 *
 *   SCAN       a table, all columns (pruning is a rule's business: `columns`)
 *   FILTER     rows for which `predicate` is true
 *   PROJECT    one expression a field
 *   JOIN       see OD_JOIN_TYPE_LIST; `condition` over left fields ++ right fields, never NULL (TRUE: a cross join)
 *   APPLY      a JOIN whose right input reads columns of its left one (OD_EXPR_OUTER, depth 1): once for each left row. What
 *              the binder makes of correlated subqueries and LATERAL; rule_decorrelation turns every one into joins, so
 *              physical planning never sees it
 *   AGGREGATE  output = groups ++ aggregates. No groups: exactly one row, also over no input. Group keys come out canonical
 *              (-0.0 as 0.0, one NaN). DISTINCT is an AGGREGATE with groups only.
 *   VALUES     rows of constant expressions. SELECT without FROM reads one row of one column that nobody names
 *   UNION      all rows of both inputs, whose types are equal (names are the left one's)
 *   EXPAND     for each input row one row per list of expressions: GROUPING SETS
 *   WINDOW     input fields ++ one field a call; all calls share partition and order. Peers are rows with equal keys; where
 *              row_number and ROWS frames must tell peers apart, the whole row decides (total order)
 *   MAP        a user function from batches to rows (frame API)
 *   REPARTITION  the same rows, spread by the hash of the keys, or dealt out in turn (frame API)
 *   KEEP       the same rows, which are kept beside: a checkpoint, or in a cache for later queries (frame API)
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
    X(SORT, "sort") X(LIMIT, "limit") X(VALUES, "values") X(UNION, "union all") X(EXPAND, "expand")            \
    X(WINDOW, "window") X(APPLY, "apply") X(MAP, "map") X(REPARTITION, "repartition")           \
    X(KEEP, "keep")

enum od_plan_kind {
#define X(name, text) OD_PLAN_##name,
    OD_PLAN_KIND_LIST(X)
#undef X
        OD_PLAN_KIND_COUNT
};
const char *od_plan_kind_text(enum od_plan_kind kind);

/* What comes out, for a left row, of the three-valued OR of the condition over all right rows (FALSE over none):
 *   INNER LEFT RIGHT FULL  left ++ right fields, as in SQL; padded sides are nullable
 *   SEMI                   left fields, where the OR is TRUE (EXISTS, IN in a filter)
 *   ANTI                   left fields, where it is not TRUE (NOT EXISTS)
 *   NULL_ANTI              left fields, where it is FALSE (NOT IN)
 *   MARK                   left fields ++ one boolean: the OR itself (EXISTS, IN, ANY anywhere else; ALL is NOT ANY NOT)
 *   SINGLE                 as LEFT, and EVALUATION ("more than one row returned by a subquery used as an expression") when a
 *                          left row finds a second one */
#define OD_JOIN_TYPE_LIST(X)                                                                                 \
    X(INNER, "inner") X(LEFT, "left") X(RIGHT, "right") X(FULL, "full") X(SEMI, "semi") X(ANTI, "anti")      \
    X(NULL_ANTI, "null-aware anti") X(MARK, "mark") X(SINGLE, "single")

enum od_join_type {
#define X(name, text) OD_JOIN_##name,
    OD_JOIN_TYPE_LIST(X)
#undef X
        OD_JOIN_TYPE_COUNT
};
const char *od_join_type_text(enum od_join_type type);
/* Which fields come out, and which of them a join can turn into NULL. */
bool od_join_gives_right(enum od_join_type type); /* INNER LEFT RIGHT FULL SINGLE */
bool od_join_pads_left(enum od_join_type type);   /* RIGHT FULL */
bool od_join_pads_right(enum od_join_type type);  /* LEFT FULL SINGLE */

struct od_sort_key {
    const struct od_expr *expr;
    bool descending;
    bool nulls_first; /* PostgreSQL's default: NULLs last ascending, first descending; made explicit by the binder */
};

struct od_aggregate {
    enum od_aggregate_function function;
    const struct od_expr *argument; /* NULL for COUNT_STAR; percentile: the ordered expression */
    const struct od_expr *second;   /* NULL, or string_agg's separator, corr's second, percentile's fraction (a constant) */
    const struct od_expr *filter;   /* NULL, or boolean: rows for which it is not true do not count */
    bool distinct;                  /* equal (argument, second) count once */
    uint32_t key_count;             /* ORDER BY inside the call; ties by the arguments' total order */
    const struct od_sort_key *keys;
    enum od_type type;
    const char *name;
};
/* Can partial states of it be combined? Not with DISTINCT, ORDER BY, string_agg, percentiles: those need all rows of a
 * group in one place. */
bool od_aggregate_is_partial(const struct od_aggregate *aggregate);

/* But for names: the same values of the same rows. */
bool od_sort_keys_equal(const struct od_sort_key *left, uint32_t left_count, const struct od_sort_key *right,
                        uint32_t right_count);
bool od_aggregate_equal(const struct od_aggregate *left, const struct od_aggregate *right);

enum od_frame_unit { OD_FRAME_ROWS, OD_FRAME_RANGE, OD_FRAME_GROUPS };
enum od_frame_bound {
    OD_FRAME_UNBOUNDED_PRECEDING,
    OD_FRAME_PRECEDING,
    OD_FRAME_CURRENT_ROW,
    OD_FRAME_FOLLOWING,
    OD_FRAME_UNBOUNDED_FOLLOWING
};
enum od_frame_exclusion { OD_FRAME_EXCLUDE_NOTHING, OD_FRAME_EXCLUDE_ROW, OD_FRAME_EXCLUDE_GROUP, OD_FRAME_EXCLUDE_TIES };
struct od_window_frame {
    enum od_frame_unit unit;
    enum od_frame_bound start;
    enum od_frame_bound end;
    /* PRECEDING and FOLLOWING: a constant; bigint >= 0 for ROWS and GROUPS. RANGE: what is added to or taken from the one
     * order key: its own number type, or an interval for dates and timestamps. */
    const struct od_expr *start_offset;
    const struct od_expr *end_offset;
    enum od_frame_exclusion exclusion;
};

/* One call of a window function. `aggregate` is used for OD_WINDOW_AGGREGATE (no DISTINCT, no ORDER BY inside); the others
 * take up to three arguments: lag and lead (value, offset, default), first, last (value), nth_value (value, n), ntile (n). */
struct od_window_call {
    enum od_window_function function;
    struct od_aggregate aggregate;
    uint32_t argument_count;
    const struct od_expr *arguments[3];
    struct od_window_frame frame;
    enum od_type type;
    const char *name;
};
bool od_window_call_equal(const struct od_window_call *left, const struct od_window_call *right);

#define OD_PARTITIONS_MAX 4096u /* that a REPARTITION may ask for */

/* How rows are kept that a KEEP hands on. */
#define OD_KEEP_LIST(X)                                                                                      \
    X(NONE, "none")                                                                                          \
    X(CHECKPOINT, "checkpoint") /* on the driver's disk: no loss of executors makes them be computed again */ \
    X(MEMORY, "in memory")      /* of the executors, beyond the end of the query */                          \
    X(DISK, "on disk")          /* of the executors, likewise */
enum od_keep {
#define X(name, text) OD_KEEP_##name,
    OD_KEEP_LIST(X)
#undef X
        OD_KEEP_COUNT
};
const char *od_keep_text(enum od_keep keep);

/* A user function: appends any number of rows to `output` for a batch; called with the batches of one task in order. It
 * must be a pure function of the batch, or no recovery can be right. */
struct od_map_function {
    const char *name;
    enum od_status (*map)(void *self, const struct od_batch *batch, struct od_batch_builder *output,
                          struct od_error *error);
    void *self;
};

/* What a node says, by its kind; physical nodes say the same. */
struct od_scan_clause {
    const struct od_table *table; /* borrowed; outlives the plan */
    uint32_t column_count;        /* which of the table's columns come out, in this order */
    const uint32_t *columns;
};
struct od_filter_clause {
    const struct od_expr *predicate; /* boolean */
};
struct od_rows_clause {
    uint32_t row_count;                 /* PROJECT: 1; EXPAND: for each row of the input */
    const struct od_expr *const *exprs; /* row after row, schema.field_count each; those of VALUES without columns */
};
struct od_aggregate_clause {
    uint32_t group_count;
    const struct od_expr *const *groups;
    uint32_t aggregate_count;
    const struct od_aggregate *aggregates;
};
struct od_window_clause {
    uint32_t partition_count;
    const struct od_expr *const *partitions;
    uint32_t key_count;
    const struct od_sort_key *keys;
    uint32_t call_count;
    const struct od_window_call *calls;
};
struct od_map_clause {
    const struct od_map_function *function; /* borrowed; outlives the plan */
};
struct od_sort_clause {
    uint32_t key_count;
    const struct od_sort_key *keys;
};
struct od_limit_clause {
    uint64_t offset;
    uint64_t count; /* UINT64_MAX: no limit */
};
#define OD_CLAUSES                                                                                           \
    struct od_scan_clause scan;                                                                              \
    struct od_filter_clause filter;                                                                          \
    struct od_rows_clause rows; /* PROJECT, VALUES, EXPAND */                                                \
    struct od_aggregate_clause aggregate;                                                                    \
    struct od_window_clause window;                                                                          \
    struct od_map_clause map;                                                                                \
    struct od_sort_clause sort;                                                                              \
    struct od_limit_clause limit;
union od_clause {
    OD_CLAUSES
};

struct od_plan {
    enum od_plan_kind kind;
    struct od_schema schema; /* of the output */
    uint32_t input_count;
    const struct od_plan *inputs[2];
    bool may_fail;         /* an expression or aggregate here or below can raise EVALUATION */
    uint32_t outer_levels; /* bit d - 1: this or a node below reads OUTER columns of depth d */
    uint64_t tree_size;    /* nodes here and below, one with several readers counted for each; at most UINT32_MAX */
    union {
        union od_clause clause; /* whichever it is of: */
        OD_CLAUSES
        struct {
            enum od_join_type type;
            const struct od_expr *condition; /* boolean, over left ++ right */
        } join; /* and APPLY */
        struct {
            uint32_t key_count;
            const struct od_expr *const *keys;
            uint32_t partition_count; /* 0: as the options say. Without keys: rows are dealt out in turn; neither: one task */
        } repartition;
        struct {
            enum od_keep kind;
            uint64_t key; /* MEMORY, DISK: equal for equal rows; else 0 */
        } keep;
    };
};

/* At most one row, whatever the tables hold; or exactly one. */
bool od_plan_gives_one_row(const struct od_plan *plan, bool exactly);
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
/* The right input of an APPLY may read the left one's columns (OD_EXPR_OUTER). Otherwise as od_plan_join. */
enum od_status od_plan_apply(struct od_arena *plan_arena, enum od_join_type type, const struct od_plan *left,
                             const struct od_plan *right, const struct od_expr *condition,
                             const struct od_plan **plan_out, struct od_error *error);
/* exprs: row_count * schema->field_count, without columns, of the schema's types. The schema is copied. */
enum od_status od_plan_values(struct od_arena *plan_arena, const struct od_schema *schema,
                              const struct od_expr *const *exprs, uint32_t row_count,
                              const struct od_plan **plan_out, struct od_error *error);
enum od_status od_plan_union(struct od_arena *plan_arena, const struct od_plan *left, const struct od_plan *right,
                             const struct od_plan **plan_out, struct od_error *error);
/* exprs: list_count * field_count over the input; the lists agree in types. */
enum od_status od_plan_expand(struct od_arena *plan_arena, const struct od_plan *input,
                              const struct od_expr *const *exprs, const char *const *names, uint32_t field_count,
                              uint32_t list_count, const struct od_plan **plan_out, struct od_error *error);
enum od_status od_plan_window(struct od_arena *plan_arena, const struct od_plan *input,
                              const struct od_expr *const *partitions, uint32_t partition_count,
                              const struct od_sort_key *keys, uint32_t key_count,
                              const struct od_window_call *calls, uint32_t call_count,
                              const struct od_plan **plan_out, struct od_error *error);
enum od_status od_plan_map(struct od_arena *plan_arena, const struct od_plan *input,
                           const struct od_map_function *function, const struct od_schema *schema,
                           const struct od_plan **plan_out, struct od_error *error);
enum od_status od_plan_keep(struct od_arena *plan_arena, const struct od_plan *input, enum od_keep keep, uint64_t key,
                            const struct od_plan **plan_out, struct od_error *error);
enum od_status od_plan_repartition(struct od_arena *plan_arena, const struct od_plan *input,
                                   const struct od_expr *const *keys, uint32_t key_count,
                                   uint32_t partition_count, const struct od_plan **plan_out,
                                   struct od_error *error);
/* Indented text, one node a line. */
bool od_plan_print(const struct od_plan *plan, struct od_buffer *buffer);
/* One node as a line, without its inputs; or that line without the kind in front. */
bool od_plan_print_node(const struct od_plan *plan, struct od_buffer *buffer);
void od_plan_print_clauses(const struct od_plan *plan, struct od_buffer *buffer);

#endif
