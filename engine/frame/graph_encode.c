/* graph_encode: operators stage after stage, inputs first; each says its own schema by its place among all, where equal ones are
 * one. What follows from the rest is left out: numbers of nodes and inputs, the schema of pairs, what a final aggregate does. */
#include "engine/core/assert.h"
#include "engine/frame/graph_proto.h"
#include "engine/frame/plan_codec.h"

struct graph_encoder {
    struct od_plan_encoder parts;
    Ordeal__Graph message;
    const struct od_stage_graph *graph;
    const struct od_table_namer *namer;
    uint32_t schema_capacity;
    uint32_t schema_list_capacity;
    uint32_t table_capacity;
    uint32_t table_list_capacity;
    uint32_t depth; /* of the operator at hand */
    uint64_t task_count;
    const struct od_schema **schemas; /* as many as message.n_schemas */
    const struct od_table **tables;   /* as many as message.n_tables */
};

const struct od_physical *od_graph_partial_of(const struct od_stage *stages, const struct od_physical *final)
{
    const struct od_physical *node = final->inputs[0];
    while (node->kind == OD_PHYSICAL_EXCHANGE_READ)
        node = stages[node->exchange.stage_index].root;
    return node->kind == OD_PHYSICAL_AGGREGATE && node->phase == OD_AGGREGATE_PARTIAL ? node : NULL;
}

static bool schemas_equal(const struct od_schema *left, const struct od_schema *right)
{
    bool equal = left->field_count == right->field_count;
    for (uint32_t i = 0; i < left->field_count && equal; i++)
        equal = left->fields[i].type == right->fields[i].type &&
                left->fields[i].nullable == right->fields[i].nullable &&
                strcmp(left->fields[i].name, right->fields[i].name) == 0;
    return equal;
}

static enum od_status encode_schema(struct graph_encoder *encoder, const struct od_schema *schema, uint32_t *place_out)
{
    struct od_plan_encoder *parts = &encoder->parts;
    Ordeal__Graph *graph = &encoder->message;
    uint32_t count = (uint32_t)graph->n_schemas;
    for (*place_out = 1; *place_out <= count; (*place_out)++)
        if (schemas_equal(encoder->schemas[*place_out - 1], schema))
            return OD_OK;
    OD_TAKE_LIST(Ordeal__Schema, message, parts->scratch, 1, parts->error);
    ordeal__schema__init(message);
    OD_TRY(od_encode_fields(parts, schema->fields, schema->field_count, &message->n_fields, &message->fields));
    OD_TRY(od_arena_grow(parts->scratch, &encoder->schemas, &encoder->schema_capacity, count,
                         sizeof(*encoder->schemas), parts->error));
    OD_TRY(od_arena_grow(parts->scratch, &graph->schemas, &encoder->schema_list_capacity, count,
                         sizeof(*graph->schemas), parts->error));
    encoder->schemas[count] = schema;
    graph->schemas[graph->n_schemas++] = message;
    return OD_OK;
}

/* Two tables of one name and content are one. */
static enum od_status encode_table(struct graph_encoder *encoder, const struct od_table *table, uint32_t *place_out)
{
    struct od_plan_encoder *parts = &encoder->parts;
    Ordeal__Graph *graph = &encoder->message;
    uint32_t count = (uint32_t)graph->n_tables;
    struct od_table_ref ref;
    for (*place_out = 1; *place_out <= count; (*place_out)++)
        if (encoder->tables[*place_out - 1] == table)
            return OD_OK;
    OD_TRY(encoder->namer->name(encoder->namer->self, table, &ref, parts->error));
    for (*place_out = 1; *place_out <= count; (*place_out)++) {
        const Ordeal__Table *known = graph->tables[*place_out - 1];
        if (known->checksum_low == ref.checksum.low && known->checksum_high == ref.checksum.high &&
            strcmp(known->name, ref.name) == 0)
            return OD_OK;
    }
    OD_TAKE_LIST(Ordeal__Table, message, parts->scratch, 1, parts->error);
    ordeal__table__init(message);
    message->name = (char *)ref.name;
    message->row_count = ref.row_count;
    message->schema_hash = ref.schema_hash;
    message->checksum_low = ref.checksum.low;
    message->checksum_high = ref.checksum.high;
    OD_TRY(od_arena_grow(parts->scratch, &encoder->tables, &encoder->table_capacity, count, sizeof(*encoder->tables),
                         parts->error));
    OD_TRY(od_arena_grow(parts->scratch, &graph->tables, &encoder->table_list_capacity, count,
                         sizeof(*graph->tables), parts->error));
    encoder->tables[count] = table;
    graph->tables[graph->n_tables++] = message;
    return OD_OK;
}

