/* Goal: the states that a crash may leave are the ones that were worked out by hand, each shown once and the same at each walk; and
 * they suffice to tell a way of writing that survives a crash from ones that only look so.
 *
 * Method: scripts of disk operations with the number of their states, what must be among them and what must not. Then a little
 * store of one value, written rightly and with one step left out each time: the states must show the mistake. */
#include "chaos/crash_states.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chaos/sim_disk.h"
#include "engine/core/sweep.h"

struct bench {
    struct od_digest digest;
    struct od_sim_disk disk;
    struct od_wrap_record log;
    struct od_disk part;
};

static void bench_init(struct bench *bench, struct od_memory *memory)
{
    memset(bench, 0, sizeof(*bench));
    od_sim_disk_init(&bench->disk, od_heap_for_tests(), &bench->digest);
    const struct od_disk below = od_sim_disk_part(&bench->disk);
    od_wrap_record_init(&bench->log, memory, &below);
    bench->part = od_wrap_record_part(&bench->log);
}

static void bench_release(struct bench *bench)
{
    assert_int_equal(bench->disk.open_count, 0);
    od_wrap_record_release(&bench->log);
    od_sim_disk_empty(&bench->disk);
}

/* Words "m NAME" (makes, again too), "w NAME OFFSET BYTES", "s NAME", "r NAME". */
static enum od_status run_script(const struct od_disk *disk, const char *script)
{
    char verb, name[8], bytes[64];
    int used;
    for (unsigned offset; sscanf(script, " %c %7s%n", &verb, name, &used) == 2;) {
        struct od_file *file = NULL;
        script += used;
        if (verb == 'r') {
            OD_TRY(disk->ops->remove(disk->self, name, NULL));
            continue;
        }
        OD_TRY((verb == 'm' ? disk->ops->create : disk->ops->open)(disk->self, name, &file, NULL));
        enum od_status status = OD_OK;
        if (verb == 's') {
            status = disk->ops->sync(disk->self, file, NULL);
        } else if (verb == 'w') {
            assert_int_equal(sscanf(script, " %u %63s%n", &offset, bytes, &used), 2);
            script += used;
            status = disk->ops->write(disk->self, file, offset, bytes, strlen(bytes), NULL);
        }
        disk->ops->close(disk->self, file);
        OD_TRY(status);
    }
    return OD_OK;
}

/* A state as text: "f=ab g=", zeros as ".", garbage as "?". */
static void print_files(const struct od_crash_state *state, char *text)
{
    *text = '\0';
    for (uint32_t i = 0; i < state->file_count; i++) {
        text += sprintf(text, "%s%s=", i == 0 ? "" : " ", state->files[i].name);
        for (size_t k = 0; k < state->files[i].size; k++) {
            uint8_t byte = state->files[i].bytes[k];
            *text++ = byte == 0 ? '.' : byte >= 'a' && byte <= 'z' ? (char)byte : '?';
        }
        *text = '\0';
    }
}

/* States of the last place, each in brackets; and a digest of all. */
struct listed {
    uint32_t place;
    char text[20000];
    struct od_digest digest;
};

static enum od_status list_state(void *self, const struct od_crash_state *state, struct od_error *error)
{
    struct listed *listed = self;
    char text[400];
    (void)error;
    print_files(state, text);
    od_digest_add(&listed->digest, od_hash_bytes(text, strlen(text), state->behind));
    if (state->behind != listed->place)
        listed->text[0] = '\0';
    listed->place = state->behind;
    size_t used = strlen(listed->text);
    assert_true(used + strlen(text) + 3 < sizeof(listed->text));
    sprintf(listed->text + used, "[%s]", text);
    return OD_OK;
}

