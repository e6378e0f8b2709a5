/* model_expr: one expression over one row; see model.h.
 *
 * Most functions see all their arguments, evaluated left to right, and give NULL when one of them is NULL
 * (`strict` rows of the table). The lazy ones (AND, OR, CASE, COALESCE) evaluate their own arguments, left to
 * right, and stop when decided. */
#include "properties/model.h"

#include "engine/core/assert.h"
#include "properties/model_decimal.h"

#include <math.h>
#include <string.h>

#define ARGUMENTS_MAX 16u

struct call {
    struct od_arena *arena;
    const struct od_expr *expr;
    const struct od_value *arguments;
    uint32_t count;
    struct od_value *result; /* zeroed but for its type */
    struct od_error *error;
};

typedef enum od_status (*apply)(const struct call *call);
typedef enum od_status (*apply_lazily)(struct od_arena *arena, const struct od_expr *expr,
                                       const struct od_value *row, struct od_value *value_out,
                                       struct od_error *error);

static enum od_status no_value(struct od_error *error, const char *reason)
{
    return od_fail(error, OD_EVALUATION, "%s", reason);
}

int od_model_order(const struct od_value *left, const struct od_value *right)
{
    if (left->type == OD_TYPE_DECIMAL)
        return od_model_decimal_compare(&left->decimal, &right->decimal);
    bool zeros = left->type == OD_TYPE_FLOAT64 && left->float64 == 0 && right->float64 == 0;
    return zeros ? 0 : od_answer_compare_values(left, right);
}

/* --- numbers -------------------------------------------------------------------------------------------- */

/* A whole number that must fit into the call's type. */
static enum od_status checked_integer(const struct call *call, __int128 number)
{
    bool is_wide = call->expr->type == OD_TYPE_INT64;
    call->result->int64 = (int64_t)number;
    if (number == (is_wide ? (int64_t)number : (int32_t)number))
        return OD_OK;
    return od_fail(call->error, OD_EVALUATION, "%s out of range", od_type_text(call->expr->type));
}

static enum od_status checked_decimal(const struct call *call, char operation)
{
    const struct od_decimal *left = &call->arguments[0].decimal, *right = &call->arguments[1].decimal;
    if ((operation == '/' || operation == '%') && od_decimal_coefficient(right) == 0)
        return no_value(call->error, "division by zero");
    return od_model_decimal_arithmetic(operation, left, right, &call->result->decimal)
               ? OD_OK
               : no_value(call->error, "numeric out of range");
}

/* PostgreSQL's float8 checks: an infinite result of finite arguments is an overflow. */
static enum od_status checked_float(const struct call *call, double number)
{
    bool finite = true;
    for (uint32_t i = 0; i < call->count; i++)
        finite &= !isinf(call->arguments[i].float64);
    call->result->float64 = number;
    return isinf(number) && finite ? no_value(call->error, "value out of range: overflow") : OD_OK;
}

static enum od_status shift_date(const struct call *call, __int128 days)
{
    if (days > INT32_MAX || days < INT32_MIN)
        return no_value(call->error, "date out of range");
    call->result->int64 = (int64_t)days;
    return OD_OK;
}

static enum od_status add(const struct call *call)
{
    const struct od_value *left = &call->arguments[0], *right = &call->arguments[1];
    if (left->type == OD_TYPE_DECIMAL)
        return checked_decimal(call, '+');
    if (left->type == OD_TYPE_FLOAT64)
        return checked_float(call, left->float64 + right->float64);
    if (call->expr->type == OD_TYPE_DATE)
        return shift_date(call, (__int128)left->int64 + right->int64);
    return checked_integer(call, (__int128)left->int64 + right->int64);
}

static enum od_status subtract(const struct call *call)
{
    const struct od_value *left = &call->arguments[0], *right = &call->arguments[1];
    if (left->type == OD_TYPE_DECIMAL)
        return checked_decimal(call, '-');
    if (left->type == OD_TYPE_FLOAT64)
        return checked_float(call, left->float64 - right->float64);
    if (call->expr->type == OD_TYPE_DATE)
        return shift_date(call, (__int128)left->int64 - right->int64);
    return checked_integer(call, (__int128)left->int64 - right->int64);
}

