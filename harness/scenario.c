/* scenario: YAML -> struct.
 *
 *   shape (scenario_shape.c) -> libcyaml loads by the same schema -> meaning: names, generators, limits (this file)
 *
 * Every mistake is told with its line and column; a new key is one row in a table of fields below. */
#include "harness/scenario.h"

#include <cyaml/cyaml.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/world/posix.h"
#include "harness/file.h"
#include "harness/scenario_shape.h"
#include "harness/thousandths.h"
#include "scenarios/generate.h"

#define TEXT(key, flags, structure, member)                                                                  \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | (flags), structure, member, 1, CYAML_UNLIMITED)
#define LIST(key, flags, structure, member, schema, least)                                                   \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | (flags), structure, member, schema, least, CYAML_UNLIMITED)

static const cyaml_schema_field_t table_fields[] = {
    TEXT("name", 0, struct od_scenario_table, name),
    TEXT("generator", CYAML_FLAG_OPTIONAL, struct od_scenario_table, generator),
    CYAML_FIELD_UINT("rows", CYAML_FLAG_OPTIONAL, struct od_scenario_table, rows),
    TEXT("file", CYAML_FLAG_OPTIONAL, struct od_scenario_table, file),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t table_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct od_scenario_table, table_fields)};

static const cyaml_schema_field_t query_fields[] = {
    TEXT("name", 0, struct od_scenario_query, name),
    TEXT("asks", 0, struct od_scenario_query, asks),
    TEXT("sql", 0, struct od_scenario_query, sql),
    TEXT("sqlite", CYAML_FLAG_OPTIONAL, struct od_scenario_query, sqlite),
    TEXT("duckdb", CYAML_FLAG_OPTIONAL, struct od_scenario_query, duckdb),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t query_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct od_scenario_query, query_fields)};

static const cyaml_schema_field_t schedule_fields[] = {
    TEXT("name", 0, struct od_scenario_schedule, name),
    TEXT("faults", 0, struct od_scenario_schedule, faults),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schedule_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct od_scenario_schedule, schedule_fields)};

