/* probe_cluster: one kind of actor; the driver's does no tasks. See the header for what it does. */
#include "chaos/probe_cluster.h"

#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"

#define US        UINT64_C(1000)
#define TIMER_NS  (500 * US)
#define TIMER_OFF (100 * US) /* a handler may be in the way for less */
#define TAG_TIMER 1000u
#define BIG_BYTES (100 * 1024)
#define NOTE      7u

_Static_assert(OD_PROBE_TICK_COUNT <= 64, "a bit a number");

struct prober {
    struct od_probe *probe;
    struct od_world *world;
    uint64_t *facts;      /* the actor's of the probe */
    uint32_t number;      /* of the tick */
    uint8_t *buffer;      /* owned; OD_PROBE_FILE_BYTES */
    struct od_file *held; /* owned; NULL before the first tick */
};

static uint64_t true_ns(const struct prober *prober)
{
    return prober->probe->true_ns(prober->probe->true_self);
}

static void note_most(struct prober *prober, enum od_probe_fact fact, uint64_t value)
{
    if (value > prober->facts[fact])
        prober->facts[fact] = value;
}

static struct od_site work_site(const struct prober *prober)
{
    struct od_site site = OD_SITE_ANY;
    site.attempt = prober->number;
    if (prober->world->actor_id == 0)
        return site;
    site.query = 0;
    site.stage = 0;
    site.task = prober->world->actor_id - 1;
    return site;
}

/* No two ticks, nor two actors, have the same bytes. */
static uint8_t pattern_byte(uint32_t actor_id, uint32_t number, size_t index)
{
    return (uint8_t)(index * 7 + number * 13 + actor_id * 101 + 1);
}

static void fill(const struct prober *prober, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern_byte(prober->world->actor_id, prober->number, i);
}

static uint64_t wrong_bits(const struct prober *prober, uint32_t number, const uint8_t *bytes, size_t size)
{
    uint64_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += (uint64_t)__builtin_popcount(bytes[i] ^ pattern_byte(prober->world->actor_id, number, i));
    return count;
}

/* --- what is probed ----------------------------------------------------------------------------- */

static void probe_clock(struct prober *prober)
{
    uint64_t shown_ns = od_world_now_ns(prober->world);
    uint64_t now_ns = true_ns(prober);
    uint64_t *last_ns = &prober->probe->last_shown_ns[prober->world->actor_id];
    if (shown_ns > now_ns)
        note_most(prober, OD_PROBE_CLOCK_AHEAD_US, (shown_ns - now_ns) / US);
    else
        note_most(prober, OD_PROBE_CLOCK_BEHIND_US, (now_ns - shown_ns) / US);
    prober->facts[OD_PROBE_CLOCK_BACK] += shown_ns < *last_ns;
    prober->facts[OD_PROBE_CLOCK_EQUAL] += prober->number > 0 && shown_ns == *last_ns;
    *last_ns = shown_ns;
}

static void probe_memory(struct prober *prober)
{
    struct od_memory *memory = prober->world->memory;
    void *small = od_take(memory, 100);
    void *big = od_take(memory, BIG_BYTES);
    prober->facts[OD_PROBE_REFUSED_SMALL] += small == NULL;
    prober->facts[OD_PROBE_REFUSED_BIG] += big == NULL;
    od_give(memory, small, 100);
    od_give(memory, big, BIG_BYTES);
}

static bool disk_did(struct prober *prober, enum od_probe_fact failed, enum od_status status)
{
    if (status == OD_OK)
        return true;
    prober->facts[failed]++;
    prober->facts[OD_PROBE_DISK_STATUS] = status;
    return false;
}

static bool probe_writing(struct prober *prober, const char *name)
{
    const struct od_disk *disk = &prober->world->disk;
    struct od_file *file = NULL;
    uint64_t size = 0;
    if (!disk_did(prober, OD_PROBE_FAILED_CREATE, disk->ops->create(disk->self, name, &file, NULL)))
        return false;
    fill(prober, prober->buffer, OD_PROBE_FILE_BYTES);
    bool is_written =
        disk_did(prober, OD_PROBE_FAILED_WRITE,
                 disk->ops->write(disk->self, file, 0, prober->buffer, OD_PROBE_FILE_BYTES, NULL));
    if (is_written)
        disk_did(prober, OD_PROBE_FAILED_SYNC, disk->ops->sync(disk->self, file, NULL));
    else if (disk->ops->size(disk->self, file, &size, NULL) == OD_OK)
        prober->facts[OD_PROBE_KEPT_BYTES] += size;
    disk->ops->close(disk->self, file);
    return is_written;
}

