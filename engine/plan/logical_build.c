/* logical_build: one way to make a node: a draft with its clauses is copied, then fitted: types are checked and the schema
 * of the output follows. Builders fill drafts; rules make them from other nodes (plan_rewrite.h).
 *
 * Field names in a schema are copied when they come from outside and shared when they come from an input or another
 * node, which live in the same plan_arena. A table's names are the table's, which outlives the plan. */
#include "engine/plan/logical.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/enum_text.h"
#include "engine/plan/input_order.h"
#include "engine/plan/join_keys.h"
#include "engine/plan/plan_rewrite.h"

OD_ENUM_TEXT(od_plan_kind_text, enum od_plan_kind, OD_PLAN_KIND_LIST)
OD_ENUM_TEXT(od_keep_text, enum od_keep, OD_KEEP_LIST)
OD_ENUM_TEXT(od_join_type_text, enum od_join_type, OD_JOIN_TYPE_LIST)

bool od_join_pads_left(enum od_join_type type)
{
    return type == OD_JOIN_RIGHT || type == OD_JOIN_FULL;
}

bool od_join_pads_right(enum od_join_type type)
{
    return type == OD_JOIN_LEFT || type == OD_JOIN_FULL || type == OD_JOIN_SINGLE;
}

bool od_join_gives_right(enum od_join_type type)
{
    return type == OD_JOIN_INNER || od_join_pads_left(type) || od_join_pads_right(type);
}

/* --- schemas ---------------------------------------------------------------------------------- */

static enum od_status schema_new(struct od_arena *plan_arena, uint32_t field_count, struct od_schema *schema_out,
                                 struct od_error *error)
{
    schema_out->field_count = field_count;
    OD_TAKE(schema_out->fields, plan_arena, field_count, error);
    return OD_OK;
}

/* A name that may not live as long as the plan. NULL stays. */
static enum od_status keep_name(struct od_arena *plan_arena, const char **name, struct od_error *error)
{
    const char *given = *name;
    *name = given == NULL ? NULL : od_arena_copy_text(plan_arena, given, strlen(given));
    return given != NULL && *name == NULL ? od_fail(error, OD_NO_MEMORY, "naming a column") : OD_OK;
}

/* The field that an expression gives: named as wanted or as it was, else as the column that it is, else by position. */
static enum od_status expr_field(struct od_arena *plan_arena, const char *const *names, const struct od_field *old_fields,
                                 const struct od_expr *expr, const struct od_plan *input, uint32_t position,
                                 struct od_field *field, struct od_error *error)
{
    const char *name = names != NULL ? names[position] : old_fields != NULL ? old_fields[position].name : NULL;
    if (names != NULL)
        OD_TRY(keep_name(plan_arena, &name, error));
    if (name == NULL)
        name = expr->kind == OD_EXPR_COLUMN ? input->schema.fields[expr->column_index].name
                                            : od_arena_print(plan_arena, "column%u", position + 1);
    *field = (struct od_field){name, expr->type, expr->nullable};
    return name == NULL ? od_fail(error, OD_NO_MEMORY, "naming a column") : OD_OK;
}

enum od_status od_plan_join_schema(struct od_arena *plan_arena, const struct od_plan *left,
                                   const struct od_plan *right, struct od_schema *schema_out,
                                   struct od_error *error)
{
    uint32_t left_count = left->schema.field_count;
    OD_TRY(schema_new(plan_arena, left_count + right->schema.field_count, schema_out, error));
    for (uint32_t i = 0; i < schema_out->field_count; i++)
        schema_out->fields[i] = i < left_count ? left->schema.fields[i] : right->schema.fields[i - left_count];
    return OD_OK;
}

