/* bind_expr: one function a kind of parse node; every function leaves a typed expression that knows its place
 * in the text.
 *
 * Sugar is taken apart here, so that the plan knows fewer things: BETWEEN is two comparisons, IN a chain of
 * ORs, CASE x WHEN a comparison each, x IS NOT TRUE a NOT. Evaluating an operand twice is safe: expressions
 * have no side effects. */
#include <stdlib.h>
#include <string.h>

#include "engine/sql/binder.h"

static enum od_status unsupported(struct od_binder *binder, const PgQuery__Node *node)
{
    return od_sql_fail(binder, OD_UNSUPPORTED, od_sql_location(node), "%s is not supported",
                       od_sql_construct(node));
}

enum od_status od_bind_list(struct od_binder *binder, const struct od_expr_place *place,
                            PgQuery__Node *const *nodes, size_t count, struct od_bound **bounds_out)
{
    enum od_status status = OD_OK;
    *bounds_out = od_arena_take_array(binder->plan_arena, count, sizeof(**bounds_out));
    if (*bounds_out == NULL)
        return od_sql_no_memory(binder);
    for (size_t i = 0; i < count && status == OD_OK; i++)
        status = od_bind_expr(binder, place, nodes[i], &(*bounds_out)[i]);
    return status;
}

enum od_status od_bind_condition(struct od_binder *binder, const struct od_expr_place *place,
                                 const PgQuery__Node *node, const struct od_expr **expr_out)
{
    struct od_bound bound = {0};
    enum od_status status = od_bind_expr(binder, place, node, &bound);
    *expr_out = NULL;
    if (status != OD_OK)
        return status;
    bool is_null = bound.expr->kind == OD_EXPR_LITERAL && bound.expr->literal.is_null;
    if (is_null || bound.unknown) {
        /* NOT NOT would do too: any boolean call gives the literal its type */
        struct od_bound test = {0};
        status = od_bind_call(binder, OD_FUNCTION_IS_TRUE, &bound, 1, od_sql_location(node), &test);
        *expr_out = test.expr;
        return status;
    }
    if (bound.expr->type != OD_TYPE_BOOLEAN)
        return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(node),
                           "argument of %s must be type boolean, not type %s", place->clause,
                           od_type_text(bound.expr->type));
    *expr_out = bound.expr;
    return OD_OK;
}

/* --- leaves ----------------------------------------------------------------------------------- */

static enum od_status make_literal(struct od_binder *binder, const struct od_value *value, int32_t location,
                                   struct od_bound *bound_out)
{
    const struct od_expr *expr = NULL;
    enum od_status status = od_expr_literal(binder->plan_arena, value, &expr, binder->error);
    if (status == OD_OK)
        status = od_expr_located(binder->plan_arena, expr, (uint32_t)(location + 1), &bound_out->expr,
                                 binder->error);
    return status;
}

/* Digits that fit are a bigint; other numbers are double precision until there are decimals. */
static enum od_status bind_number(struct od_binder *binder, const char *text, int32_t location,
                                  struct od_bound *bound_out)
{
    struct od_value value = {0};
    uint32_t size = (uint32_t)strlen(text);
    bool digits_only = strspn(text, "-0123456789") == size;
    if (digits_only && od_value_parse(OD_TYPE_INT64, text, size, &value))
        return make_literal(binder, &value, location, bound_out);
    if (!od_value_parse(OD_TYPE_FLOAT64, text, size, &value))
        return od_sql_fail(binder, OD_BAD_INPUT, location, "\"%s\" is out of range for type double precision",
                           text);
    return make_literal(binder, &value, location, bound_out);
}

static enum od_status bind_const(struct od_binder *binder, const PgQuery__AConst *node,
                                 struct od_bound *bound_out)
{
    struct od_value value = {.type = OD_TYPE_TEXT, .is_null = true};
    if (node->isnull)
        return make_literal(binder, &value, node->location, bound_out);
    value.is_null = false;
    switch (node->val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
        value.type = OD_TYPE_INT64;
        value.int64 = node->ival->ival;
        break;
    case PG_QUERY__A__CONST__VAL_FVAL:
        return bind_number(binder, node->fval->fval, node->location, bound_out);
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        value.type = OD_TYPE_BOOLEAN;
        value.boolean = node->boolval->boolval;
        break;
    case PG_QUERY__A__CONST__VAL_SVAL:
        value.text.bytes = node->sval->sval;
        value.text.size = (uint32_t)strlen(node->sval->sval);
        bound_out->unknown = true;
        break;
    default:
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "a bit string is not supported");
    }
    return make_literal(binder, &value, node->location, bound_out);
}

