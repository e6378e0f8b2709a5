/* driver_results: the answer is read like any other input, and shown only when all of it is here.
 *
 *   every result task committed -> collect: a fetch over their blocks, in task order -> rows into `answer` -> whole: the end
 *                                     \_ a block can't be had -> its output is lost, what came is forgotten; later again
 *
 * The driver is a reader as any attempt is: it asks ahead within a window, verifies each block against the index that was
 * committed, asks again, and gives a source up. Until the query ends the blocks stay where they were written, so a loss
 * costs one task and not the answer. */
#include "engine/run/driver_state.h"

#include "engine/core/assert.h"

void od_driver_stop_collecting(struct od_driver_run *run)
{
    run->is_collecting = false;
    od_fetch_release(&run->fetch);
    od_arena_reset(&run->fetch_arena);
    od_table_free(run->driver->world->memory, run->answer);
    run->answer = NULL;
}

static const struct od_driver_stage *result_stage(const struct od_driver_run *run)
{
    return &run->stages[run->stage_count - 1];
}

static enum od_status open_fetch(struct od_driver_run *run, struct od_error *error)
{
    const struct od_driver_stage *stage = result_stage(run);
    const uint32_t input_stages[] = {stage->plan->stage_index};
    struct od_buffer *body = &run->driver->life.outbox.body; /* only to be read at once */
    od_driver_write_input(body, stage, &(struct od_read_range){0, stage->task_count, 0, 1});
    struct od_fetch_plan plan = {.query = run->query,
                                 .reader = {run->query->query_id, OD_ANY, OD_ANY, run->collect_count},
                                 .input_count = 1,
                                 .input_stages = input_stages,
                                 .inputs = {.bytes = body->bytes, .size = body->size}};
    enum od_status status = body->failed ? od_fail(error, OD_NO_MEMORY, "collecting the answer") : OD_OK;
    if (status == OD_OK)
        status = od_fetch_init(&run->fetch, &run->driver->life, &plan, &run->fetch_arena, error);
    od_buffer_reset(body);
    return status;
}

static enum od_status begin(struct od_driver_run *run, struct od_error *error)
{
    OD_TRY(open_fetch(run, error));
    run->answer = od_table_new(run->driver->world->memory, "answer", run->query->graph->schema, error);
    return run->answer == NULL ? OD_NO_MEMORY : OD_OK;
}

static void emit_results(struct od_driver_run *run)
{
    const struct od_driver_stage *stage = result_stage(run);
    for (uint32_t t = 0; t < stage->task_count; t++) {
        const struct od_driver_task *task = &stage->tasks[t];
        od_driver_emit_event(run, (struct od_event){.kind = OD_EVENT_RESULT_COMMITTED,
                                                    .site = od_driver_task_site(task),
                                                    .rows = task->done.row_count,
                                                    .bytes = task->done.total_bytes,
                                                    .checksum = task->done.row_checksum});
    }
}

/* A source failed: its output is lost, if it is still the one that counts and where it was. Anything else ends the query. */
static void fail(struct od_driver_run *run, const struct od_error *error)
{
    struct od_attempt_name source = run->fetch.source;
    uint32_t source_epoch = run->fetch.source_epoch;
    bool source_failed = run->fetch.source_failed;
    od_driver_stop_collecting(run);
    if (!source_failed) {
        od_driver_end(run, error->status, error);
        return;
    }
    struct od_driver_task *task = od_driver_find_task(run, source.stage, source.task);
    od_assert(task != NULL);
    run->outcome.counts.blocks_bad++;
    od_driver_count_recovery(run, error);
    if (task->state != OD_TASK_COMMITTED || task->attempt != source.attempt || task->epoch != source_epoch) {
        /* it is elsewhere by now: no loss, and nothing else would begin again */
        if (!run->ended && result_stage(run)->committed_count == result_stage(run)->task_count)
            od_driver_collect(run);
        return;
    }
    od_driver_note_unread(run->driver, task->executor, 0, error->status);
    od_driver_lose_output(task, error->status);
}

/* Takes all rows that are here. */
static void drain(struct od_driver_run *run)
{
    struct od_exchange_source source = od_fetch_source(&run->fetch);
    const struct od_batch *batch;
    struct od_error error = {0};
    enum od_step step;
    while ((step = source.next(source.self, 0, &batch, &error)) == OD_STEP_OUTPUT) {
        enum od_status status =
            od_batch_builder_append_rows(&run->answer->rows, batch, NULL, 0, batch->row_count, &error);
        if (status != OD_OK) {
            od_driver_end(run, status, &error);
            return;
        }
    }
    if (step == OD_STEP_FAILED && !run->driver->life.gone) {
        fail(run, &error);
    } else if (step == OD_STEP_DONE) {
        od_table_finish(run->answer);
        emit_results(run);
        od_driver_end(run, OD_OK, NULL);
    }
}

void od_driver_collect(struct od_driver_run *run)
{
    od_assert(!run->is_collecting);
    struct od_error error = {0};
    run->is_collecting = true;
    run->collect_count++;
    run->collect_ns = od_life_now_ns(&run->driver->life);
    enum od_status status = begin(run, &error);
    if (status == OD_OK)
        drain(run);
    else
        od_driver_end(run, status, &error);
}

void od_driver_handle_block(struct od_driver *driver, const struct od_message *message)
{
    struct od_body_block body;
    if (!od_read_block(message, &body) || body.name.epoch != driver->life.epoch)
        return;
    if (body.name.input_index == OD_COPY_INPUT) {
        od_copies_deliver(&driver->own_copies, &body);
        return;
    }
    struct od_driver_run *run = driver->runs;
    while (run != NULL && run->query->query_id != body.name.reader.query)
        run = run->next;
    bool is_awaited = run != NULL && run->is_collecting && !run->ended &&
                      body.name.reader.attempt == run->collect_count;
    if (is_awaited && od_fetch_deliver(&run->fetch, &body))
        drain(run);
}

void od_driver_tick_results(struct od_driver_run *run, uint64_t now_ns)
{
    if (run->is_collecting && !run->ended && od_fetch_tick(&run->fetch, now_ns))
        drain(run);
}
