/* driver_lineage: what a loss costs, and not more.
 *
 *   result stage   task needed  <=>  not committed (its blocks are kept until the whole answer was fetched)
 *   other stage    task needed  <=>  some reading task is needed and not committed, and has rows in this output
 *                                    (an output that never was is thought to have rows for everyone)
 *
 * Worked out from the last stage back, so that a lost output whose own inputs are lost too pulls those in (transitively),
 * and a lost output that nobody will read again is left alone. A LOST task that is needed gets its next generation and
 * waits like any other; its readers wait until their inputs are whole again. Attempts that are already reading go on: they may
 * have what they need, and if not they report it.
 *
 * All of it is worked out after a loss and when a reading was chosen. A commit can only make less needed: of its own stage, and of
 * those that it read; what is not needed any more has the same effect on its inputs. There, each task that was needed asks whether
 * the reader that was found last (`needed_by`) still reads, and else looks for the next: no commit walks readers x writers.
 *
 * Not so where computing again may give other rows (plan/determinism.c). A stage that is indeterminate begins again as a whole,
 * and with it every stage that has read of it or of one that has: commits are dropped, attempts cancelled, all in the next
 * generation. The result stage is no exception: nothing of it has been shown. What was known of outputs is forgotten. */
#include "engine/run/driver_state.h"

#include "engine/core/assert.h"

/* False only when the index proves that there is nothing to read. */
static bool has_rows_in(const struct od_driver_task *task, const struct od_read_range *range)
{
    uint32_t first;
    return !task->has_index || od_driver_find_entries(task, range->part_first, range->part_end, &first) != 0;
}

