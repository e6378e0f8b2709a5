/* function: the catalogue of scalar functions: names, typing, kernels, and whether they can fail.
 *
 * Semantics are PostgreSQL 15's. A function is one row of a list below. The types that it takes are signatures, one for each
 * overload, in letters:
 *
 *   b boolean   i integer   l bigint   n numeric   f double precision   t text   d date   s timestamp   v interval
 *   T  one type, the same wherever T stands     A  any type, each its own     x  any type, cast to text
 *   +  the last letter once or more             C  the arguments of CASE: (b, T)*, T
 *   arguments:result, then ! if evaluation can raise an EVALUATION error, ~ if PostgreSQL has it and we do not
 *
 * Where several fit (see expr_call.c), the one with the most exact matches is taken, of those the first; so double
 * precision, which PostgreSQL prefers, stands before numeric where integers may come as either.
 *
 * Rules never move an expression that can fail to where it would see rows that it does not see in the plan as written. */
#ifndef OD_PLAN_FUNCTION_H
#define OD_PLAN_FUNCTION_H

#include "engine/data/type.h"
#include "engine/plan/aggregate.h"

/* When it is NULL, which is also how it is evaluated:
 *   STRICT      when an argument is; such rows are not computed
 *   CONNECTIVE  three-valued logic; arguments are evaluated only on rows that earlier ones have not decided
 *   CASE        by the branch taken; a branch sees only its rows
 *   COALESCE    when all arguments are; later ones are evaluated only where needed
 *   OPEN_ALL    when all arguments are; the kernel sees NULLs. OPEN_NEVER, OPEN_ALWAYS (may be, whatever comes), OPEN_FIRST
 *               (when the first argument is) likewise. */
enum od_function_style {
    OD_STYLE_STRICT,
    OD_STYLE_CONNECTIVE,
    OD_STYLE_CASE,
    OD_STYLE_COALESCE,
    OD_STYLE_OPEN_ALL,
    OD_STYLE_OPEN_NEVER,
    OD_STYLE_OPEN_ALWAYS,
    OD_STYLE_OPEN_FIRST
};

/* X(enum, text as printed in plans and called in SQL, style, signatures, kernels...). Kernels are named in the order of the
 * signatures, the last one serving all that are left: K(name) works on columns, R(name) on rows, L(name) evaluates its
 * arguments itself; only engine/expr gives these three a meaning. */
