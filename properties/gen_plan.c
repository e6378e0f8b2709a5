/* gen_plan: logical plans over everything logical.h has, nested in any order.
 *
 *   od_gen_plan -> root of the wanted kind -> relation(depth) -> one of the rows of `relations`
 *
 * Plans stay small: a budget of nodes, a bound on depth, and an upper estimate of rows, so that the model's
 * nested loops cost microseconds. A node that would pass the bound becomes its (left) input.
 * What may really fail is made only on the path from the root down to the first node that drops rows or columns: below it a
 * correct engine may drop the failing row or column first (od_gen_safe). */
#include "properties/gen_relation.h"

#include "engine/core/assert.h"

#include <string.h>

#define DEPTH_MAX 4u
#define NODES_MAX 9u

struct od_relation od_relation_built(struct od_gen *gen, enum od_status status, const struct od_plan *plan,
                                     uint64_t rows_max)
{
    if (gen->status == OD_OK)
        gen->status = status;
    return (struct od_relation){gen->status == OD_OK ? plan : NULL, rows_max};
}

struct od_relation od_relation_failed(void)
{
    return (struct od_relation){NULL, 0};
}

struct od_relation od_gen_scan(struct od_gen *gen, uint32_t depth)
{
    uint32_t columns[OD_GEN_COLUMNS_MAX];
    const struct od_plan *plan = NULL;
    (void)depth;
    if (gen->status != OD_OK)
        return od_relation_failed();
    const struct od_table *table = gen->tables[od_choices_below(gen->choices, gen->table_count)];
    for (uint32_t i = 0; i < table->schema.field_count; i++)
        columns[i] = i;
    enum od_status status =
        od_plan_scan(gen->arena, table, columns, table->schema.field_count, &plan, gen->error);
    return od_relation_built(gen, status, plan, od_table_row_count(table));
}

/* An expression of any type, most often a bare column. */
const struct od_expr *od_gen_any(struct od_gen *gen, const struct od_schema *schema, uint32_t depth)
{
    static const enum od_type types[] = {OD_TYPE_INT64, OD_TYPE_TEXT,      OD_TYPE_FLOAT64, OD_TYPE_BOOLEAN,
                                         OD_TYPE_DATE,  OD_TYPE_TIMESTAMP, OD_TYPE_INT32,   OD_TYPE_DECIMAL};
    if (od_choices_below(gen->choices, 3) <= (gen->failing ? 0 : 1))
        return od_gen_column(gen, schema);
    static const enum od_type numbers[] = {OD_TYPE_INT64, OD_TYPE_INT32, OD_TYPE_DECIMAL};
    if (gen->failing && od_choices_below(gen->choices, 2) == 1) /* what can fail is arithmetic, mostly */
        return od_gen_expr(gen, schema, numbers[od_choices_below(gen->choices, 3)], depth);
    bool is_plain = gen->flavour == OD_FLAVOUR_PLAIN; /* SQLite has no numerics */
    return od_gen_expr(gen, schema, types[od_choices_below(gen->choices, is_plain ? 7 : 8)], depth);
}

static bool reads_a_column(const struct od_expr *expr)
{
    for (uint32_t i = 0; i < expr->argument_count; i++)
        if (reads_a_column(expr->arguments[i]))
            return true;
    return expr->kind == OD_EXPR_COLUMN;
}

/* As above, but never a constant: a bare number (or -6) in GROUP BY or ORDER BY of SQL would name a position.
 * */
const struct od_expr *od_gen_key(struct od_gen *gen, const struct od_schema *schema)
{
    const struct od_expr *expr = od_gen_any(gen, schema, 1);
    if (expr != NULL && !reads_a_column(expr))
        return od_gen_column(gen, schema);
    return expr;
}

static struct od_relation filter_over(struct od_gen *gen, struct od_relation input)
{
    const struct od_plan *plan = NULL;
    if (input.plan == NULL)
        return od_relation_failed();
    const struct od_expr *predicate = od_gen_predicate(gen, &input.plan->schema, 2);
    if (predicate == NULL)
        return od_relation_failed();
    enum od_status status = od_plan_filter(gen->arena, input.plan, predicate, &plan, gen->error);
    return od_relation_built(gen, status, plan, input.rows_max);
}

