/* generate: tables, expressions and plans drawn from the choices, hostile by construction.
 *
 * Draws go from plain to nasty: 0 is always the simplest thing (a bare column, an empty table, no filter), so
 * that a shrinker that lowers bytes simplifies cases. Failure is sticky: functions return NULL and `status`
 * says why; callers just go on returning. All that is made lives in `arena`.
 *
 * Where an expression may really fail (overflow, division by zero, a bad cast) is decided here: only where
 * every plan must evaluate it (`failing`, set by gen_plan.c near the root), because elsewhere a correct
 * engine may drop a column that nobody reads. A *tame* case has small numbers only, so that arithmetic
 * flagged may_fail cannot fail in it. */
#ifndef OD_PROPERTIES_GENERATE_H
#define OD_PROPERTIES_GENERATE_H

#include "engine/plan/logical.h"
#include "properties/choice.h"

/* What floats and integers a case has. Drawn once a case. */
enum od_flavour {
    OD_FLAVOUR_PLAIN,   /* small numbers, no NaN: SQLite can follow */
    OD_FLAVOUR_SPECIAL, /* and NaN, infinities, -0.0 */
    OD_FLAVOUR_WILD,    /* and the extremes of each type */
    OD_FLAVOUR_COUNT
};

/* What a property needs at the root of its plan. */
enum od_root {
    OD_ROOT_ANY,
    OD_ROOT_FILTER,
    OD_ROOT_INNER_JOIN,
    OD_ROOT_LEFT_JOIN,
    OD_ROOT_GROUPS,
    OD_ROOT_STATEMENT
};

/* The left sides of the APPLYs around, the nearest first. */
struct od_gen_outer {
    const struct od_schema *schema;
    const struct od_gen_outer *next;
};

struct od_gen {
    struct od_choices *choices;
    struct od_memory *memory; /* for tables */
    struct od_arena *arena;
    enum od_flavour flavour;
    bool failing;                     /* an expression made now may really fail */
    const struct od_gen_outer *outer; /* NULL: no APPLY around */
    uint32_t nodes_left;              /* plan nodes that may still be made */
    uint32_t table_count;
    struct od_table **tables;
    enum od_status status; /* OK until something failed */
    struct od_error *error;
};

/* gen_table.c */
#define OD_GEN_TABLES_MAX  3u
#define OD_GEN_COLUMNS_MAX 5u
#define OD_GEN_ROWS_MAX    40u
/* A value of the flavour; never NULL-valued. Text lives in the arena or is constant. */
struct od_value od_gen_value(struct od_gen *gen, enum od_type type);
/* NULL and gen->status on failure. The table comes from gen->memory. */
struct od_table *od_gen_table(struct od_gen *gen, uint32_t table_index);

/* gen_expr.c: an expression of `type` over `schema`, at most `depth` calls deep. */
const struct od_expr *od_gen_expr(struct od_gen *gen, const struct od_schema *schema, enum od_type type,
                                  uint32_t depth);
/* A boolean fit for WHERE: mostly comparisons on columns. */
const struct od_expr *od_gen_predicate(struct od_gen *gen, const struct od_schema *schema, uint32_t depth);
const struct od_expr *od_gen_interval(struct od_gen *gen);
/* A column of the schema, any type. */
const struct od_expr *od_gen_column(struct od_gen *gen, const struct od_schema *schema);
const struct od_expr *od_gen_call(struct od_gen *gen, enum od_function function,
                                  const struct od_expr *const *arguments, uint32_t count);

/* gen_plan.c: a plan over gen->tables. */
const struct od_plan *od_gen_plan(struct od_gen *gen, enum od_root root);

#endif
