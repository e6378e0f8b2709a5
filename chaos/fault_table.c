/* fault_table: the kinds as people see them listed and name them: properties, tests, places, parameters, sets by name.
 *
 * Which property would notice a wrong reaction is decided by the effect: what is lost or late ends in a run without an end (F10),
 * what comes twice in a block that is read twice or a task that commits twice (H5, F4), what dies in rows that were computed again
 * otherwise (F2), damaged bytes in rows that changed on their way (H1), refused calls in what is left behind (F5), a failed attempt
 * in a wrong answer or a failure that was not promised (F1). A row may say otherwise. */
#include <string.h>

#include "chaos/fault.h"
#include "chaos/fault_kind.h"
#include "engine/core/assert.h"

static const char *const noticed_by[OD_EFFECT_COUNT] = {
    [OD_EFFECT_CUT] = "F10",
    [OD_EFFECT_CLOG] = "F10",
    [OD_EFFECT_CLOG_SHUFFLED] = "H5",
    [OD_EFFECT_CLOG_SOME] = "H5",
    [OD_EFFECT_LOSSY] = "F10",
    [OD_EFFECT_ECHO] = "H5",
    [OD_EFFECT_JITTER] = "F1",
    [OD_EFFECT_TAIL] = "H5",
    [OD_EFFECT_SWAP] = "H5",
    [OD_EFFECT_BANDWIDTH] = "F10",
    [OD_EFFECT_CLOCK_AHEAD] = "F10",
    [OD_EFFECT_CLOCK_BEHIND] = "F10",
    [OD_EFFECT_CLOCK_FAST] = "F10",
    [OD_EFFECT_CLOCK_SLOW] = "F10",
    [OD_EFFECT_CLOCK_STROBE] = "F10",
    [OD_EFFECT_CLOCK_FROZEN] = "F10",
    [OD_EFFECT_CLOCK_COARSE] = "F10",
    [OD_EFFECT_TIMERS_JITTER] = "F1",
    [OD_EFFECT_TIMERS_LATE] = "F10",
    [OD_EFFECT_TIMERS_EARLY] = "F4",
    [OD_EFFECT_DISK_FULL] = "F1",
    [OD_EFFECT_DISK_READ_ONLY] = "F1",
    [OD_EFFECT_NO_DESCRIPTORS] = "F5",
    [OD_EFFECT_DISK_DEAD] = "F1",
    [OD_EFFECT_MEMORY_LIMIT] = "F5",
    [OD_EFFECT_KILL] = "F2",
    [OD_EFFECT_PAUSE] = "F4",
    [OD_EFFECT_SLOW] = "F4",
    [OD_EFFECT_STALL] = "F4",
    [OD_EFFECT_ADD] = "F1",
    [OD_EFFECT_ORDER] = "F3",
    [OD_EFFECT_FORGET_DISK] = "F2",
    [OD_EFFECT_RESET] = "F10",
    [OD_EFFECT_FAIL] = "F1",
    [OD_EFFECT_DAMAGE] = "H1",
    [OD_EFFECT_LOSE] = "F10",
    [OD_EFFECT_DELAY] = "H5",
    [OD_EFFECT_DUPLICATE] = "H5",
    [OD_EFFECT_NEXT_LOSE] = "F10",
    [OD_EFFECT_NEXT_DELAY] = "F4",
    [OD_EFFECT_NEXT_DUPLICATE] = "F4",
    [OD_EFFECT_HANG] = "F10",
    [OD_EFFECT_TIMER_LATE] = "F10",
    [OD_EFFECT_TIMER_TWICE] = "F4",
    [OD_EFFECT_WRITE_SHORT] = "F1",
    [OD_EFFECT_WRITE_TORN] = "H1",
    [OD_EFFECT_WRITE_LOST] = "H1",
    [OD_EFFECT_WRITE_MISDIRECTED] = "H1",
    [OD_EFFECT_WRITE_FLIPPED] = "H1",
    [OD_EFFECT_READ_MISDIRECTED] = "H1",
    [OD_EFFECT_READ_FLIPPED] = "H1",
    [OD_EFFECT_READ_ZEROED] = "H1",
};

const char *od_fault_promise_text(enum od_fault_promise promise)
{
    static const char *const texts[] = {
        [OD_FAULT_RECOVERS] = "recovers", [OD_FAULT_MAY_FAIL] = "may fail", [OD_FAULT_ENDS] = "ends"};
    od_assert(promise <= OD_FAULT_ENDS);
    return texts[promise];
}

const char *od_fault_kind_property(enum od_fault_kind kind)
{
    const struct od_fault_kind_row *row = od_fault_kind_row(kind);
    const char *property = row->property != NULL ? row->property : noticed_by[row->effect];
    od_assert(property != NULL);
    return property;
}

