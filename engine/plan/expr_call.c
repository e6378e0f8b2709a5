/* expr_call: makes typed calls: the choice among a function's signatures, with PostgreSQL's implicit casts written out.
 *
 *   coalesce(1, x numeric)     signatures "T+:T"                   T is numeric, 1 is cast
 *   2 * 1.5                    "ii:i! ll:l! nn:n! ff:f!"           nn and ff take both; nn has one exact match: numeric
 *   sqrt(2)                    "f:f! n:n!"                         both take it, none exactly: the first
 *   timestamp '...' - '...'    "... ss:v! vv:v!"                   unknown beside a timestamp is a timestamp, if that fits
 *
 * Then what the arguments say beyond their types: a literal may rule failure out (x / 2, like 'a%'), a NULL literal does
 * for every strict function, a time field must be one that we know. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/plan/expr.h"

/* --- types ---------------------------------------------------------------------------------------------- */

static bool is_null_literal(const struct od_expr *expr)
{
    return expr->kind == OD_EXPR_LITERAL && expr->literal.is_null;
}

static bool is_unknown(const struct od_expr *expr)
{
    return expr->is_untyped || (is_null_literal(expr) && expr->type == OD_TYPE_TEXT);
}

/* OD_TYPE_COUNT is no type yet. False, and *type as it was, where they do not meet. */
static bool meet(const struct od_expr *expr, enum od_type *type)
{
    if (is_unknown(expr) || (*type != OD_TYPE_COUNT && od_cast_is_implicit(expr->type, *type)))
        return true;
    if (*type != OD_TYPE_COUNT && !od_cast_is_implicit(*type, expr->type))
        return false;
    *type = expr->type;
    return true;
}

bool od_expr_common_type(const struct od_expr *const *arguments, uint32_t argument_count,
                         enum od_type *type_out)
{
    enum od_type type = OD_TYPE_COUNT;
    for (uint32_t i = 0; i < argument_count; i++)
        if (!meet(arguments[i], &type))
            return false;
    *type_out = type == OD_TYPE_COUNT ? OD_TYPE_TEXT : type;
    return true;
}

/* --- the choice ----------------------------------------------------------------------------------------- */

struct choice {
    struct od_signature signature;
    uint32_t overload;
    uint32_t exact_count;
    enum od_type common; /* of the letter T */
};

/* How one signature takes the arguments; unknown ones as `unknown_as` only, unless that is OD_TYPE_COUNT. */
static bool takes(struct choice *choice, const struct od_expr *const *arguments, uint32_t count,
                  enum od_type unknown_as)
{
    if (!od_signature_takes_count(&choice->signature, count))
        return false;
    choice->common = OD_TYPE_COUNT;
    choice->exact_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        char letter = od_signature_letter(&choice->signature, i, count);
        enum od_type wanted = od_signature_type(letter);
        enum od_type given = arguments[i]->type;
        if (letter == 'T' && !meet(arguments[i], &choice->common))
            return false;
        if (wanted == OD_TYPE_COUNT || letter == 'x')
            continue;
        if (is_unknown(arguments[i]) && unknown_as != OD_TYPE_COUNT)
            given = unknown_as;
        choice->exact_count += given == wanted;
        if (!is_unknown(arguments[i]) && !od_cast_is_implicit(given, wanted))
            return false;
    }
    if (choice->common == OD_TYPE_COUNT)
        choice->common = OD_TYPE_TEXT;
    return unknown_as == OD_TYPE_COUNT || choice->exact_count == count;
}

/* func_select_candidate in PostgreSQL's parse_func.c, as far as our signatures need it. */
static bool choose(enum od_function function, const struct od_expr *const *arguments, uint32_t count,
                   enum od_type unknown_as, struct choice *best_out)
{
    const char *at = od_function_info(function)->signatures;
    struct choice choice = {0};
    bool found = false;
    for (; od_signature_next(&at, &choice.signature); choice.overload++) {
        if (takes(&choice, arguments, count, unknown_as) &&
            (!found || choice.exact_count > best_out->exact_count)) {
            *best_out = choice;
            found = true;
        }
    }
    return found;
}

static bool choose_signature(enum od_function function, const struct od_expr *const *arguments,
                             uint32_t count, struct choice *choice_out)
{
    if (count == 2 && function < OD_FUNCTION_FIRST_CALLABLE &&
        is_unknown(arguments[0]) != is_unknown(arguments[1]) &&
        choose(function, arguments, count, arguments[is_unknown(arguments[0]) ? 1 : 0]->type, choice_out))
        return true;
    return choose(function, arguments, count, OD_TYPE_COUNT, choice_out);
}

/* --- what a literal argument rules out ------------------------------------------------------------------ */

static bool like_pattern_is_whole(const struct od_value *pattern)
{
    uint32_t i = 0;
    while (i < pattern->text.size && pattern->text.bytes[i] == '\\' ? i + 1 < pattern->text.size
                                                                    : i < pattern->text.size)
        i += pattern->text.bytes[i] == '\\' ? 2 : 1;
    return i == pattern->text.size;
}