static enum od_status bind_column(struct od_binder *binder, const struct od_expr_place *place,
                                  const PgQuery__ColumnRef *node, struct od_bound *bound_out)
{
    const char *names[2] = {NULL, NULL};
    const struct od_scope_entry *entry = NULL;
    const struct od_expr *column = NULL;
    if (node->n_fields > 2)
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location,
                           "a column name of more than two parts is not supported");
    for (size_t i = 0; i < node->n_fields; i++) {
        names[i] = od_sql_string(node->fields[i]);
        if (names[i] == NULL)
            return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "\"*\" is not supported here");
    }
    bool qualified = node->n_fields == 2;
    enum od_status status = od_scope_find(binder, place->scope, qualified ? names[0] : NULL,
                                          names[qualified ? 1 : 0], node->location, &entry);
    if (status == OD_OK)
        status = od_expr_column(binder->plan_arena, &place->scope->schema, entry->column_index, &column,
                                binder->error);
    if (status == OD_OK)
        status = od_expr_located(binder->plan_arena, column, (uint32_t)(node->location + 1), &bound_out->expr,
                                 binder->error);
    return status;
}

/* --- operators -------------------------------------------------------------------------------- */

struct operator_row {
    const char *name;
    enum od_function function;
};
static const struct operator_row operators[] = {
    {"+", OD_FUNCTION_ADD},        {"-", OD_FUNCTION_SUBTRACT},       {"*", OD_FUNCTION_MULTIPLY},
    {"/", OD_FUNCTION_DIVIDE},     {"%", OD_FUNCTION_MODULO},         {"=", OD_FUNCTION_EQUAL},
    {"<>", OD_FUNCTION_NOT_EQUAL}, {"<", OD_FUNCTION_LESS},           {"<=", OD_FUNCTION_LESS_EQUAL},
    {">", OD_FUNCTION_GREATER},    {">=", OD_FUNCTION_GREATER_EQUAL}, {"||", OD_FUNCTION_CONCATENATE},
    {"~~", OD_FUNCTION_LIKE},
};

static bool find_operator(const char *name, enum od_function *function_out)
{
    for (size_t i = 0; name != NULL && i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (strcmp(operators[i].name, name) == 0) {
            *function_out = operators[i].function;
            return true;
        }
    }
    return false;
}

static enum od_status bind_not(struct od_binder *binder, int32_t location, struct od_bound *bound)
{
    struct od_bound input = *bound;
    return od_bind_call(binder, OD_FUNCTION_NOT, &input, 1, location, bound);
}

static enum od_status bind_unary(struct od_binder *binder, const struct od_expr_place *place,
                                 const PgQuery__AExpr *node, const char *name, struct od_bound *bound_out)
{
    struct od_bound operand = {0};
    enum od_status status = od_bind_expr(binder, place, node->rexpr, &operand);
    if (status != OD_OK)
        return status;
    if (operand.unknown)
        return od_sql_fail(binder, OD_BAD_INPUT, node->location, "operator is not unique: %s unknown", name);
    if (strcmp(name, "-") == 0)
        return od_bind_call(binder, OD_FUNCTION_NEGATE, &operand, 1, node->location, bound_out);
    if (strcmp(name, "+") != 0)
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "operator %s is not supported", name);
    if (operand.expr->type != OD_TYPE_INT64 && operand.expr->type != OD_TYPE_FLOAT64)
        return od_sql_fail(binder, OD_BAD_INPUT, node->location, "operator does not exist: + %s",
                           od_type_text(operand.expr->type));
    *bound_out = operand;
    return OD_OK;
}

static enum od_status bind_binary(struct od_binder *binder, const struct od_expr_place *place,
                                  const PgQuery__AExpr *node, enum od_function function,
                                  struct od_bound *bound_out)
{
    struct od_bound operands[2] = {{0}, {0}};
    enum od_status status = od_bind_expr(binder, place, node->lexpr, &operands[0]);
    if (status == OD_OK)
        status = od_bind_expr(binder, place, node->rexpr, &operands[1]);
    if (status == OD_OK)
        status = od_bind_call(binder, function, operands, 2, node->location, bound_out);
    return status;
}