static enum od_status fit_join(struct od_arena *plan_arena, struct od_plan *plan, struct od_error *error)
{
    OD_TRY(od_join_condition_order(plan_arena, plan->inputs[0], &plan->join.condition, error));
    enum od_join_type type = plan->join.type;
    uint32_t left_count = plan->inputs[0]->schema.field_count;
    if (plan->join.condition->type != OD_TYPE_BOOLEAN)
        return od_fail(error, OD_BAD_INPUT, "argument of JOIN/ON must be type boolean, not type %s",
                       od_type_text(plan->join.condition->type));
    if (type == OD_JOIN_SEMI || type == OD_JOIN_ANTI || type == OD_JOIN_NULL_ANTI) {
        plan->schema = plan->inputs[0]->schema;
        return OD_OK;
    }
    if (type == OD_JOIN_MARK) {
        OD_TRY(schema_new(plan_arena, left_count + 1, &plan->schema, error));
        memcpy(plan->schema.fields, plan->inputs[0]->schema.fields, left_count * sizeof(struct od_field));
        plan->schema.fields[left_count] =
            (struct od_field){"mark", OD_TYPE_BOOLEAN, plan->join.condition->nullable};
        return OD_OK;
    }
    OD_TRY(od_plan_join_schema(plan_arena, plan->inputs[0], plan->inputs[1], &plan->schema, error));
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        plan->schema.fields[i].nullable |= i < left_count ? od_join_pads_left(type) : od_join_pads_right(type);
    return OD_OK;
}

/* Types, casts and field of one aggregate. */
static enum od_status fit_aggregate(struct od_arena *plan_arena, struct od_aggregate *aggregate, bool grouped,
                                    struct od_field *field, struct od_error *error)
{
    const struct od_expr **arguments[] = {&aggregate->argument, &aggregate->second};
    uint32_t count = od_aggregate_argument_count(aggregate->function);
    const char *text = count == 0 ? "count" : od_aggregate_text(aggregate->function);
    enum od_type types[2] = {0};
    bool given_nullable = aggregate->filter != NULL;
    for (uint32_t i = 0; i < count; i++) {
        od_assert(*arguments[i] != NULL);
        types[i] = (*arguments[i])->type;
        given_nullable |= (*arguments[i])->nullable;
    }
    if (!od_aggregate_resolve(aggregate->function, count, types, &aggregate->type))
        return od_fail(error, OD_BAD_INPUT, "function %s(%s%s%s) does not exist", text,
                       od_type_text(aggregate->argument->type), count > 1 ? ", " : "",
                       count > 1 ? od_type_text(aggregate->second->type) : "");
    for (uint32_t i = 0; i < count; i++)
        if ((*arguments[i])->type != types[i])
            OD_TRY(od_expr_cast(plan_arena, *arguments[i], types[i], arguments[i], error));
    if (aggregate->filter != NULL && aggregate->filter->type != OD_TYPE_BOOLEAN)
        return od_fail(error, OD_BAD_INPUT, "argument of FILTER must be type boolean, not type %s",
                       od_type_text(aggregate->filter->type));
    aggregate->name = aggregate->name == NULL ? text : aggregate->name;
    OD_TRY(keep_name(plan_arena, &aggregate->name, error));
    bool has_value = aggregate->function >= OD_AGGREGATE_SUM && aggregate->function <= OD_AGGREGATE_AVG;
    bool nullable = od_aggregate_is_nullable(aggregate->function) && !(grouped && has_value && !given_nullable);
    *field = (struct od_field){aggregate->name, aggregate->type, nullable};
    return OD_OK;
}

static enum od_status fit_groups(struct od_arena *plan_arena, struct od_plan *plan, const char *const *names,
                                 const struct od_field *old_fields, struct od_error *error)
{
    uint32_t group_count = plan->aggregate.group_count;
    struct od_aggregate *aggregates = (struct od_aggregate *)plan->aggregate.aggregates; /* our own copy */
    OD_TRY(schema_new(plan_arena, group_count + plan->aggregate.aggregate_count, &plan->schema, error));
    for (uint32_t i = 0; i < group_count; i++)
        OD_TRY(expr_field(plan_arena, names, old_fields, plan->aggregate.groups[i], plan->inputs[0], i,
                          &plan->schema.fields[i], error));
    for (uint32_t i = 0; i < plan->aggregate.aggregate_count; i++)
        OD_TRY(fit_aggregate(plan_arena, &aggregates[i], group_count > 0, &plan->schema.fields[group_count + i], error));
    return OD_OK;
}

