/* bind_from: FROM -> one plan, and the scope of its columns.
 *
 *   FROM a JOIN b ON ..., c, LATERAL (SELECT ... a.x ...) d
 *
 *   item     a table, a view, a query of WITH, a sub-select, or a tree of JOINs (bind_join.c): a plan and its
 *            scope
 *   list     the items of the comma list are cross joins, from the left; rules find the equalities in WHERE
 *
 * Beside a LATERAL item, what stands to its left is a block of its own (`beside`): names are looked for there
 * next, and if any read goes there or through it, the item is joined by an APPLY, whose left input that block
 * is. Sub-selects without LATERAL must not see such blocks, though they are as deep in them: they are bound
 * behind a fence, which hides them. */
#include <string.h>

#include "engine/sql/binder.h"

#define VIEWS_MAX       1000
#define SERIES_ROWS_MAX 100000

/* A query that WITH has named. */
struct od_named_query {
    const struct od_named_query *next; /* further out */
    const char *name;
    const PgQuery__CommonTableExpr *node;
    const struct od_plan *plan; /* NULL: not bound yet (WITH RECURSIVE) */
    struct od_block *outer;     /* where it was bound */
    bool correlated;            /* it reads a block there: good at that place only, else bound anew */
};

/* --- WITH ----------------------------------------------------------------------------------------- */

/* The block, or the one behind the fence. */
static struct od_block *level_of(struct od_block *outer)
{
    return outer != NULL && outer->is_fence ? level_of(outer->outer) : outer;
}

static uint32_t reads_of(struct od_block *outer)
{
    outer = level_of(outer);
    return outer == NULL ? 0 : outer->deeper_reads;
}

static const struct od_plan *bind_named(struct od_binder *binder, const PgQuery__CommonTableExpr *node,
                                        struct od_block *outer)
{
    struct od_targets columns = {0};
    if (node->ctequery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return od_sql_refuse(binder, node->location, "WITH of a statement other than SELECT");
    if (node->search_clause != NULL || node->cycle_clause != NULL)
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "SEARCH and CYCLE are not supported");
    const struct od_plan *plan = od_bind_query(binder, node->ctequery->select_stmt, outer);
    OD_NEED(od_add_columns(binder, &columns, plan));
    if (node->n_aliascolnames > columns.count)
        return od_sql_wrong(binder, node->location,
                            "WITH query \"%s\" has %u columns available but %zu columns specified",
                            node->ctename, columns.count, node->n_aliascolnames);
    for (size_t i = 0; i < node->n_aliascolnames; i++)
        columns.at[i].name = od_sql_string(node->aliascolnames[i]);
    return node->n_aliascolnames > 0 ? od_make_project(binder, plan, &columns) : plan;
}

/* At another level than that of WITH: behind a fence that hides the blocks between. */
static const struct od_plan *bind_named_anew(struct od_binder *binder, const struct od_named_query *named,
                                             struct od_block *outer, int32_t location)
{
    struct od_block *fence = od_sql_take(binder, 1, sizeof(*fence));
    const struct od_named_query *before = binder->named;
    OD_NEED(fence != NULL);
    *fence = (struct od_block){.outer = outer, .is_fence = true, .fence_end = named->outer};
    if (++binder->view_count > VIEWS_MAX)
        return od_sql_refuse(binder, location, "more than %d views and correlated WITH queries", VIEWS_MAX);
    binder->named = named->next;
    const struct od_plan *plan = bind_named(binder, named->node, fence);
    binder->named = before;
    return plan;
}

bool od_bind_with(struct od_binder *binder, const PgQuery__WithClause *with, struct od_block *outer)
{
    struct od_named_query *queries = od_sql_take(binder, with->n_ctes, sizeof(*queries));
    const struct od_named_query *before = binder->named;
    OD_NEED(queries != NULL);
    for (size_t i = 0; i < with->n_ctes; i++) {
        const PgQuery__CommonTableExpr *node = with->ctes[i]->common_table_expr;
        queries[i] = (struct od_named_query){
            .next = i == 0 ? before : &queries[i - 1], .name = node->ctename, .node = node, .outer = outer};
        for (size_t k = 0; k < i; k++)
            if (strcmp(queries[k].name, queries[i].name) == 0)
                return od_sql_wrong(binder, node->location, "WITH query name \"%s\" specified more than once",
                                    queries[i].name);
        if (with->recursive) /* its own name, and those that follow, are known, and refused when used */
            binder->named = &queries[i];
    }
    for (size_t i = 0; i < with->n_ctes; i++) {
        uint32_t reads = reads_of(outer);
        queries[i].plan = bind_named(binder, queries[i].node, outer);
        queries[i].correlated = reads_of(outer) != reads;
        OD_NEED(queries[i].plan != NULL);
        if (!with->recursive)
            binder->named = &queries[i];
    }
    return true;
}

