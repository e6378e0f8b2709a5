/* model_number: arithmetic, and functions of numbers. Integers are computed in 128 bits and must fit the result's type;
 * doubles follow PostgreSQL's float.c: an infinity or a zero that the arguments do not explain is an error. */
#include "properties/model_parts.h"

#include "engine/core/assert.h"
#include "properties/model_decimal.h"

#include <math.h>

/* --- arithmetic ----------------------------------------------------------------------------------------- */

/* A whole number that must fit into the call's type. */
static enum od_status checked_integer(const struct od_model_call *call, __int128 number)
{
    bool is_wide = call->expr->type == OD_TYPE_INT64;
    call->result->int64 = (int64_t)number;
    if (number == (is_wide ? (int64_t)number : (int32_t)number))
        return OD_OK;
    return od_fail(call->model->error, OD_EVALUATION, "%s out of range", od_type_text(call->expr->type));
}

static enum od_status checked_decimal(const struct od_model_call *call, char operation)
{
    const struct od_decimal *left = &call->arguments[0].decimal, *right = &call->arguments[1].decimal;
    if ((operation == '/' || operation == '%' || operation == 'd') && od_decimal_coefficient(right) == 0)
        return od_model_no_value(call->model, "division by zero");
    return od_model_decimal_arithmetic(operation, left, right, &call->result->decimal)
               ? OD_OK
               : od_model_no_value(call->model, "numeric out of range");
}

/* PostgreSQL's float8 checks: an infinite result of finite arguments is an overflow. */
static enum od_status checked_float(const struct od_model_call *call, double number)
{
    bool finite = true;
    for (uint32_t i = 0; i < call->count; i++)
        finite &= !isinf(call->arguments[i].float64);
    call->result->float64 = number;
    return isinf(number) && finite ? od_model_no_value(call->model, "value out of range: overflow") : OD_OK;
}

static enum od_status add(const struct od_model_call *call)
{
    const struct od_value *left = &call->arguments[0], *right = &call->arguments[1];
    if (left->type == OD_TYPE_DECIMAL)
        return checked_decimal(call, '+');
    if (left->type == OD_TYPE_FLOAT64)
        return checked_float(call, left->float64 + right->float64);
    return checked_integer(call, (__int128)left->int64 + right->int64);
}

static enum od_status subtract(const struct od_model_call *call)
{
    const struct od_value *left = &call->arguments[0], *right = &call->arguments[1];
    if (left->type == OD_TYPE_DECIMAL)
        return checked_decimal(call, '-');
    if (left->type == OD_TYPE_FLOAT64)
        return checked_float(call, left->float64 - right->float64);
    return checked_integer(call, (__int128)left->int64 - right->int64);
}

static enum od_status multiply(const struct od_model_call *call)
{
    const struct od_value *left = &call->arguments[0], *right = &call->arguments[1];
    if (left->type == OD_TYPE_DECIMAL)
        return checked_decimal(call, '*');
    if (left->type != OD_TYPE_FLOAT64)
        return checked_integer(call, (__int128)left->int64 * right->int64);
    double product = left->float64 * right->float64;
    if (product == 0 && left->float64 != 0 && right->float64 != 0)
        return od_model_no_value(call->model, "value out of range: underflow");
    return checked_float(call, product);
}

/* float8_div: an infinite dividend may give infinity, an infinite divisor 0. */
static enum od_status divide_floats(const struct od_model_call *call, double left, double right)
{
    if (right == 0 && !isnan(left))
        return od_model_no_value(call->model, "division by zero");
    call->result->float64 = left / right;
    if (isinf(call->result->float64) && !isinf(left))
        return od_model_no_value(call->model, "value out of range: overflow");
    if (call->result->float64 == 0 && left != 0 && !isinf(right))
        return od_model_no_value(call->model, "value out of range: underflow");
    return OD_OK;
}

static enum od_status divide(const struct od_model_call *call)
{
    const struct od_value *left = &call->arguments[0], *right = &call->arguments[1];
    if (left->type == OD_TYPE_DECIMAL)
        return checked_decimal(call, '/');
    if (left->type == OD_TYPE_FLOAT64)
        return divide_floats(call, left->float64, right->float64);
    if (right->int64 == 0)
        return od_model_no_value(call->model, "division by zero");
    return checked_integer(call, (__int128)left->int64 / right->int64);
}

static enum od_status modulo(const struct od_model_call *call)
{
    if (call->arguments[0].type == OD_TYPE_DECIMAL)
        return checked_decimal(call, '%');
    int64_t left = call->arguments[0].int64, right = call->arguments[1].int64;
    if (right == 0)
        return od_model_no_value(call->model, "division by zero");
    call->result->int64 = right == -1 ? 0 : left % right;
    return OD_OK;
}

