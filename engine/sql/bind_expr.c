/* bind_expr: one function a kind of parse node; every function leaves a typed expression that knows its place
 * in the text.
 *
 * Sugar is taken apart here, so that the plan knows fewer things: BETWEEN is two comparisons, IN a chain of
 * ORs, CASE x WHEN a comparison each, x IS NOT TRUE a NOT, (a, b) < (c, d) comparisons of their elements.
 * Evaluating an operand twice is safe: expressions have no side effects. */
#include <string.h>

#include "engine/sql/binder.h"

enum od_status od_bind_list(struct od_binder *binder, const struct od_place *place,
                            PgQuery__Node *const *nodes, size_t count, struct od_bound **bounds_out)
{
    *bounds_out = od_arena_take_array(binder->plan_arena, count, sizeof(**bounds_out));
    if (*bounds_out == NULL)
        return od_sql_no_memory(binder);
    for (size_t i = 0; i < count; i++)
        OD_TRY(od_bind_expr(binder, place, nodes[i], &(*bounds_out)[i]));
    return OD_OK;
}

enum od_status od_bind_condition(struct od_binder *binder, const struct od_place *place,
                                 const PgQuery__Node *node, const struct od_expr **expr_out)
{
    struct od_bound bound = {0};
    *expr_out = NULL;
    OD_TRY(od_bind_expr(binder, place, node, &bound));
    if (bound.unknown)
        return od_bind_read_literal(binder, bound.expr, OD_TYPE_BOOLEAN, expr_out);
    if (bound.expr->type != OD_TYPE_BOOLEAN)
        return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(node),
                           "argument of %s must be type boolean, not type %s", place->clause,
                           od_type_text(bound.expr->type));
    *expr_out = bound.expr;
    return OD_OK;
}

/* --- leaves ----------------------------------------------------------------------------------- */

enum od_status od_bind_literal(struct od_binder *binder, const struct od_value *value, int32_t location,
                               struct od_bound *bound_out)
{
    const struct od_expr *expr = NULL;
    OD_TRY(od_expr_literal(binder->plan_arena, value, &expr, binder->error));
    return od_expr_located(binder->plan_arena, expr, (uint32_t)(location + 1), &bound_out->expr,
                           binder->error);
}

/* The first of integer, bigint and numeric that holds it. */
static enum od_status bind_number(struct od_binder *binder, const char *text, int32_t location,
                                  struct od_bound *bound_out)
{
    static const enum od_type types[] = {OD_TYPE_INT32, OD_TYPE_INT64, OD_TYPE_DECIMAL};
    struct od_value value = {0};
    uint32_t size = (uint32_t)strlen(text);
    bool digits_only = strspn(text, "-0123456789") == size;
    for (uint32_t i = digits_only ? 0 : 2; i < 3; i++)
        if (od_value_parse(types[i], text, size, &value))
            return od_bind_literal(binder, &value, location, bound_out);
    return od_sql_fail(binder, OD_UNSUPPORTED, location, "a number of more than %d digits is not supported",
                       OD_DECIMAL_DIGITS_MAX);
}

static enum od_status bind_float(struct od_binder *binder, const char *text, int32_t location,
                                 struct od_bound *bound_out)
{
    struct od_value value = {0};
    if (od_value_parse(OD_TYPE_FLOAT64, text, (uint32_t)strlen(text), &value))
        return od_bind_literal(binder, &value, location, bound_out);
    return od_sql_fail(binder, OD_BAD_INPUT, location, "\"%.40s\" is out of range for type double precision",
                       text);
}