/* PROJECT, EXPAND, VALUES: all rows agree in types. */
static enum od_status fit_rows(struct od_arena *plan_arena, struct od_plan *plan, const char *const *names,
                               const struct od_field *old_fields, struct od_error *error)
{
    uint32_t width = plan->schema.field_count;
    uint32_t height = plan->rows.row_count;
    const struct od_expr *const *exprs = plan->rows.exprs;
    OD_TRY(schema_new(plan_arena, width, &plan->schema, error));
    for (uint32_t i = 0; i < width; i++) {
        struct od_field *field = &plan->schema.fields[i];
        if (height == 0)
            *field = old_fields[i];
        else
            OD_TRY(expr_field(plan_arena, names, old_fields, exprs[i], plan->inputs[0], i, field, error));
        for (uint32_t row = 1; row < height; row++) {
            const struct od_expr *expr = exprs[row * width + i];
            field->nullable |= expr->nullable;
            if (expr->type != field->type)
                return od_fail(error, OD_BAD_INPUT, "%s types %s and %s cannot be matched",
                               od_plan_kind_text(plan->kind), od_type_text(field->type), od_type_text(expr->type));
        }
    }
    return OD_OK;
}

static enum od_status fit_union(struct od_arena *plan_arena, struct od_plan *plan, struct od_error *error)
{
    const struct od_schema *left = &plan->inputs[0]->schema;
    const struct od_schema *right = &plan->inputs[1]->schema;
    if (left->field_count != right->field_count)
        return od_fail(error, OD_BAD_INPUT, "each UNION query must have the same number of columns");
    OD_TRY(od_schema_copy(plan_arena, left, &plan->schema, error));
    for (uint32_t i = 0; i < left->field_count; i++) {
        plan->schema.fields[i].nullable |= right->fields[i].nullable;
        if (left->fields[i].type != right->fields[i].type)
            return od_fail(error, OD_BAD_INPUT, "UNION types %s and %s cannot be matched",
                           od_type_text(left->fields[i].type), od_type_text(right->fields[i].type));
    }
    return OD_OK;
}

static enum od_status fit_call(struct od_arena *plan_arena, struct od_window_call *call, struct od_field *field,
                               struct od_error *error)
{
    const struct od_window_function_info *info = od_window_function_info(call->function);
    if (call->function == OD_WINDOW_AGGREGATE) {
        OD_TRY(fit_aggregate(plan_arena, &call->aggregate, false, field, error));
    } else {
        od_assert(info->type != OD_TYPE_COUNT || call->argument_count > 0);
        enum od_type type = info->type == OD_TYPE_COUNT ? call->arguments[0]->type : info->type;
        *field = (struct od_field){info->text, type, info->is_nullable};
    }
    field->name = call->name != NULL ? call->name : field->name;
    OD_TRY(keep_name(plan_arena, &field->name, error));
    call->name = field->name;
    call->type = field->type;
    return OD_OK;
}

static enum od_status fit_window(struct od_arena *plan_arena, struct od_plan *plan, struct od_error *error)
{
    const struct od_schema *input = &plan->inputs[0]->schema;
    struct od_window_call *calls = (struct od_window_call *)plan->window.calls; /* our own copy */
    OD_TRY(schema_new(plan_arena, input->field_count + plan->window.call_count, &plan->schema, error));
    memcpy(plan->schema.fields, input->fields, input->field_count * sizeof(struct od_field));
    for (uint32_t i = 0; i < plan->window.call_count; i++)
        OD_TRY(fit_call(plan_arena, &calls[i], &plan->schema.fields[input->field_count + i], error));
    return OD_OK;
}