static enum od_status multiply(const struct call *call)
{
    const struct od_value *left = &call->arguments[0], *right = &call->arguments[1];
    if (left->type == OD_TYPE_DECIMAL)
        return checked_decimal(call, '*');
    if (left->type != OD_TYPE_FLOAT64)
        return checked_integer(call, (__int128)left->int64 * right->int64);
    double product = left->float64 * right->float64;
    if (product == 0 && left->float64 != 0 && right->float64 != 0)
        return no_value(call->error, "value out of range: underflow");
    return checked_float(call, product);
}

/* float8_div: an infinite dividend may give infinity, an infinite divisor 0. */
static enum od_status divide_floats(const struct call *call, double left, double right)
{
    if (right == 0 && !isnan(left))
        return no_value(call->error, "division by zero");
    call->result->float64 = left / right;
    if (isinf(call->result->float64) && !isinf(left))
        return no_value(call->error, "value out of range: overflow");
    if (call->result->float64 == 0 && left != 0 && !isinf(right))
        return no_value(call->error, "value out of range: underflow");
    return OD_OK;
}

static enum od_status divide(const struct call *call)
{
    const struct od_value *left = &call->arguments[0], *right = &call->arguments[1];
    if (left->type == OD_TYPE_DECIMAL)
        return checked_decimal(call, '/');
    if (left->type == OD_TYPE_FLOAT64)
        return divide_floats(call, left->float64, right->float64);
    if (right->int64 == 0)
        return no_value(call->error, "division by zero");
    return checked_integer(call, (__int128)left->int64 / right->int64);
}

static enum od_status modulo(const struct call *call)
{
    if (call->arguments[0].type == OD_TYPE_DECIMAL)
        return checked_decimal(call, '%');
    int64_t left = call->arguments[0].int64, right = call->arguments[1].int64;
    if (right == 0)
        return no_value(call->error, "division by zero");
    call->result->int64 = right == -1 ? 0 : left % right;
    return OD_OK;
}

static enum od_status negate(const struct call *call)
{
    const struct od_value *value = &call->arguments[0];
    if (value->type == OD_TYPE_DECIMAL) {
        call->result->decimal =
            od_decimal_make(-od_decimal_coefficient(&value->decimal), (uint32_t)value->decimal.scale);
        return OD_OK;
    }
    if (value->type != OD_TYPE_FLOAT64)
        return checked_integer(call, -(__int128)value->int64);
    call->result->float64 = -value->float64;
    return OD_OK;
}

static enum od_status absolute(const struct call *call)
{
    const struct od_value *value = &call->arguments[0];
    if (value->type == OD_TYPE_DECIMAL ? od_decimal_coefficient(&value->decimal) < 0
                                       : value->type != OD_TYPE_FLOAT64 && value->int64 < 0)
        return negate(call);
    *call->result = *value;
    if (value->type == OD_TYPE_FLOAT64)
        call->result->float64 = fabs(value->float64);
    return OD_OK;
}

/* Numerics round half away from zero, to any number of digits; doubles half to even. */
static enum od_status round_number(const struct call *call)
{
    enum od_function function = call->expr->function;
    if (call->expr->type == OD_TYPE_DECIMAL) {
        char how = function == OD_FUNCTION_FLOOR ? 'f' : function == OD_FUNCTION_CEIL ? 'c' : 'r';
        int scale = call->count == 2 ? (int)call->arguments[1].int64 : 0;
        return od_model_decimal_round(how, &call->arguments[0].decimal, scale, &call->result->decimal)
                   ? OD_OK
                   : no_value(call->error, "numeric out of range");
    }
    double number = call->arguments[0].float64;
    call->result->float64 = function == OD_FUNCTION_FLOOR  ? floor(number)
                            : function == OD_FUNCTION_CEIL ? ceil(number)
                                                           : nearbyint(number);
    return OD_OK;
}

static enum od_status square_root(const struct call *call)
{
    if (call->arguments[0].float64 < 0)
        return no_value(call->error, "cannot take square root of a negative number");
    call->result->float64 = sqrt(call->arguments[0].float64);
    return OD_OK;
}

/* --- comparisons ---------------------------------------------------------------------------------------- */

static enum od_status compare(const struct call *call)
{
    int order = od_model_order(&call->arguments[0], &call->arguments[1]);
    switch (call->expr->function) {
    case OD_FUNCTION_EQUAL:
        call->result->boolean = order == 0;
        break;
    case OD_FUNCTION_NOT_EQUAL:
        call->result->boolean = order != 0;
        break;
    case OD_FUNCTION_LESS:
        call->result->boolean = order < 0;
        break;
    case OD_FUNCTION_LESS_EQUAL:
        call->result->boolean = order <= 0;
        break;
    case OD_FUNCTION_GREATER:
        call->result->boolean = order > 0;
        break;
    default:
        call->result->boolean = order >= 0;
        break;
    }
    return OD_OK;
}

