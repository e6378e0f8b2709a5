/* driver_lineage: what a loss costs, and not more.
 *
 *   result stage   task needed  <=>  not committed
 *   other stage    task needed  <=>  some reading task is needed and not committed, and has rows in this output
 *                                    (an output that never was is thought to have rows for everyone)
 *
 * Worked out from the last stage back, so that a lost output whose own inputs are lost too pulls those in (transitively),
 * and a lost output that nobody will read again is left alone. A LOST task that is needed gets its next generation and
 * waits like any other; its readers wait until their inputs are whole again. Attempts that are already reading go on: they may
 * have what they need, and if not they report it. */
#include "engine/run/driver_state.h"

#include "engine/core/assert.h"

uint32_t od_driver_partition_read(const struct od_driver_stage *source, uint32_t reader_task)
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

uint32_t od_driver_partition_entries(const struct od_driver_task *task, uint32_t partition,
                                     uint32_t *first_out)
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
    return !task->has_index || od_driver_partition_entries(task, partition, &first) != 0;
}

bool od_driver_inputs_ready(const struct od_driver *driver, const struct od_driver_task *task)
{
    const struct od_stage *plan = task->stage->plan;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        const struct od_driver_stage *source = &driver->stages[plan->input_stages[i]];
        if (source->committed_count == source->plan->task_count)
            continue;
        uint32_t partition = od_driver_partition_read(source, task->index);
        for (uint32_t t = 0; t < source->plan->task_count; t++) {
            if (source->tasks[t].state != OD_TASK_COMMITTED && has_rows_for(&source->tasks[t], partition))
                return false;
        }
    }
    return true;
}

void od_driver_lose_output(struct od_driver *driver, struct od_driver_task *task, enum od_status why)
{
    od_assert(task->state == OD_TASK_COMMITTED);
    if (od_driver_gives_result(task))
        return;
    task->state = OD_TASK_LOST;
    task->lost_why = why;
    task->stage->committed_count--;
    driver->loss_happened = true;
}

static bool reads(const struct od_driver_stage *reader, uint32_t stage_index)
{
    for (uint32_t i = 0; i < reader->plan->input_count; i++) {
        if (reader->plan->input_stages[i] == stage_index)
            return true;
    }
    return false;
}

static bool is_needed(const struct od_driver *driver, const struct od_driver_task *task)
{
    uint32_t stage_index = task->stage->plan->stage_index;
    if (od_driver_gives_result(task))
        return task->state != OD_TASK_COMMITTED;
    for (uint32_t s = stage_index + 1; s < driver->stage_count; s++) {
        const struct od_driver_stage *reader = &driver->stages[s];
        if (!reads(reader, stage_index))
            continue;
        for (uint32_t t = 0; t < reader->plan->task_count; t++) {
            if (reader->tasks[t].is_needed && reader->tasks[t].state != OD_TASK_COMMITTED &&
                has_rows_for(task, od_driver_partition_read(task->stage, t)))
                return true;
        }
    }
    return false;
}

static void plan_again(struct od_driver *driver, struct od_driver_task *task)
{
    od_driver_emit_event(driver, (struct od_event){.kind = OD_EVENT_OUTPUT_LOST,
                                                   .site = od_driver_task_site(driver, task),
                                                   .rows = task->done.row_count,
                                                   .bytes = task->done.total_bytes,
                                                   .value = task->lost_why});
    driver->outcome.counts.tasks_recomputed++;
    task->state = OD_TASK_WAITING;
    task->generation++;
    task->ready_ns = 0;
    task->stage->submitted = false;
    struct od_error cause;
    od_fail(&cause, task->lost_why, "the output of stage=%u task=%u was lost", task->stage->plan->stage_index,
            task->index);
    od_driver_count_recovery(driver, &cause);
}

void od_driver_plan_recomputes(struct od_driver *driver)
{
    for (uint32_t s = driver->stage_count; s-- > 0;) {
        struct od_driver_stage *stage = &driver->stages[s];
        for (uint32_t t = 0; t < stage->plan->task_count; t++) {
            struct od_driver_task *task = &stage->tasks[t];
            task->is_needed = is_needed(driver, task);
            if (task->is_needed && task->state == OD_TASK_LOST)
                plan_again(driver, task);
        }
    }
}