static bool literal_rules_failure_out(const struct od_expr *call)
{
    for (uint32_t i = 0; i < call->argument_count; i++)
        if (is_null_literal(call->arguments[i]))
            return od_function_style(call->function) == OD_STYLE_STRICT;
    const struct od_expr *last = call->arguments[call->argument_count - 1];
    bool is_integer = last->type == OD_TYPE_INT64 || last->type == OD_TYPE_INT32;
    if (last->kind != OD_EXPR_LITERAL)
        return false;
    switch (call->function) {
    case OD_FUNCTION_DIVIDE: /* by -1, the smallest integer overflows; other types may by any divisor below one */
        return is_integer && last->literal.int64 != 0 && last->literal.int64 != -1;
    case OD_FUNCTION_MODULO:
        return is_integer && last->literal.int64 != 0;
    case OD_FUNCTION_SUBSTRING:
        return last->literal.int64 >= 0;
    case OD_FUNCTION_LIKE:
    case OD_FUNCTION_ILIKE:
        return call->argument_count == 2 && like_pattern_is_whole(&last->literal);
    case OD_FUNCTION_SPLIT_PART:
        return last->literal.int64 != 0;
    default:
        return false;
    }
}

static bool call_is_nullable(const struct od_expr *call)
{
    uint32_t count = call->argument_count;
    uint32_t nullable_count = 0;
    uint32_t condition_count = 0; /* nullable conditions of a CASE: they do not make it NULL */
    for (uint32_t i = 0; i < count; i++) {
        nullable_count += call->arguments[i]->nullable;
        condition_count += call->arguments[i]->nullable && i % 2 == 0 && i + 1 < count;
    }
    switch (od_function_style(call->function)) {
    case OD_STYLE_STRICT:
    case OD_STYLE_CONNECTIVE:
        return nullable_count > 0;
    case OD_STYLE_CASE:
        return nullable_count > condition_count;
    case OD_STYLE_COALESCE:
    case OD_STYLE_OPEN_ALL:
        return nullable_count == count;
    case OD_STYLE_OPEN_NEVER:
        return false;
    case OD_STYLE_OPEN_ALWAYS:
        return true;
    case OD_STYLE_OPEN_FIRST:
        return call->arguments[0]->nullable;
    }
    od_unreachable();
}

/* --- time fields ---------------------------------------------------------------------------------------- */

/* The field must be a literal that we know; it is replaced by the catalogue's spelling. */
static enum od_status check_time_field(struct od_arena *plan_arena, enum od_function function,
                                       const struct od_expr **arguments, struct od_error *error)
{
    const struct od_expr *name = arguments[0];
    enum od_type type = arguments[1]->type;
    enum od_time_field field;
    if (name->kind != OD_EXPR_LITERAL || name->literal.is_null)
        return od_fail(error, OD_UNSUPPORTED, "%s: its field must be a literal", od_function_text(function));
    int size = name->literal.text.size > 40 ? 40 : (int)name->literal.text.size;
    if (!od_time_field_find(name->literal.text.bytes, name->literal.text.size, &field))
        return od_fail(error, OD_BAD_INPUT, "unit \"%.*s\" not recognized for type %s", size,
                       name->literal.text.bytes, od_type_text(type));
    bool truncates = function == OD_FUNCTION_DATE_TRUNC;
    if (field == OD_TIME_FIELD_JULIAN && !truncates && type == OD_TYPE_TIMESTAMP)
        return od_fail(error, OD_UNSUPPORTED, "julian days of timestamps are not supported");
    bool of_interval =
        od_time_field_info(field)->truncates ? field != OD_TIME_FIELD_WEEK : field == OD_TIME_FIELD_EPOCH;
    bool fits = truncates                  ? od_time_field_info(field)->truncates
                : type == OD_TYPE_INTERVAL ? of_interval
                                           : type != OD_TYPE_DATE || od_time_field_info(field)->of_date;
    const char *text = od_time_field_info(field)->text;
    if (!fits)
        return od_fail(error, OD_BAD_INPUT, "unit \"%s\" not supported for type %s", text,
                       od_type_text(type));
    struct od_value value = {.type = OD_TYPE_TEXT, .text = {text, (uint32_t)strlen(text)}};
    return od_expr_literal(plan_arena, &value, &arguments[0], error);
}

/* --- refusals ------------------------------------------------------------------------------------------- */

static const char *type_text_of(const struct od_expr *expr)
{
    return is_unknown(expr) ? "unknown" : od_type_text(expr->type);
}

/* "CASE types integer and text cannot be matched": the branch behind ELSE comes first, as in PostgreSQL. */
static enum od_status refuse_types(enum od_function function, const struct od_expr *const *arguments,
                                   uint32_t count, const char *name, struct od_error *error)
{
    bool is_case = function == OD_FUNCTION_CASE && count > 0;
    enum od_type type = is_case ? arguments[count - 1]->type : OD_TYPE_COUNT;
    for (uint32_t i = is_case ? 1 : 0; i < count; i += is_case ? 2 : 1)
        if (!meet(arguments[i], &type))
            return od_fail(error, OD_BAD_INPUT, "%s types %s and %s cannot be matched", name,
                           od_type_text(type), type_text_of(arguments[i]));
    return od_fail(error, OD_BAD_INPUT, "%s does not take %u arguments", name, count);
}

