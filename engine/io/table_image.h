/* table_image: a table as the bytes of a file that can be used where they lie, mapped into memory.
 *
 *   [ header | a row for each field | names | .. | column 0: validity, values, text | column 1: ... ]
 *
 *   Little-endian. Each buffer of a column begins at the next multiple of 64 bytes, with zeros in the gap; what it holds is what
 *   data/batch.h says of columns. The header has sizes and checksums (xxh3, 128 bits) of all buffers, and one of its own, which
 *   says all that the table is: name, schema, rows. Equal tables give equal bytes.
 *
 * Opening trusts nothing: any truncation or changed bit is CORRUPT, and a forged checksum meets checks of all that operators rely
 * on (bounds, offsets, UTF-8, numerics, zeros where a row is NULL). */
#ifndef OD_IO_TABLE_IMAGE_H
#define OD_IO_TABLE_IMAGE_H

#include "engine/core/buffer.h"
#include "engine/data/batch.h"

#define OD_TABLE_IMAGE_ALIGN 64

struct od_table_image {
    struct od_hash128 checksum; /* the header's: names the content */
    uint64_t total_bytes;
    uint32_t part_count; /* to be written one behind the other */
    const struct od_piece *parts;
};

/* Reads all rows once. The parts are the table's own buffers, and what the arena holds. NO_MEMORY. */
enum od_status od_table_image_make(const struct od_table *table, struct od_arena *arena,
                                   struct od_table_image *image_out, struct od_error *error);
/* A table over the image, which stays the caller's and outlives it; `bytes` is a multiple of OD_TABLE_IMAGE_ALIGN. With
 * `expected`, it must be that one. od_table_free(memory, ...) ends it. CORRUPT, NO_MEMORY; *table_out NULL on failure. */
enum od_status od_table_image_open(struct od_memory *memory, const void *bytes, size_t size,
                                   const struct od_hash128 *expected, struct od_table **table_out,
                                   struct od_error *error);

#endif
