/* journal_fuzzer: any bytes are a journal of some records, and what is appended to it is read back behind these. (What comes
 * behind that is not judged: our drawn numbers are no secret here, and a fuzzer learns to write a record that fits.)
 *
 * The first byte of an input chooses: bit 0 repairs the header's and all records' checks, so that the fuzzer gets past
 * them. The rest is the file. */
#include <stdlib.h>

#include "engine/run/journal_fixture.h"
#include "engine/world/posix.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct seen {
    uint64_t count;
    uint64_t chain;
    uint64_t mark;          /* the number of a record */
    uint64_t chain_at_mark; /* of those before it */
    uint32_t kind_at_mark;
};

static enum od_status see(void *self, const struct od_journal_record *record, struct od_error *error)
{
    struct seen *seen = self;
    (void)error;
    od_assert(record->kind != 0);
    if (seen->count++ == seen->mark) {
        seen->chain_at_mark = seen->chain;
        seen->kind_at_mark = record->kind;
    }
    seen->chain = od_hash_bytes(record->payload, record->size, od_mix_two(seen->chain, record->kind));
    return OD_OK;
}

static void repair(uint8_t *file, size_t size)
{
    if (size < 24)
        return;
    uint64_t chain = od_hash_bytes(file, 16, 0);
    memcpy(file + 16, &chain, sizeof(chain));
    for (size_t at = 24; size - at >= 16;) {
        uint32_t payload_bytes, kind;
        memcpy(&payload_bytes, file + at, sizeof(payload_bytes));
        memcpy(&kind, file + at + 4, sizeof(kind));
        if (payload_bytes > size - at - 16)
            return;
        chain = od_hash_bytes(file + at + 16, payload_bytes,
                              od_mix_two(chain, (uint64_t)payload_bytes << 32 | kind));
        memcpy(file + at + 8, &chain, sizeof(chain));
        at += 16 + (size_t)payload_bytes;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct journal_bench bench;
    struct od_journal *journal;
    struct seen seen = {0}, again = {0};
    if (size == 0)
        return 0;
    bench_init(&bench, od_posix_memory(), od_posix_memory());
    bench_set(&bench, bytes + 1, size - 1);
    if (bytes[0] & 1)
        repair(bench.bytes.bytes, bench.bytes.size);
    enum od_status status =
        od_journal_open(&bench.world, "j", (struct od_journal_reader){see, &seen}, &journal, NULL);
    od_assert(status == OD_OK || (status == OD_UNSUPPORTED && journal == NULL));
    if (status == OD_OK) {
        od_assert(od_journal_append(journal, 7, "seven", 5, NULL) == OD_OK);
        od_assert(od_journal_sync(journal, NULL) == OD_OK);
        od_journal_close(journal);
        again.mark = seen.count;
        status = od_journal_open(&bench.world, "j", (struct od_journal_reader){see, &again}, &journal, NULL);
        od_assert(status == OD_OK);
        od_assert(again.count > seen.count);
        od_assert(again.chain_at_mark == seen.chain);
        od_assert(again.kind_at_mark == 7);
        od_journal_close(journal);
    }
    od_assert(bench.open_count == 0);
    od_buffer_release(&bench.bytes);
    return 0;
}
