/* shrink: see shrink.h.
 *
 *   best (bytes, draws, spans)  --pass edits a copy-->  candidate  --replay-->  fails and shortlex-smaller? 
 *                               --> new best
 *
 * A pass walks best by index and goes on at the same index after a success, because best has then changed
 * under it. `best` always holds the canonical record of a replay, so bytes that no draw reads vanish by
 * themselves. Candidates are remembered by a 64-bit hash in a fixed table: a lost memory costs an evaluation,
 * never a result. */
#include "properties/shrink.h"

#include "engine/core/assert.h"
#include "engine/core/hash.h"

#include <string.h>

#define SEEN_SLOTS 65536u
#define SMALL_END  8u /* draws below are kinds or counts, mostly */

struct shrink {
    struct od_memory *memory;
    const struct od_shrink_test *test;
    struct od_choices trial; /* the replay of the last candidate */
    struct od_choices best;  /* the record of the best one; not drawn from */
    uint8_t *candidate;      /* OD_CHOICES_LIMIT_BYTES */
    uint64_t *seen;          /* SEEN_SLOTS */
    uint32_t best_size; /* all that was drawn, trailing zeros too: fewer draws are simpler than draws of 0 */
    uint32_t evaluations;
    uint32_t evaluations_max;
    bool changed;
};

static int shortlex(const uint8_t *left, uint32_t left_size, const uint8_t *right, uint32_t right_size)
{
    if (left_size != right_size)
        return left_size < right_size ? -1 : 1;
    return left_size == 0 ? 0 : memcmp(left, right, left_size);
}

static bool out_of_budget(const struct shrink *shrink)
{
    return shrink->evaluations >= shrink->evaluations_max;
}

/* True when these bytes were tried before; remembers them. */
static bool was_seen(struct shrink *shrink, const uint8_t *bytes, uint32_t size)
{
    uint64_t hash = od_hash_bytes(bytes, size, size) | 1;
    uint64_t *slot = &shrink->seen[hash >> 1 & (SEEN_SLOTS - 1)];
    bool seen = *slot == hash;
    *slot = hash;
    return seen;
}

static void swap_choices(struct od_choices *left, struct od_choices *right)
{
    struct od_choices swap = *left;
    *left = *right;
    *right = swap; /* `random.self` is set anew by the next _from_ call; records do not use it */
}

/* Runs the trial, whose supplier is set. True when it is a new best. */
static bool run_trial(struct shrink *shrink)
{
    shrink->evaluations++;
    bool fails = shrink->test->fails(shrink->test->self, &shrink->trial);
    uint32_t trial_size = shrink->trial.size;
    was_seen(shrink, shrink->trial.bytes,
             od_choices_trimmed_bytes(&shrink->trial)); /* other bytes may mean the same */
    if (!fails || shrink->trial.overrun ||
        shortlex(shrink->trial.bytes, trial_size, shrink->best.bytes, shrink->best_size) >= 0)
        return false;
    swap_choices(&shrink->trial, &shrink->best);
    shrink->best_size = trial_size;
    shrink->changed = true;
    if (shrink->test->progress != NULL)
        shrink->test->progress(shrink->test->self, shrink->evaluations, trial_size);
    return true;
}

/* Replays `size` bytes of shrink->candidate. True when they are a new best. */
static bool try_candidate(struct shrink *shrink, uint32_t size)
{
    while (size > 0 && shrink->candidate[size - 1] == 0)
        size--;
    if (out_of_budget(shrink) || was_seen(shrink, shrink->candidate, size))
        return false;
    od_choices_from_bytes(&shrink->trial, shrink->candidate, size);
    return run_trial(shrink);
}

/* --- edits of best into the candidate ------------------------------------------------------------------- */

static uint32_t copy_best(struct shrink *shrink)
{
    if (shrink->best_size > 0)
        memcpy(shrink->candidate, shrink->best.bytes, shrink->best_size);
    return shrink->best_size;
}

static uint32_t cut(uint8_t *bytes, uint32_t size, uint32_t first, uint32_t end)
{
    if (end > size)
        end = size;
    if (first >= end)
        return size;
    memmove(bytes + first, bytes + end, size - end);
    return size - (end - first);
}

