/* plan_decode: bytes that nobody vouches for become a plan, or an error.
 *
 *   unpack      flat lists in the arena: no recursion, memory in proportion to the bytes
 *   weigh       each expression's and node's size and depth as a tree; parts are shared, so a few bytes can mean a tree that
 *               nobody could walk: refused
 *   decode      nodes in order: a draft, whose lists are read as the table of plan_rewrite.h says, is made a node as everybody's
 *               is, by od_plan_make, which checks types; what that takes for granted (places, numbers of arguments, frames,
 *               constants) is checked here */
#include <string.h>

#include "engine/core/utf8.h"
#include "engine/frame/plan_codec.h"
#include "engine/frame/plan_proto.h"
#include "engine/frame/window_check.h"

struct decoder {
    struct od_plan_decoder parts;
    const struct od_catalog *catalog;
    const struct od_plan **plans;
};

enum od_status od_decode_corrupt(const struct od_plan_decoder *decoder, const char *what)
{
    return od_fail(decoder->error, OD_CORRUPT, "decoding a plan: %s", what);
}

OD_FINDER(find_type, enum od_type, od_type_text, OD_TYPE_COUNT)
OD_FINDER(find_function, enum od_function, od_function_text, OD_FUNCTION_COUNT)
OD_FINDER(find_aggregate, enum od_aggregate_function, od_aggregate_text, OD_AGGREGATE_COUNT_OF_KINDS)
OD_FINDER(find_window, enum od_window_function, od_window_function_text, OD_WINDOW_FUNCTION_COUNT)
OD_FINDER(find_kind, enum od_plan_kind, od_plan_kind_text, OD_PLAN_KIND_COUNT)
OD_FINDER(find_join, enum od_join_type, od_join_type_text, OD_JOIN_TYPE_COUNT)

/* --- weighing --------------------------------------------------------------------------------- */

enum od_status od_decode_weigh_exprs(struct od_plan_decoder *decoder)
{
    OD_TAKE_LIST(uint32_t, depths, decoder->arena, decoder->message->n_exprs, decoder->error);
    OD_TAKE(decoder->expr_sizes, decoder->arena, decoder->message->n_exprs, decoder->error);
    for (size_t i = 0; i < decoder->message->n_exprs; i++) {
        const Ordeal__Expr *expr = decoder->message->exprs[i];
        uint64_t size = 1;
        for (size_t k = 0; k < expr->n_arguments; k++) {
            size_t at = (size_t)expr->arguments[k] - 1;
            if (expr->arguments[k] == 0 || at >= i)
                return od_decode_corrupt(decoder, "an expression that does not stand behind its arguments");
            size += decoder->expr_sizes[at];
            depths[i] = depths[at] + 1 > depths[i] ? depths[at] + 1 : depths[i];
        }
        if (depths[i] > OD_CODEC_EXPR_DEPTH_MAX || size > OD_CODEC_EXPR_SIZE_MAX)
            return od_decode_corrupt(decoder, "an expression that is too large");
        decoder->expr_sizes[i] = (uint32_t)size;
    }
    return OD_OK;
}

static enum od_status weigh_nodes(struct od_plan_decoder *decoder)
{
    OD_TAKE_LIST(uint32_t, sizes, decoder->arena, decoder->message->n_nodes, decoder->error);
    for (size_t i = 0; i < decoder->message->n_nodes; i++) {
        const Ordeal__Node *node = decoder->message->nodes[i];
        sizes[i] = 1;
        for (size_t k = 0; k < node->n_inputs; k++) {
            if (node->inputs[k] == 0 || node->inputs[k] > i)
                return od_decode_corrupt(decoder, "a node that does not stand behind its inputs");
            sizes[i] += sizes[node->inputs[k] - 1];
            if (sizes[i] > OD_CODEC_NODE_SIZE_MAX)
                return od_decode_corrupt(decoder, "more nodes than a plan may have");
        }
    }
    return OD_OK;
}

/* --- expressions ------------------------------------------------------------------------------ */

