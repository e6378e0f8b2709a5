/* function: the catalogue. One row a function: its shape says which argument types it takes and what comes
 * out.
 *
 *   shape       arguments -> result
 *   ARITHMETIC  (n, n) -> n of bigint and double precision; the date rows are in date_arithmetic below
 *   COMPARE     (t, t) -> boolean, any one type
 *   ...
 *
 * Arguments arrive with the casts made explicit (expr_build.c does that), so matching is exact here.
 * `may_fail` is a property of types only; expr_build.c clears it where a literal argument rules the failure
 * out. */
#include "engine/plan/function.h"

#include <string.h>
#include <strings.h>

#include "engine/core/assert.h"

enum function_shape {
    SHAPE_ARITHMETIC,  /* (n, n) -> n */
    SHAPE_INTEGERS,    /* (bigint, bigint) -> bigint */
    SHAPE_SIGN,        /* (n) -> n; fails for the smallest bigint only */
    SHAPE_COMPARE,     /* (t, t) -> boolean */
    SHAPE_BOOLEANS,    /* (boolean, boolean, ...) -> boolean */
    SHAPE_BOOLEAN,     /* (boolean) -> boolean */
    SHAPE_NULL_TEST,   /* (t) -> boolean */
    SHAPE_CASE,        /* (boolean, t)*, t -> t */
    SHAPE_SAME,        /* (t, ...) -> t */
    SHAPE_NULLIF,      /* (t, t) -> t */
    SHAPE_CAST,        /* resolved by od_cast_exists */
    SHAPE_LIKE,        /* (text, text) -> boolean */
    SHAPE_CONCATENATE, /* (text, text) -> text */
    SHAPE_TEXT,        /* (text) -> text */
    SHAPE_LENGTH,      /* (text) -> bigint */
    SHAPE_SUBSTRING,   /* (text, bigint [, bigint]) -> text */
    SHAPE_DOUBLE,      /* (double) -> double, cannot fail */
    SHAPE_SQRT,        /* (double) -> double, fails below zero */
    SHAPE_EXTRACT,     /* (text, timestamp or date) -> bigint */
    SHAPE_DATE_TRUNC   /* (text, timestamp) -> timestamp */
};

static const enum function_shape function_shapes[] = {
    [OD_FUNCTION_ADD] = SHAPE_ARITHMETIC,
    [OD_FUNCTION_SUBTRACT] = SHAPE_ARITHMETIC,
    [OD_FUNCTION_MULTIPLY] = SHAPE_ARITHMETIC,
    [OD_FUNCTION_DIVIDE] = SHAPE_ARITHMETIC,
    [OD_FUNCTION_MODULO] = SHAPE_INTEGERS,
    [OD_FUNCTION_NEGATE] = SHAPE_SIGN,
    [OD_FUNCTION_EQUAL] = SHAPE_COMPARE,
    [OD_FUNCTION_NOT_EQUAL] = SHAPE_COMPARE,
    [OD_FUNCTION_LESS] = SHAPE_COMPARE,
    [OD_FUNCTION_LESS_EQUAL] = SHAPE_COMPARE,
    [OD_FUNCTION_GREATER] = SHAPE_COMPARE,
    [OD_FUNCTION_GREATER_EQUAL] = SHAPE_COMPARE,
    [OD_FUNCTION_IS_DISTINCT] = SHAPE_COMPARE,
    [OD_FUNCTION_IS_NOT_DISTINCT] = SHAPE_COMPARE,
    [OD_FUNCTION_AND] = SHAPE_BOOLEANS,
    [OD_FUNCTION_OR] = SHAPE_BOOLEANS,
    [OD_FUNCTION_NOT] = SHAPE_BOOLEAN,
    [OD_FUNCTION_IS_NULL] = SHAPE_NULL_TEST,
    [OD_FUNCTION_IS_NOT_NULL] = SHAPE_NULL_TEST,
    [OD_FUNCTION_IS_TRUE] = SHAPE_BOOLEAN,
    [OD_FUNCTION_IS_FALSE] = SHAPE_BOOLEAN,
    [OD_FUNCTION_CASE] = SHAPE_CASE,
    [OD_FUNCTION_COALESCE] = SHAPE_SAME,
    [OD_FUNCTION_NULLIF] = SHAPE_NULLIF,
    [OD_FUNCTION_GREATEST] = SHAPE_SAME,
    [OD_FUNCTION_LEAST] = SHAPE_SAME,
    [OD_FUNCTION_CAST] = SHAPE_CAST,
    [OD_FUNCTION_LIKE] = SHAPE_LIKE,
    [OD_FUNCTION_CONCATENATE] = SHAPE_CONCATENATE,
    [OD_FUNCTION_LOWER] = SHAPE_TEXT,
    [OD_FUNCTION_UPPER] = SHAPE_TEXT,
    [OD_FUNCTION_LENGTH] = SHAPE_LENGTH,
    [OD_FUNCTION_SUBSTRING] = SHAPE_SUBSTRING,
    [OD_FUNCTION_ABS] = SHAPE_SIGN,
    [OD_FUNCTION_FLOOR] = SHAPE_DOUBLE,
    [OD_FUNCTION_CEIL] = SHAPE_DOUBLE,
    [OD_FUNCTION_ROUND] = SHAPE_DOUBLE,
    [OD_FUNCTION_SQRT] = SHAPE_SQRT,
    [OD_FUNCTION_EXTRACT] = SHAPE_EXTRACT,
    [OD_FUNCTION_DATE_TRUNC] = SHAPE_DATE_TRUNC,
};
_Static_assert(sizeof(function_shapes) / sizeof(function_shapes[0]) == OD_FUNCTION_COUNT,
               "every function has a shape");

