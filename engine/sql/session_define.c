/* session_define: CREATE and DROP.
 *
 * A definition is built aside, in its own arena, and put into the catalogue when it is whole; a table's
 * unique constraints are entries of their own, named as PostgreSQL names them, and go with the table.
 * Dropping what a view reads needs CASCADE. */
#include <stdio.h>
#include <string.h>

#include "engine/sql/session_state.h"

/* *exists_out when "IF NOT EXISTS" (or OR REPLACE) makes an existing name harmless. */
static bool check_new_name(struct od_session *session, const PgQuery__RangeVar *relation, bool if_not_exists,
                           bool *exists_out)
{
    OD_NEED(od_session_check_name(session, relation));
    *exists_out = od_session_find(session, relation->relname) != NULL;
    return !*exists_out || if_not_exists ||
           od_sql_wrong(&session->binder, relation->location, "relation \"%s\" already exists",
                        relation->relname);
}

static bool check_field_names(struct od_session *session, const struct od_schema *schema, int32_t location)
{
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct od_field *field = &schema->fields[i];
        if (od_schema_find(schema, field->name) != i)
            return od_sql_wrong(&session->binder, location, "column \"%s\" specified more than once",
                                field->name);
        if (field->type == OD_TYPE_INTERVAL)
            return od_sql_fail(&session->binder, OD_UNSUPPORTED, location,
                               "a column of type interval is not supported: \"%s\"", field->name);
    }
    return true;
}

/* --- indexes and constraints ---------------------------------------------------------------------------- */

/* "t_a_b_key", and a number behind it where that name is taken. In the statement's arena; NULL: no memory. */
static const char *choose_index_name(struct od_session *session, const char *table,
                                     const struct od_schema *schema, const uint32_t *columns, uint32_t count,
                                     const char *suffix)
{
    struct od_arena *arena = &session->statement_arena;
    const char *base = table;
    for (uint32_t i = 0; i < count && base != NULL; i++)
        base = od_arena_print(arena, "%s_%s", base, schema->fields[columns[i]].name);
    const char *name = base == NULL ? NULL : od_arena_print(arena, "%s_%s", base, suffix);
    for (uint32_t i = 1; name != NULL && od_session_find(session, name) != NULL; i++)
        name = od_arena_print(arena, "%s_%s%u", base, suffix, i);
    return name;
}

struct new_index {
    const char *name; /* NULL: to be chosen */
    const char *suffix;
    bool unique;
    bool constraint;
    const char *const *keys; /* column names */
    uint32_t key_count;
    int32_t location;
};

static bool put_index(struct od_session *session, const struct od_entry *table, const struct new_index *index)
{
    struct od_binder *binder = &session->binder;
    const struct od_definition *target = table->definition;
    bool is_primary = strcmp(index->suffix, "pkey") == 0;
    const char *name = index->name;
    uint32_t *columns = od_sql_take(binder, index->key_count, sizeof(*columns));
    OD_NEED(columns != NULL);
    if (name != NULL && od_session_find(session, name) != NULL)
        return od_sql_wrong(binder, index->location, "relation \"%s\" already exists", name);
    for (uint32_t i = 0; i < index->key_count; i++) {
        columns[i] = od_schema_find(&target->schema, index->keys[i]);
        if (columns[i] == OD_FIELD_NONE)
            return od_sql_wrong(binder, index->location, "column \"%s\" does not exist", index->keys[i]);
    }
    if (name == NULL)
        name = choose_index_name(session, target->name, &target->schema, columns,
                                 is_primary ? 0 : index->key_count, index->suffix);
    struct od_definition *definition =
        name == NULL ? od_sql_no_memory(binder) : od_definition_new(session, OD_ENTRY_INDEX, name);
    OD_NEED(definition != NULL);
    uint32_t *kept = od_arena_take_array(&definition->arena, index->key_count, sizeof(*kept));
    if (kept == NULL)
        return od_sql_no_memory(binder);
    memcpy(kept, columns, index->key_count * sizeof(*columns));
    definition->table_name = od_session_keep_text(session, target->name);
    definition->columns = kept;
    definition->column_count = index->key_count;
    definition->unique = index->unique;
    definition->constraint = index->constraint;
    definition->primary = is_primary && index->constraint;
    OD_NEED(definition->table_name != NULL);
    return (!index->unique || od_session_check_index(session, definition, table->rows->table)) &&
           od_session_put(session, NULL);
}

