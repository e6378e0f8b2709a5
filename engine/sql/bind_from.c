/* bind_from: FROM -> one plan, and the scope of its columns.
 *
 *   FROM a JOIN b ON ..., c, LATERAL (SELECT ... a.x ...) d
 *
 *   item     a table, a view, a query of WITH, a sub-select, or a tree of JOINs: a plan and its scope
 *   list     the items of the comma list are cross joins, from the left; rules find the equalities in WHERE
 *
 * Beside a LATERAL item, what stands to its left is a block of its own (`beside`): names are looked for there
 * next, and if any read goes there or through it, the item is joined by an APPLY, whose left input that block
 * is. Sub-selects without LATERAL must not see such blocks, though they are as deep in them: they are bound
 * behind a fence, which hides them.
 *
 * Sub-selects in ON: an inner join puts them into a filter above it. An outer join has them joined to its
 * left input first, as long as they read nothing of the right one. */
#include <string.h>

#include "engine/core/assert.h"
#include "engine/sql/binder.h"

#define VIEWS_MAX 1000

#define SERIES_ROWS_MAX 100000

struct from_item {
    const struct od_plan *plan;
    struct od_scope scope; /* of plan->schema */
};

/* A query that WITH or a view has named. */
struct od_named_query {
    const struct od_named_query *next; /* further out */
    const char *name;
    const struct od_plan *plan; /* NULL: not bound yet (WITH RECURSIVE) */
    struct od_block *outer;     /* where it was bound */
    bool correlated;            /* it reads a block there: good at that place only */
};

static enum od_status bind_item(struct od_binder *binder, struct od_block *outer, const PgQuery__Node *node,
                                struct from_item *item_out);

static enum od_status copy_text(struct od_binder *binder, const char *text, const char **text_out)
{
    *text_out = od_arena_copy_text(binder->plan_arena, text, strlen(text));
    return *text_out == NULL ? od_sql_no_memory(binder) : OD_OK;
}

static enum od_status truth(struct od_binder *binder, const struct od_expr **expr_out)
{
    struct od_value yes = {.type = OD_TYPE_BOOLEAN, .boolean = true};
    return od_expr_literal(binder->plan_arena, &yes, expr_out, binder->error);
}

/* --- WITH ----------------------------------------------------------------------------------------- */

/* The block, or the one behind the fence. */
static const struct od_block *level_of(const struct od_block *outer)
{
    return outer != NULL && outer->is_fence ? level_of(outer->outer) : outer;
}

static uint32_t reads_of(const struct od_block *outer)
{
    outer = level_of(outer);
    return outer == NULL ? 0 : outer->deeper_reads;
}

static enum od_status rename_columns(struct od_binder *binder, const char *relation,
                                     PgQuery__Node *const *names, size_t count, int32_t location,
                                     const struct od_plan **plan)
{
    const struct od_schema *schema = &(*plan)->schema;
    const char **all = od_arena_take_array(binder->plan_arena, schema->field_count, sizeof(*all));
    const struct od_expr **exprs =
        od_arena_take_array(binder->plan_arena, schema->field_count, sizeof(*exprs));
    if (all == NULL || exprs == NULL)
        return od_sql_no_memory(binder);
    if (count == 0)
        return OD_OK;
    if (count > schema->field_count)
        return od_sql_fail(binder, OD_BAD_INPUT, location,
                           "WITH query \"%s\" has %u columns available but %zu columns specified", relation,
                           schema->field_count, count);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        all[i] = i < count ? od_sql_string(names[i]) : schema->fields[i].name;
        OD_TRY(od_expr_column(binder->plan_arena, schema, i, &exprs[i], binder->error));
    }
    return od_plan_project(binder->plan_arena, *plan, exprs, all, schema->field_count, plan, binder->error);
}

static enum od_status bind_with_query(struct od_binder *binder, const PgQuery__CommonTableExpr *node,
                                      struct od_block *outer, struct od_named_query *named)
{
    uint32_t reads = reads_of(outer);
    if (node->ctequery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location,
                           "WITH of a statement other than SELECT is not supported");
    if (node->search_clause != NULL || node->cycle_clause != NULL)
        return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "SEARCH and CYCLE are not supported");
    OD_TRY(od_bind_query(binder, node->ctequery->select_stmt, outer, &named->plan, NULL));
    named->correlated = reads_of(outer) != reads;
    return rename_columns(binder, node->ctename, node->aliascolnames, node->n_aliascolnames, node->location,
                          &named->plan);
}