static bool try_delete(struct shrink *shrink, uint32_t first, uint32_t end)
{
    if (first >= shrink->best_size)
        return false;
    return try_candidate(shrink, cut(shrink->candidate, copy_best(shrink), first, end));
}

static bool try_zero(struct shrink *shrink, uint32_t first, uint32_t end)
{
    uint32_t size = copy_best(shrink);
    if (end > size)
        end = size;
    bool all_zero = true;
    for (uint32_t i = first; i < end; i++) {
        all_zero &= shrink->candidate[i] == 0;
        shrink->candidate[i] = 0;
    }
    return !all_zero && try_candidate(shrink, size);
}

static uint64_t draw_value(const struct shrink *shrink, const struct od_choice_draw *draw)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < draw->width_bytes; i++)
        value = value << 8 | shrink->best.bytes[draw->offset + i];
    return value;
}

/* Writes a value into the candidate, a copy of best, at a draw of best. */
static uint32_t put_value(struct shrink *shrink, uint32_t size, const struct od_choice_draw *draw,
                          uint64_t value)
{
    od_assert(draw->offset + draw->width_bytes <= size);
    for (uint32_t i = 0; i < draw->width_bytes; i++)
        shrink->candidate[draw->offset + i] = (uint8_t)(value >> (8 * (draw->width_bytes - 1 - i)));
    return size;
}

static bool try_value(struct shrink *shrink, uint32_t draw_index, uint64_t value)
{
    uint32_t size = copy_best(shrink);
    return try_candidate(shrink, put_value(shrink, size, &shrink->best.draws[draw_index], value));
}

static uint32_t live_draws(const struct shrink *shrink)
{
    return shrink->best.draw_count;
}

/* --- passes: delete ------------------------------------------------------------------------------------- */

/* Large spans first: spans are in the order of their begin, so outer ones come before inner ones. A span
 * whose deletion worked is gone, and the next one has its index. */
static void delete_spans(struct shrink *shrink)
{
    for (uint32_t i = 0; i < shrink->best.span_count && !out_of_budget(shrink);) {
        struct od_choice_span span = shrink->best.spans[i];
        if (span.first < span.end && span.end - span.first < shrink->best_size &&
            try_delete(shrink, span.first, span.end))
            continue;
        i++;
    }
}

/* The last spans first: deleting from the back disturbs less of what follows. */
static void delete_spans_backwards(struct shrink *shrink)
{
    for (uint32_t i = shrink->best.span_count; i-- > 0 && !out_of_budget(shrink);) {
        if (i >= shrink->best.span_count)
            continue;
        struct od_choice_span span = shrink->best.spans[i];
        if (span.first < span.end)
            try_delete(shrink, span.first, span.end);
    }
}

/* The number of spans of one label from `index` on, one behind the other: rows, faults, items. */
static uint32_t neighbours(const struct shrink *shrink, uint32_t index)
{
    const struct od_choice_span *first = &shrink->best.spans[index], *last = first;
    uint32_t count = 1;
    for (uint32_t i = index + 1; i < shrink->best.span_count; i++) {
        const struct od_choice_span *span = &shrink->best.spans[i];
        if (span->depth > first->depth)
            continue;
        if (span->depth < first->depth || span->first != last->end || strcmp(span->label, first->label) != 0)
            break;
        last = span;
        count++;
    }
    return count;
}

/* The span `steps` neighbours behind `index`; there must be one. */
static uint32_t neighbour(const struct shrink *shrink, uint32_t index, uint32_t steps)
{
    uint32_t depth = shrink->best.spans[index].depth;
    while (steps > 0)
        steps -= shrink->best.spans[++index].depth == depth;
    return index;
}

/* Half of what follows, half of that..., then small numbers: failing may hang on a count (an even one, one
 * of four). */
#define TOGETHER_FEW 9u
static void delete_neighbours_at(struct shrink *shrink, uint32_t index)
{
    uint32_t count = neighbours(shrink, index);
    for (uint32_t together = count; together >= 2 && !out_of_budget(shrink);
         together = together > TOGETHER_FEW ? (together + 1) / 2 : together - 1) {
        if (together > count)
            continue;
        uint32_t last = neighbour(shrink, index, together - 1);
        if (!try_delete(shrink, shrink->best.spans[index].first, shrink->best.spans[last].end))
            continue;
        if (index >= shrink->best.span_count)
            return;
        count = neighbours(shrink, index);
        together++; /* once more */
    }
}

