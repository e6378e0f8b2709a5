/* scenario: YAML -> struct, by libcyaml's schema. libcyaml reports through a log callback; parse_log turns its first message and
 * the first place of its backtrace into one error with line and column. */
#include "harness/scenario.h"

#include <cyaml/cyaml.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "engine/world/posix.h"
#include "harness/file.h"

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

/* --- errors --------------------------------------------------------------------------------------------------- */

struct parse_log {
    char first[160]; /* the first message, without "Load: " */
    uint32_t line;   /* of the innermost place in its backtrace */
    uint32_t column;
};

static void log_message(cyaml_log_t level, void *self, const char *format, va_list arguments)
{
    struct parse_log *log = self;
    char text[400];
    (void)level;
    vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    const char *place = strstr(text, "(line: ");
    unsigned line;
    unsigned column;
    if (place != NULL && log->line == 0 && sscanf(place, "(line: %u, column: %u)", &line, &column) == 2) {
        log->line = line;
        log->column = column;
    }
    if (log->first[0] == '\0' && place == NULL)
        snprintf(log->first, sizeof(log->first), "%.150s", strncmp(text, "Load: ", 6) == 0 ? text + 6 : text);
}

/* A syntax error's place is better told by libyaml itself. */
static void locate_syntax_error(const char *text, size_t size, struct parse_log *log)
{
    yaml_parser_t parser;
    yaml_event_t event;
    if (!yaml_parser_initialize(&parser))
        return;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    for (bool going = true; going;) {
        if (!yaml_parser_parse(&parser, &event)) {
            if (parser.problem != NULL) {
                snprintf(log->first, sizeof(log->first), "%.150s", parser.problem);
                log->line = (uint32_t)parser.problem_mark.line + 1;
                log->column = (uint32_t)parser.problem_mark.column + 1;
            }
            break;
        }
        going = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

/* The keys that the schema takes, for "expected one of". */
static void append_keys(char *text, size_t size, const cyaml_schema_field_t *fields)
{
    for (uint32_t i = 0; fields[i].key != NULL; i++)
        snprintf(text + strlen(text), size - strlen(text), "%s%s", i == 0 ? "" : ", ", fields[i].key);
}

static const cyaml_schema_field_t *const all_fields[] = {scenario_fields, table_fields,    query_fields,
                                                         cluster_fields,  ordeal_fields, schedule_fields};

/* "expected ..." for a message of libcyaml about `key`'s mapping: told from the keys of the mapping that lies at the place. */
static void append_expectation(char *text, size_t size, const char *yaml, const struct parse_log *log)
{
    (void)yaml;
    if (strncmp(log->first, "Unexpected key", 14) == 0) {
        snprintf(text + strlen(text), size - strlen(text), "; expected one of: ");
        const char *names[] = {"at the top", "in tables", "in queries", "in cluster", "in ordeal", "in schedules"};
        for (size_t i = 0; i < sizeof(all_fields) / sizeof(all_fields[0]); i++) {
            snprintf(text + strlen(text), size - strlen(text), "%s%s ", i == 0 ? "" : "; ", names[i]);
            append_keys(text, size, all_fields[i]);
        }
    } else if (strncmp(log->first, "Invalid UINT", 12) == 0) {
        snprintf(text + strlen(text), size - strlen(text), "; expected a whole number from 0 on");
    }
}

static const cyaml_config_t *config_for(struct parse_log *log, cyaml_config_t *config)
{
    *config = (cyaml_config_t){
        .log_fn = log_message, .log_ctx = log, .mem_fn = cyaml_mem, .log_level = CYAML_LOG_WARNING};
    return config;
}

/* --- meaning -------------------------------------------------------------------------------------------------- */

static enum od_status fail_at_key(const char *name, const char *text, size_t size, const char *key, uint32_t nth,
                                  struct od_error *error, const char *what)
{
    struct od_scenario_place place = {1, 0};
    od_scenario_locate(text, size, key, nth, &place);
    return od_fail_at(error, OD_BAD_INPUT, place.line, place.column + 1, "%s: %s", name, what);
}

static bool is_word(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(text);
}

static enum od_status check_meaning(const char *name, const char *text, size_t size,
                                    const struct od_scenario *scenario, struct od_error *error)
{
    char what[200];
    if (!is_word(scenario->name))
        return fail_at_key(name, text, size, "name", 0, error, "expected letters, digits and _ in the name");
    for (uint32_t i = 0; i < scenario->tables_count; i++) {
        const struct od_scenario_table *table = &scenario->tables[i];
        if (table->generator != NULL || table->file != NULL)
            continue;
        snprintf(what, sizeof(what), "table %.60s: expected a generator or a file", table->name);
        return fail_at_key(name, text, size, "name", 1 + i, error, what);
    }
    for (uint32_t i = 0; i < scenario->queries_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(scenario->queries[i].name, scenario->queries[j].name) != 0)
                continue;
            snprintf(what, sizeof(what), "two queries are named %.60s", scenario->queries[i].name);
            return fail_at_key(name, text, size, "name", 1 + scenario->tables_count + i, error, what);
        }
    }
    const struct od_scenario_cluster *cluster = scenario->cluster;
    if (cluster != NULL && (cluster->executors > 64 || cluster->slots > 64 || cluster->partitions > 1024 ||
                            cluster->scan_tasks > 1024 || cluster->batch_rows > 1000000))
        return fail_at_key(name, text, size, "executors", 0, error,
                           "cluster: expected at most 64 executors, 64 slots, 1024 partitions, 1024 scan_tasks and "
                           "1000000 batch_rows");
    return OD_OK;
}

enum od_status od_scenario_parse(const char *name, const char *text, size_t size, struct od_scenario **scenario_out,
                                 struct od_error *error)
{
    struct parse_log log = {0};
    cyaml_config_t config;
    *scenario_out = NULL;
    cyaml_err_t result = cyaml_load_data((const uint8_t *)text, size, config_for(&log, &config), &scenario_value,
                                         (cyaml_data_t **)scenario_out, NULL);
    if (result != CYAML_OK) {
        *scenario_out = NULL;
        if (result == CYAML_ERR_LIBYAML_PARSER)
            locate_syntax_error(text, size, &log);
        char expectation[600] = "";
        append_expectation(expectation, sizeof(expectation), text, &log);
        return od_fail_at(error, OD_BAD_INPUT, log.line == 0 ? 1 : log.line, log.column == 0 ? 1 : log.column,
                          "%s: %s%s", name, log.first[0] == '\0' ? cyaml_strerror(result) : log.first, expectation);
    }
    enum od_status status =
        *scenario_out == NULL ? od_fail_at(error, OD_BAD_INPUT, 1, 1, "%s: expected a scenario, found nothing", name)
                              : check_meaning(name, text, size, *scenario_out, error);
    if (status != OD_OK) {
        od_scenario_free(*scenario_out);
        *scenario_out = NULL;
    }
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
    struct parse_log log = {0};
    cyaml_config_t config;
    if (scenario != NULL)
        cyaml_free(config_for(&log, &config), &scenario_value, scenario, 0);
}
