/* gen_window: window functions over every kind of frame. What may fail is not made here: a correct engine may evaluate
 * arguments of rows that no frame shows. */
#include "properties/gen_relation.h"

#define ROWS_MAX 200u /* the model looks at all pairs of rows */

/* What is added to the key of a RANGE frame: OD_TYPE_COUNT when nothing can be. */
static enum od_type range_type(const struct od_sort_key *keys, uint32_t key_count)
{
    static const enum od_type types[] = {
        [OD_TYPE_BOOLEAN] = OD_TYPE_COUNT,      [OD_TYPE_INT64] = OD_TYPE_INT64,
        [OD_TYPE_FLOAT64] = OD_TYPE_FLOAT64,    [OD_TYPE_TEXT] = OD_TYPE_COUNT,
        [OD_TYPE_TIMESTAMP] = OD_TYPE_INTERVAL, [OD_TYPE_DATE] = OD_TYPE_INTERVAL,
        [OD_TYPE_INT32] = OD_TYPE_INT32,        [OD_TYPE_DECIMAL] = OD_TYPE_DECIMAL,
        [OD_TYPE_INTERVAL] = OD_TYPE_COUNT};
    return key_count == 1 ? types[keys[0].expr->type] : OD_TYPE_COUNT;
}

static const struct od_expr *offset_literal(struct od_gen *gen, enum od_type type)
{
    const struct od_expr *expr = NULL;
    struct od_value value = {.type = type};
    uint64_t number = od_choices_below(gen->choices, 4);
    if (type == OD_TYPE_INTERVAL)
        return od_gen_interval(gen);
    if (type == OD_TYPE_FLOAT64)
        value.float64 = (double)number / 2;
    else if (type == OD_TYPE_DECIMAL)
        value.decimal = od_decimal_make((__int128)number * 5, 1);
    else
        value.int64 = (int64_t)number;
    enum od_status status = od_expr_literal(gen->arena, &value, &expr, gen->error);
    gen->status = status == OD_OK ? gen->status : status;
    return expr;
}

/* Bounds that PostgreSQL takes: the start not behind the end by kind; offsets in a RANGE only over one key
 * that can be added to. */
static bool draw_frame(struct od_gen *gen, const struct od_sort_key *keys, uint32_t key_count,
                       struct od_window_frame *frame)
{
    static const struct {
        enum od_frame_bound start, end;
    } bounds[] = {
        {OD_FRAME_UNBOUNDED_PRECEDING, OD_FRAME_CURRENT_ROW},
        {OD_FRAME_UNBOUNDED_PRECEDING, OD_FRAME_UNBOUNDED_FOLLOWING},
        {OD_FRAME_CURRENT_ROW, OD_FRAME_UNBOUNDED_FOLLOWING},
        {OD_FRAME_CURRENT_ROW, OD_FRAME_CURRENT_ROW},
        {OD_FRAME_PRECEDING, OD_FRAME_CURRENT_ROW},
        {OD_FRAME_PRECEDING, OD_FRAME_FOLLOWING},
        {OD_FRAME_FOLLOWING, OD_FRAME_FOLLOWING},
        {OD_FRAME_PRECEDING, OD_FRAME_PRECEDING},
        {OD_FRAME_UNBOUNDED_PRECEDING, OD_FRAME_PRECEDING},
        {OD_FRAME_FOLLOWING, OD_FRAME_UNBOUNDED_FOLLOWING},
    };
    static const enum od_frame_unit units[] = {OD_FRAME_RANGE, OD_FRAME_ROWS, OD_FRAME_GROUPS};
    frame->unit = units[od_choices_below(gen->choices, key_count > 0 ? 3 : 2)];
    enum od_type type = frame->unit == OD_FRAME_RANGE ? range_type(keys, key_count) : OD_TYPE_INT64;
    uint64_t drawn = od_choices_below(gen->choices, type == OD_TYPE_COUNT ? 4 : 10);
    frame->start = bounds[drawn].start;
    frame->end = bounds[drawn].end;
    if (frame->start == OD_FRAME_PRECEDING || frame->start == OD_FRAME_FOLLOWING)
        frame->start_offset = offset_literal(gen, type);
    if (frame->end == OD_FRAME_PRECEDING || frame->end == OD_FRAME_FOLLOWING)
        frame->end_offset = offset_literal(gen, type);
    if (od_random_chance(&gen->choices->random, 1, 5))
        frame->exclusion = (enum od_frame_exclusion)(1 + od_choices_below(gen->choices, 3));
    return gen->status == OD_OK;
}

