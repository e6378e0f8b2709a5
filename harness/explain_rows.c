/* explain_rows: see explain_rows.h. */
#include "harness/explain_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/expr/evaluate.h"
#include "engine/sql/sql.h"
#include "harness/prepare.h"
#include "properties/render_sql.h"

#define ROWS_SHOWN      4  /* wrong rows of each sort */
#define BLOCKS_SHOWN    12 /* behind one result task */
#define ROWS_LEFT_OUT   40 /* tables with more rows together are left whole */
#define COMPARISONS_MAX UINT64_C(4000000)

/* --- which rows are wrong ---------------------------------------------------------------------------------------- */

struct wrong_row {
    const struct od_value *cells;
    uint32_t index;  /* in the answer that has it */
    bool is_missing; /* else it is one too many */
};
struct wrong_rows {
    struct wrong_row items[2 * ROWS_SHOWN];
    uint32_t count;
    uint32_t missing_count;
    uint32_t extra_count;
};

static bool same_row(const struct od_answer *left, uint32_t l, const struct od_answer *right, uint32_t r)
{
    return od_answer_compare_rows(od_answer_row(left, l), od_answer_row(right, r), left->column_count) == 0;
}

/* Rows of `left` that `right` has not, each of its rows standing for one. */
static enum od_status find_unmatched(struct od_arena *arena, const struct od_answer *left, const struct od_answer *right,
                                     bool is_missing, struct wrong_rows *rows, struct od_error *error)
{
    OD_TAKE_LIST(bool, is_taken, arena, right->row_count + 1, error);
    uint32_t *count = is_missing ? &rows->missing_count : &rows->extra_count;
    for (uint32_t l = 0; l < left->row_count; l++) {
        uint32_t r = 0;
        while (r < right->row_count && (is_taken[r] || !same_row(left, l, right, r)))
            r++;
        if (r < right->row_count)
            is_taken[r] = true;
        else if (++*count <= ROWS_SHOWN)
            rows->items[rows->count++] = (struct wrong_row){od_answer_row(left, l), l, is_missing};
    }
    return OD_OK;
}

static enum od_status find_wrong_rows(struct od_arena *arena, const struct od_answer *expected,
                                      const struct od_answer *actual, struct wrong_rows *rows, struct od_error *error)
{
    *rows = (struct wrong_rows){0};
    if ((uint64_t)expected->row_count * actual->row_count > COMPARISONS_MAX ||
        expected->column_count != actual->column_count)
        return OD_OK;
    OD_TRY(find_unmatched(arena, expected, actual, true, rows, error));
    return find_unmatched(arena, actual, expected, false, rows, error);
}

/* --- the attempts and blocks behind a row ------------------------------------------------------------------------ */

/* The answer has the rows of the result tasks in the order of these. NULL: it can't be said. */
static enum od_status find_giver(const struct od_traced_run *run, uint32_t row, const struct od_traced_attempt **giver_out,
                                 struct od_error *error)
{
    uint32_t stage = run->graph->stage_count - 1;
    struct od_flows reads;
    uint64_t seen = 0;
    *giver_out = NULL;
    OD_TRY(od_traced_reads(run, NULL, &reads, error));
    for (uint32_t t = 0; t < run->task_counts[stage]; t++)
        for (uint32_t i = 0; i < reads.count; i++) {
            if (reads.items[i].task != t)
                continue;
            seen += reads.items[i].sum.rows;
            if (row < seen) {
                *giver_out = od_traced_find(run, stage, t, reads.items[i].attempt);
                return OD_OK;
            }
        }
    return OD_OK;
}

/* The sum of what another run's reader of the same name read there. */
static struct od_row_sum read_elsewhere(const struct od_flows *reads, const struct od_flow *like)
{
    for (uint32_t i = 0; i < reads->count; i++)
        if (reads->items[i].stage == like->stage && reads->items[i].task == like->task &&
            reads->items[i].partition == like->partition)
            return reads->items[i].sum;
    return (struct od_row_sum){0};
}

