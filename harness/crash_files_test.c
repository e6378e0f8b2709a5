/* Goal: what a crash of the machine leaves of a journal, of stored outputs or of spilled rows is read back as what was promised or as
 * an error: old or new, never mixed.
 *
 * Method: each is written through chaos/wrap_record.h, and every state that chaos/crash_states.h makes of the log is read.
 *
 *   journal   the records are those of one journal of that name, in order, from the first on; all that were synced; whoever goes on from
 *             there and crashes again finds the same records and then his own
 *   outputs   the exact rows of the attempt that was asked for, or CORRUPT or MISSING; the rows, once they were synced
 *   spilled   the rows in their order up to an error, or all of them
 *
 * Under ctest with a bound on the states; `crash_files_test --full` tears at each byte and goes on from every state: ci/crash_states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chaos/crash_states.h"
#include "chaos/sim_disk.h"
#include "engine/op/spill.h"
#include "engine/run/block_store.h"
#include "engine/run/journal.h"
#include "harness/small_query.h"

static bool is_full;

struct bench {
    struct od_digest digest;
    struct od_sim_disk disk;
    struct od_wrap_record log;
    struct od_stream stream;
    struct od_world world;
};

/* `state`: what is on the disk, not noted; NULL: nothing. */
static void bench_init(struct bench *bench, const struct od_crash_state *state, uint64_t seed)
{
    memset(bench, 0, sizeof(*bench));
    od_sim_disk_init(&bench->disk, od_posix_memory(), &bench->digest);
    od_stream_init(&bench->stream, seed, "crash files");
    const struct od_disk below = od_sim_disk_part(&bench->disk);
    od_wrap_record_init(&bench->log, od_posix_memory(), &below);
    bench->world = (struct od_world){.incarnation = 1,
                                     .random = bench->stream.random,
                                     .memory = od_posix_memory(),
                                     .disk = od_wrap_record_part(&bench->log)};
    if (state != NULL)
        od_assert(od_crash_state_put(state, &bench->world.disk, NULL) == OD_OK);
}

static void bench_release(struct bench *bench)
{
    assert_int_equal(bench->disk.open_count, 0);
    od_wrap_record_release(&bench->log);
    od_sim_disk_empty(&bench->disk);
}

static uint64_t wrong_count; /* states of the test at hand */

static void note_wrong(const struct od_crash_state *state, const char *what)
{
    struct od_buffer text;
    if (wrong_count++ != 0)
        return;
    od_buffer_init(&text, od_posix_memory());
    od_crash_state_print(state, &text);
    print_error("%s: %s\n", od_buffer_text(&text), what);
    od_buffer_release(&text);
}

static void report(const char *what, const struct od_crash_facts *facts, uint64_t second_crashes)
{
    uint64_t wrong = wrong_count;
    wrong_count = 0;
    print_message("%s: %llu places, %llu states (and %llu equal ones), %llu places cut, %llu second crashes, %llu wrong\n",
                  what, (unsigned long long)facts->places, (unsigned long long)facts->states,
                  (unsigned long long)facts->equal, (unsigned long long)facts->cut, (unsigned long long)second_crashes,
                  (unsigned long long)wrong);
    assert_int_equal(wrong, 0);
}

/* --- the journal ------------------------------------------------------------------------------------------------------ */

#define JOURNAL "q1.journal"
enum { RECORDS_MAX = 16, MARKS_MAX = 64, ERAS = 2 };

/* Behind so many operations so many records of this era were promised. */
struct mark {
    uint32_t behind;
    uint32_t era;
    uint32_t synced;
};
struct journal_story {
    struct mark marks[MARKS_MAX];
    uint32_t mark_count;
    uint32_t era;
    uint32_t appended; /* in this era */
    uint32_t lives;
    uint64_t second_crashes;
    uint64_t visits;
};

static uint32_t record_size(uint32_t number)
{
    static const uint32_t sizes[] = {40, 0, 16, 700, 3, 40, 513, 24};
    return sizes[number % 8];
}

