/* clause_print: one way to print each clause, so that a logical plan and its stages can be read side by side.
 * Nothing here stops at a refused allocation: the buffer remembers it, and the caller asks once. */
#include "engine/plan/clause_print.h"

#include <inttypes.h>
#include <string.h>

static bool says_its_name(const struct od_expr *expr, const char *name, const struct od_schema *input)
{
    return expr->kind == OD_EXPR_COLUMN && input != NULL && expr->column_index < input->field_count &&
           strcmp(input->fields[expr->column_index].name, name) == 0;
}

void od_clause_exprs(const struct od_expr *const *exprs, const struct od_field *fields, uint32_t count,
                     const struct od_schema *input, struct od_buffer *buffer)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            od_buffer_append_text(buffer, ", ");
        od_expr_print(exprs[i], input, buffer);
        if (fields != NULL && !says_its_name(exprs[i], fields[i].name, input))
            od_buffer_print(buffer, " as %s", fields[i].name);
    }
}

void od_clause_aggregates(const struct od_aggregate *aggregates, uint32_t count,
                          const struct od_schema *input, struct od_buffer *buffer)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct od_aggregate *aggregate = &aggregates[i];
        od_buffer_print(buffer, "%s%s", i > 0 ? ", " : "", od_aggregate_text(aggregate->function));
        if (aggregate->argument != NULL) {
            od_buffer_append_text(buffer, "(");
            od_expr_print(aggregate->argument, input, buffer);
            od_buffer_append_text(buffer, ")");
        }
        od_buffer_print(buffer, " as %s", aggregate->name);
    }
}

void od_clause_sort_keys(const struct od_sort_key *keys, uint32_t count, const struct od_schema *input,
                         struct od_buffer *buffer)
{
    if (count == 0)
        od_buffer_append_text(buffer, "the whole row");
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            od_buffer_append_text(buffer, ", ");
        od_expr_print(keys[i].expr, input, buffer);
        od_buffer_append_text(buffer, keys[i].descending ? " desc" : " asc");
        od_buffer_append_text(buffer, keys[i].nulls_first ? " nulls first" : " nulls last");
    }
}

void od_clause_scan(const struct od_table *table, const struct od_schema *schema, struct od_buffer *buffer)
{
    od_buffer_print(buffer, "%s (", table->name);
    for (uint32_t i = 0; i < schema->field_count; i++)
        od_buffer_print(buffer, "%s%s", i > 0 ? ", " : "", schema->fields[i].name);
    od_buffer_append_text(buffer, ")");
}

void od_clause_limit(uint64_t offset, uint64_t count, struct od_buffer *buffer)
{
    if (count == UINT64_MAX)
        od_buffer_append_text(buffer, "all");
    else
        od_buffer_print(buffer, "%" PRIu64, count);
    if (offset > 0)
        od_buffer_print(buffer, " offset %" PRIu64, offset);
}
