/* sql: the entry, and what every part of the binder needs to say where something is.
 *
 *   od_sql_bind -> od_sql_parse (parse.c, tree in a parse_arena) -> od_bind_select (bind_select.c) -> plan
 *
 * The parse_arena dies here; the plan keeps nothing of it, nor of the text. Errors carry the line and column
 * of the construct that caused them; an error of the plan builders, which know no text, gets the position of
 * the call that made it. */
#include "engine/sql/sql.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/sql/binder.h"

enum od_status od_sql_fail(struct od_binder *binder, enum od_status status, int32_t location,
                           const char *format, ...)
{
    char text[sizeof(binder->error->text)];
    uint32_t line = 0;
    uint32_t column = 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (location >= 0)
        od_sql_position(binder->sql, (uint32_t)location, &line, &column);
    return od_fail_at(binder->error, status, line, column, "%s", text);
}

enum od_status od_sql_locate(struct od_binder *binder, enum od_status status, int32_t location)
{
    bool wants_position = status == OD_BAD_INPUT || status == OD_UNSUPPORTED;
    if (wants_position && binder->error->line == 0 && location >= 0)
        od_sql_position(binder->sql, (uint32_t)location, &binder->error->line, &binder->error->column);
    return status;
}

enum od_status od_sql_no_memory(struct od_binder *binder)
{
    return od_fail(binder->error, OD_NO_MEMORY, "binding SQL");
}

enum od_status od_sql_enter(struct od_binder *binder, int32_t location)
{
    if (binder->depth == OD_SQL_DEPTH_MAX)
        return od_sql_fail(binder, OD_UNSUPPORTED, location, "SQL nested deeper than %d is not supported",
                           OD_SQL_DEPTH_MAX);
    binder->depth++;
    return OD_OK;
}

void od_sql_leave(struct od_binder *binder)
{
    binder->depth--;
}

const char *od_sql_string(const PgQuery__Node *node)
{
    return node != NULL && node->node_case == PG_QUERY__NODE__NODE_STRING ? node->string->sval : NULL;
}

static int32_t select_location(const PgQuery__SelectStmt *select)
{
    if (select->larg != NULL)
        return select_location(select->larg);
    if (select->n_target_list > 0)
        return od_sql_location(select->target_list[0]);
    return select->n_values_lists > 0 ? od_sql_location(select->values_lists[0]) : -1;
}

static int32_t cast_location(const PgQuery__TypeCast *cast)
{
    int32_t location = od_sql_location(cast->arg);
    int32_t type_location = cast->type_name != NULL ? cast->type_name->location : -1;
    if (cast->location >= 0)
        return location >= 0 && location < cast->location ? location : cast->location;
    return type_location >= 0 && (location < 0 || type_location < location) ? type_location : location;
}

