/* wrap_world: points, memory and the clock; see wrap_world.h. */
#include "chaos/wrap_world.h"

#include <string.h>
#include <time.h>

#include "chaos/wrap_parts.h"
#include "engine/core/assert.h"

#define MS        UINT64_C(1000000)
#define STROBE_NS (2 * MS)
#define COARSE_NS (10 * MS)
#define KIB       UINT64_C(1024)

/* --- what the files share ---------------------------------------------------------------------- */

const struct od_fault *od_wrap_fire(struct od_wrap_world *wrap, enum od_point point, const struct od_site *site,
                                    size_t byte_count, const struct od_message *message)
{
    const struct od_wrap_host *host = wrap->host;
    struct od_hit hit = {.point = point, .actor_id = wrap->actor_id, .byte_count = byte_count};
    if ((wrap->points_used >> point & 1) == 0 && host->reached == NULL)
        return NULL;
    if (!host->lives(host->self, wrap->actor_id))
        return NULL;
    hit.site = site == NULL ? wrap->current : *site;
    if (message != NULL) {
        hit.link = od_disturb_message_link(message, false);
        hit.role = message->role;
    }
    if (point != OD_POINT_MESSAGE_SEND) /* there it is the far end from the driver */
        hit.site.executor = wrap->actor_id;
    if (host->reached != NULL)
        host->reached(host->self, &hit);
    struct od_disturb *disturb = host->enter(host->self);
    if (disturb == NULL)
        return NULL;
    const struct od_fault *fault = od_disturb_match(disturb, &hit, host->now_ns(host->self));
    if (fault != NULL)
        host->strike(host->self, wrap->actor_id, fault, &hit.site);
    host->leave(host->self);
    if (fault != NULL && host->suffer != NULL)
        host->suffer(host->self, wrap->actor_id, fault);
    return fault;
}

_Static_assert(OD_EFFECT_COUNT <= 64, "a set of effects fits in 64 bits");
const struct od_fault *od_wrap_window(struct od_wrap_world *wrap, enum od_fault_effect effect)
{
    const struct od_wrap_host *host = wrap->host;
    const struct od_fault *fault = NULL;
    if ((wrap->effects_used >> effect & 1) == 0)
        return NULL;
    struct od_disturb *disturb = host->enter(host->self);
    if (disturb == NULL)
        return NULL;
    uint64_t now_ns = host->now_ns(host->self);
    for (uint32_t i = 0; fault == NULL && od_disturb_window(disturb, wrap->actor_id, now_ns, &i) != NULL; i++)
        if (od_fault_effect_of(&disturb->schedule->faults[i]) == effect)
            fault = &disturb->schedule->faults[i];
    host->leave(host->self);
    return fault;
}

uint64_t od_wrap_duration_ns(const struct od_wrap_world *wrap, const struct od_fault *fault)
{
    uint64_t duration_ns = od_fault_duration_ns(fault);
    uint64_t now_ns = wrap->host->now_ns(wrap->host->self);
    if (duration_ns != UINT64_MAX)
        return duration_ns;
    return wrap->heal_ns > now_ns ? wrap->heal_ns - now_ns : 1;
}

enum od_status od_wrap_fail(struct od_wrap_world *wrap, const struct od_fault *fault, enum od_point point,
                            struct od_error *error)
{
    return od_disturb_act(fault, point, &wrap->current, NULL, error);
}

/* --- points ------------------------------------------------------------------------------------ */

/* Keeps what passes, and puts what passed before in its place. Without memory the block stays as it is. */
static void keep_block(struct od_memory *memory, struct od_wrap_kept *kept, const struct od_point_bytes *bytes)
{
    if (bytes->size > kept->capacity) {
        uint8_t *grown = od_resize(memory, kept->bytes, kept->capacity, bytes->size);
        if (grown == NULL)
            return;
        kept->bytes = grown;
        kept->capacity = bytes->size;
    }
    memcpy(kept->bytes, bytes->bytes, bytes->size);
    kept->size = bytes->size;
}

/* The bytes of another block; cut where they are more. Before any there are none. */
static void put_other(const struct od_wrap_kept *kept, struct od_point_bytes *bytes)
{
    size_t size = kept->size < bytes->size ? kept->size : bytes->size;
    if (size > 0)
        memcpy(bytes->bytes, kept->bytes, size);
    bytes->size = size;
}

static bool is_other_block(const struct od_fault *fault)
{
    return fault != NULL && od_fault_kind_row(fault->kind)->damage == OD_DAMAGE_OTHER;
}

