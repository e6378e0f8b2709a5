/* sweep_queries: what sweep_test runs: every operator, strategy, way to spill, kind of statement and way in and out.
 *
 *   t   24 rows, a column of each type, NULLs everywhere        v      40 rows, nine of ten with k = 1
 *   u   15 rows, k without 2 of t's values and with others      none   no row
 *
 * A row here is one statement (or, WHERE it changes tables, one and a query that shows them afterwards). Not a general
 * header: for that one test program. */
#ifndef OD_HARNESS_SWEEP_QUERIES_H
#define OD_HARNESS_SWEEP_QUERIES_H

#include "engine/plan/rules.h"

enum sweep_passes { SWEEP_PLAIN, SWEEP_PLAN, SWEEP_CSV, SWEEP_JSON, SWEEP_ARROW };

struct sweep_query {
    const char *name;
    const char *sql;
    const char *shown; /* a query for what `sql` changes; NULL: it changes nothing */
    bool is_ordered;   /* the order of the answer counts */
    uint64_t operator_bytes;
    bool spills;              /* it must, undisturbed */
    enum od_status ends;      /* so, undisturbed */
    uint32_t join;            /* OD_JOIN_FORCE_HASH... */
    uint32_t spread;          /* OD_JOIN_FORCE_BROADCAST... */
    enum sweep_passes passes; /* plan or answer go through this format and back */
};

static const struct {
    const char *name;
    const char *sql;
} sweep_tables[] = {
    {"t", "SELECT i::integer AS id, CASE WHEN i % 5 <> 0 THEN (i % 4)::integer END AS k, (i * 7) % 11 AS n, "
          "CASE WHEN i % 6 <> 1 THEN 'text ' || (i % 3) || repeat('x', (i % 4)::integer) END AS s, "
          "CASE WHEN i % 7 <> 0 THEN i / 8.0::double precision END AS x, "
          "CASE WHEN i % 9 <> 0 THEN (i * 1.25)::numeric(10, 2) END AS d, "
          "date '2024-01-30' + i::integer AS day, "
          "timestamp '2024-02-28 12:00:00' + i * interval '7 hours' AS at, "
          "CASE WHEN i % 4 <> 3 THEN i % 2 = 0 END AS b FROM generate_series(1, 24) g(i)"},
    {"u", "SELECT CASE WHEN i % 7 <> 0 THEN (i % 6 + 1)::integer END AS k, i AS m, 'u' || i AS w "
          "FROM generate_series(1, 15) g(i)"},
    {"v", "SELECT CASE WHEN i % 10 < 9 THEN 1 ELSE i::integer END AS k, (i * 13) % 17 AS n "
          "FROM generate_series(1, 40) g(i)"},
    {"none", "SELECT i::integer AS k, 'none' AS s FROM generate_series(1, 3) g(i) WHERE i > 5"},
};

#define READS(name_, sql_, ...)                                                                              \
    {                                                                                                        \
        .name = name_, .sql = sql_, __VA_ARGS__                                                              \
    }
#define CHANGES(name_, sql_, shown_)                                                                         \
    {                                                                                                        \
        .name = name_, .sql = sql_, .shown = shown_                                                          \
    }

