/* plan_print: a plan as indented text, one node a line, the root first, inputs two columns further in. Physical nodes print
 * their clauses by it, too, so that a plan and its stages can be read side by side.
 *
 * Nothing here stops at a refused allocation: the buffer remembers it, and the caller asks once. */
#include <inttypes.h>
#include <string.h>

#include "engine/plan/plan_rewrite.h"

#define ROWS_SHOWN        16  /* of VALUES: a file may insert many thousands */
#define JOIN_FIELDS_NAMED 512 /* wider joins print columns as numbers */

/* --- parts of clauses --------------------------------------------------------------------------- */

static void print_after(const char *before, const struct od_expr *expr, const struct od_schema *input,
                        struct od_buffer *buffer)
{
    if (expr == NULL)
        return;
    od_buffer_append_text(buffer, before);
    od_expr_print(expr, input, buffer);
}

/* "a, (b + 1) as c": the field's name where it says more than the expression; fields NULL: they have none. */
static void print_exprs(const char *before, const struct od_expr *const *exprs, const struct od_field *fields,
                        uint32_t count, const struct od_schema *input, struct od_buffer *buffer)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct od_expr *expr = exprs[i];
        print_after(i > 0 ? ", " : before, expr, input, buffer);
        bool says_its_name = expr->kind == OD_EXPR_COLUMN && input != NULL && expr->column_index < input->field_count &&
                             fields != NULL && strcmp(input->fields[expr->column_index].name, fields[i].name) == 0;
        if (fields != NULL && !says_its_name)
            od_buffer_print(buffer, " as %s", fields[i].name);
    }
}

/* "delay desc nulls first, city asc nulls last" */
static void print_keys(const char *before, const struct od_sort_key *keys, uint32_t count,
                       const struct od_schema *input, struct od_buffer *buffer)
{
    for (uint32_t i = 0; i < count; i++) {
        print_after(i > 0 ? ", " : before, keys[i].expr, input, buffer);
        od_buffer_print(buffer, "%s nulls %s", keys[i].descending ? " desc" : " asc",
                        keys[i].nulls_first ? "first" : "last");
    }
}

static void print_aggregate(const struct od_aggregate *aggregate, const struct od_schema *input,
                            struct od_buffer *buffer)
{
    od_buffer_append_text(buffer, od_aggregate_text(aggregate->function));
    print_after(aggregate->distinct ? "(distinct " : "(", aggregate->argument, input, buffer);
    print_after(", ", aggregate->second, input, buffer);
    print_keys(" order by ", aggregate->keys, aggregate->key_count, input, buffer);
    od_buffer_append_text(buffer, aggregate->argument != NULL ? ")" : "");
    print_after(" where ", aggregate->filter, input, buffer);
}

static void print_bound(enum od_frame_bound bound, const struct od_expr *offset, const struct od_schema *input,
                        struct od_buffer *buffer)
{
    static const char *const texts[] = {
        [OD_FRAME_UNBOUNDED_PRECEDING] = "unbounded preceding", [OD_FRAME_PRECEDING] = " preceding",
        [OD_FRAME_CURRENT_ROW] = "current row",                 [OD_FRAME_FOLLOWING] = " following",
        [OD_FRAME_UNBOUNDED_FOLLOWING] = "unbounded following",
    };
    print_after("", offset, input, buffer);
    od_buffer_append_text(buffer, texts[bound]);
}

static void print_frame(const struct od_window_frame *frame, const struct od_schema *input, struct od_buffer *buffer)
{
    static const char *const units[] = {"rows", "range", "groups"};
    static const char *const exclusions[] = {"", " exclude row", " exclude group", " exclude ties"};
    od_buffer_print(buffer, " over %s ", units[frame->unit]);
    print_bound(frame->start, frame->start_offset, input, buffer);
    od_buffer_append_text(buffer, " to ");
    print_bound(frame->end, frame->end_offset, input, buffer);
    od_buffer_append_text(buffer, exclusions[frame->exclusion]);
}

static void print_call(const struct od_window_call *call, const struct od_schema *input, struct od_buffer *buffer)
{
    bool aggregates = call->function == OD_WINDOW_AGGREGATE;
    if (aggregates)
        print_aggregate(&call->aggregate, input, buffer);
    else
        od_buffer_print(buffer, "%s(", od_window_function_text(call->function));
    print_exprs("", call->arguments, NULL, call->argument_count, input, buffer);
    od_buffer_append_text(buffer, aggregates ? "" : ")");
    if (aggregates || call->function >= OD_WINDOW_FIRST_VALUE)
        print_frame(&call->frame, input, buffer);
}

static void print_names(const struct od_schema *schema, struct od_buffer *buffer)
{
    for (uint32_t i = 0; i < schema->field_count; i++)
        od_buffer_print(buffer, "%s%s", i > 0 ? ", " : " (", schema->fields[i].name);
    od_buffer_append_text(buffer, schema->field_count == 0 ? " ()" : ")");
}

/* --- clauses of one kind -------------------------------------------------------------------------- */

/* " (a, b): (1, 2), (3, 4)" */
static void print_rows(const struct od_plan *plan, const struct od_schema *input, struct od_buffer *buffer)
{
    uint32_t width = plan->schema.field_count;
    uint32_t shown = plan->rows.row_count > ROWS_SHOWN ? ROWS_SHOWN : plan->rows.row_count;
    print_names(&plan->schema, buffer);
    for (uint32_t row = 0; row < shown; row++) {
        od_buffer_append_text(buffer, row > 0 ? ", (" : ": (");
        print_exprs("", plan->rows.exprs + (size_t)row * width, NULL, width, input, buffer);
        od_buffer_append_text(buffer, ")");
    }
    if (shown == 0)
        od_buffer_append_text(buffer, " no rows");
    if (shown < plan->rows.row_count)
        od_buffer_print(buffer, " ... %u rows", plan->rows.row_count);
}

