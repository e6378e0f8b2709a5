/* schedule_text: a schedule as text, both ways; parse(print(s)) == s for every schedule in normal form.
 *
 *   line  :=  KIND "at" PLACE field*  |  "heal" "at=" DURATION  |  nothing        and '#' starts a comment
 *   PLACE :=  POINT | "time=" DURATION
 *   field :=  SITE "=" NUMBER | "for=" DURATION | AMOUNT "=" NUMBER | "lost=" NUMBER | "times=" (NUMBER | "always")
 *   AMOUNT:=  "bit" | "cut" | "keep" | "factor" | "rate" | "by" | "ms" | "limit" | "seed",
 *             as the kind takes it
 *
 * Words are separated by blanks. Fields come in any order, each once; printing has one order and leaves
 * out what has its default, so that equal faults print equal. Normal form: parameters that the kind does
 * not take are 0 (amounts have their default, `times` is 1), fields of a site that are not given are OD_ANY.
 * The reader trusts nothing: it works on (text, size), needs no NUL, and every complaint says what would
 * have been right there. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chaos/fault.h"
#include "chaos/fault_kind.h"
#include "engine/core/assert.h"

struct site_field {
    const char *text;
    size_t offset;
};
static const struct site_field site_fields[] = {
    {"query", offsetof(struct od_site, query)},
    {"stage", offsetof(struct od_site, stage)},
    {"task", offsetof(struct od_site, task)},
    {"attempt", offsetof(struct od_site, attempt)},
    {"executor", offsetof(struct od_site, executor)},
    {"partition", offsetof(struct od_site, partition)},
    {"nth", offsetof(struct od_site, nth)},
    {"message_kind", offsetof(struct od_site, message_kind)},
};
#define SITE_FIELD_COUNT (sizeof(site_fields) / sizeof(site_fields[0]))
_Static_assert(SITE_FIELD_COUNT * sizeof(uint32_t) == sizeof(struct od_site),
               "every field of a site has a name");

struct duration_unit {
    const char *text;
    uint64_t ns;
};
static const struct duration_unit duration_units[] = {
    /* largest first: printing takes the first that divides */
    {"s", UINT64_C(1000000000)},
    {"ms", 1000000},
    {"us", 1000},
    {"ns", 1},
};
#define DURATION_UNIT_COUNT (sizeof(duration_units) / sizeof(duration_units[0]))

static uint32_t *site_field_of(struct od_site *site, size_t index)
{
    return (uint32_t *)(void *)((uint8_t *)site + site_fields[index].offset);
}

/* --- words ------------------------------------------------------------------------------------ */

struct word {
    const char *text; /* borrowed, not NUL-terminated; size 0: the line has ended */
    size_t size;
    uint32_t column;
};

