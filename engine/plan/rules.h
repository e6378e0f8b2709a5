/* rules: logical -> logical, each with a name and a switch. Every rule keeps the schema (names, types) of the root. */
#ifndef OD_PLAN_RULES_H
#define OD_PLAN_RULES_H

#include "engine/plan/logical.h"

/* LOGICAL rules rewrite the tree; PHYSICAL ones are choices of the physical planner that can be switched off likewise. */
#define OD_RULE_LIST(X)                                                                                      \
    X(CONSTANT_FOLDING, "constant_folding", "an expression of literals that cannot fail becomes a literal")   \
    X(FILTER_PUSHDOWN, "filter_pushdown", "a filter moves below projects and joins where that is valid")      \
    X(DECORRELATION, "decorrelation", "a simple correlated subquery becomes one join; off: by the general way")\
    X(LIMIT_PUSHDOWN, "limit_pushdown", "a limit moves below projects and into both sides of a union")        \
    X(JOIN_REORDERING, "join_reordering", "inner joins are done in the order that statistics like best")       \
    X(COMMON_SUBPLANS, "common_subplans", "identical sub-plans are computed once")                             \
    X(OPERATOR_FUSION, "operator_fusion", "neighbouring filters and projects become one")                      \
    X(PROJECTION_PRUNING, "projection_pruning", "columns nobody reads are not scanned nor shuffled")          \
    X(PARTIAL_AGGREGATION, "partial_aggregation", "aggregate before the exchange, combine after it")          \
    X(BROADCAST_JOIN, "broadcast_join", "a small build side is sent whole to every task")                     \
    X(EXCHANGE_ELIMINATION, "exchange_elimination", "no exchange where rows are already partitioned by key")  \
    X(TOP_N, "top_n", "a limit over a sort keeps only the rows it needs, before and after the exchange")

enum od_rule {
#define X(name, text, sentence) OD_RULE_##name,
    OD_RULE_LIST(X)
#undef X
        OD_RULE_COUNT
};
const char *od_rule_text(enum od_rule rule);
const char *od_rule_sentence(enum od_rule rule);
bool od_rule_find(const char *text, enum od_rule *rule_out);

/* Zero default: every rule on, strategies chosen by cost. */
struct od_plan_options {
    uint32_t rules_off;          /* bit (1 << enum od_rule) */
    uint32_t partition_count;    /* reduce partitions of a hash exchange; 0 means 4 */
    uint32_t scan_task_count;    /* tasks of a scan stage; 0 means 4. Small tables still get this many (some empty) */
    uint32_t broadcast_rows_max; /* build sides up to this many rows are broadcast; 0 means 10,000 */
    /* Tasks read blocks as they arrive, as engines do that cannot wait for the slowest map task. Off: in order of map task, so that
     * everything computed again is equal to the byte and a loss costs no more than what was lost. */
    bool arrival_order;
    /* Every so many stages are checkpoints, beside those that a plan asks for; 0: none. */
    uint32_t checkpoint_every;
    /* Evaluates an expression without columns: od_evaluate_constant of engine/expr, handed in because plan is below expr.
     * NULL: constants are not folded. */
    enum od_status (*evaluate_constant)(const struct od_expr *expr, struct od_arena *arena,
                                        struct od_value *value_out, struct od_error *error);
    /* A force that a join cannot obey (no equality to hash, an outer side to broadcast) leaves the choice. */
    enum { OD_JOIN_CHOOSE, OD_JOIN_FORCE_BROADCAST, OD_JOIN_FORCE_PARTITIONED } join_strategy;
    enum { OD_JOIN_ALGORITHM_CHOOSE, OD_JOIN_FORCE_HASH, OD_JOIN_FORCE_MERGE, OD_JOIN_FORCE_NESTED_LOOP } join_algorithm;
};

/* Applies the logical rules until nothing changes. fired_out: bit set of rules that changed something (may be NULL). */
enum od_status od_rules_apply(struct od_arena *plan_arena, const struct od_plan *plan,
                              const struct od_plan_options *options, const struct od_plan **plan_out,
                              uint32_t *fired_out, struct od_error *error);

#endif
