/* curves: see curves.h. */
#include "reports/curves.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "engine/core/assert.h"
#include "reports/json_write.h"
#include "reports/text.h"
#include "reports/whole_file.h"

struct od_measure od_measure_times(uint64_t ppm)
{
    struct od_measure measure;
    uint64_t hundredths = (ppm + 5000) / 10000;
    snprintf(measure.text, sizeof(measure.text), "%" PRIu64 ".%02" PRIu64 "x", hundredths / 100, hundredths % 100);
    return measure;
}

struct od_measure od_measure_share(uint64_t ppm)
{
    struct od_measure measure;
    uint64_t tenths = (ppm + 500) / 1000;
    snprintf(measure.text, sizeof(measure.text), "%" PRIu64 ".%" PRIu64 " %%", tenths / 10, tenths % 10);
    return measure;
}

static bool is_like(const struct od_record_curve *left, const struct od_record_curve *right)
{
    return strcmp(left->over, right->over) == 0 && strcmp(left->kind == NULL ? "" : left->kind, right->kind == NULL ? "" : right->kind) == 0 &&
           left->points.count == right->points.count;
}

static const struct od_record_curve *find_like(const struct od_record_query *query, const struct od_record_curve *curve)
{
    for (uint32_t i = 0; i < query->curves.count; i++)
        if (is_like(query->curves.items[i], curve))
            return query->curves.items[i];
    return NULL;
}

/* --- the terminal ------------------------------------------------------------------------------------------------- */

/* What is summed up below the queries. */
static const struct {
    const char *name;
    size_t offset; /* in struct od_record_point */
    struct od_measure (*text)(uint64_t value);
} sums[] = {
    {"slow-down, the median", offsetof(struct od_record_point, slowdown_ppm), od_measure_times},
    {"recovery", offsetof(struct od_record_point, recovery_ns), od_measure_ns},
    {"repair", offsetof(struct od_record_point, repair_ns), od_measure_ns},
    {"tasks computed again", offsetof(struct od_record_point, recomputed_ppm), od_measure_share},
    {"runs without an answer", offsetof(struct od_record_point, failed_runs), od_measure_count},
};
#define SUM_COUNT (sizeof(sums) / sizeof(sums[0]))

struct table {
    const struct od_record_scenario *scenario;
    const struct od_record_curve *curve; /* the first like it */
    uint32_t column_count;
    uint32_t row_count;
    uint32_t row_capacity;
    const char **cells;
    struct od_arena *arena;
    bool refused;
};

static void put(struct table *table, uint32_t column, const char *text)
{
    od_assert(table->row_count < table->row_capacity && column < table->column_count);
    char *copy = od_arena_take(table->arena, strlen(text) + 1);
    table->refused = table->refused || copy == NULL;
    if (copy != NULL)
        memcpy(copy, text, strlen(text) + 1);
    table->cells[table->row_count * table->column_count + column] = copy;
}

static uint64_t measure_at(const struct od_record_curve *curve, uint32_t point, size_t offset)
{
    return *(const uint64_t *)(const void *)((const uint8_t *)curve->points.items[point] + offset);
}

/* Over the queries, of one measure of one point; of no use but for failed_runs where no run gave an answer. *count_out: of how many.
 * Insertion, as there are few. */
