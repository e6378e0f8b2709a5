/* gen_plan: logical plans over everything logical.h has, nested in any order.
 *
 *   od_gen_plan -> root of the wanted kind -> relation(depth) -> scan | filter | project | join | groups |
 *   distinct | union | window | sort | limit
 *
 * Plans stay small: a budget of nodes, a bound on depth, and an upper estimate of rows, so that the model's
 * nested loops cost microseconds. A join that would pass the bound becomes its left input.
 * Conditions of joins are equalities between the sides (same type; sometimes computed) and sometimes a
 * residual that cannot fail. What may really fail is made only on the path from the root down to the first
 * node that drops rows or columns: below it a correct engine may drop the failing row or column first
 * (make_safe). */
#include "properties/generate.h"

#include "engine/core/assert.h"

#include <string.h>

#define DEPTH_MAX      4u
#define NODES_MAX      9u
#define JOIN_PAIRS_MAX 1600u /* rows left x rows right that the model may have to look at */
#define FIELDS_MAX     10u

struct relation {
    const struct od_plan *plan; /* NULL: failed, see gen->status */
    uint64_t rows_max;
};

typedef struct relation (*grow_relation)(struct od_gen *gen, uint32_t depth);

static struct relation make_relation(struct od_gen *gen, uint32_t depth);

static struct relation built(struct od_gen *gen, enum od_status status, const struct od_plan *plan,
                             uint64_t rows_max)
{
    if (gen->status == OD_OK)
        gen->status = status;
    return (struct relation){gen->status == OD_OK ? plan : NULL, rows_max};
}

static struct relation failed(void)
{
    return (struct relation){NULL, 0};
}

static struct relation make_scan(struct od_gen *gen, uint32_t depth)
{
    uint32_t columns[OD_GEN_COLUMNS_MAX];
    const struct od_plan *plan = NULL;
    (void)depth;
    if (gen->status != OD_OK)
        return failed();
    const struct od_table *table = gen->tables[od_choices_below(gen->choices, gen->table_count)];
    for (uint32_t i = 0; i < table->schema.field_count; i++)
        columns[i] = i;
    enum od_status status =
        od_plan_scan(gen->arena, table, columns, table->schema.field_count, &plan, gen->error);
    return built(gen, status, plan, od_table_row_count(table));
}

/* An expression of any type, most often a bare column. */
static const struct od_expr *any_expr(struct od_gen *gen, const struct od_schema *schema, uint32_t depth)
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
static const struct od_expr *key_expr(struct od_gen *gen, const struct od_schema *schema)
{
    const struct od_expr *expr = any_expr(gen, schema, 1);
    if (expr != NULL && !reads_a_column(expr))
        return od_gen_column(gen, schema);
    return expr;
}

static struct relation filter_over(struct od_gen *gen, struct relation input)
{
    const struct od_plan *plan = NULL;
    if (input.plan == NULL)
        return failed();
    const struct od_expr *predicate = od_gen_predicate(gen, &input.plan->schema, 2);
    if (predicate == NULL)
        return failed();
    enum od_status status = od_plan_filter(gen->arena, input.plan, predicate, &plan, gen->error);
    return built(gen, status, plan, input.rows_max);
}

/* A relation below something that may drop rows or columns: there nothing may fail. */
static struct relation make_safe(struct od_gen *gen, grow_relation make, uint32_t depth)
{
    bool failing = gen->failing;
    gen->failing = false;
    struct relation made = make(gen, depth);
    gen->failing = failing;
    return made;
}

static struct relation make_filter(struct od_gen *gen, uint32_t depth)
{
    return filter_over(gen, make_safe(gen, make_relation, depth));
}