static enum od_status encode_join(struct graph_encoder *encoder, const struct od_physical *operator, Ordeal__Node *node)
{
    struct od_plan_encoder *parts = &encoder->parts;
    node->join = (char *)od_join_type_text(operator->join.type);
    node->broadcast = operator->join.broadcast;
    node->n_probe_keys = node->n_build_keys = operator->join.key_count;
    node->probe_keys = (uint32_t *)operator->join.probe_keys;
    node->build_keys = (uint32_t *)operator->join.build_keys;
    node->null_safe_keys = operator->join.null_safe_keys;
    node->n_exprs = operator->join.residual != NULL;
    OD_TAKE(node->exprs, parts->scratch, 1, parts->error);
    return od_encode_expr(parts, operator->join.residual, &node->exprs[0]);
}

/* What an operator has beside its inputs, its schema and the lists of its clause. */
static enum od_status encode_rest(struct graph_encoder *encoder, const struct od_physical *operator, Ordeal__Node *node)
{
    struct od_error *error = encoder->parts.error;
    switch (operator->kind) {
    case OD_PHYSICAL_SCAN:
        return encode_table(encoder, operator->scan.table, &node->scanned);
    case OD_PHYSICAL_EXCHANGE_READ:
        node->stage = operator->exchange.stage_index;
        node->broadcast = operator->exchange.broadcast;
        node->forward = operator->exchange.forward;
        return OD_OK;
    case OD_PHYSICAL_HASH_JOIN:
    case OD_PHYSICAL_MERGE_JOIN:
    case OD_PHYSICAL_NESTED_LOOP_JOIN:
        return encode_join(encoder, operator, node);
    case OD_PHYSICAL_PROJECT:
    case OD_PHYSICAL_VALUES:
    case OD_PHYSICAL_EXPAND:
        node->count = operator->rows.row_count;
        return OD_OK;
    case OD_PHYSICAL_LIMIT:
        node->offset = operator->limit.offset;
        node->count = operator->limit.count;
        return OD_OK;
    case OD_PHYSICAL_TOP_N:
        node->count = operator->row_limit;
        return OD_OK;
    case OD_PHYSICAL_AGGREGATE:
        node->phase = operator->phase;
        if (operator->phase == OD_AGGREGATE_FINAL) {
            const struct od_physical *partial = od_graph_partial_of(encoder->graph->stages, operator);
            od_assert(partial != NULL);
            od_assert(partial->aggregate.aggregates == operator->aggregate.aggregates);
        }
        return OD_OK;
    case OD_PHYSICAL_MAP:
        return od_fail(error, OD_UNSUPPORTED, "the function %s of map is only in the program that made it",
                       operator->map.function->name);
    default:
        return OD_OK;
    }
}