static bool refuse_constraint(struct od_session *session, const PgQuery__Constraint *constraint)
{
    static const struct {
        PgQuery__ConstrType type;
        const char *text;
    } texts[] = {
        {PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY, "an identity column"},
        {PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED, "a generated column"},
        {PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION, "EXCLUDE"},
        {PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN, "a foreign key"},
    };
    const char *text = "a deferrable constraint";
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i].type == constraint->contype)
            text = texts[i].text;
    return od_sql_refuse(&session->binder, constraint->location, "%s", text);
}

/* UNIQUE and PRIMARY KEY of the table whose name `context` is: entries of the catalogue. */
static bool apply_unique(struct od_session *session, void *context, const PgQuery__Constraint *constraint,
                         const PgQuery__ColumnDef *column)
{
    struct od_binder *binder = &session->binder;
    const struct od_entry table = *od_session_find(session, context); /* a copy: the list may move */
    bool is_primary = constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY;
    struct new_index index = {
        .name = od_sql_given(constraint->conname) ? constraint->conname : NULL,
        .suffix = is_primary ? "pkey" : "key",
        .unique = true,
        .constraint = true,
        .key_count = column != NULL ? 1 : (uint32_t)constraint->n_keys,
        .location = constraint->location,
    };
    if (!is_primary && constraint->contype != PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE)
        return true;
    if (constraint->nulls_not_distinct || constraint->n_including > 0 || constraint->deferrable)
        return od_sql_refuse(binder, constraint->location, "this form of UNIQUE");
    const char **keys = od_sql_take(binder, index.key_count, sizeof(*keys));
    OD_NEED(keys != NULL);
    for (uint32_t i = 0; i < index.key_count; i++)
        keys[i] = column != NULL ? column->colname : od_sql_string(constraint->keys[i]);
    index.keys = keys;
    return put_index(session, &table, &index);
}

/* --- CREATE TABLE --------------------------------------------------------------------------------------- */

/* A constant of the column's type, kept in the definition. */
static bool set_default(struct od_session *session, struct od_definition *definition, uint32_t column,
                        const PgQuery__Node *node)
{
    struct od_binder *binder = &session->binder;
    int32_t location = od_sql_location(node);
    struct od_value *value = &definition->defaults[column];
    const struct od_expr *expr =
        od_bind_assignment(binder, od_bind_over(binder, NULL, NULL, "DEFAULT", node),
                           definition->types[column], definition->schema.fields[column].name, location);
    OD_NEED(expr != NULL);
    if (!od_expr_is_constant(expr))
        return od_sql_refuse(binder, location, "a DEFAULT that is not constant");
    session->runner.evaluate_constant(expr, &session->statement_arena, value, binder->error);
    od_sql_locate(binder, location);
    OD_NEED(!od_sql_failed(binder));
    if (value->is_null || value->type != OD_TYPE_TEXT)
        return true;
    value->text.bytes = od_arena_copy_text(&definition->arena, value->text.bytes, value->text.size);
    return value->text.bytes != NULL || od_sql_no_memory(binder);
}

/* What a constraint means for columns; unique ones come later, as entries of the catalogue. */
static bool apply_constraint(struct od_session *session, void *context, const PgQuery__Constraint *constraint,
                             const PgQuery__ColumnDef *column)
{
    struct od_definition *definition = context;
    struct od_schema *schema = &definition->schema;
    uint32_t index = column == NULL ? OD_FIELD_NONE : od_schema_find(schema, column->colname);
    const struct od_expr *expr = NULL;
    switch (constraint->contype) {
    case PG_QUERY__CONSTR_TYPE__CONSTR_NULL:
    case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE:
    case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_NOT_DEFERRABLE:
        return true;
    case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL:
        schema->fields[index].nullable = false;
        return true;
    case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT:
        return set_default(session, definition, index, constraint->raw_expr);
    case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
        if (definition->primary)
            return od_sql_wrong(&session->binder, constraint->location,
                                "multiple primary keys for table \"%s\" are not allowed", definition->name);
        definition->primary = true;
        if (column != NULL)
            schema->fields[index].nullable = false;
        for (size_t i = 0; i < constraint->n_keys; i++) {
            index = od_schema_find(schema, od_sql_string(constraint->keys[i]));
            if (index != OD_FIELD_NONE) /* else put_index says so */
                schema->fields[index].nullable = false;
        }
        return true;
    case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
        expr = od_bind_over(&session->binder, definition->name, schema, "CHECK", constraint->raw_expr);
        OD_NEED(expr != NULL);
        if (expr->type != OD_TYPE_BOOLEAN && !expr->is_untyped)
            return od_sql_wrong(&session->binder, constraint->location,
                                "argument of CHECK must be type boolean, not type %s",
                                od_type_text(expr->type));
        definition->create_sql = od_session_keep_text(session, session->statement_sql);
        return definition->create_sql != NULL;
    default:
        return refuse_constraint(session, constraint);
    }
}