static void delete_neighbours(struct shrink *shrink)
{
    for (uint32_t i = 0; i < shrink->best.span_count && !out_of_budget(shrink); i++)
        delete_neighbours_at(shrink, i);
}

/* --- passes: delete what belongs together in several places ----------------------------------------- */

static uint32_t parent_of(const struct shrink *shrink, uint32_t index)
{
    uint32_t depth = shrink->best.spans[index].depth;
    while (index > 0 && shrink->best.spans[index].depth >= depth)
        index--;
    return index;
}

/* Cuts span `index` and, in each sibling of another label, the child of the same number: a column and its
 * cells. Behind it the draw `lowered` is lowered by one, if it is one: a number that counts past the
 * column. The candidate's size, or UINT32_MAX when there is nothing of the kind. */
static uint32_t cut_with_children(struct shrink *shrink, uint32_t index, uint32_t lowered)
{
    const struct od_choices *best = &shrink->best;
    const struct od_choice_span *chosen = &best->spans[index];
    uint32_t parent = parent_of(shrink, index), number = 0, child = 0, size = copy_best(shrink), gone = 0;
    bool is_other = false, any_child = false;
    if (lowered < best->draw_count)
        put_value(shrink, size, &best->draws[lowered], draw_value(shrink, &best->draws[lowered]) - 1);
    for (uint32_t i = parent + 1; i < index; i++)
        number += best->spans[i].depth == chosen->depth && strcmp(best->spans[i].label, chosen->label) == 0;
    for (uint32_t i = parent + 1; i < best->span_count && best->spans[i].depth >= chosen->depth; i++) {
        const struct od_choice_span *span = &best->spans[i];
        bool is_child = is_other && span->depth == chosen->depth + 1 && child++ == number;
        if (span->depth == chosen->depth) {
            is_other = strcmp(span->label, chosen->label) != 0;
            child = 0;
        }
        if (i != index && !is_child)
            continue;
        any_child = any_child || is_child;
        size = cut(shrink->candidate, size, span->first - gone, span->end - gone);
        gone += span->end - span->first;
    }
    return any_child ? size : UINT32_MAX;
}

static bool delete_with_children_at(struct shrink *shrink, uint32_t index)
{
    uint32_t size = cut_with_children(shrink, index, UINT32_MAX);
    if (size == UINT32_MAX)
        return false;
    if (try_candidate(shrink, size))
        return true;
    for (uint32_t i = 0; i < live_draws(shrink) && !out_of_budget(shrink); i++) {
        const struct od_choice_draw *draw = &shrink->best.draws[i];
        if (draw->offset >= shrink->best.spans[index].end && draw_value(shrink, draw) != 0 &&
            try_candidate(shrink, cut_with_children(shrink, index, i)))
            return true;
    }
    return false;
}

static void delete_with_children(struct shrink *shrink)
{
    for (uint32_t i = 0; i < shrink->best.span_count && !out_of_budget(shrink);)
        if (shrink->best.spans[i].depth == 0 || !delete_with_children_at(shrink, i))
            i++;
}

/* The n-th draw of a span in best; NULL: it has fewer. */
static const struct od_choice_draw *draw_of(const struct shrink *shrink, const struct od_choice_span *span,
                                            uint32_t n)
{
    for (uint32_t i = 0; i < live_draws(shrink); i++)
        if (shrink->best.draws[i].offset >= span->first && n-- == 0)
            return shrink->best.draws[i].offset < span->end ? &shrink->best.draws[i] : NULL;
    return NULL;
}

/* Deletes one of a list whose items name each other by position, in their draw `position`: names behind it
 * get one less. */
static bool delete_and_renumber(struct shrink *shrink, uint32_t head, uint32_t count, uint32_t number,
                                uint32_t position)
{
    struct od_choice_span gone = shrink->best.spans[neighbour(shrink, head, number)];
    uint32_t size = copy_best(shrink), renumbered = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct od_choice_draw *draw =
            draw_of(shrink, &shrink->best.spans[neighbour(shrink, head, i)], position);
        if (i == number || draw == NULL || draw_value(shrink, draw) <= number)
            continue;
        put_value(shrink, size, draw, draw_value(shrink, draw) - 1);
        renumbered++;
    }
    return renumbered >= 2 && try_candidate(shrink, cut(shrink->candidate, size, gone.first, gone.end));
}

