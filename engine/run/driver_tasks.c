/* driver_tasks: launches, reports, and the one place that commits.
 *
 *   report          of the running attempt               of any other attempt
 *   DONE            commit                               the committed one again: acknowledged again
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

/* --- launching ------------------------------------------------------------------------------------------------- */

static void send_plan(struct od_driver_run *run, uint32_t executor)
{
    struct od_driver *driver = run->driver;
    if (run->query->plan_bytes == NULL)
        return;
    struct od_body_plan body = {.size = (uint32_t)run->query->plan_size, .bytes = run->query->plan_bytes};
    struct od_site site = od_driver_run_site(run);
    site.executor = executor;
    od_write_plan(&driver->life.outbox.body, &body);
    od_outbox_send(&driver->life.outbox, executor, OD_MESSAGE_PLAN, site);
    run->plan_epochs[executor] = driver->executors[executor].told.epoch;
}

static void send_launch(const struct od_driver_task *task, struct od_driver_attempt *attempt)
{
    struct od_driver_run *run = task->stage->run;
    struct od_driver *driver = run->driver;
    const struct od_stage *plan = task->stage->plan;
    struct od_buffer *body = &driver->life.outbox.body;
    if (run->plan_epochs[attempt->executor] != attempt->epoch)
        send_plan(run, attempt->executor);
    struct od_body_launch launch = {.registered = driver->executors[attempt->executor].told,
                                    .generation = task->generation,
                                    .task_count = task->stage->task_count,
                                    .input_count = plan->input_count};
    od_write_launch(body, &launch);
    for (uint32_t i = 0; i < plan->input_count; i++)
        od_driver_write_input(body, &run->stages[plan->input_stages[i]], od_driver_range(task, i));
    od_outbox_send(&driver->life.outbox, attempt->executor, OD_MESSAGE_LAUNCH,
                   od_driver_attempt_site(task, attempt));
    attempt->launched_ns = od_life_now_ns(&driver->life);
}

static struct od_site stage_site(const struct od_driver_stage *stage)
{
    struct od_site site = od_driver_run_site(stage->run);
    site.stage = stage->plan->stage_index;
    return site;
}

static void submit_stage(struct od_driver_stage *stage)
{
    uint32_t task_count = 0;
    for (uint32_t t = 0; t < stage->task_count; t++)
        task_count += stage->tasks[t].state == OD_TASK_WAITING && stage->tasks[t].is_needed;
    stage->submitted = true;
    if (od_driver_metrics(stage)->attempts_launched == 0)
        od_driver_metrics(stage)->submitted_ns = od_life_now_ns(&stage->run->driver->life);
    od_driver_emit(stage->run, OD_EVENT_STAGE_SUBMITTED, stage_site(stage), task_count);
}

void od_driver_launch(struct od_driver_task *task, uint32_t executor)
{
    struct od_driver_run *run = task->stage->run;
    struct od_driver *driver = run->driver;
    od_assert(task->running_count < OD_TWINS_MAX);
    if (!task->stage->submitted)
        submit_stage(task->stage);
    bool begins = od_driver_free_slots(driver, executor) != 0;
    struct od_driver_attempt *attempt = &task->running[task->running_count++];
    *attempt = (struct od_driver_attempt){.number = task->next_attempt++,
                                          .executor = executor,
                                          .epoch = driver->executors[executor].told.epoch,
                                          .started_ns = begins ? od_life_now_ns(&driver->life) : 0};
    task->state = OD_TASK_RUNNING;
    driver->executors[executor].running_count++;
    run->running_count++;
    run->outcome.counts.attempts_launched++;
    od_driver_metrics(task->stage)->attempts_launched++;
    od_driver_note_launch(task, executor);
    od_driver_emit(run, OD_EVENT_TASK_LAUNCHED, od_driver_attempt_site(task, attempt), task->generation);
    send_launch(task, attempt);
}

/* The first task of a query that can be launched, from pump_index on; NULL: none. */
static struct od_driver_task *find_launchable(struct od_driver_run *run, uint64_t now_ns)
{
    uint32_t slots_max = run->query->options.slots_max;
    if (run->ended || run->quiet_until_ns > now_ns || (slots_max != 0 && run->running_count >= slots_max))
        return NULL;
    for (; run->pump_index < run->task_count; run->pump_index++) {
        struct od_driver_task *task = run->tasks[run->pump_index];
        if (task->state == OD_TASK_WAITING && task->is_needed && task->ready_ns <= now_ns &&
            od_driver_inputs_ready(task))
            return task;
    }
    return NULL;
}

