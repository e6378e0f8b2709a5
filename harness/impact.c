/* impact: see impact.h. */
#include "harness/impact.h"

#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/world/posix.h"
#include "harness/impact_processes.h"
#include "harness/judge.h"
#include "harness/run_record.h"
#include "harness/scenario_plan.h"
#include "harness/sqlite_check.h"

#define PPM UINT64_C(1000000)

/* What there is to measure besides undisturbed runs: [0, moment_count) moments, then rates. */
#define MEASURED_MAX (2 * OD_IMPACT_POINTS_MAX)

struct sample {
    bool answered;
    uint64_t elapsed_ns;
    uint64_t slowdown_ppm; /* by the undisturbed run of its round; 0: one of both gave no answer */
    uint64_t recovery_ns;
    uint64_t repair_ns;
    uint64_t recomputed_ppm;
    uint64_t faults_fired;
};

/* A query under one kind. */
struct measured {
    struct sample undisturbed[OD_IMPACT_ROUNDS_MAX];
    struct sample disturbed[MEASURED_MAX][OD_IMPACT_ROUNDS_MAX];
};

struct impact {
    const struct od_impact_options *options;
    const struct od_scenario_run *scenario;
    struct od_impact_sink *sink;
    uint32_t query;
    struct od_record_query *record_query;
    struct od_impact_processes *processes; /* owned; NULL: none run */
    struct od_cluster_result expected;     /* owned; of an undisturbed run in sim */
    struct measured measured;          /* of the kind that is on */
};

/* --- kinds ----------------------------------------------------------------------------------------------------------- */

static enum od_status read_kind(const char *word, const char *detail, struct od_impact_kind *kind, struct od_error *error)
{
    char text[200];
    struct od_arena arena;
    struct od_schedule schedule = {0};
    od_arena_init(&arena, od_posix_memory(), 0);
    snprintf(kind->name, sizeof(kind->name), "%s", word);
    /* A schedule knows best: whoever takes no executor at a time refuses one. */
    snprintf(text, sizeof(text), "%s at time=1ms executor=1%s", word, detail);
    kind->strikes_executors = od_schedule_parse(&arena, "--kind", text, strlen(text), &schedule, NULL) == OD_OK;
    enum od_status status = OD_OK;
    if (!kind->strikes_executors) {
        snprintf(text, sizeof(text), "%s at time=1ms%s", word, detail);
        status = od_schedule_parse(&arena, "--kind", text, strlen(text), &schedule, error);
    }
    if (status == OD_OK && (schedule.fault_count != 1 || od_fault_kind_promise(schedule.faults[0].kind) == OD_FAULT_ENDS))
        status = od_fail(error, OD_BAD_INPUT, "--kind %s: expected a fault that a query survives", word);
    if (status == OD_OK) {
        kind->kind = schedule.faults[0].kind;
        kind->wants_journal = od_schedule_wants_journal(&schedule);
    }
    od_arena_release(&arena);
    return status;
}

enum od_status od_impact_kinds_read(const char *text, const char *detail, struct od_impact_options *options, struct od_error *error)
{
    const char *at = text;
    snprintf(options->detail, sizeof(options->detail), "%s%s", detail == NULL ? "" : " ", detail == NULL ? "" : detail);
    for (options->kind_count = 0; options->kind_count < OD_IMPACT_KINDS_MAX; at++) {
        char word[sizeof(options->kinds[0].name)];
        size_t size = strcspn(at, ",");
        if (size == 0 || size >= sizeof(word))
            return od_fail(error, OD_BAD_INPUT, "--kind %.100s: expected kinds of fault with commas between", text);
        snprintf(word, sizeof(word), "%.*s", (int)size, at);
        struct od_impact_kind *kind = &options->kinds[options->kind_count++];
        OD_TRY(read_kind(word, options->detail, kind, error));
        if (options->deployment == OD_DEPLOY_PROCESSES && !od_impact_processes_can(kind->kind))
            return od_fail(error, OD_UNSUPPORTED, "--kind %s: in processes expected executor.crash, executor.pause, driver.crash or driver.pause",
                           word);
        at += size;
        if (*at == '\0')
            return OD_OK;
    }
    return od_fail(error, OD_BAD_INPUT, "--kind %.100s: expected at most %d", text, OD_IMPACT_KINDS_MAX);
}

/* --- a run ----------------------------------------------------------------------------------------------------------- */

