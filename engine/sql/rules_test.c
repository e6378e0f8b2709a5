/* Goal: each rule does what it says, for what it must not do stands beside it.
 * Method: a table of SQL texts with the optimised plan that they must give, some with a rule switched off; every allocation of
 * binding and rewriting them is refused once; and with each rule off alone, and all of them, no APPLY is left and the columns
 * stay. It stands in sql/ because SQL is the shortest way to write a plan down. That the answers are PostgreSQL's is for
 * scenarios/slt to show. */
#include "engine/sql/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "engine/plan/rules.h"

#define OFF(rule)      (UINT32_C(1) << OD_RULE_##rule)
#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

/* t: 200 rows, u: 1000, n: 10; k counts, the rest is NULL: only joins are to be ordered by it. */
static struct od_field t_fields[] = {{"k", OD_TYPE_INT32, true}, {"v", OD_TYPE_INT32, true}, {"s", OD_TYPE_TEXT, true}};
static struct od_field u_fields[] = {{"k", OD_TYPE_INT32, true}, {"w", OD_TYPE_FLOAT64, true}};
static struct od_field n_fields[] = {{"k", OD_TYPE_INT32, false}, {"x", OD_TYPE_DECIMAL, true}};
static const struct {
    const char *name;
    struct od_schema schema;
    uint32_t row_count;
} shapes[] = {{"t", {3, t_fields}, 200}, {"u", {2, u_fields}, 1000}, {"n", {2, n_fields}, 10}};
static struct od_table *tables[COUNT_OF(shapes)];
static const struct od_catalog catalog = {COUNT_OF(shapes), (const struct od_table *const *)tables};
static const struct od_sql_context context = {.catalog = &catalog};

static int make_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        tables[i] = od_table_new(od_heap_for_tests(), shapes[i].name, &shapes[i].schema, NULL);
        for (uint32_t row = 0; row < shapes[i].row_count; row++) {
            for (uint32_t c = 0; c < shapes[i].schema.field_count; c++) {
                struct od_value value = {
                    .type = shapes[i].schema.fields[c].type, .is_null = c > 0, .int64 = c > 0 ? 0 : row};
                od_batch_builder_append(&tables[i]->rows, c, &value, NULL);
            }
            od_batch_builder_end_row(&tables[i]->rows);
        }
        od_table_finish(tables[i]);
    }
    return 0;
}

static int free_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        od_table_free(od_heap_for_tests(), tables[i]);
    return 0;
}

/* Enough of an evaluator to see what is folded: equality, and integers made wider. */
static enum od_status evaluate(const struct od_expr *expr, struct od_arena *arena, struct od_value *value_out,
                               struct od_error *error)
{
    const struct od_value *left = &expr->arguments[0]->literal;
    (void)arena;
    *value_out = (struct od_value){.type = expr->type};
    if (expr->function == OD_FUNCTION_EQUAL) {
        value_out->boolean = od_value_compare(left, &expr->arguments[1]->literal) == 0;
        return OD_OK;
    }
    if (expr->function != OD_FUNCTION_CAST || left->type != OD_TYPE_INT32)
        return od_fail(error, OD_EVALUATION, "no value");
    if (expr->type == OD_TYPE_FLOAT64)
        value_out->float64 = (double)left->int64;
    else if (expr->type == OD_TYPE_DECIMAL)
        value_out->decimal = od_decimal_make(left->int64, 0);
    else if (expr->type == OD_TYPE_INT64)
        value_out->int64 = left->int64;
    else
        return od_fail(error, OD_EVALUATION, "no value");
    return OD_OK;
}

