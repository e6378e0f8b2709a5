/* Goal: SQL means what PostgreSQL says it means. Method: a list of texts with the plans that they must give; every accepted
 * text is planned with each rule switched off alone, and keeps its columns; every allocation of binding and planning is
 * refused once. That the answers are PostgreSQL's is for scenarios/slt to show; what is refused: refusals_test. */
#include "engine/sql/sql_fixture.h"

#include "engine/plan/physical.h"

/* The plan as written: what rules make of it is tested in engine/plan. */
static const struct {
    const char *sql;
    const char *plan;
} accepted[] = {
    {"select * from t", "scan t (a, b, c, d, p)\n"},
    {"SELECT t.*, A AS \"X y\" FROM public.t", "project a, b, c, d, p, a as X y\n"
                                               "  scan t (a, b, c, d, p)\n"},
    {"select x.q, b from t x(q) where q > 1", "project a as q, b\n"
                                              "  filter (a > 1)\n"
                                              "    scan t (a, b, c, d, p)\n"},
    {"select a from t where d >= '2001-02-03' and b < 2 and a = '7' and p = 't' and c = null",
     "project a\n"
     "  filter ((d >= date '2001-02-03') and (b < cast(2 as double precision)) and (a = 7) and (p = "
     "true) and null)\n"
     "    scan t (a, b, c, d, p)\n"},
    {"select date '2001-02-03', '1'::bigint, cast(a as text), 9223372036854775807, "
     "-9223372036854775808, 1.50, '1.256'::numeric(5,2), c::varchar(2), a::smallint from t",
     "project date '2001-02-03' as date, 1 as int8, cast(a as text) as a, 9223372036854775807 as "
     "?column?, -9223372036854775808 as ?column?, 1.50 as ?column?, numeric(1.256, 5, 2) as numeric, "
     "varchar(c, 2) as c, smallint(a) as a\n"
     "  scan t (a, b, c, d, p)\n"},
    {"select a between 1 and 2, a not between symmetric 1 and 2, a in (1, 2.5), a not in (1, 2), c "
     "not like 'x%', c ilike 'x' escape '!', p is not true, p is unknown, - -a, +a from t",
     "project ((a >= 1) and (a <= 2)) as ?column?, (((a < 1) or (a > 2)) and ((a < 2) or (a > 1))) as "
     "?column?, ((cast(a as numeric) = cast(1 as numeric)) or (cast(a as numeric) = 2.5)) as "
     "?column?, ((a <> 1) and (a <> 2)) as ?column?, (not (c like 'x%')) as ?column?, (c ilike 'x' "
     "ilike '!') as ?column?, (not (p is true)) as ?column?, (p is null) as ?column?, (-(-a)) as "
     "?column?, a as ?column?\n"
     "  scan t (a, b, c, d, p)\n"},
    {"select case a when 1 then 'x' else c end, coalesce(a, 1.5), nullif(a, 3), (a, c) = (1, 'x'), "
     "(a, b) < (1, 2), (a, c) is null, a > all (array[1, 2]) from t",
     "project case when (a = 1) then 'x' else c end as c, coalesce(cast(a as numeric), 1.5) as "
     "coalesce, nullif(a, 3) as nullif, ((a = 1) and (c = 'x')) as ?column?, ((a < 1) or ((a = 1) and "
     "(b < cast(2 as double precision)))) as ?column?, ((a is null) and (c is null)) as ?column?, ((a "
     "> 1) and (a > 2)) as ?column?\n"
     "  scan t (a, b, c, d, p)\n"},
    {"select d + interval '1' month from t", "project (d + interval '1 mon') as ?column?\n"
                                             "  scan t (a, b, c, d, p)\n"},
    {"select * from t join u using (a)", "project a, b, c, d, p, w, ts\n"
                                         "  join inner on (a = a)\n"
                                         "    scan t (a, b, c, d, p)\n"
                                         "    scan u (a, w, ts)\n"},
    {"select * from t full join u using (a)", "project a, b, c, d, p, w, ts\n"
                                              "  project a, b, c, d, p, a, w, ts, coalesce(a, a) as a\n"
                                              "    join full on (a = a)\n"
                                              "      scan t (a, b, c, d, p)\n"
                                              "      scan u (a, w, ts)\n"},
    {"select * from t natural right join u", "project a, b, c, d, p, w, ts\n"
                                             "  join right on (a = a)\n"
                                             "    scan t (a, b, c, d, p)\n"
                                             "    scan u (a, w, ts)\n"},
    {"select j.m, j.ts from (t join u using (a)) as j(m)", "project a as m, ts\n"
                                                           "  join inner on (a = a)\n"
                                                           "    scan t (a, b, c, d, p)\n"
                                                           "    scan u (a, w, ts)\n"},
    {"select t.a, name from t left join v on k = t.a + 1 and name <> c",
     "project a, name\n"
     "  join left on ((k = cast((a + 1) as bigint)) and (name <> c))\n"
     "    scan t (a, b, c, d, p)\n"
     "    scan v (k, name)\n"},
    {"select * from t, v, u where t.a = u.a and k = u.a", "filter ((a = a) and (k = cast(a as bigint)))\n"
                                                          "  join inner on true\n"
                                                          "    join inner on true\n"
                                                          "      scan t (a, b, c, d, p)\n"
                                                          "      scan v (k, name)\n"
                                                          "    scan u (a, w, ts)\n"},
    {"select * from t, lateral (select t.a + k from v) s(z)",
     "project a, b, c, d, p, ?column? as z\n"
     "  apply inner on true\n"
     "    scan t (a, b, c, d, p)\n"
     "    project (cast(outer1#0 as bigint) + k) as ?column?\n"
     "      scan v (k, name)\n"},
    {"select t.a from t join u on t.a = u.a and exists (select 1 from v where k = w)",
     "project a\n"
     "  apply semi on true\n"
     "    join inner on (a = a)\n"
     "      scan t (a, b, c, d, p)\n"
     "      scan u (a, w, ts)\n"
     "    filter (cast(k as numeric) = outer1#6)\n"
     "      scan v (k, name)\n"},
    {"select t.a from t left join u on t.a = u.a and w > (select max(k) from v)",
     "project a\n"
     "  project a, b, c, d, p, a, w, ts\n"
     "    join left on (row_number = row_number)\n"
     "      window: row_number() as row_number\n"
     "        scan t (a, b, c, d, p)\n"
     "      filter (w > cast(max as numeric))\n"
     "        join single on true\n"
     "          project a, b, c, d, p, a, w, ts, row_number\n"
     "            join inner on (a = a)\n"
     "              window: row_number() as row_number\n"
     "                scan t (a, b, c, d, p)\n"
     "              scan u (a, w, ts)\n"
     "          aggregate: max(k) as max\n"
     "            scan v (k, name)\n"},
    {"select a from t where a in (select k from v) and not exists (select 1 from u where u.a = t.a) "
     "and b > 1",
     "project a\n"
     "  apply anti on true\n"
     "    join semi on (cast(a as bigint) = k)\n"
     "      filter (b > cast(1 as double precision))\n"
     "        scan t (a, b, c, d, p)\n"
     "      project k\n"
     "        scan v (k, name)\n"
     "    filter (a = outer1#0)\n"
     "      scan u (a, w, ts)\n"},
    {"select a from t where (a, c) not in (select k, name from v)",
     "project a\n"
     "  join null-aware anti on ((cast(a as bigint) = k) and (c = name))\n"
     "    scan t (a, b, c, d, p)\n"
     "    scan v (k, name)\n"},
    {"select a <> all (select k from v), exists (select * from v), (select max(w) from u where u.a = "
     "t.a) + 1 from t",
     "project (not mark) as ?column?, mark as exists, (max + cast(1 as numeric)) as ?column?\n"
     "  apply single on true\n"
     "    join mark on true\n"
     "      join mark on (not (cast(a as bigint) <> k))\n"
     "        scan t (a, b, c, d, p)\n"
     "        project k\n"
     "          scan v (k, name)\n"
     "      limit 1\n"
     "        sort by the whole row\n"
     "          project true as column1\n"
     "            scan v (k, name)\n"
     "    aggregate: max(w) as max\n"
     "      filter (a = outer1#0)\n"
     "        scan u (a, w, ts)\n"},
    {"select a from t where (a, c) = (select k, name from v)", "project a\n"
                                                               "  filter (c = name)\n"
                                                               "    filter (cast(a as bigint) = k)\n"
                                                               "      join single on true\n"
                                                               "        scan t (a, b, c, d, p)\n"
                                                               "        scan v (k, name)\n"},
    {"select a from t where (select k from v) = a and (select name from v) = c and b is null",
     "project a\n"
     "  filter (name = c)\n"
     "    join single on true\n"
     "      filter (k = cast(a as bigint))\n"
     "        join single on true\n"
     "          filter (b is null)\n"
     "            scan t (a, b, c, d, p)\n"
     "          project k\n"
     "            scan v (k, name)\n"
     "      project name\n"
     "        scan v (k, name)\n"},
    {"select 0 from t window w as (partition by count(*))", "project 0 as ?column?\n"
                                                            "  aggregate: count(*) as count\n"
                                                            "    scan t (a, b, c, d, p)\n"},
    {"select t.a from t join v on t.a / k = 1 and name = c", "project a\n"
                                                               "  join inner on ((name = c) and ((cast(a as bigint) / k) = cast(1 as bigint)))\n"
                                                               "    scan t (a, b, c, d, p)\n"
                                                               "    scan v (k, name)\n"},
    {"select a, (select (select t.a + u.a + v.k from v) from u) from t",
     "project a, ?column?\n"
     "  apply single on true\n"
     "    scan t (a, b, c, d, p)\n"
     "    project ?column?\n"
     "      apply single on true\n"
     "        scan u (a, w, ts)\n"
     "        project (cast((outer2#0 + outer1#0) as bigint) + k) as ?column?\n"
     "          scan v (k, name)\n"},
    {"with q(z) as (select a from t) select x.z from q x, q y", "project z\n"
                                                                "  join inner on true\n"
                                                                "    project a as z\n"
                                                                "      project a\n"
                                                                "        scan t (a, b, c, d, p)\n"
                                                                "    project a as z\n"
                                                                "      project a\n"
                                                                "        scan t (a, b, c, d, p)\n"},
    {"select c, count(*), sum(a) + 1 as s, count(*) from t group by 1 having max(b) > 2 order by s "
     "desc, min(d)",
     "project c, count, s, count\n"
     "  sort by s desc nulls first, order asc nulls last\n"
     "    project c, count, (sum + cast(1 as bigint)) as s, count, min as order\n"
     "      filter (max > cast(2 as double precision))\n"
     "        aggregate by c: count(*) as count, sum(a) as sum, max(b) as max, min(d) as min\n"
     "          scan t (a, b, c, d, p)\n"},
    {"select a + 1, avg(b) from t group by a + 1, c", "project column1 as ?column?, avg\n"
                                                      "  aggregate by (a + 1) as column1, c: avg(b) as avg\n"
                                                      "    scan t (a, b, c, d, p)\n"},
    {"select c from t group by c having count(*) > (select max(k) from v where name = t.c)",
     "project c\n"
     "  filter (count > max)\n"
     "    apply single on true\n"
     "      project null as a, null as b, c, null as d, null as p, c, count\n"
     "        aggregate by c: count(*) as count\n"
     "          scan t (a, b, c, d, p)\n"
     "      aggregate: max(k) as max\n"
     "        filter (name = outer1#2)\n"
     "          scan v (k, name)\n"},
    {"select sum(distinct a) filter (where p), string_agg(c, ',' order by d desc), "
     "percentile_cont('0.5') within group (order by b), median(b) from t",
     "project sum, string_agg, percentile_cont, percentile_cont as median\n"
     "  aggregate: sum(distinct a) where p as sum, string_agg(c, ',' order by d desc nulls first) as "
     "string_agg, percentile_cont(b, 0.5::double order by b asc nulls last) as percentile_cont\n"
     "    scan t (a, b, c, d, p)\n"},
    {"select c, p, sum(a), grouping(c, p) from t group by rollup (c, p)",
     "project key as c, key as p, sum, case when (set = 0) then 0 when (set = 1) then 1 else 3 end as "
     "grouping\n"
     "  union all\n"
     "    aggregate by key, key, set: sum(a) as sum\n"
     "      expand (a, b, c, d, p, key, key, set): (a, b, c, d, p, c, p, 0), (a, b, c, d, p, c, null, "
     "1)\n"
     "        scan t (a, b, c, d, p)\n"
     "    project null as column1, null as column2, 2 as column3, sum\n"
     "      aggregate: sum(a) as sum\n"
     "        scan t (a, b, c, d, p)\n"},
    {"select count(*) from t group by grouping sets ((), ())", "project count\n"
                                                               "  union all\n"
                                                               "    project 0 as column1, count\n"
                                                               "      aggregate: count(*) as count\n"
                                                               "        scan t (a, b, c, d, p)\n"
                                                               "    project 1 as column1, count\n"
                                                               "      aggregate: count(*) as count\n"
                                                               "        scan t (a, b, c, d, p)\n"},
    {"select a, rank() over w, sum(b) over (w rows between 1 preceding and current row exclude ties), "
     "lag(a, 2, 0) over (partition by c) from t window w as (partition by c order by d desc)",
     "project a, rank, sum, lag\n"
     "  window by c: lag(a, 2, 0) as lag\n"
     "    window by c order by d desc nulls first: rank() as rank, sum(b) over rows 1 preceding to "
     "current row exclude ties as sum\n"
     "      scan t (a, b, c, d, p)\n"},
    {"select c, sum(sum(a)) over (order by c) from t group by c",
     "project c, sum\n"
     "  window order by c asc nulls last: sum(sum) over range unbounded preceding to current row as "
     "sum\n"
     "    aggregate by c: sum(a) as sum\n"
     "      scan t (a, b, c, d, p)\n"},
    {"select distinct c, a from t order by a", "sort by a asc nulls last\n"
                                               "  aggregate by c, a\n"
                                               "    project c, a\n"
                                               "      scan t (a, b, c, d, p)\n"},
    {"select distinct on (c) a from t order by c, b",
     "project a\n"
     "  sort by order asc nulls last, order asc nulls last\n"
     "    project a, order, order\n"
     "      filter (row_number = 1)\n"
     "        window by order order by order asc nulls last, order asc nulls last: row_number() as "
     "row_number\n"
     "          project a, c as order, b as order\n"
     "            scan t (a, b, c, d, p)\n"},
    {"select distinct on (c) c, a from t order by c, a, c desc",
     "sort by c asc nulls last, a asc nulls last, c desc nulls first\n"
     "  project c, a\n"
     "    filter (row_number = 1)\n"
     "      window by c order by c asc nulls last, a asc nulls last, c desc nulls first: row_number() as "
     "row_number\n"
     "        project c, a\n"
     "          scan t (a, b, c, d, p)\n"},
    {"select c from t order by a nulls first limit 3 offset 1", "project c\n"
                                                                "  limit 3 offset 1\n"
                                                                "    sort by order asc nulls first\n"
                                                                "      project c, a as order\n"
                                                                "        scan t (a, b, c, d, p)\n"},
    {"select a from t order by a fetch first 2 rows with ties",
     "sort by a asc nulls last\n"
     "  project a\n"
     "    filter ((row_number > column1) and coalesce(((rank - column1) <= column2), true))\n"
     "      join single on true\n"
     "        window order by a asc nulls last: row_number() as row_number, rank() as rank\n"
     "          project a\n"
     "            scan t (a, b, c, d, p)\n"
     "        project coalesce(null, 0) as column1, 2 as column2\n"
     "          values (): (true)\n"},
    {"select a from t limit all offset 0", "project a\n"
                                           "  scan t (a, b, c, d, p)\n"},
    {"select 1, 'x'", "project 1 as ?column?, 'x' as ?column?\n"
                      "  values (): (true)\n"},
    {"values (1, null), (2.5, 'x') order by 1 desc limit 1",
     "limit 1\n"
     "  sort by column1 desc nulls first\n"
     "    values (column1, column2): (cast(1 as numeric), null), (2.5, 'x')\n"},
    {"values ((select max(a) from t))", "project max as column1\n"
                                        "  join single on true\n"
                                        "    values (): (true)\n"
                                        "    aggregate: max(a) as max\n"
                                        "      scan t (a, b, c, d, p)\n"},
    {"select a from t union select k from v order by a", "sort by a asc nulls last\n"
                                                         "  aggregate by a\n"
                                                         "    union all\n"
                                                         "      project cast(a as bigint) as a\n"
                                                         "        project a\n"
                                                         "          scan t (a, b, c, d, p)\n"
                                                         "      project k\n"
                                                         "        scan v (k, name)\n"},
    {"select a from t union all select null", "union all\n"
                                              "  project a\n"
                                              "    scan t (a, b, c, d, p)\n"
                                              "  project cast(?column? as integer) as a\n"
                                              "    project null as ?column?\n"
                                              "      values (): (true)\n"},
    {"select a from t intersect select k from v",
     "project a\n"
     "  filter (right > 0)\n"
     "    filter (left > 0)\n"
     "      aggregate by a: count(mark) as left, count(mark) as right\n"
     "        union all\n"
     "          project cast(a as bigint) as a, true as mark, null as mark\n"
     "            project a\n"
     "              scan t (a, b, c, d, p)\n"
     "          project k as a, null as mark, true as mark\n"
     "            project k\n"
     "              scan v (k, name)\n"},
    {"select a from t except all select a from u",
     "project a\n"
     "  filter (right = 0)\n"
     "    filter (left > 0)\n"
     "      aggregate by a, row_number: count(mark) as left, count(mark) as right\n"
     "        union all\n"
     "          project a, row_number, true as mark, null as mark\n"
     "            window by a: row_number() as row_number\n"
     "              project a\n"
     "                project a\n"
     "                  scan t (a, b, c, d, p)\n"
     "          project a, row_number, null as mark, true as mark\n"
     "            window by a: row_number() as row_number\n"
     "              project a\n"
     "                project a\n"
     "                  scan u (a, w, ts)\n"},
    {"select x from generate_series(3, 1, -1) s(x)", "project s as x\n"
                                                     "  values (s): (3), (2), (1)\n"},
    {"select n from vw where k > 1",
     "project n\n  filter (k > 1)\n    project a as k, count as n\n      aggregate by a: count(*) as count\n"
     "        scan t (a, b, c, d, p)\n"},
};

