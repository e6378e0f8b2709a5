/* Goal: rules rewrite only where that is valid, and strategies cut stages where they must.
 * Method: plans are built by the frame calls over two small tables; the optimised plan and the stage graph
 * are compared as text for each shape, with rules on and off; then the counter-cases: what must not move,
 * stays. Every allocation of planning is refused once, over many arena sizes so that the refusals fall
 * everywhere. */
#include "engine/plan/physical.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"

static struct od_field t_fields[] = {
    {"k", OD_TYPE_INT64, true}, {"v", OD_TYPE_INT64, true}, {"s", OD_TYPE_TEXT, true}};
static struct od_field u_fields[] = {{"k", OD_TYPE_INT64, true}, {"w", OD_TYPE_FLOAT64, true}};
static const struct od_schema t_schema = {3, t_fields};
static const struct od_schema u_schema = {2, u_fields};
static struct od_table *t_table;
static struct od_table *u_table;

static int make_tables(void **state)
{
    (void)state;
    t_table = od_table_new(od_heap_for_tests(), "t", &t_schema, NULL);
    u_table = od_table_new(od_heap_for_tests(), "u", &u_schema, NULL);
    od_table_finish(t_table);
    od_table_finish(u_table);
    return 0;
}

static int free_tables(void **state)
{
    (void)state;
    od_table_free(od_heap_for_tests(), t_table);
    od_table_free(od_heap_for_tests(), u_table);
    return 0;
}

/* Builds plans; the first failure sticks and everything after does nothing. */
struct frame {
    struct od_arena arena;
    enum od_status status;
    struct od_error error;
};

static void note(struct frame *f, enum od_status status)
{
    if (f->status == OD_OK)
        f->status = status;
}

static const struct od_plan *scan(struct frame *f, const struct od_table *table)
{
    const uint32_t columns[] = {0, 1, 2};
    const struct od_plan *plan = NULL;
    if (f->status == OD_OK)
        note(f, od_plan_scan(&f->arena, table, columns, table->schema.field_count, &plan, &f->error));
    return plan;
}

static const struct od_expr *col(struct frame *f, const struct od_schema *schema, uint32_t index)
{
    const struct od_expr *expr = NULL;
    if (f->status == OD_OK)
        note(f, od_expr_column(&f->arena, schema, index, &expr, &f->error));
    return expr;
}

static const struct od_expr *num(struct frame *f, int64_t value)
{
    struct od_value literal = {.type = OD_TYPE_INT64, .int64 = value};
    const struct od_expr *expr = NULL;
    if (f->status == OD_OK)
        note(f, od_expr_literal(&f->arena, &literal, &expr, &f->error));
    return expr;
}

static const struct od_expr *op(struct frame *f, enum od_function function, const struct od_expr *left,
                                const struct od_expr *right)
{
    const struct od_expr *arguments[] = {left, right};
    const struct od_expr *expr = NULL;
    if (f->status == OD_OK)
        note(f, od_expr_call(&f->arena, function, arguments, 2, &expr, &f->error));
    return expr;
}

static const struct od_plan *filter(struct frame *f, const struct od_plan *input,
                                    const struct od_expr *predicate)
{
    const struct od_plan *plan = NULL;
    if (f->status == OD_OK)
        note(f, od_plan_filter(&f->arena, input, predicate, &plan, &f->error));
    return plan;
}

static const struct od_plan *project(struct frame *f, const struct od_plan *input,
                                     const struct od_expr *first, const struct od_expr *second)
{
    const struct od_expr *exprs[] = {first, second};
    const char *names[] = {"x", "y"};
    const struct od_plan *plan = NULL;
    if (f->status == OD_OK)
        note(f, od_plan_project(&f->arena, input, exprs, names, 2, &plan, &f->error));
    return plan;
}

/* t join u on t.k = u.k */
static const struct od_plan *join(struct frame *f, enum od_join_type type, const struct od_plan *left,
                                  const struct od_plan *right, const struct od_expr *extra)
{
    struct od_schema joined;
    const struct od_plan *plan = NULL;
    if (f->status == OD_OK)
        note(f, od_plan_join_schema(&f->arena, left, right, &joined, &f->error));
    if (f->status != OD_OK)
        return NULL;
    const struct od_expr *condition =
        op(f, OD_FUNCTION_EQUAL, col(f, &joined, 0), col(f, &joined, left->schema.field_count));
    if (extra != NULL)
        condition = op(f, OD_FUNCTION_AND, condition, extra);
    if (f->status == OD_OK)
        note(f, od_plan_join(&f->arena, type, left, right, condition, &plan, &f->error));
    return plan;
}