static const cyaml_schema_field_t cluster_fields[] = {
    CYAML_FIELD_UINT("executors", CYAML_FLAG_OPTIONAL, struct od_scenario_cluster, executors),
    CYAML_FIELD_UINT("slots", CYAML_FLAG_OPTIONAL, struct od_scenario_cluster, slots),
    CYAML_FIELD_UINT("partitions", CYAML_FLAG_OPTIONAL, struct od_scenario_cluster, partitions),
    CYAML_FIELD_UINT("scan_tasks", CYAML_FLAG_OPTIONAL, struct od_scenario_cluster, scan_tasks),
    CYAML_FIELD_UINT("batch_rows", CYAML_FLAG_OPTIONAL, struct od_scenario_cluster, batch_rows),
    TEXT("options", CYAML_FLAG_OPTIONAL, struct od_scenario_cluster, options),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t ordeal_fields[] = {
    CYAML_FIELD_UINT("sim", CYAML_FLAG_OPTIONAL, struct od_scenario_ordeal, sim),
    CYAML_FIELD_UINT("threads", CYAML_FLAG_OPTIONAL, struct od_scenario_ordeal, threads),
    CYAML_FIELD_UINT("faults", CYAML_FLAG_OPTIONAL, struct od_scenario_ordeal, faults),
    LIST("schedules", CYAML_FLAG_OPTIONAL, struct od_scenario_ordeal, schedules, &schedule_value, 0),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t scenario_fields[] = {
    TEXT("name", 0, struct od_scenario, name),
    TEXT("title", 0, struct od_scenario, title),
    TEXT("about", CYAML_FLAG_OPTIONAL, struct od_scenario, about),
    TEXT("scale", CYAML_FLAG_OPTIONAL, struct od_scenario, scale),
    CYAML_FIELD_UINT("seed", CYAML_FLAG_OPTIONAL, struct od_scenario, seed),
    LIST("tables", 0, struct od_scenario, tables, &table_value, 1),
    LIST("queries", 0, struct od_scenario, queries, &query_value, 1),
    CYAML_FIELD_MAPPING_PTR("cluster", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct od_scenario, cluster,
                            cluster_fields),
    CYAML_FIELD_MAPPING_PTR("ordeal", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct od_scenario, ordeal,
                            ordeal_fields),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t scenario_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct od_scenario, scenario_fields)};

/* Silent: what libcyaml could say has been said before, with its place. */
static const cyaml_config_t config = {.log_fn = NULL, .mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR};

/* --- meaning -------------------------------------------------------------------------------------------------- */

#define TABLE_ROWS_MAX 100000000u

struct source {
    const char *name;
    const char *text;
    size_t size;
};

/* A mistake in what stands at the path. */
static enum od_status fail_at_path(const struct source *source, struct od_error *error, const char *path,
                                   const char *what)
{
    struct od_scenario_place place;
    od_scenario_locate(source->text, source->size, path, 0, 0, &place);
    return od_fail_at(error, OD_BAD_INPUT, place.line, place.column, "%.90s: %s", source->name, what);
}

static bool is_word(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(text);
}

static enum od_status check_table(const struct source *source, const struct od_scenario_table *table,
                                  uint32_t index, struct od_error *error)
{
    char path[40];
    char what[200];
    snprintf(path, sizeof(path), "tables/%u%s", index, table->generator == NULL ? "" : "/generator");
    if (table->generator == NULL && table->file == NULL) {
        snprintf(what, sizeof(what), "table %.60s: expected a generator or a file", table->name);
        return fail_at_path(source, error, path, what);
    }
    if (table->rows > TABLE_ROWS_MAX) {
        snprintf(path, sizeof(path), "tables/%u/rows", index);
        snprintf(what, sizeof(what), "table %.60s: expected at most %u rows", table->name, TABLE_ROWS_MAX);
        return fail_at_path(source, error, path, what);
    }
    if (table->generator == NULL || od_generator_find(table->generator) != NULL)
        return OD_OK;
    snprintf(what, sizeof(what), "unknown generator %.40s; expected one of ", table->generator);
    for (uint32_t i = 0; i < od_generator_count; i++)
        snprintf(what + strlen(what), sizeof(what) - strlen(what), "%s%s", i == 0 ? "" : ", ",
                 od_generators[i].name);
    return fail_at_path(source, error, path, what);
}

/* Fails when the `index`-th name of a list stands before in it. */
static enum od_status check_unique(const struct source *source, const char *list, const char *name,
                                   const char *other, uint32_t index, struct od_error *error)
{
    char path[60];
    char what[120];
    if (strcmp(name, other) != 0)
        return OD_OK;
    snprintf(path, sizeof(path), "%s/%u/name", list, index);
    snprintf(what, sizeof(what), "%s: two of them are named %.60s", list, name);
    return fail_at_path(source, error, path, what);
}

static enum od_status check_names(const struct source *source, const struct od_scenario *scenario,
                                  struct od_error *error)
{
    const struct od_scenario_ordeal *ordeal = scenario->ordeal;
    enum od_status status = OD_OK;
    if (!is_word(scenario->name))
        return fail_at_path(source, error, "name", "expected letters, digits and _ in the name");
    for (uint32_t i = 0; i < scenario->tables_count; i++) {
        for (uint32_t j = 0; j < i && status == OD_OK; j++)
            status =
                check_unique(source, "tables", scenario->tables[i].name, scenario->tables[j].name, i, error);
    }
    for (uint32_t i = 0; i < scenario->queries_count; i++) {
        for (uint32_t j = 0; j < i && status == OD_OK; j++)
            status = check_unique(source, "queries", scenario->queries[i].name, scenario->queries[j].name, i,
                                  error);
    }
    for (uint32_t i = 0; ordeal != NULL && i < ordeal->schedules_count; i++) {
        for (uint32_t j = 0; j < i && status == OD_OK; j++)
            status = check_unique(source, "ordeal/schedules", ordeal->schedules[i].name,
                                  ordeal->schedules[j].name, i, error);
    }
    return status;
}

static enum od_status check_limits(const struct source *source, const struct od_scenario *scenario,
                                   struct od_error *error)
{
    static const struct od_scenario_cluster no_cluster;
    static const struct od_scenario_ordeal no_ordeal;
    const struct od_scenario_cluster *cluster = scenario->cluster == NULL ? &no_cluster : scenario->cluster;
    const struct od_scenario_ordeal *ordeal = scenario->ordeal == NULL ? &no_ordeal : scenario->ordeal;
    const struct {
        const char *path;
        uint32_t given;
        uint32_t most;
    } limits[] = {
        {"cluster/executors", cluster->executors, 64},
        {"cluster/slots", cluster->slots, 64},
        {"cluster/partitions", cluster->partitions, 1024},
        {"cluster/scan_tasks", cluster->scan_tasks, 1024},
        {"cluster/batch_rows", cluster->batch_rows, 1000000},
        {"ordeal/sim", ordeal->sim, 1000000},
        {"ordeal/threads", ordeal->threads, 1000000},
        {"ordeal/faults", ordeal->faults, 100},
    };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        char what[100];
        if (limits[i].given <= limits[i].most)
            continue;
        snprintf(what, sizeof(what), "%s: expected at most %u, found %u", limits[i].path, limits[i].most,
                 limits[i].given);
        return fail_at_path(source, error, limits[i].path, what);
    }
    return OD_OK;
}

