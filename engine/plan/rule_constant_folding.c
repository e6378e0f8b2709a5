/* rule_constant_folding: an expression of literals becomes a literal, bottom up, and a node that can give no row an empty one.
 *
 *   1 + 2            3             through the evaluator that the options hand in
 *   1 / 0            1 / 0         has no value: stays, and fails only if a row comes to it
 *   x and true       x             TRUE says nothing in AND, FALSE nothing in OR
 *   x and false      false         when x cannot fail; what stands behind a FALSE is never evaluated
 *                                  and goes in any case
 *   x is null        false         when x is never NULL and cannot fail
 *   where true       (no filter)
 *   where false      no rows       and so on upwards: see simplify
 *   join (values of one row)       its expressions beside the other side's columns
 *
 * That the evaluator gave a value proves that the expression cannot fail, so an error is neither lost nor made; and a sub-plan
 * that may fail is not dropped. */
#include "engine/core/assert.h"
#include "engine/plan/rule.h"

static bool is_boolean_literal(const struct od_expr *expr, bool value)
{
    return expr->kind == OD_EXPR_LITERAL && expr->type == OD_TYPE_BOOLEAN && !expr->literal.is_null &&
           expr->literal.boolean == value;
}

static const struct od_expr *evaluate(struct od_maker *make, const struct od_expr *expr)
{
    struct od_value value = {0};
    struct od_error evaluation = {0};
    enum od_status status = make->options->evaluate_constant(expr, make->arena, &value, &evaluation);
    if (status == OD_NO_MEMORY)
        return od_make_fail(make, OD_NO_MEMORY, "folding a constant");
    if (status != OD_OK)
        return expr; /* no value: the row that comes to it shall say so */
    od_assert(value.type == expr->type);
    return od_new_literal(make, &value);
}

/* AND and OR are mirror images: `neutral` says nothing, its opposite decides. */
static const struct od_expr *fold_junction(struct od_maker *make, const struct od_expr *expr)
{
    bool neutral = expr->function == OD_FUNCTION_AND;
    bool may_fail = false;
    bool decided = false;
    uint32_t count = 0;
    OD_NEW_LIST(const struct od_expr *, kept, make, expr->argument_count);
    for (uint32_t i = 0; i < expr->argument_count && !decided; i++) {
        const struct od_expr *argument = expr->arguments[i];
        decided = is_boolean_literal(argument, !neutral);
        if (decided && !may_fail)
            return argument;
        may_fail |= argument->may_fail;
        if (!is_boolean_literal(argument, neutral))
            kept[count++] = argument;
    }
    if (count == expr->argument_count)
        return expr;
    return count == 0   ? od_new_boolean(make, neutral)
           : count == 1 ? kept[0]
                        : od_new_call(make, expr->function, kept, count);
}

static const struct od_expr *fold(struct od_maker *make, const struct od_expr *expr)
{
    if (expr->kind != OD_EXPR_CALL)
        return expr;
    if (od_expr_is_constant(expr))
        return evaluate(make, expr);
    if (expr->function == OD_FUNCTION_AND || expr->function == OD_FUNCTION_OR)
        return fold_junction(make, expr);
    bool null_test = expr->function == OD_FUNCTION_IS_NULL || expr->function == OD_FUNCTION_IS_NOT_NULL;
    if (null_test && !expr->arguments[0]->nullable && !expr->may_fail)
        return od_new_boolean(make, expr->function == OD_FUNCTION_IS_NOT_NULL);
    return expr;
}

static enum od_status fold_part(void *self, const struct od_expr *expr, const struct od_expr **expr_out,
                                struct od_error *error)
{
    struct od_maker *make = self;
    (void)error; /* it is the maker's */
    const struct od_expr *folded = fold(make, expr);
    bool forgets = folded != NULL && od_expr_outer_levels(folded) != od_expr_outer_levels(expr); /* see no_rows */
    *expr_out = forgets ? expr : folded;
    return make->status;
}

/* --- nodes without rows ------------------------------------------------------------------------ */

static bool is_null_or_false(const struct od_expr *expr)
{
    return expr->kind == OD_EXPR_LITERAL && (expr->literal.is_null || !expr->literal.boolean);
}

static bool is_empty(const struct od_plan *plan)
{
    return plan->kind == OD_PLAN_VALUES && plan->rows.row_count == 0;
}

/* What an input that goes away could do is not to be missed. */
static bool may_go(const struct od_plan *plan)
{
    return !plan->may_fail;
}

/* What reads outer columns stays until APPLYs are joins: what may fail beside it runs for left rows only because it does. */
static const struct od_plan *no_rows(struct od_maker *make, const struct od_plan *plan)
{
    struct od_plan draft = {.kind = OD_PLAN_VALUES, .schema = plan->schema};
    return plan->outer_levels != 0 ? plan : od_new_plan(make, &draft);
}

