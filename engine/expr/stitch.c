/* stitch: a column in an arena, put together from rows of several columns.
 *
 *   picks  0  1  0  -        columns[0]: a b c      result: a x c NULL
 *   rows   0  0  2  -        columns[1]: x
 *
 * CASE, COALESCE, GREATEST and gathers all end here: they decide where each row comes from, od_gather_ moves
 * the bytes. Sizes of text are added up first, since an arena cannot grow what it gave. */
#include "engine/expr/kernel.h"

#include "engine/core/assert.h"

enum od_status od_stitch_column(struct od_gather *gather, struct od_arena *arena,
                                struct od_column *column_out, struct od_error *error)
{
    struct od_column column = {.type = gather->type, .row_count = gather->count};
    *column_out = (struct od_column){0};
    od_gather_count_nulls(gather);
    uint64_t text_bytes = gather->type == OD_TYPE_TEXT ? od_gather_text_bytes(gather) : 0;
    if (text_bytes > INT32_MAX)
        return od_fail(error, OD_NO_MEMORY, "evaluating an expression: a text column beyond 2 GiB");
    uint8_t *validity = gather->null_count == 0 ? NULL : od_arena_take(arena, od_bitmap_bytes(gather->count));
    uint8_t *bytes = od_arena_take_raw(arena, text_bytes);
    void *values = od_arena_take(arena, od_values_bytes(gather->type, gather->count));
    if (values == NULL || bytes == NULL || (gather->null_count > 0 && validity == NULL))
        return od_kernel_no_memory(error);
    if (validity != NULL)
        od_gather_validity(gather, validity, 0);
    if (gather->type == OD_TYPE_TEXT) {
        od_gather_text(gather, values, bytes);
        column.offsets = values;
        column.bytes = bytes;
    } else {
        od_gather_values(gather, values, 0);
        column.values = values;
    }
    column.validity = validity;
    *column_out = column;
    return OD_OK;
}

enum od_status od_gather_column(const struct od_column *source, const uint32_t *rows, uint32_t count,
                                struct od_arena *arena, struct od_column *column_out, struct od_error *error)
{
    struct od_gather gather = {.type = source->type, .count = count, .columns = source, .rows = rows};
    return od_stitch_column(&gather, arena, column_out, error);
}
