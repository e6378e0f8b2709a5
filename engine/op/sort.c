/* sort: SORT and TOP_N: all rows in their total order, or the first `limit` of them.
 *
 *   batch 0 -> sorted run 0 --+
 *   batch 1 -> sorted run 1 --+--> heap of cursors by first row --> output, batch_rows at a time
 *   batch 2 -> sorted run 2 --+              |        ^
 *              too many rows: a sorted file (spill run) of level 0; FAN_IN files of a level: one of the next
 *
 *   rows     every row that is held: its columns ++ its computed sort keys; only row numbers are moved
 *   numbers  [ run 0 | run 1 | run 2 ... ]
 *
 * So a step sorts one batch or merges one batch: the work of a step stays small however many rows there are;
 * all in all it is n log n. Rows are in a total order, so runs, files and batch sizes cannot be seen in the
 * output.
 *
 *   TAKING   input batches --too many rows--> WRITING a file --done--> WRITING files into one | TAKING
 *      \--no more--> GIVING from memory and files
 *
 * TOP_N: when more than twice `limit` rows (and a batch) have come together, the runs are merged up to
 * `limit` and only those rows are kept, as one run; a file has at most `limit` rows, too. With limit 0 the
 * input is read all the same: whether an expression below fails must not depend on the limit. */
#include "engine/op/op_base.h"

#include "engine/core/assert.h"
#include "engine/expr/evaluate.h"
#include "engine/op/row_order.h"
#include "engine/op/spill.h"

#define PRUNE_ROWS_MIN 1024u /* below so many rows pruning is not worth its steps */
#define FAN_IN         8u
#define FILES_MAX      50u /* FAN_IN - 1 of seven levels and one to be */

enum sort_state { SORT_TAKING, SORT_WRITING, SORT_GIVING };

struct sorted_file {
    struct od_spill_run *run;     /* owned */
    const struct od_batch *batch; /* the block that is being merged */
    uint32_t level;
};

/* Where merging stands in a run. */
struct cursor {
    struct sorted_file *file; /* NULL: rows in memory */
    uint32_t next;            /* index into row_numbers, or row of the file's block */
    uint32_t end;
};

struct sort {
    struct od_op op;
    enum sort_state state;
    struct od_schema schema; /* the rows' fields ++ computed keys */
    struct od_batch_builder rows;
    struct od_batch rows_view;
    struct od_row_order order; /* of that schema */
    uint32_t *row_numbers;     /* owned; the runs */
    uint32_t row_capacity;
    struct cursor *cursors; /* owned; the runs in memory, then a heap by first row */
    uint32_t cursor_count;
    uint32_t cursor_capacity;
    uint64_t to_give;    /* rows that are still to be merged */
    uint32_t *chosen;    /* rows of one source, batch_rows; in the operator_arena */
    uint32_t file_count; /* large levels first */
    struct sorted_file files[FILES_MAX];
    uint32_t writing_first;      /* files from here on become one; file_count: the rows in memory do */
    struct od_spill_run *target; /* owned */
    struct od_batch_builder written;
};

/* --- life ----------------------------------------------------------------------------------------------- */

static enum od_status sort_start(struct od_op *op)
{
    struct sort *sort = (struct sort *)op;
    uint32_t key_count = op->node->sort.key_count;
    uint32_t field_count = op->node->schema.field_count;
    OD_TAKE_LIST(struct od_field, fields, &op->operator_arena, (size_t)field_count + key_count, op->error);
    OD_TAKE(sort->order.keys, &op->operator_arena, key_count, op->error);
    OD_TAKE(sort->chosen, &op->operator_arena, op->env.batch_rows, op->error);
    sort->schema = (struct od_schema){field_count, fields};
    sort->order.key_count = key_count;
    sort->order.column_count = field_count;
    for (uint32_t i = 0; i < field_count; i++)
        fields[i] = op->node->schema.fields[i];
    for (uint32_t i = 0; i < key_count; i++) {
        const struct od_sort_key *key = &op->node->sort.keys[i];
        bool is_column = key->expr->kind == OD_EXPR_COLUMN;
        uint32_t column = is_column ? key->expr->column_index : sort->schema.field_count++;
        if (!is_column)
            fields[column] = (struct od_field){.name = "key", .type = key->expr->type, .nullable = true};
        sort->order.keys[i] = (struct od_row_order_key){column, key->descending, key->nulls_first};
    }
    OD_TRY(od_batch_builder_init(&sort->rows, op->env.memory, &sort->schema, op->error));
    return od_batch_builder_init(&sort->written, op->env.memory, &sort->schema, op->error);
}

