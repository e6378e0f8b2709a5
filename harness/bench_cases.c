/* bench_cases: the harness itself: cases that are drawn, prepared, disturbed, run and judged, all of it timed.
 *
 * `harness/case` takes what a campaign takes: every property, every size. `harness/median_case` is the yardstick of small queries
 * under faults: a fixed set of cases of one shape, SHAPE below. Such cases are rare among the drawn ones, so set_up looks for
 * them: it draws, sets the one byte that says how many executors there are, draws the schedule that these bytes then mean, and
 * keeps the bytes if the shape is right and a run shows that the faults fire. Later iterations draw from the kept bytes, as a
 * replay does, and an iteration is the whole set: no part of it weighs more than another. */
#include <stdlib.h>
#include <string.h>

#include "engine/world/posix.h"
#include "harness/bench_fixtures.h"
#include "harness/bench_suite.h"
#include "harness/trial.h"

#define CASES_DRAWN  1000
#define CASES_MEDIAN 200
#define DRAWS_MAX    1000000
/* SHAPE: three tables, two joins or aggregates, three executors, two faults that take effect. */
#define SHAPE_TABLES    3
#define SHAPE_NODES     2
#define SHAPE_EXECUTORS 3
#define SHAPE_FAULTS    2

struct kept {
    uint8_t *bytes; /* owned */
    uint32_t size;
};
struct cases_fixture {
    struct od_trial trial;
    struct od_choices choices;
    uint64_t next;
    uint64_t virtual_ns;
    uint32_t kept_count; /* 0: cases come from seeds */
    struct kept kept[CASES_MEDIAN];
};

static void tear_down(void *self)
{
    struct cases_fixture *fixture = self;
    if (fixture == NULL)
        return;
    od_trial_release(&fixture->trial);
    od_choices_release(&fixture->choices);
    for (uint32_t i = 0; i < fixture->kept_count; i++)
        free(fixture->kept[i].bytes);
    free(fixture);
}

static void *case_set_up(int64_t argument, char *problem)
{
    struct cases_fixture *fixture = calloc(1, sizeof(*fixture));
    (void)argument;
    if (fixture == NULL) {
        od_bench_problem(problem, "setting up", "no memory");
        return NULL;
    }
    od_trial_init(&fixture->trial, od_posix_memory());
    od_choices_init(&fixture->choices, od_posix_memory());
    return fixture;
}

/* --- the median case ------------------------------------------------------------------------------------------- */

static uint32_t joins_and_aggregates(const struct od_plan *plan)
{
    uint32_t count = plan->kind == OD_PLAN_JOIN || plan->kind == OD_PLAN_AGGREGATE;
    for (uint32_t i = 0; i < plan->input_count; i++)
        count += joins_and_aggregates(plan->inputs[i]);
    return count;
}

/* The same case on as many executors as the shape has: their number is the first draw of the cluster. */
static uint32_t reshape(const struct od_choices *choices, uint8_t *bytes)
{
    uint32_t size = choices->size;
    memcpy(bytes, choices->bytes, size);
    for (uint32_t i = 0; i < choices->span_count; i++)
        if (strcmp(choices->spans[i].label, "cluster") == 0)
            bytes[choices->spans[i].first] = SHAPE_EXECUTORS - 1;
    return size;
}

static bool has_shape(const struct od_trial *trial)
{
    return trial->test_case.table_count == SHAPE_TABLES && trial->schedule.fault_count == SHAPE_FAULTS &&
           joins_and_aggregates(trial->test_case.plan) == SHAPE_NODES;
}

static bool is_disturbed(const struct od_trial *trial)
{
    const struct od_cluster_result *result = &trial->results[0];
    uint32_t fired = 0;
    for (uint32_t i = 0; trial->run_count > 0 && i < result->fault_count; i++)
        fired += result->fired[i] > 0;
    return fired == SHAPE_FAULTS && trial->test_case.cluster.executor_count == SHAPE_EXECUTORS && !trial->finding.excused;
}

