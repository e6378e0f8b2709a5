/* aggregate: groups rows and keeps the states of aggregate functions for each group.
 *
 *   batch -> key columns, canonical -> hashes -> table (hash_table.h) -> group of each row
 *         -> argument or state columns ------------------> states of each aggregate (aggregate_state.h)
 *
 * Groups are numbered in order of first appearance, and come out so: the output is a function of the input
 * and its order. Keys are canonical (-0.0 is 0.0, one NaN), so the bytes of the output do not depend on which
 * of equal keys came first.
 *
 * Without keys there is one group from the start, which gives one row over no input too. The phases differ in
 * where states come from (rows or state columns) and in what comes out (state columns or results); see
 * physical.h. */
#include "engine/op/op_base.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/expr/evaluate.h"
#include "engine/op/aggregate_state.h"
#include "engine/op/hash_table.h"
#include "engine/op/key_equal.h"

#define NAN_BITS UINT64_C(0x7ff8000000000000) /* as od_batch_hash_keys */

struct aggregate {
    struct od_op op;
    struct od_schema key_schema; /* the first fields of the output */
    struct od_batch_builder keys;
    struct od_hash_table table;         /* over keys */
    struct od_aggregate_states *states; /* in the operator_arena; one an aggregate */
    uint32_t *all_keys;                 /* 0, 1, 2...: columns to hash */
    uint32_t group_count;
    bool is_emitting;
    uint32_t next_group; /* to come out */
    struct od_batch_builder output;
    struct od_batch view;
};

/* --- life ----------------------------------------------------------------------------------------------- */

static enum od_status grow_states(struct aggregate *aggregate, struct od_error *error)
{
    for (uint32_t i = 0; i < aggregate->op.node->aggregate.aggregate_count; i++) {
        enum od_status status =
            od_aggregate_states_grow(&aggregate->states[i], aggregate->group_count, error);
        if (status != OD_OK)
            return status;
    }
    return OD_OK;
}

static enum od_status aggregate_start(struct od_op *op, struct od_error *error)
{
    struct aggregate *aggregate = (struct aggregate *)op;
    uint32_t key_count = op->node->aggregate.group_count;
    uint32_t aggregate_count = op->node->aggregate.aggregate_count;
    aggregate->key_schema = (struct od_schema){.field_count = key_count, .fields = op->node->schema.fields};
    od_hash_table_init(&aggregate->table, op->env.memory);
    aggregate->states = od_arena_take_array(&op->operator_arena, aggregate_count, sizeof(*aggregate->states));
    aggregate->all_keys = od_arena_take_array(&op->operator_arena, key_count, sizeof(*aggregate->all_keys));
    if (aggregate->states == NULL || aggregate->all_keys == NULL)
        return od_op_no_memory(op, "listing states", error);
    for (uint32_t i = 0; i < key_count; i++)
        aggregate->all_keys[i] = i;
    for (uint32_t i = 0; i < aggregate_count; i++)
        od_aggregate_states_init(&aggregate->states[i], op->env.memory, &op->node->aggregate.aggregates[i]);
    enum od_status status =
        od_batch_builder_init(&aggregate->keys, op->env.memory, &aggregate->key_schema, error);
    if (status == OD_OK)
        status = od_batch_builder_init(&aggregate->output, op->env.memory, &op->node->schema, error);
    if (status != OD_OK || key_count > 0)
        return status;
    aggregate->group_count = 1;
    return grow_states(aggregate, error);
}

static void aggregate_release(struct od_op *op)
{
    struct aggregate *aggregate = (struct aggregate *)op;
    for (uint32_t i = 0; aggregate->states != NULL && i < op->node->aggregate.aggregate_count; i++)
        od_aggregate_states_release(&aggregate->states[i]);
    od_hash_table_release(&aggregate->table);
    od_batch_builder_release(&aggregate->keys);
    od_batch_builder_release(&aggregate->output);
}

/* --- keys ----------------------------------------------------------------------------------------------- */

static double canonical(double number)
{
    uint64_t bits = NAN_BITS;
    if (number == number)
        return number == 0 ? 0.0 : number;
    memcpy(&number, &bits, sizeof(number));
    return number;
}

static bool make_canonical(struct od_arena *arena, struct od_column *column)
{
    const double *numbers = column->values;
    if (column->type != OD_TYPE_FLOAT64)
        return true;
    double *copy = od_arena_take_raw(arena, column->row_count * sizeof(*copy));
    if (copy == NULL)
        return false;
    for (uint32_t i = 0; i < column->row_count; i++)
        copy[i] = canonical(numbers[i]);
    column->values = copy;
    return true;
}