static enum od_status bind_const(struct od_binder *binder, const PgQuery__AConst *node,
                                 struct od_bound *bound_out)
{
    struct od_value value = {.type = OD_TYPE_TEXT, .is_null = node->isnull};
    bound_out->unknown = node->isnull;
    if (node->isnull)
        return od_bind_literal(binder, &value, node->location, bound_out);
    switch (node->val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
        value.type = OD_TYPE_INT32;
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
    return od_bind_literal(binder, &value, node->location, bound_out);
}

static enum od_status column_not_found(struct od_binder *binder, const struct od_block *block,
                                       const char *relation, const char *name, int32_t location)
{
    for (const struct od_block *at = block; at != NULL && relation == NULL; at = at->outer)
        if (od_scope_has_relation(&at->scope, name))
            return od_sql_fail(binder, OD_UNSUPPORTED, location,
                               "a whole row as a value is not supported: %s", name);
    if (relation != NULL)
        return od_sql_fail(binder, OD_BAD_INPUT, location, "missing FROM-clause entry for table \"%s\"",
                           relation);
    return od_sql_fail(binder, OD_BAD_INPUT, location, "column \"%s\" does not exist", name);
}

/* A column of a block further out: every block on the way learns that something below it is correlated. */
static enum od_status bind_outer_column(struct od_binder *binder, struct od_block *block,
                                        struct od_block *target, uint32_t column_index, int32_t location,
                                        const struct od_expr **expr_out)
{
    uint32_t depth = 0;
    void *list = NULL;
    for (struct od_block *at = block; at != target;) {
        at = at->outer;
        depth += !at->is_fence;
        at->deeper_reads++;
    }
    struct od_outer_read *read =
        od_sql_append(binder, target->outer_reads, &target->outer_read_count, sizeof(*read), &list);
    if (read == NULL)
        return od_sql_no_memory(binder);
    target->outer_reads = list;
    *read = (struct od_outer_read){column_index, location};
    return od_expr_outer(binder->plan_arena, &target->scope.schema.fields[column_index], column_index, depth,
                         expr_out, binder->error);
}

enum od_status od_bind_entry(struct od_binder *binder, struct od_block *block, struct od_block *target,
                             const struct od_scope_entry *entry, int32_t location,
                             const struct od_expr **expr_out)
{
    const struct od_expr *column = NULL;
    for (struct od_block *at = block; at != target; at = at->outer)
        at->foreign_reads++;
    target->own_reads++;
    if (target == block)
        OD_TRY(od_expr_column(binder->plan_arena, &target->scope.schema, entry->column_index, &column,
                              binder->error));
    else
        OD_TRY(bind_outer_column(binder, block, target, entry->column_index, location, &column));
    return od_expr_located(binder->plan_arena, column, (uint32_t)(location + 1), expr_out, binder->error);
}

struct od_block *od_next_visible(struct od_block *block)
{
    struct od_block *next = block->outer;
    if (next != NULL && next->is_fence)
        next = next->fence_end;
    return next;
}

static enum od_status bind_column(struct od_binder *binder, const struct od_place *place,
                                  const PgQuery__ColumnRef *node, struct od_bound *bound_out)
{
    const char *names[2] = {NULL, NULL};
    const struct od_scope_entry *entry = NULL;
    struct od_block *target = place->block;
    if (node->n_fields > 2)
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location,
                           "a column name of more than two parts is not supported");
    for (size_t i = 0; i < node->n_fields; i++) {
        names[i] = od_sql_string(node->fields[i]);
        if (names[i] == NULL)
            return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "\"*\" is not supported here");
    }
    const char *relation = node->n_fields == 2 ? names[0] : NULL;
    const char *name = names[node->n_fields - 1];
    for (; target != NULL; target = od_next_visible(target)) {
        OD_TRY(od_scope_find(binder, &target->scope, relation, name, node->location, &entry));
        if (entry != NULL)
            break;
        if (relation != NULL && od_scope_has_relation(&target->scope, relation))
            return od_sql_fail(binder, OD_BAD_INPUT, node->location, "column %s.%s does not exist", relation,
                               name);
    }
    if (entry == NULL)
        return column_not_found(binder, place->block, relation, name, node->location);
    return od_bind_entry(binder, place->block, target, entry, node->location, &bound_out->expr);
}

/* --- operators -------------------------------------------------------------------------------- */

