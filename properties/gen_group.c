/* gen_group: aggregates of every function, groups, grouping sets, DISTINCT.
 *
 * A wild sum may overflow, so it is made only where it is surely evaluated. Plain cases keep away from numerics, which SQLite
 * has not. */
#include "properties/gen_relation.h"

#include <string.h>

#define EXPANDED_ROWS_MAX 400u

/* --- aggregates ----------------------------------------------------------------------------------------- */

static const enum od_aggregate_function functions[] = {
    OD_AGGREGATE_COUNT_STAR, OD_AGGREGATE_SUM,
    OD_AGGREGATE_MIN,        OD_AGGREGATE_MAX,
    OD_AGGREGATE_AVG,        OD_AGGREGATE_COUNT,
    OD_AGGREGATE_SUM,        OD_AGGREGATE_AVG,
    OD_AGGREGATE_MIN,        OD_AGGREGATE_SUM,
    OD_AGGREGATE_BOOL_AND,   OD_AGGREGATE_BOOL_OR,
    OD_AGGREGATE_BIT_AND,    OD_AGGREGATE_BIT_OR,
    OD_AGGREGATE_BIT_XOR,    OD_AGGREGATE_ANY_VALUE,
    OD_AGGREGATE_VAR_POP,    OD_AGGREGATE_VAR_SAMP,
    OD_AGGREGATE_STDDEV_POP, OD_AGGREGATE_STDDEV_SAMP,
    OD_AGGREGATE_CORR,       OD_AGGREGATE_COVAR_POP,
    OD_AGGREGATE_COVAR_SAMP, OD_AGGREGATE_REGR_COUNT,
    OD_AGGREGATE_REGR_AVGX,  OD_AGGREGATE_REGR_AVGY,
    OD_AGGREGATE_REGR_SXX,   OD_AGGREGATE_REGR_SYY,
    OD_AGGREGATE_REGR_SXY,   OD_AGGREGATE_REGR_SLOPE,
    OD_AGGREGATE_REGR_R2,    OD_AGGREGATE_REGR_INTERCEPT,
    OD_AGGREGATE_STRING_AGG, OD_AGGREGATE_STRING_AGG,
    OD_AGGREGATE_MODE,       OD_AGGREGATE_PERCENTILE_CONT,
    OD_AGGREGATE_STRING_AGG, OD_AGGREGATE_PERCENTILE_DISC,
};
#define FUNCTION_COUNT (sizeof(functions) / sizeof(functions[0]))

/* SQLite knows the first five; the numerics among their results it does not. */
static bool aggregate_is_permitted(const struct od_gen *gen, enum od_aggregate_function function,
                                   enum od_type result)
{
    bool is_plain = gen->flavour == OD_FLAVOUR_PLAIN;
    if (result == OD_TYPE_DECIMAL && is_plain && function != OD_AGGREGATE_SUM)
        return false;
    return !od_aggregate_may_fail(function) || od_aggregate_is_within_group(function) || gen->failing ||
           gen->flavour != OD_FLAVOUR_WILD;
}

static const struct od_expr *literal(struct od_gen *gen, struct od_value value)
{
    const struct od_expr *expr = NULL;
    enum od_status status = od_expr_literal(gen->arena, &value, &expr, gen->error);
    gen->status = status == OD_OK ? gen->status : status;
    return expr;
}

static const struct od_expr *fraction(struct od_gen *gen)
{
    static const double fractions[] = {0.5, 0, 1, 0.25, 0.9, 1.0 / 3};
    return literal(gen, (struct od_value){.type = OD_TYPE_FLOAT64,
                                          .float64 = fractions[od_choices_below(gen->choices, 6)]});
}

static const struct od_expr *separator(struct od_gen *gen, const struct od_schema *schema)
{
    uint64_t kind = od_choices_below(gen->choices, 4);
    if (kind == 3)
        return od_gen_expr(gen, schema, OD_TYPE_TEXT, 1);
    return literal(gen,
                   (struct od_value){.type = OD_TYPE_TEXT,
                                     .text = {kind == 0 ? "," : "; ", kind == 2 ? 0 : (uint32_t)(1 + kind)}});
}

static bool reads_own_column(const struct od_expr *expr)
{
    bool found = expr->kind == OD_EXPR_COLUMN;
    for (uint32_t i = 0; i < expr->argument_count && !found; i++)
        found = reads_own_column(expr->arguments[i]);
    return found;
}

