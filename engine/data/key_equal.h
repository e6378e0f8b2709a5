/* key_equal: whether two cells are equal as keys: -0.0 equals 0.0, NaN equals NaN, 1.5 equals 1.50, 1 day equals 24 hours. Agrees
 * with od_batch_hash_keys. NULL equals NULL here, as in GROUP BY; a join looks for NULLs before it asks. */
#ifndef OD_DATA_KEY_EQUAL_H
#define OD_DATA_KEY_EQUAL_H

#include <string.h>

#include "engine/data/batch.h"

static inline bool od_text_equal(const struct od_column *left, uint32_t left_row,
                                 const struct od_column *right, uint32_t right_row)
{
    size_t size = (size_t)(left->offsets[left_row + 1] - left->offsets[left_row]);
    if (size != (size_t)(right->offsets[right_row + 1] - right->offsets[right_row]))
        return false;
    return size == 0 ||
           memcmp(left->bytes + left->offsets[left_row], right->bytes + right->offsets[right_row], size) == 0;
}

/* Needs equal types. */
static inline bool od_key_equal(const struct od_column *left, uint32_t left_row,
                                const struct od_column *right, uint32_t right_row)
{
    bool left_is_null = od_column_is_null(left, left_row);
    if (left_is_null || od_column_is_null(right, right_row))
        return left_is_null && od_column_is_null(right, right_row);
    switch (left->type) {
    case OD_TYPE_INT64:
    case OD_TYPE_TIMESTAMP:
        return ((const int64_t *)left->values)[left_row] == ((const int64_t *)right->values)[right_row];
    case OD_TYPE_DATE:
    case OD_TYPE_INT32:
        return ((const int32_t *)left->values)[left_row] == ((const int32_t *)right->values)[right_row];
    case OD_TYPE_BOOLEAN:
        return od_bit(left->values, left_row) == od_bit(right->values, right_row);
    case OD_TYPE_TEXT:
        return od_text_equal(left, left_row, right, right_row);
    default: {
        struct od_value a = od_column_value(left, left_row);
        struct od_value b = od_column_value(right, right_row);
        return od_value_compare(&a, &b) == 0;
    }
    }
}

/* The first `count` columns of either side, in pairs of equal types. */
static inline bool od_keys_equal(const struct od_column *left, uint32_t left_row, const struct od_column *right,
                                 uint32_t right_row, uint32_t count)
{
    bool equal = true;
    for (uint32_t i = 0; i < count && equal; i++)
        equal = od_key_equal(&left[i], left_row, &right[i], right_row);
    return equal;
}

#endif
