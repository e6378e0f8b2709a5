/* binder: what the parts of the SQL front end share. Internal to this folder: others see sql.h.
 *
 *   bind_query.c     a query: WITH, set operations, VALUES, ORDER BY and LIMIT of the whole
 *   bind_select.c    one SELECT, in PostgreSQL's order
 *   bind_from.c      FROM: tables, views, sub-selects             bind_join.c  JOIN: ON, USING, NATURAL
 *   bind_expr.c      parse nodes -> typed expressions             bind_row.c   rows compared with rows
 *   bind_call.c      functions, constants                         sql_type.c   type names, literals, casts
 *   bind_aggregate.c aggregates                                   bind_window.c  window calls
 *   bind_subquery.c  sub-selects in expressions
 *   bind_change.c    the rows of INSERT, UPDATE and DELETE
 *   bind_group.c     GROUP BY and grouping sets, what may stand beside them
 *   lower.c          from expressions over rows to expressions over the stage that evaluates them
 *   scope.c          names -> columns                             output_name.c  what PostgreSQL calls one
 *   make.c           the makers of small expressions and plans
 *
 * Binding is in two steps. First every expression of a SELECT is bound over its *rows*, the columns of FROM;
 * what is no column of them yet (an aggregate, a window call, the value of a sub-select) is a SLOT: a
 * stand-in column numbered from OD_SLOT_BASE. Then the plan grows stage by stage (rows, groups, windows), and
 * an expression is *lowered* onto the stage at which it is evaluated: columns are found among the groups,
 * slots become columns of the stage, and sub-selects are joined to it when they are first asked for.
 *
 * Names are the parse tree's or a schema's while binding lasts; plans copy what they keep.
 *
 * Binding builds one thing out of others, so it is written as nested calls of MAKERS, which share one rule:
 * a maker gives NULL (or false) when it has failed, and binder->error says why. Once something has failed,
 * every maker gives NULL at once and the error stays. So what is only handed on to another maker need not be
 * looked at; what is looked into must be, and OD_NEED (core/status.h) does that. */
#ifndef OD_SQL_BINDER_H
#define OD_SQL_BINDER_H

#include "engine/sql/parse.h"
#include "engine/sql/sql.h"

#define OD_SQL_DEPTH_MAX 500 /* nested expressions, joins, sub-selects and views, together */

struct od_named_query; /* of WITH; bind_from.c */

struct od_binder {
    struct od_arena *plan_arena;
    const char *sql;
    const struct od_sql_context *context;
    struct od_error *error; /* never NULL; the first failure */
    uint32_t depth;
    uint32_t view_count; /* read so far: views over two of the one before grow without a bound */
    const struct od_named_query *named; /* what WITH has named, innermost first */
    struct od_block *around_from;       /* of the FROM that is being bound: the block around its SELECT */
};

void od_binder_init(struct od_binder *binder, struct od_arena *plan_arena, const char *sql,
                    const struct od_sql_context *context, struct od_error *error);
bool od_sql_failed(const struct od_binder *binder);
/* Each notes an error, unless there is one, and returns NULL. A location is a byte offset in the text, -1
 * when unknown. BAD_INPUT; UNSUPPORTED, "... is not supported"; any. */
