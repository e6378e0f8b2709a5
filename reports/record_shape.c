#include "reports/record_shape.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FIELD(type, member, kind)                                                                            \
    {                                                                                                        \
#member, kind, offsetof(struct type, member), NULL                                                   \
    }
#define LIST(type, member, shape)                                                                            \
    {                                                                                                        \
#member, OD_FIELD_LIST, offsetof(struct type, member), &(shape)                                      \
    }
#define SHAPE(type, text, fields)                                                                            \
    {                                                                                                        \
        text, sizeof(struct type), fields, COUNT(fields)                                                     \
    }

_Static_assert(sizeof(struct od_record_any_list) == sizeof(struct od_record_texts),
               "all lists have one layout");
_Static_assert(offsetof(struct od_record_any_list, count) == offsetof(struct od_record_texts, count),
               "all lists have one layout");

#define MEASURE_RUN(field, name, unit, fold, sentence)      FIELD(od_record_run, field, OD_FIELD_NUMBER),
#define MEASURE_STAGE(field, name, unit, fold, sentence)    FIELD(od_record_stage, field, OD_FIELD_NUMBER),
#define MEASURE_OPERATOR(field, name, unit, fold, sentence) FIELD(od_record_operator, field, OD_FIELD_NUMBER),
#define MEASURE_POINT(field, name, unit, fold, sentence)    FIELD(od_record_point, field, OD_FIELD_NUMBER),

static const struct od_field run_fields[] = {
    FIELD(od_record_run, run_index, OD_FIELD_NUMBER),
    FIELD(od_record_run, deployment, OD_FIELD_TEXT),
    FIELD(od_record_run, schedule_index, OD_FIELD_NUMBER),
    FIELD(od_record_run, disturbed, OD_FIELD_BOOL),
    FIELD(od_record_run, seed, OD_FIELD_SEED),
    FIELD(od_record_run, schedule, OD_FIELD_TEXTS),
    FIELD(od_record_run, verdict, OD_FIELD_VERDICT),
    FIELD(od_record_run, property, OD_FIELD_TEXT),
    FIELD(od_record_run, message, OD_FIELD_TEXT),
    OD_RECORD_RUN_MEASURES(MEASURE_RUN)
    FIELD(od_record_run, memory_limit_bytes, OD_FIELD_NUMBER),
    FIELD(od_record_run, answer_rows, OD_FIELD_NUMBER),
    FIELD(od_record_run, digest, OD_FIELD_TEXT),
    FIELD(od_record_run, trace_digest, OD_FIELD_TEXT),
    FIELD(od_record_run, replay, OD_FIELD_TEXT),
    FIELD(od_record_run, case_file, OD_FIELD_TEXT),
    FIELD(od_record_run, timeline, OD_FIELD_BOOL),
};
static const struct od_shape run_shape = SHAPE(od_record_run, "a run", run_fields);

static const struct od_field parent_fields[] = {
    FIELD(od_record_parent, stage, OD_FIELD_NUMBER),
};
static const struct od_shape parent_shape = SHAPE(od_record_parent, "a parent of a stage", parent_fields);

static const struct od_field operator_fields[] = {
    FIELD(od_record_operator, text, OD_FIELD_TEXT),
    OD_RECORD_OPERATOR_MEASURES(MEASURE_OPERATOR)
};
static const struct od_shape operator_shape = SHAPE(od_record_operator, "an operator", operator_fields);

static const struct od_field stage_fields[] = {
    FIELD(od_record_stage, stage, OD_FIELD_NUMBER),
    FIELD(od_record_stage, name, OD_FIELD_TEXT),
    FIELD(od_record_stage, operators, OD_FIELD_TEXTS),
    FIELD(od_record_stage, exchange, OD_FIELD_TEXT),
    OD_RECORD_STAGE_MEASURES(MEASURE_STAGE)
    FIELD(od_record_stage, indeterminate, OD_FIELD_BOOL),
    LIST(od_record_stage, parents, parent_shape),
    LIST(od_record_stage, measured, operator_shape),
};
static const struct od_shape stage_shape = SHAPE(od_record_stage, "a stage", stage_fields);