#define POSITIONS_MAX 3u
#define LIST_LONG     16u
static void delete_and_renumber_lists(struct shrink *shrink)
{
    for (uint32_t i = 0; i < shrink->best.span_count && !out_of_budget(shrink); i++) {
        uint32_t count = neighbours(shrink, i);
        for (uint32_t k = 0; k < count * POSITIONS_MAX && count <= LIST_LONG; k++)
            if (delete_and_renumber(shrink, i, count, k / POSITIONS_MAX, k % POSITIONS_MAX))
                count = i < shrink->best.span_count ? neighbours(shrink, i) : 0;
    }
}

/* Deletes one of a few siblings while a draw of another one is moved by up to NUDGE_MAX. Where trials are
 * dear, only large draws, which are numbers rather than kinds. */
#define SIBLINGS_FEW 5u
#define NUDGE_MAX    4u
static bool delete_and_nudge(struct shrink *shrink, uint32_t gone, uint32_t nudged)
{
    struct od_choice_span chosen = shrink->best.spans[gone], other = shrink->best.spans[nudged];
    for (uint32_t i = 0; i < live_draws(shrink) && !out_of_budget(shrink); i++) {
        struct od_choice_draw draw = shrink->best.draws[i];
        bool is_large = draw_value(shrink, &draw) >= SMALL_END;
        if (draw.offset < other.first || draw.offset >= other.end ||
            (!is_large && shrink->test->resamples == 0))
            continue;
        for (uint32_t step = 0; step < 2 * NUDGE_MAX; step++) {
            uint64_t value = draw_value(shrink, &draw), by = 1 + step / 2;
            if (step % 2 == 1 && value < by)
                continue;
            uint32_t size =
                put_value(shrink, copy_best(shrink), &draw, step % 2 == 1 ? value - by : value + by);
            if (try_candidate(shrink, cut(shrink->candidate, size, chosen.first, chosen.end)))
                return true;
        }
    }
    return false;
}

static void delete_and_nudge_siblings(struct shrink *shrink)
{
    for (uint32_t i = 0; i < shrink->best.span_count && !out_of_budget(shrink); i++) {
        uint32_t count = neighbours(shrink, i);
        if (count > SIBLINGS_FEW)
            continue;
        for (uint32_t j = 1; j < count; j++) {
            uint32_t other = neighbour(shrink, i, j);
            if (delete_and_nudge(shrink, i, other) || delete_and_nudge(shrink, other, i))
                break;
        }
    }
}

static void delete_runs(struct shrink *shrink)
{
    for (uint32_t length = 8; length >= 1 && !out_of_budget(shrink); length--)
        for (uint32_t i = live_draws(shrink); i-- > 0 && !out_of_budget(shrink);) {
            uint32_t count = live_draws(shrink);
            if (i + length > count)
                continue;
            const struct od_choice_draw *last = &shrink->best.draws[i + length - 1];
            try_delete(shrink, shrink->best.draws[i].offset, last->offset + last->width_bytes);
        }
}

/* A draw lowered by one, and something behind it deleted: a count and one of what it counts. */
static bool lower_and_delete_at(struct shrink *shrink, uint32_t draw_index)
{
    struct od_choice_draw draw = shrink->best.draws[draw_index];
    uint64_t value = draw_value(shrink, &draw);
    if (value == 0)
        return false;
    for (uint32_t i = 0; i < shrink->best.span_count; i++) {
        struct od_choice_span span = shrink->best.spans[i];
        if (span.first < draw.offset + draw.width_bytes || span.first >= span.end ||
            span.first >= shrink->best_size)
            continue;
        uint32_t size = put_value(shrink, copy_best(shrink), &draw, value - 1);
        if (try_candidate(shrink, cut(shrink->candidate, size, span.first, span.end)))
            return true;
    }
    for (uint32_t i = draw_index + 1; i < live_draws(shrink); i++) {
        struct od_choice_draw other = shrink->best.draws[i];
        uint32_t size = put_value(shrink, copy_best(shrink), &draw, value - 1);
        if (try_candidate(shrink,
                          cut(shrink->candidate, size, other.offset, other.offset + other.width_bytes)))
            return true;
    }
    return false;
}