static enum od_status negate(const struct od_model_call *call)
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

static enum od_status absolute(const struct od_model_call *call)
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

/* --- bits ----------------------------------------------------------------------------------------------- */

static enum od_status bits(const struct od_model_call *call)
{
    uint64_t left = (uint64_t)call->arguments[0].int64;
    uint64_t right = call->count > 1 ? (uint64_t)call->arguments[1].int64 : 0;
    enum od_function function = call->expr->function;
    uint64_t word = function == OD_FUNCTION_BIT_AND   ? left & right
                    : function == OD_FUNCTION_BIT_OR  ? left | right
                    : function == OD_FUNCTION_BIT_XOR ? left ^ right
                                                      : ~left;
    call->result->int64 = (int64_t)word;
    return OD_OK;
}

/* The machine's shifts, as in PostgreSQL: of the count only so many bits are looked at as the word has places. */
static enum od_status shift(const struct od_model_call *call)
{
    bool is_wide = call->expr->type == OD_TYPE_INT64;
    int count = (int)(call->arguments[1].int64 & (is_wide ? 63 : 31));
    int64_t word = call->arguments[0].int64;
    if (call->expr->function == OD_FUNCTION_SHIFT_RIGHT)
        call->result->int64 = word >> count;
    else
        call->result->int64 =
            is_wide ? (int64_t)((uint64_t)word << count) : (int32_t)((uint32_t)word << count);
    return OD_OK;
}

/* --- whole numbers -------------------------------------------------------------------------------------- */

static enum od_status greatest_divisor(const struct od_model_call *call)
{
    __int128 a = call->arguments[0].int64, b = call->arguments[1].int64, rest;
    __int128 product = a * b;
    for (; b != 0; a = b, b = rest)
        rest = a % b;
    a = a < 0 ? -a : a;
    if (call->expr->function == OD_FUNCTION_GCD)
        return checked_integer(call, a);
    product = product < 0 ? -product : product;
    return checked_integer(call, a == 0 ? 0 : product / a);
}

static enum od_status fit_smallint(const struct od_model_call *call)
{
    int64_t number = call->arguments[0].int64;
    call->result->int64 = number;
    return number == (int16_t)number ? OD_OK : od_model_no_value(call->model, "smallint out of range");
}

/* --- rounding ------------------------------------------------------------------------------------------- */

/* Numerics round half away from zero, to any number of digits; doubles half to even. */
static enum od_status round_number(const struct od_model_call *call)
{
    enum od_function function = call->expr->function;
    double number = call->arguments[0].float64;
    if (call->expr->type == OD_TYPE_DECIMAL) {
        char how = function == OD_FUNCTION_FLOOR   ? 'f'
                   : function == OD_FUNCTION_CEIL  ? 'c'
                   : function == OD_FUNCTION_TRUNC ? 't'
                                                   : 'r';
        int64_t scale = call->count == 2 ? call->arguments[1].int64 : 0;
        scale = scale > 100 ? 100 : scale < -100 ? -100 : scale;
        return od_model_decimal_round(how, &call->arguments[0].decimal, (int)scale, &call->result->decimal)
                   ? OD_OK
                   : od_model_no_value(call->model, "numeric out of range");
    }
    call->result->float64 = function == OD_FUNCTION_FLOOR   ? floor(number)
                            : function == OD_FUNCTION_CEIL  ? ceil(number)
                            : function == OD_FUNCTION_TRUNC ? trunc(number)
                                                            : nearbyint(number);
    return OD_OK;
}

/* A cast to numeric(precision, scale). */
static enum od_status fit_numeric(const struct od_model_call *call)
{
    int64_t precision = call->arguments[1].int64, scale = call->arguments[2].int64, whole = precision - scale;
    struct od_decimal *result = &call->result->decimal;
    bool fits = scale >= -100 && scale <= 100 &&
                od_model_decimal_round('r', &call->arguments[0].decimal, (int)scale, result);
    if (fits && whole < OD_DECIMAL_DIGITS_MAX) {
        __int128 power = 1;
        for (int64_t i = 0; i < whole; i++)
            power *= 10;
        struct od_decimal bound = od_decimal_make(power, whole < 0 ? (uint32_t)-whole : 0);
        struct od_decimal magnitude = *result;
        if (od_decimal_coefficient(result) < 0)
            magnitude = od_decimal_make(-od_decimal_coefficient(result), (uint32_t)result->scale);
        fits = od_model_decimal_compare(&magnitude, &bound) < 0;
    }
    return fits ? OD_OK : od_model_no_value(call->model, "numeric field overflow");
}

