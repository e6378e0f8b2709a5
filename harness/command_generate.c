/* command_generate: `ordeal generate`: the built-in tables as files, with a schema.sql that declares them.
 *
 * A suite is a list of tables whose numbers of rows belong together at a scale, the same as in its scenario; any single generator can be asked for by its
 * own name. schema.sql has one CREATE TABLE a table, in words that PostgreSQL, DuckDB and `ordeal sql --schema` all take. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/world/posix.h"
#include "harness/commands.h"
#include "harness/exit_status.h"
#include "harness/file.h"
#include "harness/table_file.h"
#include "harness/thousandths.h"
#include "scenarios/generate.h"

struct member {
    const char *table;
    const char *generator;
    uint64_t rows; /* at scale 1; of tables with a fixed number of rows at every scale */
};
struct suite {
    const char *name;
    const char *default_scale;
    struct member members[9]; /* ends with table NULL */
};

static const struct suite suites[] = {
    {"tpch",
     "0.01",
     {{"region", "tpch_region", 5},
      {"nation", "tpch_nation", 25},
      {"part", "tpch_part", 200000},
      {"supplier", "tpch_supplier", 10000},
      {"partsupp", "tpch_partsupp", 800000},
      {"customer", "tpch_customer", 150000},
      {"orders", "tpch_orders", 1500000},
      {"lineitem", "tpch_lineitem", 6000000}}},
    {"h2o",
     "0.01",
     {{"x", "h2o_groups", 1000000},
      {"jx", "h2o_x", 1000000},
      {"jsmall", "h2o_small", 1000000},
      {"jmedium", "h2o_medium", 1000000},
      {"jbig", "h2o_big", 1000000}}},
    {"clickbench", "0.01", {{"hits", "hits", 2000000}}},
};
#define SUITE_COUNT (sizeof(suites) / sizeof(suites[0]))

/* Where tables go, and as what. */
struct target {
    const char *folder;
    const char *ending;
    uint64_t seed;
    struct od_buffer *schema;
};

static bool put_declaration(struct od_buffer *schema, const struct od_table *table)
{
    bool fits = od_buffer_print(schema, "CREATE TABLE %s (", table->name);
    for (uint32_t i = 0; i < table->schema.field_count && fits; i++) {
        const struct od_field *field = &table->schema.fields[i];
        const char *type = field->type == OD_TYPE_DECIMAL ? "numeric(15,2)" : od_type_text(field->type);
        fits = od_buffer_print(schema, "%s\n    %s %s%s", i == 0 ? "" : ",", field->name, type,
                               field->nullable ? "" : " NOT NULL");
    }
    return fits && od_buffer_print(schema, "\n);\n");
}

static enum od_status write_table(const struct target *target, const struct od_table *table,
                                  struct od_error *error)
{
    char path[4096];
    struct od_batch rows = od_table_view(table);
    if (snprintf(path, sizeof(path), "%s/%s.%s", target->folder, table->name, target->ending) >=
        (int)sizeof(path))
        return od_fail(error, OD_BAD_INPUT, "the path of %s is too long", target->folder);
    OD_TRY(od_table_file_write(od_posix_memory(), &rows, path, error));
    if (!put_declaration(target->schema, table))
        return od_fail(error, OD_NO_MEMORY, "declaring %s", table->name);
    printf("%-10s %10u rows  %s\n", table->name, od_table_row_count(table), path);
    return OD_OK;
}

static enum od_status make_table(const struct target *target, const char *name,
                                 const struct od_generator *generator, uint64_t rows, struct od_error *error)
{
    struct od_table *table = NULL;
    enum od_status status = generator->make(od_posix_memory(), name, rows, target->seed, &table, error);
    if (status == OD_OK)
        status = write_table(target, table, error);
    od_table_free(od_posix_memory(), table);
    return status;
}

static enum od_status make_suite(const struct od_arguments *arguments, const struct suite *suite,
                                 const struct target *target, struct od_error *error)
{
    uint64_t scale = 0;
    const char *text = od_arguments_text(arguments, "scale", suite->default_scale);
    enum od_status status =
        od_thousandths_parse("--scale", text, OD_SCALE_MIN, 100 * OD_SCALE_ONE, &scale, error);
    for (const struct member *member = suite->members; status == OD_OK && member->table != NULL; member++) {
        const struct od_generator *generator = od_generator_find(member->generator);
        uint64_t rows = generator->rows_are_fixed ? member->rows : od_rows_at_scale(member->rows, scale);
        status = make_table(target, member->table, generator, rows, error);
    }
    return status;
}

