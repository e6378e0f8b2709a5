/* driver_placement: which executor gets an attempt, and what experience says about executors.
 *
 *   may have it     alive, not leaving, room (for a twin, or what is stolen: a free slot), no attempt of the same task there, not
 *                   excluded
 *   best            not where it failed last; not where what it reads can't be read; a free slot before a place in the backlog;
 *                   where most of its input is; where there is most room; the lowest number
 *
 * A breaker (breaker.h) an executor: attempts that fail there, outputs that can't be had from there, and registrations that
 * end count against it. While it is open the executor is excluded: it keeps what it has, and gets nothing new. Never all:
 * when no other is there, the one whose time ends first may be asked. A breaker a link (from, to), too: an executor that can't
 * read from another gets, if there is a choice, nothing that reads from it.
 *
 * Failures for want of something (OD_FAILURE_RESOURCE) halve an executor's slots until an attempt succeeds there. */
#include "engine/run/driver_state.h"

#include "engine/core/assert.h"

#define HALVINGS_MAX 5

static struct od_breaker_limits limits_of(const struct od_driver *driver)
{
    const struct od_cluster_options *options = driver->options;
    return (struct od_breaker_limits){
        options->breaker_failures, options->breaker_window_ns, options->breaker_open_ns};
}

static struct od_breaker *link_of(const struct od_driver *driver, uint32_t from, uint32_t to)
{
    return &driver->links[(size_t)from * (driver->options->executors_max + 1) + to];
}

bool od_driver_make_health(struct od_driver *driver)
{
    size_t count = (size_t)driver->options->executors_max + 1;
    driver->health = od_arena_take_array(&driver->driver_arena, count, sizeof(*driver->health));
    driver->links = od_arena_take_array(&driver->driver_arena, count * count, sizeof(*driver->links));
    return driver->health != NULL && driver->links != NULL;
}

/* --- what is learnt --------------------------------------------------------------------------------------------- */

static void emit(const struct od_driver *driver, enum od_event_kind kind, uint32_t executor, uint32_t from,
                 uint64_t value, enum od_status why)
{
    od_world_emit(driver->world, (struct od_event){.kind = kind,
                                                   .site = od_site_of(OD_NOBODY, executor),
                                                   .rows = from,
                                                   .value = value,
                                                   .why = why});
}

void od_driver_note_failure(struct od_driver *driver, uint32_t executor, enum od_status why)
{
    struct od_driver_health *health = &driver->health[executor];
    const struct od_breaker_limits limits = limits_of(driver);
    if (executor == 0) /* the driver's own disk: there is no other */
        return;
    if (od_failure_class(why) == OD_FAILURE_RESOURCE && health->halvings < HALVINGS_MAX)
        health->halvings++;
    if (od_breaker_fail(&health->breaker, &limits, od_life_now_ns(&driver->life)))
        emit(driver, OD_EVENT_EXECUTOR_EXCLUDED, executor, 0, health->breaker.open_ns, why);
}

void od_driver_note_unread(struct od_driver *driver, uint32_t from, uint32_t to, enum od_status why)
{
    if (from == 0) /* the driver's own disk: there is no other, and no link to it */
        return;
    struct od_breaker *link = link_of(driver, from, to);
    const struct od_breaker_limits limits = limits_of(driver);
    od_driver_note_failure(driver, from, why);
    bool was_closed = link->state == OD_BREAKER_CLOSED;
    if (to == 0 || !od_breaker_fail(link, &limits, od_life_now_ns(&driver->life)))
        return;
    driver->open_links += was_closed;
    emit(driver, OD_EVENT_BREAKER_OPENED, to, from, link->open_ns, why);
}

static bool reads_from(const struct od_driver_task *task, uint32_t executor)
{
    const struct od_stage *plan = task->stage->plan;
    for (uint32_t i = 0; task->stage->is_laid_out && i < plan->input_count; i++) {
        const struct od_driver_stage *source = &task->stage->run->stages[plan->input_stages[i]];
        const struct od_read_range *range = od_driver_range(task, i);
        for (uint32_t t = range->map_first; t < range->map_end; t++)
            if (source->tasks[t].executor == executor && od_driver_bytes_in(&source->tasks[t], range) != 0)
                return true;
    }
    return false;
}

void od_driver_note_success(const struct od_driver_task *task, uint32_t executor)
{
    struct od_driver *driver = task->stage->run->driver;
    struct od_driver_health *health = &driver->health[executor];
    health->halvings = 0;
    if (od_breaker_succeed(&health->breaker))
        emit(driver, OD_EVENT_EXECUTOR_READMITTED, executor, 0, 0, OD_OK);
    for (uint32_t from = 1; driver->open_links != 0 && from <= driver->options->executors_max; from++) {
        if (!reads_from(task, from) || !od_breaker_succeed(link_of(driver, from, executor)))
            continue;
        driver->open_links--;
        emit(driver, OD_EVENT_BREAKER_CLOSED, executor, from, 0, OD_OK);
    }
}