/* Puts the draft into the catalogue with these rows (NULL: none). */
static bool put_table(struct od_session *session, const struct od_table *rows)
{
    struct od_table *table = od_session_join_rows(session, session->draft, rows, NULL);
    return table != NULL && od_session_put(session, table);
}

static struct od_definition *define_columns(struct od_session *session, const PgQuery__CreateStmt *create)
{
    struct od_binder *binder = &session->binder;
    const PgQuery__RangeVar *relation = create->relation;
    struct od_schema schema = {0, od_sql_take(binder, create->n_table_elts, sizeof(*schema.fields))};
    struct od_sql_type *types = od_sql_take(binder, create->n_table_elts, sizeof(*types));
    OD_NEED(schema.fields != NULL && types != NULL);
    for (size_t i = 0; i < create->n_table_elts; i++) {
        const PgQuery__Node *element = create->table_elts[i];
        const PgQuery__ColumnDef *column = element->column_def;
        if (element->node_case == PG_QUERY__NODE__NODE_CONSTRAINT)
            continue;
        if (element->node_case != PG_QUERY__NODE__NODE_COLUMN_DEF)
            return od_sql_refuse(binder, relation->location, "LIKE in CREATE TABLE");
        if (column->coll_clause != NULL)
            return od_sql_refuse(binder, column->location, "COLLATE");
        struct od_sql_type *type = &types[schema.field_count];
        OD_NEED(od_sql_find_type(binder, column->type_name, type));
        schema.fields[schema.field_count++] = (struct od_field){column->colname, type->type, true};
    }
    if (schema.field_count == 0)
        return od_sql_refuse(binder, relation->location, "a table without columns");
    OD_NEED(check_field_names(session, &schema, relation->location));
    return od_definition_of_table(session, relation->relname, &schema, types);
}

bool od_session_create_table(struct od_session *session, const PgQuery__Node *node)
{
    const PgQuery__CreateStmt *create = node->create_stmt;
    char *name = create->relation->relname;
    bool exists = false;
    OD_NEED(check_new_name(session, create->relation, create->if_not_exists, &exists));
    if (exists)
        return true;
    if (create->n_inh_relations > 0 || create->partspec != NULL || create->of_typename != NULL ||
        create->n_options > 0)
        return od_sql_refuse(&session->binder, create->relation->location, "this form of CREATE TABLE");
    struct od_definition *definition = define_columns(session, create);
    OD_NEED(definition != NULL);
    OD_NEED(od_session_each_constraint(session, create, apply_constraint, definition));
    OD_NEED(put_table(session, NULL));
    if (od_session_each_constraint(session, create, apply_unique, name))
        return true;
    od_session_remove(session, name);
    return false;
}

/* The names that a statement gives to the columns of its query, which may be fewer. */
static bool check_column_names(struct od_session *session, PgQuery__Node *const *names, size_t count,
                               const struct od_schema *schema, int32_t location,
                               struct od_schema *renamed_out)
{
    if (count > schema->field_count)
        return od_sql_wrong(&session->binder, location, "too many column names were specified");
    OD_NEED(od_schema_copy(&session->statement_arena, schema, renamed_out, session->binder.error) == OD_OK);
    for (size_t i = 0; i < count; i++)
        renamed_out->fields[i].name = od_sql_string(names[i]);
    return check_field_names(session, renamed_out, location);
}

#define TYPE_STEPS_MAX 10000u /* of one column: unions of what is shared double them */

