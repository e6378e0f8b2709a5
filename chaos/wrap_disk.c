/* wrap_disk: a disk that fails, lies or forgets.
 *
 *   call -> windows that forbid it (dead, out of descriptors, read-only, full) -> IO
 *        -> a fault that fires at it -> its status; or the call below with less, other or changed bytes
 *
 * A lying disk says OK: what then notices is the reader's checksum. Size and close always tell the truth. */
#include <string.h>

#include "chaos/wrap_parts.h"
#include "engine/core/assert.h"

#define WRITE_PART_BYTES 4096 /* bytes are changed in pieces of this size, as what the caller gave is not ours to change */

/* --- windows ----------------------------------------------------------------------------------- */

enum { CALL_READS = 0, CALL_NEEDS_DESCRIPTOR = 1, CALL_CHANGES = 2, CALL_GROWS = 4 };

static const struct {
    enum od_fault_effect effect;
    uint32_t call; /* what it forbids; 0: everything */
    const char *why;
} forbidding[] = {
    {OD_EFFECT_DISK_DEAD, 0, "the disk is dead"},
    {OD_EFFECT_NO_DESCRIPTORS, CALL_NEEDS_DESCRIPTOR, "out of file descriptors"},
    {OD_EFFECT_DISK_READ_ONLY, CALL_CHANGES, "the disk is read-only"},
    {OD_EFFECT_DISK_FULL, CALL_GROWS, "no space left"},
};

/* The dead are told so below. */
static enum od_status ask_windows(struct od_wrap_world *wrap, uint32_t call, struct od_error *error)
{
    if (!wrap->host->lives(wrap->host->self, wrap->actor_id))
        return OD_OK;
    for (size_t i = 0; i < sizeof(forbidding) / sizeof(forbidding[0]); i++) {
        bool concerns = forbidding[i].call == 0 || (forbidding[i].call & call) != 0;
        if (!concerns || od_wrap_window(wrap, forbidding[i].effect) == NULL)
            continue;
        od_fail(error, OD_IO, "injected: %s", forbidding[i].why);
        if (error != NULL)
            error->injected = true;
        return OD_IO;
    }
    return OD_OK;
}

/* Windows, then a fault that makes the call fail. `fault_out`: one that does something else, or NULL. */
static enum od_status ask(struct od_wrap_world *wrap, uint32_t call, enum od_point point, size_t size,
                          const struct od_fault **fault_out, struct od_error *error)
{
    *fault_out = NULL;
    OD_TRY(ask_windows(wrap, call, error));
    const struct od_fault *fault = od_wrap_fire(wrap, point, NULL, size, NULL);
    if (fault == NULL)
        return OD_OK;
    enum od_fault_effect effect = od_fault_effect_of(fault);
    if (effect == OD_EFFECT_FAIL || effect == OD_EFFECT_KILL)
        return od_wrap_fail(wrap, fault, point, error);
    *fault_out = fault;
    return OD_OK;
}

/* --- calls ------------------------------------------------------------------------------------- */

static enum od_status wrapped_create(void *self, const char *name, struct od_file **file_out, struct od_error *error)
{
    struct od_wrap_world *wrap = self;
    const struct od_fault *fault;
    *file_out = NULL;
    OD_TRY(ask(wrap, CALL_NEEDS_DESCRIPTOR | CALL_CHANGES, OD_POINT_DISK_CREATE, 0, &fault, error));
    return wrap->disk_below.ops->create(wrap->disk_below.self, name, file_out, error);
}

static enum od_status wrapped_open(void *self, const char *name, struct od_file **file_out, struct od_error *error)
{
    struct od_wrap_world *wrap = self;
    const struct od_fault *fault;
    *file_out = NULL;
    OD_TRY(ask(wrap, CALL_NEEDS_DESCRIPTOR, OD_POINT_DISK_OPEN, 0, &fault, error));
    return wrap->disk_below.ops->open(wrap->disk_below.self, name, file_out, error);
}

static enum od_status write_below(struct od_wrap_world *wrap, struct od_file *file, uint64_t offset, const void *bytes,
                                  size_t size, struct od_error *error)
{
    return size == 0 ? OD_OK
                     : wrap->disk_below.ops->write(wrap->disk_below.self, file, offset, bytes, size, error);
}

/* All of it, but for one bit. */
static enum od_status write_flipped(struct od_wrap_world *wrap, struct od_file *file, uint64_t offset,
                                    const uint8_t *bytes, size_t size, uint32_t bit_number, struct od_error *error)
{
    uint8_t part[WRITE_PART_BYTES];
    uint64_t bit = bit_number % ((uint64_t)size * 8);
    size_t first = (size_t)(bit / 8) / sizeof(part) * sizeof(part);
    size_t count = size - first < sizeof(part) ? size - first : sizeof(part);
    memcpy(part, bytes + first, count);
    part[bit / 8 - first] ^= (uint8_t)(1u << bit % 8);
    OD_TRY(write_below(wrap, file, offset, bytes, size, error));
    return write_below(wrap, file, offset + first, part, count, error);
}