void od_driver_note_launch(const struct od_driver_task *task, uint32_t executor)
{
    struct od_driver *driver = task->stage->run->driver;
    uint64_t now_ns = od_life_now_ns(&driver->life);
    od_breaker_probe(&driver->health[executor].breaker, now_ns);
    for (uint32_t from = 1; driver->open_links != 0 && from <= driver->options->executors_max; from++)
        if (reads_from(task, from))
            od_breaker_probe(link_of(driver, from, executor), now_ns);
}

/* --- the choice ------------------------------------------------------------------------------------------------- */

uint32_t od_driver_slots(const struct od_driver *driver, uint32_t executor)
{
    uint32_t slots = driver->options->slots_per_executor >> driver->health[executor].halvings;
    return slots == 0 ? 1 : slots;
}

static uint32_t count_free(const struct od_driver *driver, uint32_t executor, uint32_t places)
{
    const struct od_driver_executor *there = &driver->executors[executor];
    bool has_room = there->alive && !there->draining && there->running_count < places;
    return has_room ? places - there->running_count : 0;
}

uint32_t od_driver_free_slots(const struct od_driver *driver, uint32_t executor)
{
    return count_free(driver, executor, od_driver_slots(driver, executor));
}

static uint32_t free_places(const struct od_driver *driver, uint32_t executor)
{
    uint64_t slots = od_driver_slots(driver, executor);
    bool is_halved = driver->health[executor].halvings != 0; /* it would begin what waits there at once */
    uint64_t places = is_halved ? slots : slots + slots * driver->options->backlog_per_slot;
    return count_free(driver, executor, places < UINT32_MAX ? (uint32_t)places : UINT32_MAX);
}

/* Of the executors that are there, the one that is not excluded, or will not be soonest. 0: nobody is there. */
static uint32_t find_least_bad(const struct od_driver *driver, uint64_t now_ns)
{
    uint32_t best = 0;
    uint64_t best_ns = UINT64_MAX;
    for (uint32_t id = 1; id <= driver->options->executors_max; id++) {
        const struct od_breaker *breaker = &driver->health[id].breaker;
        uint64_t until_ns = od_breaker_allows(breaker, now_ns) ? 0 : breaker->until_ns;
        bool is_there = driver->executors[id].alive && !driver->executors[id].draining;
        if (!is_there || (best != 0 && until_ns >= best_ns))
            continue;
        best = id;
        best_ns = until_ns;
    }
    return best;
}

static bool runs_there(const struct od_driver_task *task, uint32_t executor)
{
    for (uint32_t a = 0; a < task->running_count; a++)
        if (task->running[a].executor == executor)
            return true;
    return false;
}

static bool can_read(const struct od_driver_task *task, uint32_t executor, uint64_t now_ns)
{
    const struct od_driver *driver = task->stage->run->driver;
    for (uint32_t from = 1; driver->open_links != 0 && from <= driver->options->executors_max; from++)
        if (!od_breaker_allows(link_of(driver, from, executor), now_ns) && reads_from(task, from))
            return false;
    return true;
}

/* Greater is better; 0: it can't go there. */
static uint64_t rate(const struct od_driver_task *task, uint32_t executor, uint32_t local, uint64_t now_ns)
{
    const struct od_driver *driver = task->stage->run->driver;
    uint64_t places = free_places(driver, executor);
    uint64_t free_slots = od_driver_free_slots(driver, executor);
    if (places == 0 || runs_there(task, executor))
        return 0;
    uint64_t rating = places;
    rating |= (uint64_t)(executor == local && free_slots != 0) << 33;
    rating |= (uint64_t)(free_slots != 0) << 34;
    rating |= (uint64_t)can_read(task, executor, now_ns) << 35;
    rating |= (uint64_t)(executor != task->avoid_executor) << 36;
    return rating;
}

uint32_t od_driver_choose_executor(const struct od_driver_task *task, bool at_once)
{
    struct od_driver *driver = task->stage->run->driver;
    uint64_t now_ns = od_life_now_ns(&driver->life);
    uint32_t least_bad = find_least_bad(driver, now_ns);
    uint32_t local = UINT32_MAX; /* not asked yet: it costs a walk over all that is read */
    uint32_t best = 0;
    uint64_t best_rating = 0;
    for (uint32_t id = 1; id <= driver->options->executors_max; id++) {
        if ((at_once ? od_driver_free_slots(driver, id) : free_places(driver, id)) == 0 ||
            (id != least_bad && !od_breaker_allows(&driver->health[id].breaker, now_ns)))
            continue;
        local = local == UINT32_MAX ? od_driver_find_local(task) : local;
        uint64_t rating = rate(task, id, local, now_ns);
        best = rating > best_rating ? id : best;
        best_rating = rating > best_rating ? rating : best_rating;
    }
    return best;
}
