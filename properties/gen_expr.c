/* gen_expr: expressions over a schema, by type.
 *
 *   od_gen_expr(type, depth)   0: a column of the type; 1: a literal; then one of the rows of `productions`
 *                              for the type
 *
 * A production may refuse (return NULL with status OK) when its result could fail and may not; the plain
 * column is then taken. `safe` rows never fail; `tame` rows cannot where numbers are small (see generate.h);
 * `fails` rows may. */
#include "properties/generate.h"

#include "engine/core/assert.h"

#include <string.h>

enum danger { SAFE, TAME, FAILS };

typedef const struct od_expr *(*produce)(struct od_gen *gen, const struct od_schema *schema,
                                         enum od_type type, uint32_t depth);

struct production {
    produce make;
    uint32_t weight;
    enum danger danger;
};

/* By address: the order in which a call's arguments are evaluated is not defined, and the expression is made
 * by one of them. */
static const struct od_expr *keep(struct od_gen *gen, enum od_status status,
                                  const struct od_expr *const *expr)
{
    if (status != OD_OK)
        gen->status = status;
    return status == OD_OK ? *expr : NULL;
}

const struct od_expr *od_gen_call(struct od_gen *gen, enum od_function function,
                                  const struct od_expr *const *arguments, uint32_t count)
{
    const struct od_expr *expr = NULL;
    for (uint32_t i = 0; i < count; i++)
        if (arguments[i] == NULL)
            return NULL;
    return keep(gen, od_expr_call(gen->arena, function, arguments, count, &expr, gen->error), &expr);
}

static const struct od_expr *call_one(struct od_gen *gen, enum od_function function,
                                      const struct od_expr *argument)
{
    return od_gen_call(gen, function, &argument, 1);
}

static const struct od_expr *call_two(struct od_gen *gen, enum od_function function,
                                      const struct od_expr *left, const struct od_expr *right)
{
    const struct od_expr *arguments[2] = {left, right};
    return od_gen_call(gen, function, arguments, 2);
}

static const struct od_expr *cast_to(struct od_gen *gen, const struct od_expr *input, enum od_type type)
{
    const struct od_expr *expr = NULL;
    if (input == NULL)
        return NULL;
    return keep(gen, od_expr_cast(gen->arena, input, type, &expr, gen->error), &expr);
}

static const struct od_expr *literal_of(struct od_gen *gen, const struct od_value *value)
{
    const struct od_expr *expr = NULL;
    return keep(gen, od_expr_literal(gen->arena, value, &expr, gen->error), &expr);
}

static const struct od_expr *integer_literal(struct od_gen *gen, int64_t number)
{
    struct od_value value;
    memset(&value, 0, sizeof(value));
    value.type = OD_TYPE_INT32;
    value.int64 = number;
    return literal_of(gen, &value);
}

static const struct od_expr *text_literal(struct od_gen *gen, const char *text)
{
    struct od_value value;
    memset(&value, 0, sizeof(value));
    value.type = OD_TYPE_TEXT;
    value.text.bytes = text;
    value.text.size = (uint32_t)strlen(text);
    return literal_of(gen, &value);
}

/* NULL now and then; not where errors count: a strict call of a NULL literal may be folded before what else is in it fails. */
static const struct od_expr *any_literal(struct od_gen *gen, enum od_type type)
{
    struct od_value value;
    bool is_null = od_random_chance(&gen->choices->random, 1, 12);
    if (is_null && !gen->failing) {
        memset(&value, 0, sizeof(value));
        value.type = type;
        value.is_null = true;
    } else {
        value = od_gen_value(gen, type);
    }
    return literal_of(gen, &value);
}

/* A value that is in one of the tables, so that comparisons with it hold now and then. */
static const struct od_expr *seen_literal(struct od_gen *gen, enum od_type type)
{
    const struct od_table *table = gen->tables[od_choices_below(gen->choices, gen->table_count)];
    struct od_batch rows = od_table_view(table);
    for (uint32_t column = 0; column < table->schema.field_count && rows.row_count > 0; column++) {
        if (table->schema.fields[column].type != type)
            continue;
        uint32_t row = (uint32_t)od_choices_below(gen->choices, rows.row_count);
        struct od_value value = od_column_value(&rows.columns[column], row);
        if (!value.is_null)
            return literal_of(gen, &value);
    }
    return any_literal(gen, type);
}

/* In the right side of an APPLY some columns are the left row's, or that of an APPLY further out. NULL: none is wanted here, or
 * there is none of the type (OD_TYPE_COUNT: any). */