/* What the attempt read, and on, where that is not what it reads undisturbed; blocks that only the calm run has, too. */
static enum od_status print_blocks(const struct od_explained *explained, const struct od_traced_attempt *attempt,
                                   uint32_t depth, uint32_t *left, struct od_buffer *text, struct od_error *error)
{
    const struct od_traced_attempt *calm = od_traced_counting(&explained->calm, attempt->stage, attempt->task);
    struct od_flows reads;
    struct od_flows calm_reads = {0};
    OD_TRY(od_traced_reads(&explained->run, attempt, &reads, error));
    if (calm != NULL)
        OD_TRY(od_traced_reads(&explained->calm, calm, &calm_reads, error));
    for (uint32_t i = 0; i < reads.count && *left > 0; i++) {
        const struct od_flow *read = &reads.items[i];
        const struct od_traced_attempt *source = od_traced_find(&explained->run, read->stage, read->task, read->attempt);
        struct od_row_sum wanted = read_elsewhere(&calm_reads, read);
        bool differs = !od_row_sum_equal(wanted, read->sum);
        --*left;
        od_buffer_print(text, "%*s<- %u.%u attempt %u, partition %u: %" PRIu64 " rows", (int)(6 + 2 * depth), "", read->stage,
                        read->task, read->attempt, read->partition, read->sum.rows);
        if (differs && wanted.rows == read->sum.rows)
            od_buffer_append_text(text, " (others undisturbed)");
        else if (differs)
            od_buffer_print(text, " (undisturbed %" PRIu64 ")", wanted.rows);
        od_buffer_append_text(text, differs ? "  *\n" : "\n");
        if (differs && source != NULL)
            OD_TRY(print_blocks(explained, source, depth + 1, left, text, error));
    }
    for (uint32_t i = 0; i < calm_reads.count && *left > 0; i++) {
        const struct od_flow *read = &calm_reads.items[i];
        if (read->sum.rows == 0 || read_elsewhere(&reads, read).rows != 0)
            continue;
        --*left;
        od_buffer_print(text, "%*s<- %u.%u, partition %u: nothing (undisturbed %" PRIu64 " rows)  *\n", (int)(6 + 2 * depth),
                        "", read->stage, read->task, read->partition, read->sum.rows);
    }
    return OD_OK;
}

static uint32_t find_row(const struct od_answer *answer, const struct wrong_row *row)
{
    for (uint32_t i = 0; i < answer->row_count; i++)
        if (od_answer_compare_rows(od_answer_row(answer, i), row->cells, answer->column_count) == 0)
            return i;
    return UINT32_MAX;
}

/* Who gave it; what is missing, who gives it undisturbed, and the task of that name here. */
static enum od_status print_behind(const struct od_explained *explained, const struct wrong_row *row,
                                   const struct od_answer *calm_answer, uint64_t *told_tasks, struct od_buffer *text,
                                   struct od_error *error)
{
    const struct od_traced_attempt *giver = NULL;
    uint32_t left = BLOCKS_SHOWN;
    uint32_t index = row->index;
    if (row->is_missing)
        index = calm_answer->column_count == 0 ? UINT32_MAX : find_row(calm_answer, row);
    if (index != UINT32_MAX)
        OD_TRY(find_giver(row->is_missing ? &explained->calm : &explained->run, index, &giver, error));
    if (giver == NULL)
        return OD_OK;
    if (row->is_missing)
        od_buffer_print(text, "      undisturbed it is given by %u.%u\n", giver->stage, giver->task);
    else
        od_buffer_print(text, "      given by %u.%u attempt %u, executor %u\n", giver->stage, giver->task, giver->attempt,
                        giver->executor);
    if (row->is_missing)
        giver = od_traced_counting(&explained->run, giver->stage, giver->task);
    uint64_t bit = giver == NULL ? 0 : UINT64_C(1) << (giver->task % 64);
    if (giver == NULL || (*told_tasks & bit) != 0)
        return OD_OK;
    *told_tasks |= bit;
    return print_blocks(explained, giver, 0, &left, text, error);
}