static const struct sweep_query sweep_queries[] = {
    /* scan, filter, project, limit, values, union, order */
    READS("filter", "SELECT id, s, d FROM t WHERE n > 3 AND (b OR x IS NULL) AND s LIKE 'text %x'"),
    READS("limit", "SELECT id, day FROM t ORDER BY n DESC, id LIMIT 5 OFFSET 2", .is_ordered = true),
    READS("limit, any", "SELECT n FROM t LIMIT 3"),
    READS("values", "SELECT column1 * 2, upper(column2) FROM (VALUES (1, 'a'), (2, NULL), (3, 'c')) w"),
    READS("no table", "SELECT 1 + 1, 'x' || 'y', NULL::date, date '2024-01-31' + interval '1 month'"),
    READS("no row", "SELECT k, s FROM none WHERE s <> ''"),
    READS("sort", "SELECT * FROM t ORDER BY b NULLS FIRST, s DESC, d, id", .is_ordered = true),
    READS("sort, spilled", "SELECT s, x, id FROM t ORDER BY s NULLS FIRST, x DESC, id", .is_ordered = true,
          .operator_bytes = 150, .spills = true),
    READS("generate_series", "SELECT i, i * i FROM generate_series(1, 30, 4) g(i) WHERE i % 3 <> 0"),
    /* joins */
    READS("join, inner", "SELECT t.id, u.w FROM t JOIN u ON t.k = u.k AND t.n < u.m",
          .join = OD_JOIN_FORCE_HASH),
    READS("join, left", "SELECT t.id, u.w FROM t LEFT JOIN u ON t.k = u.k AND u.m > 8",
          .spread = OD_JOIN_FORCE_PARTITIONED),
    READS("join, right", "SELECT t.id, u.w FROM t RIGHT JOIN u USING (k)",
          .spread = OD_JOIN_FORCE_PARTITIONED),
    READS("join, full", "SELECT t.id, u.w FROM t FULL JOIN u ON t.k = u.k", .join = OD_JOIN_FORCE_HASH),
    READS("join, merge", "SELECT t.id, u.w FROM t JOIN u ON t.k = u.k", .join = OD_JOIN_FORCE_MERGE),
    READS("join, merge full", "SELECT t.id, u.w FROM t FULL JOIN u ON t.k = u.k",
          .join = OD_JOIN_FORCE_MERGE),
    READS("join, nested loop", "SELECT t.id, u.w FROM t LEFT JOIN u ON t.n > u.m + 6",
          .join = OD_JOIN_FORCE_NESTED_LOOP),
    READS("join, cross", "SELECT count(*), sum(t.n * u.m) FROM t CROSS JOIN u"),
    READS("join, broadcast", "SELECT t.id, u.w FROM t JOIN u ON t.k = u.k",
          .spread = OD_JOIN_FORCE_BROADCAST),
    READS("join, partitioned", "SELECT t.id, u.w FROM t JOIN u ON t.k = u.k",
          .spread = OD_JOIN_FORCE_PARTITIONED),
    READS("join, spilled", "SELECT t.id, u.w FROM u LEFT JOIN t ON t.k = u.k", .join = OD_JOIN_FORCE_HASH,
          .operator_bytes = 100, .spread = OD_JOIN_FORCE_PARTITIONED, .spills = true),
    READS("join, one key, spilled", "SELECT count(*), sum(v.n) FROM v JOIN v w ON v.k = w.k AND v.n < w.n",
          .join = OD_JOIN_FORCE_HASH, .operator_bytes = 150, .spills = true),
    READS("join, merge spilled", "SELECT count(*), sum(v.n) FROM v JOIN v w ON v.k = w.k AND v.n < w.n",
          .join = OD_JOIN_FORCE_MERGE, .operator_bytes = 150, .spills = true),
    READS("join, loop spilled", "SELECT t.id, u.w FROM t JOIN u ON t.n > u.m + 6",
          .join = OD_JOIN_FORCE_NESTED_LOOP, .operator_bytes = 100, .spills = true),
    READS("join, five",
          "SELECT a.id, b.w, c.n FROM t a JOIN u b ON a.k = b.k JOIN t c ON c.id = b.m JOIN v ON v.n = c.n "
          "LEFT JOIN none ON none.k = a.id WHERE a.id < 9"),
    /* subqueries */
    READS("in", "SELECT id FROM t WHERE k IN (SELECT k FROM u WHERE m > 4)"),
    READS("not in", "SELECT id FROM t WHERE k NOT IN (SELECT k FROM u WHERE k IS NOT NULL)"),
    READS("exists", "SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.m > t.n)"),
    READS("not exists", "SELECT id FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.k)"),
    READS("scalar", "SELECT id, (SELECT count(*) FROM u WHERE u.k = t.k), (SELECT max(m) FROM u) FROM t"),
    READS("any, all",
          "SELECT id FROM t WHERE n > ALL (SELECT m FROM u WHERE u.k = t.k) OR k = ANY (SELECT k FROM none)"),
    READS("lateral",
          "SELECT t.id, l.m FROM t, LATERAL (SELECT m FROM u WHERE u.k = t.k ORDER BY m DESC LIMIT 1) l"),
    /* aggregates */
    READS("aggregate", "SELECT count(*), count(k), sum(n), avg(d), min(s), max(at), bool_or(b) FROM t"),
    READS("group",
          "SELECT k, count(*), sum(x), avg(n), min(day), max(s) FROM t GROUP BY k HAVING count(*) > 2"),
    READS("group, spilled", "SELECT n, k, count(*), sum(d), max(s) FROM t GROUP BY n, k",
          .operator_bytes = 300, .spills = true),
    READS("group, distinct",
          "SELECT k, count(DISTINCT n), sum(DISTINCT d), count(*) FILTER (WHERE b) FROM t GROUP BY k"),
    READS("group, rows spilled",
          "SELECT k, string_agg(s, ',' ORDER BY id DESC), count(DISTINCT n) FROM t GROUP BY k",
          .operator_bytes = 300, .spills = true),
    READS("statistics",
          "SELECT k, variance(x), stddev_pop(n), corr(x, n), regr_slope(x, n) FROM t GROUP BY k"),
    READS("percentiles",
          "SELECT b, percentile_cont(0.5) WITHIN GROUP (ORDER BY x), mode() WITHIN GROUP (ORDER BY n) "
          "FROM t GROUP BY b"),
    READS("grouping sets",
          "SELECT k, b, grouping(k, b), count(*), sum(n) FROM t GROUP BY GROUPING SETS ((k), (b), ())"),
    READS("cube", "SELECT k, b, s, sum(d) FROM t WHERE id < 12 GROUP BY CUBE (k, b), s"),
    READS("distinct", "SELECT DISTINCT k, b FROM t"),
    READS("distinct on", "SELECT DISTINCT ON (k) k, id, s FROM t ORDER BY k, n DESC, id", .is_ordered = true),
    /* windows */
    READS("window",
          "SELECT id, row_number() OVER w, rank() OVER w, lag(s, 2, '-') OVER w, ntile(3) OVER w FROM t "
          "WINDOW w AS (PARTITION BY k ORDER BY n, id)"),
    READS("window, frames",
          "SELECT id, sum(d) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING), "
          "max(n) OVER (ORDER BY n RANGE BETWEEN 3 PRECEDING AND CURRENT ROW EXCLUDE TIES), "
          "first_value(s) OVER (ORDER BY k GROUPS 1 PRECEDING) FROM t"),
    READS("window, spilled",
          "SELECT id, sum(n) OVER (PARTITION BY b ORDER BY id), count(*) OVER (PARTITION BY b) FROM t",
          .operator_bytes = 200, .spills = true),
    /* sets of rows, common table expressions */
    READS("union", "SELECT k FROM t UNION SELECT k FROM u"),
    READS("union all", "SELECT k, s FROM t UNION ALL SELECT k, w FROM u ORDER BY 1, 2 LIMIT 9",
          .is_ordered = true),
    READS("intersect", "SELECT k FROM t INTERSECT ALL SELECT k FROM u"),
    READS("except", "SELECT k FROM t EXCEPT ALL SELECT k FROM u EXCEPT SELECT 7"),
    READS("with", "WITH w AS MATERIALIZED (SELECT k, sum(n) AS n FROM t GROUP BY k) "
                  "SELECT a.k, b.n FROM w a JOIN w b ON a.n < b.n"),
    READS("with, inlined",
          "WITH w AS (SELECT k, n FROM t WHERE n > 2), z AS (SELECT k, count(*) AS c FROM w GROUP BY k) "
          "SELECT w.n, z.c FROM w LEFT JOIN z USING (k)"),
    /* functions, types */
    READS("text", "SELECT upper(s), substring(s FROM 2 FOR 3), replace(s, 'x', 'yy'), lpad(s, 9, '*'), "
                  "position('t' IN s), "
                  "md5(s), split_part(s, ' ', 2), s ILIKE 'TEXT _', concat_ws('-', s, id, d) FROM t"),
    READS("numeric",
          "SELECT round(d * d / 3, 4), d % 0.7, trunc(d), sqrt(x), power(x, 2), abs(-n), sign(d), floor(x), "
          "d::integer, x::numeric(8, 3), d::text FROM t"),
    READS("dates", "SELECT extract(dow FROM day), date_trunc('month', at), at + interval '1 month', day - "
                   "date '2024-02-01', "
                   "at > timestamp '2024-03-01', day::text, extract(epoch FROM at) FROM t"),
    READS(
        "conditions",
        "SELECT CASE k WHEN 1 THEN s WHEN 2 THEN d::text ELSE 'other' END, coalesce(k, n, 0), nullif(n, 3), "
        "greatest(k, n), k IS DISTINCT FROM n, n BETWEEN 2 AND 5, k IN (1, 3, NULL) FROM t"),
    /* an error is an error whatever else fails */
    READS("division by zero", "SELECT 10 / (n - 3) FROM t", .ends = OD_EVALUATION),
    READS("no column", "SELECT nonsense FROM t", .ends = OD_BAD_INPUT),
    READS("refused", "SELECT now() FROM t", .ends = OD_UNSUPPORTED),
    /* plans and answers as bytes */
    READS("plan, join", "SELECT k, count(*), sum(t.d), max(w) FROM t JOIN u USING (k) WHERE n < 8 GROUP BY k",
          .passes = SWEEP_PLAN),
    READS("plan, window",
          "SELECT id, lead(n) OVER (PARTITION BY k ORDER BY at), avg(x) OVER (ORDER BY id ROWS 3 PRECEDING) "
          "FROM t UNION ALL SELECT m, NULL, 0.5 FROM u",
          .passes = SWEEP_PLAN),
    READS("csv", "SELECT * FROM t", .passes = SWEEP_CSV),
    READS("json", "SELECT * FROM t", .passes = SWEEP_JSON),
    READS("arrow", "SELECT * FROM t", .passes = SWEEP_ARROW),
    READS("explain", "EXPLAIN SELECT t.id, count(*) FROM t JOIN u USING (k) GROUP BY t.id ORDER BY 2"),
    /* statements that change tables */
    CHANGES("create", "CREATE TABLE made (a integer PRIMARY KEY, b text DEFAULT 'x' NOT NULL, CHECK (a > 0))",
            "INSERT INTO made (a) VALUES (7); SELECT * FROM made"),
    CHANGES("create as", "CREATE TABLE made AS SELECT k, count(*) AS n FROM t GROUP BY k",
            "SELECT * FROM made"),
    CHANGES("create view", "CREATE VIEW seen AS SELECT k, s FROM t WHERE n > 5", "SELECT * FROM seen"),
    CHANGES("insert", "INSERT INTO u SELECT k, id, s FROM t WHERE s IS NOT NULL", "SELECT * FROM u"),
    CHANGES("insert values", "INSERT INTO none VALUES (1, 'a'), (1 + 1, upper('b')), (3, lower('C'))",
            "SELECT * FROM none"),
    CHANGES("update",
            "UPDATE t SET n = n + 1, s = (SELECT max(w) FROM u WHERE u.m = t.id) WHERE k IS NOT NULL",
            "SELECT id, n, s FROM t"),
    CHANGES("delete", "DELETE FROM t WHERE k IN (SELECT k FROM u WHERE m > 3)", "SELECT id FROM t"),
    CHANGES("drop", "DROP TABLE u", "SELECT count(*) FROM u"),
    CHANGES("truncate", "TRUNCATE u", "SELECT count(*) FROM u"),
    CHANGES("transaction", "BEGIN; DELETE FROM u WHERE m > 3; INSERT INTO u VALUES (1, 99, 'z'); COMMIT",
            "SELECT * FROM u"),
    CHANGES("rollback", "BEGIN; DELETE FROM u; ROLLBACK", "SELECT * FROM u"),
};
#define SWEEP_QUERY_COUNT (sizeof(sweep_queries) / sizeof(sweep_queries[0]))
#define SWEEP_TABLE_COUNT (sizeof(sweep_tables) / sizeof(sweep_tables[0]))

#endif