static void probe_reading(struct prober *prober, const char *name)
{
    const struct od_disk *disk = &prober->world->disk;
    struct od_file *file = NULL;
    uint64_t size = 0;
    if (!disk_did(prober, OD_PROBE_FAILED_OPEN, disk->ops->open(disk->self, name, &file, NULL)))
        return;
    if (disk->ops->size(disk->self, file, &size, NULL) != OD_OK)
        size = 0; /* this life is over */
    uint64_t wanted = size < OD_PROBE_FILE_BYTES ? size : OD_PROBE_FILE_BYTES;
    prober->facts[OD_PROBE_SHORT_BYTES] += OD_PROBE_FILE_BYTES - wanted;
    prober->facts[OD_PROBE_LONG_BYTES] += size - wanted;
    for (unsigned i = 0; i < 2; i++) {
        enum od_status status = disk->ops->read(disk->self, file, 0, prober->buffer, wanted, NULL);
        if (disk_did(prober, OD_PROBE_FAILED_READ, status))
            prober->facts[i == 0 ? OD_PROBE_WRONG_BITS : OD_PROBE_WRONG_BITS_AGAIN] +=
                wrong_bits(prober, prober->number, prober->buffer, wanted);
    }
    disk->ops->close(disk->self, file);
}

static void probe_disk(struct prober *prober)
{
    const struct od_disk *disk = &prober->world->disk;
    char name[32];
    snprintf(name, sizeof(name), "probe%u", prober->number);
    uint64_t failed = prober->facts[OD_PROBE_FAILED_CREATE];
    if (probe_writing(prober, name))
        probe_reading(prober, name);
    if (failed == prober->facts[OD_PROBE_FAILED_CREATE])
        disk_did(prober, OD_PROBE_FAILED_REMOVE, disk->ops->remove(disk->self, name, NULL));
}

static void probe_held_file(struct prober *prober)
{
    const struct od_disk *disk = &prober->world->disk;
    struct od_file *again = NULL;
    uint8_t bytes[8] = {0};
    if (prober->held == NULL && disk->ops->create(disk->self, "held", &prober->held, NULL) != OD_OK)
        return;
    disk_did(prober, OD_PROBE_HELD_WRITE,
             disk->ops->write(disk->self, prober->held, 0, bytes, sizeof(bytes), NULL));
    disk_did(prober, OD_PROBE_HELD_READ,
             disk->ops->read(disk->self, prober->held, 0, bytes, sizeof(bytes), NULL));
    disk_did(prober, OD_PROBE_HELD_OPEN, disk->ops->open(disk->self, "held", &again, NULL));
    disk->ops->close(disk->self, again);
}

static void probe_timer(struct prober *prober)
{
    prober->probe->timers_due_ns[prober->world->actor_id][prober->number] = true_ns(prober) + TIMER_NS;
    prober->world->schedule.timer(prober->world->schedule.self, TIMER_NS, TAG_TIMER + prober->number);
}

static void probe_net(struct prober *prober)
{
    for (uint32_t to = 0; to < OD_PROBE_ACTORS; to++) {
        struct od_message *message = od_message_new(prober->world->net.message_memory, OD_PROBE_NOTE_BYTES);
        if (to == prober->world->actor_id || message == NULL) {
            if (message != NULL)
                od_message_free(prober->world->net.message_memory, message);
            continue;
        }
        const uint64_t sent_ns = true_ns(prober);
        message->to = to;
        message->kind = NOTE;
        message->site = work_site(prober);
        memset(message->body, 0, OD_PROBE_NOTE_BYTES);
        memcpy(message->body, &sent_ns, sizeof(sent_ns));
        message->body[sizeof(sent_ns)] = (uint8_t)prober->number;
        prober->world->net.send(prober->world->net.self, message);
    }
}

/* --- the points of an attempt ------------------------------------------------------------------- */

/* False: this life is over. */
static bool reach(struct prober *prober, enum od_point point, struct od_point_bytes *bytes)
{
    struct od_site site = work_site(prober);
    if (point == OD_POINT_TASK_STEP)
        site.nth = 0;
    enum od_status status = od_point_hit(&prober->world->points, point, &site, bytes, NULL);
    if (status == OD_OK)
        return true;
    prober->facts[OD_PROBE_POINTS_FAILED]++;
    prober->facts[OD_PROBE_POINT_STATUS] = status;
    return status != OD_EXECUTOR_GONE;
}

static void look_at_block(struct prober *prober, const struct od_point_bytes *block)
{
    uint64_t wrong = wrong_bits(prober, prober->number, block->bytes, block->size);
    bool is_other = block->size > 0 && wrong > 0 && prober->number > 0 &&
                    wrong_bits(prober, prober->number - 1, block->bytes, block->size) == 0;
    prober->facts[OD_PROBE_BLOCK_OTHERS] += is_other;
    prober->facts[OD_PROBE_BLOCK_BITS] += is_other ? 0 : wrong;
    prober->facts[OD_PROBE_BLOCK_CUT] += OD_PROBE_BLOCK_BYTES - block->size;
}

static bool probe_block(struct prober *prober)
{
    uint8_t bytes[OD_PROBE_BLOCK_BYTES];
    struct od_point_bytes block = {bytes, sizeof(bytes)};
    fill(prober, bytes, sizeof(bytes));
    bool goes_on = reach(prober, OD_POINT_BLOCK_WRITE, &block) && reach(prober, OD_POINT_TASK_END, NULL) &&
                   reach(prober, OD_POINT_BLOCK_SERVE, &block) &&
                   reach(prober, OD_POINT_BLOCK_RECEIVE, &block);
    if (goes_on)
        look_at_block(prober, &block);
    return goes_on;
}

