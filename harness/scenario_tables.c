/* scenario_tables: a scenario's tables, from its generators or from files. */
#include <stdio.h>

#include "engine/core/assert.h"
#include "harness/scenario.h"
#include "harness/table_file.h"
#include "scenarios/generate.h"

static enum od_status read_table(struct od_memory *memory, const struct od_scenario_table *table,
                                 const char *directory, struct od_table **table_out, struct od_error *error)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, table->file);
    return od_table_file_read(memory, table->name, path, table_out, error);
}

static enum od_status generate_table(struct od_memory *memory, const struct od_scenario_table *table,
                                     uint64_t seed, uint64_t scale, struct od_table **table_out,
                                     struct od_error *error)
{
    if (table->generator == NULL)
        return od_fail(error, OD_BAD_INPUT, "table %s has no generator: expected --data DIR with %s",
                       table->name, table->file);
    const struct od_generator *generator = od_generator_find(table->generator);
    od_assert(generator != NULL); /* od_scenario_parse has looked */
    uint64_t rows = table->rows != 0 ? table->rows : generator->rows_default;
    return generator->make(memory, table->name, generator->rows_are_fixed ? rows : rows * scale, seed, table_out, error);
}

enum od_status od_scenario_load_tables(struct od_memory *memory, const struct od_scenario *scenario,
                                       const char *directory, uint64_t seed, uint64_t scale,
                                       struct od_table **tables, struct od_error *error)
{
    for (uint32_t i = 0; i < scenario->tables_count; i++) {
        const struct od_scenario_table *table = &scenario->tables[i];
        bool from_file = directory != NULL && table->file != NULL;
        enum od_status status = from_file ? read_table(memory, table, directory, &tables[i], error)
                                          : generate_table(memory, table, seed, scale, &tables[i], error);
        if (status != OD_OK)
            return status;
    }
    return OD_OK;
}
