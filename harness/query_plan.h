/* query_plan: a query as plan bytes: its options and its stage graph (engine/frame/graph_proto.h), for other processes. */
#ifndef OD_HARNESS_QUERY_PLAN_H
#define OD_HARNESS_QUERY_PLAN_H

#include "engine/frame/graph_proto.h"
#include "engine/run/query.h"

/* Appends the bytes. As od_graph_encode. */
enum od_status od_query_plan_write(const struct od_stage_graph *graph, const struct od_run_options *options,
                                   const struct od_table_namer *namer, struct od_arena *scratch,
                                   struct od_buffer *buffer, struct od_error *error);
/* query_out->graph lives in the arena; plan_bytes are `bytes`. As od_graph_decode; CORRUPT also for options that nothing runs with. */
enum od_status od_query_plan_read(struct od_arena *plan_arena, const struct od_table_finder *finder,
                                  const uint8_t *bytes, size_t size, uint32_t query_id, struct od_query *query_out,
                                  struct od_error *error);

#endif