static uint64_t median(const struct table *table, uint32_t point, size_t offset, uint64_t *values, uint32_t *count_out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->scenario->queries.count; i++) {
        const struct od_record_curve *curve = find_like(table->scenario->queries.items[i], table->curve);
        if (curve == NULL || (curve->points.items[point]->runs == 0 && offset != offsetof(struct od_record_point, failed_runs)))
            continue;
        uint64_t value = measure_at(curve, point, offset);
        uint32_t at = count++;
        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
    *count_out = count;
    return count == 0 ? 0 : (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static void put_queries(struct table *table)
{
    for (uint32_t i = 0; i < table->scenario->queries.count; i++) {
        const struct od_record_query *query = table->scenario->queries.items[i];
        const struct od_record_curve *curve = find_like(query, table->curve);
        if (curve == NULL)
            continue;
        put(table, 0, query->name == NULL ? "" : query->name);
        put(table, 1, od_measure_ns(curve->undisturbed_ns).text);
        for (uint32_t k = 0; k < curve->points.count; k++)
            put(table, 2 + k, curve->points.items[k]->slowdown_ppm == 0 ? "-" : od_measure_times(curve->points.items[k]->slowdown_ppm).text);
        table->row_count++;
    }
}

static void put_sums(struct table *table, uint64_t *values)
{
    for (uint32_t i = 0; i < SUM_COUNT; i++) {
        put(table, 0, sums[i].name);
        put(table, 1, "");
        for (uint32_t k = 0; k < table->curve->points.count; k++) {
            uint32_t count;
            uint64_t value = median(table, k, sums[i].offset, values, &count);
            put(table, 2 + k, count == 0 ? "-" : sums[i].text(value).text);
        }
        table->row_count++;
    }
}

static enum od_status print_table(const struct od_record_scenario *scenario, const struct od_record_curve *curve, struct od_arena *arena,
                                  const struct od_terminal *terminal, struct od_memory *memory, struct od_error *error)
{
    bool is_moment = strcmp(curve->over, "moment") == 0;
    uint32_t rows = scenario->queries.count + SUM_COUNT + 1;
    struct table table = {.scenario = scenario, .curve = curve, .column_count = 2 + curve->points.count, .row_capacity = rows, .arena = arena};
    table.cells = od_arena_take_array(arena, (size_t)rows * table.column_count, sizeof(*table.cells));
    uint64_t *values = od_arena_take_array(arena, scenario->queries.count, sizeof(*values));
    bool *right = od_arena_take_array(arena, table.column_count, sizeof(*right));
    if (table.cells == NULL || values == NULL || right == NULL)
        return od_fail(error, OD_NO_MEMORY, "a table of curves");
    put(&table, 0, "query");
    put(&table, 1, "undisturbed");
    for (uint32_t i = 0; i < curve->points.count; i++) {
        char head[40];
        snprintf(head, sizeof(head), is_moment ? "%" PRIu64 " %%" : "%" PRIu64, curve->points.items[i]->at);
        put(&table, 2 + i, head);
    }
    table.row_count = 1;
    put_queries(&table);
    put_sums(&table, values);
    for (uint32_t i = 0; i < table.column_count; i++)
        right[i] = i > 0;
    if (table.refused)
        return od_fail(error, OD_NO_MEMORY, "a table of curves");
    fprintf(terminal->file, "\n%s, %s: %s of %s\n", scenario->name, curve->deployment == NULL ? "" : curve->deployment,
            is_moment ? "slow-down over the moment, in per cent of the undisturbed time, of one" : "slow-down over the number, in the undisturbed time,",
            curve->kind == NULL ? "" : curve->kind);
    return od_terminal_table(terminal, memory,
                             &(struct od_terminal_table){.column_count = table.column_count,
                                                         .row_count = table.row_count - 1,
                                                         .heads = table.cells,
                                                         .cells = table.cells + table.column_count,
                                                         .right = right},
                             error);
}

/* The first query of the scenario with such a curve? */
static bool leads(const struct od_record_scenario *scenario, uint32_t query, const struct od_record_curve *curve)
{
    for (uint32_t i = 0; i < query; i++)
        if (find_like(scenario->queries.items[i], curve) != NULL)
            return false;
    return true;
}

enum od_status od_curves_terminal(const struct od_record *record, const struct od_terminal *terminal, struct od_error *error)
{
    enum od_status status = OD_OK;
    struct od_arena arena;
    od_arena_init(&arena, record->memory, 0);
    for (uint32_t i = 0; i < record->scenarios.count; i++) {
        const struct od_record_scenario *scenario = record->scenarios.items[i];
        for (uint32_t k = 0; k < scenario->queries.count; k++)
            for (uint32_t c = 0; c < scenario->queries.items[k]->curves.count && status == OD_OK; c++)
                if (leads(scenario, k, scenario->queries.items[k]->curves.items[c]))
                    status = print_table(scenario, scenario->queries.items[k]->curves.items[c], &arena, terminal, record->memory, error);
    }
    od_arena_release(&arena);
    return status;
}

/* --- benchmarks --------------------------------------------------------------------------------------------------- */

static void write_point(struct od_json *json, const char *name, const struct od_record_point *point)
{
    od_json_open(json, NULL, '{');
    od_json_text(json, "name", name);
    od_json_text(json, "run_name", name);
    od_json_text(json, "run_type", "iteration");
    od_json_number(json, "repetitions", 1);
    od_json_number(json, "repetition_index", 0);
    od_json_number(json, "threads", 1);
    od_json_number(json, "iterations", point->runs);
    od_json_number(json, "real_time", point->elapsed_ns);
    od_json_number(json, "cpu_time", point->elapsed_ns);
    od_json_text(json, "time_unit", "ns");
#define X(field, name, unit, fold, sentence) od_json_number(json, #field, point->field);
    OD_RECORD_POINT_MEASURES(X)
#undef X
    od_json_close(json, '}');
}

static void write_query(struct od_json *json, const struct od_record_scenario *scenario, const struct od_record_query *query,
                        struct od_buffer *name)
{
    for (uint32_t i = 0; i < query->curves.count; i++) {
        const struct od_record_curve *curve = query->curves.items[i];
        for (uint32_t k = 0; k < curve->points.count; k++) {
            od_buffer_reset(name);
            od_buffer_print(name, "impact/%s/%s/%s/%s=%" PRIu64, scenario->name == NULL ? "" : scenario->name,
                            query->name == NULL ? "" : query->name, curve->kind == NULL ? "" : curve->kind, curve->over,
                            curve->points.items[k]->at);
            json->out->failed = json->out->failed || name->failed;
            if (curve->points.items[k]->runs > 0)
                write_point(json, od_buffer_text(name), curve->points.items[k]);
        }
    }
}

void od_curves_benchmarks(const struct od_record *record, struct od_buffer *out)
{
    struct od_json json = {.out = out, .indent = 1};
    struct od_buffer name;
    od_buffer_init(&name, record->memory);
    od_json_open(&json, NULL, '{');
    od_json_open(&json, "context", '{');
    od_json_text(&json, "executable", record->command);
    od_json_text(&json, "host_name", record->host);
    od_json_number(&json, "num_cpus", record->cores);
    od_json_text(&json, "build_id", record->build_id);
    od_json_close(&json, '}');
    od_json_open(&json, "benchmarks", '[');
    for (uint32_t i = 0; i < record->scenarios.count; i++)
        for (uint32_t k = 0; k < record->scenarios.items[i]->queries.count; k++)
            write_query(&json, record->scenarios.items[i], record->scenarios.items[i]->queries.items[k], &name);
    od_json_close(&json, ']');
    od_json_close(&json, '}');
    od_buffer_append_text(out, "\n");
    od_buffer_release(&name);
}

enum od_status od_curves_save(const struct od_record *record, const char *directory, struct od_error *error)
{
    char path[PATH_MAX];
    struct od_buffer text;
    od_buffer_init(&text, record->memory);
    od_curves_benchmarks(record, &text);
    enum od_status status = OD_OK;
    if (snprintf(path, sizeof(path), "%s/impact.json", directory) >= (int)sizeof(path))
        status = od_fail(error, OD_IO, "saving curves: the name is too long: %s", directory);
    else if (text.failed)
        status = od_fail(error, OD_NO_MEMORY, "saving curves: %s", path);
    else
        status = od_whole_file_replace(path, text.bytes, text.size, error);
    od_buffer_release(&text);
    return status;
}
