/* fixture: what the tests of reports share: memory from malloc that counts, a temporary directory, and a
 * record with two scenarios, a failed run, an undecided run, events with faults on them, and texts that try
 * to break every format. */
#ifndef OD_REPORTS_FIXTURE_TEST_H
#define OD_REPORTS_FIXTURE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/memory.h"
#include "reports/event_log.h"
#include "reports/record.h"
#include "reports/report.h"

#define NASTY "</script><b>&amp; \"quoted\" 'it' | `tick` \\ ]]> \x01 caf\xc3\xa9 \xff \xe2\x80\xa8 end"

static void *fixture_resize(void *self, void *old, size_t old_bytes, size_t new_bytes)
{
    (void)self, (void)old_bytes;
    if (new_bytes == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, new_bytes);
}
static const struct od_memory_ops fixture_memory_ops = {fixture_resize};
static struct od_memory fixture_memory = {&fixture_memory_ops, NULL};

static inline void fixture_directory(char *path, size_t size)
{
    snprintf(path, size, "/tmp/ordeal-reports-XXXXXX");
    assert_non_null(mkdtemp(path));
}
static inline void fixture_remove(const char *path)
{
    char command[300];
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

static inline void fixture_stage(struct od_record *record, struct od_record_query *query, uint64_t number,
                                 const char *operators, const char *exchange)
{
    struct od_record_stage *stage = od_record_add_stage(record, query, number);
    if (stage == NULL)
        return;
    char text[100];
    const char *at = operators;
    while (*at != '\0') {
        size_t size = strcspn(at, "|");
        snprintf(text, sizeof(text), "%.*s", (int)size, at);
        od_record_line(record, &stage->operators, text);
        at += size + (at[size] == '|');
    }
    od_record_text(record, &stage->exchange, exchange);
    stage->tasks = number == 3 ? 1 : 4;
    stage->partitions = 4;
    stage->rows = 12000 / (number + 1);
    stage->bytes = 345678 / (number + 1);
    if (number == 2) {
        od_record_add_parent(record, stage, 0);
        od_record_add_parent(record, stage, 1);
    } else if (number == 3) {
        od_record_add_parent(record, stage, 2);
        for (uint32_t i = 0; i < stage->operators.count; i++) {
            struct od_record_operator *measured =
                od_record_add_operator(record, stage, stage->operators.items[i]);
            if (measured != NULL)
                *measured = (struct od_record_operator){measured->text, .rows = 7, .spilled_bytes = 1 << 20,
                                                        .time_ns = 3400000};
        }
    }
}

static inline void fixture_runs(struct od_record *record, struct od_record_query *query, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct od_record_run *run = od_record_add_run(record, query, i % 8 == 7 ? "threads" : "sim");
        if (run == NULL)
            return;
        run->schedule_index = i;
        run->disturbed = i > 0;
        run->seed = UINT64_C(18446744073709551615) - i;
        run->virtual_ns = run->disturbed ? 41000000 + (uint64_t)i * 5300000 % 90000000 : 40000000;
        run->wall_ns = 2300000 + i * 1000;
        run->answer_rows = 3;
        od_record_text(record, &run->digest, "9f3a5c1200ff0102");
        if (!run->disturbed)
            continue;
        run->recovery_ns = run->virtual_ns - 40000000;
        run->repair_ns = run->recovery_ns + 2000000;
        run->repair_longest_ns = run->repair_ns / 2;
        run->faults_fired = 1 + i % 2;
        run->retries = i % 3;
        run->recomputed_tasks = i % 5;
        od_record_line(record, &run->schedule, "executor 2 crashes when task 1.1 starts its first attempt");
        if (i % 2 == 1)
            od_record_line(record, &run->schedule, "one bit of a block of task 0.3 flips before it is sent");
    }
}

/* Two points of each curve, the second twice the first. */
static inline void fixture_curve(struct od_record *record, struct od_record_query *query, const char *over, const char *kind)
{
    struct od_record_curve *curve = od_record_add_curve(record, query, over);
    OD_RECORD_SET(record, curve, kind, kind);
    OD_RECORD_SET(record, curve, deployment, "sim");
    for (uint64_t i = 1; i <= 2 && curve != NULL; i++) {
        struct od_record_point *point = od_record_add_point(record, curve, 25 * i);
        curve->undisturbed_ns = 40000000;
        if (point == NULL)
            return;
#define X(field, name, unit, fold, sentence) point->field = 1230000 * i;
        OD_RECORD_POINT_MEASURES(X)
#undef X
        point->runs = 5;
        point->failed_runs = i - 1;
    }
}

