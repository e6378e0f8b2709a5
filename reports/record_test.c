/* Goal: a record survives the way to the file and back, whatever its texts; a reader never sees half of one;
 * mistakes in a file are told with their place. Method: round trip through JSON twice and compare bytes;
 * malformed files one by one; a writer that is killed with SIGKILL at many moments; each allocation refused
 * once. */
#include "reports/fixture_test.h"
#include "engine/core/sweep.h"
#include "reports/record_shape.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct od_buffer to_json(const struct od_record *record)
{
    struct od_buffer text;
    od_buffer_init(&text, &fixture_memory);
    od_record_to_json(record, &text);
    assert_false(text.failed);
    return text;
}

static struct od_record *parse(const struct od_buffer *text)
{
    struct od_record *record = NULL;
    struct od_error error = {0};
    if (od_record_parse(&fixture_memory, "test", (const char *)text->bytes, text->size, &record, &error) !=
        OD_OK)
        fail_msg("%s", error.text);
    return record;
}

static void round_trip(void **state)
{
    (void)state;
    struct od_record *record = fixture_record(&fixture_memory, 9);
    od_record_finish(record, OD_RECORD_FINISHED);
    struct od_buffer first = to_json(record);
    struct od_record *again = parse(&first);
    struct od_buffer second = to_json(again);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.bytes, second.bytes, first.size);
    assert_true(again->seed == UINT64_MAX);
    assert_int_equal(again->scenarios.items[0]->seed, 41);
    assert_false(od_record_has_one_seed(again));
    again->scenarios.items[0]->seed = again->scenarios.items[1]->seed = UINT64_MAX;
    assert_true(od_record_has_one_seed(again));
    assert_int_equal(again->next_run_index, 18);
    const struct od_record_query *query = again->scenarios.items[1]->queries.items[0];
    assert_string_equal(query->stages.items[3]->operators.items[1], "top 10 \"<&>\\");
    assert_int_equal(query->stages.items[2]->parents.items[1]->stage, 1);
    assert_int_equal(query->runs.items[1]->verdict, OD_RECORD_FAILED);
    assert_string_equal(query->runs.items[1]->property, "H1");
    assert_non_null(strstr(query->rows.items[2]->cells.items[1], "caf\xc3\xa9 \xef\xbf\xbd"));
    assert_int_equal(od_record_overall(again), OD_RECORD_FAILED);
    od_buffer_release(&first);
    od_buffer_release(&second);
    od_record_free(record);
    od_record_free(again);
}

static void every_field_is_written(void **state)
{
    (void)state;
    /* Each field of a run is set to something and must be found again by its name: a field forgotten in the
     * shapes fails. */
    struct od_record *record = od_record_new(&fixture_memory);
    struct od_record_query *query = od_record_add_query(record, od_record_add_scenario(record, "s"), "q");
    struct od_record_run *run = od_record_add_run(record, query, "sim");
    run->run_index = run->schedule_index = run->seed = run->memory_limit_bytes = run->answer_rows = 5;
#define X(field, name, unit, fold, sentence) run->field = 6;
    OD_RECORD_RUN_MEASURES(X)
#undef X
    run->disturbed = run->timeline = true;
    char **texts[] = {&run->property,     &run->message, &run->digest,
                      &run->trace_digest, &run->replay,  &run->case_file};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        od_record_text(record, texts[i], "x");
    od_record_line(record, &run->schedule, "fault");
    struct od_buffer text = to_json(record);
    struct od_record *again = parse(&text);
    struct od_record_run copy = *again->scenarios.items[0]->queries.items[0]->runs.items[0];
    char **copies[] = {&copy.property,     &copy.message, &copy.digest,
                       &copy.trace_digest, &copy.replay,  &copy.case_file};
    for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
        assert_string_equal(*copies[i], "x");
        *copies[i] = *texts[i];
    }
    assert_string_equal(copy.deployment, "sim");
    assert_string_equal(copy.schedule.items[0], "fault");
    copy.deployment = run->deployment;
    copy.schedule = run->schedule;
    assert_memory_equal(&copy, run, sizeof(copy));
    od_buffer_release(&text);
    od_record_free(record);
    od_record_free(again);
}

struct mistake {
    const char *text;
    const char *expected; /* in the message */
    uint32_t line;
    uint32_t column;
};

static void mistakes_are_told_with_their_place(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"", "not JSON", 1, 0},
        {"{\"schema_version\": 1,\n \"state\": \"running\",\n \"seed\" 5}", "test:3:9:", 3, 9},
        {"[]", "expected a run record", 0, 0},
        {"{\"schema_version\": 99, \"state\": \"running\"}", "schema_version is 99", 0, 0},
        {"{\"schema_version\": 1}", "state: expected a text", 0, 0},
        {"{\"schema_version\": 1, \"state\": \"done\"}", "state: expected \"running\"", 0, 0},
        {"{\"schema_version\": 1, \"state\": \"running\", \"cores\": -1}", "cores: expected a whole number",
         0, 0},
        {"{\"schema_version\": 1, \"state\": \"running\", \"seed\": \"-1\"}", "seed: expected a seed", 0, 0},
        {"{\"schema_version\": 1, \"state\": \"running\", \"seed\": \"99999999999999999999\"}",
         "seed: expected", 0, 0},
        {"{\"schema_version\": 1, \"state\": \"running\", \"deployments\": [1]}",
         "deployments[0]: expected a text", 0, 0},
        {"{\"schema_version\": 1, \"state\": \"running\", \"scenarios\": [{\"queries\": [{\"runs\": "
         "[{}]}]}]}",
         "scenarios[0].queries[0].runs[0].verdict: expected a verdict", 0, 0},
        {"{\"schema_version\": 1, \"state\": \"running\", \"scenarios\": [{\"tables\": 3}]}",
         "scenarios[0].tables: expected a list", 0, 0},
        {"{\"schema_version\": 1, \"schema_version\": 1}", "duplicate", 1, 0},
    };
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct od_error error = {0};
        struct od_record *record = (struct od_record *)&error;
        const char *text = mistakes[i].text;
        assert_int_equal(od_record_parse(&fixture_memory, "test", text, strlen(text), &record, &error),
                         OD_BAD_INPUT);
        assert_null(record);
        if (strstr(error.text, mistakes[i].expected) == NULL)
            fail_msg("case %zu: expected '%s' in '%s'", i, mistakes[i].expected, error.text);
        if (mistakes[i].line > 0)
            assert_int_equal(error.line, mistakes[i].line);
        if (mistakes[i].column > 0)
            assert_int_equal(error.column, mistakes[i].column);
    }
}