static const struct od_expr *outer_column(struct od_gen *gen, enum od_type type)
{
    const struct od_gen_outer *outer = gen->outer;
    const struct od_expr *expr = NULL;
    uint32_t depth = 1;
    if (outer == NULL || !od_random_chance(&gen->choices->random, 1, 4))
        return NULL;
    for (; outer->next != NULL && od_random_chance(&gen->choices->random, 1, 4); depth++)
        outer = outer->next;
    uint32_t first = (uint32_t)od_choices_below(gen->choices, outer->schema->field_count);
    for (uint32_t i = 0; i < outer->schema->field_count; i++) {
        uint32_t index = (first + i) % outer->schema->field_count;
        const struct od_field *field = &outer->schema->fields[index];
        if (type == OD_TYPE_COUNT || field->type == type)
            return keep(gen, od_expr_outer(gen->arena, field, index, depth, &expr, gen->error), &expr);
    }
    return NULL;
}

const struct od_expr *od_gen_column(struct od_gen *gen, const struct od_schema *schema)
{
    const struct od_expr *expr = outer_column(gen, OD_TYPE_COUNT);
    if (expr != NULL)
        return expr;
    uint32_t index = (uint32_t)od_choices_below(gen->choices, schema->field_count);
    return keep(gen, od_expr_column(gen->arena, schema, index, &expr, gen->error), &expr);
}

/* A column of the type if there is one, else a literal. */
static const struct od_expr *column_of(struct od_gen *gen, const struct od_schema *schema, enum od_type type)
{
    const struct od_expr *expr = outer_column(gen, type);
    uint32_t count = 0;
    if (expr != NULL)
        return expr;
    for (uint32_t i = 0; i < schema->field_count; i++)
        count += schema->fields[i].type == type;
    if (count == 0)
        return any_literal(gen, type);
    uint64_t wanted = od_choices_below(gen->choices, count);
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (schema->fields[i].type == type && wanted-- == 0)
            return keep(gen, od_expr_column(gen->arena, schema, i, &expr, gen->error), &expr);
    od_unreachable();
}

static bool has_type(const struct od_schema *schema, enum od_type type)
{
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (schema->fields[i].type == type)
            return true;
    return false;
}

/* --- of any type ---------------------------------------------------------------------------------------- */

static const struct od_expr *make_case(struct od_gen *gen, const struct od_schema *schema, enum od_type type,
                                       uint32_t depth)
{
    const struct od_expr *arguments[5];
    uint32_t count = 0;
    uint64_t branches = 1 + od_choices_below(gen->choices, 2);
    for (uint64_t i = 0; i < branches; i++) {
        arguments[count++] = od_gen_predicate(gen, schema, depth);
        arguments[count++] = od_gen_expr(gen, schema, type, depth);
    }
    arguments[count++] = od_gen_expr(gen, schema, type, depth);
    return od_gen_call(gen, OD_FUNCTION_CASE, arguments, count);
}

static const struct od_expr *make_same(struct od_gen *gen, const struct od_schema *schema, enum od_type type,
                                       uint32_t depth)
{
    static const enum od_function functions[] = {OD_FUNCTION_COALESCE, OD_FUNCTION_GREATEST,
                                                 OD_FUNCTION_LEAST};
    const struct od_expr *arguments[3];
    enum od_function function = functions[od_choices_below(gen->choices, 3)];
    uint32_t count = 2 + (uint32_t)od_choices_below(gen->choices, 2);
    for (uint32_t i = 0; i < count; i++)
        arguments[i] = od_gen_expr(gen, schema, type, depth);
    return od_gen_call(gen, function, arguments, count);
}

static const struct od_expr *make_nullif(struct od_gen *gen, const struct od_schema *schema,
                                         enum od_type type, uint32_t depth)
{
    const struct od_expr *left = od_gen_expr(gen, schema, type, depth);
    return call_two(gen, OD_FUNCTION_NULLIF, left, od_gen_expr(gen, schema, type, depth));
}

/* A cast from whatever type the schema has, if that one exists and is allowed. */
static const struct od_expr *make_cast(struct od_gen *gen, const struct od_schema *schema, enum od_type type,
                                       uint32_t depth)
{
    bool may_fail;
    (void)depth;
    const struct od_expr *input = od_gen_column(gen, schema);
    if (input == NULL || !od_cast_exists(input->type, type, &may_fail) || input->type == type)
        return NULL;
    /* Dates here are never too far for a timestamp. */
    if (may_fail && !gen->failing && !(input->type == OD_TYPE_DATE && type == OD_TYPE_TIMESTAMP))
        return NULL;
    return cast_to(gen, input, type);
}

