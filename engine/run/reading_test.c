/* reading_test: what tasks read is chosen by size, and whatever is chosen, all that must meet meets once.
 *
 * Method: a stage of two parted inputs, and at times a broadcast one, is made by hand; sizes are functions or drawn. Choices are
 * compared as text. For drawn sizes, options and permissions: every cell (map task, partition) of one input is with every cell
 * of the other in the same partition in exactly one task, and a broadcast input is read whole by all. Done twice, the choice is
 * equal. Each allocation refused once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/random.h"
#include "engine/core/sweep.h"
#include "engine/run/reading.h"

#define MAPS_MAX  5
#define PARTS_MAX 6
#define INPUTS    3

static struct od_stage stages[INPUTS + 1];
static const uint32_t input_stages[INPUTS] = {0, 1, 2};
static struct od_stage_graph graph = {.stage_count = INPUTS + 1, .stages = stages};
static struct od_query query;
static uint32_t map_counts[INPUTS];
static uint64_t cells[INPUTS][MAPS_MAX][PARTS_MAX];

static uint32_t map_count(const void *self, uint32_t input)
{
    (void)self;
    return map_counts[input];
}

static uint64_t bytes_of(const void *self, uint32_t input, uint32_t map_task, uint32_t partition)
{
    (void)self;
    assert_true(map_task < map_counts[input] && partition < stages[input].partition_count);
    return cells[input][map_task][partition];
}

static const struct od_reading_sizes sizes = {.map_count = map_count, .bytes = bytes_of};

/* Inputs 0 and 1 in `parts` partitions, 2 broadcast when there are three; `maps` map tasks each. */
static void make_stage(uint32_t input_count, uint32_t maps, uint32_t parts)
{
    memset(cells, 0, sizeof(cells));
    for (uint32_t i = 0; i < INPUTS; i++) {
        bool broadcast = i == 2;
        map_counts[i] = maps;
        stages[i] = (struct od_stage){.stage_index = i,
                                      .task_count = maps,
                                      .exchange = broadcast ? OD_EXCHANGE_BROADCAST : OD_EXCHANGE_HASH,
                                      .partition_count = broadcast ? 1 : parts};
    }
    stages[INPUTS] = (struct od_stage){.stage_index = INPUTS,
                                       .task_count = parts,
                                       .input_count = input_count,
                                       .input_stages = input_stages,
                                       .exchange = OD_EXCHANGE_RESULT,
                                       .partition_count = 1,
                                       .may_merge = true,
                                       .may_split = 1};
    query = (struct od_query){.query_id = 1, .graph = &graph};
    query.options.cluster.executors_max = 2;
    query.options.cluster.slots_per_executor = 1;
}

static struct od_reading choose(struct od_arena *arena)
{
    struct od_reading reading;
    od_arena_init(arena, od_heap_for_tests(), 0);
    assert_int_equal(od_reading_choose(&query, &stages[INPUTS], &sizes, arena, &reading, NULL), OD_OK);
    return reading;
}

/* A word a task: of each input "maps.parts", the ends excluded: "0-3.1-2,0-3.1-2 ...". */
static void expect(uint32_t adapted, const char *expected)
{
    struct od_arena arena;
    struct od_buffer text;
    struct od_reading reading = choose(&arena);
    od_buffer_init(&text, od_heap_for_tests());
    for (uint32_t t = 0; t < reading.task_count; t++) {
        od_buffer_append_text(&text, t == 0 ? "" : " ");
        for (uint32_t i = 0; i < stages[INPUTS].input_count; i++) {
            const struct od_read_range *range = &reading.ranges[t * stages[INPUTS].input_count + i];
            od_buffer_print(&text, "%s%u-%u.%u-%u", i == 0 ? "" : ",", range->map_first, range->map_end,
                            range->part_first, range->part_end);
        }
    }
    assert_string_equal(od_buffer_text(&text), expected);
    assert_int_equal(reading.adapted, adapted);
    od_buffer_release(&text);
    od_arena_release(&arena);
}

static void fill(uint32_t input, uint32_t partition, uint64_t bytes)
{
    for (uint32_t m = 0; m < map_counts[input]; m++)
        cells[input][m][partition] = bytes;
}

enum {
    COALESCED = 1 << OD_ADAPTATION_COALESCED,
    SPLIT = 1 << OD_ADAPTATION_SPLIT,
    LOCAL = 1 << OD_ADAPTATION_BROADCAST
};

