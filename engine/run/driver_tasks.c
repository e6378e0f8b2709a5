/* driver_tasks: launches, reports, and the one place that commits.
 *
 *   report          of the running attempt               of any other attempt
 *   DONE            commit (result tasks: once complete)   the committed one again: acknowledged again
 *                                                          else refused: TASK_REFUSED, its output may go
 *   FAILED          permanent -> the query fails           acknowledged
 *                   a source failed -> lineage, relaunch
 *                   else -> after a backoff again, up to attempts_max
 *
 * Attempt numbers only grow, within a query and a task: whatever speaks for an older one is known as late. Failures of the task
 * itself are counted against it; lost executors and lost blocks are nobody's fault and only bounded by recoveries_max. */
#include "engine/run/driver_state.h"

#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"

#define LAUNCH_RESENDS_MAX 6
#define BACKOFF_SHIFT_MAX  10

/* --- launching ------------------------------------------------------------------------------------------------- */

/* The executor with most free slots, lowest number first; one to be avoided only when there is no other. 0: none. */
static uint32_t choose_executor(const struct od_driver *driver, uint32_t avoid)
{
    uint32_t slots = driver->query->options.slots_per_executor;
    uint32_t best = 0;
    uint32_t best_free = 0;
    for (uint32_t id = 1; id <= driver->query->options.executor_count; id++) {
        const struct od_driver_executor *executor = &driver->executors[id];
        uint32_t free_slots =
            executor->alive && executor->running_count < slots ? slots - executor->running_count : 0;
        bool is_better = free_slots > best_free || (best == avoid && free_slots != 0);
        if (free_slots == 0 || !is_better || (id == avoid && best != 0))
            continue;
        best = id;
        best_free = free_slots;
    }
    return best;
}

static void write_launch(struct od_driver *driver, const struct od_driver_task *task)
{
    struct od_buffer *body = &driver->outbox.body;
    const struct od_stage *plan = task->stage->plan;
    struct od_body_launch launch = {.registered = driver->executors[task->executor].told,
                                    .generation = task->generation,
                                    .input_count = plan->input_count};
    od_write_launch(body, &launch);
    for (uint32_t i = 0; i < plan->input_count; i++) {
        const struct od_driver_stage *source = &driver->stages[plan->input_stages[i]];
        uint32_t partition = od_driver_partition_read(source, task->index);
        for (uint32_t t = 0; t < source->plan->task_count; t++) {
            const struct od_driver_task *writer = &source->tasks[t];
            uint32_t first;
            uint32_t count = od_driver_partition_entries(writer, partition, &first);
            struct od_body_source part = {.task = t,
                                          .attempt = writer->attempt,
                                          .generation = writer->generation,
                                          .executor = writer->executor,
                                          .epoch = writer->epoch,
                                          .block_count = count};
            od_write_source(body, &part);
            for (uint32_t b = first; b < first + count; b++)
                od_write_entry(body, &writer->entries[b]);
        }
    }
}

static void send_launch(struct od_driver *driver, struct od_driver_task *task)
{
    write_launch(driver, task);
    od_outbox_send(&driver->outbox, task->executor, OD_MESSAGE_LAUNCH, od_driver_task_site(driver, task));
    task->launched_ns = od_world_now_ns(driver->world);
}

static struct od_site stage_site(const struct od_driver *driver, const struct od_driver_stage *stage)
{
    return od_site_of(driver->query, &(struct od_attempt_name){stage->plan->stage_index, OD_ANY, OD_ANY},
                      OD_ANY);
}

static void submit_stage(struct od_driver *driver, struct od_driver_stage *stage)
{
    uint32_t task_count = 0;
    for (uint32_t t = 0; t < stage->plan->task_count; t++)
        task_count += stage->tasks[t].state == OD_TASK_WAITING && stage->tasks[t].is_needed;
    stage->submitted = true;
    od_driver_emit(driver, OD_EVENT_STAGE_SUBMITTED, stage_site(driver, stage), task_count);
}