static void sort_release(struct od_op *op)
{
    struct sort *sort = (struct sort *)op;
    for (uint32_t i = 0; i < sort->file_count; i++)
        od_spill_run_free(sort->files[i].run);
    od_spill_run_free(sort->target);
    od_batch_builder_release(&sort->rows);
    od_batch_builder_release(&sort->written);
    od_give(op->env.memory, sort->row_numbers, sort->row_capacity * sizeof(*sort->row_numbers));
    od_give(op->env.memory, sort->cursors, sort->cursor_capacity * sizeof(*sort->cursors));
}

/* --- taking a batch in ---------------------------------------------------------------------------------- */

static enum od_status reserve_cursors(struct sort *sort, uint32_t count)
{
    if (od_grow(sort->op.env.memory, &sort->cursors, &sort->cursor_capacity, count, sizeof(*sort->cursors)))
        return OD_OK;
    return od_op_no_memory(&sort->op, "listing runs");
}

static enum od_status append_with_keys(struct sort *sort, const struct od_batch *batch)
{
    struct od_op *op = &sort->op;
    struct od_selection every_row = {.count = batch->row_count};
    OD_TAKE_LIST(struct od_column, columns, &op->batch_arena, sort->schema.field_count, op->error);
    for (uint32_t i = 0; i < op->node->schema.field_count; i++)
        columns[i] = batch->columns[i];
    for (uint32_t i = 0; i < op->node->sort.key_count; i++) {
        if (sort->order.keys[i].column >= op->node->schema.field_count)
            OD_TRY(od_evaluate(op->node->sort.keys[i].expr, batch, &every_row, &op->batch_arena,
                               &columns[sort->order.keys[i].column], sort->op.error));
    }
    struct od_batch rows = {.schema = &sort->schema, .row_count = batch->row_count, .columns = columns};
    OD_TRY(od_batch_builder_append_rows(&sort->rows, &rows, NULL, 0, rows.row_count, sort->op.error));
    sort->rows_view = od_batch_builder_view(&sort->rows);
    return OD_OK;
}

static enum od_status take_batch(struct sort *sort, const struct od_batch *batch)
{
    uint32_t first = sort->rows.row_count;
    od_arena_reset(&sort->op.batch_arena);
    OD_TRY(append_with_keys(sort, batch));
    OD_TRY(reserve_cursors(sort, sort->cursor_count + 1));
    OD_TAKE_LIST(uint32_t, scratch, &sort->op.batch_arena, batch->row_count, sort->op.error);
    if (!od_grow(sort->op.env.memory, &sort->row_numbers, &sort->row_capacity, sort->rows.row_count,
                 sizeof(*sort->row_numbers)))
        return od_op_no_memory(&sort->op, "sorting a batch");
    for (uint32_t i = 0; i < batch->row_count; i++)
        sort->row_numbers[first + i] = first + i;
    od_row_order_sort(&sort->order, sort->rows_view.columns, sort->row_numbers + first, batch->row_count,
                      scratch);
    sort->cursors[sort->cursor_count++] = (struct cursor){.next = first, .end = sort->rows.row_count};
    return OD_OK;
}

/* --- the heap ------------------------------------------------------------------------------------------- */

static uint32_t cursor_row(const struct sort *sort, const struct cursor *cursor)
{
    return cursor->file == NULL ? sort->row_numbers[cursor->next] : cursor->next;
}

static const struct od_batch *source_of(const struct sort *sort, const struct sorted_file *file)
{
    return file == NULL ? &sort->rows_view : file->batch;
}

static int compare_cursors(const struct sort *sort, const struct cursor *left, const struct cursor *right)
{
    return od_row_order_compare(&sort->order, source_of(sort, left->file)->columns, cursor_row(sort, left),
                                source_of(sort, right->file)->columns, cursor_row(sort, right));
}

/* Moves a cursor down the heap until none below it comes before it. */
static void sift_down(struct sort *sort, uint32_t at)
{
    struct cursor moved = sort->cursors[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= sort->cursor_count)
            break;
        if (child + 1 < sort->cursor_count &&
            compare_cursors(sort, &sort->cursors[child + 1], &sort->cursors[child]) < 0)
            child++;
        if (compare_cursors(sort, &moved, &sort->cursors[child]) <= 0)
            break;
        sort->cursors[at] = sort->cursors[child];
        at = child;
    }
    sort->cursors[at] = moved;
}

static void build_heap(struct sort *sort)
{
    for (uint32_t at = sort->cursor_count / 2; at-- > 0;)
        sift_down(sort, at);
}