enum od_status od_bind_with(struct od_binder *binder, const PgQuery__WithClause *with, struct od_block *outer)
{
    struct od_named_query *queries = od_arena_take_array(binder->plan_arena, with->n_ctes, sizeof(*queries));
    const struct od_named_query *before = binder->named;
    if (queries == NULL)
        return od_sql_no_memory(binder);
    for (size_t i = 0; i < with->n_ctes; i++) {
        const PgQuery__CommonTableExpr *node = with->ctes[i]->common_table_expr;
        queries[i] = (struct od_named_query){.next = i == 0 ? before : &queries[i - 1], .outer = outer};
        OD_TRY(copy_text(binder, node->ctename, &queries[i].name));
        for (size_t k = 0; k < i; k++)
            if (strcmp(queries[k].name, queries[i].name) == 0)
                return od_sql_fail(binder, OD_BAD_INPUT, node->location,
                                   "WITH query name \"%s\" specified more than once", queries[i].name);
        if (with->recursive) /* its own name, and those that follow, are known, and refused when used */
            binder->named = &queries[i];
    }
    for (size_t i = 0; i < with->n_ctes; i++) {
        OD_TRY(bind_with_query(binder, with->ctes[i]->common_table_expr, outer, &queries[i]));
        if (!with->recursive)
            binder->named = &queries[i];
    }
    return OD_OK;
}

/* --- tables and sub-selects ------------------------------------------------------------------- */

/* The scope of one relation: its columns under its alias, renamed by t(a, b) as far as that goes. */
static enum od_status relation_scope(struct od_binder *binder, const char *relation,
                                     const PgQuery__Alias *alias, int32_t location, struct from_item *item)
{
    uint32_t count = item->plan->schema.field_count;
    relation = alias != NULL ? alias->aliasname : relation;
    item->scope = (struct od_scope){.schema = item->plan->schema, .entry_count = count};
    item->scope.entries = od_arena_take_array(binder->plan_arena, count, sizeof(*item->scope.entries));
    if (item->scope.entries == NULL)
        return od_sql_no_memory(binder);
    OD_TRY(copy_text(binder, relation, &relation));
    if (alias != NULL && alias->n_colnames > count)
        return od_sql_fail(binder, OD_BAD_INPUT, location,
                           "table \"%s\" has %u columns available but %zu columns specified", relation, count,
                           alias->n_colnames);
    for (uint32_t i = 0; i < count; i++) {
        const char *column = item->plan->schema.fields[i].name;
        if (alias != NULL && i < alias->n_colnames)
            OD_TRY(copy_text(binder, od_sql_string(alias->colnames[i]), &column));
        item->scope.entries[i] =
            (struct od_scope_entry){.relation = relation, .name = column, .column_index = i, .plain = true};
    }
    return OD_OK;
}

static enum od_status bind_view(struct od_binder *binder, const struct od_sql_view *view, int32_t location,
                                const struct od_plan **plan_out)
{
    struct od_binder inside = *binder;
    const PgQuery__ParseResult *parsed = NULL;
    struct od_arena parse_arena;
    if (++inside.view_count > VIEWS_MAX)
        return od_sql_fail(binder, OD_UNSUPPORTED, location,
                           "more than %d views in a query are not supported", VIEWS_MAX);
    inside.sql = view->sql;
    inside.named = NULL;
    od_arena_init(&parse_arena, binder->plan_arena->memory, 0);
    enum od_status status = od_sql_parse(&parse_arena, view->sql, &parsed, binder->error);
    if (status == OD_OK &&
        (parsed->n_stmts != 1 || parsed->stmts[0]->stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT))
        status = od_sql_fail(binder, OD_BAD_INPUT, -1, "a view is not one SELECT");
    if (status == OD_OK)
        status = od_bind_query(&inside, parsed->stmts[0]->stmt->select_stmt, NULL, plan_out, NULL);
    od_arena_release(&parse_arena);
    binder->view_count = inside.view_count;
    binder->error->line = status != OD_OK ? 0 : binder->error->line; /* a place in another text */
    od_sql_locate(binder, status, location);
    return status;
}

