/* determinism: what computing a task of a stage again may change, known from the plan alone.
 *
 *   leaves      tables, values          the same rows in the same order
 *               an input                likewise, in order of map task; in any order when blocks are read as they arrive, or when the
 *                                       stage that is read gives its rows in any order
 *   on the way  row by row, joins       as their inputs: a join of the same rows gives the same rows
 *               sorts, top n, windows   back to one order: theirs is total, by the whole row (op/row_order.h)
 *               grouped aggregates      the same groups, in order of first appearance. States and kept rows do not mind the order of
 *                                       rows (op/aggregate_state.h), nor do the keys that stand for a group
 *               global aggregates       one row, hence one order
 *               limit                   over an order: always, as its input is a sort (logical.h)
 *   in any order become other rows
 *               partial groups          may be given early, in the midst of their rows, when memory is short
 *               a user's function       is one of batches, and the batches are others
 *               rows dealt out in turn  go elsewhere
 *
 * An input from an indeterminate stage is no worse than another: when that stage is computed again all that has read it starts
 * anew, so that its reader, too, finds the outputs that it read before. */
#include "engine/core/assert.h"
#include "engine/core/enum_text.h"
#include "engine/plan/stage_build.h"

OD_ENUM_TEXT(od_determinism_text, enum od_determinism, OD_DETERMINISM_LIST)

/* Of the rows that a node gives. */
struct verdict {
    enum od_determinism is;
    const char *reason;
};

static const struct verdict determinate = {OD_DETERMINATE, NULL};

/* What a node makes of rows in any order. */
static struct verdict unordered_input(const struct od_physical *node, struct verdict input)
{
    switch (node->kind) {
    case OD_PHYSICAL_SORT:
    case OD_PHYSICAL_TOP_N:
        return determinate;
    case OD_PHYSICAL_AGGREGATE:
        if (node->aggregate.group_count == 0)
            return determinate;
        if (node->phase == OD_AGGREGATE_PARTIAL)
            return (struct verdict){OD_INDETERMINATE,
                                    "partial groups may be given early, as rows arrive in any order"};
        return input;
    case OD_PHYSICAL_MAP:
        return (struct verdict){OD_INDETERMINATE,
                                "a user's function sees other batches, as rows arrive in any order"};
    case OD_PHYSICAL_LIMIT:
        return (struct verdict){OD_INDETERMINATE, "the first rows of those that arrive in any order"};
    default: /* a window is over a sort, or over what is in its order already */
        return input;
    }
}

static struct verdict judge(const struct od_physical *node, const struct od_stage *stages, bool arrival_order)
{
    struct verdict worst = determinate;
    if (node->kind == OD_PHYSICAL_EXCHANGE_READ) {
        if (arrival_order && !node->exchange.forward)
            worst = (struct verdict){OD_UNORDERED, "blocks are read as they arrive"};
        else if (stages[node->exchange.stage_index].determinism == OD_UNORDERED)
            worst = (struct verdict){OD_UNORDERED, "reads a stage that is unordered"};
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        struct verdict input = judge(node->inputs[i], stages, arrival_order);
        worst = input.is > worst.is ? input : worst;
    }
    return worst.is == OD_UNORDERED ? unordered_input(node, worst) : worst;
}

void od_stages_judge(struct od_stage *stages, uint32_t stage_count, bool arrival_order)
{
    for (uint32_t s = 0; s < stage_count; s++) {
        struct verdict rows = judge(stages[s].root, stages, arrival_order);
        if (rows.is == OD_UNORDERED && stages[s].exchange == OD_EXCHANGE_ROUND_ROBIN)
            rows = (struct verdict){OD_INDETERMINATE, "rows that come in any order are dealt out in turn"};
        stages[s].determinism = rows.is;
        stages[s].determinism_reason = rows.reason;
        stages[s].inputs_vary = false;
        for (uint32_t i = 0; i < stages[s].input_count; i++) {
            const struct od_stage *input = &stages[stages[s].input_stages[i]];
            stages[s].inputs_vary = stages[s].inputs_vary || input->inputs_vary ||
                                    input->determinism == OD_INDETERMINATE ||
                                    input->exchange == OD_EXCHANGE_ROUND_ROBIN;
        }
    }
    od_stages_find_adaptable(stages, stage_count);
    od_stages_find_shapes(stages, stage_count);
}