static void states_are_those_worked_out_by_hand(void **state)
{
    static const struct {
        const char *script;
        uint64_t waiting_names; /* states in all, where names wait */
        uint64_t names_at_once;
        const char *last[5];  /* among those behind the last operation, where names wait */
        const char *never[4]; /* not among them */
    } cases[] = {
        {"", 1, 1, {"[]"}, {0}},
        {"m f", 3, 2, {"[]", "[f=]"}, {0}},
        /* behind the write: no name, empty, a byte, its length with zeros, with garbage */
        {"m f w f 0 a", 8, 6, {"[]", "[f=]", "[f=a]", "[f=.]", "[f=?]"}, {0}},
        {"m f w f 0 a s f", 9, 7, {"[f=a]"}, {"[]", "[f=]"}},
        /* a sync of another file makes the name durable, not the bytes */
        {"m f w f 0 a m g s g", 0, 0, {"[f= g=]", "[f=a g=]", "[f=. g=]"}, {"[g=]", "[f=a]", "[]"}},
        /* removed: still there, whole */
        {"m f w f 0 a s f r f", 11, 8, {"[]", "[f=a]"}, {"[f=]"}},
        /* made again: what was there before shows between the new bytes */
        {"m f w f 0 abcd s f m f w f 0 xy", 0, 0, {"[f=abcd]", "[f=xycd]", "[f=xy]", "[f=]", "[f=xb]"}, {"[]", "[f=xyc]"}},
        /* a later write may come without the earlier one; the hole is zeros */
        {"m f s f w f 0 a w f 1 b", 0, 0, {"[f=ab]", "[f=.b]", "[f=a]", "[f=]", "[f=?b]"}, {"[]"}},
        /* overlapping, the other way round */
        {"m f s f w f 0 ab w f 1 c", 0, 0, {"[f=ac]", "[f=ab]", "[f=.c]", "[f=a.]"}, {"[f=cb]"}},
        /* what another file had */
        {"m g w g 0 zzz s g r g m f s f w f 0 ab", 0, 0, {"[f=ab]", "[f=zz]", "[f=az]", "[f=zb]"}, {"[g=zzz]", "[f=b]"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t states[2] = {0};
        struct bench bench;
        struct listed listed[2] = {0};
        bench_init(&bench, od_heap_for_tests());
        assert_int_equal(run_script(&bench.part, cases[i].script), OD_OK);
        for (uint32_t at_once = 2; at_once-- > 0;) {
            struct od_crash_facts facts = {0};
            const struct od_crash_options options = {.names_at_once = at_once != 0};
            assert_int_equal(od_crash_states(od_heap_for_tests(), &bench.log, &options,
                                             (struct od_crash_visitor){list_state, &listed[at_once]}, &facts, NULL),
                             OD_OK);
            assert_int_equal(facts.places, bench.log.note_count + 1);
            assert_int_equal(facts.cut, 0);
            states[at_once] = facts.states;
        }
        for (size_t k = 0; k < 5 && cases[i].last[k] != NULL; k++)
            if (strstr(listed[0].text, cases[i].last[k]) == NULL)
                fail_msg("'%s': no %s in %s", cases[i].script, cases[i].last[k], listed[0].text);
        for (size_t k = 0; k < 4 && cases[i].never[k] != NULL; k++)
            if (strstr(listed[0].text, cases[i].never[k]) != NULL)
                fail_msg("'%s': %s in %s", cases[i].script, cases[i].never[k], listed[0].text);
        if (cases[i].waiting_names != 0 &&
            (states[0] != cases[i].waiting_names || states[1] != cases[i].names_at_once))
            fail_msg("'%s': %llu and %llu states", cases[i].script, (unsigned long long)states[0],
                     (unsigned long long)states[1]);
        bench_release(&bench);
    }
}

static void walks_are_equal_and_bounded(void **state)
{
    struct bench bench;
    static struct listed listed[3];
    struct od_crash_facts facts[3] = {0};
    (void)state;
    bench_init(&bench, od_heap_for_tests());
    assert_int_equal(run_script(&bench.part, "m f s f w f 0 a w f 1 b w f 2 c w f 3 d"), OD_OK);
    for (uint32_t i = 0; i < 3; i++) {
        const struct od_crash_options options = {.first = 6, .subset_max = i < 2 ? 2 : 4, .random_count = 1, .seed = 9};
        assert_int_equal(od_crash_states(od_heap_for_tests(), &bench.log, &options,
                                         (struct od_crash_visitor){list_state, &listed[i]}, &facts[i], NULL),
                         OD_OK);
    }
    assert_int_equal(listed[0].digest.value, listed[1].digest.value);
    assert_memory_equal(&facts[0], &facts[1], sizeof(facts[0]));
    assert_int_equal(facts[0].places, 1);
    assert_int_equal(facts[0].cut, 1);
    assert_int_equal(facts[2].cut, 0);
    assert_true(facts[0].equal > 0);
    assert_true(facts[2].states >= facts[0].states);
    bench_release(&bench);
}

/* --- a store of one value --------------------------------------------------------------------------------------------- */

/* Each write of the value is told when it has returned. What a reader finds must be the last value that was told, or the one
 * being written. Values are 600 times one letter, so that they do not fit a sector. */
enum { VALUE_BYTES = 600, CHECK_BYTES = 8 };
enum mistake { RIGHT, NO_SYNC, NO_CHECK, IN_PLACE, MISTAKE_COUNT };

static enum od_status write_value(const struct od_disk *disk, enum mistake mistake, uint32_t number)
{
    uint8_t bytes[VALUE_BYTES + CHECK_BYTES];
    struct od_file *file;
    const char *name = mistake == IN_PLACE || number % 2 == 0 ? "even" : "odd";
    memset(bytes, 'a' + (int)number, VALUE_BYTES);
    uint64_t check = od_hash_bytes(bytes, VALUE_BYTES, 0);
    memcpy(bytes + VALUE_BYTES, &check, sizeof(check));
    OD_TRY(disk->ops->create(disk->self, name, &file, NULL));
    enum od_status status = disk->ops->write(disk->self, file, 0, bytes, sizeof(bytes), NULL);
    if (status == OD_OK && mistake != NO_SYNC)
        status = disk->ops->sync(disk->self, file, NULL);
    disk->ops->close(disk->self, file);
    return status;
}

/* The largest value that is whole in either file; 0: none. */
static uint32_t read_value(const struct od_crash_state *state, enum mistake mistake)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < state->file_count; i++) {
        const struct od_crash_file *file = &state->files[i];
        uint64_t check;
        if (file->size != VALUE_BYTES + CHECK_BYTES)
            continue;
        memcpy(&check, file->bytes + VALUE_BYTES, sizeof(check));
        bool is_whole = check == od_hash_bytes(file->bytes, VALUE_BYTES, 0);
        if ((is_whole || mistake == NO_CHECK) && file->bytes[0] - 'a' > (int)value)
            value = file->bytes[0] - 'a';
        if (mistake == NO_CHECK && file->bytes[VALUE_BYTES - 1] != file->bytes[0])
            value = UINT32_MAX; /* of two */
    }
    return value;
}