static enum od_status rename_view(struct od_binder *binder, const struct od_sql_view *view,
                                  const struct od_plan **plan)
{
    const struct od_schema *schema = &(*plan)->schema;
    const char **names = od_arena_take_array(binder->plan_arena, schema->field_count, sizeof(*names));
    const struct od_expr **exprs =
        od_arena_take_array(binder->plan_arena, schema->field_count, sizeof(*exprs));
    if (names == NULL || exprs == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        names[i] = i < view->column_count ? view->columns[i] : schema->fields[i].name;
        OD_TRY(od_expr_column(binder->plan_arena, schema, i, &exprs[i], binder->error));
    }
    return view->column_count == 0 ? OD_OK
                                   : od_plan_project(binder->plan_arena, *plan, exprs, names,
                                                     schema->field_count, plan, binder->error);
}

static enum od_status scan_table(struct od_binder *binder, const struct od_table *table,
                                 const struct od_plan **plan_out)
{
    uint32_t count = table->schema.field_count;
    uint32_t *columns = od_arena_take_array(binder->plan_arena, count, sizeof(*columns));
    if (columns == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = i;
    return od_plan_scan(binder->plan_arena, table, columns, count, plan_out, binder->error);
}

/* A query of WITH, else a view, else a table. */
static enum od_status bind_table(struct od_binder *binder, struct od_block *outer,
                                 const PgQuery__RangeVar *node, struct from_item *item_out)
{
    bool has_schema = node->schemaname != NULL && node->schemaname[0] != '\0';
    bool is_ours = !has_schema || strcmp(node->schemaname, "public") == 0;
    const struct od_named_query *named = has_schema ? NULL : binder->named;
    const struct od_table *table = is_ours ? od_catalog_find(binder->context->catalog, node->relname) : NULL;
    struct od_sql_view view = {0};
    while (named != NULL && strcmp(named->name, node->relname) != 0)
        named = named->next;
    if (named != NULL) {
        item_out->plan = named->plan;
        if (named->plan == NULL)
            return od_sql_fail(binder, OD_UNSUPPORTED, node->location, "a recursive query is not supported");
        if (named->correlated && level_of(named->outer) != level_of(outer))
            return od_sql_fail(binder, OD_UNSUPPORTED, node->location,
                               "a correlated WITH query used at another level is not supported");
    } else if (is_ours && binder->context->find_view != NULL &&
               binder->context->find_view(binder->context->self, node->relname, &view)) {
        OD_TRY(bind_view(binder, &view, node->location, &item_out->plan));
        OD_TRY(rename_view(binder, &view, &item_out->plan));
    } else if (table != NULL) {
        OD_TRY(scan_table(binder, table, &item_out->plan));
    } else {
        return od_sql_fail(binder, OD_BAD_INPUT, node->location, "relation \"%s%s%s\" does not exist",
                           has_schema ? node->schemaname : "", has_schema ? "." : "", node->relname);
    }
    return relation_scope(binder, node->relname, node->alias, node->location, item_out);
}

static enum od_status bind_subselect(struct od_binder *binder, struct od_block *outer,
                                     const PgQuery__RangeSubselect *node, struct from_item *item_out)
{
    struct od_block *fence = outer;
    if (!node->lateral && outer != NULL && outer->is_beside) {
        fence = od_arena_take(binder->plan_arena, sizeof(*fence));
        if (fence == NULL)
            return od_sql_no_memory(binder);
        *fence = (struct od_block){.outer = outer, .is_fence = true, .fence_end = binder->around_from};
    }
    OD_TRY(od_bind_query(binder, node->subquery->select_stmt, fence, &item_out->plan, NULL));
    return relation_scope(binder, "", node->alias, od_sql_location(node->subquery), item_out);
}

/* generate_series(first, last [, step]) of whole constants: rows of VALUES. */
static enum od_status bind_function(struct od_binder *binder, const PgQuery__RangeFunction *node,
                                    struct from_item *item_out)
{
    const PgQuery__Node *first = node->functions[0];
    const PgQuery__Node *function = node->n_functions == 1 && first->node_case == PG_QUERY__NODE__NODE_LIST &&
                                            first->list->n_items > 0 && node->n_coldeflist == 0 &&
                                            !node->ordinality
                                        ? first->list->items[0]
                                        : NULL;
    const PgQuery__FuncCall *call = function != NULL && function->node_case == PG_QUERY__NODE__NODE_FUNC_CALL
                                        ? function->func_call
                                        : NULL;
    struct od_block nothing = {0};
    struct od_place place = {.block = &nothing, .clause = "generate_series"};
    struct od_value bounds[3] = {{0}, {0}, {.type = OD_TYPE_INT64, .int64 = 1}};
    enum od_type type = OD_TYPE_INT32;
    if (call == NULL || strcmp(od_sql_string(call->funcname[call->n_funcname - 1]), "generate_series") != 0 ||
        call->n_args < 2 || call->n_args > 3)
        return od_sql_fail(binder, OD_UNSUPPORTED, od_sql_location(first),
                           "a function in FROM other than generate_series is not supported");
    for (size_t i = 0; i < call->n_args; i++) {
        struct od_bound bound = {0};
        if (od_bind_expr(binder, &place, call->args[i], &bound) == OD_NO_MEMORY)
            return OD_NO_MEMORY;
        if (bound.expr == NULL ||
            (bound.expr->type != OD_TYPE_INT32 && bound.expr->type != OD_TYPE_INT64 && !bound.unknown))
            return od_sql_fail(binder, OD_UNSUPPORTED, od_sql_location(call->args[i]),
                               "generate_series of other than whole constants is not supported");
        if (bound.expr->type != OD_TYPE_INT32)
            type = OD_TYPE_INT64;
        OD_TRY(od_bind_constant(binder, &place, call->args[i], OD_TYPE_INT64, &bounds[i]));
    }
    if (bounds[2].int64 == 0 && !bounds[2].is_null)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location, "step size cannot equal zero");
    bool empty =
        bounds[0].is_null || bounds[1].is_null || bounds[2].is_null ||
        (bounds[2].int64 > 0 ? bounds[0].int64 > bounds[1].int64 : bounds[0].int64 < bounds[1].int64);
    __int128 span = (__int128)bounds[1].int64 - bounds[0].int64;
    __int128 row_count = empty ? 0 : span / bounds[2].int64 + 1;
    if (row_count > SERIES_ROWS_MAX)
        return od_sql_fail(binder, OD_UNSUPPORTED, call->location,
                           "generate_series of more than %d rows is not supported", SERIES_ROWS_MAX);
    const struct od_expr **exprs = od_arena_take_array(binder->plan_arena, (size_t)row_count, sizeof(*exprs));
    if (exprs == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < row_count; i++) {
        struct od_value value = {.type = type, .int64 = bounds[0].int64 + i * bounds[2].int64};
        OD_TRY(od_expr_literal(binder->plan_arena, &value, &exprs[i], binder->error));
    }
    const char *name = node->alias != NULL ? node->alias->aliasname : "generate_series";
    struct od_field field = {name, type, false};
    struct od_schema schema = {1, &field};
    OD_TRY(od_plan_values(binder->plan_arena, &schema, exprs, (uint32_t)row_count, &item_out->plan,
                          binder->error));
    return relation_scope(binder, "generate_series", node->alias, call->location, item_out);
}

