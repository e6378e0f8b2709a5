/* point: named places where a fault may act, and the site that says where in a query they were reached.
 *
 * The engine calls od_point_hit() and reacts to the status as it would to any failure; it never asks whether a fault is
 * possible. Undisturbed worlds answer OK at the cost of one indirect call. Points are addressed by name, never by line. */
#ifndef OD_WORLD_POINT_H
#define OD_WORLD_POINT_H

#include "engine/core/status.h"

#define OD_POINT_LIST(X)                                                                                     \
    X(TASK_START, "task_start", "an executor is about to start a task attempt; nothing was read yet")         \
    X(TASK_STEP, "task_step", "a running attempt is about to take its next step; nth counts steps from 0")    \
    X(TASK_END, "task_end", "an attempt has written its output and not yet reported it")                      \
    X(TASK_REPORTED, "task_reported", "an attempt's success has just been sent to the driver")                \
    X(BLOCK_WRITE, "block_write", "the bytes of one map attempt's output file, before they reach the disk")   \
    X(BLOCK_SERVE, "block_serve", "the bytes of one block, read from disk, before they are sent to a reader") \
    X(BLOCK_RECEIVE, "block_receive", "the bytes of one block as a reader received them")                     \
    X(MESSAGE_SEND, "message_send", "a message is handed to the network (hit by the network's wrapper)")      \
    X(JOURNAL_WRITE, "journal_write", "the driver's journal: records, before they reach the disk")            \
    X(JOURNAL_SYNC, "journal_sync", "the driver's journal: records that were written, before they are synced") \
    X(SCAN_READ, "scan_read", "a scan is about to read the next rows of its split")                           \
    X(COMMIT, "commit", "the driver is about to count the success of an attempt; nothing of it was written")  \
    X(COMMITTED, "committed", "the driver has counted and journaled a success, and told nobody yet")          \
    X(ACTOR_START, "actor_start", "a life of an actor begins; it has said nothing yet (hit by wrappers, as all below)") \
    X(DISK_CREATE, "disk_create", "a file is about to be made")                                              \
    X(DISK_OPEN, "disk_open", "a file is about to be opened")                                                \
    X(DISK_WRITE, "disk_write", "bytes are about to be written to a file; the site is the attempt's that writes") \
    X(DISK_READ, "disk_read", "bytes are about to be read from a file")                                      \
    X(DISK_SYNC, "disk_sync", "a file is about to be synced")                                                \
    X(DISK_REMOVE, "disk_remove", "a file is about to be removed")                                           \
    X(MEMORY_TAKE, "memory_take", "an actor is about to take or grow memory")                                \
    X(TIMER_SET, "timer_set", "an actor is about to set a timer")

enum od_point {
#define X(name, text, sentence) OD_POINT_##name,
    OD_POINT_LIST(X)
#undef X
        OD_POINT_COUNT
};

#define OD_ANY UINT32_MAX

/* Where in a query something happens. A field that does not apply is OD_ANY. Executors count from 1 (actor ids). */
struct od_site {
    uint32_t query;
    uint32_t stage;
    uint32_t task;
    uint32_t attempt;
    uint32_t executor;
    uint32_t partition;    /* reduce partition of a block */
    uint32_t nth;          /* step number, message number...; what the point says */
    uint32_t message_kind; /* for MESSAGE_SEND */
};
#define OD_SITE_ANY                                                                                          \
    ((struct od_site){OD_ANY, OD_ANY, OD_ANY, OD_ANY, OD_ANY, OD_ANY, OD_ANY, OD_ANY})

/* Bytes that pass a point and may be damaged there: changed in place, or cut by lowering `size`. */
struct od_point_bytes {
    uint8_t *bytes; /* borrowed */
    size_t size;
};

struct od_points_ops {
    /* OK: go on. Any other status: what the operation at this point fails with (error->injected is then set).
     * EXECUTOR_GONE means that this executor has just died: unwind, send nothing. `bytes` may be NULL. */
    enum od_status (*hit)(void *self, enum od_point point, const struct od_site *site, struct od_point_bytes *bytes,
                          struct od_error *error);
};
struct od_points {
    const struct od_points_ops *ops; /* NULL: an undisturbed world */
    void *self;
};
static inline enum od_status od_point_hit(const struct od_points *points, enum od_point point,
                                          const struct od_site *site, struct od_point_bytes *bytes,
                                          struct od_error *error)
{
    return points->ops == NULL ? OD_OK : points->ops->hit(points->self, point, site, bytes, error);
}
const char *od_point_text(enum od_point point);
/* False when no point has this name. */
bool od_point_find(const char *text, enum od_point *point_out);

#endif
