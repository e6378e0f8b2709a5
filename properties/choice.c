/* choice: see choice.h.
 *
 * Call order: _init, then per trial _from_seed or _from_bytes, draws and spans, then read bytes, draws and
 * spans; _release. The three arrays keep their memory between trials, so that a campaign allocates nothing
 * once it is warm. When memory is refused we behave as at the length limit: draws become 0 and `overrun` says
 * that the record is cut. The trial is then still a valid one, only plainer. */
#include "properties/choice.h"

#include "engine/core/assert.h"

#include <string.h>

static uint32_t width_of(uint64_t bound)
{
    uint32_t width = 1;
    for (uint64_t rest = (bound - 1) >> 8; rest != 0; rest >>= 8)
        width++;
    return width;
}

/* Makes room for one element more; doubles. False on refusal, and then nothing changed. */
static bool grow(struct od_choices *choices, void **block, uint32_t *capacity, uint32_t needed,
                 size_t element_bytes)
{
    if (needed <= *capacity)
        return true;
    uint32_t target = *capacity == 0 ? 256 : *capacity;
    while (target < needed)
        target *= 2;
    void *grown = od_resize(choices->memory, *block, *capacity * element_bytes, target * element_bytes);
    if (grown == NULL)
        return false;
    *block = grown;
    *capacity = target;
    return true;
}

static bool make_room(struct od_choices *choices, uint32_t width)
{
    void *bytes = choices->bytes;
    void *draws = choices->draws;
    bool fits =
        grow(choices, &bytes, &choices->bytes_capacity, choices->size + width, 1) &&
        grow(choices, &draws, &choices->draw_capacity, choices->draw_count + 1, sizeof(*choices->draws));
    choices->bytes = bytes;
    choices->draws = draws;
    return fits;
}

static uint64_t supplied_value(struct od_choices *choices, uint32_t width)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < width; i++) {
        uint8_t byte = 0;
        if (choices->supplied_position < choices->supplied_bytes)
            byte = choices->supplied[choices->supplied_position++];
        value = value << 8 | byte;
    }
    return value;
}

static uint64_t generated_value(struct od_choices *choices, uint64_t bound)
{
    bool is_zero =
        choices->in_splice && choices->splice_is_plain && od_stream_next(&choices->stream) >> 63 != 0;
    return is_zero ? 0 : od_random_below(&choices->stream.random, bound);
}

/* Writes the value of the last draw. */
static void settle(void *self, uint64_t value)
{
    struct od_choices *choices = self;
    if (choices->overrun || choices->draw_count == 0)
        return;
    struct od_choice_draw draw = choices->draws[choices->draw_count - 1];
    for (uint32_t i = 0; i < draw.width_bytes; i++)
        choices->bytes[draw.offset + i] = (uint8_t)(value >> (8 * (draw.width_bytes - 1 - i)));
}

static uint64_t draw_below(void *self, uint64_t bound)
{
    struct od_choices *choices = self;
    od_assert(bound >= 1);
    uint32_t width = width_of(bound);
    if (choices->overrun)
        return 0;
    if (choices->size + width > OD_CHOICES_LIMIT_BYTES || !make_room(choices, width)) {
        choices->overrun = true;
        return 0;
    }
    uint64_t value = choices->supplied != NULL && !choices->in_splice ? supplied_value(choices, width) % bound
                                                                      : generated_value(choices, bound);
    choices->draws[choices->draw_count++] = (struct od_choice_draw){choices->size, width};
    choices->size += width;
    settle(choices, value);
    return value;
}

static void begin_span(void *self, const char *label)
{
    od_choices_begin(self, label);
}

static void end_span(void *self)
{
    od_choices_end(self);
}

static const struct od_random_ops choice_ops = {draw_below, begin_span, end_span, settle};

void od_choices_init(struct od_choices *choices, struct od_memory *memory)
{
    memset(choices, 0, sizeof(*choices));
    choices->memory = memory;
}

void od_choices_release(struct od_choices *choices)
{
    if (choices->memory == NULL)
        return;
    od_give(choices->memory, choices->bytes, choices->bytes_capacity);
    od_give(choices->memory, choices->draws, choices->draw_capacity * sizeof(*choices->draws));
    od_give(choices->memory, choices->spans, choices->span_capacity * sizeof(*choices->spans));
    memset(choices, 0, sizeof(*choices));
}

static void start(struct od_choices *choices)
{
    choices->random = (struct od_random){&choice_ops, choices};
    choices->supplied = NULL;
    choices->supplied_bytes = 0;
    choices->supplied_position = 0;
    choices->has_second = false;
    choices->splice = NULL;
    choices->in_splice = false;
    choices->size = 0;
    choices->draw_count = 0;
    choices->span_count = 0;
    choices->open_count = 0;
    choices->overrun = false;
}

void od_choices_from_seed(struct od_choices *choices, uint64_t seed, const char *name)
{
    start(choices);
    od_stream_init(&choices->stream, seed, name);
}

void od_choices_from_seeds(struct od_choices *choices, uint64_t first, uint64_t second, const char *name)
{
    od_choices_from_seed(choices, first, name);
    choices->has_second = true;
    choices->second_seed = second;
}

void od_choices_turn(struct od_choices *choices)
{
    if (choices->has_second)
        od_stream_init(&choices->stream, choices->second_seed, "second");
    choices->has_second = false;
}

void od_choices_from_bytes(struct od_choices *choices, const void *bytes, size_t size)
{
    start(choices);
    choices->supplied = bytes != NULL ? bytes : (const uint8_t *)"";
    choices->supplied_bytes = size > OD_CHOICES_LIMIT_BYTES ? OD_CHOICES_LIMIT_BYTES : (uint32_t)size;
}

void od_choices_from_splice(struct od_choices *choices, const void *bytes, size_t size,
                            const struct od_choice_span *splice, uint64_t seed)
{
    od_choices_from_bytes(choices, bytes, size);
    od_stream_init(&choices->stream, seed, "splice");
    choices->splice = splice;
    choices->splice_is_plain = seed % 2 == 1;
}

static bool is_splice(const struct od_choices *choices, const char *label)
{
    const struct od_choice_span *splice = choices->splice;
    return splice != NULL && choices->size == splice->first && choices->open_count == splice->depth &&
           strcmp(label, splice->label) == 0;
}

void od_choices_begin(struct od_choices *choices, const char *label)
{
    od_assert(choices->open_count < OD_CHOICES_DEPTH_MAX);
    choices->in_splice = choices->in_splice || is_splice(choices, label);
    void *spans = choices->spans;
    bool fits =
        grow(choices, &spans, &choices->span_capacity, choices->span_count + 1, sizeof(*choices->spans));
    choices->spans = spans;
    if (!fits)
        choices->overrun = true;
    uint32_t index = fits ? choices->span_count++ : UINT32_MAX;
    if (fits)
        choices->spans[index] =
            (struct od_choice_span){label, choices->size, choices->size, choices->open_count};
    choices->open[choices->open_count++] = index;
}

void od_choices_end(struct od_choices *choices)
{
    od_assert(choices->open_count > 0);
    uint32_t index = choices->open[--choices->open_count];
    if (index != UINT32_MAX)
        choices->spans[index].end = choices->size;
    if (choices->in_splice && choices->open_count == choices->splice->depth) {
        choices->in_splice = false;
        choices->supplied_position = choices->splice->end;
        choices->splice = NULL;
    }
}

uint32_t od_choices_trimmed_bytes(const struct od_choices *choices)
{
    uint32_t size = choices->size;
    while (size > 0 && choices->bytes[size - 1] == 0)
        size--;
    return size;
}
