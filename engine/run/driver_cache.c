/* driver_cache: outputs that outlive their query, and begin a later one as committed.
 *
 *   a query ends     what is committed of each cached stage -> an entry (key, shape); the executors keep the files
 *   a query begins   a stage with the same key and shape: its tasks are committed from the start, in an attempt of their own that never
 *                    ran; they are stored under the name that they had (`stored`)
 *
 * The entry is only a hint of where outputs are. An executor that needs room has dropped some (least recently
 * used first), one that was lost has none: whoever reads finds the block missing, and lineage computes that
 * task again, as it would any other.
 *
 * So no answer depends on the cache. What a driver knew of it goes with its life; the files then go when
 * there is no room. */
#include "engine/run/driver_state.h"

#include "engine/core/assert.h"

#define ENTRIES_MAX 64 /* the oldest is forgotten */

struct cached_output {
    bool is_here;
    struct od_attempt_name name;
    uint32_t generation;
    uint32_t executor;
    uint32_t epoch;
    struct od_body_done done;
    struct od_block_entry *entries; /* owned */
};

struct od_driver_cached {
    struct od_driver_cached *next; /* newest first */
    uint64_t key;
    uint64_t shape;
    uint64_t hash_bits_off; /* of the query: changes how rows are spread */
    uint32_t task_count;
    struct cached_output *outputs; /* owned; by task */
};

static void remove_entry(struct od_driver *driver, struct od_driver_cached **link)
{
    struct od_memory *memory = driver->world->memory;
    struct od_driver_cached *cached = *link;
    *link = cached->next;
    for (uint32_t t = 0; t < cached->task_count; t++)
        od_give(memory, cached->outputs[t].entries,
                cached->outputs[t].done.block_count * sizeof(struct od_block_entry));
    od_give(memory, cached->outputs, cached->task_count * sizeof(*cached->outputs));
    od_give(memory, cached, sizeof(*cached));
}

/* Only where a task of another query would give the same. */
static bool is_cached(const struct od_driver_stage *stage)
{
    const struct od_stage *plan = stage->plan;
    return plan->keep >= OD_KEEP_MEMORY && plan->cache_key != 0 && plan->cache_shape != 0 &&
           plan->task_count == stage->task_count && !od_reading_may_change(stage->run->query, plan) &&
           !plan->inputs_vary;
}

/* Of this stage, if there is one. */
static struct od_driver_cached **find_entry(struct od_driver *driver, const struct od_driver_stage *stage)
{
    const struct od_stage *plan = stage->plan;
    struct od_driver_cached **link = &driver->cached;
    while (*link != NULL && ((*link)->key != plan->cache_key || (*link)->shape != plan->cache_shape ||
                             (*link)->hash_bits_off != stage->run->query->options.hash_bits_off ||
                             (*link)->task_count != plan->task_count))
        link = &(*link)->next;
    return link;
}

/* --- a query begins ---------------------------------------------------------------------------------------------- */

static bool reuse_output(struct od_driver_task *task, const struct cached_output *output)
{
    struct od_driver_run *run = task->stage->run;
    const struct od_driver_executor *executor = &run->driver->executors[output->executor];
    bool is_there = output->is_here && executor->alive && executor->told.epoch == output->epoch;
    uint32_t count = output->done.block_count;
    if (!is_there || task->state != OD_TASK_WAITING)
        return false;
    struct od_block_entry *entries = od_take_array(run->driver->world->memory, count, sizeof(*entries));
    if (entries == NULL && count != 0)
        return false;
    for (uint32_t i = 0; i < count; i++)
        entries[i] = output->entries[i];
    task->entries = entries;
    task->done = output->done;
    task->has_index = true;
    task->stored = output->name;
    task->generation = output->generation;
    task->attempt = task->next_attempt++;
    task->executor = output->executor;
    task->epoch = output->epoch;
    task->state = OD_TASK_COMMITTED;
    task->stage->committed_count++;
    od_driver_record_commit(task);
    od_driver_emit_event(run, (struct od_event){.kind = OD_EVENT_OUTPUT_REUSED,
                                                .site = od_driver_task_site(task),
                                                .rows = task->done.row_count,
                                                .bytes = task->done.total_bytes,
                                                .value = output->executor,
                                                .checksum = task->done.row_checksum});
    return true;
}

