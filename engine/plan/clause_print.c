/* clause_print: one way to print each clause, so that a logical plan and its stages can be read side by side.
 * Nothing here stops at a refused allocation: the buffer remembers it, and the caller asks once. */
#include "engine/plan/clause_print.h"

#include <inttypes.h>
#include <string.h>

/* What stands before item i of a list. */
static const char *before(uint32_t i)
{
    return i > 0 ? ", " : "";
}

static bool says_its_name(const struct od_expr *expr, const char *name, const struct od_schema *input)
{
    return expr->kind == OD_EXPR_COLUMN && input != NULL && expr->column_index < input->field_count &&
           strcmp(input->fields[expr->column_index].name, name) == 0;
}

void od_clause_exprs(const struct od_expr *const *exprs, const struct od_field *fields, uint32_t count,
                     const struct od_schema *input, struct od_buffer *buffer)
{
    for (uint32_t i = 0; i < count; i++) {
        od_buffer_append_text(buffer, before(i));
        od_expr_print(exprs[i], input, buffer);
        if (fields != NULL && !says_its_name(exprs[i], fields[i].name, input))
            od_buffer_print(buffer, " as %s", fields[i].name);
    }
}

static void print_aggregate(const struct od_aggregate *aggregate, const struct od_schema *input,
                            struct od_buffer *buffer)
{
    od_buffer_append_text(buffer, od_aggregate_text(aggregate->function));
    if (aggregate->argument != NULL || aggregate->second != NULL || aggregate->key_count > 0) {
        od_buffer_append_text(buffer, aggregate->distinct ? "(distinct " : "(");
        if (aggregate->argument != NULL)
            od_expr_print(aggregate->argument, input, buffer);
        if (aggregate->second != NULL) {
            od_buffer_append_text(buffer, ", ");
            od_expr_print(aggregate->second, input, buffer);
        }
        if (aggregate->key_count > 0) {
            od_buffer_append_text(buffer, " order by ");
            od_clause_sort_keys(aggregate->keys, aggregate->key_count, input, buffer);
        }
        od_buffer_append_text(buffer, ")");
    }
    if (aggregate->filter != NULL) {
        od_buffer_append_text(buffer, " where ");
        od_expr_print(aggregate->filter, input, buffer);
    }
}

void od_clause_groups(const struct od_expr *const *groups, const struct od_field *fields, uint32_t group_count,
                      const struct od_aggregate *aggregates, uint32_t aggregate_count, const struct od_schema *input,
                      struct od_buffer *buffer)
{
    if (group_count > 0)
        od_buffer_append_text(buffer, " by ");
    od_clause_exprs(groups, fields, group_count, input, buffer);
    for (uint32_t i = 0; i < aggregate_count; i++) {
        od_buffer_append_text(buffer, i > 0 ? ", " : ": ");
        print_aggregate(&aggregates[i], input, buffer);
        od_buffer_print(buffer, " as %s", aggregates[i].name);
    }
}

static void print_bound(enum od_frame_bound bound, const struct od_expr *offset, const struct od_schema *input,
                        struct od_buffer *buffer)
{
    static const char *const texts[] = {
        [OD_FRAME_UNBOUNDED_PRECEDING] = "unbounded preceding", [OD_FRAME_PRECEDING] = " preceding",
        [OD_FRAME_CURRENT_ROW] = "current row",                 [OD_FRAME_FOLLOWING] = " following",
        [OD_FRAME_UNBOUNDED_FOLLOWING] = "unbounded following",
    };
    if (offset != NULL)
        od_expr_print(offset, input, buffer);
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
    if (call->function == OD_WINDOW_AGGREGATE) {
        print_aggregate(&call->aggregate, input, buffer);
    } else {
        od_buffer_print(buffer, "%s(", od_window_function_text(call->function));
        od_clause_exprs(call->arguments, NULL, call->argument_count, input, buffer);
        od_buffer_append_text(buffer, ")");
    }
    bool framed = call->function == OD_WINDOW_AGGREGATE || call->function == OD_WINDOW_FIRST_VALUE ||
                  call->function == OD_WINDOW_LAST_VALUE || call->function == OD_WINDOW_NTH_VALUE;
    if (framed)
        print_frame(&call->frame, input, buffer);
    od_buffer_print(buffer, " as %s", call->name);
}

void od_clause_window(const struct od_window_clause *window, const struct od_schema *input, struct od_buffer *buffer)
{
    if (window->partition_count > 0)
        od_buffer_append_text(buffer, " by ");
    od_clause_exprs(window->partitions, NULL, window->partition_count, input, buffer);
    if (window->key_count > 0) {
        od_buffer_append_text(buffer, " order by ");
        od_clause_sort_keys(window->keys, window->key_count, input, buffer);
    }
    for (uint32_t i = 0; i < window->call_count; i++) {
        od_buffer_append_text(buffer, i > 0 ? ", " : ": ");
        print_call(&window->calls[i], input, buffer);
    }
}

void od_clause_sort_keys(const struct od_sort_key *keys, uint32_t count, const struct od_schema *input,
                         struct od_buffer *buffer)
{
    if (count == 0)
        od_buffer_append_text(buffer, "the whole row");
    for (uint32_t i = 0; i < count; i++) {
        od_buffer_append_text(buffer, before(i));
        od_expr_print(keys[i].expr, input, buffer);
        od_buffer_print(buffer, "%s nulls %s", keys[i].descending ? " desc" : " asc",
                        keys[i].nulls_first ? "first" : "last");
    }
}

void od_clause_names(const struct od_schema *schema, struct od_buffer *buffer)
{
    for (uint32_t i = 0; i < schema->field_count; i++)
        od_buffer_print(buffer, "%s%s", before(i), schema->fields[i].name);
}

void od_clause_scan(const struct od_scan_clause *scan, const struct od_schema *schema, struct od_buffer *buffer)
{
    od_buffer_print(buffer, " %s (", scan->table->name);
    od_clause_names(schema, buffer);
    od_buffer_append_text(buffer, ")");
}

void od_clause_limit(const struct od_limit_clause *limit, struct od_buffer *buffer)
{
    if (limit->count == UINT64_MAX)
        od_buffer_append_text(buffer, " all");
    else
        od_buffer_print(buffer, " %" PRIu64, limit->count);
    if (limit->offset > 0)
        od_buffer_print(buffer, " offset %" PRIu64, limit->offset);
}
