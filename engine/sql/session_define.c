/* session_define: CREATE and DROP.
 *
 * A definition is built aside, in its own arena, and put into the catalogue when it is whole; a table's
 * unique constraints are entries of their own, named as PostgreSQL names them, and go with the table.
 * Dropping what a view reads needs CASCADE. */
#include <pg_query.h>
#include <stdio.h>
#include <string.h>

#include "engine/sql/session_state.h"

static enum od_status fail(struct od_session *session, enum od_status status, int32_t location,
                           const char *format, const char *name)
{
    char text[160];
    snprintf(text, sizeof(text), format, name);
    return od_session_fail(session, status, location, "%s", text);
}

/* OK with *exists_out when "IF NOT EXISTS" makes an existing name harmless. */
static enum od_status check_new_name(struct od_session *session, const PgQuery__RangeVar *relation,
                                     bool if_not_exists, bool *exists_out)
{
    OD_TRY(od_session_check_name(session, relation));
    *exists_out = od_session_find(session, relation->relname) != NULL;
    if (*exists_out && !if_not_exists)
        return fail(session, OD_BAD_INPUT, relation->location, "relation \"%s\" already exists",
                    relation->relname);
    return OD_OK;
}

static enum od_status check_field_names(struct od_session *session, const struct od_schema *schema,
                                        int32_t location)
{
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (od_schema_find(schema, schema->fields[i].name) != i)
            return fail(session, OD_BAD_INPUT, location, "column \"%s\" specified more than once",
                        schema->fields[i].name);
        if (schema->fields[i].type == OD_TYPE_INTERVAL)
            return fail(session, OD_UNSUPPORTED, location,
                        "a column of type interval is not supported: \"%s\"", schema->fields[i].name);
    }
    return OD_OK;
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

static enum od_status put_index(struct od_session *session, const struct od_entry *table,
                                const struct new_index *index)
{
    const struct od_definition *target = table->definition;
    uint32_t *columns = od_arena_take_array(&session->statement_arena, index->key_count, sizeof(*columns));
    if (columns == NULL)
        return od_session_no_memory(session);
    for (uint32_t i = 0; i < index->key_count; i++) {
        columns[i] = od_schema_find(&target->schema, index->keys[i]);
        if (columns[i] == OD_FIELD_NONE)
            return fail(session, OD_BAD_INPUT, index->location, "column \"%s\" does not exist",
                        index->keys[i]);
    }
    bool is_primary = strcmp(index->suffix, "pkey") == 0;
    const char *name = index->name != NULL
                           ? index->name
                           : choose_index_name(session, target->name, &target->schema, columns,
                                               is_primary ? 0 : index->key_count, index->suffix);
    struct od_definition *definition = name == NULL ? NULL : od_definition_new(session, OD_ENTRY_INDEX, name);
    if (definition == NULL)
        return od_session_no_memory(session);
    uint32_t *kept = od_arena_take_array(&definition->arena, index->key_count, sizeof(*columns));
    definition->table_name = od_arena_copy_text(&definition->arena, target->name, strlen(target->name));
    if (kept == NULL || definition->table_name == NULL) {
        od_definition_release(session, definition);
        return od_session_no_memory(session);
    }
    memcpy(kept, columns, index->key_count * sizeof(*columns));
    definition->columns = kept;
    definition->column_count = index->key_count;
    definition->unique = index->unique;
    definition->constraint = index->constraint;
    definition->primary = is_primary && index->constraint;
    enum od_status status =
        index->unique ? od_session_check_index(session, definition, table->rows->table) : OD_OK;
    if (status != OD_OK) {
        od_definition_release(session, definition);
        return status;
    }
    return od_session_put(session, definition, NULL);
}

static enum od_status refuse_constraint(struct od_session *session, const PgQuery__Constraint *constraint)
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
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].type == constraint->contype)
            text = texts[i].text;
    }
    return fail(session, OD_UNSUPPORTED, constraint->location, "%s is not supported", text);
}

