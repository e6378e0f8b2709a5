/* Goal: what is written is Prometheus' text format to the letter, whatever the texts in the record, and its numbers are the
 * record's.
 * Method: a parser of the format, by its description and not by our writer, reads the fixture's record; sums are taken again. */
#include "reports/fixture_test.h"
#include "reports/prometheus.h"
#include "reports/whole_file.h"

#include <ctype.h>
#include <unistd.h>

/* --- the parser: https://prometheus.io/docs/instrumenting/exposition_formats/ ---------------------------- */

#define LINES_MAX 4000
struct sample {
    char family[100];
    char labels[600]; /* decoded: name=value; each, in their order */
    double value;
};
struct exposition {
    struct sample samples[LINES_MAX];
    uint32_t sample_count;
    char families[100][100]; /* in order of their first line */
    char types[100][12];
    uint32_t family_count;
};
static struct exposition parsed; /* too large for a stack */

static const char *take_name(const char *at, char *name, size_t size, bool colons)
{
    size_t length = 0;
    for (; isalnum((unsigned char)*at) || *at == '_' || (colons && *at == ':'); at++) {
        assert_true(length + 1 < size);
        name[length++] = *at;
    }
    name[length] = '\0';
    assert_true(length > 0);
    assert_false(isdigit((unsigned char)name[0]));
    return at;
}

static const char *expect(const char *at, const char *text)
{
    if (strncmp(at, text, strlen(text)) != 0)
        fail_msg("expected %s at: %.60s", text, at);
    return at + strlen(text);
}

/* "# HELP name text" and "# TYPE name type": the second directly behind the first, both once, before any sample. */
static const char *take_comment(const char *at)
{
    char name[100];
    struct exposition *all = &parsed;
    at = take_name(expect(at, "# HELP "), name, sizeof(name), true);
    at = expect(at, " ");
    for (uint32_t i = 0; i < all->family_count; i++)
        assert_string_not_equal(all->families[i], name);
    strcpy(all->families[all->family_count], name);
    for (; *at != '\n'; at++)
        assert_true(*at != '\0' && *at != '\\'); /* our sentences need no escapes */
    at = take_name(expect(at, "\n# TYPE "), name, sizeof(name), true);
    assert_string_equal(name, all->families[all->family_count]);
    char *type = all->types[all->family_count++];
    at = take_name(expect(at, " "), type, sizeof(all->types[0]), false);
    assert_true(strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0);
    size_t length = strlen(name);
    assert_true((strcmp(type, "counter") == 0) == (length > 6 && strcmp(name + length - 6, "_total") == 0));
    return expect(at, "\n");
}

static const char *take_value(const char *at, char *out, char *end)
{
    for (; *at != '"'; at++) {
        char character = *at;
        assert_true(character != '\0' && character != '\n');
        if (character == '\\') {
            character = *++at;
            assert_true(character == '\\' || character == '"' || character == 'n');
            character = character == 'n' ? '\n' : character;
        }
        assert_true(out + 2 < end);
        *out++ = character;
    }
    *out++ = ';';
    *out = '\0';
    return at + 1;
}

static const char *take_sample(const char *at)
{
    struct exposition *all = &parsed;
    struct sample *sample = &all->samples[all->sample_count++];
    char *rest = NULL;
    assert_true(all->sample_count <= LINES_MAX);
    sample->labels[0] = '\0';
    at = take_name(at, sample->family, sizeof(sample->family), true);
    assert_true(all->family_count > 0);
    assert_string_equal(sample->family,
                        all->families[all->family_count - 1]); /* lines of a family stand together */
    char separator = '{';
    for (; *at == separator; separator = ',') {
        char *out = sample->labels + strlen(sample->labels);
        at = expect(take_name(at + 1, out, 100, false), "=\"");
        strcat(out, "=");
        at = take_value(at, out + strlen(out), sample->labels + sizeof(sample->labels));
    }
    if (separator == ',')
        at = expect(at, "}");
    at = expect(at, " ");
    sample->value = strtod(at, &rest);
    assert_true(rest > at);
    for (uint32_t i = 0; i + 1 < all->sample_count; i++)
        assert_false(strcmp(all->samples[i].family, sample->family) == 0 &&
                     strcmp(all->samples[i].labels, sample->labels) == 0);
    return expect(rest, "\n");
}

static void parse(const char *text)
{
    memset(&parsed, 0, sizeof(parsed));
    while (*text != '\0')
        text = *text == '#' ? take_comment(text) : take_sample(text);
}

static double value_of(const char *family, const char *labels)
{
    for (uint32_t i = 0; i < parsed.sample_count; i++)
        if (strcmp(parsed.samples[i].family, family) == 0 && strcmp(parsed.samples[i].labels, labels) == 0)
            return parsed.samples[i].value;
    fail_msg("no %s of %s", family, labels);
    return 0;
}

/* --- tests ---------------------------------------------------------------------------------------------- */

static void add_operators(struct od_record *record)
{
    struct od_record_stage *stage = record->scenarios.items[0]->queries.items[0]->stages.items[1];
    struct od_record_operator *first = od_record_add_operator(record, stage, "scan \"a\\b\"\nof " NASTY);
    first->rows = 11;
    first->time_ns = 1500000007;
    od_record_add_operator(record, stage, "scan")->rows = 12;
    stage->wait_ns = 3000000;
}

