/* driver: the one coordinator of a cluster and of every query on it.
 *
 *   a query    RUNNING --- answer fetched | permanent error | retries exhausted | deadline | cancelled ---> ENDED
 *   a task     WAITING -> RUNNING -> COMMITTED -> (output lost and still needed) WAITING, generation + 1
 *   an epoch   given at REGISTER, ended by silence longer than the lease or by a newer REGISTER; never given again
 *
 * Handlers change the state of executors and tasks, then `settle` launches what can run and says goodbye to what has ended.
 * All handlers are idempotent: a message that comes twice, late or out of order finds the state moved on and changes nothing
 * (README.md draws the protocol and says who repairs which loss).
 *
 * When a query has ended, the sink is told, then its journal goes, then executors are told to drop it; whoever speaks of it
 * later is told again. */
#include "engine/run/driver_state.h"

#include "engine/core/assert.h"

void od_driver_emit_event(const struct od_driver_run *run, struct od_event event)
{
    if (!run->ended ||
        event.kind == OD_EVENT_QUERY_ENDED) /* a handler may end the query half-way through a loop */
        od_world_emit(run->driver->world, event);
}

void od_driver_emit(const struct od_driver_run *run, enum od_event_kind kind, struct od_site site,
                    uint64_t value)
{
    od_driver_emit_event(run, (struct od_event){.kind = kind, .site = site, .value = value});
}

struct od_driver_run *od_driver_find_run(struct od_driver *driver, const struct od_message *message)
{
    struct od_driver_run *run = driver->runs;
    while (run != NULL && run->query->query_id != message->site.query)
        run = run->next;
    if (run == NULL || run->ended)
        od_driver_send_end(driver, message->from, message->site.query);
    return run == NULL || run->ended ? NULL : run;
}

struct od_driver_task *od_driver_find_task(struct od_driver_run *run, uint32_t stage, uint32_t task)
{
    bool is_there = stage < run->stage_count && task < run->stages[stage].task_count;
    return is_there ? &run->stages[stage].tasks[task] : NULL;
}

/* --- the end of a query ---------------------------------------------------------------------------------------- */

void od_driver_send_end(struct od_driver *driver, uint32_t executor, uint32_t query_id)
{
    const struct od_attempt_name name = {query_id, OD_ANY, OD_ANY, OD_ANY};
    od_outbox_send_order(&driver->life.outbox, executor, OD_MESSAGE_END_QUERY, 0, od_site_of(&name, executor));
}

void od_driver_end(struct od_driver_run *run, enum od_status status, const struct od_error *error)
{
    struct od_driver *driver = run->driver;
    if (run->ended)
        return;
    run->ended = true;
    struct od_outcome *outcome = &run->outcome;
    if (error != NULL)
        outcome->error = *error;
    outcome->status = status;
    outcome->error.status = status;
    outcome->counts.ended_ns = od_life_now_ns(&driver->life);
    if (status == OD_OK) {
        outcome->answer = run->answer;
        run->answer = NULL;
    }
    uint64_t row_count = outcome->answer == NULL ? 0 : od_table_row_count(outcome->answer);
    od_driver_emit_event(run, (struct od_event){.kind = OD_EVENT_QUERY_ENDED,
                                                .site = od_driver_run_site(run),
                                                .rows = row_count,
                                                .value = status});
}

/* Half-built is fine. */
static void free_run(struct od_driver_run *run)
{
    struct od_memory *memory = run->driver->world->memory;
    od_driver_check_copies(run->driver, run);
    for (uint32_t i = 0; i < run->task_count; i++) {
        struct od_driver_task *task = run->tasks[i];
        while (task->running_count != 0)
            od_driver_remove_attempt(task, task->running);
        od_give(memory, task->entries, task->done.block_count * sizeof(struct od_block_entry));
    }
    od_driver_stop_collecting(run);
    od_journal_close(run->journal);
    od_table_free(memory, run->outcome.answer);
    od_query_metrics_free(memory, run->metrics);
    od_arena_release(&run->fetch_arena);
    od_arena_release(&run->run_arena);
    od_give(memory, run, sizeof(*run));
}

