/* aggregate: the catalogue of aggregate functions (and the names of window functions): names, typing, and what else a planner
 * must know of them. A function is one row here and one in engine/op/aggregate_state.c.
 *
 * Semantics are PostgreSQL 15's. No result depends on the order of rows: sums are exact before one final rounding; where
 * PostgreSQL goes by the order in which rows happen to come (string_agg without ORDER BY, ties), the total order of the values
 * decides. */
#ifndef OD_PLAN_AGGREGATE_H
#define OD_PLAN_AGGREGATE_H

#include "engine/data/type.h"

/* enum, name in SQL, arguments (the aggregated one first: corr(Y, X); percentile_cont: WITHIN GROUP's, then the fraction),
 * result, flags. Classes of arguments and results: aggregate.c. */
#define OD_AGGREGATE_LIST(X)                                                                                 \
    X(COUNT_STAR, "count(*)", NONE, NONE, BIGINT, NOT_NULL)                                                   \
    X(COUNT, "count", ANY, NONE, BIGINT, NOT_NULL)                                                            \
    X(SUM, "sum", NUMBER, NONE, SUM, MAY_FAIL)                                                                \
    X(MIN, "min", SORTABLE, NONE, SAME, 0)                                                                    \
    X(MAX, "max", SORTABLE, NONE, SAME, 0)                                                                    \
    X(AVG, "avg", NUMBER, NONE, MEAN, MAY_FAIL)                                                               \
    X(ANY_VALUE, "any_value", ANY, NONE, SAME, 0) /* the least in the total order */                          \
    X(BOOL_AND, "bool_and", BOOLEAN, NONE, SAME, 0)                                                           \
    X(BOOL_OR, "bool_or", BOOLEAN, NONE, SAME, 0)                                                             \
    X(BIT_AND, "bit_and", INTEGER, NONE, SAME, 0)                                                             \
    X(BIT_OR, "bit_or", INTEGER, NONE, SAME, 0)                                                               \
    X(BIT_XOR, "bit_xor", INTEGER, NONE, SAME, 0)                                                             \
    X(VAR_POP, "var_pop", NUMBER, NONE, MEAN, MAY_FAIL)                                                       \
    X(VAR_SAMP, "var_samp", NUMBER, NONE, MEAN, MAY_FAIL)                                                     \
    X(STDDEV_POP, "stddev_pop", NUMBER, NONE, MEAN, MAY_FAIL)                                                 \
    X(STDDEV_SAMP, "stddev_samp", NUMBER, NONE, MEAN, MAY_FAIL)                                               \
    X(CORR, "corr", DOUBLE, DOUBLE, DOUBLE, MAY_FAIL)                                                         \
    X(COVAR_POP, "covar_pop", DOUBLE, DOUBLE, DOUBLE, MAY_FAIL)                                               \
    X(COVAR_SAMP, "covar_samp", DOUBLE, DOUBLE, DOUBLE, MAY_FAIL)                                             \
    X(REGR_COUNT, "regr_count", DOUBLE, DOUBLE, BIGINT, NOT_NULL)                                             \
    X(REGR_AVGX, "regr_avgx", DOUBLE, DOUBLE, DOUBLE, MAY_FAIL)                                               \
    X(REGR_AVGY, "regr_avgy", DOUBLE, DOUBLE, DOUBLE, MAY_FAIL)                                               \
    X(REGR_SXX, "regr_sxx", DOUBLE, DOUBLE, DOUBLE, MAY_FAIL)                                                 \
    X(REGR_SYY, "regr_syy", DOUBLE, DOUBLE, DOUBLE, MAY_FAIL)                                                 \
    X(REGR_SXY, "regr_sxy", DOUBLE, DOUBLE, DOUBLE, MAY_FAIL)                                                 \
    X(REGR_SLOPE, "regr_slope", DOUBLE, DOUBLE, DOUBLE, MAY_FAIL)                                             \
    X(REGR_INTERCEPT, "regr_intercept", DOUBLE, DOUBLE, DOUBLE, MAY_FAIL)                                     \
    X(REGR_R2, "regr_r2", DOUBLE, DOUBLE, DOUBLE, MAY_FAIL)                                                   \
    X(STRING_AGG, "string_agg", TEXT, TEXT, SAME, NEEDS_ROWS)                                                 \
    X(PERCENTILE_CONT, "percentile_cont", DOUBLE, DOUBLE, DOUBLE, MAY_FAIL | WITHIN_GROUP | NEEDS_ROWS)       \
    X(PERCENTILE_DISC, "percentile_disc", ANY, DOUBLE, SAME, MAY_FAIL | WITHIN_GROUP | NEEDS_ROWS)            \
    X(MODE, "mode", ANY, NONE, SAME, WITHIN_GROUP | NEEDS_ROWS)