/* A relation below something that may drop rows or columns: there nothing may fail. */
struct od_relation od_gen_safe(struct od_gen *gen, od_grow_relation make, uint32_t depth)
{
    bool failing = gen->failing;
    gen->failing = false;
    struct od_relation made = make(gen, depth);
    gen->failing = failing;
    return made;
}

static struct od_relation make_filter(struct od_gen *gen, uint32_t depth)
{
    return filter_over(gen, od_gen_safe(gen, od_gen_relation, depth));
}

static struct od_relation make_project(struct od_gen *gen, uint32_t depth)
{
    static const char *const names[] = {"p0", "p1", "p2", "p3", "p4"};
    const struct od_expr *exprs[5];
    const struct od_plan *plan = NULL;
    uint32_t count = 0;
    struct od_relation input = od_gen_safe(gen, od_gen_relation, depth);
    if (input.plan == NULL)
        return od_relation_failed();
    do {
        od_choices_begin(gen->choices, "output");
        exprs[count] = od_gen_any(gen, &input.plan->schema, 2);
        od_choices_end(gen->choices);
        if (exprs[count++] == NULL)
            return od_relation_failed();
    } while (count < 5 && od_random_chance(&gen->choices->random, 1, 2));
    enum od_status status = od_plan_project(gen->arena, input.plan, exprs, names, count, &plan, gen->error);
    return od_relation_built(gen, status, plan, input.rows_max);
}

/* GROUP BY ... HAVING */
static struct od_relation make_having(struct od_gen *gen, uint32_t depth)
{
    return filter_over(gen, od_gen_safe(gen, od_gen_grouped, depth));
}

/* --- sets of rows ---------------------------------------------------------------------------------------- */

static const char *const field_names[OD_GEN_FIELDS_MAX] = {"u0", "u1", "u2", "u3", "u4",
                                                           "u5", "u6", "u7", "u8", "u9"};

/* The right side is projected onto the left one's types. */
static struct od_relation make_union(struct od_gen *gen, uint32_t depth)
{
    const struct od_expr *exprs[OD_GEN_FIELDS_MAX];
    const struct od_plan *right_plan = NULL, *plan = NULL;
    struct od_relation left = od_gen_safe(gen, od_gen_relation, depth);
    struct od_relation right = od_gen_safe(gen, od_gen_relation, depth);
    if (left.plan == NULL || right.plan == NULL)
        return od_relation_failed();
    uint32_t count = left.plan->schema.field_count;
    bool failing = gen->failing;
    gen->failing = false;
    for (uint32_t i = 0; i < count; i++)
        if ((exprs[i] = od_gen_expr(gen, &right.plan->schema, left.plan->schema.fields[i].type, 1)) == NULL)
            return od_relation_failed();
    gen->failing = failing;
    enum od_status status =
        od_plan_project(gen->arena, right.plan, exprs, field_names, count, &right_plan, gen->error);
    if (status == OD_OK)
        status = od_plan_union(gen->arena, left.plan, right_plan, &plan, gen->error);
    return od_relation_built(gen, status, plan, left.rows_max + right.rows_max);
}

/* Rows of constants. */
static struct od_relation make_values(struct od_gen *gen, uint32_t depth)
{
    static const enum od_type types[] = {OD_TYPE_INT64, OD_TYPE_TEXT,  OD_TYPE_INT32,   OD_TYPE_FLOAT64,
                                         OD_TYPE_DATE,  OD_TYPE_INT64, OD_TYPE_BOOLEAN, OD_TYPE_DECIMAL};
    struct od_field fields[3];
    const struct od_expr *exprs[9];
    const struct od_plan *plan = NULL;
    uint32_t width = 1 + (uint32_t)od_choices_below(gen->choices, 3);
    uint32_t row_count = 1 + (uint32_t)od_choices_below(gen->choices, 3);
    (void)depth;
    for (uint32_t i = 0; i < width; i++) {
        uint64_t type = od_choices_below(gen->choices, gen->flavour == OD_FLAVOUR_PLAIN ? 7 : 8);
        fields[i] = (struct od_field){.name = field_names[i], .type = types[type], .nullable = true};
    }
    for (uint32_t i = 0; i < width * row_count; i++) {
        struct od_value value = od_gen_value(gen, fields[i % width].type);
        value.is_null = od_random_chance(&gen->choices->random, 1, 6);
        enum od_status status = od_expr_literal(gen->arena, &value, &exprs[i], gen->error);
        if (status != OD_OK)
            return od_relation_built(gen, status, NULL, 0);
    }
    const struct od_schema schema = {width, fields};
    enum od_status status = od_plan_values(gen->arena, &schema, exprs, row_count, &plan, gen->error);
    return od_relation_built(gen, status, plan, row_count);
}

