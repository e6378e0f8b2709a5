/* lineage: what recovery may compute again (F3), and which outputs a reader may read (H8), worked out from the events and the
 * stage graph. The books kept here are not the driver's:
 *
 *   commit -> there, at an executor -> that executor is lost or registers anew | a reader finds a bad block   -> may be lost
 *                                   -> a stage that was rolled back, in which it was                          -> may be lost
 *
 *   F3  an attempt is launched for a task whose output is there, or although nobody needs it, or did when that was planned:
 *       no stage between it and the answer still has work to do. "Needs" goes by stages, and what may be lost may be there after all, so the check is a
 *       bound from above: the closure of what was lost.
 *       A stage is rolled back only with a cause: its own or another stage, indeterminate and read by it directly or not, had
 *       an output that may be lost.
 *   H8  a reader consumes an output that the driver took for the current one at some time since it launched the reader; and of an
 *       indeterminate stage outputs of one generation only; and all readers that the answer rests on have consumed the same
 *       output of an indeterminate task.
 *   H5  of a stage that is indeterminate, or reads of one, too, all rows that such an output has were consumed by such readers.
 *
 * "The answer rests on": from the last stage back, of each task the attempt that readers in this set have consumed, else its
 * last commit (its blocks were empty then). A driver that was restarted may have forgotten the commits of a stage that it had
 * not said to be complete, and where outputs had been copied to; it knows nothing when it has found no journal, as one that can't
 * be written is given up. Whoever leaves may take an output along that the driver says is lost: it could not be copied. */
#include "properties/property.h"

#include "engine/core/assert.h"
#include "engine/plan/physical.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct output {
    uint32_t stage, task, attempt;
    uint64_t generation;
    uint32_t committed_at;  /* index of the event */
    uint32_t superseded_at; /* UINT32_MAX: it is the last one */
    bool counts;            /* the answer rests on it */
};
struct launch {
    uint32_t stage, task, attempt;
    uint32_t at;
};
struct task {
    uint32_t output; /* index plus 1 of its last commit; 0: none */
    uint32_t holder; /* executor; 0: the driver's disk */
    bool is_there;
    bool is_elsewhere; /* than where it was written: a driver that dies may not have noted that for good */
    bool is_wanted;    /* it is not there, and somebody needed it when the driver planned to compute it again */
};
struct books {
    const struct od_stage_graph *graph;
    const struct od_observation *observation;
    struct od_finding *finding;
    struct task **tasks; /* by stage, task_counts of them */
    uint32_t *task_counts;
    uint32_t *open_counts; /* tasks that are not there */
    bool *is_complete;
    struct output *outputs; /* in order of commit */
    uint32_t output_count;
    struct output **consumed; /* by event: the output that a BLOCK_CONSUMED is of; NULL: none */
    struct launch *launches;
    uint32_t launch_count;
    uint32_t collect; /* the last number of the driver as a reader */
};

static bool is_indeterminate(const struct books *books, uint32_t stage)
{
    return books->graph->stages[stage].determinism == OD_INDETERMINATE;
}

bool od_lineage_varies(const struct od_stage_graph *graph, uint32_t stage)
{
    bool varies = graph->stages[stage].determinism == OD_INDETERMINATE;
    for (uint32_t i = 0; i < graph->stages[stage].input_count && !varies; i++)
        varies = od_lineage_varies(graph, graph->stages[stage].input_stages[i]);
    return varies;
}

static bool reads(const struct books *books, uint32_t reader, uint32_t source)
{
    const struct od_stage *stage = &books->graph->stages[reader];
    for (uint32_t i = 0; i < stage->input_count; i++)
        if (stage->input_stages[i] == source)
            return true;
    return false;
}

/* Directly or not; a stage reaches itself. */
static bool reaches(const struct books *books, uint32_t source, uint32_t reader)
{
    if (source == reader)
        return true;
    const struct od_stage *stage = &books->graph->stages[reader];
    for (uint32_t i = 0; i < stage->input_count; i++)
        if (reaches(books, source, stage->input_stages[i]))
            return true;
    return false;
}

/* Somebody between the stage and the answer still has work to do; for the last stage that is the driver. */
static bool is_needed(const struct books *books, uint32_t stage)
{
    if (stage + 1 == books->graph->stage_count)
        return true;
    for (uint32_t reader = stage + 1; reader < books->graph->stage_count; reader++)
        if (reads(books, reader, stage) && books->open_counts[reader] > 0 && is_needed(books, reader))
            return true;
    return false;
}

