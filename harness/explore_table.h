/* explore_table: a coverage as a table for people and as JSON: each kind of fault at each point where it may act, how often it was tried
 * and what came of it; where it was not, why. */
#ifndef OD_HARNESS_EXPLORE_TABLE_H
#define OD_HARNESS_EXPLORE_TABLE_H

#include <jansson.h>
#include <stdio.h>

#include "harness/explore_exhaustive.h"

/* One row a kind and point; `depth` as explored. */
void od_coverage_print(const struct od_coverage *coverage, uint32_t depth, FILE *stream);
/* What was left out, in numbers. */
void od_coverage_print_bounds(const struct od_coverage *coverage, uint32_t depth, FILE *stream);
/* Rows that were never tried, or never took effect, although a subject was explored; *unexplained_out of them without a reason. */
uint32_t od_coverage_gaps(const struct od_coverage *coverage, uint32_t *unexplained_out);
/* The same rows and numbers; NULL on refusal. */
json_t *od_coverage_json(const struct od_coverage *coverage, uint32_t depth);

#endif
