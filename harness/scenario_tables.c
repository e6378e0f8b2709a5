/* scenario_tables: a scenario's tables, from its generators or from files. */
#include <stdio.h>

#include "engine/core/assert.h"
#include "harness/scenario.h"
#include "harness/table_file.h"
#include "harness/thousandths.h"
#include "scenarios/generate.h"

#define SCALED_ROWS_MAX                                                                                      \
    1000000000u /* at the scale that is run; a scenario itself says at most a tenth of it */

static bool is_from_file(const struct od_scenario_table *table, const char *directory)
{
    return directory != NULL && table->file != NULL;
}

/* Its first rows, where it has more than that. */
static enum od_status cut_table(struct od_memory *memory, uint64_t rows_max, struct od_table **table, struct od_error *error)
{
    struct od_batch rows = od_table_view(*table);
    if (rows_max == 0 || rows.row_count <= rows_max)
        return OD_OK;
    struct od_table *cut = od_table_new(memory, (*table)->name, &(*table)->schema, error);
    if (cut == NULL)
        return OD_NO_MEMORY;
    enum od_status status = od_batch_builder_append_rows(&cut->rows, &rows, NULL, 0, (uint32_t)rows_max, error);
    od_table_finish(cut);
    od_table_free(memory, *table);
    *table = cut;
    return status;
}

static enum od_status read_table(struct od_memory *memory, const struct od_scenario_table *table,
                                 const struct od_table_source *source, struct od_table **table_out, struct od_error *error)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", source->directory, table->file);
    OD_TRY(od_table_file_read(memory, table->name, path, table_out, error));
    return cut_table(memory, source->rows_max, table_out, error);
}

static uint64_t rows_of(const struct od_scenario_table *table, const struct od_table_source *source)
{
    const struct od_generator *generator = od_generator_find(table->generator);
    od_assert(generator != NULL); /* od_scenario_parse has looked */
    uint64_t rows = table->rows != 0 ? table->rows : generator->rows_default;
    if (generator->rows_are_fixed)
        return rows;
    rows = od_rows_at_scale(rows, source->scale_thousandths);
    return source->rows_max != 0 && rows > source->rows_max ? source->rows_max : rows;
}

/* Asked of all tables before the first is made: making one can take minutes. */
static enum od_status check_table(const struct od_scenario_table *table, const struct od_table_source *source,
                                  struct od_error *error)
{
    if (table->generator == NULL)
        return od_fail(error, OD_BAD_INPUT, "table %s has no generator: expected --data DIR with %s",
                       table->name, table->file);
    uint64_t rows = rows_of(table, source);
    return rows <= SCALED_ROWS_MAX
               ? OD_OK
               : od_fail(error, OD_BAD_INPUT, "table %s: expected at most %u rows, found %llu at scale %g",
                         table->name, SCALED_ROWS_MAX, (unsigned long long)rows,
                         (double)source->scale_thousandths / (double)OD_SCALE_ONE);
}

enum od_status od_scenario_load_tables(struct od_memory *memory, const struct od_scenario *scenario,
                                       const struct od_table_source *source, struct od_table **tables,
                                       struct od_error *error)
{
    struct od_table_source from = *source;
    if (from.scale_thousandths == 0)
        from.scale_thousandths = scenario->scale_thousandths;
    enum od_status status = OD_OK;
    for (uint32_t i = 0; status == OD_OK && i < scenario->tables_count; i++)
        if (!is_from_file(&scenario->tables[i], from.directory))
            status = check_table(&scenario->tables[i], &from, error);
    for (uint32_t i = 0; status == OD_OK && i < scenario->tables_count; i++) {
        const struct od_scenario_table *table = &scenario->tables[i];
        status = is_from_file(table, from.directory)
                     ? read_table(memory, table, &from, &tables[i], error)
                     : od_generator_find(table->generator)
                           ->make(memory, table->name, rows_of(table, &from), from.seed, &tables[i], error);
    }
    return status;
}