/* --- tables and sub-selects ------------------------------------------------------------------- */

/* The scope of one relation: its columns under its alias, renamed by t(a, b) as far as that goes. */
static bool relation_scope(struct od_binder *binder, const char *relation, const PgQuery__Alias *alias,
                           int32_t location, struct od_from_item *item)
{
    size_t renamed_count = alias != NULL ? alias->n_colnames : 0;
    struct od_sql_key key = {0};
    if (item->plan != NULL && item->plan->kind == OD_PLAN_SCAN && binder->context->find_key != NULL &&
        strcmp(item->plan->scan.table->name, relation) == 0)
        key = binder->context->find_key(binder->context->self, relation);
    relation = alias != NULL ? alias->aliasname : relation;
    OD_NEED(item->plan != NULL && od_scope_of(binder, relation, &item->plan->schema, &item->scope));
    if (renamed_count > item->scope.entry_count)
        return od_sql_wrong(binder, location,
                            "table \"%s\" has %u columns available but %zu columns specified", relation,
                            item->scope.entry_count, renamed_count);
    for (uint32_t i = 0; i < item->scope.entry_count; i++) {
        item->scope.entries[i].table_column = i;
        item->scope.entries[i].key = key;
    }
    for (size_t i = 0; i < renamed_count; i++)
        item->scope.entries[i].name = od_sql_string(alias->colnames[i]);
    return true;
}