static enum od_status fit_scan(struct od_arena *plan_arena, struct od_plan *plan, struct od_error *error)
{
    const struct od_table *table = plan->scan.table;
    OD_TRY(schema_new(plan_arena, plan->scan.column_count, &plan->schema, error));
    for (uint32_t i = 0; i < plan->scan.column_count; i++) {
        if (plan->scan.columns[i] >= table->schema.field_count)
            return od_fail(error, OD_BAD_INPUT, "scanning table %s: no column at index=%u", table->name,
                           plan->scan.columns[i]);
        plan->schema.fields[i] = table->schema.fields[plan->scan.columns[i]];
    }
    return OD_OK;
}

/* Checks types and makes the schema; until then plan->schema is the draft's. */
static enum od_status fit(struct od_arena *plan_arena, struct od_plan *plan, const char *const *names,
                          struct od_error *error)
{
    const struct od_field *old_fields = plan->schema.fields;
    switch (plan->kind) {
    case OD_PLAN_SCAN:
        return fit_scan(plan_arena, plan, error);
    case OD_PLAN_PROJECT:
    case OD_PLAN_VALUES:
    case OD_PLAN_EXPAND:
        return fit_rows(plan_arena, plan, names, old_fields, error);
    case OD_PLAN_JOIN:
    case OD_PLAN_APPLY:
        return fit_join(plan_arena, plan, error);
    case OD_PLAN_AGGREGATE:
        return fit_groups(plan_arena, plan, names, old_fields, error);
    case OD_PLAN_UNION:
        return fit_union(plan_arena, plan, error);
    case OD_PLAN_WINDOW:
        return fit_window(plan_arena, plan, error);
    case OD_PLAN_MAP: /* the draft says what comes out */
        return OD_OK;
    case OD_PLAN_FILTER:
        if (plan->filter.predicate->type != OD_TYPE_BOOLEAN)
            return od_fail(error, OD_BAD_INPUT, "argument of WHERE must be type boolean, not type %s",
                           od_type_text(plan->filter.predicate->type));
        break;
    case OD_PLAN_SORT:
    case OD_PLAN_LIMIT:
    case OD_PLAN_REPARTITION:
    case OD_PLAN_KEEP:
        break;
    case OD_PLAN_KIND_COUNT:
        od_unreachable();
    }
    plan->schema = plan->inputs[0]->schema;
    return OD_OK;
}

/* --- drafts into nodes ------------------------------------------------------------------------ */

enum od_status od_plan_make(struct od_arena *plan_arena, const struct od_plan *draft, const char *const *names,
                            const struct od_plan **plan_out, struct od_error *error)
{
    *plan_out = NULL;
    OD_TAKE_LIST(struct od_plan, plan, plan_arena, 1, error);
    *plan = *draft;
    plan->input_count = (plan->inputs[0] != NULL) + (plan->inputs[1] != NULL);
    OD_TRY(od_plan_copy_lists(plan_arena, plan, error));
    OD_TRY(fit(plan_arena, plan, names, error));
    plan->may_fail = od_plan_node_may_fail(plan);
    plan->outer_levels = od_plan_node_outer_levels(plan);
    plan->tree_size = 1;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        plan->may_fail |= plan->inputs[i]->may_fail;
        plan->tree_size += plan->inputs[i]->tree_size;
        plan->outer_levels |= plan->inputs[i]->outer_levels >> (plan->kind == OD_PLAN_APPLY && i == 1);
    }
    plan->tree_size = plan->tree_size > UINT32_MAX ? UINT32_MAX : plan->tree_size;
    *plan_out = plan;
    return OD_OK;
}

/* --- builders --------------------------------------------------------------------------------- */