static struct od_cluster_request request_of(const struct impact *impact, const struct od_impact_kind *kind, uint64_t seed)
{
    struct od_cluster_request request = {.graph = impact->scenario->queries[impact->query].graph,
                                         .options = impact->scenario->run_options,
                                         .deployment = impact->options->deployment,
                                         .seed = seed,
                                         .keep_events = true};
    request.options.cluster.journal = request.options.cluster.journal || kind->wants_journal;
    if (kind->kind == OD_FAULT_EXECUTOR_ADD && request.options.cluster.executors_max == 0)
        request.options.cluster.executors_max = request.options.cluster.executor_count + 1;
    return request;
}

static void record_finding(struct impact *impact, struct od_record_run *run, const struct od_finding *finding)
{
    struct od_record *record = impact->sink->record;
    if (run == NULL || !finding->found)
        return;
    impact->sink->failed++;
    run->verdict = OD_RECORD_FAILED;
    od_record_text(record, &run->property, finding->code);
    od_record_text(record, &run->message, finding->text);
    od_record_text(record, &run->replay, record->command);
}

/* Runs, judges, records. `sample` and `result_out` NULL: nobody wants it. */
static enum od_status run_once(struct impact *impact, const struct od_cluster_request *asked, uint64_t schedule_index,
                               struct sample *sample, struct od_cluster_result *result_out, struct od_error *error)
{
    struct od_impact_sink *sink = impact->sink;
    struct od_cluster_request request = *asked;
    struct od_cluster_result result = {0};
    struct od_finding finding = {0};
    struct od_clock clock = od_posix_clock();
    char files[4200];
    snprintf(files, sizeof(files), "%s/files", sink->directory);
    request.directory = request.deployment == OD_DEPLOY_THREADS ? files : NULL;
    uint64_t started_ns = clock.now_ns(clock.self);
    enum od_status status = request.deployment == OD_DEPLOY_PROCESSES
                                ? od_impact_processes_run(impact->processes, &request, &result, error)
                                : od_cluster_run(od_posix_memory(), &request, &result, error);
    uint64_t wall_ns = clock.now_ns(clock.self) - started_ns;
    if (status == OD_OK)
        status = od_judge_run(impact->scenario->queries[impact->query].plan, &request, &result, impact->expected.outcome.answer, &finding,
                              error);
    if (status != OD_OK)
        goto done;
    struct od_record_run *run = od_record_add_run(sink->record, impact->record_query, od_deployment_text(request.deployment));
    od_run_record_run(sink->record, run, &request, &result, wall_ns);
    record_finding(impact, run, &finding);
    if (run != NULL)
        run->schedule_index = schedule_index;
    if (run != NULL && sample != NULL)
        *sample = (struct sample){.answered = !finding.found && result.ended && result.outcome.status == OD_OK,
                                  .elapsed_ns = result.elapsed_ns,
                                  .repair_ns = run->repair_ns,
                                  .recomputed_ppm = run->recomputed_ppm,
                                  .faults_fired = result.faults_fired};
    sink->done++;
    if (sink->progress != NULL)
        od_progress_step(sink->progress, sink->done, sink->failed, impact->scenario->scenario->queries[impact->query].name);
    if (sink->interrupted != NULL && *sink->interrupted)
        status = od_fail(error, OD_CANCELLED, "interrupted");
    if (status == OD_OK && result_out != NULL) {
        *result_out = result;
        result = (struct od_cluster_result){0};
    }
done:
    od_cluster_result_release(&result);
    return status;
}

/* --- schedules ------------------------------------------------------------------------------------------------------- */

static void add_fault(const struct impact *impact, const struct od_impact_kind *kind, uint64_t time_ns, uint64_t victim,
                      struct od_buffer *text)
{
    od_buffer_print(text, "%s at time=%lluns", kind->name, (unsigned long long)time_ns);
    if (kind->strikes_executors)
        od_buffer_print(text, " executor=%llu", (unsigned long long)victim);
    od_buffer_print(text, "%s\n", impact->options->detail);
}

/* Which point a number stands for. */
static bool is_moment(const struct od_impact_options *options, uint32_t which)
{
    return which < options->moment_count;
}
static uint64_t at_of(const struct od_impact_options *options, uint32_t which)
{
    return is_moment(options, which) ? options->moments[which] : options->rates[which - options->moment_count];
}

