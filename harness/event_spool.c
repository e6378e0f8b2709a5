/* event_spool: see event_spool.h. A file is a row of struct od_event, as it is in memory. */
#include "harness/event_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/file.h"

#define READ_EVENTS 256u /* at once */
#define PATH_BYTES  320u

/* --- the writing end ---------------------------------------------------------------------------------------------- */

enum od_status od_event_spool_open(const char *path, struct od_event_spool *spool_out, struct od_error *error)
{
    struct stat facts;
    spool_out->file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (spool_out->file < 0)
        return od_fail(error, od_file_status(errno), "opening an event spool: %.200s: %s", path, strerror(errno));
    /* a torn end would shift all that follows */
    if (fstat(spool_out->file, &facts) == 0 && facts.st_size % (off_t)sizeof(struct od_event) != 0 &&
        ftruncate(spool_out->file, facts.st_size - facts.st_size % (off_t)sizeof(struct od_event)) != 0) {
        od_event_spool_close(spool_out);
        return od_fail(error, OD_IO, "mending an event spool: %.200s: %s", path, strerror(errno));
    }
    return OD_OK;
}

void od_event_spool_close(struct od_event_spool *spool)
{
    if (spool->file >= 0)
        close(spool->file);
    spool->file = -1;
}

static void spool_event(void *self, const struct od_event *event)
{
    const struct od_event_spool *spool = self;
    struct od_event record;
    memset(&record, 0, sizeof(record)); /* padding, too */
    record.time_ns = event->time_ns;
    record.kind = event->kind;
    record.site = event->site;
    record.source_stage = event->source_stage;
    record.source_task = event->source_task;
    record.source_attempt = event->source_attempt;
    record.rows = event->rows;
    record.bytes = event->bytes;
    record.value = event->value;
    record.why = event->why;
    record.checksum = event->checksum;
    while (write(spool->file, &record, sizeof(record)) < 0 && errno == EINTR)
        continue;
}

struct od_trace od_event_spool_trace(struct od_event_spool *spool)
{
    static const struct od_trace_ops ops = {.event = spool_event};
    return (struct od_trace){spool->file < 0 ? NULL : &ops, spool};
}

/* --- the reading end ---------------------------------------------------------------------------------------------- */

struct source {
    char path[PATH_BYTES];
    int file;                /* -1: not there yet */
    struct od_event *events; /* owned; read and not handed on: [next, count) */
    uint32_t next;
    uint32_t count;
    uint32_t capacity;
};
struct od_event_merge {
    struct od_memory *memory; /* borrowed */
    struct source *sources;   /* owned */
    uint32_t count;
    uint32_t capacity;
};

struct od_event_merge *od_event_merge_new(struct od_memory *memory)
{
    struct od_event_merge *merge = od_take(memory, sizeof(*merge));
    if (merge != NULL)
        *merge = (struct od_event_merge){.memory = memory};
    return merge;
}

void od_event_merge_free(struct od_event_merge *merge)
{
    if (merge == NULL)
        return;
    for (uint32_t i = 0; i < merge->count; i++) {
        struct source *source = &merge->sources[i];
        if (source->file >= 0)
            close(source->file);
        od_give(merge->memory, source->events, source->capacity * sizeof(*source->events));
    }
    od_give(merge->memory, merge->sources, merge->capacity * sizeof(*merge->sources));
    od_give(merge->memory, merge, sizeof(*merge));
}

enum od_status od_event_merge_add(struct od_event_merge *merge, const char *path, struct od_error *error)
{
    if (strlen(path) >= PATH_BYTES)
        return od_fail(error, OD_BAD_INPUT, "an event spool: the name is too long: %.200s", path);
    if (!od_grow(merge->memory, &merge->sources, &merge->capacity, merge->count + UINT64_C(1),
                 sizeof(*merge->sources)))
        return od_fail(error, OD_NO_MEMORY, "adding an event spool");
    struct source *source = &merge->sources[merge->count++];
    *source = (struct source){.file = -1};
    snprintf(source->path, sizeof(source->path), "%s", path);
    return OD_OK;
}

/* Takes in what its process has written since. */
static enum od_status refill(struct od_event_merge *merge, struct source *source, struct od_error *error)
{
    const size_t width = sizeof(struct od_event);
    if (source->file < 0)
        source->file = open(source->path, O_RDONLY | O_CLOEXEC);
    if (source->file < 0)
        return errno == ENOENT ? OD_OK
                               : od_fail(error, OD_IO, "reading an event spool: %.200s: %s", source->path,
                                         strerror(errno));
    for (;;) {
        if (source->next > 0) {
            memmove(source->events, source->events + source->next, (source->count - source->next) * width);
            source->count -= source->next;
            source->next = 0;
        }
        if (!od_grow(merge->memory, &source->events, &source->capacity, (uint64_t)source->count + READ_EVENTS,
                     width))
            return od_fail(error, OD_NO_MEMORY, "reading an event spool");
        ssize_t size = read(source->file, source->events + source->count, READ_EVENTS * width);
        if (size < 0 && errno != EINTR)
            return od_fail(error, OD_IO, "reading an event spool: %.200s: %s", source->path, strerror(errno));
        if (size <= 0)
            return OD_OK;
        size_t torn = (size_t)size % width; /* still being written */
        if (torn != 0 && lseek(source->file, -(off_t)torn, SEEK_CUR) < 0)
            return od_fail(error, OD_IO, "reading an event spool: %.200s: %s", source->path, strerror(errno));
        source->count += (uint32_t)((size_t)size / width);
        if ((size_t)size < READ_EVENTS * width)
            return OD_OK;
    }
}

/* The source that has the earliest event; NULL: none up to `until_ns`. */
static struct source *find_earliest(struct od_event_merge *merge, uint64_t until_ns)
{
    struct source *best = NULL;
    for (uint32_t i = 0; i < merge->count; i++) {
        struct source *source = &merge->sources[i];
        if (source->next == source->count || source->events[source->next].time_ns > until_ns)
            continue;
        if (best == NULL || source->events[source->next].time_ns < best->events[best->next].time_ns)
            best = source;
    }
    return best;
}

enum od_status od_event_merge_read(struct od_event_merge *merge, uint64_t until_ns,
                                   const struct od_trace *trace, struct od_error *error)
{
    for (uint32_t i = 0; i < merge->count; i++)
        OD_TRY(refill(merge, &merge->sources[i], error));
    for (struct source *source; (source = find_earliest(merge, until_ns)) != NULL;) {
        const struct od_event *event = &source->events[source->next++];
        if ((unsigned)event->kind < OD_EVENT_COUNT && trace->ops != NULL)
            trace->ops->event(trace->self, event);
    }
    return OD_OK;
}
