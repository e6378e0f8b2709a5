/* stage_build: closes fragments into stages.
 *
 *   fragment  project -> filter -> scan              closed by an exchange: stage 0
 *   fragment  (reader of 0)                          grows on: aggregate -> (reader of 0), closed: stage 1
 *
 * Stages are numbered as they close, so inputs come first by construction. Only when a stage closes are the readers in its
 * tree counted and numbered (input_index), because trees grow together until then. A stage reads another one once: where a
 * shared sub-plan meets itself in one tree, the second reader gets a stage of its own that hands the rows through. */
#include "engine/plan/stage_build.h"

#include "engine/core/assert.h"

struct od_physical *od_physical_new(struct od_stage_builder *builder, enum od_physical_kind kind,
                                    const struct od_schema *schema, const struct od_physical *left,
                                    const struct od_physical *right)
{
    OD_NEW_LIST(struct od_physical, node, builder->make, 1);
    node->kind = kind;
    node->schema = *schema;
    node->inputs[0] = left;
    node->inputs[1] = right;
    node->input_count = (left != NULL) + (right != NULL);
    return node;
}

bool od_fragment_put(struct od_stage_builder *builder, struct od_fragment *fragment, enum od_physical_kind kind,
                     const struct od_schema *schema)
{
    fragment->root = od_physical_new(builder, kind, schema, fragment->root, NULL);
    return fragment->root != NULL;
}

/* --- closing a stage -------------------------------------------------------------------------- */

/* Readers below the node, last come first; the nodes were made here and are only const to their readers. */
static void list_readers(const struct od_physical *node, struct od_physical **list, uint32_t *count)
{
    if (node->kind == OD_PHYSICAL_EXCHANGE_READ && list != NULL)
        list[*count] = (struct od_physical *)node;
    *count += node->kind == OD_PHYSICAL_EXCHANGE_READ;
    for (uint32_t i = 0; i < node->input_count; i++)
        list_readers(node->inputs[i], list, count);
}

static bool stage_close(struct od_stage_builder *builder, const struct od_fragment *fragment,
                        const struct od_exchange *exchange);

/* The reader's stage is read already: lets it read a copy, made task by task. */
static bool read_copy(struct od_stage_builder *builder, struct od_physical *reader, uint32_t task_count)
{
    struct od_fragment copy = {.task_count = task_count,
                               .plan = builder->stages[reader->exchange.stage_index].plan};
    const struct od_exchange forward = {.kind = OD_EXCHANGE_FORWARD,
                                        .reason = "a stage that reads these rows twice has two inputs"};
    OD_NEED(od_fragment_put(builder, &copy, OD_PHYSICAL_EXCHANGE_READ, &reader->schema));
    copy.root->exchange = reader->exchange;
    OD_NEED(stage_close(builder, &copy, &forward));
    reader->exchange.stage_index = builder->stage_count - 1;
    reader->exchange.broadcast = false;
    reader->exchange.forward = true;
    return true;
}

/* The stages that the fragment reads, of which there are *count_out. */
static uint32_t *number_readers(struct od_stage_builder *builder, const struct od_fragment *fragment,
                                uint32_t *count_out)
{
    uint32_t count = 0;
    list_readers(fragment->root, NULL, &count);
    OD_NEW_LIST(struct od_physical *, readers, builder->make, count);
    OD_NEW_LIST(uint32_t, stages, builder->make, count);
    *count_out = 0;
    list_readers(fragment->root, readers, count_out);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t same = 0;
        while (same < i && stages[same] != readers[i]->exchange.stage_index)
            same++;
        OD_NEED(same == i || read_copy(builder, readers[i], fragment->task_count));
        stages[i] = readers[i]->exchange.stage_index;
        readers[i]->exchange.input_index = i;
    }
    return stages;
}

static bool stage_close(struct od_stage_builder *builder, const struct od_fragment *fragment,
                        const struct od_exchange *exchange)
{
    struct od_maker *make = builder->make;
    uint32_t input_count = 0;
    od_assert((exchange->kind == OD_EXCHANGE_HASH) == (exchange->key_count > 0));
    OD_NEED(make->status == OD_OK);
    const uint32_t *input_stages = number_readers(builder, fragment, &input_count);
    OD_NEED(input_stages != NULL);
    make->status = od_arena_grow(make->arena, &builder->stages, &builder->stage_capacity, builder->stage_count,
                                 sizeof(*builder->stages), make->error);
    OD_NEED(make->status == OD_OK);
    uint32_t spread_count =
        exchange->partition_count != 0 ? exchange->partition_count : builder->partition_count;
    bool forward = exchange->kind == OD_EXCHANGE_FORWARD;
    builder->stages[builder->stage_count] = (struct od_stage){
        .stage_index = builder->stage_count,
        .task_count = fragment->task_count,
        .plan = fragment->plan,
        .root = fragment->root,
        .input_count = input_count,
        .input_stages = input_stages,
        .exchange = exchange->kind,
        .partition_count = forward                                 ? fragment->task_count
                           : od_exchange_is_parted(exchange->kind) ? spread_count
                                                                   : 1,
        .key_count = exchange->key_count,
        .keys = exchange->keys,
        .reason = exchange->reason,
    };
    builder->stage_count++;
    return true;
}

