/* impact_processes: see impact_processes.h. */
#include "harness/impact_processes.h"

#include <signal.h>

#include "engine/core/assert.h"
#include "engine/world/posix.h"
#include "harness/cluster_processes.h"

#define WATCH_NS    UINT64_C(200000)
#define REPLACED_NS UINT64_C(10000000000)

static const struct {
    enum od_fault_kind kind;
    int signal;
    bool of_driver;
} strokes[] = {
    {OD_FAULT_EXECUTOR_CRASH, SIGKILL, false},
    {OD_FAULT_EXECUTOR_PAUSE, SIGSTOP, false},
    {OD_FAULT_DRIVER_CRASH, SIGKILL, true},
    {OD_FAULT_DRIVER_PAUSE, SIGSTOP, true},
};
#define STROKE_COUNT (sizeof(strokes) / sizeof(strokes[0]))

/* A fault of the schedule that is on, by its index there. */
struct struck {
    int process;    /* 0: not yet struck */
    bool is_over;   /* goes on again, or replaced */
};

struct od_impact_processes {
    struct od_processes *cluster; /* owned */
    /* of the run that is on */
    const struct od_schedule *schedule; /* borrowed; NULL: nobody is struck */
    struct struck *struck;              /* owned; a fault each */
    uint64_t started_ns;
};

static uint64_t now_ns(void)
{
    struct od_clock clock = od_posix_clock();
    return clock.now_ns(clock.self);
}

static size_t stroke_of(enum od_fault_kind kind)
{
    size_t i = 0;
    while (i < STROKE_COUNT && strokes[i].kind != kind)
        i++;
    return i;
}

bool od_impact_processes_can(enum od_fault_kind kind)
{
    return stroke_of(kind) < STROKE_COUNT;
}

static uint32_t actor_of(const struct od_fault *fault)
{
    return strokes[stroke_of(fault->kind)].of_driver ? 0 : fault->site.executor;
}

/* One that is stopped already may be killed or stopped again: the later fault has an effect, too. */
static void watch(void *self)
{
    struct od_impact_processes *processes = self;
    uint64_t elapsed_ns = now_ns() - processes->started_ns;
    for (uint32_t i = 0; processes->schedule != NULL && i < processes->schedule->fault_count; i++) {
        const struct od_fault *fault = &processes->schedule->faults[i];
        struct struck *struck = &processes->struck[i];
        int sent = strokes[stroke_of(fault->kind)].signal;
        int process = od_processes_id(processes->cluster, actor_of(fault));
        if (struck->process == 0 && elapsed_ns >= fault->time_ns && process > 0 && kill(process, sent) == 0)
            struck->process = process;
        if (struck->process == 0 || struck->is_over)
            continue;
        if (sent == SIGSTOP && elapsed_ns >= fault->time_ns + od_fault_duration_ns(fault))
            struck->is_over = process != struck->process || kill(process, SIGCONT) == 0;
    }
}

/* Whoever was struck is well: goes on, or has another process. */
static enum od_status mend(struct od_impact_processes *processes, struct od_error *error)
{
    const struct od_schedule *schedule = processes->schedule;
    uint64_t until_ns = now_ns() + REPLACED_NS;
    for (uint32_t i = 0; i < schedule->fault_count; i++) {
        struct struck *struck = &processes->struck[i];
        uint32_t actor = actor_of(&schedule->faults[i]);
        bool was_killed = strokes[stroke_of(schedule->faults[i].kind)].signal == SIGKILL;
        if (struck->process == 0 || struck->is_over)
            continue;
        int process = od_processes_id(processes->cluster, actor);
        if (!was_killed && process == struck->process)
            (void)kill(process, SIGCONT); /* else it ended meanwhile */
        while (was_killed && (process <= 0 || process == struck->process)) {
            if (now_ns() > until_ns)
                return od_fail(error, OD_UNREACHABLE, "process %d of actor %u was killed and not replaced", struck->process, actor);
            od_processes_wait(processes->cluster, WATCH_NS);
            process = od_processes_id(processes->cluster, actor);
        }
    }
    return OD_OK;
}

static enum od_status strike(struct od_impact_processes *processes, const struct od_cluster_request *request,
                             struct od_cluster_result *result_out, struct od_error *error)
{
    struct od_memory *memory = od_posix_memory();
    uint32_t count = request->schedule->fault_count;
    struct od_cluster_request calm = *request;
    calm.schedule = NULL; /* or it would be armed in a cluster of its own */
    processes->struck = od_take_array(memory, count, sizeof(*processes->struck));
    uint32_t *fired = od_take_array(memory, count, sizeof(*fired));
    enum od_status status = processes->struck == NULL || fired == NULL ? od_fail(error, OD_NO_MEMORY, "a schedule: faults=%u", count) : OD_OK;
    if (status == OD_OK) {
        processes->schedule = request->schedule;
        processes->started_ns = now_ns();
        watch(processes); /* what is due at once comes before the query, however slow this process is */
        status = od_cluster_run(memory, &calm, result_out, error);
        enum od_status mended = mend(processes, status == OD_OK ? error : NULL);
        status = status == OD_OK ? mended : status;
        processes->schedule = NULL;
    }
    if (status == OD_OK) {
        for (uint32_t i = 0; i < count; i++)
            fired[i] = processes->struck[i].process != 0;
        for (uint32_t i = 0; i < count; i++)
            result_out->faults_fired += fired[i];
        result_out->fault_count = count;
        result_out->fired = fired;
        fired = NULL;
    }
    od_give(memory, fired, count * sizeof(*fired));
    od_give(memory, processes->struck, count * sizeof(*processes->struck));
    processes->struck = NULL;
    return status;
}

enum od_status od_impact_processes_start(const struct od_cluster_options *cluster, const char *program,
                                         struct od_impact_processes **processes_out, struct od_error *error)
{
    struct od_memory *memory = od_posix_memory();
    const struct od_processes_options options = {.executor_count = cluster->executor_count,
                                                 .slots_per_executor = cluster->slots_per_executor,
                                                 .cluster = *cluster,
                                                 .program = program,
                                                 .tells_events = true};
    struct od_impact_processes *processes = *processes_out = od_take(memory, sizeof(*processes));
    if (processes == NULL)
        return od_fail(error, OD_NO_MEMORY, "starting processes");
    enum od_status status = od_processes_start(memory, &options, &processes->cluster, error);
    if (status == OD_OK)
        od_processes_watch(processes->cluster, WATCH_NS, watch, processes);
    else
        od_impact_processes_end(processes);
    *processes_out = status == OD_OK ? processes : NULL;
    return status;
}

void od_impact_processes_end(struct od_impact_processes *processes)
{
    if (processes == NULL)
        return;
    od_processes_end(processes->cluster);
    od_give(od_posix_memory(), processes, sizeof(*processes));
}

enum od_status od_impact_processes_run(struct od_impact_processes *processes, const struct od_cluster_request *request,
                                       struct od_cluster_result *result_out, struct od_error *error)
{
    struct od_cluster_request calm = *request;
    struct od_cluster_result warm = {0};
    od_assert(request->deployment == OD_DEPLOY_PROCESSES);
    calm.processes = processes->cluster;
    calm.schedule = NULL;
    enum od_status status = od_cluster_run(od_posix_memory(), &calm, &warm, error);
    od_cluster_result_release(&warm);
    if (status != OD_OK)
        return status;
    if (request->schedule == NULL)
        return od_cluster_run(od_posix_memory(), &calm, result_out, error);
    calm.schedule = request->schedule;
    return strike(processes, &calm, result_out, error);
}
