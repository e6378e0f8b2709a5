/* gather: rows picked from columns, in any order; see batch.h. What is under a NULL is written as zero, whatever the source
 * holds there. Loops without NULLs and over one column are apart, because queries spend their time there. */
#include "engine/data/batch.h"

#include <string.h>

#include "engine/core/assert.h"

static const struct od_column *column_of(const struct od_gather *gather, uint32_t i)
{
    return &gather->columns[gather->picks == NULL ? 0 : gather->picks[i]];
}

static bool is_null(const struct od_gather *gather, uint32_t i)
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
    switch (gather->type) {
    case OD_TYPE_INT32:
    case OD_TYPE_DATE:
        gather_32(gather, (void *)target);
        return;
    case OD_TYPE_INTERVAL:
        gather_interval(gather, (void *)target);
        return;
    case OD_TYPE_DECIMAL:
        gather_decimal(gather, (void *)target);
        return;
    case OD_TYPE_BOOLEAN:
        for (uint32_t i = 0; i < gather->count; i++)
            od_bitmap_put(values, first + i,
                          !is_null(gather, i) && od_bit(column_of(gather, i)->values, gather->rows[i]));
        return;
    default:
        od_assert(gather->type != OD_TYPE_TEXT);
        gather_64(gather, (void *)target);
    }
}

static uint32_t text_size(const struct od_gather *gather, uint32_t i)
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