void *od_sql_wrong(struct od_binder *binder, int32_t location, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void *od_sql_refuse(struct od_binder *binder, int32_t location, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void *od_sql_fail(struct od_binder *binder, enum od_status status, int32_t location, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Gives an error that has no position yet this one. */
void od_sql_locate(struct od_binder *binder, int32_t location);
/* One level down; UNSUPPORTED when too deep. */
bool od_sql_enter(struct od_binder *binder, const PgQuery__Node *node);
void od_sql_leave(struct od_binder *binder);
/* Where a node begins, as far as the parser says; -1 when it does not. */
int32_t od_sql_location(const PgQuery__Node *node);
/* What a node is called in messages: "a sub-select in an expression". */
const char *od_sql_construct(const PgQuery__Node *node);
/* The text of a String node, or NULL. The parser leaves texts that are not there NULL or empty. */
const char *od_sql_string(const PgQuery__Node *node);
bool od_sql_given(const char *text);

/* --- makers: lists ------------------------------------------------------------------------------ */

void *od_sql_no_memory(struct od_binder *binder);
/* Zeroed, in the plan_arena. */
void *od_sql_take(struct od_binder *binder, size_t count, size_t bytes);
/* Copies an item to the end of a list in the plan_arena that has grown by such calls alone; `list` points to
 * the pointer to it. */
bool od_sql_append(struct od_binder *binder, void *list, uint32_t *count, const void *item, size_t bytes);

struct od_exprs {
    uint32_t count;
    const struct od_expr **at;
};
bool od_add_expr(struct od_binder *binder, struct od_exprs *list, const struct od_expr *expr);

/* The columns of a project to come. A name is the parser's or a schema's, copied when the plan is made. */
struct od_target {
    const struct od_expr *expr;
    const char *name; /* NULL: the expression's own */
};
struct od_targets {
    uint32_t count;
    struct od_target *at;
};
bool od_add_target(struct od_binder *binder, struct od_targets *targets, const struct od_expr *expr,
                   const char *name);
/* All columns of the plan. */
bool od_add_columns(struct od_binder *binder, struct od_targets *targets, const struct od_plan *plan);

/* --- makers: expressions -------------------------------------------------------------------------- */

const struct od_expr *od_make_literal(struct od_binder *binder, const struct od_value *value,
                                      int32_t location);
/* A quoted literal, or NULL (text NULL), of no type yet. */
const struct od_expr *od_make_untyped(struct od_binder *binder, const char *text, int32_t location);
const struct od_expr *od_make_null(struct od_binder *binder, enum od_type type);
const struct od_expr *od_make_number(struct od_binder *binder, enum od_type type, int64_t number,
                                     int32_t location);
const struct od_expr *od_make_truth(struct od_binder *binder);
const struct od_expr *od_make_column(struct od_binder *binder, const struct od_schema *schema,
                                     uint32_t column_index, int32_t location);
/* A column that is in no schema: a slot, a field of a sub-select in its own condition. */
const struct od_expr *od_make_stand_in(struct od_binder *binder, uint32_t column_index, enum od_type type,
                                       bool nullable, int32_t location);
/* Quoted literals among the arguments are read as the types that the call wants. */
const struct od_expr *od_make_call(struct od_binder *binder, enum od_function function,
                                   struct od_exprs arguments, int32_t location);
const struct od_expr *od_make_pair(struct od_binder *binder, enum od_function function,
                                   const struct od_expr *left, const struct od_expr *right, int32_t location);
const struct od_expr *od_make_one(struct od_binder *binder, enum od_function function,
                                  const struct od_expr *argument, int32_t location);
/* AND or OR of the list; the expression itself for one. */
const struct od_expr *od_make_chain(struct od_binder *binder, enum od_function function, struct od_exprs list,
                                    int32_t location);
const struct od_expr *od_make_cast(struct od_binder *binder, const struct od_expr *expr, enum od_type type,
                                   int32_t location);
/* A quoted literal read as a type. */
const struct od_expr *od_make_read(struct od_binder *binder, const struct od_expr *text, enum od_type type);
/* The same expression, or what a builder has left in binder->error, with this place. */
const struct od_expr *od_make_at(struct od_binder *binder, const struct od_expr *expr, int32_t location);
/* Where an expression stands in the text. */
int32_t od_place_of(const struct od_expr *expr);

/* --- makers: plans ---------------------------------------------------------------------------------- */

/* One row of one column that nobody names: what SELECT without FROM reads. */
const struct od_plan *od_make_one_row(struct od_binder *binder);
/* All columns of a table. */
const struct od_plan *od_make_scan(struct od_binder *binder, const struct od_table *table);
const struct od_plan *od_make_project(struct od_binder *binder, const struct od_plan *plan,
                                      const struct od_targets *targets);
/* `targets`: list after list of `width` each. */
const struct od_plan *od_make_expand(struct od_binder *binder, const struct od_plan *plan,
                                     const struct od_targets *targets, uint32_t width);
/* Its first `count` columns, nothing to do where there are no more. */
const struct od_plan *od_make_cut(struct od_binder *binder, const struct od_plan *plan, uint32_t count);
const struct od_plan *od_make_filter(struct od_binder *binder, const struct od_plan *plan,
                                     const struct od_expr *predicate);
/* Where column `index` <function> a whole number. */
const struct od_plan *od_make_comparison(struct od_binder *binder, const struct od_plan *plan, uint32_t index,
                                         enum od_function function, int64_t number);
/* A window over the plan: row_number, and rank if `ranks`, become its last columns. */
const struct od_plan *od_make_numbers(struct od_binder *binder, const struct od_plan *plan,
                                      struct od_exprs partitions, const struct od_sort_key *keys,
                                      uint32_t key_count, bool ranks);
/* JOIN, or if the right side reads the left one APPLY. */
const struct od_plan *od_make_join(struct od_binder *binder, enum od_join_type type, bool correlated,
                                   const struct od_plan *left, const struct od_plan *right,
                                   const struct od_expr *condition, int32_t location);
/* The right one alone when the left one is not there yet. */
const struct od_plan *od_make_union(struct od_binder *binder, const struct od_plan *left,
                                    const struct od_plan *right);

/* --- scope ------------------------------------------------------------------------------------ */

/* One way to name a column. A column joined by USING has three entries: its own under each table's name, and
 * a merged one. */
struct od_scope_entry {
    const char *relation; /* alias or table name; NULL for a column merged by USING */
    const char *name;
    uint32_t column_index; /* in `schema` */
    bool plain;            /* can be meant by its bare name, and is part of "*" */
    bool is_read;
    uint32_t table_column; /* where the column stands in its table */
    struct od_sql_key key; /* of the table, if the relation is one */
};
struct od_scope {
    struct od_schema schema;
    uint32_t entry_count;
    struct od_scope_entry *entries;
};
/* Is [relation.]name a way to name this entry's column? name NULL: any. */
bool od_scope_matches(const struct od_scope_entry *entry, const char *relation, const char *name);
/* The number of entries that [relation.]name means, and one of them. */
uint32_t od_scope_find(const struct od_scope *scope, const char *relation, const char *name,
                       const struct od_scope_entry **entry_out);
bool od_scope_has_relation(const struct od_scope *scope, const char *relation);
/* All columns of a relation under their own names. */
bool od_scope_of(struct od_binder *binder, const char *relation, const struct od_schema *schema,
                 struct od_scope *scope_out);
/* Left's entries, then right's with their columns moved by left's column count. BAD_INPUT when a table name
 * is in both. The result may take the place of either. */
bool od_scope_join(struct od_binder *binder, const struct od_scope *left, const struct od_scope *right,
                   int32_t location, struct od_scope *scope_out);

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
    struct od_exprs partitions;
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
        struct od_exprs grouping; /* GROUPING(...): its arguments */
        struct od_window_slot window;
        struct {
            struct od_subquery *query;
            uint32_t field; /* of its outputs */
        } value;
    };
};

struct od_outer_read {
    uint32_t column_index;
    int32_t location;
};
/* One level of names: the rows of a SELECT (or, for ON and LATERAL, of a part of its FROM), and the level
 * around it. */
struct od_block {
    struct od_block *outer;
    const PgQuery__SelectStmt *select; /* whose WINDOW clause names windows; NULL: none */
    struct od_scope scope;
    bool is_beside; /* what stands to the left of a LATERAL item */
    bool is_inner;  /* ... in a tree of JOINs that stands itself beside `outer`: their names are of one level */
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
    /* Of the expression that is being bound, for sub-selects in it that hold an aggregate of this block's rows. */
    bool takes_aggregates;
    const char *clause;
    uint32_t reads_before; /* outer_read_count when an aggregate further in began */
    /* Slots of such aggregates: to the sub-selects, columns behind those of the rows. */
    uint32_t outer_aggregate_count;
    uint32_t *outer_aggregates;
    /* the current stage */
    const struct od_plan *plan;
    bool grouped;
    struct od_exprs groups; /* over the rows */
    uint32_t group_first;   /* column of the first group in the stage */
    uint32_t set_count;     /* of grouping sets; 1: an ordinary GROUP BY */
    const uint64_t *sets;   /* bit k: group k is in it */
    bool has_set_column;    /* the number of the grouping set stands in set_column */
    uint32_t set_column;
};
/* Appends a copy of the slot; gives its stand-in. */
const struct od_expr *od_add_slot(struct od_binder *binder, struct od_block *block, struct od_slot slot,
                                  enum od_type type, bool nullable, int32_t location);
/* An expression over the block's rows -> one over its current stage, which may grow by the sub-selects in it;
 * NULL stays NULL. BAD_INPUT when it reads a column that is not grouped. */
const struct od_expr *od_lower(struct od_binder *binder, struct od_block *block, const struct od_expr *expr);
struct od_exprs od_lower_list(struct od_binder *binder, struct od_block *block, struct od_exprs list);
struct od_sort_key *od_lower_keys(struct od_binder *binder, struct od_block *block,
                                  const struct od_sort_key *keys, uint32_t count);
/* All expressions of an aggregate. */
bool od_lower_aggregate(struct od_binder *binder, struct od_block *block, struct od_aggregate *aggregate);
/* The value of GROUPING(...) in the current stage. */
const struct od_expr *od_lower_grouping(struct od_binder *binder, struct od_block *block,
                                        struct od_exprs arguments, int32_t location);
/* The block's plan has become groups ++ [number of the set] ++ aggregates: the stage from now on. Sub-selects
 * will be joined anew. */
bool od_enter_groups(struct od_binder *binder, struct od_block *block);
/* Keeps the rows of the current stage for which the predicate (over the rows) is true. Sub-selects that are
 * conjuncts become semi- and antijoins. */
bool od_lower_filter(struct od_binder *binder, struct od_block *block, const struct od_expr *predicate);
/* Does it hold a slot of one of these kinds (bits 1 << kind)? */
bool od_has_slot(const struct od_block *block, const struct od_expr *expr, uint32_t kinds);
/* Are they equal, if sub-selects that say the same count as one? */
bool od_same_value(const struct od_block *block, const struct od_expr *left, const struct od_expr *right);

/* --- expressions ------------------------------------------------------------------------------ */

struct od_place {
    struct od_binder *binder;
    struct od_block *block;
    const char *clause; /* "WHERE": for messages */
    bool aggregates;    /* may stand here */
    bool windows;
    bool in_aggregate; /* inside an aggregate's argument */
    bool in_window;
};

const struct od_expr *od_bind_expr(const struct od_place *place, const PgQuery__Node *node);
/* The column of `target`, the block itself or one around it, as the block reads it. */
const struct od_expr *od_bind_entry(struct od_binder *binder, struct od_block *block, struct od_block *target,
                                    uint32_t column_index, int32_t location);
/* The next block in which names are looked for; NULL: none. */
struct od_block *od_next_visible(struct od_block *block);
/* As od_bind_expr for a condition of `clause`: must be boolean. */
const struct od_expr *od_bind_condition(const struct od_place *place, const PgQuery__Node *node,
                                        const char *clause);
struct od_exprs od_bind_list(const struct od_place *place, PgQuery__Node *const *nodes, size_t count);
const struct od_expr *od_bind_func_call(const struct od_place *place, const PgQuery__FuncCall *call);
const struct od_expr *od_bind_aggregate(const struct od_place *place, const PgQuery__FuncCall *call,
                                        const char *name, enum od_aggregate_function function);
/* All of an aggregate but OVER. */
bool od_bind_aggregate_call(const struct od_place *place, const PgQuery__FuncCall *call, const char *name,
                            enum od_aggregate_function function, struct od_aggregate *aggregate_out);
const struct od_expr *od_bind_window(const struct od_place *place, const PgQuery__FuncCall *call,
                                     const char *name);
/* The WINDOW clause, for those that no call uses: they must be right, and aggregates in them group the rows. */
bool od_bind_named_windows(struct od_binder *binder, struct od_block *block);
const struct od_expr *od_bind_grouping(const struct od_place *place, const PgQuery__GroupingFunc *call);
const struct od_expr *od_bind_sub_link(const struct od_place *place, const PgQuery__SubLink *link);
/* A constant, evaluated, of this type; other numbers round to a bigint. BAD_INPUT or UNSUPPORTED when it is
 * none. */
bool od_bind_constant(const struct od_place *place, const PgQuery__Node *node, enum od_type type,
                      struct od_value *value_out);
/* The elements of a row expression, or the one expression that the node is. */
struct od_exprs od_bind_row(const struct od_place *place, const PgQuery__Node *node);
/* left <function> right, for rows of equally many elements. UNSUPPORTED for more than one, no comparison. */
const struct od_expr *od_bind_compare(struct od_binder *binder, enum od_function function,
                                      struct od_exprs left, struct od_exprs right, int32_t location);
/* (a, b) = (SELECT x, y ...) */
const struct od_expr *od_bind_row_sub_link(const struct od_place *place, enum od_function function,
                                           const PgQuery__Node *row, const PgQuery__SubLink *link);
/* "=" -> EQUAL; false when there is no such operator. */
bool od_sql_operator(const char *name, enum od_function *function_out);
/* ORDER BY items, in an array of the plan_arena. */
struct od_sort_key *od_bind_keys(const struct od_place *place, PgQuery__Node *const *nodes, size_t count);

/* --- types -------------------------------------------------------------------------------------- */

/* A type as SQL writes it: one of ours, and what a cast to it does besides. */
enum od_sql_limit { OD_LIMIT_NONE, OD_LIMIT_SMALLINT, OD_LIMIT_VARCHAR, OD_LIMIT_NUMERIC, OD_LIMIT_INTERVAL };
struct od_sql_type {
    enum od_type type;
    enum od_sql_limit limit;
    uint32_t size;  /* VARCHAR: characters; NUMERIC: digits in all; INTERVAL: PostgreSQL's mask of fields */
    uint32_t scale; /* NUMERIC: digits after the point */
};
bool od_sql_find_type(struct od_binder *binder, const PgQuery__TypeName *node, struct od_sql_type *type_out);
/* The type of PostgreSQL's internal name, without modifiers. */
bool od_sql_type_named(const char *name, struct od_sql_type *type_out);
/* CAST(expr AS type). */
const struct od_expr *od_bind_cast_to(struct od_binder *binder, const struct od_expr *expr,
                                      struct od_sql_type type, int32_t location);
/* As INSERT and UPDATE cast to a column `name`: fewer casts exist, and a varchar is not cut: whoever stores
 * the values checks their lengths. */
const struct od_expr *od_bind_assignment(struct od_binder *binder, const struct od_expr *expr,
                                         struct od_sql_type type, const char *name, int32_t location);

/* --- queries ------------------------------------------------------------------------------------ */

/* A query of any form. `outer`: the block around it, or NULL. */
const struct od_plan *od_bind_query(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                    struct od_block *outer);
/* As above. *untyped_out: NULL, or for each column whether it is a literal whose type is still to choose (in
 * the plan it is text). */
const struct od_plan *od_bind_query_untyped(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                            struct od_block *outer, const bool **untyped_out);
/* The cells of VALUES, row after row: any lists of equally many. */
struct od_cells {
    struct od_schema schema; /* the caller's to fill; widths as the lists' */
    uint32_t row_count;
    struct od_exprs exprs;
};
bool od_take_cells(struct od_binder *binder, const PgQuery__SelectStmt *select, struct od_cells *cells_out);
/* As one VALUES, or where cells hold sub-selects or outer columns, a union of projects. */
const struct od_plan *od_put_cells(struct od_binder *binder, struct od_block *block,
                                   const struct od_cells *cells);
/* One SELECT without WITH or set operation; ORDER BY and LIMIT included. */
const struct od_plan *od_bind_select(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                     struct od_block *outer, const bool **untyped_out);
/* FROM: plan and scope of the block. */
bool od_bind_from(struct od_binder *binder, const PgQuery__SelectStmt *select, struct od_block *block);
/* WITH: its queries are known by name from then on. */
bool od_bind_with(struct od_binder *binder, const PgQuery__WithClause *with, struct od_block *outer);
/* ORDER BY (keys over the plan), then LIMIT, OFFSET, WITH TIES. */
const struct od_plan *od_put_order(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                   struct od_block *outer, const struct od_sort_key *keys,
                                   const struct od_plan *plan);
/* ASC, DESC, USING, NULLS of an ORDER BY item. */
bool od_sort_direction(struct od_binder *binder, const PgQuery__SortBy *item, struct od_sort_key *key);

/* An item of FROM. */
struct od_from_item {
    const struct od_plan *plan;
    struct od_scope scope; /* of plan->schema */
};
bool od_bind_from_item(struct od_binder *binder, struct od_block *outer, const PgQuery__Node *node,
                       struct od_from_item *item_out);
/* The item to the right of `left`. *correlated_out: it must be joined by an APPLY. */
bool od_bind_right_item(struct od_binder *binder, struct od_block *outer, const struct od_from_item *left,
                        enum od_join_type type, const PgQuery__Node *node, struct od_from_item *item_out,
                        bool *correlated_out);
bool od_bind_join(struct od_binder *binder, struct od_block *outer, const PgQuery__JoinExpr *node,
                  struct od_from_item *item_out);

/* The select list, seen from GROUP BY and ORDER BY: its targets, then hidden columns. */
struct od_select {
    const PgQuery__SelectStmt *select;
    struct od_block block;
    struct od_targets targets;
    uint32_t visible_count; /* of them in the select list */
    const struct od_expr *having;
    bool has_twin_key; /* GROUP BY two output columns that have the same expression */
};
/* The group that is this column of the rows, or OD_NO_COLUMN. */
uint32_t od_group_of(const struct od_block *block, uint32_t column_index);
/* GROUP BY: block.groups and .sets. */
bool od_bind_groups(struct od_binder *binder, struct od_select *build);
/* The stage of groups over the rows. */
bool od_put_groups(struct od_binder *binder, struct od_block *block);
/* The stage with the window calls. */
bool od_put_windows(struct od_binder *binder, struct od_block *block);
/* Which of the targets an item of GROUP BY or ORDER BY means by a position or, if `names`, by an output name;
 * OD_NO_COLUMN: none. */
bool od_find_target(struct od_binder *binder, struct od_targets targets, const PgQuery__Node *node,
                    const char *clause, bool names, uint32_t *target_out);
/* A bare name, or NULL. */
const char *od_as_bare_name(const PgQuery__Node *node);

const char *od_output_name(const PgQuery__Node *node);

/* --- for statements other than SELECT ------------------------------------------------------------- */

/* A table whose rows change. */
struct od_row_shape {
    const char *name;
    struct od_schema schema;
    const struct od_sql_type *types;
    struct od_exprs defaults; /* for each column what DEFAULT means */
};
/* The rows to insert: the query's columns become columns[0], columns[1]... of the table, with assignment
 * casts, quoted literals read as the column's type; the others get their defaults. column_count 0: as many
 * columns as the query has, at most all. BAD_INPUT when the numbers differ. */
const struct od_plan *od_bind_insert(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                     const struct od_row_shape *table, const uint32_t *columns,
                                     uint32_t column_count);
/* changed: the rows for which `where` is true (NULL: all), where values[i] is not NULL with that in place of
 * column i. Else the other rows, as they are. */
struct od_row_change {
    const PgQuery__RangeVar *relation;  /* the table, which may have an alias */
    const PgQuery__WithClause *with;    /* NULL: none */
    const PgQuery__Node *where;         /* NULL: all rows */
    const PgQuery__Node *const *values; /* NULL: none */
};
const struct od_plan *od_bind_change(struct od_binder *binder, const struct od_row_shape *table,
                                     const struct od_row_change *change, bool changed);
/* An expression over one relation's columns (or none: schema NULL): DEFAULT, CHECK. No sub-selects, no
 * aggregates. */
const struct od_expr *od_bind_over(struct od_binder *binder, const char *relation,
                                   const struct od_schema *schema, const char *clause,
                                   const PgQuery__Node *node);

#endif