static enum od_status distinct(const struct call *call)
{
    const struct od_value *left = &call->arguments[0], *right = &call->arguments[1];
    bool differ =
        left->is_null || right->is_null ? left->is_null != right->is_null : od_model_order(left, right) != 0;
    call->result->boolean = differ == (call->expr->function == OD_FUNCTION_IS_DISTINCT);
    return OD_OK;
}

static enum od_status null_if(const struct call *call)
{
    const struct od_value *left = &call->arguments[0], *right = &call->arguments[1];
    *call->result = *left;
    if (!left->is_null && !right->is_null && od_model_order(left, right) == 0)
        call->result->is_null = true;
    return OD_OK;
}

/* The first of equal ones stays. */
static enum od_status greatest(const struct call *call)
{
    bool largest = call->expr->function == OD_FUNCTION_GREATEST;
    call->result->is_null = true;
    for (uint32_t i = 0; i < call->count; i++) {
        const struct od_value *value = &call->arguments[i];
        if (value->is_null)
            continue;
        int order = call->result->is_null ? 0 : od_model_order(value, call->result);
        if (call->result->is_null || (largest ? order > 0 : order < 0))
            *call->result = *value;
    }
    return OD_OK;
}

/* --- booleans ------------------------------------------------------------------------------------------- */

static enum od_status not(const struct call *call) {
    call->result->boolean = !call->arguments[0].boolean; return OD_OK;
}

static enum od_status test(const struct call *call)
{
    const struct od_value *value = &call->arguments[0];
    enum od_function function = call->expr->function;
    if (function == OD_FUNCTION_IS_NULL || function == OD_FUNCTION_IS_NOT_NULL)
        call->result->boolean = value->is_null == (function == OD_FUNCTION_IS_NULL);
    else
        call->result->boolean = !value->is_null && value->boolean == (function == OD_FUNCTION_IS_TRUE);
    return OD_OK;
}

/* --- text ----------------------------------------------------------------------------------------------- */

/* Bytes of the character at `at`: up to the next byte that begins one. */
static uint32_t character_bytes(const char *text, uint32_t size, uint32_t at)
{
    uint32_t end = at + 1;
    while (end < size && ((unsigned char)text[end] & 0xc0) == 0x80)
        end++;
    return end - at;
}

static enum od_status length(const struct call *call)
{
    const struct od_value *text = &call->arguments[0];
    for (uint32_t at = 0; at < text->text.size; at += character_bytes(text->text.bytes, text->text.size, at))
        call->result->int64++;
    return OD_OK;
}

/* Characters start .. start + count - 1 (counted from 1), as far as they exist. */
static enum od_status substring(const struct call *call)
{
    const struct od_value *text = &call->arguments[0];
    int64_t first = call->arguments[1].int64, end = INT64_MAX, position = 1;
    uint32_t from = text->text.size, to = text->text.size;
    if (call->count == 3 && call->arguments[2].int64 < 0)
        return no_value(call->error, "negative substring length not allowed");
    if (call->count == 3 && __builtin_add_overflow(first, call->arguments[2].int64, &end))
        end = INT64_MAX;
    for (uint32_t at = 0; at < text->text.size; position++) {
        if (position >= first && from == text->text.size)
            from = at;
        if (position >= end) {
            to = at;
            break;
        }
        at += character_bytes(text->text.bytes, text->text.size, at);
    }
    *call->result = *text;
    call->result->text.bytes = text->text.bytes + from;
    call->result->text.size = to > from ? to - from : 0;
    return OD_OK;
}

static enum od_status concatenate(const struct call *call)
{
    const struct od_value *left = &call->arguments[0], *right = &call->arguments[1];
    char *bytes = od_arena_take(call->arena, (size_t)left->text.size + right->text.size + 1);
    if (bytes == NULL)
        return od_fail(call->error, OD_NO_MEMORY, "the model ran out of memory");
    if (left->text.size > 0)
        memcpy(bytes, left->text.bytes, left->text.size);
    if (right->text.size > 0)
        memcpy(bytes + left->text.size, right->text.bytes, right->text.size);
    call->result->text.bytes = bytes;
    call->result->text.size = left->text.size + right->text.size;
    return OD_OK;
}