static void lower_and_delete(struct shrink *shrink)
{
    for (uint32_t i = 0; i < live_draws(shrink) && !out_of_budget(shrink);) {
        uint32_t size = shrink->best_size;
        /* Again at the same draw only if something went: else this would count a large value down one by one.
         * */
        if (!lower_and_delete_at(shrink, i) || shrink->best_size >= size)
            i++;
    }
}

/* True when a span begins or ends within the bytes. */
static bool crosses_spans(const struct shrink *shrink, uint32_t first, uint32_t end)
{
    for (uint32_t i = 0; i < shrink->best.span_count; i++) {
        const struct od_choice_span *span = &shrink->best.spans[i];
        if ((span->first > first && span->first < end) || (span->end > first && span->end < end))
            return true;
    }
    return false;
}

/* A small count lowered by one, and a run of draws soon behind it deleted: for lists whose items have no
 * spans. */
#define RUN_START_MAX  10u
#define RUN_LENGTH_MAX 10u
static void lower_and_delete_runs(struct shrink *shrink)
{
    for (uint32_t i = 0; i < live_draws(shrink); i++)
        for (uint32_t start = i + 1; start <= i + RUN_START_MAX; start++)
            for (uint32_t length = RUN_LENGTH_MAX; length >= 2 && !out_of_budget(shrink); length--) {
                if (i >= live_draws(shrink) || start + length > live_draws(shrink))
                    continue;
                struct od_choice_draw count = shrink->best.draws[i];
                uint64_t value = draw_value(shrink, &count);
                if (value == 0 || value > RUN_LENGTH_MAX)
                    continue;
                const struct od_choice_draw *last = &shrink->best.draws[start + length - 1];
                uint32_t first = shrink->best.draws[start].offset, end = last->offset + last->width_bytes;
                if (crosses_spans(shrink, first, end))
                    continue;
                uint32_t size = put_value(shrink, copy_best(shrink), &count, value - 1);
                try_candidate(shrink, cut(shrink->candidate, size, first, end));
            }
}

/* A relation replaced by a relation inside it, a list by one of its lists. */
static void hoist_spans(struct shrink *shrink)
{
    for (uint32_t i = 0; i < shrink->best.span_count && !out_of_budget(shrink); i++)
        for (uint32_t j = i + 1; j < shrink->best.span_count && !out_of_budget(shrink); j++) {
            struct od_choice_span outer = shrink->best.spans[i], inner = shrink->best.spans[j];
            if (inner.first >= outer.end || outer.first >= shrink->best_size)
                break;
            if (strcmp(outer.label, inner.label) != 0 || inner.end - inner.first >= outer.end - outer.first)
                continue;
            uint32_t size = copy_best(shrink);
            size = cut(shrink->candidate, size, inner.end, outer.end);
            try_candidate(shrink, cut(shrink->candidate, size, outer.first, inner.first));
        }
}

/* --- passes: lower -------------------------------------------------------------------------------------- */

static void zero_spans(struct shrink *shrink)
{
    for (uint32_t i = 0; i < shrink->best.span_count && !out_of_budget(shrink); i++) {
        struct od_choice_span span = shrink->best.spans[i];
        if (span.first < span.end)
            try_zero(shrink, span.first, span.end);
    }
}

/* Zero, one, two, then, if half of the value or one less fails, the smallest failing value by binary
 * search: right when failing is monotone, and harmless else. Where it is not, the next small values are
 * worth a look: plain kinds come first in every list. */
#define SMALL_FIRST 3u
static void lower_draw(struct shrink *shrink, uint32_t index)
{
    uint64_t high = draw_value(shrink, &shrink->best.draws[index]);
    for (uint64_t value = 0; value < SMALL_FIRST; value++)
        if (value >= high || try_value(shrink, index, value))
            return;
    uint64_t low = SMALL_FIRST - 1; /* does not fail */
    if (!try_value(shrink, index, low + (high - low) / 2) && !try_value(shrink, index, high - 1))
        low = high; /* no use in searching */
    else
        high = index < live_draws(shrink) ? draw_value(shrink, &shrink->best.draws[index]) : 0;
    while (high > low && high - low > 1 && index < live_draws(shrink) && !out_of_budget(shrink)) {
        uint64_t middle = low + (high - low) / 2;
        if (try_value(shrink, index, middle))
            high = index < live_draws(shrink) ? draw_value(shrink, &shrink->best.draws[index]) : 0;
        else
            low = middle;
        if (high <= low)
            return;
    }
    for (uint64_t value = SMALL_FIRST; value < SMALL_END && index < live_draws(shrink); value++)
        if (value >= draw_value(shrink, &shrink->best.draws[index]) || try_value(shrink, index, value))
            return;
}

