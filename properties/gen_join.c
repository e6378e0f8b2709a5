/* gen_join: joins of every type, and APPLYs: joins whose right side reads the left row.
 *
 * Conditions are equalities between the sides (same type; sometimes computed) and sometimes a residual that cannot fail. A join
 * that would be too large for the model's nested loops becomes its left input. */
#include "properties/gen_relation.h"

#include <string.h>

#define JOIN_PAIRS_MAX 1600u

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

/* NULL equals NULL in such a key. */
static const struct od_expr *distinct_key(struct od_gen *gen, const struct od_expr *equality)
{
    return equality == NULL
               ? NULL
               : od_gen_call(gen, OD_FUNCTION_IS_NOT_DISTINCT, equality->arguments, equality->argument_count);
}

static const struct od_expr *truth(struct od_gen *gen)
{
    const struct od_value value = {.type = OD_TYPE_BOOLEAN, .boolean = true};
    const struct od_expr *expr = NULL;
    enum od_status status = od_expr_literal(gen->arena, &value, &expr, gen->error);
    gen->status = status == OD_OK ? gen->status : status;
    return expr;
}

/* Mostly equalities, so that rows find partners; now and then none, or nothing at all. Arithmetic may be flagged as failing
 * though it cannot here; the engine plans such residuals more timidly. */
static const struct od_expr *join_condition(struct od_gen *gen, const struct od_schema *schema,
                                            uint32_t left_count)
{
    const struct od_expr *parts[3];
    uint32_t count = 0;
    bool failing = gen->failing;
    gen->failing = false;
    uint64_t kind = od_choices_below(gen->choices, 16);
    if (kind < 14)
        parts[count++] = key_equality(gen, schema, left_count);
    if (kind == 13)
        parts[0] = distinct_key(gen, parts[0]);
    if (kind < 14 && od_random_chance(&gen->choices->random, 1, 6))
        parts[count++] = key_equality(gen, schema, left_count);
    if (kind == 14 || od_random_chance(&gen->choices->random, 1, 5))
        parts[count++] = od_gen_predicate(gen, schema, 1);
    if (count == 0)
        parts[count++] = truth(gen);
    gen->failing = failing;
    return count == 1 ? parts[0] : od_gen_call(gen, OD_FUNCTION_AND, parts, count);
}

/* Rows left x rows right that the model may have to look at; fewer where it has to do so for each row of something else. */
static bool is_too_large(const struct od_gen *gen, struct od_relation left, struct od_relation right)
{
    uint64_t pairs_max = gen->outer == NULL ? JOIN_PAIRS_MAX + 81 : JOIN_PAIRS_MAX / 8;
    return (left.rows_max + 1) * (right.rows_max + 1) > pairs_max ||
           left.plan->schema.field_count + right.plan->schema.field_count > OD_GEN_FIELDS_MAX;
}

static uint64_t rows_of_join(enum od_join_type type, struct od_relation left, struct od_relation right)
{
    bool keeps_left = !od_join_gives_right(type) || type == OD_JOIN_SINGLE;
    return keeps_left ? left.rows_max : (left.rows_max + 1) * (right.rows_max + 1) - 1;
}

struct od_relation od_gen_join_of(struct od_gen *gen, enum od_join_type type, struct od_relation left,
                                  struct od_relation right)
{
    struct od_schema schema;
    const struct od_plan *plan = NULL;
    if (left.plan == NULL || right.plan == NULL)
        return od_relation_failed();
    if (is_too_large(gen, left, right))
        return left;
    enum od_status status = od_plan_join_schema(gen->arena, left.plan, right.plan, &schema, gen->error);
    if (status != OD_OK)
        return od_relation_built(gen, status, NULL, 0);
    const struct od_expr *condition = join_condition(gen, &schema, left.plan->schema.field_count);
    if (condition == NULL)
        return od_relation_failed();
    status = od_plan_join(gen->arena, type, left.plan, right.plan, condition, &plan, gen->error);
    return od_relation_built(gen, status, plan, rows_of_join(type, left, right));
}

