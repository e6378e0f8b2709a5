/* gather: rows picked from columns, in any order; see batch.h. What is under a NULL is written as zero, whatever the source
 * holds there. Loops without NULLs and over one column are apart, because queries spend their time there. */
#include "engine/data/batch.h"

#include <string.h>

#include "engine/core/assert.h"

static inline const struct od_column *column_of(const struct od_gather *gather, uint32_t i)
{
    return &gather->columns[gather->picks == NULL ? 0 : gather->picks[i]];
}

static inline bool is_null(const struct od_gather *gather, uint32_t i)
{
    return gather->rows[i] == OD_ROW_NULL || od_column_is_null(column_of(gather, i), gather->rows[i]);
}

void od_gather_count_nulls(struct od_gather *gather)
{
    uint32_t largest = 0;
    gather->null_count = 0;
    if (gather->picks == NULL && gather->columns->validity == NULL) {
        for (uint32_t i = 0; i < gather->count; i++)
            largest = gather->rows[i] > largest ? gather->rows[i] : largest;
        od_assert(gather->count == 0 || largest == OD_ROW_NULL || largest < gather->columns->row_count);
        if (largest != OD_ROW_NULL)
            return;
    }
    for (uint32_t i = 0; i < gather->count; i++)
        gather->null_count += is_null(gather, i);
}

void od_gather_validity(const struct od_gather *gather, uint8_t *validity, uint32_t first)
{
    for (uint32_t i = 0; i < gather->count; i++)
        od_bitmap_put(validity, first + i, !is_null(gather, i));
}

/* --- values --------------------------------------------------------------------------------------------- */

#define GATHER(name, type)                                                                                   \
    static void name(const struct od_gather *gather, type *values)                                           \
    {                                                                                                        \
        static const type zero;                                                                              \
        const uint32_t *rows = gather->rows;                                                                 \
        const type *source = gather->columns->values;                                                        \
        if (gather->picks == NULL && gather->null_count == 0) {                                              \
            for (uint32_t i = 0; i < gather->count; i++)                                                     \
                values[i] = source[rows[i]];                                                                 \
            return;                                                                                          \
        }                                                                                                    \
        for (uint32_t i = 0; i < gather->count; i++)                                                         \
            values[i] = is_null(gather, i) ? zero : ((const type *)column_of(gather, i)->values)[rows[i]];   \
    }
GATHER(gather_32, uint32_t)
GATHER(gather_64, uint64_t)
GATHER(gather_interval, struct od_interval)
GATHER(gather_decimal, struct od_decimal)
#undef GATHER

void od_gather_values(const struct od_gather *gather, void *values, uint32_t first)
{
    uint8_t *target = (uint8_t *)values + (size_t)first * od_type_width_bytes(gather->type);
    switch (od_type_width_bytes(gather->type)) {
    case sizeof(uint32_t):
        gather_32(gather, (void *)target);
        return;
    case sizeof(uint64_t):
        gather_64(gather, (void *)target);
        return;
    case sizeof(struct od_interval):
        gather_interval(gather, (void *)target);
        return;
    case sizeof(struct od_decimal):
        gather_decimal(gather, (void *)target);
        return;
    default:
        od_assert(gather->type == OD_TYPE_BOOLEAN);
        for (uint32_t i = 0; i < gather->count; i++)
            od_bitmap_put(values, first + i,
                          !is_null(gather, i) && od_bit(column_of(gather, i)->values, gather->rows[i]));
    }
}

static inline uint32_t text_size(const struct od_gather *gather, uint32_t i)
{
    if (gather->null_count > 0 && is_null(gather, i))
        return 0;
    const int32_t *offsets = column_of(gather, i)->offsets + gather->rows[i];
    return (uint32_t)(offsets[1] - offsets[0]);
}

uint64_t od_gather_text_bytes(const struct od_gather *gather)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < gather->count; i++)
        total += text_size(gather, i);
    return total;
}

void od_gather_text(const struct od_gather *gather, int32_t *offsets, uint8_t *bytes)
{
    int32_t end = offsets[0];
    for (uint32_t i = 0; i < gather->count; i++) {
        uint32_t size = text_size(gather, i);
        const struct od_column *column = column_of(gather, i);
        if (size != 0)
            memcpy(bytes + end, column->bytes + column->offsets[gather->rows[i]], size);
        end += (int32_t)size;
        offsets[i + 1] = end;
    }
}

/* --- into an arena -------------------------------------------------------------------------------------- */

enum od_status od_gather_column(struct od_gather *gather, struct od_arena *arena,
                                struct od_column *column_out, struct od_error *error)
{
    bool is_text = gather->type == OD_TYPE_TEXT;
    size_t values_bytes = od_values_bytes(gather->type, gather->count);
    uint8_t *validity = NULL;
    *column_out = (struct od_column){.type = gather->type, .row_count = gather->count};
    od_gather_count_nulls(gather);
    uint64_t text_bytes = is_text ? od_gather_text_bytes(gather) : 0;
    if (text_bytes > INT32_MAX)
        return od_fail(error, OD_NO_MEMORY, "gathering rows: a text column beyond 2 GiB");
    if (gather->null_count > 0)
        OD_TAKE(validity, arena, od_bitmap_bytes(gather->count), error);
    uint8_t *bytes = od_arena_take_raw(arena, text_bytes);
    void *values = gather->type == OD_TYPE_BOOLEAN ? od_arena_take(arena, values_bytes)
                                                   : od_arena_take_raw(arena, values_bytes);
    if (values == NULL || bytes == NULL)
        return od_fail(error, OD_NO_MEMORY, "gathering rows: rows=%u", gather->count);
    if (validity != NULL)
        od_gather_validity(gather, validity, 0);
    column_out->validity = validity;
    if (is_text) {
        *(int32_t *)values = 0;
        od_gather_text(gather, values, bytes);
        column_out->offsets = values;
        column_out->bytes = bytes;
    } else {
        od_gather_values(gather, values, 0);
        column_out->values = values;
    }
    return OD_OK;
}

enum od_status od_column_gather(const struct od_column *source, const uint32_t *rows, uint32_t count,
                                struct od_arena *arena, struct od_column *column_out, struct od_error *error)
{
    struct od_gather gather = {.type = source->type, .count = count, .columns = source, .rows = rows};
    return od_gather_column(&gather, arena, column_out, error);
}

enum od_status od_batch_gather(const struct od_batch *source, const uint32_t *rows, uint32_t count,
                               struct od_arena *arena, struct od_batch *batch_out, struct od_error *error)
{
    OD_TAKE_LIST(struct od_column, columns, arena, source->schema->field_count, error);
    for (uint32_t i = 0; i < source->schema->field_count; i++)
        OD_TRY(od_column_gather(&source->columns[i], rows, count, arena, &columns[i], error));
    *batch_out = (struct od_batch){.schema = source->schema, .row_count = count, .columns = columns};
    return OD_OK;
}
