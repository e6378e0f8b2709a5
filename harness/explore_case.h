/* explore_case: a query of a scenario under one schedule, in a small text file that reproduces it by itself.
 *
 *   ordeal query case 1
 *   found H1                    what was violated; crash, hang
 *   digest 0123456789abcdef     (optional: of the run that failed)
 *   query top_pages
 *   seed 7
 *   rows 60                     at most so many in each table; 0: as many as the scenario says
 *   executors 3
 *   tasks 2                     at most so many partitions and scan tasks
 *   schedule 1                  lines of faults that follow
 *   task.error_after at task_end stage=1 task=0
 *   scenario 35                 lines of the scenario that follow
 *   name: web_analytics
 *   ...
 *   ---                         (what follows is for people and is not read back) */
#ifndef OD_HARNESS_EXPLORE_CASE_H
#define OD_HARNESS_EXPLORE_CASE_H

#include "harness/explore_subject.h"

/* How a subject was made of a scenario's text. */
struct od_explore_source {
    const char *path; /* borrowed, as all of it: for messages */
    const char *text;
    size_t text_bytes;
    const char *query;
    uint64_t seed;
    uint64_t rows_max;
    uint64_t executors;
    uint64_t tasks_max;
};

struct od_explore_case {
    char found[8];
    bool has_digest;
    uint64_t digest;
    struct od_explore_source source; /* of a case that was read: in the arena it was read into */
    struct od_schedule schedule;
};

/* Is this the text of such a file? */
bool od_explore_case_is(const char *text, size_t size);
/* Everything lives in `arena`. BAD_INPUT with a line and what was expected. */
enum od_status od_explore_case_parse(struct od_arena *arena, const char *path, const char *text, size_t size,
                                     struct od_explore_case *case_out, struct od_error *error);
/* DIRECTORY/cases/CODE-HASH.case; `text`: what was found, for people. Its path goes to path_out (empty on failure). */
enum od_status od_explore_case_save(const char *directory, const struct od_explore_case *explore_case, const char *text,
                                    char *path_out, size_t path_size, struct od_error *error);
/* Opens the scenario and the subject of a case; the subject borrows from the scenario, which the caller closes after it. */
enum od_status od_explore_source_open(const struct od_explore_source *source, struct od_scenario_run_options *options,
                                      struct od_scenario_run **scenario_out, struct od_explore_subject *subject,
                                      struct od_error *error);
/* Is it a file of this kind that can be read? */
bool od_explore_case_at(const char *path);
/* `ordeal replay` of such a file: runs it twice, prints what happened and whether it still fails; *exit_out is the exit status. False:
 * it is no such file, or can't be read. */
bool od_explore_case_replay(const char *path, int *exit_out);

#endif