static void lower_draws(struct shrink *shrink)
{
    for (uint32_t i = 0; i < live_draws(shrink) && !out_of_budget(shrink); i++)
        lower_draw(shrink, i);
}

/* Moves `step` off the left draw and off the right one (values that must stay equal), or onto it (a fixed
 * sum). */
static bool try_pair(struct shrink *shrink, uint32_t left, uint32_t right, uint64_t step, bool rising)
{
    if (right >= live_draws(shrink))
        return false;
    struct od_choice_draw first = shrink->best.draws[left], second = shrink->best.draws[right];
    uint64_t first_value = draw_value(shrink, &first), second_value = draw_value(shrink, &second);
    uint64_t largest = second.width_bytes >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * second.width_bytes)) - 1;
    if (first_value < step || (rising ? second_value > largest - step : second_value < step))
        return false;
    uint32_t size = put_value(shrink, copy_best(shrink), &first, first_value - step);
    return try_candidate(
        shrink, put_value(shrink, size, &second, rising ? second_value + step : second_value - step));
}

/* The whole value first, then powers of two, each as often as it helps. */
static void lower_pair(struct shrink *shrink, uint32_t left, uint32_t right)
{
    struct od_choice_draw first = shrink->best.draws[left];
    uint64_t value = draw_value(shrink, &first);
    if (value == 0 || first.width_bytes != shrink->best.draws[right].width_bytes)
        return;
    for (uint32_t rising = 0; rising < 2; rising++) {
        if (try_pair(shrink, left, right, value, rising))
            return;
        for (uint64_t step = UINT64_C(1) << (63 - __builtin_clzll(value)); step > 0; step /= 2)
            while (try_pair(shrink, left, right, step, rising)) {
            }
        if (left >= live_draws(shrink) || right >= live_draws(shrink))
            return;
    }
}

static void lower_pairs(struct shrink *shrink)
{
    for (uint32_t i = 0; i < live_draws(shrink) && !out_of_budget(shrink); i++)
        for (uint32_t j = i + 1; j < i + 8 && j < live_draws(shrink) && !out_of_budget(shrink); j++)
            lower_pair(shrink, i, j);
}

/* --- passes: order -------------------------------------------------------------------------------------- */

/* Neighbours [first, middle) [middle, end) change places. */
static bool try_swap(struct shrink *shrink, uint32_t first, uint32_t middle, uint32_t end)
{
    uint32_t size = copy_best(shrink);
    memcpy(shrink->candidate + first, shrink->best.bytes + middle, end - middle);
    memcpy(shrink->candidate + first + (end - middle), shrink->best.bytes + first, middle - first);
    return memcmp(shrink->candidate + first, shrink->best.bytes + first, end - first) < 0 &&
           try_candidate(shrink, size);
}

static void order_spans(struct shrink *shrink)
{
    for (uint32_t i = 0; i < shrink->best.span_count && !out_of_budget(shrink); i++)
        for (uint32_t j = i + 1; j < shrink->best.span_count && !out_of_budget(shrink); j++) {
            struct od_choice_span left = shrink->best.spans[i], right = shrink->best.spans[j];
            if (right.first > left.end)
                break;
            if (right.first == left.end && left.depth == right.depth && strcmp(left.label, right.label) == 0)
                try_swap(shrink, left.first, right.first, right.end);
        }
}

static void order_draws(struct shrink *shrink)
{
    for (uint32_t i = 0; i + 1 < live_draws(shrink) && !out_of_budget(shrink); i++)
        for (uint32_t j = i; j + 1 < live_draws(shrink); j--) {
            struct od_choice_draw left = shrink->best.draws[j], right = shrink->best.draws[j + 1];
            if (left.width_bytes != right.width_bytes ||
                draw_value(shrink, &left) <= draw_value(shrink, &right) ||
                !try_swap(shrink, left.offset, right.offset, right.offset + right.width_bytes) || j == 0)
                break;
        }
}

