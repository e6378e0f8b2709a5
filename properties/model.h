/* model: the slow, obvious evaluator of logical plans (oracle R1).
 *
 * Row by row, cell by cell, over struct od_value. It reads the structs of engine/data and engine/plan and
 * shares no code with the engine: no kernel, comparison, hash, parser or printer of values. Joins are nested
 * loops, groups a linear search, sorts one comparator, an APPLY runs its right side for each left row. What the words mean
 * is said in logical.h, function.h and physical.h; PostgreSQL 15 decides the rest. */
#ifndef OD_PROPERTIES_MODEL_H
#define OD_PROPERTIES_MODEL_H

#include "engine/plan/logical.h"
#include "properties/answer.h"

/* Rows of the plan over its tables. All memory comes from the arena; text may be borrowed from the tables. A
 * SORT at the root (or a LIMIT over one) gives its order. EVALUATION when an expression has no value; UNSUPPORTED when the
 * model does not know a function; NO_MEMORY. */
enum od_status od_model_run(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer_out,
                            struct od_error *error);

/* How an answer of this plan may be compared: ordered when the root promises an order. A limit without keys decides
 * which rows there are, not in what order. */
enum od_compare od_model_comparison(const struct od_plan *plan);

#endif
