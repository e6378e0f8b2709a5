/* toy_cluster: two actors of a page each; see the header for what they do.
 *
 * An executor's work is a straight line with one way out: reach() hits a point and says whether to go on. */
#include "chaos/toy_cluster.h"

#include <string.h>

#include "engine/core/assert.h"

#define TICK_NS   UINT64_C(1000000)
#define TAG_TICK  100
#define TAG_STOP  101
#define TAG_GHOST 102

struct toy_driver {
    struct od_toy *toy;
    struct od_world *world;
    uint32_t gone_before; /* deaths of lives before */
};

struct toy_executor {
    struct od_toy *toy;
    struct od_world *world;
    struct od_toy_seat *seat;
    uint8_t *scratch; /* owned; OD_TOY_BLOCK_BYTES */
};

static uint8_t pattern_byte(size_t index)
{
    return (uint8_t)(index * 7 + 1);
}

static struct od_site work_site(uint32_t executor)
{
    struct od_site site = OD_SITE_ANY;
    site.query = 0;
    site.stage = 0;
    site.task = executor - 1;
    site.attempt = 0;
    return site;
}

static void send_as(struct od_world *world, uint32_t to, enum od_toy_message kind, enum od_message_role role,
                    const void *bytes, size_t size)
{
    struct od_message *message = od_message_new(world->net.message_memory, size);
    if (message == NULL)
        return;
    message->from = world->actor_id;
    message->from_incarnation = world->incarnation;
    message->to = to;
    message->kind = kind;
    message->role = role;
    message->site = work_site(to == 0 ? world->actor_id : to);
    if (size > 0)
        memcpy(message->body, bytes, size);
    world->net.send(world->net.self, message);
}

static void send(struct od_world *world, uint32_t to, enum od_toy_message kind, const void *bytes, size_t size)
{
    send_as(world, to, kind, OD_ROLE_OTHER, bytes, size);
}

/* The role travels in the body: the host need not carry it. */
static void salute(struct od_world *world, uint32_t to)
{
    for (uint8_t role = OD_ROLE_OTHER + 1; role < OD_ROLE_COUNT; role++)
        send_as(world, to, OD_TOY_SALUTE, (enum od_message_role)role, &role, 1);
}

static void note_salute(const struct od_world *world, const struct od_message *message, struct od_toy_salute *salutes)
{
    od_assert(message->body_bytes == 1 && message->body[0] < OD_ROLE_COUNT);
    salutes[message->body[0]].count++;
    salutes[message->body[0]].last_ns = od_world_now_ns(world);
}

static void note_tick(struct od_toy_seat *seat, const struct od_world *world)
{
    uint64_t now_ns = od_world_now_ns(world);
    uint64_t gap_ns = now_ns - seat->last_tick_ns;
    if (gap_ns > seat->longest_gap_ns)
        seat->longest_gap_ns = gap_ns;
    seat->last_tick_ns = now_ns;
}

/* --- the driver ------------------------------------------------------------------------------- */

static struct od_toy_seat *driver_seat(const struct toy_driver *driver)
{
    return &driver->toy->seats[0];
}

/* Hits a point. False: it failed; or the driver is dead, and has tried what the dead may try. */
static bool driver_reach_at(struct toy_driver *driver, enum od_point point, struct od_site site,
                            struct od_point_bytes *bytes)
{
    struct od_toy_seat *seat = driver_seat(driver);
    struct od_error error = {0};
    enum od_status status = od_point_hit(&driver->world->points, point, &site, bytes, &error);
    if (status == OD_OK)
        return true;
    seat->failure = error;
    seat->failure.status = status;
    if (status != OD_EXECUTOR_GONE)
        return false;
    seat->gone_answers++;
    send(driver->world, 1, OD_TOY_GHOST, NULL, 0);
    driver->world->schedule.timer(driver->world->schedule.self, 0, TAG_GHOST);
    seat->gone_lapses +=
        od_point_hit(&driver->world->points, OD_POINT_JOURNAL_SYNC, &site, NULL, NULL) != OD_EXECUTOR_GONE;
    return false;
}

static bool has_died(const struct toy_driver *driver)
{
    return driver_seat(driver)->gone_answers != driver->gone_before;
}

static bool driver_reach(struct toy_driver *driver, enum od_point point, struct od_point_bytes *bytes)
{
    return driver_reach_at(driver, point, OD_SITE_ANY, bytes);
}

