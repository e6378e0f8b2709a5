/* driver_lineage: what a loss costs, and not more.
 *
 *   result stage   task needed  <=>  not committed (its blocks are kept until the whole answer was fetched)
 *   other stage    task needed  <=>  some reading task is needed and not committed, and has rows in this output
 *                                    (an output that never was is thought to have rows for everyone)
 *
 * Worked out from the last stage back, so that a lost output whose own inputs are lost too pulls those in (transitively),
 * and a lost output that nobody will read again is left alone. A LOST task that is needed gets its next generation and
 * waits like any other; its readers wait until their inputs are whole again. Attempts that are already reading go on: they may
 * have what they need, and if not they report it. */
#include "engine/run/driver_state.h"

#include "engine/core/assert.h"

static uint32_t partition_read(const struct od_driver_stage *source, uint32_t reader_task)
{
    return od_exchange_is_parted(source->plan->exchange) ? reader_task : 0;
}

/* The first entry whose partition is not below. */
static uint32_t lower_bound(const struct od_driver_task *task, uint32_t partition)
{
    uint32_t low = 0;
    uint32_t high = task->done.block_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (task->entries[middle].partition < partition)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The entries of one partition: [*first_out, *first_out + result). */
static uint32_t partition_entries(const struct od_driver_task *task, uint32_t partition, uint32_t *first_out)
{
    *first_out = lower_bound(task, partition);
    uint32_t end = *first_out;
    while (end < task->done.block_count && task->entries[end].partition == partition)
        end++;
    return end - *first_out;
}

/* False only when the index proves that there is nothing to read. */
static bool has_rows_for(const struct od_driver_task *task, uint32_t partition)
{
    uint32_t first;
    return !task->has_index || partition_entries(task, partition, &first) != 0;
}

void od_driver_write_input(struct od_buffer *body, const struct od_driver_stage *source, uint32_t reader_task)
{
    uint32_t partition = partition_read(source, reader_task);
    od_buffer_append_u32(body, source->plan->task_count);
    for (uint32_t t = 0; t < source->plan->task_count; t++) {
        const struct od_driver_task *writer = &source->tasks[t];
        uint32_t first;
        uint32_t count = partition_entries(writer, partition, &first);
        struct od_body_source part = {.writer = od_driver_task_name(writer),
                                      .generation = writer->generation,
                                      .executor = writer->executor,
                                      .epoch = writer->epoch,
                                      .block_count = count};
        od_write_source(body, &part);
        for (uint32_t b = first; b < first + count; b++)
            od_write_entry(body, &writer->entries[b]);
    }
}

static uint64_t partition_bytes(const struct od_driver_task *writer, uint32_t partition)
{
    uint32_t first;
    uint32_t count = partition_entries(writer, partition, &first);
    uint64_t bytes = 0;
    for (uint32_t b = first; b < first + count; b++)
        bytes += writer->entries[b].size;
    return bytes;
}

/* What an executor has, the others have not: the one that keeps the lead to the end has more than all others together, if there
 * is one (Boyer and Moore's majority vote, over bytes); a second pass proves it. */
uint32_t od_driver_find_local(const struct od_driver_task *task)
{
    const struct od_stage *plan = task->stage->plan;
    uint32_t candidate = 0;
    uint64_t lead = 0, total = 0, its_own = 0;
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < plan->input_count; i++) {
            const struct od_driver_stage *source = &task->stage->run->stages[plan->input_stages[i]];
            uint32_t partition = partition_read(source, task->index);
            for (uint32_t t = 0; t < source->plan->task_count; t++) {
                uint32_t executor = source->tasks[t].executor;
                uint64_t bytes = partition_bytes(&source->tasks[t], partition);
                if (pass == 1) {
                    its_own += executor == candidate ? bytes : 0;
                    continue;
                }
                total += bytes;
                bool leads = executor == candidate || bytes <= lead;
                lead = executor == candidate ? lead + bytes : leads ? lead - bytes : bytes - lead;
                candidate = leads ? candidate : executor;
            }
        }
    }
    return its_own > total / 2 ? candidate : 0;
}

bool od_driver_inputs_ready(const struct od_driver_task *task)
{
    const struct od_stage *plan = task->stage->plan;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        const struct od_driver_stage *source = &task->stage->run->stages[plan->input_stages[i]];
        if (source->committed_count == source->plan->task_count)
            continue;
        uint32_t partition = partition_read(source, task->index);
        for (uint32_t t = 0; t < source->plan->task_count; t++) {
            if (source->tasks[t].state != OD_TASK_COMMITTED && has_rows_for(&source->tasks[t], partition))
                return false;
        }
    }
    return true;
}

void od_driver_lose_output(struct od_driver_task *task, enum od_status why)
{
    struct od_driver_run *run = task->stage->run;
    od_assert(task->state == OD_TASK_COMMITTED);
    bool gives_result = od_driver_gives_result(task->stage);
    if (gives_result && task->done.block_count == 0)
        return;
    if (gives_result && run->is_collecting)
        od_driver_stop_collecting(run);
    task->state = OD_TASK_LOST;
    task->lost_why = why;
    task->stage->committed_count--;
    run->loss_happened = true;
}

static bool reads(const struct od_driver_stage *reader, uint32_t stage_index)
{
    for (uint32_t i = 0; i < reader->plan->input_count; i++) {
        if (reader->plan->input_stages[i] == stage_index)
            return true;
    }
    return false;
}

static bool is_needed(const struct od_driver_run *run, const struct od_driver_task *task)
{
    uint32_t stage_index = task->stage->plan->stage_index;
    if (od_driver_gives_result(task->stage))
        return task->state != OD_TASK_COMMITTED;
    for (uint32_t s = stage_index + 1; s < run->stage_count; s++) {
        const struct od_driver_stage *reader = &run->stages[s];
        if (!reads(reader, stage_index))
            continue;
        for (uint32_t t = 0; t < reader->plan->task_count; t++) {
            if (reader->tasks[t].is_needed && reader->tasks[t].state != OD_TASK_COMMITTED &&
                has_rows_for(task, partition_read(task->stage, t)))
                return true;
        }
    }
    return false;
}

static void plan_again(struct od_driver_task *task)
{
    struct od_driver_run *run = task->stage->run;
    od_driver_emit_event(run, (struct od_event){.kind = OD_EVENT_OUTPUT_LOST,
                                                .site = od_driver_task_site(task),
                                                .rows = task->done.row_count,
                                                .bytes = task->done.total_bytes,
                                                .value = task->lost_why});
    run->outcome.counts.tasks_recomputed++;
    task->state = OD_TASK_WAITING;
    task->generation++;
    od_driver_record_lost(task);
    task->ready_ns = 0;
    task->stage->submitted = false;
    struct od_error cause;
    od_fail(&cause, task->lost_why, "the output of stage=%u task=%u was lost", task->stage->plan->stage_index,
            task->index);
    od_driver_count_recovery(run, &cause);
}

void od_driver_plan_recomputes(struct od_driver_run *run)
{
    for (uint32_t s = run->stage_count; s-- > 0;) {
        struct od_driver_stage *stage = &run->stages[s];
        for (uint32_t t = 0; t < stage->plan->task_count; t++) {
            struct od_driver_task *task = &stage->tasks[t];
            task->is_needed = is_needed(run, task);
            if (task->is_needed && task->state == OD_TASK_LOST)
                plan_again(task);
        }
    }
}