/* The schedule of a point in a round, as text; empty: no fault. */
static void write_schedule(const struct impact *impact, const struct od_impact_kind *kind, uint32_t which, uint32_t round,
                           uint64_t span_ns, struct od_buffer *text)
{
    uint64_t executors = impact->scenario->run_options.cluster.executor_count;
    uint64_t at = at_of(impact->options, which);
    if (is_moment(impact->options, which)) {
        add_fault(impact, kind, span_ns * at / 100, 1 + round % executors, text);
        return;
    }
    char name[200];
    struct od_stream stream;
    snprintf(name, sizeof(name), "impact/%.80s/%s/%u", impact->scenario->scenario->queries[impact->query].name, kind->name, round);
    od_stream_init(&stream, impact->scenario->seed, name);
    for (uint64_t i = 0; i < at; i++) {
        uint64_t time_ns = od_random_below(&stream.random, span_ns + 1);
        uint64_t victim = 1 + od_random_below(&stream.random, executors);
        add_fault(impact, kind, time_ns, victim, text);
    }
}

/* A point in a round. */
static enum od_status run_point(struct impact *impact, const struct od_impact_kind *kind, uint32_t which, uint32_t round,
                                uint64_t span_ns, struct od_error *error)
{
    struct od_cluster_request request = request_of(impact, kind, od_mix_two(impact->scenario->seed, round));
    struct od_schedule schedule = {0};
    struct od_buffer text;
    struct od_arena arena;
    od_buffer_init(&text, od_posix_memory());
    od_arena_init(&arena, od_posix_memory(), 0);
    write_schedule(impact, kind, which, round, span_ns, &text);
    enum od_status status = text.failed ? od_fail(error, OD_NO_MEMORY, "a schedule") : OD_OK;
    if (status == OD_OK)
        status = od_schedule_parse(&arena, "schedule", (const char *)text.bytes, text.size, &schedule, error);
    request.schedule = schedule.fault_count == 0 ? NULL : &schedule;
    if (status == OD_OK)
        status = run_once(impact, &request, 1 + which, &impact->measured.disturbed[which][round], NULL, error);
    od_arena_release(&arena);
    od_buffer_release(&text);
    return status;
}

/* --- rounds ---------------------------------------------------------------------------------------------------------- */

static void shuffle(uint32_t *order, uint32_t count, struct od_stream *stream)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)od_random_below(&stream->random, i);
        uint32_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

static void compare_with(struct sample *sample, const struct sample *undisturbed)
{
    if (!sample->answered || !undisturbed->answered || undisturbed->elapsed_ns == 0)
        return;
    sample->slowdown_ppm = (uint64_t)((double)sample->elapsed_ns * (double)PPM / (double)undisturbed->elapsed_ns + 0.5);
    if (sample->elapsed_ns > undisturbed->elapsed_ns)
        sample->recovery_ns = sample->elapsed_ns - undisturbed->elapsed_ns;
}

static enum od_status run_round(struct impact *impact, const struct od_impact_kind *kind, uint32_t round, struct od_stream *stream,
                                struct od_error *error)
{
    uint32_t order[MEASURED_MAX + 1];
    uint32_t count = impact->options->moment_count + impact->options->rate_count;
    struct sample *undisturbed = &impact->measured.undisturbed[round];
    struct sample first = {0};
    const struct od_cluster_request request = request_of(impact, kind, od_mix_two(impact->scenario->seed, round));
    for (uint32_t i = 0; i <= count; i++)
        order[i] = i;
    shuffle(order, count + 1, stream);
    OD_TRY(run_once(impact, &request, 0, &first, NULL, error));
    for (uint32_t i = 0; i <= count; i++)
        OD_TRY(order[i] == count ? run_once(impact, &request, 0, undisturbed, NULL, error)
                                 : run_point(impact, kind, order[i], round, first.elapsed_ns, error));
    for (uint32_t i = 0; i < count; i++)
        compare_with(&impact->measured.disturbed[i][round], undisturbed);
    return OD_OK;
}

/* --- points ---------------------------------------------------------------------------------------------------------- */

static void sort(uint64_t *values, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        uint64_t value = values[i];
        uint32_t at = i;
        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
}