static const struct od_plan *sum_by(struct frame *f, const struct od_plan *input, const struct od_expr *group,
                                    uint32_t argument)
{
    const struct od_plan *plan = NULL;
    struct od_aggregate aggregate = {.function = OD_AGGREGATE_SUM, .name = "total"};
    if (f->status != OD_OK)
        return NULL;
    aggregate.argument = col(f, &input->schema, argument);
    if (f->status == OD_OK)
        note(f, od_plan_aggregate(&f->arena, input, &group, NULL, group != NULL, &aggregate, 1, &plan,
                                  &f->error));
    return plan;
}

static void begin(struct frame *f)
{
    *f = (struct frame){.status = OD_OK};
    od_arena_init(&f->arena, od_heap_for_tests(), 0);
}

/* Ends the frame: the optimised plan must print as expected. */
static void expect_plan(struct frame *f, const struct od_plan *plan, const struct od_plan_options *options,
                        const char *expected)
{
    struct od_buffer buffer;
    const struct od_plan *optimised = NULL;
    assert_int_equal(f->status, OD_OK);
    od_buffer_init(&buffer, od_heap_for_tests());
    assert_int_equal(od_rules_apply(&f->arena, plan, options, &optimised, NULL, &f->error), OD_OK);
    od_plan_print(optimised, &buffer);
    assert_string_equal(od_buffer_text(&buffer), expected);
    od_buffer_release(&buffer);
    od_arena_release(&f->arena);
}

static void expect_stages(struct frame *f, const struct od_plan *plan, const struct od_plan_options *options,
                          const char *expected)
{
    struct od_buffer buffer;
    const struct od_stage_graph *graph = NULL;
    assert_int_equal(f->status, OD_OK);
    od_buffer_init(&buffer, od_heap_for_tests());
    assert_int_equal(od_plan_query(&f->arena, plan, options, NULL, &graph, &f->error), OD_OK);
    od_stage_graph_print(graph, &buffer);
    assert_string_equal(od_buffer_text(&buffer), expected);
    od_buffer_release(&buffer);
    od_arena_release(&f->arena);
}

/* Adds and divides bigints: enough of an evaluator to see what is folded. */
static enum od_status evaluate_small(const struct od_expr *expr, struct od_arena *arena,
                                     struct od_value *value_out, struct od_error *error)
{
    (void)arena;
    int64_t left = expr->arguments[0]->literal.int64;
    int64_t right = expr->arguments[1]->literal.int64;
    *value_out = (struct od_value){.type = expr->type};
    if (expr->function == OD_FUNCTION_ADD)
        value_out->int64 = left + right;
    else if (expr->function == OD_FUNCTION_DIVIDE && right != 0)
        value_out->int64 = left / right;
    else if (expr->function == OD_FUNCTION_EQUAL)
        value_out->boolean = left == right;
    else
        return od_fail(error, OD_EVALUATION, "no value");
    return OD_OK;
}

static void constants_fold_unless_they_have_no_value(void **state)
{
    struct frame f;
    struct od_plan_options options = {.evaluate_constant = evaluate_small};
    (void)state;
    begin(&f);
    const struct od_plan *t = scan(&f, t_table);
    const struct od_expr *three = op(&f, OD_FUNCTION_ADD, num(&f, 1), num(&f, 2));
    const struct od_expr *none = op(&f, OD_FUNCTION_DIVIDE, num(&f, 1), num(&f, 0));
    const struct od_plan *kept = filter(&f, t, op(&f, OD_FUNCTION_EQUAL, num(&f, 1), num(&f, 1)));
    expect_plan(&f, project(&f, kept, three, none), &options,
                "project 3 as x, (1 / 0) as y\n"
                "  scan t (k)\n");
    begin(&f);
    options.rules_off = 1u << OD_RULE_CONSTANT_FOLDING;
    t = scan(&f, t_table);
    three = op(&f, OD_FUNCTION_ADD, num(&f, 1), num(&f, 2));
    expect_plan(&f, project(&f, t, three, three), &options,
                "project (1 + 2) as x, (1 + 2) as y\n"
                "  scan t (k)\n");
}

