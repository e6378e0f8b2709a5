/* driver_retry: attempts that end without success: who is to blame, what it costs, when to go on, when to give up.
 *
 *   class       statuses                                 leads to
 *   PERMANENT   EVALUATION, BAD_INPUT, UNSUPPORTED       the end of the query: the next attempt would say the same
 *   RESOURCE    NO_MEMORY, IO                            another executor, fewer attempts at once there; keeps its status at the end
 *   TRANSIENT   all others                               another attempt after a backoff, elsewhere if that can be
 *
 *   budget      of a task: attempts_max                  of a query: recoveries_max
 *   spent by    failures of the task itself              lost executors, lost blocks: nobody's fault; a burst of failures
 *   paid back   by a burst: failures of burst_tasks      by commits: one for every COMMITS_PER_RECOVERY, so that a long query
 *               tasks within burst_ns are one failure    on a bad day may take more than a short one
 *               of what is around them
 *   bounded     BURSTS_MAX                               RECOVERIES_FACTOR times recoveries_max, paid back or not
 *
 * BUDGET_LOW is said when four fifths are spent, or one is left; BUDGET_EXHAUSTED before the query ends. */
#include "engine/run/driver_state.h"

#include "engine/core/assert.h"

#define BACKOFF_SHIFT_MAX    10
#define COMMITS_PER_RECOVERY 4
#define RECOVERIES_FACTOR    4
#define BURSTS_MAX           8

static const enum od_failure_class classes[OD_STATUS_COUNT] = {
    [OD_EVALUATION] = OD_FAILURE_PERMANENT, [OD_BAD_INPUT] = OD_FAILURE_PERMANENT,
    [OD_UNSUPPORTED] = OD_FAILURE_PERMANENT, [OD_NO_MEMORY] = OD_FAILURE_RESOURCE,
    [OD_IO] = OD_FAILURE_RESOURCE,
};

enum od_failure_class od_failure_class(enum od_status status)
{
    return classes[status];
}

/* --- budgets ---------------------------------------------------------------------------------------------------- */

static uint32_t low_mark(uint32_t budget)
{
    return budget < 5 ? budget - 1 : budget - budget / 5;
}

static void alert(const struct od_driver_run *run, enum od_event_kind kind, struct od_site site, uint32_t budget,
                  enum od_status why)
{
    od_driver_emit_event(run, (struct od_event){.kind = kind, .site = site, .value = budget, .why = why});
}

void od_driver_count_recovery(struct od_driver_run *run, const struct od_error *cause)
{
    uint32_t budget = run->query->options.recoveries_max;
    struct od_site site = od_driver_run_site(run);
    run->recovery_count++;
    run->recovery_total++;
    if (run->recovery_count == low_mark(budget))
        alert(run, OD_EVENT_BUDGET_LOW, site, budget, cause->status);
    if (run->recovery_count <= budget && run->recovery_total <= (uint64_t)budget * RECOVERIES_FACTOR)
        return;
    struct od_error error;
    od_fail(&error, OD_RETRIES_EXHAUSTED,
            "running a query: more than %u recoveries, the last because: %.180s", budget, cause->text);
    error.injected = cause->injected;
    alert(run, OD_EVENT_BUDGET_EXHAUSTED, site, budget, cause->status);
    od_driver_end(run, OD_RETRIES_EXHAUSTED, &error);
}

void od_driver_pay_back(struct od_driver_run *run)
{
    run->commit_count++;
    if (run->commit_count % COMMITS_PER_RECOVERY == 0 && run->recovery_count != 0)
        run->recovery_count--;
}

static void give_up(const struct od_driver_task *task, const struct od_error *last)
{
    const struct od_driver_run *run = task->stage->run;
    bool keeps = od_failure_class(last->status) == OD_FAILURE_RESOURCE;
    enum od_status status = keeps ? last->status : OD_RETRIES_EXHAUSTED;
    struct od_error error;
    od_fail(&error, status, "running a query: %u attempts failed: stage=%u task=%u, the last with: %.180s",
            task->failure_count, task->stage->plan->stage_index, task->index, last->text);
    error.injected = last->injected;
    alert(run, OD_EVENT_BUDGET_EXHAUSTED, od_driver_task_site(task), run->query->options.attempts_max, last->status);
    od_driver_end(task->stage->run, status, &error);
}

/* The failures of this burst were the environment's. */
static void forgive(struct od_driver_run *run, const struct od_error *error)
{
    struct od_driver_burst *burst = &run->burst;
    for (uint32_t i = 0; i < run->task_count; i++) {
        struct od_driver_task *task = run->tasks[i];
        if (task->burst_number != burst->number)
            continue;
        task->failure_count -= task->burst_failures;
        task->burst_failures = 0;
    }
    if (burst->is_forgiven)
        return;
    burst->is_forgiven = true;
    burst->forgiven_count++;
    od_driver_count_recovery(run, error);
}