static inline struct od_record_query *fixture_query(struct od_record *record,
                                                    struct od_record_scenario *scenario, const char *name,
                                                    uint32_t run_count)
{
    struct od_record_query *query = od_record_add_query(record, scenario, name);
    OD_RECORD_SET(record, query, question,
                  "Which pages do visitors from each country open most, and how long do they stay?");
    OD_RECORD_SET(
        record, query, sql,
        "SELECT c.country, v.page, count(*) AS visits, avg(v.seconds) AS mean_seconds\n"
        "FROM visits v JOIN countries c ON v.country_id = c.id\nWHERE v.status < 400 AND v.seconds > 0\n"
        "GROUP BY c.country, v.page\nORDER BY visits DESC, c.country\nLIMIT 10");
    if (record->failed)
        return NULL;
    static const char *const columns[] = {"country", "page", "visits", "mean_seconds"};
    static const char *const cells[][4] = {{"Brazil", "/start", "1204", "31.25"},
                                           {"Japan", "/prices", "977", "12.5"},
                                           {"NULL", NASTY, "3", "NULL"}};
    for (size_t i = 0; i < 4; i++)
        od_record_line(record, &query->columns, columns[i]);
    for (size_t i = 0; i < 3; i++) {
        struct od_record_row *row = od_record_add_row(record, query);
        for (size_t k = 0; row != NULL && k < 4; k++)
            od_record_line(record, &row->cells, cells[i][k]);
    }
    query->answer_rows = 10;
    od_record_text(record, &query->answer_digest, "9f3a5c1200ff0102");
    od_record_text(record, &query->oracle, "equal to SQLite's answer");
    od_record_text(record, &query->explain,
                   "Limit 10\n  Sort visits DESC\n    Aggregate final\n      Exchange hash\n");
    fixture_stage(record, query, 0, "scan visits|filter|project", "hash");
    fixture_stage(record, query, 1, "scan countries", "broadcast");
    fixture_stage(record, query, 2, "hash join|partial aggregate", "hash");
    fixture_stage(record, query, 3, "final aggregate|top 10 \"<&>\\", "result");
    fixture_runs(record, query, run_count);
    fixture_curve(record, query, "moment", "executor.crash");
    fixture_curve(record, query, "rate", NASTY);
    return query;
}

static inline struct od_record *fixture_record(struct od_memory *memory, uint32_t run_count)
{
    struct od_record *record = od_record_new(memory);
    if (record == NULL)
        return NULL;
    od_record_text(record, &record->command,
                   "ordeal run scenarios/web_analytics.yaml --seed 7 --title '" NASTY "'");
    od_record_text(record, &record->engine, "reference 0.1.0");
    od_record_text(record, &record->build_id, "c0ffee0123456789");
    od_record_line(record, &record->deployments, "sim");
    od_record_line(record, &record->deployments, "threads");
    record->seed = UINT64_MAX;
    struct od_record_scenario *scenario = od_record_add_scenario(record, "web_analytics");
    OD_RECORD_SET(record, scenario, title, "Web analytics");
    OD_RECORD_SET(record, scenario, description, "A shop's access log with sessions, late rows and robots.");
    OD_RECORD_SET(record, scenario, file, "scenarios/web_analytics.yaml");
    if (scenario != NULL)
        scenario->seed = 41; /* its own, and not the other one's */
    struct od_record_table *table = od_record_add_table(record, scenario, "visits");
    OD_RECORD_SET(record, table, source, "generator web_access");
    if (table != NULL) {
        table->rows = 20000;
        od_record_line(record, &table->columns, "page text");
        od_record_line(record, &table->columns, "seconds float64");
    }
    fixture_query(record, scenario, "top_pages", run_count);
    scenario = od_record_add_scenario(record, "fraud_detection");
    struct od_record_query *query = fixture_query(record, scenario, "rings", run_count);
    if (query != NULL && query->runs.count > 2) {
        struct od_record_run *run = query->runs.items[1];
        run->verdict = OD_RECORD_FAILED;
        od_record_text(record, &run->property, "H1");
        od_record_text(record, &run->message,
                       "rows in differ from rows out: stage=0 task=3 in=3000 out=2999 " NASTY);
        od_record_text(record, &run->replay, "ordeal replay cases/rings-1.case");
        run->timeline = true;
        query->runs.items[2]->verdict = OD_RECORD_UNDECIDED;
        od_record_text(record, &query->runs.items[2]->message, "the oracle ran out of time");
        query->runs.items[0]->timeline = true;
    }
    if (record->failed) {
        od_record_free(record);
        return NULL;
    }
    return record;
}