/* What the fault at a point leaves for later calls of the same handler. */
static void take_note(struct od_wrap_world *wrap, const struct od_fault *fault, const struct od_site *site)
{
    enum od_fault_effect effect = od_fault_effect_of(fault);
    if (effect == OD_EFFECT_HANG)
        wrap->hang_ns = od_wrap_duration_ns(wrap, fault);
    if (effect == OD_EFFECT_NEXT_LOSE || effect == OD_EFFECT_NEXT_DELAY || effect == OD_EFFECT_NEXT_DUPLICATE) {
        wrap->report = fault;
        wrap->reported = *site;
    }
}

static enum od_status wrapped_hit(void *self, enum od_point point, const struct od_site *site,
                                  struct od_point_bytes *bytes, struct od_error *error)
{
    struct od_wrap_world *wrap = self;
    const struct od_wrap_host *host = wrap->host;
    if (!host->lives(host->self, wrap->actor_id))
        return od_disturb_gone(error);
    wrap->current = *site;
    wrap->is_at_work = true;
    if (point == OD_POINT_TASK_START || point == OD_POINT_TASK_STEP)
        wrap->hang_ns = 0; /* the one that was to hang waits for something else */
    if ((wrap->points_used >> point & 1) == 0 && host->reached == NULL)
        return OD_OK;
    bool is_block = bytes != NULL && bytes->size > 0 && (point == OD_POINT_BLOCK_SERVE || point == OD_POINT_BLOCK_RECEIVE);
    const struct od_fault *fault = od_wrap_fire(wrap, point, site, bytes == NULL ? 0 : bytes->size, NULL);
    if (fault != NULL)
        take_note(wrap, fault, site);
    if (is_block && is_other_block(fault))
        put_other(&wrap->kept[point == OD_POINT_BLOCK_RECEIVE], bytes);
    else if (is_block)
        keep_block(host->memory, &wrap->kept[point == OD_POINT_BLOCK_RECEIVE], bytes);
    return fault == NULL ? OD_OK : od_disturb_act(fault, point, site, bytes, error);
}

static const struct od_points_ops points_ops = {.hit = wrapped_hit};

/* --- memory ------------------------------------------------------------------------------------ */

/* The least of all that are open. */
static uint64_t limit_bytes(struct od_wrap_world *wrap)
{
    const struct od_wrap_host *host = wrap->host;
    uint64_t bytes = UINT64_MAX;
    if ((wrap->effects_used >> OD_EFFECT_MEMORY_LIMIT & 1) == 0)
        return bytes;
    struct od_disturb *disturb = host->enter(host->self);
    if (disturb == NULL)
        return bytes;
    uint64_t now_ns = host->now_ns(host->self);
    for (uint32_t i = 0; od_disturb_window(disturb, wrap->actor_id, now_ns, &i) != NULL; i++) {
        const struct od_fault *fault = &disturb->schedule->faults[i];
        if (od_fault_effect_of(fault) == OD_EFFECT_MEMORY_LIMIT && fault->amount * KIB < bytes)
            bytes = fault->amount * KIB;
    }
    host->leave(host->self);
    return bytes;
}

static bool is_refused(struct od_wrap_world *wrap, size_t more_bytes)
{
    if (od_wrap_fire(wrap, OD_POINT_MEMORY_TAKE, NULL, more_bytes, NULL) != NULL)
        return true;
    return wrap->memory_used + more_bytes > limit_bytes(wrap);
}

static void *wrapped_resize(void *self, void *old, size_t old_bytes, size_t new_bytes)
{
    struct od_wrap_world *wrap = self;
    if (new_bytes > old_bytes && wrap->is_at_work && is_refused(wrap, new_bytes - old_bytes))
        return NULL;
    void *block = wrap->memory_below->ops->resize(wrap->memory_below->self, old, old_bytes, new_bytes);
    if (block != NULL || new_bytes == 0)
        wrap->memory_used += new_bytes - old_bytes;
    return block;
}

static const struct od_memory_ops memory_ops = {.resize = wrapped_resize};

/* --- the clock --------------------------------------------------------------------------------- */

static uint64_t less(uint64_t ns, uint64_t less_ns)
{
    return ns > less_ns ? ns - less_ns : 0;
}

/* What the clock shows under one effect; `ns` is what it would show, `elapsed_ns` how long the window has been open. */
static uint64_t show(enum od_fault_effect effect, uint64_t ns, uint64_t elapsed_ns, uint64_t amount_ns)
{
    switch (effect) {
    case OD_EFFECT_CLOCK_AHEAD:
        return ns + amount_ns;
    case OD_EFFECT_CLOCK_BEHIND:
        return less(ns, amount_ns);
    case OD_EFFECT_CLOCK_FAST:
        return ns + elapsed_ns / 2;
    case OD_EFFECT_CLOCK_SLOW:
        return less(ns, elapsed_ns / 2);
    case OD_EFFECT_CLOCK_STROBE:
        return elapsed_ns / STROBE_NS % 2 == 0 ? ns + amount_ns : ns;
    case OD_EFFECT_CLOCK_FROZEN:
        return less(ns, elapsed_ns);
    case OD_EFFECT_CLOCK_COARSE:
        return ns / COARSE_NS * COARSE_NS;
    default:
        return ns; /* no clock's */
    }
}

