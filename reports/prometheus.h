/* prometheus: a record's measures in Prometheus' text format (exposition format 0.0.4).
 *
 *   ordeal_retries_total{scenario="flights",query="q1",deployment="sim",disturbed="true"} 3
 *   ordeal_operator_rows{scenario="flights",query="q1",stage="0",operator="2",text="scan flights..."} 10874
 *
 * Of runs: summed (counters) or the largest (gauges) over those of one query and deployment, disturbed or not. Of stages and
 * operators: the undisturbed run's. Lines of one metric stand together, each combination of labels once: a query of the same
 * name again gets the label `again`. */
#ifndef OD_REPORTS_PROMETHEUS_H
#define OD_REPORTS_PROMETHEUS_H

#include "engine/core/buffer.h"
#include "reports/record.h"

/* Refusals are remembered by the buffer. */
void od_record_to_prometheus(const struct od_record *record, struct od_buffer *out);
/* To a file that is replaced as a whole, so that a collector never reads half of it. IO, NO_MEMORY. */
enum od_status od_record_write_prometheus(const struct od_record *record, const char *path,
                                          struct od_error *error);

#endif