static const struct {
    const char *title;
    uint32_t rules_off;
    const char *sql;
    const char *plan;
} cases[] = {
    {"a correlated condition becomes the join's", 0,
     "select v from t where exists (select 1 from u where u.k = t.k and u.w > 1)",
     "project v\n"
     "  join semi on (k = k)\n"
     "    scan t (k, v)\n"
     "    project k\n"
     "      filter (w > 1::double)\n"
     "        scan u (k, w)\n"},
    {"the general way: the domain of what is read", OFF(DECORRELATION),
     "select v from t where exists (select 1 from u where u.k = t.k and u.w > 1)",
     "project v\n"
     "  join semi on (k is not distinct from k)\n"
     "    scan t (k, v)\n"
     "    project k\n"
     "      join inner on (k = k)\n"
     "        project k\n"
     "          filter (w > 1::double)\n"
     "            scan u (k, w)\n"
     "        aggregate by k\n"
     "          scan t (k)\n"},
    {"a filter does not pass a sub-select that may find two rows", 0,
     "select k from (select k, v, (select w from u) as x from t) s where v = 1",
     "project k\n"
     "  filter (v = 1)\n"
     "    join single on true\n"
     "      scan t (k, v)\n"
     "      scan u (k)\n"},
    {"NOT IN: a condition that is NULL leaves the row out, the comparison does not", 0,
     "select v from t where v not in (select v from t as i where i.k = t.k)",
     "project v\n"
     "  join null-aware anti on ((k is not distinct from k) and (v = v))\n"
     "    scan t (k, v)\n"
     "    filter (k is not null)\n"
     "      scan t (k, v)\n"},
    {"a count over no rows is 0", 0,
     "select (select count(*) from u where u.k = t.k) from t",
     "project coalesce(count, 0) as count\n"
     "  join left on (k = k)\n"
     "    scan t (k)\n"
     "    aggregate by k: count(*) as count\n"
     "      scan u (k)\n"},
    {"the same by the domain", OFF(DECORRELATION),
     "select (select count(*) from u where u.k = t.k) from t",
     "project count\n"
     "  join inner on (k is not distinct from k)\n"
     "    scan t (k)\n"
     "    project coalesce(count, 0) as count, k\n"
     "      join left on (k is not distinct from k)\n"
     "        aggregate by k\n"
     "          scan t (k)\n"
     "        aggregate by k: count(*) as count\n"
     "          join inner on (k = k)\n"
     "            scan u (k)\n"
     "            aggregate by k\n"
     "              scan t (k)\n"},
    {"an aggregate that may fail sees only groups that are asked for", 0,
     "select v from t where v > (select sum(w) from u where u.k = t.k)",
     "project v\n"
     "  join inner on ((k is not distinct from k) and (cast(v as double precision) > sum))\n"
     "    scan t (k, v)\n"
     "    aggregate by k: sum(w) as sum\n"
     "      join inner on (k = k)\n"
     "        scan u (k, w)\n"
     "        aggregate by k\n"
     "          scan t (k)\n"},
    {"an inequality: grouped by the domain", 0,
     "select (select max(w) from u where u.k < t.k) from t",
     "project max\n"
     "  join left on (k is not distinct from k)\n"
     "    scan t (k)\n"
     "    aggregate by k: max(w) as max\n"
     "      join inner on (k < k)\n"
     "        scan u (k, w)\n"
     "        aggregate by k\n"
     "          scan t (k)\n"},
    {"a limit counts for each combination", 0,
     "select (select w from u where u.k = t.k order by w limit 1) from t",
     "project w\n"
     "  join left on (k is not distinct from k)\n"
     "    scan t (k)\n"
     "    project w, k\n"
     "      filter ((row_number > 0) and (row_number <= 1))\n"
     "        window by k order by w asc nulls last: row_number() as row_number\n"
     "          project w, k\n"
     "            join inner on (k = k)\n"
     "              scan u (k, w)\n"
     "              aggregate by k\n"
     "                scan t (k)\n"},
    {"numbers that are more than compared keep their digits", 0,
     "select (select max(w + n.x::double precision) from u where u.k < n.k) from n",
     "project max\n"
     "  join left on ((k = k) and (cast(x as text) is not distinct from x))\n"
     "    scan n (k, x)\n"
     "    aggregate by k, x: max((w + cast(cast(x as numeric) as double precision))) as max\n"
     "      join inner on (k < k)\n"
     "        scan u (k, w)\n"
     "        aggregate by k, x\n"
     "          project k, cast(x as text) as x\n"
     "            scan n (k, x)\n"},
    {"two levels", 0,
     "select v from t where exists (select 1 from u where u.k = t.k and exists (select 1 from n where "
     "n.k = u.k and n.k > t.v))",
     "project v\n"
     "  join semi on ((k is not distinct from k) and (v is not distinct from v))\n"
     "    scan t (k, v)\n"
     "    project k, v\n"
     "      join semi on ((k is not distinct from k) and (v is not distinct from v) and (k = k))\n"
     "        join inner on (k = k)\n"
     "          scan u (k)\n"
     "          aggregate by k, v\n"
     "            scan t (k, v)\n"
     "        project k, k, v\n"
     "          join inner on (k > v)\n"
     "            aggregate by k, v\n"
     "              scan t (k, v)\n"
     "            scan n (k)\n"},
    {"a lateral without FROM is a project", 0,
     "select t.k, l.y from t, lateral (select t.v + 1 as y) as l",
     "project k, (v + 1) as y\n"
     "  scan t (k, v)\n"},
    {"SINGLE without a second row is a cross join", 0,
     "select v from t where v = (select max(k) from n)",
     "project v\n"
     "  join inner on (v = max)\n"
     "    scan t (v)\n"
     "    aggregate: max(k) as max\n"
     "      scan n (k)\n"},
    {"WHERE into cross joins", 0,
     "select t.v from t, u, n where t.k = u.k and u.k = n.k and n.x = 1.5",
     "project v\n"
     "  join inner on (k = k)\n"
     "    scan t (k, v)\n"
     "    project k\n"
     "      join inner on (k = k)\n"
     "        scan u (k)\n"
     "        project k\n"
     "          filter (x = 1.5)\n"
     "            scan n (k, x)\n"},
    {"as written, when joins are not to be ordered", OFF(JOIN_REORDERING),
     "select t.v from t, u, n where t.k = u.k and u.k = n.k and n.x = 1.5",
     "project v\n"
     "  join inner on (k = k)\n"
     "    project v, k\n"
     "      join inner on (k = k)\n"
     "        scan t (k, v)\n"
     "        scan u (k)\n"
     "    project k\n"
     "      filter (x = 1.5)\n"
     "        scan n (k, x)\n"},
    {"no cross product unless nothing connects", 0,
     "select count(*) from n, t, u, n as m where n.k = u.k and t.k = u.k and m.k = t.v",
     "aggregate: count(*) as count\n"
     "  join inner on (k = v)\n"
     "    scan n (k)\n"
     "    project v\n"
     "      join inner on (k = k)\n"
     "        scan t (k, v)\n"
     "        project k\n"
     "          join inner on (k = k)\n"
     "            scan u (k)\n"
     "            scan n (k)\n"},
    {"what OR has in common", 0,
     "select v from t, u where (t.k = u.k and t.v > 1) or (t.k = u.k and u.w > 2)",
     "project v\n"
     "  join inner on ((k = k) and ((v > 1) or (w > 2::double)))\n"
     "    scan u (k, w)\n"
     "    scan t (k, v)\n"},
    {"a condition that rejects padding: left", 0,
     "select t.v from t left join u on t.k = u.k where u.w > 1",
     "project v\n"
     "  join inner on (k = k)\n"
     "    project k\n"
     "      filter (w > 1::double)\n"
     "        scan u (k, w)\n"
     "    scan t (k, v)\n"},
    {"full", 0,
     "select t.v from t full join u on t.k = u.k where t.v > 1",
     "project v\n"
     "  join left on (k = k)\n"
     "    filter (v > 1)\n"
     "      scan t (k, v)\n"
     "    scan u (k)\n"},
    {"both", 0,
     "select t.v from t full join u on t.k = u.k where t.v > 1 and u.w > 2",
     "project v\n"
     "  join inner on (k = k)\n"
     "    project k\n"
     "      filter (w > 2::double)\n"
     "        scan u (k, w)\n"
     "    filter (v > 1)\n"
     "      scan t (k, v)\n"},
    {"IS NULL does not", 0,
     "select t.v from t left join u on t.k = u.k where u.w is null",
     "project v\n"
     "  filter (w is null)\n"
     "    join left on (k = k)\n"
     "      scan t (k, v)\n"
     "      scan u (k, w)\n"},
    {"right side of a full join's own condition stays", 0,
     "select t.v from t full join u on t.k = u.k and u.w > 1",
     "project v\n"
     "  join full on ((k = k) and (w > 1::double))\n"
     "    scan t (k, v)\n"
     "    scan u (k, w)\n"},
    {"through groups, but not sums", 0,
     "select * from (select k, count(*) as c from t group by k) as g where k > 1 and c > 2",
     "project k, count as c\n"
     "  filter (count > 2)\n"
     "    aggregate by k: count(*) as count\n"
     "      filter (k > 1)\n"
     "        scan t (k)\n"},
    {"not past a sum, which may fail", 0,
     "select * from (select k, sum(v) as c from t group by k) as g where k > 1",
     "project k, sum as c\n"
     "  filter (k > 1)\n"
     "    aggregate by k: sum(v) as sum\n"
     "      scan t (k, v)\n"},
    {"not where equal numbers could be told apart", 0,
     "select * from (select x, count(*) from n group by x) as g where x::text = '1.50' and x > 1",
     "filter (cast(x as text) = '1.50')\n"
     "  aggregate by x: count(*) as count\n"
     "    filter (x > 1)\n"
     "      scan n (x)\n"},
    {"through a window by its partitions", 0,
     "select * from (select k, v, rank() over (partition by k order by v) as r from t) as q where k = 1 "
     "and v = 2",
     "project k, v, rank as r\n"
     "  filter (v = 2)\n"
     "    window by k order by v asc nulls last: rank() as rank\n"
     "      filter (k = 1)\n"
     "        scan t (k, v)\n"},
    {"into both sides of a union", 0,
     "select * from (select k from t union all select k from n) as q where k > 3",
     "union all\n"
     "  filter (k > 3)\n"
     "    scan t (k)\n"
     "  filter (k > 3)\n"
     "    scan n (k)\n"},
    {"a limit into a union", 0,
     "select k from t union all select k from n order by k limit 3 offset 1",
     "limit 3 offset 1\n"
     "  sort by k asc nulls last\n"
     "    union all\n"
     "      limit 4\n"
     "        sort by k asc nulls last\n"
     "          scan t (k)\n"
     "      limit 4\n"
     "        sort by k asc nulls last\n"
     "          scan n (k)\n"},
    {"not when it is off", OFF(LIMIT_PUSHDOWN),
     "select k from t union all select k from n order by k limit 3 offset 1",
     "limit 3 offset 1\n"
     "  sort by k asc nulls last\n"
     "    union all\n"
     "      scan t (k)\n"
     "      scan n (k)\n"},
    {"only columns that are read", 0,
     "select count(*) from (select t.k, u.w, s from t join u on t.k = u.k) as q",
     "aggregate: count(*) as count\n"
     "  join inner on (k = k)\n"
     "    scan u (k)\n"
     "    scan t (k)\n"},
    {"a window that tells peers apart needs the whole row", 0,
     "select r from (select k, s, row_number() over (order by k) as r, rank() over (order by k) as q "
     "from t) as q",
     "project row_number as r\n"
     "  window order by k asc nulls last: row_number() as row_number\n"
     "    scan t (k, v, s)\n"},
    {"one that does not, does not", 0,
     "select q from (select k, s, v, row_number() over (order by k) as r, rank() over (order by v) as q "
     "from t) as q",
     "project rank as q\n"
     "  window order by v asc nulls last: rank() as rank\n"
     "    scan t (v)\n"},
    {"nothing can come of it", 0,
     "select t.v from t join u on t.k = u.k where 1 = 2",
     "values (v) no rows\n"},
    {"a left join with nothing", 0,
     "select t.v, e.w from t left join (select * from u where 1 = 2) as e on t.k = e.k",
     "project v, null as w\n"
     "  scan t (v)\n"},
    {"projects become one", 0,
     "select a + 1, b from (select k as a, v as b from t) as q",
     "project (k + 1) as ?column?, v as b\n"
     "  scan t (k, v)\n"},
    {"unless that computes twice", 0,
     "select a, a + 1 from (select k * 2 as a from t) as q",
     "project a, (a + 1) as ?column?\n"
     "  project (k * 2) as a\n"
     "    scan t (k)\n"},
    {"equal sub-plans are one", 0,
     "with g as (select k, count(*) as c from t group by k) select * from g as a, g as b where a.k = b.c "
     "and a.k > 5",
     "project k, c, k, c\n"
     "  join inner on (cast(k as bigint) = c)\n"
     "    project k, count as c\n"
     "      aggregate by k: count(*) as count\n"
     "        scan t (k)\n"
     "    filter (k > 5)\n"
     "      project k, count as c\n"
     "        aggregate by k: count(*) as count\n"
     "          scan t (k)\n"},
    {"a filter does not go into what is shared, unless nothing is", OFF(COMMON_SUBPLANS),
     "with g as (select k, count(*) as c from t group by k) select * from g as a, g as b where a.k = b.c "
     "and a.k > 5",
     "project k, c, k, c\n"
     "  join inner on (cast(k as bigint) = c)\n"
     "    project k, count as c\n"
     "      aggregate by k: count(*) as count\n"
     "        scan t (k)\n"
     "    project k, count as c\n"
     "      aggregate by k: count(*) as count\n"
     "        filter (k > 5)\n"
     "          scan t (k)\n"},
};

