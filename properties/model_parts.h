/* model_parts: what the files of the model share (and their tests look at); everybody else needs model.h only.
 *
 *   model.c            nodes, one after the other        model_expr.c       expressions: which function, NULLs, branches
 *   model_join.c       joins and APPLY                   model_number.c     arithmetic and functions of numbers
 *   model_window.c     windows                           model_text.c       functions of texts
 *   model_aggregate.c  one aggregate over its rows       model_time.c       calendar, intervals, functions of time
 *   model_float.c      exact sums of doubles             model_cast.c       casts
 *   model_decimal.c    numerics
 *
 * Everything that is made lives in the model's arena; the first error is written to `error` and its status goes up. */
#ifndef OD_PROPERTIES_MODEL_PARTS_H
#define OD_PROPERTIES_MODEL_PARTS_H

#include "engine/plan/logical.h"
#include "properties/answer.h"

/* The left row for which the right side of an APPLY is run: what OD_EXPR_OUTER of depth 1 reads, the next one at depth 2... */
struct od_model_outer {
    const struct od_value *row;
    const struct od_model_outer *next;
};
struct od_model {
    struct od_arena *arena;
    struct od_error *error;
    const struct od_model_outer *outer; /* NULL: no APPLY around */
};

/* --- plans ---------------------------------------------------------------------------------------------- */

enum od_status od_model_node(const struct od_model *model, const struct od_plan *plan,
                             struct od_answer *answer_out);
enum od_status od_model_join(const struct od_model *model, const struct od_plan *plan,
                             struct od_answer *answer_out);
enum od_status od_model_window(const struct od_model *model, const struct od_plan *plan,
                               struct od_answer *answer_out);
/* By the keys, then by the whole row. */
enum od_status od_model_sort(const struct od_model *model, const struct od_sort_key *keys, uint32_t key_count,
                             const struct od_answer *input, struct od_answer *answer_out);
/* One aggregate over the given rows (row pointers into an answer's cells), which are a group or the frame of a window. */
enum od_status od_model_aggregate(const struct od_model *model, const struct od_aggregate *aggregate,
                                  const struct od_value *const *rows, uint32_t row_count, bool is_frame,
                                  struct od_value *value_out);

/* An answer with room for row_count rows, none in it yet. */
enum od_status od_model_make_answer(const struct od_model *model, uint32_t column_count, uint64_t row_count,
                                    struct od_answer *answer_out);
/* The place of one more row. */
struct od_value *od_model_add_row(struct od_answer *answer);
void od_model_copy_cells(struct od_value *target, const struct od_value *source, uint32_t count);
struct od_value od_model_null(enum od_type type);
enum od_status od_model_no_memory(const struct od_model *model);
enum od_status od_model_no_value(const struct od_model *model, const char *reason); /* EVALUATION */
enum od_status od_model_unknown(const struct od_model *model, const char *what);    /* UNSUPPORTED */

/* --- expressions ---------------------------------------------------------------------------------------- */

enum od_status od_model_evaluate(const struct od_model *model, const struct od_expr *expr,
                                 const struct od_value *row, struct od_value *value_out);
/* True means true: not false, not NULL. The conjuncts of a condition are asked in order, and the first that is not true ends
 * it, so that those behind it are not evaluated (PostgreSQL splits conditions at their top-level ANDs). */
enum od_status od_model_is_true(const struct od_model *model, const struct od_expr *predicate,
                                const struct od_value *row, bool *true_out);
/* SQL's order of two values of one type, neither NULL: -0.0 = 0.0, NaN = NaN above all. */
int od_model_order(const struct od_value *left, const struct od_value *right);
/* Alike as keys: NULL is like NULL. */
bool od_model_equal(const struct od_value *left, const struct od_value *right, uint32_t count);
int od_model_order_by_key(const struct od_sort_key *key, const struct od_value *left,
                          const struct od_value *right);

/* A call whose arguments are evaluated; none is NULL if the function is strict. */
struct od_model_call {
    const struct od_model *model;
    const struct od_expr *expr;
    const struct od_value *arguments;
    uint32_t count;
    struct od_value *result; /* zeroed but for its type */
};
typedef enum od_status (*od_model_apply)(const struct od_model_call *call);
/* NULL: not one of theirs. */
od_model_apply od_model_number_function(enum od_function function);
od_model_apply od_model_text_function(enum od_function function);
od_model_apply od_model_time_function(enum od_function function);

/* Casts a value that is not NULL. EVALUATION, NO_MEMORY. */
enum od_status od_model_cast(const struct od_model *model, const struct od_value *value, enum od_type type,
                             struct od_value *value_out);

/* --- time ----------------------------------------------------------------------------------------------- */

/* Days since 1970 <-> civil date, by counting years and months. */
struct od_civil {
    int64_t year;
    int32_t month; /* 1..12 */
    int32_t day;   /* 1..31 */
};
struct od_civil od_model_civil(int64_t days);
int64_t od_model_days(struct od_civil civil);
int32_t od_model_month_days(int64_t year, int32_t month);
/* False: out of range. */
bool od_model_add_interval(int64_t timestamp, const struct od_interval *interval, bool subtracts,
                           int64_t *timestamp_out);
/* In microseconds of 24-hour days and 30-day months, as PostgreSQL compares intervals. */
__int128 od_model_span(const struct od_interval *interval);

/* --- doubles -------------------------------------------------------------------------------------------- */

/* The sum of finite or special doubles, rounded once; *overflow_out when finite numbers pass DBL_MAX. NO_MEMORY. */
enum od_status od_model_float_sum(const struct od_model *model, const double *numbers, uint32_t count,
                                  double *sum_out, bool *overflow_out);
/* sum((x - mean x) * (y - mean y)): count times it is exact, then rounded and divided; NaN when one of them is not finite.
 * count > 0. */
enum od_status od_model_float_centred(const struct od_model *model, const double *xs, const double *ys,
                                      uint32_t count, double *sum_out, bool *overflow_out);

#endif