/* The key columns of a batch, in batch_arena. */
static enum od_status key_columns(struct aggregate *aggregate, const struct od_batch *input,
                                  struct od_batch *keys_out, struct od_error *error)
{
    struct od_op *op = &aggregate->op;
    uint32_t key_count = op->node->aggregate.group_count;
    struct od_selection every_row = {.count = input->row_count};
    struct od_column *columns = od_arena_take_array(&op->batch_arena, key_count, sizeof(*columns));
    bool ok = columns != NULL;
    for (uint32_t i = 0; i < key_count && ok; i++) {
        enum od_status status = OD_OK;
        if (op->node->aggregate.phase == OD_AGGREGATE_FINAL)
            columns[i] = input->columns[i];
        else
            status = od_evaluate(op->node->aggregate.groups[i], input, &every_row, &op->batch_arena,
                                 &columns[i], error);
        if (status != OD_OK)
            return status;
        ok = make_canonical(&op->batch_arena, &columns[i]);
    }
    if (!ok)
        return od_op_no_memory(op, "listing keys", error);
    *keys_out = (struct od_batch){
        .schema = &aggregate->key_schema, .row_count = input->row_count, .columns = columns};
    return OD_OK;
}

static bool keys_are_equal(const struct aggregate *aggregate, const struct od_batch *keys, uint32_t row,
                           uint32_t group)
{
    for (uint32_t i = 0; i < keys->schema->field_count; i++) {
        if (!od_key_equal(&keys->columns[i], row, &aggregate->keys.views[i], group))
            return false;
    }
    return true;
}

static enum od_status add_group(struct aggregate *aggregate, const struct od_batch *keys, uint32_t row,
                                uint64_t hash, struct od_error *error)
{
    enum od_status status = od_batch_builder_append_rows(&aggregate->keys, keys, NULL, row, 1, error);
    if (status == OD_OK)
        status = od_hash_table_insert(&aggregate->table, hash, error);
    if (status != OD_OK)
        return status;
    od_batch_builder_view(&aggregate->keys); /* views of the grown keys, for keys_are_equal */
    aggregate->group_count++;
    return OD_OK;
}

/* Sets the group of each row, in batch_arena. */
static enum od_status find_groups(struct aggregate *aggregate, const struct od_batch *keys,
                                  uint32_t **groups_out, struct od_error *error)
{
    struct od_arena *arena = &aggregate->op.batch_arena;
    uint32_t *groups = od_arena_take_array(arena, keys->row_count, sizeof(*groups));
    uint64_t *hashes = od_arena_take_array(arena, keys->row_count, sizeof(*hashes));
    *groups_out = groups;
    if (groups == NULL || hashes == NULL)
        return od_op_no_memory(&aggregate->op, "finding groups", error);
    if (keys->schema->field_count == 0)
        return OD_OK; /* all in group 0 */
    od_batch_hash_keys(keys, aggregate->all_keys, keys->schema->field_count, hashes);
    for (uint32_t row = 0; row < keys->row_count; row++) {
        uint32_t group = od_hash_table_first(&aggregate->table, hashes[row]);
        while (group != OD_HASH_TABLE_NONE && !keys_are_equal(aggregate, keys, row, group))
            group = od_hash_table_next(&aggregate->table, group);
        if (group == OD_HASH_TABLE_NONE) {
            group = aggregate->group_count;
            enum od_status status = add_group(aggregate, keys, row, hashes[row], error);
            if (status != OD_OK)
                return status;
        }
        groups[row] = group;
    }
    return grow_states(aggregate, error);
}

/* --- states --------------------------------------------------------------------------------------------- */

static enum od_status merge_states(struct aggregate *aggregate, const struct od_batch *input,
                                   const uint32_t *groups, struct od_error *error)
{
    const struct od_physical *node = aggregate->op.node;
    uint32_t column_index = node->aggregate.group_count;
    enum od_type types[OD_STATE_FIELDS_MAX];
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < node->aggregate.aggregate_count && status == OD_OK; i++) {
        status = od_aggregate_states_merge(&aggregate->states[i], groups, &input->columns[column_index],
                                           input->row_count, error);
        column_index += od_aggregate_state_fields(&node->aggregate.aggregates[i], types);
    }
    if (status == OD_OK)
        od_assert(column_index == input->schema->field_count);
    return status;
}

static enum od_status update_states(struct aggregate *aggregate, const struct od_batch *input,
                                    const uint32_t *groups, struct od_error *error)
{
    struct od_op *op = &aggregate->op;
    struct od_selection every_row = {.count = input->row_count};
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < op->node->aggregate.aggregate_count && status == OD_OK; i++) {
        const struct od_expr *argument = op->node->aggregate.aggregates[i].argument;
        bool is_needed = op->node->aggregate.aggregates[i].function != OD_AGGREGATE_COUNT_STAR;
        struct od_column column;
        if (is_needed)
            status = od_evaluate(argument, input, &every_row, &op->batch_arena, &column, error);
        if (status == OD_OK)
            status = od_aggregate_states_update(&aggregate->states[i], groups, is_needed ? &column : NULL,
                                                input->row_count, error);
    }
    return status;
}

