/* Goal: the shrinker reaches the smallest failing choices on properties of the public Shrinking Challenge
 * (https://github.com/jlink/shrinking-challenge), and does so with few evaluations.
 * Method: per problem, seeds until enough failing inputs were found; each is shrunk; the share that reaches
 * the ideal and the mean number of evaluations are printed as a table and held against bounds. Then: refused
 * memory, input that does not fail, budget. */
#include "properties/plain_memory.h"
#include "properties/shrink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS      100u
#define LENGTH_MAX 60u

struct list {
    int64_t items[LENGTH_MAX];
    uint32_t count;
};

static int64_t draw_signed(struct od_choices *choices, uint64_t bound)
{
    uint64_t drawn = od_choices_below(choices, bound); /* 0, 1, -1, 2, -2... */
    return drawn % 2 == 1 ? (int64_t)(drawn / 2 + 1) : -(int64_t)(drawn / 2);
}

static void draw_list(struct od_choices *choices, struct list *list, uint64_t bound, bool is_signed)
{
    list->count = 0;
    od_choices_begin(choices, "list");
    while (list->count < LENGTH_MAX) {
        od_choices_begin(choices, "item");
        bool more = od_random_chance(&choices->random, 7, 8);
        if (more)
            list->items[list->count++] =
                is_signed ? draw_signed(choices, bound) : (int64_t)od_choices_below(choices, bound);
        od_choices_end(choices);
        if (!more)
            break;
    }
    od_choices_end(choices);
}

/* Five lists of 16-bit numbers whose sums are each below 256: is the 16-bit sum of all below 5 * 256? */
static bool bound5(struct od_choices *choices)
{
    int64_t total = 0;
    for (int i = 0; i < 5; i++) {
        struct list list;
        int64_t sum = 0;
        draw_list(choices, &list, 65536, true);
        for (uint32_t j = 0; j < list.count; j++)
            sum += list.items[j];
        if ((int16_t)sum >= 256)
            return false;
        total += (int16_t)sum;
    }
    return (int16_t)total >= 5 * 256;
}

static bool reverse(struct od_choices *choices)
{
    struct list list;
    draw_list(choices, &list, 65536, true);
    for (uint32_t i = 0; i < list.count; i++)
        if (list.items[i] != list.items[list.count - 1 - i])
            return true;
    return false;
}

/* A length that is drawn first, then so many items. */
static bool lengthlist(struct od_choices *choices)
{
    uint64_t count = 1 + od_choices_below(choices, 100);
    int64_t largest = 0;
    for (uint64_t i = 0; i < count; i++) {
        int64_t item = (int64_t)od_choices_below(choices, 1000);
        largest = item > largest ? item : largest;
    }
    return largest >= 900;
}

static bool distinct(struct od_choices *choices)
{
    struct list list;
    uint32_t different = 0;
    draw_list(choices, &list, 65536, true);
    for (uint32_t i = 0; i < list.count; i++) {
        bool is_new = true;
        for (uint32_t j = 0; j < i; j++)
            is_new &= list.items[i] != list.items[j];
        different += is_new;
    }
    return different >= 3;
}

static bool difference(struct od_choices *choices, int64_t least, int64_t most)
{
    int64_t first = (int64_t)od_choices_below(choices, 1000) + 1;
    int64_t second = (int64_t)od_choices_below(choices, 1000) + 1;
    int64_t apart = first > second ? first - second : second - first;
    return first >= 10 && apart >= least && apart <= most;
}

static bool difference_zero(struct od_choices *choices)
{
    return difference(choices, 0, 0);
}
static bool difference_small(struct od_choices *choices)
{
    return difference(choices, 1, 4);
}
static bool difference_one(struct od_choices *choices)
{
    return difference(choices, 1, 1);
}

/* Deleting one occurrence of an element leaves none: false when there are two. */
static bool deletion(struct od_choices *choices)
{
    struct list list;
    draw_list(choices, &list, 256, false);
    if (list.count == 0)
        return false;
    uint64_t index = od_choices_below(choices, list.count);
    for (uint32_t i = 0; i < list.count; i++)
        if (i != index && list.items[i] == list.items[index])
            return true;
    return false;
}

struct problem {
    const char *name;
    bool (*fails)(struct od_choices *choices);
    uint32_t ideal_bytes; /* of the smallest failing choices, trimmed */
    uint32_t ideal_share; /* at least so many of SEEDS must reach it */
    uint32_t mean_max;    /* evaluations */
};

static bool call_problem(void *self, struct od_choices *choices)
{
    return ((const struct problem *)self)->fails(choices);
}

