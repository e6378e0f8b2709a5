/* binder: what the parts of the SQL front end share. Internal to this folder: others see sql.h.
 *
 *   bind_query.c     a query: WITH, set operations, VALUES, ORDER BY and LIMIT of the whole
 *   bind_select.c    one SELECT, in PostgreSQL's order
 *   bind_from.c      FROM: tables, views, sub-selects, joins          scope.c  names -> columns
 *   bind_expr.c      parse nodes -> typed expressions                 bind_row.c  rows compared with rows
 *   bind_call.c      functions and quoted literals                    sql_type.c  type names, casts
 *   bind_aggregate.c aggregates and window calls
 *   bind_subquery.c  sub-selects in expressions
 *   bind_group.c     GROUP BY and grouping sets, what may stand beside them; the lowering of expressions
 *   output_name.c    how PostgreSQL names an output column
 *
 * Binding is in two steps. First every expression of a SELECT is bound over its *rows*, the columns of FROM;
 * what is no column of them yet (an aggregate, a window call, the value of a sub-select) is a SLOT: a
 * stand-in column numbered from OD_SLOT_BASE. Then the plan grows stage by stage (rows, groups, windows), and
 * an expression is *lowered* onto the stage at which it is evaluated: columns are found among the groups,
 * slots become columns of the stage, and sub-selects are joined to it when they are first asked for. */
#ifndef OD_SQL_BINDER_H
#define OD_SQL_BINDER_H

#include "engine/sql/parse.h"
#include "engine/sql/sql.h"

#define OD_SQL_DEPTH_MAX 500 /* nested expressions, joins, sub-selects and views, together */

struct od_named_query; /* of WITH and views; bind_from.c */

struct od_binder {
    struct od_arena *plan_arena;
    const char *sql;
    const struct od_sql_context *context;
    struct od_error *error; /* never NULL */
    uint32_t depth;
    uint32_t view_count; /* read so far: views over two of the one before grow without a bound */
    const struct od_named_query *named; /* what WITH has named, innermost first */
    struct od_block *around_from;       /* of the FROM that is being bound: the block around its SELECT */
};

