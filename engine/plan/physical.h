/* physical: how a query runs: operators with their strategies, cut into stages at exchanges.
 *
 *   stage 0: scan -> filter -> partial aggregate ==hash exchange==> stage 1: read -> final aggregate ==single==> stage 2 ...
 *
 * A stage is a tree of physical nodes whose leaves are table scans or exchange readers; it runs as `task_count` tasks that
 * differ only in which slice of the tables and which partition of their inputs they read. Its output goes to one exchange:
 *   HASH       partition = hash of the key columns, scaled to partition_count (shuffle/partition_writer.h); task i of the
 *              reader reads partition i of every map task
 *   SINGLE     one partition, read by the one task of the next stage
 *   BROADCAST  one partition, read whole by every task of the next stage
 *   ROUND_ROBIN  row i of map task t goes to partition (t + i) mod partition_count; read as HASH is
 *   FORWARD    map task i writes partition i only, task i of the reader reads it: how a sub-plan that is computed once feeds
 *              several stages. A stage reads another one at most once
 *   RESULT     the answer: sent to the driver, in task order
 * A reader consumes its blocks in order of map task, so a task's output is a function of its inputs, and recomputed blocks are
 * equal to the byte to the lost ones; with `arrival_order` (rules.h) it takes them as they come, FORWARD's excepted, and each
 * stage says what computing it again may change (determinism.c). */
#ifndef OD_PLAN_PHYSICAL_H
#define OD_PLAN_PHYSICAL_H

#include "engine/plan/logical.h"
#include "engine/plan/rules.h"

#define OD_PHYSICAL_KIND_LIST(X)                                                                             \
    X(SCAN, "scan") /* rows [t*n/T, (t+1)*n/T) of the table in task t of T */                                \
    X(EXCHANGE_READ, "exchange read")                                                                        \
    X(FILTER, "filter")                                                                                      \
    X(PROJECT, "project")                                                                                    \
    X(HASH_JOIN, "hash join")               /* inputs[0] probes, inputs[1] builds */                         \
    X(MERGE_JOIN, "merge join")             /* both inputs sorted by the keys, ascending, NULLs last */      \
    X(NESTED_LOOP_JOIN, "nested loop join") /* inputs[1] is kept whole; no keys */                           \
    X(VALUES, "values")                     /* all rows in task 0 of 1 */                                    \
    X(UNION, "union all")                   /* task i gives task i of either input */                        \
    X(EXPAND, "expand")                                                                                      \
    X(WINDOW, "window") /* input sorted by partitions, then keys, then the whole row */                      \
    X(MAP, "map")                                                                                            \
    X(AGGREGATE, "aggregate") /* phase says which */                                                         \
    X(SORT, "sort")                                                                                          \
    X(TOP_N, "top n") /* sort that keeps offset + count rows */                                              \
    X(LIMIT, "limit") /* of an input already in its final order */

enum od_physical_kind {
#define X(name, text) OD_PHYSICAL_##name,
    OD_PHYSICAL_KIND_LIST(X)
#undef X
        OD_PHYSICAL_KIND_COUNT
};
const char *od_physical_kind_text(enum od_physical_kind kind);
/* The logical kind whose clause it has; OD_PLAN_KIND_COUNT: none, as joins and readers of exchanges. */
enum od_plan_kind od_physical_clause_kind(enum od_physical_kind kind);

/* COMPLETE: rows -> answer. PARTIAL: rows -> groups ++ state columns. FINAL: groups ++ state columns -> answer.
 * A grouped FINAL or COMPLETE over no rows gives no row; a global one gives one row, in its one task. A global PARTIAL
 * gives one row of state in every task. Each aggregate has one state column:
 *   counts                          bigint
 *   min, max, bool_and, bit_or...   value of the argument's type (NULL: none yet)
 *   sums, averages, deviations...   text: encoded exact sums (engine/op/aggregate_state.c) */
