/* Goal: plans come back from their bytes as they were, and other bytes are refused.
 * Method: plans of every kind, with every kind of value, are encoded, decoded, printed and encoded again: equal text, equal
 * bytes. Every bit of such bytes flipped and every cut of them: a plan or an error, and never anything else. A table of
 * messages that lie. Every allocation refused once. */
#include "engine/frame/plan_proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "engine/frame/frame.h"
#include <plan.pb-c.h>

static struct od_field t_fields[] = {{"k", OD_TYPE_INT64, true},
                                     {"v", OD_TYPE_INT32, true},
                                     {"s", OD_TYPE_TEXT, true},
                                     {"d", OD_TYPE_DATE, true}};
static struct od_table *t_table;
static struct od_catalog catalog;

static int make_tables(void **state)
{
    (void)state;
    t_table = od_table_new(od_heap_for_tests(), "t", &(struct od_schema){4, t_fields}, NULL);
    od_table_finish(t_table);
    catalog = (struct od_catalog){1, (const struct od_table *const *)&t_table};
    return 0;
}

static int free_tables(void **state)
{
    (void)state;
    od_table_free(od_heap_for_tests(), t_table);
    return 0;
}

static const struct od_frame *of_values(struct od_frames *f)
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

static const struct od_frame *of_groups(struct od_frames *f)
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
    grouped = od_frame_repartition_evenly(f, grouped, 3);
    return od_frame_limit(f, od_frame_sort(f, grouped, by_m, 1), 2, UINT64_MAX);
}

static const struct od_frame *of_windows(struct od_frames *f)
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
static const struct od_frame *of_rows(struct od_frames *f)
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

static enum od_status encode_made(struct od_arena *arena, uint32_t which, struct od_buffer *bytes,
                                  const struct od_plan **plan_out, struct od_error *error)
{
    struct od_frames f;
    od_frames_init(&f, arena);
    *plan_out = od_frame_to_plan(&f, makers[which](&f));
    *error = f.error;
    return f.error.status != OD_OK ? f.error.status : od_plan_encode(*plan_out, arena, bytes, error);
}

static void plans_come_back(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MAKERS; i++) {
        struct od_arena arena;
        struct od_error error = {0};
        struct od_buffer buffers[4]; /* bytes, bytes again, text, text again */
        const struct od_plan *plan;
        const struct od_plan *decoded;
        od_arena_init(&arena, od_heap_for_tests(), 0);
        for (uint32_t b = 0; b < 4; b++)
            od_buffer_init(&buffers[b], od_heap_for_tests());
        encode_made(&arena, i, &buffers[0], &plan, &error);
        assert_string_equal(error.text, "");
        od_plan_decode(&arena, &catalog, buffers[0].bytes, buffers[0].size, &decoded, &error);
        assert_string_equal(error.text, "");
        od_plan_print(plan, &buffers[2]);
        od_plan_print(decoded, &buffers[3]);
        assert_string_equal(od_buffer_text(&buffers[2]), od_buffer_text(&buffers[3]));
        assert_int_equal(od_plan_encode(decoded, &arena, &buffers[1], &error), OD_OK);
        assert_int_equal(buffers[0].size, buffers[1].size);
        assert_memory_equal(buffers[0].bytes, buffers[1].bytes, buffers[0].size);
        for (uint32_t b = 0; b < 4; b++)
            od_buffer_release(&buffers[b]);
        od_arena_release(&arena);
    }
}

static void decode_any(const uint8_t *bytes, size_t size)
{
    struct od_arena arena;
    struct od_error error = {0};
    const struct od_plan *plan;
    od_arena_init(&arena, od_heap_for_tests(), 0);
    enum od_status status = od_plan_decode(&arena, &catalog, bytes, size, &plan, &error);
    assert_true((status == OD_OK) == (plan != NULL));
    assert_true(status == OD_OK || status == OD_CORRUPT || status == OD_BAD_INPUT || status == OD_MISSING ||
                status == OD_UNSUPPORTED);
    od_arena_release(&arena);
}

static void damage_is_a_plan_or_an_error(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MAKERS; i++) {
        struct od_arena arena;
        struct od_error error = {0};
        struct od_buffer bytes;
        const struct od_plan *plan;
        od_arena_init(&arena, od_heap_for_tests(), 0);
        od_buffer_init(&bytes, od_heap_for_tests());
        assert_int_equal(encode_made(&arena, i, &bytes, &plan, &error), OD_OK);
        for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
            bytes.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            decode_any(bytes.bytes, bytes.size);
            bytes.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t size = 0; size < bytes.size; size++)
            decode_any(bytes.bytes, size);
        od_buffer_release(&bytes);
        od_arena_release(&arena);
    }
}

