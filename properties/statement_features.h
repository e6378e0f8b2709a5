/* statement_features: what a drawn SQL statement can have in it, and which other engines mean the same by it.
 *
 * The one list of the dialects' differences: a statement is compared with an engine when all of its
 * features are. The model and our own variations are compared always. It is also the list of what a
 * campaign reports to have covered.
 *
 *   X(NAME, engines that agree, what it is, why not all engines)    S SQLite, D DuckDB, P PostgreSQL */
#ifndef OD_PROPERTIES_STATEMENT_FEATURES_H
#define OD_PROPERTIES_STATEMENT_FEATURES_H

#define OD_QUERY_FEATURE_LIST(X)                                                                             \
    X(JOIN, SDP, "inner joins", "")                                                                          \
    X(LEFT_JOIN, SDP, "left joins", "")                                                                      \
    X(RIGHT_JOIN, SDP, "right joins", "")                                                                    \
    X(FULL_JOIN, SDP, "full joins", "")                                                                      \
    X(FULL_JOIN_ANY, S, "full joins with other conditions than equalities", "P refuses many, D errs")        \
    X(JOIN_ANY, SDP, "joins with other conditions than equalities", "")                                      \
    X(JOIN_ANY_PADDED, DP, "the same below a right or full join", "SQLite loses rows where one is constant") \
    X(FAILING_ON, SDP, "conditions of joins that may fail", "")                                              \
    X(CROSS_JOIN, SDP, "cross joins and comma lists", "")                                                    \
    X(JOIN_USING, SDP, "USING", "")                                                                          \
    X(JOIN_NATURAL, SDP, "NATURAL", "")                                                                      \
    X(MANY_RELATIONS, SDP, "three relations and more in one FROM", "")                                       \
    X(LATERAL, DP, "LATERAL", "SQLite has it not")                                                           \
    X(DERIVED, SDP, "derived tables", "")                                                                    \
    X(FROM_VALUES, DP, "VALUES in FROM", "SQLite takes no list of column names there")                       \
    X(VALUES, DP, "VALUES in place of a SELECT", "SQLite orders none")                                       \
    X(CTE, SDP, "WITH", "")                                                                                  \
    X(CTE_TWICE, SDP, "a WITH that is read twice and more", "")                                              \
    X(CTE_MATERIALIZED, SDP, "[NOT] MATERIALIZED", "")                                                       \
    X(CORRELATED, SDP, "correlated subqueries", "")                                                          \
    X(CORRELATED_DEEP, SP, "correlated over two levels and more", "DuckDB refuses some")                     \
    X(SCALAR_SUBQUERY, SDP, "scalar subqueries", "")                                                         \
    X(COUNT_SUBQUERY, SDP, "scalar subqueries that count", "")                                               \
    X(LIMITED_SUBQUERY, SDP, "scalar subqueries with LIMIT 1", "")                                           \
    X(MANY_ROWS_SUBQUERY, P, "scalar subqueries that may give several rows", "others take the first")        \
    X(IN_SUBQUERY, SDP, "[NOT] IN (subquery)", "")                                                           \
    X(EXISTS_SUBQUERY, SDP, "[NOT] EXISTS", "")                                                              \
    X(QUANTIFIED, DP, "ANY and ALL", "SQLite has them not")                                                  \
    X(IN_SELECT, SDP, "subqueries in the select list", "")                                                   \
    X(IN_WHERE, SDP, "subqueries in WHERE", "")                                                              \
    X(IN_HAVING, SDP, "subqueries in HAVING", "")                                                            \
    X(IN_ON, SP, "subqueries in ON", "DuckDB refuses some")                                                  \
    X(IN_ORDER_BY, SDP, "subqueries in ORDER BY", "")                                                        \
    X(AGGREGATE, SDP, "aggregates", "")                                                                      \
    X(GROUP_BY, SDP, "GROUP BY", "")                                                                         \
    X(GROUP_EXPRESSION, SDP, "GROUP BY an expression", "")                                                   \
    X(GROUPING_SETS, DP, "GROUPING SETS", "SQLite has them not")                                             \
    X(ROLLUP, DP, "ROLLUP", "SQLite has it not")                                                             \
    X(CUBE, DP, "CUBE", "SQLite has it not")                                                                 \
    X(FOLDABLE_SETS, D, "grouping sets of keys that may be one, or constant", "P 15 forgets their NULLs")    \
    X(MERGED_SETS, P, "grouping sets where USING merges columns", "DuckDB has two of each")                  \
    X(CORRELATED_SETS, P, "grouping sets beside correlation", "of no rows DuckDB gives no total there")      \
    X(GROUPING_CALL, DP, "GROUPING()", "SQLite has it not")                                                  \
    X(HAVING, SDP, "HAVING", "")                                                                             \
    X(HAVING_ALONE, DP, "HAVING without GROUP BY", "SQLite asks for an aggregate")                           \
    X(FILTER, SDP, "FILTER", "")                                                                             \
    X(DISTINCT_AGGREGATE, SDP, "aggregates of DISTINCT values", "")                                          \
    X(BIT_BOOL_AGGREGATE, DP, "bool_and, bit_or...", "SQLite has them not")                                  \
    X(BIT_BOOL_AGGREGATE_MORE, P, "every, bit_xor", "not all have them")                                     \
    X(PERCENTILE, DP, "percentile_cont, percentile_disc", "SQLite has them not")                             \
    X(PERCENTILE_DOUBLE, P, "percentile_cont of doubles", "DuckDB's middle of infinities is one")            \
    X(MODE, P, "mode", "others choose another of several values")                                            \
    X(STATISTICS, P, "variances, covariances, slopes", "DuckDB's errors and digits are others")              \
    X(INEXACT_KEYS, NOBODY, "variances of doubles in DISTINCT, set operations, keys", "last digits decide")  \
    X(STRING_AGG, DP, "string_agg", "SQLite 3.40 has it not")                                                \
    X(WINDOW, SDP, "window functions", "")                                                                   \
    X(UNORDERED_RANK, SP, "rank, dense_rank... without an order", "DuckDB 1.5 breaks")                       \
    X(WINDOW_AGGREGATE, SDP, "aggregates over windows", "")                                                  \
    X(WINDOW_FILTER, DP, "FILTER of aggregates over windows", "SQLite's max of none is 0 there")             \
    X(NAMED_WINDOW, SDP, "WINDOW name AS", "")                                                               \
    X(FRAME_ROWS, SDP, "ROWS frames", "")                                                                    \
    X(FRAME_RANGE, SDP, "RANGE frames", "")                                                                  \
    X(FRAME_RANGE_OFFSET, P, "RANGE frames with an offset", "ranges over NULLs and overflow differ")         \
    X(FRAME_GROUPS, SDP, "GROUPS frames", "")                                                                \
    X(FRAME_EXCLUDE, SDP, "EXCLUDE", "")                                                                     \
    X(UNION, SDP, "UNION", "")                                                                               \
    X(UNION_ALL, SDP, "UNION ALL", "")                                                                       \
    X(INTERSECT, SDP, "INTERSECT", "")                                                                       \
    X(EXCEPT, SDP, "EXCEPT", "")                                                                             \
    X(INTERSECT_ALL, DP, "INTERSECT ALL", "SQLite has it not")                                               \
    X(EXCEPT_ALL, DP, "EXCEPT ALL", "SQLite has it not")                                                     \
    X(NESTED_SET, DP, "set operations in brackets", "SQLite takes no brackets")                              \
    X(DISTINCT, SDP, "SELECT DISTINCT", "")                                                                  \
    X(DISTINCT_ON, DP, "DISTINCT ON", "SQLite has it not")                                                   \
    X(ORDER_BY, SDP, "ORDER BY", "")                                                                         \
    X(ORDER_BY_EXPRESSION, SDP, "ORDER BY an expression", "")                                                \
    X(NULLS_FIRST_LAST, SDP, "NULLS FIRST, NULLS LAST", "")                                                  \
    X(NULLS_BY_DEFAULT, DP, "where NULLs stand is left open", "first in SQLite")                             \
    X(LIMIT, SDP, "LIMIT", "")                                                                               \
    X(OFFSET, SDP, "OFFSET", "")                                                                             \
    X(FETCH_FIRST, P, "FETCH FIRST", "others have it not")                                                   \
    X(OPEN_LIMIT, NOBODY, "LIMIT without an order of all columns", "any rows are right")                     \
    X(OPEN_PEERS, NOBODY, "row_number... among rows whose order is open", "any order is right")              \
    X(OPEN_EQUALS, SDP, "one of several equal values stands for all", "1.5 or 1.50 is right, 0.0 or -0.0")   \
    X(STAR, SDP, "SELECT *", "")                                                                             \
    X(STAR_MERGED, DP, "SELECT * where USING merges columns", "SQLite has others")                           \
    X(CASE, SDP, "CASE", "")                                                                                 \
    X(CAST, SDP, "casts of numbers", "")                                                                     \
    X(CAST_ROUNDS, P, "casts that round", "half up, half to even, or cut")                                   \
    X(CAST_TEXT, P, "casts from and to text", "spelled differently")                                         \
    X(INT_ARITHMETIC, SDP, "arithmetic of integers", "")                                                     \
    X(INT_DIVISION, SDP, "division of integers", "")                                                         \
    X(FLOAT_ARITHMETIC, SDP, "arithmetic of doubles", "")                                                    \
    X(FLOAT_FUNCTIONS, P, "floor, round, sqrt... of doubles", "not in every SQLite; other errors")           \
    X(FLOAT_SUM, SDP, "sums of doubles", "")                                                                 \
    X(FLOAT_SUM_HARD, NOBODY, "sums of extreme doubles", "exact here, rounded at each row elsewhere")        \
    X(NUMERIC, P, "numerics", "doubles in SQLite, of one scale a column in DuckDB")                          \
    X(NUMERIC_OF_DOUBLE, P, "doubles cast to numerics", "as numerics")                                       \
    X(LONG_NUMERIC, NOBODY, "numerics of extreme scales", "here they have 38 digits at most")                \
    X(DATES, DP, "functions and literals of dates and timestamps", "SQLite has no such types")               \
    X(INTERVALS, P, "intervals", "DuckDB's fractions differ")                                                \
    X(EXTRACT, DP, "extract, date_trunc", "SQLite has them not")                                             \
    X(TEXT_FUNCTIONS, SDP, "functions of text that all have", "")                                            \
    X(TEXT_FUNCTIONS_MORE, P, "functions of text that few have", "")                                         \
    X(LIKE, SDP, "LIKE", "")                                                                                 \
    X(ILIKE, P, "ILIKE", "others fold more than ASCII letters")                                              \
    X(IN_LIST, SDP, "IN (list)", "")                                                                         \
    X(BETWEEN, SDP, "BETWEEN", "")                                                                           \
    X(GREATEST, DP, "greatest, least", "max of SQLite is NULL when an argument is")                          \
    X(UNKNOWN, P, "IS UNKNOWN", "others have it not")                                                        \
    X(ROWS, SP, "comparisons of rows", "DuckDB compares NULLs in them")                                      \
    X(ROWS_DISTINCT, P, "IS DISTINCT FROM of rows", "SQLite has it not")                                     \
    X(BETWEEN_SYMMETRIC, P, "BETWEEN SYMMETRIC", "others have it not")                                       \
    X(BITS, P, "# << >> ~ of integers", "other overflows")                                                   \
    X(MATH_FUNCTIONS, P, "gcd, exp, power...", "other errors")                                               \
    X(TIME_PARTS, P, "parts of times that few have", "")                                                     \
    X(IS_DISTINCT, SDP, "IS [NOT] DISTINCT FROM", "")                                                        \
    X(MIXED_NUMBERS, DP, "comparisons of numbers of two types", "SQLite compares exactly")                   \
    X(MAY_FAIL, SDP, "an expression that may fail", "")                                                      \
    X(FAILS_SURELY, SDP, "and evaluated for the same rows in every plan", "")                                \
    X(SPECIAL_VALUES, DP, "tables with NaN, infinities, -0.0", "SQLite has no NaN")                          \
    X(WILD_VALUES, P, "tables with the extremes of every type", "casts of literals differ")                  \
    X(EMPTY_TABLE, SDP, "an empty table", "")                                                                \
    X(ALL_NULL_COLUMN, SDP, "a column of NULLs only", "")

enum od_query_feature {
#define X(name, engines, what, why) OD_QUERY_##name,
    OD_QUERY_FEATURE_LIST(X)
#undef X
        OD_QUERY_FEATURE_COUNT
};

/* Whom answers are compared with. The model is of properties/, the others are asked by the harness. */
#define OD_ORACLE_LIST(X) X(MODEL, "model") X(SQLITE, "sqlite") X(DUCKDB, "duckdb") X(POSTGRES, "postgres")
enum od_oracle {
#define X(name, text) OD_ORACLE_##name,
    OD_ORACLE_LIST(X)
#undef X
        OD_ORACLE_COUNT
};

#endif
