/* aggregate_rows: see aggregate_rows.h. Groups are told apart by counting, so that only rows of one group are ever compared.
 * The order within a group: the aggregate's own keys, then the arguments as SQL compares them (which puts equal ones beside
 * each other, for DISTINCT), then the total order of all columns. */
#include "engine/op/aggregate_rows.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/data/key_equal.h"

bool od_aggregate_keeps_rows(const struct od_aggregate *aggregate)
{
    return !od_aggregate_is_partial(aggregate);
}

static enum od_status no_memory(const struct od_aggregate_rows *rows)
{
    return od_fail(rows->error, OD_NO_MEMORY, "%s: keeping rows: rows=%u",
                   od_aggregate_text(rows->aggregate->function), rows->rows.row_count);
}

/* The column of an expression, which is added when it is new. */
static uint32_t column_of(struct od_aggregate_rows *rows, const struct od_expr *expr)
{
    uint32_t i = 0;
    while (i < rows->schema.field_count && !od_expr_equal(rows->exprs[i], expr))
        i++;
    if (i < rows->schema.field_count)
        return i;
    rows->schema.fields[i] = (struct od_field){.name = "kept", .type = expr->type, .nullable = true};
    rows->exprs[i] = expr;
    rows->schema.field_count++;
    return i;
}

enum od_status od_aggregate_rows_init(struct od_aggregate_rows *rows, struct od_arena *operator_arena,
                                      struct od_memory *memory, const struct od_aggregate *aggregate,
                                      struct od_error *error)
{
    uint32_t room = 2 + aggregate->key_count;
    *rows = (struct od_aggregate_rows){.aggregate = aggregate, .error = error};
    OD_TAKE(rows->schema.fields, operator_arena, room, rows->error);
    OD_TAKE(rows->exprs, operator_arena, room, rows->error);
    OD_TAKE(rows->order_of_rows.keys, operator_arena, room, rows->error);
    /* Two equal arguments are two columns all the same: the states want both. */
    bool has_second = aggregate->second != NULL && !od_aggregate_is_within_group(aggregate->function);
    rows->argument_count = has_second ? 2 : 1;
    column_of(rows, aggregate->argument);
    if (has_second) {
        rows->schema.fields[1] =
            (struct od_field){.name = "kept", .type = aggregate->second->type, .nullable = true};
        rows->exprs[1] = aggregate->second;
        rows->schema.field_count = 2;
    }
    struct od_row_order_key *keys = rows->order_of_rows.keys;
    for (uint32_t i = 0; i < aggregate->key_count; i++, keys++)
        *keys = (struct od_row_order_key){column_of(rows, aggregate->keys[i].expr),
                                          aggregate->keys[i].descending, aggregate->keys[i].nulls_first};
    for (uint32_t i = 0; i < rows->argument_count; i++, keys++)
        keys->column = i;
    rows->order_of_rows.key_count = aggregate->key_count + rows->argument_count;
    rows->order_of_rows.column_count = rows->schema.field_count;
    rows->memory = memory;
    od_hash_table_init(&rows->seen, memory);
    return od_batch_builder_init(&rows->rows, memory, &rows->schema, error);
}

void od_aggregate_rows_release(struct od_aggregate_rows *rows)
{
    if (rows->memory == NULL)
        return; /* never initialised */
    od_give(rows->memory, rows->groups, rows->group_capacity * sizeof(*rows->groups));
    od_give(rows->memory, rows->order, 2 * (size_t)rows->rows.row_count * sizeof(*rows->order));
    od_give(rows->memory, rows->starts, (rows->group_count + (size_t)1) * sizeof(*rows->starts));
    od_hash_table_release(&rows->seen);
    od_batch_builder_release(&rows->rows);
    rows->groups = rows->order = rows->starts = NULL;
    rows->group_capacity = rows->group_count = 0;
}

enum od_status od_aggregate_rows_reset(struct od_aggregate_rows *rows)
{
    od_aggregate_rows_release(rows);
    od_hash_table_init(&rows->seen, rows->memory);
    return od_batch_builder_init(&rows->rows, rows->memory, &rows->schema, rows->error);
}

/* --- taking rows in ------------------------------------------------------------------------------------- */

static bool is_same_row(const struct od_aggregate_rows *rows, uint32_t kept, const struct od_column *columns,
                        uint32_t row)
{
    for (uint32_t i = 0; i < rows->schema.field_count; i++) {
        struct od_value a = od_column_value(&rows->rows.views[i], kept);
        struct od_value b = od_column_value(&columns[i], row);
        if (od_value_compare_total(&a, &b) != 0)
            return false;
    }
    return true;
}

/* Is the row new to its group? Then it is noted as the next one. */
static enum od_status note_if_new(struct od_aggregate_rows *rows, const struct od_column *columns,
                                  uint32_t row, uint32_t group, uint64_t hash, bool *is_new_out)
{
    uint32_t kept = od_hash_table_first(&rows->seen, hash);
    while (kept != OD_HASH_TABLE_NONE &&
           (rows->groups[kept] != group || !is_same_row(rows, kept, columns, row)))
        kept = od_hash_table_next(&rows->seen, kept);
    *is_new_out = kept == OD_HASH_TABLE_NONE;
    return *is_new_out ? od_hash_table_insert(&rows->seen, hash, rows->error) : OD_OK;
}

