/* bind_expr: one function a kind of parse node; every function leaves a typed expression that knows its place
 * in the text.
 *
 * Sugar is taken apart here, so that the plan knows fewer things: BETWEEN is two comparisons, IN a chain of
 * ORs, CASE x WHEN a comparison each, x IS NOT TRUE a NOT, (a, b) < (c, d) comparisons of their elements.
 * Evaluating an operand twice is safe: expressions have no side effects. */
#include <string.h>

#include "engine/sql/binder.h"

struct od_exprs od_bind_list(const struct od_place *place, PgQuery__Node *const *nodes, size_t count)
{
    struct od_exprs list = {(uint32_t)count, od_sql_take(place->binder, count, sizeof(*list.at))};
    for (uint32_t i = 0; i < list.count && !od_sql_failed(place->binder); i++)
        list.at[i] = od_bind_expr(place, nodes[i]);
    return list;
}

const struct od_expr *od_bind_condition(const struct od_place *place, const PgQuery__Node *node,
                                        const char *clause)
{
    const struct od_expr *expr = od_bind_expr(place, node);
    OD_NEED(expr != NULL);
    if (expr->is_untyped)
        return od_make_read(place->binder, expr, OD_TYPE_BOOLEAN);
    if (expr->type != OD_TYPE_BOOLEAN)
        return od_sql_wrong(place->binder, od_sql_location(node),
                            "argument of %s must be type boolean, not type %s", clause,
                            od_type_text(expr->type));
    return expr;
}

/* --- leaves ----------------------------------------------------------------------------------- */

/* The first of integer, bigint and numeric that holds it. */
static const struct od_expr *bind_number(struct od_binder *binder, const char *text, int32_t location)
{
    static const enum od_type types[] = {OD_TYPE_INT32, OD_TYPE_INT64, OD_TYPE_DECIMAL};
    struct od_value value = {0};
    uint32_t size = (uint32_t)strlen(text);
    bool digits_only = strspn(text, "-0123456789") == size;
    uint32_t digit_count = 0;
    for (const char *at = text + strspn(text, "-0."); *at != '\0' && *at != 'e' && *at != 'E'; at++)
        digit_count += *at != '.';
    for (uint32_t i = digits_only ? 0 : 2; i < 3 && digit_count <= OD_DECIMAL_DIGITS_MAX; i++)
        if (od_value_parse(types[i], text, size, &value))
            return od_make_literal(binder, &value, location);
    return od_sql_refuse(binder, location, "a number of more than %d digits", OD_DECIMAL_DIGITS_MAX);
}

/* A number of a float8 to be: ours of numeric does not hold 1e308, nor any a zero below 0. */
static const struct od_expr *bind_float(struct od_binder *binder, const char *text, int32_t location)
{
    struct od_value value = {0};
    bool fits = od_value_parse(OD_TYPE_FLOAT64, text, (uint32_t)strlen(text), &value);
    value.float64 += 0.0; /* -0.0 + 0.0 is 0.0 */
    if (fits)
        return od_make_literal(binder, &value, location);
    return od_sql_wrong(binder, location, "\"%.40s\" is out of range for type double precision", text);
}

static const struct od_expr *bind_const(struct od_binder *binder, const PgQuery__AConst *node)
{
    struct od_value truth = {.type = OD_TYPE_BOOLEAN};
    if (node->isnull)
        return od_make_untyped(binder, NULL, node->location);
    switch (node->val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
        return od_make_number(binder, OD_TYPE_INT32, node->ival->ival, node->location);
    case PG_QUERY__A__CONST__VAL_FVAL:
        return bind_number(binder, node->fval->fval, node->location);
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        truth.boolean = node->boolval->boolval;
        return od_make_literal(binder, &truth, node->location);
    case PG_QUERY__A__CONST__VAL_SVAL:
        return od_make_untyped(binder, node->sval->sval, node->location);
    default:
        return od_sql_refuse(binder, node->location, "a bit string");
    }
}