/* A record's content tells its era and its number; the first ones of all eras are the same. */
static void fill_record(uint8_t *bytes, uint32_t era, uint32_t number)
{
    era = number == 0 ? 1 : era;
    for (uint32_t i = 0; i < record_size(number); i++)
        bytes[i] = (uint8_t)(era * 97 + number * 31 + i * 7);
}

struct found {
    uint32_t eras[RECORDS_MAX];
    uint32_t numbers[RECORDS_MAX];
    uint32_t count;
};

static enum od_status take_record(void *self, const struct od_journal_record *record, struct od_error *error)
{
    struct found *found = self;
    uint8_t bytes[1024];
    uint32_t era = record->kind >> 8;
    uint32_t number = record->kind & 0xff;
    if (found->count == RECORDS_MAX || record->size != record_size(number))
        return od_fail(error, OD_CORRUPT, "a record that nobody wrote: kind %x", record->kind);
    fill_record(bytes, era, number);
    if (memcmp(bytes, record->payload, record->size) != 0)
        return od_fail(error, OD_CORRUPT, "record %x has other bytes", record->kind);
    found->eras[found->count] = era;
    found->numbers[found->count++] = number;
    return OD_OK;
}

static enum od_status open_journal(struct bench *bench, struct found *found, struct od_journal **journal_out,
                                   struct od_error *error)
{
    *found = (struct found){0};
    return od_journal_open(&bench->world, JOURNAL, (struct od_journal_reader){take_record, found}, journal_out, error);
}

static void append(struct od_journal *journal, uint32_t era, uint32_t number)
{
    uint8_t bytes[1024];
    fill_record(bytes, era, number);
    assert_int_equal(
        od_journal_append(journal, (number == 0 ? 1 : era) << 8 | number, bytes, record_size(number), NULL), OD_OK);
}

static void mark(struct journal_story *story, const struct bench *bench, uint32_t synced)
{
    assert_true(story->mark_count < MARKS_MAX);
    story->marks[story->mark_count++] = (struct mark){bench->log.note_count, story->era, synced};
}

/* 'a' appends, 'w' writes, 's' syncs, 'o' closes and opens again: another life, 'r' removes it and begins another. */
static void tell_journal(struct bench *bench, struct journal_story *story, const char *script)
{
    struct od_journal *journal = NULL;
    struct found found;
    story->era++;
    story->appended = 0;
    mark(story, bench, 0);
    assert_int_equal(open_journal(bench, &found, &journal, NULL), OD_OK);
    for (; *script != '\0'; script++) {
        if (*script == 'a') {
            append(journal, story->era, story->appended++);
        } else if (*script == 'w') {
            assert_int_equal(od_journal_write(journal, NULL), OD_OK);
        } else if (*script == 's') {
            assert_int_equal(od_journal_sync(journal, NULL), OD_OK);
            mark(story, bench, story->appended);
        } else if (*script == 'o') {
            od_journal_close(journal);
            bench->world.incarnation++;
            assert_int_equal(open_journal(bench, &found, &journal, NULL), OD_OK);
            assert_int_equal(found.count, story->appended);
        } else {
            od_journal_close(journal);
            assert_int_equal(od_journal_remove(&bench->world, JOURNAL, NULL), OD_OK);
            story->era++;
            story->appended = 0;
            mark(story, bench, 0);
            assert_int_equal(open_journal(bench, &found, &journal, NULL), OD_OK);
            assert_int_equal(found.count, 0);
        }
    }
    od_journal_close(journal);
}

/* Records 0, 1, 2... of one era; at least what was promised behind so many operations. NULL: so it is. */
static const char *find_fault(const struct journal_story *story, uint32_t behind, const struct found *found)
{
    const struct mark *promise = &story->marks[0];
    for (uint32_t i = 0; i < story->mark_count && story->marks[i].behind <= behind; i++)
        promise = &story->marks[i];
    for (uint32_t i = 0; i < found->count; i++)
        if (found->numbers[i] != i || (i > 0 && found->eras[i] != found->eras[1]))
            return "records that do not follow each other";
    if (found->count < promise->synced)
        return "a record that was synced is not there";
    if (promise->synced > 0 && found->count > 1 && found->eras[1] != promise->era)
        return "records of a journal that was removed follow those of the new one";
    return NULL;
}