bool od_fragment_exchange(struct od_stage_builder *builder, struct od_fragment *fragment,
                          const struct od_exchange *exchange)
{
    OD_NEED(stage_close(builder, fragment, exchange));
    const struct od_stage *stage = &builder->stages[builder->stage_count - 1];
    bool forward = exchange->kind == OD_EXCHANGE_FORWARD;
    fragment->root = od_physical_new(builder, OD_PHYSICAL_EXCHANGE_READ, &stage->root->schema, NULL, NULL);
    OD_NEED(fragment->root != NULL);
    fragment->root->exchange.stage_index = stage->stage_index;
    fragment->root->exchange.broadcast = exchange->kind == OD_EXCHANGE_BROADCAST;
    fragment->root->exchange.forward = forward;
    fragment->task_count = stage->partition_count;
    if (forward)
        return true; /* the same rows in the same tasks */
    fragment->key_count = exchange->key_count;
    fragment->keys = exchange->keys;
    od_fragment_forget_order(fragment);
    return true;
}

bool od_fragment_spread(struct od_stage_builder *builder, struct od_fragment *fragment, const uint32_t *columns,
                        uint32_t count, uint32_t partition_count, const char *prefix, const char *single)
{
    struct od_exchange exchange = {.kind = count == 0 ? OD_EXCHANGE_SINGLE : OD_EXCHANGE_HASH,
                                   .partition_count = partition_count,
                                   .key_count = count,
                                   .keys = columns,
                                   .reason = count == 0 ? single : prefix};
    for (uint32_t i = 0; i < count && builder->make->status == OD_OK; i++) {
        exchange.reason = od_arena_print(builder->make->arena, "%s%s%s", exchange.reason, i == 0 ? ": " : ", ",
                                         fragment->root->schema.fields[columns[i]].name);
        if (exchange.reason == NULL)
            od_make_fail(builder->make, OD_NO_MEMORY, "naming a shuffle's reason");
    }
    return od_fragment_exchange(builder, fragment, &exchange);
}

bool od_fragment_copy_reader(struct od_stage_builder *builder, const struct od_fragment *fragment,
                             struct od_fragment *copy_out)
{
    const struct od_physical *reader = fragment->root;
    od_assert(reader->kind == OD_PHYSICAL_EXCHANGE_READ);
    *copy_out = *fragment;
    copy_out->root = od_physical_new(builder, reader->kind, &reader->schema, NULL, NULL);
    OD_NEED(copy_out->root != NULL);
    copy_out->root->exchange = reader->exchange;
    return true;
}

/* --- projects --------------------------------------------------------------------------------- */

/* Where column `key` comes out, or OD_FIELD_NONE. */
static uint32_t projected_at(const struct od_expr *const *exprs, uint32_t count, uint32_t key)
{
    for (uint32_t i = 0; i < count; i++)
        if (exprs[i]->kind == OD_EXPR_COLUMN && exprs[i]->column_index == key)
            return i;
    return OD_FIELD_NONE;
}

void od_fragment_forget_order(struct od_fragment *fragment)
{
    fragment->order_count = 0;
    fragment->order_is_total = false;
}

bool od_fragment_remap(struct od_stage_builder *builder, struct od_fragment *fragment,
                       const struct od_expr *const *exprs, uint32_t count)
{
    uint32_t kept = 0;
    OD_NEW_LIST(uint32_t, keys, builder->make, fragment->key_count);
    OD_NEW_LIST(struct od_fragment_order, order, builder->make, fragment->order_count);
    while (kept < fragment->key_count &&
           (keys[kept] = projected_at(exprs, count, fragment->keys[kept])) != OD_FIELD_NONE)
        kept++;
    fragment->key_count = kept == fragment->key_count ? kept : 0; /* by a part of them nothing is spread */
    fragment->keys = keys;
    for (kept = 0; kept < fragment->order_count; kept++) {
        order[kept] = fragment->order[kept];
        order[kept].column = projected_at(exprs, count, fragment->order[kept].column);
        if (order[kept].column == OD_FIELD_NONE)
            break;
    }
    fragment->order_count = kept;
    fragment->order = order;
    fragment->order_is_total = false;
    return true;
}

bool od_fragment_project(struct od_stage_builder *builder, struct od_fragment *fragment,
                         const struct od_expr *const *exprs, const struct od_schema *schema)
{
    OD_NEED(od_fragment_put(builder, fragment, OD_PHYSICAL_PROJECT, schema));
    fragment->root->rows = (struct od_rows_clause){1, exprs};
    return od_fragment_remap(builder, fragment, exprs, schema->field_count);
}

bool od_fragment_pick(struct od_stage_builder *builder, struct od_fragment *fragment, const uint32_t *columns,
                      const struct od_schema *schema)
{
    OD_NEW_LIST(const struct od_expr *, exprs, builder->make, schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++)
        exprs[i] = od_new_column(builder->make, &fragment->root->schema, columns[i]);
    return od_fragment_project(builder, fragment, exprs, schema);
}

