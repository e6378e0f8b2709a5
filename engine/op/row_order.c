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
static int compare_cells(const struct od_column *column, uint32_t left_row, uint32_t right_row)
{
    if (column->type == OD_TYPE_INT64 || column->type == OD_TYPE_TIMESTAMP) {
        const int64_t *values = column->values;
        return compare_numbers(values[left_row], values[right_row]);
    }
    struct od_value left = od_column_value(column, left_row);
    struct od_value right = od_column_value(column, right_row);
    return od_value_compare(&left, &right);
}

static int compare_key(const struct od_row_order_key *key, uint32_t left_row, uint32_t right_row)
{
    bool left_is_null = od_column_is_null(key->column, left_row);
    bool right_is_null = od_column_is_null(key->column, right_row);
    if (left_is_null || right_is_null) {
        int nulls_last = (int)left_is_null - (int)right_is_null;
        return key->nulls_first ? -nulls_last : nulls_last;
    }
    int order = compare_cells(key->column, left_row, right_row);
    return key->descending ? -order : order;
}

int od_row_order_compare(const struct od_row_order *order, uint32_t left_row, uint32_t right_row)
{
    for (uint32_t i = 0; i < order->key_count; i++) {
        int result = compare_key(&order->keys[i], left_row, right_row);
        if (result != 0)
            return result;
    }
    for (uint32_t i = 0; i < order->column_count; i++) {
        struct od_value left = od_column_value(&order->columns[i], left_row);
        struct od_value right = od_column_value(&order->columns[i], right_row);
        int result = od_value_compare_total(&left, &right);
        if (result != 0)
            return result;
    }
    return 0;
}

static void insertion_sort(const struct od_row_order *order, uint32_t *rows, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        uint32_t row = rows[i];
        uint32_t hole = i;
        for (; hole > 0 && od_row_order_compare(order, rows[hole - 1], row) > 0; hole--)
            rows[hole] = rows[hole - 1];
        rows[hole] = row;
    }
}

/* source[0, middle) and source[middle, count) into target. */
static void merge_runs(const struct od_row_order *order, const uint32_t *source, uint32_t middle,
                       uint32_t count, uint32_t *target)
{
    uint32_t left = 0;
    uint32_t right = middle;
    uint32_t filled = 0;
    if (middle == count || od_row_order_compare(order, source[middle - 1], source[middle]) <= 0) {
        memcpy(target, source, count * sizeof(*target));
        return;
    }
    while (left < middle && right < count) {
        bool takes_left = od_row_order_compare(order, source[left], source[right]) <= 0;
        target[filled++] = takes_left ? source[left++] : source[right++];
    }
    memcpy(target + filled, source + left, (middle - left) * sizeof(*target));
    filled += middle - left;
    memcpy(target + filled, source + right, (count - right) * sizeof(*target));
}

void od_row_order_sort(const struct od_row_order *order, uint32_t *rows, uint32_t count, uint32_t *scratch)
{
    uint32_t *source = rows;
    uint32_t *target = scratch;
    for (uint32_t first = 0; first < count; first += RUN_ROWS)
        insertion_sort(order, rows + first, count - first < RUN_ROWS ? count - first : RUN_ROWS);
    for (uint64_t width = RUN_ROWS; width < count; width *= 2) {
        for (uint64_t first = 0; first < count; first += 2 * width) {
            uint64_t left = count - first;
            uint32_t both = (uint32_t)(left < 2 * width ? left : 2 * width);
            uint32_t middle = (uint32_t)(left < width ? left : width);
            merge_runs(order, source + first, middle, both, target + first);
        }
        uint32_t *swap = source;
        source = target;
        target = swap;
    }
    if (source != rows && count > 0)
        memcpy(rows, source, count * sizeof(*rows));
}