/* --- passes: by chance ------------------------------------------------------------------------------ */

/* Seeds follow from what is shrunk and from how far it has come. */
static uint64_t chance_seed(const struct shrink *shrink, uint64_t number)
{
    return od_mix_two(od_hash_bytes(shrink->best.bytes, shrink->best_size, shrink->best_size), number);
}

/* Draws a span anew, in best without the bytes [gone_first, gone_end), which lie outside of it. */
static bool try_resample(struct shrink *shrink, struct od_choice_span span, uint32_t gone_first,
                         uint32_t gone_end, uint64_t seed)
{
    uint32_t size = cut(shrink->candidate, copy_best(shrink), gone_first, gone_end);
    if (gone_first < span.first) {
        span.first -= gone_end - gone_first;
        span.end -= gone_end - gone_first;
    }
    if (out_of_budget(shrink))
        return false;
    od_choices_from_splice(&shrink->trial, shrink->candidate, size, &span, seed);
    return run_trial(shrink);
}

#define DELETE_AND_RESAMPLE 8u /* so many times as often, as most of its tries are none */

/* Of a few siblings near the root (faults, tables) one is deleted and another one drawn anew. */
#define SIBLINGS_DEPTH_MAX 1u
static void resample_siblings(struct shrink *shrink)
{
    uint32_t tries = shrink->test->resamples;
    for (uint32_t i = 0; i < shrink->best.span_count && tries > 0; i++) {
        for (uint32_t k = 0; i < shrink->best.span_count && !out_of_budget(shrink) && k < tries; k++) {
            uint32_t count = neighbours(shrink, i);
            if (count < 2 || count > SIBLINGS_FEW || shrink->best.spans[i].depth > SIBLINGS_DEPTH_MAX)
                break;
            uint64_t seed = chance_seed(shrink, k);
            struct od_choice_span span = shrink->best.spans[i];
            struct od_choice_span other =
                shrink->best.spans[neighbour(shrink, i, 1 + (uint32_t)((seed >> 8) % (count - 1)))];
            if (seed >> 7 & 1)
                try_resample(shrink, span, other.first, other.end, seed);
            else
                try_resample(shrink, other, span.first, span.end, seed);
        }
    }
}

/* Single spans near the root (a fault, the cluster), where they are not long: another one may be shorter or plainer at once, in several
 * of its draws. */
#define SPAN_BYTES_MAX 40u
#define SPANS_SHARE    8u /* of the tries: there are many spans */
static void resample_spans(struct shrink *shrink)
{
    for (uint32_t i = 0; i < shrink->best.span_count; i++)
        for (uint32_t k = 0; k < shrink->test->resamples / SPANS_SHARE && i < shrink->best.span_count && !out_of_budget(shrink); k++) {
            struct od_choice_span span = shrink->best.spans[i];
            if (span.depth > SIBLINGS_DEPTH_MAX || span.first == span.end || span.end - span.first > SPAN_BYTES_MAX)
                break;
            try_resample(shrink, span, 0, 0, chance_seed(shrink, k));
        }
}

/* One of the outermost spans; the first span is one. */
static uint32_t pick_outermost(const struct shrink *shrink, struct od_random *random)
{
    uint32_t picked = 0, count = 1;
    for (uint32_t i = 1; i < shrink->best.span_count; i++)
        if (shrink->best.spans[i].depth == 0 && od_random_below(random, ++count) == 0)
            picked = i;
    return picked;
}

/* Some neighbours (rows, faults) are deleted, and an outermost span that they are not in (the cluster) is
 * drawn anew: which count of rows fails may hang on it. */
static void delete_and_resample(struct shrink *shrink)
{
    for (uint32_t k = 0; k < DELETE_AND_RESAMPLE * shrink->test->resamples && !out_of_budget(shrink); k++) {
        struct od_stream stream;
        od_stream_init(&stream, chance_seed(shrink, k), "delete and resample");
        if (shrink->best.span_count == 0)
            return;
        uint32_t i = (uint32_t)od_random_below(&stream.random, shrink->best.span_count);
        uint32_t count = neighbours(shrink, i);
        struct od_choice_span span = shrink->best.spans[pick_outermost(shrink, &stream.random)];
        uint32_t last = neighbour(shrink, i, (uint32_t)od_random_below(&stream.random, count));
        uint32_t first = shrink->best.spans[i].first, end = shrink->best.spans[last].end;
        if (count >= 2 && (end <= span.first || first >= span.end))
            try_resample(shrink, span, first, end, chance_seed(shrink, k));
    }
}

