/* logical_build: one function a node kind: checks types, copies the lists it is given, computes the output
 * schema.
 *
 * Field names in a schema are copied when they come from outside and shared when they come from an input,
 * which lives in the same plan_arena. A table's names are the table's, which outlives the plan. */
#include "engine/plan/logical.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/plan/input_order.h"

static const char *const kind_texts[] = {
#define X(name, text) [OD_PLAN_##name] = text,
    OD_PLAN_KIND_LIST(X)
#undef X
};

const char *od_plan_kind_text(enum od_plan_kind kind)
{
    od_assert((unsigned)kind < OD_PLAN_KIND_COUNT);
    return kind_texts[kind];
}

static enum od_status no_memory(struct od_error *error)
{
    return od_fail(error, OD_NO_MEMORY, "building a plan");
}

static void *copy_list(struct od_arena *plan_arena, const void *list, size_t count, size_t bytes)
{
    void *copy = od_arena_take_array(plan_arena, count, bytes);
    if (copy != NULL && count > 0)
        memcpy(copy, list, count * bytes);
    return copy;
}

static struct od_plan *plan_new(struct od_arena *plan_arena, enum od_plan_kind kind,
                                const struct od_plan *left, const struct od_plan *right)
{
    struct od_plan *plan = od_arena_take(plan_arena, sizeof(*plan));
    if (plan == NULL)
        return NULL;
    plan->kind = kind;
    plan->inputs[0] = left;
    plan->inputs[1] = right;
    plan->input_count = (left != NULL) + (right != NULL);
    return plan;
}

static bool schema_new(struct od_arena *plan_arena, uint32_t field_count, struct od_schema *schema_out)
{
    schema_out->field_count = 0;
    schema_out->fields = od_arena_take_array(plan_arena, field_count, sizeof(*schema_out->fields));
    if (schema_out->fields == NULL)
        return false;
    schema_out->field_count = field_count;
    return true;
}

/* The name of an expression's field: the one wanted, else the column's own, else by position. NULL: no
 * memory. */
static const char *field_name(struct od_arena *plan_arena, const char *wanted, const struct od_expr *expr,
                              const struct od_schema *schema, uint32_t position)
{
    if (wanted != NULL)
        return od_arena_copy_text(plan_arena, wanted, strlen(wanted));
    if (expr != NULL && expr->kind == OD_EXPR_COLUMN)
        return schema->fields[expr->column_index].name;
    return od_arena_print(plan_arena, "column%u", position + 1);
}

enum od_status od_plan_scan(struct od_arena *plan_arena, const struct od_table *table,
                            const uint32_t *columns, uint32_t column_count, const struct od_plan **plan_out,
                            struct od_error *error)
{
    struct od_plan *plan = plan_new(plan_arena, OD_PLAN_SCAN, NULL, NULL);
    *plan_out = NULL;
    if (plan == NULL || !schema_new(plan_arena, column_count, &plan->schema))
        return no_memory(error);
    plan->scan.table = table;
    plan->scan.column_count = column_count;
    plan->scan.columns = copy_list(plan_arena, columns, column_count, sizeof(*columns));
    if (plan->scan.columns == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < column_count; i++) {
        if (columns[i] >= table->schema.field_count)
            return od_fail(error, OD_BAD_INPUT, "scanning table %s: no column at index=%u", table->name,
                           columns[i]);
        plan->schema.fields[i] = table->schema.fields[columns[i]];
    }
    *plan_out = plan;
    return OD_OK;
}

enum od_status od_plan_filter(struct od_arena *plan_arena, const struct od_plan *input,
                              const struct od_expr *predicate, const struct od_plan **plan_out,
                              struct od_error *error)
{
    *plan_out = NULL;
    if (predicate->type != OD_TYPE_BOOLEAN)
        return od_fail(error, OD_BAD_INPUT, "argument of WHERE must be type boolean, not type %s",
                       od_type_text(predicate->type));
    struct od_plan *plan = plan_new(plan_arena, OD_PLAN_FILTER, input, NULL);
    if (plan == NULL)
        return no_memory(error);
    plan->schema = input->schema;
    plan->filter.predicate = predicate;
    *plan_out = plan;
    return OD_OK;
}

