/* statement_fuzzer: any bytes as a SQL text, bound, planned, run on two simulated clusters that differ in all that must not
 * matter: every rule or none, batches of 1024 rows or of one, partitions, algorithms of joins, hashes.
 *
 *   bytes -> words -> text -> session -> answer      } equal as bags of rows, unless either fails:
 *                          -> session -> answer      } which of several errors comes first is the plan's choice
 *
 * A byte below 128 stands for itself, one above for a word of the list below, so that libFuzzer's mutations of bytes are
 * mutations of words; plain SQL is a seed as it is. Statuses other than those that SQL may
 * give are findings; a query that takes too long, or a text that is too large to hold, is none. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/sweep.h"
#include "harness/session_engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define TEXT_BYTES_MAX 2000
#define CELLS_MAX      20000 /* of answers that are compared */

/* clang-format off */
static const char *const words[128] = {
    "select", "from", "where", "group by", "having", "order by", "limit", "offset", "with", "as", "values",
    "(", ")", ",", "*", "distinct", "distinct on (", "all", "union", "union all", "intersect",
    "intersect all", "except", "except all", "join", "left join", "right join", "full join", "cross join",
    "natural join", "on", "using (", "lateral", "t", "u", "v", "a", "b", "c", "d", "e", "f", "g", "t.a",
    "u.a", "t.b", "u.b", "v.c", "x", "y", "=", "<>", "<", "<=", ">", ">=", "+", "-", "/", "%", "||", "and",
    "or", "not", "is null", "is not null", "is distinct from", "is not distinct from", "in (", "not in (",
    "exists (", "= any (", "< all (", "between", "like", "case when", "then", "else", "end", "coalesce(",
    "nullif(", "greatest(", "cast(", "::int", "::bigint", "::numeric", "::numeric(5,2)", "::text", "::date",
    "::timestamp", "::boolean", "null", "true", "false", "0", "1", "2", "-1", "2147483647",
    "9223372036854775807", "1.5", "1e300", "'x'", "'2001-02-03'", "date '2000-02-29'", "interval '1 month'",
    "count(*)", "count(", "sum(", "avg(", "min(", "max(", "string_agg(", "filter (where",
    "percentile_cont(0.5) within group (order by", "grouping sets (", "rollup (", "cube (", "over (",
    "partition by", "row_number()", "rank()", "lag(", "first_value(", "rows between",
    "range between 1 preceding and 1 following", "groups between", "unbounded preceding and current row"
};
/* clang-format on */

static const char tables[] =
    "create table t (a int, b bigint, c text, d date);"
    "insert into t values (1, 10, 'x', '2001-02-03'), (1, null, 'yx', null), (2, 20, '', '2000-02-29'), "
    "(null, 5, null, "
    "'2001-02-03'), (3, -1, 'xx', '1999-12-31');"
    "create table u (a int, b numeric, e double precision, f boolean);"
    "insert into u values (1, 1.50, 0.5, true), (2, 2.5, 'nan', false), (2, null, -0.0, null), (null, 1.5, "
    "'1e300', true);"
    "create table v (b bigint, c text, g timestamp);"
    "insert into v values (10, 'x', '2001-02-03 04:05:06'), (null, null, null), (20, 'yx', '2000-01-01');"
    "create view x as select a, count(*) as y from t group by a;";

/* Cut at TEXT_BYTES_MAX; zeroes end it. */
static void spell(const uint8_t *bytes, size_t size, struct od_buffer *text)
{
    for (size_t i = 0; i < size && text->size < TEXT_BYTES_MAX; i++) {
        if (bytes[i] < 128) {
            od_buffer_append(text, &bytes[i], 1);
        } else {
            od_buffer_append_text(text, words[bytes[i] - 128]);
            od_buffer_append_text(text, " ");
        }
    }
}

static int compare_rows(const char *const *left, const char *const *right, uint32_t column_count)
{
    for (uint32_t i = 0; i < column_count; i++) {
        if ((left[i] == NULL) != (right[i] == NULL))
            return left[i] == NULL ? 1 : -1;
        int order = left[i] == NULL ? 0 : strcmp(left[i], right[i]);
        if (order != 0)
            return order;
    }
    return 0;
}

static uint32_t sort_width;
static int compare_sorted(const void *left, const void *right)
{
    return compare_rows(left, right, sort_width);
}

