/* a3: other counts of executors, partitions, tasks and rows a batch, another way to join, colliding hashes and little memory
 * change nothing. The second cluster is a function of the case's seed. Both runs are held against the model, so that two
 * equal wrong answers do not pass. */
#include "properties/check_run.h"
#include "properties/property_list.h"

static struct od_case_cluster other_cluster(const struct od_case_cluster *cluster)
{
    struct od_stream stream;
    struct od_case_cluster other = *cluster;
    od_stream_init(&stream, cluster->seed, "a3 other cluster");
    other.executor_count = 1 + (uint32_t)od_random_below(&stream.random, 5);
    other.slots_per_executor = 1 + (uint32_t)od_random_below(&stream.random, 3);
    other.batch_rows = 1 + (uint32_t)od_random_below(&stream.random, 64);
    other.partition_count = 1 + (uint32_t)od_random_below(&stream.random, 16);
    other.scan_task_count = 1 + (uint32_t)od_random_below(&stream.random, 6);
    other.join_strategy = (uint32_t)od_random_below(&stream.random, 3);
    other.join_algorithm = (uint32_t)od_random_below(&stream.random, 4);
    other.collide = !cluster->collide;
    other.operator_bytes = cluster->operator_bytes == 0 ? 1 : 0;
    return other;
}

enum od_status od_check_a3(const struct od_case *test_case, struct od_subject *subject,
                           struct od_finding *finding, struct od_error *error)
{
    struct od_arena arena;
    const struct od_plan *plan = test_case->plan;
    struct od_case_cluster other = other_cluster(&test_case->cluster);
    od_arena_init(&arena, test_case->memory, 0);
    enum od_status status =
        od_check_against_model(&arena, test_case, subject, plan, NULL, true, "A3", finding, error);
    if (status == OD_OK && !finding->found)
        status = od_check_against_model(&arena, test_case, subject, plan, &other, true, "A3", finding, error);
    od_arena_release(&arena);
    return status;
}