static struct relation make_project(struct od_gen *gen, uint32_t depth)
{
    static const char *const names[] = {"p0", "p1", "p2", "p3", "p4"};
    const struct od_expr *exprs[5];
    const struct od_plan *plan = NULL;
    uint32_t count = 0;
    struct relation input = make_safe(gen, make_relation, depth);
    if (input.plan == NULL)
        return failed();
    do {
        od_choices_begin(gen->choices, "output");
        exprs[count] = any_expr(gen, &input.plan->schema, 2);
        od_choices_end(gen->choices);
        if (exprs[count++] == NULL)
            return failed();
    } while (count < 5 && od_random_chance(&gen->choices->random, 1, 2));
    enum od_status status = od_plan_project(gen->arena, input.plan, exprs, names, count, &plan, gen->error);
    return built(gen, status, plan, input.rows_max);
}

/* --- joins ---------------------------------------------------------------------------------------------- */

static const struct od_expr *column_at(struct od_gen *gen, const struct od_schema *schema, uint32_t index)
{
    const struct od_expr *expr = NULL;
    enum od_status status = od_expr_column(gen->arena, schema, index, &expr, gen->error);
    if (status != OD_OK)
        gen->status = status;
    return expr;
}

/* coalesce(side, literal): a computed key of the same type. */
static const struct od_expr *computed_key(struct od_gen *gen, const struct od_expr *column)
{
    const struct od_expr *arguments[2] = {column, NULL};
    struct od_value value = od_gen_value(gen, column->type);
    enum od_status status = od_expr_literal(gen->arena, &value, &arguments[1], gen->error);
    if (status != OD_OK)
        gen->status = status;
    return od_gen_call(gen, OD_FUNCTION_COALESCE, arguments, 2);
}

static const struct od_expr *as_text(struct od_gen *gen, const struct od_expr *input)
{
    const struct od_expr *expr = NULL;
    if (input == NULL)
        return NULL;
    enum od_status status = od_expr_cast(gen->arena, input, OD_TYPE_TEXT, &expr, gen->error);
    if (status != OD_OK)
        gen->status = status;
    return expr;
}

/* The number of pairs (left column, right column) of equal type, and of equal name if asked for; and the wanted
 * one of them. */
static uint32_t pair_columns(const struct od_schema *schema, uint32_t left_count, bool same_name,
                             uint64_t wanted, uint32_t *left_out, uint32_t *right_out)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < left_count; i++)
        for (uint32_t j = left_count; j < schema->field_count; j++) {
            const struct od_field *left = &schema->fields[i], *right = &schema->fields[j];
            if (left->type != right->type || (same_name && strcmp(left->name, right->name) != 0))
                continue;
            if (found == wanted) {
                *left_out = i;
                *right_out = j;
            }
            found++;
        }
    return found;
}

/* Columns of one name often hold the same values (gen_table.c): such keys find partners. */
static const struct od_expr *key_equality(struct od_gen *gen, const struct od_schema *schema,
                                          uint32_t left_count)
{
    const struct od_expr *sides[2];
    uint32_t left = 0, right = left_count;
    bool same_name = od_random_chance(&gen->choices->random, 2, 3) &&
                     pair_columns(schema, left_count, true, UINT64_MAX, &left, &right) > 0;
    uint32_t pairs = pair_columns(schema, left_count, same_name, UINT64_MAX, &left, &right);
    if (pairs > 0)
        pair_columns(schema, left_count, same_name, od_choices_below(gen->choices, pairs), &left, &right);
    sides[0] = column_at(gen, schema, left);
    sides[1] = column_at(gen, schema, right);
    if (sides[0] == NULL || sides[1] == NULL)
        return NULL;
    if (pairs == 0) { /* nothing fits: their texts */
        sides[0] = as_text(gen, sides[0]);
        sides[1] = as_text(gen, sides[1]);
    } else if (od_random_chance(&gen->choices->random, 1, 8)) {
        uint64_t side = od_choices_below(gen->choices, 2);
        sides[side] = computed_key(gen, sides[side]);
    }
    return od_gen_call(gen, OD_FUNCTION_EQUAL, sides, 2);
}

