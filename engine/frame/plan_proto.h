/* plan_proto: logical plans as bytes (plan.proto), to store them or to send them to another process.
 *
 * Tables go by name and are found again in a catalog. What cannot be said in bytes is refused: user functions (MAP), and
 * subqueries that read the query around them (APPLY), which the optimised plan does not have. Bytes are not trusted: whatever
 * does not describe a plan that the builders would have made is CORRUPT or BAD_INPUT, in bounded memory and depth. */
#ifndef OD_FRAME_PLAN_PROTO_H
#define OD_FRAME_PLAN_PROTO_H

#include "engine/data/batch.h"
#include "engine/plan/logical.h"

/* Appends the bytes. UNSUPPORTED, NO_MEMORY. `scratch` may be reset afterwards. */
enum od_status od_plan_encode(const struct od_plan *plan, struct od_arena *scratch, struct od_buffer *buffer,
                              struct od_error *error);
/* The catalog's tables outlive the plan, which lives in the arena (with all that reading took). CORRUPT: no plan; BAD_INPUT: types that do not fit; MISSING: a table;
 * NO_MEMORY. *plan_out NULL on failure. */
enum od_status od_plan_decode(struct od_arena *plan_arena, const struct od_catalog *catalog,
                              const uint8_t *bytes, size_t size, const struct od_plan **plan_out,
                              struct od_error *error);

#endif