static void numbers_are_the_records(void **state)
{
    (void)state;
    struct od_buffer text;
    struct od_record *record = fixture_record(&fixture_memory, 9);
    add_operators(record);
    const struct od_record_query *query = record->scenarios.items[1]->queries.items[0];
    uint64_t retries = 0;
    uint64_t recovery_ns = 0;
    for (uint32_t i = 0; i < query->runs.count; i++) {
        const struct od_record_run *run = query->runs.items[i];
        bool counts = run->disturbed && strcmp(run->deployment, "sim") == 0;
        retries += counts ? run->retries : 0;
        recovery_ns = counts && run->recovery_ns > recovery_ns ? run->recovery_ns : recovery_ns;
    }
    assert_true(retries > 0 && recovery_ns > 0);
    od_buffer_init(&text, &fixture_memory);
    od_record_to_prometheus(record, &text);
    parse(od_buffer_text(&text));
    const char *group = "scenario=fraud_detection;query=rings;deployment=sim;disturbed=true;";
    char labels[400];
    assert_true(value_of("ordeal_retries_total", group) == (double)retries);
    assert_true(value_of("ordeal_recovery_seconds", group) == (double)recovery_ns / 1e9);
    snprintf(labels, sizeof(labels), "%sverdict=failed;", group);
    assert_true(value_of("ordeal_runs_total", labels) == 1);
    snprintf(labels, sizeof(labels), "%sverdict=held;", group);
    assert_true(value_of("ordeal_runs_total", labels) == 5);
    assert_true(value_of("ordeal_answer_rows", "scenario=web_analytics;query=top_pages;") == 10);
    assert_true(value_of("ordeal_stage_output_bytes", "scenario=web_analytics;query=top_pages;stage=2;") ==
                115226);
    assert_true(value_of("ordeal_stage_wait_seconds", "scenario=web_analytics;query=top_pages;stage=1;") ==
                0.003);
    const char *text_of =
        record->scenarios.items[0]->queries.items[0]->stages.items[1]->measured.items[0]->text;
    snprintf(labels, sizeof(labels), "scenario=web_analytics;query=top_pages;stage=1;operator=0;text=%s;",
             text_of);
    assert_true(value_of("ordeal_operator_rows", labels) == 11);
    assert_true(value_of("ordeal_operator_time_seconds", labels) == 1.500000007);
    od_buffer_release(&text);
    od_record_free(record);
}

/* The same scenario twice must not give the same labels twice, which the parser checks. */
static void a_repeated_query_has_labels_of_its_own(void **state)
{
    (void)state;
    struct od_buffer text;
    struct od_record *record = fixture_record(&fixture_memory, 3);
    struct od_record_scenario *again = od_record_add_scenario(record, "fraud_detection");
    fixture_query(record, again, "rings", 2);
    fixture_query(record, again, "rings", 2);
    od_buffer_init(&text, &fixture_memory);
    od_record_to_prometheus(record, &text);
    parse(od_buffer_text(&text));
    assert_true(value_of("ordeal_answer_rows", "scenario=fraud_detection;query=rings;again=2;") == 10);
    od_buffer_release(&text);
    od_record_free(record);
}

static void an_empty_record_has_families_only(void **state)
{
    (void)state;
    struct od_buffer text;
    struct od_record *record = od_record_new(&fixture_memory);
    od_buffer_init(&text, &fixture_memory);
    od_record_to_prometheus(record, &text);
    parse(od_buffer_text(&text));
    assert_int_equal(parsed.sample_count, 0);
    assert_true(parsed.family_count > 40);
    od_buffer_release(&text);
    od_record_free(record);
}

static void the_file_is_whole_or_told(void **state)
{
    (void)state;
    char directory[64];
    char path[100];
    struct od_error error = {0};
    struct od_buffer text;
    struct od_record *record = fixture_record(&fixture_memory, 3);
    fixture_directory(directory, sizeof(directory));
    snprintf(path, sizeof(path), "%s/metrics.prom", directory);
    od_buffer_init(&text, &fixture_memory);
    assert_int_equal(od_record_write_prometheus(record, path, NULL), OD_OK);
    assert_int_equal(od_whole_file_read(path, &text, NULL), OD_OK);
    parse(od_buffer_text(&text));
    assert_true(parsed.sample_count > 100);
    snprintf(path, sizeof(path), "%s/nosuch/metrics.prom", directory);
    assert_int_not_equal(od_record_write_prometheus(record, path, &error), OD_OK);
    assert_non_null(strstr(error.text, "nosuch"));
    record->failed = true;
    assert_int_equal(od_record_write_prometheus(record, path, NULL), OD_NO_MEMORY);
    od_buffer_release(&text);
    od_record_free(record);
    fixture_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_the_records),
        cmocka_unit_test(a_repeated_query_has_labels_of_its_own),
        cmocka_unit_test(an_empty_record_has_families_only),
        cmocka_unit_test(the_file_is_whole_or_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
