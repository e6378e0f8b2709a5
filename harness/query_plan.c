/* query_plan: version u32, the options, the graph. */
#include "harness/query_plan.h"

#define PLAN_VERSION 1

enum od_status od_query_plan_write(const struct od_stage_graph *graph, const struct od_run_options *options,
                                   const struct od_table_namer *namer, struct od_arena *scratch,
                                   struct od_buffer *buffer, struct od_error *error)
{
    od_buffer_append_u32(buffer, PLAN_VERSION);
    if (!od_run_options_write(options, buffer))
        return od_fail(error, OD_NO_MEMORY, "writing a query's options");
    return od_graph_encode(graph, namer, scratch, buffer, error);
}

enum od_status od_query_plan_read(struct od_arena *plan_arena, const struct od_table_finder *finder,
                                  const uint8_t *bytes, size_t size, uint32_t query_id, struct od_query *query_out,
                                  struct od_error *error)
{
    struct od_reader reader = {.bytes = bytes, .size = size};
    *query_out = (struct od_query){.query_id = query_id, .plan_bytes = bytes, .plan_size = size};
    bool sound = od_reader_u32(&reader) == PLAN_VERSION && od_run_options_read(&reader, &query_out->options);
    if (!sound)
        return od_fail(error, OD_CORRUPT, "reading a query's options");
    return od_graph_decode(plan_arena, finder, bytes + reader.offset, size - reader.offset, &query_out->graph, error);
}
