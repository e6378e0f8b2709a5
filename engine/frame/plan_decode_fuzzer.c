/* plan_decode_fuzzer: any bytes are a plan or an error; a plan can be planned, printed and encoded again.
 *
 * Seeds: plan_decode_fuzzer_corpus/, the bytes of the plans of plan_proto_test.c. */
#include "engine/core/assert.h"
#include "engine/frame/plan_proto.h"
#include "engine/plan/physical.h"
#include "engine/world/posix.h"

#define MEMORY_LIMIT ((size_t)1 << 30)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct od_field fields[] = {{"k", OD_TYPE_INT64, true},
                                       {"v", OD_TYPE_INT32, true},
                                       {"s", OD_TYPE_TEXT, true},
                                       {"d", OD_TYPE_DATE, true}};
    static struct od_table *table;
    if (table == NULL) {
        table = od_table_new(od_posix_memory(), "t", &(struct od_schema){4, fields}, NULL);
        od_table_finish(table);
    }
    struct od_catalog catalog = {1, (const struct od_table *const *)&table};
    struct od_budget budget;
    struct od_arena arena;
    struct od_buffer text;
    const struct od_plan *plan;
    struct od_plan_options options = {0};
    od_budget_init(&budget, od_posix_memory(), MEMORY_LIMIT);
    od_arena_init(&arena, &budget.memory, 0);
    od_buffer_init(&text, &budget.memory);
    if (od_plan_decode(&arena, &catalog, bytes, size, &plan, NULL) == OD_OK) {
        enum od_status status = od_plan_encode(plan, &arena, &text, NULL);
        od_assert(status == OD_OK || status == OD_NO_MEMORY);
        status = od_explain(&arena, plan, &options, &text, NULL);
        od_assert(status == OD_OK || status == OD_NO_MEMORY || status == OD_UNSUPPORTED);
    }
    od_buffer_release(&text);
    od_arena_release(&arena);
    return 0;
}
