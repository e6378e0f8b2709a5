/* Goal: with priorities and one change of them an order is met that priorities alone do not bring about; equal seeds give
 * equal runs.
 * Method: the toy cluster with latencies that are all alike, and a mistake that would need two orderings at once: executor 1 is the first
 * to be given work, and the last to be done. */
#include "chaos/sim_pct.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chaos/toy_cluster.h"
#include "engine/core/sweep.h"

#define MS    UINT64_C(1000000)
#define SEEDS 400

struct outcome {
    uint32_t first_given; /* executor; 0: none */
    uint32_t last_done;
    uint32_t results;
    uint64_t digest;
};

static void note_work(void *self, enum od_point point, const struct od_site *site, uint32_t actor_id, size_t byte_count,
                      uint64_t now_ns)
{
    struct outcome *outcome = self;
    (void)byte_count;
    (void)now_ns;
    if (point == OD_POINT_MESSAGE_SEND && actor_id == 0 && site->message_kind == OD_TOY_WORK && outcome->first_given == 0)
        outcome->first_given = site->executor;
}

static enum od_status run(struct od_memory *memory, uint64_t seed, uint32_t depth, struct outcome *outcome)
{
    struct od_toy toy = {0};
    struct od_sim *sim = NULL;
    *outcome = (struct outcome){0};
    const struct od_sim_options options = {.seed = seed,
                                           .executor_count = OD_TOY_EXECUTORS,
                                           .listener.reached = note_work,
                                           .listener.self = outcome,
                                           .pct_depth = depth,
                                           .latency_min_ns = 300000,
                                           .latency_max_ns = 300000};
    struct od_actor_factory factory = od_toy_factory(&toy);
    enum od_status status = od_sim_new(memory, &options, &factory, &sim, NULL);
    if (status != OD_OK)
        return status;
    od_sim_run(sim, 30 * MS);
    od_sim_end_actors(sim);
    const struct od_sim_facts facts = od_sim_facts(sim);
    od_sim_free(sim);
    uint64_t last_ns = 0;
    for (uint32_t e = 1; e <= OD_TOY_EXECUTORS; e++) {
        outcome->results += toy.seats[e].driver.results > 0;
        if (toy.seats[e].driver.first_result_ns >= last_ns) {
            last_ns = toy.seats[e].driver.first_result_ns;
            outcome->last_done = e;
        }
    }
    outcome->digest = facts.digest;
    return facts.status;
}

static uint32_t count_mistakes(uint32_t depth)
{
    uint32_t found = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct outcome outcome;
        assert_int_equal(run(od_heap_for_tests(), seed, depth, &outcome), OD_OK);
        assert_int_equal(outcome.results, OD_TOY_EXECUTORS); /* nobody waits for ever */
        found += outcome.first_given == 1 && outcome.last_done == 1;
    }
    return found;
}

static void a_mistake_of_depth_two_needs_a_change(void **state)
{
    (void)state;
    assert_int_equal(count_mistakes(1), 0);
    assert_true(count_mistakes(2) >= 3);
}

static void equal_seeds_give_equal_runs(void **state)
{
    (void)state;
    for (uint32_t depth = 0; depth <= 3; depth++) {
        struct outcome first, second, other;
        assert_int_equal(run(od_heap_for_tests(), 7, depth, &first), OD_OK);
        assert_int_equal(run(od_heap_for_tests(), 7, depth, &second), OD_OK);
        assert_int_equal(run(od_heap_for_tests(), 8, depth, &other), OD_OK);
        assert_true(first.digest == second.digest && first.digest != other.digest);
    }
}

static enum od_status run_once(struct od_memory *memory, void *context)
{
    (void)context;
    struct od_sim_pct pct;
    enum od_status status = od_sim_pct_init(&pct, memory, 3, 4, 1, 300000);
    od_sim_pct_release(&pct);
    return status;
}

/* All priorities differ and leave room for those after a change; the changes ascend. */
static void draws_are_what_they_should_be(void **state)
{
    (void)state;
    assert_int_equal(od_sweep(run_once, NULL), 1);
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct od_sim_pct pct;
        uint32_t seen = 0;
        assert_int_equal(od_sim_pct_init(&pct, od_heap_for_tests(), OD_SIM_PCT_DEPTH_MAX, 5, seed, 1), OD_OK);
        for (uint32_t i = 0; i < 5; i++)
            seen |= UINT32_C(1) << pct.priorities[i];
        assert_int_equal(seen, 31 << OD_SIM_PCT_DEPTH_MAX);
        for (uint32_t i = 0; i + 1 < OD_SIM_PCT_DEPTH_MAX; i++)
            assert_in_range(pct.changes[i], i == 0 ? 1 : pct.changes[i - 1], 256);
        od_sim_pct_release(&pct);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mistake_of_depth_two_needs_a_change),
        cmocka_unit_test(equal_seeds_give_equal_runs),
        cmocka_unit_test(draws_are_what_they_should_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