/* --- USING and NATURAL ---------------------------------------------------------------------------- */

/* The one plain column of this name on one side. */
static enum od_status find_using(struct od_binder *binder, const struct od_scope *scope, const char *name,
                                 const char *side, int32_t location, const struct od_scope_entry **entry_out)
{
    *entry_out = NULL;
    for (uint32_t i = 0; i < scope->entry_count; i++) {
        if (!scope->entries[i].plain || strcmp(scope->entries[i].name, name) != 0)
            continue;
        if (*entry_out != NULL)
            return od_sql_fail(binder, OD_BAD_INPUT, location,
                               "common column name \"%s\" appears more than once in %s table", name, side);
        *entry_out = &scope->entries[i];
    }
    if (*entry_out == NULL)
        return od_sql_fail(binder, OD_BAD_INPUT, location,
                           "column \"%s\" specified in USING clause does not exist in %s table", name, side);
    return OD_OK;
}

/* A pair of columns that are one to bare names. */
struct using_pair {
    const char *name;
    uint32_t left; /* columns of the joined scope */
    uint32_t right;
};
struct using_list {
    uint32_t count;
    struct using_pair *pairs;
};

static enum od_status add_using(struct od_binder *binder, const struct from_item *left,
                                const struct from_item *right, const char *name, int32_t location,
                                struct using_list *list)
{
    const struct od_scope_entry *entries[2] = {NULL, NULL};
    struct using_pair *pair = &list->pairs[list->count];
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->pairs[i].name, name) == 0)
            return od_sql_fail(binder, OD_BAD_INPUT, location,
                               "column name \"%s\" appears more than once in USING clause", name);
    OD_TRY(find_using(binder, &left->scope, name, "left", location, &entries[0]));
    OD_TRY(find_using(binder, &right->scope, name, "right", location, &entries[1]));
    list->count++;
    pair->left = entries[0]->column_index;
    pair->right = entries[1]->column_index + left->scope.schema.field_count;
    return copy_text(binder, name, &pair->name);
}