static const struct problem problems[] = {
    {"reverse", reverse, 6, 100, 120},
    {"distinct", distinct, 9, 100, 250},
    {"lengthlist", lengthlist, 3, 100, 250},
    {"difference zero", difference_zero, 4, 100, 386},
    {"difference small", difference_small, 4, 100, 386},
    {"difference one", difference_one, 4, 100, 386},
    {"deletion", deletion, 3, 100, 250},
    {"bound5", bound5, 10, 80, 800},
};

static void shrink_problem(const struct problem *problem)
{
    struct od_memory memory = od_plain_memory();
    struct od_choices choices;
    uint32_t found = 0, ideal = 0, smallest = UINT32_MAX, smallest_count = 0;
    uint64_t evaluations = 0;
    od_choices_init(&choices, &memory);
    for (uint64_t seed = 0; found < SEEDS && seed < 4000000; seed++) {
        struct od_shrunk shrunk;
        struct od_shrink_test test = {call_problem, (void *)problem, NULL, 0};
        od_choices_from_seed(&choices, seed, problem->name);
        if (!problem->fails(&choices))
            continue;
        found++;
        assert_int_equal(od_shrink(&memory, choices.bytes, choices.size, &test, 20000, &shrunk, NULL), OD_OK);
        assert_true(shrunk.reproduced);
        assert_false(shrunk.exhausted);
        evaluations += shrunk.evaluations;
        ideal += shrunk.size <= problem->ideal_bytes;
        if (shrunk.size < smallest) {
            smallest = shrunk.size;
            smallest_count = 0;
        }
        smallest_count += shrunk.size == smallest;
        od_shrunk_release(&memory, &shrunk);
    }
    od_choices_release(&choices);
    assert_true(found >= SEEDS / 2);
    uint32_t mean = (uint32_t)(evaluations / found);
    print_message("%-18s %3u found  %3u at %2u bytes  smallest %2u bytes (%3u)  %5u evaluations\n",
                  problem->name, found, ideal, problem->ideal_bytes, smallest, smallest_count, mean);
    assert_true(ideal * SEEDS >= problem->ideal_share * found);
    assert_true(mean <= problem->mean_max);
}

static void challenges_reach_their_ideal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
        shrink_problem(&problems[i]);
}

static bool never(void *self, struct od_choices *choices)
{
    (void)self;
    od_choices_below(choices, 10);
    return false;
}

static void what_does_not_fail_is_left_alone(void **state)
{
    struct od_memory memory = od_plain_memory();
    struct od_shrunk shrunk;
    struct od_shrink_test test = {never, NULL, NULL, 0};
    (void)state;
    assert_int_equal(od_shrink(&memory, "\x05", 1, &test, 0, &shrunk, NULL), OD_OK);
    assert_false(shrunk.reproduced);
    assert_int_equal(shrunk.evaluations, 1);
    assert_int_equal(shrunk.size, 1);
    od_shrunk_release(&memory, &shrunk);
}

static void a_budget_is_kept(void **state)
{
    struct od_memory memory = od_plain_memory();
    struct od_shrunk shrunk;
    struct problem problem = {"reverse", reverse, 0, 0, 0};
    struct od_shrink_test test = {call_problem, &problem, NULL, 0};
    (void)state;
    assert_int_equal(od_shrink(&memory, "\x01\x12\x34\x01\x44\x44\x01\x55\x77", 9, &test, 3, &shrunk, NULL),
                     OD_OK);
    assert_true(shrunk.reproduced);
    assert_true(shrunk.exhausted);
    assert_int_equal(shrunk.evaluations, 3);
    od_shrunk_release(&memory, &shrunk);
}

/* A refused growth inside the choices only makes the trial plainer, so only the three takings of od_shrink
 * itself may fail. */
static void refused_memory_leaves_nothing_behind(void **state)
{
    struct od_memory plain = od_plain_memory();
    struct problem problem = {"reverse", reverse, 0, 0, 0};
    struct od_shrink_test test = {call_problem, &problem, NULL, 0};
    (void)state;
    for (uint64_t k = 0;; k++) {
        struct od_countdown countdown;
        struct od_shrunk shrunk;
        od_countdown_init(&countdown, &plain, k, false);
        enum od_status status =
            od_shrink(&countdown.memory, "\x01\x12\x34\x01\x44\x44", 6, &test, 0, &shrunk, NULL);
        assert_true(status == OD_OK || status == OD_NO_MEMORY);
        od_shrunk_release(&countdown.memory, &shrunk);
        assert_int_equal(countdown.live_block_count, 0);
        if (countdown.refused_count == 0)
            break;
        assert_true(k < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(challenges_reach_their_ideal),
        cmocka_unit_test(what_does_not_fail_is_left_alone),
        cmocka_unit_test(a_budget_is_kept),
        cmocka_unit_test(refused_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("shrink", tests, NULL, NULL);
}