struct judged {
    enum mistake mistake;
    uint32_t told_at[8]; /* operations done when value i was told */
    uint64_t wrong_count;
};

static enum od_status judge_value(void *self, const struct od_crash_state *state, struct od_error *error)
{
    struct judged *judged = self;
    uint32_t told = 0;
    (void)error;
    while (told + 1 < 6 && judged->told_at[told + 1] <= state->behind)
        told++;
    uint32_t value = read_value(state, judged->mistake);
    judged->wrong_count += value != told && value != told + 1;
    return OD_OK;
}

static void mistakes_of_a_store_are_noticed(void **state)
{
    (void)state;
    for (enum mistake mistake = RIGHT; mistake < MISTAKE_COUNT; mistake++) {
        struct bench bench;
        struct judged judged = {.mistake = mistake};
        struct od_crash_facts facts = {0};
        bench_init(&bench, od_heap_for_tests());
        for (uint32_t value = 1; value < 6; value++) {
            assert_int_equal(write_value(&bench.part, mistake, value), OD_OK);
            judged.told_at[value] = bench.log.note_count;
        }
        assert_int_equal(od_crash_states(od_heap_for_tests(), &bench.log, &(struct od_crash_options){0},
                                         (struct od_crash_visitor){judge_value, &judged}, &facts, NULL),
                         OD_OK);
        print_message("mistake %d: %llu of %llu states wrong\n", mistake, (unsigned long long)judged.wrong_count,
                      (unsigned long long)facts.states);
        assert_true(facts.states > 500);
        assert_int_equal(judged.wrong_count == 0, mistake == RIGHT);
        bench_release(&bench);
    }
}

/* --- the rest --------------------------------------------------------------------------------------------------------- */

