/* diverge: see diverge.h. A watch is what one time kept: hashes of all runs, and one interval of one run. */
#include "harness/diverge.h"

#include <inttypes.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/run/protocol.h"
#include "engine/world/posix.h"
#include "harness/trial.h"

/* Hashes of this many events are compared at once in the longest simulation that there is. */
#define WINDOW_MAX 4096

struct hashes {
    uint64_t every; /* a power of two */
    uint64_t step_count;
    uint64_t last; /* hash of all */
    uint32_t count;
    uint64_t values[OD_DIVERGE_HASHES_MAX]; /* behind `every` steps, twice as many, ... */
};

/* Where two times differ. */
struct place {
    uint32_t run;
    uint64_t from; /* the event is in [from, from + count) */
    uint64_t count;
};

struct watch {
    uint32_t run_count;
    struct hashes runs[OD_TRIAL_RUNS_MAX];
    struct place looked_at; /* kept in full; count 0: nothing is */
    uint32_t kept_count;
    struct od_sim_step kept[WINDOW_MAX];
};

/* --- what is kept ----------------------------------------------------------------------------- */

static void halve(struct hashes *hashes)
{
    for (uint32_t i = 0; i < OD_DIVERGE_HASHES_MAX / 2; i++)
        hashes->values[i] = hashes->values[2 * i + 1];
    hashes->count = OD_DIVERGE_HASHES_MAX / 2;
    hashes->every *= 2;
}

static void keep_hash(struct hashes *hashes, uint64_t hash)
{
    hashes->step_count++;
    hashes->last = hash;
    if (hashes->count == OD_DIVERGE_HASHES_MAX)
        halve(hashes);
    if (hashes->step_count % hashes->every == 0)
        hashes->values[hashes->count++] = hash;
}

static uint64_t hash_of(const struct od_sim_step *step, uint64_t digest)
{
    const uint64_t words[] = {step->time_ns,      step->actor_id,          step->from,      step->value, step->is_handled,
                              step->site.stage,   step->site.task,         step->site.attempt, step->site.partition,
                              step->site.message_kind, (uint64_t)step->what[0]};
    for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        digest = od_mix_two(digest, words[i]);
    return digest;
}