#define OD_FUNCTION_LIST(X)                                                                                  \
    X(ADD, "+", STRICT, "ii:i! ll:l! nn:n! ff:f! di:d! id:d! dv:s! vd:s! sv:s! vs:s! vv:v!",                 \
       K(add_int32), K(add_int64), K(add_decimal), K(add_float64), K(add_date), K(add_date),                 \
       R(add_interval))                                                                                      \
    X(SUBTRACT, "-", STRICT, "ii:i! ll:l! nn:n! ff:f! di:d! dd:i dv:s! sv:s! ss:v! vv:v!",                   \
       K(subtract_int32), K(subtract_int64), K(subtract_decimal), K(subtract_float64), K(subtract_date),     \
       K(subtract_int32), R(subtract_interval))                                                                \
    X(MULTIPLY, "*", STRICT, "ii:i! ll:l! nn:n! ff:f! vf:v! fv:v!", K(multiply_int32), K(multiply_int64),    \
       K(multiply_decimal), K(multiply_float64), R(scale_interval))                                       \
    X(DIVIDE, "/", STRICT, "ii:i! ll:l! nn:n! ff:f! vf:v!", K(divide_int32), K(divide_int64),                \
       K(divide_decimal), K(divide_float64), R(scale_interval))                                                                 \
    X(MODULO, "%", STRICT, "ii:i! ll:l! nn:n!", K(modulo_int32), K(modulo_int64), K(modulo_decimal))         \
    X(BIT_AND, "&", STRICT, "ii:i ll:l", K(bit_and_int32), K(bit_and_int64))                                 \
    X(BIT_OR, "|", STRICT, "ii:i ll:l", K(bit_or_int32), K(bit_or_int64))                                    \
    X(BIT_XOR, "#", STRICT, "ii:i ll:l", K(bit_xor_int32), K(bit_xor_int64))                                 \
    X(SHIFT_LEFT, "<<", STRICT, "ii:i li:l", K(shift_left_int32), K(shift_left_int64))                       \
    X(SHIFT_RIGHT, ">>", STRICT, "ii:i li:l", K(shift_right_int32), K(shift_right_int64))                    \
    X(EQUAL, "=", STRICT, "TT:b", K(compare))                                                                \
    X(NOT_EQUAL, "<>", STRICT, "TT:b", K(compare))                                                           \
    X(LESS, "<", STRICT, "TT:b", K(compare))                                                                 \
    X(LESS_EQUAL, "<=", STRICT, "TT:b", K(compare))                                                          \
    X(GREATER, ">", STRICT, "TT:b", K(compare))                                                              \
    X(GREATER_EQUAL, ">=", STRICT, "TT:b", K(compare))                                                       \
    X(IS_DISTINCT, "is distinct from", OPEN_NEVER, "TT:b", K(distinct))                                      \
    X(IS_NOT_DISTINCT, "is not distinct from", OPEN_NEVER, "TT:b", K(distinct))                              \
    X(LIKE, "like", STRICT, "tt:b! ttt:b!", K(like)) /* pattern, escape */                                   \
    X(ILIKE, "ilike", STRICT, "tt:b! ttt:b!", K(like))                                                       \
    X(CONCATENATE, "||", STRICT, "tt:t tx:t xt:t", R(concat))                                           \
    X(AND, "and", CONNECTIVE, "bb+:b", L(connective))                                                        \
    X(OR, "or", CONNECTIVE, "bb+:b", L(connective))                                                          \
    X(NOT, "not", STRICT, "b:b", K(truth_test))                                                              \
    X(NEGATE, "neg", STRICT, "f:f n:n l:l! i:i! v:v!", K(negate_float64), K(negate_decimal),                 \
       K(negate_int64), K(negate_int32), R(negate_interval))                                                 \
    X(BIT_NOT, "~", STRICT, "i:i l:l", K(bit_not_int32), K(bit_not_int64))                                   \
    X(IS_NULL, "is null", OPEN_NEVER, "A:b", K(null_test))                                                   \
    X(IS_NOT_NULL, "is not null", OPEN_NEVER, "A:b", K(null_test))                                           \
    X(IS_TRUE, "is true", OPEN_NEVER, "b:b", K(truth_test))                                                  \
    X(IS_FALSE, "is false", OPEN_NEVER, "b:b", K(truth_test))                                                \
    X(CASE, "case", CASE, "C:T", L(case))                                                                    \
    X(COALESCE, "coalesce", COALESCE, "T+:T", L(coalesce))                                                   \
    X(NULLIF, "nullif", OPEN_ALWAYS, "TT:T", K(nullif))                                                      \
    X(GREATEST, "greatest", OPEN_ALL, "T+:T", K(extreme))                                                    \
    X(LEAST, "least", OPEN_ALL, "T+:T", K(extreme))                                                          \
    X(CAST, "cast", STRICT, "", K(cast)) /* to the call's type: od_expr_cast */                              \
    X(FIT_NUMERIC, "numeric", STRICT, "nii:n!", R(fit_numeric)) /* a cast to numeric(p,                      \
       s): precision and scale */                                                                            \
    X(FIT_VARCHAR, "varchar", STRICT, "ti:t", R(left)) /* a cast to varchar(n): cut to n characters */       \
    X(FIT_SMALLINT, "smallint", STRICT, "i:i!", R(fit_smallint)) /* a cast to smallint */                    \
    X(ABS, "abs", STRICT, "f:f n:n l:l! i:i!", K(abs_float64), K(abs_decimal), K(abs_int64), K(abs_int32))   \
    X(SIGN, "sign", STRICT, "f:f n:n", R(sign))                                                              \
    X(FLOOR, "floor", STRICT, "f:f n:n!", K(floor), R(round_decimal))                                        \
    X(CEIL, "ceil", STRICT, "f:f n:n!", K(ceil), R(round_decimal))                                           \
    X(ROUND, "round", STRICT, "f:f n:n! ni:n!", K(round),                                                    \
       R(round_decimal)) /* double precision: half to even; numeric: half away */                            \
    X(TRUNC, "trunc", STRICT, "f:f n:n ni:n", K(trunc), R(round_decimal))                                    \
    X(SQRT, "sqrt", STRICT, "f:f! n:n!", K(sqrt), R(sqrt_decimal))                                           \
    X(CBRT, "cbrt", STRICT, "f:f", R(cbrt))                                                                  \
    X(EXP, "exp", STRICT, "f:f! n:n!", R(exp), R(exp_decimal))                                                               \
    X(LN, "ln", STRICT, "f:f! n:n!", R(ln), R(ln_decimal))                                                                  \
    X(LOG, "log", STRICT, "f:f! n:n! nn:n!", R(log), R(log_decimal))                                                         \
    X(POWER, "power", STRICT, "ff:f! nn:n!", R(power), R(power_decimal))                                     \
    X(PI, "pi", STRICT, ":f", R(pi))                                                                         \
    X(DEGREES, "degrees", STRICT, "f:f!", R(degrees))                                                        \
    X(RADIANS, "radians", STRICT, "f:f!", R(radians))                                                        \
    X(SIN, "sin", STRICT, "f:f!", R(sin))                                                                    \
    X(COS, "cos", STRICT, "f:f!", R(cos))                                                                    \
    X(TAN, "tan", STRICT, "f:f!", R(tan))                                                                    \
    X(COT, "cot", STRICT, "f:f!", R(cot))                                                                    \
    X(ASIN, "asin", STRICT, "f:f!", R(asin))                                                                 \
    X(ACOS, "acos", STRICT, "f:f!", R(acos))                                                                 \
    X(ATAN, "atan", STRICT, "f:f!", R(atan))                                                                 \
    X(ATAN2, "atan2", STRICT, "ff:f!", R(atan2))                                                             \
    X(SINH, "sinh", STRICT, "f:f!", R(sinh))                                                                 \
    X(COSH, "cosh", STRICT, "f:f!", R(cosh))                                                                 \
    X(TANH, "tanh", STRICT, "f:f!", R(tanh))                                                                 \
    X(ASINH, "asinh", STRICT, "f:f!", R(asinh))                                                              \
    X(ACOSH, "acosh", STRICT, "f:f!", R(acosh))                                                              \
    X(ATANH, "atanh", STRICT, "f:f!", R(atanh))                                                              \
    X(DIV, "div", STRICT, "nn:n!", R(div))                                                                   \
    X(GCD, "gcd", STRICT, "ii:i! ll:l! nn:n~", R(gcd))                                                       \
    X(LCM, "lcm", STRICT, "ii:i! ll:l! nn:n~", R(gcd))                                                       \
    X(SCALE, "scale", STRICT, "n:i", R(scale))                                                               \
    X(MIN_SCALE, "min_scale", STRICT, "n:i", R(scale))                                                       \
    X(TRIM_SCALE, "trim_scale", STRICT, "n:n", R(scale))                                                     \
    X(LOWER, "lower", STRICT, "t:t", R(change_case)) /* ASCII letters only (collation "C"),                  \
       as in upper and initcap */                                                                            \
    X(UPPER, "upper", STRICT, "t:t", R(change_case))                                                         \
    X(INITCAP, "initcap", STRICT, "t:t", R(change_case))                                                     \
    X(LENGTH, "length", STRICT, "t:i", R(length)) /* characters */                                           \
    X(OCTET_LENGTH, "octet_length", STRICT, "t:i", R(octet_length))                                          \
    X(BIT_LENGTH, "bit_length", STRICT, "t:i", R(octet_length))                                              \
    X(SUBSTRING, "substring", STRICT, "tt:t~ ttt:t~ ti:t tii:t!", R(substring))                              \
    X(OVERLAY, "overlay", STRICT, "tti:t! ttii:t!", R(overlay))                                              \
    X(BTRIM, "btrim", STRICT, "t:t tt:t", R(trim))                                                           \
    X(LTRIM, "ltrim", STRICT, "t:t tt:t", R(trim))                                                           \
    X(RTRIM, "rtrim", STRICT, "t:t tt:t", R(trim))                                                           \
    X(REPLACE, "replace", STRICT, "ttt:t!", R(replace))                                                      \
    X(STRPOS, "strpos", STRICT, "tt:i", R(strpos)) /* the text first; also position(substring in text) */    \
    X(LEFT, "left", STRICT, "ti:t", R(left))                                                                 \
    X(RIGHT, "right", STRICT, "ti:t", R(left))                                                               \
    X(LPAD, "lpad", STRICT, "ti:t! tit:t!", R(pad))                                                          \
    X(RPAD, "rpad", STRICT, "ti:t! tit:t!", R(pad))                                                          \
    X(REPEAT, "repeat", STRICT, "ti:t!", R(repeat))                                                          \
    X(REVERSE, "reverse", STRICT, "t:t", R(reverse))                                                         \
    X(CONCAT, "concat", OPEN_NEVER, "A+:t", R(concat))                                                       \
    X(CONCAT_WS, "concat_ws", OPEN_FIRST, "tA+:t", R(concat))                                                \
    X(SPLIT_PART, "split_part", STRICT, "tti:t!", R(split_part))                                             \
    X(STARTS_WITH, "starts_with", STRICT, "tt:b", R(starts_with))                                            \
    X(ASCII, "ascii", STRICT, "t:i", R(ascii))                                                               \
    X(CHR, "chr", STRICT, "i:t!", R(chr))                                                                    \
    X(TRANSLATE, "translate", STRICT, "ttt:t", R(translate))                                                 \
    X(MD5, "md5", STRICT, "t:t", R(md5))                                                                     \
    X(TO_HEX, "to_hex", STRICT, "i:t l:t", R(to_hex))                                                        \
    X(EXTRACT, "extract", STRICT, "td:n ts:n tv:n", K(extract)) /* field, a literal */                       \
    X(DATE_PART, "date_part", STRICT, "ts:f tv:f", K(extract))                                          \
    X(DATE_TRUNC, "date_trunc", STRICT, "ts:s! tv:v~", K(date_trunc)) /* unit, a literal */                  \
    X(MAKE_DATE, "make_date", STRICT, "iii:d!", R(make_date))                                                \
    X(MAKE_TIMESTAMP, "make_timestamp", STRICT, "iiiiif:s!", R(make_timestamp))

