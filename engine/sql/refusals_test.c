/* Goal: what is not SQL, or not offered, is refused with the place and the reason, never another query. Method: a list of
 * refusals with status, line, column and text (PostgreSQL's, where it refuses too); hostile texts: deep, long, cut off at
 * every byte. */
#include "engine/sql/sql_fixture.h"

static const struct {
    const char *sql;
    enum od_status status;
    uint32_t line;
    uint32_t column;
    const char *text;
} refused[] = {
    {"", OD_BAD_INPUT, 1, 1, "expected a SELECT statement, found nothing"},
    {"select a\nfrom t\nwhere", OD_BAD_INPUT, 3, 6, "syntax error at end of input"},
    {"select 'abc from t", OD_BAD_INPUT, 1, 8, "unterminated quoted string"},
    {"select\n  'é', zz from t", OD_BAD_INPUT, 2, 8, "column \"zz\" does not exist"},
    {"select 'é', '\xff' from t", OD_BAD_INPUT, 1, 14, "byte 0xff is not valid UTF-8"},
    {"select *\nfrom wrong", OD_BAD_INPUT, 2, 6, "column \"nope\" does not exist"},
    {"select * from loop", OD_UNSUPPORTED, 1, 15, "SQL nested deeper than 500 is not supported"},
    {"select a frm t", OD_BAD_INPUT, 1, 14, "syntax error at or near \"t\""},
    {"select zz from t", OD_BAD_INPUT, 1, 8, "column \"zz\" does not exist"},
    {"select x.a from t", OD_BAD_INPUT, 1, 8, "missing FROM-clause entry for table \"x\""},
    {"select t.zz from t", OD_BAD_INPUT, 1, 8, "column t.zz does not exist"},
    {"select a from t, u", OD_BAD_INPUT, 1, 8, "column reference \"a\" is ambiguous"},
    {"select 1 from t, t", OD_BAD_INPUT, 1, 18, "table name \"t\" specified more than once"},
    {"select * from t join v using (a)", OD_BAD_INPUT, 1, 22,
     "column \"a\" specified in USING clause does not exist in right table"},
    {"select a from t order by null", OD_BAD_INPUT, 1, 26, "non-integer constant in ORDER BY"},
    {"select a + c from t", OD_BAD_INPUT, 1, 10, "operator does not exist: integer + text"},
    {"select length(a) from t", OD_BAD_INPUT, 1, 8, "function length(integer) does not exist"},
    {"select '1' + '2'", OD_BAD_INPUT, 1, 12, "operator is not unique: unknown + unknown"},
    {"select a from t where a = 'x'", OD_BAD_INPUT, 1, 27, "invalid input syntax for type integer: \"x\""},
    {"select a from t where d = '2001-02-30'", OD_BAD_INPUT, 1, 27,
     "invalid input syntax for type date: \"2001-02-30\""},
    {"select date 'Jan 8, 1999'", OD_UNSUPPORTED, 1, 13,
     "invalid input syntax for type date, or a form of it that is not supported: \"Jan 8, 1999\""},
    {"select 'NaN'::numeric", OD_UNSUPPORTED, 1, 8,
     "invalid input syntax for type numeric, or a form of it that is not supported: \"NaN\""},
    {"select 1 window w as (), w as ()", OD_BAD_INPUT, 1, 31, "window \"w\" is already defined"},
    {"select a from t where a", OD_BAD_INPUT, 1, 23,
     "argument of WHERE must be type boolean, not type integer"},
    {"select c, count(*) from t", OD_BAD_INPUT, 1, 8,
     "column \"t.c\" must appear in the GROUP BY clause or be used in an aggregate function"},
    {"select a + 1 from t group by a + 2", OD_BAD_INPUT, 1, 8,
     "column \"t.a\" must appear in the GROUP BY clause or be used in an aggregate function"},
    {"select count(*) from t order by a", OD_BAD_INPUT, 1, 33,
     "column \"t.a\" must appear in the GROUP BY clause or be used in an aggregate function"},
    {"select a from t where count(*) > 1", OD_BAD_INPUT, 1, 23,
     "aggregate functions are not allowed in WHERE"},
    {"select a from t group by sum(a)", OD_BAD_INPUT, 1, 26,
     "aggregate functions are not allowed in GROUP BY"},
    {"select sum(a) from t group by 1", OD_BAD_INPUT, 1, 31,
     "aggregate functions are not allowed in GROUP BY"},
    {"select sum(max(a)) from t", OD_BAD_INPUT, 1, 12, "aggregate function calls cannot be nested"},
    {"select sum(c) from t", OD_BAD_INPUT, 1, 8, "function sum(text) does not exist"},
    {"select a from t order by 2", OD_BAD_INPUT, 1, 26, "ORDER BY position 2 is not in select list"},
    {"select a x, b x from t order by x", OD_BAD_INPUT, 1, 33, "ORDER BY \"x\" is ambiguous"},
    {"select distinct a from t order by b", OD_BAD_INPUT, 1, 35,
     "for SELECT DISTINCT, ORDER BY expressions must appear in select list"},
    {"select a from t limit -1", OD_BAD_INPUT, 1, 23, "LIMIT must not be negative"},
    {"select a from t limit a", OD_BAD_INPUT, 1, 23, "column \"a\" does not exist"},
    {"select case when a then 1 end from t", OD_BAD_INPUT, 1, 18,
     "argument of CASE/WHEN must be type boolean, not type integer"},
    {"select a from t where row_number() over () = 1", OD_BAD_INPUT, 1, 23,
     "window functions are not allowed in WHERE"},
    {"select row_number() over () from t group by row_number() over ()", OD_BAD_INPUT, 1, 45,
     "window functions are not allowed in GROUP BY"},
    {"select sum(row_number() over ()) from t", OD_BAD_INPUT, 1, 12,
     "aggregate function calls cannot contain window function calls"},
    {"select row_number() over (order by rank() over ()) from t", OD_BAD_INPUT, 1, 36,
     "window function calls cannot be nested"},
    {"select a from t having row_number() over () > 1", OD_BAD_INPUT, 1, 24,
     "window functions are not allowed in HAVING"},
    {"select row_number() from t", OD_BAD_INPUT, 1, 8, "window function row_number requires an OVER clause"},
    {"select sum(a) over w from t", OD_BAD_INPUT, 1, 20, "window \"w\" does not exist"},
    {"select sum(a) over (w rows 1 preceding) from t window w as (order by a rows 2 preceding)", OD_BAD_INPUT,
     1, 20, "cannot copy window \"w\" because it has a frame clause"},
    {"select sum(a) over (w partition by a) from t window w as (order by a)", OD_BAD_INPUT, 1, 20,
     "cannot override PARTITION BY clause of window \"w\""},
    {"select sum(a) over (w order by b) from t window w as (order by a)", OD_BAD_INPUT, 1, 20,
     "cannot override ORDER BY clause of window \"w\""},
    {"select count(*) filter (where bool_and(true)) over () from t", OD_BAD_INPUT, 1, 31,
     "aggregate functions are not allowed in FILTER"},
    {"select a from t window w as (order by sum(a) over ())", OD_BAD_INPUT, 1, 39,
     "window function calls cannot be nested"},
    {"select count(distinct a) over () from t", OD_BAD_INPUT, 1, 8,
     "DISTINCT is not implemented for window functions"},
    {"select sum(a) over (order by a rows between 1 following and 1 preceding) from t", OD_BAD_INPUT, 1, 61,
     "frame starting from following row cannot have preceding rows"},
    {"select sum(a) over (order by a rows -1 preceding) from t", OD_BAD_INPUT, 1, 37,
     "frame starting offset must not be negative"},
    {"select sum(a) over (range 1 preceding) from t", OD_BAD_INPUT, 1, 27,
     "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column"},
    {"select sum(a) over (groups 1 preceding) from t", OD_BAD_INPUT, 1, 20,
     "GROUPS mode requires an ORDER BY clause"},
    {"select sum(a) over (order by c range 1 preceding) from t", OD_BAD_INPUT, 1, 38,
     "RANGE with offset PRECEDING/FOLLOWING is not supported for column type text and offset type "
     "integer"},
    {"select a union select b from t", OD_BAD_INPUT, 1, 8, "column \"a\" does not exist"},
    {"select 1 union select 1, 2", OD_BAD_INPUT, 1, 23,
     "each UNION query must have the same number of columns"},
    {"select 1 union select date '2001-01-01'", OD_BAD_INPUT, 1, 23,
     "UNION types integer and date cannot be matched"},
    {"select a from t union select k from v order by a + 1", OD_BAD_INPUT, 1, 48,
     "invalid UNION/INTERSECT/EXCEPT ORDER BY clause"},
    {"select a from t union select k from v order by q", OD_BAD_INPUT, 1, 48, "column \"q\" does not exist"},
    {"select (select a, b from t)", OD_BAD_INPUT, 1, 8, "subquery must return only one column"},
    {"select a from t where a in (select a, b from t)", OD_BAD_INPUT, 1, 25, "subquery has too many columns"},
    {"select a from t where (a, b) in (select a from t)", OD_BAD_INPUT, 1, 30,
     "subquery has too few columns"},
    {"select a from t where (a, b) = (1, 2, 3)", OD_BAD_INPUT, 1, 30,
     "unequal number of entries in row expressions"},
    {"select grouping(a) from t", OD_BAD_INPUT, 1, 8,
     "arguments to GROUPING must be grouping expressions of the associated query level"},
    {"select grouping(b) from t group by a", OD_BAD_INPUT, 1, 8,
     "arguments to GROUPING must be grouping expressions of the associated query level"},
    {"select a from t group by a having b > 1", OD_BAD_INPUT, 1, 35,
     "column \"t.b\" must appear in the GROUP BY clause or be used in an aggregate function"},
    {"select (select t.b) from t group by a", OD_BAD_INPUT, 1, 16,
     "subquery uses ungrouped column \"t.b\" from outer query"},
    {"select c, (select count(*) from v where v.k = t.a) from t group by c", OD_BAD_INPUT, 1, 47,
     "subquery uses ungrouped column \"t.a\" from outer query"},
    {"select * from (values (1), (2, 3)) s", OD_BAD_INPUT, 1, 29, "VALUES lists must all be the same length"},
    {"select distinct on (c) a from t order by a", OD_BAD_INPUT, 1, 21,
     "SELECT DISTINCT ON expressions must match initial ORDER BY expressions"},
    {"select * from t left join lateral (select t.a) s", OD_BAD_INPUT, 1, 49, "syntax error at end of input"},
    {"select * from t right join lateral (select t.a as z) s on true", OD_BAD_INPUT, 1, 44,
     "missing FROM-clause entry for table \"t\""},
    {"select * from t, (select t.a) s", OD_BAD_INPUT, 1, 26, "missing FROM-clause entry for table \"t\""},
    {"select * from t full join lateral (select t.a as z) s on true", OD_BAD_INPUT, 1, 43,
     "missing FROM-clause entry for table \"t\""},
    {"with q as (select 1), q as (select 2) select * from q", OD_BAD_INPUT, 1, 23,
     "WITH query name \"q\" specified more than once"},
    {"with q(a, b) as (select 1) select * from q", OD_BAD_INPUT, 1, 6,
     "WITH query \"q\" has 1 columns available but 2 columns specified"},
    {"select * from q", OD_BAD_INPUT, 1, 15, "relation \"q\" does not exist"},
    {"select string_agg(c) from t", OD_BAD_INPUT, 1, 8,
     "function string_agg with 1 arguments does not exist"},
    {"select string_agg(distinct c, ',' order by a) from t", OD_BAD_INPUT, 1, 44,
     "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list"},
    {"select percentile_cont(0.5) from t", OD_BAD_INPUT, 1, 8,
     "WITHIN GROUP is required for ordered-set aggregate percentile_cont"},
    {"select percentile_cont(1.5) within group (order by a) from t", OD_UNSUPPORTED, 1, 24,
     "the fraction of a percentile that is not a literal is not supported"},
    {"select lower(distinct c) from t", OD_BAD_INPUT, 1, 8,
     "DISTINCT specified, but lower is not an aggregate function"},
    {"select lower(*) from t", OD_BAD_INPUT, 1, 8, "* specified, but lower is not an aggregate function"},
    {"select lower(c) filter (where true) from t", OD_BAD_INPUT, 1, 8,
     "FILTER specified, but lower is not an aggregate function"},
    {"select a from t fetch first 1 row with ties", OD_BAD_INPUT, 1, 1,
     "WITH TIES cannot be specified without ORDER BY clause"},
    {"select *", OD_BAD_INPUT, 1, 8, "SELECT * with no tables specified is not valid"},
    {"select t.* from v", OD_BAD_INPUT, 1, 8, "missing FROM-clause entry for table \"t\""},
    {"select count(*) from t where exists (select 1 from u where u.a = t.zz)", OD_BAD_INPUT, 1, 66,
     "column t.zz does not exist"},
    {"select 1::date", OD_BAD_INPUT, 1, 9, "cannot cast type integer to date"},
    {"select 'x'::int", OD_BAD_INPUT, 1, 8, "invalid input syntax for type integer: \"x\""},
    {"select cast(a as date) from t", OD_BAD_INPUT, 1, 8, "cannot cast type integer to date"},
    {"select 1 in ('x')", OD_BAD_INPUT, 1, 14, "invalid input syntax for type integer: \"x\""},
    {"select a between 'x' and 2 from t", OD_BAD_INPUT, 1, 18,
     "invalid input syntax for type integer: \"x\""},
    {"select 1 where 'x'", OD_BAD_INPUT, 1, 16, "invalid input syntax for type boolean: \"x\""},
    {"select not 1", OD_BAD_INPUT, 1, 12, "argument of NOT must be type boolean, not type integer"},
    {"select 1 and true", OD_BAD_INPUT, 1, 8, "argument of AND must be type boolean, not type integer"},
    {"select nosuch(1)", OD_UNSUPPORTED, 1, 8, "function nosuch is not supported"},
    {"select sum(distinct) from t", OD_BAD_INPUT, 1, 20, "syntax error at or near \")\""},
    {"select c, rank() over (order by a) from t group by c", OD_BAD_INPUT, 1, 33,
     "column \"t.a\" must appear in the GROUP BY clause or be used in an aggregate function"},
    {"select max(a) filter (where max(a) > 1) from t", OD_BAD_INPUT, 1, 29,
     "aggregate function calls cannot be nested"},
    {"select a, (select 1), (select 2) from t group by -a", OD_BAD_INPUT, 1, 8,
     "column \"t.a\" must appear in the GROUP BY clause or be used in an aggregate function"},
    {"select 1 limit 'x'", OD_BAD_INPUT, 1, 16, "invalid input syntax for type bigint: \"x\""},
    {"select 1 limit 1.5", OD_UNSUPPORTED, 1, 16, "LIMIT that is not a literal is not supported"},
    {"select a from t group by 5", OD_BAD_INPUT, 1, 26, "GROUP BY position 5 is not in select list"},
    {"select a from t group by 'a'", OD_BAD_INPUT, 1, 26, "non-integer constant in GROUP BY"},
    {"select a as c from t group by c", OD_BAD_INPUT, 1, 8,
     "column \"t.a\" must appear in the GROUP BY clause or be used in an aggregate function"},
    {"select c as a, count(*) from t group by a", OD_BAD_INPUT, 1, 8,
     "column \"t.c\" must appear in the GROUP BY clause or be used in an aggregate function"},
    {"select a % 2 as c, count(*) from t group by c", OD_BAD_INPUT, 1, 8,
     "column \"t.a\" must appear in the GROUP BY clause or be used in an aggregate function"},
    {"select interval '1 day'", OD_UNSUPPORTED, 1, 8, "an interval as a column is not supported"},
    {"select extract(eon from d) from t", OD_BAD_INPUT, 1, 8, "unit \"eon\" not recognized for type date"},
    {"select date_trunc('eon', ts) from u", OD_BAD_INPUT, 1, 8,
     "unit \"eon\" not recognized for type timestamp"},
    /* well-formed, and not taken */
    {"insert into t values (1)", OD_UNSUPPORTED, 1, 1, "a statement other than SELECT is not supported"},
    {"select a from t; select b from t", OD_UNSUPPORTED, 1, 17, "more than one statement is not supported"},
    {"with recursive q as (select 1 union all select * from q) select * from q", OD_UNSUPPORTED, 1, 55,
     "a recursive query is not supported"},
    {"with q as (insert into t values (1)) select 1", OD_UNSUPPORTED, 1, 6,
     "WITH of a statement other than SELECT is not supported"},
    {"select a from t for update", OD_UNSUPPORTED, 1, 8, "FOR UPDATE or FOR SHARE is not supported"},
    {"select a into x from t", OD_UNSUPPORTED, 1, 8, "SELECT INTO is not supported"},
    {"select c, (select max((select t.a)) from v) from t group by c", OD_UNSUPPORTED, 1, 19,
     "a sub-select in an aggregate of the rows of an outer query is not supported"},
    {"select c, (select max(sum(t.a)) from v) from t group by c", OD_UNSUPPORTED, 1, 23,
     "an aggregate of the rows of an outer query within another is not supported"},
    {"select 1 from t where (select sum(t.a) from v) = 1", OD_BAD_INPUT, 1, 31,
     "aggregate functions are not allowed in WHERE"},
    {"select 1 from t, lateral (select sum(t.a)) q", OD_BAD_INPUT, 1, 34,
     "aggregate functions are not allowed in FROM clause of their own query level"},
    {"select * from generate_series(1.1, 4, 1.3)", OD_UNSUPPORTED, 1, 31,
     "generate_series of other than whole constants is not supported"},
    {"select * from t, generate_series(1, a)", OD_UNSUPPORTED, 1, 37,
     "generate_series of other than whole constants is not supported"},
    {"select (select grouping(t.a) from v) from t group by rollup (a)", OD_UNSUPPORTED, 1, 16,
     "GROUPING of the columns of an outer query is not supported"},
    {"select a as x, a as y from t group by x, rollup (y)", OD_UNSUPPORTED, 1, 39,
     "grouping sets of two output columns with the same expression are not supported"},
    {"select (select t.a), (select t.a) from t group by rollup (1)", OD_UNSUPPORTED, 1, 30,
     "what may repeat a key of grouping sets is not supported"},
    {"select sum(a) over (order by a range 3000000000 preceding) from t", OD_UNSUPPORTED, 1, 38,
     "an offset beyond integer is not supported here"},
    {"select date_trunc('day', '2020-01-01')", OD_BAD_INPUT, 1, 8, "date_trunc of unknown is not unique"},
    {"select date '2020-01-01' + '1'", OD_BAD_INPUT, 1, 26, "+ of unknown is not unique"},
    {"select a from unnest(array[1]) a", OD_UNSUPPORTED, 1, 15,
     "a function in FROM other than generate_series is not supported"},
    {"select u from t join u on t.a = u.a", OD_UNSUPPORTED, 1, 8,
     "a whole row as a value is not supported: u"},
    {"select count(t.*) from t", OD_UNSUPPORTED, 1, 14, "\"*\" is not supported here"},
    {"select c similar to 'x' from t", OD_UNSUPPORTED, 1, 10, "SIMILAR TO is not supported"},
    {"select c ~ 'x' from t", OD_UNSUPPORTED, 1, 10, "operator ~ is not supported"},
    {"select current_date", OD_UNSUPPORTED, 1, 8, "a function of session or time is not supported"},
    {"select now()", OD_UNSUPPORTED, 1, 8,
     "function now is not supported: there is no clock: answers must be determinate"},
    {"select $1 from t", OD_UNSUPPORTED, 1, 8, "a parameter is not supported"},
    {"select array[1] from t", OD_UNSUPPORTED, 1, 8, "an array is not supported"},
    {"select c collate \"C\" from t", OD_UNSUPPORTED, 1, 8, "COLLATE is not supported"},
    {"select a[1] from t", OD_UNSUPPORTED, 1, 8, "a subscript or field selection is not supported"},
    {"select a::uuid from t", OD_UNSUPPORTED, 1, 11, "type uuid is not supported"},
    {"select '1'::json", OD_UNSUPPORTED, 1, 13, "type json is not supported"},
    {"select timestamptz '2001-01-01'", OD_UNSUPPORTED, 1, 8, "type timestamptz is not supported"},
    {"select d::timestamp(3) from t", OD_UNSUPPORTED, 1, 11,
     "type timestamp with this modifier is not supported"},
    {"select a::numeric(50, 2) from t", OD_UNSUPPORTED, 1, 11,
     "numeric of more than 38 digits, or of a scale above its precision, is not supported"},
    {"select '{1}'::int[]", OD_UNSUPPORTED, 1, 15, "this type is not supported"},
    {"select interval '1-2' year to month + d from t", OD_UNSUPPORTED, 1, 17,
     "an interval of fields that is not one number and one unit is not supported: write INTERVAL '1 "
     "day 2 hours'"},
    {"select interval '1 day'", OD_UNSUPPORTED, 1, 8, "an interval as a column is not supported"},
    {"select min(interval '1 day') from t", OD_UNSUPPORTED, 1, 8,
     "an aggregate of intervals is not supported"},
    {"select array_agg(a) from t", OD_UNSUPPORTED, 1, 8, "function array_agg is not supported"},
    {"select a at time zone 'utc' from t", OD_UNSUPPORTED, 1, 10, "function timezone is not supported"},
    {"select x.y.z.w from t", OD_UNSUPPORTED, 1, 8, "a column name of more than two parts is not supported"},
    {"select a = any ('{1,2}') from t", OD_UNSUPPORTED, 1, 10,
     "this operator with ANY or ALL of an array is not supported"},
    {"select array(select a from t)", OD_UNSUPPORTED, 1, 8, "an array of a sub-select is not supported"},
    {"select (select 1) = any (array[(select 2), 3]) from t order by xmlelement(name x)", OD_UNSUPPORTED, 1,
     64, "an XML expression is not supported"},
    {"select * from t tablesample system (1)", OD_UNSUPPORTED, 1, 15, "TABLESAMPLE is not supported"},
    {"select * from json_table", OD_BAD_INPUT, 1, 15, "relation \"json_table\" does not exist"},
    {"select * from rows from (generate_series(1, 2), generate_series(1, 2)) x", OD_UNSUPPORTED, 1, 26,
     "a function in FROM other than generate_series is not supported"},
    {"select 1234567890123456789012345678901234567890", OD_UNSUPPORTED, 1, 8,
     "a number of more than 38 digits is not supported"},
    {"select a from t group by cube (a, a, a, a, a, a, a, a, a, a, a, a, a)", OD_UNSUPPORTED, 1, 26,
     "CUBE of more than 12 elements is not supported"},
    {"select rank(1) within group (order by a) from t", OD_UNSUPPORTED, 1, 8,
     "function rank is not supported"},
    {"select sum(1) over (order by interval '1 day' range '1 hour' preceding) from t", OD_UNSUPPORTED, 1, 53,
     "RANGE with an offset over intervals is not supported"},
    {"select median(distinct a) from t", OD_UNSUPPORTED, 1, 8,
     "median with DISTINCT or ORDER BY is not supported"},
    {"select median(a) over () from t", OD_UNSUPPORTED, 1, 8,
     "OVER is not supported for ordered-set aggregate median"},
    {"select a from t limit (select 'x')", OD_BAD_INPUT, 1, 23,
     "argument of LIMIT must be type bigint, not type text"},
    {"select a from t order by a fetch first null rows with ties", OD_UNSUPPORTED, 1, 40,
     "WITH TIES of what may be NULL is not supported"},
    {"select 1 limit 1 + 1", OD_UNSUPPORTED, 1, 16, "LIMIT that is not a literal is not supported"},
    {"select from t", OD_UNSUPPORTED, 1, 1, "an empty select list is not supported"},
};

