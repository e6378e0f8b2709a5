/* wrap_calls: see wrap_calls.h. Each call asks is_failed() first and then does what its kind does when it fails, or
 * passes on. */
#include "chaos/wrap_calls.h"

#include "engine/core/assert.h"

static const char *const call_texts[] = {
#define X(name, text, sentence) [OD_CALL_##name] = text,
    OD_CALL_LIST(X)
#undef X
};
_Static_assert(sizeof(call_texts) / sizeof(call_texts[0]) == OD_CALL_COUNT, "every kind of call");

const char *od_call_text(enum od_call call)
{
    od_assert(call < OD_CALL_COUNT);
    return call_texts[call];
}

static bool is_failed(struct od_wrap_calls *calls, enum od_call call)
{
    uint64_t k = calls->counts[call]++;
    if (call != calls->fail || k < calls->fail_at || (k > calls->fail_at && !calls->fails_for_ever))
        return false;
    calls->failed_count++;
    return true;
}

static enum od_status fail(struct od_error *error, enum od_status status, enum od_call call)
{
    od_fail(error, status, "injected: this %s fails", od_call_text(call));
    if (error != NULL)
        error->injected = true;
    return status;
}

/* --- memory ---------------------------------------------------------------------------------------------- */

static void *resize_below(struct od_wrap_calls *calls, struct od_memory *below, void *old, size_t old_bytes,
                          size_t new_bytes)
{
    if (new_bytes > old_bytes && is_failed(calls, OD_CALL_ALLOCATION))
        return NULL;
    return below->ops->resize(below->self, old, old_bytes, new_bytes);
}

static void *resize_beside(void *self, void *old, size_t old_bytes, size_t new_bytes)
{
    struct od_wrap_calls *calls = self;
    void *block = resize_below(calls, calls->memory_below, old, old_bytes, new_bytes);
    if (block == NULL && new_bytes != 0)
        return NULL;
    calls->live_block_count += (uint64_t)(new_bytes != 0) - (uint64_t)(old != NULL);
    calls->live_bytes += new_bytes - old_bytes;
    return block;
}

static void *resize_actors(void *self, void *old, size_t old_bytes, size_t new_bytes)
{
    struct od_wrap_actor *actor = self;
    return resize_below(actor->calls, actor->memory_below, old, old_bytes, new_bytes);
}

static void *resize_message(void *self, void *old, size_t old_bytes, size_t new_bytes)
{
    struct od_wrap_actor *actor = self;
    return resize_below(actor->calls, actor->message_memory_below, old, old_bytes, new_bytes);
}

static const struct od_memory_ops beside_ops = {.resize = resize_beside};
static const struct od_memory_ops actor_ops = {.resize = resize_actors};
static const struct od_memory_ops message_ops = {.resize = resize_message};

/* --- disk ------------------------------------------------------------------------------------------------ */

static enum od_status disk_create(void *self, const char *name, struct od_file **file_out,
                                  struct od_error *error)
{
    struct od_wrap_actor *actor = self;
    *file_out = NULL;
    if (is_failed(actor->calls, OD_CALL_DISK_CREATE))
        return fail(error, OD_IO, OD_CALL_DISK_CREATE);
    return actor->disk_below.ops->create(actor->disk_below.self, name, file_out, error);
}

static enum od_status disk_open(void *self, const char *name, struct od_file **file_out,
                                struct od_error *error)
{
    struct od_wrap_actor *actor = self;
    *file_out = NULL;
    if (is_failed(actor->calls, OD_CALL_DISK_OPEN))
        return fail(error, OD_IO, OD_CALL_DISK_OPEN);
    return actor->disk_below.ops->open(actor->disk_below.self, name, file_out, error);
}

static enum od_status disk_write(void *self, struct od_file *file, uint64_t offset, const void *bytes,
                                 size_t size, struct od_error *error)
{
    struct od_wrap_actor *actor = self;
    if (is_failed(actor->calls, OD_CALL_DISK_WRITE))
        return fail(error, OD_IO, OD_CALL_DISK_WRITE);
    return actor->disk_below.ops->write(actor->disk_below.self, file, offset, bytes, size, error);
}

static enum od_status disk_read(void *self, struct od_file *file, uint64_t offset, void *bytes, size_t size,
                                struct od_error *error)
{
    struct od_wrap_actor *actor = self;
    if (is_failed(actor->calls, OD_CALL_DISK_READ))
        return fail(error, OD_IO, OD_CALL_DISK_READ);
    enum od_status status =
        actor->disk_below.ops->read(actor->disk_below.self, file, offset, bytes, size, error);
    if (status == OD_OK && size > 0 && is_failed(actor->calls, OD_CALL_DAMAGE))
        ((uint8_t *)bytes)[(actor->calls->counts[OD_CALL_DAMAGE] * 37) % size] ^= 16;
    return status;
}