static struct task *find_task(const struct books *books, uint32_t stage, uint32_t task)
{
    bool is_known = stage < books->graph->stage_count && task < books->task_counts[stage];
    return is_known ? &books->tasks[stage][task] : NULL;
}

/* False: no memory. New tasks are not there. */
static bool set_task_count(struct books *books, uint32_t stage, uint32_t count)
{
    struct task *tasks = realloc(books->tasks[stage], (count + 1) * sizeof(*tasks));
    if (tasks == NULL)
        return false;
    memset(tasks, 0, count * sizeof(*tasks));
    books->tasks[stage] = tasks;
    books->task_counts[stage] = books->open_counts[stage] = count;
    return true;
}

static void lose(struct books *books, uint32_t stage, struct task *task)
{
    books->open_counts[stage] += task->is_there;
    task->is_there = false;
}

static void lose_stage(struct books *books, uint32_t stage)
{
    for (uint32_t i = 0; i < books->task_counts[stage]; i++)
        lose(books, stage, &books->tasks[stage][i]);
}

static struct output *find_output(const struct books *books, uint32_t stage, uint32_t task, uint32_t attempt)
{
    for (uint32_t i = books->output_count; i-- > 0;) {
        struct output *output = &books->outputs[i];
        if (output->stage == stage && output->task == task && output->attempt == attempt)
            return output;
    }
    return NULL;
}

/* --- one event ------------------------------------------------------------------------------------------ */

static void task_launched(struct books *books, const struct od_event *event, uint32_t at)
{
    const struct od_site *site = &event->site;
    const struct task *task = find_task(books, site->stage, site->task);
    books->launches[books->launch_count++] = (struct launch){site->stage, site->task, site->attempt, at};
    if (task == NULL || task->output == 0)
        return;
    books->is_complete[site->stage] = false;
    if (task->is_there)
        od_finding_set(
            books->finding, "F3",
            "stage %u task %u is computed again in attempt %u, although its output of attempt %u is there",
            site->stage, site->task, site->attempt, books->outputs[task->output - 1].attempt);
    else if (!task->is_wanted && !is_needed(books, site->stage))
        od_finding_set(books->finding, "F3",
                       "stage %u task %u is computed again in attempt %u, although nobody needs its output",
                       site->stage, site->task, site->attempt);
}

static void task_committed(struct books *books, const struct od_event *event, uint32_t at)
{
    const struct od_site *site = &event->site;
    struct task *task = find_task(books, site->stage, site->task);
    if (task == NULL)
        return;
    if (task->output != 0)
        books->outputs[task->output - 1].superseded_at = at;
    books->outputs[books->output_count++] = (struct output){.stage = site->stage,
                                                            .task = site->task,
                                                            .attempt = site->attempt,
                                                            .generation = event->value,
                                                            .committed_at = at,
                                                            .superseded_at = UINT32_MAX};
    task->output = books->output_count;
    task->holder = site->executor;
    task->is_elsewhere = task->is_wanted = false;
    books->open_counts[site->stage] -= !task->is_there;
    task->is_there = true;
}

static void stage_completed(struct books *books, const struct od_event *event, uint32_t at)
{
    (void)at;
    if (event->site.stage < books->graph->stage_count)
        books->is_complete[event->site.stage] = true;
}

static void executor_emptied(struct books *books, const struct od_event *event, uint32_t at)
{
    for (uint32_t i = at; event->kind == OD_EVENT_EXECUTOR_REGISTERED && i-- > 0;) {
        const struct od_event *before = &books->observation->events[i];
        if (before->kind == event->kind && before->site.executor == event->site.executor &&
            before->value == event->value)
            return; /* still the same life of it: a driver that was restarted hears of it for the first time */
    }
    for (uint32_t stage = 0; stage < books->graph->stage_count; stage++)
        for (uint32_t i = 0; i < books->task_counts[stage]; i++)
            if (books->tasks[stage][i].holder == event->site.executor)
                lose(books, stage, &books->tasks[stage][i]);
}

