/* Goal: every step of every item is done once, whoever does it; a worker that dies, hangs or gives up costs what it should and no more.
 * Method: items of three steps, which count in shared memory; one step misbehaves at a time. */
#include "harness/explore_workers.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ITEMS 20
#define STEPS 3

enum trouble { NONE, DIES, HANGS, GIVES_UP, ENDS };

struct work {
    _Atomic uint32_t done[ITEMS][STEPS]; /* shared */
    enum trouble trouble;                /* in item 7, step 1 */
    uint32_t lost_count;
    char lost_code[8];
    unsigned char lost_note;
};

static bool do_item(void *self, uint64_t item, uint64_t first_step, struct od_worker_slot *slot)
{
    struct work *work = self;
    for (uint64_t step = first_step; step < STEPS; step++) {
        if (!od_worker_step(slot, step))
            return true;
        slot->note[0] = (unsigned char)item;
        bool is_bad = item == 7 && step == 1;
        if (is_bad && work->trouble == DIES)
            raise(SIGKILL);
        if (is_bad && work->trouble == HANGS)
            pause();
        if (is_bad && work->trouble == GIVES_UP)
            return false;
        atomic_fetch_add(&work->done[item][step], 1);
    }
    return true;
}

static void note_lost(void *self, uint64_t item, const struct od_worker_slot *slot, const char *code, const char *text)
{
    struct work *work = self;
    assert_int_equal(item, 7);
    assert_int_equal(atomic_load(&slot->step), 1);
    assert_non_null(text);
    work->lost_count++;
    work->lost_note = slot->note[0];
    snprintf(work->lost_code, sizeof(work->lost_code), "%s", code);
}

static bool go_on(void *self, uint64_t step_count)
{
    const struct work *work = self;
    (void)step_count;
    return work->trouble != ENDS;
}

static void expect(enum trouble trouble, uint32_t jobs, enum od_status status, const char *lost_code)
{
    struct work *work = od_shared_take(sizeof(*work));
    assert_non_null(work);
    work->trouble = trouble;
    const struct od_workers workers = {.job_count = jobs,
                                       .item_count = ITEMS,
                                       .hang_ns = trouble == HANGS ? 200000000 : UINT64_C(60000000000),
                                       .work = do_item,
                                       .lost = note_lost,
                                       .go_on = go_on,
                                       .self = work};
    assert_int_equal(od_workers_run(&workers, NULL), status);
    assert_string_equal(work->lost_code, lost_code);
    assert_int_equal(work->lost_count, *lost_code != '\0');
    assert_int_equal(work->lost_note, *lost_code != '\0' ? 7 : 0);
    for (uint32_t i = 0; i < ITEMS && status == OD_OK; i++)
        for (uint32_t k = 0; k < STEPS; k++)
            if (trouble != ENDS)
                assert_int_equal(atomic_load(&work->done[i][k]), !(i == 7 && k == 1 && *lost_code != '\0'));
    od_shared_give(work, sizeof(*work));
}

static void all_is_done_once(void **state)
{
    (void)state;
    for (uint32_t jobs = 1; jobs <= 30; jobs += 7)
        expect(NONE, jobs, OD_OK, "");
}
static void a_death_costs_one_step(void **state)
{
    (void)state;
    expect(DIES, 1, OD_OK, "crash");
    expect(DIES, 3, OD_OK, "crash");
}
static void a_hang_is_ended(void **state)
{
    (void)state;
    expect(HANGS, 2, OD_OK, "hang");
}
static void trouble_of_the_harness_ends_all(void **state)
{
    (void)state;
    expect(GIVES_UP, 2, OD_NO_MEMORY, "");
}
static void whoever_waits_can_end_it(void **state)
{
    (void)state;
    expect(ENDS, 2, OD_OK, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_done_once),
        cmocka_unit_test(a_death_costs_one_step),
        cmocka_unit_test(a_hang_is_ended),
        cmocka_unit_test(trouble_of_the_harness_ends_all),
        cmocka_unit_test(whoever_waits_can_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