/* What goes on from a state: it found `before`, and appended two more, of era 9. */
struct second {
    const struct journal_story *story;
    uint32_t first_behind;
    struct found before;
    uint32_t opened_behind; /* operations of its own log */
    uint32_t synced_behind;
    uint64_t *count;
};

static bool is_right_again(const struct second *second, uint32_t behind, const struct found *found)
{
    const struct found *before = &second->before;
    if (behind < second->opened_behind) /* nobody has heard of `before` */
        return find_fault(second->story, second->first_behind, found) == NULL;
    bool is_right = found->count >= before->count + (behind >= second->synced_behind);
    for (uint32_t i = 0; i < found->count && is_right; i++)
        is_right = found->numbers[i] == i && found->eras[i] == (i < before->count ? before->eras[i] : i == 0 ? 1 : 9);
    return is_right;
}

static enum od_status judge_second(void *self, const struct od_crash_state *state, struct od_error *error)
{
    struct second *second = self;
    struct bench bench;
    struct od_journal *journal;
    struct found found;
    (void)error;
    ++*second->count;
    bench_init(&bench, state, 3);
    bench.world.incarnation = 100;
    if (open_journal(&bench, &found, &journal, NULL) != OD_OK || !is_right_again(second, state->behind, &found))
        note_wrong(state, "after a second crash: other records than before it, and then its own");
    od_journal_close(journal);
    bench_release(&bench);
    return OD_OK;
}

/* A next life opens what is there, appends two records, the first of them synced, and its machine ends at any moment. */
static void crash_again(struct journal_story *story, const struct od_crash_state *state)
{
    struct bench bench;
    struct od_journal *journal;
    struct second second = {.story = story, .first_behind = state->behind, .count = &story->second_crashes};
    struct od_crash_facts facts = {0};
    bench_init(&bench, state, 2);
    bench.world.incarnation = 50;
    const struct od_crash_options options = {.first = bench.log.note_count + 1};
    assert_int_equal(open_journal(&bench, &second.before, &journal, NULL), OD_OK);
    assert_true(second.before.count + 2 < RECORDS_MAX);
    second.opened_behind = bench.log.note_count;
    append(journal, 9, second.before.count);
    assert_int_equal(od_journal_sync(journal, NULL), OD_OK);
    second.synced_behind = bench.log.note_count;
    append(journal, 9, second.before.count + 1);
    assert_int_equal(od_journal_write(journal, NULL), OD_OK);
    od_journal_close(journal);
    assert_int_equal(od_crash_states(od_posix_memory(), &bench.log, &options,
                                     (struct od_crash_visitor){judge_second, &second}, &facts, NULL),
                     OD_OK);
    bench_release(&bench);
}

static enum od_status judge_journal(void *self, const struct od_crash_state *state, struct od_error *error)
{
    struct journal_story *story = self;
    struct bench bench;
    struct od_journal *journal;
    struct od_error why = {0};
    struct found found;
    (void)error;
    bench_init(&bench, state, 1);
    bench.world.incarnation = 40;
    enum od_status status = open_journal(&bench, &found, &journal, &why);
    const char *fault = status != OD_OK ? why.text : find_fault(story, state->behind, &found);
    if (fault != NULL)
        note_wrong(state, fault);
    od_journal_close(journal);
    bench_release(&bench);
    if (fault == NULL && story->visits++ % (is_full ? 11 : 211) == 0)
        crash_again(story, state);
    return OD_OK;
}