/* A location is a byte offset in the text, -1 when unknown. */
enum od_status od_sql_fail(struct od_binder *binder, enum od_status status, int32_t location,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Gives an error that has no position yet this one; returns `status`. */
enum od_status od_sql_locate(struct od_binder *binder, enum od_status status, int32_t location);
enum od_status od_sql_no_memory(struct od_binder *binder);
/* One level down; UNSUPPORTED when too deep. */
enum od_status od_sql_enter(struct od_binder *binder, const PgQuery__Node *node);
void od_sql_leave(struct od_binder *binder);
/* Where a node begins, as far as the parser says; -1 when it does not. */
int32_t od_sql_location(const PgQuery__Node *node);
/* What a node is called in messages: "a sub-select in an expression". */
const char *od_sql_construct(const PgQuery__Node *node);
/* The text of a String node, or NULL. */
const char *od_sql_string(const PgQuery__Node *node);
/* Room for one more at the end of a list in the plan_arena; NULL: no memory. The element is zero. */
void *od_sql_append(struct od_binder *binder, void *list, uint32_t *count, size_t bytes, void **list_out);

/* --- scope ------------------------------------------------------------------------------------ */

/* One way to name a column. A column joined by USING has three entries: its own under each table's name, and
 * a merged one. */
struct od_scope_entry {
    const char *relation; /* alias or table name; NULL for a column merged by USING */
    const char *name;
    uint32_t column_index; /* in `schema` */
    bool plain;            /* can be meant by its bare name, and is part of "*" */
};
struct od_scope {
    struct od_schema schema;
    uint32_t entry_count;
    struct od_scope_entry *entries;
};
/* The entry that [relation.]name means; NULL when there is none. BAD_INPUT: several. */
enum od_status od_scope_find(struct od_binder *binder, const struct od_scope *scope, const char *relation,
                             const char *name, int32_t location, const struct od_scope_entry **entry_out);
bool od_scope_has_relation(const struct od_scope *scope, const char *relation);
/* Left's entries, then right's with their columns moved by left's column count. BAD_INPUT when a table name
 * is in both. */
enum od_status od_scope_join(struct od_binder *binder, const struct od_scope *left,
                             const struct od_scope *right, int32_t location, struct od_scope *scope_out);

/* --- blocks: what expressions are bound over ---------------------------------------------------- */

#define OD_SLOT_BASE  (UINT32_C(1) << 24) /* columns from here on are slots */
#define OD_RIGHT_BASE (UINT32_C(1) << 25) /* and from here on fields of a sub-select, in its own condition */
#define OD_NO_COLUMN  UINT32_MAX

/* A sub-select in an expression: joined to the stage that first needs it. */
struct od_subquery {
    enum od_join_type type; /* MARK: the comparison, or EXISTS; SINGLE: its value */
    bool exists;
    const struct od_plan *plan;
    const struct od_expr *condition; /* over the rows and, from OD_RIGHT_BASE on, the fields of `plan` */
    bool correlated;                 /* reads an outer block: an APPLY */
    uint32_t read_first;             /* which of block->outer_reads are its own */
    uint32_t read_end;
    uint32_t column; /* of its first output in the current stage, or OD_NO_COLUMN */
    int32_t location;
};
struct od_window_slot {
    uint32_t partition_count;
    const struct od_expr **partitions;
    uint32_t key_count;
    struct od_sort_key *keys;
    struct od_window_call call;
};
enum od_slot_kind { OD_SLOT_AGGREGATE, OD_SLOT_GROUPING, OD_SLOT_WINDOW, OD_SLOT_SUBQUERY };
struct od_slot {
    enum od_slot_kind kind;
    uint32_t column; /* in the current stage, or OD_NO_COLUMN */
    union {
        struct od_aggregate aggregate;
        struct {
            uint32_t count; /* GROUPING(...): its arguments */
            const struct od_expr **arguments;
        } grouping;
        struct od_window_slot window;
        struct {
            struct od_subquery *query;
            uint32_t field; /* of its outputs */
        } value;
    };
};

/* One level of names: the rows of a SELECT (or, for ON and LATERAL, of a part of its FROM), and the level
 * around it. */
struct od_outer_read {
    uint32_t column_index;
    int32_t location;
};
struct od_block {
    struct od_block *outer;
    const PgQuery__SelectStmt *select; /* whose WINDOW clause names windows; NULL: none */
    struct od_scope scope;
    bool is_beside; /* what stands to the left of a LATERAL item */
    bool is_fence;  /* no level: hides the `beside` blocks of its FROM from names, though they are levels */
    struct od_block *fence_end; /* the first block that it does not hide: the one around that FROM's SELECT */
    uint32_t slot_count;
    struct od_slot *slots;
    /* Columns that sub-selects one level below have read; deeper_reads counts all reads that came from below
     * or went through. */
    uint32_t outer_read_count;
    struct od_outer_read *outer_reads;
    uint32_t deeper_reads;
    /* Columns found so far, here or below: of this block, and of blocks further out. */
    uint32_t own_reads;
    uint32_t foreign_reads;
    /* the current stage */
    const struct od_plan *plan;
    bool grouped;
    uint32_t group_count;
    const struct od_expr **groups; /* over the rows */
    uint32_t group_first;          /* column of the first group in the stage */
    uint32_t set_count;            /* of grouping sets; 1: an ordinary GROUP BY */
    const uint64_t *sets;          /* bit k: group k is in it */
    bool has_set_column;           /* the number of the grouping set stands in set_column */
    uint32_t set_column;
};
/* A slot's stand-in. */
enum od_status od_slot_column(struct od_binder *binder, uint32_t slot, enum od_type type, bool nullable,
                              int32_t location, const struct od_expr **expr_out);
/* An expression over the block's rows -> one over its current stage, which may grow by the sub-selects in it.
 * BAD_INPUT when it reads a column that is not grouped. */
enum od_status od_lower(struct od_binder *binder, struct od_block *block, const struct od_expr *expr,
                        const struct od_expr **expr_out);
/* The value of GROUPING(...) in the current stage. */
enum od_status od_lower_grouping(struct od_binder *binder, struct od_block *block, const struct od_slot *slot,
                                 int32_t location, const struct od_expr **expr_out);
/* The block's plan has become groups ++ [number of the set] ++ aggregates: the stage from now on. Sub-selects
 * will be joined anew. */
enum od_status od_enter_groups(struct od_binder *binder, struct od_block *block);
/* Keeps the rows of the current stage for which the predicate (over the rows) is true. Sub-selects that are
 * conjuncts become semi- and antijoins. */
enum od_status od_lower_filter(struct od_binder *binder, struct od_block *block,
                               const struct od_expr *predicate);
/* Does it hold a slot of one of these kinds (bits 1 << kind)? */
bool od_has_slot(const struct od_block *block, const struct od_expr *expr, uint32_t kinds);

/* --- expressions ------------------------------------------------------------------------------ */

struct od_place {
    struct od_block *block;
    const char *clause; /* "WHERE": for messages */
    bool aggregates;    /* may stand here */
    bool windows;
    bool in_aggregate; /* inside an aggregate's argument */
    bool in_window;
};

/* `unknown`: a quoted literal or NULL whose type nobody has said yet; taken as text when nobody does. */
struct od_bound {
    const struct od_expr *expr;
    bool unknown;
};
enum od_status od_bind_expr(struct od_binder *binder, const struct od_place *place, const PgQuery__Node *node,
                            struct od_bound *bound_out);
/* The column of `target`, the block itself or one around it, as the block reads it. */
enum od_status od_bind_entry(struct od_binder *binder, struct od_block *block, struct od_block *target,
                             const struct od_scope_entry *entry, int32_t location,
                             const struct od_expr **expr_out);
/* The next block in which names are looked for; NULL: none. */
struct od_block *od_next_visible(struct od_block *block);
/* As above for a condition: must be boolean. */
enum od_status od_bind_condition(struct od_binder *binder, const struct od_place *place,
                                 const PgQuery__Node *node, const struct od_expr **expr_out);
/* A list of nodes; *bounds_out is an array in the plan_arena. */
enum od_status od_bind_list(struct od_binder *binder, const struct od_place *place,
                            PgQuery__Node *const *nodes, size_t count, struct od_bound **bounds_out);
enum od_status od_bind_call(struct od_binder *binder, enum od_function function,
                            const struct od_bound *arguments, uint32_t count, int32_t location,
                            struct od_bound *bound_out);
enum od_status od_bind_literal(struct od_binder *binder, const struct od_value *value, int32_t location,
                               struct od_bound *bound_out);
enum od_status od_bind_func_call(struct od_binder *binder, const struct od_place *place,
                                 const PgQuery__FuncCall *call, struct od_bound *bound_out);
enum od_status od_bind_aggregate(struct od_binder *binder, const struct od_place *place,
                                 const PgQuery__FuncCall *call, const char *name,
                                 enum od_aggregate_function function, struct od_bound *bound_out);
enum od_status od_bind_window(struct od_binder *binder, const struct od_place *place,
                              const PgQuery__FuncCall *call, const char *name, struct od_bound *bound_out);
enum od_status od_bind_grouping(struct od_binder *binder, const struct od_place *place,
                                const PgQuery__GroupingFunc *call, struct od_bound *bound_out);
/* A new slot, whose number is OD_SLOT_BASE + *slot_out. The pointer holds until the next one. */
struct od_slot *od_new_slot(struct od_binder *binder, struct od_block *block, enum od_slot_kind kind,
                            uint32_t *slot_out);
enum od_status od_bind_sub_link(struct od_binder *binder, const struct od_place *place,
                                const PgQuery__SubLink *link, struct od_bound *bound_out);
/* A constant, evaluated, of this type; other numbers round to a bigint. BAD_INPUT or UNSUPPORTED when it is
 * none. */
enum od_status od_bind_constant(struct od_binder *binder, const struct od_place *place,
                                const PgQuery__Node *node, enum od_type type, struct od_value *value_out);
/* The elements of a row expression, or the one expression that the node is. */
enum od_status od_bind_row(struct od_binder *binder, const struct od_place *place, const PgQuery__Node *node,
                           struct od_bound **bounds_out, uint32_t *count_out);
/* left <function> right, for rows of `count` elements. UNSUPPORTED for more than one and no comparison. */
enum od_status od_bind_compare(struct od_binder *binder, enum od_function function,
                               const struct od_bound *left, const struct od_bound *right, uint32_t count,
                               int32_t location, struct od_bound *bound_out);
/* (a, b) = (SELECT x, y ...) */
enum od_status od_bind_row_sub_link(struct od_binder *binder, const struct od_place *place,
                                    enum od_function function, const PgQuery__Node *row,
                                    const PgQuery__SubLink *link, struct od_bound *bound_out);
/* "=" -> EQUAL; false when there is no such operator. */
bool od_sql_operator(const char *name, enum od_function *function_out);

/* --- types -------------------------------------------------------------------------------------- */

/* A type as SQL writes it: one of ours, and what a cast to it does besides. */
enum od_sql_limit { OD_LIMIT_NONE, OD_LIMIT_SMALLINT, OD_LIMIT_VARCHAR, OD_LIMIT_NUMERIC, OD_LIMIT_INTERVAL };
struct od_sql_type {
    enum od_type type;
    enum od_sql_limit limit;
    uint32_t size;  /* VARCHAR: characters; NUMERIC: digits in all; INTERVAL: PostgreSQL's mask of fields */
    uint32_t scale; /* NUMERIC: digits after the point */
};
enum od_status od_sql_find_type(struct od_binder *binder, const PgQuery__TypeName *node,
                                struct od_sql_type *type_out);
/* The type of PostgreSQL's internal name, without modifiers. */
bool od_sql_type_named(const char *name, struct od_sql_type *type_out);
/* CAST(bound AS type). */
enum od_status od_bind_cast_to(struct od_binder *binder, const struct od_bound *bound,
                               const struct od_sql_type *type, int32_t location,
                               const struct od_expr **expr_out);
/* As INSERT and UPDATE cast to a column `name`: fewer casts exist, and a varchar is not cut: whoever stores
 * the values checks their lengths. */
enum od_status od_bind_assignment(struct od_binder *binder, const struct od_bound *bound,
                                  const struct od_sql_type *type, const char *name, int32_t location,
                                  const struct od_expr **expr_out);
/* A quoted literal read as a type. */
enum od_status od_bind_read_literal(struct od_binder *binder, const struct od_expr *text, enum od_type type,
                                    const struct od_expr **expr_out);

/* --- queries ------------------------------------------------------------------------------------ */

/* A query of any form. `outer`: the block around it, or NULL. *unknown_out, if not NULL: for each column
 * whether it is a quoted literal or NULL, whose type is still to choose (in the plan it is text). */
enum od_status od_bind_query(struct od_binder *binder, const PgQuery__SelectStmt *select,
                             struct od_block *outer, const struct od_plan **plan_out,
                             const bool **unknown_out);
/* One SELECT without WITH or set operation; ORDER BY and LIMIT included. */
enum od_status od_bind_select(struct od_binder *binder, const PgQuery__SelectStmt *select,
                              struct od_block *outer, const struct od_plan **plan_out,
                              const bool **unknown_out);
/* FROM: plan and scope of the block. */
enum od_status od_bind_from(struct od_binder *binder, const PgQuery__SelectStmt *select,
                            struct od_block *block);
/* WITH: its queries are known by name from then on. */
enum od_status od_bind_with(struct od_binder *binder, const PgQuery__WithClause *with,
                            struct od_block *outer);
/* One row of one column that nobody names: what SELECT without FROM reads. */
enum od_status od_one_row(struct od_binder *binder, const struct od_plan **plan_out);
/* VALUES, without its ORDER BY and LIMIT. */
enum od_status od_bind_values(struct od_binder *binder, const PgQuery__SelectStmt *select,
                              struct od_block *outer, const struct od_plan **plan_out);
/* ORDER BY (keys over the plan), then LIMIT, OFFSET, WITH TIES. */
enum od_status od_put_order(struct od_binder *binder, const PgQuery__SelectStmt *select,
                            const struct od_sort_key *keys, uint32_t key_count, const struct od_plan **plan);
/* ASC, DESC, USING, NULLS of an ORDER BY item. */
enum od_status od_sort_direction(struct od_binder *binder, const PgQuery__SortBy *item,
                                 struct od_sort_key *key);
/* A project to the first `count` columns, nothing where there are no more. */
enum od_status od_put_columns(struct od_binder *binder, uint32_t count, const struct od_plan **plan);
/* A filter: column `index` <function> a whole number. */
enum od_status od_put_comparison(struct od_binder *binder, uint32_t index, enum od_function function,
                                 int64_t number, const struct od_plan **plan);
/* The columns [0, count). */
enum od_status od_all_columns(struct od_binder *binder, const struct od_plan *plan, uint32_t count,
                              const struct od_expr ***exprs_out);
/* A window over the plan: row_number, and rank if `ranks`, become its last columns. */
enum od_status od_put_numbers(struct od_binder *binder, const struct od_expr *const *partitions,
                              uint32_t partition_count, const struct od_sort_key *keys, uint32_t key_count,
                              bool ranks, const struct od_plan **plan);
/* Whole numbers in ORDER BY and GROUP BY are positions: *is_position, and which, from 0. */
enum od_status od_as_position(struct od_binder *binder, const PgQuery__Node *node, const char *clause,
                              uint32_t count, bool *is_position, uint32_t *position_out);
/* A bare name, or NULL. */
const char *od_as_bare_name(const PgQuery__Node *node);

/* The select list, seen from GROUP BY and ORDER BY. */
struct od_target {
    const struct od_expr *expr;
    const char *name;
    bool unknown;
};
struct od_select {
    const PgQuery__SelectStmt *select;
    struct od_block block;
    uint32_t target_count;
    struct od_target *targets; /* the select list, then hidden columns */
    uint32_t visible_count;    /* of them in the select list */
    const struct od_expr *having;
    bool has_twin_key; /* GROUP BY an output column that has the same expression as an earlier one */
};
/* GROUP BY: block.groups and .sets. */
enum od_status od_bind_groups(struct od_binder *binder, struct od_select *build);
/* The stage of groups over the rows. */
enum od_status od_put_groups(struct od_binder *binder, struct od_block *block);
/* The stage with the window calls. */
enum od_status od_put_windows(struct od_binder *binder, struct od_block *block);
/* A position, or an output name. */
enum od_status od_as_target(struct od_binder *binder, const struct od_select *build,
                            const PgQuery__Node *node, const char *clause, bool names, bool *found,
                            uint32_t *target_out);

const char *od_output_name(const PgQuery__Node *node);

/* --- for statements other than SELECT ------------------------------------------------------------- */

void od_binder_init(struct od_binder *binder, struct od_arena *plan_arena, const char *sql,
                    const struct od_sql_context *context, struct od_error *error);
/* The rows to insert into columns of these types: the query's, assignment casts made, quoted literals read as
 * the column's type. `defaults`: NULL, or for each column what DEFAULT in a VALUES list means (NULL: a NULL).
 * BAD_INPUT when the number of columns differs. */
enum od_status od_bind_insert(struct od_binder *binder, const PgQuery__SelectStmt *select,
                              const struct od_sql_type *types, const char *const *names,
                              const struct od_expr *const *defaults, uint32_t column_count,
                              const struct od_plan **plan_out);
/* An expression over one relation's columns (or none: schema NULL): DEFAULT, CHECK. No sub-selects, no
 * aggregates. */
enum od_status od_bind_over(struct od_binder *binder, const char *relation, const struct od_schema *schema,
                            const char *clause, const PgQuery__Node *node, struct od_bound *bound_out);

#endif