static void a_false_conjunct_wins_unless_one_before_it_may_fail(void **state)
{
    struct od_plan_options options = {.evaluate_constant = evaluate_small};
    (void)state;
    for (int may_fail = 0; may_fail <= 1; may_fail++) {
        struct frame f;
        begin(&f);
        const struct od_plan *t = scan(&f, t_table);
        const struct od_expr *k = col(&f, &t->schema, 0);
        const struct od_expr *value = may_fail ? op(&f, OD_FUNCTION_ADD, k, k) : k;
        const struct od_expr *first = op(&f, OD_FUNCTION_LESS, value, num(&f, 5));
        const struct od_expr *false_one = op(&f, OD_FUNCTION_EQUAL, num(&f, 1), num(&f, 2));
        const struct od_plan *plan = filter(&f, t, op(&f, OD_FUNCTION_AND, first, false_one));
        expect_plan(&f, plan, &options,
                    may_fail ? "filter (((k + k) < 5) and false)\n  scan t (k, v, s)\n"
                             : "values (k, v, s) no rows\n");
    }
}

static void filters_go_below_projects_and_into_the_sides_of_joins(void **state)
{
    struct frame f;
    struct od_plan_options options = {0};
    (void)state;
    begin(&f);
    const struct od_plan *joined = join(&f, OD_JOIN_INNER, scan(&f, t_table), scan(&f, u_table), NULL);
    const struct od_expr *left_only = op(&f, OD_FUNCTION_LESS, col(&f, &joined->schema, 1), num(&f, 5));
    const struct od_expr *right_only = op(&f, OD_FUNCTION_GREATER, col(&f, &joined->schema, 4), num(&f, 1));
    const struct od_expr *both =
        op(&f, OD_FUNCTION_LESS, col(&f, &joined->schema, 4), col(&f, &joined->schema, 1));
    const struct od_expr *where =
        op(&f, OD_FUNCTION_AND, op(&f, OD_FUNCTION_AND, left_only, right_only), both);
    const struct od_plan *plan =
        project(&f, filter(&f, joined, where), col(&f, &joined->schema, 0), num(&f, 1));
    expect_plan(&f, plan, &options,
                "project k as x, 1 as y\n"
                "  join inner on ((k = k) and (w < cast(v as double precision)))\n"
                "    filter (v < 5)\n"
                "      scan t (k, v)\n"
                "    filter (w > cast(1 as double precision))\n"
                "      scan u (k, w)\n");
}

static void a_left_join_lets_left_conditions_down_only(void **state)
{
    struct frame f;
    struct od_plan_options options = {.rules_off = 1u << OD_RULE_PROJECTION_PRUNING};
    (void)state;
    begin(&f);
    const struct od_plan *t = scan(&f, t_table);
    const struct od_plan *u = scan(&f, u_table);
    struct od_schema schema;
    assert_int_equal(od_plan_join_schema(&f.arena, t, u, &schema, NULL), OD_OK);
    const struct od_expr *on_right = op(&f, OD_FUNCTION_LESS, col(&f, &schema, 4), num(&f, 7));
    const struct od_expr *on_left = op(&f, OD_FUNCTION_LESS, col(&f, &schema, 1), num(&f, 8));
    const struct od_plan *joined = join(&f, OD_JOIN_LEFT, t, u, op(&f, OD_FUNCTION_AND, on_right, on_left));
    const struct od_expr *left_only = op(&f, OD_FUNCTION_LESS, col(&f, &joined->schema, 1), num(&f, 5));
    const struct od_expr *right_only = op(&f, OD_FUNCTION_GREATER, col(&f, &joined->schema, 4), num(&f, 1));
    expect_plan(&f, filter(&f, joined, op(&f, OD_FUNCTION_AND, left_only, right_only)), &options,
                "join inner on (k = k)\n" /* padded rows would not pass the filter */
                "  filter ((v < 8) and (v < 5))\n"
                "    scan t (k, v, s)\n"
                "  filter ((w < cast(7 as double precision)) and (w > cast(1 as double precision)))\n"
                "    scan u (k, w)\n");
}

