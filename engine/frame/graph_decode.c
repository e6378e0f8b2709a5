/* graph_decode: bytes that nobody vouches for become a graph that can be run, or an error.
 *
 *   unpack      flat lists in the arena
 *   operators   in order, each behind its inputs and used once, so stages are trees of bounded depth. What shares its clause with
 *               a logical node is drafted and fitted as one (od_plan_make), which checks types and says which schema must come
 *               out; joins and readers of exchanges are checked here
 *   stages      what tasks, partitions and readers of exchanges rely on (physical.h)
 *
 * Not checked: that the answer makes sense. Rows that are merged but not sorted, or grouped but not brought together, give wrong
 * rows, and no more than that. */
#include "engine/frame/graph_proto.h"
#include "engine/frame/plan_codec.h"

#define FIELDS_MAX     4000000 /* of all operators */
#define JOIN_KEYS_MAX  64

struct decoder {
    struct od_plan_decoder parts;
    const Ordeal__Graph *message;
    struct od_schema *schemas;
    const struct od_table **tables;
    struct od_stage *stages;
    struct od_physical *operators;
    uint32_t *depths; /* of operators; 0: used by one above, or not there yet */
    uint32_t first;   /* operator of the stage at hand */
    uint32_t tasks_left;
    uint64_t fields_left;
    uint32_t node_count; /* numbered */
};

OD_FINDER(find_kind, enum od_physical_kind, od_physical_kind_text, OD_PHYSICAL_KIND_COUNT)
OD_FINDER(find_join, enum od_join_type, od_join_type_text, OD_JOIN_TYPE_COUNT)
OD_FINDER(find_exchange, enum od_exchange_kind, od_exchange_kind_text, OD_EXCHANGE_KIND_COUNT)
OD_FINDER(find_keep, enum od_keep, od_keep_text, OD_KEEP_COUNT)
OD_FINDER(find_rule, enum od_rule, od_rule_text, OD_RULE_COUNT)

static enum od_status corrupt(const struct decoder *decoder, const char *what)
{
    return od_decode_corrupt(&decoder->parts, what);
}

static bool types_equal(const struct od_schema *left, const struct od_schema *right)
{
    bool equal = left->field_count == right->field_count;
    for (uint32_t i = 0; i < left->field_count && equal; i++)
        equal = left->fields[i].type == right->fields[i].type;
    return equal;
}

/* --- clauses ---------------------------------------------------------------------------------- */

/* A final aggregate does what the partial one does whose rows it reads. */
static enum od_status decode_final(struct decoder *decoder, struct od_physical *operator)
{
    const struct od_physical *partial = od_graph_partial_of(decoder->stages, operator);
    if (partial == NULL)
        return corrupt(decoder, "a final aggregate without its partial one");
    operator->aggregate = partial->aggregate;
    operator->aggregate.groups = NULL;
    const struct od_schema *schema = &operator->schema;
    uint32_t group_count = partial->aggregate.group_count;
    bool fits = schema->field_count == group_count + partial->aggregate.aggregate_count;
    for (uint32_t i = 0; i < schema->field_count && fits; i++)
        fits = schema->fields[i].type == (i < group_count ? partial->schema.fields[i].type
                                                          : partial->aggregate.aggregates[i - group_count].type);
    return fits ? OD_OK : corrupt(decoder, "a final aggregate of other types than its partial one");
}

/* The states behind the groups: what `made` has are answers. */
static enum od_status check_partial(const struct decoder *decoder, const struct od_physical *operator,
                                    const struct od_plan *made)
{
    uint32_t group_count = made->aggregate.group_count;
    bool fits = operator->schema.field_count == made->schema.field_count;
    for (uint32_t i = 0; i < made->schema.field_count && fits; i++) {
        const struct od_aggregate *aggregate = &made->aggregate.aggregates[i - group_count];
        enum od_type type = i < group_count ? made->schema.fields[i].type : od_aggregate_state_type(aggregate);
        fits = operator->schema.fields[i].type == type && (i < group_count || od_aggregate_is_partial(aggregate));
    }
    return fits ? OD_OK : corrupt(decoder, "a partial aggregate that does not give its states");
}