static enum od_status decode_value(struct od_plan_decoder *decoder, const Ordeal__Value *message,
                                   struct od_value *value)
{
    *value = (struct od_value){.is_null = message->is_null};
    if (!find_type(message->type, &value->type))
        return od_decode_corrupt(decoder, "a value of no type");
    const char *text = (const char *)message->text.data;
    size_t size = message->text.len;
    bool sound = value->is_null || (size <= INT32_MAX && od_utf8_valid_bytes(text, size) == size &&
                                    od_value_parse(value->type, text, (uint32_t)size, value));
    return sound ? OD_OK : od_decode_corrupt(decoder, "a value that its type does not have");
}

static enum od_status decode_expr(struct od_plan_decoder *decoder, uint32_t place, const struct od_schema *schema,
                                  const struct od_expr **expr_out);

static enum od_status decode_call(struct od_plan_decoder *decoder, const Ordeal__Expr *message,
                                  const struct od_schema *schema, const struct od_expr **expr_out)
{
    enum od_function function;
    enum od_type type;
    OD_TAKE_LIST(const struct od_expr *, arguments, decoder->arena, message->n_arguments, decoder->error);
    if (!find_function(message->function, &function))
        return od_decode_corrupt(decoder, "a function that there is not");
    for (size_t i = 0; i < message->n_arguments; i++)
        OD_TRY(decode_expr(decoder, message->arguments[i], schema, &arguments[i]));
    if (function != OD_FUNCTION_CAST)
        return od_expr_call(decoder->arena, function, arguments, (uint32_t)message->n_arguments, expr_out,
                            decoder->error);
    if (message->n_arguments != 1 || !find_type(message->type, &type))
        return od_decode_corrupt(decoder, "a cast of nothing, or to nothing");
    return od_expr_cast(decoder->arena, arguments[0], type, expr_out, decoder->error);
}

static enum od_status decode_expr(struct od_plan_decoder *decoder, uint32_t place, const struct od_schema *schema,
                                  const struct od_expr **expr_out)
{
    struct od_value value;
    if (place == 0 || place > decoder->message->n_exprs)
        return od_decode_corrupt(decoder, "an expression that is not there");
    const Ordeal__Expr *message = decoder->message->exprs[place - 1];
    if (message->literal != NULL) {
        OD_TRY(decode_value(decoder, message->literal, &value));
        OD_TRY(od_expr_literal(decoder->arena, &value, expr_out, decoder->error));
    } else if (message->column != 0) {
        if (message->column > schema->field_count)
            return od_decode_corrupt(decoder, "a column that is not there");
        OD_TRY(od_expr_column(decoder->arena, schema, message->column - 1, expr_out, decoder->error));
    } else {
        OD_TRY(decode_call(decoder, message, schema, expr_out));
    }
    return od_expr_located(decoder->arena, *expr_out, message->sql_offset, expr_out, decoder->error);
}


enum od_status od_decode_expr(struct od_plan_decoder *decoder, uint32_t place, const struct od_schema *schema,
                               bool optional, const struct od_expr **expr_out)
{
    *expr_out = NULL;
    if (place == 0 && optional)
        return OD_OK;
    if (place > 0 && place <= decoder->message->n_exprs)
        decoder->expr_total += decoder->expr_sizes[place - 1];
    if (decoder->expr_total > OD_CODEC_EXPR_SIZE_MAX)
        return od_decode_corrupt(decoder, "more expressions than a plan may have");
    return decode_expr(decoder, place, schema, expr_out);
}

static enum od_status use_key(struct od_plan_decoder *decoder, const Ordeal__Key *message, const struct od_schema *schema,
                              struct od_sort_key *key)
{
    *key = (struct od_sort_key){.descending = message->descending, .nulls_first = message->nulls_first};
    return od_decode_expr(decoder, message->expr, schema, false, &key->expr);
}

/* --- clauses ---------------------------------------------------------------------------------- */

