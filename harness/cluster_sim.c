/* cluster_sim: a query in the simulation. Deterministic: equal requests give equal digests. */
#include "chaos/sim.h"
#include "harness/cluster_host.h"

static void stop_sim(void *self)
{
    od_sim_stop(*(struct od_sim **)self);
}

static void take_facts(struct od_cluster_result *result, struct od_sim *sim)
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
    result->leaked = at_end.live_blocks + at_end.open_files + at_end.files_left;
}

enum od_status od_cluster_run_sim(struct od_cluster_host *host, struct od_error *error)
{
    struct od_sim *sim = NULL;
    const struct od_sim_options options = {
        .seed = host->request->seed,
        .executor_count = host->query.options.executor_count,
        .schedule = host->request->schedule,
        .trace = host->trace,
        .executor_memory_bytes = host->query.options.executor_memory_bytes,
    };
    enum od_status status = od_sim_new(host->memory, &options, &host->factory, &sim, error);
    if (status != OD_OK)
        return status;
    host->stop = stop_sim;
    host->stop_self = &sim;
    od_sim_run(sim, host->until_ns);
    take_facts(host->result, sim);
    status = od_sim_facts(sim).status;
    if (status != OD_OK)
        od_fail(error, status, "simulating a cluster");
    od_sim_free(sim);
    return status;
}