/* What the clause needs beside its lists. */
static enum od_status decode_rest(const struct decoder *decoder, const Ordeal__Node *node, uint32_t task_count,
                                  struct od_physical *operator, struct od_plan *draft)
{
    switch (operator->kind) {
    case OD_PHYSICAL_SCAN:
        if (node->scanned == 0 || node->scanned > decoder->message->n_tables)
            return corrupt(decoder, "a scan of no table");
        draft->scan.table = decoder->tables[node->scanned - 1];
        return OD_OK;
    case OD_PHYSICAL_VALUES:
        if (task_count != 1)
            return corrupt(decoder, "values in more than one task");
        return od_decode_row_count(&decoder->parts, node, draft);
    case OD_PHYSICAL_PROJECT:
    case OD_PHYSICAL_EXPAND:
        return od_decode_row_count(&decoder->parts, node, draft);
    case OD_PHYSICAL_AGGREGATE:
        operator->phase = (enum od_aggregate_phase)node->phase;
        return node->phase <= OD_AGGREGATE_FINAL ? OD_OK : corrupt(decoder, "an aggregate of no phase");
    case OD_PHYSICAL_LIMIT:
        draft->limit = (struct od_limit_clause){node->offset, node->count};
        return OD_OK;
    case OD_PHYSICAL_SORT:
        operator->row_limit = UINT64_MAX;
        return OD_OK;
    case OD_PHYSICAL_TOP_N:
        operator->row_limit = node->count;
        return OD_OK;
    case OD_PHYSICAL_MAP:
        return od_fail(decoder->parts.error, OD_UNSUPPORTED, "a function of map has no encoding");
    default:
        return OD_OK;
    }
}

static enum od_status decode_clause(struct decoder *decoder, const Ordeal__Node *node, uint32_t task_count,
                                    struct od_physical *operator)
{
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX];
    struct od_plan inputs[2] = {{.kind = OD_PLAN_KIND_COUNT}, {.kind = OD_PLAN_KIND_COUNT}};
    struct od_plan draft = {.kind = od_physical_clause_kind(operator->kind), .schema = operator->schema};
    const struct od_schema nothing = {0};
    const struct od_plan *made;
    for (uint32_t i = 0; i < operator->input_count; i++) {
        inputs[i].schema = operator->inputs[i]->schema;
        draft.inputs[i] = &inputs[i];
    }
    OD_TRY(decode_rest(decoder, node, task_count, operator, &draft));
    if (operator->kind == OD_PHYSICAL_AGGREGATE && operator->phase == OD_AGGREGATE_FINAL)
        return decode_final(decoder, operator);
    if (operator->kind == OD_PHYSICAL_AGGREGATE && node->n_exprs > operator->schema.field_count)
        return corrupt(decoder, "more groups than fields");
    uint32_t list_count = od_plan_clauses(&draft, lists);
    for (uint32_t i = 0; i < list_count; i++)
        OD_TRY(od_decode_list(&decoder->parts, node, operator->input_count > 0 ? &inputs[0].schema : &nothing, &draft,
                              &lists[i]));
    OD_TRY(od_plan_make(decoder->parts.arena, &draft, NULL, &made, decoder->parts.error));
    operator->clause = made->clause;
    if (operator->kind == OD_PHYSICAL_AGGREGATE && operator->phase == OD_AGGREGATE_PARTIAL)
        return check_partial(decoder, operator, made);
    return types_equal(&operator->schema, &made->schema)
               ? OD_OK
               : corrupt(decoder, "an operator that gives other types than it says");
}

/* --- joins, exchanges ------------------------------------------------------------------------- */