static enum od_status take_batch(struct aggregate *aggregate, const struct od_batch *input,
                                 struct od_error *error)
{
    struct od_batch keys;
    uint32_t *groups = NULL;
    od_arena_reset(&aggregate->op.batch_arena);
    enum od_status status = key_columns(aggregate, input, &keys, error);
    if (status == OD_OK)
        status = find_groups(aggregate, &keys, &groups, error);
    if (status != OD_OK)
        return status;
    return aggregate->op.node->aggregate.phase == OD_AGGREGATE_FINAL
               ? merge_states(aggregate, input, groups, error)
               : update_states(aggregate, input, groups, error);
}

/* --- output --------------------------------------------------------------------------------------------- */

static enum od_status emit_keys(struct aggregate *aggregate, uint32_t first, uint32_t count,
                                struct od_error *error)
{
    struct od_op *op = &aggregate->op;
    uint32_t *groups = od_arena_take_array(&op->batch_arena, count, sizeof(*groups));
    enum od_status status = OD_OK;
    if (groups == NULL)
        return od_op_no_memory(op, "listing groups", error);
    for (uint32_t i = 0; i < count; i++)
        groups[i] = first + i;
    struct od_batch keys = od_batch_builder_view(&aggregate->keys);
    for (uint32_t i = 0; i < aggregate->key_schema.field_count && status == OD_OK; i++)
        status =
            od_batch_builder_append_column(&aggregate->output, i, &keys.columns[i], groups, count, error);
    return status;
}

static enum od_status emit_states(struct aggregate *aggregate, uint32_t first, uint32_t count,
                                  struct od_error *error)
{
    const struct od_physical *node = aggregate->op.node;
    uint32_t column_index = node->aggregate.group_count;
    enum od_type types[OD_STATE_FIELDS_MAX];
    enum od_status status = OD_OK;
    bool is_partial = node->aggregate.phase == OD_AGGREGATE_PARTIAL;
    for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++) {
        struct od_aggregate_states *states = &aggregate->states[i];
        for (uint32_t group = first; group < first + count && status == OD_OK; group++)
            status =
                is_partial
                    ? od_aggregate_states_put_state(states, group, &aggregate->output, column_index, error)
                    : od_aggregate_states_put_result(states, group, &aggregate->output, column_index, error);
        column_index += is_partial ? od_aggregate_state_fields(&node->aggregate.aggregates[i], types) : 1;
    }
    if (status == OD_OK)
        od_assert(column_index == node->schema.field_count);
    return status;
}

static enum od_step emit(struct aggregate *aggregate, const struct od_batch **batch_out,
                         struct od_error *error)
{
    struct od_op *op = &aggregate->op;
    uint32_t first = aggregate->next_group;
    uint32_t left = aggregate->group_count - first;
    uint32_t count = left < op->env.batch_rows ? left : op->env.batch_rows;
    if (count == 0)
        return OD_STEP_DONE;
    od_arena_reset(&op->batch_arena);
    od_batch_builder_reset(&aggregate->output);
    enum od_status status = emit_keys(aggregate, first, count, error);
    if (status == OD_OK)
        status = emit_states(aggregate, first, count, error);
    if (status != OD_OK)
        return OD_STEP_FAILED;
    od_batch_builder_end_rows(&aggregate->output, count);
    aggregate->next_group += count;
    aggregate->view = od_batch_builder_view(&aggregate->output);
    *batch_out = &aggregate->view;
    return OD_STEP_OUTPUT;
}

static enum od_step aggregate_step(struct od_op *op, const struct od_batch **batch_out,
                                   struct od_error *error)
{
    struct aggregate *aggregate = (struct aggregate *)op;
    const struct od_batch *input;
    if (aggregate->is_emitting)
        return emit(aggregate, batch_out, error);
    enum od_step step = od_op_pull(op, 0, &input, error);
    if (step == OD_STEP_OUTPUT)
        return take_batch(aggregate, input, error) == OD_OK ? OD_STEP_AGAIN : OD_STEP_FAILED;
    if (step != OD_STEP_DONE)
        return step;
    aggregate->is_emitting = true;
    return emit(aggregate, batch_out, error);
}

const struct od_op_kind od_op_aggregate = {.bytes = sizeof(struct aggregate),
                                           .start = aggregate_start,
                                           .step = aggregate_step,
                                           .release = aggregate_release};
