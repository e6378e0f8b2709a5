/* reading: planned ranges, or a choice among the three ways to do better. See reading.h for what pays.
 *
 *   measure   bytes of each partition of each parted input, and of all
 *   broadcast, if it pays: done
 *   else      a walk over the partitions: skewed ones are cut, the others gathered
 * Done twice: the first time only counts the tasks. */
#include "engine/run/reading.h"

#include "engine/core/assert.h"

#define TASK_BYTES_MIN ((uint64_t)16 << 10) /* less is not worth a task of its own */
#define SKEW           4

struct chooser {
    const struct od_stage *stage;
    const struct od_stage *stages;
    const struct od_reading_sizes *sizes;
    const struct od_run_options *options;
    uint64_t target;
    uint64_t *bytes;               /* [input * task_count + partition]; of parted inputs */
    uint64_t *total;               /* [input] */
    struct od_read_range *scratch; /* [input]: a task's, while tasks are only counted */
    struct od_reading *reading;
};

static bool is_on(const struct chooser *chooser, enum od_adaptation adaptation)
{
    const uint32_t off[OD_ADAPTATION_COUNT] = {[OD_ADAPTATION_COALESCED] = chooser->options->coalesce_off,
                                               [OD_ADAPTATION_SPLIT] = chooser->options->split_off,
                                               [OD_ADAPTATION_BROADCAST] = chooser->options->broadcast_off};
    return off[adaptation] == 0;
}

static enum od_exchange_kind exchange_of(const struct chooser *chooser, uint32_t input)
{
    return chooser->stages[chooser->stage->input_stages[input]].exchange;
}

static uint32_t map_count(const struct chooser *chooser, uint32_t input)
{
    return chooser->sizes->map_count(chooser->sizes->self, input);
}

/* A task more: of each parted input partitions [first, end), of the others all there is. */
static struct od_read_range *add_task(struct chooser *chooser, uint32_t first, uint32_t end)
{
    uint32_t input_count = chooser->stage->input_count;
    struct od_reading *reading = chooser->reading;
    struct od_read_range *ranges = reading->ranges == NULL
                                       ? chooser->scratch
                                       : reading->ranges + (size_t)reading->task_count * input_count;
    reading->task_count++;
    for (uint32_t i = 0; i < input_count; i++) {
        enum od_exchange_kind exchange = exchange_of(chooser, i);
        bool forward = exchange == OD_EXCHANGE_FORWARD; /* one map task has written that partition */
        ranges[i] = (struct od_read_range){.map_first = forward ? first : 0,
                                           .map_end = forward ? end : map_count(chooser, i),
                                           .part_first = od_exchange_is_parted(exchange) ? first : 0,
                                           .part_end = od_exchange_is_parted(exchange) ? end : 1};
    }
    return ranges;
}

/* --- broadcast ------------------------------------------------------------------------------------------------- */

static uint64_t map_task_bytes(const struct chooser *chooser, uint32_t input, uint32_t map_task)
{
    uint64_t bytes = 0;
    for (uint32_t p = 0; p < chooser->stage->task_count; p++)
        bytes += chooser->sizes->bytes(chooser->sizes->self, input, map_task, p);
    return bytes;
}

/* The input that is better read where it lies; input_count: none. */
static uint32_t find_local(const struct chooser *chooser)
{
    uint32_t best = chooser->stage->input_count;
    uint64_t all = 0;
    for (uint32_t i = 0; i < chooser->stage->input_count; i++)
        all += chooser->total[i];
    for (uint32_t i = 0; i < chooser->stage->input_count && i < 32; i++) {
        uint64_t others = all - chooser->total[i];
        bool pays = chooser->stage->may_split >> i & 1 && others != 0 &&
                    others <= chooser->options->broadcast_bytes &&
                    others <= chooser->total[i] / 2 / map_count(chooser, i);
        best = pays ? i : best;
    }
    return best;
}

static bool read_locally(struct chooser *chooser)
{
    uint32_t local = find_local(chooser);
    if (local == chooser->stage->input_count || !is_on(chooser, OD_ADAPTATION_BROADCAST))
        return false;
    for (uint32_t m = 0; m < map_count(chooser, local); m++) {
        if (map_task_bytes(chooser, local, m) == 0)
            continue;
        struct od_read_range *ranges = add_task(chooser, 0, chooser->stage->task_count);
        ranges[local].map_first = m;
        ranges[local].map_end = m + 1;
    }
    chooser->reading->adapted = 1u << OD_ADAPTATION_BROADCAST;
    return true;
}

/* --- partition by partition ------------------------------------------------------------------------------------ */

/* The input whose part of this partition is to be cut; input_count: none. */
static uint32_t find_skewed(const struct chooser *chooser, uint32_t partition)
{
    uint32_t count = chooser->stage->task_count;
    uint32_t skewed = chooser->stage->input_count;
    uint64_t most = 2 * chooser->target;
    for (uint32_t i = 0; i < chooser->stage->input_count && i < 32; i++) {
        uint64_t bytes = chooser->bytes[(size_t)i * count + partition];
        uint64_t others_mean = count == 1 ? bytes : (chooser->total[i] - bytes) / (count - 1);
        if ((chooser->stage->may_split >> i & 1) == 0 || bytes <= most || bytes / SKEW <= others_mean)
            continue;
        skewed = i;
        most = bytes;
    }
    return is_on(chooser, OD_ADAPTATION_SPLIT) ? skewed : chooser->stage->input_count;
}

