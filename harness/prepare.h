/* prepare: SQL text or a logical plan -> a stage graph that a cluster can run. */
#ifndef OD_HARNESS_PREPARE_H
#define OD_HARNESS_PREPARE_H

#include "engine/plan/physical.h"

struct od_prepared {
    const struct od_plan *plan; /* as written */
    const struct od_plan *optimised;
    const struct od_stage_graph *graph;
};

/* Everything lives in plan_arena; the tables are borrowed. Errors of SQL carry line and column in `sql`. */
enum od_status od_prepare_sql(struct od_arena *plan_arena, const char *sql, const struct od_catalog *catalog,
                              const struct od_plan_options *options, struct od_prepared *prepared_out,
                              struct od_error *error);
enum od_status od_prepare_plan(struct od_arena *plan_arena, const struct od_plan *plan,
                               const struct od_plan_options *options, struct od_prepared *prepared_out,
                               struct od_error *error);
/* "rule" or "rule,rule" -> bits for od_plan_options.rules_off. BAD_INPUT lists the rules. */
enum od_status od_rules_off_parse(const char *text, uint32_t *rules_off, struct od_error *error);

#endif