static enum od_status decode_aggregate(struct od_plan_decoder *decoder, const Ordeal__Aggregate *message,
                                       const struct od_schema *schema, struct od_aggregate *aggregate)
{
    *aggregate = (struct od_aggregate){
        .distinct = message->distinct, .key_count = (uint32_t)message->n_keys, .name = message->name};
    if (!find_aggregate(message->function, &aggregate->function))
        return od_decode_corrupt(decoder, "an aggregate that there is not");
    uint32_t argument_count = od_aggregate_argument_count(aggregate->function);
    bool within_group = od_aggregate_is_within_group(aggregate->function);
    bool sound = (message->argument != 0) == (argument_count > 0) &&
                 (message->second != 0) == (argument_count > 1) && (!within_group || message->n_keys == 1) &&
                 !(message->distinct && argument_count == 0);
    if (!sound)
        return od_decode_corrupt(decoder, "an aggregate with other arguments than it takes");
    OD_TRY(od_decode_expr(decoder, message->argument, schema, true, &aggregate->argument));
    OD_TRY(od_decode_expr(decoder, message->second, schema, true, &aggregate->second));
    OD_TRY(od_decode_expr(decoder, message->filter, schema, true, &aggregate->filter));
    OD_TAKE_LIST(struct od_sort_key, keys, decoder->arena, message->n_keys, decoder->error);
    aggregate->keys = keys;
    for (size_t i = 0; i < message->n_keys; i++)
        OD_TRY(use_key(decoder, message->keys[i], schema, &keys[i]));
    if (within_group && aggregate->second != NULL && !od_expr_is_constant(aggregate->second))
        return od_decode_corrupt(decoder, "a percentile's fraction that is no constant");
    return OD_OK;
}

static enum od_status decode_call_of(struct od_plan_decoder *decoder, const Ordeal__Call *message,
                                     const struct od_schema *schema, const struct od_window_clause *window,
                                     struct od_window_call *call)
{
    *call = (struct od_window_call){.argument_count = (uint32_t)message->n_arguments, .name = message->name};
    if (!find_window(message->function, &call->function) || message->n_arguments > 3 ||
        (message->aggregate != NULL) != (call->function == OD_WINDOW_AGGREGATE) ||
        message->unit > OD_FRAME_GROUPS || message->start > OD_FRAME_UNBOUNDED_FOLLOWING ||
        message->end > OD_FRAME_UNBOUNDED_FOLLOWING || message->exclusion > OD_FRAME_EXCLUDE_TIES)
        return od_decode_corrupt(decoder, "a window call that there is not");
    call->frame.unit = (enum od_frame_unit)message->unit;
    call->frame.start = (enum od_frame_bound)message->start;
    call->frame.end = (enum od_frame_bound)message->end;
    call->frame.exclusion = (enum od_frame_exclusion)message->exclusion;
    OD_TRY(od_decode_expr(decoder, message->start_offset, schema, true, &call->frame.start_offset));
    OD_TRY(od_decode_expr(decoder, message->end_offset, schema, true, &call->frame.end_offset));
    for (size_t i = 0; i < message->n_arguments; i++)
        OD_TRY(od_decode_expr(decoder, message->arguments[i], schema, false, &call->arguments[i]));
    if (message->aggregate != NULL)
        OD_TRY(decode_aggregate(decoder, message->aggregate, schema, &call->aggregate));
    return od_window_check(call, window->keys, window->key_count, decoder->error);
}

enum od_status od_decode_fields(struct od_plan_decoder *decoder, size_t count, Ordeal__Field *const *fields,
                                struct od_schema *schema)
{
    OD_TAKE(schema->fields, decoder->arena, count, decoder->error);
    for (size_t i = 0; i < count; i++) {
        schema->fields[i] = (struct od_field){.name = fields[i]->name, .nullable = fields[i]->nullable};
        if (!find_type(fields[i]->type, &schema->fields[i].type))
            return od_decode_corrupt(decoder, "a field of no type");
    }
    schema->field_count = (uint32_t)count;
    return OD_OK;
}

enum od_status od_decode_row_count(const struct od_plan_decoder *decoder, const Ordeal__Node *node,
                                   struct od_plan *draft)
{
    draft->rows.row_count = (uint32_t)node->count;
    bool sound = node->count <= OD_CODEC_EXPR_SIZE_MAX && node->count * draft->schema.field_count == node->n_exprs &&
                 (draft->kind != OD_PLAN_EXPAND || node->count > 0) &&
                 (draft->kind != OD_PLAN_PROJECT || node->count == 1);
    return sound ? OD_OK : od_decode_corrupt(decoder, "rows that do not fit their fields");
}

