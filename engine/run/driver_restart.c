/* driver_restart: what one life of the driver leaves to the next.
 *
 *   first life      commit, recompute -> a record in "q7.journal", written before anybody is told; synced when a stage is complete
 *   dies            executors know nothing of it: attempts go on, blocks stay, reports repeat
 *   next life       submit: the journal's records give the tasks that are committed, and where their outputs are
 *                   those executors count as registered, by their old epochs; who does not speak within a lease is lost as ever
 *                   heartbeats: epochs of an earlier life are believed, attempts that run for a waiting task are adopted
 *                   after two heartbeats (`quiet_until_ns`) what nobody runs is launched
 *
 * Numbers of attempts and epochs carry the life that gave them in their upper bits, so that none is ever given twice, whatever
 * the journal had no time to say. A record that is lost costs work, never an answer: the task is run again, or its attempt is
 * adopted. Adoption is only for tasks in their first generation of queries without indeterminate stages: there an attempt of
 * an earlier life has read what one of this life would; and not where what is read was chosen, and has to be chosen again.
 * (Choices are not in the journal: they follow from the commits in it, in their order.)
 *
 *   record   BEGIN   stages, tasks                          must fit the query
 *            COMMIT  executor, its registration, name, name where it is (query 0: the same), index as DONE has it
 *            LOST    stage, task, next generation
 *            ROLLED_BACK  stage, next generation of all its tasks; synced
 *            MOVED   executor, its registration, stage, task    where the output is now; 0: on the driver's own disk
 *            COPYING stage, task                                there may be a file of it there from now on
 *            DRAIN   executor, its registration, is it to leave, has it left      in the journals of all queries
 *
 * A journal that can't be written any more is removed, so that no next life believes an old one; the query goes on without. */
#include "engine/run/driver_state.h"

#include <stdio.h>

#include "engine/core/assert.h"

enum record_kind {
    RECORD_BEGIN = 1,
    RECORD_COMMIT,
    RECORD_LOST,
    RECORD_ROLLED_BACK,
    RECORD_MOVED,
    RECORD_COPYING,
    RECORD_DRAIN
};

static void print_name(const struct od_driver_run *run, char text[32])
{
    snprintf(text, 32, "q%u.journal", run->query->query_id);
}

/* --- writing --------------------------------------------------------------------------------------------------- */

void od_driver_end_journal(struct od_driver_run *run)
{
    char name[32];
    if (run->journal == NULL)
        return;
    print_name(run, name);
    od_journal_close(run->journal);
    run->journal = NULL;
    enum od_status status = od_journal_remove(run->driver->world, name, NULL);
    run->driver->life.gone = run->driver->life.gone || status == OD_EXECUTOR_GONE;
}

/* What can't be written must not be believed later. */
static void judge(struct od_driver_run *run, enum od_status status)
{
    run->driver->life.gone = run->driver->life.gone || status == OD_EXECUTOR_GONE;
    if (status != OD_OK && !run->driver->life.gone)
        od_driver_end_journal(run);
}

/* Takes the record out of `body`, which it empties. */
static void put_record(struct od_driver_run *run, enum record_kind kind, struct od_buffer *body)
{
    enum od_status status = OD_NO_MEMORY;
    if (!body->failed)
        status = od_journal_append(run->journal, kind, body->bytes, body->size, NULL);
    if (status == OD_OK)
        status = od_journal_write(run->journal, NULL);
    od_buffer_reset(body);
    judge(run, status);
}

void od_driver_record_commit(const struct od_driver_task *task)
{
    struct od_driver_run *run = task->stage->run;
    struct od_buffer *body = &run->driver->life.outbox.body;
    if (run->journal == NULL)
        return;
    const struct od_attempt_name name = od_driver_task_name(task);
    od_buffer_append_u32(body, task->executor);
    od_write_registered(body, &run->driver->executors[task->executor].told);
    od_write_attempt_name(body, &name);
    od_write_attempt_name(body, &task->stored);
    od_driver_write_index(body, task);
    put_record(run, RECORD_COMMIT, body);
}

static void write_task(struct od_buffer *body, const struct od_driver_task *task)
{
    od_buffer_append_u32(body, task->stage->plan->stage_index);
    od_buffer_append_u32(body, task->index);
}

void od_driver_record_lost(const struct od_driver_task *task)
{
    struct od_driver_run *run = task->stage->run;
    struct od_buffer *body = &run->driver->life.outbox.body;
    if (run->journal == NULL)
        return;
    write_task(body, task);
    od_buffer_append_u32(body, task->generation);
    put_record(run, RECORD_LOST, body);
}

