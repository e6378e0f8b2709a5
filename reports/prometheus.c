/* prometheus: see prometheus.h. The metrics are the lists of record.h; a family is one of them with all its lines. */
#include "reports/prometheus.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "reports/whole_file.h"

struct family {
    const char *name;
    enum od_record_unit unit;
    enum od_record_fold fold;
    size_t offset; /* of the measure in what has it */
    const char *sentence;
};
#define ROW(type, field, name, unit, fold, sentence)                                                         \
    {#name, OD_RECORD_UNIT_##unit, OD_RECORD_##fold, offsetof(struct type, field), sentence},
#define RUN(field, name, unit, fold, sentence)      ROW(od_record_run, field, name, unit, fold, sentence)
#define STAGE(field, name, unit, fold, sentence)    ROW(od_record_stage, field, name, unit, fold, sentence)
#define OPERATOR(field, name, unit, fold, sentence) ROW(od_record_operator, field, name, unit, fold, sentence)
static const struct family run_families[] = {OD_RECORD_RUN_MEASURES(RUN)};
static const struct family stage_families[] = {OD_RECORD_STAGE_MEASURES(STAGE)};
static const struct family operator_families[] = {OD_RECORD_OPERATOR_MEASURES(OPERATOR)};
#undef RUN
#undef STAGE
#undef OPERATOR
#undef ROW
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct writer {
    const struct od_record *record;
    struct od_buffer *out;
    char name[120]; /* of the family at hand */
    bool has_labels;
};

static uint64_t measure_of(const void *item, const struct family *family)
{
    return *(const uint64_t *)(const void *)((const uint8_t *)item + family->offset);
}

static void begin_family(struct writer *writer, const char *prefix, const char *name, const char *suffix,
                         const char *type, const char *sentence)
{
    snprintf(writer->name, sizeof(writer->name), "ordeal_%s%s%s", prefix, name, suffix);
    od_buffer_print(writer->out, "# HELP %s %s\n# TYPE %s %s\n", writer->name, sentence, writer->name, type);
}

static void begin_measure(struct writer *writer, const char *prefix, const struct family *family)
{
    static const char *const units[] = {"", "_bytes", "_seconds", "_ratio"};
    char suffix[40];
    bool sums = family->fold == OD_RECORD_SUM;
    snprintf(suffix, sizeof(suffix), "%s%s", units[family->unit], sums ? "_total" : "");
    begin_family(writer, prefix, family->name, suffix, sums ? "counter" : "gauge", family->sentence);
}

static void begin_line(struct writer *writer)
{
    od_buffer_append_text(writer->out, writer->name);
    writer->has_labels = false;
}

/* Label values escape backslash, quote and line end. */
static void put_label(struct writer *writer, const char *label, const char *value)
{
    od_buffer_print(writer->out, "%s%s=\"", writer->has_labels ? "," : "{", label);
    for (const char *at = value == NULL ? "" : value; *at != '\0'; at++) {
        if (*at == '\n')
            od_buffer_append_text(writer->out, "\\n");
        else if (*at == '\\' || *at == '"')
            od_buffer_print(writer->out, "\\%c", *at);
        else
            od_buffer_append(writer->out, at, 1);
    }
    od_buffer_append_text(writer->out, "\"");
    writer->has_labels = true;
}

static void put_number_label(struct writer *writer, const char *label, uint64_t number)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRIu64, number);
    put_label(writer, label, digits);
}

static void end_line(struct writer *writer, uint64_t value, enum od_record_unit unit)
{
    uint64_t parts = unit == OD_RECORD_UNIT_NS ? 1000000000 : unit == OD_RECORD_UNIT_PPM ? 1000000 : 1;
    od_buffer_append_text(writer->out, "} ");
    if (parts == 1)
        od_buffer_print(writer->out, "%" PRIu64 "\n", value);
    else
        od_buffer_print(writer->out, "%" PRIu64 ".%0*" PRIu64 "\n", value / parts, parts == 1000000 ? 6 : 9,
                        value % parts);
}

/* --- walks ---------------------------------------------------------------------------------------------- */

static bool same_text(const char *left, const char *right)
{
    return strcmp(left == NULL ? "" : left, right == NULL ? "" : right) == 0;
}

/* How many queries before this one have its scenario's and its own name. */
static uint32_t count_before(const struct od_record *record, uint32_t scenario_index, uint32_t query_index)
{
    const struct od_record_scenario *own = record->scenarios.items[scenario_index];
    uint32_t count = 0;
    for (uint32_t i = 0; i <= scenario_index; i++) {
        const struct od_record_scenario *scenario = record->scenarios.items[i];
        uint32_t end = i < scenario_index ? scenario->queries.count : query_index;
        for (uint32_t k = 0; k < end && same_text(scenario->name, own->name); k++)
            count += same_text(scenario->queries.items[k]->name, own->queries.items[query_index]->name);
    }
    return count;
}

/* What is written of one query; `begin` is called with a line that has its labels. */
struct asked {
    const struct od_record_scenario *scenario;
    const struct od_record_query *query;
    uint32_t again;
};
typedef void write_query(struct writer *writer, const struct asked *asked, const struct family *family);

static void begin_query_line(struct writer *writer, const struct asked *asked)
{
    begin_line(writer);
    put_label(writer, "scenario", asked->scenario->name);
    put_label(writer, "query", asked->query->name);
    if (asked->again > 0)
        put_number_label(writer, "again", asked->again);
}

