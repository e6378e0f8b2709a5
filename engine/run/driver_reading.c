/* driver_reading: which tasks a stage has, and what each of them reads.
 *
 *   planned tasks --- every task that it reads of has written once ---> laid out: the reading is chosen (reading.h), maybe other
 *                     \_ or at once, where nothing can be chosen           tasks take the place of the planned ones
 *
 * No task is launched before, and nothing changes after: outputs that are lost and computed again may have other sizes, but
 * what was read by tasks that are committed must stay what the others do not read. */
#include "engine/run/driver_state.h"

#include "engine/core/assert.h"

/* --- what is in an index --------------------------------------------------------------------------------------- */

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

uint32_t od_driver_find_entries(const struct od_driver_task *task, uint32_t first, uint32_t end,
                                uint32_t *first_out)
{
    *first_out = lower_bound(task, first);
    return lower_bound(task, end) - *first_out;
}

uint64_t od_driver_bytes_in(const struct od_driver_task *writer, const struct od_read_range *range)
{
    uint32_t first;
    uint32_t count = od_driver_find_entries(writer, range->part_first, range->part_end, &first);
    uint64_t bytes = 0;
    for (uint32_t b = first; b < first + count; b++)
        bytes += writer->entries[b].size;
    return bytes;
}

/* --- tasks ----------------------------------------------------------------------------------------------------- */

bool od_driver_make_tasks(struct od_driver_stage *stage, uint32_t task_count)
{
    stage->tasks = od_arena_take_array(&stage->run->run_arena, task_count, sizeof(*stage->tasks));
    stage->task_count = stage->tasks == NULL ? 0 : task_count;
    for (uint32_t t = 0; t < stage->task_count; t++)
        stage->tasks[t] = (struct od_driver_task){.stage = stage,
                                                  .index = t,
                                                  .is_needed = true,
                                                  .next_attempt = od_driver_first_number(stage->run->driver)};
    return stage->tasks != NULL;
}

bool od_driver_list_tasks(struct od_driver_run *run)
{
    uint32_t count = 0;
    for (uint32_t s = 0; s < run->stage_count; s++)
        count += run->stages[s].task_count;
    struct od_driver_task **tasks = od_arena_take_array(&run->run_arena, count, sizeof(*tasks));
    if (tasks == NULL)
        return false;
    run->tasks = tasks;
    run->task_count = 0;
    for (uint32_t s = 0; s < run->stage_count; s++)
        for (uint32_t t = 0; t < run->stages[s].task_count; t++)
            run->tasks[run->task_count++] = &run->stages[s].tasks[t];
    return true;
}

/* --- the choice ------------------------------------------------------------------------------------------------ */

static const struct od_driver_stage *source_of(const struct od_driver_stage *stage, uint32_t input)
{
    return &stage->run->stages[stage->plan->input_stages[input]];
}

static uint32_t map_count(const void *self, uint32_t input)
{
    return source_of(self, input)->task_count;
}

static uint64_t bytes_of(const void *self, uint32_t input, uint32_t map_task, uint32_t partition)
{
    return od_driver_bytes_in(&source_of(self, input)->tasks[map_task],
                              &(struct od_read_range){.part_first = partition, .part_end = partition + 1});
}

/* Sizes only where they matter. A stage that is not laid out but all written is from the cache: nobody need know what it reads. */
static bool inputs_are_known(const struct od_driver_stage *stage)
{
    bool sizes_matter = od_reading_may_change(stage->run->query, stage->plan);
    for (uint32_t i = 0; i < stage->plan->input_count; i++) {
        const struct od_driver_stage *source = source_of(stage, i);
        for (uint32_t t = 0; (sizes_matter || !source->is_laid_out) && t < source->task_count; t++)
            if (!source->tasks[t].has_index)
                return false;
    }
    return true;
}

static void emit_adapted(const struct od_driver_stage *stage)
{
    struct od_event event = {
        .kind = OD_EVENT_PLAN_ADAPTED, .site = od_driver_run_site(stage->run), .rows = stage->task_count};
    event.site.stage = stage->plan->stage_index;
    for (uint32_t i = 0; i < stage->plan->input_count; i++)
        for (uint32_t t = 0; t < source_of(stage, i)->task_count; t++)
            event.bytes += source_of(stage, i)->tasks[t].done.total_bytes;
    for (uint32_t a = 0; a < OD_ADAPTATION_COUNT; a++) {
        event.value = a;
        if (stage->reading.adapted >> a & 1)
            od_driver_emit_event(stage->run, event);
    }
}

static enum od_status lay_out(struct od_driver_stage *stage, struct od_error *error)
{
    struct od_driver_run *run = stage->run;
    const struct od_reading_sizes sizes = {.map_count = map_count, .bytes = bytes_of, .self = stage};
    OD_TRY(od_reading_choose(run->query, stage->plan, &sizes, &run->run_arena, &stage->reading, error));
    if (stage->reading.task_count != stage->task_count &&
        (!od_driver_make_tasks(stage, stage->reading.task_count) || !od_driver_list_tasks(run)))
        return od_fail(error, OD_NO_MEMORY, "adapting a stage: tasks=%u", stage->reading.task_count);
    stage->is_laid_out = true;
    run->plan_is_fresh = false;
    if (stage->reading.adapted != 0)
        od_driver_sync_journal(run); /* a next life has to choose from the same outputs */
    od_driver_metrics(stage)->adaptations = stage->reading.adapted;
    od_driver_metrics(stage)->adapted_tasks = stage->task_count;
    emit_adapted(stage);
    return OD_OK;
}

enum od_status od_driver_lay_out(struct od_driver_run *run, struct od_error *error)
{
    for (uint32_t s = 0; s < run->stage_count; s++)
        if (!run->stages[s].is_laid_out && inputs_are_known(&run->stages[s]))
            OD_TRY(lay_out(&run->stages[s], error));
    return OD_OK;
}