static void nothing_moves_past_what_may_fail(void **state)
{
    struct frame f;
    struct od_plan_options options = {0};
    (void)state;
    /* the project may fail for rows that the filter would take away; and its failing column is kept though
     * unread */
    begin(&f);
    const struct od_plan *t = scan(&f, t_table);
    const struct od_expr *k = col(&f, &t->schema, 0);
    const struct od_plan *inner = project(&f, t, op(&f, OD_FUNCTION_ADD, k, k), col(&f, &t->schema, 1));
    const struct od_plan *kept =
        filter(&f, inner, op(&f, OD_FUNCTION_LESS, col(&f, &inner->schema, 1), num(&f, 5)));
    const struct od_expr *v = col(&f, &kept->schema, 1);
    expect_plan(&f, project(&f, kept, v, v), &options,
                "project y as x, y\n"
                "  filter (y < 5)\n"
                "    project (k + k) as x, v as y\n"
                "      scan t (k, v)\n");
    /* what stands behind a conjunct that may fail waits for it; what stands before it goes */
    begin(&f);
    t = scan(&f, t_table);
    k = col(&f, &t->schema, 0);
    inner = project(&f, t, k, col(&f, &t->schema, 1));
    const struct od_expr *fails =
        op(&f, OD_FUNCTION_LESS, op(&f, OD_FUNCTION_ADD, col(&f, &inner->schema, 0), num(&f, 1)), num(&f, 3));
    const struct od_expr *before = op(&f, OD_FUNCTION_LESS, col(&f, &inner->schema, 1), num(&f, 5));
    const struct od_expr *behind = op(&f, OD_FUNCTION_LESS, col(&f, &inner->schema, 1), num(&f, 9));
    const struct od_expr *where = op(&f, OD_FUNCTION_AND, op(&f, OD_FUNCTION_AND, before, fails), behind);
    expect_plan(&f, filter(&f, inner, where), &options,
                "filter (((x + 1) < 3) and (y < 9))\n"
                "  project k as x, v as y\n"
                "    filter (v < 5)\n"
                "      scan t (k, v)\n");
}

static void aggregates_take_two_phases_or_one(void **state)
{
    struct frame f;
    struct od_plan_options options = {.partition_count = 3, .scan_task_count = 2};
    (void)state;
    begin(&f);
    const struct od_plan *t = scan(&f, t_table);
    expect_stages(
        &f, sum_by(&f, t, op(&f, OD_FUNCTION_ADD, col(&f, &t->schema, 0), num(&f, 1)), 1), &options,
        "stage 0: 2 tasks, rows: about 0, writes hash of column1 in 3 partitions -- equal groups must meet: column1\n"
        "  aggregate partial by (k + 1) as column1: sum(v) as total\n"
        "    scan t (k, v)\n"
        "stage 1: 3 tasks, rows: about 0, writes result -- the answer goes to the driver\n"
        "  aggregate final by column1: sum as total\n"
        "    exchange read stage 0\n"
        "rules: projection_pruning partial_aggregation\n");
    begin(&f);
    options.rules_off = 1u << OD_RULE_PARTIAL_AGGREGATION;
    t = scan(&f, t_table);
    expect_stages(&f, sum_by(&f, t, op(&f, OD_FUNCTION_ADD, col(&f, &t->schema, 0), num(&f, 1)), 1), &options,
                  "stage 0: 2 tasks, rows: about 0, writes hash of key0 in 3 partitions -- equal groups must meet: key0\n"
                  "  project k, v, (k + 1) as key0\n"
                  "    scan t (k, v)\n"
                  "stage 1: 3 tasks, rows: about 0, writes result -- the answer goes to the driver\n"
                  "  aggregate complete by key0 as column1: sum(v) as total\n"
                  "    exchange read stage 0\n"
                  "rules: projection_pruning\n");
    begin(&f);
    t = scan(&f, t_table);
    options.scan_task_count = 1; /* all rows are in one task already */
    expect_stages(&f, sum_by(&f, t, NULL, 1), &options,
                  "stage 0: 1 task, rows: about 1, writes result -- the answer goes to the driver\n"
                  "  aggregate complete: sum(v) as total\n"
                  "    scan t (v)\n"
                  "rules: projection_pruning exchange_elimination\n");
}