/* The fields of `plan`, which are those of its side `kept` and, in the other one's place, these expressions (or NULLs). */
static const struct od_plan *beside(struct od_maker *make, const struct od_plan *plan, uint32_t kept,
                                    const struct od_plan *input, const struct od_expr *const *others)
{
    OD_NEED(input != NULL);
    uint32_t count = plan->schema.field_count;
    uint32_t first = kept == 0 ? 0 : count - input->schema.field_count;
    OD_NEW_LIST(const struct od_expr *, exprs, make, count);
    for (uint32_t i = 0; i < count; i++) {
        struct od_value null = {.type = plan->schema.fields[i].type, .is_null = true};
        if (i >= first && i < first + input->schema.field_count)
            exprs[i] = od_new_column(make, &input->schema, i - first);
        else
            exprs[i] = others == NULL ? od_new_literal(make, &null)
                                      : others[kept == 0 ? i - input->schema.field_count : i];
    }
    return od_new_project(make, input, exprs, &plan->schema);
}

/* A cross join with one row of expressions: a filter and a project of the other side. */
static const struct od_plan *join_one_row(struct od_maker *make, const struct od_plan *plan, uint32_t kept)
{
    const struct od_plan *input = plan->inputs[kept];
    const struct od_expr *const *values = plan->inputs[1 - kept]->rows.exprs;
    uint32_t left = plan->inputs[0]->schema.field_count;
    OD_NEW_LIST(const struct od_expr *, columns, make, plan->schema.field_count);
    for (uint32_t i = 0; i < plan->schema.field_count; i++) {
        uint32_t own = i < left ? i : i - left;
        columns[i] = (i < left) == (kept == 0) ? od_new_column(make, &input->schema, own) : values[own];
    }
    const struct od_expr *predicate = od_new_substitute(make, plan->join.condition, columns);
    if (predicate != NULL && !is_boolean_literal(predicate, true))
        input = od_new_filter(make, input, predicate);
    return beside(make, plan, kept, input, values);
}

static bool is_one_row(const struct od_plan *plan)
{
    return plan->kind == OD_PLAN_VALUES && plan->rows.row_count == 1 && !plan->may_fail;
}

static const struct od_plan *simplify_join(struct od_maker *make, const struct od_plan *plan)
{
    enum od_join_type type = plan->join.type;
    const struct od_plan *left = plan->inputs[0];
    const struct od_plan *right = plan->inputs[1];
    bool never = is_boolean_literal(plan->join.condition, false);
    bool none = is_null_or_false(plan->join.condition);
    bool no_right = (none || is_empty(right)) && may_go(right); /* no pairs, and the right side is not missed */
    if (!od_join_pads_left(type) && is_empty(left) && may_go(right))
        return no_rows(make, plan);
    switch (type) {
    case OD_JOIN_INNER:
    case OD_JOIN_SEMI:
        if (no_right && may_go(left))
            return no_rows(make, plan);
        if (type == OD_JOIN_INNER && (is_one_row(right) || is_one_row(left)))
            return join_one_row(make, plan, is_one_row(right) ? 0 : 1);
        return plan;
    case OD_JOIN_LEFT:
    case OD_JOIN_SINGLE:
        return no_right ? beside(make, plan, 0, left, NULL) : plan;
    case OD_JOIN_RIGHT:
        if (is_empty(right) && may_go(left))
            return no_rows(make, plan);
        return (none || is_empty(left)) && may_go(left) ? beside(make, plan, 1, right, NULL) : plan;
    case OD_JOIN_FULL:
        return is_empty(left) && is_empty(right) ? no_rows(make, plan) : plan;
    case OD_JOIN_ANTI:
        return no_right ? left : plan;
    case OD_JOIN_NULL_ANTI:
        return (is_empty(right) || never) && may_go(right) ? left : plan;
    case OD_JOIN_MARK: {
        const struct od_expr *mark = od_new_boolean(make, false);
        return (is_empty(right) || never) && may_go(right) ? beside(make, plan, 0, left, &mark) : plan;
    }
    case OD_JOIN_TYPE_COUNT:
        break;
    }
    od_unreachable();
}

static const struct od_plan *simplify(struct od_maker *make, const struct od_plan *plan)
{
    const struct od_plan *input = plan->inputs[0];
    bool nothing = plan->input_count == 1 && is_empty(input);
    switch (plan->kind) {
    case OD_PLAN_FILTER:
        if (is_boolean_literal(plan->filter.predicate, true))
            return input;
        nothing |= is_null_or_false(plan->filter.predicate) && may_go(input);
        break;
    case OD_PLAN_LIMIT:
        nothing |= plan->limit.count == 0 && may_go(input);
        break;
    case OD_PLAN_AGGREGATE:
        nothing &= plan->aggregate.group_count > 0;
        break;
    case OD_PLAN_MAP:
        return plan;
    case OD_PLAN_JOIN:
        return simplify_join(make, plan);
    case OD_PLAN_UNION: /* one input gives nothing: the other, under the union's names */
        if (is_empty(plan->inputs[1]))
            return input;
        return is_empty(input) ? beside(make, plan, 0, plan->inputs[1], NULL) : plan;
    default:
        break;
    }
    return nothing ? no_rows(make, plan) : plan;
}

const struct od_plan *od_step_constant_folding(void *self, const struct od_plan *plan)
{
    struct od_maker *make = self;
    struct od_leaf_rewriter parts = {fold_part, make};
    if (make->options->evaluate_constant == NULL)
        return plan;
    plan = od_new_from(make, plan, plan->inputs, &parts);
    return plan == NULL ? NULL : simplify(make, plan);
}