static enum od_status append_twice(void *self, const struct od_batch *batch, struct od_batch_builder *output,
                                   struct od_error *error)
{
    (void)self;
    OD_TRY(od_batch_builder_append_rows(output, batch, NULL, 0, batch->row_count, error));
    return od_batch_builder_append_rows(output, batch, NULL, 0, batch->row_count, error);
}

/* A user function, which SQL writes as a join with two rows (render_sql.c). It has no columns that an APPLY could add to, so
 * nothing below it reads outer ones. */
static struct od_relation make_map(struct od_gen *gen, uint32_t depth)
{
    static const struct od_map_function twice = {"twice", append_twice, NULL};
    const struct od_plan *plan = NULL;
    const struct od_gen_outer *outer = gen->outer;
    gen->outer = NULL;
    struct od_relation input = od_gen_safe(gen, od_gen_relation, depth);
    gen->outer = outer;
    if (input.plan == NULL || input.rows_max > 200)
        return input;
    enum od_status status =
        od_plan_map(gen->arena, input.plan, &twice, &input.plan->schema, &plan, gen->error);
    return od_relation_built(gen, status, plan, 2 * input.rows_max);
}

static struct od_relation make_repartition(struct od_gen *gen, uint32_t depth)
{
    const struct od_plan *plan = NULL;
    struct od_relation input = od_gen_safe(gen, od_gen_relation, depth);
    if (input.plan == NULL)
        return od_relation_failed();
    const struct od_expr *key = od_gen_key(gen, &input.plan->schema);
    if (key == NULL)
        return od_relation_failed();
    uint32_t in_turn = (uint32_t)od_choices_below(gen->choices, 6); /* 0: by the key; from 3 on: by it first */
    enum od_status status = OD_OK;
    if (in_turn == 0 || in_turn >= 3)
        status = od_plan_repartition(gen->arena, input.plan, &key, 1, 0, &input.plan, gen->error);
    plan = input.plan;
    if (status == OD_OK && in_turn != 0)
        status = od_plan_repartition(gen->arena, input.plan, NULL, 0, in_turn, &plan, gen->error);
    return od_relation_built(gen, status, plan, input.rows_max);
}

/* --- order ---------------------------------------------------------------------------------------------- */

static struct od_relation sort_over(struct od_gen *gen, struct od_relation input)
{
    struct od_sort_key keys[3];
    const struct od_plan *plan = NULL;
    uint32_t count = 0;
    if (input.plan == NULL)
        return od_relation_failed();
    bool failing = gen->failing;
    gen->failing = false;
    do {
        const struct od_expr *expr = od_gen_key(gen, &input.plan->schema);
        if (expr == NULL)
            return od_relation_failed();
        bool descending = od_choices_below(gen->choices, 2) != 0;
        bool other_end = od_random_chance(&gen->choices->random, 1, 3);
        keys[count++] = (struct od_sort_key){expr, descending, descending != other_end};
    } while (count < 3 && od_random_chance(&gen->choices->random, 1, 3));
    gen->failing = failing;
    enum od_status status = od_plan_sort(gen->arena, input.plan, keys, count, &plan, gen->error);
    return od_relation_built(gen, status, plan, input.rows_max);
}

static struct od_relation make_sort(struct od_gen *gen, uint32_t depth)
{
    return sort_over(gen, od_gen_relation(gen, depth));
}

static struct od_relation make_limit(struct od_gen *gen, uint32_t depth)
{
    static const uint64_t counts[] = {3, 1, 2, 5, 10, 0, 39, UINT64_MAX};
    const struct od_plan *plan = NULL;
    bool sorted = od_choices_below(gen->choices, 3) != 0;
    struct od_relation input = od_gen_safe(gen, sorted ? make_sort : od_gen_relation, depth);
    if (input.plan == NULL)
        return od_relation_failed();
    uint64_t count = counts[od_choices_below(gen->choices, 8)];
    uint64_t offset = od_random_chance(&gen->choices->random, 1, 4) ? od_choices_below(gen->choices, 5) : 0;
    enum od_status status = od_plan_limit(gen->arena, input.plan, offset, count, &plan, gen->error);
    return od_relation_built(gen, status, plan, input.rows_max < count ? input.rows_max : count);
}

