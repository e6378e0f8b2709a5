/* clause_print: the parts that logical and physical plans print alike: lists of expressions, aggregates, sort
 * keys. */
#ifndef OD_PLAN_CLAUSE_PRINT_H
#define OD_PLAN_CLAUSE_PRINT_H

#include "engine/plan/logical.h"

/* "a, (b + 1) as c": the field's name where it says more than the expression. */
void od_clause_exprs(const struct od_expr *const *exprs, const struct od_field *fields, uint32_t count,
                     const struct od_schema *input, struct od_buffer *buffer);
/* " by a: count(*) as count, sum(delay) as total" */
void od_clause_groups(const struct od_expr *const *groups, const struct od_field *fields, uint32_t group_count,
                      const struct od_aggregate *aggregates, uint32_t aggregate_count, const struct od_schema *input,
                      struct od_buffer *buffer);
/* "delay desc nulls first, city" or "the whole row" */
void od_clause_sort_keys(const struct od_sort_key *keys, uint32_t count, const struct od_schema *input,
                         struct od_buffer *buffer);
/* " by a order by b asc nulls last: row_number() as r" */
void od_clause_window(const struct od_window_clause *window, const struct od_schema *input, struct od_buffer *buffer);
/* " flights (carrier, delay)" */
void od_clause_scan(const struct od_scan_clause *scan, const struct od_schema *schema, struct od_buffer *buffer);
/* " 10 offset 5" */
void od_clause_limit(const struct od_limit_clause *limit, struct od_buffer *buffer);
/* "a, b" */
void od_clause_names(const struct od_schema *schema, struct od_buffer *buffer);

#endif