static enum od_status change_letters(const struct call *call)
{
    bool lower = call->expr->function == OD_FUNCTION_LOWER;
    const struct od_value *text = &call->arguments[0];
    char *bytes = od_arena_take(call->arena, (size_t)text->text.size + 1);
    if (bytes == NULL)
        return od_fail(call->error, OD_NO_MEMORY, "the model ran out of memory");
    for (uint32_t i = 0; i < text->text.size; i++) {
        char letter = text->text.bytes[i];
        if (lower && letter >= 'A' && letter <= 'Z')
            letter = (char)(letter - 'A' + 'a');
        else if (!lower && letter >= 'a' && letter <= 'z')
            letter = (char)(letter - 'a' + 'A');
        bytes[i] = letter;
    }
    call->result->text.bytes = bytes;
    call->result->text.size = text->text.size;
    return OD_OK;
}

/* Recursion on the rest of text and pattern. -1: the pattern ends in its escape character, found when it is
 * reached. */
static int like_rest(const char *text, uint32_t text_size, const char *pattern, uint32_t pattern_size)
{
    if (pattern_size == 0)
        return text_size == 0;
    if (*pattern == '%') {
        for (uint32_t skip = 0;; skip += character_bytes(text, text_size, skip)) {
            int matched = like_rest(text + skip, text_size - skip, pattern + 1, pattern_size - 1);
            if (matched != 0 || skip >= text_size)
                return matched;
        }
    }
    if (text_size == 0)
        return 0;
    uint32_t bytes = character_bytes(text, text_size, 0);
    if (*pattern == '_')
        return like_rest(text + bytes, text_size - bytes, pattern + 1, pattern_size - 1);
    if (*pattern == '\\') {
        if (pattern_size == 1)
            return -1;
        pattern++, pattern_size--;
    }
    return *text == *pattern ? like_rest(text + 1, text_size - 1, pattern + 1, pattern_size - 1) : 0;
}

enum od_status od_model_like(const struct od_value *text, const struct od_value *pattern, bool *matches_out,
                             struct od_error *error)
{
    int matched = like_rest(text->text.bytes, text->text.size, pattern->text.bytes, pattern->text.size);
    *matches_out = matched > 0;
    return matched < 0 ? no_value(error, "LIKE pattern must not end with escape character") : OD_OK;
}

static enum od_status like(const struct call *call)
{
    return od_model_like(&call->arguments[0], &call->arguments[1], &call->result->boolean, call->error);
}

/* --- time ----------------------------------------------------------------------------------------------- */

struct moment {
    struct od_civil civil;
    int64_t days;
    int64_t microseconds; /* of the day */
};

static struct moment moment_of(const struct od_value *value)
{
    const int64_t day_us = INT64_C(86400000000);
    struct moment moment;
    moment.days = value->int64;
    moment.microseconds = 0;
    if (value->type == OD_TYPE_TIMESTAMP) {
        moment.days = value->int64 / day_us - (value->int64 % day_us < 0);
        moment.microseconds = value->int64 - moment.days * day_us;
    }
    moment.civil = od_model_civil(moment.days);
    return moment;
}

static bool names(const struct od_value *field, const char *name)
{
    return field->text.size == strlen(name) && memcmp(field->text.bytes, name, field->text.size) == 0;
}