static enum od_status put_unique(struct od_session *session, const struct od_entry *table,
                                 const PgQuery__Constraint *constraint, const PgQuery__ColumnDef *column)
{
    bool is_primary = constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY;
    struct new_index index = {
        .name = constraint->conname != NULL && constraint->conname[0] != '\0' ? constraint->conname : NULL,
        .suffix = is_primary ? "pkey" : "key",
        .unique = true,
        .constraint = true,
        .key_count = column != NULL ? 1 : (uint32_t)constraint->n_keys,
        .location = constraint->location,
    };
    const char **keys = od_arena_take_array(&session->statement_arena, index.key_count, sizeof(*keys));
    if (keys == NULL)
        return od_session_no_memory(session);
    for (uint32_t i = 0; i < index.key_count; i++)
        keys[i] = column != NULL ? column->colname : od_sql_string(constraint->keys[i]);
    index.keys = keys;
    if (constraint->nulls_not_distinct || constraint->n_including > 0 || constraint->deferrable)
        return fail(session, OD_UNSUPPORTED, constraint->location, "%s is not supported",
                    "this form of UNIQUE");
    if (index.name != NULL && od_session_find(session, index.name) != NULL)
        return fail(session, OD_BAD_INPUT, constraint->location, "relation \"%s\" already exists",
                    index.name);
    return put_index(session, table, &index);
}

/* --- CREATE TABLE --------------------------------------------------------------------------------------- */

/* Calls `visit` for every constraint of a table; `column` is NULL for those of the table. */
typedef enum od_status (*constraint_visit)(struct od_session *session, void *context,
                                           const PgQuery__Constraint *constraint,
                                           const PgQuery__ColumnDef *column);
static enum od_status each_constraint(struct od_session *session, const PgQuery__CreateStmt *create,
                                      constraint_visit visit, void *context)
{
    for (size_t i = 0; i < create->n_table_elts; i++) {
        const PgQuery__Node *element = create->table_elts[i];
        if (element->node_case == PG_QUERY__NODE__NODE_CONSTRAINT)
            OD_TRY(visit(session, context, element->constraint, NULL));
        if (element->node_case != PG_QUERY__NODE__NODE_COLUMN_DEF)
            continue;
        for (size_t k = 0; k < element->column_def->n_constraints; k++)
            OD_TRY(visit(session, context, element->column_def->constraints[k]->constraint,
                         element->column_def));
    }
    return OD_OK;
}

/* A constant of the column's type, kept in the definition. */
static enum od_status set_default(struct od_session *session, struct od_definition *definition,
                                  uint32_t column, const PgQuery__Node *node)
{
    struct od_binder *binder = &session->binder;
    int32_t location = od_sql_location(node);
    struct od_value *value = (struct od_value *)&definition->defaults[column];
    const struct od_expr *expr =
        od_bind_assignment(binder, od_bind_over(binder, NULL, NULL, "DEFAULT", node),
                           definition->types[column], definition->schema.fields[column].name, location);
    OD_TRY(od_session_made(session, expr));
    if (!od_expr_is_constant(expr))
        return fail(session, OD_UNSUPPORTED, location, "%s is not supported",
                    "a DEFAULT that is not constant");
    enum od_status status =
        session->runner.evaluate_constant(expr, &session->statement_arena, value, binder->error);
    od_sql_locate(binder, location);
    if (status != OD_OK)
        return status;
    if (!value->is_null && value->type == OD_TYPE_TEXT) {
        value->text.bytes = od_arena_copy_text(&definition->arena, value->text.bytes, value->text.size);
        if (value->text.bytes == NULL)
            return od_session_no_memory(session);
    }
    return OD_OK;
}