static enum od_status append(struct od_aggregate_rows *rows, const struct od_batch *batch,
                             const uint32_t *groups, const uint32_t *list, uint32_t count)
{
    if (!od_grow(rows->memory, &rows->groups, &rows->group_capacity, (uint64_t)rows->rows.row_count + count,
                 sizeof(*rows->groups)))
        return no_memory(rows);
    for (uint32_t i = 0; i < count; i++)
        rows->groups[rows->rows.row_count + i] = groups[list[i]];
    OD_TRY(od_batch_builder_append_rows(&rows->rows, batch, list, 0, count, rows->error));
    od_batch_builder_view(&rows->rows); /* views of the grown rows, for is_same_row */
    return OD_OK;
}

enum od_status od_aggregate_rows_add(struct od_aggregate_rows *rows, const struct od_column *columns,
                                     const uint32_t *groups, const uint32_t *list, uint32_t count,
                                     struct od_arena *batch_arena)
{
    struct od_batch batch = {.schema = &rows->schema, .columns = columns, .row_count = columns[0].row_count};
    OD_TAKE_LIST(uint64_t, hashes, batch_arena, batch.row_count, rows->error);
    OD_TAKE_LIST(uint32_t, present, batch_arena, count, rows->error);
    uint32_t present_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = list == NULL ? i : list[i];
        if (!od_column_is_null(&columns[0], row))
            present[present_count++] = row;
    }
    if (!rows->aggregate->distinct)
        return append(rows, &batch, groups, present, present_count);
    od_batch_hash_keys(&batch, NULL, rows->argument_count, hashes);
    for (uint32_t i = 0; i < present_count; i++) {
        uint32_t row = present[i];
        bool is_new;
        uint64_t hash = od_mix_two(hashes[row], groups[row]) & ~rows->hash_bits_off;
        OD_TRY(note_if_new(rows, columns, row, groups[row], hash, &is_new));
        if (is_new)
            OD_TRY(append(rows, &batch, groups, &row, 1));
    }
    return OD_OK;
}

/* --- the end -------------------------------------------------------------------------------------------- */

enum od_status od_aggregate_rows_end(struct od_aggregate_rows *rows, uint32_t group_count)
{
    uint32_t row_count = rows->rows.row_count;
    od_batch_builder_view(&rows->rows);
    rows->order = od_take_array(rows->memory, 2 * (size_t)row_count, sizeof(*rows->order));
    if (rows->order == NULL && row_count > 0)
        return no_memory(rows);
    rows->starts = od_take_array(rows->memory, group_count + (size_t)1, sizeof(*rows->starts));
    if (rows->starts == NULL)
        return no_memory(rows);
    rows->group_count = group_count;
    /* starts[g + 1] counts group g, then says where it begins, and is moved to its end by placing its rows. */
    for (uint32_t i = 0; i < row_count; i++)
        rows->starts[rows->groups[i] + 1]++;
    for (uint32_t group = 0, start = 0; group < group_count; group++) {
        uint32_t count = rows->starts[group + 1];
        rows->starts[group + 1] = start;
        start += count;
    }
    for (uint32_t i = 0; i < row_count; i++)
        rows->order[rows->starts[rows->groups[i] + 1]++] = i;
    return OD_OK;
}

/* Of equal sorted rows the last one stays. True: all have been looked at. */
static bool drop_repeated(struct od_aggregate_rows *rows, uint32_t *list, uint32_t count, uint32_t *room)
{
    const struct od_column *columns = rows->rows.views;
    for (; rows->looked < count && *room != 0; rows->looked++, --*room) {
        bool repeats = rows->looked > 0 && od_keys_equal(columns, list[rows->sorted_count - 1], columns,
                                                         list[rows->looked], rows->argument_count);
        rows->sorted_count += !repeats;
        list[rows->sorted_count - 1] = list[rows->looked];
    }
    return rows->looked == count;
}

bool od_aggregate_rows_sort(struct od_aggregate_rows *rows, uint32_t group, uint32_t *room,
                            const uint32_t **sorted_out)
{
    od_assert(group < rows->group_count);
    uint32_t first = rows->starts[group];
    uint32_t count = rows->starts[group + 1] - first;
    uint32_t *list = rows->order == NULL ? NULL : rows->order + first;
    if (rows->sort.order == NULL) {
        rows->looked = rows->sorted_count = 0;
        od_row_sort_begin(&rows->sort, &rows->order_of_rows, rows->rows.views, list, count,
                          rows->order == NULL ? NULL : rows->order + rows->rows.row_count);
    }
    if (rows->looked == 0 && !od_row_sort_step(&rows->sort, room))
        return false;
    if (!rows->aggregate->distinct)
        rows->sorted_count = count;
    else if (!drop_repeated(rows, list, count, room))
        return false;
    rows->sort.order = NULL;
    *sorted_out = count == 0 ? NULL : list;
    return true;
}
