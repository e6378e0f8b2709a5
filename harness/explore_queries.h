/* explore_queries: the queries of a scenario file as subjects, over small tables.
 *
 * Small data can leave a query without a row to get wrong: then the tables are made larger, for that query, as long as they stay small. */
#ifndef OD_HARNESS_EXPLORE_QUERIES_H
#define OD_HARNESS_EXPLORE_QUERIES_H

#include "harness/explore_case.h"

#define OD_EXPLORE_SIZES 4

struct od_explore_queries {
    const char *path; /* borrowed */
    struct od_buffer text;
    uint64_t rows_max; /* 0: the sizes in turn */
    struct od_scenario_run_options options[OD_EXPLORE_SIZES];
    struct od_scenario_run *scenarios[OD_EXPLORE_SIZES]; /* owned; NULL: not opened yet */
};

/* `rows_max` of each table; 0: the fewest with which the query has an answer. `seed` NULL: the scenario's own. What is wrong with the
 * file, and NO_MEMORY. */
enum od_status od_explore_queries_open(struct od_explore_queries *queries, const char *path, uint64_t rows_max, const uint64_t *seed,
                                       struct od_error *error);
void od_explore_queries_close(struct od_explore_queries *queries);
uint32_t od_explore_queries_count(const struct od_explore_queries *queries);
/* The subject borrows from `queries`, and so does the source, which says how it was made. */
enum od_status od_explore_queries_open_one(struct od_explore_queries *queries, uint32_t query, struct od_explore_subject *subject,
                                           struct od_explore_source *source_out, struct od_error *error);

#endif
