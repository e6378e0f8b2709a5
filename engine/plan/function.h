/* function: the catalogue of scalar functions: names, typing, and whether they can fail.
 *
 * Semantics are PostgreSQL 15's. The type rules live here; engine/expr evaluates, properties/model evaluates on its own.
 * `may_fail` says that evaluation can raise an EVALUATION error for some input: rules never move such an expression to where
 * it would see rows that it does not see in the plan as written. */
#ifndef OD_PLAN_FUNCTION_H
#define OD_PLAN_FUNCTION_H

#include "engine/data/type.h"
#include "engine/plan/aggregate.h"

/* enum, text as printed in plans and SQL. Arguments and results by type: see od_function_resolve in function.c. */
#define OD_FUNCTION_LIST(X)                                                                                  \
    X(ADD, "+")              /* bigint, double; date + bigint -> date */                                      \
    X(SUBTRACT, "-")         /* bigint, double; date - bigint -> date; date - date -> bigint */               \
    X(MULTIPLY, "*")                                                                                          \
    X(DIVIDE, "/")           /* bigint truncates towards zero; division by zero fails for both types */       \
    X(MODULO, "%")           /* bigint; the sign of the dividend */                                           \
    X(NEGATE, "neg")         /* unary minus */                                                                \
    X(EQUAL, "=")                                                                                             \
    X(NOT_EQUAL, "<>")                                                                                        \
    X(LESS, "<")                                                                                              \
    X(LESS_EQUAL, "<=")                                                                                       \
    X(GREATER, ">")                                                                                           \
    X(GREATER_EQUAL, ">=")                                                                                    \
    X(IS_DISTINCT, "is distinct from")                                                                        \
    X(IS_NOT_DISTINCT, "is not distinct from")                                                                \
    X(AND, "and")            /* n-ary, n >= 2; later arguments are not evaluated on rows already decided */   \
    X(OR, "or")                                                                                               \
    X(NOT, "not")                                                                                             \
    X(IS_NULL, "is null")                                                                                     \
    X(IS_NOT_NULL, "is not null")                                                                             \
    X(IS_TRUE, "is true")                                                                                     \
    X(IS_FALSE, "is false")                                                                                   \
    X(CASE, "case")          /* (condition, value)*, else; odd count; a branch sees only its rows */          \
    X(COALESCE, "coalesce")  /* n-ary; later arguments only where needed */                                   \
    X(NULLIF, "nullif")                                                                                       \
    X(GREATEST, "greatest")  /* n-ary; NULLs are ignored */                                                   \
    X(LEAST, "least")                                                                                         \
    X(CAST, "cast")          /* the call's type is the target */                                              \
    X(LIKE, "like")          /* text, pattern with % _ and backslash */                                       \
    X(CONCATENATE, "||")     /* text || text; NULL if either is */                                            \
    X(LOWER, "lower")        /* ASCII letters only (collation "C") */                                         \
    X(UPPER, "upper")                                                                                         \
    X(LENGTH, "length")      /* characters, not bytes */                                                      \
    X(SUBSTRING, "substring") /* text, from (1-based, may be <= 0), [length >= 0] in characters */            \
    X(ABS, "abs")                                                                                             \
    X(FLOOR, "floor")        /* double */                                                                     \
    X(CEIL, "ceil")                                                                                           \
    X(ROUND, "round")        /* double; half to even as PostgreSQL's double precision round */                \
    X(SQRT, "sqrt")                                                                                           \
    X(EXTRACT, "extract")    /* text literal field, timestamp or date -> bigint (whole units; see README) */  \
    X(DATE_TRUNC, "date_trunc") /* text literal unit, timestamp -> timestamp */

enum od_function {
#define X(name, text) OD_FUNCTION_##name,
    OD_FUNCTION_LIST(X)
#undef X
        OD_FUNCTION_COUNT
};
const char *od_function_text(enum od_function function);

/* Result type for these argument types, which must already agree (casts made explicit by od_expr_call). False when the
 * function does not take them. *may_fail_out: see above. CAST is resolved by od_cast_exists instead. */
bool od_function_resolve(enum od_function function, const enum od_type *types, uint32_t count,
                         enum od_type *result_out, bool *may_fail_out);
bool od_cast_exists(enum od_type from, enum od_type to, bool *may_fail_out);

/* Fields that EXTRACT and DATE_TRUNC know: text, of a date too (EXTRACT), DATE_TRUNC truncates to it. Their literal argument
 * is checked and put in lower case, singular, by od_expr_call: evaluators see exactly these texts. */
#define OD_TIME_FIELD_LIST(X)                                                                                \
    X(YEAR, "year", true, true)                                                                               \
    X(QUARTER, "quarter", true, true) /* 1..4 */                                                              \
    X(MONTH, "month", true, true)                                                                             \
    X(WEEK, "week", true, true) /* ISO 8601; truncates to its Monday */                                       \
    X(DAY, "day", true, true)                                                                                 \
    X(HOUR, "hour", false, true)                                                                              \
    X(MINUTE, "minute", false, true)                                                                          \
    X(SECOND, "second", false, true) /* whole seconds; PostgreSQL gives a fraction too */                     \
    X(DOW, "dow", true, false)       /* 0 Sunday .. 6 */                                                      \
    X(DOY, "doy", true, false)       /* 1..366 */                                                             \
    X(EPOCH, "epoch", true, false)   /* seconds since 1970, floored */

enum od_time_field {
#define X(name, text, of_date, truncates) OD_TIME_FIELD_##name,
    OD_TIME_FIELD_LIST(X)
#undef X
        OD_TIME_FIELD_COUNT
};
const char *od_time_field_text(enum od_time_field field);
bool od_time_field_of_date(enum od_time_field field);
bool od_time_field_truncates(enum od_time_field field);
/* Any case, singular or plural, as PostgreSQL. False when there is no such field. */
bool od_time_field_find(const char *text, uint32_t size, enum od_time_field *field_out);

#endif