static void accepted_texts_give_their_plans(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepted); i++) {
        struct od_arena arena;
        struct od_buffer buffer;
        struct od_error error = {0};
        const struct od_plan *plan = NULL;
        od_arena_init(&arena, od_heap_for_tests(), 0);
        od_buffer_init(&buffer, od_heap_for_tests());
        if (od_sql_bind(&arena, accepted[i].sql, &context, &plan, &error) != OD_OK)
            fail_msg("%s\n%u:%u %s", accepted[i].sql, error.line, error.column, error.text);
        od_plan_print(plan, &buffer);
        if (strcmp(od_buffer_text(&buffer), accepted[i].plan) != 0)
            fail_msg("%s\ngives\n%sexpected\n%s", accepted[i].sql, od_buffer_text(&buffer), accepted[i].plan);
        od_buffer_release(&buffer);
        od_arena_release(&arena);
    }
}

/* --- planning ----------------------------------------------------------------------------------- */

static void rules_keep_columns(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepted); i++) {
        for (uint32_t rule = 0; rule <= OD_RULE_COUNT; rule++) { /* the last: none is off */
            struct od_plan_options options = {.rules_off = rule < OD_RULE_COUNT ? UINT32_C(1) << rule : 0};
            struct od_arena arena;
            struct od_error error = {0};
            const struct od_plan *plan = NULL;
            const struct od_stage_graph *graph = NULL;
            od_arena_init(&arena, od_heap_for_tests(), 0);
            assert_int_equal(od_sql_bind(&arena, accepted[i].sql, &context, &plan, NULL), OD_OK);
            if (od_plan_query(&arena, plan, &options, NULL, &graph, &error) != OD_OK)
                fail_msg("%s\nwithout rule %u: %s", accepted[i].sql, rule, error.text);
            assert_int_equal(graph->schema->field_count, plan->schema.field_count);
            for (uint32_t k = 0; k < plan->schema.field_count; k++) {
                assert_int_equal(graph->schema->fields[k].type, plan->schema.fields[k].type);
                assert_string_equal(graph->schema->fields[k].name, plan->schema.fields[k].name);
            }
            od_arena_release(&arena);
        }
    }
}

