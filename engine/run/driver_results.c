/* driver_results: the answer arrives in blocks, is kept as blocks, and is shown only when all of it is here.
 *
 *   RESULT(sequence)...  any order, any number of times  -> parts[sequence], each decoded once to prove it whole
 *   DONE(index)                                          -> every part against the index; complete: commit
 *   DONE again                                           -> RESULT_WANTED(what is missing or damaged)
 *
 * Parts belong to the running attempt and are dropped with it: rows of two attempts never meet. */
#include "engine/run/driver_state.h"

#include <string.h>

#include "engine/core/assert.h"

#define PARTS_MAX (UINT32_C(1) << 20)

void od_driver_drop_parts(struct od_driver *driver, struct od_driver_task *task)
{
    for (uint32_t i = 0; i < task->part_count; i++)
        od_give(driver->world->memory, task->parts[i].bytes, task->parts[i].size);
    od_give(driver->world->memory, task->parts, task->part_count * sizeof(*task->parts));
    task->parts = NULL;
    task->part_count = 0;
}

static bool reserve_parts(struct od_driver *driver, struct od_driver_task *task, uint32_t count)
{
    if (count <= task->part_count)
        return true;
    struct od_result_part *parts = od_take_array(driver->world->memory, count, sizeof(*parts));
    if (parts == NULL)
        return false;
    if (task->part_count != 0)
        memcpy(parts, task->parts, task->part_count * sizeof(*parts));
    od_give(driver->world->memory, task->parts, task->part_count * sizeof(*parts));
    task->parts = parts;
    task->part_count = count;
    return true;
}

static enum od_status decode_part(struct od_driver *driver, const struct od_driver_stage *stage,
                                  const struct od_driver_task *task, const uint8_t *bytes, uint32_t size,
                                  struct od_batch *batch_out, struct od_block_info *info_out,
                                  struct od_error *error)
{
    struct od_block_id expected = {.query = driver->query->query_id,
                                   .stage = stage->plan->stage_index,
                                   .task = (uint32_t)(task - stage->tasks),
                                   .attempt = task->attempt,
                                   .generation = task->generation,
                                   .partition = 0};
    od_arena_reset(&driver->block_arena);
    return od_block_decode(driver->codec, bytes, size, &stage->plan->root->schema, &expected,
                           &driver->block_arena, batch_out, info_out, error);
}

static enum od_status keep_part(struct od_driver *driver, struct od_driver_task *task,
                                const struct od_body_result *body, struct od_error *error)
{
    uint8_t *bytes = NULL;
    if (reserve_parts(driver, task, body->sequence + 1))
        bytes = od_take(driver->world->memory, body->size);
    if (bytes == NULL)
        return od_fail(error, OD_NO_MEMORY, "keeping a result block: size=%u", body->size);
    memcpy(bytes, body->bytes, body->size);
    task->parts[body->sequence] = (struct od_result_part){.bytes = bytes, .size = body->size};
    return OD_OK;
}

void od_driver_handle_result(struct od_driver *driver, const struct od_message *message)
{
    struct od_body_result body;
    if (!od_read_result(message, &body) || od_driver_current_sender(driver, message, body.epoch) == NULL)
        return;
    struct od_driver_stage *stage;
    struct od_driver_task *task = od_driver_find_task(driver, &message->site, &stage);
    if (task == NULL || stage->plan->exchange != OD_EXCHANGE_RESULT || task->state != OD_TASK_RUNNING ||
        task->attempt != message->site.attempt || task->epoch != body.epoch || body.sequence >= PARTS_MAX)
        return;
    if (body.sequence < task->part_count && task->parts[body.sequence].bytes != NULL)
        return;
    struct od_batch batch;
    struct od_block_info info;
    struct od_error error = {0};
    enum od_status status = decode_part(driver, stage, task, body.bytes, body.size, &batch, &info, &error);
    if (status == OD_CORRUPT) { /* damaged on the way: as if it had not come */
        struct od_site site = message->site;
        od_driver_emit(driver, (struct od_event){.kind = OD_EVENT_BLOCK_BAD,
                                                 .site = site,
                                                 .source_stage = site.stage,
                                                 .source_task = site.task,
                                                 .source_attempt = site.attempt,
                                                 .value = status});
        driver->outcome.counts.blocks_bad++;
        return;
    }
    if (status == OD_OK)
        status = keep_part(driver, task, &body, &error);
    if (status != OD_OK) {
        od_driver_end(driver, status, &error);
        return;
    }
    if (task->done_heard)
        od_driver_try_results(driver, stage, task, false);
}

