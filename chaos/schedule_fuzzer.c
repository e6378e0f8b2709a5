/* Fuzz target: any bytes as a schedule. What is read must print, and read again as the same text (property
 * Z1). */
#include "chaos/fault.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/world/posix.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_round_trip(struct od_arena *arena, const struct od_schedule *schedule)
{
    struct od_buffer first;
    struct od_buffer second;
    struct od_schedule read;
    od_buffer_init(&first, od_posix_memory());
    od_buffer_init(&second, od_posix_memory());
    od_assert(od_schedule_print(schedule, &first));
    od_assert(od_schedule_parse(arena, "again", (const char *)first.bytes, first.size, &read, NULL) == OD_OK);
    od_assert(read.fault_count == schedule->fault_count);
    od_assert(od_schedule_print(&read, &second));
    od_assert(first.size == second.size);
    od_assert(first.size == 0 || memcmp(first.bytes, second.bytes, first.size) == 0);
    for (uint32_t i = 0; i < read.fault_count; i++)
        od_assert(od_fault_explain(&read.faults[i], &second));
    od_buffer_release(&second);
    od_buffer_release(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct od_arena arena;
    struct od_schedule schedule;
    struct od_error error = {0};
    od_arena_init(&arena, od_posix_memory(), 0);
    enum od_status status = od_schedule_parse(&arena, "fuzz", (const char *)bytes, size, &schedule, &error);
    if (status == OD_OK) {
        check_round_trip(&arena, &schedule);
        (void)od_schedule_may_exhaust(&schedule, NULL, 4);
    } else {
        od_assert(status == OD_BAD_INPUT);
        od_assert(error.line >= 1);
        od_assert(error.column >= 1);
    }
    od_arena_release(&arena);
    return 0;
}