static void write_journal(struct toy_driver *driver)
{
    const struct od_disk *disk = &driver->world->disk;
    struct od_file *file = NULL;
    uint8_t record[OD_TOY_RECORD_BYTES] = {1};
    struct od_point_bytes bytes = {record, sizeof(record)};
    uint64_t end = 0;
    if (disk->ops->open(disk->self, "journal", &file, NULL) == OD_OK &&
        disk->ops->size(disk->self, file, &end, NULL) == OD_OK &&
        driver_reach(driver, OD_POINT_JOURNAL_WRITE, &bytes) &&
        disk->ops->write(disk->self, file, end, record, sizeof(record), NULL) == OD_OK &&
        driver_reach(driver, OD_POINT_JOURNAL_SYNC, NULL))
        (void)disk->ops->sync(disk->self, file, NULL);
    disk->ops->close(disk->self, file);
}

static void look_for_journal(struct toy_driver *driver)
{
    const struct od_disk *disk = &driver->world->disk;
    struct od_file *file = NULL;
    if (disk->ops->open(disk->self, "journal", &file, NULL) == OD_MISSING)
        (void)disk->ops->create(disk->self, "journal", &file, NULL);
    if (file != NULL)
        (void)disk->ops->size(disk->self, file, &driver->toy->journal_bytes, NULL);
    disk->ops->close(disk->self, file);
}

static void driver_start(void *self)
{
    struct toy_driver *driver = self;
    driver_seat(driver)->lives++;
    driver->gone_before = driver_seat(driver)->gone_answers;
    note_tick(driver_seat(driver), driver->world);
    driver->world->schedule.timer(driver->world->schedule.self, TICK_NS, TAG_TICK);
    look_for_journal(driver);
    if (driver->toy->stop_at_ns != 0)
        driver->world->schedule.timer(driver->world->schedule.self, driver->toy->stop_at_ns, TAG_STOP);
}

static void note_result(struct toy_driver *driver, const struct od_message *message)
{
    struct od_toy_seat *seat = &driver->toy->seats[message->from];
    struct od_site site = work_site(message->from);
    uint8_t copy[OD_TOY_BLOCK_BYTES];
    struct od_point_bytes bytes = {copy, message->body_bytes};
    od_assert(bytes.size <= sizeof(copy));
    memcpy(copy, message->body, bytes.size);
    bool is_good = driver_reach_at(driver, OD_POINT_BLOCK_RECEIVE, site, &bytes) &&
                   driver_reach_at(driver, OD_POINT_BLOCK_WRITE, site, &bytes) &&
                   driver_reach_at(driver, OD_POINT_BLOCK_SERVE, site, &bytes) &&
                   driver_reach_at(driver, OD_POINT_COMMIT, site, NULL);
    if (!is_good) {
        seat->driver.failures += !has_died(driver);
        return;
    }
    seat->driver.results++;
    seat->driver.last_result_ns = od_world_now_ns(driver->world);
    if (seat->driver.results == 1)
        seat->driver.first_result_ns = seat->driver.last_result_ns;
    seat->driver.flipped_bits = 0;
    seat->driver.cut_bytes = OD_TOY_BLOCK_BYTES - (uint32_t)bytes.size;
    for (size_t i = 0; i < bytes.size; i++)
        seat->driver.flipped_bits += (uint32_t)__builtin_popcount(copy[i] ^ pattern_byte(i));
    write_journal(driver);
    if (!has_died(driver) && driver_reach_at(driver, OD_POINT_COMMITTED, site, NULL))
        salute(driver->world, message->from);
}

static void driver_message(void *self, const struct od_message *message)
{
    struct toy_driver *driver = self;
    struct od_toy_seat *seat = &driver->toy->seats[message->from];
    switch ((enum od_toy_message)message->kind) {
    case OD_TOY_HELLO:
        seat->driver.hellos++;
        send(driver->world, message->from, OD_TOY_WORK, "work", 4);
        break;
    case OD_TOY_RESULT:
        note_result(driver, message);
        break;
    case OD_TOY_FAILED:
        seat->driver.failures++;
        break;
    case OD_TOY_GHOST:
        seat->driver.ghosts++;
        break;
    case OD_TOY_SALUTE:
        note_salute(driver->world, message, seat->driver.salutes);
        break;
    case OD_TOY_WORK:
        od_unreachable();
    }
}

static void driver_timer(void *self, uint64_t tag)
{
    const struct toy_driver *driver = self;
    if (tag == TAG_STOP) {
        driver->toy->stop(driver->toy->stop_self);
    } else if (tag == TAG_TICK) {
        driver_seat(driver)->ticks++;
        note_tick(driver_seat(driver), driver->world);
        driver->world->schedule.timer(driver->world->schedule.self, TICK_NS, TAG_TICK);
    } else {
        driver_seat(driver)->ghost_timers++;
    }
}