static void sizes_decide(void **state)
{
    (void)state;
    make_stage(1, 2, 4);
    expect(0, "0-2.0-1 0-2.1-2 0-2.2-3 0-2.3-4"); /* not asked for */
    query.options.partition_bytes = 100;
    expect(COALESCED, "0-2.0-4"); /* nothing in them */
    for (uint32_t p = 0; p < 4; p++)
        fill(0, p, 20);
    expect(COALESCED, "0-2.0-2 0-2.2-4");
    stages[INPUTS].may_merge = false;
    expect(0, "0-2.0-1 0-2.1-2 0-2.2-3 0-2.3-4");
    stages[INPUTS].may_merge = true;
    query.options.coalesce_off = 1;
    expect(0, "0-2.0-1 0-2.1-2 0-2.2-3 0-2.3-4");
    /* every slot gets a task, while that is worth one */
    make_stage(1, 2, 4);
    query.options.partition_bytes = 1 << 20;
    for (uint32_t p = 0; p < 4; p++)
        fill(0, p, 20000);
    expect(COALESCED, "0-2.0-2 0-2.2-4");
    for (uint32_t p = 0; p < 4; p++)
        fill(0, p, 2000);
    expect(COALESCED, "0-2.0-4");
}

static void a_skewed_partition_is_shared(void **state)
{
    (void)state;
    make_stage(2, 4, 3);
    query.options.partition_bytes = 100;
    for (uint32_t p = 0; p < 3; p++) {
        fill(0, p, p == 1 ? 90 : 10);
        fill(1, p, 5);
    }
    expect(SPLIT,
           "0-4.0-1,0-4.0-1 0-1.1-2,0-4.1-2 1-2.1-2,0-4.1-2 2-3.1-2,0-4.1-2 3-4.1-2,0-4.1-2 0-4.2-3,0-4.2-3");
    fill(0, 1, 45); /* twice the target is too little to be cut */
    cells[0][0][1] = 80;
    expect(SPLIT, "0-4.0-1,0-4.0-1 0-1.1-2,0-4.1-2 1-3.1-2,0-4.1-2 3-4.1-2,0-4.1-2 0-4.2-3,0-4.2-3");
    fill(0, 1, 45);
    expect(0, "0-4.0-1,0-4.0-1 0-4.1-2,0-4.1-2 0-4.2-3,0-4.2-3");
    fill(0, 1, 90);
    fill(0, 0, 60); /* no skew: the others are as large */
    fill(0, 2, 60);
    expect(0, "0-4.0-1,0-4.0-1 0-4.1-2,0-4.1-2 0-4.2-3,0-4.2-3");
    fill(0, 0, 10);
    fill(0, 2, 10);
    stages[INPUTS].may_split = 2; /* the other side could be */
    expect(0, "0-4.0-1,0-4.0-1 0-4.1-2,0-4.1-2 0-4.2-3,0-4.2-3");
    stages[INPUTS].may_split = 1;
    query.options.split_off = 1;
    expect(0, "0-4.0-1,0-4.0-1 0-4.1-2,0-4.1-2 0-4.2-3,0-4.2-3");
}

static void a_small_side_is_read_by_all(void **state)
{
    (void)state;
    make_stage(3, 3, 2);
    query.options.partition_bytes = 100;
    query.options.broadcast_bytes = 30;
    cells[2][1][0] = 1000; /* read whole in any case */
    for (uint32_t p = 0; p < 2; p++) {
        fill(0, p, 100);
        fill(1, p, 5);
    }
    expect(LOCAL, "0-1.0-2,0-3.0-2,0-3.0-1 1-2.0-2,0-3.0-2,0-3.0-1 2-3.0-2,0-3.0-2,0-3.0-1");
    cells[0][1][0] = cells[0][1][1] = 0; /* a map task that gave nothing */
    expect(LOCAL, "0-1.0-2,0-3.0-2,0-3.0-1 2-3.0-2,0-3.0-2,0-3.0-1");
    query.options.broadcast_bytes = 29;
    expect(0, "0-3.0-1,0-3.0-1,0-3.0-1 0-3.1-2,0-3.1-2,0-3.0-1");
    query.options.broadcast_bytes = 30;
    query.options.broadcast_off = 1;
    expect(0, "0-3.0-1,0-3.0-1,0-3.0-1 0-3.1-2,0-3.1-2,0-3.0-1");
    query.options.broadcast_off = 0;
    fill(0, 0, 20); /* reading the small side three times would move more than it saves */
    fill(0, 1, 20);
    expect(0, "0-3.0-1,0-3.0-1,0-3.0-1 0-3.1-2,0-3.1-2,0-3.0-1");
}

