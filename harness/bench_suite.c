/* bench_suite: see bench_suite.h. */
#include "harness/bench_suite.h"

#include "engine/core/assert.h"

uint32_t od_bench_suite(struct od_bench *benches_out)
{
    const struct od_bench_list *const lists[] = {&od_bench_kernels, &od_bench_queries, &od_bench_cases};
    uint32_t count = 0;
    for (uint32_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (uint32_t j = 0; j < lists[i]->count; j++) {
            od_assert(count < OD_BENCHES_MAX);
            benches_out[count++] = lists[i]->benches[j];
        }
    }
    return count;
}
