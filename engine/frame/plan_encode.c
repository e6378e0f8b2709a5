/* plan_encode: a plan is walked inputs first; each node and each expression becomes one message, and its user keeps its place.
 * A node that has several readers is written once. */
#include "engine/core/assert.h"
#include "engine/frame/plan_codec.h"
#include "engine/frame/plan_proto.h"

enum od_status od_encode_no_memory(const struct od_plan_encoder *encoder)
{
    return od_fail(encoder->error, OD_NO_MEMORY, "encoding a plan");
}

/* --- expressions ------------------------------------------------------------------------------ */

static enum od_status encode_value(struct od_plan_encoder *encoder, const struct od_value *value,
                                   Ordeal__Value **message_out)
{
    struct od_buffer text;
    OD_TAKE(*message_out, encoder->scratch, 1, encoder->error);
    Ordeal__Value *message = *message_out;
    ordeal__value__init(message);
    message->type = (char *)od_type_text(value->type);
    message->is_null = value->is_null;
    od_buffer_init(&text, encoder->scratch->memory);
    od_value_print(value, &text);
    message->text.len = text.size;
    message->text.data = (uint8_t *)od_arena_copy_buffer(encoder->scratch, &text);
    od_buffer_release(&text);
    return message->text.data == NULL ? od_encode_no_memory(encoder) : OD_OK;
}

static enum od_status encode_exprs(struct od_plan_encoder *encoder, const struct od_expr *const *exprs, size_t count,
                                   size_t *count_out, uint32_t **places_out);

enum od_status od_encode_expr(struct od_plan_encoder *encoder, const struct od_expr *expr, uint32_t *place_out)
{
    *place_out = 0;
    if (expr == NULL)
        return OD_OK;
    Ordeal__Plan *plan = &encoder->message;
    if (++encoder->depth > OD_CODEC_EXPR_DEPTH_MAX || plan->n_exprs >= OD_CODEC_EXPR_SIZE_MAX)
        return od_fail(encoder->error, OD_UNSUPPORTED, "encoding a plan: expressions of more than %u parts, or %u deep",
                       OD_CODEC_EXPR_SIZE_MAX, OD_CODEC_EXPR_DEPTH_MAX);
    OD_TAKE_LIST(Ordeal__Expr, message, encoder->scratch, 1, encoder->error);
    ordeal__expr__init(message);
    message->sql_offset = expr->sql_offset;
    switch (expr->kind) {
    case OD_EXPR_COLUMN:
        message->column = expr->column_index + 1;
        break;
    case OD_EXPR_LITERAL:
        OD_TRY(encode_value(encoder, &expr->literal, &message->literal));
        break;
    case OD_EXPR_CALL:
        message->function = (char *)od_function_text(expr->function);
        if (expr->function == OD_FUNCTION_CAST)
            message->type = (char *)od_type_text(expr->type);
        OD_TRY(encode_exprs(encoder, expr->arguments, expr->argument_count, &message->n_arguments, &message->arguments));
        break;
    case OD_EXPR_OUTER:
        return od_fail(encoder->error, OD_UNSUPPORTED,
                       "a plan that reads the query around it has no encoding");
    }
    OD_TRY(od_arena_grow(encoder->scratch, &plan->exprs, &encoder->expr_capacity, (uint32_t)plan->n_exprs,
                         sizeof(*plan->exprs), encoder->error));
    plan->exprs[plan->n_exprs++] = message;
    encoder->depth--;
    *place_out = (uint32_t)plan->n_exprs;
    return OD_OK;
}

static enum od_status encode_exprs(struct od_plan_encoder *encoder, const struct od_expr *const *exprs, size_t count,
                                   size_t *count_out, uint32_t **places_out)
{
    OD_TAKE(*places_out, encoder->scratch, count, encoder->error);
    for (*count_out = 0; *count_out < count; (*count_out)++)
        OD_TRY(od_encode_expr(encoder, exprs[*count_out], &(*places_out)[*count_out]));
    return OD_OK;
}

enum od_status od_encode_messages(struct od_plan_encoder *encoder, size_t count, size_t bytes, void *list_out)
{
    void **list = od_arena_take_array(encoder->scratch, count, sizeof(*list));
    char *messages = od_arena_take_array(encoder->scratch, count, bytes);
    if (list == NULL || messages == NULL)
        return od_encode_no_memory(encoder);
    for (size_t i = 0; i < count; i++)
        list[i] = messages + i * bytes;
    *(void ***)list_out = list;
    return OD_OK;
}