static void refusals_say_where_and_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct od_arena arena;
        struct od_error error = {0};
        const struct od_plan *plan = NULL;
        od_arena_init(&arena, od_heap_for_tests(), 0);
        enum od_status status = od_sql_bind(&arena, refused[i].sql, &context, &plan, &error);
        if (status != refused[i].status || error.line != refused[i].line ||
            error.column != refused[i].column || strstr(error.text, refused[i].text) == NULL)
            fail_msg("%s\ngives %s %u:%u %s\nexpected %s %u:%u %s", refused[i].sql, od_status_text(status),
                     error.line, error.column, error.text, od_status_text(refused[i].status), refused[i].line,
                     refused[i].column, refused[i].text);
        assert_null(plan);
        assert_int_equal(od_sql_bind(&arena, refused[i].sql, &context, &plan, NULL), refused[i].status);
        od_arena_release(&arena);
    }
}

/* --- hostile texts ---------------------------------------------------------------------------- */

static enum od_status bind_repeated(const char *head, const char *part, uint32_t count, const char *middle,
                                    const char *end_part, const char *tail)
{
    struct od_buffer sql;
    struct od_arena arena;
    struct od_error error = {0};
    const struct od_plan *plan = NULL;
    od_buffer_init(&sql, od_heap_for_tests());
    od_arena_init(&arena, od_heap_for_tests(), 0);
    od_buffer_append_text(&sql, head);
    for (uint32_t i = 0; i < count; i++)
        od_buffer_append_text(&sql, part);
    od_buffer_append_text(&sql, middle);
    for (uint32_t i = 0; i < count; i++)
        od_buffer_append_text(&sql, end_part);
    od_buffer_append_text(&sql, tail);
    enum od_status status = od_sql_bind(&arena, od_buffer_text(&sql), &context, &plan, &error);
    od_arena_release(&arena);
    od_buffer_release(&sql);
    return status;
}