static enum od_status find_pairs(struct od_binder *binder, const PgQuery__JoinExpr *node,
                                 const struct from_item *left, const struct from_item *right,
                                 struct using_list *list)
{
    int32_t location = od_sql_location(node->rarg);
    size_t most = node->is_natural ? left->scope.entry_count : node->n_using_clause;
    list->pairs = od_arena_take_array(binder->plan_arena, most, sizeof(*list->pairs));
    if (list->pairs == NULL)
        return od_sql_no_memory(binder);
    for (size_t i = 0; i < most; i++) {
        const char *name =
            node->is_natural ? left->scope.entries[i].name : od_sql_string(node->using_clause[i]);
        bool common = !node->is_natural;
        for (uint32_t k = 0; k < right->scope.entry_count && !common && left->scope.entries[i].plain; k++)
            common = right->scope.entries[k].plain && strcmp(right->scope.entries[k].name, name) == 0;
        if (common)
            OD_TRY(add_using(binder, left, right, name, location, list));
    }
    return OD_OK;
}

static enum od_status using_condition(struct od_binder *binder, const struct od_schema *joined,
                                      const struct using_list *list, int32_t location,
                                      const struct od_expr **condition_out)
{
    const struct od_expr **equalities =
        od_arena_take_array(binder->plan_arena, list->count, sizeof(*equalities));
    if (equalities == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < list->count; i++) {
        struct od_bound pair[2] = {{0}, {0}};
        struct od_bound equality = {0};
        OD_TRY(od_expr_column(binder->plan_arena, joined, list->pairs[i].left, &pair[0].expr, binder->error));
        OD_TRY(
            od_expr_column(binder->plan_arena, joined, list->pairs[i].right, &pair[1].expr, binder->error));
        OD_TRY(od_bind_call(binder, OD_FUNCTION_EQUAL, pair, 2, location, &equality));
        equalities[i] = equality.expr;
    }
    return od_expr_conjunction(binder->plan_arena, equalities, list->count, condition_out, binder->error);
}

/* The value of a merged column over the join's output, in the common type of the two. */
static enum od_status merged_value(struct od_binder *binder, enum od_join_type type,
                                   const struct od_schema *schema, const struct using_pair *pair,
                                   const struct od_expr **expr_out)
{
    const struct od_expr *sides[2] = {NULL, NULL};
    enum od_type common;
    OD_TRY(od_expr_column(binder->plan_arena, schema, pair->left, &sides[0], binder->error));
    OD_TRY(od_expr_column(binder->plan_arena, schema, pair->right, &sides[1], binder->error));
    if (type == OD_JOIN_FULL)
        return od_expr_call(binder->plan_arena, OD_FUNCTION_COALESCE, sides, 2, expr_out, binder->error);
    if (!od_expr_common_type(sides, 2, &common))
        common = sides[0]->type;
    return od_expr_cast(binder->plan_arena, sides[type == OD_JOIN_RIGHT], common, expr_out, binder->error);
}

/* Puts merged entries first and hides the two that each stands for from bare names. Values that are no column
 * of the join are projected behind its columns. */