/* --- allocations ------------------------------------------------------------------------------ */

struct sweep_case {
    size_t chunk_bytes;
    const char *sql;
};

static enum od_status bind_and_plan(struct od_memory *memory, void *self)
{
    const struct sweep_case *sweep = self;
    struct od_plan_options options = {.join_strategy = OD_JOIN_FORCE_PARTITIONED};
    struct od_arena arena;
    const struct od_plan *plan = NULL;
    const struct od_stage_graph *graph = NULL;
    od_arena_init(&arena, memory, sweep->chunk_bytes);
    enum od_status status = od_sql_bind(&arena, sweep->sql, &context, &plan, NULL);
    if (status == OD_OK)
        status = od_plan_query(&arena, plan, &options, NULL, &graph, NULL);
    assert_true((status == OD_OK) == (graph != NULL));
    od_arena_release(&arena);
    return status;
}

static void every_allocation_may_be_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepted); i++) {
        struct sweep_case sweep = {.sql = accepted[i].sql};
        for (sweep.chunk_bytes = 512; sweep.chunk_bytes < 4096; sweep.chunk_bytes += 1700)
            assert_true(od_sweep(bind_and_plan, &sweep) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_texts_give_their_plans),
        cmocka_unit_test(rules_keep_columns),
        cmocka_unit_test(every_allocation_may_be_refused),
    };
    return cmocka_run_group_tests(tests, make_tables, free_tables);
}