static void deep_and_long_texts_are_refused_in_order(void **state)
{
    (void)state;
    assert_int_equal(bind_repeated("select a", "+1", 400, "", "", " from t"), OD_OK);
    assert_int_equal(bind_repeated("select a", "+1", 520, "", "", " from t"), OD_UNSUPPORTED);
    assert_int_equal(bind_repeated("select a", "+1", 600, "", "", " from t"), OD_UNSUPPORTED);
    assert_int_equal(bind_repeated("select a", "+1", 16000, "", "", " from t"), OD_UNSUPPORTED);
    assert_int_equal(bind_repeated("select a", "+1", 200000, "", "", " from t"), OD_UNSUPPORTED);
    assert_int_equal(bind_repeated("select a", "+f(1,2)", 100000, "", "", " from t"), OD_UNSUPPORTED);
    assert_int_equal(bind_repeated("select 1, 2", " union select 1, 2", 100000, "", "", ""), OD_UNSUPPORTED);
    assert_int_equal(bind_repeated("select 1, ", "(", 100000, "1", ")", ""), OD_UNSUPPORTED);
    assert_int_equal(bind_repeated("select a from t where a in (0", ", 1", 100000, ")", "", ""), OD_OK);
    assert_int_equal(bind_repeated("values (0, 'x')", ", (1, 'y')", 20000, "", "", ""), OD_OK);
    assert_int_equal(bind_repeated("select 1", " union all select 1", 200, "", "", ""), OD_OK);
    assert_int_equal(bind_repeated("select ", "(select ", 100, "1", ")", ""), OD_OK);
    assert_int_equal(bind_repeated("select a from t group by ", "cube (a, b, c, d, p, a), ", 3, "a", "", ""),
                     OD_UNSUPPORTED);
    assert_int_equal(bind_repeated("select ", "not ", 5000, "p", "", " from t"), OD_UNSUPPORTED);
    assert_int_equal(bind_repeated("select ", "- ", 3000, "a", "", " from t"), OD_UNSUPPORTED);
    assert_int_equal(bind_repeated("select ", "coalesce(", 1500, "a", ")", " from t"), OD_UNSUPPORTED);
    assert_int_equal(bind_repeated("select a from t where p", " or p", 3000, "", "", ""), OD_OK);
    assert_int_equal(bind_repeated("select * from ", "(select * from ", 50, "t", ") x", ""), OD_OK);
    assert_int_equal(bind_repeated("select * from ", "(select * from ", 1000, "t", ") x", ""),
                     OD_UNSUPPORTED);
}