static void a_missing_record(void **state)
{
    (void)state;
    struct od_record *record = NULL;
    struct od_error error = {0};
    assert_int_equal(od_record_load(&fixture_memory, "/nonexistent", &record, &error), OD_MISSING);
    assert_non_null(strstr(error.text, "/nonexistent"));
}

static void overall_is_never_held_by_omission(void **state)
{
    (void)state;
    struct od_record *record = od_record_new(&fixture_memory);
    od_record_finish(record, OD_RECORD_FINISHED);
    assert_int_equal(od_record_overall(record), OD_RECORD_UNDECIDED);
    struct od_record_query *query = od_record_add_query(record, od_record_add_scenario(record, "s"), "q");
    struct od_record_run *run = od_record_add_run(record, query, "sim");
    assert_int_equal(od_record_overall(record), OD_RECORD_HELD);
    record->state = OD_RECORD_RUNNING;
    assert_int_equal(od_record_overall(record), OD_RECORD_UNDECIDED);
    run->verdict = OD_RECORD_FAILED;
    assert_int_equal(od_record_overall(record), OD_RECORD_FAILED);
    od_record_free(record);
}

/* A child saves growing records as fast as it can and is killed; what is there must always load. */
static void killed_at_any_time(void **state)
{
    (void)state;
    char directory[64];
    fixture_directory(directory, sizeof(directory));
    struct od_record *first = fixture_record(&fixture_memory, 1);
    assert_int_equal(od_record_save(first, directory, NULL), OD_OK);
    od_record_free(first);
    uint64_t most = 0;
    for (unsigned round = 0; round < 30; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct od_record *record = fixture_record(&fixture_memory, 1);
            for (;;) {
                od_record_add_run(record, record->scenarios.items[0]->queries.items[0], "sim");
                if (od_record_save(record, directory, NULL) != OD_OK)
                    _exit(1);
            }
        }
        usleep(1000 + round * 1700);
        kill(child, SIGKILL);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        struct od_record *record = NULL;
        struct od_error error = {0};
        if (od_record_load(&fixture_memory, directory, &record, &error) != OD_OK)
            fail_msg("round %u: %s", round, error.text);
        assert_int_equal(record->state, OD_RECORD_RUNNING);
        uint64_t runs = od_record_count(record).runs;
        most = runs > most ? runs : most;
        od_record_free(record);
    }
    assert_true(most > 2);
    fixture_remove(directory);
}

static void each_allocation_refused_once(void **state)
{
    (void)state;
    char directory[64];
    fixture_directory(directory, sizeof(directory));
    enum od_status status = OD_NO_MEMORY;
    for (uint64_t k = 0; status != OD_OK; k++) {
        struct od_countdown countdown;
        assert_true(k < 1000);
        od_countdown_init(&countdown, &fixture_memory, k, false);
        struct od_record *record = fixture_record(&countdown.memory, 40);
        struct od_record *loaded = NULL;
        status = record == NULL ? OD_NO_MEMORY : od_record_save(record, directory, NULL);
        if (status == OD_OK)
            status = od_record_load(&countdown.memory, directory, &loaded, NULL);
        assert_true(status == OD_OK || status == OD_NO_MEMORY);
        assert_true((status == OD_OK) == (countdown.refused_count == 0));
        od_record_free(record);
        od_record_free(loaded);
        assert_int_equal(countdown.live_block_count, 0);
    }
    fixture_remove(directory);
}

static void a_refusal_is_remembered(void **state)
{
    (void)state;
    struct od_record *record = od_record_new(&fixture_memory);
    record->failed = true;
    struct od_record_scenario *scenario = od_record_add_scenario(record, "s");
    struct od_record_query *query = od_record_add_query(record, scenario, "q");
    assert_null(query);
    assert_null(od_record_add_run(record, query, "sim"));
    OD_RECORD_SET(record, query, sql, "SELECT 1");
    struct od_error error = {0};
    assert_int_equal(od_record_save(record, "/tmp", &error), OD_NO_MEMORY);
    od_record_free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(every_field_is_written),
        cmocka_unit_test(mistakes_are_told_with_their_place),
        cmocka_unit_test(a_missing_record),
        cmocka_unit_test(overall_is_never_held_by_omission),
        cmocka_unit_test(killed_at_any_time),
        cmocka_unit_test(each_allocation_refused_once),
        cmocka_unit_test(a_refusal_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
