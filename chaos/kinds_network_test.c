/* Goal: every kind of the network takes effect, and nowhere else. Method: see kinds_bench.h. Each actor sends each other one a note a
 * tick: to the driver first, then to its peers. */
#include "chaos/kinds_bench.h"

/* A state of 20 ms: so many notes of each link. */
#define OF_ONE(name)    EXPECT(name, 19, 21)
#define OF_TWO(name)    EXPECT(name, 38, 42)
#define HELD_BACK(link) EXPECT(link##_LATE_US, 18500, 20300)

static const struct bench_row rows[] = {
    KIND("network.delay for=5ms", ONE(TO_DRIVER_LATE), ONE(TO_DRIVER_OVERTAKEN),
         EXPECT(TO_DRIVER_LATE_US, 5000, 5300)),
    KIND("network.loss", ONE(TO_DRIVER_LOST)),
    KIND("network.duplicate for=5ms", ONE(TO_DRIVER_TWICE), ONE(TO_DRIVER_LATE), ONE(TO_DRIVER_OVERTAKEN),
         EXPECT(TO_DRIVER_LATE_US, 5000, 5300)),
    KIND("network.isolate for=20ms", OF_ONE(TO_DRIVER_LOST), OF_ONE(FROM_DRIVER_LOST), OF_TWO(TO_PEERS_LOST),
         OF_TWO(FROM_PEERS_LOST)),
    KIND("network.mute for=20ms", OF_ONE(TO_DRIVER_LOST), OF_TWO(TO_PEERS_LOST)),
    KIND("network.deaf for=20ms", OF_ONE(FROM_DRIVER_LOST), OF_TWO(FROM_PEERS_LOST)),
    KIND("network.cut_driver for=20ms", OF_ONE(TO_DRIVER_LOST), OF_ONE(FROM_DRIVER_LOST)),
    KIND("network.cut_peers for=20ms", OF_TWO(TO_PEERS_LOST), OF_TWO(FROM_PEERS_LOST)),
    KIND("network.clog_out for=20ms", OF_ONE(TO_DRIVER_LATE), OF_TWO(TO_PEERS_LATE), HELD_BACK(TO_DRIVER),
         HELD_BACK(TO_PEERS)),
    KIND("network.clog_in for=20ms", OF_ONE(FROM_DRIVER_LATE), OF_TWO(FROM_PEERS_LATE),
         HELD_BACK(FROM_DRIVER), HELD_BACK(FROM_PEERS)),
    KIND("network.clog_shuffled for=20ms", EXPECT(TO_DRIVER_LATE, 19, 28),
         EXPECT(TO_DRIVER_LATE_US, 18500, 28500), EXPECT(TO_DRIVER_OVERTAKEN, 5, 30),
         EXPECT(FROM_DRIVER_LATE, 19, 28), EXPECT(FROM_DRIVER_LATE_US, 18500, 28500),
         EXPECT(FROM_DRIVER_OVERTAKEN, 5, 30), EXPECT(TO_PEERS_LATE, 38, 56),
         EXPECT(TO_PEERS_LATE_US, 18500, 28500), EXPECT(TO_PEERS_OVERTAKEN, 10, 60),
         EXPECT(FROM_PEERS_LATE, 38, 56), EXPECT(FROM_PEERS_LATE_US, 18500, 28500),
         EXPECT(FROM_PEERS_OVERTAKEN, 10, 60)),
    KIND("network.delay_tail for=20ms", EXPECT(TO_DRIVER_LATE, 5, 21),
         EXPECT(TO_DRIVER_LATE_US, 5000, 200300), EXPECT(TO_DRIVER_OVERTAKEN, 1, 10),
         EXPECT(TO_PEERS_LATE, 10, 42), EXPECT(TO_PEERS_LATE_US, 5000, 200300),
         EXPECT(TO_PEERS_OVERTAKEN, 2, 20)),
    KIND("network.reorder for=20ms", EXPECT(TO_DRIVER_LATE, 9, 11), EXPECT(TO_DRIVER_LATE_US, 3000, 3300),
         EXPECT(TO_DRIVER_OVERTAKEN, 9, 11), EXPECT(TO_PEERS_LATE, 19, 21),
         EXPECT(TO_PEERS_LATE_US, 3000, 3300), EXPECT(TO_PEERS_OVERTAKEN, 19, 21)),
    KIND("network.bandwidth rate=64 for=20ms", OF_ONE(TO_DRIVER_LATE), OF_TWO(TO_PEERS_LATE),
         HELD_BACK(TO_DRIVER), HELD_BACK(TO_PEERS)),
    /* Executor 1 is its neighbour. */
    KIND("network.partition for=20ms", OF_ONE(TO_DRIVER_LOST), OF_ONE(FROM_DRIVER_LOST),
         OF_ONE(TO_PEERS_LOST), OF_ONE(FROM_PEERS_LOST), EXPECT(ELSEWHERE_LOST, 76, 84)),
    KIND("network.partition_peers for=20ms", OF_ONE(TO_PEERS_LOST), OF_ONE(FROM_PEERS_LOST),
         EXPECT(ELSEWHERE_LOST, 38, 42)),
    /* Those with the driver and with executor 3, for 7 and 6 eighths. */
    KIND("network.clog_some seed=8 for=20ms", EXPECT(TO_DRIVER_LATE, 16, 18),
         EXPECT(TO_DRIVER_LATE_US, 16300, 17800), EXPECT(FROM_DRIVER_LATE, 16, 18),
         EXPECT(FROM_DRIVER_LATE_US, 16300, 17800), EXPECT(TO_PEERS_LATE, 14, 16),
         EXPECT(TO_PEERS_LATE_US, 13800, 15300), EXPECT(FROM_PEERS_LATE, 14, 16),
         EXPECT(FROM_PEERS_LATE_US, 13800, 15300)),
    KIND("network.lossy for=20ms", EXPECT(TO_DRIVER_LOST, 3, 11), EXPECT(FROM_DRIVER_LOST, 3, 11),
         EXPECT(TO_PEERS_LOST, 8, 20), EXPECT(FROM_PEERS_LOST, 8, 20)),
    KIND("network.echo for=20ms", OF_ONE(TO_DRIVER_TWICE), OF_ONE(TO_DRIVER_LATE),
         EXPECT(TO_DRIVER_OVERTAKEN, 15, 21), EXPECT(TO_DRIVER_LATE_US, 10000, 21300), OF_TWO(TO_PEERS_TWICE),
         OF_TWO(TO_PEERS_LATE), EXPECT(TO_PEERS_OVERTAKEN, 30, 42), EXPECT(TO_PEERS_LATE_US, 10000, 21300)),
    {.text = "network.reset",
     .expects = {EXPECT(TO_DRIVER_LOST, 2, 3), EXPECT(FROM_DRIVER_LOST, 2, 3), EXPECT(TO_PEERS_LOST, 4, 6),
                 EXPECT(FROM_PEERS_LOST, 4, 6)},
     .latency_us = 2500},
};

