/* clause_print: the parts that logical and physical plans print alike: lists of expressions, aggregates, sort
 * keys. */
#ifndef OD_PLAN_CLAUSE_PRINT_H
#define OD_PLAN_CLAUSE_PRINT_H

#include "engine/plan/logical.h"

/* "a, (b + 1) as c": the field's name where it says more than the expression. */
void od_clause_exprs(const struct od_expr *const *exprs, const struct od_field *fields, uint32_t count,
                     const struct od_schema *input, struct od_buffer *buffer);
/* "count(*), sum(delay) as total" */
void od_clause_aggregates(const struct od_aggregate *aggregates, uint32_t count,
                          const struct od_schema *input, struct od_buffer *buffer);
/* "delay desc nulls first, city" or "whole row" */
void od_clause_sort_keys(const struct od_sort_key *keys, uint32_t count, const struct od_schema *input,
                         struct od_buffer *buffer);
/* " by a order by b asc nulls last: row_number() as r", for a WINDOW */
void od_clause_window(const struct od_expr *const *partitions, uint32_t partition_count,
                      const struct od_sort_key *keys, uint32_t key_count, const struct od_window_call *calls,
                      uint32_t call_count, const struct od_schema *input, struct od_buffer *buffer);
/* " (a, b): (1, 2), (3, 4)", for VALUES and EXPAND */
void od_clause_rows(const struct od_expr *const *exprs, uint32_t row_count, const struct od_schema *schema,
                    const struct od_schema *input, struct od_buffer *buffer);
/* "flights (carrier, delay)" */
void od_clause_scan(const struct od_table *table, const struct od_schema *schema, struct od_buffer *buffer);
/* "10 offset 5" */
void od_clause_limit(uint64_t offset, uint64_t count, struct od_buffer *buffer);

#endif
