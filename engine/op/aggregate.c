/* aggregate: groups rows and keeps for each group what the aggregate functions need.
 *
 *   batch -> key columns, canonical -> hashes -> table (hash_table.h) -> group of each row
 *         -> argument or state columns --+--> states of each aggregate (aggregate_state.h)
 *                                        +--> its rows, where it needs them all (aggregate_rows.h)
 *
 * Groups are numbered in order of first appearance, and come out so. Keys are canonical (-0.0 is 0.0, one NaN, and of equal
 * numerics the one of largest scale shows), so the bytes of a group do not depend on which of equal keys came first.
 *
 * Without keys there is one group from the start, which gives one row over no input too. The phases differ in where states
 * come from (rows or state columns) and in what comes out (state columns or results); see physical.h.
 *
 * Too many bytes held (od_op_holds; `held` counts all that belongs to groups):
 *   PARTIAL          gives its groups early and begins anew: FINAL does not mind equal groups
 *   COMPLETE, FINAL  write all groups to FAN_OUT runs by bits of their hash, and begin anew. At the end of the input each run
 *                    is read as if it were an input of its own, and divided further by other bits while it is too large, up
 *                    to DEPTH_MAX times. A single group is never divided: it may hold more than it should.
 *
 *   a spilled row:  keys ++ states of all aggregates that have some ++ part ++ kept rows' columns of all the others
 *   part 0: a group with its states; part i + 1: a row that aggregate i keeps. What does not belong to the part is NULL.
 *
 *   TAKING --input ends--> EMITTING --groups are out--> LOADING a run --it ends--> EMITTING ... --no more runs--> done
 *     ^---PARTIAL only---------'
 *   TAKING | LOADING --too large--> SPILLING --groups are written--> as before; at the end of rows that were divided: EMITTING */
#include "engine/op/op_base.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/expr/evaluate.h"
#include "engine/op/aggregate_rows.h"
#include "engine/op/aggregate_state.h"
#include "engine/op/hash_table.h"
#include "engine/data/key_equal.h"
#include "engine/op/spill.h"

#define NAN_BITS  UINT64_C(0x7ff8000000000000) /* as od_batch_hash_keys */
#define FAN_OUT   8u
#define DEPTH_MAX 6u
#define RUNS_MAX  (FAN_OUT * (DEPTH_MAX + 1)) /* waiting: each division takes one away */

struct call {
    const struct od_aggregate *aggregate; /* borrowed */
    struct od_aggregate_states
        states;                    /* one a group; a single one, for group after group, when it keeps rows */
    struct od_aggregate_rows rows; /* when it keeps rows */
    bool keeps_rows;
    uint32_t column;          /* first of its columns in a spilled row */
    struct od_value fraction; /* of a percentile */
};

struct pending_run {
    struct od_spill_run *run; /* owned */
    uint32_t depth;
};

enum aggregate_state { TAKING, EMITTING, LOADING, SPILLING };

struct aggregate {
    struct od_op op;
    struct od_budget held;       /* no limit: it counts */
    struct od_schema key_schema; /* the first fields of the output */
    struct od_batch_builder keys;
    struct od_hash_table table; /* over keys */
    struct call *calls;         /* in the operator_arena */
    uint32_t call_count;
    uint32_t group_count;
    enum aggregate_state state;
    bool input_is_done;
    uint32_t next_group; /* to come out */
    /* The batch that is coming out. */
    uint32_t coming_count; /* its groups; 0: none is begun */
    uint32_t coming_call;  /* whose column is being made */
    uint32_t coming_group; /* for which it is */
    bool kept_are_sorted;  /* the rows that the one keeps for the other */
    const uint32_t *kept;  /* these; lent */
    uint32_t next_kept;    /* to be added to the state */
    /* Spilling. */
    struct od_schema spill_schema; /* in the operator_arena */
    uint32_t part_column;
    uint32_t depth;                        /* of the rows that are being taken */
    struct od_spill_run *divided[FAN_OUT]; /* owned; being written; all NULL: nothing is */
    struct pending_run pending[RUNS_MAX]; /* to be loaded, last first; the last one is loading when LOADING */
    uint32_t pending_count;
    /* While SPILLING. */
    enum aggregate_state state_after;
    uint32_t spill_depth; /* of what is written */
    uint32_t spill_part;  /* and its next row */
    uint32_t spill_row;
    struct od_batch_builder spilled; /* of spill_schema */
};