/* A join's condition names its columns as left ++ right, whatever comes out; the two are in no schema for a SEMI join. */
static void print_join(const struct od_plan *plan, struct od_buffer *buffer)
{
    const struct od_schema *left = &plan->inputs[0]->schema;
    const struct od_schema *right = &plan->inputs[1]->schema;
    struct od_field fields[JOIN_FIELDS_NAMED];
    struct od_schema both = {left->field_count + right->field_count, fields};
    bool named = both.field_count <= JOIN_FIELDS_NAMED;
    for (uint32_t i = 0; i < both.field_count && named; i++)
        fields[i] = i < left->field_count ? left->fields[i] : right->fields[i - left->field_count];
    od_buffer_print(buffer, " %s", od_join_type_text(plan->join.type));
    print_after(" on ", plan->join.condition, named ? &both : NULL, buffer);
}

static void print_groups(const struct od_plan *plan, const struct od_schema *input, struct od_buffer *buffer)
{
    print_exprs(" by ", plan->aggregate.groups, plan->schema.fields, plan->aggregate.group_count, input, buffer);
    for (uint32_t i = 0; i < plan->aggregate.aggregate_count; i++) {
        od_buffer_append_text(buffer, i > 0 ? ", " : ": ");
        print_aggregate(&plan->aggregate.aggregates[i], input, buffer);
        od_buffer_print(buffer, " as %s", plan->aggregate.aggregates[i].name);
    }
}

static void print_window(const struct od_window_clause *window, const struct od_schema *input, struct od_buffer *buffer)
{
    print_exprs(" by ", window->partitions, NULL, window->partition_count, input, buffer);
    print_keys(" order by ", window->keys, window->key_count, input, buffer);
    for (uint32_t i = 0; i < window->call_count; i++) {
        od_buffer_append_text(buffer, i > 0 ? ", " : ": ");
        print_call(&window->calls[i], input, buffer);
        od_buffer_print(buffer, " as %s", window->calls[i].name);
    }
}

static void print_limit(const struct od_limit_clause *limit, struct od_buffer *buffer)
{
    if (limit->count == UINT64_MAX)
        od_buffer_append_text(buffer, " all");
    else
        od_buffer_print(buffer, " %" PRIu64, limit->count);
    if (limit->offset > 0)
        od_buffer_print(buffer, " offset %" PRIu64, limit->offset);
}

void od_plan_print_clauses(const struct od_plan *plan, struct od_buffer *buffer)
{
    const struct od_schema *input = plan->inputs[0] != NULL ? &plan->inputs[0]->schema : NULL;
    switch (plan->kind) {
    case OD_PLAN_SCAN:
        od_buffer_print(buffer, " %s", plan->scan.table->name);
        print_names(&plan->schema, buffer);
        break;
    case OD_PLAN_FILTER:
        print_after(" ", plan->filter.predicate, input, buffer);
        break;
    case OD_PLAN_PROJECT:
        print_exprs(" ", plan->rows.exprs, plan->schema.fields, plan->schema.field_count, input, buffer);
        break;
    case OD_PLAN_JOIN:
    case OD_PLAN_APPLY:
        print_join(plan, buffer);
        break;
    case OD_PLAN_AGGREGATE:
        print_groups(plan, input, buffer);
        break;
    case OD_PLAN_SORT:
        od_buffer_append_text(buffer, plan->sort.key_count == 0 ? " by the whole row" : "");
        print_keys(" by ", plan->sort.keys, plan->sort.key_count, input, buffer);
        break;
    case OD_PLAN_LIMIT:
        print_limit(&plan->limit, buffer);
        break;
    case OD_PLAN_VALUES:
    case OD_PLAN_EXPAND:
        print_rows(plan, input, buffer);
        break;
    case OD_PLAN_WINDOW:
        print_window(&plan->window, input, buffer);
        break;
    case OD_PLAN_MAP:
        od_buffer_print(buffer, " %s", plan->map.function->name);
        break;
    case OD_PLAN_REPARTITION:
        print_exprs(" by ", plan->repartition.keys, NULL, plan->repartition.key_count, input, buffer);
        if (plan->repartition.partition_count != 0)
            od_buffer_print(buffer, " in %u", plan->repartition.partition_count);
        break;
    case OD_PLAN_KEEP:
        od_buffer_print(buffer, " %s", od_keep_text(plan->keep.kind));
        break;
    case OD_PLAN_UNION:
    case OD_PLAN_KIND_COUNT:
        break;
    }
}

bool od_plan_print_node(const struct od_plan *plan, struct od_buffer *buffer)
{
    od_buffer_append_text(buffer, od_plan_kind_text(plan->kind));
    od_plan_print_clauses(plan, buffer);
    return !buffer->failed;
}

static void print_tree(const struct od_plan *plan, uint32_t depth, struct od_buffer *buffer)
{
    od_buffer_print(buffer, "%*s", (int)(2 * depth), "");
    od_plan_print_node(plan, buffer);
    od_buffer_append_text(buffer, "\n");
    for (uint32_t i = 0; i < plan->input_count; i++)
        print_tree(plan->inputs[i], depth + 1, buffer);
}

bool od_plan_print(const struct od_plan *plan, struct od_buffer *buffer)
{
    print_tree(plan, 0, buffer);
    return !buffer->failed;
}