static enum od_status extract(const struct call *call)
{
    const struct od_value *field = &call->arguments[0];
    struct moment moment = moment_of(&call->arguments[1]);
    int64_t seconds = moment.microseconds / 1000000;
    struct od_civil new_year = {moment.civil.year, 1, 1};
    const struct {
        const char *name;
        int64_t number;
        uint32_t scale; /* when it is a numeric */
    } fields[] = {
        {"year", moment.civil.year > 0 ? moment.civil.year : moment.civil.year - 1, 0},
        {"quarter", (moment.civil.month - 1) / 3 + 1, 0},
        {"month", moment.civil.month, 0},
        {"day", moment.civil.day, 0},
        {"hour", seconds / 3600, 0},
        {"minute", seconds / 60 % 60, 0},
        {"second", moment.microseconds % 60000000, 6},
        {"dow", ((moment.days + 4) % 7 + 7) % 7, 0},
        {"doy", moment.days - od_model_days(new_year) + 1, 0},
        {"epoch", call->arguments[1].type == OD_TYPE_DATE ? moment.days * 86400 : call->arguments[1].int64,
         call->arguments[1].type == OD_TYPE_DATE ? 0 : 6},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (names(field, fields[i].name)) {
            call->result->decimal = od_decimal_make(fields[i].number, fields[i].scale);
            return OD_OK;
        }
    od_unreachable(); /* the generator draws none but these */
}

static enum od_status truncate_time(const struct call *call)
{
    const struct od_value *unit = &call->arguments[0];
    struct moment moment = moment_of(&call->arguments[1]);
    int64_t step = names(unit, "second") ? 1000000 : names(unit, "minute") ? 60000000 : INT64_C(3600000000);
    bool below_day = names(unit, "second") || names(unit, "minute") || names(unit, "hour");
    if (names(unit, "year"))
        moment.civil.month = 1;
    if (names(unit, "quarter"))
        moment.civil.month = (moment.civil.month - 1) / 3 * 3 + 1;
    if (names(unit, "year") || names(unit, "quarter") || names(unit, "month"))
        moment.civil.day = 1;
    int64_t rest = below_day ? moment.microseconds / step * step : 0;
    call->result->int64 = od_model_days(moment.civil) * INT64_C(86400000000) + rest;
    return OD_OK;
}

static enum od_status cast(const struct call *call)
{
    return od_model_cast(call->arena, &call->arguments[0], call->expr->type, call->result, call->error);
}

/* --- lazy ----------------------------------------------------------------------------------------------- */

/* AND is decided by false, OR by true; else NULL wins over the other. */
static enum od_status logic(struct od_arena *arena, const struct od_expr *expr, const struct od_value *row,
                            struct od_value *value_out, struct od_error *error)
{
    bool deciding = expr->function == OD_FUNCTION_OR;
    bool any_null = false;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        struct od_value value;
        enum od_status status = od_model_evaluate(arena, expr->arguments[i], row, &value, error);
        if (status != OD_OK)
            return status;
        if (!value.is_null && value.boolean == deciding) {
            value_out->boolean = deciding;
            return OD_OK;
        }
        any_null |= value.is_null;
    }
    value_out->is_null = any_null;
    value_out->boolean = !any_null && !deciding;
    return OD_OK;
}

static enum od_status choose_case(struct od_arena *arena, const struct od_expr *expr,
                                  const struct od_value *row, struct od_value *value_out,
                                  struct od_error *error)
{
    uint32_t chosen = 0;
    for (; chosen + 1 < expr->argument_count; chosen += 2) {
        struct od_value condition;
        enum od_status status = od_model_evaluate(arena, expr->arguments[chosen], row, &condition, error);
        if (status != OD_OK)
            return status;
        if (!condition.is_null && condition.boolean)
            break;
    }
    uint32_t value = chosen + 1 < expr->argument_count ? chosen + 1 : expr->argument_count - 1;
    return od_model_evaluate(arena, expr->arguments[value], row, value_out, error);
}

static enum od_status coalesce(struct od_arena *arena, const struct od_expr *expr, const struct od_value *row,
                               struct od_value *value_out, struct od_error *error)
{
    enum od_status status = OD_OK;
    value_out->is_null = true;
    for (uint32_t i = 0; i < expr->argument_count && status == OD_OK && value_out->is_null; i++)
        status = od_model_evaluate(arena, expr->arguments[i], row, value_out, error);
    return status;
}

/* --- the table ------------------------------------------------------------------------------------------ */