enum od_aggregate_phase { OD_AGGREGATE_COMPLETE, OD_AGGREGATE_PARTIAL, OD_AGGREGATE_FINAL };

enum od_type od_aggregate_state_type(const struct od_aggregate *aggregate);

struct od_physical {
    enum od_physical_kind kind;
    struct od_schema schema;
    uint32_t node_index; /* unique in the query, in printing order: names the operator in metrics */
    uint32_t input_count;
    const struct od_physical *inputs[2];
    enum od_aggregate_phase phase; /* AGGREGATE; FINAL: groups are the first columns of the input, its own list NULL */
    uint64_t row_limit;            /* TOP_N: keep the first so many; SORT: UINT64_MAX */
    union {
        union od_clause clause; /* what the logical node says: */
        OD_CLAUSES
        struct {
            uint32_t stage_index; /* the stage whose output is read; less than the reading stage's */
            uint32_t input_index; /* which of the reading stage's inputs this is */
            bool broadcast; /* read partition 0 of every map task; else partition = task index (0 for SINGLE) */
            bool forward;   /* of a FORWARD exchange: only map task = task index has written that partition */
        } exchange;
        struct {
            enum od_join_type type;
            bool broadcast; /* of inputs[1]. Never with RIGHT or FULL; always with MARK and NULL_ANTI whose keys can be NULL */
            uint32_t key_count;         /* 0 for a nested loop; key i: probe_keys[i] = build_keys[i] */
            const uint32_t *probe_keys; /* column indexes; the planner projects computed keys first */
            const uint32_t *build_keys;
            uint64_t null_safe_keys;    /* bit i: key i is IS NOT DISTINCT FROM (NULL equals NULL); at most 64 keys */
            const struct od_expr *residual; /* over pair_schema; NULL: none. Part of the join condition */
            const struct od_schema *pair_schema; /* probe ++ build columns, none of them padded yet */
        } join;                                  /* HASH, MERGE, NESTED_LOOP */
    };
};

#define OD_EXCHANGE_KIND_LIST(X)                                                                             \
    X(HASH, "hash") X(SINGLE, "single") X(BROADCAST, "broadcast") X(FORWARD, "forward") X(RESULT, "result")    \
    X(ROUND_ROBIN, "round robin")
enum od_exchange_kind {
#define X(name, text) OD_EXCHANGE_##name,
    OD_EXCHANGE_KIND_LIST(X)
#undef X
        OD_EXCHANGE_KIND_COUNT
};
const char *od_exchange_kind_text(enum od_exchange_kind kind);
/* Has a partition for each task that reads it. */
static inline bool od_exchange_is_parted(enum od_exchange_kind kind)
{
    return kind == OD_EXCHANGE_HASH || kind == OD_EXCHANGE_ROUND_ROBIN || kind == OD_EXCHANGE_FORWARD;
}

/* What a task gives when it is computed again from the outputs that it read before:
 *   DETERMINATE    equal bytes
 *   UNORDERED      in each partition the same rows, in any order
 *   INDETERMINATE  other rows, or in other partitions: then all of the stage is computed again, and whatever has read it. So
 *                  no reader ever meets two generations of it, and its own reader need not be indeterminate for it */
#define OD_DETERMINISM_LIST(X)                                                                               \
    X(DETERMINATE, "determinate") X(UNORDERED, "unordered") X(INDETERMINATE, "indeterminate")
enum od_determinism {
#define X(name, text) OD_##name,
    OD_DETERMINISM_LIST(X)
#undef X
        OD_DETERMINISM_COUNT
};
const char *od_determinism_text(enum od_determinism determinism);