/* --- numbers -------------------------------------------------------------------------------------------- */

static const struct od_expr *make_sum(struct od_gen *gen, const struct od_schema *schema, enum od_type type,
                                      uint32_t depth)
{
    enum od_function function =
        od_choices_below(gen->choices, 2) == 0 ? OD_FUNCTION_ADD : OD_FUNCTION_SUBTRACT;
    const struct od_expr *left = od_gen_expr(gen, schema, type, depth);
    bool is_mixed =
        (type == OD_TYPE_INT64 || type == OD_TYPE_DECIMAL) && od_random_chance(&gen->choices->random, 1, 4);
    return call_two(gen, function, left, od_gen_expr(gen, schema, is_mixed ? OD_TYPE_INT32 : type, depth));
}

static const struct od_expr *make_scaled(struct od_gen *gen, const struct od_schema *schema,
                                         enum od_type type, uint32_t depth)
{
    static const int64_t factors[] = {1, 2, 3, -1, 0, 10, 7, -3};
    static const enum od_function functions[] = {OD_FUNCTION_MULTIPLY, OD_FUNCTION_DIVIDE,
                                                 OD_FUNCTION_MODULO};
    uint64_t kind = od_choices_below(gen->choices, type != OD_TYPE_FLOAT64 ? 3 : 2);
    int64_t factor = factors[od_choices_below(gen->choices, 8)];
    if (kind != 0 && factor == 0 && !gen->failing)
        factor = 1;
    const struct od_expr *left = od_gen_expr(gen, schema, type, depth);
    const struct od_expr *right = cast_to(gen, integer_literal(gen, factor), type);
    return left == NULL || right == NULL ? NULL : call_two(gen, functions[kind], left, right);
}

static const struct od_expr *make_arithmetic(struct od_gen *gen, const struct od_schema *schema,
                                             enum od_type type, uint32_t depth)
{
    static const enum od_function functions[] = {OD_FUNCTION_MULTIPLY, OD_FUNCTION_DIVIDE,
                                                 OD_FUNCTION_MODULO};
    uint64_t kind = od_choices_below(gen->choices, type != OD_TYPE_FLOAT64 ? 3 : 2);
    const struct od_expr *left = od_gen_expr(gen, schema, type, depth);
    return call_two(gen, functions[kind], left, od_gen_expr(gen, schema, type, depth));
}

static const struct od_expr *make_sign(struct od_gen *gen, const struct od_schema *schema, enum od_type type,
                                       uint32_t depth)
{
    enum od_function function = od_choices_below(gen->choices, 2) == 0 ? OD_FUNCTION_ABS : OD_FUNCTION_NEGATE;
    return call_one(gen, function, od_gen_expr(gen, schema, type, depth));
}

static const struct od_expr *make_rounding(struct od_gen *gen, const struct od_schema *schema,
                                           enum od_type type, uint32_t depth)
{
    static const enum od_function functions[] = {OD_FUNCTION_FLOOR, OD_FUNCTION_CEIL, OD_FUNCTION_ROUND};
    enum od_function function = functions[od_choices_below(gen->choices, 3)];
    return call_one(gen, function, od_gen_expr(gen, schema, type, depth));
}

static const struct od_expr *make_root(struct od_gen *gen, const struct od_schema *schema, enum od_type type,
                                       uint32_t depth)
{
    return call_one(gen, OD_FUNCTION_SQRT, od_gen_expr(gen, schema, type, depth));
}

static const struct od_expr *make_safe_root(struct od_gen *gen, const struct od_schema *schema,
                                            enum od_type type, uint32_t depth)
{
    return call_one(gen, OD_FUNCTION_SQRT,
                    call_one(gen, OD_FUNCTION_ABS, od_gen_expr(gen, schema, type, depth)));
}

static const struct od_expr *make_length(struct od_gen *gen, const struct od_schema *schema,
                                         enum od_type type, uint32_t depth)
{
    (void)type;
    return call_one(gen, OD_FUNCTION_LENGTH, od_gen_expr(gen, schema, OD_TYPE_TEXT, depth));
}

