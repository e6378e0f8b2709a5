/* scan: the rows of a table that belong to this task, a few at a time.
 *
 *   table   [ task 0 | task 1 | ... | task T-1 ]        task t has rows [t*n/T, (t+1)*n/T)
 *   batch     `----' batch_rows of the task's rows: a view
 *
 * Values are not copied: a fixed-width column is a pointer into the table's. What cannot start in the middle
 * is made anew in the batch_arena: bitmaps (they start at bit 0) and the offsets of text (they start at
 * 0). */
#include "engine/op/op_base.h"

#include "engine/core/assert.h"
#include "engine/data/bitmap.h"

struct scan {
    struct od_op op;
    uint32_t row_next;
    uint32_t row_end;
    struct od_batch view;
};

static enum od_status scan_start(struct od_op *op, struct od_error *error)
{
    (void)error;
    struct scan *scan = (struct scan *)op;
    uint64_t row_count = od_table_row_count(op->node->scan.table);
    od_assert(op->node->schema.field_count == op->node->scan.column_count);
    scan->row_next = (uint32_t)(row_count * op->env.task_index / op->env.task_count);
    scan->row_end = (uint32_t)(row_count * (op->env.task_index + UINT64_C(1)) / op->env.task_count);
    return OD_OK;
}

static const uint8_t *slice_bits(struct od_arena *arena, const uint8_t *source, uint32_t first,
                                 uint32_t count)
{
    uint8_t *bits = od_arena_take(arena, od_bitmap_bytes(count));
    if (bits != NULL)
        od_bitmap_copy(bits, 0, source, first, count);
    return bits;
}

static bool slice_text(struct od_arena *arena, const struct od_column *source, uint32_t first,
                       struct od_column *target)
{
    int32_t *offsets = od_arena_take_raw(arena, ((size_t)target->row_count + 1) * sizeof(*offsets));
    if (offsets == NULL)
        return false;
    for (uint32_t i = 0; i <= target->row_count; i++)
        offsets[i] = source->offsets[first + i] - source->offsets[first];
    target->offsets = offsets;
    target->bytes = source->bytes + source->offsets[first];
    return true;
}

/* A view of rows [first, first + target->row_count). */
static bool slice_column(struct od_arena *arena, const struct od_column *source, uint32_t first,
                         struct od_column *target)
{
    uint32_t count = target->row_count;
    target->type = source->type;
    if (source->validity != NULL && od_bitmap_count_zeros(source->validity, first, count) > 0) {
        target->validity = slice_bits(arena, source->validity, first, count);
        if (target->validity == NULL)
            return false;
    }
    if (source->type == OD_TYPE_TEXT)
        return slice_text(arena, source, first, target);
    if (source->type == OD_TYPE_BOOLEAN)
        target->values = slice_bits(arena, source->values, first, count);
    else
        target->values = (const uint8_t *)source->values + (size_t)first * od_type_width_bytes(source->type);
    return target->values != NULL;
}

static enum od_step scan_step(struct od_op *op, const struct od_batch **batch_out, struct od_error *error)
{
    struct scan *scan = (struct scan *)op;
    uint32_t left = scan->row_end - scan->row_next;
    uint32_t count = left < op->env.batch_rows ? left : op->env.batch_rows;
    uint32_t column_count = op->node->scan.column_count;
    if (count == 0)
        return OD_STEP_DONE;
    od_arena_reset(&op->batch_arena);
    struct od_batch table = od_table_view(op->node->scan.table);
    struct od_column *columns = od_arena_take_array(&op->batch_arena, column_count, sizeof(*columns));
    bool ok = columns != NULL;
    for (uint32_t i = 0; ok && i < column_count; i++) {
        columns[i].row_count = count;
        ok = slice_column(&op->batch_arena, &table.columns[op->node->scan.columns[i]], scan->row_next,
                          &columns[i]);
    }
    if (!ok) {
        od_op_no_memory(op, "slicing a table", error);
        return OD_STEP_FAILED;
    }
    scan->view = (struct od_batch){.schema = &op->node->schema, .row_count = count, .columns = columns};
    scan->row_next += count;
    if (op->env.scanned_rows != NULL)
        *op->env.scanned_rows += count;
    *batch_out = &scan->view;
    return OD_STEP_OUTPUT;
}

const struct od_op_kind od_op_scan = {.bytes = sizeof(struct scan), .start = scan_start, .step = scan_step};