static enum od_status merge_columns(struct od_binder *binder, enum od_join_type type,
                                    const struct using_list *list, const char *alias, struct from_item *item)
{
    const struct od_schema *schema = &item->plan->schema;
    uint32_t width = schema->field_count;
    uint32_t entry_count = item->scope.entry_count + list->count * (alias != NULL ? 2 : 1);
    struct od_scope_entry *entries = od_arena_take_array(binder->plan_arena, entry_count, sizeof(*entries));
    const struct od_expr **exprs =
        od_arena_take_array(binder->plan_arena, (size_t)width + list->count, sizeof(*exprs));
    const char **names = od_arena_take_array(binder->plan_arena, (size_t)width + list->count, sizeof(*names));
    uint32_t at = 0;
    if (entries == NULL || exprs == NULL || names == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        names[i] = schema->fields[i].name;
        OD_TRY(od_expr_column(binder->plan_arena, schema, i, &exprs[i], binder->error));
    }
    for (uint32_t i = 0; i < list->count; i++) {
        const struct od_expr *value = NULL;
        OD_TRY(merged_value(binder, type, schema, &list->pairs[i], &value));
        bool is_column = value->kind == OD_EXPR_COLUMN;
        entries[at++] = (struct od_scope_entry){.name = list->pairs[i].name,
                                                .column_index = is_column ? value->column_index : width,
                                                .plain = true};
        if (is_column)
            continue;
        names[width] = list->pairs[i].name;
        exprs[width++] = value;
    }
    for (uint32_t i = 0; i < item->scope.entry_count; i++) {
        entries[at] = item->scope.entries[i];
        for (uint32_t k = 0; k < list->count; k++)
            if (entries[at].column_index == list->pairs[k].left ||
                entries[at].column_index == list->pairs[k].right)
                entries[at].plain = false;
        at++;
    }
    for (uint32_t i = 0; i < list->count && alias != NULL; i++) {
        entries[at] = entries[i];
        entries[at].relation = alias;
        entries[at++].plain = false;
    }
    item->scope.entries = entries;
    item->scope.entry_count = entry_count;
    if (width > schema->field_count)
        OD_TRY(
            od_plan_project(binder->plan_arena, item->plan, exprs, names, width, &item->plan, binder->error));
    item->scope.schema = item->plan->schema;
    return OD_OK;
}

/* --- JOIN ------------------------------------------------------------------------------------- */

/* (a JOIN b ...) AS j (x, y): j is the only name left. */
static enum od_status rename_join(struct od_binder *binder, const PgQuery__Alias *alias, int32_t location,
                                  struct od_scope *scope)
{
    const char *relation = NULL;
    uint32_t kept = 0;
    OD_TRY(copy_text(binder, alias->aliasname, &relation));
    for (uint32_t i = 0; i < scope->entry_count; i++)
        if (scope->entries[i].plain)
            scope->entries[kept++] = scope->entries[i];
    if (alias->n_colnames > kept)
        return od_sql_fail(binder, OD_BAD_INPUT, location,
                           "join expression \"%s\" has %u columns available but %zu columns specified",
                           relation, kept, alias->n_colnames);
    scope->entry_count = kept;
    for (uint32_t i = 0; i < kept; i++) {
        scope->entries[i].relation = relation;
        if (i < alias->n_colnames)
            OD_TRY(copy_text(binder, od_sql_string(alias->colnames[i]), &scope->entries[i].name));
    }
    return OD_OK;
}

static bool has_lateral(const PgQuery__Node *node)
{
    if (node->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR)
        return has_lateral(node->join_expr->larg) || has_lateral(node->join_expr->rarg);
    return node->node_case == PG_QUERY__NODE__NODE_RANGE_SUBSELECT && node->range_subselect->lateral;
}

/* Binds the item to the right of `left`. *correlated_out: it must be joined by an APPLY. */
static enum od_status bind_right(struct od_binder *binder, struct od_block *outer,
                                 const struct from_item *left, enum od_join_type type,
                                 const PgQuery__Node *node, struct from_item *right_out, bool *correlated_out)
{
    *correlated_out = false;
    if (!has_lateral(node) || (type != OD_JOIN_INNER && type != OD_JOIN_LEFT))
        return bind_item(binder, outer, node, right_out);
    struct od_block *beside = od_arena_take(binder->plan_arena, sizeof(*beside));
    if (beside == NULL)
        return od_sql_no_memory(binder);
    *beside = (struct od_block){.outer = outer, .scope = left->scope, .is_beside = true};
    OD_TRY(bind_item(binder, beside, node, right_out));
    *correlated_out = beside->deeper_reads > 0;
    return OD_OK;
}

static enum od_status make_join(struct od_binder *binder, enum od_join_type type, bool correlated,
                                const struct od_plan *left, const struct od_plan *right,
                                const struct od_expr *condition, const struct od_plan **plan_out)
{
    return (correlated ? od_plan_apply : od_plan_join)(binder->plan_arena, type, left, right, condition,
                                                       plan_out, binder->error);
}

