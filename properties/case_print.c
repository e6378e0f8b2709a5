/* case_print: see case_print.h. */
#include "properties/case_print.h"

#include "properties/answer.h"
#include "properties/property.h"
#include "properties/render_sql.h"

#include <inttypes.h>

static void print_table(const struct od_table *table, struct od_buffer *buffer)
{
    struct od_arena arena;
    struct od_answer rows;
    od_arena_init(&arena, buffer->memory, 0);
    od_buffer_print(buffer, "table %s, %u rows\n", table->name, od_table_row_count(table));
    if (od_answer_from_table(&arena, table, &rows, NULL) == OD_OK)
        od_answer_print(buffer, &rows, &table->schema, OD_GEN_ROWS_MAX);
    else
        buffer->failed = true;
    od_arena_release(&arena);
}

static void print_cluster(const struct od_case_cluster *cluster, struct od_buffer *buffer)
{
    static const char *const strategies[] = {"as chosen by cost", "broadcast", "partitioned"};
    static const char *const algorithms[] = {"of any kind", "hashed", "merged", "looped"};
    od_buffer_print(buffer, "executors %u, slots %u, rows a batch %u, partitions %u, scan tasks %u\n",
                    cluster->executor_count, cluster->slots_per_executor, cluster->batch_rows,
                    cluster->partition_count, cluster->scan_task_count);
    od_buffer_print(buffer, "rules off %#x, joins %s and %s, blocks %s, plan %s, seed %" PRIu64 "\n",
                    cluster->rules_off, strategies[cluster->join_strategy % 3],
                    algorithms[cluster->join_algorithm % 4], cluster->compress ? "compressed" : "stored",
                    cluster->via_sql ? "through SQL" : "direct", cluster->seed);
    if (cluster->operator_bytes > 0)
        od_buffer_print(buffer, "an operator spills beyond %" PRIu64 " bytes\n", cluster->operator_bytes);
    if (cluster->collide)
        od_buffer_append_text(buffer, "all hashes of keys are 0\n");
    if (cluster->arrival_order)
        od_buffer_append_text(buffer, "blocks are read as they arrive\n");
    if (cluster->partition_bytes > 0)
        od_buffer_print(buffer, "a task should read %" PRIu64 " bytes, small sides up to %" PRIu64 " whole\n",
                        cluster->partition_bytes, cluster->broadcast_bytes);
    if (cluster->backlog > 0)
        od_buffer_print(buffer, "%u attempts a slot may wait on an executor\n", cluster->backlog);
    if (cluster->eager)
        od_buffer_append_text(buffer, "second attempts run soon\n");
    if (cluster->touchy)
        od_buffer_append_text(buffer, "one failure excludes an executor for a while\n");
}

static void print_sql(const struct od_case *test_case, struct od_buffer *buffer)
{
    struct od_arena arena;
    const char *sql = test_case->sql;
    od_arena_init(&arena, test_case->memory, 0);
    if (sql == NULL && od_render_sql(&arena, test_case->plan, OD_DIALECT_ENGINE, &sql, NULL) != OD_OK)
        buffer->failed = true;
    else
        od_buffer_append_text(buffer, sql);
    od_arena_release(&arena);
}

bool od_case_print(const struct od_case *test_case, struct od_buffer *buffer)
{
    od_buffer_print(buffer, "== property ==\n%s: %s\n\n== tables ==\n", test_case->property->code,
                    test_case->property->sentence);
    for (uint32_t i = 0; i < test_case->table_count; i++)
        print_table(test_case->tables[i], buffer);
    od_buffer_print(buffer, "\n== SQL ==\n");
    print_sql(test_case, buffer);
    if (test_case->plan != NULL) {
        od_buffer_append_text(buffer, "\n\n== plan ==\n");
        od_plan_print(test_case->plan, buffer);
    }
    od_buffer_append_text(buffer, "\n== cluster ==\n");
    print_cluster(&test_case->cluster, buffer);
    return !buffer->failed;
}

uint32_t od_case_row_count(const struct od_case *test_case)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < test_case->table_count; i++)
        count += od_table_row_count(test_case->tables[i]);
    return count;
}
