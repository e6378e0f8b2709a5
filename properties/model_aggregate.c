/* model_aggregate: one aggregate over the rows of one group or frame, all at once.
 *
 *   rows -> filter -> arguments -> without NULLs -> in order -> each once if DISTINCT -> the function
 *
 * Rows of a frame are in the window's order already, which is the one that counts.
 *
 * Integers and numerics are added digit by digit (model_decimal.h), doubles exactly (model_float.c). Functions of two doubles are
 * PostgreSQL's formulas (float.c) over exact sums, each rounded once. */
#include "properties/model_parts.h"

#include "engine/core/assert.h"
#include "properties/model_decimal.h"

#include <math.h>
#include <string.h>

/* One row that counts: the argument, the second one (or NULL, if there is none), the keys of ORDER BY. */
struct row {
    struct od_value argument, second;
    const struct od_value *keys;
};
struct rows {
    struct row *items;
    uint32_t count;
};

/* --- which rows, and in what order ---------------------------------------------------------------------- */

static enum od_status evaluate_row(const struct od_model *model, const struct od_aggregate *aggregate,
                                   const struct od_value *cells, struct row *row, bool *counts_out)
{
    struct od_value *keys = od_arena_take_array(model->arena, aggregate->key_count + 1, sizeof(*keys));
    bool is_within_group = od_aggregate_is_within_group(aggregate->function);
    *row = (struct row){
        {.type = OD_TYPE_BOOLEAN, .boolean = true}, {.type = OD_TYPE_BOOLEAN, .is_null = true}, keys};
    *counts_out = false;
    if (keys == NULL)
        return od_model_no_memory(model);
    if (aggregate->filter != NULL)
        OD_TRY(od_model_evaluate(model, aggregate->filter, cells, &row->argument));
    if (row->argument.is_null || !row->argument.boolean)
        return OD_OK;
    if (aggregate->argument != NULL)
        OD_TRY(od_model_evaluate(model, aggregate->argument, cells, &row->argument));
    if (aggregate->second != NULL && !is_within_group)
        OD_TRY(od_model_evaluate(model, aggregate->second, cells, &row->second));
    for (uint32_t i = 0; i < aggregate->key_count; i++)
        OD_TRY(od_model_evaluate(model, aggregate->keys[i].expr, cells, &keys[i]));
    *counts_out = !row->argument.is_null;
    return OD_OK;
}

/* By the keys, then the arguments as SQL compares them, then all that can be seen of them. */
static int order_rows(const struct od_aggregate *aggregate, const struct row *left, const struct row *right)
{
    static const struct od_sort_key ascending = {NULL, false, false};
    int order = 0;
    for (uint32_t i = 0; i < aggregate->key_count && order == 0; i++)
        order = od_model_order_by_key(&aggregate->keys[i], &left->keys[i], &right->keys[i]);
    order = order != 0 ? order : od_model_order_by_key(&ascending, &left->argument, &right->argument);
    order = order != 0 ? order : od_model_order_by_key(&ascending, &left->second, &right->second);
    order = order != 0 ? order : od_answer_compare_values(&left->argument, &right->argument);
    order = order != 0 ? order : od_answer_compare_values(&left->second, &right->second);
    return order != 0 ? order : od_answer_compare_rows(left->keys, right->keys, aggregate->key_count);
}

/* Of rows with equal arguments the last one stays. */
static void drop_repeated(struct rows *rows)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < rows->count; i++) {
        bool repeats = kept > 0 &&
                       od_model_equal(&rows->items[kept - 1].argument, &rows->items[i].argument, 1) &&
                       od_model_equal(&rows->items[kept - 1].second, &rows->items[i].second, 1);
        kept += !repeats;
        rows->items[kept - 1] = rows->items[i];
    }
    rows->count = kept;
}

static enum od_status collect(const struct od_model *model, const struct od_aggregate *aggregate,
                              const struct od_value *const *cells, uint32_t row_count, bool is_frame,
                              struct rows *rows)
{
    rows->count = 0;
    rows->items = od_arena_take_array(model->arena, (size_t)row_count + 1, sizeof(*rows->items));
    if (rows->items == NULL)
        return od_model_no_memory(model);
    for (uint32_t i = 0; i < row_count; i++) {
        bool counts;
        struct row row;
        OD_TRY(evaluate_row(model, aggregate, cells[i], &row, &counts));
        if (!counts)
            continue;
        uint32_t at = rows->count++;
        for (; !is_frame && at > 0 && order_rows(aggregate, &row, &rows->items[at - 1]) < 0; at--)
            rows->items[at] = rows->items[at - 1];
        rows->items[at] = row;
    }
    if (aggregate->distinct)
        drop_repeated(rows);
    return OD_OK;
}