static void driver_order(void *self, const struct od_order *order)
{
    const struct toy_driver *driver = self;
    driver->toy->order_count++;
    driver->toy->order = *order;
}

static void driver_free(void *self)
{
    struct toy_driver *driver = self;
    driver_seat(driver)->frees++;
    od_give(driver->world->memory, driver, sizeof(*driver));
}

/* --- executors -------------------------------------------------------------------------------- */

static void set_timer(struct toy_executor *executor, uint64_t delay_ns, uint64_t tag)
{
    executor->world->schedule.timer(executor->world->schedule.self, delay_ns, tag);
}

/* All that a dead executor might still try. */
static void misbehave(struct toy_executor *executor)
{
    struct od_site site = work_site(executor->world->actor_id);
    send(executor->world, 0, OD_TOY_GHOST, NULL, 0);
    set_timer(executor, 0, TAG_GHOST);
    if (od_point_hit(&executor->world->points, OD_POINT_TASK_STEP, &site, NULL, NULL) != OD_EXECUTOR_GONE)
        executor->seat->gone_lapses++;
}

/* The work is over, and whoever must know is told. */
static bool fail(struct toy_executor *executor, enum od_status status, const struct od_error *error)
{
    executor->seat->failure = *error;
    executor->seat->failure.status = status;
    if (status == OD_EXECUTOR_GONE) {
        executor->seat->gone_answers++;
        misbehave(executor);
    } else {
        send(executor->world, 0, OD_TOY_FAILED, NULL, 0);
    }
    return false;
}

/* Hits a point. False: the work is over. */
static bool reach(struct toy_executor *executor, enum od_point point, uint32_t nth,
                  struct od_point_bytes *bytes)
{
    struct od_error error = {0};
    struct od_site site = work_site(executor->world->actor_id);
    site.nth = nth;
    enum od_status status = od_point_hit(&executor->world->points, point, &site, bytes, &error);
    return status == OD_OK || fail(executor, status, &error);
}

static bool store(struct toy_executor *executor, const struct od_point_bytes *bytes)
{
    const struct od_disk *disk = &executor->world->disk;
    struct od_file *file = NULL;
    struct od_error error = {0};
    enum od_status status = disk->ops->create(disk->self, "block", &file, &error);
    if (status == OD_OK)
        status = disk->ops->write(disk->self, file, 0, bytes->bytes, bytes->size, &error);
    disk->ops->close(disk->self, file);
    return status == OD_OK || fail(executor, status, &error);
}

static bool load(struct toy_executor *executor, struct od_point_bytes *bytes)
{
    const struct od_disk *disk = &executor->world->disk;
    struct od_file *file = NULL;
    struct od_error error = {0};
    enum od_status status = disk->ops->open(disk->self, "block", &file, &error);
    if (status == OD_OK)
        status = disk->ops->read(disk->self, file, 0, bytes->bytes, bytes->size, &error);
    disk->ops->close(disk->self, file);
    if (status == OD_OK)
        status = disk->ops->remove(disk->self, "block", &error);
    return status == OD_OK || fail(executor, status, &error);
}

/* A file that each life writes at its start, and every work needs at its end. */
static void write_notes(struct toy_executor *executor)
{
    const struct od_disk *disk = &executor->world->disk;
    struct od_file *file = NULL;
    if (disk->ops->create(disk->self, "notes", &file, NULL) == OD_OK)
        (void)disk->ops->write(disk->self, file, 0, "notes", 5, NULL);
    disk->ops->close(disk->self, file);
}

static bool has_notes(struct toy_executor *executor)
{
    const struct od_disk *disk = &executor->world->disk;
    struct od_file *file = NULL;
    struct od_error error = {0};
    enum od_status status = disk->ops->open(disk->self, "notes", &file, &error);
    disk->ops->close(disk->self, file);
    return status == OD_OK || fail(executor, status, &error);
}

static bool take_memory(struct toy_executor *executor)
{
    struct od_error error = {0};
    void *taken = od_take(executor->world->memory, OD_TOY_BLOCK_BYTES);
    if (taken == NULL)
        return fail(executor, od_fail(&error, OD_NO_MEMORY, "working"), &error);
    od_give(executor->world->memory, taken, OD_TOY_BLOCK_BYTES);
    return true;
}