static void launch_task(struct od_driver *driver, struct od_driver_task *task, uint32_t executor)
{
    if (!task->stage->submitted)
        submit_stage(driver, task->stage);
    task->state = OD_TASK_RUNNING;
    task->attempt = task->next_attempt++;
    task->executor = executor;
    task->epoch = driver->executors[executor].told.epoch;
    task->launch_resends = 0;
    task->done_heard = false;
    driver->executors[executor].running_count++;
    driver->outcome.counts.attempts_launched++;
    od_driver_emit(driver, OD_EVENT_TASK_LAUNCHED, od_driver_task_site(driver, task), task->generation);
    send_launch(driver, task);
}

void od_driver_pump(struct od_driver *driver)
{
    if (driver->loss_happened && !driver->ended)
        od_driver_plan_recomputes(driver);
    uint64_t now_ns = od_world_now_ns(driver->world);
    for (uint32_t i = 0; i < driver->task_count && !driver->ended; i++) {
        struct od_driver_task *task = &driver->tasks[i];
        if (task->state != OD_TASK_WAITING || !task->is_needed || task->ready_ns > now_ns ||
            !od_driver_inputs_ready(driver, task))
            continue;
        uint32_t executor = choose_executor(driver, task->avoid_executor);
        if (executor == 0)
            return;
        launch_task(driver, task, executor);
    }
}

/* --- attempts that end without success --------------------------------------------------------------------------- */

void od_driver_count_recovery(struct od_driver *driver, const struct od_error *cause)
{
    if (++driver->recovery_count <= driver->query->options.recoveries_max)
        return;
    struct od_error error;
    od_fail(&error, OD_RETRIES_EXHAUSTED,
            "running a query: more than %u recoveries, the last because: %.180s",
            driver->query->options.recoveries_max, cause->text);
    error.injected = cause->injected;
    od_driver_end(driver, OD_RETRIES_EXHAUSTED, &error);
}

static void free_slot(struct od_driver *driver, const struct od_driver_task *task)
{
    od_assert(task->state == OD_TASK_RUNNING);
    struct od_driver_executor *executor = &driver->executors[task->executor];
    od_assert(executor->told.epoch == task->epoch);
    od_assert(executor->running_count > 0);
    executor->running_count--;
}

/* Takes the running attempt off its executor; the task waits. */
static void detach(struct od_driver *driver, struct od_driver_task *task, enum od_status why)
{
    free_slot(driver, task);
    od_driver_drop_parts(driver, task);
    task->state = OD_TASK_WAITING;
    task->ready_ns = 0;
    od_driver_emit(driver, OD_EVENT_TASK_RETRIED, od_driver_task_site(driver, task), why);
}

void od_driver_abandon(struct od_driver *driver, struct od_driver_task *task, enum od_status why)
{
    struct od_error cause;
    od_fail(&cause, why, "executor %u was lost", task->executor);
    task->avoid_executor = task->executor;
    detach(driver, task, why);
    od_driver_count_recovery(driver, &cause);
}

void od_driver_launch_again(struct od_driver *driver, struct od_driver_task *task)
{
    /* an input may have been lost since: its place would be that of an attempt that nobody has committed */
    if (od_driver_inputs_ready(driver, task) && task->launch_resends < LAUNCH_RESENDS_MAX) {
        task->launch_resends++;
        send_launch(driver, task);
        return;
    }
    /* alive, but deaf to us: let another one try; or to be launched anew when its inputs are whole again */
    struct od_site site = od_driver_task_site(driver, task);
    od_driver_emit(driver, OD_EVENT_TASK_CANCELLED, site, 0);
    od_outbox_send_order(&driver->outbox, task->executor, OD_MESSAGE_CANCEL, task->epoch, site);
    od_driver_abandon(driver, task, OD_UNREACHABLE);
}

static bool is_permanent(enum od_status status)
{
    return status == OD_EVALUATION || status == OD_BAD_INPUT || status == OD_UNSUPPORTED;
}

static void give_up(struct od_driver *driver, const struct od_driver_task *task, const struct od_error *last)
{
    enum od_status status = last->status == OD_NO_MEMORY ? OD_NO_MEMORY : OD_RETRIES_EXHAUSTED;
    struct od_error error;
    od_fail(&error, status, "running a query: %u attempts failed: stage=%u task=%u, the last with: %.180s",
            task->failure_count, task->stage->plan->stage_index, task->index, last->text);
    error.injected = last->injected;
    od_driver_end(driver, status, &error);
}