struct line_reader {
    const char *source_name;
    const char *text;
    size_t size;   /* of this line */
    size_t offset; /* in this line */
    uint32_t number;
    struct od_error *error;
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static struct word next_word(struct line_reader *line)
{
    while (line->offset < line->size && is_blank(line->text[line->offset]))
        line->offset++;
    size_t start = line->offset;
    if (start < line->size && line->text[start] == '#')
        line->size = start;
    while (line->offset < line->size && !is_blank(line->text[line->offset]))
        line->offset++;
    return (struct word){line->text + start, line->offset - start, (uint32_t)start + 1};
}

static bool word_is(struct word word, const char *text)
{
    return word.size == strlen(text) && memcmp(word.text, text, word.size) == 0;
}

/* Splits "key=value"; false when there is no '='. */
static bool word_split(struct word word, struct word *key_out, struct word *value_out)
{
    const char *equals = word.size == 0 ? NULL : memchr(word.text, '=', word.size);
    *key_out = word;
    *value_out = (struct word){0};
    if (equals == NULL)
        return false;
    key_out->size = (size_t)(equals - word.text);
    *value_out =
        (struct word){equals + 1, word.size - key_out->size - 1, word.column + (uint32_t)key_out->size + 1};
    return true;
}

/* BAD_INPUT at `found`: what was expected, and what stands there (cut, with anything odd shown as '?'). */
static enum od_status complain(struct line_reader *line, struct word found, const char *expected)
{
    char shown[40];
    size_t shown_size = found.size < sizeof(shown) - 1 ? found.size : sizeof(shown) - 1;
    for (size_t i = 0; i < shown_size; i++)
        shown[i] = found.text[i] > ' ' && found.text[i] <= '~' ? found.text[i] : '?';
    shown[shown_size] = '\0';
    if (found.size == 0)
        return od_fail_at(line->error, OD_BAD_INPUT, line->number, found.column,
                          "%s: expected %s, found the end", line->source_name, expected);
    return od_fail_at(line->error, OD_BAD_INPUT, line->number, found.column, "%s: expected %s, found '%s'",
                      line->source_name, expected, shown);
}

/* Takes the digits at the front of *word. False: no digit, or more than 64 bits hold. */
static bool take_digits(struct word *word, uint64_t *value_out)
{
    uint64_t value = 0;
    size_t count = 0;
    bool fits = true;
    while (count < word->size && word->text[count] >= '0' && word->text[count] <= '9') {
        uint64_t digit = (uint64_t)(word->text[count] - '0');
        fits = fits && !__builtin_mul_overflow(value, (uint64_t)10, &value) &&
               !__builtin_add_overflow(value, digit, &value);
        count++;
    }
    word->text += count;
    word->size -= count;
    *value_out = value;
    return fits && count > 0;
}

static bool word_number(struct word word, uint32_t max, uint32_t *value_out)
{
    uint64_t value = 0;
    bool good = take_digits(&word, &value) && word.size == 0 && value <= max;
    *value_out = good ? (uint32_t)value : 0;
    return good;
}

/* UINT64_MAX is kept for `never`. */
static bool word_duration(struct word word, uint64_t *ns_out)
{
    uint64_t count = 0;
    *ns_out = 0;
    if (!take_digits(&word, &count))
        return false;
    for (size_t i = 0; i < DURATION_UNIT_COUNT; i++) {
        if (!word_is(word, duration_units[i].text))
            continue;
        return !__builtin_mul_overflow(count, duration_units[i].ns, ns_out) && *ns_out != UINT64_MAX;
    }
    return false;
}

/* --- fields of a fault ------------------------------------------------------------------------ */

/* Fields seen so far: one bit per site field, then one per parameter. */
enum field_bit { FIELD_FOR = SITE_FIELD_COUNT, FIELD_AMOUNT, FIELD_LOST, FIELD_TIMES };

static enum od_status take_duration(struct line_reader *line, struct word key, struct word value,
                                    struct od_fault *fault)
{
    const struct od_fault_kind_row *row = od_fault_kind_row(fault->kind);
    if (!row->has_duration)
        return complain(line, key, "no duration for this kind of fault");
    if (row->may_last && word_is(value, "never")) {
        fault->duration_ns = UINT64_MAX;
        return OD_OK;
    }
    if (!word_duration(value, &fault->duration_ns))
        return complain(line, value,
                        row->may_last ? "a duration such as 40ms, or never" : "a duration such as 40ms");
    return OD_OK;
}

static enum od_status take_times(struct line_reader *line, struct word key, struct word value,
                                 struct od_fault *fault)
{
    if (fault->at_time)
        return complain(line, key, "no times for a fault at a time");
    if (word_is(value, "always")) {
        fault->times = OD_FAULT_ALWAYS;
        return OD_OK;
    }
    if (!word_number(value, OD_FAULT_ALWAYS - 1, &fault->times) || fault->times == 0)
        return complain(line, value, "a number above 0, or always");
    return OD_OK;
}

static enum od_status take_amount(struct line_reader *line, struct word key, struct word value,
                                  struct od_fault *fault)
{
    const struct od_fault_amount_row *row = od_fault_amount_row(od_fault_kind_row(fault->kind)->amount);
    if (row->key == NULL || !word_is(key, row->key))
        return complain(line, key, "no such amount for this kind of fault");
    if (!word_number(value, row->most, &fault->amount) || fault->amount < row->least)
        return complain(line, value, row->expected);
    return OD_OK;
}

static enum od_status take_lost(struct line_reader *line, struct word key, struct word value,
                                struct od_fault *fault)
{
    if (od_fault_kind_row(fault->kind)->amount != OD_FAULT_AMOUNT_KEEP)
        return complain(line, key, "no lost write for this kind of fault");
    if (!word_number(value, UINT32_MAX - 1, &fault->lost_write) || fault->lost_write == 0)
        return complain(line, value, "a number from 1 to 4294967294");
    return OD_OK;
}

/* What a fault at a time may name, besides its parameters. */
static const struct {
    const char *key;
    const char *complaint;
} targets[] = {
    [OD_FAULT_TARGET_NONE] = {"", "no site with this kind of fault at a time"},
    [OD_FAULT_TARGET_EXECUTOR] = {"executor", "only executor and for with a fault at a time"},
    [OD_FAULT_TARGET_QUERY] = {"query", "only query with this kind of fault at a time"},
    [OD_FAULT_TARGET_ACTOR] = {"executor", "only executor (0: the driver) and parameters with a fault at a time"},
};

static bool is_amount(struct word key)
{
    for (unsigned i = OD_FAULT_AMOUNT_NONE + 1; i < OD_FAULT_AMOUNT_COUNT; i++)
        if (word_is(key, od_fault_amount_row((enum od_fault_amount)i)->key))
            return true;
    return false;
}

/* Reads one "key=value" into the fault. *seen collects field bits. */
static enum od_status take_field(struct line_reader *line, struct word word, struct od_fault *fault,
                                 uint32_t *seen)
{
    struct word key;
    struct word value;
    uint32_t bit = 0;
    size_t site_index = 0;
    if (!word_split(word, &key, &value))
        return complain(line, word, "a field such as stage=1");
    while (site_index < SITE_FIELD_COUNT && !word_is(key, site_fields[site_index].text))
        site_index++;
    if (site_index < SITE_FIELD_COUNT)
        bit = UINT32_C(1) << site_index;
    else if (word_is(key, "for"))
        bit = UINT32_C(1) << FIELD_FOR;
    else if (is_amount(key))
        bit = UINT32_C(1) << FIELD_AMOUNT;
    else if (word_is(key, "lost"))
        bit = UINT32_C(1) << FIELD_LOST;
    else if (word_is(key, "times"))
        bit = UINT32_C(1) << FIELD_TIMES;
    else
        return complain(line, key,
                        "query, stage, task, attempt, executor, partition, nth, message_kind, for, bit, cut, "
                        "keep, lost, factor, rate, by, ms, limit, seed or times");
    if ((*seen & bit) != 0)
        return complain(line, key, "each field once");
    *seen |= bit;

    if (word_is(key, "for"))
        return take_duration(line, key, value, fault);
    if (word_is(key, "times"))
        return take_times(line, key, value, fault);
    if (word_is(key, "lost"))
        return take_lost(line, key, value, fault);
    if (site_index == SITE_FIELD_COUNT)
        return take_amount(line, key, value, fault);
    enum od_fault_target target = od_fault_kind_row(fault->kind)->target;
    if (fault->at_time && !word_is(key, targets[target].key))
        return complain(line, key, targets[target].complaint);
    if (!word_number(value, OD_ANY - 1, site_field_of(&fault->site, site_index)))
        return complain(line, value, "a number up to 4294967294");
    return OD_OK;
}

/* --- lines ------------------------------------------------------------------------------------ */

static bool find_kind(struct word word, enum od_fault_kind *kind_out)
{
    for (unsigned i = 0; i < OD_FAULT_KIND_COUNT; i++) {
        *kind_out = (enum od_fault_kind)i;
        if (word_is(word, od_fault_kind_text(*kind_out)))
            return true;
    }
    *kind_out = OD_FAULT_KIND_COUNT;
    return false;
}

static bool find_point(struct word word, enum od_point *point_out)
{
    char text[32];
    *point_out = OD_POINT_COUNT;
    if (word.size >= sizeof(text))
        return false;
    memcpy(text, word.text, word.size);
    text[word.size] = '\0';
    return strlen(text) == word.size && od_point_find(text, point_out);
}

static enum od_status complain_of_point(struct line_reader *line, struct word word, enum od_fault_kind kind)
{
    char expected[240];
    size_t size = (size_t)snprintf(expected, sizeof(expected), "a point where this kind of fault can act");
    for (unsigned i = 0; i < OD_POINT_COUNT && size < sizeof(expected); i++) {
        const char *before = size == strlen("a point where this kind of fault can act") ? ": " : ", ";
        if (od_fault_kind_allows(kind, (enum od_point)i))
            size += (size_t)snprintf(expected + size, sizeof(expected) - size, "%s%s", before,
                                     od_point_text((enum od_point)i));
    }
    return complain(line, word, expected);
}

static enum od_status take_place(struct line_reader *line, struct od_fault *fault)
{
    struct word word = next_word(line);
    struct word key;
    struct word value;
    if (word_split(word, &key, &value) && word_is(key, "time")) {
        if (!od_fault_kind_row(fault->kind)->at_time)
            return complain(line, word,
                            "a point; only what happens to the driver, an executor or a query has a time");
        fault->at_time = true;
        return word_duration(value, &fault->time_ns) ? OD_OK : complain(line, value, "a time such as 3ms");
    }
    if (!find_point(word, &fault->point))
        return complain(line, word, "a point such as task_step, or time=3ms");
    if (!od_fault_kind_allows(fault->kind, fault->point))
        return complain_of_point(line, word, fault->kind);
    return OD_OK;
}

static enum od_status parse_fault(struct line_reader *line, struct word first, struct od_fault *fault)
{
    uint32_t seen = 0;
    *fault = (struct od_fault){.site = OD_SITE_ANY, .times = 1};
    if (!find_kind(first, &fault->kind))
        return complain(line, first, "a kind of fault such as task.error_middle, or heal");
    const struct od_fault_kind_row *row = od_fault_kind_row(fault->kind);
    fault->amount = od_fault_amount_row(row->amount)->plain;
    struct word word = next_word(line);
    if (!word_is(word, "at"))
        return complain(line, word, "at");
    enum od_status status = take_place(line, fault);
    if (status != OD_OK)
        return status;
    for (word = next_word(line); word.size > 0; word = next_word(line)) {
        status = take_field(line, word, fault, &seen);
        if (status != OD_OK)
            return status;
    }
    bool no_executor = fault->site.executor == OD_ANY || fault->site.executor == 0;
    if (fault->at_time && row->target == OD_FAULT_TARGET_EXECUTOR && no_executor)
        return complain(line, word, "executor=, from 1 on: a fault at a time needs one");
    if (fault->at_time && row->target == OD_FAULT_TARGET_ACTOR && fault->site.executor == OD_ANY)
        return complain(line, word, "executor= (0: the driver): a fault at a time needs one");
    if (fault->at_time && row->target == OD_FAULT_TARGET_QUERY && fault->site.query == OD_ANY)
        return complain(line, word, "query=: this fault at a time needs one");
    return OD_OK;
}

static enum od_status parse_heal(struct line_reader *line, struct od_schedule *schedule, struct word first)
{
    struct word key;
    struct word value;
    if (schedule->heal_ns != 0)
        return complain(line, first, "only one heal");
    struct word word = next_word(line);
    if (!word_split(word, &key, &value) || !word_is(key, "at"))
        return complain(line, word, "at= and a time such as 2s");
    if (!word_duration(value, &schedule->heal_ns) || schedule->heal_ns == 0)
        return complain(line, value, "a time above 0 such as 2s");
    word = next_word(line);
    return word.size == 0 ? OD_OK : complain(line, word, "nothing more");
}

/* The line that starts at text[*offset]; moves *offset behind it. */
static struct line_reader take_line(const char *text, size_t size, size_t *offset)
{
    const char *start = text + *offset;
    const char *end = memchr(start, '\n', size - *offset);
    size_t line_size = end == NULL ? size - *offset : (size_t)(end - start);
    *offset += line_size + (end != NULL);
    return (struct line_reader){.text = start, .size = line_size};
}

static uint32_t count_lines_with_words(const char *text, size_t size)
{
    uint32_t count = 0;
    for (size_t offset = 0; offset < size;) {
        struct line_reader line = take_line(text, size, &offset);
        count += next_word(&line).size > 0;
    }
    return count;
}

enum od_status od_schedule_parse(struct od_arena *arena, const char *source_name, const char *text,
                                 size_t size, struct od_schedule *schedule_out, struct od_error *error)
{
    struct od_schedule schedule = {0};
    *schedule_out = (struct od_schedule){0};
    struct od_fault *faults = od_arena_take_array(arena, count_lines_with_words(text, size), sizeof(*faults));
    if (faults == NULL)
        return od_fail(error, OD_NO_MEMORY, "reading a schedule: %s", source_name);
    uint32_t number = 0;
    for (size_t offset = 0; offset < size;) {
        struct line_reader line = take_line(text, size, &offset);
        line.source_name = source_name;
        line.number = ++number;
        line.error = error;
        struct word first = next_word(&line);
        enum od_status status = OD_OK;
        if (word_is(first, "heal"))
            status = parse_heal(&line, &schedule, first);
        else if (first.size > 0)
            status = parse_fault(&line, first, &faults[schedule.fault_count++]);
        if (status != OD_OK)
            return status;
    }
    schedule.faults = faults;
    *schedule_out = schedule;
    return OD_OK;
}

/* --- printing --------------------------------------------------------------------------------- */

static bool print_duration(struct od_buffer *buffer, const char *key, uint64_t ns)
{
    if (ns == UINT64_MAX)
        return od_buffer_print(buffer, "%snever", key);
    size_t unit = 0;
    while (ns % duration_units[unit].ns != 0 || (ns == 0 && unit + 1 < DURATION_UNIT_COUNT))
        unit++;
    return od_buffer_print(buffer, "%s%" PRIu64 "%s", key, ns / duration_units[unit].ns,
                           duration_units[unit].text);
}

static void print_site(struct od_buffer *buffer, struct od_site site)
{
    for (size_t i = 0; i < SITE_FIELD_COUNT; i++) {
        uint32_t value = *site_field_of(&site, i);
        if (value != OD_ANY)
            od_buffer_print(buffer, " %s=%" PRIu32, site_fields[i].text, value);
    }
}

bool od_fault_print(const struct od_fault *fault, struct od_buffer *buffer)
{
    const struct od_fault_kind_row *row = od_fault_kind_row(fault->kind);
    od_buffer_print(buffer, "%s at ", row->text);
    if (fault->at_time)
        print_duration(buffer, "time=", fault->time_ns);
    else
        od_buffer_append_text(buffer, od_point_text(fault->point));
    print_site(buffer, fault->site);
    if (row->has_duration && fault->duration_ns != 0)
        print_duration(buffer, " for=", fault->duration_ns);
    const struct od_fault_amount_row *amount = od_fault_amount_row(row->amount);
    if (amount->key != NULL && fault->amount != amount->plain)
        od_buffer_print(buffer, " %s=%" PRIu32, amount->key, fault->amount);
    if (fault->lost_write != 0)
        od_buffer_print(buffer, " lost=%" PRIu32, fault->lost_write);
    if (fault->times == OD_FAULT_ALWAYS)
        od_buffer_append_text(buffer, " times=always");
    else if (fault->times != 1)
        od_buffer_print(buffer, " times=%" PRIu32, fault->times);
    return !buffer->failed;
}

bool od_schedule_print(const struct od_schedule *schedule, struct od_buffer *buffer)
{
    for (uint32_t i = 0; i < schedule->fault_count; i++) {
        od_fault_print(&schedule->faults[i], buffer);
        od_buffer_append_text(buffer, "\n");
    }
    if (schedule->heal_ns != 0) {
        print_duration(buffer, "heal at=", schedule->heal_ns);
        od_buffer_append_text(buffer, "\n");
    }
    return !buffer->failed;
}