/* --- chosen values -------------------------------------------------------------------------------------- */

static void smallest(const struct rows *rows, bool largest, struct od_value *value_out)
{
    *value_out = rows->items[0].argument;
    for (uint32_t i = 1; i < rows->count; i++) {
        int order = od_answer_compare_values(&rows->items[i].argument, value_out);
        if (largest ? order > 0 : order < 0)
            *value_out = rows->items[i].argument;
    }
}

static void fold_bits(const struct rows *rows, enum od_aggregate_function function,
                      struct od_value *value_out)
{
    *value_out = rows->items[0].argument;
    for (uint32_t i = 1; i < rows->count; i++) {
        const struct od_value *item = &rows->items[i].argument;
        if (function == OD_AGGREGATE_BOOL_AND)
            value_out->boolean = value_out->boolean && item->boolean;
        else if (function == OD_AGGREGATE_BOOL_OR)
            value_out->boolean = value_out->boolean || item->boolean;
        else if (function == OD_AGGREGATE_BIT_AND)
            value_out->int64 &= item->int64;
        else if (function == OD_AGGREGATE_BIT_OR)
            value_out->int64 |= item->int64;
        else
            value_out->int64 ^= item->int64;
    }
}

/* Each text but the first behind its own row's separator. */
static enum od_status string_agg(const struct od_model *model, const struct rows *rows,
                                 struct od_value *value_out)
{
    size_t size = 0;
    for (uint32_t i = 0; i < rows->count; i++)
        size += rows->items[i].argument.text.size +
                (rows->items[i].second.is_null ? 0 : rows->items[i].second.text.size);
    char *bytes = od_arena_take(model->arena, size + 1);
    if (bytes == NULL)
        return od_model_no_memory(model);
    size = 0;
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct od_value *parts[2] = {&rows->items[i].second, &rows->items[i].argument};
        for (uint32_t k = i == 0 ? 1 : 0; k < 2; k++) {
            if (parts[k]->is_null || parts[k]->text.size == 0)
                continue;
            memcpy(bytes + size, parts[k]->text.bytes, parts[k]->text.size);
            size += parts[k]->text.size;
        }
    }
    value_out->text.bytes = bytes;
    value_out->text.size = (uint32_t)size;
    return OD_OK;
}

/* The value that comes most often; of several the first. */
static void most_frequent(const struct rows *rows, struct od_value *value_out)
{
    uint32_t best = 0;
    for (uint32_t i = 0; i < rows->count; i++) {
        uint32_t count = 0;
        for (uint32_t k = 0; k < rows->count; k++)
            count += od_model_equal(&rows->items[i].argument, &rows->items[k].argument, 1);
        if (count > best)
            *value_out = rows->items[i].argument;
        best = count > best ? count : best;
    }
}

static enum od_status percentile(const struct od_model *model, const struct od_aggregate *aggregate,
                                 const struct rows *rows, struct od_value *value_out)
{
    struct od_value fraction;
    OD_TRY(od_model_evaluate(model, aggregate->second, NULL, &fraction));
    value_out->is_null = fraction.is_null || rows->count == 0;
    if (!fraction.is_null && !(fraction.float64 >= 0 && fraction.float64 <= 1))
        return od_model_no_value(model, "percentile value is not between 0 and 1");
    if (value_out->is_null)
        return OD_OK;
    if (aggregate->function == OD_AGGREGATE_PERCENTILE_DISC) {
        uint32_t number = (uint32_t)ceil(fraction.float64 * rows->count);
        *value_out = rows->items[number == 0 ? 0 : number - 1].argument;
        return OD_OK;
    }
    double place = fraction.float64 * (double)(rows->count - 1);
    double low = rows->items[(uint32_t)floor(place)].argument.float64;
    double high = rows->items[(uint32_t)ceil(place)].argument.float64;
    value_out->float64 = floor(place) == ceil(place) ? low : low + (place - floor(place)) * (high - low);
    return OD_OK;
}

/* --- sums ----------------------------------------------------------------------------------------------- */