static void *column_not_found(const struct od_place *place, const char *relation, const char *name,
                              int32_t location)
{
    for (const struct od_block *at = place->block; at != NULL && relation == NULL; at = at->outer)
        if (od_scope_has_relation(&at->scope, name))
            return od_sql_fail(place->binder, OD_UNSUPPORTED, location,
                               "a whole row as a value is not supported: %s", name);
    if (relation != NULL)
        return od_sql_wrong(place->binder, location, "missing FROM-clause entry for table \"%s\"", relation);
    return od_sql_wrong(place->binder, location, "column \"%s\" does not exist", name);
}

/* A column of a block further out makes something below each block on the way correlated. */
const struct od_expr *od_bind_entry(struct od_binder *binder, struct od_block *block, struct od_block *target,
                                    uint32_t column_index, int32_t location)
{
    const struct od_expr *expr = NULL;
    uint32_t depth = 0;
    target->own_reads++;
    for (uint32_t i = 0; i < target->scope.entry_count; i++)
        target->scope.entries[i].is_read |= target->scope.entries[i].column_index == column_index;
    if (target == block)
        return od_make_column(binder, &target->scope.schema, column_index, location);
    for (struct od_block *at = block; at != target;) {
        at->foreign_reads++;
        at = at->outer;
        depth += !at->is_fence;
        at->deeper_reads++;
    }
    struct od_outer_read read = {column_index, location};
    OD_NEED(od_sql_append(binder, &target->outer_reads, &target->outer_read_count, &read, sizeof(read)));
    od_expr_outer(binder->plan_arena, &target->scope.schema.fields[column_index], column_index, depth, &expr,
                  binder->error);
    return od_make_at(binder, expr, location);
}

struct od_block *od_next_visible(struct od_block *block)
{
    struct od_block *next = block->outer;
    while (next != NULL && next->is_fence)
        next = next->fence_end;
    return next;
}

static const struct od_expr *bind_column(const struct od_place *place, const PgQuery__ColumnRef *node)
{
    struct od_binder *binder = place->binder;
    const char *relation = node->n_fields == 2 ? od_sql_string(node->fields[0]) : NULL;
    const char *name = od_sql_string(node->fields[node->n_fields - 1]);
    if (node->n_fields > 2)
        return od_sql_refuse(binder, node->location, "a column name of more than two parts");
    if (name == NULL)
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "\"*\" is not supported here");
    for (struct od_block *target = place->block; target != NULL; target = od_next_visible(target)) {
        const struct od_scope_entry *entry = NULL;
        const struct od_scope_entry *other = NULL;
        uint32_t count = od_scope_find(&target->scope, relation, name, &entry);
        for (struct od_block *at = target; at->is_inner && count == 1; at = at->outer)
            count += od_scope_find(&at->outer->scope, relation, name, &other);
        if (count > 1)
            return od_sql_wrong(binder, node->location, "column reference \"%s\" is ambiguous", name);
        if (count == 1)
            return od_bind_entry(binder, place->block, target, entry->column_index, node->location);
        if (relation != NULL && od_scope_has_relation(&target->scope, relation))
            return od_sql_wrong(binder, node->location, "column %s.%s does not exist", relation, name);
    }
    return column_not_found(place, relation, name, node->location);
}

/* --- operators -------------------------------------------------------------------------------- */

struct operator_row {
    const char *name;
    enum od_function function;
    bool negated;
};
/* Those that the catalogue of functions calls otherwise. */
static const struct operator_row binary_operators[] = {
    {"^", OD_FUNCTION_POWER, false},   {"^@", OD_FUNCTION_STARTS_WITH, false},
    {"~~", OD_FUNCTION_LIKE, false},   {"!~~", OD_FUNCTION_LIKE, true},
    {"~~*", OD_FUNCTION_ILIKE, false}, {"!~~*", OD_FUNCTION_ILIKE, true},
};
static const struct operator_row unary_operators[] = {
    {"-", OD_FUNCTION_NEGATE, false}, {"~", OD_FUNCTION_BIT_NOT, false}, {"@", OD_FUNCTION_ABS, false},
    {"|/", OD_FUNCTION_SQRT, false},  {"||/", OD_FUNCTION_CBRT, false},
};