/* --- the loop ------------------------------------------------------------------------------------------- */

typedef void (*pass)(struct shrink *shrink);
/* Cheap and coarse first. */
static const pass passes[] = {delete_spans,
                              delete_spans_backwards,
                              zero_spans,
                              hoist_spans,
                              lower_draws,
                              delete_neighbours,
                              delete_with_children,
                              delete_runs,
                              order_spans,
                              order_draws,
                              lower_pairs,
                              lower_and_delete,
                              lower_and_delete_runs,
                              delete_and_renumber_lists,
                              delete_and_nudge_siblings,
                              resample_siblings,
                              resample_spans,
                              delete_and_resample};

static void improve(struct shrink *shrink)
{
    const uint32_t pass_count = sizeof(passes) / sizeof(passes[0]);
    for (uint32_t i = 0, idle = 0; idle < pass_count && !out_of_budget(shrink);) {
        shrink->changed = false;
        passes[i](shrink);
        idle = shrink->changed ? 0 : idle + 1;
        /* Deleting is worth most: while it helps, nothing finer is tried. */
        if (!shrink->changed || i >= 2)
            i = (i + 1) % pass_count;
    }
}

static enum od_status keep_best(struct shrink *shrink, struct od_shrunk *shrunk_out, struct od_error *error)
{
    shrunk_out->bytes = od_take(shrink->memory, shrink->best_size + 1);
    if (shrunk_out->bytes == NULL)
        return od_fail(error, OD_NO_MEMORY, "shrinking");
    copy_best(shrink);
    shrunk_out->size = od_choices_trimmed_bytes(&shrink->best); /* replay supplies the zeros */
    shrunk_out->capacity = shrink->best_size + 1;
    memcpy(shrunk_out->bytes, shrink->candidate, shrunk_out->size);
    return OD_OK;
}

static void shrink_release(struct shrink *shrink)
{
    od_choices_release(&shrink->trial);
    od_choices_release(&shrink->best);
    od_give(shrink->memory, shrink->candidate, OD_CHOICES_LIMIT_BYTES);
    od_give(shrink->memory, shrink->seen, SEEN_SLOTS * sizeof(*shrink->seen));
}

enum od_status od_shrink(struct od_memory *memory, const void *bytes, size_t size,
                         const struct od_shrink_test *test, uint32_t evaluations_max,
                         struct od_shrunk *shrunk_out, struct od_error *error)
{
    struct shrink shrink;
    enum od_status status = OD_OK;
    memset(&shrink, 0, sizeof(shrink));
    memset(shrunk_out, 0, sizeof(*shrunk_out));
    shrink.memory = memory;
    shrink.test = test;
    shrink.evaluations_max = evaluations_max == 0 ? 5000 : evaluations_max;
    od_choices_init(&shrink.trial, memory);
    od_choices_init(&shrink.best, memory);
    shrink.candidate = od_take(memory, OD_CHOICES_LIMIT_BYTES);
    shrink.seen = od_take_array(memory, SEEN_SLOTS, sizeof(*shrink.seen));
    if (shrink.candidate == NULL || shrink.seen == NULL) {
        status = od_fail(error, OD_NO_MEMORY, "shrinking");
    } else {
        od_choices_from_bytes(&shrink.best, bytes, size);
        shrunk_out->reproduced = test->fails(test->self, &shrink.best);
        shrink.evaluations = 1;
        shrink.best_size = shrink.best.size;
        if (shrunk_out->reproduced)
            improve(&shrink);
        status = keep_best(&shrink, shrunk_out, error);
        shrunk_out->evaluations = shrink.evaluations;
        shrunk_out->exhausted = out_of_budget(&shrink);
    }
    shrink_release(&shrink);
    return status;
}

void od_shrunk_release(struct od_memory *memory, struct od_shrunk *shrunk)
{
    od_give(memory, shrunk->bytes, shrunk->capacity);
    memset(shrunk, 0, sizeof(*shrunk));
}
