/* scenario_plan: a checked scenario: what scenario_run.c executes. Private to scenario_*.c and explore_subject.c. */
#ifndef OD_HARNESS_SCENARIO_PLAN_H
#define OD_HARNESS_SCENARIO_PLAN_H

#include "chaos/fault.h"
#include "engine/run/query.h"
#include "harness/prepare.h"
#include "harness/scenario.h"
#include "harness/scenario_run.h"

struct od_scenario_run {
    const struct od_scenario_run_options *options; /* borrowed */
    char path[1000];
    struct od_buffer text;        /* owned; the file */
    struct od_scenario *scenario; /* owned */
    uint64_t seed;
    struct od_arena arena; /* owned: plans, schedules and this list */
    struct od_table **tables; /* owned tables */
    struct od_prepared *queries;  /* scenario->queries_count */
    struct od_schedule *written;  /* scenario->ordeal->schedules_count, or the one of --faults */
    uint32_t written_count;
    uint32_t sim_count;     /* drawn schedules a query */
    uint32_t threads_count;
    uint32_t faults_max;
    struct od_run_options run_options;
    struct od_processes *processes; /* owned; NULL until a query runs in processes */
};

#endif