static enum od_status make_single(const struct od_arguments *arguments, const char *name,
                                  const struct target *target, struct od_error *error)
{
    const struct od_generator *generator = od_generator_find(name);
    if (generator == NULL)
        return od_fail(error, OD_BAD_INPUT,
                       "no suite or generator '%s'; expected tpch, h2o, clickbench, or a name of `ordeal "
                       "generate --list`",
                       name);
    uint64_t rows = generator->rows_default;
    enum od_status status = od_arguments_number(arguments, "rows", 0, UINT64_C(1) << 30, &rows, error);
    if (status == OD_OK)
        status = make_table(target, name, generator, rows, error);
    return status;
}

static int list_all(void)
{
    for (size_t i = 0; i < SUITE_COUNT; i++)
        printf("%-14s suite\n", suites[i].name);
    for (uint32_t i = 0; i < od_generator_count; i++)
        printf("%-14s %s\n", od_generators[i].name, od_generators[i].sentence);
    return OD_EXIT_HELD;
}

static int run(const struct od_arguments *arguments)
{
    struct od_error error = {0};
    struct od_buffer schema;
    char path[4096];
    const char *folder = od_arguments_text(arguments, "out", ".");
    struct target target = {folder, od_arguments_text(arguments, "format", "csv"), 1, &schema};
    if (od_arguments_has(arguments, "list"))
        return list_all();
    if (arguments->positional_count != 1) {
        od_fail(&error, OD_BAD_INPUT, "expected one suite or generator; `ordeal generate --list` names them");
        return od_exit_with(&error);
    }
    const char *name = arguments->positional[0];
    const struct suite *suite = NULL;
    for (size_t i = 0; i < SUITE_COUNT; i++)
        if (strcmp(suites[i].name, name) == 0)
            suite = &suites[i];
    od_buffer_init(&schema, od_posix_memory());
    enum od_status status = od_arguments_number(arguments, "seed", 0, UINT64_MAX, &target.seed, &error);
    if (status == OD_OK && !od_table_file_has_format(target.ending))
        status = od_fail(&error, OD_BAD_INPUT, "--format %s: expected csv, jsonl or parquet", target.ending);
    if (status == OD_OK && suite == NULL && od_arguments_has(arguments, "scale"))
        status = od_fail(&error, OD_BAD_INPUT, "--scale is for suites; %s takes --rows", name);
    if (status == OD_OK && suite != NULL && od_arguments_has(arguments, "rows"))
        status = od_fail(&error, OD_BAD_INPUT, "--rows is for single generators; %s takes --scale", name);
    if (status == OD_OK)
        status = od_folder_make(folder, &error);
    if (status == OD_OK && suite != NULL)
        status = make_suite(arguments, suite, &target, &error);
    else if (status == OD_OK)
        status = make_single(arguments, name, &target, &error);
    if (status == OD_OK && snprintf(path, sizeof(path), "%s/schema.sql", folder) >= (int)sizeof(path))
        status = od_fail(&error, OD_BAD_INPUT, "the path of %s is too long", folder);
    if (status == OD_OK)
        status = od_file_write(path, schema.bytes, schema.size, &error);
    od_buffer_release(&schema);
    return status == OD_OK ? OD_EXIT_HELD : od_exit_with(&error);
}

static const struct od_option options[] = {
    {"scale", "X",
     "of a suite: 0.001 to 100, in thousandths; default 0.01 (TPC-H: 60,000 lines; h2o: 10,000 rows; "
     "clickbench: 20,000)",
     false},
    {"rows", "N", "of a single generator", false},
    {"seed", "N", "equal seeds give equal tables; default 1", false},
    {"format", "F", "csv (default), jsonl or parquet (needs DuckDB's library)", false},
    {"out", "DIR", "where the files go; made when missing; default here", false},
    {"list", NULL, "names the suites and generators", false},
    {NULL, NULL, NULL, false}};

const struct od_command od_command_generate = {
    .name = "generate",
    .positional = "SUITE|GENERATOR",
    .positional_min = 0,
    .sentence = "writes the built-in tables as files, with a schema.sql",
    .more = "Example: ordeal generate tpch --scale 0.1 --out /tmp/tpch",
    .options = options,
    .run = run,
};