/* --- life ----------------------------------------------------------------------------------------------- */

static enum od_status grow_states(struct aggregate *aggregate)
{
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        uint32_t group_count = aggregate->calls[i].keeps_rows ? 1 : aggregate->group_count;
        OD_TRY(od_aggregate_states_grow(&aggregate->calls[i].states, group_count));
    }
    return OD_OK;
}

/* No groups, or the one that is always there. */
static enum od_status begin_groups(struct aggregate *aggregate)
{
    aggregate->group_count = aggregate->key_schema.field_count == 0;
    od_hash_table_init(&aggregate->table, &aggregate->held.memory);
    OD_TRY(od_batch_builder_init(&aggregate->keys, &aggregate->held.memory, &aggregate->key_schema,
                                 aggregate->op.error));
    return grow_states(aggregate);
}

static void release_groups(struct aggregate *aggregate)
{
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        od_aggregate_states_release(&aggregate->calls[i].states);
        od_aggregate_rows_release(&aggregate->calls[i].rows);
    }
    od_hash_table_release(&aggregate->table);
    od_batch_builder_release(&aggregate->keys);
}

static enum od_status restart_groups(struct aggregate *aggregate)
{
    release_groups(aggregate);
    od_op_holds(&aggregate->op, 0);
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        if (aggregate->calls[i].keeps_rows)
            OD_TRY(od_aggregate_rows_reset(&aggregate->calls[i].rows));
    }
    return begin_groups(aggregate);
}

/* Keys, states, part, kept rows. */
static enum od_status plan_spilling(struct aggregate *aggregate)
{
    struct od_op *op = &aggregate->op;
    struct od_schema *schema = &aggregate->spill_schema;
    uint32_t room = aggregate->key_schema.field_count + 1;
    for (uint32_t i = 0; i < aggregate->call_count; i++)
        room += aggregate->calls[i].keeps_rows ? aggregate->calls[i].rows.schema.field_count : 1;
    OD_TAKE(schema->fields, &op->operator_arena, room, op->error);
    for (uint32_t i = 0; i < aggregate->key_schema.field_count; i++)
        schema->fields[schema->field_count++] = aggregate->key_schema.fields[i];
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        struct call *call = &aggregate->calls[i];
        call->column = schema->field_count;
        if (call->keeps_rows)
            continue;
        schema->fields[schema->field_count++] = (struct od_field){
            .name = "state", .type = od_aggregate_state_type(call->aggregate), .nullable = true};
    }
    aggregate->part_column = schema->field_count;
    schema->fields[schema->field_count++] = (struct od_field){.name = "part", .type = OD_TYPE_INT64};
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        struct call *call = &aggregate->calls[i];
        if (!call->keeps_rows)
            continue;
        call->column = schema->field_count;
        for (uint32_t k = 0; k < call->rows.schema.field_count; k++)
            schema->fields[schema->field_count++] = call->rows.schema.fields[k];
    }
    return OD_OK;
}