/* lag and lead (value, offset, default), nth_value (value, n), ntile (n), first and last (value). */
static bool draw_arguments(struct od_gen *gen, const struct od_schema *schema, struct od_window_call *call)
{
    bool is_shift = call->function == OD_WINDOW_LAG || call->function == OD_WINDOW_LEAD;
    bool wants_number = call->function == OD_WINDOW_NTH_VALUE;
    const struct od_expr *number = offset_literal(gen, OD_TYPE_INT32);
    if (call->function == OD_WINDOW_NTILE || wants_number) { /* from 1 on */
        struct od_value one_to_four = {.type = OD_TYPE_INT32,
                                       .int64 = 1 + (int64_t)od_choices_below(gen->choices, 4)};
        enum od_status status = od_expr_literal(gen->arena, &one_to_four, &number, gen->error);
        gen->status = status == OD_OK ? gen->status : status;
    }
    if (call->function != OD_WINDOW_NTILE)
        call->arguments[call->argument_count++] = od_gen_any(gen, schema, 1);
    if (call->function == OD_WINDOW_NTILE || wants_number ||
        (is_shift && od_choices_below(gen->choices, 2) != 0))
        call->arguments[call->argument_count++] = number;
    if (is_shift && call->argument_count == 2 && call->arguments[0] != NULL &&
        od_choices_below(gen->choices, 2) != 0)
        call->arguments[call->argument_count++] = od_gen_expr(gen, schema, call->arguments[0]->type, 1);
    for (uint32_t i = 0; i < call->argument_count; i++)
        if (call->arguments[i] == NULL)
            return false;
    return gen->status == OD_OK;
}

static bool make_call(struct od_gen *gen, const struct od_schema *schema, const struct od_sort_key *keys,
                      uint32_t key_count, uint32_t index, struct od_window_call *call)
{
    static const enum od_window_function functions[] = {
        OD_WINDOW_AGGREGATE,  OD_WINDOW_ROW_NUMBER, OD_WINDOW_RANK,         OD_WINDOW_AGGREGATE,
        OD_WINDOW_LAG,        OD_WINDOW_LEAD,       OD_WINDOW_AGGREGATE,    OD_WINDOW_FIRST_VALUE,
        OD_WINDOW_LAST_VALUE, OD_WINDOW_DENSE_RANK, OD_WINDOW_PERCENT_RANK, OD_WINDOW_CUME_DIST,
        OD_WINDOW_NTILE,      OD_WINDOW_NTH_VALUE,
    };
    static const char *const names[] = {"w0", "w1", "w2"};
    *call = (struct od_window_call){.function = functions[od_choices_below(gen->choices, 14)],
                                    .name = names[index]};
    if (!draw_frame(gen, keys, key_count, &call->frame))
        return false;
    if (call->function == OD_WINDOW_AGGREGATE)
        return od_gen_aggregate(gen, schema, index, true, &call->aggregate);
    return call->function < OD_WINDOW_NTILE || draw_arguments(gen, schema, call);
}

static struct od_relation window_over(struct od_gen *gen, struct od_relation input)
{
    const struct od_expr *partitions[1];
    struct od_sort_key keys[2];
    struct od_window_call calls[3];
    uint32_t partition_count = 0, key_count = 0, call_count = 0;
    const struct od_plan *plan = NULL;
    if (input.plan == NULL || input.plan->schema.field_count + 3 > OD_GEN_FIELDS_MAX ||
        input.rows_max > ROWS_MAX)
        return input;
    const struct od_schema *schema = &input.plan->schema;
    if (od_choices_below(gen->choices, 2) == 0 &&
        (partitions[partition_count++] = od_gen_key(gen, schema)) == NULL)
        return od_relation_failed();
    while (key_count < 2 && od_random_chance(&gen->choices->random, 1, 2)) {
        const struct od_expr *expr = od_gen_key(gen, schema);
        if (expr == NULL)
            return od_relation_failed();
        bool descending = od_choices_below(gen->choices, 2) != 0;
        keys[key_count++] = (struct od_sort_key){expr, descending, od_choices_below(gen->choices, 2) != 0};
    }
    do {
        if (!make_call(gen, schema, keys, key_count, call_count, &calls[call_count]))
            return od_relation_failed();
    } while (++call_count < 3 && od_random_chance(&gen->choices->random, 1, 3));
    enum od_status status = od_plan_window(gen->arena, input.plan, partitions, partition_count, keys,
                                           key_count, calls, call_count, &plan, gen->error);
    return od_relation_built(gen, status, plan, input.rows_max);
}

struct od_relation od_gen_window(struct od_gen *gen, uint32_t depth)
{
    bool failing = gen->failing;
    gen->failing = false;
    struct od_relation made = od_gen_relation(gen, depth);
    if (gen->flavour != OD_FLAVOUR_PLAIN || od_random_chance(&gen->choices->random, 1, 4)) /* not in SQLite */
        made = window_over(gen, made);
    gen->failing = failing;
    return made;
}