static const struct od_expr *join_condition(struct od_gen *gen, const struct od_schema *schema,
                                            uint32_t left_count)
{
    const struct od_expr *parts[3];
    uint32_t count = 0;
    bool failing = gen->failing;
    gen->failing = false;
    parts[count++] = key_equality(gen, schema, left_count);
    if (od_random_chance(&gen->choices->random, 1, 6))
        parts[count++] = key_equality(gen, schema, left_count);
    if (od_random_chance(&gen->choices->random, 1, 5))
        parts[count++] = od_gen_predicate(gen, schema, 1);
    /* Arithmetic may be flagged as failing though it cannot here; the engine plans such residuals more
     * timidly. */
    gen->failing = failing;
    if (count == 1 || parts[0] == NULL)
        return parts[0];
    return od_gen_call(gen, OD_FUNCTION_AND, parts, count);
}

static struct relation join_of(struct od_gen *gen, enum od_join_type type, struct relation left,
                               struct relation right)
{
    struct od_schema schema;
    const struct od_plan *plan = NULL;
    if (left.plan == NULL || right.plan == NULL)
        return failed();
    if ((left.rows_max + 1) * (right.rows_max + 1) > JOIN_PAIRS_MAX + 81 ||
        left.plan->schema.field_count + right.plan->schema.field_count > FIELDS_MAX)
        return left;
    enum od_status status = od_plan_join_schema(gen->arena, left.plan, right.plan, &schema, gen->error);
    if (status != OD_OK)
        return built(gen, status, NULL, 0);
    const struct od_expr *condition = join_condition(gen, &schema, left.plan->schema.field_count);
    if (condition == NULL)
        return failed();
    status = od_plan_join(gen->arena, type, left.plan, right.plan, condition, &plan, gen->error);
    return built(gen, status, plan, (left.rows_max + 1) * (right.rows_max + 1) - 1);
}

static struct relation join_typed(struct od_gen *gen, enum od_join_type type, uint32_t depth)
{
    struct relation left = make_safe(gen, make_relation, depth);
    struct relation right = make_safe(gen, make_relation, depth);
    return join_of(gen, type, left, right);
}

static struct relation make_join(struct od_gen *gen, uint32_t depth)
{
    static const enum od_join_type types[] = {OD_JOIN_INNER, OD_JOIN_LEFT, OD_JOIN_INNER, OD_JOIN_RIGHT,
                                              OD_JOIN_FULL,  OD_JOIN_SEMI, OD_JOIN_ANTI,  OD_JOIN_LEFT};
    return join_typed(gen, types[od_choices_below(gen->choices, 8)], depth);
}

/* --- groups --------------------------------------------------------------------------------------------- */

/* A wild sum may overflow, so it is made only where it is surely evaluated. What the model leaves out: spreads of doubles. Plain
 * cases keep away from numerics, which SQLite has not. */
static bool aggregate_is_permitted(const struct od_gen *gen, enum od_aggregate_function function,
                                   enum od_type type)
{
    enum od_type result;
    bool spreads = function == OD_AGGREGATE_VAR_SAMP || function == OD_AGGREGATE_STDDEV_POP;
    bool sums = spreads || function == OD_AGGREGATE_SUM || function == OD_AGGREGATE_AVG;
    if (!od_aggregate_resolve(function, 1, &type, &result) || (spreads && type == OD_TYPE_FLOAT64))
        return false;
    if (result == OD_TYPE_DECIMAL && gen->flavour == OD_FLAVOUR_PLAIN && function != OD_AGGREGATE_SUM)
        return false;
    return !sums || gen->failing || gen->flavour != OD_FLAVOUR_WILD;
}

