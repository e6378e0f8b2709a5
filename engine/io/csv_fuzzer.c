/* csv_fuzzer: any bytes are read or refused with a place; what was read is written and reads back as the same
 * rows.
 *
 * Memory is a budget, so that a leak on any path aborts, whatever the build. */
#include "engine/io/csv.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/world/posix.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void read_back(struct od_memory *memory, const struct od_table *table)
{
    struct od_batch view = od_table_view(table);
    struct od_table *again = NULL;
    struct od_buffer buffer;
    od_buffer_init(&buffer, memory);
    od_assert(od_csv_write(&view, &buffer, NULL) == OD_OK);
    od_assert(od_csv_read(memory, "t", "again", od_buffer_text(&buffer), buffer.size, view.schema, &again,
                          NULL) == OD_OK);
    struct od_batch again_view = od_table_view(again);
    struct od_hash128 left = od_batch_checksum(&view);
    struct od_hash128 right = od_batch_checksum(&again_view);
    od_assert(left.low == right.low);
    od_assert(left.high == right.high);
    od_table_free(memory, again);
    od_buffer_release(&buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct od_budget budget;
    struct od_table *table = NULL;
    struct od_error error = {0};
    od_budget_init(&budget, od_posix_memory(), 0);
    enum od_status status =
        od_csv_read(&budget.memory, "t", "fuzz", (const char *)bytes, size, NULL, &table, &error);
    od_assert((status == OD_OK) == (table != NULL));
    if (status == OD_OK) {
        read_back(&budget.memory, table);
    } else {
        od_assert(status == OD_BAD_INPUT);
        od_assert(error.line >= 1);
        od_assert(error.column >= 1);
    }
    od_table_free(&budget.memory, table);
    od_budget_release(&budget);
    return 0;
}