void od_driver_write_input(struct od_buffer *body, const struct od_driver_stage *source,
                           const struct od_read_range *range)
{
    od_buffer_append_u32(body, range->map_end - range->map_first);
    for (uint32_t t = range->map_first; t < range->map_end; t++) {
        const struct od_driver_task *writer = &source->tasks[t];
        uint32_t first;
        uint32_t count = od_driver_find_entries(writer, range->part_first, range->part_end, &first);
        struct od_body_source part = {.writer = od_driver_task_name(writer),
                                      .stored = od_driver_stored_name(writer),
                                      .generation = writer->generation,
                                      .executor = writer->executor,
                                      .epoch = writer->epoch,
                                      .block_count = count};
        od_write_source(body, &part);
        for (uint32_t b = first; b < first + count; b++)
            od_write_entry(body, &writer->entries[b]);
    }
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
            const struct od_read_range *range = od_driver_range(task, i);
            for (uint32_t t = range->map_first; t < range->map_end; t++) {
                uint32_t executor = source->tasks[t].executor;
                uint64_t bytes = od_driver_bytes_in(&source->tasks[t], range);
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
    for (uint32_t i = 0; task->stage->is_laid_out && i < plan->input_count; i++) {
        struct od_driver_stage *source = &task->stage->run->stages[plan->input_stages[i]];
        if (source->committed_count == source->task_count)
            continue;
        while (source->tasks[source->whole_count].state == OD_TASK_COMMITTED)
            source->whole_count++;
        const struct od_read_range *range = od_driver_range(task, i);
        uint32_t first = range->map_first > source->whole_count ? range->map_first : source->whole_count;
        for (uint32_t t = first; t < range->map_end; t++) {
            if (source->tasks[t].state != OD_TASK_COMMITTED && has_rows_in(&source->tasks[t], range))
                return false;
        }
    }
    return task->stage->is_laid_out;
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
    if (task->index < task->stage->whole_count)
        task->stage->whole_count = task->index;
    run->loss_happened = true;
    run->plan_is_fresh = false;
}

/* --- what is needed -------------------------------------------------------------------------------------------- */

/* Is there anything of this output in the task's input? */
static bool reads(const struct od_driver_task *reader, uint32_t input, const struct od_driver_task *task)
{
    if (!reader->stage->is_laid_out)
        return !task->has_index || task->done.block_count != 0;
    const struct od_read_range *range = od_driver_range(reader, input);
    return task->index >= range->map_first && task->index < range->map_end && has_rows_in(task, range);
}

static bool still_reads(const struct od_driver_task *reader)
{
    return reader->is_needed && reader->state != OD_TASK_COMMITTED;
}

/* By a task of this stage; readers come and go in order, so the search goes on where it found one. */
static bool is_needed_by(struct od_driver_task *task, const struct od_driver_stage *stage, uint32_t input)
{
    if (stage->committed_count == stage->task_count)
        return false;
    bool goes_on = task->needed_by != NULL && task->needed_by->stage == stage;
    uint32_t first = goes_on ? task->needed_by->index : 0;
    for (uint32_t i = 0; i < stage->task_count; i++) {
        const struct od_driver_task *reader = &stage->tasks[(first + i) % stage->task_count];
        if (still_reads(reader) && reads(reader, input, task)) {
            task->needed_by = reader;
            return true;
        }
    }
    return false;
}

static bool is_needed(struct od_driver_task *task)
{
    const struct od_driver_run *run = task->stage->run;
    uint32_t index = task->stage->plan->stage_index;
    if (od_driver_gives_result(task->stage))
        return task->state != OD_TASK_COMMITTED;
    if (run->plan_is_fresh && task->needed_by != NULL && still_reads(task->needed_by))
        return true;
    for (uint32_t s = index + 1; s < run->stage_count; s++)
        for (uint32_t input = 0; input < run->stages[s].plan->input_count; input++)
            if (run->stages[s].plan->input_stages[input] == index &&
                is_needed_by(task, &run->stages[s], input))
                return true;
    return false;
}

void od_driver_need_less(struct od_driver_stage *stage)
{
    for (uint32_t i = 0; i < stage->plan->input_count; i++)
        stage->run->stages[stage->plan->input_stages[i]].may_be_needed_less = true;
}

/* As long as the plan is fresh, nothing gets needed that was not. */
static void find_needed(struct od_driver_stage *stage)
{
    bool is_less = false;
    for (uint32_t t = 0; t < stage->task_count; t++) {
        struct od_driver_task *task = &stage->tasks[t];
        bool was_needed = task->is_needed;
        task->is_needed = (was_needed || !stage->run->plan_is_fresh) && is_needed(task);
        is_less = is_less || (was_needed && !task->is_needed);
    }
    stage->may_be_needed_less = false;
    if (is_less)
        od_driver_need_less(stage);
}

static void count_loss(const struct od_driver_task *task)
{
    struct od_driver_run *run = task->stage->run;
    od_driver_emit_event(run, (struct od_event){.kind = OD_EVENT_OUTPUT_LOST,
                                                .site = od_driver_task_site(task),
                                                .rows = task->done.row_count,
                                                .bytes = task->done.total_bytes,
                                                .value = task->lost_why});
    run->outcome.counts.tasks_recomputed++;
    od_driver_metrics(task->stage)->tasks_recomputed++;
    struct od_error cause;
    od_fail(&cause, task->lost_why, "the output of stage=%u task=%u was lost", task->stage->plan->stage_index,
            task->index);
    od_driver_count_recovery(run, &cause);
}

static void plan_again(struct od_driver_task *task)
{
    task->state = OD_TASK_WAITING;
    task->generation++;
    od_driver_record_lost(task);
    task->ready_ns = 0;
    task->stage->submitted = false;
}

/* --- stages that begin again ----------------------------------------------------------------------------------- */

static bool has_begun(const struct od_driver_stage *stage)
{
    for (uint32_t t = 0; t < stage->task_count; t++)
        if (stage->tasks[t].state != OD_TASK_WAITING || stage->tasks[t].has_index)
            return true;
    return false;
}

static bool reads_one_that_begins_again(const struct od_driver_stage *stage)
{
    for (uint32_t i = 0; i < stage->plan->input_count; i++)
        if (stage->run->stages[stage->plan->input_stages[i]].begins_again)
            return true;
    return false;
}

/* The generation of the whole stage is above all that its tasks have had. */
static void begin_again(struct od_driver_stage *stage, const struct od_driver_task *cause)
{
    struct od_driver_run *run = stage->run;
    uint32_t generation = 0;
    for (uint32_t t = 0; t < stage->task_count; t++)
        generation = stage->tasks[t].generation >= generation ? stage->tasks[t].generation + 1 : generation;
    struct od_event event = {.kind = OD_EVENT_STAGE_ROLLED_BACK,
                             .site = od_driver_run_site(run),
                             .source_stage = cause->stage->plan->stage_index,
                             .source_task = cause->index,
                             .source_attempt = cause->attempt,
                             .value = generation,
                             .why = cause->lost_why};
    event.site.stage = stage->plan->stage_index;
    od_driver_emit_event(run, event);
    for (uint32_t t = 0; t < stage->task_count; t++) {
        struct od_driver_task *task = &stage->tasks[t];
        while (task->running_count != 0)
            od_driver_cancel(task, task->running);
        run->outcome.counts.tasks_recomputed += task->state == OD_TASK_COMMITTED;
        od_driver_metrics(stage)->tasks_recomputed += task->state == OD_TASK_COMMITTED;
    }
    od_driver_forget_stage(stage, generation);
    od_driver_record_rollback(stage, generation);
    if (od_driver_gives_result(stage) && run->is_collecting)
        od_driver_stop_collecting(run);
}

void od_driver_forget_stage(struct od_driver_stage *stage, uint32_t generation)
{
    for (uint32_t t = 0; t < stage->task_count; t++) {
        struct od_driver_task *task = &stage->tasks[t];
        task->state = OD_TASK_WAITING;
        task->generation = generation;
        task->ready_ns = 0;
        task->has_index = false;
    }
    stage->committed_count = stage->whole_count = 0;
    stage->submitted = false;
    stage->run->plan_is_fresh = false;
}

/* An output of an indeterminate stage is to be computed again. Readers come first, so that a next life of the driver that finds
 * only some of this in the journal finds the cause still lost. */
static void roll_back(const struct od_driver_task *task)
{
    struct od_driver_run *run = task->stage->run;
    uint32_t first = task->stage->plan->stage_index;
    for (uint32_t s = first; s < run->stage_count; s++)
        run->stages[s].begins_again =
            s == first || (reads_one_that_begins_again(&run->stages[s]) && has_begun(&run->stages[s]));
    for (uint32_t s = run->stage_count; s-- > first;) {
        if (run->stages[s].begins_again)
            begin_again(&run->stages[s], task);
        run->stages[s].begins_again = false;
    }
}

/* One pass from the last stage back. False: a stage has begun again, so that its readers may need other things. */
static bool plan_pass(struct od_driver_run *run)
{
    for (uint32_t s = run->stage_count; s-- > 0;) {
        struct od_driver_stage *stage = &run->stages[s];
        if (run->plan_is_fresh && !stage->may_be_needed_less)
            continue;
        find_needed(stage);
        for (uint32_t t = 0; t < stage->task_count; t++) {
            struct od_driver_task *task = &stage->tasks[t];
            if (!task->is_needed || task->state != OD_TASK_LOST)
                continue;
            count_loss(task);
            if (stage->plan->determinism == OD_INDETERMINATE) {
                roll_back(task);
                return false;
            }
            plan_again(task);
        }
    }
    return true;
}

void od_driver_plan_recomputes(struct od_driver_run *run)
{
    while (!plan_pass(run) && !run->ended) {
    }
    run->plan_is_fresh = true;
}