/* What has one row at most, so that no left row of a SINGLE join can find two. */
static struct od_relation single_row(struct od_gen *gen, struct od_relation input)
{
    const struct od_plan *plan = NULL;
    if (input.plan == NULL)
        return od_relation_failed();
    if (od_choices_below(gen->choices, 2) == 0)
        return od_gen_groups(gen, input, OD_GEN_GLOBAL);
    enum od_status status = od_plan_limit(gen->arena, input.plan, 0, 1, &plan, gen->error);
    return od_relation_built(gen, status, plan, 1);
}

struct od_relation od_gen_join_typed(struct od_gen *gen, enum od_join_type type, uint32_t depth)
{
    struct od_relation left = od_gen_safe(gen, od_gen_relation, depth);
    struct od_relation right = od_gen_safe(gen, od_gen_relation, depth);
    if (type == OD_JOIN_SINGLE)
        right = single_row(gen, right);
    return od_gen_join_of(gen, type, left, right);
}

struct od_relation od_gen_join(struct od_gen *gen, uint32_t depth)
{
    static const enum od_join_type types[] = {
        OD_JOIN_INNER, OD_JOIN_LEFT, OD_JOIN_INNER, OD_JOIN_RIGHT, OD_JOIN_FULL,      OD_JOIN_SEMI,
        OD_JOIN_ANTI,  OD_JOIN_LEFT, OD_JOIN_MARK,  OD_JOIN_FULL,  OD_JOIN_NULL_ANTI, OD_JOIN_SINGLE,
    };
    return od_gen_join_typed(gen, types[od_choices_below(gen->choices, 12)], depth);
}

/* The right side reads columns of the left one wherever it likes. */
static struct od_relation right_of_apply(struct od_gen *gen, enum od_join_type type,
                                         const struct od_plan *left, uint32_t depth)
{
    const struct od_gen_outer outer = {&left->schema, gen->outer};
    gen->outer = &outer;
    struct od_relation right = od_gen_relation(gen, depth < 2 ? depth : 2);
    if (type == OD_JOIN_SINGLE)
        right = single_row(gen, right);
    gen->outer = outer.next;
    return right;
}

struct od_relation od_gen_apply(struct od_gen *gen, uint32_t depth)
{
    static const enum od_join_type types[] = {OD_JOIN_SINGLE,    OD_JOIN_SEMI,  OD_JOIN_INNER,
                                              OD_JOIN_LEFT,      OD_JOIN_ANTI,  OD_JOIN_MARK,
                                              OD_JOIN_NULL_ANTI, OD_JOIN_SINGLE};
    struct od_schema schema;
    const struct od_plan *plan = NULL;
    bool failing = gen->failing;
    if (gen->flavour == OD_FLAVOUR_PLAIN && !od_random_chance(&gen->choices->random, 1, 8))
        return od_gen_join(gen, depth); /* not in SQLite */
    gen->failing = false;
    enum od_join_type type = types[od_choices_below(gen->choices, 8)];
    struct od_relation left = od_gen_relation(gen, depth), right = {NULL, 0};
    if (left.plan != NULL && gen->outer != NULL && gen->outer->next != NULL)
        return left;
    if (left.plan != NULL)
        right = right_of_apply(gen, type, left.plan, depth);
    gen->failing = failing;
    if (right.plan == NULL)
        return od_relation_failed();
    if (is_too_large(gen, left, right))
        return left;
    enum od_status status = od_plan_join_schema(gen->arena, left.plan, right.plan, &schema, gen->error);
    if (status != OD_OK)
        return od_relation_built(gen, status, NULL, 0);
    const struct od_expr *condition = od_choices_below(gen->choices, 2) == 0
                                          ? truth(gen)
                                          : join_condition(gen, &schema, left.plan->schema.field_count);
    if (condition == NULL)
        return od_relation_failed();
    status = od_plan_apply(gen->arena, type, left.plan, right.plan, condition, &plan, gen->error);
    return od_relation_built(gen, status, plan, rows_of_join(type, left, right));
}