static const struct od_expr *make_extract(struct od_gen *gen, const struct od_schema *schema,
                                          enum od_type type, uint32_t depth)
{
    static const char *const fields[] = {
        "year",   "month",   "day",   "dow",  "doy",    "quarter", "week",         "isoyear",     "isodow",
        "decade", "century", "epoch", "hour", "minute", "second",  "milliseconds", "microseconds"};
    bool date =
        has_type(schema, OD_TYPE_DATE) && !has_type(schema, OD_TYPE_TIMESTAMP) && type == OD_TYPE_DECIMAL;
    const char *field = fields[od_choices_below(gen->choices, date ? 12 : 17)];
    const struct od_expr *input = od_gen_expr(gen, schema, date ? OD_TYPE_DATE : OD_TYPE_TIMESTAMP, depth);
    enum od_function function = type == OD_TYPE_DECIMAL ? OD_FUNCTION_EXTRACT : OD_FUNCTION_DATE_PART;
    return call_two(gen, function, text_literal(gen, field), input);
}

static const struct od_expr *make_days_between(struct od_gen *gen, const struct od_schema *schema,
                                               enum od_type type, uint32_t depth)
{
    (void)type;
    const struct od_expr *left = od_gen_expr(gen, schema, OD_TYPE_DATE, depth);
    return call_two(gen, OD_FUNCTION_SUBTRACT, left, od_gen_expr(gen, schema, OD_TYPE_DATE, depth));
}

/* --- text ----------------------------------------------------------------------------------------------- */

static const struct od_expr *make_letters(struct od_gen *gen, const struct od_schema *schema,
                                          enum od_type type, uint32_t depth)
{
    enum od_function function =
        od_choices_below(gen->choices, 2) == 0 ? OD_FUNCTION_LOWER : OD_FUNCTION_UPPER;
    return call_one(gen, function, od_gen_expr(gen, schema, type, depth));
}

static const struct od_expr *make_concatenation(struct od_gen *gen, const struct od_schema *schema,
                                                enum od_type type, uint32_t depth)
{
    const struct od_expr *left = od_gen_expr(gen, schema, type, depth);
    return call_two(gen, OD_FUNCTION_CONCATENATE, left, od_gen_expr(gen, schema, type, depth));
}

static const struct od_expr *make_substring(struct od_gen *gen, const struct od_schema *schema,
                                            enum od_type type, uint32_t depth)
{
    static const int64_t starts[] = {1, 2, 3, 0, -1};
    int64_t start = starts[od_choices_below(gen->choices, 5)];
    uint64_t length = od_choices_below(gen->choices, 5); /* 4: to the end */
    const struct od_expr *arguments[3] = {od_gen_expr(gen, schema, type, depth), integer_literal(gen, start),
                                          NULL};
    if (length < 4)
        arguments[2] = integer_literal(gen, (int64_t)length);
    return od_gen_call(gen, OD_FUNCTION_SUBSTRING, arguments, length < 4 ? 3 : 2);
}

/* --- time ----------------------------------------------------------------------------------------------- */

static const struct od_expr *make_date_shift(struct od_gen *gen, const struct od_schema *schema,
                                             enum od_type type, uint32_t depth)
{
    enum od_function function =
        od_choices_below(gen->choices, 2) == 0 ? OD_FUNCTION_ADD : OD_FUNCTION_SUBTRACT;
    int64_t days = (int64_t)od_choices_below(gen->choices, 400);
    const struct od_expr *left = od_gen_expr(gen, schema, type, depth);
    return call_two(gen, function, left, integer_literal(gen, days));
}

static const struct od_expr *make_truncation(struct od_gen *gen, const struct od_schema *schema,
                                             enum od_type type, uint32_t depth)
{
    static const char *const units[] = {"day",  "hour",    "month",  "year",    "minute",       "second",
                                        "week", "quarter", "decade", "century", "milliseconds", "millennium"};
    const char *unit = units[od_choices_below(gen->choices, 12)];
    return call_two(gen, OD_FUNCTION_DATE_TRUNC, text_literal(gen, unit),
                    od_gen_expr(gen, schema, type, depth));
}

/* --- booleans ------------------------------------------------------------------------------------------- */

static const struct od_expr *make_comparison(struct od_gen *gen, const struct od_schema *schema,
                                             enum od_type type, uint32_t depth)
{
    static const enum od_function functions[] = {
        OD_FUNCTION_EQUAL,   OD_FUNCTION_NOT_EQUAL,     OD_FUNCTION_LESS,        OD_FUNCTION_LESS_EQUAL,
        OD_FUNCTION_GREATER, OD_FUNCTION_GREATER_EQUAL, OD_FUNCTION_IS_DISTINCT, OD_FUNCTION_IS_NOT_DISTINCT};
    (void)type;
    enum od_function function = functions[od_choices_below(gen->choices, 8)];
    const struct od_expr *left = od_gen_column(gen, schema);
    if (left == NULL)
        return NULL;
    if (od_choices_below(gen->choices, 3) >= (gen->failing ? 1 : 2))
        left = od_gen_expr(gen, schema, left->type, depth);
    if (left == NULL)
        return NULL;
    uint64_t kind = od_choices_below(gen->choices, 5);
    const struct od_expr *right = kind == 0   ? any_literal(gen, left->type)
                                  : kind <= 2 ? seen_literal(gen, left->type)
                                              : od_gen_expr(gen, schema, left->type, depth);
    return call_two(gen, function, left, right);
}