static void every_prefix_is_bound_or_refused(void **state)
{
    static const char sql[] = "with q as (select a, w from u) select t.a, sum(b) s, rank() over (order by "
                              "t.a) from t left join q on t.a = "
                              "q.a and w > 1.5 where c like 'x%' or d in ('2001-01-01') and exists (select 1 "
                              "from v where k = t.a) group by "
                              "rollup (1) having count(*) > 1 union all values (1, 2, 3) order by s desc "
                              "nulls first limit 2 offset 1";
    (void)state;
    for (size_t size = 0; size < sizeof(sql); size++) {
        char text[sizeof(sql)];
        struct od_arena arena;
        struct od_error error = {0};
        const struct od_plan *plan = NULL;
        memcpy(text, sql, size);
        text[size < sizeof(sql) ? size : size - 1] = '\0';
        od_arena_init(&arena, od_heap_for_tests(), 0);
        enum od_status status = od_sql_bind(&arena, text, &context, &plan, &error);
        assert_true(status == OD_OK || status == OD_BAD_INPUT || status == OD_UNSUPPORTED);
        assert_true(status == OD_OK ? plan != NULL : error.line == 1 && error.text[0] != '\0');
        od_arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_say_where_and_why),
        cmocka_unit_test(deep_and_long_texts_are_refused_in_order),
        cmocka_unit_test(every_prefix_is_bound_or_refused),
    };
    return cmocka_run_group_tests(tests, make_tables, free_tables);
}