/* Counts a failure against the task, or against what is around it. */
static void count_failure(struct od_driver_task *task, const struct od_error *error)
{
    struct od_driver_run *run = task->stage->run;
    const struct od_run_options *options = &run->query->options;
    struct od_driver_burst *burst = &run->burst;
    uint64_t now_ns = od_life_now_ns(&run->driver->life);
    if (burst->number == 0 || now_ns - burst->began_ns > options->burst_ns)
        *burst = (struct od_driver_burst){
            .number = burst->number + 1, .forgiven_count = burst->forgiven_count, .began_ns = now_ns};
    if (task->burst_number != burst->number) {
        task->burst_number = burst->number;
        task->burst_failures = 0;
        burst->task_count++;
    }
    task->failure_count++;
    task->burst_failures++;
    if (burst->task_count >= options->burst_tasks && (burst->is_forgiven || burst->forgiven_count < BURSTS_MAX))
        forgive(run, error);
}

/* --- ends without success --------------------------------------------------------------------------------------- */

/* The attempt is over; another is planned, unless one runs. */
static void detach(struct od_driver_task *task, struct od_driver_attempt *attempt, enum od_status why)
{
    struct od_site site = od_driver_attempt_site(task, attempt);
    od_driver_remove_attempt(task, attempt);
    if (task->running_count == 0)
        od_driver_emit(task->stage->run, OD_EVENT_TASK_RETRIED, site, why);
}

void od_driver_abandon(struct od_driver_task *task, struct od_driver_attempt *attempt, enum od_status why)
{
    struct od_error cause;
    od_fail(&cause, why, "executor %u was lost", attempt->executor);
    task->avoid_executor = attempt->executor;
    detach(task, attempt, why);
    od_driver_count_recovery(task->stage->run, &cause);
}

static void back_off(struct od_driver_task *task, struct od_site site, enum od_status why)
{
    struct od_driver_run *run = task->stage->run;
    struct od_world *world = run->driver->world;
    uint64_t unit_ns = run->query->options.retry_backoff_ns;
    uint32_t shift = task->failure_count == 0 ? 0 : task->failure_count - 1;
    uint64_t delay_ns = unit_ns << (shift < BACKOFF_SHIFT_MAX ? shift : BACKOFF_SHIFT_MAX);
    delay_ns += od_random_below(&world->random, unit_ns);
    task->ready_ns = od_life_now_ns(&run->driver->life) + delay_ns;
    world->schedule.timer(world->schedule.self, delay_ns, OD_TIMER_PUMP);
    od_driver_emit_event(run, (struct od_event){
                                  .kind = OD_EVENT_TASK_DELAYED, .site = site, .value = delay_ns, .why = why});
}

void od_driver_retry(struct od_driver_task *task, struct od_driver_attempt *attempt, const struct od_error *error)
{
    struct od_driver_run *run = task->stage->run;
    uint32_t budget = run->query->options.attempts_max;
    struct od_site site = od_driver_attempt_site(task, attempt);
    task->avoid_executor = attempt->executor;
    od_driver_note_failure(run->driver, attempt->executor, error->status);
    detach(task, attempt, error->status);
    count_failure(task, error);
    if (task->running_count != 0) /* its twin may still do it */
        return;
    if (task->failure_count >= budget) {
        give_up(task, error);
        return;
    }
    if (task->failure_count == low_mark(budget))
        alert(run, OD_EVENT_BUDGET_LOW, site, budget, error->status);
    back_off(task, site, error->status);
}

void od_driver_source_failed(struct od_driver_task *task, struct od_driver_attempt *attempt,
                             const struct od_body_failed *body, const struct od_error *error)
{
    struct od_driver_run *run = task->stage->run;
    struct od_driver_task *source = od_driver_find_task(run, body->source.stage, body->source.task);
    uint32_t reader = attempt->executor;
    run->outcome.counts.blocks_bad++;
    detach(task, attempt, error->status);
    od_driver_count_recovery(run, error);
    if (source == NULL || source->state != OD_TASK_COMMITTED || source->attempt != body->source.attempt ||
        source->epoch != body->source_epoch)
        return;
    od_driver_note_unread(run->driver, source->executor, reader, error->status);
    if (error->status == OD_UNREACHABLE)
        source->avoid_executor = source->executor;
    od_driver_lose_output(source, error->status);
}
