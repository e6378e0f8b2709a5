/* plans_fixture: for tests of encodings: plans of every kind over a table t of its own, with every kind of value.
 *
 *   cmocka_run_group_tests(tests, make_tables, free_tables);   made = makers[i](&frames), i < MAKERS */
#ifndef OD_FRAME_PLANS_FIXTURE_H
#define OD_FRAME_PLANS_FIXTURE_H

#include "engine/frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"

static struct od_field t_fields[] = {{"k", OD_TYPE_INT64, true},
                                     {"v", OD_TYPE_INT32, true},
                                     {"s", OD_TYPE_TEXT, true},
                                     {"d", OD_TYPE_DATE, true}};
static struct od_table *t_table;
static struct od_catalog catalog;

static inline int make_tables(void **state)
{
    (void)state;
    t_table = od_table_new(od_heap_for_tests(), "t", &(struct od_schema){4, t_fields}, NULL);
    od_table_finish(t_table);
    catalog = (struct od_catalog){1, (const struct od_table *const *)&t_table};
    return 0;
}

static inline int free_tables(void **state)
{
    (void)state;
    od_table_free(od_heap_for_tests(), t_table);
    return 0;
}

static inline const struct od_frame *of_values(struct od_frames *f)
{
    static const struct od_value values[] = {
        {.type = OD_TYPE_BOOLEAN, .boolean = true},
        {.type = OD_TYPE_INT64, .int64 = INT64_MIN},
        {.type = OD_TYPE_FLOAT64, .float64 = -0.0},
        {.type = OD_TYPE_TEXT, .text = {"a\0b", 3}},
        {.type = OD_TYPE_TIMESTAMP, .int64 = -1},
        {.type = OD_TYPE_DATE, .int64 = 19000},
        {.type = OD_TYPE_INT32, .int64 = -7},
        {.type = OD_TYPE_DECIMAL, .decimal = {UINT64_MAX, UINT64_MAX, 38}},
        {.type = OD_TYPE_TEXT, .is_null = true},
    };
    enum { COUNT = sizeof(values) / sizeof(values[0]) };
    struct od_frame_item items[COUNT + 1];
    struct od_value month = {.type = OD_TYPE_INTERVAL, .interval = {1, -2, 3}};
    for (uint32_t i = 0; i < COUNT; i++)
        items[i] = (struct od_frame_item){"value", od_lit(f, &values[i])};
    items[COUNT] =
        (struct od_frame_item){"later", od_call(f, OD_FUNCTION_ADD, od_col(f, "d"), od_lit(f, &month))};
    return od_frame_select(f, od_frame_scan(f, t_table), items, COUNT + 1);
}

static inline const struct od_frame *of_groups(struct od_frames *f)
{
    const struct od_frame_aggregate aggregates[] = {
        {.name = "n", .function = OD_AGGREGATE_COUNT_STAR},
        {.name = "m",
         .function = OD_AGGREGATE_SUM,
         .argument = od_col(f, "v"),
         .distinct = true,
         .filter = od_call(f, OD_FUNCTION_IS_NOT_NULL, od_col(f, "s"))},
        {.name = "h",
         .function = OD_AGGREGATE_PERCENTILE_CONT,
         .argument = od_col(f, "v"),
         .second = od_float(f, 0.5)}};
    const struct od_frame *t = od_frame_repartition(f, od_frame_scan(f, t_table), OD_NAMES("s"));
    const struct od_frame_key by_m[] = {{.term = od_col(f, "m"), .descending = true, .nulls_first = true}};
    const struct od_frame *grouped = od_frame_group_by(f, t, OD_NAMES("s"), aggregates, 3);
    grouped = od_frame_checkpoint(f, od_frame_repartition_evenly(f, grouped, 3));
    return od_frame_limit(f, od_frame_sort(f, grouped, by_m, 1), 2, UINT64_MAX);
}

static inline const struct od_frame *of_windows(struct od_frames *f)
{
    const struct od_frame *t = od_frame_scan(f, t_table);
    const struct od_frame_key by_v[] = {{.term = od_col(f, "v")}};
    const struct od_frame_call calls[] = {
        {.name = "x", .function = OD_WINDOW_LAG, .arguments = {od_col(f, "k"), od_int(f, 2), od_col(f, "v")}},
        {.name = "y",
         .function = OD_WINDOW_NTILE,
         .arguments = {od_int(f, 3)},
         .frame = {.end = OD_FRAME_CURRENT_ROW}},
        {.name = "z",
         .function = OD_WINDOW_AGGREGATE,
         .aggregate = {.function = OD_AGGREGATE_AVG, .argument = od_col(f, "k")},
         .frame = {.unit = OD_FRAME_GROUPS,
                   .start = OD_FRAME_CURRENT_ROW,
                   .end = OD_FRAME_UNBOUNDED_FOLLOWING,
                   .exclusion = OD_FRAME_EXCLUDE_TIES}}};
    const struct od_frame *windows = od_frame_window(f, t, OD_NAMES("s"), by_v, 1, calls, 3);
    const struct od_term *near = od_call(f, OD_FUNCTION_LESS, od_col(f, "left.v"), od_col(f, "right.v"));
    const struct od_frame *both = od_frame_join(f, windows, t, OD_JOIN_NULL_ANTI, near);
    both = od_frame_union(f, both, both);
    return od_frame_filter(f, both, od_call(f, OD_FUNCTION_LIKE, od_col(f, "s"), od_text(f, "a%")));
}

/* VALUES and EXPAND, which frames have no call for. */
static inline const struct od_frame *of_rows(struct od_frames *f)
{
    static struct od_frame frame;
    const struct od_expr *exprs[4] = {NULL};
    const struct od_plan *plan = NULL;
    static struct od_field fields[] = {{"a", OD_TYPE_INT64, true}, {"b", OD_TYPE_TEXT, true}};
    const struct od_schema schema = {2, fields};
    for (uint32_t i = 0; i < 4 && f->error.status == OD_OK; i++) {
        struct od_value value = {.type = fields[i % 2].type, .is_null = i < 2};
        if (i == 3)
            value.text.bytes = "";
        od_expr_literal(f->plan_arena, &value, &exprs[i], &f->error);
    }
    if (f->error.status == OD_OK)
        od_plan_values(f->plan_arena, &schema, exprs, 2, &plan, &f->error);
    for (uint32_t i = 0; i < 2 && f->error.status == OD_OK; i++)
        od_expr_column(f->plan_arena, &plan->schema, i, &exprs[i], &f->error);
    const char *names[] = {"p", "q"};
    if (f->error.status == OD_OK)
        od_plan_expand(f->plan_arena, plan, exprs, names, 2, 2, &plan, &f->error);
    frame.plan = plan;
    return f->error.status == OD_OK ? &frame : NULL;
}

typedef const struct od_frame *(*maker)(struct od_frames *f);
static const maker makers[] = {of_values, of_groups, of_windows, of_rows};
enum { MAKERS = sizeof(makers) / sizeof(makers[0]) };

#endif