static void joins_are_broadcast_or_partitioned(void **state)
{
    struct frame f;
    struct od_plan_options options = {.partition_count = 3, .scan_task_count = 2};
    (void)state;
    begin(&f);
    expect_stages(
        &f, join(&f, OD_JOIN_LEFT, scan(&f, t_table), scan(&f, u_table), NULL), &options,
        "stage 0: 2 tasks, rows: about 0, writes broadcast -- the build side is small: every probe task gets all of it\n"
        "  scan u (k, w)\n"
        "stage 1: 2 tasks, rows: about 0, writes result -- the answer goes to the driver\n"
        "  hash join left, broadcast, on k = k\n"
        "    scan t (k, v, s)\n"
        "    exchange read stage 0, broadcast\n"
        "rules: broadcast_join\n");
    begin(&f);
    options.rules_off = 1u << OD_RULE_BROADCAST_JOIN;
    const struct od_plan *joined = join(&f, OD_JOIN_INNER, scan(&f, t_table), scan(&f, u_table), NULL);
    expect_stages(
        &f, sum_by(&f, joined, col(&f, &joined->schema, 0), 1), &options,
        "stage 0: 2 tasks, rows: about 0, writes hash of k in 3 partitions -- equal join keys must meet (probe side): k\n"
        "  scan t (k, v)\n"
        "stage 1: 2 tasks, rows: about 0, writes hash of k in 3 partitions -- equal join keys must meet (build side): k\n"
        "  scan u (k)\n"
        "stage 2: 3 tasks, rows: about 0, writes result -- the answer goes to the driver\n"
        "  aggregate complete by k: sum(v) as total\n"
        "    hash join inner, on k = k\n"
        "      exchange read stage 0\n"
        "      exchange read stage 1\n"
        "rules: projection_pruning exchange_elimination\n");
    /* grouped by the build side's key: padded rows of a left join would lie anywhere, so it is exchanged */
    begin(&f);
    options.rules_off |= 1u << OD_RULE_PARTIAL_AGGREGATION;
    joined = join(&f, OD_JOIN_LEFT, scan(&f, t_table), scan(&f, u_table), NULL);
    expect_stages(
        &f, sum_by(&f, joined, col(&f, &joined->schema, 3), 1), &options,
        "stage 0: 2 tasks, rows: about 0, writes hash of k in 3 partitions -- equal join keys must meet (probe side): k\n"
        "  scan t (k, v)\n"
        "stage 1: 2 tasks, rows: about 0, writes hash of k in 3 partitions -- equal join keys must meet (build side): k\n"
        "  scan u (k)\n"
        "stage 2: 3 tasks, rows: about 0, writes hash of k in 3 partitions -- equal groups must meet: k\n"
        "  project v, k\n"
        "    hash join left, on k = k\n"
        "      exchange read stage 0\n"
        "      exchange read stage 1\n"
        "stage 3: 3 tasks, rows: about 0, writes result -- the answer goes to the driver\n"
        "  aggregate complete by k: sum(v) as total\n"
        "    exchange read stage 2\n"
        "rules: projection_pruning\n");
}

static void a_limit_takes_the_first_rows_of_each_task(void **state)
{
    struct frame f;
    struct od_plan_options options = {.scan_task_count = 2};
    const struct od_plan *plan = NULL;
    (void)state;
    begin(&f);
    struct od_sort_key key = {.descending = true, .nulls_first = true};
    const struct od_plan *t = scan(&f, t_table);
    key.expr = col(&f, &t->schema, 1);
    assert_int_equal(od_plan_sort(&f.arena, t, &key, 1, &plan, NULL), OD_OK);
    assert_int_equal(od_plan_limit(&f.arena, plan, 2, 3, &plan, NULL), OD_OK);
    expect_stages(&f, plan, &options,
                  "stage 0: 2 tasks, rows: about 0, writes single -- the first rows of each task meet in one task\n"
                  "  top n 5 by v desc nulls first\n"
                  "    scan t (k, v, s)\n"
                  "stage 1: 1 task, rows: about 0, writes result -- the answer goes to the driver\n"
                  "  limit 3 offset 2\n"
                  "    top n 5 by v desc nulls first\n"
                  "      exchange read stage 0\n"
                  "rules: top_n\n");
    begin(&f);
    options.rules_off = 1u << OD_RULE_TOP_N;
    t = scan(&f, t_table);
    assert_int_equal(od_plan_limit(&f.arena, t, UINT64_MAX, 1, &plan, NULL), OD_OK);
    expect_stages(&f, plan, &options,
                  "stage 0: 2 tasks, rows: about 0, writes single -- a global order ends in one task\n"
                  "  scan t (k, v, s)\n"
                  "stage 1: 1 task, rows: about 0, writes result -- the answer goes to the driver\n"
                  "  limit 1 offset 18446744073709551615\n"
                  "    sort by the whole row\n"
                  "      exchange read stage 0\n"
                  "rules: none fired\n");
}

