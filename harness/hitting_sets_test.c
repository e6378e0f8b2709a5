/* Goal: all sets of up to a size that meet a family are given, each once, minimal ones where the family grows by what they do not meet.
 * Method: families made by hand; drawn ones against all subsets tried one by one; every allocation refused once. */
#include "harness/hitting_sets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/random.h"
#include "engine/core/sweep.h"

/* "01 13" is { {0 1} {1 3} }. */
static enum od_status add_all(struct od_hitting *hitting, const char *family, struct od_error *error)
{
    uint32_t elements[16];
    uint32_t count = 0;
    enum od_status status = OD_OK;
    for (const char *at = family; status == OD_OK && (*at != '\0' || count > 0); at++) {
        if (*at >= '0' && *at <= '9') {
            elements[count++] = (uint32_t)(*at - '0');
            continue;
        }
        status = od_hitting_add(hitting, elements, count, error);
        count = 0;
        if (*at == '\0')
            break;
    }
    return status;
}

/* All that is given, in the same writing. */
static void take_all(struct od_hitting *hitting, char *text)
{
    uint32_t set[OD_HITTING_SIZE_MAX];
    uint32_t count;
    *text = '\0';
    while ((count = od_hitting_next(hitting, set)) != 0) {
        for (uint32_t i = 0; i < count; i++)
            text += sprintf(text, "%u", set[i]);
        text += sprintf(text, " ");
    }
}

static void families_by_hand(void **state)
{
    static const struct {
        uint32_t size_max;
        const char *family, *given, *added, *then;
    } rows[] = {
        {2, "012 13", "1 03 13 23 01 12 ", "", ""},
        {1, "012", "0 1 2 ", "", ""},
        {1, "012 13", "1 ", "", ""},
        {3, "0 1 2", "012 ", "", ""}, /* only all of them */
        {2, "0 1 2", "", "", ""},
        {2, "1", "1 01 ", "2", "12 "}, /* an element that came later */
        {2, "01 2", "02 12 ", "0", ""}, /* {0 2} was given before it was all */
        {3, "01 23 45", "024 124 034 134 025 125 035 135 ", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_hitting hitting;
        char text[200];
        od_hitting_init(&hitting, od_heap_for_tests(), rows[i].size_max);
        assert_int_equal(od_hitting_next(&hitting, (uint32_t[OD_HITTING_SIZE_MAX]){0}), 0);
        assert_int_equal(add_all(&hitting, rows[i].family, NULL), OD_OK);
        take_all(&hitting, text);
        assert_string_equal(text, rows[i].given);
        assert_int_equal(add_all(&hitting, rows[i].added, NULL), OD_OK);
        take_all(&hitting, text);
        assert_string_equal(text, rows[i].then);
        od_hitting_release(&hitting);
    }
}

#define ELEMENTS 8
#define SIZE_MAX_TRIED 3

static bool meets(const uint32_t *family, uint32_t count, uint32_t set)
{
    for (uint32_t i = 0; i < count; i++)
        if ((family[i] & set) == 0)
            return false;
    return true;
}

/* A drawn set without `less`. */
static void add_drawn(struct od_hitting *hitting, struct od_stream *stream, uint32_t less, uint32_t *family, uint32_t *count)
{
    uint32_t elements[ELEMENTS];
    uint32_t size = 0;
    uint32_t set = (uint32_t)(od_random_below(&stream->random, 1 << ELEMENTS) | od_random_below(&stream->random, 1 << ELEMENTS));
    set &= ~less;
    for (uint32_t e = 0; e < ELEMENTS; e++)
        if ((set >> e & 1) != 0)
            elements[size++] = e;
    family[(*count)++] = set;
    assert_int_equal(od_hitting_add(hitting, elements, size, NULL), OD_OK);
}

/* After each set that is given one is added that it does not meet. What is given meets all that there is then, no part of it does, and
 * at the end there is nothing that was forgotten. */
static void drawn_families_as_by_trying_all(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct od_stream stream;
        struct od_hitting hitting;
        uint32_t family[300], set[OD_HITTING_SIZE_MAX];
        uint32_t family_count = 0, size;
        od_stream_init(&stream, seed, "families");
        od_hitting_init(&hitting, od_heap_for_tests(), SIZE_MAX_TRIED);
        add_drawn(&hitting, &stream, 0, family, &family_count);
        while ((size = od_hitting_next(&hitting, set)) != 0) {
            uint32_t bits = 0;
            for (uint32_t i = 0; i < size; i++)
                bits |= UINT32_C(1) << set[i];
            assert_true(meets(family, family_count, bits));
            for (uint32_t i = 0; i < size; i++)
                assert_false(meets(family, family_count, bits & ~(UINT32_C(1) << set[i])));
            add_drawn(&hitting, &stream, bits, family, &family_count);
        }
        for (uint32_t bits = 0; bits < 1 << ELEMENTS; bits++)
            assert_false(__builtin_popcount(bits) <= SIZE_MAX_TRIED && meets(family, family_count, bits));
        od_hitting_release(&hitting);
    }
}

static enum od_status grow_family(struct od_memory *memory, void *context)
{
    struct od_hitting hitting;
    (void)context;
    od_hitting_init(&hitting, memory, 2);
    enum od_status status = add_all(&hitting, "012 13 47 58", NULL);
    od_hitting_release(&hitting);
    return status;
}

static void refused_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    assert_int_equal(od_sweep(grow_family, NULL), 5); /* four sets and their list */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_by_hand),
        cmocka_unit_test(drawn_families_as_by_trying_all),
        cmocka_unit_test(refused_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
