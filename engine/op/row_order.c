/* row_order: comparing rows of columns, and a merge sort of their numbers, in steps.
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

static int compare(const struct od_row_sort *sort, uint32_t left_row, uint32_t right_row)
{
    return od_row_order_compare(sort->order, sort->columns, left_row, sort->columns, right_row);
}

/* The two runs at hand, from source to target, as far as there is room. True at their end. */
static bool merge_runs(struct od_row_sort *sort, uint32_t *room)
{
    uint64_t rest = sort->count - sort->first;
    uint32_t count = (uint32_t)(rest < 2 * sort->width ? rest : 2 * sort->width);
    uint32_t middle = (uint32_t)(rest < sort->width ? rest : sort->width);
    const uint32_t *source = sort->source + sort->first;
    uint32_t *target = sort->target + sort->first;
    uint32_t left = sort->left;
    uint32_t right = middle + sort->right;
    uint32_t filled = sort->left + sort->right;
    uint32_t end = *room < count - filled ? filled + *room : count;
    bool follows = filled == 0 && (middle == count || compare(sort, source[middle - 1], source[middle]) <= 0);
    while (!follows && left < middle && right < count && filled < end)
        target[filled++] = compare(sort, source[left], source[right]) <= 0 ? source[left++] : source[right++];
    uint32_t moved = follows ? 1 : filled - sort->left - sort->right;
    *room -= moved < *room ? moved : *room;
    sort->left = left;
    sort->right = right - middle;
    if (!follows && left < middle && right < count)
        return false;
    memcpy(target + filled, source + left, (middle - left) * sizeof(*target));
    filled += middle - left;
    memcpy(target + filled, source + right, (count - right) * sizeof(*target));
    sort->left = sort->right = 0;
    return true;
}

void od_row_sort_begin(struct od_row_sort *sort, const struct od_row_order *order,
                       const struct od_column *columns, uint32_t *rows, uint32_t count, uint32_t *scratch)
{
    *sort = (struct od_row_sort){
        .order = order, .columns = columns, .rows = rows, .count = count, .source = rows, .target = scratch};
}

/* The next short run, and the first pass behind the last one. */
static void sort_run(struct od_row_sort *sort, uint32_t *room)
{
    uint64_t rest = sort->count - sort->first;
    uint32_t count = (uint32_t)(rest < RUN_ROWS ? rest : RUN_ROWS);
    insertion_sort(sort->order, sort->columns, sort->rows + sort->first, count);
    *room -= *room < count ? *room : count;
    sort->first += count;
    if (sort->first < sort->count)
        return;
    sort->width = RUN_ROWS;
    sort->first = 0;
}

static void end_pass(struct od_row_sort *sort)
{
    uint32_t *swap = sort->source;
    sort->source = sort->target;
    sort->target = swap;
    sort->width *= 2;
    sort->first = 0;
}

bool od_row_sort_step(struct od_row_sort *sort, uint32_t *room)
{
    while (*room > 0) {
        if (sort->width >= sort->count) {
            if (sort->source != sort->rows)
                memcpy(sort->rows, sort->source, sort->count * sizeof(*sort->rows));
            return true;
        }
        if (sort->width == 0) {
            sort_run(sort, room);
            continue;
        }
        if (merge_runs(sort, room))
            sort->first += 2 * sort->width;
        if (sort->first >= sort->count)
            end_pass(sort);
    }
    return false;
}

void od_row_order_sort(const struct od_row_order *order, const struct od_column *columns, uint32_t *rows,
                       uint32_t count, uint32_t *scratch)
{
    struct od_row_sort sort;
    uint32_t room;
    od_row_sort_begin(&sort, order, columns, rows, count, scratch);
    do {
        room = UINT32_MAX;
    } while (!od_row_sort_step(&sort, &room));
}