static const struct od_expr *make_null_test(struct od_gen *gen, const struct od_schema *schema,
                                            enum od_type type, uint32_t depth)
{
    (void)type;
    (void)depth;
    enum od_function function =
        od_choices_below(gen->choices, 2) == 0 ? OD_FUNCTION_IS_NULL : OD_FUNCTION_IS_NOT_NULL;
    return call_one(gen, function, od_gen_column(gen, schema));
}

static const struct od_expr *make_logic(struct od_gen *gen, const struct od_schema *schema, enum od_type type,
                                        uint32_t depth)
{
    (void)type;
    const struct od_expr *arguments[3];
    enum od_function function = od_choices_below(gen->choices, 2) == 0 ? OD_FUNCTION_AND : OD_FUNCTION_OR;
    uint32_t count = 2 + (uint32_t)od_random_chance(&gen->choices->random, 1, 4);
    for (uint32_t i = 0; i < count; i++)
        arguments[i] = od_gen_predicate(gen, schema, depth);
    return od_gen_call(gen, function, arguments, count);
}

static const struct od_expr *make_boolean_test(struct od_gen *gen, const struct od_schema *schema,
                                               enum od_type type, uint32_t depth)
{
    static const enum od_function functions[] = {OD_FUNCTION_NOT, OD_FUNCTION_IS_TRUE, OD_FUNCTION_IS_FALSE};
    (void)type;
    enum od_function function = functions[od_choices_below(gen->choices, 3)];
    return call_one(gen, function, od_gen_predicate(gen, schema, depth));
}

static const struct od_expr *make_like(struct od_gen *gen, const struct od_schema *schema, enum od_type type,
                                       uint32_t depth)
{
    static const char *const patterns[] = {"%", "a%",   "%b",  "%a%",        "_",   "__",
                                           "",  "a\\%", "\\_", "%\xc3\xa9%", "_%_", "a"};
    (void)type;
    const struct od_expr *left = od_gen_expr(gen, schema, OD_TYPE_TEXT, depth);
    const char *pattern = patterns[od_choices_below(gen->choices, sizeof(patterns) / sizeof(patterns[0]))];
    return call_two(gen, OD_FUNCTION_LIKE, left, text_literal(gen, pattern));
}

/* --- calls ---------------------------------------------------------------------------------------------- */

/* Functions that need no production of their own. Arguments by letter: types as in function.h; literals: k 0..9, p 1..5,
 * w 9..13, m -3..4, c a short text, q a pattern, v an interval. */
