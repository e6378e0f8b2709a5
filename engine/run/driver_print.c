/* driver_print: what the driver knows at this moment, in words: for people who have stopped a run to look.
 *
 *   executors: who lives, what runs there, who leaves or is excluded
 *   queries: stages with tasks that are not committed: what runs where since when, what waits and why it may
 *
 * Changes nothing; may be called within a handler, when a change is half made. */
#include "engine/run/driver_state.h"

#include <inttypes.h>

static const char *const state_texts[] = {[OD_TASK_WAITING] = "waits",
                                          [OD_TASK_RUNNING] = "runs",
                                          [OD_TASK_COMMITTED] = "is committed",
                                          [OD_TASK_LOST] = "has lost its output, which nobody needs"};

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static void print_executor(const struct od_driver *driver, uint32_t id, struct od_buffer *text)
{
    const struct od_driver_executor *executor = &driver->executors[id];
    if (executor->told.epoch == 0 && !executor->alive)
        return;
    od_buffer_print(text, "  executor %u: %s, epoch %u, %u attempts, heard of at %.3f ms", id,
                    executor->alive ? "alive" : executor->has_left ? "has left" : "lost", executor->told.epoch,
                    executor->running_count, ms(executor->heard_ns));
    od_buffer_append_text(text, executor->draining ? ", is to leave" : "");
    od_buffer_append_text(text, executor->is_hearsay ? ", known to an earlier life only" : "");
    if (driver->health[id].halvings > 0)
        od_buffer_print(text, ", slots halved %u times", driver->health[id].halvings);
    if (driver->health[id].breaker.state != OD_BREAKER_CLOSED)
        od_buffer_append_text(text, ", excluded");
    od_buffer_append_text(text, "\n");
}

static void print_task(const struct od_driver_task *task, struct od_buffer *text)
{
    od_buffer_print(text, "    task %u.%u %s", task->stage->plan->stage_index, task->index, state_texts[task->state]);
    if (task->state == OD_TASK_WAITING && !od_driver_inputs_ready(task))
        od_buffer_append_text(text, ", for its inputs");
    if (task->state == OD_TASK_WAITING && task->ready_ns > od_world_now_ns(task->stage->run->driver->world))
        od_buffer_print(text, ", until %.3f ms", ms(task->ready_ns));
    if (task->state == OD_TASK_WAITING && !task->is_needed)
        od_buffer_append_text(text, ", not needed");
    for (uint32_t i = 0; i < task->running_count; i++)
        od_buffer_print(text, "%s attempt %u on executor %u, launched at %.3f ms%s", i > 0 ? " and" : "",
                        task->running[i].number, task->running[i].executor, ms(task->running[i].launched_ns),
                        task->running[i].started_ns == 0 ? ", in its queue" : "");
    if (task->state == OD_TASK_COMMITTED)
        od_buffer_print(text, ": attempt %u on executor %u", task->attempt, task->executor);
    if (task->generation > 0)
        od_buffer_print(text, ", generation %u", task->generation);
    if (task->failure_count > 0)
        od_buffer_print(text, ", failed %u times", task->failure_count);
    od_buffer_append_text(text, "\n");
}

static void print_query(const struct od_driver_run *run, struct od_buffer *text)
{
    od_buffer_print(text, "  query %u: %u attempts run, %u recoveries%s%s\n", run->query->query_id, run->running_count,
                    run->recovery_count, run->is_collecting ? ", its answer is being read" : "",
                    run->ended ? ", has ended" : "");
    for (uint32_t s = 0; s < run->stage_count; s++) {
        const struct od_driver_stage *stage = &run->stages[s];
        od_buffer_print(text, "   stage %u: %u of %u tasks committed%s\n", s, stage->committed_count, stage->task_count,
                        stage->submitted ? "" : ", not submitted");
        for (uint32_t t = 0; t < stage->task_count && (stage->submitted || stage->committed_count > 0); t++)
            print_task(&stage->tasks[t], text);
    }
}

bool od_driver_print(const struct od_actor *actor, struct od_buffer *text)
{
    const struct od_driver *driver = actor->self;
    od_buffer_print(text, "the driver, life %u, at %.3f ms\n", driver->world->incarnation,
                    ms(od_world_now_ns(driver->world)));
    for (uint32_t i = 1; i <= driver->options->executors_max; i++)
        print_executor(driver, i, text);
    for (const struct od_driver_run *run = driver->runs; run != NULL; run = run->next)
        print_query(run, text);
    return !text->failed;
}