static void tell_sink(struct od_driver *driver, struct od_driver_run **link)
{
    struct od_driver_run *run = *link;
    struct od_outcome outcome = run->outcome;
    outcome.metrics = run->metrics; /* lent */
    uint32_t query_id = run->query->query_id;
    *link = run->next;
    od_copies_drop_query(&driver->own_copies, query_id);
    od_block_store_drop_query(&driver->life.store, query_id);
    run->outcome = (struct od_outcome){0};
    od_driver_cache_outputs(run);
    driver->sink.ended(driver->sink.self, query_id, &outcome);
    od_driver_end_journal(run);
    free_run(run);
    for (uint32_t i = 1; i <= driver->options->executors_max && !driver->life.gone; i++)
        od_driver_send_end(driver, i, query_id);
}

/* Every handler ends here. What ends or leaves gives others something to do. */
static void settle(struct od_driver *driver)
{
    bool has_changed = true;
    driver->is_settling = true;
    while (has_changed && !driver->life.gone) {
        od_driver_pump(driver);
        has_changed = od_driver_pump_drains(driver);
        for (struct od_driver_run *run = driver->runs; run != NULL; run = run->next)
            od_driver_plan_checkpoints(run);
        struct od_driver_run **link = &driver->runs;
        while (*link != NULL && !driver->life.gone) {
            if ((*link)->ended) {
                tell_sink(driver, link);
                has_changed = true;
            } else {
                link = &(*link)->next;
            }
        }
    }
    driver->is_settling = false;
}

/* --- the beginning of a query ---------------------------------------------------------------------------------- */

static void set_timer(struct od_driver *driver, uint64_t delay_ns, enum od_driver_timer what, uint32_t number)
{
    uint64_t tag = (uint64_t)number << OD_TIMER_BITS | what;
    driver->world->schedule.timer(driver->world->schedule.self, delay_ns, tag);
}

static uint64_t deadline_of(const struct od_driver_run *run)
{
    uint64_t deadline_ns;
    const struct od_run_counts *counts = &run->outcome.counts;
    bool is_never = __builtin_add_overflow(counts->started_ns, run->query->options.deadline_ns, &deadline_ns);
    return is_never ? UINT64_MAX : deadline_ns;
}

/* One timer for all queries, of the earliest deadline: what ends before its own leaves none behind. */
static void watch_deadline(struct od_driver_run *run)
{
    struct od_driver *driver = run->driver;
    uint64_t now_ns = od_life_now_ns(&driver->life);
    uint64_t deadline_ns = deadline_of(run);
    if (driver->deadline_query != 0 && driver->deadline_ns <= deadline_ns)
        return;
    driver->deadline_query = run->query->query_id;
    driver->deadline_ns = deadline_ns;
    set_timer(driver, deadline_ns > now_ns ? deadline_ns - now_ns : 0, OD_TIMER_DEADLINE, driver->deadline_query);
}

static bool make_stages(struct od_driver_run *run)
{
    const struct od_stage_graph *graph = run->query->graph;
    run->stages = od_arena_take_array(&run->run_arena, graph->stage_count, sizeof(*run->stages));
    run->plan_epochs = od_arena_take_array(&run->run_arena, (size_t)run->driver->options->executors_max + 1,
                                           sizeof(uint32_t));
    run->metrics = od_query_metrics_new(run->driver->world->memory, graph);
    if (run->stages == NULL || run->plan_epochs == NULL || run->metrics == NULL)
        return false;
    run->stage_count = graph->stage_count;
    for (uint32_t s = 0; s < graph->stage_count; s++) {
        struct od_driver_stage *stage = &run->stages[s];
        *stage = (struct od_driver_stage){.run = run, .plan = &graph->stages[s]};
        od_assert(stage->plan->stage_index == s);
        if (!od_driver_make_tasks(stage, stage->plan->task_count))
            return false;
    }
    return od_driver_list_tasks(run);
}

/* `is_first`: the driver itself begins. */
static void begin(struct od_driver_run *run, bool is_first)
{
    run->outcome.counts.started_ns = od_life_now_ns(&run->driver->life);
    od_driver_emit(run, OD_EVENT_QUERY_STARTED, od_driver_run_site(run), run->stage_count);
    watch_deadline(run);
    if (run->record_count != 0 || (is_first && run->driver->world->incarnation > 1))
        od_driver_resume(run);
    else
        od_driver_reuse_outputs(run);
    if (run->stages[run->stage_count - 1].committed_count == run->stages[run->stage_count - 1].task_count)
        od_driver_collect(run);
}