/* Tasks that share the map tasks of one input; there may come out a single one. */
static void split(struct chooser *chooser, uint32_t partition, uint32_t input)
{
    uint32_t end = map_count(chooser, input);
    uint32_t before = chooser->reading->task_count;
    struct od_read_range *piece = NULL;
    uint64_t piece_bytes = 0;
    for (uint32_t m = 0; m < end; m++) {
        uint64_t bytes = chooser->sizes->bytes(chooser->sizes->self, input, m, partition);
        if (piece == NULL || (piece_bytes != 0 && bytes > chooser->target - piece_bytes)) {
            piece = add_task(chooser, partition, partition + 1) + input;
            piece->map_first = m;
            piece_bytes = 0;
        }
        piece->map_end = m + 1;
        piece_bytes = bytes < chooser->target - piece_bytes ? piece_bytes + bytes : chooser->target;
    }
    if (chooser->reading->task_count > before + 1)
        chooser->reading->adapted |= 1u << OD_ADAPTATION_SPLIT;
}

static uint64_t partition_bytes(const struct chooser *chooser, uint32_t partition)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < chooser->stage->input_count; i++)
        bytes += chooser->bytes[(size_t)i * chooser->stage->task_count + partition];
    return bytes;
}

static void walk(struct chooser *chooser)
{
    uint32_t count = chooser->stage->task_count;
    for (uint32_t p = 0; p < count;) {
        uint32_t skewed = find_skewed(chooser, p);
        if (skewed != chooser->stage->input_count) {
            split(chooser, p++, skewed);
            continue;
        }
        uint32_t end = p + 1;
        for (uint64_t bytes = partition_bytes(chooser, p);
             is_on(chooser, OD_ADAPTATION_COALESCED) && end < count; end++) {
            bytes += partition_bytes(chooser, end);
            if (bytes > chooser->target || find_skewed(chooser, end) != chooser->stage->input_count)
                break;
        }
        add_task(chooser, p, end);
        if (end > p + 1)
            chooser->reading->adapted |= 1u << OD_ADAPTATION_COALESCED;
        p = end;
    }
}

/* --- the choice ------------------------------------------------------------------------------------------------ */

static enum od_status measure(struct chooser *chooser, const struct od_query *query, struct od_arena *arena,
                              struct od_error *error)
{
    const struct od_stage *stage = chooser->stage;
    uint64_t all = 0;
    OD_TAKE(chooser->bytes, arena, (size_t)stage->input_count * stage->task_count, error);
    OD_TAKE(chooser->total, arena, stage->input_count, error);
    for (uint32_t i = 0; i < stage->input_count; i++) {
        if (exchange_of(chooser, i) == OD_EXCHANGE_BROADCAST)
            continue;
        for (uint32_t m = 0; m < map_count(chooser, i); m++)
            for (uint32_t p = 0; p < stage->task_count; p++)
                chooser->bytes[(size_t)i * stage->task_count + p] +=
                    chooser->sizes->bytes(chooser->sizes->self, i, m, p);
        for (uint32_t p = 0; p < stage->task_count; p++)
            chooser->total[i] += chooser->bytes[(size_t)i * stage->task_count + p];
        all += chooser->total[i];
    }
    uint64_t share = all / od_run_slots(query);
    share = share < TASK_BYTES_MIN ? TASK_BYTES_MIN : share;
    chooser->target = share < chooser->options->partition_bytes ? share : chooser->options->partition_bytes;
    return OD_OK;
}

static void choose(struct chooser *chooser, bool may_adapt)
{
    chooser->reading->task_count = 0;
    for (uint32_t t = 0; !may_adapt && t < chooser->stage->task_count; t++)
        add_task(chooser, t, t + 1);
    if (may_adapt && !read_locally(chooser))
        walk(chooser);
    od_assert(chooser->reading->task_count >= 1);
}

bool od_reading_may_change(const struct od_query *query, const struct od_stage *stage)
{
    return stage->may_merge && query->options.partition_bytes != 0;
}

enum od_status od_reading_choose(const struct od_query *query, const struct od_stage *stage,
                                 const struct od_reading_sizes *sizes, struct od_arena *arena,
                                 struct od_reading *reading_out, struct od_error *error)
{
    struct chooser chooser = {.stage = stage,
                              .stages = query->graph->stages,
                              .sizes = sizes,
                              .options = &query->options,
                              .reading = reading_out};
    bool may_adapt = od_reading_may_change(query, stage);
    *reading_out = (struct od_reading){0};
    if (may_adapt)
        OD_TRY(measure(&chooser, query, arena, error));
    OD_TAKE(chooser.scratch, arena, stage->input_count, error);
    choose(&chooser, may_adapt);
    OD_TAKE(reading_out->ranges, arena, (size_t)reading_out->task_count * stage->input_count, error);
    choose(&chooser, may_adapt);
    return OD_OK;
}