/* A failure that counts against the task. */
static void retry(struct od_driver *driver, struct od_driver_task *task, const struct od_error *error)
{
    const struct od_run_options *options = &driver->query->options;
    detach(driver, task, error->status);
    task->failure_count++;
    task->avoid_executor = task->executor;
    if (task->failure_count >= options->attempts_max) {
        give_up(driver, task, error);
        return;
    }
    uint32_t shift =
        task->failure_count - 1 < BACKOFF_SHIFT_MAX ? task->failure_count - 1 : BACKOFF_SHIFT_MAX;
    uint64_t delay_ns = options->retry_backoff_ns << shift;
    delay_ns += od_random_below(&driver->world->random, options->retry_backoff_ns);
    task->ready_ns = od_world_now_ns(driver->world) + delay_ns;
    driver->world->schedule.timer(driver->world->schedule.self, delay_ns, OD_TIMER_PUMP);
}

/* The task could not read an input: that output is gone, if it is still the one that counts. A report about an older attempt
 * is news from the past: the reader is launched again with the new place, and nothing is recomputed. */
static void source_failed(struct od_driver *driver, struct od_driver_task *task,
                          const struct od_body_failed *body, const struct od_error *error)
{
    struct od_driver_task *source = od_driver_find_task(driver, body->source.stage, body->source.task);
    driver->outcome.counts.blocks_bad++;
    detach(driver, task, error->status);
    od_driver_count_recovery(driver, error);
    if (source == NULL || source->state != OD_TASK_COMMITTED || source->attempt != body->source.attempt)
        return;
    if (error->status == OD_UNREACHABLE)
        source->avoid_executor = source->executor;
    od_driver_lose_output(driver, source, error->status);
}

static void acknowledge(struct od_driver *driver, const struct od_message *message, uint32_t epoch, bool keep)
{
    struct od_body_acknowledge body = {.epoch = epoch, .keep = keep};
    od_write_acknowledge(&driver->outbox.body, &body);
    od_outbox_send(&driver->outbox, message->from, OD_MESSAGE_ACKNOWLEDGE, message->site);
}

void od_driver_handle_failed(struct od_driver *driver, const struct od_message *message)
{
    struct od_body_failed body;
    if (!od_read_failed(message, &body) || od_driver_current_sender(driver, message, body.epoch) == NULL)
        return;
    acknowledge(driver, message, body.epoch, false);
    struct od_driver_task *task = od_driver_find_running(driver, message, body.epoch);
    if (task == NULL)
        return;
    struct od_error error = {.status = body.status, .injected = body.injected};
    size_t text_size = body.text_size < sizeof(error.text) - 1 ? body.text_size : sizeof(error.text) - 1;
    memcpy(error.text, body.text, text_size);
    driver->outcome.counts.attempts_failed++;
    if (is_permanent(error.status))
        od_driver_end(driver, error.status, &error);
    else if (body.fetch_failed)
        source_failed(driver, task, &body, &error);
    else
        retry(driver, task, &error);
}

/* --- success --------------------------------------------------------------------------------------------------- */

void od_driver_commit(struct od_driver *driver, struct od_driver_task *task)
{
    struct od_driver_stage *stage = task->stage;
    struct od_run_counts *counts = &driver->outcome.counts;
    uint64_t needed_bytes = task->done.held_peak_bytes * od_run_slots(driver->query);
    free_slot(driver, task);
    task->state = OD_TASK_COMMITTED;
    stage->committed_count++;
    struct od_event event = {.kind = OD_EVENT_TASK_COMMITTED,
                             .site = od_driver_task_site(driver, task),
                             .rows = task->done.row_count,
                             .bytes = task->done.total_bytes,
                             .value = task->generation,
                             .checksum = task->done.row_checksum};
    od_driver_emit_event(driver, event);
    counts->spilled_bytes += task->done.spilled_bytes;
    counts->memory_peak_bytes =
        needed_bytes > counts->memory_peak_bytes ? needed_bytes : counts->memory_peak_bytes;
    bool is_result = od_driver_gives_result(task);
    if (is_result) {
        event.kind = OD_EVENT_RESULT_COMMITTED;
        event.value = 0;
        od_driver_emit_event(driver, event);
    } else {
        counts->shuffle_rows += task->done.row_count;
        counts->shuffle_bytes += task->done.total_bytes;
    }
    if (stage->committed_count < stage->plan->task_count)
        return;
    od_driver_emit(driver, OD_EVENT_STAGE_COMPLETED, stage_site(driver, stage), 0);
    if (is_result)
        od_driver_end(driver, OD_OK, NULL);
}