static bool make_aggregate(struct od_gen *gen, const struct od_schema *schema, uint32_t index,
                           struct od_aggregate *aggregate)
{
    static const enum od_aggregate_function functions[] = {
        OD_AGGREGATE_COUNT_STAR, OD_AGGREGATE_SUM,     OD_AGGREGATE_MIN,      OD_AGGREGATE_MAX,
        OD_AGGREGATE_AVG,        OD_AGGREGATE_COUNT,   OD_AGGREGATE_SUM,      OD_AGGREGATE_AVG,
        OD_AGGREGATE_BOOL_AND,   OD_AGGREGATE_BIT_XOR, OD_AGGREGATE_VAR_SAMP, OD_AGGREGATE_STDDEV_POP,
    };
    static const char *const names[] = {"x0", "x1", "x2", "x3"};
    memset(aggregate, 0, sizeof(*aggregate));
    aggregate->name = names[index];
    aggregate->function = functions[od_choices_below(gen->choices, 12)];
    aggregate->type = OD_TYPE_INT64;
    if (od_random_chance(&gen->choices->random, 1, 6)) {
        bool failing = gen->failing;
        gen->failing = false;
        aggregate->filter = od_gen_predicate(gen, schema, 1);
        gen->failing = failing;
        if (aggregate->filter == NULL)
            return false;
    }
    if (aggregate->function == OD_AGGREGATE_COUNT_STAR)
        return true;
    aggregate->argument = any_expr(gen, schema, 1);
    if (aggregate->argument == NULL)
        return false;
    if (!aggregate_is_permitted(gen, aggregate->function, aggregate->argument->type))
        aggregate->function = OD_AGGREGATE_COUNT;
    aggregate->distinct = od_random_chance(&gen->choices->random, 1, 6);
    enum od_type type = aggregate->argument->type;
    return od_aggregate_resolve(aggregate->function, 1, &type, &aggregate->type);
}

static struct relation groups_over(struct od_gen *gen, struct relation input, bool grouped)
{
    static const char *const names[] = {"g0", "g1", "g2"};
    const struct od_expr *groups[3];
    struct od_aggregate aggregates[4];
    const struct od_plan *plan = NULL;
    uint32_t group_count = 0, aggregate_count = 0;
    if (input.plan == NULL)
        return failed();
    if (grouped || od_choices_below(gen->choices, 4) != 0) {
        do {
            groups[group_count] = key_expr(gen, &input.plan->schema);
            if (groups[group_count++] == NULL)
                return failed();
        } while (group_count < 3 && od_random_chance(&gen->choices->random, 1, 3));
    }
    do {
        od_choices_begin(gen->choices, "aggregate");
        bool made = make_aggregate(gen, &input.plan->schema, aggregate_count, &aggregates[aggregate_count]);
        aggregate_count++;
        od_choices_end(gen->choices);
        if (!made)
            return failed();
    } while (aggregate_count < 4 && od_random_chance(&gen->choices->random, 1, 2));
    enum od_status status = od_plan_aggregate(gen->arena, input.plan, groups, names, group_count, aggregates,
                                              aggregate_count, &plan, gen->error);
    return built(gen, status, plan, group_count == 0 ? 1 : input.rows_max);
}

static struct relation make_groups(struct od_gen *gen, uint32_t depth)
{
    return groups_over(gen, make_safe(gen, make_relation, depth), false);
}

/* GROUP BY ... HAVING */
static struct relation make_having(struct od_gen *gen, uint32_t depth)
{
    return filter_over(gen, make_safe(gen, make_groups, depth));
}

static struct relation make_distinct(struct od_gen *gen, uint32_t depth)
{
    const struct od_plan *plan = NULL;
    struct relation input = make_relation(gen, depth);
    if (input.plan == NULL)
        return failed();
    enum od_status status = od_plan_distinct(gen->arena, input.plan, &plan, gen->error);
    return built(gen, status, plan, input.rows_max);
}

/* --- union, windows ------------------------------------------------------------------------------------- */

static const char *const field_names[FIELDS_MAX] = {"u0", "u1", "u2", "u3", "u4",
                                                    "u5", "u6", "u7", "u8", "u9"};

