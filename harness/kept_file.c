/* kept_file: see kept_file.h. */
#include "harness/kept_file.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/hash.h"
#include "engine/world/posix_map.h"

struct header {
    uint64_t check;
    uint64_t sizes[OD_KEPT_PARTS_MAX];
};

static uint64_t check_of(const struct header *header, const struct od_piece *parts)
{
    uint64_t check = od_hash_bytes(header->sizes, sizeof(header->sizes), 0);
    for (uint32_t i = 0; i < OD_KEPT_PARTS_MAX; i++)
        check = od_hash_bytes(parts[i].bytes, parts[i].size, check);
    return check;
}

enum od_status od_kept_put(const char *folder, const char *name, const struct od_piece *parts, uint32_t part_count,
                           bool outlives, struct od_error *error)
{
    struct header header = {0};
    struct od_piece all[OD_KEPT_PARTS_MAX + 1] = {{&header, sizeof(header)}};
    od_assert(part_count <= OD_KEPT_PARTS_MAX);
    for (uint32_t i = 0; i < part_count; i++) {
        all[i + 1] = parts[i];
        header.sizes[i] = parts[i].size;
    }
    header.check = check_of(&header, all + 1);
    return od_posix_file_put(folder, name, all, part_count + 1, outlives, error);
}

static bool is_whole(const struct od_piece *span)
{
    struct header header;
    struct od_piece parts[OD_KEPT_PARTS_MAX];
    size_t at = sizeof(header);
    if (span->size < sizeof(header))
        return false;
    memcpy(&header, span->bytes, sizeof(header));
    for (uint32_t i = 0; i < OD_KEPT_PARTS_MAX; i++) {
        if (header.sizes[i] > span->size - at)
            return false;
        parts[i] = (struct od_piece){(const uint8_t *)span->bytes + at, (size_t)header.sizes[i]};
        at += parts[i].size;
    }
    return at == span->size && header.check == check_of(&header, parts);
}

enum od_status od_kept_open(const char *folder, const char *name, struct od_kept_file *file_out, struct od_error *error)
{
    *file_out = (struct od_kept_file){0};
    OD_TRY(od_posix_map(folder, name, &file_out->span, error));
    if (is_whole(&file_out->span)) {
        file_out->reader = (struct od_reader){.bytes = (const uint8_t *)file_out->span.bytes + sizeof(struct header),
                                              .size = file_out->span.size - sizeof(struct header)};
        return OD_OK;
    }
    od_kept_close(file_out);
    return od_fail(error, OD_CORRUPT, "reading %s/%s: it is not as it was written", folder, name);
}

void od_kept_close(struct od_kept_file *file)
{
    od_posix_unmap(&file->span);
    *file = (struct od_kept_file){0};
}
