/* table_image_fuzzer: any bytes are a table or CORRUPT, with their own checksums and with ones that fit. What is a table can be
 * read to its end, and its image opens again.
 *
 * Seeds: table_image_fuzzer_corpus/, images of small tables of every type. */
#include <stdlib.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/io/table_image.h"
#include "engine/world/posix.h"

/* Where table_image.c has them. */
enum { HEADER_BYTES = 56, CHECKSUM_AT = 16, SIZES_AT = 32, ROW_BYTES = 80, BUFFERS_AT = 8, BUFFER_BYTES = 24 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static uint64_t align_up(uint64_t bytes)
{
    return (bytes + OD_TABLE_IMAGE_ALIGN - 1) & ~(uint64_t)(OD_TABLE_IMAGE_ALIGN - 1);
}

/* Makes all checksums fit, as far as sizes do. */
static void forge(uint8_t *bytes, size_t size)
{
    uint64_t file_bytes = size;
    uint32_t sizes[2]; /* of the header, of fields */
    memcpy(bytes + SIZES_AT, &file_bytes, sizeof(file_bytes));
    memcpy(sizes, bytes + SIZES_AT + 8, sizeof(sizes));
    uint64_t offset = sizes[0];
    for (uint64_t i = 0; i < 3 * (uint64_t)sizes[1]; i++) {
        uint8_t *buffer = bytes + HEADER_BYTES + i / 3 * ROW_BYTES + BUFFERS_AT + i % 3 * BUFFER_BYTES;
        uint64_t bytes_here;
        if (buffer + BUFFER_BYTES > bytes + size)
            break;
        memcpy(&bytes_here, buffer, sizeof(bytes_here));
        uint64_t start = bytes_here == 0 ? offset : align_up(offset);
        if (start > size || bytes_here > size - start)
            break;
        struct od_hash128 checksum = od_hash128_bytes(bytes + start, bytes_here, 0);
        memcpy(buffer + 8, &checksum, sizeof(checksum));
        offset = start + bytes_here;
    }
    if (sizes[0] >= HEADER_BYTES && sizes[0] <= size) {
        memset(bytes + CHECKSUM_AT, 0, sizeof(struct od_hash128));
        struct od_hash128 checksum = od_hash128_bytes(bytes, sizes[0], 0);
        memcpy(bytes + CHECKSUM_AT, &checksum, sizeof(checksum));
    }
}

static void open_and_read(const uint8_t *bytes, size_t size)
{
    struct od_budget budget;
    struct od_arena arena;
    struct od_table *table;
    struct od_table_image image;
    struct od_buffer text;
    od_budget_init(&budget, od_posix_memory(), (size_t)1 << 30);
    od_arena_init(&arena, &budget.memory, 0);
    od_buffer_init(&text, &budget.memory);
    enum od_status status = od_table_image_open(&budget.memory, bytes, size, NULL, &table, NULL);
    od_assert(status == OD_OK ? table != NULL : status == OD_CORRUPT || status == OD_NO_MEMORY);
    if (status == OD_OK) {
        struct od_batch rows = od_table_view(table);
        if (rows.schema->field_count > 0) /* rows of nothing may be many */
            od_batch_checksum(&rows);
        for (uint32_t i = 0; i < rows.schema->field_count && rows.row_count > 0; i++) {
            struct od_value value = od_column_value(&rows.columns[i], rows.row_count - 1);
            od_value_print(&value, &text);
        }
        od_assert(od_table_image_make(table, &arena, &image, NULL) != OD_OK || image.total_bytes <= size);
    }
    od_table_free(&budget.memory, table);
    od_buffer_release(&text);
    od_arena_release(&arena);
    od_budget_release(&budget);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    size_t room = (size_t)align_up(size + 1);
    uint8_t *copy = aligned_alloc(OD_TABLE_IMAGE_ALIGN, room);
    od_assert(copy != NULL);
    memcpy(copy, bytes, size);
    open_and_read(copy, size);
    if (size >= HEADER_BYTES) {
        forge(copy, size);
        open_and_read(copy, size);
    }
    free(copy);
    return 0;
}