enum od_function {
#define X(name, ...) OD_FUNCTION_##name,
    OD_FUNCTION_LIST(X)
#undef X
        OD_FUNCTION_COUNT
};
/* What comes before it is written as an operator or by syntax of its own; the others are called by name. */
#define OD_FUNCTION_FIRST_CALLABLE OD_FUNCTION_ABS

struct od_function_info {
    const char *text;
    enum od_function_style style;
    const char *signatures;
};
const struct od_function_info *od_function_info(enum od_function function);
const char *od_function_text(enum od_function function);
enum od_function_style od_function_style(enum od_function function);
/* By its name in SQL, in lower case, aliases such as pow included. False when there is none. */
bool od_function_find(const char *name, enum od_function *function_out);
/* Why a function that PostgreSQL has is not here ("no clock: answers must be determinate"); NULL when it has none of that
 * name either, for all we know. */
const char *od_function_refusal(const char *name);

bool od_cast_exists(enum od_type from, enum od_type to, bool *may_fail_out);
/* PostgreSQL makes it by itself: up the numbers, and from date to timestamp. */
bool od_cast_is_implicit(enum od_type from, enum od_type to);

/* Fields that EXTRACT, DATE_PART and DATE_TRUNC know: text, what PostgreSQL takes for it
 * too (any case), of a date too, DATE_TRUNC
 * truncates to it. Their literal argument is checked and put in the first spelling by od_expr_call: kernels see exactly
 * these texts. */