/* The cursor's next block, or none: next == end. */
static enum od_status next_block(struct sort *sort, struct cursor *cursor)
{
    struct sorted_file *file = cursor->file;
    cursor->next = 0;
    OD_TRY(od_spill_run_next(file->run, &file->batch, sort->op.error));
    cursor->end = file->batch == NULL ? 0 : file->batch->row_count;
    return OD_OK;
}

/* Files from `first` on join the heap. */
static enum od_status add_files(struct sort *sort, uint32_t first)
{
    OD_TRY(reserve_cursors(sort, sort->cursor_count + sort->file_count - first));
    for (uint32_t i = first; i < sort->file_count; i++) {
        struct cursor cursor = {.file = &sort->files[i]};
        OD_TRY(od_spill_run_rewind(cursor.file->run, sort->op.error));
        OD_TRY(next_block(sort, &cursor));
        if (cursor.end > 0)
            sort->cursors[sort->cursor_count++] = cursor;
    }
    return OD_OK;
}

/* The first row is taken: puts the row behind it in its place. */
static enum od_status step_first(struct sort *sort)
{
    struct cursor *top = &sort->cursors[0];
    top->next++;
    if (top->next == top->end && top->file != NULL)
        OD_TRY(next_block(sort, top));
    if (top->next == top->end)
        *top = sort->cursors[--sort->cursor_count];
    if (sort->cursor_count > 0)
        sift_down(sort, 0);
    return OD_OK;
}

/* Appends the first `count` chosen rows of a source; a builder without the computed keys takes what it has.
 * */
static enum od_status append_chosen(struct sort *sort, const struct sorted_file *file, uint32_t count,
                                    struct od_batch_builder *builder)
{
    const struct od_batch *batch = source_of(sort, file);
    for (uint32_t i = 0; i < builder->schema->field_count; i++)
        OD_TRY(od_batch_builder_append_column(builder, i, &batch->columns[i], sort->chosen, count,
                                              sort->op.error));
    od_batch_builder_end_rows(builder, builder->row_count + count);
    return OD_OK;
}

/* The next up to batch_rows rows, at most to_give, replace the content of the builder. Rows are copied when
 * the source changes, and before its block goes. */
static enum od_status merge_batch(struct sort *sort, struct od_batch_builder *builder)
{
    uint64_t count = sort->to_give < sort->op.env.batch_rows ? sort->to_give : sort->op.env.batch_rows;
    uint32_t chosen_count = 0;
    od_batch_builder_reset(builder);
    for (uint64_t i = 0; i < count; i++) {
        const struct cursor *top = &sort->cursors[0];
        const struct sorted_file *file = top->file;
        bool is_end_of_block = top->next + 1 == top->end;
        od_assert(sort->cursor_count > 0);
        sort->chosen[chosen_count++] = cursor_row(sort, top);
        if (file != NULL && is_end_of_block) {
            OD_TRY(append_chosen(sort, file, chosen_count, builder));
            chosen_count = 0;
        }
        OD_TRY(step_first(sort));
        if (chosen_count > 0 && (i + 1 == count || sort->cursors[0].file != file)) {
            OD_TRY(append_chosen(sort, file, chosen_count, builder));
            chosen_count = 0;
        }
    }
    sort->to_give -= count;
    return OD_OK;
}

/* --- TOP_N: forgetting rows ----------------------------------------------------------------------------- */

static bool should_prune(const struct sort *sort)
{
    uint64_t limit = sort->op.node->row_limit;
    uint64_t row_count = sort->rows.row_count;
    return row_count >= PRUNE_ROWS_MIN && limit <= UINT32_MAX &&
           row_count >= 2 * limit + sort->op.env.batch_rows;
}

static enum od_status prune(struct sort *sort)
{
    uint32_t limit = (uint32_t)sort->op.node->row_limit; /* less than row_count, see should_prune */
    od_arena_reset(&sort->op.batch_arena);
    OD_TAKE_LIST(uint32_t, first_rows, &sort->op.batch_arena, limit, sort->op.error);
    build_heap(sort);
    for (uint32_t i = 0; i < limit; i++) {
        first_rows[i] = cursor_row(sort, &sort->cursors[0]);
        OD_TRY(step_first(sort)); /* cannot fail: no file */
    }
    OD_TRY(od_batch_builder_keep(&sort->rows, first_rows, 0, limit, sort->op.error));
    sort->rows_view = od_batch_builder_view(&sort->rows);
    for (uint32_t i = 0; i < limit; i++)
        sort->row_numbers[i] = i;
    sort->cursors[0] = (struct cursor){.next = 0, .end = limit};
    sort->cursor_count = limit > 0 ? 1 : 0;
    return OD_OK;
}

