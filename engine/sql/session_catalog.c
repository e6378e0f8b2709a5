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

struct od_definition *od_definition_new(struct od_session *session, enum od_entry_kind kind, const char *name)
{
    struct od_definition *definition = od_take(session->memory, sizeof(*definition));
    if (definition == NULL)
        return NULL;
    *definition = (struct od_definition){.reference_count = 1, .kind = kind};
    od_arena_init(&definition->arena, session->memory, 1024);
    definition->name = od_arena_copy_text(&definition->arena, name, strlen(name));
    if (definition->name == NULL) {
        od_definition_release(session, definition);
        return NULL;
    }
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

enum od_status od_session_catalog_copy(struct od_session *session, const struct od_session_catalog *source,
                                       struct od_session_catalog *copy_out, struct od_error *error)
{
    *copy_out = (struct od_session_catalog){0};
    if (source->count == 0)
        return OD_OK;
    copy_out->entries = od_take_array(session->memory, source->count, sizeof(*copy_out->entries));
    if (copy_out->entries == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening a transaction: relations=%u", source->count);
    copy_out->count = source->count;
    copy_out->capacity = source->count;
    memcpy(copy_out->entries, source->entries, source->count * sizeof(*source->entries));
    for (uint32_t i = 0; i < source->count; i++) {
        source->entries[i].definition->reference_count++;
        if (source->entries[i].rows != NULL)
            source->entries[i].rows->reference_count++;
    }
    return OD_OK;
}

struct od_entry *od_session_find(struct od_session *session, const char *name)
{
    for (uint32_t i = 0; i < session->catalog.count; i++) {
        if (strcmp(session->catalog.entries[i].definition->name, name) == 0)
            return &session->catalog.entries[i];
    }
    return NULL;
}

enum od_status od_session_check_name(struct od_session *session, const PgQuery__RangeVar *relation)
{
    bool elsewhere = relation->catalogname != NULL && relation->catalogname[0] != '\0';
    bool is_public = relation->schemaname == NULL || relation->schemaname[0] == '\0' ||
                     strcmp(relation->schemaname, "public") == 0;
    if (elsewhere || !is_public)
        return od_session_fail(session, OD_UNSUPPORTED, relation->location,
                               "a schema other than public is not supported");
    const struct od_entry *entry = od_session_find(session, relation->relname);
    if (entry != NULL && entry->definition->kind == OD_ENTRY_REFUSED)
        return od_session_fail(session, OD_UNSUPPORTED, relation->location,
                               "relation \"%s\" depends on a statement that was refused", relation->relname);
    return OD_OK;
}

enum od_status od_session_find_table(struct od_session *session, const PgQuery__RangeVar *relation,
                                     struct od_entry **entry_out)
{
    OD_TRY(od_session_check_name(session, relation));
    *entry_out = od_session_find(session, relation->relname);
    if (*entry_out == NULL)
        return od_session_fail(session, OD_BAD_INPUT, relation->location, "relation \"%s\" does not exist",
                               relation->relname);
    if ((*entry_out)->definition->kind != OD_ENTRY_TABLE)
        return od_session_fail(session, OD_BAD_INPUT, relation->location, "\"%s\" is not a table",
                               relation->relname);
    return OD_OK;
}

enum od_status od_session_put(struct od_session *session, struct od_definition *definition,
                              struct od_table *table)
{
    struct od_session_catalog *catalog = &session->catalog;
    struct od_rows *rows = NULL;
    if (catalog->count == catalog->capacity) {
        uint32_t capacity = catalog->capacity == 0 ? 8 : 2 * catalog->capacity;
        void *grown =
            od_resize(session->memory, catalog->entries, catalog->capacity * sizeof(*catalog->entries),
                      capacity * sizeof(*catalog->entries));
        if (grown == NULL)
            goto no_memory;
        catalog->entries = grown;
        catalog->capacity = capacity;
    }
    if (table != NULL) {
        rows = od_take(session->memory, sizeof(*rows));
        if (rows == NULL)
            goto no_memory;
        *rows = (struct od_rows){1, table};
    }
    catalog->entries[catalog->count++] = (struct od_entry){definition, rows};
    return OD_OK;
no_memory:
    od_definition_release(session, definition);
    od_table_free(session->memory, table);
    return od_session_no_memory(session);
}

enum od_status od_session_replace_rows(struct od_session *session, struct od_entry *entry,
                                       struct od_table *table)
{
    struct od_rows *rows = od_take(session->memory, sizeof(*rows));
    if (rows == NULL) {
        od_table_free(session->memory, table);
        return od_session_no_memory(session);
    }
    *rows = (struct od_rows){1, table};
    rows_release(session, entry->rows);
    entry->rows = rows;
    return OD_OK;
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
static bool find_view(void *self, const char *name, struct od_sql_view *view_out)
{
    struct od_session *session = self;
    const char **place =
        od_sql_append(&session->binder, &session->looked_up, &session->looked_up_count, sizeof(*place));
    const char *copy =
        od_arena_copy_text(&session->statement_arena, name, strlen(name)); /* a view's tree dies */
    if (place == NULL || copy == NULL) {
        session->looked_up_count = 0;
        session->lookup_failed = true;
    } else {
        *place = copy;
    }
    const struct od_entry *entry = od_session_find(session, name);
    if (entry == NULL || entry->definition->kind != OD_ENTRY_VIEW)
        return false;
    *view_out = entry->definition->view;
    return true;
}

enum od_status od_session_show_tables(struct od_session *session)
{
    const struct od_table **tables =
        od_arena_take_array(&session->statement_arena, session->catalog.count, sizeof(*tables));
    if (tables == NULL)
        return od_session_no_memory(session);
    session->tables = (struct od_catalog){0, tables};
    for (uint32_t i = 0; i < session->catalog.count; i++) {
        if (session->catalog.entries[i].rows != NULL)
            tables[session->tables.table_count++] = session->catalog.entries[i].rows->table;
    }
    session->context = (struct od_sql_context){
        .catalog = &session->tables,
        .null_order = session->null_order,
        .find_view = find_view,
        .self = session,
        .evaluate_constant = session->runner.evaluate_constant,
    };
    session->looked_up_count = 0;
    session->looked_up = NULL;
    session->lookup_failed = false;
    return OD_OK;
}
