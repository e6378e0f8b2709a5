/* curves: what faults cost, from the curves of a record, for a terminal and for a gate. */
#ifndef OD_REPORTS_CURVES_H
#define OD_REPORTS_CURVES_H

#include "reports/terminal.h"

/* "1.63x" */
struct od_measure od_measure_times(uint64_t ppm);
/* "12.5 %" */
struct od_measure od_measure_share(uint64_t ppm);

/* Per scenario, kind and what the curve is over, a table: each query's slow-down, then the medians over the queries. NO_MEMORY. */
enum od_status od_curves_terminal(const struct od_record *record, const struct od_terminal *terminal, struct od_error *error);
/* Google Benchmark's JSON, which every tool that compares benchmarks reads: one benchmark a point,
 * "impact/SCENARIO/QUERY/KIND/moment=50": real_time is the median time of a run in ns, the other measures are counters. */
void od_curves_benchmarks(const struct od_record *record, struct od_buffer *out);
/* As DIRECTORY/impact.json. IO, NO_MEMORY. */
enum od_status od_curves_save(const struct od_record *record, const char *directory, struct od_error *error);

#endif