/* A part that is here and is the one that the index names. */
static bool part_is_right(struct od_driver *driver, const struct od_driver_task *task, uint32_t sequence)
{
    if (sequence >= task->part_count || task->parts[sequence].bytes == NULL)
        return false;
    struct od_result_part *part = &task->parts[sequence];
    const struct od_block_entry *entry = &task->entries[sequence];
    struct od_block_info info;
    if (od_block_peek(part->bytes, part->size, &info, NULL) == OD_OK && info.row_count == entry->row_count &&
        info.row_checksum.low == entry->row_checksum.low &&
        info.row_checksum.high == entry->row_checksum.high)
        return true;
    od_give(driver->world->memory, part->bytes, part->size);
    *part = (struct od_result_part){0};
    return false;
}

static void ask_for_parts(struct od_driver *driver, struct od_driver_stage *stage,
                          struct od_driver_task *task, uint32_t missing_count)
{
    struct od_buffer *body = &driver->outbox.body;
    od_buffer_append_u32(body, task->epoch);
    od_buffer_append_u32(body, missing_count);
    for (uint32_t i = 0; i < task->entry_count; i++) {
        if (i >= task->part_count || task->parts[i].bytes == NULL)
            od_buffer_append_u32(body, i);
    }
    struct od_site site = od_driver_task_site(driver, stage, task);
    od_outbox_send(&driver->outbox, task->executor, OD_MESSAGE_RESULT_WANTED, &site);
}

void od_driver_try_results(struct od_driver *driver, struct od_driver_stage *stage,
                           struct od_driver_task *task, bool ask)
{
    od_assert(task->done_heard);
    uint32_t missing_count = 0;
    for (uint32_t i = 0; i < task->entry_count; i++)
        missing_count += !part_is_right(driver, task, i);
    if (missing_count == 0)
        od_driver_commit(driver, stage, task);
    else if (ask)
        ask_for_parts(driver, stage, task, missing_count);
}

static enum od_status collect_task(struct od_driver *driver, const struct od_driver_stage *stage,
                                   const struct od_driver_task *task, struct od_table *answer,
                                   struct od_error *error)
{
    for (uint32_t i = 0; i < task->entry_count; i++) {
        struct od_batch batch;
        struct od_block_info info;
        enum od_status status =
            decode_part(driver, stage, task, task->parts[i].bytes, task->parts[i].size, &batch, &info, error);
        if (status == OD_OK)
            status = od_batch_builder_append_rows(&answer->rows, &batch, NULL, 0, batch.row_count, error);
        if (status != OD_OK)
            return status;
    }
    return OD_OK;
}

enum od_status od_driver_collect(struct od_driver *driver, struct od_table **answer_out,
                                 struct od_error *error)
{
    *answer_out = NULL;
    const struct od_driver_stage *stage = &driver->stages[driver->stage_count - 1];
    struct od_memory *memory = driver->world->memory;
    struct od_table *answer = od_table_new(memory, "answer", driver->query->graph->schema, error);
    enum od_status status = answer == NULL ? OD_NO_MEMORY : OD_OK;
    for (uint32_t t = 0; t < stage->plan->task_count && status == OD_OK; t++)
        status = collect_task(driver, stage, &stage->tasks[t], answer, error);
    if (status != OD_OK) {
        od_table_free(memory, answer);
        return status;
    }
    od_table_finish(answer);
    *answer_out = answer;
    return OD_OK;
}