/* What a constraint means for columns; unique ones come later, as entries of the catalogue. */
static enum od_status apply_constraint(struct od_session *session, void *context,
                                       const PgQuery__Constraint *constraint,
                                       const PgQuery__ColumnDef *column)
{
    struct od_definition *definition = context;
    uint32_t index = column == NULL ? OD_FIELD_NONE : od_schema_find(&definition->schema, column->colname);
    const struct od_expr *expr = NULL;
    switch (constraint->contype) {
    case PG_QUERY__CONSTR_TYPE__CONSTR_NULL:
    case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE:
    case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_NOT_DEFERRABLE:
        return OD_OK;
    case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL:
        definition->schema.fields[index].nullable = false;
        return OD_OK;
    case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT:
        return set_default(session, definition, index, constraint->raw_expr);
    case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
        if (column != NULL)
            definition->schema.fields[index].nullable = false;
        for (size_t i = 0; i < constraint->n_keys; i++) {
            index = od_schema_find(&definition->schema, od_sql_string(constraint->keys[i]));
            if (index != OD_FIELD_NONE) /* else put_index says so */
                definition->schema.fields[index].nullable = false;
        }
        return OD_OK;
    case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
        expr = od_bind_over(&session->binder, definition->name, &definition->schema, "CHECK",
                            constraint->raw_expr);
        OD_TRY(od_session_made(session, expr));
        if (expr->type != OD_TYPE_BOOLEAN && !expr->is_untyped)
            return fail(session, OD_BAD_INPUT, constraint->location,
                        "argument of CHECK must be type boolean, not type %s", od_type_text(expr->type));
        definition->create_sql =
            od_arena_copy_text(&definition->arena, session->statement_sql, strlen(session->statement_sql));
        return definition->create_sql == NULL ? od_session_no_memory(session) : OD_OK;
    default:
        return refuse_constraint(session, constraint);
    }
}

/* Whether a table has its primary key already. */
static bool has_primary_key(struct od_session *session, const char *table)
{
    for (uint32_t i = 0; i < session->catalog.count; i++) {
        const struct od_definition *index = session->catalog.entries[i].definition;
        if (index->kind == OD_ENTRY_INDEX && index->primary && strcmp(index->table_name, table) == 0)
            return true;
    }
    return false;
}

static enum od_status apply_unique(struct od_session *session, void *context,
                                   const PgQuery__Constraint *constraint, const PgQuery__ColumnDef *column)
{
    bool is_unique = constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY ||
                     constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE;
    const struct od_entry table = *od_session_find(session, context); /* a copy: the list may move */
    if (constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY && has_primary_key(session, context))
        return fail(session, OD_BAD_INPUT, constraint->location,
                    "multiple primary keys for table \"%s\" are not allowed", context);
    return is_unique ? put_unique(session, &table, constraint, column) : OD_OK;
}

/* Room for the columns' names, types and defaults. */
static enum od_status take_columns(struct od_session *session, struct od_definition *definition,
                                   uint32_t count)
{
    struct od_arena *arena = &definition->arena;
    definition->column_count = count;
    definition->schema =
        (struct od_schema){count, od_arena_take_array(arena, count, sizeof(struct od_field))};
    definition->types = od_arena_take_array(arena, count, sizeof(*definition->types));
    struct od_value *defaults = od_arena_take_array(arena, count, sizeof(*defaults));
    definition->defaults = defaults;
    if (definition->schema.fields == NULL || definition->types == NULL || defaults == NULL)
        return od_session_no_memory(session);
    for (uint32_t i = 0; i < count; i++)
        defaults[i].is_null = true;
    return OD_OK;
}

static enum od_status set_column(struct od_session *session, struct od_definition *definition,
                                 uint32_t column, const char *name, const struct od_sql_type *type)
{
    const char *copy = od_arena_copy_text(&definition->arena, name, strlen(name));
    definition->schema.fields[column] = (struct od_field){copy, type->type, true};
    ((struct od_sql_type *)definition->types)[column] = *type;
    ((struct od_value *)definition->defaults)[column].type = type->type;
    return copy == NULL ? od_session_no_memory(session) : OD_OK;
}