static void a_journal_is_read_as_promised(void **state)
{
    static const char *const scripts[] = {"asasas", "awawasaw", "aaasawoawaws", "awoawoas", "asrawas", "awawasrasawas",
                                          "awawawawawawawawawaws"};
    struct od_crash_facts facts = {0};
    uint64_t second_crashes = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct bench bench;
        struct journal_story story = {0};
        bench_init(&bench, NULL, 7);
        tell_journal(&bench, &story, scripts[i]);
        const struct od_crash_options options = {.tears_at_each_byte = is_full, .random_count = is_full ? 4096 : 0};
        assert_int_equal(od_crash_states(od_posix_memory(), &bench.log, &options,
                                         (struct od_crash_visitor){judge_journal, &story}, &facts, NULL),
                         OD_OK);
        second_crashes += story.second_crashes;
        bench_release(&bench);
    }
    assert_in_range(facts.states, 5000, UINT64_MAX);
    assert_true(second_crashes > 1000);
    report("journal", &facts, second_crashes);
}

/* --- rows ------------------------------------------------------------------------------------------------------------- */

enum { ROWS = 90, PARTS = 3 };

struct rows {
    struct od_table *table;
    struct od_block_codec *codec;
};

static int make_rows(void **state)
{
    static struct rows rows;
    static char csv[8000];
    strcpy(csv, "id,number,text\n");
    for (int i = 0; i < ROWS; i++)
        sprintf(csv + strlen(csv), "%d,%d,the %d. of many rows\n", i, i * i % 37, i);
    rows.table = od_small_table("rows", csv);
    rows.codec = od_block_codec_new(od_posix_memory(), NULL);
    *state = &rows;
    return rows.codec == NULL;
}

static int free_rows(void **state)
{
    struct rows *rows = *state;
    od_block_codec_free(rows->codec);
    od_table_free(od_posix_memory(), rows->table);
    return 0;
}

/* Every PARTS-th row from the part-th on, up to a third of them less for each attempt. */
static struct od_hash128 take_part(const struct rows *rows, uint32_t attempt, uint32_t part,
                                   struct od_batch_builder *taken)
{
    struct od_batch all = od_table_view(rows->table);
    assert_int_equal(od_batch_builder_init(taken, od_posix_memory(), all.schema, NULL), OD_OK);
    for (uint32_t row = part; row < ROWS - attempt * 10; row += PARTS)
        assert_int_equal(od_batch_builder_append_rows(taken, &all, &row, 0, 1, NULL), OD_OK);
    struct od_batch view = od_batch_builder_view(taken);
    return od_batch_checksum(&view);
}

/* --- stored outputs --------------------------------------------------------------------------------------------------- */

enum { ATTEMPTS = 3 };

struct outputs_story {
    const struct rows *rows;
    struct bench bench;
    uint32_t sizes[ATTEMPTS][PARTS];
    struct od_hash128 checksums[ATTEMPTS][PARTS];
    uint32_t promised_from[ATTEMPTS]; /* operations; 0: never */
    uint32_t promised_until[ATTEMPTS];
    uint64_t right_count;
    uint64_t refused_count;
};

static struct od_attempt_name output_name(uint32_t attempt)
{
    return (struct od_attempt_name){.query = 1, .stage = 2, .task = 3, .attempt = attempt};
}
static struct od_block_id block_id(uint32_t attempt, uint32_t part)
{
    return (struct od_block_id){.query = 1, .stage = 2, .task = 3, .attempt = attempt, .partition = part};
}

static void put_output(struct outputs_story *story, struct od_block_store *store, uint32_t attempt, bool syncs)
{
    struct od_buffer bytes;
    const struct od_attempt_name name = output_name(attempt);
    od_buffer_init(&bytes, od_posix_memory());
    for (uint32_t part = 0; part < PARTS; part++) {
        struct od_batch_builder taken;
        struct od_block_info info;
        const struct od_block_id id = block_id(attempt, part);
        size_t before = bytes.size;
        story->checksums[attempt][part] = take_part(story->rows, attempt, part, &taken);
        struct od_batch view = od_batch_builder_view(&taken);
        assert_int_equal(od_block_encode(story->rows->codec, &view, &id, OD_CODEC_ZSTD, &bytes, &info, NULL), OD_OK);
        story->sizes[attempt][part] = (uint32_t)(bytes.size - before);
        od_batch_builder_release(&taken);
    }
    assert_int_equal(od_block_store_put(store, &name, bytes.bytes, bytes.size, NULL), OD_OK);
    if (syncs) {
        assert_int_equal(od_block_store_sync(store, &name, NULL), OD_OK);
        story->promised_from[attempt] = story->bench.log.note_count;
        story->promised_until[attempt] = UINT32_MAX;
    }
    od_buffer_release(&bytes);
}

