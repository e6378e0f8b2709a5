/* cluster_sim: a query in the simulation. Deterministic: equal requests give equal digests. */
#include "chaos/sim.h"
#include "harness/cluster_host.h"

#define SLICE_NS UINT64_C(10000000)

static void stop_sim(void *self)
{
    od_sim_stop(*(struct od_sim **)self);
}

static bool driver_lives(void *self)
{
    return od_sim_lives(*(struct od_sim **)self, 0);
}

static void take_facts(struct od_cluster_result *result, const struct od_schedule *schedule, struct od_sim *sim)
{
    struct od_sim_facts at_stop = od_sim_facts(sim);
    result->digest = at_stop.digest;
    result->elapsed_ns = at_stop.now_ns;
    result->sim_events = at_stop.event_count;
    result->faults_fired = at_stop.faults_fired;
    for (uint32_t i = 0; i < result->fault_count; i++)
        result->fired[i] = od_sim_fault_fired(sim, i);
    od_sim_end_actors(sim);
    struct od_sim_facts at_end = od_sim_facts(sim);
    result->leaked = at_end.live_blocks + at_end.open_files;
    if (!od_schedule_may_leave_files(schedule))
        result->leaked += at_end.files_left;
}

/* Slices of virtual time, so that whoever waits can be asked whether that was enough; they change nothing else. */
static void run_in_slices(struct od_sim *sim, const struct od_cluster_host *host)
{
    const struct od_cluster_request *request = host->request;
    uint64_t until_ns = 0;
    do {
        until_ns = request->is_over == NULL ? host->until_ns : until_ns + SLICE_NS;
        until_ns = until_ns < host->until_ns ? until_ns : host->until_ns;
    } while (!od_sim_run(sim, until_ns) && until_ns < host->until_ns && !request->is_over(request->is_over_self));
}

enum od_status od_cluster_run_sim(struct od_cluster_host *host, struct od_error *error)
{
    struct od_sim *sim = NULL;
    const struct od_sim_options options = {
        .seed = host->request->seed,
        .executor_count = host->query.options.cluster.executor_count,
        .executors_max = host->query.options.cluster.executors_max,
        .schedule = host->request->schedule,
        .trace = host->trace,
        .pct_depth = host->request->pct_depth,
        .listener = host->request->listener,
        .stepper = host->request->stepper,
        .executor_memory_bytes = host->query.options.cluster.executor_memory_bytes,
    };
    enum od_status status = od_sim_new(host->memory, &options, &host->factory, &sim, error);
    if (status != OD_OK)
        return status;
    host->stop = stop_sim;
    host->driver_lives = driver_lives;
    host->stop_self = &sim;
    run_in_slices(sim, host);
    take_facts(host->result, host->request->schedule, sim);
    status = od_sim_facts(sim).status;
    if (status != OD_OK)
        od_fail(error, status, "simulating a cluster");
    od_sim_free(sim);
    return status;
}
