/* graph_proto: stage graphs as bytes (plan.proto), for executors and drivers in other processes.
 *
 * Rows do not travel: a table is said by a reference, which both sides know how to make and to find. What the planner alone
 * knows (od_stage.plan: how many rows it expects) stays behind; all else comes back, and is written as the same bytes again.
 * Bytes are not trusted: whatever could not be run safely is CORRUPT or BAD_INPUT, in bounded memory and depth. */
#ifndef OD_FRAME_GRAPH_PROTO_H
#define OD_FRAME_GRAPH_PROTO_H

#include "engine/plan/physical.h"

struct od_table_ref {
    const char *name; /* borrowed */
    uint32_t row_count;
    uint64_t schema_hash;       /* od_schema_hash */
    struct od_hash128 checksum; /* of all that the table is: two tables that agree in it are the same to everybody */
};
/* What to call a table. `table` outlives the reference. */
struct od_table_namer {
    enum od_status (*name)(void *self, const struct od_table *table, struct od_table_ref *ref_out,
                           struct od_error *error);
    void *self;
};
/* The table of that name and content, which outlives the graph. MISSING, or whatever finding it may say. */
struct od_table_finder {
    enum od_status (*find)(void *self, const struct od_table_ref *ref, const struct od_table **table_out,
                           struct od_error *error);
    void *self;
};

/* Appends the bytes. UNSUPPORTED (user functions: MAP), NO_MEMORY, what the namer says. `scratch` may be reset afterwards. */
enum od_status od_graph_encode(const struct od_stage_graph *graph, const struct od_table_namer *namer,
                               struct od_arena *scratch, struct od_buffer *buffer, struct od_error *error);
/* The graph lives in the arena (with all that reading took). CORRUPT: no graph; BAD_INPUT: types that do not fit; NO_MEMORY; what
 * the finder says. *graph_out NULL on failure. */
enum od_status od_graph_decode(struct od_arena *plan_arena, const struct od_table_finder *finder, const uint8_t *bytes,
                               size_t size, const struct od_stage_graph **graph_out, struct od_error *error);

#endif