static bool holds(const struct od_reading *reading, uint32_t task, uint32_t input, uint32_t map_task,
                  uint32_t partition)
{
    const struct od_read_range *range = &reading->ranges[task * stages[INPUTS].input_count + input];
    return map_task >= range->map_first && map_task < range->map_end && partition >= range->part_first &&
           partition < range->part_end;
}

/* In how many tasks the two cells meet. */
static uint32_t count_meetings(const struct od_reading *reading, uint32_t left, uint32_t right,
                               uint32_t partition)
{
    uint32_t count = 0;
    for (uint32_t t = 0; t < reading->task_count; t++)
        count += holds(reading, t, 0, left, partition) && holds(reading, t, 1, right, partition);
    return count;
}

static void check_meetings(const struct od_reading *reading)
{
    for (uint32_t p = 0; p < stages[0].partition_count; p++) {
        for (uint32_t left = 0; left < map_counts[0]; left++) {
            bool gives = (reading->adapted & LOCAL) == 0; /* a map task without any bytes may be left out */
            for (uint32_t q = 0; q < stages[0].partition_count; q++)
                gives = gives || cells[0][left][q] != 0;
            for (uint32_t right = 0; right < map_counts[1]; right++) {
                uint32_t count = count_meetings(reading, left, right, p);
                assert_true(count == 1 || (count == 0 && (!gives || cells[1][right][p] == 0)));
            }
        }
    }
    for (uint32_t t = 0; t < reading->task_count; t++)
        for (uint32_t m = 0; m < map_counts[2]; m++)
            assert_true(holds(reading, t, 2, m, 0));
}

static void what_must_meet_meets_once(void **state)
{
    static const uint64_t amounts[] = {0, 0, 1, 5, 40, 300, 20000};
    uint32_t seen = 0;
    struct od_stream stream;
    (void)state;
    od_stream_init(&stream, 3, "sizes");
    for (uint32_t round = 0; round < 20000; round++) {
        struct od_random *draws = &stream.random;
        uint32_t maps = 1 + (uint32_t)od_random_below(draws, MAPS_MAX);
        uint32_t parts = 1 + (uint32_t)od_random_below(draws, PARTS_MAX);
        make_stage(3, maps, parts);
        stages[INPUTS].may_split = (uint32_t)od_random_below(draws, 4);
        query.options.partition_bytes = amounts[1 + od_random_below(draws, 6)];
        query.options.broadcast_bytes = amounts[od_random_below(draws, 7)];
        query.options.coalesce_off = od_random_below(draws, 4) == 0;
        query.options.split_off = od_random_below(draws, 4) == 0;
        query.options.broadcast_off = od_random_below(draws, 4) == 0;
        for (uint32_t i = 0; i < 2; i++)
            for (uint32_t m = 0; m < maps; m++)
                for (uint32_t p = 0; p < parts; p++)
                    cells[i][m][p] = amounts[od_random_below(draws, 7)];
        struct od_arena first_arena, second_arena;
        struct od_reading first = choose(&first_arena);
        struct od_reading second = choose(&second_arena);
        assert_int_equal(first.task_count, second.task_count);
        assert_memory_equal(first.ranges, second.ranges, first.task_count * 3 * sizeof(*first.ranges));
        assert_true(!query.options.coalesce_off || (first.adapted & COALESCED) == 0);
        assert_true(!query.options.split_off || (first.adapted & SPLIT) == 0);
        assert_true(!query.options.broadcast_off || (first.adapted & LOCAL) == 0);
        check_meetings(&first);
        seen |= first.adapted;
        od_arena_release(&first_arena);
        od_arena_release(&second_arena);
    }
    assert_int_equal(seen, COALESCED | SPLIT | LOCAL);
}

static enum od_status choose_with(struct od_memory *memory, void *context)
{
    struct od_arena arena;
    struct od_reading reading;
    (void)context;
    od_arena_init(&arena, memory, 1);
    enum od_status status = od_reading_choose(&query, &stages[INPUTS], &sizes, &arena, &reading, NULL);
    od_arena_release(&arena);
    return status;
}

static void each_allocation_refused(void **state)
{
    (void)state;
    make_stage(3, 3, 6);
    query.options.partition_bytes = 100;
    assert_true(od_sweep(choose_with, NULL) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_decide),
        cmocka_unit_test(a_skewed_partition_is_shared),
        cmocka_unit_test(a_small_side_is_read_by_all),
        cmocka_unit_test(what_must_meet_meets_once),
        cmocka_unit_test(each_allocation_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