void od_driver_record_rollback(const struct od_driver_stage *stage, uint32_t generation)
{
    struct od_driver_run *run = stage->run;
    struct od_buffer *body = &run->driver->life.outbox.body;
    if (run->journal == NULL)
        return;
    od_buffer_append_u32(body, stage->plan->stage_index);
    od_buffer_append_u32(body, generation);
    put_record(run, RECORD_ROLLED_BACK, body);
    od_driver_sync_journal(run);
}

void od_driver_record_moved(const struct od_driver_task *task)
{
    struct od_driver_run *run = task->stage->run;
    struct od_buffer *body = &run->driver->life.outbox.body;
    if (run->journal == NULL)
        return;
    od_buffer_append_u32(body, task->executor);
    od_write_registered(body, &run->driver->executors[task->executor].told);
    write_task(body, task);
    put_record(run, RECORD_MOVED, body);
}

void od_driver_record_copying(const struct od_driver_task *task)
{
    struct od_driver_run *run = task->stage->run;
    if (run->journal == NULL)
        return;
    write_task(&run->driver->life.outbox.body, task);
    put_record(run, RECORD_COPYING, &run->driver->life.outbox.body);
    od_driver_sync_journal(run);
}

static void record_drain(struct od_driver_run *run, uint32_t id)
{
    const struct od_driver_executor *executor = &run->driver->executors[id];
    struct od_buffer *body = &run->driver->life.outbox.body;
    if (run->journal == NULL || run->driver->life.gone)
        return;
    od_buffer_append_u32(body, id);
    od_write_registered(body, &executor->told);
    od_buffer_append_u32(body, executor->draining);
    od_buffer_append_u32(body, executor->has_left);
    put_record(run, RECORD_DRAIN, body);
}

void od_driver_record_drain(struct od_driver *driver, uint32_t id)
{
    for (struct od_driver_run *run = driver->runs; run != NULL; run = run->next)
        record_drain(run, id);
}

void od_driver_sync_journal(struct od_driver_run *run)
{
    if (run->journal != NULL)
        judge(run, od_journal_sync(run->journal, NULL));
}

/* --- reading back ---------------------------------------------------------------------------------------------- */

/* An executor that had outputs when the last life ended: alive until its lease says otherwise. */
static void inherit_executor(struct od_driver *driver, uint32_t id, const struct od_body_registered *told)
{
    struct od_driver_executor *executor = &driver->executors[id];
    bool may_replace = id != 0 && (!executor->alive || !driver->is_started);
    if (told->epoch > executor->told.epoch && may_replace)
        *executor = (struct od_driver_executor){
            .alive = true, .told = *told, .heard_ns = od_life_now_ns(&driver->life), .is_hearsay = true};
}

/* Each restore_*: CORRUPT without a text when the record does not fit the query; NO_MEMORY. */
static enum od_status restore_commit(struct od_driver_run *run, struct od_reader *reader, struct od_error *error)
{
    struct od_driver *driver = run->driver;
    struct od_body_registered told;
    struct od_body_done done;
    uint32_t executor = od_reader_u32(reader);
    od_body_read_element(reader, OD_BODY_registered, &told);
    struct od_attempt_name name = od_next_attempt_name(reader);
    struct od_attempt_name stored = od_next_attempt_name(reader);
    od_body_read_element(reader, OD_BODY_done, &done);
    struct od_driver_task *task = reader->failed ? NULL : od_driver_find_task(run, name.stage, name.task);
    if (task == NULL || task->state != OD_TASK_WAITING || executor == 0 ||
        executor > driver->options->executors_max)
        return OD_CORRUPT;
    struct od_error why;
    if (!od_driver_take_index(task, done, &why))
        return why.status == OD_NO_MEMORY ? od_fail(error, OD_NO_MEMORY, "%s", why.text) : OD_CORRUPT;
    task->state = OD_TASK_COMMITTED;
    task->stage->committed_count++;
    task->attempt = name.attempt;
    task->executor = executor;
    task->epoch = told.epoch;
    task->stored = stored;
    task->generation = done.generation;
    inherit_executor(driver, executor, &told);
    return OD_OK;
}

/* One that is committed so far; NULL: the record is of another query. */
static struct od_driver_task *read_task(struct od_driver_run *run, struct od_reader *reader)
{
    uint32_t stage = od_reader_u32(reader);
    uint32_t index = od_reader_u32(reader);
    struct od_driver_task *task = reader->failed ? NULL : od_driver_find_task(run, stage, index);
    return task != NULL && task->state == OD_TASK_COMMITTED ? task : NULL;
}