static void print_answer(const char *title, const struct od_slt_answer *answer)
{
    fprintf(stderr, "%s: %u rows\n", title, answer->row_count);
    for (uint32_t i = 0; i < answer->row_count * answer->column_count && i < 400; i++)
        fprintf(stderr, "%s%s", answer->cells[i] == NULL ? "NULL" : answer->cells[i],
                (i + 1) % answer->column_count == 0 ? "\n" : " | ");
}

static void expect_equal(const char *sql, struct od_slt_answer *left, struct od_slt_answer *right)
{
    bool equal = left->column_count == right->column_count && left->row_count == right->row_count;
    sort_width = left->column_count;
    if (equal && sort_width > 0 && (uint64_t)left->row_count * sort_width <= CELLS_MAX) {
        qsort((void *)left->cells, left->row_count, sort_width * sizeof(*left->cells), compare_sorted);
        qsort((void *)right->cells, right->row_count, sort_width * sizeof(*right->cells), compare_sorted);
        for (uint32_t i = 0; equal && i < left->row_count; i++)
            equal = compare_rows(left->cells + (size_t)i * sort_width, right->cells + (size_t)i * sort_width,
                                 sort_width) == 0;
    }
    if (equal)
        return;
    fprintf(stderr, "%s\n", sql);
    print_answer("with every rule", left);
    print_answer("without", right);
    abort();
}

/* Answers live in `arena`. */
static struct od_slt_answer answer_of(struct od_arena *arena, const struct od_session_options *options,
                                      const char *sql)
{
    struct od_session_engine *engine = NULL;
    struct od_slt_answer answer;
    struct od_error error = {0};
    od_assert(od_session_engine_new(options, &engine, &error) == OD_OK);
    const struct od_slt_engine slt = od_session_engine_slt(engine);
    slt.run(slt.self, arena, tables, &answer);
    od_assert(answer.status == OD_OK);
    slt.run(slt.self, arena, sql, &answer);
    od_session_engine_free(engine);
    od_assert(answer.status == OD_OK || answer.status == OD_BAD_INPUT || answer.status == OD_UNSUPPORTED ||
              answer.status == OD_EVALUATION || answer.status == OD_TIMED_OUT ||
              answer.status == OD_NO_MEMORY);
    od_assert(answer.status == OD_OK || answer.error.text[0] != '\0');
    return answer;
}

static const struct od_session_options all_rules = {
    .request = {.seed = 1, .options = {.cluster.executor_count = 2, .codec = OD_CODEC_STORED}}, .time_limit_s = 1};
static const struct od_session_options no_rules = {.plan = {.rules_off = UINT32_MAX,
                                                            .partition_count = 3,
                                                            .scan_task_count = 2,
                                                            .join_algorithm = OD_JOIN_FORCE_MERGE},
                                                   .request = {.seed = 2,
                                                               .options = {.cluster.executor_count = 1,
                                                                           .batch_rows = 1,
                                                                           .hash_bits_off = UINT64_MAX,
                                                                           .operator_memory_bytes = 1,
                                                                           .codec = OD_CODEC_STORED}},
                                                   .time_limit_s = 1};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct od_arena arena;
    struct od_buffer text;
    od_arena_init(&arena, od_heap_for_tests(), 0);
    od_buffer_init(&text, od_heap_for_tests());
    spell(bytes, size, &text);
    struct od_slt_answer left = answer_of(&arena, &all_rules, od_buffer_text(&text));
    struct od_slt_answer right = answer_of(&arena, &no_rules, od_buffer_text(&text));
    if (left.status == OD_OK && right.status == OD_OK)
        expect_equal(od_buffer_text(&text), &left, &right);
    /* Whether a text is SQL that is offered does not depend on the plan. */
    bool left_refuses = left.status == OD_BAD_INPUT || left.status == OD_UNSUPPORTED;
    bool right_refuses = right.status == OD_BAD_INPUT || right.status == OD_UNSUPPORTED;
    if (left_refuses != right_refuses && left.status != OD_TIMED_OUT && right.status != OD_TIMED_OUT) {
        fprintf(stderr, "%s\nwith every rule: %s\nwithout: %s\n", od_buffer_text(&text), left.error.text,
                right.error.text);
        abort();
    }
    od_buffer_release(&text);
    od_arena_release(&arena);
    return 0;
}