/* Of the query that has least running; the oldest such. */
static struct od_driver_task *find_next(struct od_driver *driver, uint64_t now_ns)
{
    struct od_driver_task *best = NULL;
    for (struct od_driver_run *run = driver->runs; run != NULL; run = run->next) {
        if (best != NULL && best->stage->run->running_count <= run->running_count)
            continue;
        struct od_driver_task *task = find_launchable(run, now_ns);
        best = task != NULL ? task : best;
    }
    return best;
}

void od_driver_pump(struct od_driver *driver)
{
    uint64_t now_ns = od_life_now_ns(&driver->life);
    for (struct od_driver_run *run = driver->runs; run != NULL; run = run->next) {
        run->pump_index = 0;
        if (run->loss_happened && !run->ended)
            od_driver_plan_recomputes(run);
        struct od_error error = {0};
        if (!run->ended && od_driver_lay_out(run, &error) != OD_OK)
            od_driver_end(run, error.status, &error);
    }
    struct od_driver_task *task;
    while ((task = find_next(driver, now_ns)) != NULL) {
        uint32_t executor = od_driver_choose_executor(task, false);
        if (executor == 0)
            break;
        od_driver_launch(task, executor);
    }
    od_driver_steal(driver);
}

/* --- attempts that end without success --------------------------------------------------------------------------- */

void od_driver_remove_attempt(struct od_driver_task *task, struct od_driver_attempt *attempt)
{
    struct od_driver_run *run = task->stage->run;
    struct od_driver_executor *executor = &run->driver->executors[attempt->executor];
    uint32_t place = (uint32_t)(attempt - task->running);
    od_assert(task->state == OD_TASK_RUNNING);
    od_assert(place < task->running_count);
    od_assert(run->running_count > 0);
    run->running_count--;
    const struct od_driver_attempt removed = *attempt;
    if (executor->told.epoch == attempt->epoch) {
        od_assert(executor->running_count > 0);
        executor->running_count--;
    }
    task->running_count--;
    for (uint32_t i = place; i < task->running_count; i++)
        task->running[i] = task->running[i + 1];
    if (removed.started_ns != 0)
        od_driver_note_room(run->driver, removed.executor, removed.epoch);
    if (task->running_count != 0)
        return;
    task->state = OD_TASK_WAITING;
    task->ready_ns = 0;
}

static void send_cancel(const struct od_driver_task *task, const struct od_driver_attempt *attempt)
{
    struct od_driver_run *run = task->stage->run;
    struct od_site site = od_driver_attempt_site(task, attempt);
    od_driver_emit(run, OD_EVENT_TASK_CANCELLED, site, 0);
    od_outbox_send_order(&run->driver->life.outbox, attempt->executor, OD_MESSAGE_CANCEL, attempt->epoch, site);
}

void od_driver_cancel(struct od_driver_task *task, struct od_driver_attempt *attempt)
{
    send_cancel(task, attempt);
    od_driver_remove_attempt(task, attempt);
}

void od_driver_move_attempt(struct od_driver_task *task, struct od_driver_attempt *attempt)
{
    send_cancel(task, attempt);
    od_driver_abandon(task, attempt, OD_UNREACHABLE);
}

void od_driver_launch_again(struct od_driver_task *task, struct od_driver_attempt *attempt)
{
    /* an input may have been lost since: its place would be that of an attempt that nobody has committed */
    if (od_driver_inputs_ready(task) && attempt->launch_resends < LAUNCH_RESENDS_MAX) {
        attempt->launch_resends++;
        send_launch(task, attempt);
        return;
    }
    /* alive, but deaf to us: let another one try; or to be launched anew when its inputs are whole again */
    od_driver_note_failure(task->stage->run->driver, attempt->executor, OD_UNREACHABLE);
    od_driver_move_attempt(task, attempt);
}

static void acknowledge(struct od_driver *driver, const struct od_message *message, uint32_t epoch, bool keep)
{
    struct od_body_acknowledge body = {.epoch = epoch, .keep = keep};
    od_write_acknowledge(&driver->life.outbox.body, &body);
    od_outbox_send(&driver->life.outbox, message->from, OD_MESSAGE_ACKNOWLEDGE, message->site);
}

/* The running attempt that a message from a registration speaks of; NULL: it does not run. */
static struct od_driver_attempt *find_running(struct od_driver_task *task, const struct od_message *message,
                                              uint32_t epoch)
{
    for (uint32_t a = 0; task != NULL && a < task->running_count; a++)
        if (task->running[a].number == message->site.attempt && task->running[a].epoch == epoch)
            return &task->running[a];
    return NULL;
}

