/* stitch: puts a column together from rows of several columns.
 *
 *   picks  0  1  0  -        sources[0]: a b c      result: a x c NULL
 *   rows   0  0  2  -        sources[1]: x
 *
 * CASE, COALESCE, GREATEST and gathers all end here: they decide where each row comes from, this file moves
 * the bytes. NULL rows keep zero values. Sizes of text are added up first, since an arena cannot grow what it
 * gave. */
#include "engine/expr/kernel.h"

#include <string.h>

#include "engine/core/assert.h"

static bool row_is_null(const struct od_stitch *stitch, uint32_t i)
{
    uint32_t pick = stitch->picks == NULL ? 0 : stitch->picks[i];
    return pick == OD_PICK_NULL || od_column_is_null(&stitch->sources[pick], stitch->rows[i]);
}

static const struct od_column *row_source(const struct od_stitch *stitch, uint32_t i)
{
    return &stitch->sources[stitch->picks == NULL ? 0 : stitch->picks[i]];
}

/* False on refusal. *validity_out NULL when no row is NULL. */
static bool stitch_validity(const struct od_stitch *stitch, struct od_arena *arena,
                            const uint8_t **validity_out)
{
    *validity_out = NULL;
    if (stitch->picks == NULL && stitch->sources[0].validity == NULL)
        return true;
    uint8_t *validity = od_arena_take(arena, od_bitmap_bytes(stitch->row_count));
    if (validity == NULL)
        return false;
    for (uint32_t i = 0; i < stitch->row_count; i++)
        od_bitmap_put(validity, i, !row_is_null(stitch, i));
    *validity_out = od_validity_or_null(validity, stitch->row_count);
    return true;
}

#define STITCH_FIXED(name, type)                                                                             \
    static void name(const struct od_stitch *stitch, const uint8_t *validity, type *values)                  \
    {                                                                                                        \
        if (stitch->picks == NULL && validity == NULL) {                                                     \
            const type *source = stitch->sources[0].values;                                                  \
            for (uint32_t i = 0; i < stitch->row_count; i++)                                                 \
                values[i] = source[stitch->rows[i]];                                                         \
            return;                                                                                          \
        }                                                                                                    \
        for (uint32_t i = 0; i < stitch->row_count; i++) {                                                   \
            if (validity == NULL || od_bit(validity, i))                                                     \
                values[i] = ((const type *)row_source(stitch, i)->values)[stitch->rows[i]];                  \
        }                                                                                                    \
    }
STITCH_FIXED(stitch_64, uint64_t)
STITCH_FIXED(stitch_32, uint32_t)
STITCH_FIXED(stitch_decimal, struct od_decimal)
STITCH_FIXED(stitch_interval, struct od_interval)
#undef STITCH_FIXED

static void stitch_bits(const struct od_stitch *stitch, const uint8_t *validity, uint8_t *values)
{
    for (uint32_t i = 0; i < stitch->row_count; i++) {
        if (validity == NULL || od_bit(validity, i))
            od_bitmap_put(values, i, od_bit(row_source(stitch, i)->values, stitch->rows[i]));
    }
}

static enum od_status stitch_text(const struct od_stitch *stitch, struct od_arena *arena,
                                  struct od_column *column, struct od_error *error)
{
    int32_t *offsets = od_arena_take_raw(arena, ((size_t)stitch->row_count + 1) * sizeof(*offsets));
    if (offsets == NULL)
        return od_kernel_no_memory(error);
    uint64_t total = 0;
    offsets[0] = 0;
    for (uint32_t i = 0; i < stitch->row_count; i++) {
        if (column->validity == NULL || od_bit(column->validity, i)) {
            const int32_t *source = row_source(stitch, i)->offsets + stitch->rows[i];
            total += (uint32_t)(source[1] - source[0]);
        }
        if (total > INT32_MAX)
            return od_fail(error, OD_NO_MEMORY, "evaluating an expression: a text column beyond 2 GiB");
        offsets[i + 1] = (int32_t)total;
    }
    uint8_t *bytes = od_arena_take_raw(arena, total);
    if (bytes == NULL)
        return od_kernel_no_memory(error);
    for (uint32_t i = 0; i < stitch->row_count; i++) {
        size_t size = (size_t)(offsets[i + 1] - offsets[i]);
        const struct od_column *source = size == 0 ? NULL : row_source(stitch, i);
        if (size != 0)
            memcpy(bytes + offsets[i], source->bytes + source->offsets[stitch->rows[i]], size);
    }
    column->offsets = offsets;
    column->bytes = bytes;
    return OD_OK;
}

enum od_status od_stitch_column(const struct od_stitch *stitch, struct od_arena *arena,
                                struct od_column *column_out, struct od_error *error)
{
    struct od_column column = {.type = stitch->type, .row_count = stitch->row_count};
    *column_out = (struct od_column){0};
    if (!stitch_validity(stitch, arena, &column.validity))
        return od_kernel_no_memory(error);
    if (stitch->type == OD_TYPE_TEXT) {
        OD_TRY(stitch_text(stitch, arena, &column, error));
        *column_out = column;
        return OD_OK;
    }
    uint32_t width = od_type_width_bytes(stitch->type);
    void *values = od_arena_take(arena, width == 0 ? od_bitmap_bytes(stitch->row_count)
                                                   : (size_t)stitch->row_count * width);
    if (values == NULL)
        return od_kernel_no_memory(error);
    if (width == 0)
        stitch_bits(stitch, column.validity, values);
    else if (width == 8)
        stitch_64(stitch, column.validity, values);
    else if (stitch->type == OD_TYPE_DECIMAL)
        stitch_decimal(stitch, column.validity, values);
    else if (stitch->type == OD_TYPE_INTERVAL)
        stitch_interval(stitch, column.validity, values);
    else
        stitch_32(stitch, column.validity, values);
    column.values = values;
    *column_out = column;
    return OD_OK;
}

enum od_status od_gather_column(const struct od_column *source, const uint32_t *rows, uint32_t count,
                                struct od_arena *arena, struct od_column *column_out, struct od_error *error)
{
    struct od_stitch stitch = {.type = source->type, .row_count = count, .sources = source, .rows = rows};
    for (uint32_t i = 0; i < count; i++)
        od_assert(rows[i] < source->row_count);
    return od_stitch_column(&stitch, arena, column_out, error);
}
