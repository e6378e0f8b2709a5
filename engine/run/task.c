/* task: an attempt from launch to acknowledgement.
 *
 *   start -> step, step, ... -> finish: write output -> report -> (acknowledged: freed)
 *      \______\_______________________\-> fail ------> report -/
 *
 *   points    TASK_START   TASK_STEP      BLOCK_WRITE, TASK_END, TASK_REPORTED
 *   events    TASK_STARTED                TASK_INPUT, TASK_OUTPUT, BLOCK_WRITTEN, OPERATOR_OUTPUT, TASK_SUCCEEDED | TASK_FAILED
 *
 * A step works on one batch, then the task asks for a timer of 0 so that mail gets its turn. BLOCKED asks for none: the block that
 * arrives wakes it.
 *
 * Lifetimes: inputs and index of blocks in attempt_arena; operators and decoded blocks end with the last step; the writer
 * keeps the index until the driver has acknowledged, because reports may be lost.
 *
 * When a point says EXECUTOR_GONE, life->gone is set and each function returns at once: no event, no message, no clean-up but
 * what _free does. */
#include "engine/run/task.h"

#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"

#define ARENA_BYTES 2048

static struct od_partition_writer_options writer_options(const struct od_attempt *attempt)
{
    const struct od_stage *stage = attempt->stage;
    bool is_forward = stage->exchange == OD_EXCHANGE_FORWARD; /* every task has a partition of its own */
    return (struct od_partition_writer_options){
        .schema = &stage->root->schema,
        .partition_count = is_forward ? 1 : stage->partition_count,
        .key_count = stage->key_count,
        .keys = stage->keys,
        .id = od_block_id_of(&attempt->name, attempt->generation, is_forward ? attempt->name.task : 0),
        .hash_bits_off = attempt->query->options.hash_bits_off,
        .link_bytes_per_s = attempt->query->options.link_bytes_per_s,
        .codec = attempt->query->options.codec};
}

/* Also names the attempt's spill file and opens its account. */
static struct od_op_env op_env(struct od_attempt *attempt)
{
    const struct od_life *life = attempt->life;
    const struct od_run_options *options = &attempt->query->options;
    attempt->account.operator_bytes_max = options->operator_memory_bytes;
    attempt->account.task_bytes_max = options->query_memory_bytes / od_run_slots(attempt->query);
    snprintf(attempt->spill_name, sizeof(attempt->spill_name), "q%u-s%u-t%u-a%u-spill", attempt->name.query,
             attempt->name.stage, attempt->name.task, attempt->name.attempt);
    return (struct od_op_env){.memory = life->world->memory,
                              .clock = life->world->clock,
                              .source = od_fetch_source(&attempt->fetch),
                              .task_index = attempt->name.task,
                              .task_count = attempt->task_count,
                              .batch_rows = options->batch_rows,
                              .account = &attempt->account,
                              .points = life->world->points,
                              .site = od_life_site(life, &attempt->name),
                              .disk = life->world->disk,
                              .codec = life->codec,
                              .spill_name = attempt->spill_name,
                              .hash_bits_off = options->hash_bits_off,
                              .sums_outputs = options->trace_operators != 0};
}