static enum od_status restore_moved(struct od_driver_run *run, struct od_reader *reader)
{
    struct od_body_registered told;
    uint32_t executor = od_reader_u32(reader);
    od_body_read_element(reader, OD_BODY_registered, &told);
    struct od_driver_task *task = read_task(run, reader);
    if (task == NULL || executor > run->driver->options->executors_max)
        return OD_CORRUPT;
    task->executor = executor;
    task->epoch = told.epoch;
    inherit_executor(run->driver, executor, &told);
    return OD_OK;
}

/* Whether the file is whole only MOVED says (od_driver_resume). */
static enum od_status restore_copying(struct od_driver_run *run, struct od_reader *reader, struct od_error *error)
{
    struct od_block_store *store = &run->driver->life.store;
    const struct od_driver_task *task = read_task(run, reader);
    if (task == NULL)
        return OD_CORRUPT;
    const struct od_attempt_name name = od_driver_task_name(task);
    if (od_block_store_size(store, &name) != 0)
        return OD_OK;
    return od_block_store_adopt(store, &name, task->done.total_bytes, error);
}

static enum od_status restore_lost(struct od_driver_run *run, struct od_reader *reader)
{
    struct od_driver_task *task = read_task(run, reader);
    uint32_t generation = od_reader_u32(reader);
    if (task == NULL || generation <= task->generation)
        return OD_CORRUPT;
    task->state = OD_TASK_WAITING;
    task->stage->committed_count--;
    task->generation = generation;
    return OD_OK;
}

static enum od_status restore_rollback(struct od_driver_run *run, struct od_reader *reader)
{
    uint32_t stage = od_reader_u32(reader);
    uint32_t generation = od_reader_u32(reader);
    if (reader->failed || stage >= run->stage_count || generation == 0)
        return OD_CORRUPT;
    od_driver_forget_stage(&run->stages[stage], generation);
    return OD_OK;
}

static enum od_status restore_drain(struct od_driver_run *run, struct od_reader *reader)
{
    struct od_driver *driver = run->driver;
    struct od_body_registered told;
    uint32_t id = od_reader_u32(reader);
    od_body_read_element(reader, OD_BODY_registered, &told);
    bool draining = od_reader_u32(reader) != 0;
    bool has_left = od_reader_u32(reader) != 0;
    if (reader->failed || id == 0 || id > driver->options->executors_max)
        return OD_CORRUPT;
    inherit_executor(driver, id, &told);
    struct od_driver_executor *executor = &driver->executors[id];
    if (executor->told.epoch != told.epoch || !executor->is_hearsay)
        return OD_OK;
    executor->alive = !has_left;
    executor->draining = draining;
    executor->has_left = has_left;
    executor->drain_ns = od_life_now_ns(&driver->life) + 2 * driver->options->heartbeat_ns;
    return OD_OK;
}

static enum od_status restore(void *self, const struct od_journal_record *record, struct od_error *error)
{
    struct od_driver_run *run = self;
    struct od_reader reader = {.bytes = record->payload, .size = record->size};
    enum od_status status = OD_CORRUPT;
    if (run->record_count > 0)
        OD_TRY(od_driver_lay_out(run, error)); /* chosen from the same outputs as it was when this was written */
    if (record->kind == RECORD_BEGIN) {
        uint32_t stage_count = od_reader_u32(&reader);
        uint32_t task_count = od_reader_u32(&reader);
        if (stage_count == run->stage_count && task_count == run->task_count && run->record_count == 0)
            status = OD_OK;
    } else if (record->kind == RECORD_COMMIT) {
        status = restore_commit(run, &reader, error);
    } else if (record->kind == RECORD_LOST) {
        status = restore_lost(run, &reader);
    } else if (record->kind == RECORD_ROLLED_BACK) {
        status = restore_rollback(run, &reader);
    } else if (record->kind == RECORD_MOVED) {
        status = restore_moved(run, &reader);
    } else if (record->kind == RECORD_COPYING) {
        status = restore_copying(run, &reader, error);
    } else if (record->kind == RECORD_DRAIN) {
        status = restore_drain(run, &reader);
    }
    if (status == OD_NO_MEMORY)
        return status;
    if (status != OD_OK || reader.failed || reader.offset != reader.size)
        return od_fail(error, OD_CORRUPT, "reading a journal: query=%u: record %u (kind %u) does not fit the query",
                       run->query->query_id, run->record_count, record->kind);
    run->record_count++;
    return OD_OK;
}

