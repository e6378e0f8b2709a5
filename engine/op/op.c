/* op: the table of operators, and what is the same for all of them: building, stepping, the end.
 *
 * A new operator is one file, one line in op_base.h and one row here. The end of an operator is kept here
 * once: after DONE or FAILED its step is never called again, so that no operator needs a state for "over". */
#include "engine/op/op.h"

#include "engine/core/assert.h"
#include "engine/op/op_base.h"
#include "engine/op/spill.h"

/* Small: thousands of tiny queries a second each build a few operators. */
#define ARENA_BYTES 2048
#define LEAST_SHARE 16u /* of what the task may hold */

static const struct od_op_kind *const kinds[] = {
    [OD_PHYSICAL_SCAN] = &od_op_scan,
    [OD_PHYSICAL_EXCHANGE_READ] = &od_op_exchange_read,
    [OD_PHYSICAL_FILTER] = &od_op_filter,
    [OD_PHYSICAL_PROJECT] = &od_op_expand,
    [OD_PHYSICAL_HASH_JOIN] = &od_op_hash_join,
    [OD_PHYSICAL_MERGE_JOIN] = &od_op_merge_join,
    [OD_PHYSICAL_NESTED_LOOP_JOIN] = &od_op_hash_join, /* without keys */
    [OD_PHYSICAL_VALUES] = &od_op_values,
    [OD_PHYSICAL_UNION] = &od_op_union,
    [OD_PHYSICAL_EXPAND] = &od_op_expand,
    [OD_PHYSICAL_WINDOW] = &od_op_window,
    [OD_PHYSICAL_MAP] = &od_op_map,
    [OD_PHYSICAL_AGGREGATE] = &od_op_aggregate,
    [OD_PHYSICAL_SORT] = &od_op_sort,
    [OD_PHYSICAL_TOP_N] = &od_op_sort, /* a sort with a limit */
    [OD_PHYSICAL_LIMIT] = &od_op_limit,
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == OD_PHYSICAL_KIND_COUNT, "every operator has a row");

/* Where FALSE and NULL differ, a NULL key concerns all rows of the other side: merging cannot see them
 * together. */
static const struct od_op_kind *kind_of(const struct od_physical *node)
{
    bool asks_nulls = node->kind == OD_PHYSICAL_MERGE_JOIN &&
                      (node->join.type == OD_JOIN_MARK || node->join.type == OD_JOIN_NULL_ANTI);
    return asks_nulls ? &od_op_hash_join : kinds[node->kind];
}

enum od_status od_op_no_memory(const struct od_op *op, const char *doing)
{
    return od_fail(op->error, OD_NO_MEMORY, "%s: %s: node=%u", od_physical_kind_text(op->node->kind), doing,
                   op->node->node_index);
}

bool od_op_holds(struct od_op *op, uint64_t held_bytes)
{
    struct od_op_account *account = op->env.account;
    account->held_bytes += held_bytes - op->held_bytes;
    op->held_bytes = held_bytes;
    if (held_bytes > op->metrics.peak_bytes)
        op->metrics.peak_bytes = held_bytes;
    if (account->held_bytes > account->peak_bytes)
        account->peak_bytes = account->held_bytes;
    if (account->operator_bytes_max != 0 && held_bytes >= account->operator_bytes_max)
        return true;
    return account->task_bytes_max != 0 && account->held_bytes > account->task_bytes_max &&
           held_bytes > account->task_bytes_max / LEAST_SHARE;
}

void od_op_free(struct od_op *op)
{
    if (op == NULL)
        return;
    if (op->kind->release != NULL)
        op->kind->release(op);
    od_op_holds(op, 0);
    for (uint32_t i = 0; i < 2; i++)
        od_op_free(op->inputs[i]);
    od_batch_builder_release(&op->output);
    od_arena_release(&op->operator_arena);
    od_arena_release(&op->batch_arena);
    od_give(op->env.memory, op, op->kind->bytes);
}

enum od_status od_op_new(const struct od_physical *node, const struct od_op_env *env, struct od_op **op_out,
                         struct od_error *error)
{
    od_assert((unsigned)node->kind < OD_PHYSICAL_KIND_COUNT);
    od_assert(env->batch_rows >= 1);
    od_assert(env->task_index < env->task_count);
    const struct od_op_kind *kind = kind_of(node);
    enum od_status status = OD_OK;
    struct od_op *op = od_take(env->memory, kind->bytes);
    *op_out = NULL;
    if (op == NULL)
        return od_fail(error, OD_NO_MEMORY, "building an operator: node=%u", node->node_index);
    op->kind = kind;
    op->node = node;
    op->env = *env;
    op->says = OD_STEP_AGAIN;
    op->error = &op->failure;
    od_arena_init(&op->operator_arena, env->memory, ARENA_BYTES);
    od_arena_init(&op->batch_arena, env->memory, ARENA_BYTES);
    for (uint32_t i = 0; i < node->input_count && status == OD_OK; i++)
        status = od_op_new(node->inputs[i], env, &op->inputs[i], op->error);
    if (status == OD_OK && kind->builds_rows)
        status = od_batch_builder_init(&op->output, env->memory, &node->schema, op->error);
    if (status == OD_OK && kind->start != NULL)
        status = kind->start(op);
    if (status == OD_OK) {
        *op_out = op;
        return OD_OK;
    }
    if (error != NULL)
        *error = op->failure;
    od_op_free(op);
    return status;
}

