/* Goal: a journal gives back a prefix of what was appended, never anything else, whatever became of its file; what was
 * synced is in that prefix; failures are told and leave a journal that can be opened.
 *
 * Method: one journal of records of many sizes in three openings. Its file is cut at every byte, damaged at every
 * sector of every size from 1 byte up (set to zeros, to ones, flipped), and then written on and read again, so that
 * what lies behind the damage gets its chance to come back. Every disk call, point and allocation fails once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "engine/run/journal_fixture.h"

#define NAME    "driver.journal"
#define RECORDS 12u
static const size_t sizes[RECORDS] = {0, 1, 7, 40, 600, 3, 0, 16, 513, 5, 24, 100};

static uint8_t payload_byte(uint32_t record, size_t index)
{
    return (uint8_t)(record * 31 + index * 7 + 1);
}

static const uint8_t *payload_of(uint32_t record)
{
    static uint8_t bytes[1000];
    for (size_t i = 0; i < sizes[record % RECORDS]; i++)
        bytes[i] = payload_byte(record, i);
    return bytes;
}

/* What is read must be records 0, 1, 2... and, behind `cut`, number 100, 101... */
struct expected {
    uint32_t count;
    uint32_t cut; /* OD_ANY: none */
};

static enum od_status expect_next(void *self, const struct od_journal_record *record, struct od_error *error)
{
    struct expected *expected = self;
    uint32_t i = expected->count++;
    (void)error;
    if (expected->cut != OD_ANY && i >= expected->cut)
        i = 100 + i - expected->cut;
    if (record->kind != i + 1 || record->size != sizes[i % RECORDS])
        fail_msg("record %u: kind %u, size %zu", i, record->kind, record->size);
    for (size_t k = 0; k < record->size; k++)
        assert_int_equal(record->payload[k], payload_byte(i, k));
    return OD_OK;
}

static enum od_status refuse_next(void *self, const struct od_journal_record *record, struct od_error *error)
{
    (void)record;
    *(uint32_t *)self += 1;
    return od_fail(error, OD_CORRUPT, "the reader does not want it");
}

static struct od_journal *open_again(struct journal_bench *bench, struct expected *expected)
{
    struct od_journal *journal;
    expected->count = 0;
    bench->world.incarnation++;
    enum od_status status = od_journal_open(
        &bench->world, NAME, (struct od_journal_reader){expect_next, expected}, &journal, NULL);
    assert_int_equal(status, OD_OK);
    return journal;
}

static void append(struct od_journal *journal, uint32_t record)
{
    assert_int_equal(
        od_journal_append(journal, record + 1, payload_of(record), sizes[record % RECORDS], NULL), OD_OK);
}

/* All records in three openings, one write each, synced here and there; ends[i]: the file's size with i records. */
static void write_all(struct journal_bench *bench, size_t *ends)
{
    struct expected expected = {0, OD_ANY};
    struct od_journal *journal = open_again(bench, &expected);
    for (uint32_t i = 0; i < RECORDS; i++) {
        if (i == 4 || i == 9) {
            od_journal_close(journal);
            journal = open_again(bench, &expected);
            assert_int_equal(expected.count, i);
        }
        append(journal, i);
        assert_int_equal((i % 3 == 0 ? od_journal_sync : od_journal_write)(journal, NULL), OD_OK);
        ends[i + 1] = bench->bytes.size;
    }
    od_journal_close(journal);
    ends[0] = 0;
}

static uint32_t records_within(const size_t *ends, size_t size)
{
    uint32_t count = 0;
    while (count < RECORDS && ends[count + 1] <= size)
        count++;
    return count;
}

/* Opens the damaged file, which must give `count` records; writes on, and reads that back. */
static void check_damaged(struct journal_bench *bench, uint32_t count)
{
    struct expected expected = {0, OD_ANY};
    struct od_journal *journal = open_again(bench, &expected);
    assert_int_equal(expected.count, count);
    expected.cut = expected.count;
    append(journal, 100);
    append(journal, 101);
    assert_int_equal(od_journal_sync(journal, NULL), OD_OK);
    od_journal_close(journal);
    od_journal_close(open_again(bench, &expected));
    assert_int_equal(expected.count, count + 2);
    assert_int_equal(bench->open_count, 0);
}

static void every_prefix_gives_a_prefix(void **state)
{
    struct journal_bench bench;
    size_t ends[RECORDS + 1];
    uint8_t whole[4096];
    (void)state;
    bench_init(&bench, od_heap_for_tests(), od_heap_for_tests());
    write_all(&bench, ends);
    size_t size = bench.bytes.size;
    assert_true(size <= sizeof(whole));
    memcpy(whole, bench.bytes.bytes, size);
    for (size_t cut = 0; cut <= size; cut++) {
        bench_set(&bench, whole, cut);
        check_damaged(&bench, records_within(ends, cut));
    }
    od_buffer_release(&bench.bytes);
}