/* The value that `fourths` fourths of the others lie below; between two, in proportion. Sorts; 0 of none. */
static uint64_t quartile(uint64_t *values, uint32_t count, uint32_t fourths)
{
    if (count == 0)
        return 0;
    sort(values, count);
    uint32_t place = (count - 1) * fourths;
    uint64_t below = values[place / 4];
    return place % 4 == 0 ? below : below + (values[place / 4 + 1] - below) * (place % 4) / 4;
}

/* One field of the samples that gave an answer, beside an undisturbed one that did. */
static uint32_t collect(const struct sample *samples, uint32_t rounds, size_t offset, uint64_t *values)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rounds; i++)
        if (samples[i].slowdown_ppm > 0)
            values[count++] = *(const uint64_t *)(const void *)((const uint8_t *)&samples[i] + offset);
    return count;
}

static uint64_t quartile_of(const struct sample *samples, uint32_t rounds, size_t offset, uint32_t fourths)
{
    uint64_t values[OD_IMPACT_ROUNDS_MAX];
    return quartile(values, collect(samples, rounds, offset, values), fourths);
}

static void fill_point(struct od_record_point *point, const struct sample *samples, uint32_t rounds, bool has_faults)
{
    uint64_t recomputed_ppm = 0;
    for (uint32_t i = 0; i < rounds; i++) {
        point->runs += samples[i].answered;
        point->failed_runs += !samples[i].answered;
        point->missed_runs += has_faults && samples[i].faults_fired == 0;
        point->faults_fired += samples[i].faults_fired;
        recomputed_ppm += samples[i].answered ? samples[i].recomputed_ppm : 0;
    }
    point->elapsed_ns = quartile_of(samples, rounds, offsetof(struct sample, elapsed_ns), 2);
    point->slowdown_low_ppm = quartile_of(samples, rounds, offsetof(struct sample, slowdown_ppm), 1);
    point->slowdown_ppm = quartile_of(samples, rounds, offsetof(struct sample, slowdown_ppm), 2);
    point->slowdown_high_ppm = quartile_of(samples, rounds, offsetof(struct sample, slowdown_ppm), 3);
    point->recovery_ns = quartile_of(samples, rounds, offsetof(struct sample, recovery_ns), 2);
    point->repair_ns = quartile_of(samples, rounds, offsetof(struct sample, repair_ns), 2);
    point->recomputed_ppm = point->runs == 0 ? 0 : recomputed_ppm / point->runs;
}

static void record_curve(struct impact *impact, const struct od_impact_kind *kind, const char *over, uint32_t first, uint32_t count)
{
    struct od_record *record = impact->sink->record;
    uint32_t rounds = impact->options->rounds;
    struct od_record_curve *curve = count == 0 ? NULL : od_record_add_curve(record, impact->record_query, over);
    if (curve == NULL)
        return;
    od_record_text(record, &curve->kind, kind->name);
    od_record_text(record, &curve->deployment, od_deployment_text(impact->options->deployment));
    for (uint32_t i = 0; i < rounds; i++)
        compare_with(&impact->measured.undisturbed[i], &impact->measured.undisturbed[i]);
    curve->undisturbed_ns = quartile_of(impact->measured.undisturbed, rounds, offsetof(struct sample, elapsed_ns), 2);
    for (uint32_t i = first; i < first + count; i++) {
        uint64_t at = at_of(impact->options, i);
        struct od_record_point *point = od_record_add_point(record, curve, at);
        if (point != NULL)
            fill_point(point, impact->measured.disturbed[i], rounds, is_moment(impact->options, i) || at > 0);
    }
}

static enum od_status measure_kind(struct impact *impact, const struct od_impact_kind *kind, struct od_error *error)
{
    const struct od_impact_options *options = impact->options;
    struct od_stream stream;
    char name[160];
    snprintf(name, sizeof(name), "impact order/%.80s/%s", impact->scenario->scenario->queries[impact->query].name, kind->name);
    od_stream_init(&stream, impact->scenario->seed, name);
    impact->measured = (struct measured){0};
    for (uint32_t round = 0; round < options->rounds; round++)
        OD_TRY(run_round(impact, kind, round, &stream, error));
    record_curve(impact, kind, "moment", 0, options->moment_count);
    record_curve(impact, kind, "rate", options->moment_count, options->rate_count);
    return OD_OK;
}

/* --- a query --------------------------------------------------------------------------------------------------------- */