/* As PostgreSQL finds a column's length or scale: it comes from a cast, or from a table's column on its way through. */
static struct od_sql_type type_of_column(struct od_session *session, const struct od_plan *plan,
                                         uint32_t column, uint32_t *steps_left)
{
    static const enum od_sql_limit limits[OD_FUNCTION_COUNT] = {
        [OD_FUNCTION_FIT_SMALLINT] = OD_LIMIT_SMALLINT,
        [OD_FUNCTION_FIT_VARCHAR] = OD_LIMIT_VARCHAR,
        [OD_FUNCTION_FIT_NUMERIC] = OD_LIMIT_NUMERIC,
    };
    struct od_sql_type type = {.type = plan->schema.fields[column].type};
    uint32_t left_count = plan->input_count > 0 ? plan->inputs[0]->schema.field_count : 0;
    const struct od_expr *expr = NULL;
    if (*steps_left == 0)
        return type;
    --*steps_left;
    if (plan->kind == OD_PLAN_SCAN)
        return od_session_find(session, plan->scan.table->name)
            ->definition->types[plan->scan.columns[column]];
    if (plan->kind == OD_PLAN_PROJECT || plan->kind == OD_PLAN_EXPAND)
        expr = plan->rows.exprs[column];
    else if (plan->kind == OD_PLAN_AGGREGATE)
        expr = column < plan->aggregate.group_count ? plan->aggregate.groups[column] : NULL;
    else if (column < left_count) {
        struct od_sql_type left = type_of_column(session, plan->inputs[0], column, steps_left);
        struct od_sql_type right =
            plan->kind == OD_PLAN_UNION ? type_of_column(session, plan->inputs[1], column, steps_left) : left;
        bool same = left.type == right.type && left.limit == right.limit && left.size == right.size &&
                    left.scale == right.scale;
        return same ? left : type;
    } else if (plan->input_count == 2 && od_join_gives_right(plan->join.type))
        return type_of_column(session, plan->inputs[1], column - left_count, steps_left);
    if (expr != NULL && expr->kind == OD_EXPR_COLUMN)
        return type_of_column(session, plan->inputs[0], expr->column_index, steps_left);
    if (expr == NULL || expr->kind != OD_EXPR_CALL || limits[expr->function] == OD_LIMIT_NONE)
        return type;
    type.limit = limits[expr->function];
    type.size = expr->argument_count > 1 ? (uint32_t)expr->arguments[1]->literal.int64 : 0;
    type.scale = expr->argument_count > 2 ? (uint32_t)expr->arguments[2]->literal.int64 : 0;
    return type;
}