static enum od_status bind_operator(struct od_binder *binder, const struct od_expr_place *place,
                                    const PgQuery__AExpr *node, struct od_bound *bound_out)
{
    const char *name = od_sql_string(node->name[node->n_name - 1]);
    enum od_function function = OD_FUNCTION_ADD;
    if (node->n_name != 1)
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "OPERATOR(schema.name) is not supported");
    if (node->lexpr == NULL)
        return bind_unary(binder, place, node, name, bound_out);
    bool negated = strcmp(name, "!~~") == 0; /* NOT LIKE */
    if (!find_operator(negated ? "~~" : name, &function))
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "operator %s is not supported", name);
    enum od_status status = bind_binary(binder, place, node, function, bound_out);
    if (status == OD_OK && negated)
        status = bind_not(binder, node->location, bound_out);
    return status;
}

static enum od_status bind_like(struct od_binder *binder, const struct od_expr_place *place,
                                const PgQuery__AExpr *node, struct od_bound *bound_out)
{
    if (node->rexpr != NULL && node->rexpr->node_case == PG_QUERY__NODE__NODE_FUNC_CALL &&
        node->rexpr->func_call->n_funcname == 2 &&
        strcmp(od_sql_string(node->rexpr->func_call->funcname[1]), "like_escape") == 0)
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "LIKE with ESCAPE is not supported");
    return bind_operator(binder, place, node, bound_out);
}

/* The common type of all operands, as PostgreSQL takes it for IN: casts them where there is one. */
static enum od_status unify(struct od_binder *binder, struct od_bound *bounds, uint32_t count)
{
    const struct od_expr **typed = od_arena_take_array(binder->plan_arena, count, sizeof(*typed));
    uint32_t typed_count = 0;
    enum od_type type;
    enum od_status status = OD_OK;
    if (typed == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count; i++)
        if (!bounds[i].unknown)
            typed[typed_count++] = bounds[i].expr;
    if (typed_count < 2 || !od_expr_common_type(typed, typed_count, &type))
        return OD_OK; /* the comparisons will say what does not fit */
    for (uint32_t i = 0; i < count && status == OD_OK; i++)
        if (!bounds[i].unknown)
            status = od_expr_cast(binder->plan_arena, bounds[i].expr, type, &bounds[i].expr, binder->error);
    return status;
}

static enum od_status bind_in(struct od_binder *binder, const struct od_expr_place *place,
                              const PgQuery__AExpr *node, struct od_bound *bound_out)
{
    const PgQuery__List *list = node->rexpr->list;
    uint32_t count = (uint32_t)list->n_items;
    bool negated = strcmp(od_sql_string(node->name[0]), "<>") == 0;
    struct od_bound *tests = od_arena_take_array(binder->plan_arena, count, sizeof(*tests));
    struct od_bound *operands = od_arena_take_array(binder->plan_arena, (size_t)count + 1, sizeof(*operands));
    if (tests == NULL || operands == NULL)
        return od_sql_no_memory(binder);
    enum od_status status = od_bind_expr(binder, place, node->lexpr, &operands[0]);
    for (uint32_t i = 0; i < count && status == OD_OK; i++)
        status = od_bind_expr(binder, place, list->items[i], &operands[i + 1]);
    if (status == OD_OK)
        status = unify(binder, operands, count + 1);
    for (uint32_t i = 0; i < count && status == OD_OK; i++) {
        struct od_bound pair[2] = {operands[0], operands[i + 1]};
        status = od_bind_call(binder, negated ? OD_FUNCTION_NOT_EQUAL : OD_FUNCTION_EQUAL, pair, 2,
                              node->location, &tests[i]);
    }
    if (status != OD_OK)
        return status;
    if (count == 1) {
        *bound_out = tests[0];
        return OD_OK;
    }
    return od_bind_call(binder, negated ? OD_FUNCTION_AND : OD_FUNCTION_OR, tests, count, node->location,
                        bound_out);
}

static enum od_status bind_between(struct od_binder *binder, const struct od_expr_place *place,
                                   const PgQuery__AExpr *node, bool negated, struct od_bound *bound_out)
{
    struct od_bound *bounds = NULL;
    struct od_bound input = {0};
    struct od_bound tests[2] = {{0}, {0}};
    enum od_status status = od_bind_expr(binder, place, node->lexpr, &input);
    if (status == OD_OK)
        status = od_bind_list(binder, place, node->rexpr->list->items, node->rexpr->list->n_items, &bounds);
    for (uint32_t i = 0; i < 2 && status == OD_OK; i++) {
        struct od_bound pair[2] = {input, bounds[i]};
        enum od_function within = i == 0 ? OD_FUNCTION_GREATER_EQUAL : OD_FUNCTION_LESS_EQUAL;
        enum od_function outside = i == 0 ? OD_FUNCTION_LESS : OD_FUNCTION_GREATER;
        status = od_bind_call(binder, negated ? outside : within, pair, 2, node->location, &tests[i]);
    }
    if (status == OD_OK)
        status = od_bind_call(binder, negated ? OD_FUNCTION_OR : OD_FUNCTION_AND, tests, 2, node->location,
                              bound_out);
    return status;
}

