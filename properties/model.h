/* model: the slow, obvious evaluator of logical plans (oracle R1).
 *
 * Row by row, cell by cell, over struct od_value. It reads the structs of engine/data and engine/plan and
 * shares no code with the engine: no kernel, comparison, hash, parser or printer of values. Joins are nested
 * loops, groups a linear search, sorts one comparator. What the words mean is said in logical.h, function.h
 * and physical.h; PostgreSQL 15 decides the rest. */
#ifndef OD_PROPERTIES_MODEL_H
#define OD_PROPERTIES_MODEL_H

#include "engine/plan/logical.h"
#include "properties/answer.h"

/* Rows of the plan over its tables. All memory comes from the arena; text may be borrowed from the tables. A
 * SORT at the root (or a LIMIT over one) gives its order. EVALUATION when an expression has no value;
 * NO_MEMORY. */
enum od_status od_model_run(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer_out,
                            struct od_error *error);

/* How an answer of this plan may be compared: ordered when the root promises an order. A limit without keys decides
 * which rows there are, not in what order. */
enum od_compare od_model_comparison(const struct od_plan *plan);

/* --- the parts, for model*.c and their tests ------------------------------------------------------------ */

enum od_status od_model_evaluate(struct od_arena *arena, const struct od_expr *expr,
                                 const struct od_value *row, struct od_value *value_out,
                                 struct od_error *error);
/* Casts a value that is not NULL. EVALUATION, NO_MEMORY. */
enum od_status od_model_cast(struct od_arena *arena, const struct od_value *value, enum od_type type,
                             struct od_value *value_out, struct od_error *error);
/* SQL's order of two values of one type, neither NULL: -0.0 = 0.0, NaN = NaN above all. */
int od_model_order(const struct od_value *left, const struct od_value *right);
/* PostgreSQL's LIKE with backslash as escape. False in *matches_out's place: EVALUATION for a trailing
 * escape. */
enum od_status od_model_like(const struct od_value *text, const struct od_value *pattern, bool *matches_out,
                             struct od_error *error);

/* Days since 1970 <-> civil date, by counting years and months. */
struct od_civil {
    int64_t year;
    int32_t month; /* 1..12 */
    int32_t day;   /* 1..31 */
};
struct od_civil od_model_civil(int64_t days);
int64_t od_model_days(struct od_civil civil);

/* One aggregate over the given rows (row pointers into an answer's cells). */
enum od_status od_model_aggregate(struct od_arena *arena, const struct od_aggregate *aggregate,
                                  const struct od_value *const *rows, uint32_t row_count,
                                  struct od_value *value_out, struct od_error *error);
/* By the keys, then by the whole row. */
enum od_status od_model_sort(struct od_arena *arena, const struct od_sort_key *keys, uint32_t key_count,
                             const struct od_answer *input, struct od_answer *answer, struct od_error *error);
/* A WINDOW node (model_window.c). */
enum od_status od_model_window(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer,
                               struct od_error *error);
/* The sum of finite or special doubles, rounded once; *overflow_out when finite numbers pass DBL_MAX.
 * NO_MEMORY. */
enum od_status od_model_float_sum(struct od_arena *arena, const double *numbers, uint32_t count,
                                  double *sum_out, bool *overflow_out, struct od_error *error);

#endif