static enum od_status start_call(struct aggregate *aggregate, struct call *call)
{
    struct od_op *op = &aggregate->op;
    od_aggregate_states_init(&call->states, &aggregate->held.memory, call->aggregate, op->error);
    call->keeps_rows = od_aggregate_keeps_rows(call->aggregate);
    if (!call->keeps_rows)
        return OD_OK;
    od_assert(op->node->phase == OD_AGGREGATE_COMPLETE);
    if (call->aggregate->second != NULL && od_aggregate_is_within_group(call->aggregate->function))
        OD_TRY(od_evaluate_constant(call->aggregate->second, &op->operator_arena, &call->fraction,
                                    aggregate->op.error));
    OD_TRY(od_aggregate_rows_init(&call->rows, &op->operator_arena, &aggregate->held.memory, call->aggregate,
                                  aggregate->op.error));
    call->rows.hash_bits_off = op->env.hash_bits_off;
    return OD_OK;
}

static enum od_status aggregate_start(struct od_op *op)
{
    struct aggregate *aggregate = (struct aggregate *)op;
    uint32_t key_count = op->node->aggregate.group_count;
    uint32_t call_count = op->node->aggregate.aggregate_count;
    od_budget_init(&aggregate->held, op->env.memory, 0);
    aggregate->key_schema = (struct od_schema){.field_count = key_count, .fields = op->node->schema.fields};
    OD_TAKE(aggregate->calls, &op->operator_arena, call_count, op->error);
    for (; aggregate->call_count < call_count; aggregate->call_count++) {
        struct call *call = &aggregate->calls[aggregate->call_count];
        call->aggregate = &op->node->aggregate.aggregates[aggregate->call_count];
        enum od_status status = start_call(aggregate, call);
        if (status != OD_OK) {
            aggregate->call_count++; /* which is released with the others */
            return status;
        }
    }
    OD_TRY(plan_spilling(aggregate));
    return begin_groups(aggregate);
}