/* The keys of the sort that a LIMIT was given: none of the test's queries sorts right below it. */
static const struct od_plan *limit_one(struct frame *f, const struct od_plan *input)
{
    const struct od_plan *plan = NULL;
    assert_int_equal(od_plan_limit(&f->arena, input, 0, 1, &plan, NULL), OD_OK);
    assert_int_equal(plan->inputs[0]->kind, OD_PLAN_SORT);
    assert_ptr_equal(plan->inputs[0]->inputs[0], input);
    return plan->inputs[0];
}

static void a_limit_counts_in_the_order_of_its_input(void **state)
{
    struct frame f;
    const struct od_plan *sorted = NULL;
    const struct od_plan *plan = NULL;
    (void)state;
    begin(&f);
    const struct od_plan *t = scan(&f, t_table);
    struct od_sort_key keys[2] = {{.descending = true, .nulls_first = true}, {.nulls_first = true}};
    keys[0].expr = col(&f, &t->schema, 1);
    keys[1].expr = col(&f, &t->schema, 0);
    assert_int_equal(limit_one(&f, t)->sort.key_count, 0); /* no order: by the whole row */
    assert_int_equal(od_plan_sort(&f.arena, t, keys, 2, &sorted, NULL), OD_OK);
    /* through a limit, whatever it does */
    assert_int_equal(od_plan_limit(&f.arena, sorted, 0, UINT64_MAX, &plan, NULL), OD_OK);
    assert_int_equal(limit_one(&f, plan)->sort.key_count, 2);
    /* through a project that swaps the columns: the keys are said in its output */
    const struct od_expr *swapped[] = {col(&f, &t->schema, 1), col(&f, &t->schema, 0)};
    assert_int_equal(od_plan_project(&f.arena, sorted, swapped, NULL, 2, &plan, NULL), OD_OK);
    const struct od_plan *again = limit_one(&f, plan);
    assert_int_equal(again->sort.key_count, 2);
    assert_int_equal(again->sort.keys[0].expr->column_index, 0);
    assert_true(again->sort.keys[0].descending);
    assert_int_equal(again->sort.keys[1].expr->column_index, 1);
    assert_true(again->sort.keys[1].nulls_first);
    /* a project that drops the second key keeps the first; one that drops the first keeps nothing */
    assert_int_equal(od_plan_project(&f.arena, sorted, swapped, NULL, 1, &plan, NULL), OD_OK);
    assert_int_equal(limit_one(&f, plan)->sort.key_count, 1);
    assert_int_equal(od_plan_project(&f.arena, sorted, swapped + 1, NULL, 1, &plan, NULL), OD_OK);
    assert_int_equal(limit_one(&f, plan)->sort.key_count, 0);
    /* an aggregate has no order */
    assert_int_equal(od_plan_distinct(&f.arena, sorted, &plan, NULL), OD_OK);
    assert_int_equal(limit_one(&f, plan)->sort.key_count, 0);
    od_arena_release(&f.arena);
}

static void a_join_without_an_equality_sees_every_pair(void **state)
{
    struct frame f;
    struct od_plan_options options = {.scan_task_count = 2};
    struct od_schema schema;
    const struct od_plan *plan = NULL;
    (void)state;
    begin(&f);
    const struct od_plan *t = scan(&f, t_table);
    const struct od_plan *u = scan(&f, u_table);
    assert_int_equal(od_plan_join_schema(&f.arena, t, u, &schema, NULL), OD_OK);
    const struct od_expr *less = op(&f, OD_FUNCTION_LESS, col(&f, &schema, 0), col(&f, &schema, 3));
    assert_int_equal(od_plan_join(&f.arena, OD_JOIN_INNER, t, u, less, &plan, NULL), OD_OK);
    expect_stages(&f, plan, &options,
                  "stage 0: 2 tasks, rows: about 0, writes broadcast -- no equality to meet by: every probe task gets the "
                  "build side\n"
                  "  scan u (k, w)\n"
                  "stage 1: 2 tasks, rows: about 0, writes result -- the answer goes to the driver\n"
                  "  nested loop join inner, broadcast, on (k < k)\n"
                  "    scan t (k, v, s)\n"
                  "    exchange read stage 0, broadcast\n"
                  "rules: none fired\n");
}