bool od_session_create_table_as(struct od_session *session, const PgQuery__Node *node)
{
    const PgQuery__CreateTableAsStmt *create = node->create_table_as_stmt;
    const PgQuery__RangeVar *relation = create->into->rel;
    struct od_definition *definition = NULL;
    struct od_schema schema;
    bool exists = false;
    OD_NEED(check_new_name(session, relation, create->if_not_exists, &exists));
    if (exists)
        return true;
    if (create->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE ||
        create->query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return od_sql_refuse(&session->binder, relation->location, "this form of CREATE ... AS");
    const struct od_plan *plan = od_session_bind(session, create->query->select_stmt);
    struct od_table *answer = od_session_run_plan(session, plan);
    if (answer != NULL && check_column_names(session, create->into->col_names, create->into->n_col_names,
                                             &answer->schema, relation->location, &schema)) {
        definition = od_definition_of_table(session, relation->relname, &schema, NULL);
        for (uint32_t i = 0; i < schema.field_count && definition != NULL; i++) {
            uint32_t steps_left = TYPE_STEPS_MAX;
            definition->schema.fields[i].nullable = true;
            definition->types[i] = type_of_column(session, plan, i, &steps_left);
        }
    }
    bool done = definition != NULL && put_table(session, create->into->skip_data ? NULL : answer);
    if (done && !create->into->skip_data)
        session->result.changed_count = od_table_row_count(answer);
    od_table_free(session->memory, answer);
    return done;
}

/* --- CREATE VIEW ---------------------------------------------------------------------------------------- */

/* PostgreSQL: a view that is replaced keeps its columns, and may get more at the end. */
static bool check_replacement(struct od_session *session, const struct od_definition *old,
                              const struct od_schema *schema, const PgQuery__RangeVar *view)
{
    struct od_binder *binder = &session->binder;
    const struct od_schema *before = &old->schema;
    if (old->kind != OD_ENTRY_VIEW)
        return od_sql_wrong(binder, view->location, "\"%s\" is not a view", view->relname);
    if (before->field_count > schema->field_count)
        return od_sql_wrong(binder, view->location, "cannot drop columns from view");
    for (uint32_t i = 0; i < before->field_count; i++) {
        const struct od_field *field = &before->fields[i];
        bool same_name = strcmp(field->name, schema->fields[i].name) == 0;
        if (!same_name || field->type != schema->fields[i].type)
            return od_sql_wrong(binder, view->location, "cannot change %s of view column \"%s\"",
                                same_name ? "data type" : "name", field->name);
    }
    for (uint32_t i = 0; i < session->looked_up_count; i++)
        if (strcmp(session->looked_up[i], view->relname) == 0)
            return od_sql_wrong(binder, view->location,
                                "infinite recursion detected in rules for relation \"%s\"", view->relname);
    return true;
}

/* The view, with the text of its statement and the names that it reads. */
static bool put_view(struct od_session *session, const PgQuery__ViewStmt *create,
                     const struct od_schema *schema)
{
    struct od_definition *view = od_definition_new(session, OD_ENTRY_VIEW, create->view->relname);
    OD_NEED(view != NULL);
    view->create_sql = od_session_keep_text(session, session->statement_sql);
    view->reads = od_arena_take_array(&view->arena, session->looked_up_count, sizeof(*view->reads));
    if (view->reads == NULL)
        return od_sql_no_memory(&session->binder);
    OD_NEED(od_schema_copy(&view->arena, schema, &view->schema, session->binder.error) == OD_OK);
    view->read_count = session->looked_up_count;
    for (uint32_t i = 0; i < view->read_count; i++)
        view->reads[i] = od_session_keep_text(session, session->looked_up[i]);
    OD_NEED(!od_sql_failed(&session->binder));
    od_session_remove(session, view->name);
    return od_session_put(session, NULL);
}

bool od_session_create_view(struct od_session *session, const PgQuery__Node *node)
{
    const PgQuery__ViewStmt *create = node->view_stmt;
    const PgQuery__RangeVar *view = create->view;
    struct od_schema schema;
    bool exists = false;
    OD_NEED(check_new_name(session, view, create->replace, &exists));
    bool checked = create->with_check_option == PG_QUERY__VIEW_CHECK_OPTION__LOCAL_CHECK_OPTION ||
                   create->with_check_option == PG_QUERY__VIEW_CHECK_OPTION__CASCADED_CHECK_OPTION;
    if (checked || create->n_options > 0 || create->query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return od_sql_refuse(&session->binder, view->location, "this form of CREATE VIEW");
    const struct od_plan *plan = od_session_bind(session, create->query->select_stmt);
    OD_NEED(plan != NULL && check_column_names(session, create->aliases, create->n_aliases, &plan->schema,
                                               view->location, &schema));
    if (exists)
        OD_NEED(
            check_replacement(session, od_session_find(session, view->relname)->definition, &schema, view));
    return put_view(session, create, &schema);
}

/* --- CREATE INDEX --------------------------------------------------------------------------------------- */

bool od_session_create_index(struct od_session *session, const PgQuery__Node *node)
{
    const PgQuery__IndexStmt *create = node->index_stmt;
    struct od_binder *binder = &session->binder;
    struct new_index index = {
        .name = od_sql_given(create->idxname) ? create->idxname : NULL,
        .suffix = "idx",
        .unique = create->unique,
        .location = create->relation->location,
    };
    const char **keys = od_sql_take(binder, create->n_index_params, sizeof(*keys));
    const struct od_entry *found = od_session_find_table(session, create->relation);
    OD_NEED(found != NULL && keys != NULL);
    if (index.name != NULL && create->if_not_exists && od_session_find(session, index.name) != NULL)
        return true;
    for (size_t i = 0; i < create->n_index_params; i++) {
        const PgQuery__IndexElem *element = create->index_params[i]->index_elem;
        if (od_sql_given(element->name))
            keys[index.key_count++] = element->name;
        else if (create->unique || element->expr == NULL) /* else: an index is nothing but its UNIQUE here */
            return od_sql_refuse(binder, index.location, "a unique index of an expression");
    }
    index.keys = keys;
    if (create->unique && (create->where_clause != NULL || create->nulls_not_distinct))
        return od_sql_refuse(binder, index.location, "this form of UNIQUE");
    const struct od_entry table = *found; /* the list may move */
    return put_index(session, &table, &index);
}

/* --- DROP ----------------------------------------------------------------------------------------------- */

static const char *dropped_name(const PgQuery__Node *object)
{
    return object->node_case == PG_QUERY__NODE__NODE_LIST && object->list->n_items > 0
               ? od_sql_string(object->list->items[object->list->n_items - 1])
               : NULL;
}

static bool is_dropped(const PgQuery__DropStmt *drop, const char *name)
{
    for (size_t i = 0; i < drop->n_objects; i++)
        if (strcmp(dropped_name(drop->objects[i]), name) == 0)
            return true;
    return false;
}

static bool reads(const struct od_definition *view, const char *name)
{
    for (uint32_t i = 0; i < view->read_count; i++)
        if (strcmp(view->reads[i], name) == 0)
            return true;
    return false;
}

static const struct dropped_kind {
    PgQuery__ObjectType type;
    enum od_entry_kind kind;
    const char *what;
    const char *article;
    const char *tag;
} dropped_kinds[] = {{PG_QUERY__OBJECT_TYPE__OBJECT_TABLE, OD_ENTRY_TABLE, "table", "a", "DROP TABLE"},
                     {PG_QUERY__OBJECT_TYPE__OBJECT_VIEW, OD_ENTRY_VIEW, "view", "a", "DROP VIEW"},
                     {PG_QUERY__OBJECT_TYPE__OBJECT_INDEX, OD_ENTRY_INDEX, "index", "an", "DROP INDEX"}};

static bool check_drop(struct od_session *session, const PgQuery__DropStmt *drop, const char *name,
                       const struct dropped_kind *kind)
{
    struct od_binder *binder = &session->binder;
    const struct od_entry *entry = od_session_find(session, name);
    if (entry == NULL)
        return drop->missing_ok || od_sql_wrong(binder, -1, "%s \"%s\" does not exist", kind->what, name);
    if (entry->definition->kind == OD_ENTRY_REFUSED)
        return true;
    if (entry->definition->kind != kind->kind)
        return od_sql_wrong(binder, -1, "\"%s\" is not %s %s", name, kind->article, kind->what);
    if (entry->definition->constraint)
        return od_sql_wrong(binder, -1, "cannot drop index %s because a constraint requires it", name);
    bool cascades = drop->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    for (uint32_t i = 0; i < session->catalog.count && !cascades; i++) {
        const struct od_definition *other = session->catalog.entries[i].definition;
        if (reads(other, name) && !is_dropped(drop, other->name))
            return od_sql_wrong(binder, -1, "cannot drop %s because other objects depend on it", name);
    }
    return true;
}

/* Also what reads it: only with CASCADE, or when it is dropped by the same statement, is there any such. */
static void drop_with_readers(struct od_session *session, const char *name)
{
    for (uint32_t i = 0; i < session->catalog.count;) {
        struct od_definition *other = session->catalog.entries[i].definition;
        if (!reads(other, name)) {
            i++;
            continue;
        }
        other->reference_count++; /* its name is needed while it goes */
        od_session_remove(session, other->name);
        od_definition_release(session, other);
        i = 0;
    }
    od_session_remove(session, name);
}

bool od_session_drop(struct od_session *session, const PgQuery__Node *node)
{
    const PgQuery__DropStmt *drop = node->drop_stmt;
    struct od_binder *binder = &session->binder;
    size_t kind = 0;
    while (kind < 3 && dropped_kinds[kind].type != drop->remove_type)
        kind++;
    if (kind == 3)
        return od_sql_refuse(binder, -1, "DROP of anything but tables, views and indexes");
    session->result.tag = dropped_kinds[kind].tag;
    for (size_t i = 0; i < drop->n_objects; i++) {
        const char *name = dropped_name(drop->objects[i]);
        const PgQuery__List *list = name == NULL ? NULL : drop->objects[i]->list;
        if (list == NULL ||
            (list->n_items > 1 && strcmp(od_sql_string(list->items[list->n_items - 2]), "public") != 0))
            return od_sql_refuse(binder, -1, "a schema other than public");
        OD_NEED(check_drop(session, drop, name, &dropped_kinds[kind]));
    }
    for (size_t i = 0; i < drop->n_objects; i++)
        drop_with_readers(session, dropped_name(drop->objects[i]));
    return true;
}