static void aggregate_release(struct od_op *op)
{
    struct aggregate *aggregate = (struct aggregate *)op;
    release_groups(aggregate);
    for (uint32_t i = 0; i < FAN_OUT; i++)
        od_spill_run_free(aggregate->divided[i]);
    for (uint32_t i = 0; i < aggregate->pending_count; i++)
        od_spill_run_free(aggregate->pending[i].run);
    od_batch_builder_release(&aggregate->spilled);
    od_budget_release(&aggregate->held);
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

/* The key columns of a batch, in batch_arena: the first ones of it, or computed. */
static enum od_status key_columns(struct aggregate *aggregate, const struct od_batch *input, bool are_first,
                                  struct od_batch *keys_out)
{
    struct od_op *op = &aggregate->op;
    uint32_t key_count = aggregate->key_schema.field_count;
    struct od_selection every_row;
    struct od_column *columns;
    OD_TRY(od_op_evaluate(op, input, NULL, op->node->aggregate.groups, are_first ? 0 : key_count, &every_row,
                          &columns));
    if (are_first)
        OD_TAKE(columns, &op->batch_arena, key_count, op->error);
    for (uint32_t i = 0; i < key_count; i++) {
        if (are_first)
            columns[i] = input->columns[i];
        if (!make_canonical(&op->batch_arena, &columns[i]))
            return od_op_no_memory(op, "making keys canonical");
    }
    *keys_out = (struct od_batch){
        .schema = &aggregate->key_schema, .row_count = input->row_count, .columns = columns};
    return OD_OK;
}

static enum od_status add_group(struct aggregate *aggregate, const struct od_batch *keys, uint32_t row,
                                uint64_t hash)
{
    OD_TRY(od_batch_builder_append_rows(&aggregate->keys, keys, NULL, row, 1, aggregate->op.error));
    OD_TRY(od_hash_table_insert(&aggregate->table, hash, aggregate->op.error));
    od_batch_builder_view(&aggregate->keys); /* views of the grown keys, for od_keys_equal */
    aggregate->group_count++;
    return OD_OK;
}

/* Of equal numerics the one with most digits behind the point stays. */
static void show_largest_scale(struct aggregate *aggregate, const struct od_batch *keys, uint32_t row,
                               uint32_t group)
{
    for (uint32_t i = 0; i < keys->schema->field_count; i++) {
        if (keys->columns[i].type != OD_TYPE_DECIMAL || od_column_is_null(&keys->columns[i], row))
            continue;
        struct od_decimal *kept = (struct od_decimal *)aggregate->keys.columns[i].values + group;
        const struct od_decimal *other = (const struct od_decimal *)keys->columns[i].values + row;
        if (other->scale > kept->scale)
            *kept = *other;
    }
}

/* Sets the group of each row, in batch_arena. */
static enum od_status find_groups(struct aggregate *aggregate, const struct od_batch *keys,
                                  uint32_t **groups_out)
{
    struct od_arena *arena = &aggregate->op.batch_arena;
    OD_TAKE_LIST(uint32_t, groups, arena, keys->row_count, aggregate->op.error);
    OD_TAKE_LIST(uint64_t, hashes, arena, keys->row_count, aggregate->op.error);
    *groups_out = groups;
    if (keys->schema->field_count == 0)
        return OD_OK; /* all in group 0 */
    od_op_hash_keys(&aggregate->op, keys, NULL, keys->schema->field_count, hashes);
    for (uint32_t row = 0; row < keys->row_count; row++) {
        uint32_t group = od_hash_table_first(&aggregate->table, hashes[row]);
        while (group != OD_HASH_TABLE_NONE &&
               !od_keys_equal(keys->columns, row, aggregate->keys.views, group, keys->schema->field_count))
            group = od_hash_table_next(&aggregate->table, group);
        if (group == OD_HASH_TABLE_NONE) {
            group = aggregate->group_count;
            OD_TRY(add_group(aggregate, keys, row, hashes[row]));
        }
        show_largest_scale(aggregate, keys, row, group);
        groups[row] = group;
    }
    return grow_states(aggregate);
}

/* --- rows into groups ----------------------------------------------------------------------------------- */

/* Cells of a call's state column, or (spilled) rows that it keeps: the rows whose part is its own; all without parts. */
static enum od_status merge_call(struct aggregate *aggregate, uint32_t index, const struct od_batch *input,
                                 const uint32_t *groups, const int64_t *parts)
{
    struct call *call = &aggregate->calls[index];
    struct od_arena *arena = &aggregate->op.batch_arena;
    const struct od_column *columns = &input->columns[call->column];
    int64_t part = call->keeps_rows ? index + INT64_C(1) : 0;
    uint32_t count = 0;
    OD_TAKE_LIST(uint32_t, rows, arena, input->row_count, aggregate->op.error);
    for (uint32_t row = 0; row < input->row_count; row++) {
        if (parts == NULL || parts[row] == part)
            rows[count++] = row;
    }
    if (call->keeps_rows)
        return od_aggregate_rows_add(&call->rows, columns, groups, rows, count, arena);
    for (uint32_t i = 0; i < count; i++)
        OD_TRY(od_aggregate_states_merge(&call->states, groups[rows[i]], columns, rows[i]));
    return OD_OK;
}

/* The group of each selected row. */
static enum od_status selected_groups(struct aggregate *aggregate, const struct od_selection *selection,
                                      const uint32_t *groups, const uint32_t **groups_out)
{
    *groups_out = groups;
    if (selection->rows == NULL)
        return OD_OK;
    OD_TAKE_LIST(uint32_t, selected, &aggregate->op.batch_arena, selection->count, aggregate->op.error);
    for (uint32_t i = 0; i < selection->count; i++)
        selected[i] = groups[selection->rows[i]];
    *groups_out = selected;
    return OD_OK;
}

static enum od_status update_call(struct aggregate *aggregate, struct call *call,
                                  const struct od_batch *input, const uint32_t *groups)
{
    const struct od_expr *arguments[] = {call->aggregate->argument, call->aggregate->second};
    uint32_t argument_count = od_aggregate_argument_count(call->aggregate->function);
    struct od_selection selection;
    struct od_column *columns;
    OD_TRY(od_op_evaluate(
        &aggregate->op, input, call->aggregate->filter, call->keeps_rows ? call->rows.exprs : arguments,
        call->keeps_rows ? call->rows.schema.field_count : argument_count, &selection, &columns));
    OD_TRY(selected_groups(aggregate, &selection, groups, &groups));
    if (call->keeps_rows)
        return od_aggregate_rows_add(&call->rows, columns, groups, NULL, selection.count,
                                     &aggregate->op.batch_arena);
    for (uint32_t i = 0; i < selection.count; i++)
        OD_TRY(od_aggregate_states_add(&call->states, groups[i], columns, i));
    return OD_OK;
}

/* A batch of the input or (is_spilled) of a run. */
static enum od_status take_batch(struct aggregate *aggregate, const struct od_batch *input, bool is_spilled)
{
    struct od_batch keys;
    uint32_t *groups = NULL;
    bool has_states = is_spilled || aggregate->op.node->phase == OD_AGGREGATE_FINAL;
    const int64_t *parts = is_spilled ? input->columns[aggregate->part_column].values : NULL;
    od_arena_reset(&aggregate->op.batch_arena);
    OD_TRY(key_columns(aggregate, input, has_states, &keys));
    OD_TRY(find_groups(aggregate, &keys, &groups));
    for (uint32_t i = 0; i < aggregate->call_count; i++)
        OD_TRY(has_states ? merge_call(aggregate, i, input, groups, parts)
                          : update_call(aggregate, &aggregate->calls[i], input, groups));
    return OD_OK;
}

/* --- spilling ------------------------------------------------------------------------------------------- */

/* One row of `part` into `spilled`: its group's key, and states or the kept row. */
static enum od_status put_spilled(struct aggregate *aggregate, struct od_batch_builder *spilled, int64_t part,
                                  uint32_t row)
{
    const struct call *keeper = part == 0 ? NULL : &aggregate->calls[part - 1];
    uint32_t group = keeper == NULL ? row : keeper->rows.groups[row];
    struct od_value value = {.type = OD_TYPE_INT64, .int64 = part};
    for (uint32_t i = 0; i < aggregate->key_schema.field_count; i++) {
        struct od_value key = od_column_value(&aggregate->keys.views[i], group);
        OD_TRY(od_batch_builder_append(spilled, i, &key, aggregate->op.error));
    }
    OD_TRY(od_batch_builder_append(spilled, aggregate->part_column, &value, aggregate->op.error));
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        struct call *call = &aggregate->calls[i];
        uint32_t column_count = call->keeps_rows ? call->rows.schema.field_count : 1;
        if (!call->keeps_rows && part == 0) {
            OD_TRY(od_aggregate_states_put(&call->states, group, true, spilled, call->column));
            continue;
        }
        for (uint32_t k = 0; k < column_count; k++) {
            struct od_value cell = {.type = aggregate->spill_schema.fields[call->column + k].type,
                                    .is_null = true};
            if (call == keeper)
                cell = od_column_value(&call->rows.rows.views[k], row);
            OD_TRY(od_batch_builder_append(spilled, call->column + k, &cell, aggregate->op.error));
        }
    }
    od_batch_builder_end_row(spilled);
    return OD_OK;
}