static enum od_status sign(const struct od_model_call *call)
{
    const struct od_value *value = &call->arguments[0];
    __int128 coefficient = value->type == OD_TYPE_DECIMAL ? od_decimal_coefficient(&value->decimal) : 0;
    if (value->type == OD_TYPE_DECIMAL)
        call->result->decimal = od_decimal_make(coefficient < 0 ? -1 : coefficient > 0, 0);
    else
        call->result->float64 = value->float64 > 0 ? 1 : value->float64 < 0 ? -1 : 0; /* NaN too */
    return OD_OK;
}

/* scale, min_scale, trim_scale. */
static enum od_status scale_of(const struct od_model_call *call)
{
    __int128 coefficient = od_decimal_coefficient(&call->arguments[0].decimal);
    uint32_t scale = (uint32_t)call->arguments[0].decimal.scale;
    while (call->expr->function != OD_FUNCTION_SCALE && scale > 0 && coefficient % 10 == 0) {
        coefficient /= 10;
        scale--;
    }
    if (call->expr->type == OD_TYPE_DECIMAL)
        call->result->decimal = od_decimal_make(coefficient, scale);
    else
        call->result->int64 = scale;
    return OD_OK;
}

static enum od_status divide_whole(const struct od_model_call *call)
{
    return checked_decimal(call, 'd');
}

/* --- functions of doubles ------------------------------------------------------------------------------- */

static enum od_status square_root(const struct od_model_call *call)
{
    const struct od_value *value = &call->arguments[0];
    bool is_decimal = value->type == OD_TYPE_DECIMAL;
    if (is_decimal ? od_decimal_coefficient(&value->decimal) < 0 : value->float64 < 0)
        return od_model_no_value(call->model, "cannot take square root of a negative number");
    if (!is_decimal) {
        call->result->float64 = sqrt(value->float64);
        return OD_OK;
    }
    return od_model_decimal_root(&value->decimal, &call->result->decimal)
               ? OD_OK
               : od_model_no_value(call->model, "numeric out of range");
}

/* POSIX's pow(), whose special cases PostgreSQL 15 has written out; what is neither finite nor explained is an error. */
static enum od_status power(const struct od_model_call *call)
{
    double base = call->arguments[0].float64, exponent = call->arguments[1].float64;
    if (call->expr->type == OD_TYPE_DECIMAL)
        return od_model_unknown(call->model, "powers of numerics");
    if (base == 0 && exponent < 0)
        return od_model_no_value(call->model, "zero raised to a negative power is undefined");
    if (base < 0 && !isnan(exponent) && floor(exponent) != exponent)
        return od_model_no_value(call->model,
                                 "a negative number raised to a non-integer power yields a complex result");
    call->result->float64 = pow(base, exponent);
    if (!isfinite(base) || !isfinite(exponent))
        return OD_OK;
    if (isinf(call->result->float64) || (call->result->float64 == 0 && base != 0))
        return od_model_no_value(call->model, "value out of range");
    return OD_OK;
}

static double of_double(enum od_function function, double x)
{
    static const double radians_per_degree = 0.0174532925199432957692;
    switch (function) {
    case OD_FUNCTION_CBRT:
        return cbrt(x);
    case OD_FUNCTION_EXP:
        return exp(x);
    case OD_FUNCTION_LN:
        return log(x);
    case OD_FUNCTION_LOG:
        return log10(x);
    case OD_FUNCTION_DEGREES:
        return x / radians_per_degree;
    case OD_FUNCTION_RADIANS:
        return x * radians_per_degree;
    case OD_FUNCTION_SIN:
        return sin(x);
    case OD_FUNCTION_COS:
        return cos(x);
    case OD_FUNCTION_TAN:
        return tan(x);
    case OD_FUNCTION_COT:
        return 1.0 / tan(x);
    case OD_FUNCTION_ASIN:
        return asin(x);
    case OD_FUNCTION_ACOS:
        return acos(x);
    case OD_FUNCTION_ATAN:
        return atan(x);
    case OD_FUNCTION_SINH:
        return sinh(x);
    case OD_FUNCTION_COSH:
        return cosh(x);
    case OD_FUNCTION_TANH:
        return tanh(x);
    case OD_FUNCTION_ASINH:
        return asinh(x);
    case OD_FUNCTION_ACOSH:
        return acosh(x);
    case OD_FUNCTION_ATANH:
        return atanh(x);
    default:
        od_unreachable();
    }
}