/* In SQL an aggregate of nothing but outer columns belongs to the query outside. So those stand in the first argument only, and
 * only beside a column of our own. */
static const struct od_expr *first_argument(struct od_gen *gen, const struct od_schema *schema,
                                            enum od_type type, const struct od_gen_outer *outer)
{
    gen->outer = outer;
    const struct od_expr *expr =
        type == OD_TYPE_COUNT ? od_gen_any(gen, schema, 1) : od_gen_expr(gen, schema, type, 1);
    gen->outer = NULL;
    if (expr == NULL || outer == NULL || reads_own_column(expr))
        return expr;
    expr = od_gen_column(gen, schema);
    return expr != NULL && type != OD_TYPE_COUNT && expr->type != type ? literal(gen, od_gen_value(gen, type))
                                                                       : expr;
}

/* The arguments that the function wants; false on failure. */
static bool draw_arguments(struct od_gen *gen, const struct od_schema *schema,
                           const struct od_gen_outer *outer, struct od_aggregate *aggregate)
{
    enum od_aggregate_function function = aggregate->function;
    bool is_percentile = function == OD_AGGREGATE_PERCENTILE_CONT || function == OD_AGGREGATE_PERCENTILE_DISC;
    if (function == OD_AGGREGATE_STRING_AGG)
        aggregate->argument = first_argument(gen, schema, OD_TYPE_TEXT, outer);
    else if (od_aggregate_argument_count(function) == 2 && function != OD_AGGREGATE_PERCENTILE_DISC)
        aggregate->argument = first_argument(gen, schema, OD_TYPE_FLOAT64, outer);
    else
        aggregate->argument = first_argument(gen, schema, OD_TYPE_COUNT, outer);
    if (aggregate->argument == NULL)
        return false;
    if (od_aggregate_argument_count(function) < 2)
        return true;
    aggregate->second = is_percentile                         ? fraction(gen)
                        : function == OD_AGGREGATE_STRING_AGG ? separator(gen, schema)
                                                              : od_gen_expr(gen, schema, OD_TYPE_FLOAT64, 1);
    return aggregate->second != NULL;
}

/* ORDER BY within the call: what percentiles are of; for string_agg any keys, with DISTINCT only its argument. */
static bool draw_keys(struct od_gen *gen, const struct od_schema *schema, struct od_aggregate *aggregate)
{
    struct od_sort_key *keys = od_arena_take_array(gen->arena, 2, sizeof(*keys));
    bool is_within_group = od_aggregate_is_within_group(aggregate->function);
    if (keys == NULL) {
        gen->status = od_fail(gen->error, OD_NO_MEMORY, "drawing an aggregate");
        return false;
    }
    aggregate->keys = keys;
    uint32_t wanted =
        is_within_group ? 1 : (uint32_t)od_choices_below(gen->choices, aggregate->distinct ? 2 : 3);
    for (uint32_t i = 0; i < wanted; i++) {
        bool of_argument = is_within_group || aggregate->distinct;
        const struct od_expr *key = of_argument ? aggregate->argument : od_gen_key(gen, schema);
        if (key == NULL)
            return false;
        bool descending = od_choices_below(gen->choices, 2) != 0;
        keys[aggregate->key_count++] =
            (struct od_sort_key){key, descending, od_choices_below(gen->choices, 2) != 0};
    }
    return true;
}

/* A predicate that cannot fail. */
static const struct od_expr *safe_predicate(struct od_gen *gen, const struct od_schema *schema)
{
    bool failing = gen->failing;
    gen->failing = false;
    const struct od_expr *predicate = od_gen_predicate(gen, schema, 1);
    gen->failing = failing;
    return predicate;
}