enum od_status od_plan_project(struct od_arena *plan_arena, const struct od_plan *input,
                               const struct od_expr *const *exprs, const char *const *names, uint32_t count,
                               const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan *plan = plan_new(plan_arena, OD_PLAN_PROJECT, input, NULL);
    *plan_out = NULL;
    if (plan == NULL || !schema_new(plan_arena, count, &plan->schema))
        return no_memory(error);
    plan->project.exprs = copy_list(plan_arena, exprs, count, sizeof(*exprs));
    if (plan->project.exprs == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        struct od_field *field = &plan->schema.fields[i];
        field->type = exprs[i]->type;
        field->nullable = exprs[i]->nullable;
        field->name = field_name(plan_arena, names == NULL ? NULL : names[i], exprs[i], &input->schema, i);
        if (field->name == NULL)
            return no_memory(error);
    }
    *plan_out = plan;
    return OD_OK;
}

enum od_status od_plan_join_schema(struct od_arena *plan_arena, const struct od_plan *left,
                                   const struct od_plan *right, struct od_schema *schema_out,
                                   struct od_error *error)
{
    uint32_t left_count = left->schema.field_count;
    if (!schema_new(plan_arena, left_count + right->schema.field_count, schema_out))
        return no_memory(error);
    for (uint32_t i = 0; i < schema_out->field_count; i++)
        schema_out->fields[i] =
            i < left_count ? left->schema.fields[i] : right->schema.fields[i - left_count];
    return OD_OK;
}

enum od_status od_plan_join(struct od_arena *plan_arena, enum od_join_type type, const struct od_plan *left,
                            const struct od_plan *right, const struct od_expr *condition,
                            const struct od_plan **plan_out, struct od_error *error)
{
    *plan_out = NULL;
    if (condition->type != OD_TYPE_BOOLEAN)
        return od_fail(error, OD_BAD_INPUT, "argument of JOIN/ON must be type boolean, not type %s",
                       od_type_text(condition->type));
    struct od_plan *plan = plan_new(plan_arena, OD_PLAN_JOIN, left, right);
    if (plan == NULL)
        return no_memory(error);
    enum od_status status = od_plan_join_schema(plan_arena, left, right, &plan->schema, error);
    if (status != OD_OK)
        return status;
    for (uint32_t i = left->schema.field_count; i < plan->schema.field_count && type == OD_JOIN_LEFT; i++)
        plan->schema.fields[i].nullable = true;
    plan->join.type = type;
    plan->join.condition = condition;
    *plan_out = plan;
    return OD_OK;
}

/* Types and field of one aggregate; `position` is its place in the output. */
static enum od_status add_aggregate(struct od_arena *plan_arena, struct od_plan *plan,
                                    struct od_aggregate *aggregate, uint32_t position, struct od_error *error)
{
    struct od_field *field = &plan->schema.fields[position];
    bool star = aggregate->function == OD_AGGREGATE_COUNT_STAR;
    const char *function_text = star ? "count" : od_aggregate_text(aggregate->function);
    od_assert(star == (aggregate->argument == NULL));
    enum od_type types[2] = {star ? OD_TYPE_INT64 : aggregate->argument->type,
                             aggregate->second == NULL ? OD_TYPE_INT64 : aggregate->second->type};
    uint32_t count = (uint32_t)!star + (aggregate->second != NULL);
    if (!od_aggregate_resolve(aggregate->function, count, types, &aggregate->type))
        return od_fail(error, OD_BAD_INPUT, "function %s(%s) does not exist", function_text, od_type_text(types[0]));
    aggregate->name = field_name(plan_arena, aggregate->name != NULL ? aggregate->name : function_text, NULL,
                                 NULL, position);
    if (aggregate->name == NULL)
        return no_memory(error);
    field->name = aggregate->name;
    field->type = aggregate->type;
    field->nullable = od_aggregate_is_nullable(aggregate->function);
    return OD_OK;
}