static void block_bad(struct books *books, const struct od_event *event, uint32_t at)
{
    struct task *task = find_task(books, event->source_stage, event->source_task);
    (void)at;
    if (task != NULL && task->output != 0 &&
        books->outputs[task->output - 1].attempt == event->source_attempt)
        lose(books, event->source_stage, task);
}

static void output_moved(struct books *books, const struct od_event *event, uint32_t at)
{
    struct task *task = find_task(books, event->site.stage, event->site.task);
    (void)at;
    if (task == NULL)
        return;
    task->holder = event->kind == OD_EVENT_CHECKPOINTED ? 0 : event->site.executor;
    task->is_elsewhere = true;
}

static bool is_leaving(const struct books *books, uint32_t executor, uint32_t at)
{
    for (uint32_t i = at; i-- > 0;) {
        const struct od_event *event = &books->observation->events[i];
        if (event->kind == OD_EVENT_EXECUTOR_DRAINING && event->site.executor == executor)
            return true;
        if (event->kind == OD_EVENT_EXECUTOR_READMITTED && event->site.executor == executor)
            return false;
    }
    return false;
}

/* The driver plans; what is launched later, and again elsewhere, rests on that, even if the last reader ends meanwhile. */
static void output_lost(struct books *books, const struct od_event *event, uint32_t at)
{
    struct task *task = find_task(books, event->site.stage, event->site.task);
    if (task != NULL && task->is_there && is_leaving(books, task->holder, at))
        lose(books, event->site.stage, task);
    if (task != NULL && !task->is_there)
        task->is_wanted = is_needed(books, event->site.stage);
}

static void stage_rolled_back(struct books *books, const struct od_event *event, uint32_t at)
{
    uint32_t stage = event->site.stage;
    bool has_cause = false;
    (void)at;
    if (stage >= books->graph->stage_count)
        return;
    for (uint32_t source = 0; source <= stage && !has_cause; source++)
        has_cause = is_indeterminate(books, source) && books->open_counts[source] > 0 &&
                    reaches(books, source, stage);
    if (!has_cause)
        od_finding_set(
            books->finding, "F3",
            "stage %u is rolled back, although it reads of no indeterminate stage that lost an output",
            stage);
    lose_stage(books, stage);
    books->is_complete[stage] = false;
}

static void driver_restarted(struct books *books, const struct od_event *event, uint32_t at)
{
    (void)at;
    for (uint32_t stage = 0; stage < books->graph->stage_count; stage++)
        books->is_complete[stage] = books->is_complete[stage] && event->rows > 0;
    for (uint32_t stage = 0; stage < books->graph->stage_count; stage++)
        for (uint32_t i = 0; i < books->task_counts[stage]; i++)
            if (!books->is_complete[stage] || books->tasks[stage][i].is_elsewhere)
                lose(books, stage, &books->tasks[stage][i]);
    for (uint32_t i = 0; i < books->output_count; i++)
        if (!books->is_complete[books->outputs[i].stage])
            books->outputs[i].superseded_at = UINT32_MAX; /* what replaced it may be forgotten */
}

/* A driver that was restarted says it again: nothing is new then. */
static void plan_adapted(struct books *books, const struct od_event *event, uint32_t at)
{
    (void)at;
    if (event->site.stage < books->graph->stage_count && event->rows < UINT32_MAX &&
        event->rows != books->task_counts[event->site.stage] &&
        !set_task_count(books, event->site.stage, (uint32_t)event->rows))
        od_finding_set(books->finding, "F3", "no memory to check what is computed again");
}

static uint32_t launched_at(const struct books *books, const struct od_site *reader)
{
    for (uint32_t i = books->launch_count; i-- > 0;) {
        const struct launch *launch = &books->launches[i];
        if (launch->stage == reader->stage && launch->task == reader->task &&
            launch->attempt == reader->attempt)
            return launch->at;
    }
    return UINT32_MAX; /* the driver; or an attempt that is not judged here */
}

static void block_consumed(struct books *books, const struct od_event *event, uint32_t at)
{
    const struct od_site *reader = &event->site;
    struct output *output =
        find_output(books, event->source_stage, event->source_task, event->source_attempt);
    books->consumed[at] = output;
    if (reader->stage == OD_ANY)
        books->collect = reader->attempt;
    if (output == NULL)
        return; /* H5 says that */
    if (output->superseded_at < launched_at(books, reader) && reader->stage != OD_ANY)
        od_finding_set(
            books->finding, "H8",
            "stage %u task %u attempt %u consumed stage %u task %u attempt %u, which had been replaced "
            "before it was launched",
            reader->stage, reader->task, reader->attempt, output->stage, output->task, output->attempt);
}