enum od_aggregate_function {
#define X(name, text, argument, second, result, flags) OD_AGGREGATE_##name,
    OD_AGGREGATE_LIST(X)
#undef X
        OD_AGGREGATE_COUNT_OF_KINDS
};
/* "count(*)", "sum": as printed in plans and, COUNT_STAR aside, as called in SQL. */
const char *od_aggregate_text(enum od_aggregate_function function);
/* By its SQL name in lower case, aliases (every, median, variance, stddev) included; never COUNT_STAR. */
bool od_aggregate_find(const char *name, enum od_aggregate_function *function_out);
/* 0, 1 or 2: `argument`, then `second` of struct od_aggregate. */
uint32_t od_aggregate_argument_count(enum od_aggregate_function function);
/* False when it does not take these types. types[0..count) become what the arguments must be cast to first (PostgreSQL's
 * implicit casts: any number to double precision where only that will do). */
bool od_aggregate_resolve(enum od_aggregate_function function, uint32_t count, enum od_type *types,
                          enum od_type *result_out);
/* Whether it can raise EVALUATION: a sum that does not fit, a fraction outside [0, 1]. */
bool od_aggregate_may_fail(enum od_aggregate_function function);
/* Whether its result can be NULL: all but counts. */
bool od_aggregate_is_nullable(enum od_aggregate_function function);
/* Called as f(fraction) WITHIN GROUP (ORDER BY argument): percentiles and mode. `keys` then holds that order, whose one
 * expression is the argument. */
bool od_aggregate_is_within_group(enum od_aggregate_function function);

/* enum, name, type (SAME: the first argument's), arguments at least and at most, whether it can be NULL. */
#define OD_WINDOW_FUNCTION_LIST(X)                                                                           \
    X(AGGREGATE, "aggregate", SAME, 0, 0, true) /* all but its name: the aggregate's */                       \
    X(ROW_NUMBER, "row_number", INT64, 0, 0, false)                                                           \
    X(RANK, "rank", INT64, 0, 0, false)                                                                       \
    X(DENSE_RANK, "dense_rank", INT64, 0, 0, false)                                                           \
    X(PERCENT_RANK, "percent_rank", FLOAT64, 0, 0, false)                                                     \
    X(CUME_DIST, "cume_dist", FLOAT64, 0, 0, false)                                                           \
    X(NTILE, "ntile", INT32, 1, 1, true)                                                                      \
    X(LAG, "lag", SAME, 1, 3, true)                                                                           \
    X(LEAD, "lead", SAME, 1, 3, true)                                                                         \
    X(FIRST_VALUE, "first_value", SAME, 1, 1, true)                                                           \
    X(LAST_VALUE, "last_value", SAME, 1, 1, true)                                                             \
    X(NTH_VALUE, "nth_value", SAME, 2, 2, true)

enum od_window_function {
#define X(name, ...) OD_WINDOW_##name,
    OD_WINDOW_FUNCTION_LIST(X)
#undef X
        OD_WINDOW_FUNCTION_COUNT
};
struct od_window_function_info {
    const char *text;
    enum od_type type; /* OD_TYPE_COUNT: the first argument's */
    uint32_t least;
    uint32_t most;
    bool is_nullable;
};
const struct od_window_function_info *od_window_function_info(enum od_window_function function);
const char *od_window_function_text(enum od_window_function function);

#endif