static enum od_status optimise(struct od_arena *arena, const char *sql, uint32_t rules_off,
                               const struct od_plan **written_out, const struct od_plan **plan_out,
                               struct od_error *error)
{
    struct od_plan_options options = {.rules_off = rules_off, .evaluate_constant = evaluate};
    OD_TRY(od_sql_bind(arena, sql, &context, written_out, error));
    return od_rules_apply(arena, *written_out, &options, plan_out, NULL, error);
}

static void rules_give_these_plans(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct od_arena arena;
        struct od_error error = {0};
        struct od_buffer text;
        const struct od_plan *written = NULL;
        const struct od_plan *plan = NULL;
        od_arena_init(&arena, od_heap_for_tests(), 0);
        od_buffer_init(&text, od_heap_for_tests());
        if (optimise(&arena, cases[i].sql, cases[i].rules_off, &written, &plan, &error) != OD_OK)
            fail_msg("%s: %s", cases[i].title, error.text);
        assert_true(od_plan_print(plan, &text));
        if (strcmp(od_buffer_text(&text), cases[i].plan) != 0)
            fail_msg("%s\n%s\ngives\n%snot\n%s", cases[i].title, cases[i].sql, od_buffer_text(&text), cases[i].plan);
        od_buffer_release(&text);
        od_arena_release(&arena);
    }
}