static inline void fixture_event(struct od_event_log *log, uint64_t run, const char *kind, uint64_t time_us,
                                 uint32_t executor, uint32_t stage, uint32_t task, uint32_t attempt,
                                 const char *text)
{
    struct od_report_event event = od_report_event_none();
    event.run = run;
    event.kind = kind;
    event.time_ns = time_us * 1000;
    event.executor = executor;
    event.stage = stage;
    event.task = task;
    event.attempt = attempt;
    event.text = text;
    assert_int_equal(od_event_log_write(log, &event, NULL), OD_OK);
}

/* A task from..to in microseconds; how: the event at its end. */
static inline void fixture_task(struct od_event_log *log, uint64_t run, uint32_t executor, uint32_t stage,
                                uint32_t task, uint32_t attempt, uint64_t from_us, uint64_t to_us,
                                const char *how)
{
    fixture_event(log, run, "task_started", from_us, executor, stage, task, attempt, NULL);
    if (how == NULL)
        return;
    fixture_event(log, run, how, to_us, executor, stage, task, attempt,
                  strcmp(how, "task_failed") == 0 ? "corrupt (injected)" : NULL);
    if (strcmp(how, "task_succeeded") == 0)
        fixture_event(log, run, "task_committed", to_us + 50, OD_REPORT_NONE, stage, task, attempt, NULL);
}

/* run_plain undisturbed; run_faulty loses executor 2, recomputes, refuses a zombie. */
static inline void fixture_events(struct od_event_log *log, uint64_t run_plain, uint64_t run_faulty)
{
    const uint32_t none = OD_REPORT_NONE;
    for (uint32_t task = 0; task < 4; task++) {
        fixture_task(log, run_plain, task % 3 + 1, 0, task, 0, 100 + task * 900, 5000 + task * 700,
                     "task_succeeded");
        fixture_task(log, run_plain, task % 3 + 1, 2, task, 0, 8000 + task * 500, 14000 + task * 900,
                     "task_succeeded");
    }
    fixture_task(log, run_faulty, 1, 0, 0, 0, 100, 5000, "task_succeeded");
    fixture_task(log, run_faulty, 2, 0, 1, 0, 150, 5600, "task_succeeded");
    fixture_task(log, run_faulty, 3, 0, 2, 0, 200, 3000, "task_failed");
    fixture_task(log, run_faulty, 3, 0, 2, 1, 3500, 8000, "task_succeeded");
    fixture_task(log, run_faulty, 2, 2, 1, 0, 9000, 0, NULL);
    fixture_task(log, run_faulty, 3, 2, 2, 0, 9100, 0, NULL);
    fixture_event(log, run_faulty, "fault_fired", 11000, 2, 2, 1, 0, "executor 2 crashes in task 2.1");
    fixture_event(log, run_faulty, "executor_lost", 16000, 2, none, none, none, NULL);
    fixture_event(log, run_faulty, "output_lost", 16100, none, 0, 1, 0, NULL);
    fixture_task(log, run_faulty, 1, 0, 1, 0, 17000, 22000, "task_succeeded");
    fixture_event(log, run_faulty, "fault_fired", 20000, 3, 2, 2, 0,
                  "one bit flips in a block of task 0.2 " NASTY);
    fixture_event(log, run_faulty, "task_refused", 24000, 3, 2, 2, 0, NULL);
    fixture_event(log, run_faulty, "healed", 25000, none, none, none, none, NULL);
    fixture_task(log, run_faulty, 1, 2, 1, 1, 25500, 33000, "task_succeeded");
    fixture_task(log, run_faulty, 3, 2, 2, 1, 25600, 31000, "task_succeeded");
    fixture_task(log, run_faulty, 1, 3, 0, 0, 34000, 36000, "task_succeeded");
}

/* A run directory as `ordeal run` leaves it. */
static inline void fixture_run_directory(const char *directory, uint32_t run_count,
                                         enum od_record_state state)
{
    struct od_record *record = fixture_record(&fixture_memory, run_count);
    struct od_event_log *log = NULL;
    assert_non_null(record);
    if (state != OD_RECORD_RUNNING)
        od_record_finish(record, state);
    assert_int_equal(od_record_save(record, directory, NULL), OD_OK);
    assert_int_equal(od_event_log_open(&fixture_memory, directory, &log, NULL), OD_OK);
    fixture_events(log, run_count, run_count + 1);
    assert_int_equal(od_event_log_close(log, NULL), OD_OK);
    od_record_free(record);
}

#endif
