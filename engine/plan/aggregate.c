/* aggregate: see aggregate.h. Typing by classes: a class says which types it takes and what they become. */
#include "engine/plan/aggregate.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/plan/physical.h"

enum argument_class {
    TAKES_NONE,
    TAKES_ANY,
    TAKES_SORTABLE, /* all but boolean */
    TAKES_NUMBER,
    TAKES_INTEGER,
    TAKES_DOUBLE, /* any number, cast to one */
    TAKES_BOOLEAN,
    TAKES_TEXT
};
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
    uint8_t argument; /* enum argument_class */
    uint8_t second;
    uint8_t result; /* enum result_class */
    uint8_t flags;
} aggregates[] = {
#define X(name, text, argument, second, result, flags)                                                       \
    [OD_AGGREGATE_##name] = {text, TAKES_##argument, TAKES_##second, GIVES_##result, flags},
    OD_AGGREGATE_LIST(X)
#undef X
};

static const struct {
    const char *text;
    enum od_aggregate_function function;
} aliases[] = {{"every", OD_AGGREGATE_BOOL_AND},
               {"variance", OD_AGGREGATE_VAR_SAMP},
               {"stddev", OD_AGGREGATE_STDDEV_SAMP}};

const char *od_aggregate_text(enum od_aggregate_function function)
{
    od_assert((unsigned)function < OD_AGGREGATE_COUNT_OF_KINDS);
    return aggregates[function].text;
}

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
    return (aggregates[function].argument != TAKES_NONE) + (aggregates[function].second != TAKES_NONE);
}

static bool take(uint8_t class, enum od_type *type)
{
    bool is_integer = *type == OD_TYPE_INT32 || *type == OD_TYPE_INT64;
    bool is_number = is_integer || *type == OD_TYPE_DECIMAL || *type == OD_TYPE_FLOAT64;
    switch ((enum argument_class)class) {
    case TAKES_NONE:
        return false;
    case TAKES_ANY:
        return *type != OD_TYPE_INTERVAL;
    case TAKES_SORTABLE:
        return *type != OD_TYPE_INTERVAL && *type != OD_TYPE_BOOLEAN;
    case TAKES_NUMBER:
        return is_number;
    case TAKES_INTEGER:
        return is_integer;
    case TAKES_DOUBLE:
        *type = is_number ? OD_TYPE_FLOAT64 : *type;
        return is_number;
    case TAKES_BOOLEAN:
        return *type == OD_TYPE_BOOLEAN;
    case TAKES_TEXT:
        return *type == OD_TYPE_TEXT;
    }
    od_unreachable();
}

bool od_aggregate_resolve(enum od_aggregate_function function, uint32_t count, enum od_type *types,
                          enum od_type *result_out)
{
    *result_out = OD_TYPE_INT64;
    if (count != od_aggregate_argument_count(function))
        return false;
    if ((count > 0 && !take(aggregates[function].argument, &types[0])) ||
        (count > 1 && !take(aggregates[function].second, &types[1])))
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

bool od_aggregate_may_fail(enum od_aggregate_function function)
{
    od_assert((unsigned)function < OD_AGGREGATE_COUNT_OF_KINDS);
    return (aggregates[function].flags & MAY_FAIL) != 0;
}

bool od_aggregate_is_nullable(enum od_aggregate_function function)
{
    od_assert((unsigned)function < OD_AGGREGATE_COUNT_OF_KINDS);
    return (aggregates[function].flags & NOT_NULL) == 0;
}

bool od_aggregate_is_within_group(enum od_aggregate_function function)
{
    od_assert((unsigned)function < OD_AGGREGATE_COUNT_OF_KINDS);
    return (aggregates[function].flags & WITHIN_GROUP) != 0;
}

bool od_aggregate_is_partial(const struct od_aggregate *aggregate)
{
    return !aggregate->distinct && aggregate->key_count == 0 &&
           (aggregates[aggregate->function].flags & NEEDS_ROWS) == 0;
}

/* Counts are bigints, chosen values are of the argument's type, everything else is encoded in one text. */
uint32_t od_aggregate_state_fields(const struct od_aggregate *aggregate, enum od_type *types_out)
{
    uint8_t result = aggregates[aggregate->function].result;
    types_out[0] = result == GIVES_BIGINT ? OD_TYPE_INT64
                   : result == GIVES_SAME ? aggregate->argument->type
                                          : OD_TYPE_TEXT;
    return 1;
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