/* A digest says what happened before, so a step's hash says it of all before it, too. */
static void note(void *self, const struct od_sim_step *step)
{
    struct watch *watch = self;
    if (step->number == 0) {
        od_assert(watch->run_count < OD_TRIAL_RUNS_MAX);
        watch->runs[watch->run_count++] = (struct hashes){.every = 1};
    }
    keep_hash(&watch->runs[watch->run_count - 1], hash_of(step, step->digest));
    const struct place *place = &watch->looked_at;
    if (watch->run_count - 1 == place->run && step->number >= place->from && step->number - place->from < place->count) {
        od_assert(watch->kept_count < WINDOW_MAX);
        watch->kept[watch->kept_count++] = *step;
    }
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool is_other_run(const struct hashes *one, const struct hashes *other, struct place *place)
{
    uint64_t every = one->every > other->every ? one->every : other->every;
    uint64_t shorter = one->step_count < other->step_count ? one->step_count : other->step_count;
    uint64_t whole = shorter / every;
    uint64_t i = 0;
    while (i < whole && one->values[(i + 1) * every / one->every - 1] == other->values[(i + 1) * every / other->every - 1])
        i++;
    place->from = i * every;
    place->count = every;
    return i < whole || one->step_count != other->step_count || one->last != other->last;
}

static bool is_other(const struct watch *one, const struct watch *other, struct place *place)
{
    uint32_t both = one->run_count < other->run_count ? one->run_count : other->run_count;
    for (place->run = 0; place->run < both; place->run++)
        if (is_other_run(&one->runs[place->run], &other->runs[place->run], place))
            return true;
    place->from = 0;
    place->count = 1;
    return one->run_count != other->run_count;
}

static const struct od_sim_step *kept_step(const struct watch *watch, uint32_t index)
{
    return index < watch->kept_count ? &watch->kept[index] : NULL;
}

/* --- in words --------------------------------------------------------------------------------- */

static const char *const message_texts[] = {
    [OD_MESSAGE_REGISTER] = "REGISTER",
    [OD_MESSAGE_REGISTERED] = "REGISTERED",
    [OD_MESSAGE_HEARTBEAT] = "HEARTBEAT",
    [OD_MESSAGE_START_OVER] = "START_OVER",
    [OD_MESSAGE_PLAN] = "PLAN",
    [OD_MESSAGE_PLAN_WANTED] = "PLAN_WANTED",
    [OD_MESSAGE_LAUNCH] = "LAUNCH",
    [OD_MESSAGE_CANCEL] = "CANCEL",
    [OD_MESSAGE_DONE] = "DONE",
    [OD_MESSAGE_FAILED] = "FAILED",
    [OD_MESSAGE_ACKNOWLEDGE] = "ACKNOWLEDGE",
    [OD_MESSAGE_FETCH] = "FETCH",
    [OD_MESSAGE_BLOCK] = "BLOCK",
    [OD_MESSAGE_LOST] = "LOST",
    [OD_MESSAGE_END_QUERY] = "END_QUERY",
    [OD_MESSAGE_PEER_GONE] = "PEER_GONE",
    [OD_MESSAGE_COPY] = "COPY",
    [OD_MESSAGE_COPIED] = "COPIED",
    [OD_MESSAGE_LEAVE] = "LEAVE",
};
_Static_assert(sizeof(message_texts) / sizeof(message_texts[0]) == OD_MESSAGE_KIND_COUNT, "every kind of message");

static void print_actor(const char *before, uint32_t actor_id, struct od_buffer *text)
{
    if (actor_id == 0)
        od_buffer_print(text, "%sthe driver", before);
    else if (actor_id != OD_ANY)
        od_buffer_print(text, "%sexecutor %u", before, actor_id);
}

static void print_message(const struct od_sim_step *step, struct od_buffer *text)
{
    const struct od_site *site = &step->site;
    if (site->message_kind < OD_MESSAGE_KIND_COUNT)
        od_buffer_print(text, " %s", message_texts[site->message_kind]);
    print_actor(" from ", step->from, text);
    print_actor(" to ", step->actor_id, text);
    if (site->stage != OD_ANY)
        od_buffer_print(text, ", stage %u", site->stage);
    if (site->task != OD_ANY)
        od_buffer_print(text, " task %u", site->task);
    if (site->attempt != OD_ANY)
        od_buffer_print(text, " attempt %u", site->attempt);
    if (site->partition != OD_ANY)
        od_buffer_print(text, ", partition %u", site->partition);
}

void od_step_print(const struct od_sim_step *step, struct od_buffer *text)
{
    bool is_message = strcmp(step->what, "message") == 0;
    od_buffer_print(text, "at %" PRIu64 ".%06" PRIu64 " ms: %s", step->time_ns / 1000000, step->time_ns % 1000000, step->what);
    if (is_message) {
        print_message(step, text);
    } else {
        if (strcmp(step->what, "heal") != 0 && strcmp(step->what, "wake") != 0)
            od_buffer_print(text, " %" PRIu64, step->value);
        print_actor(" of ", step->actor_id, text);
    }
    if (!step->is_handled && (is_message || strcmp(step->what, "timer") == 0 || strcmp(step->what, "order") == 0))
        od_buffer_append_text(text, ", which waits or is lost");
}

static void write_step(void *self, const struct od_sim_step *step)
{
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    od_buffer_print(&text, "event %" PRIu64 " ", step->number);
    od_step_print(step, &text);
    od_buffer_print(&text, "; digest %016" PRIx64 "\n", step->digest);
    fwrite(text.bytes, 1, text.size, self);
    od_buffer_release(&text);
}

struct od_sim_stepper od_steps_write(FILE *file)
{
    return (struct od_sim_stepper){.stepped = write_step, .self = file};
}

/* `step` NULL: that time has ended before. */
static void print_side(const char *which, const struct od_sim_step *step, struct od_buffer *text)
{
    od_buffer_append_text(text, which);
    if (step == NULL)
        od_buffer_append_text(text, "the run has ended before it");
    else
        od_step_print(step, text);
}

static void print_event(const struct place *place, const struct od_sim_step *one, const struct od_sim_step *other,
                        struct od_buffer *text)
{
    uint64_t number = one != NULL ? one->number : other->number;
    od_buffer_print(text, "the two first differ in run %u, event %" PRIu64 ": ", place->run + 1, number);
    if (one != NULL && other != NULL && hash_of(one, 0) == hash_of(other, 0)) {
        od_step_print(one, text);
        od_buffer_append_text(text, ", both times; what it did then differs");
        return;
    }
    print_side("the first time ", one, text);
    print_side("; the second time ", other, text);
}

/* --- doing it again --------------------------------------------------------------------------- */

struct pair {
    struct watch times[2];
};

static enum od_status run_both(const struct od_diverge_again *again, struct pair *pair, const struct place *place,
                               struct od_error *error)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct watch *watch = &pair->times[i];
        watch->run_count = 0;
        watch->kept_count = 0;
        watch->looked_at = *place;
        OD_TRY(again->run(again->self, (struct od_sim_stepper){.stepped = note, .self = watch}, error));
    }
    return OD_OK;
}

static void compare_kept(const struct pair *pair, const struct place *place, struct od_buffer *text)
{
    for (uint32_t i = 0; i < WINDOW_MAX; i++) {
        const struct od_sim_step *one = kept_step(&pair->times[0], i);
        const struct od_sim_step *other = kept_step(&pair->times[1], i);
        if (one == NULL && other == NULL)
            break;
        if (one != NULL && other != NULL && hash_of(one, one->digest) == hash_of(other, other->digest))
            continue;
        print_event(place, one, other, text);
        return;
    }
    od_buffer_print(text, "two of them first differed in run %u, within the %" PRIu64 " events from %" PRIu64
                          " on, and the next two not there",
                    place->run + 1, place->count, place->from);
}

enum od_status od_diverge_find(struct od_memory *memory, const struct od_diverge_again *again, struct od_buffer *text,
                               struct od_error *error)
{
    struct place place = {0};
    struct pair *pair = od_take(memory, sizeof(*pair));
    if (pair == NULL)
        return od_fail(error, OD_NO_MEMORY, "looking for the first event that differs");
    enum od_status status = run_both(again, pair, &place, error);
    if (status == OD_OK && !is_other(&pair->times[0], &pair->times[1], &place)) {
        od_buffer_append_text(text, "run twice more, no event differed: what differs does so seldom");
    } else if (status == OD_OK) {
        status = run_both(again, pair, &place, error);
        if (status == OD_OK)
            compare_kept(pair, &place, text);
    }
    od_give(memory, pair, sizeof(*pair));
    return status;
}
