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
    uint32_t before = task->part_count;
    if (!od_grow(driver->world->memory, &task->parts, &task->part_count, count, sizeof(*task->parts)))
        return false;
    memset(task->parts + before, 0, (task->part_count - before) * sizeof(*task->parts));
    return true;
}

static enum od_status decode_part(struct od_driver *driver, const struct od_driver_task *task,
                                  const uint8_t *bytes, uint32_t size, struct od_batch *batch_out,
                                  struct od_error *error)
{
    struct od_block_info info;
    struct od_attempt_name writer = od_driver_task_name(task);
    struct od_block_id expected = od_block_id_of(driver->query, &writer, task->generation, 0);
    od_arena_reset(&driver->block_arena);
    return od_block_decode(driver->codec, bytes, size, &task->stage->plan->root->schema, &expected,
                           &driver->block_arena, batch_out, &info, error);
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
    struct od_driver_task *task = od_driver_find_running(driver, message, body.epoch);
    if (task == NULL || !od_driver_gives_result(task) || body.sequence >= PARTS_MAX)
        return;
    if (body.sequence < task->part_count && task->parts[body.sequence].bytes != NULL)
        return;
    struct od_batch batch;
    struct od_error error = {0};
    enum od_status status = decode_part(driver, task, body.bytes, body.size, &batch, &error);
    if (status == OD_CORRUPT) { /* damaged on the way: as if it had not come */
        od_driver_emit_event(driver, (struct od_event){.kind = OD_EVENT_BLOCK_BAD,
                                                       .site = message->site,
                                                       .source_stage = message->site.stage,
                                                       .source_task = message->site.task,
                                                       .source_attempt = message->site.attempt,
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
        od_driver_try_results(driver, task, false);
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
        od_hash128_equal(info.row_checksum, entry->row_checksum))
        return true;
    od_give(driver->world->memory, part->bytes, part->size);
    *part = (struct od_result_part){0};
    return false;
}

static void ask_for_parts(struct od_driver *driver, struct od_driver_task *task, uint32_t missing_count)
{
    struct od_buffer *body = &driver->outbox.body;
    od_buffer_append_u32(body, task->epoch);
    od_buffer_append_u32(body, missing_count);
    for (uint32_t i = 0; i < task->done.block_count; i++) {
        if (i >= task->part_count || task->parts[i].bytes == NULL)
            od_buffer_append_u32(body, i);
    }
    od_outbox_send(&driver->outbox, task->executor, OD_MESSAGE_RESULT_WANTED,
                   od_driver_task_site(driver, task));
}

void od_driver_try_results(struct od_driver *driver, struct od_driver_task *task, bool ask)
{
    od_assert(task->done_heard);
    uint32_t missing_count = 0;
    for (uint32_t i = 0; i < task->done.block_count; i++)
        missing_count += !part_is_right(driver, task, i);
    if (missing_count == 0)
        od_driver_commit(driver, task);
    else if (ask)
        ask_for_parts(driver, task, missing_count);
}

static enum od_status collect_task(struct od_driver *driver, const struct od_driver_task *task,
                                   struct od_table *answer, struct od_error *error)
{
    for (uint32_t i = 0; i < task->done.block_count; i++) {
        struct od_batch batch;
        OD_TRY(decode_part(driver, task, task->parts[i].bytes, task->parts[i].size, &batch, error));
        OD_TRY(od_batch_builder_append_rows(&answer->rows, &batch, NULL, 0, batch.row_count, error));
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
        status = collect_task(driver, &stage->tasks[t], answer, error);
    if (status != OD_OK) {
        od_table_free(memory, answer);
        return status;
    }
    od_table_finish(answer);
    *answer_out = answer;
    return OD_OK;
}