/* What model_decimal.h calls it; 0: nothing there. */
static char exact_name(enum od_aggregate_function function)
{
    static const char names[OD_AGGREGATE_COUNT_OF_KINDS] = {
        [OD_AGGREGATE_SUM] = 's',     [OD_AGGREGATE_AVG] = 'a',         [OD_AGGREGATE_VAR_SAMP] = 'v',
        [OD_AGGREGATE_VAR_POP] = 'V', [OD_AGGREGATE_STDDEV_SAMP] = 'd', [OD_AGGREGATE_STDDEV_POP] = 'D'};
    return names[function];
}

/* Integers and numerics alike: all but sum(integer) is a numeric. */
static enum od_status add_exactly(const struct od_model *model, const struct rows *rows, char what,
                                  struct od_value *value_out)
{
    struct od_decimal *numbers = od_arena_take_array(model->arena, rows->count, sizeof(*numbers));
    const struct od_decimal **list = od_arena_take_array(model->arena, rows->count, sizeof(*list));
    if (numbers == NULL || list == NULL)
        return od_model_no_memory(model);
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct od_value *item = &rows->items[i].argument;
        numbers[i] = item->type == OD_TYPE_DECIMAL ? item->decimal : od_model_decimal_of_integer(item->int64);
        list[i] = &numbers[i];
    }
    struct od_decimal result;
    bool fits = od_model_decimal_aggregate(what, list, rows->count, &result);
    if (value_out->type == OD_TYPE_DECIMAL)
        value_out->decimal = result;
    else
        fits = fits && od_model_decimal_to_integer(&result, &value_out->int64);
    return fits ? OD_OK : od_model_no_value(model, "a sum or average is out of range");
}

/* PostgreSQL's names: of N pairs (X, Y) the sums and the centred sums of squares and products. */
struct regression {
    double n, sx, sy, sxx, syy, sxy;
};

static enum od_status add_doubles(const struct od_model *model, const struct rows *rows, bool is_pair,
                                  bool is_spread, struct regression *sums)
{
    double *xs = od_arena_take_array(model->arena, (size_t)rows->count + 1, sizeof(*xs));
    double *ys = od_arena_take_array(model->arena, (size_t)rows->count + 1, sizeof(*ys));
    bool overflows[5] = {false};
    uint32_t count = 0;
    *sums = (struct regression){0, 0, 0, 0, 0, 0};
    if (xs == NULL || ys == NULL)
        return od_model_no_memory(model);
    for (uint32_t i = 0; i < rows->count; i++) {
        if (is_pair && rows->items[i].second.is_null)
            continue;
        ys[count] = rows->items[i].argument.float64;
        xs[count++] = rows->items[i].second.float64;
    }
    sums->n = count;
    if (count == 0)
        return OD_OK;
    OD_TRY(od_model_float_sum(model, ys, count, &sums->sy, &overflows[0]));
    if (is_spread || is_pair)
        OD_TRY(od_model_float_centred(model, ys, ys, count, &sums->syy, &overflows[1]));
    if (is_pair) {
        OD_TRY(od_model_float_sum(model, xs, count, &sums->sx, &overflows[2]));
        OD_TRY(od_model_float_centred(model, xs, xs, count, &sums->sxx, &overflows[3]));
        OD_TRY(od_model_float_centred(model, xs, ys, count, &sums->sxy, &overflows[4]));
    }
    for (uint32_t i = 0; i < 5; i++)
        if (overflows[i])
            return od_model_no_value(model, "value out of range: overflow");
    return OD_OK;
}

/* An average of zero has no sign: PostgreSQL's begins its sum at 0.0 (float8_accum), its sum with the first value. */
static double average(double sum, double n)
{
    return sum == 0 ? 0.0 : sum / n;
}