void od_driver_handle_plan_wanted(struct od_driver *driver, const struct od_message *message)
{
    struct od_body_order body;
    struct od_driver_run *run = od_driver_find_run(driver, message);
    if (run == NULL || !od_read_order(message, &body))
        return;
    struct od_driver_task *task = od_driver_find_task(run, message->site.stage, message->site.task);
    struct od_driver_attempt *attempt =
        find_running(task, message, driver->executors[message->from].told.epoch);
    if (attempt == NULL || attempt->executor != message->from)
        return;
    run->plan_epochs[message->from] = 0;
    od_driver_launch_again(task, attempt);
}

static void count_failure(struct od_driver_task *task)
{
    task->stage->run->outcome.counts.attempts_failed++;
    od_driver_metrics(task->stage)->attempts_failed++;
}

void od_driver_handle_failed(struct od_driver *driver, const struct od_message *message)
{
    struct od_body_failed body;
    if (!od_read_failed(message, &body) || od_driver_current_sender(driver, message, body.epoch) == NULL)
        return;
    struct od_driver_run *run = od_driver_find_run(driver, message);
    if (run == NULL)
        return;
    acknowledge(driver, message, body.epoch, false);
    struct od_driver_task *task = od_driver_find_task(run, message->site.stage, message->site.task);
    struct od_driver_attempt *attempt = find_running(task, message, body.epoch);
    if (attempt == NULL) {
        od_driver_forbid_adoption(task, message->site.attempt);
        return;
    }
    struct od_error error = {.status = body.status, .injected = body.injected};
    size_t text_size = body.text_size < sizeof(error.text) - 1 ? body.text_size : sizeof(error.text) - 1;
    memcpy(error.text, body.text, text_size);
    count_failure(task);
    if (od_failure_class(error.status) == OD_FAILURE_PERMANENT)
        od_driver_end(run, error.status, &error);
    else if (body.fetch_failed)
        od_driver_source_failed(task, attempt, &body, &error);
    else
        od_driver_retry(task, attempt, &error);
}

/* --- success --------------------------------------------------------------------------------------------------- */

static void count_commit(struct od_driver_task *task)
{
    struct od_driver_run *run = task->stage->run;
    struct od_run_counts *counts = &run->outcome.counts;
    uint64_t needed_bytes = task->done.held_peak_bytes * od_run_slots(run->query);
    counts->spilled_bytes += task->done.spilled_bytes;
    counts->memory_peak_bytes =
        needed_bytes > counts->memory_peak_bytes ? needed_bytes : counts->memory_peak_bytes;
    if (od_driver_gives_result(task->stage))
        return;
    counts->shuffle_rows += task->done.row_count;
    counts->shuffle_bytes += task->done.total_bytes;
}

/* What DONE says of the work itself, which goes with the message. */
static void count_work(struct od_driver_stage *stage, const struct od_body_done *body)
{
    struct od_stage_metrics *metrics = od_driver_metrics(stage);
    struct od_op_metrics *operators = od_stage_operators(stage->run->metrics, stage->plan->stage_index);
    struct od_reader list = body->operators;
    metrics->commits++;
    metrics->rows += body->row_count;
    metrics->bytes += body->total_bytes;
    metrics->spilled_bytes += body->spilled_bytes;
    metrics->peak_bytes =
        body->held_peak_bytes > metrics->peak_bytes ? body->held_peak_bytes : metrics->peak_bytes;
    metrics->completed_ns = od_life_now_ns(&stage->run->driver->life);
    od_attempt_metrics_add(&metrics->attempts, &body->metrics);
    for (uint32_t i = 0; i < metrics->operator_count; i++) {
        struct od_op_metrics one = od_next_op_metrics(&list);
        od_op_metrics_add(&operators[i], &one);
    }
}

static void count_as_committed(struct od_driver_task *task)
{
    struct od_driver_stage *stage = task->stage;
    task->state = OD_TASK_COMMITTED;
    task->is_needed = true; /* asked anew: it may give other blocks than before */
    task->needed_by = NULL;
    stage->may_be_needed_less = true;
    stage->committed_count++;
    od_driver_need_less(stage);
    od_driver_record_commit(task);
    if (stage->run->driver->life.gone)
        return;
    od_driver_emit_event(stage->run, (struct od_event){.kind = OD_EVENT_TASK_COMMITTED,
                                                       .site = od_driver_task_site(task),
                                                       .rows = task->done.row_count,
                                                       .bytes = task->done.total_bytes,
                                                       .value = task->generation,
                                                       .checksum = task->done.row_checksum});
    count_commit(task);
}

static void finish_stage(struct od_driver_stage *stage)
{
    if (stage->committed_count < stage->task_count)
        return;
    od_driver_sync_journal(stage->run);
    od_driver_emit(stage->run, OD_EVENT_STAGE_COMPLETED, stage_site(stage), 0);
    if (od_driver_gives_result(stage))
        od_driver_collect(stage->run);
}

