/* memory_test: whatever the keys are like, a query with little memory gives the answer that it gives with much; it does spill, and holds
 * about what it may.
 *
 * Method: the same queries over tables of which nine rows in ten share a key, each row has a key of its own, all have one key, or
 * each key has some rows; unlimited, then with twice, once, half and a tenth of the measured peak. Joins are partitioned and hashed or
 * merged by force: a broadcast build side would be too small to matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/hash.h"
#include "engine/world/posix.h"
#include "harness/session_engine.h"

static const struct {
    const char *name;
    const char *key; /* of row i */
    bool has_one_group;
} skews[] = {
    {"nine in ten", "CASE WHEN i % 10 < 9 THEN 0 ELSE i END", false},
    {"a row a key", "i * 7919 % 100003", false},
    {"one key", "7", true},
    {"some rows a key", "i % 300", false},
};

/* t has 4000 rows, u 240; both: k, i, s. */
static const struct {
    const char *name;
    const char *sql;
    uint32_t join;
    bool needs_groups; /* one group alone is never divided */
    bool is_ordered;
} queries[] = {
    {.name = "group",
     .sql = "SELECT k, i % 2, count(*), sum(i), max(s) FROM t GROUP BY 1, 2",
     .needs_groups = true},
    {.name = "distinct values",
     .sql = "SELECT k, count(DISTINCT i % 900), string_agg(s, '' ORDER BY i) FROM t GROUP BY k",
     .needs_groups = true},
    {.name = "distinct", .sql = "SELECT DISTINCT k, i / 2 FROM t"},
    {.name = "sort", .sql = "SELECT * FROM t ORDER BY k DESC, i % 11, s", .is_ordered = true},
    {.name = "window",
     .sql = "SELECT i, row_number() OVER (PARTITION BY k ORDER BY i), sum(i) OVER (PARTITION BY k) FROM t"},
    {.name = "set operation", .sql = "SELECT k, i % 50 FROM t EXCEPT ALL SELECT k, i FROM u"},
    {.name = "hash, inner",
     .sql = "SELECT count(*), sum(t.i * u.i) FROM t JOIN u ON t.k = u.k",
     .join = OD_JOIN_FORCE_HASH},
    {.name = "hash, full",
     .sql = "SELECT count(*), sum(t.i), sum(u.i) FROM t FULL JOIN u ON t.k = u.k AND t.i < u.i + 99",
     .join = OD_JOIN_FORCE_HASH},
    {.name = "hash, left, large",
     .sql = "SELECT count(*), sum(t.i) FROM u LEFT JOIN t ON t.k = u.k",
     .join = OD_JOIN_FORCE_HASH},
    {.name = "hash, semi",
     .sql = "SELECT sum(i) FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.i <> t.i)",
     .join = OD_JOIN_FORCE_HASH},
    {.name = "hash, anti",
     .sql = "SELECT sum(i) FROM t WHERE k NOT IN (SELECT k FROM u WHERE i > 20)",
     .join = OD_JOIN_FORCE_HASH},
    {.name = "merge, inner",
     .sql = "SELECT count(*), sum(t.i * u.i) FROM t JOIN u ON t.k = u.k",
     .join = OD_JOIN_FORCE_MERGE},
    {.name = "merge, right",
     .sql = "SELECT count(*), sum(u.i) FROM t RIGHT JOIN u ON t.k = u.k AND t.i > u.i",
     .join = OD_JOIN_FORCE_MERGE},
    {.name = "loop",
     .sql = "SELECT count(*) FROM t LEFT JOIN u ON t.k < u.k - 50",
     .join = OD_JOIN_FORCE_NESTED_LOOP},
};

struct seen {
    struct od_run_counts counts;
    bool is_ordered;
    uint64_t row_count;
    struct od_hash128 rows;
};

static enum od_status take_answer(void *self, struct od_session_result *result, struct od_error *error)
{
    struct seen *seen = self;
    (void)error;
    if (result->answer == NULL)
        return OD_OK;
    struct od_batch rows = od_table_view(result->answer);
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    for (uint32_t row = 0; row < rows.row_count; row++) {
        od_buffer_reset(&text);
        if (seen->is_ordered)
            od_buffer_append(&text, &seen->rows, sizeof(seen->rows));
        for (uint32_t i = 0; i < rows.schema->field_count; i++) {
            struct od_value value = od_column_value(&rows.columns[i], row);
            od_buffer_append(&text, value.is_null ? "N" : "V", 1);
            assert_true(value.is_null || od_value_print(&value, &text));
        }
        struct od_hash128 hash = od_hash128_bytes(text.bytes, text.size, 0);
        seen->rows = seen->is_ordered ? hash : od_hash128_add(seen->rows, hash);
    }
    seen->row_count = rows.row_count;
    od_buffer_release(&text);
    return OD_OK;
}