enum od_status od_driver_submit(const struct od_actor *actor, const struct od_query *query,
                                struct od_error *error)
{
    struct od_driver *driver = actor->self;
    od_assert(query->query_id != 0);
    od_assert(query->graph->stage_count >= 1);
    od_assert(query->graph->stages[query->graph->stage_count - 1].exchange == OD_EXCHANGE_RESULT);
    struct od_driver_run *run = od_take(driver->world->memory, sizeof(*run));
    if (run == NULL)
        return od_fail(error, OD_NO_MEMORY, "beginning a query");
    *run = (struct od_driver_run){
        .driver = driver, .query = query, .collect_count = od_driver_first_number(driver)};
    enum od_status status = OD_OK;
    od_arena_init(&run->run_arena, driver->world->memory, 0);
    od_arena_init(&run->fetch_arena, driver->world->memory, 1024);
    if (!make_stages(run))
        status = od_fail(error, OD_NO_MEMORY, "beginning a query: stages=%u", query->graph->stage_count);
    if (status == OD_OK)
        status = od_driver_open_journal(run, error);
    if (status != OD_OK) {
        free_run(run);
        return status;
    }
    struct od_driver_run **end = &driver->runs;
    while (*end != NULL)
        end = &(*end)->next;
    *end = run;
    if (driver->is_started)
        begin(run, false);
    if (driver->is_started && !driver->is_settling) /* else that happens anyway when the sink has returned */
        settle(driver);
    return OD_OK;
}

/* --- the actor ------------------------------------------------------------------------------------------------- */

static void driver_on_start(void *self)
{
    struct od_driver *driver = self;
    driver->is_started = true;
    driver->ticked_ns = od_life_now_ns(&driver->life);
    for (struct od_driver_run *run = driver->runs; run != NULL; run = run->next)
        begin(run, true);
    set_timer(driver, driver->options->heartbeat_ns, OD_TIMER_TICK, driver->tick_number);
}

static void handle_fetch(struct od_driver *driver, const struct od_message *message)
{
    od_life_serve(&driver->life, message);
}

typedef void (*message_handler)(struct od_driver *driver, const struct od_message *message);
static const message_handler handlers[OD_MESSAGE_KIND_COUNT] = {
    [OD_MESSAGE_REGISTER] = od_driver_handle_register,
    [OD_MESSAGE_HEARTBEAT] = od_driver_handle_heartbeat,
    [OD_MESSAGE_PEER_GONE] = od_driver_handle_peer_gone,
    [OD_MESSAGE_PLAN_WANTED] = od_driver_handle_plan_wanted,
    [OD_MESSAGE_DONE] = od_driver_handle_done,
    [OD_MESSAGE_FAILED] = od_driver_handle_failed,
    [OD_MESSAGE_BLOCK] = od_driver_handle_block,
    [OD_MESSAGE_FETCH] = handle_fetch,
    [OD_MESSAGE_COPIED] = od_driver_handle_copied,
};

static void driver_on_message(void *self, const struct od_message *message)
{
    struct od_driver *driver = self;
    if (message->kind >= OD_MESSAGE_KIND_COUNT || handlers[message->kind] == NULL || message->from == 0 ||
        message->from > driver->options->executors_max || driver->life.gone)
        return;
    handlers[message->kind](driver, message);
    settle(driver);
}

/* Ends it though nothing in it has failed. */
static void cancel(struct od_driver_run *run, enum od_status why, const struct od_error *error)
{
    od_driver_emit_event(
        run, (struct od_event){.kind = OD_EVENT_QUERY_CANCELLED, .site = od_driver_run_site(run), .why = why});
    od_driver_end(run, why, error);
}

/* The timer of this query's deadline; it is over now, or was before. Then that of the next query. */
static void handle_deadline(struct od_driver *driver, uint32_t query_id)
{
    struct od_driver_run *earliest = NULL;
    if (driver->deadline_query != query_id)
        return;
    driver->deadline_query = 0;
    for (struct od_driver_run *run = driver->runs; run != NULL; run = run->next) {
        if (run->query->query_id == query_id) {
            struct od_error error = {0};
            od_fail(&error, OD_TIMED_OUT, "running a query: not done after %llu ms",
                    (unsigned long long)(run->query->options.deadline_ns / 1000000));
            cancel(run, OD_TIMED_OUT, &error);
        } else if (!run->ended && (earliest == NULL || deadline_of(run) < deadline_of(earliest))) {
            earliest = run;
        }
    }
    if (earliest != NULL)
        watch_deadline(earliest);
}