/* --- the rows of tables behind it -------------------------------------------------------------------------------- */

static struct od_table *copy_without(const struct od_explained *explained, const struct od_table *source, uint32_t without,
                                     struct od_error *error)
{
    struct od_memory *memory = explained->memory;
    struct od_batch rows = od_table_view(source);
    struct od_table *copy = od_table_new(memory, source->name, &source->schema, error);
    if (copy == NULL)
        return NULL;
    uint32_t first = without < rows.row_count ? without : rows.row_count;
    uint32_t behind = without < rows.row_count ? rows.row_count - without - 1 : 0;
    enum od_status status = od_batch_builder_append_rows(&copy->rows, &rows, NULL, 0, first, error);
    if (status == OD_OK && behind > 0)
        status = od_batch_builder_append_rows(&copy->rows, &rows, NULL, first + 1, behind, error);
    od_table_finish(copy);
    if (status == OD_OK)
        return copy;
    od_table_free(memory, copy);
    return NULL;
}

/* The plan's answer in the run that is explained, over these tables, and the model's. *known_out: there are both. */
static enum od_status answer_both(const struct od_explained *explained, struct od_arena *arena, const struct od_plan *plan,
                                  bool disturbed, struct od_cluster_result *result, struct od_expectation *expected,
                                  bool *known_out, struct od_error *error)
{
    struct od_prepared prepared;
    *known_out = false;
    enum od_status status = od_expect_model(arena, plan, expected, error);
    if (status == OD_OK)
        status = od_trial_prepare(explained->trial, explained->asked->cluster, plan, &prepared, error);
    if (status != OD_OK)
        return status == OD_NO_MEMORY ? status : OD_OK;
    struct od_cluster_request request = *explained->request;
    request.graph = prepared.graph;
    request.deployment = OD_DEPLOY_SIM;
    request.schedule = disturbed ? request.schedule : NULL;
    request.keep_events = false;
    OD_TRY(od_cluster_run(explained->memory, &request, result, error));
    *known_out = true;
    return OD_OK;
}

static uint32_t count_row(const struct od_answer *answer, const struct od_value *cells)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < answer->row_count; i++)
        count += od_answer_compare_rows(od_answer_row(answer, i), cells, answer->column_count) == 0;
    return count;
}

/* Is this row wrong over these tables, in the same way? Where there is no answer to tell by, it is not. */
static enum od_status is_wrong_over(const struct od_explained *explained, struct od_table *const *tables,
                                    const struct wrong_rows *rows, bool *wrong_out, struct od_error *error)
{
    struct od_arena arena;
    struct od_cluster_result result = {0};
    struct od_expectation expected;
    struct od_answer actual = {0};
    const struct od_plan *plan = NULL;
    bool is_known = false;
    od_arena_init(&arena, explained->memory, 0);
    enum od_status status = od_case_replan(&explained->trial->plan_arena, &explained->trial->test_case, tables, &plan, error);
    if (status == OD_OK)
        status = answer_both(explained, &arena, plan, true, &result, &expected, &is_known, error);
    bool has_both = status == OD_OK && is_known && expected.status == OD_OK && result.outcome.answer != NULL;
    if (has_both)
        status = od_answer_from_table(&arena, result.outcome.answer, &actual, error);
    for (uint32_t i = 0; i < rows->count; i++) {
        uint32_t wanted = has_both ? count_row(&expected.answer, rows->items[i].cells) : 0;
        uint32_t got = has_both ? count_row(&actual, rows->items[i].cells) : 0;
        wrong_out[i] = rows->items[i].is_missing ? got < wanted : got > wanted;
    }
    od_cluster_result_release(&result);
    od_arena_release(&arena);
    return status;
}