struct operator_row {
    const char *name;
    enum od_function function;
    bool negated;
};
static const struct operator_row operators[] = {
    {"+", OD_FUNCTION_ADD, false},
    {"-", OD_FUNCTION_SUBTRACT, false},
    {"*", OD_FUNCTION_MULTIPLY, false},
    {"/", OD_FUNCTION_DIVIDE, false},
    {"%", OD_FUNCTION_MODULO, false},
    {"^", OD_FUNCTION_POWER, false},
    {"&", OD_FUNCTION_BIT_AND, false},
    {"|", OD_FUNCTION_BIT_OR, false},
    {"#", OD_FUNCTION_BIT_XOR, false},
    {"<<", OD_FUNCTION_SHIFT_LEFT, false},
    {">>", OD_FUNCTION_SHIFT_RIGHT, false},
    {"=", OD_FUNCTION_EQUAL, false},
    {"<>", OD_FUNCTION_NOT_EQUAL, false},
    {"<", OD_FUNCTION_LESS, false},
    {"<=", OD_FUNCTION_LESS_EQUAL, false},
    {">", OD_FUNCTION_GREATER, false},
    {">=", OD_FUNCTION_GREATER_EQUAL, false},
    {"||", OD_FUNCTION_CONCATENATE, false},
    {"^@", OD_FUNCTION_STARTS_WITH, false},
    {"~~", OD_FUNCTION_LIKE, false},
    {"~~*", OD_FUNCTION_ILIKE, false},
    {"!~~", OD_FUNCTION_LIKE, true},
    {"!~~*", OD_FUNCTION_ILIKE, true},
};
static const struct operator_row unary_operators[] = {
    {"-", OD_FUNCTION_NEGATE, false}, {"~", OD_FUNCTION_BIT_NOT, false}, {"@", OD_FUNCTION_ABS, false},
    {"|/", OD_FUNCTION_SQRT, false},  {"||/", OD_FUNCTION_CBRT, false},
};

static const struct operator_row *find_operator(const struct operator_row *rows, size_t count,
                                                const char *name)
{
    for (size_t i = 0; name != NULL && i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

bool od_sql_operator(const char *name, enum od_function *function_out)
{
    const struct operator_row *row = find_operator(operators, sizeof(operators) / sizeof(operators[0]), name);
    if (row == NULL || row->negated)
        return false;
    *function_out = row->function;
    return true;
}

static enum od_status bind_not(struct od_binder *binder, int32_t location, struct od_bound *bound)
{
    struct od_bound input = *bound;
    return od_bind_call(binder, OD_FUNCTION_NOT, &input, 1, location, bound);
}

static enum od_status bind_unary(struct od_binder *binder, const struct od_place *place,
                                 const PgQuery__AExpr *node, const char *name, struct od_bound *bound_out)
{
    struct od_bound operand = {0};
    const struct operator_row *row =
        find_operator(unary_operators, sizeof(unary_operators) / sizeof(unary_operators[0]), name);
    OD_TRY(od_bind_expr(binder, place, node->rexpr, &operand));
    if (operand.unknown)
        return od_sql_fail(binder, OD_BAD_INPUT, node->location, "operator is not unique: %s unknown", name);
    if (row != NULL && row->function == OD_FUNCTION_SQRT &&
        operand.expr->type == OD_TYPE_DECIMAL) /* has |/ not */
        OD_TRY(od_expr_cast(binder->plan_arena, operand.expr, OD_TYPE_FLOAT64, &operand.expr, binder->error));
    if (row != NULL)
        return od_bind_call(binder, row->function, &operand, 1, node->location, bound_out);
    if (strcmp(name, "+") != 0)
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "operator %s is not supported", name);
    struct od_bound negated = {0}; /* + takes what - takes, and leaves it */
    OD_TRY(od_bind_call(binder, OD_FUNCTION_NEGATE, &operand, 1, node->location, &negated));
    *bound_out = operand;
    return OD_OK;
}

static enum od_status bind_binary(struct od_binder *binder, const struct od_place *place,
                                  const PgQuery__AExpr *node, enum od_function function,
                                  struct od_bound *bound_out)
{
    struct od_bound *left = NULL;
    struct od_bound *right = NULL;
    uint32_t left_count = 0;
    uint32_t right_count = 0;
    bool is_row = node->lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR;
    if (is_row && node->rexpr->node_case == PG_QUERY__NODE__NODE_SUB_LINK)
        return od_bind_row_sub_link(binder, place, function, node->lexpr, node->rexpr->sub_link, bound_out);
    OD_TRY(od_bind_row(binder, place, node->lexpr, &left, &left_count));
    OD_TRY(od_bind_row(binder, place, node->rexpr, &right, &right_count));
    if (left_count != right_count)
        return od_sql_fail(binder, OD_BAD_INPUT, node->location,
                           "unequal number of entries in row expressions");
    return od_bind_compare(binder, function, left, right, left_count, node->location, bound_out);
}

/* x LIKE y ESCAPE z comes as x ~~ like_escape(y, z). */
static enum od_status bind_like(struct od_binder *binder, const struct od_place *place,
                                const PgQuery__AExpr *node, enum od_function function,
                                struct od_bound *bound_out)
{
    const PgQuery__FuncCall *call =
        node->rexpr->node_case == PG_QUERY__NODE__NODE_FUNC_CALL ? node->rexpr->func_call : NULL;
    const char *name = call != NULL ? od_sql_string(call->funcname[call->n_funcname - 1]) : NULL;
    struct od_bound arguments[3] = {{0}, {0}, {0}};
    if (name == NULL || strcmp(name, "like_escape") != 0 || call->n_args != 2)
        return bind_binary(binder, place, node, function, bound_out);
    OD_TRY(od_bind_expr(binder, place, node->lexpr, &arguments[0]));
    OD_TRY(od_bind_expr(binder, place, call->args[0], &arguments[1]));
    OD_TRY(od_bind_expr(binder, place, call->args[1], &arguments[2]));
    return od_bind_call(binder, function, arguments, 3, node->location, bound_out);
}

static enum od_status bind_operator(struct od_binder *binder, const struct od_place *place,
                                    const PgQuery__AExpr *node, struct od_bound *bound_out)
{
    const char *name = od_sql_string(node->name[node->n_name - 1]);
    const struct operator_row *row = find_operator(operators, sizeof(operators) / sizeof(operators[0]), name);
    if (node->n_name != 1)
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "OPERATOR(schema.name) is not supported");
    if (node->lexpr == NULL)
        return bind_unary(binder, place, node, name, bound_out);
    if (row == NULL)
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "operator %s is not supported", name);
    OD_TRY(bind_like(binder, place, node, row->function, bound_out));
    return row->negated ? bind_not(binder, node->location, bound_out) : OD_OK;
}