static bool has_apply(const struct od_plan *plan)
{
    bool found = plan->kind == OD_PLAN_APPLY || plan->outer_levels != 0;
    for (uint32_t i = 0; i < plan->input_count; i++)
        found |= has_apply(plan->inputs[i]);
    return found;
}

static void any_rule_may_be_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (uint32_t rule = 0; rule <= OD_RULE_COUNT; rule++) { /* the last: all are off */
            struct od_arena arena;
            const struct od_plan *written = NULL;
            const struct od_plan *plan = NULL;
            uint32_t off = rule < OD_RULE_COUNT ? UINT32_C(1) << rule : (UINT32_C(1) << OD_RULE_COUNT) - 1;
            od_arena_init(&arena, od_heap_for_tests(), 0);
            assert_int_equal(optimise(&arena, cases[i].sql, off, &written, &plan, NULL), OD_OK);
            assert_false(has_apply(plan));
            assert_int_equal(od_schema_hash(&plan->schema), od_schema_hash(&written->schema));
            for (uint32_t c = 0; c < plan->schema.field_count; c++)
                assert_string_equal(plan->schema.fields[c].name, written->schema.fields[c].name);
            od_arena_release(&arena);
        }
    }
}

/* Each WITH reads the one before twice: a tree of 2^40 nodes, which is only one of 40 when sub-plans are shared. */
static void what_is_shared_is_not_expanded(void **state)
{
    char sql[8192] = "with q0 as (select k from t group by k)";
    struct od_arena arena;
    struct od_error error = {0};
    const struct od_plan *written = NULL;
    const struct od_plan *plan = NULL;
    (void)state;
    for (int i = 1; i < 40; i++) {
        size_t used = strlen(sql);
        snprintf(sql + used, sizeof(sql) - used, ", q%d as (select a.k from q%d as a join q%d as b on a.k = b.k group by a.k)",
                 i, i - 1, i - 1);
    }
    strcat(sql, " select * from q39");
    od_arena_init(&arena, od_heap_for_tests(), 0);
    assert_int_equal(optimise(&arena, sql, 0, &written, &plan, &error), OD_OK);
    assert_int_equal(optimise(&arena, sql, OFF(COMMON_SUBPLANS), &written, &plan, &error), OD_UNSUPPORTED);
    assert_non_null(strstr(error.text, "common_subplans"));
    od_arena_release(&arena);
}

struct sweep_case {
    size_t chunk_bytes;
    size_t index;
    uint32_t rules_off;
};

static enum od_status optimise_case(struct od_memory *memory, void *self)
{
    const struct sweep_case *sweep = self;
    struct od_arena arena;
    const struct od_plan *written = NULL;
    const struct od_plan *plan = NULL;
    od_arena_init(&arena, memory, sweep->chunk_bytes);
    enum od_status status = optimise(&arena, cases[sweep->index].sql, sweep->rules_off, &written, &plan, NULL);
    assert_true((status == OD_OK) == (plan != NULL));
    od_arena_release(&arena);
    return status;
}

static void every_allocation_may_be_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sweep_case sweep = {640 + 16 * i, i, cases[i].rules_off};
        assert_true(od_sweep(optimise_case, &sweep) > 0);
        sweep.rules_off = OFF(DECORRELATION);
        assert_true(od_sweep(optimise_case, &sweep) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_give_these_plans),
        cmocka_unit_test(any_rule_may_be_off),
        cmocka_unit_test(what_is_shared_is_not_expanded),
        cmocka_unit_test(every_allocation_may_be_refused),
    };
    return cmocka_run_group_tests(tests, make_tables, free_tables);
}