static enum od_status wrapped_write(void *self, struct od_file *file, uint64_t offset, const void *bytes, size_t size,
                                    struct od_error *error)
{
    struct od_wrap_world *wrap = self;
    const struct od_fault *fault;
    OD_TRY(ask(wrap, CALL_CHANGES | CALL_GROWS, OD_POINT_DISK_WRITE, size, &fault, error));
    if (fault == NULL)
        return write_below(wrap, file, offset, bytes, size, error);
    switch (od_fault_effect_of(fault)) {
    case OD_EFFECT_WRITE_SHORT:
        OD_TRY(write_below(wrap, file, offset, bytes, size / 2, error));
        return od_wrap_fail(wrap, fault, OD_POINT_DISK_WRITE, error);
    case OD_EFFECT_WRITE_TORN:
        return write_below(wrap, file, offset, bytes, size / 2, error);
    case OD_EFFECT_WRITE_LOST:
        return OD_OK;
    case OD_EFFECT_WRITE_MISDIRECTED:
        return write_below(wrap, file, offset + fault->amount, bytes, size, error);
    case OD_EFFECT_WRITE_FLIPPED:
        return write_flipped(wrap, file, offset, bytes, size, fault->amount, error);
    default: /* the host's */
        return write_below(wrap, file, offset, bytes, size, error);
    }
}

/* From further on in the file, or from before where it ends too soon; behind its end are zeroes. The right bytes have been read. */
static enum od_status misdirect(struct od_wrap_world *wrap, struct od_file *file, uint64_t offset, uint8_t *bytes,
                                size_t size, uint64_t by, struct od_error *error)
{
    const struct od_disk *disk = &wrap->disk_below;
    uint64_t file_bytes = 0;
    OD_TRY(disk->ops->size(disk->self, file, &file_bytes, error));
    bool is_before = offset + by + size > file_bytes && offset >= by;
    uint64_t from = is_before ? offset - by : offset + by;
    uint64_t left = from < file_bytes ? file_bytes - from : 0;
    size_t there = left < size ? (size_t)left : size;
    if (there < size)
        memset(bytes + there, 0, size - there);
    return there == 0 ? OD_OK : disk->ops->read(disk->self, file, from, bytes, there, error);
}

static enum od_status wrapped_read(void *self, struct od_file *file, uint64_t offset, void *bytes, size_t size,
                                   struct od_error *error)
{
    struct od_wrap_world *wrap = self;
    const struct od_fault *fault;
    OD_TRY(ask(wrap, CALL_READS, OD_POINT_DISK_READ, size, &fault, error));
    enum od_fault_effect effect = fault == NULL ? OD_EFFECT_COUNT : od_fault_effect_of(fault);
    OD_TRY(wrap->disk_below.ops->read(wrap->disk_below.self, file, offset, bytes, size, error));
    if (effect == OD_EFFECT_READ_MISDIRECTED)
        return misdirect(wrap, file, offset, bytes, size, fault->amount, error);
    if (effect == OD_EFFECT_READ_FLIPPED)
        ((uint8_t *)bytes)[fault->amount % ((uint64_t)size * 8) / 8] ^= (uint8_t)(1u << fault->amount % 8);
    if (effect == OD_EFFECT_READ_ZEROED)
        memset(bytes, 0, size);
    return OD_OK;
}

static enum od_status wrapped_sync(void *self, struct od_file *file, struct od_error *error)
{
    struct od_wrap_world *wrap = self;
    const struct od_fault *fault;
    OD_TRY(ask(wrap, CALL_CHANGES, OD_POINT_DISK_SYNC, 0, &fault, error));
    return wrap->disk_below.ops->sync(wrap->disk_below.self, file, error);
}

static enum od_status wrapped_remove(void *self, const char *name, struct od_error *error)
{
    struct od_wrap_world *wrap = self;
    const struct od_fault *fault;
    OD_TRY(ask(wrap, CALL_CHANGES, OD_POINT_DISK_REMOVE, 0, &fault, error));
    return wrap->disk_below.ops->remove(wrap->disk_below.self, name, error);
}

static enum od_status wrapped_size(void *self, struct od_file *file, uint64_t *bytes_out, struct od_error *error)
{
    struct od_wrap_world *wrap = self;
    return wrap->disk_below.ops->size(wrap->disk_below.self, file, bytes_out, error);
}

static void wrapped_close(void *self, struct od_file *file)
{
    struct od_wrap_world *wrap = self;
    wrap->disk_below.ops->close(wrap->disk_below.self, file);
}

static const struct od_disk_ops disk_ops = {
    .create = wrapped_create,
    .open = wrapped_open,
    .write = wrapped_write,
    .read = wrapped_read,
    .sync = wrapped_sync,
    .size = wrapped_size,
    .close = wrapped_close,
    .remove = wrapped_remove,
};

void od_wrap_dress_disk(struct od_wrap_world *wrap, struct od_world *world)
{
    wrap->disk_below = world->disk;
    world->disk = (struct od_disk){&disk_ops, wrap};
}