int32_t od_sql_location(const PgQuery__Node *node)
{
    if (node == NULL)
        return -1;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        return node->column_ref->location;
    case PG_QUERY__NODE__NODE_A_CONST:
        return node->a_const->location;
    case PG_QUERY__NODE__NODE_A_EXPR:
        return node->a_expr->lexpr != NULL ? od_sql_location(node->a_expr->lexpr) : node->a_expr->location;
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
        return node->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR || node->bool_expr->n_args == 0
                   ? node->bool_expr->location
                   : od_sql_location(node->bool_expr->args[0]);
    case PG_QUERY__NODE__NODE_NULL_TEST:
        return od_sql_location(node->null_test->arg);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
        return od_sql_location(node->boolean_test->arg);
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        return cast_location(node->type_cast);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        return node->func_call->location;
    case PG_QUERY__NODE__NODE_CASE_EXPR:
        return node->case_expr->location;
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        return node->coalesce_expr->location;
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        return node->min_max_expr->location;
    case PG_QUERY__NODE__NODE_SUB_LINK:
        return node->sub_link->location;
    case PG_QUERY__NODE__NODE_RES_TARGET:
        return node->res_target->location;
    case PG_QUERY__NODE__NODE_RANGE_VAR:
        return node->range_var->location;
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
        return od_sql_location(node->range_subselect->subquery);
    case PG_QUERY__NODE__NODE_JOIN_EXPR:
        return od_sql_location(node->join_expr->larg);
    case PG_QUERY__NODE__NODE_SELECT_STMT:
        return select_location(node->select_stmt);
    case PG_QUERY__NODE__NODE_ROW_EXPR:
        return node->row_expr->location;
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
        return node->a_array_expr->location;
    case PG_QUERY__NODE__NODE_PARAM_REF:
        return node->param_ref->location;
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
        return node->collate_clause->location;
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
        return node->sqlvalue_function->location;
    case PG_QUERY__NODE__NODE_A_INDIRECTION:
        return od_sql_location(node->a_indirection->arg);
    case PG_QUERY__NODE__NODE_SORT_BY:
        return od_sql_location(node->sort_by->node);
    case PG_QUERY__NODE__NODE_GROUPING_SET:
        return node->grouping_set->location;
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
        return node->grouping_func->location;
    case PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE:
        return node->range_table_sample->location;
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
        return node->set_to_default->location;
    case PG_QUERY__NODE__NODE_XML_EXPR:
        return node->xml_expr->location;
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
        return node->range_function->n_functions > 0 ? od_sql_location(node->range_function->functions[0])
                                                     : -1;
    case PG_QUERY__NODE__NODE_LIST:
        return node->list->n_items > 0 ? od_sql_location(node->list->items[0]) : -1;
    default:
        return -1;
    }
}

const char *od_sql_construct(const PgQuery__Node *node)
{
    static const struct {
        PgQuery__Node__NodeCase node_case;
        const char *text;
    } texts[] = {
        {PG_QUERY__NODE__NODE_SUB_LINK, "a sub-select in an expression"},
        {PG_QUERY__NODE__NODE_ROW_EXPR, "a row expression"},
        {PG_QUERY__NODE__NODE_A_ARRAY_EXPR, "an array"},
        {PG_QUERY__NODE__NODE_PARAM_REF, "a parameter"},
        {PG_QUERY__NODE__NODE_COLLATE_CLAUSE, "COLLATE"},
        {PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION, "a function of session or time"},
        {PG_QUERY__NODE__NODE_A_INDIRECTION, "a subscript or field selection"},
        {PG_QUERY__NODE__NODE_GROUPING_SET, "a grouping set"},
        {PG_QUERY__NODE__NODE_GROUPING_FUNC, "GROUPING"},
        {PG_QUERY__NODE__NODE_RANGE_FUNCTION, "a function in FROM"},
        {PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE, "TABLESAMPLE"},
        {PG_QUERY__NODE__NODE_RANGE_TABLE_FUNC, "XMLTABLE"},
        {PG_QUERY__NODE__NODE_SET_TO_DEFAULT, "DEFAULT"},
        {PG_QUERY__NODE__NODE_XML_EXPR, "an XML expression"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i].node_case == node->node_case)
            return texts[i].text;
    return "this construct";
}

enum od_status od_sql_bind(struct od_arena *plan_arena, const char *sql, const struct od_catalog *catalog,
                           const struct od_plan **plan_out, struct od_error *error)
{
    struct od_error own_error = {0};
    struct od_arena parse_arena;
    struct od_binder binder = {
        .plan_arena = plan_arena,
        .sql = sql,
        .catalog = catalog,
        .error = error != NULL ? error : &own_error,
    };
    const PgQuery__Node *statement = NULL;
    *plan_out = NULL;
    *binder.error = (struct od_error){0};
    od_arena_init(&parse_arena, plan_arena->memory, 0);
    enum od_status status = od_sql_parse(&parse_arena, sql, &statement, binder.error);
    if (status == OD_OK && statement->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        status = od_sql_fail(&binder, OD_UNSUPPORTED, 0, "a statement other than SELECT is not supported");
    if (status == OD_OK)
        status = od_bind_select(&binder, statement->select_stmt, plan_out);
    if (status != OD_OK)
        *plan_out = NULL;
    od_arena_release(&parse_arena);
    return status;
}
