/* Goal: any bytes are a valid choice sequence; what was recorded replays to the same draws; limits hold.
 * Method: bounds at every width; record and replay over many seeds; the end of the bytes, the length limit,
 * spans; refused memory. */
#include "properties/choice.h"
#include "engine/core/hash.h"
#include "engine/core/sweep.h"
#include "properties/plain_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void draws_take_the_fewest_bytes(void **state)
{
    static const struct {
        uint64_t bound;
        uint32_t bytes;
    } widths[] = {{1, 1},         {2, 1}, {256, 1}, {257, 2}, {65536, 2}, {65537, 3}, {UINT64_C(1) << 32, 4},
                  {UINT64_MAX, 8}};
    struct od_memory memory = od_plain_memory();
    struct od_choices choices;
    (void)state;
    od_choices_init(&choices, &memory);
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        od_choices_from_seed(&choices, i, "widths");
        assert_true(od_choices_below(&choices, widths[i].bound) < widths[i].bound);
        assert_int_equal(choices.size, widths[i].bytes);
    }
    od_choices_release(&choices);
}

static void bytes_are_big_endian_and_reduced(void **state)
{
    struct od_memory memory = od_plain_memory();
    struct od_choices choices;
    (void)state;
    od_choices_init(&choices, &memory);
    od_choices_from_bytes(&choices, "\x01\x02\xff\x07", 4);
    assert_int_equal(od_choices_below(&choices, 1000), 0x0102);
    assert_int_equal(od_choices_below(&choices, 10), 255 % 10);
    assert_int_equal(od_choices_below(&choices, 8), 7);
    assert_int_equal(od_choices_below(&choices, 100), 0); /* behind the end */
    assert_memory_equal(choices.bytes, "\x01\x02\x05\x07\x00", 5);
    assert_int_equal(od_choices_trimmed_bytes(&choices), 4);
    od_choices_release(&choices);
}

/* As one choice that is ruled out by an earlier one: recorded as what it was taken for. */
static void a_draw_is_settled(void **state)
{
    struct od_memory memory = od_plain_memory();
    struct od_choices choices;
    (void)state;
    od_choices_init(&choices, &memory);
    od_choices_from_bytes(&choices, "\x01\x00\x07\x09", 4);
    od_random_settle(&choices.random, 5); /* there is none yet */
    od_choices_below(&choices, 10);
    od_choices_below(&choices, 1000);
    od_random_settle(&choices.random, 300);
    od_choices_below(&choices, 10);
    assert_memory_equal(choices.bytes, "\x01\x01\x2c\x09", 4);
    assert_int_equal(choices.size, 4);
    od_choices_release(&choices);
}

static uint64_t bound_of(uint64_t seed, uint32_t i)
{
    return 1 + od_mix_two(seed, i) % (i % 3 == 0 ? 5 : i % 3 == 1 ? 70000 : UINT64_C(1) << 40);
}

static void records_replay(void **state)
{
    struct od_memory memory = od_plain_memory();
    struct od_choices first, second;
    uint64_t drawn[200];
    (void)state;
    od_choices_init(&first, &memory);
    od_choices_init(&second, &memory);
    for (uint64_t seed = 0; seed < 100; seed++) {
        od_choices_from_seed(&first, seed, "replay");
        for (uint32_t i = 0; i < 200; i++)
            drawn[i] = od_choices_below(&first, bound_of(seed, i));
        od_choices_from_bytes(&second, first.bytes, od_choices_trimmed_bytes(&first));
        for (uint32_t i = 0; i < 200; i++)
            assert_true(od_choices_below(&second, bound_of(seed, i)) == drawn[i]);
        assert_int_equal(first.size, second.size);
        assert_memory_equal(first.bytes, second.bytes, first.size);
    }
    od_choices_release(&first);
    od_choices_release(&second);
}

static void spans_nest_and_cover_their_draws(void **state)
{
    struct od_memory memory = od_plain_memory();
    struct od_choices choices;
    (void)state;
    od_choices_init(&choices, &memory);
    od_choices_from_seed(&choices, 1, "spans");
    od_choices_begin(&choices, "outer");
    od_choices_below(&choices, 256);
    od_choices_begin(&choices, "inner");
    od_choices_below(&choices, 70000);
    od_choices_end(&choices);
    od_choices_end(&choices);
    assert_int_equal(choices.span_count, 2);
    assert_string_equal(choices.spans[0].label, "outer");
    assert_int_equal(choices.spans[0].first, 0);
    assert_int_equal(choices.spans[0].end, 4);
    assert_int_equal(choices.spans[1].first, 1);
    assert_int_equal(choices.spans[1].end, 4);
    assert_int_equal(choices.spans[1].depth, 1);
    od_choices_release(&choices);
}