/* What `spilled` holds, from spill_row on, each row to the run of its group. */
static enum od_status divide(struct aggregate *aggregate)
{
    uint32_t first = aggregate->spill_row;
    uint32_t part = aggregate->spill_part;
    const uint32_t *groups = part == 0 ? NULL : aggregate->calls[part - 1].rows.groups + first;
    struct od_batch batch = od_batch_builder_view(&aggregate->spilled);
    od_arena_reset(&aggregate->op.batch_arena);
    OD_TAKE_LIST(uint32_t, rows, &aggregate->op.batch_arena, batch.row_count, aggregate->op.error);
    for (uint32_t run = 0; run < FAN_OUT; run++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < batch.row_count; i++) {
            uint64_t hash = aggregate->table.hashes[groups == NULL ? first + i : groups[i]];
            if (od_mix_two(hash, aggregate->spill_depth) % FAN_OUT == run)
                rows[count++] = i;
        }
        OD_TRY(od_spill_run_append(aggregate->divided[run], &batch, rows, count, aggregate->op.error));
    }
    return OD_OK;
}

/* The rows of the part at hand, as far as there is room. */
static enum od_status spill_part(struct aggregate *aggregate, uint32_t *room)
{
    uint32_t part = aggregate->spill_part;
    struct od_batch_builder *spilled = &aggregate->spilled;
    struct od_batch_builder *kept = part == 0 ? &aggregate->keys : &aggregate->calls[part - 1].rows.rows;
    od_batch_builder_view(kept); /* the views that put_spilled reads */
    while (aggregate->spill_row < kept->row_count && *room != 0) {
        uint32_t left = kept->row_count - aggregate->spill_row;
        uint32_t count = left < aggregate->op.env.batch_rows ? left : aggregate->op.env.batch_rows;
        od_batch_builder_reset(spilled);
        for (uint32_t i = 0; i < count; i++)
            OD_TRY(put_spilled(aggregate, spilled, part, aggregate->spill_row + i));
        OD_TRY(divide(aggregate));
        aggregate->spill_row += count;
        *room -= count < *room ? count : *room;
    }
    return OD_OK;
}