/* --- files ---------------------------------------------------------------------------------------------- */

static uint64_t at_most_limit(const struct sort *sort, uint64_t row_count)
{
    return row_count < sort->op.node->row_limit ? row_count : sort->op.node->row_limit;
}

static uint64_t file_rows(const struct sort *sort, uint32_t first)
{
    uint64_t row_count = 0;
    for (uint32_t i = first; i < sort->file_count; i++)
        row_count += od_spill_run_row_count(sort->files[i].run);
    return row_count;
}

/* Files from `first` on are to become one, or (first == file_count) the rows in memory are. */
static enum od_status begin_writing(struct sort *sort, uint32_t first)
{
    sort->state = SORT_WRITING;
    sort->writing_first = first;
    sort->to_give =
        at_most_limit(sort, first == sort->file_count ? sort->rows.row_count : file_rows(sort, first));
    OD_TRY(od_spill_run_new(&sort->op.env, &sort->schema, &sort->target, sort->op.error));
    OD_TRY(add_files(sort, first));
    build_heap(sort);
    return OD_OK;
}

/* The file is written: it replaces what it was made of. */
static enum od_status end_writing(struct sort *sort)
{
    uint32_t first = sort->writing_first;
    struct sorted_file *file = &sort->files[first];
    uint32_t same_level = 0;
    od_assert(first < FILES_MAX);
    if (first == sort->file_count) {
        od_batch_builder_reset(&sort->rows);
        od_op_holds(&sort->op, 0);
        file->level = 0;
        file->run = NULL;
    } else {
        file->level++;
    }
    for (uint32_t i = first; i < sort->file_count; i++) {
        od_spill_run_free(sort->files[i].run);
        sort->files[i].run = NULL;
    }
    file->run = sort->target;
    sort->target = NULL;
    sort->file_count = first + 1;
    sort->cursor_count = 0;
    sort->state = SORT_TAKING;
    while (same_level <= first && sort->files[first - same_level].level == file->level)
        same_level++;
    bool is_crowded = same_level == FAN_IN || sort->file_count == FILES_MAX;
    return is_crowded ? begin_writing(sort, sort->file_count - FAN_IN) : OD_OK;
}

static enum od_status write_batch(struct sort *sort)
{
    if (sort->to_give == 0)
        return end_writing(sort);
    OD_TRY(merge_batch(sort, &sort->written));
    struct od_batch batch = od_batch_builder_view(&sort->written);
    return od_spill_run_append(sort->target, &batch, NULL, batch.row_count, sort->op.error);
}

/* --- stepping ------------------------------------------------------------------------------------------- */

static enum od_status give(struct sort *sort)
{
    sort->op.says = OD_STEP_DONE; /* if these are none */
    OD_TRY(merge_batch(sort, &sort->op.output));
    sort->op.view = od_batch_builder_view(&sort->op.output);
    return OD_OK;
}

static enum od_status begin_giving(struct sort *sort)
{
    sort->state = SORT_GIVING;
    sort->to_give = at_most_limit(sort, sort->rows.row_count + file_rows(sort, 0));
    OD_TRY(add_files(sort, 0));
    build_heap(sort);
    return OD_OK;
}

static enum od_status take(struct sort *sort, const struct od_batch *batch)
{
    OD_TRY(take_batch(sort, batch));
    if (should_prune(sort))
        OD_TRY(prune(sort));
    uint64_t bytes = od_spill_batch_bytes(&sort->rows_view) + sort->rows.row_count * sizeof(uint32_t);
    return od_op_holds(&sort->op, bytes) ? begin_writing(sort, sort->file_count) : OD_OK;
}

static enum od_status sort_step(struct od_op *op)
{
    struct sort *sort = (struct sort *)op;
    const struct od_batch *batch;
    if (sort->state == SORT_WRITING)
        return write_batch(sort);
    if (sort->state == SORT_GIVING)
        return give(sort);
    OD_TRY(od_op_pull(op, 0, &batch));
    if (batch != NULL)
        return take(sort, batch);
    if (!od_op_input_ended(op))
        return OD_OK;
    OD_TRY(begin_giving(sort));
    return give(sort);
}

const struct od_op_kind od_op_sort = {.bytes = sizeof(struct sort),
                                      .start = sort_start,
                                      .step = sort_step,
                                      .release = sort_release,
                                      .builds_rows = true};