static void builders_refuse_wrong_types(void **state)
{
    struct frame f;
    const struct od_plan *plan = NULL;
    (void)state;
    begin(&f);
    const struct od_plan *t = scan(&f, t_table);
    struct od_aggregate sum = {.function = OD_AGGREGATE_SUM, .argument = col(&f, &t->schema, 2)};
    assert_int_equal(od_plan_aggregate(&f.arena, t, NULL, NULL, 0, &sum, 1, &plan, &f.error), OD_BAD_INPUT);
    assert_string_equal(f.error.text, "function sum(text) does not exist");
    assert_int_equal(od_plan_filter(&f.arena, t, num(&f, 1), &plan, &f.error), OD_BAD_INPUT);
    const uint32_t beyond = 3;
    assert_int_equal(od_plan_scan(&f.arena, t_table, &beyond, 1, &plan, &f.error), OD_BAD_INPUT);
    assert_null(plan);
    od_arena_release(&f.arena);
}

static enum od_status plan_a_query(struct od_memory *memory, void *context)
{
    struct frame f = {.status = OD_OK};
    const struct od_stage_graph *graph = NULL;
    struct od_plan_options options = {.evaluate_constant = evaluate_small,
                                      .join_strategy = OD_JOIN_FORCE_PARTITIONED};
    od_arena_init(&f.arena, memory, *(const size_t *)context);
    const struct od_plan *joined = join(&f, OD_JOIN_INNER, scan(&f, t_table), scan(&f, u_table), NULL);
    const struct od_plan *plan = NULL;
    if (f.status == OD_OK) {
        const struct od_expr *three = op(&f, OD_FUNCTION_ADD, num(&f, 1), num(&f, 2));
        const struct od_plan *kept =
            filter(&f, joined, op(&f, OD_FUNCTION_LESS, col(&f, &joined->schema, 1), three));
        plan = sum_by(&f, kept, col(&f, &joined->schema, 3), 1);
    }
    if (f.status == OD_OK)
        f.status = od_plan_limit(&f.arena, plan, 0, 5, &plan, NULL);
    if (f.status == OD_OK)
        f.status = od_plan_query(&f.arena, plan, &options, NULL, &graph, NULL);
    assert_true((f.status == OD_OK) == (graph != NULL));
    od_arena_release(&f.arena);
    return f.status;
}

static void every_allocation_may_be_refused(void **state)
{
    (void)state;
    for (size_t chunk_bytes = 256; chunk_bytes < 2048; chunk_bytes += 16)
        assert_true(od_sweep(plan_a_query, &chunk_bytes) > 0);
}

static void rules_are_found_by_name(void **state)
{
    enum od_rule rule;
    (void)state;
    for (uint32_t i = 0; i < OD_RULE_COUNT; i++) {
        assert_true(od_rule_find(od_rule_text((enum od_rule)i), &rule));
        assert_int_equal(rule, i);
        assert_true(strlen(od_rule_sentence(rule)) > 10);
    }
    assert_false(od_rule_find("no_such_rule", &rule));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_fold_unless_they_have_no_value),
        cmocka_unit_test(a_false_conjunct_wins_unless_one_before_it_may_fail),
        cmocka_unit_test(filters_go_below_projects_and_into_the_sides_of_joins),
        cmocka_unit_test(a_left_join_lets_left_conditions_down_only),
        cmocka_unit_test(nothing_moves_past_what_may_fail),
        cmocka_unit_test(aggregates_take_two_phases_or_one),
        cmocka_unit_test(joins_are_broadcast_or_partitioned),
        cmocka_unit_test(a_limit_takes_the_first_rows_of_each_task),
        cmocka_unit_test(a_limit_counts_in_the_order_of_its_input),
        cmocka_unit_test(a_join_without_an_equality_sees_every_pair),
        cmocka_unit_test(builders_refuse_wrong_types),
        cmocka_unit_test(every_allocation_may_be_refused),
        cmocka_unit_test(rules_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, make_tables, free_tables);
}