static enum od_status bind_a_expr(struct od_binder *binder, const struct od_expr_place *place,
                                  const PgQuery__AExpr *node, struct od_bound *bound_out)
{
    switch (node->kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
        return bind_operator(binder, place, node, bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
        return bind_like(binder, place, node, bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
        return bind_binary(binder, place, node, OD_FUNCTION_IS_DISTINCT, bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
        return bind_binary(binder, place, node, OD_FUNCTION_IS_NOT_DISTINCT, bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF:
        return bind_binary(binder, place, node, OD_FUNCTION_NULLIF, bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
        return bind_in(binder, place, node, bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
        return bind_between(binder, place, node, false, bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
        return bind_between(binder, place, node, true, bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "ILIKE is not supported");
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "SIMILAR TO is not supported");
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "BETWEEN SYMMETRIC is not supported");
    default:
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location,
                           "an operator with ANY or ALL is not supported");
    }
}

/* --- tests, CASE and the like ----------------------------------------------------------------- */

static enum od_status bind_bool_expr(struct od_binder *binder, const struct od_expr_place *place,
                                     const PgQuery__BoolExpr *node, struct od_bound *bound_out)
{
    static const enum od_function functions[] = {
        [PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR] = OD_FUNCTION_AND,
        [PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR] = OD_FUNCTION_OR,
        [PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR] = OD_FUNCTION_NOT,
    };
    struct od_bound *bounds = NULL;
    enum od_status status = od_bind_list(binder, place, node->args, node->n_args, &bounds);
    if (status == OD_OK)
        status = od_bind_call(binder, functions[node->boolop], bounds, (uint32_t)node->n_args, node->location,
                              bound_out);
    return status;
}

static enum od_status bind_null_test(struct od_binder *binder, const struct od_expr_place *place,
                                     const PgQuery__NullTest *node, struct od_bound *bound_out)
{
    struct od_bound input = {0};
    bool negated = node->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL;
    enum od_status status = od_bind_expr(binder, place, node->arg, &input);
    if (status == OD_OK)
        status = od_bind_call(binder, negated ? OD_FUNCTION_IS_NOT_NULL : OD_FUNCTION_IS_NULL, &input, 1,
                              node->location, bound_out);
    return status;
}

static enum od_status bind_boolean_test(struct od_binder *binder, const struct od_expr_place *place,
                                        const PgQuery__BooleanTest *node, struct od_bound *bound_out)
{
    static const struct {
        enum od_function function;
        bool negated;
    } tests[] = {
        [PG_QUERY__BOOL_TEST_TYPE__IS_TRUE] = {OD_FUNCTION_IS_TRUE, false},
        [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE] = {OD_FUNCTION_IS_TRUE, true},
        [PG_QUERY__BOOL_TEST_TYPE__IS_FALSE] = {OD_FUNCTION_IS_FALSE, false},
        [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_FALSE] = {OD_FUNCTION_IS_FALSE, true},
        [PG_QUERY__BOOL_TEST_TYPE__IS_UNKNOWN] = {OD_FUNCTION_IS_NULL, false},
        [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_UNKNOWN] = {OD_FUNCTION_IS_NULL, true},
    };
    struct od_bound input = {0};
    enum od_status status = od_bind_expr(binder, place, node->arg, &input);
    if (status == OD_OK && tests[node->booltesttype].function == OD_FUNCTION_IS_NULL) {
        struct od_bound pair[2] = {input,
                                   input}; /* IS UNKNOWN takes booleans only: AND with itself says so */
        status = od_bind_call(binder, OD_FUNCTION_AND, pair, 2, node->location, &input);
    }
    if (status == OD_OK)
        status =
            od_bind_call(binder, tests[node->booltesttype].function, &input, 1, node->location, bound_out);
    if (status == OD_OK && tests[node->booltesttype].negated)
        status = bind_not(binder, node->location, bound_out);
    return status;
}

/* One WHEN: its condition (compared with the CASE's operand, when there is one) and its value. */
static enum od_status bind_when(struct od_binder *binder, const struct od_expr_place *place,
                                const struct od_bound *operand, const PgQuery__CaseWhen *when,
                                struct od_bound *pair_out)
{
    struct od_bound condition = {0};
    enum od_status status = od_bind_expr(binder, place, when->expr, &condition);
    if (status == OD_OK && operand != NULL) {
        struct od_bound compared[2] = {*operand, condition};
        status = od_bind_call(binder, OD_FUNCTION_EQUAL, compared, 2, when->location, &condition);
    }
    pair_out[0] = condition;
    if (status == OD_OK)
        status = od_bind_expr(binder, place, when->result, &pair_out[1]);
    return status;
}

static enum od_status bind_case(struct od_binder *binder, const struct od_expr_place *place,
                                const PgQuery__CaseExpr *node, struct od_bound *bound_out)
{
    uint32_t count = 2 * (uint32_t)node->n_args + 1;
    struct od_bound operand = {0};
    enum od_status status = OD_OK;
    struct od_bound *bounds = od_arena_take_array(binder->plan_arena, count, sizeof(*bounds));
    if (bounds == NULL)
        return od_sql_no_memory(binder);
    if (node->arg != NULL)
        status = od_bind_expr(binder, place, node->arg, &operand);
    for (size_t i = 0; i < node->n_args && status == OD_OK; i++)
        status = bind_when(binder, place, node->arg != NULL ? &operand : NULL, node->args[i]->case_when,
                           &bounds[2 * i]);
    if (status == OD_OK && node->defresult != NULL) {
        status = od_bind_expr(binder, place, node->defresult, &bounds[count - 1]);
    } else if (status == OD_OK) {
        struct od_value nothing = {.type = OD_TYPE_TEXT, .is_null = true};
        status = make_literal(binder, &nothing, node->location, &bounds[count - 1]);
    }
    if (status == OD_OK)
        status = od_bind_call(binder, OD_FUNCTION_CASE, bounds, count, node->location, bound_out);
    return status;
}

static enum od_status bind_many(struct od_binder *binder, const struct od_expr_place *place,
                                enum od_function function, PgQuery__Node *const *nodes, size_t count,
                                int32_t location, struct od_bound *bound_out)
{
    struct od_bound *bounds = NULL;
    enum od_status status = od_bind_list(binder, place, nodes, count, &bounds);
    if (status == OD_OK)
        status = od_bind_call(binder, function, bounds, (uint32_t)count, location, bound_out);
    return status;
}

static enum od_status bind_kind(struct od_binder *binder, const struct od_expr_place *place,
                                const PgQuery__Node *node, struct od_bound *bound_out)
{
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        return bind_column(binder, place, node->column_ref, bound_out);
    case PG_QUERY__NODE__NODE_A_CONST:
        return bind_const(binder, node->a_const, bound_out);
    case PG_QUERY__NODE__NODE_A_EXPR:
        return bind_a_expr(binder, place, node->a_expr, bound_out);
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
        return bind_bool_expr(binder, place, node->bool_expr, bound_out);
    case PG_QUERY__NODE__NODE_NULL_TEST:
        return bind_null_test(binder, place, node->null_test, bound_out);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
        return bind_boolean_test(binder, place, node->boolean_test, bound_out);
    case PG_QUERY__NODE__NODE_CASE_EXPR:
        return bind_case(binder, place, node->case_expr, bound_out);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        return bind_many(binder, place, OD_FUNCTION_COALESCE, node->coalesce_expr->args,
                         node->coalesce_expr->n_args, node->coalesce_expr->location, bound_out);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        return bind_many(binder, place,
                         node->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_LEAST ? OD_FUNCTION_LEAST
                                                                                  : OD_FUNCTION_GREATEST,
                         node->min_max_expr->args, node->min_max_expr->n_args, node->min_max_expr->location,
                         bound_out);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        return od_bind_func_call(binder, place, node->func_call, bound_out);
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        return od_bind_cast(binder, place, node->type_cast, bound_out);
    default:
        return unsupported(binder, node);
    }
}

enum od_status od_bind_expr(struct od_binder *binder, const struct od_expr_place *place,
                            const PgQuery__Node *node, struct od_bound *bound_out)
{
    *bound_out = (struct od_bound){0};
    enum od_status status = od_sql_enter(binder, od_sql_location(node));
    if (status != OD_OK)
        return status;
    status = bind_kind(binder, place, node, bound_out);
    od_sql_leave(binder);
    return status;
}