/* Of two that run, the one that succeeds first counts; the other is told to stop. */
static void commit(struct od_driver_task *task, struct od_driver_attempt *attempt)
{
    task->attempt = attempt->number;
    task->stored = (struct od_attempt_name){0};
    task->executor = attempt->executor;
    task->epoch = attempt->epoch;
    bool is_known = attempt->started_ns != 0 && attempt->number >= od_driver_first_number(task->stage->run->driver);
    task->took_ns = is_known ? od_life_now_ns(&task->stage->run->driver->life) - attempt->started_ns : 0;
    od_driver_note_success(task, attempt->executor);
    od_driver_pay_back(task->stage->run);
    od_driver_remove_attempt(task, attempt);
    while (task->running_count != 0)
        od_driver_cancel(task, task->running);
    count_as_committed(task);
}

bool od_driver_take_index(struct od_driver_task *task, struct od_body_done body, struct od_error *error)
{
    struct od_memory *memory = task->stage->run->driver->world->memory;
    struct od_block_entry *entries = od_take_array(memory, body.block_count, sizeof(*entries));
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
        od_give(memory, entries, body.block_count * sizeof(*entries));
        od_fail(error, OD_CORRUPT, "committing an output: %llu rows in its blocks of %llu in the task",
                (unsigned long long)row_count, (unsigned long long)body.row_count);
        return false;
    }
    od_give(memory, task->entries, task->done.block_count * sizeof(*entries));
    task->entries = entries;
    task->done = body;
    task->done.blocks = task->done.operators = (struct od_reader){0}; /* they read the message, which goes */
    task->done.operator_count = 0; /* counted when it is committed, and not kept */
    task->has_index = true;
    return true;
}

void od_driver_write_index(struct od_buffer *body, const struct od_driver_task *task)
{
    od_write_done(body, &task->done);
    for (uint32_t i = 0; i < task->done.block_count; i++)
        od_write_entry(body, &task->entries[i]);
}

/* An executor that tells of other operators runs another plan. */
static bool take_success(struct od_driver_task *task, const struct od_site *site, const struct od_body_done *body,
                         struct od_error *error)
{
    if (od_life_hit(&task->stage->run->driver->life, OD_POINT_COMMIT, *site, NULL, error) != OD_OK)
        return false;
    if (body->operator_count == od_driver_metrics(task->stage)->operator_count)
        return od_driver_take_index(task, *body, error);
    od_fail(error, OD_CORRUPT, "committing an output: it tells of %u operators", body->operator_count);
    return false;
}

/* The first success of a running attempt. */
static void succeed(struct od_driver_task *task, struct od_driver_attempt *attempt,
                    const struct od_message *message, const struct od_body_done *body)
{
    struct od_driver_run *run = task->stage->run;
    struct od_error error = {0};
    if (take_success(task, &message->site, body, &error)) {
        count_work(task->stage, body);
        commit(task, attempt);
        if (!run->driver->life.gone)
            od_life_hit(&run->driver->life, OD_POINT_COMMITTED, message->site, NULL, NULL);
        if (run->driver->life.gone)
            return;
        acknowledge(run->driver, message, body->epoch, true);
        finish_stage(task->stage);
    } else if (run->driver->life.gone) {
        return;
    } else if (error.status == OD_NO_MEMORY) {
        od_driver_end(run, OD_NO_MEMORY, &error);
    } else {
        acknowledge(run->driver, message, body->epoch, false);
        count_failure(task);
        od_driver_retry(task, attempt, &error);
    }
}

void od_driver_handle_done(struct od_driver *driver, const struct od_message *message)
{
    struct od_body_done body;
    struct od_driver_run *run = od_driver_find_run(driver, message);
    if (run == NULL || !od_read_done(message, &body))
        return;
    struct od_driver_task *task = od_driver_find_task(run, message->site.stage, message->site.task);
    if (task == NULL)
        return;
    const struct od_attempt_name name = od_message_attempt(message);
    bool is_current = od_driver_current_sender(driver, message, body.epoch) != NULL;
    if (is_current)
        od_driver_adopt(run, &name, message->from);
    struct od_driver_attempt *attempt = is_current ? find_running(task, message, body.epoch) : NULL;
    if (attempt != NULL && task->generation == body.generation) {
        succeed(task, attempt, message, &body);
        return;
    }
    /* wherever its output is by now: numbers of attempts are never given twice */
    bool was_committed = is_current && task->attempt == message->site.attempt &&
                         (task->state == OD_TASK_COMMITTED || task->state == OD_TASK_LOST);
    if (!was_committed) {
        run->outcome.counts.attempts_refused++;
        od_driver_emit(run, OD_EVENT_TASK_REFUSED, message->site, OD_STALE);
    }
    if (is_current)
        acknowledge(driver, message, body.epoch, was_committed);
}