static enum od_status leave_out(const struct od_explained *explained, uint32_t table, uint32_t row,
                                const struct wrong_rows *rows, bool *wrong_out, struct od_error *error)
{
    const struct od_case *test_case = &explained->trial->test_case;
    struct od_table *tables[OD_GEN_TABLES_MAX];
    od_assert(test_case->table_count <= OD_GEN_TABLES_MAX);
    for (uint32_t i = 0; i < test_case->table_count; i++)
        tables[i] = test_case->tables[i];
    tables[table] = copy_without(explained, test_case->tables[table], row, error);
    if (tables[table] == NULL)
        return OD_NO_MEMORY;
    enum od_status status = is_wrong_over(explained, tables, rows, wrong_out, error);
    od_table_free(explained->memory, tables[table]);
    return status;
}

static void print_source_row(const struct od_table *table, uint32_t row, struct od_buffer *text)
{
    struct od_batch rows = od_table_view(table);
    od_buffer_print(text, " %s row %u (", table->name, row + 1);
    for (uint32_t i = 0; i < table->schema.field_count; i++) {
        struct od_value value = od_column_value(&rows.columns[i], row);
        od_buffer_append_text(text, i > 0 ? ", " : "");
        od_value_print(&value, text);
    }
    od_buffer_append_text(text, ")");
}

/* Only for the case's own plan: other plans have tables of their own. */
static bool can_leave_out(const struct od_explained *explained)
{
    if (explained->trial == NULL)
        return false;
    const struct od_case *test_case = &explained->trial->test_case;
    uint64_t row_count = 0;
    for (uint32_t i = 0; i < test_case->table_count; i++)
        row_count += od_table_row_count(test_case->tables[i]);
    return explained->asked->plan == test_case->plan && test_case->query == NULL && !explained->request->twice &&
           row_count > 0 && row_count <= ROWS_LEFT_OUT;
}

static enum od_status print_source_rows(const struct od_explained *explained, const struct wrong_rows *rows,
                                        struct od_buffer *text, struct od_error *error)
{
    bool is_wrong[2 * ROWS_SHOWN] = {false};
    bool is_still_wrong[2 * ROWS_SHOWN];
    if (!can_leave_out(explained))
        return OD_OK;
    const struct od_case *test_case = &explained->trial->test_case;
    OD_TRY(leave_out(explained, 0, UINT32_MAX, rows, is_wrong, error)); /* none is: the same must come out */
    for (uint32_t k = 0; k < test_case->table_count; k++)
        for (uint32_t r = 0; r < od_table_row_count(test_case->tables[k]); r++) {
            bool is_needed = false;
            OD_TRY(leave_out(explained, k, r, rows, is_still_wrong, error));
            for (uint32_t i = 0; i < rows->count; i++) {
                if (!is_wrong[i] || is_still_wrong[i])
                    continue;
                if (!is_needed)
                    print_source_row(test_case->tables[k], r, text);
                od_buffer_print(text, is_needed ? ",%u" : ": %u", i + 1);
                is_needed = true;
            }
            od_buffer_append_text(text, is_needed ? ";" : "");
        }
    return OD_OK;
}

