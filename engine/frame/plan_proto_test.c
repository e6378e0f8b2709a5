/* Goal: plans come back from their bytes as they were, and other bytes are refused.
 * Method: plans of every kind, with every kind of value, are encoded, decoded, printed and encoded again: equal text, equal
 * bytes. Every bit of such bytes flipped and every cut of them: a plan or an error, and never anything else. A table of
 * messages that lie. Every allocation refused once. */
#include "engine/frame/plan_proto.h"

#include "engine/frame/plans_fixture.h"
#include <plan.pb-c.h>

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