/* The right side is projected onto the left one's types. */
static struct relation make_union(struct od_gen *gen, uint32_t depth)
{
    const struct od_expr *exprs[FIELDS_MAX];
    const struct od_plan *right_plan = NULL, *plan = NULL;
    struct relation left = make_safe(gen, make_relation, depth);
    struct relation right = make_safe(gen, make_relation, depth);
    if (left.plan == NULL || right.plan == NULL)
        return failed();
    uint32_t count = left.plan->schema.field_count;
    bool failing = gen->failing;
    gen->failing = false;
    for (uint32_t i = 0; i < count; i++)
        if ((exprs[i] = od_gen_expr(gen, &right.plan->schema, left.plan->schema.fields[i].type, 1)) == NULL)
            return failed();
    gen->failing = failing;
    enum od_status status =
        od_plan_project(gen->arena, right.plan, exprs, field_names, count, &right_plan, gen->error);
    if (status == OD_OK)
        status = od_plan_union(gen->arena, left.plan, right_plan, &plan, gen->error);
    return built(gen, status, plan, left.rows_max + right.rows_max);
}

static const struct od_expr *offset_literal(struct od_gen *gen)
{
    const struct od_expr *expr = NULL;
    struct od_value value = {.type = OD_TYPE_INT64, .int64 = (int64_t)od_choices_below(gen->choices, 4)};
    enum od_status status = od_expr_literal(gen->arena, &value, &expr, gen->error);
    gen->status = status == OD_OK ? gen->status : status;
    return expr;
}

/* Bounds that PostgreSQL takes: the start not behind the end by kind; offsets only where a unit of rows counts. */
static bool draw_frame(struct od_gen *gen, bool is_ordered, struct od_window_frame *frame)
{
    static const struct {
        enum od_frame_bound start, end;
    } bounds[] = {
        {OD_FRAME_UNBOUNDED_PRECEDING, OD_FRAME_CURRENT_ROW},
        {OD_FRAME_UNBOUNDED_PRECEDING, OD_FRAME_UNBOUNDED_FOLLOWING},
        {OD_FRAME_CURRENT_ROW, OD_FRAME_UNBOUNDED_FOLLOWING},
        {OD_FRAME_CURRENT_ROW, OD_FRAME_CURRENT_ROW},
        {OD_FRAME_PRECEDING, OD_FRAME_CURRENT_ROW},
        {OD_FRAME_PRECEDING, OD_FRAME_FOLLOWING},
        {OD_FRAME_FOLLOWING, OD_FRAME_FOLLOWING},
        {OD_FRAME_PRECEDING, OD_FRAME_PRECEDING},
        {OD_FRAME_UNBOUNDED_PRECEDING, OD_FRAME_PRECEDING},
        {OD_FRAME_FOLLOWING, OD_FRAME_UNBOUNDED_FOLLOWING},
    };
    static const enum od_frame_unit units[] = {OD_FRAME_RANGE, OD_FRAME_ROWS, OD_FRAME_GROUPS};
    frame->unit = units[od_choices_below(gen->choices, is_ordered ? 3 : 2)];
    uint64_t drawn = od_choices_below(gen->choices, frame->unit == OD_FRAME_RANGE ? 4 : 10);
    frame->start = bounds[drawn].start;
    frame->end = bounds[drawn].end;
    if (frame->start == OD_FRAME_PRECEDING || frame->start == OD_FRAME_FOLLOWING)
        frame->start_offset = offset_literal(gen);
    if (frame->end == OD_FRAME_PRECEDING || frame->end == OD_FRAME_FOLLOWING)
        frame->end_offset = offset_literal(gen);
    if (od_random_chance(&gen->choices->random, 1, 5))
        frame->exclusion = (enum od_frame_exclusion)(1 + od_choices_below(gen->choices, 3));
    return gen->status == OD_OK;
}