/* All groups are to go to runs. */
static enum od_status begin_spilling(struct aggregate *aggregate, uint32_t depth, enum aggregate_state after)
{
    aggregate->state = SPILLING;
    aggregate->state_after = after;
    aggregate->spill_depth = depth;
    aggregate->spill_part = 0;
    aggregate->spill_row = 0;
    for (uint32_t run = 0; run < FAN_OUT; run++) {
        if (aggregate->divided[run] == NULL)
            OD_TRY(od_spill_run_new(&aggregate->op.env, &aggregate->spill_schema, &aggregate->divided[run],
                                    aggregate->op.error));
    }
    return od_batch_builder_init(&aggregate->spilled, aggregate->op.env.memory, &aggregate->spill_schema,
                                 aggregate->op.error);
}

static bool is_too_large(struct aggregate *aggregate)
{
    bool is_due = od_op_holds(&aggregate->op, aggregate->held.used_bytes);
    return is_due && aggregate->group_count >= 2 && aggregate->depth < DEPTH_MAX;
}

/* --- output --------------------------------------------------------------------------------------------- */

static enum od_status begin_emitting(struct aggregate *aggregate)
{
    aggregate->state = EMITTING;
    aggregate->next_group = 0;
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        if (aggregate->calls[i].keeps_rows)
            OD_TRY(od_aggregate_rows_end(&aggregate->calls[i].rows, aggregate->group_count));
    }
    return OD_OK;
}

/* Input, or a run, has ended: what is in memory comes out, unless part of it has been divided. */
static enum od_status end_of_rows(struct aggregate *aggregate)
{
    return aggregate->divided[0] == NULL ? begin_emitting(aggregate)
                                         : begin_spilling(aggregate, aggregate->depth, EMITTING);
}

/* All that was divided waits; nothing is in memory. */
static enum od_status end_dividing(struct aggregate *aggregate)
{
    for (uint32_t run = 0; run < FAN_OUT; run++) {
        od_assert(aggregate->pending_count < RUNS_MAX);
        aggregate->pending[aggregate->pending_count++] =
            (struct pending_run){.run = aggregate->divided[run], .depth = aggregate->depth + 1};
        aggregate->divided[run] = NULL;
    }
    return begin_emitting(aggregate);
}