enum od_status od_plan_aggregate(struct od_arena *plan_arena, const struct od_plan *input,
                                 const struct od_expr *const *groups, const char *const *group_names,
                                 uint32_t group_count, const struct od_aggregate *aggregates,
                                 uint32_t aggregate_count, const struct od_plan **plan_out,
                                 struct od_error *error)
{
    struct od_plan *plan = plan_new(plan_arena, OD_PLAN_AGGREGATE, input, NULL);
    *plan_out = NULL;
    if (plan == NULL || !schema_new(plan_arena, group_count + aggregate_count, &plan->schema))
        return no_memory(error);
    plan->aggregate.group_count = group_count;
    plan->aggregate.groups = copy_list(plan_arena, groups, group_count, sizeof(*groups));
    plan->aggregate.aggregate_count = aggregate_count;
    struct od_aggregate *copies = copy_list(plan_arena, aggregates, aggregate_count, sizeof(*aggregates));
    plan->aggregate.aggregates = copies;
    if (plan->aggregate.groups == NULL || copies == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < group_count; i++) {
        struct od_field *field = &plan->schema.fields[i];
        field->type = groups[i]->type;
        field->nullable = groups[i]->nullable;
        field->name =
            field_name(plan_arena, group_names == NULL ? NULL : group_names[i], groups[i], &input->schema, i);
        if (field->name == NULL)
            return no_memory(error);
    }
    for (uint32_t i = 0; i < aggregate_count; i++) {
        enum od_status status = add_aggregate(plan_arena, plan, &copies[i], group_count + i, error);
        if (status != OD_OK)
            return status;
    }
    *plan_out = plan;
    return OD_OK;
}

enum od_status od_plan_distinct(struct od_arena *plan_arena, const struct od_plan *input,
                                const struct od_plan **plan_out, struct od_error *error)
{
    uint32_t count = input->schema.field_count;
    const struct od_expr **groups = od_arena_take_array(plan_arena, count, sizeof(*groups));
    *plan_out = NULL;
    if (groups == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        enum od_status status = od_expr_column(plan_arena, &input->schema, i, &groups[i], error);
        if (status != OD_OK)
            return status;
    }
    return od_plan_aggregate(plan_arena, input, groups, NULL, count, NULL, 0, plan_out, error);
}

enum od_status od_plan_sort(struct od_arena *plan_arena, const struct od_plan *input,
                            const struct od_sort_key *keys, uint32_t key_count,
                            const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan *plan = plan_new(plan_arena, OD_PLAN_SORT, input, NULL);
    *plan_out = NULL;
    if (plan == NULL)
        return no_memory(error);
    plan->schema = input->schema;
    plan->sort.key_count = key_count;
    plan->sort.keys = copy_list(plan_arena, keys, key_count, sizeof(*keys));
    if (plan->sort.keys == NULL)
        return no_memory(error);
    *plan_out = plan;
    return OD_OK;
}

enum od_status od_plan_limit(struct od_arena *plan_arena, const struct od_plan *input, uint64_t offset,
                             uint64_t count, const struct od_plan **plan_out, struct od_error *error)
{
    *plan_out = NULL;
    if (input->kind != OD_PLAN_SORT) {
        const struct od_sort_key *keys;
        uint32_t key_count;
        enum od_status status = od_plan_input_order(plan_arena, input, &keys, &key_count, error);
        if (status == OD_OK)
            status = od_plan_sort(plan_arena, input, keys, key_count, &input, error);
        if (status != OD_OK)
            return status;
    }
    struct od_plan *plan = plan_new(plan_arena, OD_PLAN_LIMIT, input, NULL);
    if (plan == NULL)
        return no_memory(error);
    plan->schema = input->schema;
    plan->limit.offset = offset;
    plan->limit.count = count;
    *plan_out = plan;
    return OD_OK;
}
