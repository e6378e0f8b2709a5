/* row_order: comparing rows of columns, and a merge sort of their numbers.
 *
 *   rows     [ 4 1 3 0 2 ]  ->  short runs by insertion  ->  runs merged back and forth with the scratch
 *
 * Insertion first, because batches are small and often nearly sorted; a merge of runs that already follow
 * each other is one comparison and a copy. */
#include "engine/op/row_order.h"

#include <string.h>

#define RUN_ROWS 12u /* sorted by insertion */

static int compare_numbers(int64_t left, int64_t right)
{
    return (left > right) - (left < right);
}

/* Neither is NULL. */
static int compare_present(const struct od_column *left, uint32_t left_row, const struct od_column *right,
                           uint32_t right_row)
{
    if (left->type == OD_TYPE_INT64 || left->type == OD_TYPE_TIMESTAMP)
        return compare_numbers(((const int64_t *)left->values)[left_row],
                               ((const int64_t *)right->values)[right_row]);
    if (left->type == OD_TYPE_INT32 || left->type == OD_TYPE_DATE)
        return compare_numbers(((const int32_t *)left->values)[left_row],
                               ((const int32_t *)right->values)[right_row]);
    struct od_value left_value = od_column_value(left, left_row);
    struct od_value right_value = od_column_value(right, right_row);
    return od_value_compare(&left_value, &right_value);
}

int od_cell_compare(const struct od_column *left, uint32_t left_row, const struct od_column *right,
                    uint32_t right_row)
{
    bool left_is_null = od_column_is_null(left, left_row);
    bool right_is_null = od_column_is_null(right, right_row);
    if (left_is_null || right_is_null)
        return (int)left_is_null - (int)right_is_null;
    return compare_present(left, left_row, right, right_row);
}

int od_row_order_compare(const struct od_row_order *order, const struct od_column *left_columns,
                         uint32_t left_row, const struct od_column *right_columns, uint32_t right_row)
{
    for (uint32_t i = 0; i < order->key_count; i++) {
        const struct od_row_order_key *key = &order->keys[i];
        const struct od_column *left = &left_columns[key->column];
        const struct od_column *right = &right_columns[key->column];
        int result = od_cell_compare(left, left_row, right, right_row);
        bool has_null = od_column_is_null(left, left_row) || od_column_is_null(right, right_row);
        if (result != 0)
            return (has_null ? key->nulls_first : key->descending) ? -result : result;
    }
    for (uint32_t i = 0; i < order->column_count; i++) {
        struct od_value left = od_column_value(&left_columns[i], left_row);
        struct od_value right = od_column_value(&right_columns[i], right_row);
        int result = od_value_compare_total(&left, &right);
        if (result != 0)
            return result;
    }
    return 0;
}

static void insertion_sort(const struct od_row_order *order, const struct od_column *columns, uint32_t *rows,
                           uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        uint32_t row = rows[i];
        uint32_t hole = i;
        for (; hole > 0 && od_row_order_compare(order, columns, rows[hole - 1], columns, row) > 0; hole--)
            rows[hole] = rows[hole - 1];
        rows[hole] = row;
    }
}

/* source[0, middle) and source[middle, count) into target. */
static void merge_runs(const struct od_row_order *order, const struct od_column *columns,
                       const uint32_t *source, uint32_t middle, uint32_t count, uint32_t *target)
{
    uint32_t left = 0;
    uint32_t right = middle;
    uint32_t filled = 0;
    if (middle == count ||
        od_row_order_compare(order, columns, source[middle - 1], columns, source[middle]) <= 0) {
        memcpy(target, source, count * sizeof(*target));
        return;
    }
    while (left < middle && right < count) {
        bool takes_left = od_row_order_compare(order, columns, source[left], columns, source[right]) <= 0;
        target[filled++] = takes_left ? source[left++] : source[right++];
    }
    memcpy(target + filled, source + left, (middle - left) * sizeof(*target));
    filled += middle - left;
    memcpy(target + filled, source + right, (count - right) * sizeof(*target));
}

void od_row_order_sort(const struct od_row_order *order, const struct od_column *columns, uint32_t *rows,
                       uint32_t count, uint32_t *scratch)
{
    uint32_t *source = rows;
    uint32_t *target = scratch;
    for (uint32_t first = 0; first < count; first += RUN_ROWS)
        insertion_sort(order, columns, rows + first, count - first < RUN_ROWS ? count - first : RUN_ROWS);
    for (uint64_t width = RUN_ROWS; width < count; width *= 2) {
        for (uint64_t first = 0; first < count; first += 2 * width) {
            uint64_t left = count - first;
            uint32_t both = (uint32_t)(left < 2 * width ? left : 2 * width);
            uint32_t middle = (uint32_t)(left < width ? left : width);
            merge_runs(order, columns, source + first, middle, both, target + first);
        }
        uint32_t *swap = source;
        source = target;
        target = swap;
    }
    if (source != rows && count > 0)
        memcpy(rows, source, count * sizeof(*rows));
}