/* SELECT, or CREATE VIEW v (a, b) AS SELECT. */
static const struct od_plan *bind_view_text(struct od_binder *binder, const PgQuery__ParseResult *parsed)
{
    const PgQuery__Node *node = parsed->n_stmts == 1 ? parsed->stmts[0]->stmt : NULL;
    const PgQuery__ViewStmt *view =
        node != NULL && node->node_case == PG_QUERY__NODE__NODE_VIEW_STMT ? node->view_stmt : NULL;
    struct od_targets columns = {0};
    node = view != NULL ? view->query : node;
    if (node == NULL || node->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return od_sql_wrong(binder, -1, "a view is not one SELECT");
    const struct od_plan *plan = od_bind_query(binder, node->select_stmt, NULL);
    if (view == NULL || view->n_aliases == 0 || !od_add_columns(binder, &columns, plan))
        return plan;
    for (uint32_t i = 0; i < view->n_aliases && i < columns.count; i++)
        columns.at[i].name = od_sql_string(view->aliases[i]);
    return od_make_project(binder, plan, &columns);
}

static const struct od_plan *bind_view(struct od_binder *binder, const char *sql, int32_t location)
{
    struct od_binder inside = *binder;
    const PgQuery__ParseResult *parsed = NULL;
    const struct od_plan *plan = NULL;
    struct od_arena parse_arena;
    if (++inside.view_count > VIEWS_MAX)
        return od_sql_fail(binder, OD_UNSUPPORTED, location,
                           "more than %d views in a query are not supported", VIEWS_MAX);
    inside.sql = sql;
    inside.named = NULL;
    od_arena_init(&parse_arena, binder->plan_arena->memory, 0);
    if (od_sql_parse(&parse_arena, sql, &parsed, binder->error) == OD_OK)
        plan = bind_view_text(&inside, parsed);
    od_arena_release(&parse_arena);
    binder->view_count = inside.view_count;
    binder->error->line = 0; /* a place in another text */
    od_sql_locate(binder, location);
    return plan;
}

/* A query of WITH, else a view, else a table. */
static const struct od_plan *find_relation(struct od_binder *binder, struct od_block *outer,
                                           const PgQuery__RangeVar *node)
{
    const struct od_sql_context *context = binder->context;
    bool has_schema = od_sql_given(node->schemaname);
    bool is_ours = !has_schema || strcmp(node->schemaname, "public") == 0;
    const struct od_named_query *named = has_schema ? NULL : binder->named;
    const struct od_table *table = is_ours ? od_catalog_find(context->catalog, node->relname) : NULL;
    while (named != NULL && strcmp(named->name, node->relname) != 0)
        named = named->next;
    if (named != NULL && named->plan == NULL)
        return od_sql_refuse(binder, node->location, "a recursive query");
    if (named != NULL && named->correlated && level_of(named->outer) != level_of(outer))
        return bind_named_anew(binder, named, outer, node->location);
    if (named != NULL && named->correlated)
        level_of(outer)->deeper_reads++; /* what reads it is correlated, too */
    if (named != NULL)
        return named->plan;
    const char *view =
        is_ours && context->find_view != NULL ? context->find_view(context->self, node->relname) : NULL;
    if (view != NULL)
        return bind_view(binder, view, node->location);
    if (table != NULL)
        return od_make_scan(binder, table);
    return od_sql_wrong(binder, node->location, "relation \"%s%s%s\" does not exist",
                        has_schema ? node->schemaname : "", has_schema ? "." : "", node->relname);
}

static const struct od_plan *bind_subselect(struct od_binder *binder, struct od_block *outer,
                                            const PgQuery__RangeSubselect *node)
{
    struct od_block *fence = outer;
    if (!node->lateral && outer != NULL && outer->is_beside) {
        fence = od_sql_take(binder, 1, sizeof(*fence));
        OD_NEED(fence != NULL);
        *fence = (struct od_block){.outer = outer, .is_fence = true, .fence_end = binder->around_from};
    }
    return od_bind_query(binder, node->subquery->select_stmt, fence);
}

/* --- generate_series ------------------------------------------------------------------------------ */

static const PgQuery__FuncCall *as_series(const PgQuery__RangeFunction *node)
{
    const PgQuery__Node *first = node->functions[0];
    if (node->n_functions != 1 || first->node_case != PG_QUERY__NODE__NODE_LIST || node->n_coldeflist > 0 ||
        node->ordinality || first->list->n_items == 0 ||
        first->list->items[0]->node_case != PG_QUERY__NODE__NODE_FUNC_CALL)
        return NULL;
    const PgQuery__FuncCall *call = first->list->items[0]->func_call;
    bool is_series = strcmp(od_sql_string(call->funcname[call->n_funcname - 1]), "generate_series") == 0;
    return is_series && (call->n_args == 2 || call->n_args == 3) ? call : NULL;
}

/* generate_series(first, last [, step]) of whole constants: rows of VALUES. */
static const struct od_plan *bind_series(struct od_binder *binder, const PgQuery__FuncCall *call,
                                         const char *name)
{
    struct od_block nothing = {0};
    struct od_place place = {.binder = binder, .block = &nothing, .clause = "generate_series"};
    struct od_value bounds[3] = {{0}, {0}, {.type = OD_TYPE_INT64, .int64 = 1}};
    struct od_field field = {name, OD_TYPE_INT32, false};
    struct od_exprs rows = {0};
    const struct od_plan *plan = NULL;
    for (size_t i = 0; i < call->n_args; i++) {
        const struct od_expr *expr = od_bind_expr(&place, call->args[i]);
        if (expr == NULL && binder->error->status != OD_NO_MEMORY)
            *binder->error = (struct od_error){0}; /* may be right, and no constant */
        if (expr == NULL || (expr->type != OD_TYPE_INT32 && expr->type != OD_TYPE_INT64 && !expr->is_untyped))
            return od_sql_refuse(binder, od_sql_location(call->args[i]),
                                 "generate_series of other than whole constants");
        OD_NEED(od_bind_constant(&place, call->args[i], OD_TYPE_INT64, &bounds[i]));
        field.type = expr->type == OD_TYPE_INT32 ? field.type : OD_TYPE_INT64;
    }
    int64_t first = bounds[0].int64;
    int64_t step = bounds[2].int64;
    if (step == 0 && !bounds[2].is_null)
        return od_sql_wrong(binder, call->location, "step size cannot equal zero");
    bool is_empty = bounds[0].is_null || bounds[1].is_null || bounds[2].is_null ||
                    (step > 0 ? first > bounds[1].int64 : first < bounds[1].int64);
    __int128 row_count = is_empty ? 0 : ((__int128)bounds[1].int64 - first) / step + 1;
    if (row_count > SERIES_ROWS_MAX)
        return od_sql_refuse(binder, call->location, "generate_series of more than %d rows", SERIES_ROWS_MAX);
    for (uint32_t i = 0; i < row_count; i++)
        OD_NEED(od_add_expr(binder, &rows,
                            od_make_number(binder, field.type, (int64_t)(first + (__int128)i * step), -1)));
    struct od_schema schema = {1, &field};
    od_plan_values(binder->plan_arena, &schema, rows.at, rows.count, &plan, binder->error);
    return plan;
}

/* --- items ---------------------------------------------------------------------------------------- */

static bool bind_item(struct od_binder *binder, struct od_block *outer, const PgQuery__Node *node,
                      struct od_from_item *item_out)
{
    const PgQuery__RangeVar *relation = node->range_var;
    const PgQuery__RangeSubselect *subselect = node->range_subselect;
    const PgQuery__RangeFunction *function = node->range_function;
    const PgQuery__FuncCall *series = NULL;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR:
        item_out->plan = find_relation(binder, outer, relation);
        return relation_scope(binder, relation->relname, relation->alias, relation->location, item_out);
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
        item_out->plan = bind_subselect(binder, outer, subselect);
        return relation_scope(binder, "", subselect->alias, od_sql_location(subselect->subquery), item_out);
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
        series = as_series(function);
        if (series == NULL)
            return od_sql_refuse(binder, od_sql_location(function->functions[0]),
                                 "a function in FROM other than generate_series");
        item_out->plan = bind_series(
            binder, series, function->alias != NULL ? function->alias->aliasname : "generate_series");
        return relation_scope(binder, "generate_series", function->alias, series->location, item_out);
    case PG_QUERY__NODE__NODE_JOIN_EXPR:
        return od_bind_join(binder, outer, node->join_expr, item_out);
    default:
        return od_sql_refuse(binder, od_sql_location(node), "%s", od_sql_construct(node));
    }
}