/* Draws the case of a seed; keeps it if it is of the shape. */
static enum od_status look_at(struct cases_fixture *fixture, uint64_t seed, struct od_error *error)
{
    uint8_t bytes[OD_CHOICES_LIMIT_BYTES];
    struct od_trial *trial = &fixture->trial;
    od_choices_from_seed(&fixture->choices, seed, "bench");
    OD_TRY(od_trial_draw(trial, &fixture->choices, error));
    if (!has_shape(trial))
        return OD_OK;
    uint32_t size = reshape(&fixture->choices, bytes);
    od_choices_from_bytes(&fixture->choices, bytes, size);
    OD_TRY(od_trial_run(trial, &fixture->choices, error));
    if (trial->finding.found)
        return od_fail(error, OD_EVALUATION, "%s: %.150s", trial->finding.code, trial->finding.text);
    if (!has_shape(trial) || !is_disturbed(trial))
        return OD_OK;
    struct kept *kept = &fixture->kept[fixture->kept_count];
    kept->size = od_choices_trimmed_bytes(&fixture->choices);
    kept->bytes = malloc(kept->size + 1);
    if (kept->bytes == NULL)
        return od_fail(error, OD_NO_MEMORY, "keeping a case");
    memcpy(kept->bytes, fixture->choices.bytes, kept->size);
    fixture->kept_count++;
    return OD_OK;
}

static void *median_set_up(int64_t argument, char *problem)
{
    struct cases_fixture *fixture = case_set_up(argument, problem);
    struct od_error error = {0};
    if (fixture == NULL)
        return NULL;
    fixture->trial.only = od_property_find("F1");
    for (uint64_t seed = 0; seed < DRAWS_MAX && fixture->kept_count < CASES_MEDIAN; seed++) {
        if (look_at(fixture, seed, &error) == OD_OK)
            continue;
        od_bench_problem(problem, "looking for cases", error.text);
        tear_down(fixture);
        return NULL;
    }
    if (fixture->kept_count == CASES_MEDIAN)
        return fixture;
    od_bench_problem(problem, "looking for cases", "too few are of the shape");
    tear_down(fixture);
    return NULL;
}

/* --- running --------------------------------------------------------------------------------------------------- */

static bool run_case(struct cases_fixture *fixture, char *problem)
{
    struct od_error error = {0};
    if (od_trial_run(&fixture->trial, &fixture->choices, &error) != OD_OK)
        return od_bench_problem(problem, "running a case", error.text);
    if (fixture->trial.finding.found)
        return od_bench_problem(problem, fixture->trial.finding.code, fixture->trial.finding.text);
    fixture->virtual_ns += fixture->trial.virtual_ns;
    return true;
}

static bool case_run(void *self, uint64_t iterations, char *problem)
{
    struct cases_fixture *fixture = self;
    bool good = true;
    for (uint64_t i = 0; good && i < iterations; i++) {
        od_choices_from_seed(&fixture->choices, fixture->next++ % CASES_DRAWN, "bench");
        good = run_case(fixture, problem);
    }
    return good;
}

static bool median_run(void *self, uint64_t iterations, char *problem)
{
    struct cases_fixture *fixture = self;
    bool good = true;
    for (uint64_t i = 0; good && i < iterations * CASES_MEDIAN; i++) {
        const struct kept *kept = &fixture->kept[i % CASES_MEDIAN];
        od_choices_from_bytes(&fixture->choices, kept->bytes, kept->size);
        good = run_case(fixture, problem);
    }
    return good;
}

static bool case_check(void *self, char *problem)
{
    bool good = case_run(self, 10, problem);
    ((struct cases_fixture *)self)->next = 0;
    return good;
}

static bool median_check(void *self, char *problem)
{
    return median_run(self, 1, problem);
}

static uint64_t items(const void *self)
{
    uint32_t kept_count = ((const struct cases_fixture *)self)->kept_count;
    return kept_count == 0 ? 1 : kept_count;
}

static uint64_t virtual_ns(const void *self)
{
    return ((const struct cases_fixture *)self)->virtual_ns;
}

static const struct od_bench cases[] = {
    {"harness/case", "generated, disturbed and checked cases", NULL, {0}, case_set_up, case_check, case_run, tear_down, items,
     virtual_ns},
    {"harness/median_case", "cases of three tables, two joins or aggregates, three executors, two faults that fire", NULL,
     {0}, median_set_up, median_check, median_run, tear_down, items, virtual_ns},
};
const struct od_bench_list od_bench_cases = {cases, sizeof(cases) / sizeof(cases[0])};