static enum od_status encode_keys(struct od_plan_encoder *encoder, const struct od_sort_key *keys, uint32_t count,
                                  size_t *count_out, Ordeal__Key ***list_out)
{
    OD_TRY(od_encode_messages(encoder, count, sizeof(Ordeal__Key), list_out));
    for (*count_out = 0; *count_out < count; (*count_out)++) {
        Ordeal__Key *message = (*list_out)[*count_out];
        ordeal__key__init(message);
        message->descending = keys[*count_out].descending;
        message->nulls_first = keys[*count_out].nulls_first;
        OD_TRY(od_encode_expr(encoder, keys[*count_out].expr, &message->expr));
    }
    return OD_OK;
}

static enum od_status encode_aggregate(struct od_plan_encoder *encoder, const struct od_aggregate *aggregate,
                                       Ordeal__Aggregate *message)
{
    ordeal__aggregate__init(message);
    message->function = (char *)od_aggregate_text(aggregate->function);
    message->distinct = aggregate->distinct;
    message->name = (char *)(aggregate->name == NULL ? "" : aggregate->name);
    OD_TRY(od_encode_expr(encoder, aggregate->argument, &message->argument));
    OD_TRY(od_encode_expr(encoder, aggregate->second, &message->second));
    OD_TRY(od_encode_expr(encoder, aggregate->filter, &message->filter));
    return encode_keys(encoder, aggregate->keys, aggregate->key_count, &message->n_keys, &message->keys);
}

static enum od_status encode_call(struct od_plan_encoder *encoder, const struct od_window_call *call,
                                  Ordeal__Call *message)
{
    ordeal__call__init(message);
    message->function = (char *)od_window_function_text(call->function);
    message->name = (char *)call->name;
    message->unit = call->frame.unit;
    message->start = call->frame.start;
    message->end = call->frame.end;
    message->exclusion = call->frame.exclusion;
    OD_TRY(od_encode_expr(encoder, call->frame.start_offset, &message->start_offset));
    OD_TRY(od_encode_expr(encoder, call->frame.end_offset, &message->end_offset));
    OD_TRY(encode_exprs(encoder, call->arguments, call->argument_count, &message->n_arguments, &message->arguments));
    if (call->function != OD_WINDOW_AGGREGATE)
        return OD_OK;
    OD_TAKE(message->aggregate, encoder->scratch, 1, encoder->error);
    return encode_aggregate(encoder, &call->aggregate, message->aggregate);
}

/* --- nodes ------------------------------------------------------------------------------------ */

enum od_status od_encode_fields(struct od_plan_encoder *encoder, const struct od_field *fields, uint32_t count,
                                size_t *count_out, Ordeal__Field ***list_out)
{
    OD_TRY(od_encode_messages(encoder, count, sizeof(Ordeal__Field), list_out));
    for (*count_out = 0; *count_out < count; (*count_out)++) {
        const struct od_field *field = &fields[*count_out];
        Ordeal__Field *message = (*list_out)[*count_out];
        ordeal__field__init(message);
        message->name = (char *)field->name;
        message->type = (char *)od_type_text(field->type);
        message->nullable = field->nullable;
    }
    return OD_OK;
}

enum od_status od_encode_list(struct od_plan_encoder *encoder, const struct od_clause_list *list, Ordeal__Node *node)
{
    switch (list->element) {
    case OD_CLAUSE_NUMBERS:
        node->n_columns = list->count;
        node->columns = (uint32_t *)list->items;
        return OD_OK;
    case OD_CLAUSE_EXPRS:
        return encode_exprs(encoder, list->items, list->count, &node->n_exprs, &node->exprs);
    case OD_CLAUSE_KEYS:
        return encode_keys(encoder, list->items, list->count, &node->n_keys, &node->keys);
    case OD_CLAUSE_AGGREGATES:
        OD_TRY(od_encode_messages(encoder, list->count, sizeof(Ordeal__Aggregate), &node->aggregates));
        for (; node->n_aggregates < list->count; node->n_aggregates++)
            OD_TRY(encode_aggregate(encoder, (const struct od_aggregate *)list->items + node->n_aggregates,
                                    node->aggregates[node->n_aggregates]));
        return OD_OK;
    case OD_CLAUSE_CALLS:
        OD_TRY(od_encode_messages(encoder, list->count, sizeof(Ordeal__Call), &node->calls));
        for (; node->n_calls < list->count; node->n_calls++)
            OD_TRY(encode_call(encoder, (const struct od_window_call *)list->items + node->n_calls,
                               node->calls[node->n_calls]));
        return OD_OK;
    }
    od_unreachable();
}

