/* Goal: the faults listed for a run are those that can meet it, addressed so that they name one hit; coarser grains keep fewer of them,
 * and lose no kind at any point.
 * Method: hits made by hand, then those of the small query. */
#include "harness/explore_faults.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "harness/small_query.h"

static uint32_t task_counts[] = {3, 1};
static uint64_t moments_ns[] = {0, 500, 900};
static const struct od_explore_target target = {.executor_count = 2,
                                                .lease_ns = 1000,
                                                .stage_count = 2,
                                                .task_counts = task_counts,
                                                .moment_count = 3,
                                                .moments_ns = moments_ns};

static struct od_site task_site(uint32_t task, uint32_t nth)
{
    struct od_site site = OD_SITE_ANY;
    site.query = 1;
    site.stage = 0;
    site.task = task;
    site.attempt = 0;
    site.executor = 2;
    site.nth = nth;
    return site;
}

static uint32_t count_like(const struct od_explore_faults *faults, enum od_fault_kind kind, enum od_point point)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < faults->count; i++)
        count += faults->items[i].fault.kind == kind && !faults->items[i].fault.at_time && faults->items[i].fault.point == point;
    return count;
}

static uint32_t count_at_time(const struct od_explore_faults *faults, enum od_fault_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < faults->count; i++)
        count += faults->items[i].fault.kind == kind && faults->items[i].fault.at_time;
    return count;
}

static struct od_explore_hit made_hits[] = {
    {.point = OD_POINT_TASK_START, .actor_id = 2},
    {.point = OD_POINT_TASK_STEP, .actor_id = 2},
    {.point = OD_POINT_TASK_STEP, .actor_id = 2},
    {.point = OD_POINT_BLOCK_SERVE, .actor_id = 2, .byte_count = 10},
    {.point = OD_POINT_BLOCK_SERVE, .actor_id = 2}, /* an empty block */
    {.point = OD_POINT_MESSAGE_SEND, .actor_id = 0, .byte_count = 10},
    {.point = OD_POINT_MESSAGE_SEND, .actor_id = 2, .byte_count = 10},
};

static struct od_explore_hits hits_by_hand(void)
{
    static const uint32_t nths[] = {0, 0, 5, 0, 1, 0, 3};
    for (uint32_t i = 0; i < sizeof(nths) / sizeof(nths[0]); i++)
        made_hits[i].site = task_site(1, nths[i]);
    made_hits[5].site.message_kind = 4;
    made_hits[6].site.message_kind = 7;
    return (struct od_explore_hits){.items = made_hits, .count = sizeof(nths) / sizeof(nths[0])};
}

static void what_can_meet_a_hit_is_listed(void **state)
{
    (void)state;
    struct od_explore_faults faults;
    const struct od_explore_hits hits = hits_by_hand();
    od_explore_faults_init(&faults, od_posix_memory());
    assert_int_equal(od_explore_faults_list(&faults, &target, &hits, 0, NULL, NULL), OD_OK);
    assert_int_equal(faults.candidate_count, faults.count);
    assert_int_equal(count_like(&faults, OD_FAULT_TASK_ERROR_BEFORE, OD_POINT_TASK_START), 1);
    assert_int_equal(count_like(&faults, OD_FAULT_EXECUTOR_CRASH, OD_POINT_TASK_START), 2); /* short and long */
    assert_int_equal(count_like(&faults, OD_FAULT_EXECUTOR_CRASH, OD_POINT_TASK_STEP), 4);
    assert_int_equal(count_like(&faults, OD_FAULT_DRIVER_CRASH, OD_POINT_MESSAGE_SEND), 2); /* the driver's message alone */
    assert_int_equal(count_like(&faults, OD_FAULT_NETWORK_LOSS, OD_POINT_MESSAGE_SEND), 2);
    assert_int_equal(count_like(&faults, OD_FAULT_SHUFFLE_BLOCK_MISSING, OD_POINT_BLOCK_SERVE), 2);
    assert_int_equal(count_like(&faults, OD_FAULT_SHUFFLE_BLOCK_BIT_FLIP, OD_POINT_BLOCK_SERVE), 2); /* not of the empty one */
    assert_int_equal(count_at_time(&faults, OD_FAULT_EXECUTOR_CRASH), 3 * 2 * 2); /* moments, executors, durations */
    assert_int_equal(count_at_time(&faults, OD_FAULT_DRIVER_CRASH), 3 * 2);
    assert_int_equal(count_at_time(&faults, OD_FAULT_DRIVER_CANCEL_QUERY), 3);
    od_explore_faults_release(&faults);
}