/* x <op> ANY (ARRAY[...]) and ALL: an OR or AND of the elements' comparisons. */
static enum od_status bind_array_test(struct od_binder *binder, const struct od_place *place,
                                      const PgQuery__AExpr *node, bool all, struct od_bound *bound_out)
{
    enum od_function function = OD_FUNCTION_EQUAL;
    struct od_bound pair[2] = {{0}, {0}};
    if (node->rexpr->node_case != PG_QUERY__NODE__NODE_A_ARRAY_EXPR ||
        node->rexpr->a_array_expr->n_elements == 0 ||
        !od_sql_operator(od_sql_string(node->name[0]), &function))
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location,
                           "this operator with ANY or ALL of an array is not supported");
    const PgQuery__AArrayExpr *array = node->rexpr->a_array_expr;
    struct od_bound *tests = od_arena_take_array(binder->plan_arena, array->n_elements, sizeof(*tests));
    if (tests == NULL)
        return od_sql_no_memory(binder);
    OD_TRY(od_bind_expr(binder, place, node->lexpr, &pair[0]));
    for (size_t i = 0; i < array->n_elements; i++) {
        OD_TRY(od_bind_expr(binder, place, array->elements[i], &pair[1]));
        OD_TRY(od_bind_call(binder, function, pair, 2, node->location, &tests[i]));
    }
    *bound_out = tests[0];
    return array->n_elements == 1 ? OD_OK
                                  : od_bind_call(binder, all ? OD_FUNCTION_AND : OD_FUNCTION_OR, tests,
                                                 (uint32_t)array->n_elements, node->location, bound_out);
}