/* Sub-selects in the ON of an outer join become columns of its left input. */
struct on_rewrite {
    struct od_binder *binder;
    struct od_block *side; /* the left input, with the slots of ON */
    uint32_t left_count;   /* columns before sub-selects joined it */
};

static enum od_status rewrite_on_leaf(void *self, const struct od_expr *leaf, const struct od_expr **expr_out,
                                      struct od_error *error)
{
    struct on_rewrite *rewrite = self;
    (void)error;
    *expr_out = leaf;
    if (leaf->kind != OD_EXPR_COLUMN || leaf->column_index < rewrite->left_count)
        return OD_OK;
    if (leaf->column_index >= OD_SLOT_BASE)
        return od_lower(rewrite->binder, rewrite->side, leaf, expr_out);
    uint32_t moved = rewrite->side->plan->schema.field_count - rewrite->left_count;
    return od_slot_column(rewrite->binder, leaf->column_index + moved, leaf->type, leaf->nullable,
                          (int32_t)leaf->sql_offset - 1, expr_out);
}

struct right_check {
    uint32_t left_count;
    bool reads_right;
};

static void note_column(void *self, uint32_t column_index)
{
    struct right_check *check = self;
    check->reads_right |= column_index >= check->left_count && column_index < OD_SLOT_BASE;
}

static enum od_status join_on_subqueries(struct od_binder *binder, struct od_block *on,
                                         struct from_item *left, const struct od_expr **condition)
{
    struct od_block side = *on;
    struct on_rewrite rewrite = {binder, &side, left->scope.schema.field_count};
    struct od_leaf_rewriter leaves = {rewrite_on_leaf, &rewrite};
    side.scope = left->scope;
    side.plan = left->plan;
    for (uint32_t i = 0; i < on->slot_count; i++) {
        const struct od_subquery *query = on->slots[i].value.query;
        struct right_check check = {rewrite.left_count, false};
        const struct od_expr *column = NULL;
        od_expr_columns(query->condition, note_column, &check);
        for (uint32_t k = query->read_first; k < query->read_end; k++)
            note_column(&check, on->outer_reads[k].column_index);
        if (check.reads_right)
            return od_sql_fail(
                binder, OD_UNSUPPORTED, query->location,
                "a sub-select in ON that reads the right side of an outer join is not supported");
        OD_TRY(od_slot_column(binder, OD_SLOT_BASE + i, OD_TYPE_BOOLEAN, true, query->location, &column));
        OD_TRY(od_lower(binder, &side, column, &column)); /* joins it; its column is found again below */
    }
    OD_TRY(od_expr_rewrite(binder->plan_arena, *condition, &leaves, condition, binder->error));
    left->plan = side.plan;
    left->scope.schema = side.plan->schema;
    return OD_OK;
}

static enum od_status bind_on(struct od_binder *binder, struct od_block *outer, const PgQuery__JoinExpr *node,
                              enum od_join_type type, bool correlated, struct from_item *left,
                              const struct from_item *right, struct from_item *item_out)
{
    struct od_block fence = {.outer = outer, .is_fence = true, .fence_end = binder->around_from};
    struct od_block on = {.outer = &fence};
    struct od_place place = {.block = &on, .clause = "JOIN/ON"};
    const struct od_expr *condition = NULL;
    const struct od_expr *yes = NULL;
    int32_t location = od_sql_location(node->rarg);
    OD_TRY(truth(binder, &yes));
    OD_TRY(od_scope_join(binder, &left->scope, &right->scope, location, &on.scope));
    if (node->quals == NULL)
        condition = yes;
    else
        OD_TRY(od_bind_condition(binder, &place, node->quals, &condition));
    if (on.slot_count > 0 && type != OD_JOIN_INNER)
        OD_TRY(join_on_subqueries(binder, &on, left, &condition));
    bool filters = on.slot_count > 0 && type == OD_JOIN_INNER;
    OD_TRY(od_sql_locate(binder,
                         make_join(binder, type, correlated, left->plan, right->plan,
                                   filters ? yes : condition, &item_out->plan),
                         location));
    OD_TRY(od_scope_join(binder, &left->scope, &right->scope, location, &item_out->scope));
    if (!filters)
        return OD_OK;
    on.plan = item_out->plan;
    OD_TRY(od_lower_filter(binder, &on, condition));
    item_out->plan = on.plan;
    return OD_OK;
}

