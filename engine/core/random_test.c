/* Goal: streams are equal for equal seeds and names, unrelated otherwise, unbiased and within bounds; hashes
 * are frozen.
 * Method: pinned values (a change of them breaks stored cases and blocks), counts of many draws, the extremes
 * of ranges. */
#include "engine/core/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/hash.h"

static void equal_names_draw_equally(void **state)
{
    (void)state;
    struct od_stream first;
    struct od_stream again;
    struct od_stream other_name;
    struct od_stream other_seed;
    od_stream_init(&first, 7, "faults");
    od_stream_init(&again, 7, "faults");
    od_stream_init(&other_name, 7, "network");
    od_stream_init(&other_seed, 8, "faults");
    int same_name = 0;
    int same_seed = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t draw = od_stream_next(&first);
        assert_true(draw == od_stream_next(&again));
        same_name += draw == od_stream_next(&other_name);
        same_seed += draw == od_stream_next(&other_seed);
    }
    assert_int_equal(same_name, 0);
    assert_int_equal(same_seed, 0);
    assert_int_equal(first.draw_count, 1000);
}

static void draws_stay_below_their_bound(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {1, 2, 3, 10, UINT64_C(1) << 32, (UINT64_C(1) << 63) + 1, UINT64_MAX};
    struct od_stream stream;
    od_stream_init(&stream, 1, "bounds");
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        for (int k = 0; k < 1000; k++)
            assert_true(od_random_below(&stream.random, bounds[i]) < bounds[i]);
    }
}

static void draws_are_even(void **state)
{
    (void)state;
    struct od_stream stream;
    int counts[10] = {0};
    od_stream_init(&stream, 2, "even");
    for (int i = 0; i < 100000; i++)
        counts[od_random_below(&stream.random, 10)]++;
    for (int i = 0; i < 10; i++) /* 10000 expected, standard deviation 95 */
        assert_in_range(counts[i], 9500, 10500);
    int true_count = 0;
    for (int i = 0; i < 10000; i++)
        true_count += od_random_chance(&stream.random, 1, 4);
    assert_in_range(true_count, 2280, 2720);
    assert_false(od_random_chance(&stream.random, 0, 4));
    assert_true(od_random_chance(&stream.random, 4, 4));
}

/* With 3 * 2^62 numbers wanted out of 2^64, a draw without rejection would give every third number twice as often. */
static void large_bounds_are_not_biased(void **state)
{
    (void)state;
    struct od_stream stream;
    int counts[3] = {0};
    od_stream_init(&stream, 4, "biased");
    for (int i = 0; i < 30000; i++)
        counts[od_random_below(&stream.random, UINT64_C(3) << 62) % 3]++;
    for (int i = 0; i < 3; i++)
        assert_in_range(counts[i], 9600, 10400);
}

static void ranges_reach_both_ends(void **state)
{
    (void)state;
    struct od_stream stream;
    od_stream_init(&stream, 3, "ranges");
    bool seen[5] = {false};
    for (int i = 0; i < 200; i++) {
        int64_t draw = od_random_between(&stream.random, -2, 2);
        assert_true(draw >= -2);
        assert_true(draw <= 2);
        seen[draw + 2] = true;
    }
    for (int i = 0; i < 5; i++)
        assert_true(seen[i]);
    int negative_count = 0;
    for (int i = 0; i < 1000; i++) {
        negative_count += od_random_between(&stream.random, INT64_MIN, INT64_MAX) < 0;
        assert_true(od_random_between(&stream.random, INT64_MIN, INT64_MAX - 1) < INT64_MAX);
    }
    assert_in_range(negative_count, 400, 600);
    assert_true(od_random_between(&stream.random, INT64_MAX, INT64_MAX) == INT64_MAX);
}

static void values_are_frozen(void **state)
{
    (void)state;
    struct od_stream stream;
    od_stream_init(&stream, 42, "frozen");
    assert_true(od_stream_next(&stream) == UINT64_C(0x26e1046802261809));
    /* XXH3 of the empty input with seed 0, from the xxHash specification's test vectors. */
    assert_true(od_hash_bytes(NULL, 0, 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(od_hash_bytes("ordeal", 6, 1) == UINT64_C(0x1c134da795284c9d));
    struct od_hash128 wide = od_hash128_bytes("ordeal", 6, 1);
    assert_true(wide.low == UINT64_C(0xaab6e594c2c9e674));
    assert_true(wide.high == UINT64_C(0x5a40f602e1022023));
    assert_true(od_mix_two(1, 2) == UINT64_C(0xf893a2eefb32555e));
}

static void sums_carry_and_digests_see_order(void **state)
{
    (void)state;
    struct od_hash128 sum =
        od_hash128_add((struct od_hash128){UINT64_MAX, 1}, (struct od_hash128){UINT64_MAX, UINT64_MAX});
    assert_true(sum.low == UINT64_MAX - 1);
    assert_true(sum.high == 1); /* 1 + (2^64 - 1) + carry, modulo 2^64 */
    struct od_digest forward = {0};
    struct od_digest backward = {0};
    od_digest_add(&forward, 1);
    od_digest_add(&forward, 2);
    od_digest_add(&backward, 2);
    od_digest_add(&backward, 1);
    assert_true(forward.value != backward.value);
    assert_int_equal(forward.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_names_draw_equally),         cmocka_unit_test(draws_stay_below_their_bound),
        cmocka_unit_test(large_bounds_are_not_biased),      cmocka_unit_test(draws_are_even),
        cmocka_unit_test(ranges_reach_both_ends),           cmocka_unit_test(values_are_frozen),
        cmocka_unit_test(sums_carry_and_digests_see_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