/* Is there a value at all? */
static bool is_in_domain(enum od_function function, double x)
{
    switch (function) {
    case OD_FUNCTION_LN:
    case OD_FUNCTION_LOG:
        return !(x <= 0);
    case OD_FUNCTION_SIN:
    case OD_FUNCTION_COS:
    case OD_FUNCTION_TAN:
    case OD_FUNCTION_COT:
        return !isinf(x);
    case OD_FUNCTION_ASIN:
    case OD_FUNCTION_ACOS:
    case OD_FUNCTION_ATANH:
        return !(x < -1 || x > 1);
    case OD_FUNCTION_ACOSH:
        return !(x < 1);
    default:
        return true;
    }
}

static enum od_status one_double(const struct od_model_call *call)
{
    enum od_function function = call->expr->function;
    double x = call->arguments[0].float64;
    if (call->expr->type != OD_TYPE_FLOAT64)
        return od_model_unknown(call->model, od_function_text(function));
    if (!is_in_domain(function, x))
        return od_model_no_value(call->model, "input is out of range");
    double number = of_double(function, x);
    call->result->float64 = number;
    bool is_checked =
        function == OD_FUNCTION_EXP || function == OD_FUNCTION_DEGREES || function == OD_FUNCTION_RADIANS;
    if (is_checked && isinf(number) && !isinf(x))
        return od_model_no_value(call->model, "value out of range: overflow");
    if (is_checked && number == 0 && x != 0 && !isinf(x))
        return od_model_no_value(call->model, "value out of range: underflow");
    return OD_OK;
}

static enum od_status angle(const struct od_model_call *call)
{
    call->result->float64 = atan2(call->arguments[0].float64, call->arguments[1].float64);
    return OD_OK;
}

static enum od_status pi(const struct od_model_call *call)
{
    call->result->float64 = 3.14159265358979323846;
    return OD_OK;
}

/* --- the table ------------------------------------------------------------------------------------------ */

od_model_apply od_model_number_function(enum od_function function)
{
    static const od_model_apply functions[OD_FUNCTION_COUNT] = {
        [OD_FUNCTION_ADD] = add,
        [OD_FUNCTION_SUBTRACT] = subtract,
        [OD_FUNCTION_MULTIPLY] = multiply,
        [OD_FUNCTION_DIVIDE] = divide,
        [OD_FUNCTION_MODULO] = modulo,
        [OD_FUNCTION_NEGATE] = negate,
        [OD_FUNCTION_ABS] = absolute,
        [OD_FUNCTION_BIT_AND] = bits,
        [OD_FUNCTION_BIT_OR] = bits,
        [OD_FUNCTION_BIT_XOR] = bits,
        [OD_FUNCTION_BIT_NOT] = bits,
        [OD_FUNCTION_SHIFT_LEFT] = shift,
        [OD_FUNCTION_SHIFT_RIGHT] = shift,
        [OD_FUNCTION_GCD] = greatest_divisor,
        [OD_FUNCTION_LCM] = greatest_divisor,
        [OD_FUNCTION_FIT_SMALLINT] = fit_smallint,
        [OD_FUNCTION_FIT_NUMERIC] = fit_numeric,
        [OD_FUNCTION_FLOOR] = round_number,
        [OD_FUNCTION_CEIL] = round_number,
        [OD_FUNCTION_ROUND] = round_number,
        [OD_FUNCTION_TRUNC] = round_number,
        [OD_FUNCTION_SIGN] = sign,
        [OD_FUNCTION_SCALE] = scale_of,
        [OD_FUNCTION_MIN_SCALE] = scale_of,
        [OD_FUNCTION_TRIM_SCALE] = scale_of,
        [OD_FUNCTION_DIV] = divide_whole,
        [OD_FUNCTION_SQRT] = square_root,
        [OD_FUNCTION_POWER] = power,
        [OD_FUNCTION_CBRT] = one_double,
        [OD_FUNCTION_EXP] = one_double,
        [OD_FUNCTION_LN] = one_double,
        [OD_FUNCTION_LOG] = one_double,
        [OD_FUNCTION_DEGREES] = one_double,
        [OD_FUNCTION_RADIANS] = one_double,
        [OD_FUNCTION_SIN] = one_double,
        [OD_FUNCTION_COS] = one_double,
        [OD_FUNCTION_TAN] = one_double,
        [OD_FUNCTION_COT] = one_double,
        [OD_FUNCTION_ASIN] = one_double,
        [OD_FUNCTION_ACOS] = one_double,
        [OD_FUNCTION_ATAN] = one_double,
        [OD_FUNCTION_SINH] = one_double,
        [OD_FUNCTION_COSH] = one_double,
        [OD_FUNCTION_TANH] = one_double,
        [OD_FUNCTION_ASINH] = one_double,
        [OD_FUNCTION_ACOSH] = one_double,
        [OD_FUNCTION_ATANH] = one_double,
        [OD_FUNCTION_ATAN2] = angle,
        [OD_FUNCTION_PI] = pi,
    };
    return functions[function];
}