struct plain_call {
    enum od_type type;
    enum od_function function;
    const char *arguments;
    enum danger danger;
};
static const struct plain_call plain_calls[] = {
    {OD_TYPE_INT32, OD_FUNCTION_BIT_AND, "ii", SAFE},
    {OD_TYPE_INT32, OD_FUNCTION_BIT_OR, "ii", SAFE},
    {OD_TYPE_INT32, OD_FUNCTION_BIT_XOR, "ii", SAFE},
    {OD_TYPE_INT32, OD_FUNCTION_BIT_NOT, "i", SAFE},
    {OD_TYPE_INT32, OD_FUNCTION_SHIFT_LEFT, "ik", SAFE},
    {OD_TYPE_INT32, OD_FUNCTION_SHIFT_RIGHT, "ik", SAFE},
    {OD_TYPE_INT32, OD_FUNCTION_GCD, "ii", TAME},
    {OD_TYPE_INT32, OD_FUNCTION_LCM, "ii", FAILS},
    {OD_TYPE_INT32, OD_FUNCTION_OCTET_LENGTH, "t", SAFE},
    {OD_TYPE_INT32, OD_FUNCTION_BIT_LENGTH, "t", SAFE},
    {OD_TYPE_INT32, OD_FUNCTION_STRPOS, "tc", SAFE},
    {OD_TYPE_INT32, OD_FUNCTION_STRPOS, "tt", SAFE},
    {OD_TYPE_INT32, OD_FUNCTION_ASCII, "t", SAFE},
    {OD_TYPE_INT32, OD_FUNCTION_SCALE, "n", SAFE},
    {OD_TYPE_INT32, OD_FUNCTION_MIN_SCALE, "n", SAFE},
    {OD_TYPE_INT32, OD_FUNCTION_FIT_SMALLINT, "i", FAILS},
    {OD_TYPE_INT64, OD_FUNCTION_BIT_AND, "ll", SAFE},
    {OD_TYPE_INT64, OD_FUNCTION_BIT_XOR, "ll", SAFE},
    {OD_TYPE_INT64, OD_FUNCTION_BIT_NOT, "l", SAFE},
    {OD_TYPE_INT64, OD_FUNCTION_SHIFT_LEFT, "lk", SAFE},
    {OD_TYPE_INT64, OD_FUNCTION_SHIFT_RIGHT, "lk", SAFE},
    {OD_TYPE_INT64, OD_FUNCTION_GCD, "ll", TAME},
    {OD_TYPE_INT64, OD_FUNCTION_LCM, "ll", FAILS},
    {OD_TYPE_DECIMAL, OD_FUNCTION_TRUNC, "n", SAFE},
    {OD_TYPE_DECIMAL, OD_FUNCTION_TRUNC, "nm", SAFE},
    {OD_TYPE_DECIMAL, OD_FUNCTION_ROUND, "nm", TAME},
    {OD_TYPE_DECIMAL, OD_FUNCTION_SIGN, "n", SAFE},
    {OD_TYPE_DECIMAL, OD_FUNCTION_TRIM_SCALE, "n", SAFE},
    {OD_TYPE_DECIMAL, OD_FUNCTION_DIV, "nn", FAILS},
    {OD_TYPE_DECIMAL, OD_FUNCTION_SQRT, "n", FAILS},
    {OD_TYPE_DECIMAL, OD_FUNCTION_FIT_NUMERIC, "nwk", FAILS},
    {OD_TYPE_FLOAT64, OD_FUNCTION_TRUNC, "f", SAFE},
    {OD_TYPE_FLOAT64, OD_FUNCTION_SIGN, "f", SAFE},
    {OD_TYPE_FLOAT64, OD_FUNCTION_CBRT, "f", SAFE},
    {OD_TYPE_FLOAT64, OD_FUNCTION_ATAN, "f", SAFE},
    {OD_TYPE_FLOAT64, OD_FUNCTION_TANH, "f", SAFE},
    {OD_TYPE_FLOAT64, OD_FUNCTION_ATAN2, "ff", SAFE},
    {OD_TYPE_FLOAT64, OD_FUNCTION_DEGREES, "f", TAME},
    {OD_TYPE_FLOAT64, OD_FUNCTION_PI, "", SAFE},
    {OD_TYPE_FLOAT64, OD_FUNCTION_EXP, "f", FAILS},
    {OD_TYPE_FLOAT64, OD_FUNCTION_LN, "f", FAILS},
    {OD_TYPE_FLOAT64, OD_FUNCTION_POWER, "ff", FAILS},
    {OD_TYPE_FLOAT64, OD_FUNCTION_SIN, "f", FAILS},
    {OD_TYPE_FLOAT64, OD_FUNCTION_ACOS, "f", FAILS},
    {OD_TYPE_TEXT, OD_FUNCTION_INITCAP, "t", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_REVERSE, "t", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_LEFT, "tm", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_RIGHT, "tm", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_LPAD, "tkc", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_RPAD, "tk", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_REPEAT, "tm", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_REPLACE, "tcc", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_TRANSLATE, "tcc", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_BTRIM, "t", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_LTRIM, "tc", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_RTRIM, "tc", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_SPLIT_PART, "tcp", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_OVERLAY, "tcp", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_OVERLAY, "tcpk", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_CONCAT, "btl", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_CONCAT_WS, "ctdt", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_CONCAT_WS, "tnf", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_TO_HEX, "i", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_TO_HEX, "l", SAFE},
    {OD_TYPE_TEXT, OD_FUNCTION_FIT_VARCHAR, "tp", SAFE},
    {OD_TYPE_BOOLEAN, OD_FUNCTION_STARTS_WITH, "tc", SAFE},
    {OD_TYPE_BOOLEAN, OD_FUNCTION_ILIKE, "tq", SAFE},
    {OD_TYPE_TIMESTAMP, OD_FUNCTION_ADD, "sv", SAFE},
    {OD_TYPE_TIMESTAMP, OD_FUNCTION_SUBTRACT, "sv", SAFE},
    {OD_TYPE_TIMESTAMP, OD_FUNCTION_ADD, "dv", SAFE},
};
#define PLAIN_CALL_COUNT (sizeof(plain_calls) / sizeof(plain_calls[0]))