static void tick(struct od_driver *driver)
{
    set_timer(driver, driver->options->heartbeat_ns, OD_TIMER_TICK, ++driver->tick_number);
    od_driver_check_leases(driver);
    od_driver_tick_copies(driver, od_life_now_ns(&driver->life));
    for (struct od_driver_run *run = driver->runs; run != NULL; run = run->next)
        od_driver_tick_results(run, od_life_now_ns(&driver->life));
    od_driver_pump(driver); /* what waits goes before second attempts */
    for (struct od_driver_run *run = driver->runs; run != NULL; run = run->next)
        od_driver_speculate(run);
}

static void driver_on_timer(void *self, uint64_t tag)
{
    struct od_driver *driver = self;
    if (driver->life.gone)
        return;
    enum od_driver_timer what = tag & ((1u << OD_TIMER_BITS) - 1);
    uint32_t number = (uint32_t)(tag >> OD_TIMER_BITS);
    if (what == OD_TIMER_DEADLINE)
        handle_deadline(driver, number);
    else if (what == OD_TIMER_TICK && number == driver->tick_number)
        tick(driver);
    settle(driver);
}

static void driver_on_order(void *self, const struct od_order *order)
{
    struct od_driver *driver = self;
    struct od_driver_run *run = driver->runs;
    while (run != NULL && run->query->query_id != order->query)
        run = run->next;
    if (order->kind == OD_ORDER_CANCEL_QUERY && run != NULL) {
        struct od_error error = {0};
        od_fail(&error, OD_CANCELLED, "running a query: cancelled");
        cancel(run, OD_CANCELLED, &error);
    } else if (order->kind == OD_ORDER_DECOMMISSION) {
        od_driver_drain(driver, order->executor);
    } else if (order->kind == OD_ORDER_UNCACHE && order->key != 0) {
        od_driver_uncache(driver, order->key);
    }
    settle(driver);
}

static void driver_free(void *self)
{
    struct od_driver *driver = self;
    struct od_memory *memory = driver->world->memory;
    while (driver->runs != NULL) {
        struct od_driver_run *run = driver->runs;
        driver->runs = run->next;
        free_run(run);
    }
    od_driver_uncache(driver, 0);
    od_copies_drop_query(&driver->own_copies, OD_ANY);
    od_block_store_drop_all(&driver->life.store, false); /* the next life's */
    od_life_release(&driver->life);
    od_arena_release(&driver->driver_arena);
    od_give(memory, driver, sizeof(*driver));
}

static const struct od_actor_ops driver_ops = {
    .on_start = driver_on_start,
    .on_message = driver_on_message,
    .on_timer = driver_on_timer,
    .on_order = driver_on_order,
    .free = driver_free,
};

enum od_status od_driver_new(struct od_world *world, const struct od_cluster_options *options,
                             struct od_outcome_sink sink, struct od_actor *actor_out, struct od_error *error)
{
    *actor_out = (struct od_actor){0};
    struct od_driver *driver = od_take(world->memory, sizeof(*driver));
    if (driver == NULL)
        return od_fail(error, OD_NO_MEMORY, "making the driver");
    *driver = (struct od_driver){.world = world, .options = options, .sink = sink};
    od_assert(world->incarnation >= 1);
    bool is_alive = od_life_init(&driver->life, world, options);
    driver->life.epoch = world->incarnation;
    driver->last_epoch = od_driver_first_number(driver);
    driver->own_copies = (struct od_copies){
        .life = &driver->life, .durable = true, .ended = od_driver_own_copy_ended, .self = driver};
    od_arena_init(&driver->driver_arena, world->memory, 0);
    driver->executors = od_arena_take_array(&driver->driver_arena, (size_t)options->executors_max + 1,
                                            sizeof(*driver->executors));
    if (!is_alive || driver->executors == NULL || !od_driver_make_health(driver)) {
        driver_free(driver);
        return od_fail(error, OD_NO_MEMORY, "making the driver: executors=%u", options->executors_max);
    }
    *actor_out = (struct od_actor){.ops = &driver_ops, .self = driver};
    return OD_OK;
}