static enum od_status join_pair(struct decoder *decoder, struct od_physical *operator)
{
    struct od_plan inputs[] = {{.schema = operator->inputs[0]->schema}, {.schema = operator->inputs[1]->schema}};
    OD_TAKE_LIST(struct od_schema, pair, decoder->parts.arena, 1, decoder->parts.error);
    operator->join.pair_schema = pair;
    return od_plan_join_schema(decoder->parts.arena, &inputs[0], &inputs[1], pair, decoder->parts.error);
}

static bool keys_fit(const struct od_physical *operator, const Ordeal__Node *node)
{
    const struct od_schema *probe = &operator->inputs[0]->schema;
    const struct od_schema *build = &operator->inputs[1]->schema;
    bool has_keys = operator->kind != OD_PHYSICAL_NESTED_LOOP_JOIN;
    bool fits = node->n_probe_keys == node->n_build_keys && node->n_probe_keys <= JOIN_KEYS_MAX &&
                has_keys == (node->n_probe_keys > 0);
    if (fits && node->n_probe_keys < JOIN_KEYS_MAX)
        fits = node->null_safe_keys >> node->n_probe_keys == 0;
    for (size_t i = 0; i < node->n_probe_keys && fits; i++)
        fits = node->probe_keys[i] < probe->field_count && node->build_keys[i] < build->field_count &&
               probe->fields[node->probe_keys[i]].type == build->fields[node->build_keys[i]].type;
    return fits;
}

/* Does what comes out have the types of the pair's columns, of the probe's alone, or of those and a mark? */
static bool join_schema_fits(const struct od_physical *operator)
{
    const struct od_schema *schema = &operator->schema;
    const struct od_schema *pair = operator->join.pair_schema;
    bool marks = operator->join.type == OD_JOIN_MARK;
    uint32_t count = od_join_gives_right(operator->join.type) ? pair->field_count
                                                              : operator->inputs[0]->schema.field_count;
    bool fits = schema->field_count == count + marks && (!marks || schema->fields[count].type == OD_TYPE_BOOLEAN);
    for (uint32_t i = 0; i < count && fits; i++)
        fits = schema->fields[i].type == pair->fields[i].type;
    return fits;
}

static enum od_status decode_join(struct decoder *decoder, const Ordeal__Node *node, struct od_physical *operator)
{
    struct od_plan_decoder *parts = &decoder->parts;
    if (!find_join(node->join, &operator->join.type) || !keys_fit(operator, node) || node->n_exprs > 1)
        return corrupt(decoder, "a join of no type, or with keys that do not fit");
    OD_TRY(join_pair(decoder, operator));
    operator->join.broadcast = node->broadcast;
    operator->join.key_count = (uint32_t)node->n_probe_keys;
    operator->join.probe_keys = node->probe_keys;
    operator->join.build_keys = node->build_keys;
    operator->join.null_safe_keys = node->null_safe_keys;
    if (node->n_exprs > 0)
        OD_TRY(od_decode_expr(parts, node->exprs[0], operator->join.pair_schema, false, &operator->join.residual));
    if (operator->join.residual != NULL && operator->join.residual->type != OD_TYPE_BOOLEAN)
        return corrupt(decoder, "a join whose condition is not true or false");
    return join_schema_fits(operator) ? OD_OK : corrupt(decoder, "a join that gives other types than it says");
}

/* input_index comes with the others of the stage: number_inputs. */
static enum od_status decode_reader(const struct decoder *decoder, const Ordeal__Node *node, uint32_t stage_index,
                                    uint32_t task_count, struct od_physical *operator)
{
    if (node->stage >= stage_index)
        return corrupt(decoder, "a stage that reads one that does not come before it");
    const struct od_stage *source = &decoder->stages[node->stage];
    bool fits = types_equal(&source->root->schema, &operator->schema) &&
                node->broadcast == (source->exchange == OD_EXCHANGE_BROADCAST) &&
                node->forward == (source->exchange == OD_EXCHANGE_FORWARD) &&
                (node->broadcast || source->partition_count == task_count);
    operator->exchange.stage_index = node->stage;
    operator->exchange.broadcast = node->broadcast;
    operator->exchange.forward = node->forward;
    return fits ? OD_OK : corrupt(decoder, "a reader that does not fit its exchange");
}

