/* memory_limit: "64000000", "16M" or "0.1x": how much memory a query may hold rows in, in bytes or as a share of what it was measured
 * to need (memory_peak_bytes of engine/run/query.h). */
#ifndef OD_HARNESS_MEMORY_LIMIT_H
#define OD_HARNESS_MEMORY_LIMIT_H

#include "engine/core/status.h"

struct od_memory_limit {
    uint64_t bytes;       /* 0 and thousandths 0: no limit */
    uint64_t thousandths; /* of the measured peak; 0: `bytes` counts */
};

/* BAD_INPUT; zero is refused. */
enum od_status od_memory_limit_parse(const char *text, struct od_memory_limit *limit_out, struct od_error *error);
/* For query_memory_bytes: at least 1 where there is a limit. */
uint64_t od_memory_limit_bytes(const struct od_memory_limit *limit, uint64_t peak_bytes);

#endif
