/* stage_build: closes fragments into stages.
 *
 *   fragment  project -> filter -> scan              closed by an exchange: stage 0
 *   fragment  (reader of 0)                          grows on: aggregate -> (reader of 0), closed: stage 1
 *
 * Stages are numbered as they close, so inputs come first by construction. Only when a stage closes are the
 * readers in its tree counted and numbered (input_index), because trees grow together until then. */
#include "engine/plan/stage_build.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/plan/rule.h"

enum od_status od_stage_no_memory(struct od_error *error)
{
    return od_fail(error, OD_NO_MEMORY, "building stages");
}

struct od_physical *od_physical_new(struct od_stage_builder *builder, enum od_physical_kind kind,
                                    const struct od_schema *schema, const struct od_physical *left,
                                    const struct od_physical *right)
{
    struct od_physical *node = od_arena_take(builder->plan_arena, sizeof(*node));
    if (node == NULL)
        return NULL;
    node->kind = kind;
    node->schema = *schema;
    node->inputs[0] = left;
    node->inputs[1] = right;
    node->input_count = (left != NULL) + (right != NULL);
    return node;
}

const char *od_stage_reason(struct od_stage_builder *builder, const char *prefix,
                            const struct od_schema *schema, const uint32_t *keys, uint32_t key_count)
{
    const char *text = prefix;
    for (uint32_t i = 0; i < key_count && text != NULL; i++)
        text = od_arena_print(builder->plan_arena, "%s%s%s", text, i == 0 ? ": " : ", ",
                              schema->fields[keys[i]].name);
    return text;
}

bool od_fragment_is_single(const struct od_stage_builder *builder, const struct od_fragment *fragment)
{
    return fragment->task_count == 1 && od_rule_is_on(builder->options, OD_RULE_EXCHANGE_ELIMINATION);
}

/* --- closing a stage -------------------------------------------------------------------------- */

static uint32_t count_readers(const struct od_physical *node)
{
    uint32_t count = node->kind == OD_PHYSICAL_EXCHANGE_READ;
    for (uint32_t i = 0; i < node->input_count; i++)
        count += count_readers(node->inputs[i]);
    return count;
}

/* The nodes were made here and are only const to their readers; numbering them is the last change. */
static void number_readers(const struct od_physical *node, uint32_t *input_stages, uint32_t *next)
{
    if (node->kind == OD_PHYSICAL_EXCHANGE_READ) {
        struct od_physical *reader = (struct od_physical *)node;
        input_stages[*next] = reader->exchange.stage_index;
        reader->exchange.input_index = (*next)++;
    }
    for (uint32_t i = 0; i < node->input_count; i++)
        number_readers(node->inputs[i], input_stages, next);
}

static bool stages_grow(struct od_stage_builder *builder)
{
    if (builder->stage_count < builder->stage_capacity)
        return true;
    uint32_t capacity = builder->stage_capacity == 0 ? 8 : builder->stage_capacity * 2;
    struct od_stage *stages = od_arena_take_array(builder->plan_arena, capacity, sizeof(*stages));
    if (stages == NULL)
        return false;
    if (builder->stage_count > 0)
        memcpy(stages, builder->stages, builder->stage_count * sizeof(*stages));
    builder->stages = stages;
    builder->stage_capacity = capacity;
    return true;
}

static enum od_status stage_close(struct od_stage_builder *builder, const struct od_fragment *fragment,
                                  enum od_exchange_kind kind, const uint32_t *keys, uint32_t key_count,
                                  const char *reason, struct od_error *error)
{
    uint32_t input_count = count_readers(fragment->root);
    uint32_t next = 0;
    uint32_t *input_stages = od_arena_take_array(builder->plan_arena, input_count, sizeof(*input_stages));
    uint32_t *key_copy = od_arena_take_array(builder->plan_arena, key_count, sizeof(*key_copy));
    if (reason == NULL || input_stages == NULL || key_copy == NULL || !stages_grow(builder))
        return od_stage_no_memory(error);
    number_readers(fragment->root, input_stages, &next);
    od_assert(next == input_count);
    if (key_count > 0)
        memcpy(key_copy, keys, key_count * sizeof(*keys));
    od_assert((kind == OD_EXCHANGE_HASH) == (key_count > 0));
    builder->stages[builder->stage_count] = (struct od_stage){
        .stage_index = builder->stage_count,
        .task_count = fragment->task_count,
        .root = fragment->root,
        .input_count = input_count,
        .input_stages = input_stages,
        .exchange = kind,
        .partition_count = kind == OD_EXCHANGE_HASH ? builder->partition_count : 1,
        .key_count = key_count,
        .keys = key_copy,
        .reason = reason,
    };
    builder->stage_count++;
    return OD_OK;
}