static const struct od_field row_fields[] = {
    FIELD(od_record_row, cells, OD_FIELD_TEXTS),
};
static const struct od_shape row_shape = SHAPE(od_record_row, "a row of an answer", row_fields);

static const struct od_field point_fields[] = {
    FIELD(od_record_point, at, OD_FIELD_NUMBER),
    OD_RECORD_POINT_MEASURES(MEASURE_POINT)
};
static const struct od_shape point_shape = SHAPE(od_record_point, "a point of a curve", point_fields);

static const struct od_field curve_fields[] = {
    FIELD(od_record_curve, over, OD_FIELD_TEXT),
    FIELD(od_record_curve, kind, OD_FIELD_TEXT),
    FIELD(od_record_curve, deployment, OD_FIELD_TEXT),
    FIELD(od_record_curve, undisturbed_ns, OD_FIELD_NUMBER),
    LIST(od_record_curve, points, point_shape),
};
static const struct od_shape curve_shape = SHAPE(od_record_curve, "a curve", curve_fields);

static const struct od_field query_fields[] = {
    FIELD(od_record_query, name, OD_FIELD_TEXT),
    FIELD(od_record_query, question, OD_FIELD_TEXT),
    FIELD(od_record_query, sql, OD_FIELD_TEXT),
    FIELD(od_record_query, columns, OD_FIELD_TEXTS),
    LIST(od_record_query, rows, row_shape),
    FIELD(od_record_query, answer_rows, OD_FIELD_NUMBER),
    FIELD(od_record_query, answer_digest, OD_FIELD_TEXT),
    FIELD(od_record_query, oracle, OD_FIELD_TEXT),
    FIELD(od_record_query, explain, OD_FIELD_TEXT),
    LIST(od_record_query, stages, stage_shape),
    LIST(od_record_query, runs, run_shape),
    LIST(od_record_query, curves, curve_shape),
};
static const struct od_shape query_shape = SHAPE(od_record_query, "a query", query_fields);

static const struct od_field table_fields[] = {
    FIELD(od_record_table, name, OD_FIELD_TEXT),
    FIELD(od_record_table, source, OD_FIELD_TEXT),
    FIELD(od_record_table, rows, OD_FIELD_NUMBER),
    FIELD(od_record_table, columns, OD_FIELD_TEXTS),
};
static const struct od_shape table_shape = SHAPE(od_record_table, "a table", table_fields);

static const struct od_field scenario_fields[] = {
    FIELD(od_record_scenario, name, OD_FIELD_TEXT),        FIELD(od_record_scenario, title, OD_FIELD_TEXT),
    FIELD(od_record_scenario, description, OD_FIELD_TEXT), FIELD(od_record_scenario, file, OD_FIELD_TEXT),
    FIELD(od_record_scenario, seed, OD_FIELD_SEED),        LIST(od_record_scenario, tables, table_shape),
    LIST(od_record_scenario, queries, query_shape),
};
static const struct od_shape scenario_shape = SHAPE(od_record_scenario, "a scenario", scenario_fields);

static const struct od_field record_fields[] = {
    FIELD(od_record, schema_version, OD_FIELD_NUMBER),
    FIELD(od_record, state, OD_FIELD_STATE),
    FIELD(od_record, id, OD_FIELD_TEXT),
    FIELD(od_record, command, OD_FIELD_TEXT),
    FIELD(od_record, version, OD_FIELD_TEXT),
    FIELD(od_record, build_id, OD_FIELD_TEXT),
    FIELD(od_record, compiler, OD_FIELD_TEXT),
    FIELD(od_record, host, OD_FIELD_TEXT),
    FIELD(od_record, os, OD_FIELD_TEXT),
    FIELD(od_record, cores, OD_FIELD_NUMBER),
    FIELD(od_record, engine, OD_FIELD_TEXT),
    FIELD(od_record, deployments, OD_FIELD_TEXTS),
    FIELD(od_record, seed, OD_FIELD_SEED),
    FIELD(od_record, started_unix_ms, OD_FIELD_NUMBER),
    FIELD(od_record, ended_unix_ms, OD_FIELD_NUMBER),
    FIELD(od_record, runs_planned, OD_FIELD_NUMBER),
    LIST(od_record, scenarios, scenario_shape),
};
const struct od_shape od_record_shape = SHAPE(od_record, "a record", record_fields);