static void every_damaged_sector_gives_a_prefix(void **state)
{
    struct journal_bench bench;
    size_t ends[RECORDS + 1];
    uint8_t whole[4096], damaged[4096];
    static const size_t sectors[] = {1, 4, 16, 512};
    (void)state;
    bench_init(&bench, od_heap_for_tests(), od_heap_for_tests());
    write_all(&bench, ends);
    size_t size = bench.bytes.size;
    memcpy(whole, bench.bytes.bytes, size);
    for (uint32_t i = 0; i < 3 * sizeof(sectors) / sizeof(sectors[0]); i++) {
        size_t sector = sectors[i / 3];
        for (size_t at = 0; at < size; at += sector) {
            size_t end = at + sector < size ? at + sector : size;
            memcpy(damaged, whole, size);
            for (size_t k = at; k < end; k++)
                damaged[k] = i % 3 == 0 ? 0 : i % 3 == 1 ? 0xff : (uint8_t)(whole[k] ^ 1u << k % 8);
            size_t first = 0;
            while (first < size && damaged[first] == whole[first])
                first++;
            bench_set(&bench, damaged, size);
            check_damaged(&bench, records_within(ends, first));
        }
    }
    od_buffer_release(&bench.bytes);
}

/* A record that was lost and is appended again, as it was, does not bring back the one that stood behind it. */
static void what_was_lost_does_not_come_back(void **state)
{
    struct journal_bench bench;
    struct expected expected = {0, OD_ANY};
    (void)state;
    for (uint32_t same_life = 0; same_life < 2; same_life++) {
        bench_init(&bench, od_heap_for_tests(), od_heap_for_tests());
        struct od_journal *journal = open_again(&bench, &expected);
        assert_int_equal(od_journal_sync(journal, NULL), OD_OK);
        od_journal_close(journal);
        journal = open_again(&bench, &expected);
        size_t lost = bench.bytes.size;
        append(journal, 0);
        append(journal, 1);
        append(journal, 2);
        assert_int_equal(od_journal_sync(journal, NULL), OD_OK);
        od_journal_close(journal);
        uint8_t first = bench.bytes.bytes[lost];
        bench.bytes.bytes[lost] ^= 0xff; /* of the opening's own record */
        bench.world.incarnation -= same_life;
        journal = open_again(&bench, &expected);
        assert_int_equal(expected.count, 0);
        append(journal, 0);
        assert_int_equal(od_journal_sync(journal, NULL), OD_OK);
        od_journal_close(journal);
        assert_int_equal(bench.bytes.bytes[lost], first);
        od_journal_close(open_again(&bench, &expected));
        assert_int_equal(expected.count, 1);
        od_buffer_release(&bench.bytes);
    }
}

static void another_version_is_left_alone(void **state)
{
    struct journal_bench bench;
    struct od_journal *journal;
    struct expected expected = {0, OD_ANY};
    struct od_error error = {0};
    uint8_t header[24] = {'O', 'R', 'D', 'E', 'A', 'L', 'J', '1', 2};
    (void)state;
    bench_init(&bench, od_heap_for_tests(), od_heap_for_tests());
    uint64_t check = od_hash_bytes(header, 16, 0);
    memcpy(header + 16, &check, sizeof(check));
    bench_set(&bench, header, sizeof(header));
    assert_int_equal(od_journal_open(&bench.world, NAME, (struct od_journal_reader){expect_next, &expected},
                                     &journal, &error),
                     OD_UNSUPPORTED);
    assert_null(journal);
    assert_non_null(strstr(error.text, "version 2"));
    assert_memory_equal(bench.bytes.bytes, header, sizeof(header));
    assert_int_equal(bench.open_count, 0);
    od_buffer_release(&bench.bytes);
}

static void the_reader_may_stop_it_and_it_can_be_removed(void **state)
{
    struct journal_bench bench;
    struct od_journal *journal;
    size_t ends[RECORDS + 1];
    uint32_t asked = 0;
    (void)state;
    bench_init(&bench, od_heap_for_tests(), od_heap_for_tests());
    write_all(&bench, ends);
    assert_int_equal(
        od_journal_open(&bench.world, NAME, (struct od_journal_reader){refuse_next, &asked}, &journal, NULL),
        OD_CORRUPT);
    assert_null(journal);
    assert_int_equal(asked, 1);
    assert_int_equal(bench.open_count, 0);
    assert_int_equal(od_journal_remove(&bench.world, NAME, NULL), OD_OK);
    assert_int_equal(od_journal_remove(&bench.world, NAME, NULL), OD_MISSING);
    od_journal_close(NULL);
    od_buffer_release(&bench.bytes);
}

