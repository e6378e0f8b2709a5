/* explore_queries: see explore_queries.h. */
#include "harness/explore_queries.h"

#include "engine/world/posix.h"
#include "harness/file.h"
#include "harness/scenario_plan.h"

#define EXECUTORS 3
#define TASKS_MAX 2 /* partitions, and tasks of a scan: the least in which tasks have brothers */
static const uint64_t sizes[OD_EXPLORE_SIZES] = {60, 200, 600, 2000};

static enum od_status open_sized(struct od_explore_queries *queries, uint32_t size, struct od_error *error)
{
    if (queries->scenarios[size] != NULL)
        return OD_OK;
    queries->options[size].rows_max = queries->rows_max != 0 ? queries->rows_max : sizes[size];
    return od_scenario_open_text(queries->path, (const char *)queries->text.bytes, queries->text.size, &queries->options[size],
                                 &queries->scenarios[size], error);
}

enum od_status od_explore_queries_open(struct od_explore_queries *queries, const char *path, uint64_t rows_max, const uint64_t *seed,
                                       struct od_error *error)
{
    *queries = (struct od_explore_queries){.path = path, .rows_max = rows_max};
    od_buffer_init(&queries->text, od_posix_memory());
    for (uint32_t i = 0; i < OD_EXPLORE_SIZES; i++)
        queries->options[i] = (struct od_scenario_run_options){
            .has_seed = seed != NULL, .seed = seed == NULL ? 0 : *seed, .tasks_max = TASKS_MAX, .executors = EXECUTORS};
    enum od_status status = od_file_read(path, &queries->text, error);
    if (status == OD_OK)
        status = open_sized(queries, 0, error);
    if (status != OD_OK)
        od_explore_queries_close(queries);
    return status;
}

void od_explore_queries_close(struct od_explore_queries *queries)
{
    for (uint32_t i = 0; i < OD_EXPLORE_SIZES; i++)
        od_scenario_close(queries->scenarios[i]);
    od_buffer_release(&queries->text);
    *queries = (struct od_explore_queries){0};
}

uint32_t od_explore_queries_count(const struct od_explore_queries *queries)
{
    return od_explore_query_count(queries->scenarios[0]);
}

/* At the smallest size at which it has an answer with a row; at the first where there is none. */
static enum od_status open_fitting(struct od_explore_queries *queries, uint32_t query, struct od_explore_subject *subject,
                                   uint32_t *size_out, struct od_error *error)
{
    for (uint32_t size = 0; size < (queries->rows_max != 0 ? 1 : OD_EXPLORE_SIZES); size++) {
        OD_TRY(open_sized(queries, size, error));
        OD_TRY(od_explore_open_query(subject, od_posix_memory(), queries->scenarios[size], query, error));
        *size_out = size;
        if (subject->undisturbed.verdict != OD_EXPLORE_HELD || subject->undisturbed.result.outcome.answer->rows.row_count > 0)
            return OD_OK;
        od_explore_release(subject);
    }
    *size_out = 0;
    return od_explore_open_query(subject, od_posix_memory(), queries->scenarios[0], query, error);
}

enum od_status od_explore_queries_open_one(struct od_explore_queries *queries, uint32_t query, struct od_explore_subject *subject,
                                           struct od_explore_source *source_out, struct od_error *error)
{
    uint32_t size = 0;
    OD_TRY(open_fitting(queries, query, subject, &size, error));
    *source_out = (struct od_explore_source){.path = queries->path,
                                             .text = (const char *)queries->text.bytes,
                                             .text_bytes = queries->text.size,
                                             .query = queries->scenarios[size]->scenario->queries[query].name,
                                             .seed = od_scenario_run_seed(queries->scenarios[size]),
                                             .rows_max = queries->options[size].rows_max,
                                             .executors = EXECUTORS,
                                             .tasks_max = TASKS_MAX};
    return OD_OK;
}
