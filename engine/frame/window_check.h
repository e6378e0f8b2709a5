/* window_check: is a bound window call one that the engine can run? What the SQL binder sees to for its own, for calls that come
 * from C or from bytes. */
#ifndef OD_FRAME_WINDOW_CHECK_H
#define OD_FRAME_WINDOW_CHECK_H

#include "engine/plan/logical.h"

/* The type that argument `index` must have, where the function says so: a count, or the first argument's; OD_TYPE_COUNT: any. */
enum od_type od_window_argument_type(const struct od_window_call *call, uint32_t index);
/* BAD_INPUT says what is wrong: number or types of arguments, the frame's bounds, an offset. */
enum od_status od_window_check(const struct od_window_call *call, const struct od_sort_key *keys,
                               uint32_t key_count, struct od_error *error);

#endif