static enum od_status define_columns(struct od_session *session, struct od_definition *definition,
                                     const PgQuery__CreateStmt *create)
{
    uint32_t count = 0;
    for (size_t i = 0; i < create->n_table_elts; i++) {
        PgQuery__Node__NodeCase kind = create->table_elts[i]->node_case;
        if (kind != PG_QUERY__NODE__NODE_COLUMN_DEF && kind != PG_QUERY__NODE__NODE_CONSTRAINT)
            return fail(session, OD_UNSUPPORTED, create->relation->location, "%s is not supported",
                        "LIKE in CREATE TABLE");
        count += kind == PG_QUERY__NODE__NODE_COLUMN_DEF;
    }
    if (count == 0)
        return fail(session, OD_UNSUPPORTED, create->relation->location, "%s is not supported",
                    "a table without columns");
    OD_TRY(take_columns(session, definition, count));
    count = 0;
    for (size_t i = 0; i < create->n_table_elts; i++) {
        struct od_sql_type type = {0};
        if (create->table_elts[i]->node_case != PG_QUERY__NODE__NODE_COLUMN_DEF)
            continue;
        const PgQuery__ColumnDef *column = create->table_elts[i]->column_def;
        if (column->coll_clause != NULL)
            return fail(session, OD_UNSUPPORTED, column->location, "%s is not supported", "COLLATE");
        if (!od_sql_find_type(&session->binder, column->type_name, &type))
            return session->binder.error->status;
        OD_TRY(set_column(session, definition, count++, column->colname, &type));
    }
    OD_TRY(check_field_names(session, &definition->schema, create->relation->location));
    return each_constraint(session, create, apply_constraint, definition);
}

/* Puts a definition into the catalogue with these rows (NULL: none). Takes the definition over, also on
 * failure. */
static enum od_status put_table(struct od_session *session, struct od_definition *definition,
                                const struct od_table *rows)
{
    struct od_error *error = session->binder.error;
    struct od_table *table = od_table_new(session->memory, definition->name, &definition->schema, error);
    enum od_status status = table == NULL ? OD_NO_MEMORY : OD_OK;
    if (status == OD_OK && rows != NULL) {
        struct od_batch view = od_table_view(rows);
        status = od_batch_builder_append_rows(&table->rows, &view, NULL, 0, view.row_count, error);
    }
    if (status != OD_OK) {
        od_definition_release(session, definition);
        od_table_free(session->memory, table);
        return status;
    }
    od_table_finish(table);
    return od_session_put(session, definition, table);
}

enum od_status od_session_create_table(struct od_session *session, const PgQuery__CreateStmt *create)
{
    bool exists = false;
    OD_TRY(check_new_name(session, create->relation, create->if_not_exists, &exists));
    if (exists)
        return OD_OK;
    if (create->n_inh_relations > 0 || create->partspec != NULL || create->of_typename != NULL ||
        create->n_options > 0)
        return fail(session, OD_UNSUPPORTED, create->relation->location, "%s is not supported",
                    "this form of CREATE TABLE");
    struct od_definition *definition = od_definition_new(session, OD_ENTRY_TABLE, create->relation->relname);
    if (definition == NULL)
        return od_session_no_memory(session);
    enum od_status status = define_columns(session, definition, create);
    if (status != OD_OK) {
        od_definition_release(session, definition);
        return status;
    }
    OD_TRY(put_table(session, definition, NULL));
    status = each_constraint(session, create, apply_unique, create->relation->relname);
    if (status != OD_OK)
        od_session_remove(session, create->relation->relname);
    return status;
}

/* The names that a statement gives to the columns of its query, which may be fewer. */
static enum od_status check_column_names(struct od_session *session, PgQuery__Node *const *names,
                                         size_t count, const struct od_schema *schema, int32_t location,
                                         struct od_schema *renamed_out)
{
    if (count > schema->field_count)
        return fail(session, OD_BAD_INPUT, location, "%s", "too many column names were specified");
    OD_TRY(od_schema_copy(&session->statement_arena, schema, renamed_out, session->binder.error));
    for (size_t i = 0; i < count; i++)
        renamed_out->fields[i].name = od_sql_string(names[i]);
    return check_field_names(session, renamed_out, location);
}

static enum od_status define_from_schema(struct od_session *session, struct od_definition *definition,
                                         const struct od_schema *schema)
{
    OD_TRY(take_columns(session, definition, schema->field_count));
    for (uint32_t i = 0; i < schema->field_count; i++)
        OD_TRY(set_column(session, definition, i, schema->fields[i].name,
                          &(struct od_sql_type){.type = schema->fields[i].type}));
    return OD_OK;
}

