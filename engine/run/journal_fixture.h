/* journal_fixture: a disk of one file and the world around it, for what tries the journal.
 *
 * The file's bytes are the caller's to damage between two openings. Each disk call and each point may be made to fail.
 * Included by one program each: all functions are static. */
#ifndef OD_RUN_JOURNAL_FIXTURE_H
#define OD_RUN_JOURNAL_FIXTURE_H

#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/buffer.h"
#include "engine/run/journal.h"

struct od_file {
    uint32_t unused;
};
struct journal_bench {
    struct od_world world;
    struct od_stream stream;
    struct od_buffer bytes; /* of the file */
    bool is_there;
    uint32_t open_count;
    uint64_t synced_bytes;
    uint64_t call_count; /* disk calls and points */
    uint64_t fail_at;    /* UINT64_MAX: none */
    struct od_file file;
};

static enum od_status bench_call(struct journal_bench *bench, struct od_error *error)
{
    return bench->call_count++ == bench->fail_at ? od_fail(error, OD_IO, "injected") : OD_OK;
}

static enum od_status bench_open_file(struct journal_bench *bench, struct od_file **file_out)
{
    bench->open_count++;
    *file_out = &bench->file;
    return OD_OK;
}

static enum od_status bench_create(void *self, const char *name, struct od_file **file_out,
                                   struct od_error *error)
{
    struct journal_bench *bench = self;
    (void)name;
    *file_out = NULL;
    OD_TRY(bench_call(bench, error));
    od_buffer_reset(&bench->bytes);
    bench->is_there = true;
    return bench_open_file(bench, file_out);
}

static enum od_status bench_open(void *self, const char *name, struct od_file **file_out,
                                 struct od_error *error)
{
    struct journal_bench *bench = self;
    *file_out = NULL;
    OD_TRY(bench_call(bench, error));
    return bench->is_there ? bench_open_file(bench, file_out)
                           : od_fail(error, OD_MISSING, "no file %s", name);
}

static enum od_status bench_write(void *self, struct od_file *file, uint64_t offset, const void *bytes,
                                  size_t size, struct od_error *error)
{
    struct journal_bench *bench = self;
    (void)file;
    OD_TRY(bench_call(bench, error));
    od_assert(offset <= bench->bytes.size);
    size_t over = bench->bytes.size - offset < size ? bench->bytes.size - offset : size;
    if (over > 0)
        memcpy(bench->bytes.bytes + offset, bytes, over);
    od_buffer_append(&bench->bytes, (const uint8_t *)bytes + over, size - over);
    return OD_OK;
}

static enum od_status bench_read(void *self, struct od_file *file, uint64_t offset, void *bytes, size_t size,
                                 struct od_error *error)
{
    struct journal_bench *bench = self;
    (void)file;
    OD_TRY(bench_call(bench, error));
    od_assert(offset + size <= bench->bytes.size);
    if (size > 0)
        memcpy(bytes, bench->bytes.bytes + offset, size);
    return OD_OK;
}

static enum od_status bench_sync(void *self, struct od_file *file, struct od_error *error)
{
    struct journal_bench *bench = self;
    (void)file;
    OD_TRY(bench_call(bench, error));
    bench->synced_bytes = bench->bytes.size;
    return OD_OK;
}

static enum od_status bench_size(void *self, struct od_file *file, uint64_t *bytes_out,
                                 struct od_error *error)
{
    struct journal_bench *bench = self;
    (void)file;
    *bytes_out = bench->bytes.size;
    return bench_call(bench, error);
}

static void bench_close(void *self, struct od_file *file)
{
    ((struct journal_bench *)self)->open_count -= file != NULL;
}

static enum od_status bench_remove(void *self, const char *name, struct od_error *error)
{
    struct journal_bench *bench = self;
    OD_TRY(bench_call(bench, error));
    if (!bench->is_there)
        return od_fail(error, OD_MISSING, "no file %s", name);
    bench->is_there = false;
    return OD_OK;
}

static enum od_status bench_hit(void *self, enum od_point point, const struct od_site *site,
                                struct od_point_bytes *bytes, struct od_error *error)
{
    (void)site;
    od_assert((point == OD_POINT_JOURNAL_WRITE && bytes->size > 0) || point == OD_POINT_JOURNAL_SYNC);
    return bench_call(self, error);
}

/* `memory` is the journal's, `file_memory` the file's. */
static void bench_init(struct journal_bench *bench, struct od_memory *memory, struct od_memory *file_memory)
{
    static const struct od_disk_ops disk_ops = {bench_create, bench_open, bench_write, bench_read,
                                                bench_sync,   bench_size, bench_close, bench_remove};
    static const struct od_points_ops points_ops = {bench_hit};
    *bench = (struct journal_bench){.fail_at = UINT64_MAX};
    od_buffer_init(&bench->bytes, file_memory);
    od_stream_init(&bench->stream, 1, "journal");
    bench->world = (struct od_world){.incarnation = 1,
                                     .random = bench->stream.random,
                                     .memory = memory,
                                     .disk = {&disk_ops, bench},
                                     .points = {&points_ops, bench}};
}

/* Puts a file there. */
static void bench_set(struct journal_bench *bench, const void *bytes, size_t size)
{
    od_buffer_reset(&bench->bytes);
    od_buffer_append(&bench->bytes, bytes, size);
    bench->is_there = true;
}

#endif