/* --- the actor ---------------------------------------------------------------------------------- */

static void note_tick(struct prober *prober)
{
    uint64_t *last_ns = &prober->probe->last_tick_ns[prober->world->actor_id];
    if (prober->number > 0)
        note_most(prober, OD_PROBE_GAP_US, (true_ns(prober) - *last_ns) / US);
    *last_ns = true_ns(prober);
    prober->facts[OD_PROBE_TICKS]++;
}

static void tick(struct prober *prober)
{
    bool works = prober->world->actor_id != 0;
    note_tick(prober);
    if (works && !(reach(prober, OD_POINT_TASK_START, NULL) && reach(prober, OD_POINT_TASK_STEP, NULL)))
        return;
    probe_clock(prober);
    probe_memory(prober);
    probe_disk(prober);
    probe_held_file(prober);
    probe_timer(prober);
    if (works && !probe_block(prober))
        return;
    probe_net(prober);
    if (works && !reach(prober, OD_POINT_TASK_REPORTED, NULL))
        return;
    if (++prober->number < OD_PROBE_TICK_COUNT)
        prober->world->schedule.timer(prober->world->schedule.self, OD_PROBE_TICK_NS, 0);
}

static void on_start(void *self)
{
    struct prober *prober = self;
    prober->facts[OD_PROBE_LIVES]++;
    prober->world->schedule.timer(prober->world->schedule.self, OD_PROBE_TICK_NS, 0);
}

static void on_message(void *self, const struct od_message *message)
{
    struct prober *prober = self;
    struct od_probe_link *link = &prober->probe->links[message->from][prober->world->actor_id];
    uint64_t sent_ns;
    od_assert(message->kind == NOTE && message->body_bytes == OD_PROBE_NOTE_BYTES);
    memcpy(&sent_ns, message->body, sizeof(sent_ns));
    uint32_t number = message->body[sizeof(sent_ns)];
    uint64_t late_us = (true_ns(prober) - sent_ns) / US;
    link->twice += (uint32_t)(link->seen >> number & 1);
    link->seen |= UINT64_C(1) << number;
    link->overtaken += number + 1 < link->next;
    link->next = number + 1 > link->next ? number + 1 : link->next;
    link->late += late_us > prober->probe->late_limit_us;
    link->late_us = late_us > link->late_us ? late_us : link->late_us;
}

static void note_timer(struct prober *prober, uint32_t number)
{
    struct od_probe *probe = prober->probe;
    uint32_t actor_id = prober->world->actor_id;
    uint64_t now_ns = true_ns(prober);
    uint64_t due_ns = probe->timers_due_ns[actor_id][number];
    prober->facts[OD_PROBE_TIMERS_TWICE] += probe->timers_seen[actor_id] >> number & 1;
    probe->timers_seen[actor_id] |= UINT64_C(1) << number;
    if (now_ns < due_ns)
        note_most(prober, OD_PROBE_TIMER_EARLY_US, (due_ns - now_ns) / US);
    else if (now_ns > due_ns + TIMER_OFF)
        note_most(prober, OD_PROBE_TIMER_LATE_US, (now_ns - due_ns) / US);
    prober->facts[OD_PROBE_TIMERS_OFF] += now_ns < due_ns || now_ns > due_ns + TIMER_OFF;
}

static void on_timer(void *self, uint64_t tag)
{
    struct prober *prober = self;
    if (tag >= TAG_TIMER)
        note_timer(prober, (uint32_t)(tag - TAG_TIMER));
    else
        tick(prober);
}

static void prober_free(void *self)
{
    struct prober *prober = self;
    struct od_memory *memory = prober->world->memory;
    prober->world->disk.ops->close(prober->world->disk.self, prober->held);
    od_give(memory, prober->buffer, OD_PROBE_FILE_BYTES);
    od_give(memory, prober, sizeof(*prober));
}

static const struct od_actor_ops prober_ops = {on_start, on_message, on_timer, NULL, prober_free};

static enum od_status probe_make(void *self, struct od_world *world, struct od_actor *actor_out,
                                 struct od_error *error)
{
    struct od_probe *probe = self;
    struct prober *prober = od_take(world->memory, sizeof(*prober));
    uint8_t *buffer = od_take(world->memory, OD_PROBE_FILE_BYTES);
    *actor_out = (struct od_actor){0};
    if (prober == NULL || buffer == NULL) {
        od_give(world->memory, prober, sizeof(*prober));
        od_give(world->memory, buffer, OD_PROBE_FILE_BYTES);
        return od_fail(error, OD_NO_MEMORY, "making a prober");
    }
    od_assert(world->actor_id < OD_PROBE_ACTORS);
    *prober = (struct prober){
        .probe = probe, .world = world, .facts = probe->facts[world->actor_id], .buffer = buffer};
    *actor_out = (struct od_actor){&prober_ops, prober};
    return OD_OK;
}

struct od_actor_factory od_probe_factory(struct od_probe *probe)
{
    return (struct od_actor_factory){.make = probe_make, .self = probe};
}