typedef void (*learn)(struct books *books, const struct od_event *event, uint32_t at);
static const learn lessons[OD_EVENT_COUNT] = {
    [OD_EVENT_TASK_LAUNCHED] = task_launched,
    [OD_EVENT_TASK_COMMITTED] = task_committed,
    [OD_EVENT_STAGE_COMPLETED] = stage_completed,
    [OD_EVENT_EXECUTOR_LOST] = executor_emptied,
    [OD_EVENT_EXECUTOR_REGISTERED] = executor_emptied,
    [OD_EVENT_BLOCK_BAD] = block_bad,
    [OD_EVENT_OUTPUT_MOVED] = output_moved,
    [OD_EVENT_CHECKPOINTED] = output_moved,
    [OD_EVENT_EXECUTOR_DECOMMISSIONED] = executor_emptied,
    [OD_EVENT_OUTPUT_LOST] = output_lost,
    [OD_EVENT_STAGE_ROLLED_BACK] = stage_rolled_back,
    [OD_EVENT_DRIVER_RESTARTED] = driver_restarted,
    [OD_EVENT_PLAN_ADAPTED] = plan_adapted,
    [OD_EVENT_BLOCK_CONSUMED] = block_consumed,
};

/* --- the end -------------------------------------------------------------------------------------------- */

/* Of each reader that the answer rests on, judged from the last stage back. */
static bool reader_counts(const struct books *books, const struct od_site *reader)
{
    if (reader->stage == OD_ANY)
        return reader->attempt == books->collect;
    const struct output *output = find_output(books, reader->stage, reader->task, reader->attempt);
    return output != NULL && output->counts;
}

static void mark_consumed(struct books *books, uint32_t stage)
{
    for (uint32_t i = 0; i < books->observation->event_count; i++) {
        const struct od_event *event = &books->observation->events[i];
        struct output *output = books->consumed[i];
        if (output != NULL && output->stage == stage && reader_counts(books, &event->site))
            output->counts = true;
    }
}

/* Every reading stage has a counting reader that consumed the block; or, but for indeterminate stages, the same partition of
 * another attempt. */
static void check_block(const struct books *books, const struct od_event *written)
{
    const struct od_site *block = &written->site;
    for (uint32_t stage = block->stage + 1; stage < books->graph->stage_count; stage++) {
        bool is_read = !reads(books, stage, block->stage);
        for (uint32_t i = 0; i < books->observation->event_count && !is_read; i++) {
            const struct od_event *event = &books->observation->events[i];
            const struct output *output = books->consumed[i];
            is_read = output != NULL && output->stage == block->stage && output->task == block->task &&
                      (output->attempt == block->attempt || !is_indeterminate(books, block->stage)) &&
                      event->site.stage == stage && event->site.partition == block->partition &&
                      reader_counts(books, &event->site);
        }
        if (!is_read)
            od_finding_set(books->finding, "H5",
                           "no reader in stage %u that the answer rests on consumed the %" PRIu64
                           " rows of stage %u task %u attempt %u partition %u",
                           stage, written->rows, block->stage, block->task, block->attempt, block->partition);
    }
}

static void check_blocks(const struct books *books)
{
    for (uint32_t i = 0; i < books->observation->event_count; i++) {
        const struct od_event *event = &books->observation->events[i];
        if (event->kind != OD_EVENT_BLOCK_WRITTEN || event->rows == 0 ||
            event->site.stage >= books->graph->stage_count ||
            !od_lineage_varies(books->graph, event->site.stage))
            continue;
        const struct output *output =
            find_output(books, event->site.stage, event->site.task, event->site.attempt);
        if (output != NULL && output->counts)
            check_block(books, event);
    }
}