/* --- nodes ------------------------------------------------------------------------------------ */

enum od_status od_decode_list(struct od_plan_decoder *decoder, const Ordeal__Node *node, const struct od_schema *schema,
                                  const struct od_plan *draft, const struct od_clause_list *list)
{
    size_t count = list->element == OD_CLAUSE_NUMBERS      ? node->n_columns
                   : list->element == OD_CLAUSE_EXPRS      ? node->n_exprs
                   : list->element == OD_CLAUSE_KEYS       ? node->n_keys
                   : list->element == OD_CLAUSE_AGGREGATES ? node->n_aggregates
                                                           : node->n_calls;
    if (list->count_place == NULL && count != list->count)
        return od_decode_corrupt(decoder, "a node without its expressions");
    if (list->place == NULL)
        return od_decode_expr(decoder, node->exprs[0], schema, false, (const struct od_expr **)list->items);
    char *items = od_arena_take_array(decoder->arena, count, od_clause_item_bytes(list->element));
    if (items == NULL)
        return od_fail(decoder->error, OD_NO_MEMORY, "decoding a plan");
    *list->place = items;
    if (list->count_place != NULL)
        *list->count_place = (uint32_t)count;
    for (size_t i = 0; i < count; i++, items += od_clause_item_bytes(list->element)) {
        switch (list->element) {
        case OD_CLAUSE_NUMBERS:
            *(uint32_t *)items = node->columns[i];
            break;
        case OD_CLAUSE_EXPRS:
            OD_TRY(od_decode_expr(decoder, node->exprs[i], schema, false, (const struct od_expr **)items));
            break;
        case OD_CLAUSE_KEYS:
            OD_TRY(use_key(decoder, node->keys[i], schema, (struct od_sort_key *)items));
            break;
        case OD_CLAUSE_AGGREGATES:
            OD_TRY(decode_aggregate(decoder, node->aggregates[i], schema, (struct od_aggregate *)items));
            break;
        case OD_CLAUSE_CALLS:
            OD_TRY(decode_call_of(decoder, node->calls[i], schema, &draft->window, (struct od_window_call *)items));
            break;
        }
    }
    return OD_OK;
}

/* What a node has beside its lists; *schema_out: what its expressions read. */
static enum od_status decode_rest(struct decoder *decoder, const Ordeal__Node *node, struct od_plan *draft,
                                  struct od_schema *schema_out)
{
    struct od_plan_decoder *parts = &decoder->parts;
    *schema_out = draft->inputs[0] == NULL ? (struct od_schema){0} : draft->inputs[0]->schema;
    switch (draft->kind) {
    case OD_PLAN_SCAN:
        draft->scan.table = od_catalog_find(decoder->catalog, node->table);
        return draft->scan.table != NULL ? OD_OK
                                         : od_fail(parts->error, OD_MISSING,
                                                   "decoding a plan: there is no table \"%.100s\"", node->table);
    case OD_PLAN_JOIN:
        if (!find_join(node->join, &draft->join.type))
            return od_decode_corrupt(parts, "a join without its type");
        return od_plan_join_schema(parts->arena, draft->inputs[0], draft->inputs[1], schema_out, parts->error);
    case OD_PLAN_PROJECT:
    case OD_PLAN_VALUES:
    case OD_PLAN_EXPAND:
        draft->rows.row_count = (uint32_t)node->count;
        return od_decode_row_count(parts, node, draft);
    case OD_PLAN_AGGREGATE:
        return node->n_fields == node->n_exprs ? OD_OK : od_decode_corrupt(parts, "groups without names");
    case OD_PLAN_REPARTITION:
        draft->repartition.partition_count = (uint32_t)node->count;
        if (node->count > OD_PARTITIONS_MAX || (node->n_exprs == 0 && node->count == 0))
            return od_decode_corrupt(parts, "a repartition without keys, or in too many parts");
        return OD_OK;
    case OD_PLAN_KEEP:
        draft->keep.kind = (enum od_keep)node->count;
        draft->keep.key = node->offset;
        return node->count < OD_KEEP_COUNT ? OD_OK : od_decode_corrupt(parts, "rows kept in a way that there is not");
    case OD_PLAN_APPLY:
    case OD_PLAN_MAP:
        return od_fail(parts->error, OD_UNSUPPORTED, "%s has no encoding", node->kind);
    default:
        return OD_OK;
    }
}