enum od_status od_session_create_table_as(struct od_session *session,
                                          const PgQuery__CreateTableAsStmt *create)
{
    const PgQuery__RangeVar *relation = create->into->rel;
    struct od_definition *definition = NULL;
    struct od_table *answer = NULL;
    struct od_schema schema;
    bool exists = false;
    OD_TRY(check_new_name(session, relation, create->if_not_exists, &exists));
    if (exists)
        return OD_OK;
    if (create->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE ||
        create->query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return fail(session, OD_UNSUPPORTED, relation->location, "%s is not supported",
                    "this form of CREATE ... AS");
    enum od_status status = od_session_query(session, create->query->select_stmt, &answer);
    if (status != OD_OK)
        goto done;
    status = check_column_names(session, create->into->col_names, create->into->n_col_names, &answer->schema,
                                relation->location, &schema);
    if (status != OD_OK)
        goto done;
    definition = od_definition_new(session, OD_ENTRY_TABLE, relation->relname);
    status =
        definition == NULL ? od_session_no_memory(session) : define_from_schema(session, definition, &schema);
    if (status != OD_OK)
        goto done;
    status = put_table(session, definition, create->into->skip_data ? NULL : answer);
    definition = NULL;
    session->result.changed_count = create->into->skip_data ? 0 : od_table_row_count(answer);
done:
    od_definition_release(session, definition);
    od_table_free(session->memory, answer);
    return status;
}

/* --- CREATE VIEW ---------------------------------------------------------------------------------------- */

static void *take_from_arena(void *arena, size_t bytes)
{
    return od_arena_take_raw(arena, bytes);
}

static void leave_in_arena(void *arena, void *pointer)
{
    (void)arena;
    (void)pointer;
}

/* What stands behind the first AS outside parentheses: the query, as written. NULL: no memory. */
static const char *text_after_as(struct od_session *session)
{
    ProtobufCAllocator allocator = {take_from_arena, leave_in_arena, &session->statement_arena};
    const char *sql = session->statement_sql;
    const char *found = NULL;
    int depth = 0;
    PgQueryScanResult scan = pg_query_scan(sql);
    const PgQuery__ScanResult *tokens =
        scan.error != NULL
            ? NULL
            : pg_query__scan_result__unpack(&allocator, scan.pbuf.len, (const uint8_t *)scan.pbuf.data);
    for (size_t i = 0; tokens != NULL && i < tokens->n_tokens && found == NULL; i++) {
        const PgQuery__ScanToken *token = tokens->tokens[i];
        depth += sql[token->start] == '(' ? 1 : sql[token->start] == ')' ? -1 : 0;
        if (depth == 0 && token->token == PG_QUERY__TOKEN__AS)
            found = sql + token->end;
    }
    pg_query_free_scan_result(scan);
    return found;
}

/* PostgreSQL: a view that is replaced keeps its columns, and may get more at the end. */
static enum od_status check_replacement(struct od_session *session, const struct od_entry *old,
                                        const struct od_schema *schema, const PgQuery__RangeVar *view)
{
    const struct od_schema *before = &old->definition->schema;
    if (old->definition->kind != OD_ENTRY_VIEW)
        return fail(session, OD_BAD_INPUT, view->location, "\"%s\" is not a view", view->relname);
    if (before->field_count > schema->field_count)
        return fail(session, OD_BAD_INPUT, view->location, "%s", "cannot drop columns from view");
    for (uint32_t i = 0; i < before->field_count; i++) {
        if (strcmp(before->fields[i].name, schema->fields[i].name) != 0)
            return fail(session, OD_BAD_INPUT, view->location, "cannot change name of view column \"%s\"",
                        before->fields[i].name);
        if (before->fields[i].type != schema->fields[i].type)
            return fail(session, OD_BAD_INPUT, view->location,
                        "cannot change data type of view column \"%s\"", before->fields[i].name);
    }
    for (uint32_t i = 0; i < session->looked_up_count; i++) {
        if (strcmp(session->looked_up[i], view->relname) == 0)
            return fail(session, OD_BAD_INPUT, view->location,
                        "infinite recursion detected in rules for relation \"%s\"", view->relname);
    }
    return OD_OK;
}

static enum od_status fill_view(struct od_session *session, struct od_definition *definition,
                                const PgQuery__ViewStmt *create, const struct od_schema *schema,
                                const char *sql)
{
    struct od_arena *arena = &definition->arena;
    const char **names = od_arena_take_array(arena, create->n_aliases, sizeof(*names));
    const char *text = od_arena_copy_text(arena, sql, strlen(sql));
    definition->reads = od_arena_take_array(arena, session->looked_up_count, sizeof(*definition->reads));
    if (names == NULL || text == NULL || definition->reads == NULL)
        return od_session_no_memory(session);
    OD_TRY(od_schema_copy(arena, schema, &definition->schema, session->binder.error));
    for (size_t i = 0; i < create->n_aliases; i++)
        names[i] = definition->schema.fields[i].name;
    definition->view = (struct od_sql_view){text, (uint32_t)create->n_aliases, names};
    for (; definition->read_count < session->looked_up_count; definition->read_count++) {
        const char *name = session->looked_up[definition->read_count];
        definition->reads[definition->read_count] = od_arena_copy_text(arena, name, strlen(name));
        if (definition->reads[definition->read_count] == NULL)
            return od_session_no_memory(session);
    }
    return OD_OK;
}

enum od_status od_session_create_view(struct od_session *session, const PgQuery__ViewStmt *create)
{
    const PgQuery__RangeVar *view = create->view;
    const struct od_plan *plan = NULL;
    struct od_schema schema;
    bool exists = false;
    OD_TRY(check_new_name(session, view, create->replace, &exists));
    bool checked = create->with_check_option == PG_QUERY__VIEW_CHECK_OPTION__LOCAL_CHECK_OPTION ||
                   create->with_check_option == PG_QUERY__VIEW_CHECK_OPTION__CASCADED_CHECK_OPTION;
    if (checked || create->n_options > 0 || create->query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return fail(session, OD_UNSUPPORTED, view->location, "%s is not supported",
                    "this form of CREATE VIEW");
    OD_TRY(od_session_show_tables(session));
    plan = od_bind_query(&session->binder, create->query->select_stmt, NULL);
    OD_TRY(od_session_made(session, plan));
    if (session->lookup_failed)
        return od_session_no_memory(session);
    OD_TRY(check_column_names(session, create->aliases, create->n_aliases, &plan->schema, view->location,
                              &schema));
    if (exists)
        OD_TRY(check_replacement(session, od_session_find(session, view->relname), &schema, view));
    const char *sql = text_after_as(session);
    struct od_definition *definition =
        sql == NULL ? NULL : od_definition_new(session, OD_ENTRY_VIEW, view->relname);
    if (definition == NULL)
        return od_session_no_memory(session);
    enum od_status status = fill_view(session, definition, create, &schema, sql);
    if (status != OD_OK) {
        od_definition_release(session, definition);
        return status;
    }
    if (exists)
        od_session_remove(session, view->relname);
    return od_session_put(session, definition, NULL);
}

/* --- CREATE INDEX --------------------------------------------------------------------------------------- */

enum od_status od_session_create_index(struct od_session *session, const PgQuery__IndexStmt *create)
{
    struct od_entry *table = NULL;
    struct new_index index = {
        .name = create->idxname != NULL && create->idxname[0] != '\0' ? create->idxname : NULL,
        .suffix = "idx",
        .unique = create->unique,
        .location = create->relation->location,
    };
    const char **keys = od_arena_take_array(&session->statement_arena, create->n_index_params, sizeof(*keys));
    OD_TRY(od_session_find_table(session, create->relation, &table));
    if (keys == NULL)
        return od_session_no_memory(session);
    if (index.name != NULL && od_session_find(session, index.name) != NULL)
        return create->if_not_exists ? OD_OK
                                     : fail(session, OD_BAD_INPUT, create->relation->location,
                                            "relation \"%s\" already exists", index.name);
    for (size_t i = 0; i < create->n_index_params; i++) {
        const PgQuery__IndexElem *element = create->index_params[i]->index_elem;
        if (element->name == NULL || element->name[0] == '\0') {
            if (create->unique || element->expr == NULL)
                return fail(session, OD_UNSUPPORTED, create->relation->location, "%s is not supported",
                            "a unique index of an expression");
            continue; /* an index is nothing but its UNIQUE here */
        }
        keys[index.key_count++] = element->name;
    }
    index.keys = keys;
    if (create->unique && (create->where_clause != NULL || create->nulls_not_distinct))
        return fail(session, OD_UNSUPPORTED, create->relation->location, "%s is not supported",
                    "this form of UNIQUE");
    const struct od_entry copy = *table; /* the list may move */
    return put_index(session, &copy, &index);
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
    for (size_t i = 0; i < drop->n_objects; i++) {
        if (strcmp(dropped_name(drop->objects[i]), name) == 0)
            return true;
    }
    return false;
}

static bool reads(const struct od_definition *view, const char *name)
{
    for (uint32_t i = 0; i < view->read_count; i++) {
        if (strcmp(view->reads[i], name) == 0)
            return true;
    }
    return false;
}

static enum od_status check_drop(struct od_session *session, const PgQuery__DropStmt *drop, const char *name,
                                 const char *what, enum od_entry_kind kind)
{
    char text[40];
    const struct od_entry *entry = od_session_find(session, name);
    if (entry != NULL && entry->definition->kind == OD_ENTRY_REFUSED)
        return OD_OK;
    if (entry == NULL && !drop->missing_ok) {
        snprintf(text, sizeof(text), "%s \"%%s\" does not exist", what);
        return fail(session, OD_BAD_INPUT, -1, text, name);
    }
    if (entry == NULL)
        return OD_OK;
    if (entry->definition->kind != kind) {
        snprintf(text, sizeof(text), "\"%%s\" is not %s %s", kind == OD_ENTRY_INDEX ? "an" : "a", what);
        return fail(session, OD_BAD_INPUT, -1, text, name);
    }
    if (entry->definition->constraint)
        return fail(session, OD_BAD_INPUT, -1, "cannot drop index %s because a constraint requires it", name);
    for (uint32_t i = 0;
         i < session->catalog.count && drop->behavior != PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE; i++) {
        const struct od_definition *other = session->catalog.entries[i].definition;
        if (reads(other, name) && !is_dropped(drop, other->name))
            return fail(session, OD_BAD_INPUT, -1, "cannot drop %s because other objects depend on it", name);
    }
    return OD_OK;
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

enum od_status od_session_drop(struct od_session *session, const PgQuery__DropStmt *drop)
{
    static const struct {
        PgQuery__ObjectType type;
        enum od_entry_kind kind;
        const char *what;
        const char *tag;
    } kinds[] = {{PG_QUERY__OBJECT_TYPE__OBJECT_TABLE, OD_ENTRY_TABLE, "table", "DROP TABLE"},
                 {PG_QUERY__OBJECT_TYPE__OBJECT_VIEW, OD_ENTRY_VIEW, "view", "DROP VIEW"},
                 {PG_QUERY__OBJECT_TYPE__OBJECT_INDEX, OD_ENTRY_INDEX, "index", "DROP INDEX"}};
    size_t kind = 0;
    while (kind < 3 && kinds[kind].type != drop->remove_type)
        kind++;
    if (kind == 3)
        return fail(session, OD_UNSUPPORTED, -1, "%s is not supported",
                    "DROP of anything but tables, views and indexes");
    session->result.tag = kinds[kind].tag;
    for (size_t i = 0; i < drop->n_objects; i++) {
        const char *name = dropped_name(drop->objects[i]);
        const PgQuery__List *list = name == NULL ? NULL : drop->objects[i]->list;
        if (list == NULL ||
            (list->n_items > 1 && strcmp(od_sql_string(list->items[list->n_items - 2]), "public") != 0))
            return fail(session, OD_UNSUPPORTED, -1, "%s is not supported", "a schema other than public");
        OD_TRY(check_drop(session, drop, name, kinds[kind].what, kinds[kind].kind));
    }
    for (size_t i = 0; i < drop->n_objects; i++)
        drop_with_readers(session, dropped_name(drop->objects[i]));
    return OD_OK;
}
