/* table: a named builder that no longer grows, and the list of them that SQL sees.
 *
 * new -> appends to `rows` -> finish -> scans by any number of threads -> free
 *
 * A view of a builder is written by od_batch_builder_view(), so od_table_finish() does that once and scans
 * only read. */
#include "engine/data/batch.h"

#include <string.h>

#include "engine/core/assert.h"

#define TABLE_ARENA_BYTES 1024

struct od_table *od_table_new(struct od_memory *memory, const char *name, const struct od_schema *schema,
                              struct od_error *error)
{
    struct od_table *table = od_take(memory, sizeof(*table));
    if (table == NULL)
        goto no_memory;
    od_arena_init(&table->table_arena, memory, TABLE_ARENA_BYTES);
    table->name = od_arena_copy_text(&table->table_arena, name, strlen(name));
    if (table->name == NULL)
        goto no_memory;
    if (od_schema_copy(&table->table_arena, schema, &table->schema, NULL) != OD_OK)
        goto no_memory;
    if (od_batch_builder_init(&table->rows, memory, &table->schema, NULL) != OD_OK)
        goto no_memory;
    od_table_finish(table);
    return table;
no_memory:
    od_table_free(memory, table);
    od_fail(error, OD_NO_MEMORY, "making a table: %s", name);
    return NULL;
}

struct od_table *od_table_borrow(struct od_memory *memory, const char *name, const struct od_schema *schema,
                                 const struct od_column *columns, uint32_t row_count, struct od_error *error)
{
    struct od_table *table = od_table_new(memory, name, schema, error);
    if (table == NULL)
        return NULL;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        od_assert(columns[i].type == schema->fields[i].type);
        od_assert(columns[i].row_count == row_count);
        table->rows.views[i] = columns[i];
    }
    table->rows.row_count = row_count;
    return table;
}

void od_table_free(struct od_memory *memory, struct od_table *table)
{
    if (table == NULL)
        return;
    od_batch_builder_release(&table->rows);
    od_arena_release(&table->table_arena);
    od_give(memory, table, sizeof(*table));
}

uint32_t od_table_row_count(const struct od_table *table)
{
    return table->rows.row_count;
}

void od_table_finish(struct od_table *table)
{
    od_batch_builder_view(&table->rows);
}

struct od_batch od_table_view(const struct od_table *table)
{
    for (uint32_t i = 0; i < table->schema.field_count; i++)
        od_assert(table->rows.views[i].row_count == table->rows.row_count); /* finished */
    return (struct od_batch){
        .schema = &table->schema, .row_count = table->rows.row_count, .columns = table->rows.views};
}

const struct od_table *od_catalog_find(const struct od_catalog *catalog, const char *name)
{
    for (uint32_t i = 0; i < catalog->table_count; i++) {
        if (strcmp(catalog->tables[i]->name, name) == 0)
            return catalog->tables[i];
    }
    return NULL;
}