/* The common type of all operands, as PostgreSQL takes it for IN: casts them where there is one. */
static enum od_status unify(struct od_binder *binder, struct od_bound *bounds, uint32_t count)
{
    const struct od_expr **typed = od_arena_take_array(binder->plan_arena, count, sizeof(*typed));
    uint32_t typed_count = 0;
    enum od_type type;
    if (typed == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count; i++)
        if (!bounds[i].unknown)
            typed[typed_count++] = bounds[i].expr;
    if (typed_count < 2 || !od_expr_common_type(typed, typed_count, &type))
        return OD_OK; /* the comparisons will say what does not fit */
    for (uint32_t i = 0; i < count; i++)
        if (!bounds[i].unknown)
            OD_TRY(od_expr_cast(binder->plan_arena, bounds[i].expr, type, &bounds[i].expr, binder->error));
    return OD_OK;
}

static enum od_status bind_in(struct od_binder *binder, const struct od_place *place,
                              const PgQuery__AExpr *node, struct od_bound *bound_out)
{
    const PgQuery__List *list = node->rexpr->list;
    uint32_t count = (uint32_t)list->n_items;
    bool negated = strcmp(od_sql_string(node->name[0]), "<>") == 0;
    struct od_bound *tests = od_arena_take_array(binder->plan_arena, count, sizeof(*tests));
    struct od_bound *operands = od_arena_take_array(binder->plan_arena, (size_t)count + 1, sizeof(*operands));
    struct od_bound *left = NULL;
    uint32_t width = 0;
    if (tests == NULL || operands == NULL)
        return od_sql_no_memory(binder);
    OD_TRY(od_bind_row(binder, place, node->lexpr, &left, &width));
    operands[0] = left[0];
    for (uint32_t i = 0; i < count && width == 1; i++)
        OD_TRY(od_bind_expr(binder, place, list->items[i], &operands[i + 1]));
    if (width == 1)
        OD_TRY(unify(binder, operands, count + 1));
    for (uint32_t i = 0; i < count; i++) {
        struct od_bound *right = &operands[i + 1];
        uint32_t right_width = 1;
        if (width > 1)
            OD_TRY(od_bind_row(binder, place, list->items[i], &right, &right_width));
        if (right_width != width)
            return od_sql_fail(binder, OD_BAD_INPUT, node->location,
                               "unequal number of entries in row expressions");
        OD_TRY(od_bind_compare(binder, negated ? OD_FUNCTION_NOT_EQUAL : OD_FUNCTION_EQUAL,
                               width > 1 ? left : operands, right, width, node->location, &tests[i]));
    }
    *bound_out = tests[0];
    return count == 1 ? OD_OK
                      : od_bind_call(binder, negated ? OD_FUNCTION_AND : OD_FUNCTION_OR, tests, count,
                                     node->location, bound_out);
}

static enum od_status bind_between(struct od_binder *binder, const struct od_place *place,
                                   const PgQuery__AExpr *node, bool negated, bool symmetric,
                                   struct od_bound *bound_out)
{
    struct od_bound *bounds = NULL;
    struct od_bound input = {0};
    struct od_bound ways[2] = {{0}, {0}};
    enum od_function combine = negated ? OD_FUNCTION_OR : OD_FUNCTION_AND;
    OD_TRY(od_bind_expr(binder, place, node->lexpr, &input));
    OD_TRY(od_bind_list(binder, place, node->rexpr->list->items, node->rexpr->list->n_items, &bounds));
    for (uint32_t way = 0; way < (symmetric ? 2 : 1); way++) {
        struct od_bound tests[2] = {{0}, {0}};
        struct od_bound low[2] = {input, bounds[way]};
        struct od_bound high[2] = {input, bounds[1 - way]};
        OD_TRY(od_bind_call(binder, negated ? OD_FUNCTION_LESS : OD_FUNCTION_GREATER_EQUAL, low, 2,
                            node->location, &tests[0]));
        OD_TRY(od_bind_call(binder, negated ? OD_FUNCTION_GREATER : OD_FUNCTION_LESS_EQUAL, high, 2,
                            node->location, &tests[1]));
        OD_TRY(od_bind_call(binder, combine, tests, 2, node->location, &ways[way]));
    }
    *bound_out = ways[0];
    return !symmetric ? OD_OK
                      : od_bind_call(binder, negated ? OD_FUNCTION_AND : OD_FUNCTION_OR, ways, 2,
                                     node->location, bound_out);
}