enum od_status od_fragment_exchange(struct od_stage_builder *builder, struct od_fragment *fragment,
                                    enum od_exchange_kind kind, const uint32_t *keys, uint32_t key_count,
                                    const char *reason, struct od_error *error)
{
    enum od_status status = stage_close(builder, fragment, kind, keys, key_count, reason, error);
    if (status != OD_OK)
        return status;
    const struct od_stage *stage = &builder->stages[builder->stage_count - 1];
    struct od_physical *reader =
        od_physical_new(builder, OD_PHYSICAL_EXCHANGE_READ, &fragment->root->schema, NULL, NULL);
    if (reader == NULL)
        return od_stage_no_memory(error);
    reader->exchange.stage_index = stage->stage_index;
    reader->exchange.broadcast = kind == OD_EXCHANGE_BROADCAST;
    *fragment = (struct od_fragment){
        .root = reader,
        .task_count = stage->partition_count,
        .key_count = stage->key_count,
        .keys = stage->keys,
    };
    return OD_OK;
}

enum od_status od_fragment_finish(struct od_stage_builder *builder, struct od_fragment *fragment,
                                  struct od_error *error)
{
    return stage_close(builder, fragment, OD_EXCHANGE_RESULT, NULL, 0, "the answer goes to the driver",
                       error);
}

/* --- projects --------------------------------------------------------------------------------- */

/* Where column `key` comes out of the project, or OD_FIELD_NONE. */
static uint32_t projected_at(const struct od_expr *const *exprs, uint32_t count, uint32_t key)
{
    for (uint32_t i = 0; i < count; i++)
        if (exprs[i]->kind == OD_EXPR_COLUMN && exprs[i]->column_index == key)
            return i;
    return OD_FIELD_NONE;
}

static enum od_status project_keys(struct od_stage_builder *builder, struct od_fragment *fragment,
                                   const struct od_expr *const *exprs, uint32_t count, struct od_error *error)
{
    uint32_t *keys = od_arena_take_array(builder->plan_arena, fragment->key_count, sizeof(*keys));
    if (keys == NULL)
        return od_stage_no_memory(error);
    bool kept = fragment->key_count > 0;
    for (uint32_t i = 0; i < fragment->key_count && kept; i++) {
        keys[i] = projected_at(exprs, count, fragment->keys[i]);
        kept = keys[i] != OD_FIELD_NONE;
    }
    fragment->key_count = kept ? fragment->key_count : 0;
    fragment->keys = keys;
    return OD_OK;
}

enum od_status od_fragment_project(struct od_stage_builder *builder, struct od_fragment *fragment,
                                   const struct od_expr *const *exprs, const struct od_schema *schema,
                                   struct od_error *error)
{
    struct od_physical *node = od_physical_new(builder, OD_PHYSICAL_PROJECT, schema, fragment->root, NULL);
    if (node == NULL)
        return od_stage_no_memory(error);
    node->project.exprs = exprs;
    fragment->root = node;
    return project_keys(builder, fragment, exprs, schema->field_count, error);
}

/* All columns of the fragment followed by the `count` computed ones. */
static enum od_status append_computed(struct od_stage_builder *builder, struct od_fragment *fragment,
                                      const struct od_expr *const *computed, uint32_t count,
                                      struct od_error *error)
{
    const struct od_schema *input = &fragment->root->schema;
    uint32_t total = input->field_count + count;
    struct od_schema schema = {.field_count = total};
    const struct od_expr **exprs = od_arena_take_array(builder->plan_arena, total, sizeof(*exprs));
    schema.fields = od_arena_take_array(builder->plan_arena, total, sizeof(*schema.fields));
    if (exprs == NULL || schema.fields == NULL)
        return od_stage_no_memory(error);
    for (uint32_t i = 0; i < input->field_count; i++) {
        schema.fields[i] = input->fields[i];
        enum od_status status = od_expr_column(builder->plan_arena, input, i, &exprs[i], error);
        if (status != OD_OK)
            return status;
    }
    for (uint32_t i = 0; i < count; i++) {
        exprs[input->field_count + i] = computed[i];
        schema.fields[input->field_count + i] = (struct od_field){
            .name = od_arena_print(builder->plan_arena, "key%u", i),
            .type = computed[i]->type,
            .nullable = computed[i]->nullable,
        };
        if (schema.fields[input->field_count + i].name == NULL)
            return od_stage_no_memory(error);
    }
    return od_fragment_project(builder, fragment, exprs, &schema, error);
}

enum od_status od_fragment_columns(struct od_stage_builder *builder, struct od_fragment *fragment,
                                   const struct od_expr *const *exprs, uint32_t count, uint32_t *columns_out,
                                   uint32_t *extra_out, struct od_error *error)
{
    const struct od_expr **computed = od_arena_take_array(builder->plan_arena, count, sizeof(*computed));
    uint32_t computed_count = 0;
    *extra_out = 0;
    if (computed == NULL)
        return od_stage_no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        if (exprs[i]->kind == OD_EXPR_COLUMN) {
            columns_out[i] = exprs[i]->column_index;
        } else {
            columns_out[i] = fragment->root->schema.field_count + computed_count;
            computed[computed_count++] = exprs[i];
        }
    }
    *extra_out = computed_count;
    if (computed_count == 0)
        return OD_OK;
    return append_computed(builder, fragment, computed, computed_count, error);
}
