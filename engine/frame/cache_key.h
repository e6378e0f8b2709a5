/* cache_key: what stands for all rows of a plan: the plan as bytes, and the tables that it reads, to the last
 * row and in their order. */
#ifndef OD_FRAME_CACHE_KEY_H
#define OD_FRAME_CACHE_KEY_H

#include "engine/plan/logical.h"

/* Not 0. UNSUPPORTED for what has no encoding, NO_MEMORY. */
enum od_status od_plan_cache_key(struct od_arena *arena, const struct od_plan *plan, uint64_t *key_out,
                                 struct od_error *error);

#endif
