/* kinds_bench: proves, for all kinds of one subject, that each takes effect at every place where it may act, as its sentence says,
 * and nowhere else.
 *
 *   table of rows (kind with its parameters, what changes)  ->  for each point that the kind allows, and for a time:
 *       executor 2 of a probe cluster is disturbed in its 20th tick, in the simulation -> every fact of every actor and link is
 *       looked at: what the row names must be in its range, all others as calm as without a fault
 *
 * A kind of the subject without a row, or one that isn't proven at an allowed place, fails the test. For tests only. */
#ifndef OD_CHAOS_KINDS_BENCH_H
#define OD_CHAOS_KINDS_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chaos/fault_kind.h"
#include "chaos/probe_cluster.h"
#include "chaos/sim.h"
#include "engine/world/posix.h"

#define BENCH_VICTIM     2u
#define BENCH_MS         UINT64_C(1000000)
#define BENCH_UNTIL_NS   (1000 * BENCH_MS)
#define BENCH_LATENCY_US 100u
#define BENCH_SPARE_US   300u                /* handlers and others in the way */
#define BENCH_AT_TIME    (UINT32_C(1) << 31) /* beside the bits of points */

/* Links as the victim sees them. */
#define BENCH_LINK_FACTS(X, link, text)                                                                      \
    X(link##_LOST, text " lost")                                                                             \
    X(link##_TWICE, text " twice")                                                                           \
    X(link##_OVERTAKEN, text " overtaken")                                                                   \
    X(link##_LATE, text " late")                                                                             \
    X(link##_LATE_US, text " at the latest, us")
#define BENCH_FACT_LIST(X)                                                                                   \
    OD_PROBE_FACT_LIST(X)                                                                                    \
    BENCH_LINK_FACTS(X, TO_DRIVER, "to the driver")                                                          \
    BENCH_LINK_FACTS(X, FROM_DRIVER, "from the driver")                                                      \
    BENCH_LINK_FACTS(X, TO_PEERS, "to peers")                                                                \
    BENCH_LINK_FACTS(X, FROM_PEERS, "from peers")                                                            \
    BENCH_LINK_FACTS(X, ELSEWHERE, "between others")                                                         \
    X(FILES_LEFT, "files left at the end")
enum bench_fact {
#define X(name, text) BENCH_##name,
    BENCH_FACT_LIST(X)
#undef X
        BENCH_FACT_COUNT
};
static const char *const bench_fact_texts[] = {
#define X(name, text) text,
    BENCH_FACT_LIST(X)
#undef X
};

struct bench_expect {
    enum bench_fact fact;
    uint64_t least;
    uint64_t most;
};
#define EXPECT(name, least, most)                                                                            \
    {                                                                                                        \
        BENCH_##name, least, most                                                                            \
    }
#define BENCH_EXPECTS 14
#define ONE(name)     EXPECT(name, 1, 1)
/* A state of 20 ms: so many ticks. */
#define TICKS_OF_STATE(name) EXPECT(name, 19, 21)
/* A tick that takes 50 ms: what it sends goes late, and what comes waits. */
#define STANDS_STILL                                                                                         \
    EXPECT(GAP_US, 50900, 51300), EXPECT(TIMER_LATE_US, 49000, 51000), EXPECT(TIMERS_OFF, 1, 1),             \
        EXPECT(TO_DRIVER_LATE, 1, 1), EXPECT(TO_DRIVER_LATE_US, 50000, 50300), EXPECT(TO_PEERS_LATE, 2, 2),  \
        EXPECT(TO_PEERS_LATE_US, 50000, 50300), EXPECT(FROM_DRIVER_LATE, 39, 51),                            \
        EXPECT(FROM_DRIVER_LATE_US, 49000, 50300), EXPECT(FROM_PEERS_LATE, 78, 102),                         \
        EXPECT(FROM_PEERS_LATE_US, 49000, 50300)

struct bench_row {
    const char *text;                           /* kind and parameters, without its place */
    struct bench_expect expects[BENCH_EXPECTS]; /* {0, 0, 0} ends them */
    uint32_t places; /* where this row holds: bits of points, BENCH_AT_TIME; 0: wherever the kind may act */
    uint32_t latency_us; /* of messages; 0: BENCH_LATENCY_US */
    bool of_driver;      /* at a time: the victim is the driver */
};
#define KIND(kind_text, ...)                                                                                 \
    {                                                                                                        \
        .text = kind_text, .expects = { __VA_ARGS__ }                                                        \
    }
#define KIND_AT(where, kind_text, ...)                                                                       \
    {                                                                                                        \
        .text = kind_text, .expects = {__VA_ARGS__}, .places = where                                         \
    }
#define KIND_OF_DRIVER(kind_text, ...)                                                                       \
    {                                                                                                        \
        .text = kind_text, .expects = {__VA_ARGS__}, .places = BENCH_AT_TIME, .of_driver = true              \
    }

struct bench_run {
    struct od_probe probe;
    struct od_sim *sim;
    uint64_t facts[BENCH_FACT_COUNT]; /* the victim's */
    uint32_t victim;
};

static inline uint64_t bench_true_ns(void *self)
{
    const struct bench_run *run = self;
    return od_sim_facts(run->sim).now_ns;
}

/* Where the five facts of a link are. */
static inline enum bench_fact bench_link(const struct bench_run *run, uint32_t from, uint32_t to)
{
    if (from != run->victim && to != run->victim)
        return BENCH_ELSEWHERE_LOST;
    if (from == run->victim)
        return to == 0 ? BENCH_TO_DRIVER_LOST : BENCH_TO_PEERS_LOST;
    return from == 0 ? BENCH_FROM_DRIVER_LOST : BENCH_FROM_PEERS_LOST;
}

static inline void bench_gather(struct bench_run *run)
{
    for (uint32_t from = 0; from < OD_PROBE_ACTORS; from++) {
        for (uint32_t to = 0; to < OD_PROBE_ACTORS; to++) {
            const struct od_probe_link *link = &run->probe.links[from][to];
            uint64_t *facts = &run->facts[bench_link(run, from, to)];
            if (from == to)
                continue;
            facts[0] += run->probe.facts[from][OD_PROBE_TICKS] - (uint64_t)__builtin_popcountll(link->seen);
            facts[1] += link->twice;
            facts[2] += link->overtaken;
            facts[3] += link->late;
            facts[4] = link->late_us > facts[4] ? link->late_us : facts[4];
        }
    }
    for (unsigned i = 0; i < OD_PROBE_FACT_COUNT; i++)
        run->facts[i] = run->probe.facts[run->victim][i];
    run->facts[BENCH_FILES_LEFT] = od_sim_facts(run->sim).files_left;
}

/* As it is without a fault. */
static inline struct bench_expect bench_calm(unsigned fact, uint32_t latency_us)
{
    switch (fact) {
    case BENCH_LIVES:
        return (struct bench_expect){fact, 1, 1};
    case BENCH_TICKS:
        return (struct bench_expect){fact, OD_PROBE_TICK_COUNT, OD_PROBE_TICK_COUNT};
    case BENCH_GAP_US:
        return (struct bench_expect){fact, 1000, 1500};
    case BENCH_TO_DRIVER_LATE_US:
    case BENCH_FROM_DRIVER_LATE_US:
    case BENCH_TO_PEERS_LATE_US:
    case BENCH_FROM_PEERS_LATE_US:
    case BENCH_ELSEWHERE_LATE_US:
        return (struct bench_expect){fact, 0, latency_us + BENCH_SPARE_US};
    case BENCH_FILES_LEFT:
        return (struct bench_expect){fact, OD_PROBE_ACTORS, OD_PROBE_ACTORS};
    default:
        return (struct bench_expect){fact, 0, 0};
    }
}

static inline uint32_t bench_latency_us(const struct bench_row *row)
{
    return row->latency_us != 0 ? row->latency_us : BENCH_LATENCY_US;
}

static inline struct bench_expect bench_expected(const struct bench_row *row, unsigned fact)
{
    for (unsigned i = 0; i < BENCH_EXPECTS && row->expects[i].most != 0; i++)
        if (row->expects[i].fact == fact)
            return row->expects[i];
    return bench_calm(fact, bench_latency_us(row));
}

/* How many facts are not as they should be. */
static inline uint32_t bench_judge(const struct bench_run *run, const struct bench_row *row, const char *text)
{
    uint32_t wrong = 0;
    for (unsigned actor = 0; actor <= OD_PROBE_ACTORS; actor++) {
        bool is_victim = actor == OD_PROBE_ACTORS; /* the victim last, with the links and all */
        for (unsigned fact = 0; fact < (is_victim ? (unsigned)BENCH_FACT_COUNT : OD_PROBE_FACT_COUNT);
             fact++) {
            struct bench_expect expect = is_victim ? bench_expected(row, fact) : bench_calm(fact, 0);
            uint64_t found = is_victim ? run->facts[fact] : run->probe.facts[actor][fact];
            if (actor == run->victim || (found >= expect.least && found <= expect.most))
                continue;
            print_error("%s\n  actor %u: %s: %llu, expected %llu to %llu\n", text,
                        is_victim ? run->victim : actor, bench_fact_texts[fact], (unsigned long long)found,
                        (unsigned long long)expect.least, (unsigned long long)expect.most);
            wrong++;
        }
    }
    return wrong;
}

/* Runs one fault, given as its line. */
static inline uint32_t bench_try(const struct bench_row *row, const char *text, uint32_t victim,
                                 uint64_t seed)
{
    static struct bench_run run;
    struct od_arena arena;
    struct od_schedule schedule;
    struct od_error error = {0};
    od_arena_init(&arena, od_posix_memory(), 0);
    uint64_t latency_ns = bench_latency_us(row) * UINT64_C(1000);
    run = (struct bench_run){.victim = victim, .probe.true_ns = bench_true_ns, .probe.true_self = &run};
    run.probe.late_limit_us = bench_latency_us(row) + BENCH_SPARE_US;
    if (od_schedule_parse(&arena, "row", text, strlen(text), &schedule, &error) != OD_OK)
        fail_msg("%s: %s", text, error.text);
    const struct od_sim_options options = {.seed = seed,
                                           .executor_count = OD_PROBE_ACTORS - 1,
                                           .latency_min_ns = latency_ns,
                                           .latency_max_ns = latency_ns,
                                           .schedule = &schedule};
    struct od_actor_factory factory = od_probe_factory(&run.probe);
    assert_int_equal(od_sim_new(od_posix_memory(), &options, &factory, &run.sim, NULL), OD_OK);
    assert_false(od_sim_run(run.sim, BENCH_UNTIL_NS));
    bench_gather(&run);
    uint32_t wrong = bench_judge(&run, row, text);
    if (schedule.fault_count > 0)
        assert_int_equal(od_sim_fault_fired(run.sim, 0), 1);
    od_sim_end_actors(run.sim);
    struct od_sim_facts facts = od_sim_facts(run.sim);
    assert_int_equal(facts.status, OD_OK);
    assert_int_equal(facts.live_blocks, 0);
    assert_int_equal(facts.open_files, 0);
    od_sim_free(run.sim);
    od_arena_release(&arena);
    return wrong;
}

/* A row at one place. `place`: a point, or BENCH_AT_TIME's bit number. */
static inline uint32_t bench_try_at(const struct bench_row *row, unsigned place, uint64_t seed)
{
    char text[256];
    size_t kind_bytes = strcspn(row->text, " ");
    const char *rest = row->text + kind_bytes;
    uint32_t victim = row->of_driver ? 0 : BENCH_VICTIM;
    if (place == 31)
        snprintf(text, sizeof(text), "%.*s at time=20ms executor=%u%s", (int)kind_bytes, row->text, victim,
                 rest);
    else if (place == OD_POINT_ACTOR_START)
        snprintf(text, sizeof(text), "%.*s at actor_start executor=%u%s", (int)kind_bytes, row->text, victim,
                 rest);
    else
        snprintf(text, sizeof(text), "%.*s at %s executor=2 task=1 attempt=20%s", (int)kind_bytes, row->text,
                 od_point_text((enum od_point)place), rest);
    return bench_try(row, text, victim, seed);
}

static inline enum od_fault_kind bench_kind_of(const struct bench_row *row)
{
    size_t size = strcspn(row->text, " ");
    for (unsigned i = 0; i < OD_FAULT_KIND_COUNT; i++) {
        const char *text = od_fault_kind_text((enum od_fault_kind)i);
        if (strlen(text) == size && memcmp(text, row->text, size) == 0)
            return (enum od_fault_kind)i;
    }
    fail_msg("no such kind: %s", row->text);
    return OD_FAULT_KIND_COUNT;
}

static inline uint32_t bench_places_of(enum od_fault_kind kind)
{
    const struct od_fault_kind_row *row = od_fault_kind_row(kind);
    return row->points | (row->at_time ? BENCH_AT_TIME : 0);
}

/* `test`: the name that fault_list.h knows it by: "kinds_storage_test", say. */
static inline void bench_prove(const char *test, const struct bench_row *rows, size_t row_count)
{
    uint32_t proven[OD_FAULT_KIND_COUNT] = {0};
    const struct bench_row calm = {.text = "nothing"};
    uint32_t wrong = bench_try(&calm, "", BENCH_VICTIM, 1);
    for (size_t i = 0; i < row_count; i++) {
        enum od_fault_kind kind = bench_kind_of(&rows[i]);
        uint32_t places = rows[i].places != 0 ? rows[i].places : bench_places_of(kind);
        assert_int_equal(places & ~bench_places_of(kind), 0);
        assert_true(rows[i].expects[0].most > 0);
        for (unsigned place = 0; place < 32; place++)
            if ((places >> place & 1) != 0)
                wrong += bench_try_at(&rows[i], place, i);
        proven[kind] |= places;
    }
    for (unsigned kind = 0; kind < OD_FAULT_KIND_COUNT; kind++) {
        const char *text = od_fault_kind_text((enum od_fault_kind)kind);
        bool is_ours = strcmp(od_fault_kind_test((enum od_fault_kind)kind), test) == 0;
        if (proven[kind] != (is_ours ? bench_places_of((enum od_fault_kind)kind) : 0))
            fail_msg("%s is not proven at each of its places: %x of %x", text, proven[kind],
                     bench_places_of((enum od_fault_kind)kind));
    }
    assert_int_equal(wrong, 0);
}

#define BENCH_MAIN(test, rows)                                                                               \
    static void each_kind_takes_effect_where_it_may_act(void **state)                                        \
    {                                                                                                        \
        (void)state;                                                                                         \
        bench_prove(test, rows, sizeof(rows) / sizeof((rows)[0]));                                           \
    }                                                                                                        \
    int main(void)                                                                                           \
    {                                                                                                        \
        const struct CMUnitTest tests[] = {cmocka_unit_test(each_kind_takes_effect_where_it_may_act)};       \
        return cmocka_run_group_tests(tests, NULL, NULL);                                                    \
    }

#endif