static enum od_status decode_node(struct decoder *decoder, const Ordeal__Node *node,
                                  const struct od_plan **plan_out)
{
    static const uint8_t input_counts[OD_PLAN_KIND_COUNT] = {
        [OD_PLAN_FILTER] = 1, [OD_PLAN_PROJECT] = 1, [OD_PLAN_JOIN] = 2,  [OD_PLAN_AGGREGATE] = 1,
        [OD_PLAN_SORT] = 1,   [OD_PLAN_LIMIT] = 1,   [OD_PLAN_UNION] = 2, [OD_PLAN_EXPAND] = 1,
        [OD_PLAN_WINDOW] = 1, [OD_PLAN_APPLY] = 2,   [OD_PLAN_MAP] = 1,   [OD_PLAN_REPARTITION] = 1,
        [OD_PLAN_KEEP] = 1,
    };
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX];
    struct od_plan draft = {0};
    struct od_schema schema;
    struct od_plan_decoder *parts = &decoder->parts;
    if (!find_kind(node->kind, &draft.kind) || node->n_inputs != input_counts[draft.kind])
        return od_decode_corrupt(parts, "a node that there is not, or without its inputs");
    for (size_t i = 0; i < node->n_inputs; i++)
        draft.inputs[i] = decoder->plans[node->inputs[i] - 1];
    if (draft.kind == OD_PLAN_LIMIT)
        return od_plan_limit(parts->arena, draft.inputs[0], node->offset, node->count, plan_out, parts->error);
    OD_TRY(od_decode_fields(parts, node->n_fields, node->fields, &draft.schema));
    OD_TRY(decode_rest(decoder, node, &draft, &schema));
    uint32_t list_count = od_plan_clauses(&draft, lists);
    for (uint32_t i = 0; i < list_count; i++)
        OD_TRY(od_decode_list(parts, node, &schema, &draft, &lists[i]));
    return od_plan_make(parts->arena, &draft, NULL, plan_out, parts->error);
}

/* --- the message ------------------------------------------------------------------------------ */

static void *unpack_take(void *self, size_t bytes)
{
    struct od_decode_unpacking *unpacking = self;
    void *taken = od_arena_take(unpacking->arena, bytes);
    unpacking->refused = unpacking->refused || taken == NULL;
    return taken;
}

static void unpack_give(void *self, void *bytes)
{
    (void)self;
    (void)bytes;
}

ProtobufCAllocator od_decode_allocator(struct od_decode_unpacking *unpacking)
{
    return (ProtobufCAllocator){unpack_take, unpack_give, unpacking};
}

enum od_status od_plan_decode(struct od_arena *plan_arena, const struct od_catalog *catalog,
                              const uint8_t *bytes, size_t size, const struct od_plan **plan_out,
                              struct od_error *error)
{
    struct od_decode_unpacking unpacking = {.arena = plan_arena};
    ProtobufCAllocator allocator = od_decode_allocator(&unpacking);
    struct decoder decoder = {.parts = {.arena = plan_arena, .error = error}, .catalog = catalog};
    struct od_plan_decoder *parts = &decoder.parts;
    *plan_out = NULL;
    parts->message = ordeal__plan__unpack(&allocator, size, bytes);
    if (unpacking.refused)
        return od_fail(error, OD_NO_MEMORY, "decoding a plan");
    if (parts->message == NULL)
        return od_decode_corrupt(parts, "its bytes are no message of a plan");
    if (parts->message->version != 1 || parts->message->n_nodes == 0)
        return od_decode_corrupt(parts, "another version, or nothing in it");
    OD_TRY(od_decode_weigh_exprs(parts));
    OD_TRY(weigh_nodes(parts));
    OD_TAKE(decoder.plans, plan_arena, parts->message->n_nodes, error);
    for (size_t i = 0; i < parts->message->n_nodes; i++)
        OD_TRY(decode_node(&decoder, parts->message->nodes[i], &decoder.plans[i]));
    *plan_out = decoder.plans[parts->message->n_nodes - 1];
    return OD_OK;
}