/* What is right: the answer of an undisturbed run in sim, if SQLite agrees where it can tell. */
static enum od_status find_expected(struct impact *impact, struct od_error *error)
{
    const struct od_scenario_run *scenario = impact->scenario;
    const struct od_scenario_query *asked = &scenario->scenario->queries[impact->query];
    const struct od_prepared *prepared = &scenario->queries[impact->query];
    const struct od_catalog catalog = {scenario->scenario->tables_count, (const struct od_table *const *)scenario->tables};
    struct od_finding finding = {0};
    char oracle[200] = "";
    struct od_cluster_request request = request_of(impact, &(struct od_impact_kind){0}, scenario->seed);
    request.deployment = OD_DEPLOY_SIM;
    OD_TRY(run_once(impact, &request, 0, NULL, &impact->expected, error));
    od_run_record_query(impact->sink->record, impact->record_query, prepared, &impact->expected);
    if (impact->expected.outcome.answer == NULL)
        return OD_OK; /* said by the judge */
    const char *sqlite = asked->sqlite != NULL && strcmp(asked->sqlite, "same") == 0 ? asked->sql : asked->sqlite;
    OD_TRY(od_sqlite_check(&catalog, prepared->plan, sqlite, impact->expected.outcome.answer, &finding, oracle, sizeof(oracle), error));
    OD_RECORD_SET(impact->sink->record, impact->record_query, oracle, oracle);
    if (impact->record_query != NULL && impact->record_query->runs.count > 0)
        record_finding(impact, impact->record_query->runs.items[0], &finding);
    return OD_OK;
}

static enum od_status measure_query(struct impact *impact, struct od_record_scenario *record_scenario, uint32_t query,
                                    struct od_error *error)
{
    const struct od_scenario_query *asked = &impact->scenario->scenario->queries[query];
    impact->query = query;
    impact->record_query = od_record_add_query(impact->sink->record, record_scenario, asked->name);
    OD_RECORD_SET(impact->sink->record, impact->record_query, question, asked->asks);
    OD_RECORD_SET(impact->sink->record, impact->record_query, sql, asked->sql);
    enum od_status status = find_expected(impact, error);
    for (uint32_t i = 0; i < impact->options->kind_count && status == OD_OK && impact->expected.outcome.answer != NULL; i++)
        status = measure_kind(impact, &impact->options->kinds[i], error);
    od_cluster_result_release(&impact->expected);
    impact->expected = (struct od_cluster_result){0};
    return status;
}

uint64_t od_impact_run_count(const struct od_impact_options *options, const struct od_scenario_run *scenario)
{
    uint64_t round = 2 + (uint64_t)options->moment_count + options->rate_count;
    return scenario->scenario->queries_count * (1 + options->kind_count * options->rounds * round);
}

enum od_status od_impact_execute(const struct od_impact_options *options, const struct od_scenario_run *scenario,
                                 struct od_impact_sink *sink, struct od_error *error)
{
    od_assert(options->rounds >= 1 && options->rounds <= OD_IMPACT_ROUNDS_MAX);
    od_assert(options->moment_count <= OD_IMPACT_POINTS_MAX && options->rate_count <= OD_IMPACT_POINTS_MAX);
    struct od_memory *memory = od_posix_memory();
    struct impact *impact = od_take(memory, sizeof(*impact));
    if (impact == NULL)
        return od_fail(error, OD_NO_MEMORY, "measuring %s", scenario->path);
    *impact = (struct impact){.options = options, .scenario = scenario, .sink = sink};
    struct od_record_scenario *record_scenario = od_record_add_scenario(sink->record, scenario->scenario->name);
    OD_RECORD_SET(sink->record, record_scenario, title, scenario->scenario->title);
    OD_RECORD_SET(sink->record, record_scenario, file, scenario->path);
    if (record_scenario != NULL)
        record_scenario->seed = scenario->seed;
    enum od_status status = OD_OK;
    if (options->deployment == OD_DEPLOY_PROCESSES)
        status = od_impact_processes_start(&scenario->run_options.cluster, options->program, &impact->processes, error);
    for (uint32_t i = 0; i < scenario->scenario->queries_count && status == OD_OK; i++) {
        status = measure_query(impact, record_scenario, i, error);
        enum od_status saved = od_record_save(sink->record, sink->directory, status == OD_OK ? error : NULL);
        status = status == OD_OK ? saved : status;
    }
    od_impact_processes_end(impact->processes);
    od_give(memory, impact, sizeof(*impact));
    return status;
}