static void finish_work(struct toy_executor *executor)
{
    struct od_point_bytes bytes = {executor->scratch, OD_TOY_BLOCK_BYTES};
    for (size_t i = 0; i < bytes.size; i++)
        bytes.bytes[i] = pattern_byte(i);
    bool goes_on = take_memory(executor) && reach(executor, OD_POINT_BLOCK_WRITE, OD_ANY, &bytes) &&
                   store(executor, &bytes) && reach(executor, OD_POINT_TASK_END, OD_ANY, NULL) &&
                   load(executor, &bytes) && reach(executor, OD_POINT_BLOCK_SERVE, OD_ANY, &bytes) &&
                   reach(executor, OD_POINT_BLOCK_RECEIVE, OD_ANY, &bytes) && has_notes(executor);
    if (!goes_on)
        return;
    send(executor->world, 0, OD_TOY_RESULT, bytes.bytes, bytes.size);
    if (reach(executor, OD_POINT_TASK_REPORTED, OD_ANY, NULL))
        salute(executor->world, 0);
}

static void leak(struct toy_executor *executor)
{
    struct od_file *file = NULL;
    (void)od_take(executor->world->memory, 10);
    (void)executor->world->disk.ops->create(executor->world->disk.self, "leak", &file, NULL);
}

static void executor_start(void *self)
{
    struct toy_executor *executor = self;
    executor->seat->lives++;
    note_tick(executor->seat, executor->world);
    write_notes(executor);
    send(executor->world, 0, OD_TOY_HELLO, NULL, 0);
    set_timer(executor, TICK_NS, TAG_TICK);
    if (executor->toy->leaks)
        leak(executor);
}

static void executor_message(void *self, const struct od_message *message)
{
    struct toy_executor *executor = self;
    if (message->kind == OD_TOY_SALUTE) {
        note_salute(executor->world, message, executor->seat->salutes);
        return;
    }
    od_assert(message->kind == OD_TOY_WORK);
    executor->seat->work_bytes_lost += message->body_bytes != 4 || memcmp(message->body, "work", 4) != 0;
    if (reach(executor, OD_POINT_TASK_START, OD_ANY, NULL))
        set_timer(executor, 0, 0);
}

static void executor_timer(void *self, uint64_t tag)
{
    struct toy_executor *executor = self;
    if (tag == TAG_TICK) {
        executor->seat->ticks++;
        note_tick(executor->seat, executor->world);
        set_timer(executor, TICK_NS, TAG_TICK);
    } else if (tag == TAG_GHOST) {
        executor->seat->ghost_timers++;
    } else if (tag == OD_TOY_STEPS) {
        finish_work(executor);
    } else if (reach(executor, OD_POINT_TASK_STEP, (uint32_t)tag, NULL) &&
               reach(executor, OD_POINT_SCAN_READ, (uint32_t)tag, NULL)) {
        set_timer(executor, 0, tag + 1);
    }
}

static void executor_free(void *self)
{
    struct toy_executor *executor = self;
    struct od_memory *memory = executor->world->memory;
    executor->seat->frees++;
    od_give(memory, executor->scratch, OD_TOY_BLOCK_BYTES);
    od_give(memory, executor, sizeof(*executor));
}

/* --- the factory ------------------------------------------------------------------------------ */

static const struct od_actor_ops driver_ops = {driver_start, driver_message, driver_timer, driver_order,
                                               driver_free};
static const struct od_actor_ops executor_ops = {executor_start, executor_message, executor_timer, NULL,
                                                 executor_free};

static enum od_status make_driver(struct od_toy *toy, struct od_world *world, struct od_actor *actor_out,
                                  struct od_error *error)
{
    struct toy_driver *driver = od_take(world->memory, sizeof(*driver));
    if (driver == NULL)
        return od_fail(error, OD_NO_MEMORY, "making a toy driver");
    *driver = (struct toy_driver){toy, world, 0};
    *actor_out = (struct od_actor){&driver_ops, driver};
    return OD_OK;
}

static enum od_status toy_make(void *self, struct od_world *world, struct od_actor *actor_out,
                               struct od_error *error)
{
    struct od_toy *toy = self;
    *actor_out = (struct od_actor){0};
    if (world->actor_id == 0)
        return make_driver(toy, world, actor_out, error);
    struct toy_executor *executor = od_take(world->memory, sizeof(*executor));
    if (executor == NULL)
        return od_fail(error, OD_NO_MEMORY, "making a toy executor");
    executor->toy = toy;
    executor->world = world;
    executor->seat = &toy->seats[world->actor_id];
    executor->scratch = od_take(world->memory, OD_TOY_BLOCK_BYTES);
    if (executor->scratch == NULL) {
        od_give(world->memory, executor, sizeof(*executor));
        return od_fail(error, OD_NO_MEMORY, "making a toy executor");
    }
    *actor_out = (struct od_actor){&executor_ops, executor};
    return OD_OK;
}

struct od_actor_factory od_toy_factory(struct od_toy *toy)
{
    return (struct od_actor_factory){.make = toy_make, .self = toy};
}