static enum od_status bind_a_expr(struct od_binder *binder, const struct od_place *place,
                                  const PgQuery__AExpr *node, struct od_bound *bound_out)
{
    switch (node->kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
        return bind_operator(binder, place, node, bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
        return bind_binary(binder, place, node, OD_FUNCTION_IS_DISTINCT, bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
        return bind_binary(binder, place, node, OD_FUNCTION_IS_NOT_DISTINCT, bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF:
        return bind_binary(binder, place, node, OD_FUNCTION_NULLIF, bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
        return bind_in(binder, place, node, bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
        return bind_between(binder, place, node,
                            node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN ||
                                node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM,
                            node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM ||
                                node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM,
                            bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
        return bind_array_test(binder, place, node, node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL,
                               bound_out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "SIMILAR TO is not supported");
    default:
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "this operator is not supported");
    }
}

/* --- tests, CASE and the like ----------------------------------------------------------------- */

static enum od_status bind_bool_expr(struct od_binder *binder, const struct od_place *place,
                                     const PgQuery__BoolExpr *node, struct od_bound *bound_out)
{
    static const struct {
        enum od_function function;
        const char *clause;
    } tests[] = {
        [PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR] = {OD_FUNCTION_AND, "AND"},
        [PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR] = {OD_FUNCTION_OR, "OR"},
        [PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR] = {OD_FUNCTION_NOT, "NOT"},
    };
    struct od_bound *bounds = od_arena_take_array(binder->plan_arena, node->n_args, sizeof(*bounds));
    if (bounds == NULL)
        return od_sql_no_memory(binder);
    for (size_t i = 0; i < node->n_args; i++) {
        OD_TRY(od_bind_expr(binder, place, node->args[i], &bounds[i]));
        if (!bounds[i].unknown && bounds[i].expr->type != OD_TYPE_BOOLEAN)
            return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(node->args[i]),
                               "argument of %s must be type boolean, not type %s", tests[node->boolop].clause,
                               od_type_text(bounds[i].expr->type));
    }
    return od_bind_call(binder, tests[node->boolop].function, bounds, (uint32_t)node->n_args, node->location,
                        bound_out);
}

/* (a, b) IS NULL: all of them are; IS NOT NULL: none of them is. */
static enum od_status bind_null_test(struct od_binder *binder, const struct od_place *place,
                                     const PgQuery__NullTest *node, struct od_bound *bound_out)
{
    struct od_bound *elements = NULL;
    uint32_t count = 0;
    bool negated = node->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL;
    OD_TRY(od_bind_row(binder, place, node->arg, &elements, &count));
    for (uint32_t i = 0; i < count; i++) {
        struct od_bound element = elements[i];
        OD_TRY(od_bind_call(binder, negated ? OD_FUNCTION_IS_NOT_NULL : OD_FUNCTION_IS_NULL, &element, 1,
                            node->location, &elements[i]));
    }
    *bound_out = elements[0];
    return count == 1 ? OD_OK
                      : od_bind_call(binder, OD_FUNCTION_AND, elements, count, node->location, bound_out);
}

static enum od_status bind_boolean_test(struct od_binder *binder, const struct od_place *place,
                                        const PgQuery__BooleanTest *node, struct od_bound *bound_out)
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
    struct od_bound input = {0};
    struct od_place inside = *place;
    inside.clause = tests[node->booltesttype].clause;
    OD_TRY(od_bind_condition(binder, &inside, node->arg, &input.expr));
    OD_TRY(od_bind_call(binder, tests[node->booltesttype].function, &input, 1, node->location, bound_out));
    return tests[node->booltesttype].negated ? bind_not(binder, node->location, bound_out) : OD_OK;
}

static enum od_status bind_case(struct od_binder *binder, const struct od_place *place,
                                const PgQuery__CaseExpr *node, struct od_bound *bound_out)
{
    uint32_t count = 2 * (uint32_t)node->n_args + 1;
    struct od_value nothing = {.type = OD_TYPE_TEXT, .is_null = true};
    struct od_bound compared[2] = {{0}, {0}};
    struct od_bound *bounds = od_arena_take_array(binder->plan_arena, count, sizeof(*bounds));
    if (bounds == NULL)
        return od_sql_no_memory(binder);
    if (node->arg != NULL)
        OD_TRY(od_bind_expr(binder, place, node->arg, &compared[0]));
    for (size_t i = 0; i < node->n_args; i++) {
        const PgQuery__CaseWhen *when = node->args[i]->case_when;
        OD_TRY(od_bind_expr(binder, place, when->expr, &compared[1]));
        if (node->arg != NULL)
            OD_TRY(od_bind_call(binder, OD_FUNCTION_EQUAL, compared, 2, when->location, &bounds[2 * i]));
        else
            bounds[2 * i] = compared[1];
        if (!bounds[2 * i].unknown && bounds[2 * i].expr->type != OD_TYPE_BOOLEAN)
            return od_sql_fail(binder, OD_BAD_INPUT, od_sql_location(when->expr),
                               "argument of CASE/WHEN must be type boolean, not type %s",
                               od_type_text(bounds[2 * i].expr->type));
        OD_TRY(od_bind_expr(binder, place, when->result, &bounds[2 * i + 1]));
    }
    bounds[count - 1].unknown = true;
    OD_TRY(node->defresult != NULL ? od_bind_expr(binder, place, node->defresult, &bounds[count - 1])
                                   : od_bind_literal(binder, &nothing, node->location, &bounds[count - 1]));
    return od_bind_call(binder, OD_FUNCTION_CASE, bounds, count, node->location, bound_out);
}

static enum od_status bind_many(struct od_binder *binder, const struct od_place *place,
                                enum od_function function, PgQuery__Node *const *nodes, size_t count,
                                int32_t location, struct od_bound *bound_out)
{
    struct od_bound *bounds = NULL;
    OD_TRY(od_bind_list(binder, place, nodes, count, &bounds));
    return od_bind_call(binder, function, bounds, (uint32_t)count, location, bound_out);
}

static enum od_status bind_cast(struct od_binder *binder, const struct od_place *place,
                                const PgQuery__TypeCast *cast, struct od_bound *bound_out)
{
    struct od_sql_type type = {0};
    struct od_bound input = {0};
    int32_t location = cast->location >= 0 ? cast->location : cast->type_name->location;
    OD_TRY(od_sql_find_type(binder, cast->type_name, &type));
    const PgQuery__AConst *number =
        cast->arg->node_case == PG_QUERY__NODE__NODE_A_CONST ? cast->arg->a_const : NULL;
    if (type.type == OD_TYPE_FLOAT64 && number != NULL && number->val_case == PG_QUERY__A__CONST__VAL_FVAL)
        OD_TRY(bind_float(binder, number->fval->fval, number->location, &input)); /* no numeric holds 1e308 */
    else
        OD_TRY(od_bind_expr(binder, place, cast->arg, &input));
    OD_TRY(od_bind_cast_to(binder, &input, &type, location, &bound_out->expr));
    return od_expr_located(binder->plan_arena, bound_out->expr, (uint32_t)(location + 1), &bound_out->expr,
                           binder->error);
}

static enum od_status bind_kind(struct od_binder *binder, const struct od_place *place,
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
        return bind_cast(binder, place, node->type_cast, bound_out);
    case PG_QUERY__NODE__NODE_SUB_LINK:
        return od_bind_sub_link(binder, place, node->sub_link, bound_out);
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
        return od_bind_grouping(binder, place, node->grouping_func, bound_out);
    default:
        return od_sql_fail(binder, OD_UNSUPPORTED, od_sql_location(node), "%s is not supported",
                           od_sql_construct(node));
    }
}

enum od_status od_bind_expr(struct od_binder *binder, const struct od_place *place, const PgQuery__Node *node,
                            struct od_bound *bound_out)
{
    *bound_out = (struct od_bound){0};
    OD_TRY(od_sql_enter(binder, node));
    OD_TRY(bind_kind(binder, place, node, bound_out));
    od_sql_leave(binder);
    return OD_OK;
}