bool od_bind_from_item(struct od_binder *binder, struct od_block *outer, const PgQuery__Node *node,
                       struct od_from_item *item_out)
{
    OD_NEED(od_sql_enter(binder, node));
    bool done = bind_item(binder, outer, node, item_out);
    od_sql_leave(binder);
    return done;
}

static bool has_lateral(const PgQuery__Node *node)
{
    if (node->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR)
        return has_lateral(node->join_expr->larg) || has_lateral(node->join_expr->rarg);
    return node->node_case == PG_QUERY__NODE__NODE_RANGE_SUBSELECT && node->range_subselect->lateral;
}

bool od_bind_right_item(struct od_binder *binder, struct od_block *outer, const struct od_from_item *left,
                        enum od_join_type type, const PgQuery__Node *node, struct od_from_item *item_out,
                        bool *correlated_out)
{
    *correlated_out = false;
    if (!has_lateral(node) || (type != OD_JOIN_INNER && type != OD_JOIN_LEFT))
        return od_bind_from_item(binder, outer, node, item_out);
    struct od_block *beside = od_sql_take(binder, 1, sizeof(*beside));
    OD_NEED(beside != NULL);
    *beside = (struct od_block){
        .outer = outer, .scope = left->scope, .is_beside = true, .is_inner = outer != binder->around_from};
    OD_NEED(od_bind_from_item(binder, beside, node, item_out));
    *correlated_out = beside->deeper_reads > 0;
    return true;
}

static bool bind_items(struct od_binder *binder, const PgQuery__SelectStmt *select, struct od_block *block)
{
    struct od_from_item all = {0};
    if (select->n_from_clause == 0) {
        block->plan = od_make_one_row(binder);
        return block->plan != NULL;
    }
    OD_NEED(od_bind_from_item(binder, block->outer, select->from_clause[0], &all));
    for (size_t i = 1; i < select->n_from_clause; i++) {
        const PgQuery__Node *node = select->from_clause[i];
        struct od_from_item right = {0};
        bool correlated = false;
        OD_NEED(od_bind_right_item(binder, block->outer, &all, OD_JOIN_INNER, node, &right, &correlated));
        all.plan =
            od_make_join(binder, OD_JOIN_INNER, correlated, all.plan, right.plan, od_make_truth(binder), -1);
        OD_NEED(od_scope_join(binder, &all.scope, &right.scope, od_sql_location(node), &all.scope));
    }
    OD_NEED(all.plan != NULL);
    block->plan = all.plan;
    block->scope = all.scope;
    block->scope.schema = all.plan->schema;
    return true;
}

bool od_bind_from(struct od_binder *binder, const PgQuery__SelectStmt *select, struct od_block *block)
{
    struct od_block *before = binder->around_from;
    binder->around_from = block->outer;
    bool done = bind_items(binder, select, block);
    binder->around_from = before;
    return done;
}