static void judge_block(struct outputs_story *story, const struct od_crash_state *state, struct od_block_store *store,
                        uint32_t attempt, uint32_t part)
{
    struct od_buffer bytes;
    struct od_arena block_arena;
    struct od_batch batch;
    struct od_block_info info;
    const struct od_attempt_name name = output_name(attempt);
    const struct od_block_id id = block_id(attempt, part);
    const struct od_schema *schema = &story->rows->table->schema;
    uint32_t offset = 0;
    for (uint32_t i = 0; i < part; i++)
        offset += story->sizes[attempt][i];
    od_buffer_init(&bytes, od_posix_memory());
    od_arena_init(&block_arena, od_posix_memory(), 0);
    enum od_status status = od_block_store_read(store, &name, offset, story->sizes[attempt][part], &bytes, NULL);
    if (status == OD_OK)
        status = od_block_decode(story->rows->codec, bytes.bytes, bytes.size, schema, &id, &block_arena, &batch, &info,
                                 NULL);
    bool is_promised = story->promised_from[attempt] != 0 && story->promised_from[attempt] <= state->behind &&
                       state->behind < story->promised_until[attempt];
    if (status == OD_OK && !od_hash128_equal(od_batch_checksum(&batch), story->checksums[attempt][part]))
        note_wrong(state, "other rows than were written");
    if (status != OD_OK && (is_promised || (status != OD_CORRUPT && status != OD_MISSING)))
        note_wrong(state, od_status_text(status));
    story->right_count += status == OD_OK;
    story->refused_count += status != OD_OK;
    od_arena_release(&block_arena);
    od_buffer_release(&bytes);
}

static enum od_status judge_outputs(void *self, const struct od_crash_state *state, struct od_error *error)
{
    struct outputs_story *story = self;
    struct od_block_store store = {.world = &story->bench.world};
    (void)error;
    od_wrap_record_show(&story->bench.log, state);
    for (uint32_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        const struct od_attempt_name name = output_name(attempt);
        uint64_t size = 0;
        for (uint32_t part = 0; part < PARTS; part++)
            size += story->sizes[attempt][part];
        assert_int_equal(od_block_store_adopt(&store, &name, size, NULL), OD_OK);
        for (uint32_t part = 0; part < PARTS; part++)
            judge_block(story, state, &store, attempt, part);
    }
    od_block_store_drop_all(&store, false);
    od_wrap_record_show(&story->bench.log, NULL);
    return OD_OK;
}

static void outputs_are_whole_or_refused(void **state)
{
    struct outputs_story story = {.rows = *state};
    struct od_block_store store = {.world = &story.bench.world};
    struct od_crash_facts facts = {0};
    bench_init(&story.bench, NULL, 1);
    put_output(&story, &store, 0, true);
    put_output(&story, &store, 1, false);
    const struct od_attempt_name first = output_name(0);
    story.promised_until[0] = story.bench.log.note_count + 1;
    od_block_store_drop(&store, &first);
    put_output(&story, &store, 2, true);
    const struct od_crash_options options = {.tears_at_each_byte = is_full};
    assert_int_equal(od_crash_states(od_posix_memory(), &story.bench.log, &options,
                                     (struct od_crash_visitor){judge_outputs, &story}, &facts, NULL),
                     OD_OK);
    assert_in_range(facts.states, 500, UINT64_MAX);
    assert_true(story.right_count > 500);
    assert_true(story.refused_count > 500);
    report("outputs", &facts, 0);
    od_block_store_drop_all(&store, true);
    bench_release(&story.bench);
}

/* --- spilled rows ----------------------------------------------------------------------------------------------------- */

enum { BLOCKS_MAX = 16 };