/* False: NULL. */
static bool end_doubles(enum od_aggregate_function function, const struct regression *r, double *number)
{
    if (r->n == 0)
        return false;
    switch (function) {
    case OD_AGGREGATE_SUM:
        *number = r->sy;
        return true;
    case OD_AGGREGATE_AVG:
    case OD_AGGREGATE_REGR_AVGY:
        *number = average(r->sy, r->n);
        return true;
    case OD_AGGREGATE_REGR_AVGX:
        *number = average(r->sx, r->n);
        return true;
    case OD_AGGREGATE_VAR_POP:
        *number = r->syy / r->n;
        return true;
    case OD_AGGREGATE_VAR_SAMP:
        *number = r->syy / (r->n - 1.0);
        return r->n > 1;
    case OD_AGGREGATE_STDDEV_POP:
        *number = sqrt(r->syy / r->n);
        return true;
    case OD_AGGREGATE_STDDEV_SAMP:
        *number = sqrt(r->syy / (r->n - 1.0));
        return r->n > 1;
    case OD_AGGREGATE_COVAR_POP:
        *number = r->sxy / r->n;
        return true;
    case OD_AGGREGATE_COVAR_SAMP:
        *number = r->sxy / (r->n - 1.0);
        return r->n > 1;
    case OD_AGGREGATE_REGR_SXX:
        *number = r->sxx;
        return true;
    case OD_AGGREGATE_REGR_SYY:
        *number = r->syy;
        return true;
    case OD_AGGREGATE_REGR_SXY:
        *number = r->sxy;
        return true;
    case OD_AGGREGATE_REGR_SLOPE:
        *number = r->sxy / r->sxx;
        return r->sxx != 0;
    case OD_AGGREGATE_REGR_INTERCEPT:
        *number = (r->sy - r->sx * r->sxy / r->sxx) / r->n;
        return r->sxx != 0;
    case OD_AGGREGATE_REGR_R2:
        *number = r->syy == 0 ? 1.0 : (r->sxy * r->sxy) / (r->sxx * r->syy);
        return r->sxx != 0;
    case OD_AGGREGATE_CORR:
        *number = r->sxy / sqrt(r->sxx * r->syy);
        return r->sxx != 0 && r->syy != 0;
    default:
        od_unreachable();
    }
}

static enum od_status of_doubles(const struct od_model *model, const struct od_aggregate *aggregate,
                                 const struct rows *rows, struct od_value *value_out)
{
    struct regression sums;
    bool is_pair = aggregate->second != NULL;
    bool is_spread = exact_name(aggregate->function) != 's' && exact_name(aggregate->function) != 'a';
    if (aggregate->function == OD_AGGREGATE_REGR_COUNT) {
        for (uint32_t i = 0; i < rows->count; i++)
            value_out->int64 += !rows->items[i].second.is_null;
        return OD_OK;
    }
    OD_TRY(add_doubles(model, rows, is_pair, is_spread, &sums));
    value_out->is_null = !end_doubles(aggregate->function, &sums, &value_out->float64);
    return OD_OK;
}

/* --- all of them ---------------------------------------------------------------------------------------- */

enum od_status od_model_aggregate(const struct od_model *model, const struct od_aggregate *aggregate,
                                  const struct od_value *const *cells, uint32_t row_count, bool is_frame,
                                  struct od_value *value_out)
{
    struct rows rows;
    enum od_aggregate_function function = aggregate->function;
    memset(value_out, 0, sizeof(*value_out));
    value_out->type = aggregate->type;
    OD_TRY(collect(model, aggregate, cells, row_count, is_frame, &rows));
    char exact = exact_name(function);
    bool is_percentile = function == OD_AGGREGATE_PERCENTILE_CONT || function == OD_AGGREGATE_PERCENTILE_DISC;
    if (function == OD_AGGREGATE_COUNT_STAR || function == OD_AGGREGATE_COUNT) {
        value_out->int64 = rows.count;
        return OD_OK;
    }
    if (is_percentile)
        return percentile(model, aggregate, &rows, value_out);
    if (function >= OD_AGGREGATE_CORR && function <= OD_AGGREGATE_REGR_R2)
        return of_doubles(model, aggregate, &rows, value_out);
    value_out->is_null = rows.count < (exact == 'v' || exact == 'd' ? 2 : 1);
    if (value_out->is_null)
        return OD_OK;
    if (exact != 0)
        return aggregate->argument->type == OD_TYPE_FLOAT64 ? of_doubles(model, aggregate, &rows, value_out)
                                                            : add_exactly(model, &rows, exact, value_out);
    if (function == OD_AGGREGATE_STRING_AGG)
        return string_agg(model, &rows, value_out);
    if (function == OD_AGGREGATE_MODE)
        most_frequent(&rows, value_out);
    else if (function >= OD_AGGREGATE_BOOL_AND && function <= OD_AGGREGATE_BIT_XOR)
        fold_bits(&rows, function, value_out);
    else
        smallest(&rows, function == OD_AGGREGATE_MAX, value_out);
    return OD_OK;
}
