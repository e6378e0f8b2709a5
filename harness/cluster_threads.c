/* cluster_threads: a query on real threads, with the schedule armed around their worlds. Events come serialised by the host. */
#include "chaos/wrap_threads.h"
#include "harness/cluster_host.h"

static void stop_threads(void *self)
{
    od_threads_stop(*(struct od_threads **)self);
}

static bool driver_lives(void *self)
{
    return od_threads_lives(*(struct od_threads **)self, 0);
}

enum od_status od_cluster_run_threads(struct od_cluster_host *host, struct od_error *error)
{
    struct od_wrap_threads *wrap = NULL;
    struct od_threads *threads = NULL;
    struct od_cluster_result *result = host->result;
    struct od_threads_options options = {
        .seed = host->request->seed,
        .executor_count = host->query.options.cluster.executor_count,
        .executors_max = host->query.options.cluster.executors_max,
        .executor_memory_bytes = host->query.options.cluster.executor_memory_bytes,
        .directory = host->request->directory,
        .trace = host->trace,
    };
    enum od_status status =
        od_wrap_threads_new(host->memory, host->request->schedule, options.executors_max, &wrap, error);
    if (status != OD_OK)
        return status;
    od_wrap_threads_arm(wrap, &options);
    status = od_threads_new(host->memory, &options, &host->factory, &threads, error);
    if (status != OD_OK)
        goto free_wrap;
    od_wrap_threads_attach(wrap, threads);
    host->stop = stop_threads;
    host->driver_lives = driver_lives;
    host->stop_self = &threads;
    status = od_threads_run(threads, host->until_ns, error);
    if (status == OD_TIMED_OUT) /* the query did not end: that is a finding, told by result->ended */
        status = OD_OK;
    result->elapsed_ns = result->ended ? result->outcome.counts.ended_ns - result->outcome.counts.started_ns
                                       : od_threads_now_ns(threads);
    struct od_threads_facts facts = od_threads_facts(threads);
    result->leaked = facts.live_blocks + facts.open_files;
    od_threads_free(threads);
    result->faults_fired = od_wrap_threads_fired(wrap);
    for (uint32_t i = 0; i < result->fault_count; i++)
        result->fired[i] = od_wrap_threads_fault_fired(wrap, i);
free_wrap:
    od_wrap_threads_free(wrap);
    return status;
}
