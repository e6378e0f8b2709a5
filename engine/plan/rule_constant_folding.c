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
#include "engine/plan/plan_rewrite.h"
#include "engine/plan/plan_table.h"
#include "engine/plan/rule.h"

static bool is_boolean_literal(const struct od_expr *expr, bool value)
{
    return expr->kind == OD_EXPR_LITERAL && expr->type == OD_TYPE_BOOLEAN && !expr->literal.is_null &&
           expr->literal.boolean == value;
}

static enum od_status boolean(const struct od_rule_context *context, bool value, const struct od_expr **expr_out,
                              struct od_error *error)
{
    struct od_value literal = {.type = OD_TYPE_BOOLEAN, .boolean = value};
    return od_expr_literal(context->plan_arena, &literal, expr_out, error);
}

static enum od_status evaluate(const struct od_rule_context *context, const struct od_expr *expr,
                               const struct od_expr **expr_out, struct od_error *error)
{
    struct od_value value = {0};
    struct od_error evaluation = {0};
    *expr_out = expr;
    enum od_status status =
        context->options->evaluate_constant(expr, context->plan_arena, &value, &evaluation);
    if (status == OD_NO_MEMORY)
        return od_fail(error, OD_NO_MEMORY, "folding a constant");
    if (status != OD_OK)
        return OD_OK; /* no value: the row that comes to it shall say so */
    od_assert(value.type == expr->type);
    return od_expr_literal(context->plan_arena, &value, expr_out, error);
}

/* AND and OR are mirror images: `neutral` says nothing, its opposite decides. */
static enum od_status fold_junction(const struct od_rule_context *context, const struct od_expr *expr,
                                    const struct od_expr **expr_out, struct od_error *error)
{
    bool neutral = expr->function == OD_FUNCTION_AND;
    bool may_fail = false;
    uint32_t count = 0;
    OD_TAKE_LIST(const struct od_expr *, kept, context->plan_arena, expr->argument_count, error);
    *expr_out = expr;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        const struct od_expr *argument = expr->arguments[i];
        if (is_boolean_literal(argument, neutral))
            continue;
        if (is_boolean_literal(argument, !neutral)) {
            if (!may_fail) {
                *expr_out = argument;
                return OD_OK;
            }
            kept[count++] = argument;
            break;
        }
        may_fail |= argument->may_fail;
        kept[count++] = argument;
    }
    if (count == expr->argument_count)
        return OD_OK;
    if (count == 0)
        return boolean(context, neutral, expr_out, error);
    *expr_out = kept[0];
    return count == 1 ? OD_OK
                      : od_expr_call(context->plan_arena, expr->function, kept, count, expr_out, error);
}

static enum od_status fold_part(void *self, const struct od_expr *expr, const struct od_expr **expr_out,
                                struct od_error *error)
{
    const struct od_rule_context *context = self;
    *expr_out = expr;
    if (expr->kind != OD_EXPR_CALL)
        return OD_OK;
    if (od_expr_is_constant(expr))
        return evaluate(context, expr, expr_out, error);
    if (expr->function == OD_FUNCTION_AND || expr->function == OD_FUNCTION_OR)
        return fold_junction(context, expr, expr_out, error);
    bool null_test = expr->function == OD_FUNCTION_IS_NULL || expr->function == OD_FUNCTION_IS_NOT_NULL;
    if (null_test && !expr->arguments[0]->nullable && !expr->may_fail)
        return boolean(context, expr->function == OD_FUNCTION_IS_NOT_NULL, expr_out, error);
    return OD_OK;
}