static enum od_status compare_put(void *self, const struct od_crash_state *state, struct od_error *error)
{
    struct od_digest digest = {0};
    struct od_sim_disk disk;
    struct od_buffer text;
    (void)error;
    od_sim_disk_init(&disk, od_heap_for_tests(), &digest);
    const struct od_disk part = od_sim_disk_part(&disk);
    od_buffer_init(&text, od_heap_for_tests());
    assert_int_equal(od_crash_state_put(state, &part, NULL), OD_OK);
    assert_int_equal(disk.file_count, state->file_count);
    od_wrap_record_show(self, state);
    const struct od_disk shown = od_wrap_record_part(self);
    for (uint32_t i = 0; i < state->file_count; i++) {
        uint8_t bytes[64];
        struct od_file *file;
        uint64_t size;
        for (uint32_t is_shown = 0; is_shown < 2; is_shown++) {
            const struct od_disk *from = is_shown ? &shown : &part;
            assert_int_equal(from->ops->open(from->self, state->files[i].name, &file, NULL), OD_OK);
            assert_int_equal(from->ops->size(from->self, file, &size, NULL), OD_OK);
            assert_int_equal(size, state->files[i].size);
            assert_int_equal(from->ops->read(from->self, file, 0, bytes, size, NULL), OD_OK);
            assert_memory_equal(bytes, state->files[i].bytes, size);
            assert_int_equal(from->ops->read(from->self, file, 0, bytes, size + 1, NULL), OD_CORRUPT);
            from->ops->close(from->self, file);
        }
    }
    assert_true(od_crash_state_print(state, &text));
    assert_non_null(strstr(od_buffer_text(&text), "behind operation"));
    od_wrap_record_show(self, NULL);
    od_buffer_release(&text);
    od_sim_disk_empty(&disk);
    return OD_OK;
}

static void a_state_can_be_put_and_shown(void **state)
{
    struct bench bench;
    struct od_crash_facts facts = {0};
    (void)state;
    bench_init(&bench, od_heap_for_tests());
    assert_int_equal(run_script(&bench.part, "m f w f 0 abc s f m g w g 2 x w f 1 yy"), OD_OK);
    const struct od_crash_options options = {.first = 6};
    assert_int_equal(od_crash_states(od_heap_for_tests(), &bench.log, &options,
                                     (struct od_crash_visitor){compare_put, &bench.log}, &facts, NULL),
                     OD_OK);
    assert_in_range(facts.states, 10, 1000);
    bench_release(&bench);
}

static enum od_status with_memory(struct od_memory *memory, void *context)
{
    struct bench bench;
    struct listed listed = {0};
    struct od_crash_facts facts = {0};
    (void)context;
    bench_init(&bench, memory);
    enum od_status status = run_script(&bench.part, "m f w f 0 ab s f m g w f 1 b w g 3 c r f m f");
    if (status == OD_OK)
        status = od_crash_states(memory, &bench.log, &(struct od_crash_options){0},
                                 (struct od_crash_visitor){list_state, &listed}, &facts, NULL);
    bench_release(&bench);
    return status;
}

static void every_allocation_may_be_refused(void **state)
{
    (void)state;
    assert_true(od_sweep(with_memory, NULL) >= 20);
}

static enum od_status stop(void *self, const struct od_crash_state *state, struct od_error *error)
{
    (void)state;
    return ++*(uint32_t *)self == 3 ? od_fail(error, OD_TIMED_OUT, "enough") : OD_OK;
}

static void a_visitor_may_stop_it(void **state)
{
    struct bench bench;
    uint32_t count = 0;
    struct od_crash_facts facts = {0};
    (void)state;
    bench_init(&bench, od_heap_for_tests());
    assert_int_equal(run_script(&bench.part, "m f w f 0 ab"), OD_OK);
    assert_int_equal(od_crash_states(od_heap_for_tests(), &bench.log, &(struct od_crash_options){0},
                                     (struct od_crash_visitor){stop, &count}, &facts, NULL),
                     OD_TIMED_OUT);
    assert_int_equal(count, 3);
    bench_release(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_are_those_worked_out_by_hand),
        cmocka_unit_test(walks_are_equal_and_bounded),
        cmocka_unit_test(mistakes_of_a_store_are_noticed),
        cmocka_unit_test(a_state_can_be_put_and_shown),
        cmocka_unit_test(every_allocation_may_be_refused),
        cmocka_unit_test(a_visitor_may_stop_it),
    };
    return cmocka_run_group_tests_name("crash_states", tests, NULL, NULL);
}