static bool make_window_call(struct od_gen *gen, const struct od_schema *schema, bool is_ordered,
                             uint32_t index, struct od_window_call *call)
{
    static const enum od_window_function functions[] = {
        OD_WINDOW_AGGREGATE, OD_WINDOW_ROW_NUMBER, OD_WINDOW_RANK,         OD_WINDOW_AGGREGATE,
        OD_WINDOW_LAG,       OD_WINDOW_LEAD,       OD_WINDOW_FIRST_VALUE,  OD_WINDOW_LAST_VALUE,
        OD_WINDOW_AGGREGATE, OD_WINDOW_DENSE_RANK, OD_WINDOW_PERCENT_RANK, OD_WINDOW_CUME_DIST,
    };
    static const char *const names[] = {"w0", "w1", "w2"};
    *call = (struct od_window_call){.function = functions[od_choices_below(gen->choices, 12)],
                                    .name = names[index]};
    if (!draw_frame(gen, is_ordered, &call->frame))
        return false;
    if (call->function == OD_WINDOW_AGGREGATE) {
        bool made = make_aggregate(gen, schema, index, &call->aggregate);
        call->aggregate.distinct = false; /* as in PostgreSQL */
        return made;
    }
    if (call->function < OD_WINDOW_LAG)
        return true;
    call->argument_count = 1;
    call->arguments[0] = any_expr(gen, schema, 1);
    return call->arguments[0] != NULL;
}

static struct relation window_over(struct od_gen *gen, struct relation input)
{
    const struct od_expr *partitions[1];
    struct od_sort_key keys[2];
    struct od_window_call calls[3];
    uint32_t partition_count = 0, key_count = 0, call_count = 0;
    const struct od_plan *plan = NULL;
    if (input.plan == NULL || input.plan->schema.field_count + 3 > FIELDS_MAX)
        return input;
    const struct od_schema *schema = &input.plan->schema;
    if (od_choices_below(gen->choices, 2) == 0 &&
        (partitions[partition_count++] = key_expr(gen, schema)) == NULL)
        return failed();
    while (key_count < 2 && od_random_chance(&gen->choices->random, 1, 2)) {
        const struct od_expr *expr = key_expr(gen, schema);
        if (expr == NULL)
            return failed();
        bool descending = od_choices_below(gen->choices, 2) != 0;
        keys[key_count++] = (struct od_sort_key){expr, descending, od_choices_below(gen->choices, 2) != 0};
    }
    do {
        if (!make_window_call(gen, schema, key_count > 0, call_count, &calls[call_count]))
            return failed();
    } while (++call_count < 3 && od_random_chance(&gen->choices->random, 1, 3));
    enum od_status status = od_plan_window(gen->arena, input.plan, partitions, partition_count, keys,
                                           key_count, calls, call_count, &plan, gen->error);
    return built(gen, status, plan, input.rows_max);
}

static struct relation make_window(struct od_gen *gen, uint32_t depth)
{
    bool failing = gen->failing;
    gen->failing = false;
    struct relation made = window_over(gen, make_relation(gen, depth));
    gen->failing = failing;
    return made;
}

/* --- order ---------------------------------------------------------------------------------------------- */

static struct relation sort_over(struct od_gen *gen, struct relation input)
{
    struct od_sort_key keys[3];
    const struct od_plan *plan = NULL;
    uint32_t count = 0;
    if (input.plan == NULL)
        return failed();
    bool failing = gen->failing;
    gen->failing = false;
    do {
        const struct od_expr *expr = key_expr(gen, &input.plan->schema);
        if (expr == NULL)
            return failed();
        bool descending = od_choices_below(gen->choices, 2) != 0;
        bool other_end = od_random_chance(&gen->choices->random, 1, 3);
        keys[count++] = (struct od_sort_key){expr, descending, descending != other_end};
    } while (count < 3 && od_random_chance(&gen->choices->random, 1, 3));
    gen->failing = failing;
    enum od_status status = od_plan_sort(gen->arena, input.plan, keys, count, &plan, gen->error);
    return built(gen, status, plan, input.rows_max);
}

static struct relation make_sort(struct od_gen *gen, uint32_t depth)
{
    return sort_over(gen, make_relation(gen, depth));
}