const struct od_expr *od_gen_interval(struct od_gen *gen)
{
    static const struct od_interval intervals[] = {
        {0, 1, 0},  {1, 0, 0}, {0, 0, 3600000000},  {12, 0, 0},
        {0, 30, 0}, {0, 0, 1}, {1, 1, 86400000000}, {25, 400, 0},
    };
    struct od_value value = {.type = OD_TYPE_INTERVAL};
    value.interval = intervals[od_choices_below(gen->choices, sizeof(intervals) / sizeof(intervals[0]))];
    return literal_of(gen, &value);
}

static const struct od_expr *call_argument(struct od_gen *gen, const struct od_schema *schema, char letter,
                                           uint32_t depth)
{
    static const char *const texts[] = {"a", "b", "", "ab", "\xc3\xa9", "-", "A1", " "};
    static const char *const patterns[] = {"%A%", "a%", "_", "%b", "%\xc3\xa9%", "z_%"};
    static const char letters[] = "bilnftds";
    static const enum od_type types[] = {OD_TYPE_BOOLEAN, OD_TYPE_INT32, OD_TYPE_INT64, OD_TYPE_DECIMAL,
                                         OD_TYPE_FLOAT64, OD_TYPE_TEXT,  OD_TYPE_DATE,  OD_TYPE_TIMESTAMP};
    switch (letter) {
    case 'k':
        return integer_literal(gen, (int64_t)od_choices_below(gen->choices, 10));
    case 'p':
        return integer_literal(gen, 1 + (int64_t)od_choices_below(gen->choices, 5));
    case 'w':
        return integer_literal(gen, 9 + (int64_t)od_choices_below(gen->choices, 5));
    case 'm':
        return integer_literal(gen, 4 - (int64_t)od_choices_below(gen->choices, 8));
    case 'c':
        return text_literal(gen, texts[od_choices_below(gen->choices, sizeof(texts) / sizeof(texts[0]))]);
    case 'q':
        return text_literal(gen,
                            patterns[od_choices_below(gen->choices, sizeof(patterns) / sizeof(patterns[0]))]);
    case 'v':
        return od_gen_interval(gen);
    default:
        return od_gen_expr(gen, schema, types[strchr(letters, letter) - letters], depth);
    }
}

static bool permitted(const struct od_gen *gen, enum danger danger)
{
    if (danger == FAILS)
        return gen->failing;
    return danger == SAFE || gen->failing || gen->flavour != OD_FLAVOUR_WILD;
}

static const struct od_expr *make_call(struct od_gen *gen, const struct od_schema *schema, enum od_type type,
                                       uint32_t depth)
{
    const struct od_expr *arguments[4];
    uint64_t count = 0, drawn;
    for (uint32_t i = 0; i < PLAIN_CALL_COUNT; i++)
        count += plain_calls[i].type == type && permitted(gen, plain_calls[i].danger);
    if (count == 0 || (gen->flavour == OD_FLAVOUR_PLAIN && !od_random_chance(&gen->choices->random, 1, 8)))
        return NULL; /* SQLite has few of them */
    drawn = od_choices_below(gen->choices, count);
    const struct plain_call *call = plain_calls;
    for (;; call++) {
        bool fits = call->type == type && permitted(gen, call->danger);
        if (fits && drawn == 0)
            break;
        drawn -= fits;
    }
    uint32_t argument_count = (uint32_t)strlen(call->arguments);
    for (uint32_t i = 0; i < argument_count; i++)
        if ((arguments[i] = call_argument(gen, schema, call->arguments[i], depth)) == NULL)
            return NULL;
    return od_gen_call(gen, call->function, arguments, argument_count);
}

/* --- the choice ----------------------------------------------------------------------------------------- */

#define PRODUCTIONS_MAX 13
#define OF_ANY_TYPE                                                                                          \
    {make_case, 2, SAFE}, {make_same, 3, SAFE}, {make_nullif, 1, SAFE},                                      \
    {                                                                                                        \
        make_cast, 2, SAFE                                                                                   \
    }