enum od_status od_explain_rows(struct od_explained *explained, struct od_buffer *text, struct od_error *error)
{
    struct wrong_rows rows;
    struct od_answer actual;
    struct od_answer calm = {0};
    uint64_t told_tasks = 0;
    const struct od_table *answer = explained->run_result.outcome.answer;
    const struct od_table *calm_answer = explained->calm_result.outcome.answer;
    if (explained->is_run_right || answer == NULL || explained->expected.status != OD_OK)
        return OD_OK;
    OD_TRY(od_answer_from_table(explained->arena, answer, &actual, error));
    if (calm_answer != NULL)
        OD_TRY(od_answer_from_table(explained->arena, calm_answer, &calm, error));
    OD_TRY(find_wrong_rows(explained->arena, &explained->expected.answer, &actual, &rows, error));
    if (rows.count == 0) {
        od_buffer_append_text(text, "wrong rows: none; they are in another order\n");
        return OD_OK;
    }
    od_buffer_print(text, "wrong rows: %u missing, %u too many\n", rows.missing_count, rows.extra_count);
    for (uint32_t i = 0; i < rows.count; i++) {
        od_buffer_print(text, "  %u %s ", i + 1, rows.items[i].is_missing ? "missing " : "too many");
        od_answer_print_row(text, rows.items[i].cells, actual.column_count);
        od_buffer_append_text(text, "\n");
        OD_TRY(print_behind(explained, &rows.items[i], &calm, &told_tasks, text, error));
    }
    od_buffer_append_text(text, "rows of tables without which they are not wrong:");
    size_t before = text->size;
    OD_TRY(print_source_rows(explained, &rows, text, error));
    od_buffer_append_text(text, text->size == before ? " not known\n" : "\n");
    return OD_OK;
}

/* --- the first part of the query whose answer is wrong ----------------------------------------------------------- */

static enum od_status check_node(struct od_explained *explained, const struct od_plan *plan, struct od_place *place,
                                 struct od_error *error)
{
    struct od_cluster_result result = {0};
    struct od_expectation expected;
    struct od_answer actual;
    char text[400] = "";
    bool is_known = false;
    bool is_equal = true;
    enum od_status status = answer_both(explained, explained->arena, plan, false, &result, &expected, &is_known, error);
    bool is_comparable = status == OD_OK && is_known && expected.status == OD_OK && result.outcome.answer != NULL;
    if (is_comparable)
        status = od_answer_from_table(explained->arena, result.outcome.answer, &actual, error);
    if (is_comparable && status == OD_OK)
        status = od_answer_compare(explained->arena, &expected.answer, &actual, expected.compare, &is_equal, text,
                                   sizeof(text), error);
    if (status == OD_OK && !is_equal) {
        struct od_buffer node;
        od_buffer_init(&node, explained->memory);
        od_plan_print_node(plan, &node);
        place->found = true;
        snprintf(place->text, sizeof(place->text), "of the query's parts, the first whose answer is wrong is: %s (%s)",
                 od_buffer_text(&node), text);
        od_buffer_release(&node);
    }
    od_cluster_result_release(&result);
    return status;
}

static enum od_status check_nodes(struct od_explained *explained, const struct od_plan *plan, struct od_place *place,
                                  struct od_error *error)
{
    uint32_t input_count = plan->kind == OD_PLAN_APPLY ? 1 : plan->input_count; /* the other side needs its outer rows */
    for (uint32_t i = 0; i < input_count && !place->found; i++)
        OD_TRY(check_nodes(explained, plan->inputs[i], place, error));
    return place->found ? OD_OK : check_node(explained, plan, place, error);
}

/* The parts of the plan that was run: where it went through its text, of the one that this was bound to. */
enum od_status od_explain_nodes(struct od_explained *explained, struct od_place *place, struct od_error *error)
{
    struct od_trial *trial = explained->trial;
    const struct od_run_request *asked = explained->asked;
    const struct od_plan *plan = asked->plan;
    const struct od_sql_context context = {.catalog = &trial->test_case.catalog,
                                           .evaluate_constant = od_evaluate_constant};
    const char *sql = asked->sql;
    if (asked->cluster->via_sql && sql == NULL)
        OD_TRY(od_render_sql(&trial->plan_arena, plan, OD_DIALECT_ENGINE, &sql, error));
    if (asked->cluster->via_sql && od_sql_bind(&trial->plan_arena, sql, &context, &plan, error) != OD_OK)
        plan = asked->plan;
    return check_nodes(explained, plan, place, error);
}
