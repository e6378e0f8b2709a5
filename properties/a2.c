/* a2: permuting the rows of the tables changes nothing. The permutation is a function of the case's seed.
 * Plans are determinate (see LIMIT in logical.h), so the answer to the permuted tables is the model's answer
 * to the original ones. */
#include "properties/check_run.h"
#include "properties/property_list.h"

static enum od_status append_permuted(struct od_table *table, const struct od_batch *source, uint32_t *rows,
                                      struct od_random *random, struct od_error *error)
{
    for (uint32_t i = 0; i < source->row_count; i++)
        rows[i] = i;
    for (uint32_t i = source->row_count; i > 1; i--) { /* Fisher and Yates */
        uint64_t other = od_random_below(random, i);
        uint32_t swap = rows[i - 1];
        rows[i - 1] = rows[other];
        rows[other] = swap;
    }
    for (uint32_t i = 0; i < source->row_count; i++) {
        for (uint32_t column = 0; column < table->schema.field_count; column++) {
            struct od_value value = od_column_value(&source->columns[column], rows[i]);
            enum od_status status = od_batch_builder_append(&table->rows, column, &value, error);
            if (status != OD_OK)
                return status;
        }
        od_batch_builder_end_row(&table->rows);
    }
    od_table_finish(table);
    return OD_OK;
}

static enum od_status permute(const struct od_case *test_case, struct od_arena *arena,
                              struct od_table **tables, struct od_error *error)
{
    struct od_stream stream;
    od_stream_init(&stream, test_case->cluster.seed, "a2 permutation");
    for (uint32_t i = 0; i < test_case->table_count; i++) {
        const struct od_table *source = test_case->tables[i];
        struct od_batch rows = od_table_view(source);
        uint32_t *order = od_arena_take_array(arena, (size_t)rows.row_count + 1, sizeof(*order));
        tables[i] = od_table_new(test_case->memory, source->name, &source->schema, error);
        if (order == NULL || tables[i] == NULL)
            return od_fail(error, OD_NO_MEMORY, "permuting a table");
        enum od_status status = append_permuted(tables[i], &rows, order, &stream.random, error);
        if (status != OD_OK)
            return status;
    }
    return OD_OK;
}

enum od_status od_check_a2(const struct od_case *test_case, struct od_subject *subject,
                           struct od_finding *finding, struct od_error *error)
{
    struct od_arena arena;
    struct od_table *tables[OD_GEN_TABLES_MAX] = {NULL};
    struct od_case_cluster cluster = test_case->cluster;
    struct od_expectation expected;
    struct od_run_result result;
    const struct od_plan *plan = NULL;
    cluster.via_sql = false; /* SQL names would lead to the original tables */
    od_arena_init(&arena, test_case->memory, 0);
    enum od_status status = permute(test_case, &arena, tables, error);
    if (status == OD_OK)
        status = od_case_replan(&arena, test_case, tables, &plan, error);
    if (status == OD_OK)
        status = od_expect_model(&arena, test_case->plan, &expected, error);
    if (status == OD_OK)
        status =
            od_check_run(&arena, test_case, subject, plan, &cluster, true, "A2", &result, finding, error);
    if (status == OD_OK)
        status = od_check_expected(&arena, &expected, &result, "A2", finding, error);
    for (uint32_t i = 0; i < OD_GEN_TABLES_MAX; i++)
        od_table_free(test_case->memory, tables[i]);
    od_arena_release(&arena);
    return status;
}