static void the_length_has_a_limit(void **state)
{
    struct od_memory memory = od_plain_memory();
    struct od_choices choices;
    (void)state;
    od_choices_init(&choices, &memory);
    od_choices_from_seed(&choices, 1, "limit");
    for (uint32_t i = 0; i < OD_CHOICES_LIMIT_BYTES; i++)
        od_choices_below(&choices, 256);
    assert_false(choices.overrun);
    assert_int_equal(od_choices_below(&choices, 256), 0);
    assert_true(choices.overrun);
    assert_int_equal(choices.size, OD_CHOICES_LIMIT_BYTES);
    od_choices_release(&choices);
}

static void refused_memory_gives_zeros(void **state)
{
    struct od_memory plain = od_plain_memory();
    (void)state;
    for (uint64_t k = 0;; k++) {
        struct od_countdown countdown;
        struct od_choices choices;
        od_countdown_init(&countdown, &plain, k, true);
        od_choices_init(&choices, &countdown.memory);
        od_choices_from_seed(&choices, 1, "refused");
        for (uint32_t i = 0; i < 600; i++) {
            od_choices_begin(&choices, "span");
            uint64_t drawn = od_choices_below(&choices, 256);
            assert_true(!choices.overrun || drawn == 0);
            od_choices_end(&choices);
        }
        assert_int_equal(choices.overrun, countdown.refused_count > 0);
        od_choices_release(&choices);
        assert_int_equal(countdown.live_block_count, 0);
        if (countdown.refused_count == 0)
            break;
    }
}

/* Two numbers in a span between two numbers outside of it; `more` numbers follow inside when the second is odd. */
static uint64_t draw_spliced(struct od_choices *choices, uint64_t *inside)
{
    uint64_t before = od_choices_below(choices, 1000);
    od_choices_begin(choices, "middle");
    *inside = od_choices_below(choices, UINT64_C(1) << 40);
    if (od_choices_below(choices, 2) == 1)
        od_choices_below(choices, 1000);
    od_choices_end(choices);
    return before * 1000 + od_choices_below(choices, 1000);
}

static void a_splice_draws_one_span_anew(void **state)
{
    struct od_memory memory = od_plain_memory();
    struct od_choices first, second, third;
    uint64_t inside, again, zeros[2] = {0, 0};
    (void)state;
    od_choices_init(&first, &memory);
    od_choices_init(&second, &memory);
    od_choices_init(&third, &memory);
    od_choices_from_seed(&first, 7, "splice");
    uint64_t outside = draw_spliced(&first, &inside);
    for (uint64_t seed = 0; seed < 200; seed++) {
        od_choices_from_splice(&second, first.bytes, first.size, &first.spans[0], seed);
        assert_true(draw_spliced(&second, &again) == outside);
        zeros[seed % 2] += again == 0;
        assert_true(again == 0 || again != inside);
        od_choices_from_bytes(&third, second.bytes, second.size); /* what it recorded is canonical */
        assert_true(draw_spliced(&third, &inside) == outside);
        assert_true(inside == again);
        assert_int_equal(third.size, second.size);
    }
    assert_int_equal(zeros[0], 0);
    assert_in_range(zeros[1], 25, 75); /* odd seeds are plain */
    od_choices_release(&first);
    od_choices_release(&second);
    od_choices_release(&third);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_take_the_fewest_bytes),
        cmocka_unit_test(bytes_are_big_endian_and_reduced),
        cmocka_unit_test(a_draw_is_settled),
        cmocka_unit_test(records_replay),
        cmocka_unit_test(spans_nest_and_cover_their_draws),
        cmocka_unit_test(the_length_has_a_limit),
        cmocka_unit_test(refused_memory_gives_zeros),
        cmocka_unit_test(a_splice_draws_one_span_anew),
    };
    return cmocka_run_group_tests_name("choice", tests, NULL, NULL);
}