/* A chain of expressions or nodes, each made of the one before, once or twice. */
static enum od_status decode_chain(bool of_nodes, uint32_t count, uint32_t times, struct od_error *error)
{
    struct od_arena arena;
    const struct od_plan *plan;
    Ordeal__Plan message = ORDEAL__PLAN__INIT;
    Ordeal__Expr *exprs = calloc(count, sizeof(*exprs));
    Ordeal__Node *nodes = calloc(count + 1, sizeof(*nodes));
    uint32_t *places = calloc(2 * (size_t)count + 2, sizeof(*places));
    message.exprs = calloc(count, sizeof(*message.exprs));
    message.nodes = calloc(count + 1, sizeof(*message.nodes));
    message.version = 1;
    uint32_t column = 0;
    for (uint32_t i = 0; i < count; i++) {
        ordeal__expr__init(&exprs[i]);
        ordeal__node__init(&nodes[i]);
        message.exprs[i] = &exprs[i];
        message.nodes[i] = &nodes[i];
        places[2 * i] = places[2 * i + 1] = i;
        exprs[i].function = "and";
        exprs[i].arguments = &places[2 * i];
        exprs[i].n_arguments = i == 0 ? 0 : 2;
        exprs[i].column = i == 0;
        if (times == 1 && i > 0) {
            exprs[i].function = "not";
            exprs[i].n_arguments = 1;
        }
        nodes[i].kind = i == 0 ? "scan" : times == 1 ? "limit" : "union all";
        nodes[i].table = "t";
        nodes[i].columns = &column;
        nodes[i].n_columns = i == 0;
        nodes[i].inputs = &places[2 * i];
        nodes[i].n_inputs = i == 0 ? 0 : times;
    }
    nodes[1] = of_nodes ? nodes[1] : (Ordeal__Node)ORDEAL__NODE__INIT;
    uint32_t predicate = count;
    if (!of_nodes) {
        nodes[1].kind = "filter";
        nodes[1].inputs = &places[2];
        nodes[1].n_inputs = 1;
        nodes[1].exprs = &predicate;
        nodes[1].n_exprs = 1;
    }
    message.n_exprs = of_nodes ? 0 : count;
    message.n_nodes = of_nodes ? count : 2;
    size_t size = ordeal__plan__get_packed_size(&message);
    uint8_t *bytes = malloc(size);
    ordeal__plan__pack(&message, bytes);
    od_arena_init(&arena, od_heap_for_tests(), 0);
    enum od_status status = od_plan_decode(&arena, &catalog, bytes, size, &plan, error);
    od_arena_release(&arena);
    free(bytes);
    free(exprs);
    free(nodes);
    free(places);
    free(message.exprs);
    free(message.nodes);
    return status;
}

static void trees_that_nobody_could_walk_are_refused(void **state)
{
    static const struct {
        bool of_nodes;
        uint32_t count;
        uint32_t times;
        const char *text;
    } chains[] = {
        {false, 100000, 1, "decoding a plan: an expression that is too large"},
        {false, 60, 2, "decoding a plan: an expression that is too large"},
        {true, 100000, 1, "decoding a plan: more nodes than a plan may have"},
        {true, 40, 2, "decoding a plan: more nodes than a plan may have"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
        struct od_error error = {0};
        assert_int_equal(decode_chain(chains[i].of_nodes, chains[i].count, chains[i].times, &error),
                         OD_CORRUPT);
        assert_string_equal(error.text, chains[i].text);
    }
    assert_int_equal(decode_chain(true, 5, 2, NULL), OD_OK);
}

/* Names are how plans say what they mean: each must be found again. */
static void names_are_unique(void **state)
{
    (void)state;
    for (unsigned i = 0; i < OD_FUNCTION_COUNT; i++)
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(od_function_text((enum od_function)i),
                                    od_function_text((enum od_function)k));
    for (unsigned i = 0; i < OD_AGGREGATE_COUNT_OF_KINDS; i++)
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(od_aggregate_text((enum od_aggregate_function)i),
                                    od_aggregate_text((enum od_aggregate_function)k));
}

static enum od_status there_and_back(struct od_memory *memory, void *context)
{
    struct od_arena arena;
    struct od_error error = {0};
    struct od_buffer bytes;
    const struct od_plan *plan;
    od_arena_init(&arena, memory, 256);
    od_buffer_init(&bytes, memory);
    enum od_status status = encode_made(&arena, *(const uint32_t *)context, &bytes, &plan, &error);
    if (status == OD_OK)
        status = od_plan_decode(&arena, &catalog, bytes.bytes, bytes.size, &plan, &error);
    od_buffer_release(&bytes);
    od_arena_release(&arena);
    return status;
}

static void every_allocation_may_be_refused(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MAKERS; i++)
        assert_true(od_sweep(there_and_back, &i) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_come_back),
        cmocka_unit_test(damage_is_a_plan_or_an_error),
        cmocka_unit_test(trees_that_nobody_could_walk_are_refused),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(every_allocation_may_be_refused),
    };
    return cmocka_run_group_tests(tests, make_tables, free_tables);
}
