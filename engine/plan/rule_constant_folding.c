/* rule_constant_folding: an expression of literals becomes a literal, bottom up.
 *
 *   1 + 2            3             through the evaluator that the options hand in
 *   1 / 0            1 / 0         has no value: stays, and fails only if a row comes to it
 *   x and true       x             TRUE says nothing in AND, FALSE nothing in OR
 *   x and false      false         when x cannot fail; what stands behind a FALSE is never evaluated
 *                                and goes in any case
 *   where true       (no filter)
 *   on x and false   as it is: a join needs its equality between the sides, whatever else decides
 *
 * That the evaluator gave a value proves that the expression cannot fail, so an error is neither lost nor
 * made. */
#include "engine/core/assert.h"
#include "engine/plan/plan_rewrite.h"
#include "engine/plan/rule.h"

static enum od_status fold(void *self, const struct od_expr *expr, const struct od_expr **expr_out,
                           struct od_error *error);

static bool is_boolean_literal(const struct od_expr *expr, bool value)
{
    return expr->kind == OD_EXPR_LITERAL && expr->type == OD_TYPE_BOOLEAN && !expr->literal.is_null &&
           expr->literal.boolean == value;
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
    const struct od_expr **kept =
        od_arena_take_array(context->plan_arena, expr->argument_count, sizeof(*kept));
    *expr_out = expr;
    if (kept == NULL)
        return od_fail(error, OD_NO_MEMORY, "folding a constant");
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
    if (count == 0) {
        struct od_value value = {.type = OD_TYPE_BOOLEAN, .boolean = neutral};
        return od_expr_literal(context->plan_arena, &value, expr_out, error);
    }
    *expr_out = kept[0];
    return count == 1 ? OD_OK
                      : od_expr_call(context->plan_arena, expr->function, kept, count, expr_out, error);
}

/* The call over folded arguments; the same call when none changed. */
static enum od_status fold_arguments(const struct od_rule_context *context, const struct od_expr *expr,
                                     const struct od_expr **expr_out, struct od_error *error)
{
    bool changed = false;
    const struct od_expr **arguments =
        od_arena_take_array(context->plan_arena, expr->argument_count, sizeof(*arguments));
    *expr_out = expr;
    if (arguments == NULL)
        return od_fail(error, OD_NO_MEMORY, "folding a constant");
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        enum od_status status = fold((void *)context, expr->arguments[i], &arguments[i], error);
        if (status != OD_OK)
            return status;
        changed |= arguments[i] != expr->arguments[i];
    }
    if (!changed)
        return OD_OK;
    if (expr->function == OD_FUNCTION_CAST)
        return od_expr_cast(context->plan_arena, arguments[0], expr->type, expr_out, error);
    return od_expr_call(context->plan_arena, expr->function, arguments, expr->argument_count, expr_out,
                        error);
}

static bool arguments_are_literals(const struct od_expr *expr)
{
    for (uint32_t i = 0; i < expr->argument_count; i++)
        if (expr->arguments[i]->kind != OD_EXPR_LITERAL)
            return false;
    return true;
}

static enum od_status fold(void *self, const struct od_expr *expr, const struct od_expr **expr_out,
                           struct od_error *error)
{
    const struct od_rule_context *context = self;
    *expr_out = expr;
    if (expr->kind != OD_EXPR_CALL)
        return OD_OK;
    enum od_status status = fold_arguments(context, expr, expr_out, error);
    if (status != OD_OK || (*expr_out)->kind != OD_EXPR_CALL)
        return status;
    expr = *expr_out;
    if (arguments_are_literals(expr))
        return evaluate(context, expr, expr_out, error);
    if (expr->function == OD_FUNCTION_AND || expr->function == OD_FUNCTION_OR)
        return fold_junction(context, expr, expr_out, error);
    return OD_OK;
}

/* A join's condition, conjunct by conjunct: TRUE ones go, a FALSE one does not take the others along. */
static enum od_status fold_condition(void *self, const struct od_expr *expr, const struct od_expr **expr_out,
                                     struct od_error *error)
{
    const struct od_rule_context *context = self;
    if (expr->kind != OD_EXPR_CALL || expr->function != OD_FUNCTION_AND)
        return fold(self, expr, expr_out, error);
    bool changed = false;
    uint32_t count = 0;
    const struct od_expr **kept =
        od_arena_take_array(context->plan_arena, expr->argument_count, sizeof(*kept));
    *expr_out = expr;
    if (kept == NULL)
        return od_fail(error, OD_NO_MEMORY, "folding a constant");
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        enum od_status status = fold_condition(self, expr->arguments[i], &kept[count], error);
        if (status != OD_OK)
            return status;
        changed |= kept[count] != expr->arguments[i];
        count += !is_boolean_literal(kept[count], true);
    }
    if (!changed || count == 0)
        return OD_OK;
    *expr_out = kept[0];
    return count == 1 ? OD_OK
                      : od_expr_call(context->plan_arena, OD_FUNCTION_AND, kept, count, expr_out, error);
}

static enum od_status fold_plan(const struct od_rule_context *context, const struct od_plan *plan,
                                const struct od_plan **plan_out, struct od_error *error)
{
    struct od_expr_rewriter rewriter = {.rewrite = plan->kind == OD_PLAN_JOIN ? fold_condition : fold,
                                        .self = (void *)context};
    const struct od_plan *inputs[2] = {NULL, NULL};
    *plan_out = NULL;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        enum od_status status = fold_plan(context, plan->inputs[i], &inputs[i], error);
        if (status != OD_OK)
            return status;
    }
    enum od_status status = od_plan_rebuild(context->plan_arena, plan, inputs, &rewriter, plan_out, error);
    if (status == OD_OK && (*plan_out)->kind == OD_PLAN_FILTER &&
        is_boolean_literal((*plan_out)->filter.predicate, true))
        *plan_out = (*plan_out)->inputs[0];
    return status;
}

enum od_status od_rule_constant_folding(const struct od_rule_context *context, const struct od_plan *plan,
                                        const struct od_plan **plan_out, bool *changed_out,
                                        struct od_error *error)
{
    enum od_status status = OD_OK;
    *plan_out = plan;
    if (context->options->evaluate_constant != NULL)
        status = fold_plan(context, plan, plan_out, error);
    *changed_out = *plan_out != plan;
    return status;
}