static enum od_status bind_join(struct od_binder *binder, struct od_block *outer,
                                const PgQuery__JoinExpr *node, struct from_item *item_out)
{
    static const enum od_join_type types[] = {
        [PG_QUERY__JOIN_TYPE__JOIN_INNER] = OD_JOIN_INNER,
        [PG_QUERY__JOIN_TYPE__JOIN_LEFT] = OD_JOIN_LEFT,
        [PG_QUERY__JOIN_TYPE__JOIN_RIGHT] = OD_JOIN_RIGHT,
        [PG_QUERY__JOIN_TYPE__JOIN_FULL] = OD_JOIN_FULL,
    };
    struct from_item left = {0};
    struct from_item right = {0};
    struct using_list using = {0};
    const struct od_expr *condition = NULL;
    const char *alias = NULL;
    enum od_join_type type = types[node->jointype];
    int32_t location = od_sql_location(node->rarg);
    bool correlated = false;
    OD_TRY(bind_item(binder, outer, node->larg, &left));
    OD_TRY(bind_right(binder, outer, &left, type, node->rarg, &right, &correlated));
    if (node->is_natural || node->n_using_clause > 0) {
        OD_TRY(od_scope_join(binder, &left.scope, &right.scope, location, &item_out->scope));
        OD_TRY(find_pairs(binder, node, &left, &right, &using));
        OD_TRY(using_condition(binder, &item_out->scope.schema, &using, location, &condition));
        OD_TRY(make_join(binder, type, correlated, left.plan, right.plan, condition, &item_out->plan));
        if (node->join_using_alias != NULL)
            OD_TRY(copy_text(binder, node->join_using_alias->aliasname, &alias));
        OD_TRY(merge_columns(binder, type, &using, alias, item_out));
    } else {
        OD_TRY(bind_on(binder, outer, node, type, correlated, &left, &right, item_out));
    }
    item_out->scope.schema = item_out->plan->schema; /* an outer join makes columns nullable */
    return node->alias == NULL ? OD_OK : rename_join(binder, node->alias, location, &item_out->scope);
}

static enum od_status bind_item(struct od_binder *binder, struct od_block *outer, const PgQuery__Node *node,
                                struct from_item *item_out)
{
    enum od_status status;
    OD_TRY(od_sql_enter(binder, node));
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR:
        status = bind_table(binder, outer, node->range_var, item_out);
        break;
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
        status = bind_subselect(binder, outer, node->range_subselect, item_out);
        break;
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
        status = bind_function(binder, node->range_function, item_out);
        break;
    case PG_QUERY__NODE__NODE_JOIN_EXPR:
        status = bind_join(binder, outer, node->join_expr, item_out);
        break;
    default:
        status = od_sql_fail(binder, OD_UNSUPPORTED, od_sql_location(node), "%s is not supported",
                             od_sql_construct(node));
    }
    od_sql_leave(binder);
    return status;
}

static enum od_status bind_items(struct od_binder *binder, const PgQuery__SelectStmt *select,
                                 struct od_block *block)
{
    struct from_item all = {0};
    const struct od_expr *condition = NULL;
    OD_TRY(truth(binder, &condition));
    if (select->n_from_clause == 0)
        return od_one_row(binder, &block->plan);
    OD_TRY(bind_item(binder, block->outer, select->from_clause[0], &all));
    for (size_t i = 1; i < select->n_from_clause; i++) {
        const PgQuery__Node *node = select->from_clause[i];
        struct from_item right = {0};
        struct from_item joined = {0};
        bool correlated = false;
        OD_TRY(bind_right(binder, block->outer, &all, OD_JOIN_INNER, node, &right, &correlated));
        OD_TRY(make_join(binder, OD_JOIN_INNER, correlated, all.plan, right.plan, condition, &joined.plan));
        OD_TRY(od_scope_join(binder, &all.scope, &right.scope, od_sql_location(node), &joined.scope));
        all = joined;
    }
    block->plan = all.plan;
    block->scope = all.scope;
    block->scope.schema = all.plan->schema;
    return OD_OK;
}

enum od_status od_bind_from(struct od_binder *binder, const PgQuery__SelectStmt *select,
                            struct od_block *block)
{
    struct od_block *before = binder->around_from;
    binder->around_from = block->outer;
    enum od_status status = bind_items(binder, select, block);
    binder->around_from = before;
    return status;
}
