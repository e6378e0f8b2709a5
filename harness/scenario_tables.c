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

static enum od_status read_table(struct od_memory *memory, const struct od_scenario_table *table,
                                 const char *directory, struct od_table **table_out, struct od_error *error)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, table->file);
    return od_table_file_read(memory, table->name, path, table_out, error);
}

static uint64_t rows_of(const struct od_scenario_table *table, uint64_t scale_thousandths)
{
    const struct od_generator *generator = od_generator_find(table->generator);
    od_assert(generator != NULL); /* od_scenario_parse has looked */
    uint64_t rows = table->rows != 0 ? table->rows : generator->rows_default;
    return generator->rows_are_fixed ? rows : od_rows_at_scale(rows, scale_thousandths);
}

/* Asked of all tables before the first is made: making one can take minutes. */
static enum od_status check_table(const struct od_scenario_table *table, uint64_t scale_thousandths,
                                  struct od_error *error)
{
    if (table->generator == NULL)
        return od_fail(error, OD_BAD_INPUT, "table %s has no generator: expected --data DIR with %s",
                       table->name, table->file);
    uint64_t rows = rows_of(table, scale_thousandths);
    return rows <= SCALED_ROWS_MAX
               ? OD_OK
               : od_fail(error, OD_BAD_INPUT, "table %s: expected at most %u rows, found %llu at scale %g",
                         table->name, SCALED_ROWS_MAX, (unsigned long long)rows,
                         (double)scale_thousandths / (double)OD_SCALE_ONE);
}

enum od_status od_scenario_load_tables(struct od_memory *memory, const struct od_scenario *scenario,
                                       const char *directory, uint64_t seed, uint64_t scale_thousandths,
                                       struct od_table **tables, struct od_error *error)
{
    uint64_t scale = scale_thousandths == 0 ? scenario->scale_thousandths : scale_thousandths;
    enum od_status status = OD_OK;
    for (uint32_t i = 0; status == OD_OK && i < scenario->tables_count; i++)
        if (!is_from_file(&scenario->tables[i], directory))
            status = check_table(&scenario->tables[i], scale, error);
    for (uint32_t i = 0; status == OD_OK && i < scenario->tables_count; i++) {
        const struct od_scenario_table *table = &scenario->tables[i];
        status = is_from_file(table, directory)
                     ? read_table(memory, table, directory, &tables[i], error)
                     : od_generator_find(table->generator)
                           ->make(memory, table->name, rows_of(table, scale), seed, &tables[i], error);
    }
    return status;
}