static struct relation make_limit(struct od_gen *gen, uint32_t depth)
{
    static const uint64_t counts[] = {3, 1, 2, 5, 10, 0, 39, UINT64_MAX};
    const struct od_plan *plan = NULL;
    bool sorted = od_choices_below(gen->choices, 3) != 0;
    struct relation input = make_safe(gen, sorted ? make_sort : make_relation, depth);
    if (input.plan == NULL)
        return failed();
    uint64_t count = counts[od_choices_below(gen->choices, 8)];
    uint64_t offset = od_random_chance(&gen->choices->random, 1, 4) ? od_choices_below(gen->choices, 5) : 0;
    enum od_status status = od_plan_limit(gen->arena, input.plan, offset, count, &plan, gen->error);
    return built(gen, status, plan, input.rows_max < count ? input.rows_max : count);
}

/* --- the choice ----------------------------------------------------------------------------------------- */

static const struct {
    grow_relation make;
    uint32_t weight;
} relations[] = {
    {make_scan, 5},  {make_filter, 4}, {make_project, 3},  {make_join, 6},  {make_groups, 5}, {make_sort, 2},
    {make_limit, 2}, {make_having, 2}, {make_distinct, 1}, {make_union, 2}, {make_window, 3},
};
#define RELATION_COUNT (sizeof(relations) / sizeof(relations[0]))

static struct relation drawn_relation(struct od_gen *gen, uint32_t depth)
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

static struct relation make_relation(struct od_gen *gen, uint32_t depth)
{
    if (gen->status != OD_OK)
        return failed();
    od_choices_begin(gen->choices, "relation");
    struct relation made =
        depth == 0 || gen->nodes_left == 0 ? make_scan(gen, 0) : drawn_relation(gen, depth);
    od_choices_end(gen->choices);
    return made;
}

static struct relation scan_pair(struct od_gen *gen, enum od_join_type type)
{
    struct relation left = make_scan(gen, 0);
    return join_of(gen, type, left, make_scan(gen, 0));
}

/* Roots of a fixed kind may still miss (a join that grew too big becomes its left input): then one over bare
 * scans. */
static struct relation rooted(struct od_gen *gen, enum od_root root, uint32_t depth)
{
    switch (root) {
    case OD_ROOT_STATEMENT: /* gen_query.c */
    case OD_ROOT_ANY:
        return make_relation(gen, depth);
    case OD_ROOT_FILTER: {
        struct relation input = make_relation(gen, depth - 1);
        if (input.plan == NULL)
            return failed();
        const struct od_plan *plan = NULL;
        const struct od_expr *predicate = od_gen_predicate(gen, &input.plan->schema, 2);
        if (predicate == NULL)
            return failed();
        enum od_status status = od_plan_filter(gen->arena, input.plan, predicate, &plan, gen->error);
        return built(gen, status, plan, input.rows_max);
    }
    case OD_ROOT_INNER_JOIN:
    case OD_ROOT_LEFT_JOIN: {
        enum od_join_type type = root == OD_ROOT_INNER_JOIN ? OD_JOIN_INNER : OD_JOIN_LEFT;
        struct relation made = join_typed(gen, type, depth - 1);
        if (made.plan != NULL && (made.plan->kind != OD_PLAN_JOIN || made.plan->join.type != type))
            made = scan_pair(gen, type);
        return made;
    }
    case OD_ROOT_GROUPS:
        return groups_over(gen, make_relation(gen, depth - 1), true);
    }
    od_unreachable();
}

const struct od_plan *od_gen_plan(struct od_gen *gen, enum od_root root)
{
    od_choices_begin(gen->choices, "plan");
    gen->nodes_left = NODES_MAX;
    gen->failing = root == OD_ROOT_ANY && od_random_chance(&gen->choices->random, 1, 5);
    uint32_t depth = 1 + (uint32_t)od_choices_below(gen->choices, DEPTH_MAX);
    struct relation made;
    if (gen->failing) /* the roots whose expressions are evaluated on every row */
        made = od_choices_below(gen->choices, 2) == 0 ? make_project(gen, depth - 1)
                                                      : make_filter(gen, depth - 1);
    else
        made = rooted(gen, root, depth);
    od_choices_end(gen->choices);
    return made.plan;
}