static enum od_status encode_operator(struct graph_encoder *encoder, const struct od_physical *operator, uint32_t *place_out)
{
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX];
    struct od_plan_encoder *parts = &encoder->parts;
    struct od_plan draft = {
        .kind = od_physical_clause_kind(operator->kind), .schema = operator->schema, .clause = operator->clause};
    if (++encoder->depth > OD_CODEC_NODE_DEPTH_MAX)
        return od_fail(parts->error, OD_UNSUPPORTED, "encoding a plan: more than %u operators one below the other",
                       OD_CODEC_NODE_DEPTH_MAX);
    OD_TAKE_LIST(Ordeal__Node, node, parts->scratch, 1, parts->error);
    ordeal__node__init(node);
    node->kind = (char *)od_physical_kind_text(operator->kind);
    OD_TAKE(node->inputs, parts->scratch, 2, parts->error);
    for (; node->n_inputs < operator->input_count; node->n_inputs++)
        OD_TRY(encode_operator(encoder, operator->inputs[node->n_inputs], &node->inputs[node->n_inputs]));
    OD_TRY(encode_schema(encoder, &operator->schema, &node->schema));
    OD_TRY(encode_rest(encoder, operator, node));
    bool is_final = operator->kind == OD_PHYSICAL_AGGREGATE && operator->phase == OD_AGGREGATE_FINAL;
    uint32_t list_count = is_final ? 0 : od_plan_clauses(&draft, lists);
    for (uint32_t i = 0; i < list_count; i++)
        OD_TRY(od_encode_list(parts, &lists[i], node));
    Ordeal__Plan *plan = &parts->message;
    OD_TRY(od_arena_grow(parts->scratch, &plan->nodes, &parts->node_capacity, (uint32_t)plan->n_nodes,
                         sizeof(*plan->nodes), parts->error));
    plan->nodes[plan->n_nodes++] = node;
    encoder->depth--;
    *place_out = (uint32_t)plan->n_nodes;
    return OD_OK;
}

static enum od_status encode_stage(struct graph_encoder *encoder, const struct od_stage *stage, Ordeal__Stage *message)
{
    ordeal__stage__init(message);
    encoder->task_count += stage->task_count;
    if (encoder->task_count > OD_CODEC_TASKS_MAX || stage->partition_count > OD_CODEC_TASKS_MAX)
        return od_fail(encoder->parts.error, OD_UNSUPPORTED, "encoding a plan: more than %u tasks, or partitions",
                       OD_CODEC_TASKS_MAX);
    message->task_count = stage->task_count;
    message->n_inputs = stage->input_count;
    message->inputs = (uint32_t *)stage->input_stages;
    message->exchange = (char *)od_exchange_kind_text(stage->exchange);
    message->partition_count = stage->partition_count;
    message->n_keys = stage->key_count;
    message->keys = (uint32_t *)stage->keys;
    message->reason = (char *)stage->reason;
    if (stage->keep != OD_KEEP_NONE)
        message->keep = (char *)od_keep_text(stage->keep);
    message->cache_key = stage->cache_key;
    return encode_operator(encoder, stage->root, &message->root);
}

static enum od_status encode_rules(struct graph_encoder *encoder)
{
    Ordeal__Graph *message = &encoder->message;
    OD_TAKE(message->rules, encoder->parts.scratch, OD_RULE_COUNT, encoder->parts.error);
    for (uint32_t rule = 0; rule < OD_RULE_COUNT; rule++)
        if (encoder->graph->rules_fired >> rule & 1)
            message->rules[message->n_rules++] = (char *)od_rule_text((enum od_rule)rule);
    return OD_OK;
}

enum od_status od_graph_encode(const struct od_stage_graph *graph, const struct od_table_namer *namer,
                               struct od_arena *scratch, struct od_buffer *buffer, struct od_error *error)
{
    struct graph_encoder encoder = {
        .parts = {.scratch = scratch, .error = error}, .graph = graph, .namer = namer};
    Ordeal__Graph *message = &encoder.message;
    ordeal__graph__init(message);
    ordeal__plan__init(&encoder.parts.message);
    message->version = 1;
    message->arrival_order = graph->arrival_order;
    message->parts = &encoder.parts.message;
    OD_TRY(od_encode_messages(&encoder.parts, graph->stage_count, sizeof(Ordeal__Stage), &message->stages));
    for (; message->n_stages < graph->stage_count; message->n_stages++)
        OD_TRY(encode_stage(&encoder, &graph->stages[message->n_stages], message->stages[message->n_stages]));
    OD_TRY(encode_rules(&encoder));
    size_t size = ordeal__graph__get_packed_size(message);
    if (!od_buffer_reserve(buffer, size))
        return od_encode_no_memory(&encoder.parts);
    buffer->size += ordeal__graph__pack(message, buffer->bytes + buffer->size);
    return OD_OK;
}