static bool find_operator(const struct operator_row *rows, size_t count, const char *name,
                          struct operator_row *row_out)
{
    for (size_t i = 0; name != NULL && i < count; i++) {
        *row_out = rows[i];
        if (strcmp(rows[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool find_binary(const char *name, struct operator_row *row_out)
{
    for (uint32_t i = 0; name != NULL && i <= OD_FUNCTION_CONCATENATE; i++) {
        *row_out = (struct operator_row){name, (enum od_function)i, false};
        if (strcmp(od_function_text(row_out->function), name) == 0)
            return true;
    }
    return find_operator(binary_operators, sizeof(binary_operators) / sizeof(binary_operators[0]), name,
                         row_out);
}

bool od_sql_operator(const char *name, enum od_function *function_out)
{
    struct operator_row row = {0};
    bool found = find_binary(name, &row) && !row.negated;
    *function_out = row.function;
    return found;
}

static const struct od_expr *bind_unary(const struct od_place *place, const PgQuery__AExpr *node,
                                        const char *name)
{
    struct od_binder *binder = place->binder;
    struct operator_row row = {0};
    bool found =
        find_operator(unary_operators, sizeof(unary_operators) / sizeof(unary_operators[0]), name, &row);
    const struct od_expr *operand = od_bind_expr(place, node->rexpr);
    OD_NEED(operand != NULL);
    if (operand->is_untyped && (strcmp(name, "-") == 0 || strcmp(name, "~") == 0))
        return od_sql_wrong(binder, node->location, "operator is not unique: %s unknown", name);
    if (operand->is_untyped)
        operand = od_make_read(binder, operand, OD_TYPE_FLOAT64);
    OD_NEED(operand != NULL);
    if (!found && strcmp(name, "+") == 0) /* takes what - takes, and leaves it */
        return od_make_one(binder, OD_FUNCTION_NEGATE, operand, node->location) == NULL ? NULL : operand;
    if (!found)
        return od_sql_refuse(binder, node->location, "operator %s", name);
    if (row.function == OD_FUNCTION_SQRT && operand->type == OD_TYPE_DECIMAL) /* has |/ not */
        operand = od_make_cast(binder, operand, OD_TYPE_FLOAT64, node->location);
    return od_make_one(binder, row.function, operand, node->location);
}

static const struct od_expr *bind_binary(const struct od_place *place, const PgQuery__AExpr *node,
                                         enum od_function function)
{
    bool is_row = node->lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR;
    if (is_row && node->rexpr->node_case == PG_QUERY__NODE__NODE_SUB_LINK)
        return od_bind_row_sub_link(place, function, node->lexpr, node->rexpr->sub_link);
    struct od_exprs left = od_bind_row(place, node->lexpr);
    struct od_exprs right = od_bind_row(place, node->rexpr);
    if (left.count != right.count)
        return od_sql_wrong(place->binder, node->location, "unequal number of entries in row expressions");
    return od_bind_compare(place->binder, function, left, right, node->location);
}

/* x LIKE y ESCAPE z comes as x ~~ like_escape(y, z). */
static const struct od_expr *bind_like(const struct od_place *place, const PgQuery__AExpr *node,
                                       enum od_function function)
{
    const PgQuery__FuncCall *call =
        node->rexpr->node_case == PG_QUERY__NODE__NODE_FUNC_CALL ? node->rexpr->func_call : NULL;
    const char *name = call != NULL ? od_sql_string(call->funcname[call->n_funcname - 1]) : NULL;
    if (name == NULL || strcmp(name, "like_escape") != 0 || call->n_args != 2)
        return bind_binary(place, node, function);
    PgQuery__Node *const nodes[] = {node->lexpr, call->args[0], call->args[1]};
    return od_make_call(place->binder, function, od_bind_list(place, nodes, 3), node->location);
}

static const struct od_expr *bind_operator(const struct od_place *place, const PgQuery__AExpr *node)
{
    struct od_binder *binder = place->binder;
    const char *name = od_sql_string(node->name[node->n_name - 1]);
    struct operator_row row = {0};
    if (node->n_name != 1)
        return od_sql_refuse(binder, node->location, "OPERATOR(schema.name)");
    if (node->lexpr == NULL)
        return bind_unary(place, node, name);
    if (!find_binary(name, &row))
        return od_sql_refuse(binder, node->location, "operator %s", name);
    const struct od_expr *result = bind_like(place, node, row.function);
    return row.negated ? od_make_one(binder, OD_FUNCTION_NOT, result, node->location) : result;
}

/* Casts the operands to their common type, as PostgreSQL does for IN; where there is none, the comparisons
 * will say what does not fit. */
static bool unify(struct od_binder *binder, struct od_exprs operands)
{
    enum od_type type;
    OD_NEED(!od_sql_failed(binder));
    bool is_common = od_expr_common_type(operands.at, operands.count, &type);
    for (uint32_t i = 0; i < operands.count && is_common; i++)
        operands.at[i] = operands.at[i]->is_untyped ? od_make_read(binder, operands.at[i], type)
                                                    : od_make_cast(binder, operands.at[i], type, -1);
    return !od_sql_failed(binder);
}

/* x IN (...), x <op> ANY (ARRAY[...]) and ALL: a test with each of the items, and the results combined. */
static const struct od_expr *bind_members(const struct od_place *place, const PgQuery__AExpr *node,
                                          PgQuery__Node *const *items, size_t count, enum od_function test,
                                          enum od_function combine)
{
    struct od_binder *binder = place->binder;
    struct od_exprs left = od_bind_row(place, node->lexpr);
    struct od_exprs operands = {0};
    struct od_exprs tests = {0};
    OD_NEED(!od_sql_failed(binder));
    bool is_row = left.count > 1;
    od_add_expr(binder, &operands, left.at[0]);
    for (size_t i = 0; i < count && !is_row; i++)
        od_add_expr(binder, &operands, od_bind_expr(place, items[i]));
    if (!is_row) {
        OD_NEED(unify(binder, operands));
        left.at = operands.at;
    }
    for (size_t i = 0; i < count; i++) {
        struct od_exprs right =
            is_row ? od_bind_row(place, items[i]) : (struct od_exprs){1, &operands.at[i + 1]};
        if (right.count != left.count)
            return od_sql_wrong(binder, node->location, "unequal number of entries in row expressions");
        OD_NEED(od_add_expr(binder, &tests, od_bind_compare(binder, test, left, right, node->location)));
    }
    if (tests.at[0]->type != OD_TYPE_BOOLEAN)
        return od_sql_wrong(binder, node->location, "op ANY/ALL (array) requires operator to yield boolean");
    return od_make_chain(binder, combine, tests, node->location);
}

static const struct od_expr *bind_in(const struct od_place *place, const PgQuery__AExpr *node)
{
    bool negated = strcmp(od_sql_string(node->name[0]), "<>") == 0;
    return bind_members(place, node, node->rexpr->list->items, node->rexpr->list->n_items,
                        negated ? OD_FUNCTION_NOT_EQUAL : OD_FUNCTION_EQUAL,
                        negated ? OD_FUNCTION_AND : OD_FUNCTION_OR);
}

static const struct od_expr *bind_array_test(const struct od_place *place, const PgQuery__AExpr *node)
{
    enum od_function function = OD_FUNCTION_EQUAL;
    bool all = node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL;
    const PgQuery__AArrayExpr *array =
        node->rexpr->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR ? node->rexpr->a_array_expr : NULL;
    if (array == NULL || array->n_elements == 0 || node->lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR ||
        !od_sql_operator(od_sql_string(node->name[0]), &function))
        return od_sql_refuse(place->binder, node->location, "this operator with ANY or ALL of an array");
    return bind_members(place, node, array->elements, array->n_elements, function,
                        all ? OD_FUNCTION_AND : OD_FUNCTION_OR);
}

/* Each way: low <= x AND x <= high, or of NOT x < low OR x > high; SYMMETRIC is either way, NOT neither. The bounds are bound
 * for each way: a sub-select in one is asked for the rows of one place. */
static const struct od_expr *bind_between(const struct od_place *place, const PgQuery__AExpr *node,
                                          bool negated, bool symmetric)
{
    struct od_binder *binder = place->binder;
    struct od_exprs ways = {0};
    const struct od_expr *input = od_bind_expr(place, node->lexpr);
    for (uint32_t way = 0; way < (symmetric ? 2 : 1); way++) {
        struct od_exprs bounds = od_bind_list(place, node->rexpr->list->items, node->rexpr->list->n_items);
        OD_NEED(!od_sql_failed(binder));
        const struct od_expr *low =
            od_make_pair(binder, negated ? OD_FUNCTION_LESS : OD_FUNCTION_GREATER_EQUAL, input,
                         bounds.at[way], node->location);
        const struct od_expr *high =
            od_make_pair(binder, negated ? OD_FUNCTION_GREATER : OD_FUNCTION_LESS_EQUAL, input,
                         bounds.at[1 - way], node->location);
        OD_NEED(od_add_expr(
            binder, &ways,
            od_make_pair(binder, negated ? OD_FUNCTION_OR : OD_FUNCTION_AND, low, high, node->location)));
    }
    return od_make_chain(binder, negated ? OD_FUNCTION_AND : OD_FUNCTION_OR, ways, node->location);
}

static const struct od_expr *bind_a_expr(const struct od_place *place, const PgQuery__AExpr *node)
{
    switch (node->kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
        return bind_operator(place, node);
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
        return bind_binary(place, node, OD_FUNCTION_IS_DISTINCT);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
        return bind_binary(place, node, OD_FUNCTION_IS_NOT_DISTINCT);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF:
        return bind_binary(place, node, OD_FUNCTION_NULLIF);
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
        return bind_in(place, node);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
        return bind_between(place, node, false, false);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
        return bind_between(place, node, true, false);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
        return bind_between(place, node, false, true);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
        return bind_between(place, node, true, true);
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
        return bind_array_test(place, node);
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:
        return od_sql_refuse(place->binder, node->location, "SIMILAR TO");
    default:
        return od_sql_refuse(place->binder, node->location, "this operator");
    }
}

/* --- tests, CASE and the like ----------------------------------------------------------------- */

static const struct od_expr *bind_bool_expr(const struct od_place *place, const PgQuery__BoolExpr *node)
{
    static const struct {
        enum od_function function;
        const char *clause;
    } tests[] = {
        [PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR] = {OD_FUNCTION_AND, "AND"},
        [PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR] = {OD_FUNCTION_OR, "OR"},
        [PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR] = {OD_FUNCTION_NOT, "NOT"},
    };
    struct od_exprs list = {0};
    for (size_t i = 0; i < node->n_args; i++)
        OD_NEED(od_add_expr(place->binder, &list,
                            od_bind_condition(place, node->args[i], tests[node->boolop].clause)));
    return od_make_call(place->binder, tests[node->boolop].function, list, node->location);
}

/* (a, b) IS NULL: all of them are; IS NOT NULL: none of them is. */
static const struct od_expr *bind_null_test(const struct od_place *place, const PgQuery__NullTest *node)
{
    bool negated = node->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL;
    struct od_exprs elements = od_bind_row(place, node->arg);
    for (uint32_t i = 0; i < elements.count && !od_sql_failed(place->binder); i++)
        elements.at[i] = od_make_one(place->binder, negated ? OD_FUNCTION_IS_NOT_NULL : OD_FUNCTION_IS_NULL,
                                     elements.at[i], node->location);
    return od_make_chain(place->binder, OD_FUNCTION_AND, elements, node->location);
}

static const struct od_expr *bind_boolean_test(const struct od_place *place, const PgQuery__BooleanTest *node)
{
    static const struct {
        enum od_function function;
        bool negated;
        const char *clause;
    } tests[] = {
        [PG_QUERY__BOOL_TEST_TYPE__IS_TRUE] = {OD_FUNCTION_IS_TRUE, false, "IS TRUE"},
        [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE] = {OD_FUNCTION_IS_TRUE, true, "IS NOT TRUE"},
        [PG_QUERY__BOOL_TEST_TYPE__IS_FALSE] = {OD_FUNCTION_IS_FALSE, false, "IS FALSE"},
        [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_FALSE] = {OD_FUNCTION_IS_FALSE, true, "IS NOT FALSE"},
        [PG_QUERY__BOOL_TEST_TYPE__IS_UNKNOWN] = {OD_FUNCTION_IS_NULL, false, "IS UNKNOWN"},
        [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_UNKNOWN] = {OD_FUNCTION_IS_NOT_NULL, false, "IS NOT UNKNOWN"},
    };
    const struct od_expr *input = od_bind_condition(place, node->arg, tests[node->booltesttype].clause);
    const struct od_expr *result =
        od_make_one(place->binder, tests[node->booltesttype].function, input, node->location);
    return tests[node->booltesttype].negated
               ? od_make_one(place->binder, OD_FUNCTION_NOT, result, node->location)
               : result;
}

static const struct od_expr *bind_case(const struct od_place *place, const PgQuery__CaseExpr *node)
{
    struct od_binder *binder = place->binder;
    struct od_exprs list = {0};
    const struct od_expr *compared = node->arg == NULL ? NULL : od_bind_expr(place, node->arg);
    for (size_t i = 0; i < node->n_args; i++) {
        const PgQuery__CaseWhen *when = node->args[i]->case_when;
        OD_NEED(od_add_expr(binder, &list,
                            node->arg == NULL
                                ? od_bind_condition(place, when->expr, "CASE/WHEN")
                                : od_make_pair(binder, OD_FUNCTION_EQUAL, compared,
                                               od_bind_expr(place, when->expr), when->location)));
        OD_NEED(od_add_expr(binder, &list, od_bind_expr(place, when->result)));
    }
    od_add_expr(binder, &list,
                node->defresult != NULL ? od_bind_expr(place, node->defresult)
                                        : od_make_untyped(binder, NULL, node->location));
    return od_make_call(binder, OD_FUNCTION_CASE, list, node->location);
}

static const struct od_expr *bind_cast(const struct od_place *place, const PgQuery__TypeCast *cast)
{
    struct od_binder *binder = place->binder;
    struct od_sql_type type = {0};
    int32_t location = cast->location >= 0 ? cast->location : cast->type_name->location;
    OD_NEED(od_sql_find_type(binder, cast->type_name, &type));
    const PgQuery__AConst *number =
        cast->arg->node_case == PG_QUERY__NODE__NODE_A_CONST ? cast->arg->a_const : NULL;
    bool is_float =
        type.type == OD_TYPE_FLOAT64 && number != NULL && number->val_case == PG_QUERY__A__CONST__VAL_FVAL;
    const struct od_expr *input =
        is_float ? bind_float(binder, number->fval->fval, number->location) : od_bind_expr(place, cast->arg);
    return od_make_at(binder, od_bind_cast_to(binder, input, type, location), location);
}

static const struct od_expr *bind_kind(const struct od_place *place, const PgQuery__Node *node)
{
    struct od_binder *binder = place->binder;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        return bind_column(place, node->column_ref);
    case PG_QUERY__NODE__NODE_A_CONST:
        return bind_const(binder, node->a_const);
    case PG_QUERY__NODE__NODE_A_EXPR:
        return bind_a_expr(place, node->a_expr);
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
        return bind_bool_expr(place, node->bool_expr);
    case PG_QUERY__NODE__NODE_NULL_TEST:
        return bind_null_test(place, node->null_test);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
        return bind_boolean_test(place, node->boolean_test);
    case PG_QUERY__NODE__NODE_CASE_EXPR:
        return bind_case(place, node->case_expr);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        return od_make_call(binder, OD_FUNCTION_COALESCE,
                            od_bind_list(place, node->coalesce_expr->args, node->coalesce_expr->n_args),
                            node->coalesce_expr->location);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        return od_make_call(binder,
                            node->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_LEAST ? OD_FUNCTION_LEAST
                                                                                     : OD_FUNCTION_GREATEST,
                            od_bind_list(place, node->min_max_expr->args, node->min_max_expr->n_args),
                            node->min_max_expr->location);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        return od_bind_func_call(place, node->func_call);
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        return bind_cast(place, node->type_cast);
    case PG_QUERY__NODE__NODE_SUB_LINK:
        return od_bind_sub_link(place, node->sub_link);
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
        return od_bind_grouping(place, node->grouping_func);
    default:
        return od_sql_refuse(binder, od_sql_location(node), "%s", od_sql_construct(node));
    }
}

const struct od_expr *od_bind_expr(const struct od_place *place, const PgQuery__Node *node)
{
    OD_NEED(od_sql_enter(place->binder, node));
    const struct od_expr *expr = bind_kind(place, node);
    od_sql_leave(place->binder);
    return expr;
}