enum od_status od_plan_scan(struct od_arena *plan_arena, const struct od_table *table, const uint32_t *columns,
                            uint32_t column_count, const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = {.kind = OD_PLAN_SCAN, .scan = {table, column_count, columns}};
    return od_plan_make(plan_arena, &draft, NULL, plan_out, error);
}

enum od_status od_plan_filter(struct od_arena *plan_arena, const struct od_plan *input,
                              const struct od_expr *predicate, const struct od_plan **plan_out,
                              struct od_error *error)
{
    struct od_plan draft = {.kind = OD_PLAN_FILTER, .inputs = {input}, .filter = {predicate}};
    return od_plan_make(plan_arena, &draft, NULL, plan_out, error);
}

enum od_status od_plan_project(struct od_arena *plan_arena, const struct od_plan *input,
                               const struct od_expr *const *exprs, const char *const *names, uint32_t count,
                               const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = {.kind = OD_PLAN_PROJECT, .inputs = {input}, .schema = {count, NULL}, .rows = {1, exprs}};
    return od_plan_make(plan_arena, &draft, names, plan_out, error);
}

enum od_status od_plan_join(struct od_arena *plan_arena, enum od_join_type type, const struct od_plan *left,
                            const struct od_plan *right, const struct od_expr *condition,
                            const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = {.kind = OD_PLAN_JOIN, .inputs = {left, right}, .join = {type, condition}};
    return od_plan_make(plan_arena, &draft, NULL, plan_out, error);
}

enum od_status od_plan_apply(struct od_arena *plan_arena, enum od_join_type type, const struct od_plan *left,
                             const struct od_plan *right, const struct od_expr *condition,
                             const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = {.kind = OD_PLAN_APPLY, .inputs = {left, right}, .join = {type, condition}};
    *plan_out = NULL;
    if (od_join_pads_left(type))
        return od_fail(error, OD_UNSUPPORTED, "the right side of a %s join cannot read its left side",
                       od_join_type_text(type));
    return od_plan_make(plan_arena, &draft, NULL, plan_out, error);
}

enum od_status od_plan_aggregate(struct od_arena *plan_arena, const struct od_plan *input,
                                 const struct od_expr *const *groups, const char *const *group_names,
                                 uint32_t group_count, const struct od_aggregate *aggregates,
                                 uint32_t aggregate_count, const struct od_plan **plan_out,
                                 struct od_error *error)
{
    struct od_plan draft = {.kind = OD_PLAN_AGGREGATE,
                            .inputs = {input},
                            .aggregate = {group_count, groups, aggregate_count, aggregates}};
    return od_plan_make(plan_arena, &draft, group_names, plan_out, error);
}

enum od_status od_plan_distinct(struct od_arena *plan_arena, const struct od_plan *input,
                                const struct od_plan **plan_out, struct od_error *error)
{
    *plan_out = NULL;
    OD_TAKE_LIST(const struct od_expr *, columns, plan_arena, input->schema.field_count, error);
    for (uint32_t i = 0; i < input->schema.field_count; i++)
        OD_TRY(od_expr_column(plan_arena, &input->schema, i, &columns[i], error));
    struct od_plan draft = {.kind = OD_PLAN_AGGREGATE,
                            .inputs = {input},
                            .aggregate = {input->schema.field_count, columns, 0, NULL}};
    return od_plan_make(plan_arena, &draft, NULL, plan_out, error);
}

enum od_status od_plan_sort(struct od_arena *plan_arena, const struct od_plan *input,
                            const struct od_sort_key *keys, uint32_t key_count, const struct od_plan **plan_out,
                            struct od_error *error)
{
    struct od_plan draft = {.kind = OD_PLAN_SORT, .inputs = {input}, .sort = {key_count, keys}};
    return od_plan_make(plan_arena, &draft, NULL, plan_out, error);
}