#define OD_TIME_FIELD_LIST(X)                                                                                \
    X(MILLENNIUM, "millennium", "millennia mil mils", true, true)                                            \
    X(CENTURY, "century", "centuries cent c", true, true)                                                    \
    X(DECADE, "decade", "decades dec decs", true, true)                                                      \
    X(YEAR, "year", "years y yr yrs", true, true)                                                            \
    X(ISOYEAR, "isoyear", "", true, false)                                                                   \
    X(QUARTER, "quarter", "qtr", true, true)                                                                 \
    X(MONTH, "month", "months mon mons", true, true)                                                         \
    X(WEEK, "week", "weeks w", true, true) /* ISO 8601; truncates to its Monday */                           \
    X(DAY, "day", "days d", true, true)                                                                      \
    X(DOW, "dow", "", true, false)       /* 0 Sunday .. 6 */                                                 \
    X(ISODOW, "isodow", "", true, false) /* 1 Monday .. 7 */                                                 \
    X(DOY, "doy", "", true, false)       /* 1..366 */                                                        \
    X(JULIAN, "julian", "jd j", true, false)                                                                 \
    X(HOUR, "hour", "hours h hr hrs", false, true)                                                           \
    X(MINUTE, "minute", "minutes m min mins", false, true)                                                   \
    X(SECOND, "second", "seconds s sec secs", false, true)                                                   \
    X(MILLISECONDS, "milliseconds", "millisecond ms msec msecs msecond mseconds", false, true)               \
    X(MICROSECONDS, "microseconds", "microsecond us usec usecs usecond useconds", false, true)               \
    X(EPOCH, "epoch", "", true, false) /* seconds since 1970 */

enum od_time_field {
#define X(name, ...) OD_TIME_FIELD_##name,
    OD_TIME_FIELD_LIST(X)
#undef X
        OD_TIME_FIELD_COUNT
};
struct od_time_field_info {
    const char *text;
    const char *others;
    bool of_date;
    bool truncates;
};
const struct od_time_field_info *od_time_field_info(enum od_time_field field);
/* False when there is no such field. */
bool od_time_field_find(const char *text, uint32_t size, enum od_time_field *field_out);

/* --- signatures --------------------------------------------------------------------------------------------------------- */

/* One signature, taken apart. */
struct od_signature {
    const char *letters;
    uint32_t letter_count; /* without + */
    bool repeats;          /* the last letter, once or more */
    char result;
    bool may_fail;
    bool is_refused;
};
/* The signature at *at, which is moved behind it; false at the end of the list. */
bool od_signature_next(const char **at, struct od_signature *signature_out);
bool od_signature_takes_count(const struct od_signature *signature, uint32_t count);
/* The letter for argument `position` of `count`. */
char od_signature_letter(const struct od_signature *signature, uint32_t position, uint32_t count);
/* OD_TYPE_COUNT for the letters T, A and C; text for x. */
enum od_type od_signature_type(char letter);

#endif