static void run(struct od_session_engine *engine, const char *sql, struct seen *seen)
{
    struct od_error error = {0};
    const struct od_session_sink sink = {take_answer, seen};
    if (od_session_run(od_session_engine_session(engine), sql, &sink, &error) != OD_OK)
        fail_msg("%s: %s", sql, error.text);
    seen->counts = od_session_engine_take_counts(engine);
}

static struct seen run_limited(uint32_t query, uint32_t skew, struct od_memory_limit limit)
{
    static const char *const sizes[] = {"t", "4000", "u", "240"};
    struct od_session_options options = {
        .plan = {.partition_count = 2, .scan_task_count = 2, .join_strategy = OD_JOIN_FORCE_PARTITIONED},
        .request = {.seed = 1, .options = {.cluster.executor_count = 2, .batch_rows = 64, .codec = OD_CODEC_ZSTD}},
    };
    struct od_session_engine *engine;
    struct seen seen = {0};
    char sql[400];
    options.plan.join_algorithm = queries[query].join;
    assert_int_equal(od_session_engine_new(&options, &engine, NULL), OD_OK);
    for (uint32_t i = 0; i < 4; i += 2) {
        snprintf(
            sql, sizeof(sql),
            "CREATE TABLE %s AS SELECT %s AS k, i, 'text ' || i %% 13 AS s FROM generate_series(1, %s) g(i)",
            sizes[i], skews[skew].key, sizes[i + 1]);
        run(engine, sql, &seen);
    }
    options.memory = limit;
    seen = (struct seen){.is_ordered = queries[query].is_ordered};
    run(engine, queries[query].sql, &seen);
    od_session_engine_free(engine);
    return seen;
}

static void check_limits(uint32_t query, uint32_t skew)
{
    static const uint64_t thousandths[] = {2000, 1000, 500, 100};
    struct seen right = run_limited(query, skew, (struct od_memory_limit){0});
    uint64_t peak_bytes = right.counts.memory_peak_bytes;
    assert_true(peak_bytes > 0);
    assert_int_equal(right.counts.spilled_bytes, 0);
    for (uint32_t i = 0; i < sizeof(thousandths) / sizeof(thousandths[0]); i++) {
        bool must_spill =
            thousandths[i] <= 500 && !(queries[query].needs_groups && skews[skew].has_one_group);
        struct seen seen = run_limited(query, skew, (struct od_memory_limit){.thousandths = thousandths[i]});
        bool is_same = seen.row_count == right.row_count && seen.rows.low == right.rows.low &&
                       seen.rows.high == right.rows.high;
        bool spills_as_expected = thousandths[i] >= 1000 ? seen.counts.spilled_bytes == 0
                                                         : !must_spill || seen.counts.spilled_bytes > 0;
        /* A batch more than it may is held before anybody looks; a tenth of little is less than that. */
        bool holds_little = thousandths[i] > 100 || queries[query].needs_groups ||
                            seen.counts.memory_peak_bytes < peak_bytes * 6 / 10;
        if (!is_same || !spills_as_expected || !holds_little)
            fail_msg("%s, %s, %llu thousandths of %llu bytes: %s, spilled %llu, peak %llu",
                     queries[query].name, skews[skew].name, (unsigned long long)thousandths[i],
                     (unsigned long long)peak_bytes, is_same ? "right" : "wrong",
                     (unsigned long long)seen.counts.spilled_bytes,
                     (unsigned long long)seen.counts.memory_peak_bytes);
    }
}

static void little_memory_gives_the_same_answers(void **state)
{
    (void)state;
    for (uint32_t query = 0; query < sizeof(queries) / sizeof(queries[0]); query++) {
        for (uint32_t skew = 0; skew < sizeof(skews) / sizeof(skews[0]); skew++)
            check_limits(query, skew);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(little_memory_gives_the_same_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
