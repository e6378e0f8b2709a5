/* hitting_sets: see hitting_sets.h. A walk goes through the sets of its size in the order of their greatest element, then of the next
 * greatest (colexicographic): so elements that are added later only lengthen it at its end. */
#include "harness/hitting_sets.h"

#include <string.h>

#include "engine/core/assert.h"

void od_hitting_init(struct od_hitting *hitting, struct od_memory *memory, uint32_t size_max)
{
    od_assert(size_max >= 1 && size_max <= OD_HITTING_SIZE_MAX);
    *hitting = (struct od_hitting){.memory = memory, .size_max = size_max};
}

void od_hitting_release(struct od_hitting *hitting)
{
    for (uint32_t i = 0; i < hitting->set_count; i++)
        od_give(hitting->memory, hitting->sets[i].words, hitting->sets[i].word_count * sizeof(uint64_t));
    if (hitting->memory != NULL)
        od_give(hitting->memory, hitting->sets, hitting->set_capacity * sizeof(*hitting->sets));
    *hitting = (struct od_hitting){0};
}

enum od_status od_hitting_add(struct od_hitting *hitting, const uint32_t *elements, uint32_t count, struct od_error *error)
{
    uint32_t end = 0;
    for (uint32_t i = 0; i < count; i++)
        end = elements[i] < end ? end : elements[i] + 1;
    struct od_hitting_set set = {.word_count = end / 64 + 1};
    if (!od_grow(hitting->memory, &hitting->sets, &hitting->set_capacity, hitting->set_count + 1, sizeof(*hitting->sets)) ||
        (set.words = od_take_array(hitting->memory, set.word_count, sizeof(uint64_t))) == NULL)
        return od_fail(error, OD_NO_MEMORY, "adding a set of %u elements", count);
    for (uint32_t i = 0; i < count; i++)
        set.words[elements[i] / 64] |= UINT64_C(1) << (elements[i] % 64);
    if (hitting->set_count == 0)
        hitting->first_count = end;
    hitting->element_count = end > hitting->element_count ? end : hitting->element_count;
    hitting->sets[hitting->set_count++] = set;
    return OD_OK;
}

static bool is_met(const struct od_hitting_set *set, const uint32_t *elements, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t word = elements[i] / 64;
        if (word < set->word_count && (set->words[word] >> (elements[i] % 64) & 1) != 0)
            return true;
    }
    return false;
}

static bool meets_all(struct od_hitting *hitting, const uint32_t *elements, uint32_t count)
{
    if (!is_met(&hitting->sets[hitting->missed], elements, count))
        return false;
    for (uint32_t i = hitting->set_count; i-- > 0;) {
        if (is_met(&hitting->sets[i], elements, count))
            continue;
        hitting->missed = i;
        return false;
    }
    return true;
}

/* Goes on to the next set whose greatest element is within [from, end). False: there is none now; the walk stays where it is. */
static bool step(struct od_hitting_walk *walk, uint32_t size, uint32_t from, uint32_t end)
{
    uint32_t moved = 0;
    if (!walk->has_begun) {
        uint32_t last = from > size - 1 ? from : size - 1;
        if (last >= end)
            return false;
        walk->has_begun = true;
        walk->at[size - 1] = last;
        moved = size - 1;
    } else {
        while (moved + 1 < size && walk->at[moved] + 1 == walk->at[moved + 1])
            moved++;
        if (moved + 1 == size && walk->at[moved] + 1 >= end)
            return false;
        walk->at[moved]++;
    }
    for (uint32_t i = 0; i < moved; i++)
        walk->at[i] = i;
    return true;
}

uint32_t od_hitting_next(struct od_hitting *hitting, uint32_t *elements_out)
{
    if (hitting->set_count == 0)
        return 0;
    for (uint32_t size = 1; size <= hitting->size_max; size++) {
        for (uint32_t old = 0; old < 2; old++) {
            struct od_hitting_walk *walk = &hitting->walks[size - 1][old];
            uint32_t from = old ? 0 : hitting->first_count;
            uint32_t end = old ? hitting->first_count : hitting->element_count;
            while (step(walk, size, from, end)) {
                if (!meets_all(hitting, walk->at, size))
                    continue;
                memcpy(elements_out, walk->at, size * sizeof(*elements_out));
                return size;
            }
        }
    }
    return 0;
}