/* --- operators -------------------------------------------------------------------------------- */

static enum od_status take_inputs(struct decoder *decoder, const Ordeal__Node *node, uint32_t index,
                                  struct od_physical *operator)
{
    static const uint8_t input_counts[OD_PHYSICAL_KIND_COUNT] = {
        [OD_PHYSICAL_FILTER] = 1,     [OD_PHYSICAL_PROJECT] = 1,          [OD_PHYSICAL_HASH_JOIN] = 2,
        [OD_PHYSICAL_MERGE_JOIN] = 2, [OD_PHYSICAL_NESTED_LOOP_JOIN] = 2, [OD_PHYSICAL_UNION] = 2,
        [OD_PHYSICAL_EXPAND] = 1,     [OD_PHYSICAL_WINDOW] = 1,           [OD_PHYSICAL_MAP] = 1,
        [OD_PHYSICAL_AGGREGATE] = 1,  [OD_PHYSICAL_SORT] = 1,             [OD_PHYSICAL_TOP_N] = 1,
        [OD_PHYSICAL_LIMIT] = 1,
    };
    uint32_t depth = 1;
    if (node->n_inputs != input_counts[operator->kind])
        return corrupt(decoder, "an operator without its inputs");
    for (; operator->input_count < node->n_inputs; operator->input_count++) {
        uint32_t input = node->inputs[operator->input_count] - 1; /* 0 becomes too large */
        if (input < decoder->first || input >= index || decoder->depths[input] == 0)
            return corrupt(decoder, "an operator that does not stand behind its inputs, or shares one");
        operator->inputs[operator->input_count] = &decoder->operators[input];
        depth = depth > decoder->depths[input] ? depth : decoder->depths[input] + 1;
        decoder->depths[input] = 0;
    }
    decoder->depths[index] = depth;
    return depth <= OD_CODEC_NODE_DEPTH_MAX ? OD_OK : corrupt(decoder, "more operators than a stage may have");
}

static enum od_status decode_operator(struct decoder *decoder, uint32_t index, uint32_t stage_index, uint32_t task_count)
{
    const Ordeal__Node *node = decoder->parts.message->nodes[index];
    struct od_physical *operator = &decoder->operators[index];
    if (!find_kind(node->kind, &operator->kind))
        return corrupt(decoder, "an operator that there is not");
    OD_TRY(take_inputs(decoder, node, index, operator));
    if (node->schema == 0 || node->schema > decoder->message->n_schemas)
        return corrupt(decoder, "an operator without a schema");
    operator->schema = decoder->schemas[node->schema - 1];
    if (operator->schema.field_count > decoder->fields_left)
        return corrupt(decoder, "more fields than a graph may have");
    decoder->fields_left -= operator->schema.field_count;
    if (operator->kind == OD_PHYSICAL_EXCHANGE_READ)
        return decode_reader(decoder, node, stage_index, task_count, operator);
    if (od_physical_clause_kind(operator->kind) == OD_PLAN_KIND_COUNT)
        return decode_join(decoder, node, operator);
    return decode_clause(decoder, node, task_count, operator);
}

/* --- stages ----------------------------------------------------------------------------------- */

/* Each stage that is read has one reader. */
static enum od_status number_inputs(struct decoder *decoder, const struct od_stage *stage, uint32_t end)
{
    uint32_t reader_count = 0;
    OD_TAKE_LIST(bool, is_read, decoder->parts.arena, stage->input_count, decoder->parts.error);
    for (uint32_t i = decoder->first; i < end; i++) {
        struct od_physical *reader = &decoder->operators[i];
        uint32_t input = 0;
        if (reader->kind != OD_PHYSICAL_EXCHANGE_READ)
            continue;
        while (input < stage->input_count && stage->input_stages[input] != reader->exchange.stage_index)
            input++;
        if (input == stage->input_count || is_read[input])
            return corrupt(decoder, "a stage that is not an input, or is read twice");
        is_read[input] = true;
        reader->exchange.input_index = input;
        reader_count++;
    }
    return reader_count == stage->input_count ? OD_OK : corrupt(decoder, "an input that nobody reads");
}