static const char *const function_texts[] = {
#define X(name, text) [OD_FUNCTION_##name] = text,
    OD_FUNCTION_LIST(X)
#undef X
};

const char *od_function_text(enum od_function function)
{
    od_assert((unsigned)function < OD_FUNCTION_COUNT);
    return function_texts[function];
}

/* Dates are days: their arithmetic is with whole numbers of days. */
static bool date_arithmetic(enum od_function function, const enum od_type *types, enum od_type *result_out,
                            bool *may_fail_out)
{
    if (types[0] != OD_TYPE_DATE)
        return false;
    if (types[1] == OD_TYPE_INT64 && (function == OD_FUNCTION_ADD || function == OD_FUNCTION_SUBTRACT)) {
        *result_out = OD_TYPE_DATE;
        *may_fail_out = true; /* out of the range of dates */
        return true;
    }
    if (types[1] == OD_TYPE_DATE && function == OD_FUNCTION_SUBTRACT) {
        *result_out = OD_TYPE_INT64;
        *may_fail_out = false; /* the difference of two 32-bit numbers of days fits */
        return true;
    }
    return false;
}

static bool is_number(enum od_type type)
{
    return type == OD_TYPE_INT64 || type == OD_TYPE_FLOAT64;
}

static bool all_of_type(const enum od_type *types, uint32_t count, enum od_type type)
{
    for (uint32_t i = 0; i < count; i++)
        if (types[i] != type)
            return false;
    return true;
}

static bool case_takes(const enum od_type *types, uint32_t count)
{
    if (count < 3 || count % 2 == 0)
        return false;
    for (uint32_t i = 0; i + 1 < count; i += 2)
        if (types[i] != OD_TYPE_BOOLEAN || types[i + 1] != types[count - 1])
            return false;
    return true;
}

/* A state machine it is not, but one switch over shapes: each case states its types, result and failure. */
bool od_function_resolve(enum od_function function, const enum od_type *types, uint32_t count,
                         enum od_type *result_out, bool *may_fail_out)
{
    od_assert((unsigned)function < OD_FUNCTION_COUNT);
    *result_out = OD_TYPE_BOOLEAN;
    *may_fail_out = false;
    switch (function_shapes[function]) {
    case SHAPE_ARITHMETIC:
        if (count != 2)
            return false;
        if (types[0] == OD_TYPE_DATE)
            return date_arithmetic(function, types, result_out, may_fail_out);
        *result_out = types[0];
        *may_fail_out = true;
        return is_number(types[0]) && types[0] == types[1];
    case SHAPE_INTEGERS:
        *result_out = OD_TYPE_INT64;
        *may_fail_out = true;
        return count == 2 && all_of_type(types, 2, OD_TYPE_INT64);
    case SHAPE_SIGN:
        if (count != 1)
            return false;
        *result_out = types[0];
        *may_fail_out = types[0] == OD_TYPE_INT64;
        return is_number(types[0]);
    case SHAPE_COMPARE:
        return count == 2 && types[0] == types[1];
    case SHAPE_BOOLEANS:
        return count >= 2 && all_of_type(types, count, OD_TYPE_BOOLEAN);
    case SHAPE_BOOLEAN:
        return count == 1 && types[0] == OD_TYPE_BOOLEAN;
    case SHAPE_NULL_TEST:
        return count == 1;
    case SHAPE_CASE:
        if (!case_takes(types, count))
            return false;
        *result_out = types[count - 1];
        return true;
    case SHAPE_SAME:
    case SHAPE_NULLIF:
        if (count < 1 || (function == OD_FUNCTION_NULLIF && count != 2))
            return false;
        *result_out = types[0];
        return all_of_type(types, count, types[0]);
    case SHAPE_CAST:
        return false;
    case SHAPE_LIKE:
        *may_fail_out = true; /* a pattern that ends in its escape character */
        return count == 2 && all_of_type(types, 2, OD_TYPE_TEXT);
    case SHAPE_CONCATENATE:
        *result_out = OD_TYPE_TEXT;
        return count == 2 && all_of_type(types, 2, OD_TYPE_TEXT);
    case SHAPE_TEXT:
        *result_out = OD_TYPE_TEXT;
        return count == 1 && types[0] == OD_TYPE_TEXT;
    case SHAPE_LENGTH:
        *result_out = OD_TYPE_INT64;
        return count == 1 && types[0] == OD_TYPE_TEXT;
    case SHAPE_SUBSTRING:
        *result_out = OD_TYPE_TEXT;
        *may_fail_out = count == 3; /* a negative length */
        return (count == 2 || count == 3) && types[0] == OD_TYPE_TEXT &&
               all_of_type(types + 1, count - 1, OD_TYPE_INT64);
    case SHAPE_DOUBLE:
    case SHAPE_SQRT:
        *result_out = OD_TYPE_FLOAT64;
        *may_fail_out = function == OD_FUNCTION_SQRT;
        return count == 1 && types[0] == OD_TYPE_FLOAT64;
    case SHAPE_EXTRACT:
        *result_out = OD_TYPE_INT64;
        return count == 2 && types[0] == OD_TYPE_TEXT &&
               (types[1] == OD_TYPE_TIMESTAMP || types[1] == OD_TYPE_DATE);
    case SHAPE_DATE_TRUNC:
        *result_out = OD_TYPE_TIMESTAMP;
        *may_fail_out = true; /* may fall below the first timestamp */
        return count == 2 && types[0] == OD_TYPE_TEXT && types[1] == OD_TYPE_TIMESTAMP;
    }
    return false;
}