static bool draw_aggregate(struct od_gen *gen, const struct od_schema *schema, uint32_t index, bool in_window,
                           const struct od_gen_outer *outer, struct od_aggregate *aggregate)
{
    static const char *const names[] = {"x0", "x1", "x2", "x3"};
    uint64_t limit =
        gen->flavour == OD_FLAVOUR_PLAIN && od_choices_below(gen->choices, 4) != 3 ? 10 : FUNCTION_COUNT;
    *aggregate = (struct od_aggregate){.name = names[index], .type = OD_TYPE_INT64};
    aggregate->function = functions[od_choices_below(gen->choices, limit)];
    if (in_window && od_aggregate_is_within_group(aggregate->function))
        aggregate->function = OD_AGGREGATE_COUNT; /* PostgreSQL has none OVER a window */
    if (od_random_chance(&gen->choices->random, 1, 6) &&
        (aggregate->filter = safe_predicate(gen, schema)) == NULL)
        return false;
    if (aggregate->function == OD_AGGREGATE_COUNT_STAR)
        return true;
    if (!draw_arguments(gen, schema, outer, aggregate))
        return false;
    enum od_type types[2] = {aggregate->argument->type,
                             aggregate->second == NULL ? OD_TYPE_COUNT : aggregate->second->type};
    bool fits = od_aggregate_resolve(aggregate->function, od_aggregate_argument_count(aggregate->function),
                                     types, &aggregate->type) &&
                types[0] == aggregate->argument->type;
    if (!fits || !aggregate_is_permitted(gen, aggregate->function, aggregate->type)) {
        aggregate->function = OD_AGGREGATE_COUNT;
        aggregate->type = OD_TYPE_INT64;
        aggregate->second = NULL;
    }
    bool is_within_group = od_aggregate_is_within_group(aggregate->function);
    aggregate->distinct = !in_window && !is_within_group && od_random_chance(&gen->choices->random, 1, 6);
    if (is_within_group || (aggregate->function == OD_AGGREGATE_STRING_AGG && !in_window))
        return draw_keys(gen, schema, aggregate);
    return true;
}

bool od_gen_aggregate(struct od_gen *gen, const struct od_schema *schema, uint32_t index, bool in_window,
                      struct od_aggregate *aggregate)
{
    const struct od_gen_outer *outer = gen->outer;
    gen->outer = NULL;
    bool drawn = draw_aggregate(gen, schema, index, in_window, outer, aggregate);
    gen->outer = outer;
    return drawn;
}

/* --- groups --------------------------------------------------------------------------------------------- */

static struct od_relation aggregated(struct od_gen *gen, struct od_relation input,
                                     const struct od_expr *const *groups, uint32_t group_count)
{
    static const char *const names[] = {"g0", "g1", "g2", "g3"};
    struct od_aggregate aggregates[4];
    const struct od_plan *plan = NULL;
    uint32_t aggregate_count = 0;
    do {
        od_choices_begin(gen->choices, "aggregate");
        bool made =
            od_gen_aggregate(gen, &input.plan->schema, aggregate_count, false, &aggregates[aggregate_count]);
        aggregate_count++;
        od_choices_end(gen->choices);
        if (!made)
            return od_relation_failed();
    } while (aggregate_count < 4 && od_random_chance(&gen->choices->random, 1, 2));
    enum od_status status = od_plan_aggregate(gen->arena, input.plan, groups, names, group_count, aggregates,
                                              aggregate_count, &plan, gen->error);
    return od_relation_built(gen, status, plan, group_count == 0 ? 1 : input.rows_max);
}

struct od_relation od_gen_groups(struct od_gen *gen, struct od_relation input, enum od_grouping grouping)
{
    const struct od_expr *groups[3];
    uint32_t group_count = 0;
    if (input.plan == NULL)
        return od_relation_failed();
    if (grouping == OD_GEN_GROUPED ||
        (grouping == OD_GEN_GROUPED_OR_NOT && od_choices_below(gen->choices, 4) != 0)) {
        do {
            groups[group_count] = od_gen_key(gen, &input.plan->schema);
            if (groups[group_count++] == NULL)
                return od_relation_failed();
        } while (group_count < 3 && od_random_chance(&gen->choices->random, 1, 3));
    }
    return aggregated(gen, input, groups, group_count);
}

struct od_relation od_gen_grouped(struct od_gen *gen, uint32_t depth)
{
    return od_gen_groups(gen, od_gen_safe(gen, od_gen_relation, depth), OD_GEN_GROUPED_OR_NOT);
}

struct od_relation od_gen_distinct(struct od_gen *gen, uint32_t depth)
{
    const struct od_plan *plan = NULL;
    struct od_relation input = od_gen_relation(gen, depth);
    if (input.plan == NULL)
        return od_relation_failed();
    enum od_status status = od_plan_distinct(gen->arena, input.plan, &plan, gen->error);
    return od_relation_built(gen, status, plan, input.rows_max);
}

