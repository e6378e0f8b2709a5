/* binder: what the parts of the SQL front end share. Internal to this folder: others see sql.h.
 *
 *   bind_select.c   one SELECT: calls the others in PostgreSQL's order, stacks the plan
 *   bind_from.c     FROM and WHERE -> joined plan and the scope of its columns
 *   scope.c         names -> columns
 *   bind_expr.c     parse nodes -> typed expressions          bind_call.c   functions, casts, quoted literals
 *   bind_group.c    GROUP BY, aggregates, what may stand beside them
 *   output_name.c   how PostgreSQL names an output column */
#ifndef OD_SQL_BINDER_H
#define OD_SQL_BINDER_H

#include "engine/plan/logical.h"
#include "engine/sql/parse.h"

#define OD_SQL_DEPTH_MAX 500 /* nested expressions, joins and sub-selects, together */

struct od_binder {
    struct od_arena *plan_arena;
    const char *sql;
    const struct od_catalog *catalog;
    struct od_error *error; /* never NULL */
    uint32_t depth;
};

/* A location is a byte offset in the text, -1 when unknown. */
enum od_status od_sql_fail(struct od_binder *binder, enum od_status status, int32_t location,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Gives an error that has no position yet this one; returns `status`. */
enum od_status od_sql_locate(struct od_binder *binder, enum od_status status, int32_t location);
enum od_status od_sql_no_memory(struct od_binder *binder);
enum od_status od_sql_enter(struct od_binder *binder,
                            int32_t location); /* one level down; UNSUPPORTED when too deep */
void od_sql_leave(struct od_binder *binder);
/* Where a node begins, as far as the parser says; -1 when it does not. */
int32_t od_sql_location(const PgQuery__Node *node);
/* What a node is called in messages: "a sub-select in an expression". */
const char *od_sql_construct(const PgQuery__Node *node);
/* The text of a String node, or NULL. */
const char *od_sql_string(const PgQuery__Node *node);

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
/* The entry that [relation.]name means. BAD_INPUT: none or several. */
enum od_status od_scope_find(struct od_binder *binder, const struct od_scope *scope, const char *relation,
                             const char *name, int32_t location, const struct od_scope_entry **entry_out);
bool od_scope_has_relation(const struct od_scope *scope, const char *relation);
/* Left's entries, then right's with their columns moved by left's column count. BAD_INPUT when a table name
 * is in both. */
enum od_status od_scope_join(struct od_binder *binder, const struct od_scope *left,
                             const struct od_scope *right, int32_t location, struct od_scope *scope_out);

/* --- FROM ------------------------------------------------------------------------------------- */

struct od_from {
    const struct od_plan *plan;
    struct od_scope scope; /* of plan->schema */
};
enum od_status od_bind_from(struct od_binder *binder, const PgQuery__SelectStmt *select,
                            struct od_from *from_out);
enum od_status od_bind_select(struct od_binder *binder, const PgQuery__SelectStmt *select,
                              const struct od_plan **plan_out);

/* --- expressions ------------------------------------------------------------------------------ */

/* Aggregates met while binding. Aggregate k is stood for by column (columns of the scope) + k until
 * od_grouping_rewrite. */
struct od_aggregate_list {
    uint32_t count;
    uint32_t capacity;
    struct od_aggregate *aggregates;
};

struct od_expr_place {
    const struct od_scope *scope;
    const char *clause;                   /* "WHERE": for messages */
    struct od_aggregate_list *aggregates; /* NULL: none allowed here */
    bool in_aggregate;                    /* inside an aggregate's argument */
};

/* `unknown`: a quoted literal whose type nobody has said yet; taken as text when nobody does. */
struct od_bound {
    const struct od_expr *expr;
    bool unknown;
};
enum od_status od_bind_expr(struct od_binder *binder, const struct od_expr_place *place,
                            const PgQuery__Node *node, struct od_bound *bound_out);
/* As above for a condition: must be boolean. `what` for messages: "WHERE". */
enum od_status od_bind_condition(struct od_binder *binder, const struct od_expr_place *place,
                                 const PgQuery__Node *node, const struct od_expr **expr_out);
enum od_status od_bind_call(struct od_binder *binder, enum od_function function,
                            const struct od_bound *arguments, uint32_t count, int32_t location,
                            struct od_bound *bound_out);
enum od_status od_bind_func_call(struct od_binder *binder, const struct od_expr_place *place,
                                 const PgQuery__FuncCall *call, struct od_bound *bound_out);
enum od_status od_bind_cast(struct od_binder *binder, const struct od_expr_place *place,
                            const PgQuery__TypeCast *cast, struct od_bound *bound_out);
/* A list of nodes; *bounds_out is an array in the plan_arena. */
enum od_status od_bind_list(struct od_binder *binder, const struct od_expr_place *place,
                            PgQuery__Node *const *nodes, size_t count, struct od_bound **bounds_out);

/* --- grouping --------------------------------------------------------------------------------- */

struct od_grouping {
    const struct od_scope *scope; /* of the rows that are grouped */
    uint32_t group_count;
    const struct od_expr **groups;
    const struct od_aggregate_list *aggregates;
    const struct od_plan *plan; /* the aggregate */
};
enum od_status od_grouping_build(struct od_binder *binder, const struct od_plan *input,
                                 struct od_grouping *grouping);
/* An expression over the rows (aggregates stood for by columns) -> one over the aggregate's output. BAD_INPUT
 * when it reads a column that is not grouped. */
enum od_status od_grouping_rewrite(struct od_binder *binder, const struct od_grouping *grouping,
                                   const struct od_expr *expr, const struct od_expr **expr_out);

const char *od_output_name(const PgQuery__Node *node);

#endif