struct od_stage {
    uint32_t stage_index;
    uint32_t task_count;
    const struct od_plan *plan; /* the last logical node in it: tells how many rows to expect; NULL: nobody knows */
    const struct od_physical *root;
    uint32_t input_count; /* stages read, by input_index */
    const uint32_t *input_stages;
    enum od_exchange_kind exchange;
    uint32_t partition_count; /* 1 unless HASH, ROUND_ROBIN or FORWARD (its task_count) */
    uint32_t key_count;       /* HASH: columns of root->schema */
    const uint32_t *keys;
    const char *reason; /* why this shuffle is written, for --explain */
    /* What od_stages_judge finds out from the rest: */
    enum od_determinism determinism;
    const char *determinism_reason; /* NULL: DETERMINATE */
    bool inputs_vary; /* rows on their way here were dealt out in turn, or by a stage that is indeterminate: which of them a
                         task reads is a matter of the run, and not of the plan */
    /* Tasks may read several partitions of all inputs that are parted, in place of one (adaptable.c). */
    bool may_merge;
    /* Bit i: then, too, the map tasks of input i may be shared out among tasks that each read the other inputs as before, or
     * whole; the first 32 inputs. */
    uint32_t may_split;
    enum od_keep keep;  /* what becomes of its outputs beside being read; never of the last stage */
    uint64_t cache_key; /* MEMORY, DISK: stands for all rows of the stage */
    uint64_t cache_shape; /* with the key for those of each task (cache_shape.c); 0: never met again */
};

/* Gives a tree its node_index numbers, in printing order from *next on. For who has just made the nodes. */
void od_physical_number(const struct od_physical *root, uint32_t *next);

/* Topological order: inputs come first, the last stage's exchange is RESULT. Immutable; lives in the plan_arena. */
struct od_stage_graph {
    uint32_t stage_count;
    const struct od_stage *stages;
    const struct od_schema *schema; /* of the answer */
    uint32_t rules_fired;           /* logical and physical rules, bits */
    bool arrival_order;             /* blocks are read as they arrive, but for those of a FORWARD exchange */
};

/* Fills in what follows from the rest of each stage: for whoever makes stages otherwise than by the two below. */
void od_stages_judge(struct od_stage *stages, uint32_t stage_count, bool arrival_order);
/* Optimised logical plan -> physical -> stages. UNSUPPORTED for an APPLY that no rule has turned into joins. */
enum od_status od_stage_graph_build(struct od_arena *plan_arena, const struct od_plan *plan,
                                    const struct od_plan_options *options,
                                    const struct od_stage_graph **graph_out, struct od_error *error);
/* Rules, physical planning and staging in one call: what everybody uses. *optimised_out may be NULL. */
enum od_status od_plan_query(struct od_arena *plan_arena, const struct od_plan *plan,
                             const struct od_plan_options *options, const struct od_plan **optimised_out,
                             const struct od_stage_graph **graph_out, struct od_error *error);
/* Stages with their operators, rules that fired and the reason of each shuffle. */
bool od_stage_graph_print(const struct od_stage_graph *graph, struct od_buffer *buffer);
/* What is known beside: a line or more behind a stage's first, words behind an operator's, `position` of which is in printing
 * order within its stage. They append to the buffer that is printed to. */
struct od_stage_notes {
    void (*stage)(void *self, const struct od_stage *stage);
    void (*node)(void *self, const struct od_stage *stage, uint32_t position);
    void *self;
};
bool od_stage_graph_print_noted(const struct od_stage_graph *graph, const struct od_stage_notes *notes,
                                struct od_buffer *buffer);
/* What --explain shows of a query: the logical plan, the optimised one, the physical one as a tree through all exchanges, the
 * stages with the rows they are thought to give, and what each rule that fired does. NO_MEMORY and what planning may say. */
enum od_status od_explain(struct od_arena *plan_arena, const struct od_plan *plan,
                          const struct od_plan_options *options, struct od_buffer *buffer,
                          struct od_error *error);
/* How many operators a tree has, `node` among them. */
uint32_t od_physical_count(const struct od_physical *node);
/* One operator as a line, without its inputs: "hash join inner, broadcast, on #0 = #1". */
bool od_physical_print_node(const struct od_physical *node, struct od_buffer *buffer);

#endif