/* --- several rows for one ------------------------------------------------------------------------------- */

static const struct od_expr *column(struct od_gen *gen, const struct od_schema *schema, uint32_t index)
{
    const struct od_expr *expr = NULL;
    enum od_status status = od_expr_column(gen->arena, schema, index, &expr, gen->error);
    gen->status = status == OD_OK ? gen->status : status;
    return expr;
}

static struct od_relation expanded(struct od_gen *gen, struct od_relation input,
                                   const struct od_expr *const *exprs, uint32_t field_count,
                                   uint32_t list_count)
{
    static const char *const names[] = {"e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9"};
    const struct od_plan *plan = NULL;
    for (uint32_t i = 0; i < field_count * list_count; i++)
        if (exprs[i] == NULL)
            return od_relation_failed();
    enum od_status status =
        od_plan_expand(gen->arena, input.plan, exprs, names, field_count, list_count, &plan, gen->error);
    return od_relation_built(gen, status, plan, input.rows_max * list_count);
}

/* Lists of expressions that agree in types. */
struct od_relation od_gen_expand(struct od_gen *gen, uint32_t depth)
{
    const struct od_expr *exprs[9];
    struct od_relation input = od_gen_safe(gen, od_gen_relation, depth);
    bool failing = gen->failing;
    if (input.plan == NULL || input.rows_max * 3 > EXPANDED_ROWS_MAX)
        return input;
    uint32_t width = 1 + (uint32_t)od_choices_below(gen->choices, 3);
    uint32_t lists = 1 + (uint32_t)od_choices_below(gen->choices, 3);
    gen->failing = false;
    for (uint32_t i = 0; i < width * lists; i++) {
        exprs[i] = i < width ? od_gen_any(gen, &input.plan->schema, 1)
                             : od_gen_expr(gen, &input.plan->schema, exprs[i - width]->type, 1);
        if (exprs[i] == NULL)
            return od_relation_failed();
    }
    gen->failing = failing;
    return expanded(gen, input, exprs, width, lists);
}

/* As the binder writes GROUPING SETS: each row once for each set, with NULL for the keys that are not in it and with the set's
 * number, by all of which it is grouped. */
struct od_relation od_gen_grouping_sets(struct od_gen *gen, uint32_t depth)
{
    const struct od_expr *exprs[3 * OD_GEN_FIELDS_MAX], *groups[3];
    struct od_relation input = od_gen_safe(gen, od_gen_relation, depth);
    if (input.plan == NULL || input.rows_max * 3 > EXPANDED_ROWS_MAX ||
        input.plan->schema.field_count + 3 > OD_GEN_FIELDS_MAX)
        return input;
    uint32_t inputs = input.plan->schema.field_count, width = inputs + 3;
    uint32_t lists = 1 + (uint32_t)od_choices_below(gen->choices, 3);
    const struct od_expr *keys[2] = {od_gen_key(gen, &input.plan->schema),
                                     od_gen_key(gen, &input.plan->schema)};
    if (keys[0] == NULL || keys[1] == NULL)
        return od_relation_failed();
    for (uint32_t list = 0; list < lists; list++) {
        uint64_t set = 3 - od_choices_below(gen->choices, 4); /* bit i: key i is in it */
        const struct od_expr **exprs_of_list = exprs + (size_t)list * width;
        for (uint32_t i = 0; i < inputs; i++)
            exprs_of_list[i] = column(gen, &input.plan->schema, i);
        for (uint32_t i = 0; i < 2; i++)
            exprs_of_list[inputs + i] =
                (set >> i & 1) != 0 ? keys[i]
                                    : literal(gen, (struct od_value){.type = keys[i]->type, .is_null = true});
        exprs_of_list[inputs + 2] = literal(gen, (struct od_value){.type = OD_TYPE_INT32, .int64 = list});
    }
    struct od_relation rows = expanded(gen, input, exprs, width, lists);
    for (uint32_t i = 0; rows.plan != NULL && i < 3; i++)
        if ((groups[i] = column(gen, &rows.plan->schema, inputs + i)) == NULL)
            return od_relation_failed();
    return rows.plan == NULL ? rows : aggregated(gen, rows, groups, 3);
}
