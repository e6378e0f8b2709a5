/* session_catalog: see session_state.h. A list, searched from its front: sessions have tens of tables. */
#include <string.h>

#include "engine/core/assert.h"
#include "engine/sql/session_state.h"

static void rows_release(struct od_session *session, struct od_rows *rows)
{
    if (rows == NULL || --rows->reference_count > 0)
        return;
    od_table_free(session->memory, rows->table);
    od_give(session->memory, rows, sizeof(*rows));
}

/* Takes the table over, also on failure. */
static struct od_rows *rows_new(struct od_session *session, struct od_table *table)
{
    struct od_rows *rows = od_take(session->memory, sizeof(*rows));
    if (rows == NULL) {
        od_table_free(session->memory, table);
        return od_sql_no_memory(&session->binder);
    }
    *rows = (struct od_rows){1, table};
    return rows;
}

const char *od_session_keep_text(struct od_session *session, const char *text)
{
    const char *copy = od_arena_copy_text(&session->draft->arena, text, strlen(text));
    return copy != NULL ? copy : od_sql_no_memory(&session->binder);
}

struct od_definition *od_definition_new(struct od_session *session, enum od_entry_kind kind, const char *name)
{
    struct od_definition *definition = od_take(session->memory, sizeof(*definition));
    od_assert(session->draft == NULL);
    if (definition == NULL)
        return od_sql_no_memory(&session->binder);
    *definition = (struct od_definition){.reference_count = 1, .kind = kind};
    od_arena_init(&definition->arena, session->memory, 1024);
    session->draft = definition;
    definition->name = od_session_keep_text(session, name);
    return definition->name == NULL ? NULL : definition;
}

struct od_definition *od_definition_of_table(struct od_session *session, const char *name,
                                             const struct od_schema *schema, const struct od_sql_type *types)
{
    struct od_definition *definition = od_definition_new(session, OD_ENTRY_TABLE, name);
    OD_NEED(definition != NULL);
    uint32_t count = schema->field_count;
    definition->column_count = count;
    definition->types = od_arena_take_array(&definition->arena, count, sizeof(*definition->types));
    definition->defaults = od_arena_take_array(&definition->arena, count, sizeof(*definition->defaults));
    if (definition->types == NULL || definition->defaults == NULL)
        return od_sql_no_memory(&session->binder);
    for (uint32_t i = 0; i < count; i++) {
        struct od_sql_type of_field = {.type = schema->fields[i].type};
        definition->types[i] = types == NULL ? of_field : types[i];
        definition->defaults[i] = (struct od_value){.type = of_field.type, .is_null = true};
    }
    OD_NEED(od_schema_copy(&definition->arena, schema, &definition->schema, session->binder.error) == OD_OK);
    return definition;
}

void od_definition_release(struct od_session *session, struct od_definition *definition)
{
    if (definition == NULL || --definition->reference_count > 0)
        return;
    od_arena_release(&definition->arena);
    od_give(session->memory, definition, sizeof(*definition));
}

void od_session_catalog_release(struct od_session *session, struct od_session_catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->count; i++) {
        od_definition_release(session, catalog->entries[i].definition);
        rows_release(session, catalog->entries[i].rows);
    }
    od_give(session->memory, catalog->entries, catalog->capacity * sizeof(*catalog->entries));
    *catalog = (struct od_session_catalog){0};
}

bool od_session_snapshot(struct od_session *session)
{
    const struct od_session_catalog *catalog = &session->catalog;
    struct od_entry *entries = od_take_array(session->memory, catalog->count, sizeof(*entries));
    if (entries == NULL && catalog->count > 0)
        return od_sql_no_memory(&session->binder);
    session->before = (struct od_session_catalog){catalog->count, catalog->count, entries};
    for (uint32_t i = 0; i < catalog->count; i++) {
        entries[i] = catalog->entries[i];
        entries[i].definition->reference_count++;
        if (entries[i].rows != NULL)
            entries[i].rows->reference_count++;
    }
    return true;
}

struct od_entry *od_session_find(struct od_session *session, const char *name)
{
    for (uint32_t i = 0; i < session->catalog.count; i++)
        if (strcmp(session->catalog.entries[i].definition->name, name) == 0)
            return &session->catalog.entries[i];
    return NULL;
}

bool od_session_check_name(struct od_session *session, const PgQuery__RangeVar *relation)
{
    struct od_binder *binder = &session->binder;
    if (od_sql_given(relation->catalogname) ||
        (od_sql_given(relation->schemaname) && strcmp(relation->schemaname, "public") != 0))
        return od_sql_refuse(binder, relation->location, "a schema other than public");
    const struct od_entry *entry = od_session_find(session, relation->relname);
    if (entry != NULL && entry->definition->kind == OD_ENTRY_REFUSED)
        return od_sql_fail(binder, OD_UNSUPPORTED, relation->location,
                           "relation \"%s\" depends on a statement that was refused", relation->relname);
    return true;
}