void od_driver_reuse_outputs(struct od_driver_run *run)
{
    for (uint32_t s = 0; s < run->stage_count && !run->driver->life.gone; s++) {
        struct od_driver_stage *stage = &run->stages[s];
        const struct od_driver_cached *cached = is_cached(stage) ? *find_entry(run->driver, stage) : NULL;
        if (cached == NULL)
            continue;
        for (uint32_t t = 0; t < stage->task_count && !run->driver->life.gone; t++)
            run->loss_happened = reuse_output(&stage->tasks[t], &cached->outputs[t]) || run->loss_happened;
    }
}

/* --- a query ends ------------------------------------------------------------------------------------------------ */

/* Takes the index out of the task. */
static void keep_output(struct od_driver_task *task, struct cached_output *output)
{
    if (task->state != OD_TASK_COMMITTED || task->executor == 0)
        return;
    *output = (struct cached_output){.is_here = true,
                                     .name = od_driver_stored_name(task),
                                     .generation = task->generation,
                                     .executor = task->executor,
                                     .epoch = task->epoch,
                                     .done = task->done,
                                     .entries = task->entries};
    task->entries = NULL;
    task->done.block_count = 0;
}

static void keep_stage(struct od_driver_stage *stage)
{
    struct od_driver *driver = stage->run->driver;
    struct od_memory *memory = driver->world->memory;
    struct od_driver_cached *cached = od_take(memory, sizeof(*cached));
    struct cached_output *outputs = od_take_array(memory, stage->task_count, sizeof(*outputs));
    if (cached == NULL || outputs == NULL) { /* then it is computed again when it is wanted */
        od_give(memory, cached, sizeof(*cached));
        od_give(memory, outputs, stage->task_count * sizeof(*outputs));
        return;
    }
    struct od_driver_cached **older = find_entry(driver, stage);
    if (*older != NULL)
        remove_entry(driver, older);
    *cached = (struct od_driver_cached){.next = driver->cached,
                                        .key = stage->plan->cache_key,
                                        .shape = stage->plan->cache_shape,
                                        .hash_bits_off = stage->run->query->options.hash_bits_off,
                                        .task_count = stage->task_count,
                                        .outputs = outputs};
    driver->cached = cached;
    struct od_event event = {.kind = OD_EVENT_OUTPUT_CACHED, .site = od_driver_run_site(stage->run)};
    event.site.stage = stage->plan->stage_index;
    for (uint32_t t = 0; t < stage->task_count; t++) {
        outputs[t] = (struct cached_output){0};
        keep_output(&stage->tasks[t], &outputs[t]);
        event.bytes += outputs[t].done.total_bytes;
    }
    od_world_emit(driver->world, event);
}

void od_driver_cache_outputs(struct od_driver_run *run)
{
    for (uint32_t s = 0; s < run->stage_count; s++)
        if (is_cached(&run->stages[s]) && run->stages[s].committed_count != 0)
            keep_stage(&run->stages[s]);
    uint32_t count = 0;
    struct od_driver_cached **link = &run->driver->cached;
    while (*link != NULL) {
        if (count++ < ENTRIES_MAX)
            link = &(*link)->next;
        else
            remove_entry(run->driver, link);
    }
}

/* --- nobody wants it any more ------------------------------------------------------------------------------------ */

void od_driver_uncache(struct od_driver *driver, uint64_t key)
{
    struct od_driver_cached **link = &driver->cached;
    while (*link != NULL) {
        if (key != 0 && (*link)->key != key) {
            link = &(*link)->next;
            continue;
        }
        for (uint32_t t = 0; key != 0 && t < (*link)->task_count; t++) {
            const struct cached_output *output = &(*link)->outputs[t];
            if (output->is_here)
                od_outbox_send_order(&driver->life.outbox, output->executor, OD_MESSAGE_CANCEL, output->epoch,
                                     od_site_of(&output->name, output->executor));
        }
        remove_entry(driver, link);
    }
}