static enum od_status fold(void *self, const struct od_expr *expr, const struct od_expr **expr_out,
                           struct od_error *error)
{
    const struct od_rule_context *context = self;
    struct od_leaf_rewriter parts = {fold_part, self};
    return od_expr_rewrite(context->plan_arena, expr, &parts, expr_out, error);
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

static enum od_status no_rows(const struct od_rule_context *context, const struct od_plan *plan,
                              const struct od_plan **plan_out, struct od_error *error)
{
    return od_plan_values(context->plan_arena, &plan->schema, NULL, 0, plan_out, error);
}

/* The fields of `plan`, which are those of its side `kept` and, in the other one's place, these expressions (or NULLs). */
static enum od_status beside(const struct od_rule_context *context, const struct od_plan *plan, uint32_t kept,
                             const struct od_plan *input, const struct od_expr *const *others,
                             const struct od_plan **plan_out, struct od_error *error)
{
    uint32_t count = plan->schema.field_count;
    uint32_t first = kept == 0 ? 0 : count - input->schema.field_count;
    OD_TAKE_LIST(const struct od_expr *, exprs, context->plan_arena, count, error);
    for (uint32_t i = 0; i < count; i++) {
        struct od_value null = {.type = plan->schema.fields[i].type, .is_null = true};
        if (i >= first && i < first + input->schema.field_count)
            OD_TRY(od_expr_column(context->plan_arena, &input->schema, i - first, &exprs[i], error));
        else if (others != NULL)
            exprs[i] = others[kept == 0 ? i - input->schema.field_count : i];
        else
            OD_TRY(od_expr_literal(context->plan_arena, &null, &exprs[i], error));
    }
    return od_plan_project_as(context->plan_arena, input, exprs, &plan->schema, plan_out, error);
}

/* A cross join with one row of expressions: a filter and a project of the other side. */
static enum od_status join_one_row(const struct od_rule_context *context, const struct od_plan *plan, uint32_t kept,
                                   const struct od_plan **plan_out, struct od_error *error)
{
    const struct od_plan *input = plan->inputs[kept];
    const struct od_plan *values = plan->inputs[1 - kept];
    const struct od_expr **map = NULL;
    const struct od_expr *predicate = NULL;
    OD_TRY(od_plan_columns(context->plan_arena, &input->schema, 0, &map, error));
    OD_TAKE_LIST(const struct od_expr *, columns, context->plan_arena, plan->schema.field_count, error);
    for (uint32_t i = 0; i < plan->schema.field_count; i++) {
        uint32_t left = plan->inputs[0]->schema.field_count;
        bool is_left = i < left;
        uint32_t own = is_left ? i : i - left;
        columns[i] = is_left == (kept == 0) ? map[own] : values->rows.exprs[own];
    }
    OD_TRY(od_expr_substitute(context->plan_arena, plan->join.condition, columns, &predicate, error));
    if (!is_boolean_literal(predicate, true))
        OD_TRY(od_plan_filter(context->plan_arena, input, predicate, &input, error));
    return beside(context, plan, kept, input, values->rows.exprs, plan_out, error);
}

static bool is_one_row(const struct od_plan *plan)
{
    return plan->kind == OD_PLAN_VALUES && plan->rows.row_count == 1 && !plan->may_fail;
}

static enum od_status simplify_join(const struct od_rule_context *context, const struct od_plan *plan,
                                    const struct od_plan **plan_out, struct od_error *error)
{
    enum od_join_type type = plan->join.type;
    const struct od_plan *left = plan->inputs[0];
    const struct od_plan *right = plan->inputs[1];
    bool none = is_null_or_false(plan->join.condition);
    bool never = is_boolean_literal(plan->join.condition, false);
    const struct od_expr *mark = NULL;
    bool both_may_go = may_go(left) && may_go(right);
    if (!od_join_pads_left(type) && is_empty(left) && may_go(right))
        return no_rows(context, plan, plan_out, error);
    switch (type) {
    case OD_JOIN_INNER:
        if ((none || is_empty(right)) && both_may_go)
            return no_rows(context, plan, plan_out, error);
        if (is_one_row(right) || is_one_row(left))
            return join_one_row(context, plan, is_one_row(right) ? 0 : 1, plan_out, error);
        return OD_OK;
    case OD_JOIN_SEMI:
        return (none || is_empty(right)) && both_may_go ? no_rows(context, plan, plan_out, error) : OD_OK;
    case OD_JOIN_LEFT:
    case OD_JOIN_SINGLE:
        if ((none || is_empty(right)) && may_go(right))
            return beside(context, plan, 0, left, NULL, plan_out, error);
        return OD_OK;
    case OD_JOIN_RIGHT:
        if (is_empty(right) && may_go(left))
            return no_rows(context, plan, plan_out, error);
        if ((none || is_empty(left)) && may_go(left))
            return beside(context, plan, 1, right, NULL, plan_out, error);
        return OD_OK;
    case OD_JOIN_FULL:
        return is_empty(left) && is_empty(right) ? no_rows(context, plan, plan_out, error) : OD_OK;
    case OD_JOIN_ANTI:
    case OD_JOIN_NULL_ANTI:
        if ((is_empty(right) || never || (none && type == OD_JOIN_ANTI)) && may_go(right))
            *plan_out = left;
        return OD_OK;
    case OD_JOIN_MARK:
        if ((!is_empty(right) && !never) || !may_go(right))
            return OD_OK;
        OD_TRY(boolean(context, false, &mark, error));
        return beside(context, plan, 0, left, &mark, plan_out, error);
    case OD_JOIN_TYPE_COUNT:
        break;
    }
    od_unreachable();
}

/* One input of a union gives nothing: the other, under the union's names. */
static enum od_status simplify_union(const struct od_rule_context *context, const struct od_plan *plan,
                                     const struct od_plan **plan_out, struct od_error *error)
{
    if (is_empty(plan->inputs[1]))
        *plan_out = plan->inputs[0];
    else if (is_empty(plan->inputs[0]))
        return beside(context, plan, 0, plan->inputs[1], NULL, plan_out, error);
    return OD_OK;
}

static enum od_status simplify(const struct od_rule_context *context, const struct od_plan *plan,
                               const struct od_plan **plan_out, struct od_error *error)
{
    const struct od_plan *input = plan->inputs[0];
    bool nothing = plan->input_count == 1 && is_empty(input);
    *plan_out = plan;
    switch (plan->kind) {
    case OD_PLAN_FILTER:
        if (is_boolean_literal(plan->filter.predicate, true))
            *plan_out = input;
        nothing |= is_null_or_false(plan->filter.predicate) && may_go(input);
        break;
    case OD_PLAN_LIMIT:
        nothing |= plan->limit.count == 0 && may_go(input);
        break;
    case OD_PLAN_AGGREGATE:
        nothing &= plan->aggregate.group_count > 0;
        break;
    case OD_PLAN_MAP:
        return OD_OK;
    case OD_PLAN_JOIN:
        return simplify_join(context, plan, plan_out, error);
    case OD_PLAN_UNION:
        return simplify_union(context, plan, plan_out, error);
    default:
        break;
    }
    return nothing ? no_rows(context, plan, plan_out, error) : OD_OK;
}

static enum od_status fold_node(void *self, const struct od_plan *plan, const struct od_plan **plan_out,
                                struct od_error *error)
{
    const struct od_rule_context *context = self;
    struct od_expr_rewriter rewriter = {.rewrite = fold, .self = self};
    OD_TRY(od_plan_rebuild(context->plan_arena, plan, plan->inputs, &rewriter, &plan, error));
    return simplify(context, plan, plan_out, error);
}

enum od_status od_rule_constant_folding(const struct od_rule_context *context, const struct od_plan *plan,
                                        const struct od_plan **plan_out, bool *changed_out,
                                        struct od_error *error)
{
    struct od_plan_step step = {fold_node, (void *)context};
    *plan_out = plan;
    if (context->options->evaluate_constant != NULL)
        OD_TRY(od_plan_walk(context->plan_arena, plan, &step, plan_out, error));
    *changed_out = *plan_out != plan;
    return OD_OK;
}