static const struct {
    apply apply;
    apply_lazily apply_lazily;
    bool strict; /* NULL when an argument is */
} functions[OD_FUNCTION_COUNT] = {
    [OD_FUNCTION_ADD] = {add, NULL, true},
    [OD_FUNCTION_SUBTRACT] = {subtract, NULL, true},
    [OD_FUNCTION_MULTIPLY] = {multiply, NULL, true},
    [OD_FUNCTION_DIVIDE] = {divide, NULL, true},
    [OD_FUNCTION_MODULO] = {modulo, NULL, true},
    [OD_FUNCTION_NEGATE] = {negate, NULL, true},
    [OD_FUNCTION_EQUAL] = {compare, NULL, true},
    [OD_FUNCTION_NOT_EQUAL] = {compare, NULL, true},
    [OD_FUNCTION_LESS] = {compare, NULL, true},
    [OD_FUNCTION_LESS_EQUAL] = {compare, NULL, true},
    [OD_FUNCTION_GREATER] = {compare, NULL, true},
    [OD_FUNCTION_GREATER_EQUAL] = {compare, NULL, true},
    [OD_FUNCTION_IS_DISTINCT] = {distinct, NULL, false},
    [OD_FUNCTION_IS_NOT_DISTINCT] = {distinct, NULL, false},
    [OD_FUNCTION_AND] = {NULL, logic, false},
    [OD_FUNCTION_OR] = {NULL, logic, false},
    [OD_FUNCTION_NOT] = {not, NULL, true},
    [OD_FUNCTION_IS_NULL] = {test, NULL, false},
    [OD_FUNCTION_IS_NOT_NULL] = {test, NULL, false},
    [OD_FUNCTION_IS_TRUE] = {test, NULL, false},
    [OD_FUNCTION_IS_FALSE] = {test, NULL, false},
    [OD_FUNCTION_CASE] = {NULL, choose_case, false},
    [OD_FUNCTION_COALESCE] = {NULL, coalesce, false},
    [OD_FUNCTION_NULLIF] = {null_if, NULL, false},
    [OD_FUNCTION_GREATEST] = {greatest, NULL, false},
    [OD_FUNCTION_LEAST] = {greatest, NULL, false},
    [OD_FUNCTION_CAST] = {cast, NULL, true},
    [OD_FUNCTION_LIKE] = {like, NULL, true},
    [OD_FUNCTION_CONCATENATE] = {concatenate, NULL, true},
    [OD_FUNCTION_LOWER] = {change_letters, NULL, true},
    [OD_FUNCTION_UPPER] = {change_letters, NULL, true},
    [OD_FUNCTION_LENGTH] = {length, NULL, true},
    [OD_FUNCTION_SUBSTRING] = {substring, NULL, true},
    [OD_FUNCTION_ABS] = {absolute, NULL, true},
    [OD_FUNCTION_FLOOR] = {round_number, NULL, true},
    [OD_FUNCTION_CEIL] = {round_number, NULL, true},
    [OD_FUNCTION_ROUND] = {round_number, NULL, true},
    [OD_FUNCTION_SQRT] = {square_root, NULL, true},
    [OD_FUNCTION_EXTRACT] = {extract, NULL, true},
    [OD_FUNCTION_DATE_TRUNC] = {truncate_time, NULL, true},
};

static enum od_status evaluate_call(struct od_arena *arena, const struct od_expr *expr,
                                    const struct od_value *row, struct od_value *value_out,
                                    struct od_error *error)
{
    struct od_value arguments[ARGUMENTS_MAX];
    bool any_null = false;
    od_assert(expr->argument_count <= ARGUMENTS_MAX);
    if (functions[expr->function].apply == NULL && functions[expr->function].apply_lazily == NULL)
        return od_fail(error, OD_UNSUPPORTED, "the model does not know %s", od_function_text(expr->function));
    if (functions[expr->function].apply_lazily != NULL)
        return functions[expr->function].apply_lazily(arena, expr, row, value_out, error);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        enum od_status status = od_model_evaluate(arena, expr->arguments[i], row, &arguments[i], error);
        if (status != OD_OK)
            return status;
        any_null |= arguments[i].is_null;
    }
    if (any_null && functions[expr->function].strict) {
        value_out->is_null = true;
        return OD_OK;
    }
    struct call call = {arena, expr, arguments, expr->argument_count, value_out, error};
    return functions[expr->function].apply(&call);
}

enum od_status od_model_evaluate(struct od_arena *arena, const struct od_expr *expr,
                                 const struct od_value *row, struct od_value *value_out,
                                 struct od_error *error)
{
    memset(value_out, 0, sizeof(*value_out));
    value_out->type = expr->type;
    switch (expr->kind) {
    case OD_EXPR_COLUMN:
        *value_out = row[expr->column_index];
        return OD_OK;
    case OD_EXPR_LITERAL:
        *value_out = expr->literal;
        return OD_OK;
    case OD_EXPR_OUTER:
        return od_fail(error, OD_UNSUPPORTED, "the model does not know columns of outer queries");
    case OD_EXPR_CALL:
        break;
    }
    enum od_status status = evaluate_call(arena, expr, row, value_out, error);
    value_out->type = expr->type;
    return status;
}
