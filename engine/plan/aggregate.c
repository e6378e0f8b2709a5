/* aggregate: see aggregate.h. Typing by classes: a class says which types it takes and what they become. */
#include "engine/plan/aggregate.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/enum_text.h"
#include "engine/plan/function.h"
#include "engine/plan/physical.h"

/* The types that a class of arguments takes, in the letters of function.h. */
#define TAKES_NONE     ""
#define TAKES_ANY      "bilnftds"
#define TAKES_SORTABLE "ilnftds"
#define TAKES_NUMBER   "ilnf"
#define TAKES_INTEGER  "il"
#define TAKES_DOUBLE   "f" /* and any number, cast to one */
#define TAKES_BOOLEAN  "b"
#define TAKES_TEXT     "t"
enum result_class {
    GIVES_BIGINT,
    GIVES_DOUBLE,
    GIVES_SAME,
    GIVES_SUM, /* integer -> bigint, bigint -> numeric */
    GIVES_MEAN /* double stays, everything else -> numeric */
};
enum { MAY_FAIL = 1, NOT_NULL = 2, WITHIN_GROUP = 4, NEEDS_ROWS = 8 };

static const struct {
    const char *text;
    const char *arguments[2];
    uint8_t result; /* enum result_class */
    uint8_t flags;
} aggregates[] = {
#define X(name, text, argument, second, result, flags)                                                       \
    [OD_AGGREGATE_##name] = {text, {TAKES_##argument, TAKES_##second}, GIVES_##result, flags},
    OD_AGGREGATE_LIST(X)
#undef X
};

static const struct {
    const char *text;
    enum od_aggregate_function function;
} aliases[] = {{"every", OD_AGGREGATE_BOOL_AND},
               {"median", OD_AGGREGATE_PERCENTILE_CONT}, /* of a half, see bind_aggregate.c */
               {"variance", OD_AGGREGATE_VAR_SAMP},
               {"stddev", OD_AGGREGATE_STDDEV_SAMP}};

OD_ENUM_TEXT(od_aggregate_text, enum od_aggregate_function, OD_AGGREGATE_LIST)

bool od_aggregate_find(const char *name, enum od_aggregate_function *function_out)
{
    for (uint32_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        *function_out = aliases[i].function;
        if (strcmp(aliases[i].text, name) == 0)
            return true;
    }
    for (uint32_t i = OD_AGGREGATE_COUNT; i < OD_AGGREGATE_COUNT_OF_KINDS; i++) {
        *function_out = (enum od_aggregate_function)i;
        if (strcmp(aggregates[i].text, name) == 0)
            return true;
    }
    return false;
}

uint32_t od_aggregate_argument_count(enum od_aggregate_function function)
{
    od_assert((unsigned)function < OD_AGGREGATE_COUNT_OF_KINDS);
    return (*aggregates[function].arguments[0] != '\0') + (*aggregates[function].arguments[1] != '\0');
}

static bool take(const char *letters, enum od_type *type)
{
    if (strcmp(letters, TAKES_DOUBLE) == 0 && od_cast_is_implicit(*type, OD_TYPE_FLOAT64))
        *type = OD_TYPE_FLOAT64;
    for (; *letters != '\0'; letters++)
        if (od_signature_type(*letters) == *type)
            return true;
    return false;
}

bool od_aggregate_resolve(enum od_aggregate_function function, uint32_t count, enum od_type *types,
                          enum od_type *result_out)
{
    *result_out = OD_TYPE_INT64;
    if (count != od_aggregate_argument_count(function))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!take(aggregates[function].arguments[i], &types[i]))
            return false;
    switch ((enum result_class)aggregates[function].result) {
    case GIVES_BIGINT:
        break;
    case GIVES_DOUBLE:
        *result_out = OD_TYPE_FLOAT64;
        break;
    case GIVES_SAME:
        *result_out = types[0];
        break;
    case GIVES_SUM:
        *result_out = types[0] == OD_TYPE_INT32 ? OD_TYPE_INT64 : types[0] == OD_TYPE_INT64 ? OD_TYPE_DECIMAL : types[0];
        break;
    case GIVES_MEAN:
        *result_out = types[0] == OD_TYPE_FLOAT64 ? OD_TYPE_FLOAT64 : OD_TYPE_DECIMAL;
        break;
    }
    return true;
}

static bool has(enum od_aggregate_function function, uint8_t flag)
{
    od_assert((unsigned)function < OD_AGGREGATE_COUNT_OF_KINDS);
    return (aggregates[function].flags & flag) != 0;
}

bool od_aggregate_may_fail(enum od_aggregate_function function)
{
    return has(function, MAY_FAIL);
}

bool od_aggregate_is_nullable(enum od_aggregate_function function)
{
    return !has(function, NOT_NULL);
}

bool od_aggregate_is_within_group(enum od_aggregate_function function)
{
    return has(function, WITHIN_GROUP);
}

bool od_aggregate_is_partial(const struct od_aggregate *aggregate)
{
    return !aggregate->distinct && aggregate->key_count == 0 && !has(aggregate->function, NEEDS_ROWS);
}

/* Counts are bigints, chosen values are of the argument's type, everything else is encoded in one text. */
enum od_type od_aggregate_state_type(const struct od_aggregate *aggregate)
{
    uint8_t result = aggregates[aggregate->function].result;
    return result == GIVES_BIGINT ? OD_TYPE_INT64 : result == GIVES_SAME ? aggregate->argument->type : OD_TYPE_TEXT;
}

/* --- window functions ----------------------------------------------------------------------------------- */

#define OD_TYPE_SAME OD_TYPE_COUNT
static const struct od_window_function_info window_functions[] = {
#define X(name, text, type, least, most, is_nullable) {text, OD_TYPE_##type, least, most, is_nullable},
    OD_WINDOW_FUNCTION_LIST(X)
#undef X
};

const struct od_window_function_info *od_window_function_info(enum od_window_function function)
{
    od_assert((unsigned)function < OD_WINDOW_FUNCTION_COUNT);
    return &window_functions[function];
}

const char *od_window_function_text(enum od_window_function function)
{
    return od_window_function_info(function)->text;
}