/* Reads the index of a success into the task. False when it contradicts itself: `error` says how. */
static bool take_index(struct od_driver *driver, struct od_driver_task *task, struct od_body_done body,
                       struct od_error *error)
{
    struct od_block_entry *entries = od_take_array(driver->world->memory, body.block_count, sizeof(*entries));
    if (entries == NULL && body.block_count != 0) {
        od_fail(error, OD_NO_MEMORY, "keeping an index: blocks=%u", body.block_count);
        return false;
    }
    uint64_t row_count = 0;
    uint64_t offset = 0;
    uint32_t partition = 0;
    struct od_hash128 checksum = {0};
    bool is_sound = true;
    for (uint32_t i = 0; i < body.block_count; i++) {
        entries[i] = od_next_entry(&body.blocks);
        is_sound = is_sound && entries[i].partition >= partition && entries[i].row_count != 0 &&
                   entries[i].partition < task->stage->plan->partition_count &&
                   entries[i].offset <= body.total_bytes &&
                   entries[i].size <= body.total_bytes - entries[i].offset;
        partition = entries[i].partition;
        row_count += entries[i].row_count;
        offset += entries[i].size;
        checksum = od_hash128_add(checksum, entries[i].row_checksum);
    }
    is_sound = is_sound && row_count == body.row_count && offset == body.total_bytes &&
               od_hash128_equal(checksum, body.row_checksum);
    if (!is_sound) {
        od_give(driver->world->memory, entries, body.block_count * sizeof(*entries));
        od_fail(error, OD_CORRUPT, "committing an output: %llu rows in its blocks of %llu in the task",
                (unsigned long long)row_count, (unsigned long long)body.row_count);
        return false;
    }
    od_give(driver->world->memory, task->entries, task->done.block_count * sizeof(*entries));
    task->entries = entries;
    task->done = body;
    task->done.blocks = (struct od_reader){0}; /* it read the message, which goes */
    task->has_index = true;
    return true;
}

static void refuse(struct od_driver *driver, const struct od_message *message)
{
    driver->outcome.counts.attempts_refused++;
    od_driver_emit(driver, OD_EVENT_TASK_REFUSED, message->site, OD_STALE);
}

/* The first success of the running attempt. */
static void succeed(struct od_driver *driver, struct od_driver_task *task, const struct od_message *message,
                    const struct od_body_done *body)
{
    struct od_error error = {0};
    if (!task->done_heard && !take_index(driver, task, *body, &error)) {
        if (error.status == OD_NO_MEMORY) {
            od_driver_end(driver, OD_NO_MEMORY, &error);
            return;
        }
        acknowledge(driver, message, body->epoch, false);
        driver->outcome.counts.attempts_failed++;
        retry(driver, task, &error);
        return;
    }
    bool ask = task->done_heard; /* said before and still not whole: parts were lost */
    task->done_heard = true;
    if (od_driver_gives_result(task))
        od_driver_try_results(driver, task, ask);
    else
        od_driver_commit(driver, task);
    if (task->state == OD_TASK_COMMITTED)
        acknowledge(driver, message, body->epoch, true);
}

void od_driver_handle_done(struct od_driver *driver, const struct od_message *message)
{
    struct od_body_done body;
    if (!od_read_done(message, &body))
        return;
    struct od_driver_task *task = od_driver_find_task(driver, message->site.stage, message->site.task);
    if (task == NULL)
        return;
    if (od_driver_current_sender(driver, message, body.epoch) == NULL) {
        refuse(driver, message);
        return;
    }
    bool is_ours =
        task->attempt == message->site.attempt && task->epoch == body.epoch && task->next_attempt != 0;
    if (is_ours && task->state == OD_TASK_RUNNING && task->generation == body.generation) {
        succeed(driver, task, message, &body);
    } else if (is_ours && task->state != OD_TASK_RUNNING && task->state != OD_TASK_WAITING) {
        acknowledge(driver, message, body.epoch, true);
    } else {
        refuse(driver, message);
        acknowledge(driver, message, body.epoch, false);
    }
}