uint32_t *od_fragment_columns(struct od_stage_builder *builder, struct od_fragment *fragment,
                              const struct od_expr *const *exprs, uint32_t count, uint32_t *extra_out)
{
    const struct od_schema *input = &fragment->root->schema;
    uint32_t width = input->field_count;
    struct od_schema schema = {.field_count = width};
    OD_NEW(schema.fields, builder->make, width + count);
    OD_NEW_LIST(uint32_t, columns, builder->make, count);
    const struct od_expr **row = od_new_columns(builder->make, input, count);
    OD_NEED(row != NULL);
    for (uint32_t i = 0; i < width; i++)
        schema.fields[i] = input->fields[i];
    for (uint32_t i = 0; i < count; i++) {
        bool is_column = exprs[i]->kind == OD_EXPR_COLUMN;
        columns[i] = is_column ? exprs[i]->column_index : schema.field_count;
        if (is_column)
            continue;
        const char *name = od_new_name(builder->make, "key", schema.field_count - width);
        row[schema.field_count] = exprs[i];
        schema.fields[schema.field_count++] = (struct od_field){name, exprs[i]->type, exprs[i]->nullable};
    }
    *extra_out = schema.field_count - width;
    OD_NEED(*extra_out == 0 || od_fragment_project(builder, fragment, row, &schema));
    return columns;
}

/* --- what is known of the rows ---------------------------------------------------------------- */

bool od_fragment_is_single(const struct od_stage_builder *builder, const struct od_fragment *fragment)
{
    return fragment->task_count == 1 && od_rule_is_on(builder->make, OD_RULE_EXCHANGE_ELIMINATION);
}

bool od_fragment_has_met(struct od_stage_builder *builder, const struct od_fragment *fragment,
                         const struct od_expr *const *exprs, uint32_t count)
{
    bool met = fragment->key_count > 0 && od_rule_is_on(builder->make, OD_RULE_EXCHANGE_ELIMINATION);
    for (uint32_t i = 0; i < fragment->key_count && met; i++)
        met = projected_at(exprs, count, fragment->keys[i]) != OD_FIELD_NONE;
    met = met || od_fragment_is_single(builder, fragment);
    if (met)
        od_rule_fired(builder->make, OD_RULE_EXCHANGE_ELIMINATION);
    return met;
}

bool od_fragment_meet(struct od_stage_builder *builder, struct od_fragment *fragment,
                      const struct od_expr *const *exprs, uint32_t count, const char *prefix, const char *single,
                      uint32_t *extra_out)
{
    uint32_t none;
    extra_out = extra_out == NULL ? &none : extra_out;
    *extra_out = 0;
    if (od_fragment_has_met(builder, fragment, exprs, count))
        return true;
    const uint32_t *columns = od_fragment_columns(builder, fragment, exprs, count, extra_out);
    return columns != NULL && od_fragment_spread(builder, fragment, columns, count, 0, prefix, single);
}

static bool is_ordered(const struct od_fragment *fragment, const struct od_sort_key *keys, uint32_t key_count,
                       bool total)
{
    bool ordered = total ? fragment->order_is_total && fragment->order_count == key_count
                         : fragment->order_count >= key_count && key_count > 0;
    for (uint32_t i = 0; i < key_count && ordered; i++)
        ordered = keys[i].expr->kind == OD_EXPR_COLUMN &&
                  keys[i].expr->column_index == fragment->order[i].column &&
                  keys[i].descending == fragment->order[i].descending &&
                  keys[i].nulls_first == fragment->order[i].nulls_first;
    return ordered;
}

bool od_fragment_sort(struct od_stage_builder *builder, struct od_fragment *fragment, const struct od_sort_key *keys,
                      uint32_t key_count, uint64_t limit, bool total)
{
    if (limit == UINT64_MAX && od_rule_is_on(builder->make, OD_RULE_EXCHANGE_ELIMINATION) &&
        is_ordered(fragment, keys, key_count, total)) {
        od_rule_fired(builder->make, OD_RULE_EXCHANGE_ELIMINATION);
        return true;
    }
    OD_NEW_LIST(struct od_fragment_order, order, builder->make, key_count);
    OD_NEED(od_fragment_put(builder, fragment, limit == UINT64_MAX ? OD_PHYSICAL_SORT : OD_PHYSICAL_TOP_N,
                            &fragment->root->schema));
    fragment->root->sort = (struct od_sort_clause){key_count, keys};
    fragment->root->row_limit = limit;
    fragment->order = order;
    for (fragment->order_count = 0; fragment->order_count < key_count; fragment->order_count++) {
        const struct od_sort_key *key = &keys[fragment->order_count];
        if (key->expr->kind != OD_EXPR_COLUMN)
            break;
        order[fragment->order_count] =
            (struct od_fragment_order){key->expr->column_index, key->descending, key->nulls_first};
    }
    fragment->order_is_total = fragment->order_count == key_count;
    return true;
}