enum od_status od_attempt_new(struct od_life *life, const struct od_query *query,
                              const struct od_attempt_name *name, const struct od_body_launch *launch,
                              struct od_attempt **attempt_out, struct od_error *error)
{
    *attempt_out = NULL;
    struct od_memory *memory = life->world->memory;
    struct od_attempt *attempt = od_take(memory, sizeof(*attempt));
    if (attempt == NULL)
        return od_fail(error, OD_NO_MEMORY, "starting an attempt: stage=%u task=%u", name->stage, name->task);
    attempt->life = life;
    attempt->query = query;
    attempt->name = *name;
    attempt->stage = &query->graph->stages[name->stage];
    attempt->generation = launch->generation;
    attempt->task_count = launch->task_count;
    od_arena_init(&attempt->attempt_arena, memory, ARENA_BYTES);
    const struct od_fetch_plan plan = {query, *name, attempt->stage->input_count, attempt->stage->input_stages,
                                       launch->inputs};
    enum od_status status = OD_OK;
    if (launch->input_count != plan.input_count)
        status = od_fail(error, OD_CORRUPT, "reading a launch: inputs=%u", launch->input_count);
    if (status == OD_OK)
        status = od_fetch_init(&attempt->fetch, life, &plan, &attempt->attempt_arena, error);
    if (status != OD_OK)
        goto failed;
    struct od_partition_writer_options output = writer_options(attempt);
    status = od_partition_writer_init(&attempt->writer, memory, life->codec, &output, error);
    if (status != OD_OK)
        goto failed;
    struct od_op_env env = op_env(attempt);
    status = od_op_new(attempt->stage->root, &env, &attempt->op, error);
    if (status != OD_OK)
        goto failed;
    *attempt_out = attempt;
    return OD_OK;
failed:
    od_attempt_free(attempt);
    return status;
}

/* What only running needs. */
static void release_work(struct od_attempt *attempt)
{
    od_op_free(attempt->op);
    attempt->op = NULL;
    od_fetch_release(&attempt->fetch);
}

void od_attempt_free(struct od_attempt *attempt)
{
    if (attempt == NULL)
        return;
    struct od_memory *memory = attempt->life->world->memory;
    release_work(attempt);
    od_partition_writer_release(&attempt->writer);
    od_arena_release(&attempt->attempt_arena);
    od_give(memory, attempt, sizeof(*attempt));
}

static struct od_site attempt_site(const struct od_attempt *attempt)
{
    return od_life_site(attempt->life, &attempt->name);
}

static void emit(const struct od_attempt *attempt, struct od_event event)
{
    if (event.site.executor == 0)
        event.site = attempt_site(attempt);
    od_world_emit(attempt->life->world, event);
}

static void schedule_step(struct od_attempt *attempt)
{
    attempt->step_timer = od_life_set_timer(attempt->life, 0);
}

void od_attempt_wake(struct od_attempt *attempt)
{
    if (attempt->state != OD_ATTEMPT_RUNNING || attempt->step_timer != 0)
        return;
    attempt->metrics.wait_ns += od_life_now_ns(attempt->life) - attempt->since_ns;
    schedule_step(attempt);
}

static void count_run(struct od_attempt *attempt)
{
    uint64_t now_ns = od_life_now_ns(attempt->life);
    attempt->metrics.run_ns += now_ns - attempt->since_ns;
    attempt->since_ns = now_ns;
}

/* --- the end --------------------------------------------------------------------------------------------------- */

static void fail(struct od_attempt *attempt, enum od_status status, const struct od_error *error)
{
    od_assert(status != OD_OK);
    attempt->life->gone = attempt->life->gone || status == OD_EXECUTOR_GONE; /* a dead disk says so too */
    if (attempt->life->gone)
        return;
    attempt->state = OD_ATTEMPT_FAILED;
    attempt->error = *error;
    attempt->error.status = status;
    emit(attempt, (struct od_event){.kind = OD_EVENT_TASK_FAILED, .value = status});
    release_work(attempt);
    od_partition_writer_release(&attempt->writer);
    od_block_store_drop(&attempt->life->store, &attempt->name);
    od_attempt_report(attempt);
}

static void emit_output(const struct od_attempt *attempt)
{
    const struct od_partition_writer *writer = &attempt->writer;
    emit(attempt, (struct od_event){.kind = OD_EVENT_TASK_INPUT, .rows = attempt->account.scanned_rows});
    emit(attempt, (struct od_event){.kind = OD_EVENT_TASK_OUTPUT,
                                    .rows = writer->row_count,
                                    .bytes = writer->bytes.size,
                                    .checksum = writer->row_checksum});
    for (uint32_t i = 0; i < writer->entry_count;) { /* entries are in order of partition */
        struct od_event event = {.kind = OD_EVENT_BLOCK_WRITTEN, .site = attempt_site(attempt)};
        event.site.partition = writer->entries[i].partition;
        for (; i < writer->entry_count && writer->entries[i].partition == event.site.partition; i++) {
            event.rows += writer->entries[i].row_count;
            event.bytes += writer->entries[i].size;
            event.checksum = od_hash128_add(event.checksum, writer->entries[i].row_checksum);
        }
        od_world_emit(attempt->life->world, event);
    }
}