/* Two openings with a record each; counts what was promised to be there. */
static enum od_status two_openings(struct journal_bench *bench, uint32_t *synced_out, struct od_error *error)
{
    enum od_status status = OD_OK;
    *synced_out = 0;
    for (uint32_t i = 0; i < 2 && status == OD_OK; i++) {
        struct od_journal *journal;
        struct expected expected = {0, OD_ANY};
        bench->world.incarnation++;
        status = od_journal_open(&bench->world, NAME, (struct od_journal_reader){expect_next, &expected},
                                 &journal, error);
        if (status == OD_OK)
            status = od_journal_append(journal, i + 1, payload_of(i), sizes[i], error);
        if (status == OD_OK)
            status = od_journal_sync(journal, error);
        *synced_out += status == OD_OK;
        if (status == OD_IO && journal != NULL) { /* it says so again, and does nothing more */
            uint64_t call_count = bench->call_count;
            assert_int_equal(od_journal_write(journal, error), OD_IO);
            assert_int_equal(od_journal_sync(journal, NULL), OD_IO);
            assert_int_equal(bench->call_count, call_count);
        }
        od_journal_close(journal);
    }
    return status;
}

static void every_failing_call_is_told(void **state)
{
    uint64_t failed_count = 0;
    (void)state;
    for (uint64_t k = 0;; k++) {
        struct journal_bench bench;
        struct od_error error = {0};
        struct expected expected = {0, OD_ANY};
        uint32_t synced;
        bench_init(&bench, od_heap_for_tests(), od_heap_for_tests());
        bench.fail_at = k;
        enum od_status status = two_openings(&bench, &synced, &error);
        if (bench.call_count <= k) {
            assert_int_equal(status, OD_OK);
            od_buffer_release(&bench.bytes);
            break;
        }
        failed_count++;
        assert_int_equal(status, OD_IO);
        assert_string_equal(error.text, "injected");
        od_journal_close(open_again(&bench, &expected));
        assert_in_range(expected.count, synced, synced + 1);
        assert_int_equal(bench.open_count, 0);
        od_buffer_release(&bench.bytes);
    }
    assert_int_equal(failed_count,
                     13); /* open, create | open, size, read; twice: point, write, point, sync */
}

static enum od_status with_memory(struct od_memory *memory, void *context)
{
    struct journal_bench bench;
    uint32_t synced;
    (void)context;
    bench_init(&bench, memory, od_heap_for_tests());
    enum od_status status = two_openings(&bench, &synced, NULL);
    assert_int_equal(bench.open_count, 0);
    od_buffer_release(&bench.bytes);
    return status;
}

static void every_allocation_may_be_refused(void **state)
{
    (void)state;
    assert_true(od_sweep(with_memory, NULL) >= 5);
}

/* A record that no memory was there for is not in the journal; the others are. */
static void a_refused_record_leaves_the_others(void **state)
{
    struct journal_bench bench;
    struct od_countdown countdown;
    struct expected expected = {0, OD_ANY};
    (void)state;
    od_countdown_init(&countdown, od_heap_for_tests(), UINT64_MAX, false);
    bench_init(&bench, &countdown.memory, od_heap_for_tests());
    struct od_journal *journal = open_again(&bench, &expected);
    append(journal, 0);
    countdown.refuse_at = countdown.call_count;
    assert_int_equal(od_journal_append(journal, 5, payload_of(4), sizes[4], NULL), OD_NO_MEMORY);
    append(journal, 1);
    assert_int_equal(od_journal_sync(journal, NULL), OD_OK);
    od_journal_close(journal);
    od_journal_close(open_again(&bench, &expected));
    assert_int_equal(expected.count, 2);
    assert_int_equal(countdown.live_block_count, 0);
    od_buffer_release(&bench.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prefix_gives_a_prefix),
        cmocka_unit_test(every_damaged_sector_gives_a_prefix),
        cmocka_unit_test(what_was_lost_does_not_come_back),
        cmocka_unit_test(another_version_is_left_alone),
        cmocka_unit_test(the_reader_may_stop_it_and_it_can_be_removed),
        cmocka_unit_test(every_failing_call_is_told),
        cmocka_unit_test(every_allocation_may_be_refused),
        cmocka_unit_test(a_refused_record_leaves_the_others),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