struct spill_story {
    struct bench bench;
    struct od_spill_run *run;
    struct od_hash128 blocks[BLOCKS_MAX];
    uint32_t block_count;
    uint64_t right_count;
    uint64_t refused_count;
};

/* Blocks up to the end or an error; the first time they are noted, then compared. */
static enum od_status read_run(struct spill_story *story, uint32_t *count_out, bool *is_right_out)
{
    const struct od_batch *batch = NULL;
    uint32_t count = 0;
    *is_right_out = true;
    enum od_status status = od_spill_run_rewind(story->run, NULL);
    while (status == OD_OK) {
        status = od_spill_run_next(story->run, &batch, NULL);
        if (status != OD_OK || batch == NULL)
            break;
        struct od_hash128 checksum = od_batch_checksum(batch);
        assert_true(count < BLOCKS_MAX);
        if (story->block_count <= count)
            story->blocks[story->block_count++] = checksum;
        *is_right_out = *is_right_out && od_hash128_equal(checksum, story->blocks[count++]);
    }
    *count_out = count;
    return status;
}

static enum od_status judge_spilled(void *self, const struct od_crash_state *state, struct od_error *error)
{
    struct spill_story *story = self;
    uint32_t count;
    bool is_right;
    (void)error;
    od_wrap_record_show(&story->bench.log, state);
    uint32_t known = story->block_count;
    enum od_status status = read_run(story, &count, &is_right);
    od_wrap_record_show(&story->bench.log, NULL);
    if (!is_right || story->block_count != known || (status == OD_OK && count != known))
        note_wrong(state, "other rows than were spilled");
    if (status != OD_OK && status != OD_CORRUPT)
        note_wrong(state, od_status_text(status));
    story->right_count += status == OD_OK;
    story->refused_count += status != OD_OK;
    return OD_OK;
}

static void spilled_rows_are_whole_or_refused(void **state)
{
    const struct rows *rows = *state;
    struct spill_story story = {0};
    struct od_op_account account = {0};
    struct od_crash_facts facts = {0};
    uint32_t count;
    bool is_right;
    bench_init(&story.bench, NULL, 1);
    const struct od_op_env env = {.memory = od_posix_memory(),
                                  .batch_rows = 16,
                                  .account = &account,
                                  .disk = story.bench.world.disk,
                                  .codec = rows->codec,
                                  .spill_name = "spilled"};
    struct od_batch all = od_table_view(rows->table);
    for (uint32_t i = 0; i < 2; i++) { /* the first is gone, and its bytes may show in the second */
        od_spill_run_free(story.run);
        assert_int_equal(od_spill_run_new(&env, all.schema, &story.run, NULL), OD_OK);
        assert_int_equal(od_spill_run_append(story.run, &all, NULL, i == 0 ? 60 : ROWS, NULL), OD_OK);
        assert_int_equal(od_spill_run_rewind(story.run, NULL), OD_OK);
    }
    assert_int_equal(read_run(&story, &count, &is_right), OD_OK);
    assert_int_equal(count, 6);
    const struct od_crash_options options = {.tears_at_each_byte = is_full, .first = 5};
    assert_int_equal(od_crash_states(od_posix_memory(), &story.bench.log, &options,
                                     (struct od_crash_visitor){judge_spilled, &story}, &facts, NULL),
                     OD_OK);
    assert_in_range(facts.states, 500, UINT64_MAX);
    assert_true(story.right_count > 0);
    assert_true(story.refused_count > 500);
    report("spilled", &facts, 0);
    od_spill_run_free(story.run);
    bench_release(&story.bench);
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_journal_is_read_as_promised),
        cmocka_unit_test_setup_teardown(outputs_are_whole_or_refused, make_rows, free_rows),
        cmocka_unit_test_setup_teardown(spilled_rows_are_whole_or_refused, make_rows, free_rows),
    };
    is_full = argument_count == 2 && strcmp(arguments[1], "--full") == 0;
    return cmocka_run_group_tests_name("crash_files", tests, NULL, NULL);
}