static enum od_status refuse_call(enum od_function function, const struct od_expr *const *arguments,
                                  uint32_t count, struct od_error *error)
{
    const char *text = od_function_text(function);
    struct od_signature signature;
    const char *at = od_function_info(function)->signatures;
    char name[40] = "CASE/WHEN";
    for (size_t i = 0; function != OD_FUNCTION_CASE && i < sizeof(name) && (i == 0 || text[i - 1] != '\0');
         i++)
        name[i] = (char)toupper((unsigned char)text[i]);
    od_assert(od_signature_next(&at, &signature));
    for (uint32_t i = 0; i < count && function < OD_FUNCTION_FIRST_CALLABLE; i++)
        if (od_signature_letter(&signature, i, count) == 'b' && arguments[i]->type != OD_TYPE_BOOLEAN)
            return od_fail(error, OD_BAD_INPUT, "argument of %s must be type boolean, not type %s", name,
                           type_text_of(arguments[i]));
    if (signature.repeats || function == OD_FUNCTION_CASE)
        return refuse_types(function, arguments, count, function == OD_FUNCTION_CASE ? "CASE" : name, error);
    if (count == 2 && function <= OD_FUNCTION_CONCATENATE)
        return od_fail(error, OD_BAD_INPUT, "operator does not exist: %s %s %s", type_text_of(arguments[0]),
                       text, type_text_of(arguments[1]));
    if (count == 1 && (function == OD_FUNCTION_NEGATE || function == OD_FUNCTION_BIT_NOT))
        return od_fail(error, OD_BAD_INPUT, "operator does not exist: %s %s",
                       function == OD_FUNCTION_NEGATE ? "-" : text, type_text_of(arguments[0]));
    char types[160] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < count && used + 40 < sizeof(types); i++)
        used += (size_t)snprintf(types + used, sizeof(types) - used, "%s%s", i == 0 ? "" : ", ",
                                 type_text_of(arguments[i]));
    return od_fail(error, OD_BAD_INPUT, "function %s(%s) does not exist", text, types);
}

/* --- calls ---------------------------------------------------------------------------------------------- */

static enum od_status build(struct od_arena *plan_arena, struct od_expr *call,
                            const struct od_expr **arguments, struct od_error *error)
{
    struct choice choice = {0};
    uint32_t count = call->argument_count;
    if (!choose_signature(call->function, arguments, count, &choice))
        return refuse_call(call->function, arguments, count, error);
    if (choice.signature.is_refused)
        return od_fail(error, OD_UNSUPPORTED, "%s of %s is not supported%s", od_function_text(call->function),
                       count == 0 ? "nothing" : type_text_of(arguments[count - 1]),
                       choice.signature.result == 'n' ? ": cast to double precision" : "");
    for (uint32_t i = 0; i < count; i++) {
        char letter = od_signature_letter(&choice.signature, i, count);
        enum od_type wanted = letter == 'T' ? choice.common : od_signature_type(letter);
        if (wanted != OD_TYPE_COUNT)
            OD_TRY(od_expr_cast(plan_arena, arguments[i], wanted, &arguments[i], error));
        call->may_fail |= arguments[i]->may_fail;
    }
    if (call->function == OD_FUNCTION_EXTRACT || call->function == OD_FUNCTION_DATE_PART ||
        call->function == OD_FUNCTION_DATE_TRUNC)
        OD_TRY(check_time_field(plan_arena, call->function, arguments, error));
    char result = choice.signature.result;
    call->overload = choice.overload;
    call->type = result == 'T' ? choice.common : od_signature_type(result);
    call->nullable = call_is_nullable(call);
    call->may_fail |= choice.signature.may_fail && (count == 0 || !literal_rules_failure_out(call));
    return OD_OK;
}

enum od_status od_expr_call(struct od_arena *plan_arena, enum od_function function,
                            const struct od_expr *const *arguments, uint32_t argument_count,
                            const struct od_expr **expr_out, struct od_error *error)
{
    od_assert(function != OD_FUNCTION_CAST); /* od_expr_cast says to what */
    *expr_out = NULL;
    OD_TAKE_LIST(struct od_expr, call, plan_arena, 1, error);
    OD_TAKE_LIST(const struct od_expr *, copy, plan_arena, argument_count, error);
    *call = (struct od_expr){
        .kind = OD_EXPR_CALL, .function = function, .argument_count = argument_count, .arguments = copy};
    for (uint32_t i = 0; i < argument_count; i++) {
        copy[i] = arguments[i];
        if (call->sql_offset == 0)
            call->sql_offset = arguments[i]->sql_offset;
    }
    OD_TRY(build(plan_arena, call, copy, error));
    *expr_out = call;
    return OD_OK;
}
