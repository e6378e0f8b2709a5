/* scan: the rows of a table that belong to this task, a few at a time.
 *
 *   table   [ task 0 | task 1 | ... | task T-1 ]        task t has rows [t*n/T, (t+1)*n/T)
 *   batch     `----' batch_rows of the task's rows: a view, values are not copied */
#include "engine/op/op_base.h"

#include "engine/core/assert.h"

struct scan {
    struct od_op op;
    uint32_t row_next;
    uint32_t row_end;
    struct od_batch chosen; /* the whole table, of the columns that are read; those in the operator_arena */
};

static enum od_status scan_start(struct od_op *op)
{
    struct scan *scan = (struct scan *)op;
    uint32_t column_count = op->node->scan.column_count;
    uint64_t row_count = od_table_row_count(op->node->scan.table);
    struct od_batch table = od_table_view(op->node->scan.table);
    OD_TAKE_LIST(struct od_column, columns, &op->operator_arena, column_count, op->error);
    od_assert(op->node->schema.field_count == column_count);
    for (uint32_t i = 0; i < column_count; i++)
        columns[i] = table.columns[op->node->scan.columns[i]];
    scan->chosen =
        (struct od_batch){.schema = &op->node->schema, .row_count = table.row_count, .columns = columns};
    scan->row_next = (uint32_t)(row_count * op->env.task_index / op->env.task_count);
    scan->row_end = (uint32_t)(row_count * (op->env.task_index + UINT64_C(1)) / op->env.task_count);
    return OD_OK;
}

static enum od_status scan_step(struct od_op *op)
{
    struct scan *scan = (struct scan *)op;
    uint32_t left = scan->row_end - scan->row_next;
    uint32_t count = left < op->env.batch_rows ? left : op->env.batch_rows;
    if (count == 0) {
        op->says = OD_STEP_DONE;
        return OD_OK;
    }
    OD_TRY(od_point_hit(&op->env.points, OD_POINT_SCAN_READ, &op->env.site, NULL, op->error));
    od_arena_reset(&op->batch_arena);
    OD_TRY(od_batch_slice(&op->batch_arena, &scan->chosen, scan->row_next, count, &op->view, op->error));
    scan->row_next += count;
    op->env.account->scanned_rows += count;
    return OD_OK;
}

const struct od_op_kind od_op_scan = {.bytes = sizeof(struct scan), .start = scan_start, .step = scan_step};