/* --- the choice ----------------------------------------------------------------------------------------- */

static const struct {
    od_grow_relation make;
    uint32_t weight;
} relations[] = {
    {od_gen_scan, 10},     {make_filter, 8},   {make_project, 6},         {od_gen_join, 14},
    {od_gen_grouped, 10},  {make_sort, 4},     {make_limit, 4},           {make_having, 4},
    {od_gen_distinct, 2},  {make_union, 4},    {od_gen_window, 6},        {od_gen_apply, 5},
    {make_values, 1},      {od_gen_expand, 1}, {od_gen_grouping_sets, 2}, {make_map, 1},
    {make_repartition, 4},
};
#define RELATION_COUNT (sizeof(relations) / sizeof(relations[0]))

static struct od_relation drawn_relation(struct od_gen *gen, uint32_t depth)
{
    uint32_t total = 0, index = 0;
    for (uint32_t i = 0; i < RELATION_COUNT; i++)
        total += relations[i].weight;
    uint64_t drawn = od_choices_below(gen->choices, total);
    for (; drawn >= relations[index].weight; index++)
        drawn -= relations[index].weight;
    if (index != 0)
        gen->nodes_left--;
    return relations[index].make(gen, depth - 1);
}

struct od_relation od_gen_relation(struct od_gen *gen, uint32_t depth)
{
    if (gen->status != OD_OK)
        return od_relation_failed();
    od_choices_begin(gen->choices, "relation");
    struct od_relation made =
        depth == 0 || gen->nodes_left == 0 ? od_gen_scan(gen, 0) : drawn_relation(gen, depth);
    od_choices_end(gen->choices);
    return made;
}

static struct od_relation scan_pair(struct od_gen *gen, enum od_join_type type)
{
    struct od_relation left = od_gen_scan(gen, 0);
    return od_gen_join_of(gen, type, left, od_gen_scan(gen, 0));
}

/* Roots of a fixed kind may still miss (a join that grew too big becomes its left input): then one over bare
 * scans. */
static struct od_relation rooted(struct od_gen *gen, enum od_root root, uint32_t depth)
{
    switch (root) {
    case OD_ROOT_STATEMENT: /* gen_query.c */
    case OD_ROOT_ANY:
        return od_gen_relation(gen, depth);
    case OD_ROOT_FILTER: {
        struct od_relation input = od_gen_relation(gen, depth - 1);
        if (input.plan == NULL)
            return od_relation_failed();
        const struct od_plan *plan = NULL;
        const struct od_expr *predicate = od_gen_predicate(gen, &input.plan->schema, 2);
        if (predicate == NULL)
            return od_relation_failed();
        enum od_status status = od_plan_filter(gen->arena, input.plan, predicate, &plan, gen->error);
        return od_relation_built(gen, status, plan, input.rows_max);
    }
    case OD_ROOT_INNER_JOIN:
    case OD_ROOT_LEFT_JOIN: {
        enum od_join_type type = root == OD_ROOT_INNER_JOIN ? OD_JOIN_INNER : OD_JOIN_LEFT;
        struct od_relation made = od_gen_join_typed(gen, type, depth - 1);
        if (made.plan != NULL && (made.plan->kind != OD_PLAN_JOIN || made.plan->join.type != type))
            made = scan_pair(gen, type);
        return made;
    }
    case OD_ROOT_GROUPS:
        return od_gen_groups(gen, od_gen_relation(gen, depth - 1), OD_GEN_GROUPED);
    }
    od_unreachable();
}

const struct od_plan *od_gen_plan(struct od_gen *gen, enum od_root root)
{
    od_choices_begin(gen->choices, "plan");
    gen->nodes_left = NODES_MAX;
    gen->failing = root == OD_ROOT_ANY && od_random_chance(&gen->choices->random, 1, 5);
    uint32_t depth = 1 + (uint32_t)od_choices_below(gen->choices, DEPTH_MAX);
    struct od_relation made;
    if (gen->failing) /* the roots whose expressions are evaluated on every row */
        made = od_choices_below(gen->choices, 2) == 0 ? make_project(gen, depth - 1)
                                                      : make_filter(gen, depth - 1);
    else
        made = rooted(gen, root, depth);
    od_choices_end(gen->choices);
    return made.plan;
}