static void each_kind_takes_effect_where_it_may_act(void **state)
{
    (void)state;
    bench_prove("kinds_network_test", rows, sizeof(rows) / sizeof(rows[0]));
}

/* A short state within a long one, of another kind and of the same; and one that the healing ends. */
static void states_overlap_and_heal(void **state)
{
    (void)state;
    static const struct bench_row schedules[] = {
        KIND("network.mute at time=20ms executor=2 for=30ms\nnetwork.deaf at time=25ms executor=2 for=10ms",
             EXPECT(TO_DRIVER_LOST, 29, 31), EXPECT(TO_PEERS_LOST, 58, 62), EXPECT(FROM_DRIVER_LOST, 9, 11),
             EXPECT(FROM_PEERS_LOST, 18, 22)),
        KIND("network.mute at time=20ms executor=2 for=30ms\nnetwork.mute at time=25ms executor=2 for=10ms",
             EXPECT(TO_DRIVER_LOST, 29, 31), EXPECT(TO_PEERS_LOST, 58, 62)),
        KIND("network.cut_driver at time=20ms executor=2 for=never\nheal at=30ms",
             EXPECT(TO_DRIVER_LOST, 9, 11), EXPECT(FROM_DRIVER_LOST, 9, 11)),
        KIND("network.bandwidth at time=20ms executor=2 rate=1 for=never\nheal at=40ms",
             OF_ONE(TO_DRIVER_LATE), OF_TWO(TO_PEERS_LATE), HELD_BACK(TO_DRIVER), HELD_BACK(TO_PEERS)),
    };
    for (size_t i = 0; i < sizeof(schedules) / sizeof(schedules[0]); i++)
        assert_int_equal(bench_try(&schedules[i], schedules[i].text, BENCH_VICTIM, i), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_takes_effect_where_it_may_act),
        cmocka_unit_test(states_overlap_and_heal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