static void each_query(struct writer *writer, write_query *write, const struct family *family)
{
    for (uint32_t i = 0; i < writer->record->scenarios.count; i++) {
        struct asked asked = {.scenario = writer->record->scenarios.items[i]};
        for (uint32_t k = 0; k < asked.scenario->queries.count; k++) {
            asked.query = asked.scenario->queries.items[k];
            asked.again = count_before(writer->record, i, k);
            write(writer, &asked, family);
        }
    }
}

static bool same_group(const struct od_record_run *left, const struct od_record_run *right)
{
    return left->disturbed == right->disturbed && same_text(left->deployment, right->deployment);
}

/* The first run of its group? */
static bool leads(const struct od_record_query *query, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (same_group(query->runs.items[i], query->runs.items[index]))
            return false;
    return true;
}

static void begin_run_line(struct writer *writer, const struct asked *asked, const struct od_record_run *run)
{
    begin_query_line(writer, asked);
    put_label(writer, "deployment", run->deployment);
    put_label(writer, "disturbed", run->disturbed ? "true" : "false");
}

static void write_runs(struct writer *writer, const struct asked *asked, const struct family *family)
{
    const struct od_record_query *query = asked->query;
    for (uint32_t i = 0; i < query->runs.count; i++) {
        uint64_t value = 0;
        if (!leads(query, i))
            continue;
        for (uint32_t k = i; k < query->runs.count; k++) {
            uint64_t more = measure_of(query->runs.items[k], family);
            if (!same_group(query->runs.items[i], query->runs.items[k]))
                continue;
            value = family->fold == OD_RECORD_SUM ? value + more : more > value ? more : value;
        }
        begin_run_line(writer, asked, query->runs.items[i]);
        end_line(writer, value, family->unit);
    }
}

static void write_verdicts(struct writer *writer, const struct asked *asked, const struct family *family)
{
    const struct od_record_query *query = asked->query;
    (void)family;
    for (uint32_t i = 0; i < query->runs.count; i++) {
        uint64_t counts[OD_RECORD_VERDICT_COUNT] = {0};
        if (!leads(query, i))
            continue;
        for (uint32_t k = i; k < query->runs.count; k++)
            counts[query->runs.items[k]->verdict] += same_group(query->runs.items[i], query->runs.items[k]);
        for (int verdict = 0; verdict < OD_RECORD_VERDICT_COUNT; verdict++) {
            begin_run_line(writer, asked, query->runs.items[i]);
            put_label(writer, "verdict", od_record_verdict_text((enum od_record_verdict)verdict));
            end_line(writer, counts[verdict], OD_RECORD_UNIT_COUNT);
        }
    }
}

static void write_answer(struct writer *writer, const struct asked *asked, const struct family *family)
{
    (void)family;
    begin_query_line(writer, asked);
    end_line(writer, asked->query->answer_rows, OD_RECORD_UNIT_COUNT);
}

static void write_stages(struct writer *writer, const struct asked *asked, const struct family *family)
{
    for (uint32_t i = 0; i < asked->query->stages.count; i++) {
        const struct od_record_stage *stage = asked->query->stages.items[i];
        begin_query_line(writer, asked);
        put_number_label(writer, "stage", stage->stage);
        end_line(writer, measure_of(stage, family), family->unit);
    }
}

static void write_operators(struct writer *writer, const struct asked *asked, const struct family *family)
{
    for (uint32_t i = 0; i < asked->query->stages.count; i++) {
        const struct od_record_stage *stage = asked->query->stages.items[i];
        for (uint32_t k = 0; k < stage->measured.count; k++) {
            begin_query_line(writer, asked);
            put_number_label(writer, "stage", stage->stage);
            put_number_label(writer, "operator", k);
            put_label(writer, "text", stage->measured.items[k]->text);
            end_line(writer, measure_of(stage->measured.items[k], family), family->unit);
        }
    }
}

static void write_families(struct writer *writer, const char *prefix, const struct family *families,
                           size_t count, write_query *write)
{
    for (size_t i = 0; i < count; i++) {
        begin_measure(writer, prefix, &families[i]);
        each_query(writer, write, &families[i]);
    }
}

void od_record_to_prometheus(const struct od_record *record, struct od_buffer *out)
{
    struct writer writer = {.record = record, .out = out};
    begin_family(&writer, "", "runs", "_total", "counter", "executions of a query, by verdict");
    each_query(&writer, write_verdicts, NULL);
    begin_family(&writer, "", "answer_rows", "", "gauge", "rows of the answer");
    each_query(&writer, write_answer, NULL);
    write_families(&writer, "", run_families, COUNT(run_families), write_runs);
    write_families(&writer, "stage_", stage_families, COUNT(stage_families), write_stages);
    write_families(&writer, "operator_", operator_families, COUNT(operator_families), write_operators);
}

enum od_status od_record_write_prometheus(const struct od_record *record, const char *path,
                                          struct od_error *error)
{
    struct od_buffer text;
    od_buffer_init(&text, record->memory);
    od_record_to_prometheus(record, &text);
    enum od_status status = text.failed || record->failed
                                ? od_fail(error, OD_NO_MEMORY, "writing metrics: %s", path)
                                : od_whole_file_replace(path, text.bytes, text.size, error);
    od_buffer_release(&text);
    return status;
}