static enum od_status disk_sync(void *self, struct od_file *file, struct od_error *error)
{
    struct od_wrap_actor *actor = self;
    if (is_failed(actor->calls, OD_CALL_DISK_SYNC))
        return fail(error, OD_IO, OD_CALL_DISK_SYNC);
    return actor->disk_below.ops->sync(actor->disk_below.self, file, error);
}

static enum od_status disk_size(void *self, struct od_file *file, uint64_t *bytes_out, struct od_error *error)
{
    struct od_wrap_actor *actor = self;
    *bytes_out = 0;
    if (is_failed(actor->calls, OD_CALL_DISK_SIZE))
        return fail(error, OD_IO, OD_CALL_DISK_SIZE);
    return actor->disk_below.ops->size(actor->disk_below.self, file, bytes_out, error);
}

static void disk_close(void *self, struct od_file *file)
{
    struct od_wrap_actor *actor = self;
    actor->disk_below.ops->close(actor->disk_below.self, file);
}

static enum od_status disk_remove(void *self, const char *name, struct od_error *error)
{
    struct od_wrap_actor *actor = self;
    if (is_failed(actor->calls, OD_CALL_DISK_REMOVE))
        return fail(error, OD_IO, OD_CALL_DISK_REMOVE);
    return actor->disk_below.ops->remove(actor->disk_below.self, name, error);
}

static const struct od_disk_ops disk_ops = {
    .create = disk_create,
    .open = disk_open,
    .write = disk_write,
    .read = disk_read,
    .sync = disk_sync,
    .size = disk_size,
    .close = disk_close,
    .remove = disk_remove,
};

/* --- net, points ----------------------------------------------------------------------------------------- */

static void net_send(void *self, struct od_message *message)
{
    struct od_wrap_actor *actor = self;
    if (is_failed(actor->calls, OD_CALL_SEND))
        od_message_free(&actor->message_memory, message);
    else
        actor->net_below.send(actor->net_below.self, message);
}

static enum od_status point_hit(void *self, enum od_point point, const struct od_site *site,
                                struct od_point_bytes *bytes, struct od_error *error)
{
    struct od_wrap_actor *actor = self;
    if (is_failed(actor->calls, OD_CALL_POINT))
        return fail(error, point == OD_POINT_BLOCK_SERVE ? OD_MISSING : OD_TASK_FAILED, OD_CALL_POINT);
    return od_point_hit(&actor->points_below, point, site, bytes, error);
}

static const struct od_points_ops point_ops = {.hit = point_hit};

/* --- the whole ------------------------------------------------------------------------------------------- */

void od_wrap_calls_init(struct od_wrap_calls *calls, struct od_memory *memory)
{
    *calls = (struct od_wrap_calls){.fail_at = UINT64_MAX, .memory_below = memory};
    calls->memory = (struct od_memory){.ops = &beside_ops, .self = calls};
}

void od_wrap_calls_aim(struct od_wrap_calls *calls, enum od_call which, uint64_t fail_at, bool for_ever)
{
    calls->fail = which;
    calls->fail_at = fail_at;
    calls->fails_for_ever = for_ever;
    calls->failed_count = 0;
    for (uint32_t i = 0; i < OD_CALL_COUNT; i++)
        calls->counts[i] = 0;
}

void od_wrap_calls_dress(struct od_wrap_calls *calls, struct od_world *world)
{
    od_assert(world->actor_id < OD_WRAP_ACTORS_MAX);
    struct od_wrap_actor *actor = &calls->actors[world->actor_id];
    if (world->disk.ops == &disk_ops)
        return;
    *actor = (struct od_wrap_actor){
        .calls = calls,
        .memory = {.ops = &actor_ops, .self = actor},
        .message_memory = {.ops = &message_ops, .self = actor},
        .memory_below = world->memory,
        .message_memory_below = world->net.message_memory,
        .disk_below = world->disk,
        .net_below = world->net,
        .points_below = world->points,
    };
    world->memory = &actor->memory;
    world->disk = (struct od_disk){.ops = &disk_ops, .self = actor};
    world->net = (struct od_net){.send = net_send, .self = actor, .message_memory = &actor->message_memory};
    world->points = (struct od_points){.ops = &point_ops, .self = actor};
}