static enum od_status spill(struct aggregate *aggregate)
{
    uint32_t room = od_op_step_rows(&aggregate->op);
    for (; aggregate->spill_part <= aggregate->call_count; aggregate->spill_part++) {
        if (aggregate->spill_part == 0 || aggregate->calls[aggregate->spill_part - 1].keeps_rows)
            OD_TRY(spill_part(aggregate, &room));
        if (room == 0)
            return OD_OK;
        aggregate->spill_row = 0;
    }
    od_batch_builder_release(&aggregate->spilled);
    OD_TRY(restart_groups(aggregate));
    aggregate->state = aggregate->state_after;
    return aggregate->state == EMITTING ? end_dividing(aggregate) : OD_OK;
}

static enum od_status emit_keys(struct aggregate *aggregate, uint32_t first, uint32_t count)
{
    struct od_op *op = &aggregate->op;
    OD_TAKE_LIST(uint32_t, groups, &op->batch_arena, count, op->error);
    for (uint32_t i = 0; i < count; i++)
        groups[i] = first + i;
    struct od_batch keys = od_batch_builder_view(&aggregate->keys);
    for (uint32_t i = 0; i < aggregate->key_schema.field_count; i++)
        OD_TRY(od_batch_builder_append_column(&aggregate->op.output, i, &keys.columns[i], groups, count,
                                              aggregate->op.error));
    return OD_OK;
}

static enum od_status end_group(struct aggregate *aggregate)
{
    aggregate->kept_are_sorted = false;
    aggregate->coming_group++;
    return OD_OK;
}

/* The result over the rows that were kept of a group, if there is room enough to come to its end. */
static enum od_status emit_kept(struct aggregate *aggregate, struct call *call, uint32_t column,
                                uint32_t *room)
{
    struct od_batch_builder *output = &aggregate->op.output;
    const struct od_column *columns = call->rows.rows.views;
    uint32_t group = aggregate->coming_group;
    if (!aggregate->kept_are_sorted) {
        if (!od_aggregate_rows_sort(&call->rows, group, room, &aggregate->kept))
            return OD_OK;
        aggregate->kept_are_sorted = true;
        aggregate->next_kept = 0;
        od_aggregate_states_clear(&call->states, 0);
    }
    uint32_t count = call->rows.sorted_count;
    if (od_aggregate_is_within_group(call->aggregate->function)) {
        struct od_value value;
        OD_TRY(od_aggregate_of_sorted(call->aggregate, &call->fraction, columns, aggregate->kept, count,
                                      &value, aggregate->op.error));
        OD_TRY(od_batch_builder_append(output, column, &value, aggregate->op.error));
        return end_group(aggregate);
    }
    for (; aggregate->next_kept < count && *room != 0; aggregate->next_kept++, --*room)
        OD_TRY(od_aggregate_states_add(&call->states, 0, columns, aggregate->kept[aggregate->next_kept]));
    if (aggregate->next_kept < count)
        return OD_OK;
    OD_TRY(od_aggregate_states_put(&call->states, 0, false, output, column));
    return end_group(aggregate);
}

/* The columns of the calls, as far as there is room for kept rows. */
static enum od_status emit_calls(struct aggregate *aggregate)
{
    bool is_partial = aggregate->op.node->phase == OD_AGGREGATE_PARTIAL;
    uint32_t end = aggregate->next_group + aggregate->coming_count;
    uint32_t room = od_op_step_rows(&aggregate->op);
    for (; aggregate->coming_call < aggregate->call_count; aggregate->coming_call++) {
        struct call *call = &aggregate->calls[aggregate->coming_call];
        uint32_t column = aggregate->key_schema.field_count + aggregate->coming_call; /* states, too */
        while (call->keeps_rows && aggregate->coming_group < end) {
            if (room == 0)
                return OD_OK;
            OD_TRY(emit_kept(aggregate, call, column, &room));
        }
        for (; aggregate->coming_group < end; aggregate->coming_group++)
            OD_TRY(od_aggregate_states_put(&call->states, aggregate->coming_group, is_partial,
                                           &aggregate->op.output, column));
        aggregate->coming_group = aggregate->next_group;
    }
    return OD_OK;
}