enum od_status od_plan_limit(struct od_arena *plan_arena, const struct od_plan *input, uint64_t offset,
                             uint64_t count, const struct od_plan **plan_out, struct od_error *error)
{
    *plan_out = NULL;
    if (input->kind != OD_PLAN_SORT) {
        const struct od_sort_key *keys;
        uint32_t key_count;
        OD_TRY(od_plan_input_order(plan_arena, input, &keys, &key_count, error));
        OD_TRY(od_plan_sort(plan_arena, input, keys, key_count, &input, error));
    }
    struct od_plan draft = {.kind = OD_PLAN_LIMIT, .inputs = {input}, .limit = {offset, count}};
    return od_plan_make(plan_arena, &draft, NULL, plan_out, error);
}

enum od_status od_plan_values(struct od_arena *plan_arena, const struct od_schema *schema,
                              const struct od_expr *const *exprs, uint32_t row_count,
                              const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = {.kind = OD_PLAN_VALUES, .rows = {row_count, exprs}};
    *plan_out = NULL;
    OD_TRY(od_schema_copy(plan_arena, schema, &draft.schema, error));
    for (uint32_t i = 0; i < schema->field_count && row_count > 0; i++)
        if (exprs[i]->type != schema->fields[i].type)
            return od_fail(error, OD_BAD_INPUT, "VALUES types %s and %s cannot be matched",
                           od_type_text(schema->fields[i].type), od_type_text(exprs[i]->type));
    return od_plan_make(plan_arena, &draft, NULL, plan_out, error);
}

enum od_status od_plan_union(struct od_arena *plan_arena, const struct od_plan *left, const struct od_plan *right,
                             const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = {.kind = OD_PLAN_UNION, .inputs = {left, right}};
    return od_plan_make(plan_arena, &draft, NULL, plan_out, error);
}

enum od_status od_plan_expand(struct od_arena *plan_arena, const struct od_plan *input,
                              const struct od_expr *const *exprs, const char *const *names, uint32_t field_count,
                              uint32_t list_count, const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = {
        .kind = OD_PLAN_EXPAND, .inputs = {input}, .schema = {field_count, NULL}, .rows = {list_count, exprs}};
    od_assert(list_count > 0);
    return od_plan_make(plan_arena, &draft, names, plan_out, error);
}

enum od_status od_plan_window(struct od_arena *plan_arena, const struct od_plan *input,
                              const struct od_expr *const *partitions, uint32_t partition_count,
                              const struct od_sort_key *keys, uint32_t key_count,
                              const struct od_window_call *calls, uint32_t call_count,
                              const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = {.kind = OD_PLAN_WINDOW,
                            .inputs = {input},
                            .window = {partition_count, partitions, key_count, keys, call_count, calls}};
    return od_plan_make(plan_arena, &draft, NULL, plan_out, error);
}

enum od_status od_plan_map(struct od_arena *plan_arena, const struct od_plan *input,
                           const struct od_map_function *function, const struct od_schema *schema,
                           const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = {.kind = OD_PLAN_MAP, .inputs = {input}, .map = {function}};
    *plan_out = NULL;
    OD_TRY(od_schema_copy(plan_arena, schema, &draft.schema, error));
    return od_plan_make(plan_arena, &draft, NULL, plan_out, error);
}

enum od_status od_plan_keep(struct od_arena *plan_arena, const struct od_plan *input, enum od_keep keep, uint64_t key,
                            const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = {.kind = OD_PLAN_KEEP, .inputs = {input}, .keep = {keep, key}};
    return od_plan_make(plan_arena, &draft, NULL, plan_out, error);
}

enum od_status od_plan_repartition(struct od_arena *plan_arena, const struct od_plan *input,
                                   const struct od_expr *const *keys, uint32_t key_count,
                                   uint32_t partition_count, const struct od_plan **plan_out,
                                   struct od_error *error)
{
    struct od_plan draft = {.kind = OD_PLAN_REPARTITION,
                            .inputs = {input},
                            .repartition = {key_count, keys, partition_count}};
    return od_plan_make(plan_arena, &draft, NULL, plan_out, error);
}