enum od_status od_driver_open_journal(struct od_driver_run *run, struct od_error *error)
{
    char name[32];
    struct od_driver *driver = run->driver;
    if (!driver->options->journal)
        return OD_OK;
    print_name(run, name);
    const struct od_journal_reader reader = {.record = restore, .self = run};
    enum od_status status = od_journal_open(driver->world, name, reader, &run->journal, error);
    if (status == OD_IO && driver->world->incarnation == 1)
        return OD_OK; /* nothing was there */
    driver->life.gone = driver->life.gone || status == OD_EXECUTOR_GONE;
    if (status != OD_OK)
        return driver->life.gone ? OD_OK : status;
    if (run->record_count != 0)
        return OD_OK;
    struct od_buffer *body = &driver->life.outbox.body;
    od_buffer_append_u32(body, run->stage_count);
    od_buffer_append_u32(body, run->task_count);
    put_record(run, RECORD_BEGIN, body);
    for (uint32_t id = 1; id <= driver->options->executors_max; id++)
        if ((driver->executors[id].alive && driver->executors[id].draining) || driver->executors[id].has_left)
            record_drain(run, id);
    return OD_OK;
}

/* --- going on -------------------------------------------------------------------------------------------------- */

void od_driver_resume(struct od_driver_run *run)
{
    struct od_driver *driver = run->driver;
    uint64_t delay_ns = 2 * driver->options->heartbeat_ns;
    run->quiet_until_ns = od_life_now_ns(&driver->life) + delay_ns;
    driver->world->schedule.timer(driver->world->schedule.self, delay_ns, OD_TIMER_PUMP);
    od_driver_emit_event(run, (struct od_event){.kind = OD_EVENT_DRIVER_RESTARTED,
                                                .site = od_driver_run_site(run),
                                                .rows = run->record_count,
                                                .value = driver->world->incarnation});
    uint32_t kept_count = 0;
    for (uint32_t i = 0; i < run->task_count; i++) {
        struct od_driver_task *task = run->tasks[i];
        kept_count += task->state == OD_TASK_COMMITTED;
        const struct od_driver_executor *executor = &driver->executors[task->executor];
        bool is_there = task->epoch == executor->told.epoch && (executor->alive || task->executor == 0);
        if (task->state == OD_TASK_COMMITTED && !is_there)
            od_driver_lose_output(task, OD_UNREACHABLE);
        const struct od_attempt_name name = od_driver_task_name(task);
        if (task->executor != 0) /* a copy that was not finished, if there is one */
            od_block_store_drop(&driver->life.store, &name);
    }
    od_driver_emit(run, OD_EVENT_QUERY_RESUMED, od_driver_run_site(run), kept_count);
    run->loss_happened = true; /* what is needed has to be worked out */
}

/* What it was told by this life, in answer to what it asked before it had that epoch, was not asked for: a late copy. */
bool od_driver_inherits(const struct od_driver *driver, const struct od_message *message, uint32_t epoch)
{
    const struct od_body_registered *told = &driver->executors[message->from].told;
    bool is_unasked = told->incarnation == message->from_incarnation && told->request < epoch &&
                      told->epoch > od_driver_first_number(driver);
    return epoch >> OD_LIFE_SHIFT < driver->world->incarnation - 1 && (epoch > told->epoch || is_unasked);
}

static bool may_adopt(const struct od_driver_run *run, const struct od_driver_task *task, uint32_t attempt)
{
    bool reads_as_planned = task->stage->is_laid_out || !od_reading_may_change(run->query, task->stage->plan);
    if (task->state != OD_TASK_WAITING || task->generation != 0 || !reads_as_planned || attempt < task->adopt_from ||
        attempt >> OD_LIFE_SHIFT >= run->driver->world->incarnation - 1)
        return false;
    for (uint32_t s = 0; s < run->stage_count; s++)
        if (run->stages[s].plan->determinism == OD_INDETERMINATE)
            return false;
    return true;
}

void od_driver_forbid_adoption(struct od_driver_task *task, uint32_t attempt)
{
    if (task != NULL && attempt >= task->adopt_from && attempt < task->next_attempt)
        task->adopt_from = attempt + 1;
}

void od_driver_adopt(struct od_driver_run *run, const struct od_attempt_name *name, uint32_t executor)
{
    struct od_driver *driver = run->driver;
    struct od_driver_task *task = od_driver_find_task(run, name->stage, name->task);
    if (task == NULL || !may_adopt(run, task, name->attempt))
        return;
    uint64_t now_ns = od_life_now_ns(&driver->life);
    od_driver_forbid_adoption(task, name->attempt); /* again */
    task->state = OD_TASK_RUNNING;
    task->running[task->running_count++] =
        (struct od_driver_attempt){.number = name->attempt,
                                   .executor = executor,
                                   .epoch = driver->executors[executor].told.epoch,
                                   .started_ns = now_ns,
                                   .launched_ns = now_ns};
    driver->executors[executor].running_count++;
    run->running_count++;
    od_driver_emit(run, OD_EVENT_TASK_ADOPTED, od_site_of(name, executor), task->generation);
}