static enum od_status write_output(struct od_attempt *attempt, struct od_error *error)
{
    struct od_buffer *bytes = &attempt->writer.bytes;
    if (bytes->size == 0)
        return OD_OK;
    attempt->output_checksum = od_hash_bytes(bytes->bytes, bytes->size, OD_OUTPUT_SEED);
    struct od_point_bytes passing = {.bytes = bytes->bytes, .size = bytes->size};
    OD_TRY(od_life_hit(attempt->life, OD_POINT_BLOCK_WRITE, attempt_site(attempt), &passing, error));
    struct od_block_store *store = &attempt->life->store;
    if (attempt->stage->keep == OD_KEEP_MEMORY && /* else to the disk, as there is no memory */
        od_block_store_hold(store, &attempt->name, passing.bytes, passing.size, NULL) == OD_OK)
        return OD_OK;
    return od_block_store_put(store, &attempt->name, passing.bytes, passing.size, error);
}

/* Before the operators and the fetch go. */
static enum od_status take_metrics(struct od_attempt *attempt, struct od_error *error)
{
    attempt->operator_count = od_physical_count(attempt->stage->root);
    OD_TAKE_LIST(struct od_op_metrics, operators, &attempt->attempt_arena, attempt->operator_count, error);
    od_op_metrics(attempt->op, operators);
    attempt->operators = operators;
    attempt->metrics.steps = attempt->step_count;
    attempt->metrics.fetched_blocks = attempt->fetch.block_count;
    attempt->metrics.fetched_bytes = attempt->fetch.block_bytes;
    count_run(attempt);
    return OD_OK;
}

/* After take_metrics. */
static enum od_status emit_operators(struct od_attempt *attempt, struct od_error *error)
{
    if (attempt->query->options.trace_operators == 0)
        return OD_OK;
    OD_TAKE_LIST(struct od_hash128, checksums, &attempt->attempt_arena, attempt->operator_count, error);
    od_op_checksums(attempt->op, checksums);
    for (uint32_t i = 0; i < attempt->operator_count; i++) /* numbers of nodes are in printing order, too */
        emit(attempt, (struct od_event){.kind = OD_EVENT_OPERATOR_OUTPUT,
                                        .rows = attempt->operators[i].rows,
                                        .bytes = attempt->operators[i].peak_bytes,
                                        .value = attempt->stage->root->node_index + i,
                                        .checksum = checksums[i]});
    return OD_OK;
}

static enum od_status finish_output(struct od_attempt *attempt, struct od_error *error)
{
    OD_TRY(od_partition_writer_finish(&attempt->writer, error));
    OD_TRY(write_output(attempt, error));
    emit_output(attempt);
    OD_TRY(take_metrics(attempt, error));
    OD_TRY(emit_operators(attempt, error));
    return od_life_hit(attempt->life, OD_POINT_TASK_END, attempt_site(attempt), NULL, error);
}

static void finish(struct od_attempt *attempt)
{
    struct od_error error = {0};
    enum od_status status = finish_output(attempt, &error);
    if (status != OD_OK) {
        fail(attempt, status, &error);
        return;
    }
    attempt->state = OD_ATTEMPT_SUCCEEDED;
    release_work(attempt);
    emit(attempt, (struct od_event){.kind = OD_EVENT_TASK_SUCCEEDED});
    od_attempt_report(attempt);
    od_life_hit(attempt->life, OD_POINT_TASK_REPORTED, attempt_site(attempt), NULL, NULL);
}