static uint64_t wrapped_now_ns(void *self)
{
    struct od_wrap_world *wrap = self;
    const struct od_wrap_host *host = wrap->host;
    uint64_t ns = wrap->clock_below.now_ns(wrap->clock_below.self);
    struct od_disturb *disturb = host->enter(host->self);
    if (disturb == NULL)
        return ns;
    uint64_t now_ns = host->now_ns(host->self);
    const struct od_window *window;
    for (uint32_t i = 0; (window = od_disturb_window(disturb, wrap->actor_id, now_ns, &i)) != NULL; i++) {
        const struct od_fault *fault = &disturb->schedule->faults[i];
        ns = show(od_fault_effect_of(fault), ns, less(now_ns, window->since_ns), fault->amount * MS);
    }
    host->leave(host->self);
    return ns;
}

/* --- dressing ---------------------------------------------------------------------------------- */

void od_wrap_world_init(struct od_wrap_world *wrap, const struct od_wrap_host *host, const struct od_schedule *schedule,
                        uint32_t actor_id)
{
    *wrap = (struct od_wrap_world){.host = host, .actor_id = actor_id, .current = OD_SITE_ANY};
    wrap->parts = host->reached != NULL ? OD_PART_ALL : od_schedule_parts(schedule);
    for (uint32_t i = 0; schedule != NULL && i < schedule->fault_count; i++) {
        const struct od_fault *fault = &schedule->faults[i];
        wrap->effects_used |= UINT64_C(1) << od_fault_effect_of(fault);
        if (!fault->at_time)
            wrap->points_used |= UINT32_C(1) << fault->point;
    }
    wrap->heal_ns = schedule == NULL ? 0 : schedule->heal_ns;
}

void od_wrap_world_dress(struct od_wrap_world *wrap, struct od_world *world)
{
    od_assert(world->actor_id == wrap->actor_id);
    wrap->world = world;
    od_wrap_world_end(wrap);
    if ((wrap->parts & OD_PART_POINTS) != 0) {
        wrap->points_below = world->points;
        world->points = (struct od_points){&points_ops, wrap};
    }
    if ((wrap->parts & OD_PART_MEMORY) != 0) {
        wrap->memory_below = world->memory;
        wrap->memory = (struct od_memory){&memory_ops, wrap};
        world->memory = &wrap->memory;
    }
    if ((wrap->parts & OD_PART_CLOCK) != 0) {
        wrap->clock_below = world->clock;
        world->clock = (struct od_clock){wrapped_now_ns, wrap};
    }
    if ((wrap->parts & OD_PART_NET) != 0)
        od_wrap_dress_net(wrap, world);
    if ((wrap->parts & OD_PART_TIMERS) != 0)
        od_wrap_dress_timers(wrap, world);
    if ((wrap->parts & OD_PART_DISK) != 0)
        od_wrap_dress_disk(wrap, world);
}

void od_wrap_world_end(struct od_wrap_world *wrap)
{
    wrap->current = OD_SITE_ANY;
    wrap->report = NULL;
    wrap->hang_ns = 0;
    wrap->is_at_work = false;
}

enum od_status od_wrap_world_begin(struct od_wrap_world *wrap)
{
    const struct od_fault *fault = od_wrap_fire(wrap, OD_POINT_ACTOR_START, NULL, 0, NULL);
    return fault == NULL ? OD_OK : od_wrap_fail(wrap, fault, OD_POINT_ACTOR_START, NULL);
}

void od_wrap_stand_still(uint64_t duration_ns)
{
    struct timespec left = {.tv_sec = (time_t)(duration_ns / 1000000000u), .tv_nsec = (long)(duration_ns % 1000000000u)};
    while (nanosleep(&left, &left) != 0)
        continue; /* interrupted: the rest of it */
}

void od_wrap_world_release(struct od_wrap_world *wrap)
{
    for (uint32_t i = 0; i < sizeof(wrap->kept) / sizeof(wrap->kept[0]); i++) {
        if (wrap->kept[i].bytes != NULL)
            od_give(wrap->host->memory, wrap->kept[i].bytes, wrap->kept[i].capacity);
        wrap->kept[i] = (struct od_wrap_kept){0};
    }
}