static bool is_of_subject(const char *text, const char *subject)
{
    size_t length = strlen(subject);
    return strncmp(text, subject, length) == 0 && text[length] == '.';
}

const char *od_fault_kind_test(enum od_fault_kind kind)
{
    static const char *const subjects[][2] = {
#define X(subject, test) {subject, test},
        OD_FAULT_SUBJECT_LIST(X)
#undef X
    };
    const char *text = od_fault_kind_text(kind);
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
        if (is_of_subject(text, subjects[i][0]))
            return subjects[i][1];
    od_unreachable();
}

/* --- places and parameters -------------------------------------------------------------------- */

static size_t prefix_bytes(enum od_point point)
{
    return strcspn(od_point_text(point), "_") + 1;
}

/* All points that begin like this one. */
static uint32_t family_of(enum od_point point)
{
    uint32_t family = 0;
    for (unsigned i = 0; i < OD_POINT_COUNT; i++)
        if (strncmp(od_point_text((enum od_point)i), od_point_text(point), prefix_bytes(point)) == 0)
            family |= UINT32_C(1) << i;
    return family;
}

bool od_fault_kind_print_places(enum od_fault_kind kind, struct od_buffer *buffer)
{
    const struct od_fault_kind_row *row = od_fault_kind_row(kind);
    uint32_t points = row->points;
    const char *between = "";
    while (points != 0) {
        enum od_point point = (enum od_point)__builtin_ctz(points);
        uint32_t family = family_of(point);
        bool is_whole = (row->points & family) == family && (family & (family - 1)) != 0;
        od_buffer_print(buffer, "%s%.*s%s", between, is_whole ? (int)prefix_bytes(point) : INT32_MAX, od_point_text(point),
                        is_whole ? "*" : "");
        points &= is_whole ? ~family : points - 1;
        between = ", ";
    }
    return od_buffer_print(buffer, "%s", !row->at_time ? "" : row->points == 0 ? "a time" : ", a time");
}

bool od_fault_kind_print_parameters(enum od_fault_kind kind, struct od_buffer *buffer)
{
    const struct od_fault_kind_row *row = od_fault_kind_row(kind);
    const char *amount = od_fault_amount_row(row->amount)->key;
    const char *words[] = {row->has_duration ? "for" : NULL, amount, row->amount == OD_FAULT_AMOUNT_KEEP ? "lost" : NULL};
    const char *between = "";
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i] == NULL)
            continue;
        od_buffer_print(buffer, "%s%s", between, words[i]);
        between = " ";
    }
    return !buffer->failed;
}

/* --- sets by name ------------------------------------------------------------------------------ */

/* Kinds that a word names: itself, or all of its subject. */
static struct od_fault_kinds kinds_of_word(const char *word)
{
    struct od_fault_kinds kinds = {0};
    for (unsigned i = 0; i < OD_FAULT_KIND_COUNT; i++) {
        const char *text = od_fault_kind_text((enum od_fault_kind)i);
        if (strcmp(text, word) == 0 || is_of_subject(text, word))
            od_fault_kinds_add(&kinds, (enum od_fault_kind)i);
    }
    return kinds;
}

uint32_t od_fault_kinds_count(const struct od_fault_kinds *kinds)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < OD_FAULT_KIND_WORDS; i++)
        count += (uint32_t)__builtin_popcountll(kinds->words[i]);
    return count;
}

enum od_status od_fault_kinds_parse(const char *text, struct od_fault_kinds *kinds_out, struct od_error *error)
{
    *kinds_out = text[0] == '-' ? od_fault_kinds_survivable() : (struct od_fault_kinds){0};
    while (*text != '\0') {
        char word[64];
        bool drops = *text == '-';
        text += drops;
        size_t size = strcspn(text, ",");
        size_t kept = size < sizeof(word) ? size : sizeof(word) - 1;
        memcpy(word, text, kept);
        word[kept] = '\0';
        struct od_fault_kinds kinds = kinds_of_word(word);
        if (od_fault_kinds_count(&kinds) == 0)
            return od_fail(error, OD_BAD_INPUT,
                           "%s: no such kind of fault and no subject of any; `ordeal run --list-faults` lists them", word);
        for (unsigned i = 0; i < OD_FAULT_KIND_WORDS; i++)
            kinds_out->words[i] = drops ? kinds_out->words[i] & ~kinds.words[i] : kinds_out->words[i] | kinds.words[i];
        text += size;
        text += *text == ',';
    }
    return od_fault_kinds_count(kinds_out) == 0 ? od_fail(error, OD_BAD_INPUT, "no kind of fault is left to be drawn") : OD_OK;
}
