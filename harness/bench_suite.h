/* bench_suite: the benchmarks, a row each. A new one is a row in a bench_*.c and, for a new file, one in bench_suite.c. */
#ifndef OD_HARNESS_BENCH_SUITE_H
#define OD_HARNESS_BENCH_SUITE_H

#include "harness/bench_shim.h"

struct od_bench_list {
    const struct od_bench *benches;
    uint32_t count;
};
extern const struct od_bench_list od_bench_kernels; /* bench_kernels.c */
extern const struct od_bench_list od_bench_queries; /* bench_queries.c */
extern const struct od_bench_list od_bench_cases;   /* bench_cases.c */

/* All of them in one array; `benches_out` has room for OD_BENCHES_MAX. Returns how many. */
#define OD_BENCHES_MAX 64
uint32_t od_bench_suite(struct od_bench *benches_out);

#endif