/* What a node has beside its lists. */
static enum od_status encode_rest(struct od_plan_encoder *encoder, const struct od_plan *plan, Ordeal__Node *node)
{
    switch (plan->kind) {
    case OD_PLAN_SCAN:
        node->table = (char *)plan->scan.table->name;
        return OD_OK;
    case OD_PLAN_JOIN:
        node->join = (char *)od_join_type_text(plan->join.type);
        return OD_OK;
    case OD_PLAN_LIMIT:
        node->offset = plan->limit.offset;
        node->count = plan->limit.count;
        return OD_OK;
    case OD_PLAN_REPARTITION:
        node->count = plan->repartition.partition_count;
        return OD_OK;
    case OD_PLAN_KEEP:
        node->count = plan->keep.kind;
        node->offset = plan->keep.key;
        return OD_OK;
    case OD_PLAN_AGGREGATE:
        return od_encode_fields(encoder, plan->schema.fields, plan->aggregate.group_count, &node->n_fields, &node->fields);
    case OD_PLAN_PROJECT:
    case OD_PLAN_VALUES:
    case OD_PLAN_EXPAND:
        node->count = plan->rows.row_count;
        return od_encode_fields(encoder, plan->schema.fields, plan->schema.field_count, &node->n_fields,
                                &node->fields);
    case OD_PLAN_APPLY:
    case OD_PLAN_MAP:
        return od_fail(encoder->error, OD_UNSUPPORTED, "%s has no encoding", od_plan_kind_text(plan->kind));
    default:
        return OD_OK;
    }
}

static enum od_status encode_node(struct od_plan_encoder *encoder, const struct od_plan *plan, uint32_t *place_out)
{
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX];
    Ordeal__Plan *message = &encoder->message;
    for (*place_out = 1; *place_out <= message->n_nodes; (*place_out)++)
        if (encoder->plans[*place_out - 1] == plan)
            return OD_OK;
    OD_TAKE_LIST(Ordeal__Node, node, encoder->scratch, 1, encoder->error);
    ordeal__node__init(node);
    node->kind = (char *)od_plan_kind_text(plan->kind);
    OD_TAKE(node->inputs, encoder->scratch, 2, encoder->error);
    for (; node->n_inputs < plan->input_count; node->n_inputs++)
        OD_TRY(encode_node(encoder, plan->inputs[node->n_inputs], &node->inputs[node->n_inputs]));
    OD_TRY(encode_rest(encoder, plan, node));
    uint32_t list_count = od_plan_clauses(plan, lists);
    for (uint32_t i = 0; i < list_count; i++)
        OD_TRY(od_encode_list(encoder, &lists[i], node));
    uint32_t count = (uint32_t)message->n_nodes;
    OD_TRY(od_arena_grow(encoder->scratch, &encoder->plans, &encoder->plan_capacity, count, sizeof(*encoder->plans),
                         encoder->error));
    OD_TRY(od_arena_grow(encoder->scratch, &message->nodes, &encoder->node_capacity, count, sizeof(*message->nodes),
                         encoder->error));
    encoder->plans[message->n_nodes] = plan;
    message->nodes[message->n_nodes++] = node;
    *place_out = (uint32_t)message->n_nodes;
    return OD_OK;
}

enum od_status od_plan_encode(const struct od_plan *plan, struct od_arena *scratch, struct od_buffer *buffer,
                              struct od_error *error)
{
    struct od_plan_encoder encoder = {.scratch = scratch, .error = error};
    uint32_t root;
    ordeal__plan__init(&encoder.message);
    encoder.message.version = 1;
    OD_TRY(encode_node(&encoder, plan, &root));
    size_t size = ordeal__plan__get_packed_size(&encoder.message);
    if (!od_buffer_reserve(buffer, size))
        return od_encode_no_memory(&encoder);
    buffer->size += ordeal__plan__pack(&encoder.message, buffer->bytes + buffer->size);
    return OD_OK;
}