static enum od_status check_exchange(const struct decoder *decoder, const struct od_stage *stage)
{
    bool is_last = stage->stage_index + 1 == decoder->message->n_stages;
    bool fits = (stage->exchange == OD_EXCHANGE_RESULT) == is_last && (!is_last || stage->keep == OD_KEEP_NONE) &&
                (stage->cache_key == 0 || stage->keep >= OD_KEEP_MEMORY) &&
                (stage->exchange == OD_EXCHANGE_HASH) == (stage->key_count > 0);
    if (stage->exchange == OD_EXCHANGE_HASH || stage->exchange == OD_EXCHANGE_ROUND_ROBIN)
        fits = fits && stage->partition_count > 0 && stage->partition_count <= OD_CODEC_TASKS_MAX;
    else
        fits = fits && stage->partition_count == (stage->exchange == OD_EXCHANGE_FORWARD ? stage->task_count : 1);
    for (uint32_t i = 0; i < stage->key_count && fits; i++)
        fits = stage->keys[i] < stage->root->schema.field_count;
    return fits ? OD_OK : corrupt(decoder, "a stage whose exchange is not sound");
}

static enum od_status decode_stage(struct decoder *decoder, uint32_t stage_index)
{
    const Ordeal__Stage *message = decoder->message->stages[stage_index];
    struct od_stage *stage = &decoder->stages[stage_index];
    if (message->task_count == 0 || message->task_count > decoder->tasks_left)
        return corrupt(decoder, "a stage without tasks, or more of them than a query may have");
    decoder->tasks_left -= message->task_count;
    if (message->root <= decoder->first || message->root > decoder->parts.message->n_nodes)
        return corrupt(decoder, "a stage without operators");
    *stage = (struct od_stage){.stage_index = stage_index,
                               .task_count = message->task_count,
                               .root = &decoder->operators[message->root - 1],
                               .input_count = (uint32_t)message->n_inputs,
                               .input_stages = message->inputs,
                               .partition_count = message->partition_count,
                               .key_count = (uint32_t)message->n_keys,
                               .keys = message->keys,
                               .reason = message->reason,
                               .cache_key = message->cache_key};
    if (!find_exchange(message->exchange, &stage->exchange))
        return corrupt(decoder, "an exchange that there is not");
    if (*message->keep != '\0' && (!find_keep(message->keep, &stage->keep) || stage->keep == OD_KEEP_NONE))
        return corrupt(decoder, "outputs kept in a way that there is not");
    for (uint32_t i = decoder->first; i < message->root; i++)
        OD_TRY(decode_operator(decoder, i, stage_index, stage->task_count));
    for (uint32_t i = decoder->first; i + 1 < message->root; i++)
        if (decoder->depths[i] != 0)
            return corrupt(decoder, "an operator that nobody reads");
    OD_TRY(number_inputs(decoder, stage, message->root));
    od_physical_number(stage->root, &decoder->node_count);
    decoder->first = message->root;
    return check_exchange(decoder, stage);
}

/* --- the message ------------------------------------------------------------------------------ */

static enum od_status find_tables(struct decoder *decoder, const struct od_table_finder *finder)
{
    OD_TAKE(decoder->tables, decoder->parts.arena, decoder->message->n_tables, decoder->parts.error);
    for (size_t i = 0; i < decoder->message->n_tables; i++) {
        const Ordeal__Table *message = decoder->message->tables[i];
        const struct od_table_ref ref = {.name = message->name,
                                         .row_count = message->row_count,
                                         .schema_hash = message->schema_hash,
                                         .checksum = {message->checksum_low, message->checksum_high}};
        OD_TRY(finder->find(finder->self, &ref, &decoder->tables[i], decoder->parts.error));
        if (od_table_row_count(decoder->tables[i]) != ref.row_count ||
            od_schema_hash(&decoder->tables[i]->schema) != ref.schema_hash)
            return corrupt(decoder, "a table that is not the one that is meant");
    }
    return OD_OK;
}