struct od_entry *od_session_find_table(struct od_session *session, const PgQuery__RangeVar *relation)
{
    struct od_binder *binder = &session->binder;
    OD_NEED(od_session_check_name(session, relation));
    struct od_entry *entry = od_session_find(session, relation->relname);
    if (entry == NULL)
        return od_sql_wrong(binder, relation->location, "relation \"%s\" does not exist", relation->relname);
    if (entry->definition->kind != OD_ENTRY_TABLE)
        return od_sql_wrong(binder, relation->location, "\"%s\" is not a table", relation->relname);
    return entry;
}

bool od_session_put(struct od_session *session, struct od_table *table)
{
    struct od_session_catalog *catalog = &session->catalog;
    if (!od_grow(session->memory, &catalog->entries, &catalog->capacity, (uint64_t)catalog->count + 1,
                 sizeof(*catalog->entries))) {
        od_table_free(session->memory, table);
        return od_sql_no_memory(&session->binder);
    }
    struct od_rows *rows = table == NULL ? NULL : rows_new(session, table);
    OD_NEED(table == NULL || rows != NULL);
    catalog->entries[catalog->count++] = (struct od_entry){session->draft, rows};
    session->draft = NULL;
    return true;
}

bool od_session_replace_rows(struct od_session *session, struct od_entry *entry, struct od_table *table)
{
    struct od_rows *rows = rows_new(session, table);
    OD_NEED(rows != NULL);
    rows_release(session, entry->rows);
    entry->rows = rows;
    return true;
}

struct od_table *od_session_join_rows(struct od_session *session, const struct od_definition *definition,
                                      const struct od_table *first, const struct od_table *second)
{
    const struct od_table *const parts[] = {first, second};
    struct od_error *error = session->binder.error;
    struct od_table *table = od_table_new(session->memory, definition->name, &definition->schema, error);
    OD_NEED(table != NULL);
    for (int i = 0; i < 2; i++) {
        struct od_batch view = parts[i] == NULL ? (struct od_batch){0} : od_table_view(parts[i]);
        if (view.row_count > 0 && !od_sql_failed(&session->binder))
            od_batch_builder_append_rows(&table->rows, &view, NULL, 0, view.row_count, error);
    }
    if (!od_sql_failed(&session->binder)) {
        od_table_finish(table);
        return table;
    }
    od_table_free(session->memory, table);
    return NULL;
}

void od_session_remove(struct od_session *session, const char *name)
{
    struct od_session_catalog *catalog = &session->catalog;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < catalog->count; i++) {
        struct od_entry *entry = &catalog->entries[i];
        const char *table_name = entry->definition->table_name;
        if (strcmp(entry->definition->name, name) == 0 ||
            (table_name != NULL && strcmp(table_name, name) == 0)) {
            od_definition_release(session, entry->definition);
            rows_release(session, entry->rows);
        } else {
            catalog->entries[kept++] = *entry;
        }
    }
    catalog->count = kept;
}

/* --- for the binder ------------------------------------------------------------------------------------- */

/* The binder asks for each name here first, so this is also where names are noted. */
static const char *find_view(void *self, const char *name)
{
    struct od_session *session = self;
    struct od_binder *binder = &session->binder;
    const char *copy =
        od_arena_copy_text(&session->statement_arena, name, strlen(name)); /* its tree may die */
    if (copy == NULL)
        return od_sql_no_memory(binder);
    OD_NEED(od_sql_append(binder, &session->looked_up, &session->looked_up_count, &copy, sizeof(copy)));
    const struct od_entry *entry = od_session_find(session, name);
    return entry != NULL && entry->definition->kind == OD_ENTRY_VIEW ? entry->definition->create_sql : NULL;
}

static struct od_sql_key find_key(void *self, const char *table)
{
    const struct od_session *session = self;
    for (uint32_t i = 0; i < session->catalog.count; i++) {
        const struct od_definition *index = session->catalog.entries[i].definition;
        if (index->kind == OD_ENTRY_INDEX && index->primary && strcmp(index->table_name, table) == 0)
            return (struct od_sql_key){index->column_count, index->columns};
    }
    return (struct od_sql_key){0};
}

bool od_session_show_tables(struct od_session *session)
{
    const struct od_table **tables = od_sql_take(&session->binder, session->catalog.count, sizeof(*tables));
    OD_NEED(tables != NULL);
    session->tables = (struct od_catalog){0, tables};
    for (uint32_t i = 0; i < session->catalog.count; i++)
        if (session->catalog.entries[i].rows != NULL)
            tables[session->tables.table_count++] = session->catalog.entries[i].rows->table;
    session->context = (struct od_sql_context){
        .catalog = &session->tables,
        .null_order = session->null_order,
        .find_view = find_view,
        .find_key = find_key,
        .self = session,
        .evaluate_constant = session->runner.evaluate_constant,
    };
    session->looked_up_count = 0;
    session->looked_up = NULL;
    return true;
}