static enum od_status begin_batch(struct aggregate *aggregate)
{
    struct od_op *op = &aggregate->op;
    uint32_t left = aggregate->group_count - aggregate->next_group;
    aggregate->coming_count = left < op->env.batch_rows ? left : op->env.batch_rows;
    aggregate->coming_call = 0;
    aggregate->coming_group = aggregate->next_group;
    od_arena_reset(&op->batch_arena);
    od_batch_builder_reset(&op->output);
    return emit_keys(aggregate, aggregate->next_group, aggregate->coming_count);
}

static enum od_status emit(struct aggregate *aggregate)
{
    struct od_op *op = &aggregate->op;
    if (aggregate->coming_count == 0)
        OD_TRY(begin_batch(aggregate));
    OD_TRY(emit_calls(aggregate));
    if (aggregate->coming_call < aggregate->call_count)
        return OD_OK;
    od_batch_builder_end_rows(&op->output, aggregate->coming_count);
    aggregate->next_group += aggregate->coming_count;
    aggregate->coming_count = 0;
    op->view = od_batch_builder_view(&op->output);
    return OD_OK;
}

/* All groups are out: on with the input, or with the next run. */
static enum od_status begin_next(struct aggregate *aggregate)
{
    OD_TRY(restart_groups(aggregate));
    aggregate->state = aggregate->input_is_done ? LOADING : TAKING;
    if (aggregate->state == TAKING)
        return OD_OK;
    const struct pending_run *next = &aggregate->pending[aggregate->pending_count - 1];
    aggregate->depth = next->depth;
    return od_spill_run_rewind(next->run, aggregate->op.error);
}

/* --- stepping ------------------------------------------------------------------------------------------- */

static enum od_status load(struct aggregate *aggregate)
{
    const struct od_batch *batch;
    struct pending_run *loading = &aggregate->pending[aggregate->pending_count - 1];
    OD_TRY(od_spill_run_next(loading->run, &batch, aggregate->op.error));
    if (batch == NULL) {
        od_spill_run_free(loading->run);
        aggregate->pending_count--;
        return end_of_rows(aggregate);
    }
    OD_TRY(take_batch(aggregate, batch, true));
    return is_too_large(aggregate) ? begin_spilling(aggregate, aggregate->depth, LOADING) : OD_OK;
}

/* A batch of the input. PARTIAL gives too many groups away, the others write them. */
static enum od_status take(struct aggregate *aggregate, const struct od_batch *batch)
{
    OD_TRY(take_batch(aggregate, batch, false));
    if (!is_too_large(aggregate))
        return OD_OK;
    if (aggregate->op.node->phase == OD_AGGREGATE_PARTIAL)
        return end_of_rows(aggregate);
    return begin_spilling(aggregate, 0, TAKING);
}

static enum od_status aggregate_step(struct od_op *op)
{
    struct aggregate *aggregate = (struct aggregate *)op;
    const struct od_batch *input;
    switch (aggregate->state) {
    case TAKING:
        OD_TRY(od_op_pull(op, 0, &input));
        if (input != NULL)
            return take(aggregate, input);
        aggregate->input_is_done = od_op_input_ended(op);
        return aggregate->input_is_done ? end_of_rows(aggregate) : OD_OK;
    case LOADING:
        return load(aggregate);
    case SPILLING:
        return spill(aggregate);
    case EMITTING:
        if (aggregate->next_group < aggregate->group_count)
            return emit(aggregate);
        if (!aggregate->input_is_done || aggregate->pending_count > 0)
            return begin_next(aggregate);
        op->says = OD_STEP_DONE;
        return OD_OK;
    }
    od_unreachable();
}

const struct od_op_kind od_op_aggregate = {.bytes = sizeof(struct aggregate),
                                           .start = aggregate_start,
                                           .step = aggregate_step,
                                           .release = aggregate_release,
                                           .builds_rows = true};