/* One output a task; the last where none was consumed. */
static void settle_stage(struct books *books, uint32_t stage)
{
    for (uint32_t t = 0; t < books->task_counts[stage]; t++) {
        uint32_t first = UINT32_MAX;
        for (uint32_t i = 0; i < books->output_count; i++) {
            const struct output *output = &books->outputs[i];
            if (output->stage != stage || output->task != t || !output->counts)
                continue;
            if (first != UINT32_MAX && is_indeterminate(books, stage))
                od_finding_set(
                    books->finding, "H8",
                    "the answer rests on attempts %u and %u of stage %u task %u, which is indeterminate",
                    first, output->attempt, stage, t);
            first = output->attempt;
        }
        uint32_t last = books->tasks[stage][t].output;
        if (first == UINT32_MAX && last != 0)
            books->outputs[last - 1].counts = true;
    }
}

static bool same_reader(const struct od_site *left, const struct od_site *right)
{
    return left->stage == right->stage && left->task == right->task && left->attempt == right->attempt;
}

/* A reader attempt has consumed one generation of an indeterminate stage. */
static void check_generations(const struct books *books)
{
    const struct od_event *events = books->observation->events;
    for (uint32_t i = 0; i < books->observation->event_count; i++) {
        const struct od_event *event = &events[i];
        const struct output *output = books->consumed[i];
        if (output == NULL || !is_indeterminate(books, output->stage))
            continue;
        for (uint32_t k = 0; k < i; k++) {
            const struct output *before = books->consumed[k];
            if (before != NULL && before->stage == output->stage &&
                same_reader(&events[k].site, &event->site) && before->generation != output->generation)
                od_finding_set(books->finding, "H8",
                               "stage %u task %u attempt %u mixed generations %" PRIu64 " and %" PRIu64
                               " of stage %u",
                               event->site.stage, event->site.task, event->site.attempt, before->generation,
                               output->generation, event->source_stage);
        }
    }
}

static void check_end(struct books *books)
{
    bool has_indeterminate = false;
    for (uint32_t stage = 0; stage < books->graph->stage_count; stage++)
        has_indeterminate = has_indeterminate || is_indeterminate(books, stage);
    if (!has_indeterminate)
        return;
    check_generations(books);
    if (books->observation->status != OD_OK)
        return;
    for (uint32_t stage = books->graph->stage_count; stage-- > 0;) {
        mark_consumed(books, stage);
        settle_stage(books, stage);
    }
    check_blocks(books);
}

/* --- the books ------------------------------------------------------------------------------------------ */

static bool open_books(struct books *books)
{
    const struct od_stage_graph *graph = books->graph;
    uint32_t event_count = books->observation->event_count;
    books->tasks = calloc(graph->stage_count, sizeof(*books->tasks));
    books->task_counts = calloc(graph->stage_count, sizeof(*books->task_counts));
    books->open_counts = calloc(graph->stage_count, sizeof(*books->open_counts));
    books->is_complete = calloc(graph->stage_count, sizeof(*books->is_complete));
    books->outputs = calloc((size_t)event_count + 1, sizeof(*books->outputs));
    books->launches = calloc((size_t)event_count + 1, sizeof(*books->launches));
    books->consumed = calloc((size_t)event_count + 1, sizeof(*books->consumed));
    bool is_open = books->tasks != NULL && books->task_counts != NULL && books->open_counts != NULL &&
                   books->is_complete != NULL && books->outputs != NULL && books->launches != NULL &&
                   books->consumed != NULL;
    for (uint32_t stage = 0; stage < graph->stage_count && is_open; stage++)
        is_open = set_task_count(books, stage, graph->stages[stage].task_count);
    return is_open;
}

static void close_books(struct books *books)
{
    for (uint32_t stage = 0; stage < books->graph->stage_count && books->tasks != NULL; stage++)
        free(books->tasks[stage]);
    free(books->tasks);
    free(books->task_counts);
    free(books->open_counts);
    free(books->is_complete);
    free(books->outputs);
    free(books->launches);
    free(books->consumed);
}

void od_check_lineage(const struct od_observation *observation, struct od_finding *finding)
{
    struct books books = {.graph = observation->graph, .observation = observation, .finding = finding};
    if (observation->graph == NULL)
        return;
    if (!open_books(&books)) {
        od_finding_set(finding, "F3", "no memory to check what is computed again");
        close_books(&books);
        return;
    }
    for (uint32_t i = 0; i < observation->event_count; i++)
        if (lessons[observation->events[i].kind] != NULL)
            lessons[observation->events[i].kind](&books, &observation->events[i], i);
    check_end(&books);
    close_books(&books);
}