enum od_status od_scenario_set_options(const struct od_scenario_cluster *cluster, struct od_run_options *options,
                                       struct od_error *error)
{
    const char *rest = cluster == NULL || cluster->options == NULL ? "" : cluster->options;
    for (rest += strspn(rest, " \n"); *rest != '\0'; rest += strspn(rest, " \n")) {
        char one[80];
        size_t size = strcspn(rest, " \n");
        if (size >= sizeof(one))
            return od_fail(error, OD_BAD_INPUT, "option '%.60s...': expected NAME=VALUE", rest);
        snprintf(one, sizeof(one), "%.*s", (int)size, rest);
        OD_TRY(od_run_options_set(options, one, error));
        rest += size;
    }
    return OD_OK;
}

static enum od_status check_options(const struct source *source, const struct od_scenario *scenario,
                                    struct od_error *error)
{
    struct od_run_options options = {0};
    struct od_error at_the_option = {0};
    if (od_scenario_set_options(scenario->cluster, &options, &at_the_option) == OD_OK)
        return OD_OK;
    return fail_at_path(source, error, "cluster/options", at_the_option.text);
}

static enum od_status read_scale(const struct source *source, struct od_scenario *scenario,
                                 struct od_error *error)
{
    struct od_error at_the_number = {0};
    scenario->scale_thousandths = OD_SCALE_ONE;
    if (scenario->scale == NULL ||
        od_thousandths_parse("scale", scenario->scale, OD_SCALE_MIN, OD_SCALE_MAX,
                             &scenario->scale_thousandths, &at_the_number) == OD_OK)
        return OD_OK;
    return fail_at_path(source, error, "scale", at_the_number.text);
}

static enum od_status check_meaning(const struct source *source, const struct od_scenario *scenario,
                                    struct od_error *error)
{
    enum od_status status = check_names(source, scenario, error);
    for (uint32_t i = 0; i < scenario->tables_count && status == OD_OK; i++)
        status = check_table(source, &scenario->tables[i], i, error);
    if (status == OD_OK)
        status = check_limits(source, scenario, error);
    return status == OD_OK ? check_options(source, scenario, error) : status;
}

enum od_status od_scenario_parse(const char *name, const char *text, size_t size,
                                 struct od_scenario **scenario_out, struct od_error *error)
{
    const struct source source = {name, text, size};
    *scenario_out = NULL;
    enum od_status status = od_scenario_check_shape(name, text, size, &scenario_value, error);
    if (status != OD_OK)
        return status;
    cyaml_data_t *loaded = NULL;
    cyaml_err_t result =
        cyaml_load_data((const uint8_t *)text, size, &config, &scenario_value, &loaded, NULL);
    if (result != CYAML_OK)
        return od_fail(error, result == CYAML_ERR_OOM ? OD_NO_MEMORY : OD_BAD_INPUT, "%.90s: %s", name,
                       cyaml_strerror(result));
    od_assert(loaded != NULL);
    status = read_scale(&source, loaded, error);
    if (status == OD_OK)
        status = check_meaning(&source, loaded, error);
    if (status != OD_OK)
        od_scenario_free(loaded);
    else
        *scenario_out = loaded;
    return status;
}

enum od_status od_scenario_load(const char *path, struct od_scenario **scenario_out, struct od_error *error)
{
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    *scenario_out = NULL;
    enum od_status status = od_file_read(path, &text, error);
    if (status == OD_OK)
        status = od_scenario_parse(path, od_buffer_text(&text), text.size, scenario_out, error);
    od_buffer_release(&text);
    return status;
}

void od_scenario_free(struct od_scenario *scenario)
{
    if (scenario != NULL)
        cyaml_free(&config, &scenario_value, scenario, 0);
}