static void write_done(const struct od_attempt *attempt, struct od_buffer *body)
{
    const struct od_partition_writer *writer = &attempt->writer;
    struct od_body_done done = {.epoch = attempt->life->epoch,
                                .generation = attempt->generation,
                                .row_count = writer->row_count,
                                .total_bytes = writer->bytes.size,
                                .spilled_bytes = attempt->account.spilled_bytes,
                                .held_peak_bytes = attempt->account.peak_bytes,
                                .row_checksum = writer->row_checksum,
                                .metrics = attempt->metrics,
                                .operator_count = attempt->operator_count,
                                .output_checksum = attempt->output_checksum,
                                .block_count = writer->entry_count};
    od_write_done(body, &done);
    for (uint32_t i = 0; i < attempt->operator_count; i++)
        od_write_op_metrics(body, &attempt->operators[i]);
    for (uint32_t i = 0; i < writer->entry_count; i++)
        od_write_entry(body, &writer->entries[i]);
}

static void write_failed(const struct od_attempt *attempt, struct od_buffer *body)
{
    struct od_body_failed failed = {.epoch = attempt->life->epoch,
                                    .status = attempt->error.status,
                                    .injected = attempt->error.injected,
                                    .fetch_failed = attempt->fetch.source_failed,
                                    .source = attempt->fetch.source,
                                    .source_epoch = attempt->fetch.source_epoch,
                                    .text = attempt->error.text,
                                    .text_size = (uint32_t)strlen(attempt->error.text)};
    od_write_failed(body, &failed);
}

void od_attempt_report(struct od_attempt *attempt)
{
    struct od_life *life = attempt->life;
    od_assert(attempt->state == OD_ATTEMPT_SUCCEEDED || attempt->state == OD_ATTEMPT_FAILED);
    bool succeeded = attempt->state == OD_ATTEMPT_SUCCEEDED;
    if (succeeded)
        write_done(attempt, &life->outbox.body);
    else
        write_failed(attempt, &life->outbox.body);
    od_outbox_send(&life->outbox, 0, succeeded ? OD_MESSAGE_DONE : OD_MESSAGE_FAILED, attempt_site(attempt));
    attempt->reported_ns = od_life_now_ns(life);
}

/* --- running --------------------------------------------------------------------------------------------------- */

void od_attempt_start(struct od_attempt *attempt)
{
    struct od_error error = {0};
    od_assert(attempt->state == OD_ATTEMPT_WAITING);
    attempt->state = OD_ATTEMPT_RUNNING;
    emit(attempt, (struct od_event){.kind = OD_EVENT_TASK_STARTED, .value = attempt->generation});
    enum od_status status =
        od_life_hit(attempt->life, OD_POINT_TASK_START, attempt_site(attempt), NULL, &error);
    if (status != OD_OK)
        fail(attempt, status, &error);
    else
        schedule_step(attempt);
}

void od_attempt_step(struct od_attempt *attempt)
{
    od_assert(attempt->state == OD_ATTEMPT_RUNNING);
    attempt->step_timer = 0;
    struct od_site site = attempt_site(attempt);
    site.nth = attempt->step_count++;
    attempt->since_ns = od_life_now_ns(attempt->life);
    struct od_error error = {0};
    enum od_status status = od_life_hit(attempt->life, OD_POINT_TASK_STEP, site, NULL, &error);
    if (status != OD_OK) {
        fail(attempt, status, &error);
        return;
    }
    const struct od_batch *batch = NULL;
    enum od_step step = od_op_step(attempt->op, &batch, &error);
    if (attempt->life->gone)
        return;
    switch (step) {
    case OD_STEP_OUTPUT:
        status = od_partition_writer_append(&attempt->writer, batch, &error);
        if (status == OD_OK)
            schedule_step(attempt);
        else
            fail(attempt, status, &error);
        break;
    case OD_STEP_AGAIN:
        schedule_step(attempt);
        break;
    case OD_STEP_BLOCKED:
        break;
    case OD_STEP_DONE:
        finish(attempt);
        break;
    case OD_STEP_FAILED:
        od_assert(error.status != OD_OK);
        fail(attempt, error.status, &error);
        break;
    }
    if (attempt->state == OD_ATTEMPT_RUNNING)
        count_run(attempt);
}