static const struct production productions[OD_TYPE_COUNT][PRODUCTIONS_MAX] = {
    [OD_TYPE_BOOLEAN] = {{make_comparison, 8, SAFE},
                         {make_null_test, 2, SAFE},
                         {make_logic, 3, SAFE},
                         {make_boolean_test, 2, SAFE},
                         {make_like, 2, SAFE},
                         {make_call, 1, SAFE},
                         OF_ANY_TYPE},
    [OD_TYPE_INT64] = {{make_sum, 4, TAME},
                       {make_scaled, 4, TAME},
                       {make_sign, 2, TAME},
                       {make_call, 5, SAFE},
                       OF_ANY_TYPE,
                       {make_arithmetic, 24, FAILS}},
    [OD_TYPE_INT32] = {{make_sum, 4, TAME},
                       {make_scaled, 4, TAME},
                       {make_sign, 2, TAME},
                       {make_length, 2, SAFE},
                       {make_days_between, 1, SAFE},
                       {make_call, 5, SAFE},
                       OF_ANY_TYPE,
                       {make_arithmetic, 24, FAILS}},
    [OD_TYPE_DECIMAL] = {{make_sum, 4, TAME},
                         {make_scaled, 4, TAME},
                         {make_sign, 2, SAFE},
                         {make_rounding, 2, TAME},
                         {make_extract, 2, SAFE},
                         {make_call, 5, SAFE},
                         OF_ANY_TYPE,
                         {make_arithmetic, 24, FAILS}},
    [OD_TYPE_FLOAT64] = {{make_sum, 4, TAME},
                         {make_scaled, 4, TAME},
                         {make_sign, 2, SAFE},
                         {make_rounding, 2, SAFE},
                         {make_safe_root, 1, SAFE},
                         {make_call, 5, SAFE},
                         {make_extract, 1, SAFE},
                         OF_ANY_TYPE,
                         {make_arithmetic, 24, FAILS},
                         {make_root, 9, FAILS}},
    [OD_TYPE_TEXT] = {{make_letters, 2, SAFE},
                      {make_concatenation, 3, SAFE},
                      {make_substring, 3, SAFE},
                      {make_call, 5, SAFE},
                      OF_ANY_TYPE},
    [OD_TYPE_TIMESTAMP] = {{make_truncation, 3, SAFE}, {make_call, 3, SAFE}, OF_ANY_TYPE},
    [OD_TYPE_DATE] = {{make_date_shift, 3, SAFE}, OF_ANY_TYPE},
};

static const struct production *choose(struct od_gen *gen, const struct production *rows)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < PRODUCTIONS_MAX; i++)
        total += permitted(gen, rows[i].danger) ? rows[i].weight : 0;
    uint64_t drawn = od_choices_below(gen->choices, total);
    for (uint32_t i = 0; i < PRODUCTIONS_MAX; i++) {
        uint32_t weight = permitted(gen, rows[i].danger) ? rows[i].weight : 0;
        if (drawn < weight)
            return &rows[i];
        drawn -= weight;
    }
    od_unreachable();
}

static const struct od_expr *produced(struct od_gen *gen, const struct od_schema *schema, enum od_type type,
                                      uint32_t depth)
{
    const struct od_expr *expr = choose(gen, productions[type])->make(gen, schema, type, depth - 1);
    if (gen->status == OD_OK && (expr == NULL || expr->type != type))
        return column_of(gen, schema, type); /* the production refused, or PostgreSQL types it otherwise */
    return expr;
}

const struct od_expr *od_gen_expr(struct od_gen *gen, const struct od_schema *schema, enum od_type type,
                                  uint32_t depth)
{
    if (gen->status != OD_OK)
        return NULL;
    od_choices_begin(gen->choices, "expr");
    uint64_t kind = od_choices_below(gen->choices, 8);
    uint64_t plain_kinds = gen->failing ? 1 : 3; /* few expressions may fail, so those go further */
    const struct od_expr *expr;
    if (kind <= plain_kinds || depth == 0)
        expr = column_of(gen, schema, type);
    else if (kind == plain_kinds + 1)
        expr = any_literal(gen, type);
    else
        expr = produced(gen, schema, type, depth);
    od_choices_end(gen->choices);
    return gen->status == OD_OK ? expr : NULL;
}

const struct od_expr *od_gen_predicate(struct od_gen *gen, const struct od_schema *schema, uint32_t depth)
{
    if (gen->status != OD_OK)
        return NULL;
    od_choices_begin(gen->choices, "predicate");
    const struct od_expr *expr;
    if (depth == 0 || od_choices_below(gen->choices, 2) == 0)
        expr = make_comparison(gen, schema, OD_TYPE_BOOLEAN, depth > 0 ? depth - 1 : 0);
    else
        expr = produced(gen, schema, OD_TYPE_BOOLEAN, depth);
    od_choices_end(gen->choices);
    return gen->status == OD_OK ? expr : NULL;
}