static uint64_t now_ns(const struct od_op *op)
{
    return op->env.clock.now_ns == NULL ? 0 : op->env.clock.now_ns(op->env.clock.self);
}

static void take_step(struct od_op *op)
{
    struct od_op_metrics *metrics = &op->metrics;
    uint64_t spilled_bytes = op->env.account->spilled_bytes;
    uint64_t started_ns = now_ns(op);
    op->says = OD_STEP_AGAIN;
    op->view.row_count = 0;
    if (op->kind->step(op) != OD_OK)
        op->says = OD_STEP_FAILED;
    else if (op->view.row_count > 0)
        op->says = OD_STEP_OUTPUT;
    else if (op->says == OD_STEP_OUTPUT)
        op->says = OD_STEP_AGAIN; /* of an input, whose rows gave none */
    metrics->time_ns += now_ns(op) - started_ns;
    metrics->spilled_bytes += op->env.account->spilled_bytes - spilled_bytes;
    if (op->says != OD_STEP_OUTPUT)
        return;
    metrics->batches++;
    metrics->rows += op->view.row_count;
    metrics->bytes += od_spill_batch_bytes(&op->view);
    if (op->env.sums_outputs)
        op->checksum = od_hash128_add(op->checksum, od_batch_checksum(&op->view));
}

static uint32_t collect_metrics(const struct od_op *op, struct od_op_metrics *list_out)
{
    struct od_op_metrics *own = list_out;
    uint32_t count = 1;
    *own = op->metrics;
    for (uint32_t i = 0; i < op->node->input_count; i++) {
        own->time_ns -= op->inputs[i]->metrics.time_ns;
        own->spilled_bytes -= op->inputs[i]->metrics.spilled_bytes;
        count += collect_metrics(op->inputs[i], list_out + count);
    }
    return count;
}

void od_op_metrics(const struct od_op *op, struct od_op_metrics *list_out)
{
    collect_metrics(op, list_out);
}

static uint32_t collect_checksums(const struct od_op *op, struct od_hash128 *list_out)
{
    uint32_t count = 1;
    *list_out = op->checksum;
    for (uint32_t i = 0; i < op->node->input_count; i++)
        count += collect_checksums(op->inputs[i], list_out + count);
    return count;
}

void od_op_checksums(const struct od_op *op, struct od_hash128 *list_out)
{
    collect_checksums(op, list_out);
}

enum od_step od_op_step(struct od_op *op, const struct od_batch **batch_out, struct od_error *error)
{
    *batch_out = NULL;
    if (op->says != OD_STEP_DONE && op->says != OD_STEP_FAILED)
        take_step(op);
    if (op->says == OD_STEP_OUTPUT)
        *batch_out = &op->view;
    if (op->says == OD_STEP_FAILED) {
        od_assert(op->failure.status != OD_OK);
        if (error != NULL)
            *error = op->failure;
    }
    return op->says;
}

/* --- what many operators do ----------------------------------------------------------------------------- */

enum od_status od_op_pull(struct od_op *op, uint32_t input, const struct od_batch **batch_out)
{
    op->says = od_op_step(op->inputs[input], batch_out, op->error);
    return op->says == OD_STEP_FAILED ? op->failure.status : OD_OK;
}

void od_op_pass(struct od_op *op, const struct od_batch *batch)
{
    op->view = *batch;
    op->view.schema = &op->node->schema;
}

enum od_status od_op_evaluate(struct od_op *op, const struct od_batch *batch, const struct od_expr *filter,
                              const struct od_expr *const *exprs, uint32_t count,
                              struct od_selection *selection_out, struct od_column **columns_out)
{
    OD_TAKE_LIST(struct od_column, columns, &op->batch_arena, count, op->error);
    *columns_out = columns;
    *selection_out = (struct od_selection){.count = batch->row_count};
    if (filter != NULL)
        OD_TRY(od_evaluate_true(filter, batch, selection_out, &op->batch_arena, selection_out, op->error));
    for (uint32_t i = 0; i < count; i++)
        OD_TRY(od_evaluate(exprs[i], batch, selection_out, &op->batch_arena, &columns[i], op->error));
    return OD_OK;
}