static enum od_status decode_schemas(struct decoder *decoder)
{
    struct od_plan_decoder *parts = &decoder->parts;
    OD_TAKE(decoder->schemas, parts->arena, decoder->message->n_schemas, parts->error);
    for (size_t i = 0; i < decoder->message->n_schemas; i++)
        OD_TRY(od_decode_fields(parts, decoder->message->schemas[i]->n_fields, decoder->message->schemas[i]->fields,
                                &decoder->schemas[i]));
    return OD_OK;
}

static enum od_status decode_rules(const struct decoder *decoder, uint32_t *rules_out)
{
    *rules_out = 0;
    for (size_t i = 0; i < decoder->message->n_rules; i++) {
        enum od_rule rule;
        if (!find_rule(decoder->message->rules[i], &rule))
            return corrupt(decoder, "a rule that there is not");
        *rules_out |= UINT32_C(1) << rule;
    }
    return OD_OK;
}

static enum od_status decode_message(struct decoder *decoder, const struct od_table_finder *finder,
                                     struct od_stage_graph *graph)
{
    struct od_plan_decoder *parts = &decoder->parts;
    size_t stage_count = decoder->message->n_stages;
    if (decoder->message->version != 1 || decoder->message->parts == NULL || stage_count == 0)
        return corrupt(decoder, "another version, or nothing in it");
    parts->message = decoder->message->parts;
    OD_TRY(od_decode_weigh_exprs(parts));
    OD_TRY(decode_schemas(decoder));
    OD_TRY(find_tables(decoder, finder));
    OD_TAKE(decoder->operators, parts->arena, parts->message->n_nodes, parts->error);
    OD_TAKE(decoder->depths, parts->arena, parts->message->n_nodes, parts->error);
    OD_TAKE(decoder->stages, parts->arena, stage_count, parts->error);
    for (uint32_t i = 0; i < stage_count; i++)
        OD_TRY(decode_stage(decoder, i));
    if (decoder->first != parts->message->n_nodes)
        return corrupt(decoder, "operators of no stage");
    graph->arrival_order = decoder->message->arrival_order != 0;
    od_stages_judge(decoder->stages, (uint32_t)stage_count, graph->arrival_order);
    graph->stage_count = (uint32_t)stage_count;
    graph->stages = decoder->stages;
    graph->schema = &decoder->stages[stage_count - 1].root->schema;
    return decode_rules(decoder, &graph->rules_fired);
}

enum od_status od_graph_decode(struct od_arena *plan_arena, const struct od_table_finder *finder, const uint8_t *bytes,
                               size_t size, const struct od_stage_graph **graph_out, struct od_error *error)
{
    struct od_decode_unpacking unpacking = {.arena = plan_arena};
    ProtobufCAllocator allocator = od_decode_allocator(&unpacking);
    struct decoder decoder = {.parts = {.arena = plan_arena, .error = error},
                              .tasks_left = OD_CODEC_TASKS_MAX,
                              .fields_left = FIELDS_MAX};
    *graph_out = NULL;
    OD_TAKE_LIST(struct od_stage_graph, graph, plan_arena, 1, error);
    decoder.message = ordeal__graph__unpack(&allocator, size, bytes);
    if (unpacking.refused)
        return od_fail(error, OD_NO_MEMORY, "decoding a plan");
    if (decoder.message == NULL)
        return corrupt(&decoder, "its bytes are no message of a graph");
    OD_TRY(decode_message(&decoder, finder, graph));
    *graph_out = graph;
    return OD_OK;
}