static void a_fault_names_its_hit(void **state)
{
    (void)state;
    struct od_explore_faults faults;
    struct od_buffer text;
    const struct od_explore_hits hits = hits_by_hand();
    static const char *const wanted[] = {
        "task.error_before at task_start stage=0 task=1 attempt=0",
        "task.error_middle at task_step stage=0 task=1 attempt=0 nth=5",
        "shuffle.block_missing at block_serve stage=0 task=1 attempt=0 nth=1",
        "executor.pause at time=900ns executor=2 for=1500ns",
        "driver.cancel_query at time=0ns query=1",
    };
    od_buffer_init(&text, od_posix_memory());
    od_explore_faults_init(&faults, od_posix_memory());
    assert_int_equal(od_explore_faults_list(&faults, &target, &hits, 0, NULL, NULL), OD_OK);
    for (uint32_t i = 0; i < faults.count; i++) {
        od_fault_print(&faults.items[i].fault, &text);
        od_buffer_append_text(&text, "\n");
    }
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (strstr(od_buffer_text(&text), wanted[i]) == NULL)
            assert_string_equal(wanted[i], od_buffer_text(&text));
    od_buffer_release(&text);
    od_explore_faults_release(&faults);
}

static struct od_small_query query;

static void grains_forget_more_and_more(void **state)
{
    (void)state;
    struct od_explore_subject subject;
    struct od_explore_target own;
    struct od_explore_faults all;
    struct od_explore_faults some;
    od_small_query_make(&query, OD_SMALL_QUERY);
    const struct od_cluster_request request = {.graph = query.prepared.graph, .seed = 5, .options.cluster.journal = true};
    assert_int_equal(od_explore_open(&subject, od_posix_memory(), "small", query.prepared.plan, &request, NULL), OD_OK);
    assert_int_equal(od_explore_target_init(&own, &subject, NULL), OD_OK);
    assert_int_equal(own.moment_count, own.stage_count + 2);
    od_explore_faults_init(&all, od_posix_memory());
    od_explore_faults_init(&some, od_posix_memory());
    assert_int_equal(od_explore_faults_list(&all, &own, &subject.undisturbed.hits, 0, NULL, NULL), OD_OK);
    uint32_t before = all.count;
    for (uint32_t grain = 1; grain < OD_EXPLORE_GRAIN_COUNT; grain++) {
        uint32_t chosen = 0;
        assert_int_equal(od_explore_faults_list(&some, &own, &subject.undisturbed.hits, grain, NULL, NULL), OD_OK);
        assert_int_equal(some.candidate_count, all.count);
        assert_in_range(some.count, 1, before - 1);
        before = some.count;
        assert_int_equal(od_explore_faults_grain(&all, &own, &subject.undisturbed.hits, some.count, &chosen, NULL), OD_OK);
        assert_int_equal(chosen, grain);
        assert_int_equal(od_explore_faults_list(&all, &own, &subject.undisturbed.hits, 0, NULL, NULL), OD_OK);
        /* with all its classes to be skipped nothing is left */
        assert_int_equal(od_explore_faults_list(&some, &own, &subject.undisturbed.hits, grain, &some.classes, NULL), OD_OK);
    }
    assert_int_equal(od_explore_faults_list(&some, &own, &subject.undisturbed.hits, OD_EXPLORE_GRAIN_COUNT - 1, NULL, NULL), OD_OK);
    for (uint32_t i = 0; i < all.count; i++) {
        const struct od_fault *fault = &all.items[i].fault;
        assert_true(fault->at_time ? count_at_time(&some, fault->kind) > 0 : count_like(&some, fault->kind, fault->point) > 0);
    }
    od_explore_faults_release(&some);
    od_explore_faults_release(&all);
    od_explore_target_release(&own);
    od_explore_release(&subject);
    od_small_query_release(&query);
}

static void sets_remember(void **state)
{
    (void)state;
    struct od_explore_set set;
    bool is_new;
    od_explore_set_init(&set, od_posix_memory());
    assert_false(od_explore_set_find(&set, 1, NULL));
    for (uint64_t round = 0; round < 2; round++) {
        for (uint64_t i = 1; i <= 1000; i++) {
            assert_int_equal(od_explore_set_add(&set, i << 20, (uint32_t)i, &is_new, NULL), OD_OK);
            assert_int_equal(is_new, round == 0);
        }
    }
    uint32_t value = 0;
    assert_true(od_explore_set_find(&set, UINT64_C(700) << 20, &value));
    assert_int_equal(value, 700);
    assert_false(od_explore_set_find(&set, 700, NULL));
    od_explore_set_reset(&set);
    assert_false(od_explore_set_find(&set, UINT64_C(700) << 20, NULL));
    od_explore_set_release(&set);
}

static enum od_status list_by_hand(struct od_memory *memory, void *context)
{
    struct od_explore_faults faults;
    const struct od_explore_hits hits = hits_by_hand();
    (void)context;
    od_explore_faults_init(&faults, memory);
    enum od_status status = od_explore_faults_list(&faults, &target, &hits, 0, NULL, NULL);
    od_explore_faults_release(&faults);
    return status;
}

static void refused_memory_is_told(void **state)
{
    (void)state;
    assert_true(od_sweep(list_by_hand, NULL) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_meet_a_hit_is_listed), cmocka_unit_test(a_fault_names_its_hit),
        cmocka_unit_test(grains_forget_more_and_more),   cmocka_unit_test(sets_remember),
        cmocka_unit_test(refused_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