/* --- casts ------------------------------------------------------------------------------------ */

enum cast_kind { CAST_NONE, CAST_SAFE, CAST_FAILS };

#define CAST_ROW(boolean, int64, float64, text, timestamp, date)                                             \
    {                                                                                                        \
        [OD_TYPE_BOOLEAN] = boolean, [OD_TYPE_INT64] = int64, [OD_TYPE_FLOAT64] = float64,                   \
        [OD_TYPE_TEXT] = text, [OD_TYPE_TIMESTAMP] = timestamp, [OD_TYPE_DATE] = date                        \
    }
/* [from][to]. A date can be too far away for a timestamp, so that cast fails; the way back floors. */
static const uint8_t cast_kinds[OD_TYPE_COUNT][OD_TYPE_COUNT] = {
    [OD_TYPE_BOOLEAN] = CAST_ROW(CAST_SAFE, CAST_SAFE, CAST_NONE, CAST_SAFE, CAST_NONE, CAST_NONE),
    [OD_TYPE_INT64] = CAST_ROW(CAST_SAFE, CAST_SAFE, CAST_SAFE, CAST_SAFE, CAST_NONE, CAST_NONE),
    [OD_TYPE_FLOAT64] = CAST_ROW(CAST_NONE, CAST_FAILS, CAST_SAFE, CAST_SAFE, CAST_NONE, CAST_NONE),
    [OD_TYPE_TEXT] = CAST_ROW(CAST_FAILS, CAST_FAILS, CAST_FAILS, CAST_SAFE, CAST_FAILS, CAST_FAILS),
    [OD_TYPE_TIMESTAMP] = CAST_ROW(CAST_NONE, CAST_NONE, CAST_NONE, CAST_SAFE, CAST_SAFE, CAST_SAFE),
    [OD_TYPE_DATE] = CAST_ROW(CAST_NONE, CAST_NONE, CAST_NONE, CAST_SAFE, CAST_FAILS, CAST_SAFE),
};

bool od_cast_exists(enum od_type from, enum od_type to, bool *may_fail_out)
{
    od_assert((unsigned)from < OD_TYPE_COUNT);
    od_assert((unsigned)to < OD_TYPE_COUNT);
    *may_fail_out = cast_kinds[from][to] == CAST_FAILS;
    return cast_kinds[from][to] != CAST_NONE;
}

/* --- time fields ------------------------------------------------------------------------------ */

struct time_field_row {
    const char *text;
    bool of_date;
    bool truncates;
};
static const struct time_field_row time_fields[] = {
#define X(name, text, of_date, truncates) [OD_TIME_FIELD_##name] = {text, of_date, truncates},
    OD_TIME_FIELD_LIST(X)
#undef X
};

const char *od_time_field_text(enum od_time_field field)
{
    od_assert((unsigned)field < OD_TIME_FIELD_COUNT);
    return time_fields[field].text;
}

bool od_time_field_of_date(enum od_time_field field)
{
    od_assert((unsigned)field < OD_TIME_FIELD_COUNT);
    return time_fields[field].of_date;
}

bool od_time_field_truncates(enum od_time_field field)
{
    od_assert((unsigned)field < OD_TIME_FIELD_COUNT);
    return time_fields[field].truncates;
}

bool od_time_field_find(const char *text, uint32_t size, enum od_time_field *field_out)
{
    for (uint32_t i = 0; i < OD_TIME_FIELD_COUNT; i++) {
        size_t name_size = strlen(time_fields[i].text);
        bool plural = size == name_size + 1 && (text[size - 1] == 's' || text[size - 1] == 'S') &&
                      time_fields[i].truncates;
        if ((size == name_size || plural) && strncasecmp(text, time_fields[i].text, name_size) == 0) {
            *field_out = (enum od_time_field)i;
            return true;
        }
    }
    return false;
}
