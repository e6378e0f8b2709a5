/* explain_place: see explain_place.h. The third of its questions is answered by explain_standstill.c.
 *
 *   in an attempt    blocks read -> exchange read -> operators, inputs first -> the exchange's writer -> blocks written
 *   in the end       blocks read by the driver -> answer */
#include "harness/explain_place.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"
#include "properties/property.h"

static void set_place(struct od_place *place, uint32_t stage, uint32_t task, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void set_place(struct od_place *place, uint32_t stage, uint32_t task, const char *format, ...)
{
    va_list arguments;
    if (place->found)
        return;
    *place = (struct od_place){.found = true, .stage = stage, .task = task};
    va_start(arguments, format);
    vsnprintf(place->text, sizeof(place->text), format, arguments);
    va_end(arguments);
}

static const struct od_physical *node_at(const struct od_physical *root, uint32_t position)
{
    if (position == 0)
        return root;
    position--;
    for (uint32_t i = 0; i < root->input_count; i++) {
        uint32_t count = od_physical_count(root->inputs[i]);
        if (position < count)
            return node_at(root->inputs[i], position);
        position -= count;
    }
    od_unreachable();
}

void od_place_node(const struct od_stage_graph *graph, uint32_t stage, uint32_t position, char *text, size_t size)
{
    const struct od_physical *node = node_at(graph->stages[stage].root, position);
    snprintf(text, size, "%s (node %u)", od_physical_kind_text(node->kind), node->node_index);
}

/* "7 rows, undisturbed 8"; or that only their values differ. */
static const char *difference(struct od_row_sum got, struct od_row_sum wanted, char text[120])
{
    if (got.rows == wanted.rows)
        snprintf(text, 120, "%" PRIu64 " rows, as many as undisturbed, but other ones", got.rows);
    else
        snprintf(text, 120, "%" PRIu64 " rows, undisturbed %" PRIu64, got.rows, wanted.rows);
    return text;
}

static struct od_row_sum total(const struct od_flows *flows)
{
    struct od_row_sum sum = {0};
    for (uint32_t i = 0; i < flows->count; i++)
        sum = od_row_sum_add(sum, flows->items[i].sum);
    return sum;
}

/* --- a run against itself --------------------------------------------------------------------------------------- */

static enum od_status balance_reads(const struct od_traced_run *run, const struct od_traced_attempt *reader,
                                    struct od_place *place, struct od_error *error)
{
    struct od_flows reads;
    OD_TRY(od_traced_reads(run, reader, &reads, error));
    for (uint32_t i = 0; i < reads.count && !place->found; i++) {
        const struct od_flow *read = &reads.items[i];
        const struct od_traced_attempt *writer = od_traced_find(run, read->stage, read->task, read->attempt);
        struct od_flows writes;
        if (writer == NULL || writer->operators == NULL) /* an output of an earlier query */
            continue;
        OD_TRY(od_traced_writes(run, writer, &writes, error));
        for (uint32_t k = 0; k < writes.count; k++)
            if (writes.items[k].partition == read->partition && !od_row_sum_equal(writes.items[k].sum, read->sum))
                set_place(place, read->stage, read->task,
                          "partition %u of task %u.%u attempt %u was written with %" PRIu64 " rows and read with %" PRIu64
                          "%s",
                          read->partition, read->stage, read->task, read->attempt, writes.items[k].sum.rows,
                          read->sum.rows, writes.items[k].sum.rows == read->sum.rows ? ", but other ones" : "");
    }
    return OD_OK;
}

static enum od_status balance_output(const struct od_traced_run *run, const struct od_traced_attempt *attempt,
                                     struct od_place *place, struct od_error *error)
{
    struct od_flows writes;
    char node[80];
    OD_TRY(od_traced_writes(run, attempt, &writes, error));
    struct od_row_sum written = total(&writes);
    od_place_node(run->graph, attempt->stage, 0, node, sizeof(node));
    if (!od_row_sum_equal(attempt->operators[0], attempt->output))
        set_place(place, attempt->stage, attempt->task,
                  "task %u.%u attempt %u: %s put out %" PRIu64 " rows, the exchange's writer took %" PRIu64 "%s",
                  attempt->stage, attempt->task, attempt->attempt, node, attempt->operators[0].rows, attempt->output.rows,
                  attempt->operators[0].rows == attempt->output.rows ? ", but other ones" : "");
    if (!od_row_sum_equal(written, attempt->output))
        set_place(place, attempt->stage, attempt->task,
                  "task %u.%u attempt %u: the exchange's writer took %" PRIu64 " rows from %s and wrote %" PRIu64 "%s",
                  attempt->stage, attempt->task, attempt->attempt, attempt->output.rows, node, written.rows,
                  attempt->output.rows == written.rows ? ", but other ones" : "");
    return OD_OK;
}

/* --- attempts that should not have met ---------------------------------------------------------------------------- */

static double ms(const struct od_event *event)
{
    return (double)event->time_ns / 1e6;
}

/* The first attempt that counts and has read this one; NULL: the driver has. */
static enum od_status find_reader(const struct od_traced_run *run, const struct od_traced_attempt *source,
                                  const struct od_traced_attempt **reader_out, struct od_error *error)
{
    *reader_out = NULL;
    for (uint32_t i = 0; i < run->attempt_count; i++) {
        struct od_flows reads = {0};
        if (run->attempts[i]->counts && run->attempts[i]->stage > source->stage)
            OD_TRY(od_traced_reads(run, run->attempts[i], &reads, error));
        for (uint32_t k = 0; k < reads.count; k++)
            if (reads.items[k].stage == source->stage && reads.items[k].task == source->task &&
                reads.items[k].attempt == source->attempt) {
                *reader_out = run->attempts[i];
                return OD_OK;
            }
    }
    return OD_OK;
}

static enum od_status print_reader(const struct od_traced_run *run, const struct od_traced_attempt *source, char *text,
                                   size_t size, struct od_error *error)
{
    const struct od_traced_attempt *reader;
    OD_TRY(find_reader(run, source, &reader, error));
    if (reader == NULL)
        snprintf(text, size, "the driver read attempt %u", source->attempt);
    else
        snprintf(text, size, "task %u.%u attempt %u read attempt %u", reader->stage, reader->task, reader->attempt,
                 source->attempt);
    return OD_OK;
}

static bool was_committed(const struct od_traced_run *run, uint32_t stage, uint32_t task, const struct od_event *before)
{
    for (const struct od_event *event = run->result->events; event < before; event++)
        if ((event->kind == OD_EVENT_TASK_COMMITTED || event->kind == OD_EVENT_OUTPUT_REUSED) &&
            event->site.query == run->query && event->site.stage == stage && event->site.task == task)
            return true;
    return false;
}

/* Only where a task reads of every task of its inputs. */
static void check_launch(const struct od_traced_run *run, const struct od_event *event, struct od_place *place)
{
    const struct od_stage *stage = &run->graph->stages[event->site.stage];
    for (uint32_t i = 0; i < stage->input_count && run->adapted[event->site.stage] == 0; i++)
        for (uint32_t t = 0; t < run->task_counts[stage->input_stages[i]] && !place->found; t++)
            if (run->graph->stages[stage->input_stages[i]].exchange != OD_EXCHANGE_FORWARD && !was_committed(run, stage->input_stages[i], t, event))
                set_place(place, event->site.stage, event->site.task,
                          "task %u.%u was launched at %.3f ms, and task %u.%u, which it reads, had not been committed",
                          event->site.stage, event->site.task, ms(event), stage->input_stages[i], t);
}

void od_place_completions(const struct od_traced_run *run, struct od_place *place)
{
    for (uint32_t i = 0; i < run->result->event_count; i++) {
        const struct od_event *event = &run->result->events[i];
        bool is_completion = event->kind == OD_EVENT_STAGE_COMPLETED && event->site.query == run->query;
        if (event->kind == OD_EVENT_TASK_LAUNCHED && event->site.query == run->query)
            check_launch(run, event, place);
        for (uint32_t t = 0; is_completion && t < run->task_counts[event->site.stage]; t++)
            if (!was_committed(run, event->site.stage, t, event))
                set_place(place, event->site.stage, t,
                          "stage %u was taken for completed at %.3f ms, and task %u.%u had not been committed",
                          event->site.stage, ms(event), event->site.stage, t);
    }
}

static enum od_status check_meeting(const struct od_traced_run *run, const struct od_traced_attempt *attempt,
                                    struct od_place *place, struct od_error *error)
{
    const struct od_traced_attempt *first = od_traced_counting(run, attempt->stage, attempt->task);
    char first_text[160];
    char text[160];
    if (attempt->other_generation != attempt->generation)
        set_place(place, attempt->stage, attempt->task,
                  "the number of task %u.%u attempt %u was used twice: in generation %" PRIu64 " and in generation %" PRIu64,
                  attempt->stage, attempt->task, attempt->attempt, attempt->generation, attempt->other_generation);
    if (first == attempt || run->graph->stages[attempt->stage].determinism != OD_INDETERMINATE)
        return OD_OK;
    OD_TRY(print_reader(run, first, first_text, sizeof(first_text), error));
    OD_TRY(print_reader(run, attempt, text, sizeof(text), error));
    set_place(place, attempt->stage, attempt->task,
              "the answer rests on two attempts of task %u.%u, which may give other rows each time: %s, and %s", attempt->stage,
              attempt->task, first_text, text);
    return OD_OK;
}

enum od_status od_place_balance(const struct od_traced_run *run, struct od_place *place, struct od_error *error)
{
    for (uint32_t s = 0; s < run->graph->stage_count; s++) {
        for (uint32_t i = 0; i < run->attempt_count && !place->found; i++) {
            const struct od_traced_attempt *attempt = run->attempts[i];
            if (attempt->stage != s || !attempt->counts || attempt->operators == NULL)
                continue;
            OD_TRY(check_meeting(run, attempt, place, error));
            OD_TRY(balance_reads(run, attempt, place, error));
            OD_TRY(balance_output(run, attempt, place, error));
        }
    }
    OD_TRY(balance_reads(run, NULL, place, error));
    struct od_flows answer;
    OD_TRY(od_traced_reads(run, NULL, &answer, error));
    uint64_t rows = total(&answer).rows;
    const struct od_table *table = run->result->outcome.answer;
    if (table != NULL && od_table_row_count(table) != rows)
        set_place(place, run->graph->stage_count - 1, 0, "the driver read %" PRIu64 " rows and answered %" PRIu64, rows,
                  (uint64_t)od_table_row_count(table));
    return OD_OK;
}

/* --- two runs, task by task -------------------------------------------------------------------------------------- */

/* Equal sums by source and partition? Blocks without rows are not there. */
static const struct od_flow *find_flow(const struct od_flows *flows, const struct od_flow *like)
{
    for (uint32_t i = 0; i < flows->count; i++)
        if (flows->items[i].stage == like->stage && flows->items[i].task == like->task &&
            flows->items[i].partition == like->partition)
            return &flows->items[i];
    return NULL;
}

/* The first flow in which `left` has what `right` has not. */
static const struct od_flow *first_other(const struct od_flows *left, const struct od_flows *right)
{
    for (uint32_t i = 0; i < left->count; i++) {
        const struct od_flow *other = find_flow(right, &left->items[i]);
        if (left->items[i].sum.rows > 0 && (other == NULL || !od_row_sum_equal(other->sum, left->items[i].sum)))
            return &left->items[i];
    }
    return NULL;
}

static enum od_status compare_reads(const struct od_traced_run *calm, const struct od_traced_attempt *wanted,
                                    const struct od_traced_run *run, const struct od_traced_attempt *got,
                                    const char *name, struct od_place *place, struct od_error *error)
{
    struct od_flows wanted_reads;
    struct od_flows got_reads;
    char text[120];
    OD_TRY(od_traced_reads(calm, wanted, &wanted_reads, error));
    OD_TRY(od_traced_reads(run, got, &got_reads, error));
    const struct od_flow *missing = first_other(&wanted_reads, &got_reads);
    const struct od_flow *extra = first_other(&got_reads, &wanted_reads);
    if (missing == NULL && extra == NULL)
        return OD_OK;
    const struct od_flow *flow = missing != NULL ? missing : extra;
    const struct od_flow *other = find_flow(missing != NULL ? &got_reads : &wanted_reads, flow);
    const struct od_traced_attempt *source = od_traced_counting(run, flow->stage, flow->task);
    struct od_row_sum nothing = {0};
    struct od_row_sum other_sum = other == NULL ? nothing : other->sum;
    bool is_early = got != NULL && got->launched != NULL && source != NULL && source->committed > got->launched;
    char early[120] = "";
    if (is_early)
        snprintf(early, sizeof(early), "; it was launched at %.2f ms, that task committed at %.2f ms", ms(got->launched),
                 ms(source->committed));
    set_place(place, flow->stage, flow->task, "%s read of task %u.%u, partition %u: %s%s", name, flow->stage, flow->task,
              flow->partition,
              difference(missing != NULL ? other_sum : flow->sum, missing != NULL ? flow->sum : other_sum, text), early);
    return OD_OK;
}

/* In printing order an operator goes before its inputs: the last one that differs is the first one that does. */
static bool compare_operators(const struct od_stage_graph *graph, uint32_t stage, const struct od_row_sum *wanted,
                              const struct od_row_sum *got, const char *name, uint32_t task, struct od_place *place)
{
    char text[120];
    char node[80];
    for (uint32_t i = od_physical_count(graph->stages[stage].root); i-- > 0;) {
        if (od_row_sum_equal(wanted[i], got[i]))
            continue;
        od_place_node(graph, stage, i, node, sizeof(node));
        set_place(place, stage, task, "%s: %s put out %s%s", name, node, difference(got[i], wanted[i], text),
                  node_at(graph->stages[stage].root, i)->input_count > 0 ? "; its inputs are equal" : "");
        return true;
    }
    return false;
}

static enum od_status compare_writes(const struct od_traced_run *calm, const struct od_traced_attempt *wanted,
                                     const struct od_traced_run *run, const struct od_traced_attempt *got,
                                     const char *name, struct od_place *place, struct od_error *error)
{
    struct od_flows wanted_writes;
    struct od_flows got_writes;
    char text[120];
    OD_TRY(od_traced_writes(calm, wanted, &wanted_writes, error));
    OD_TRY(od_traced_writes(run, got, &got_writes, error));
    const struct od_flow *flow = first_other(&wanted_writes, &got_writes);
    bool is_missing = flow != NULL;
    if (flow == NULL)
        flow = first_other(&got_writes, &wanted_writes);
    if (flow == NULL)
        return OD_OK;
    const struct od_flow *other = find_flow(is_missing ? &got_writes : &wanted_writes, flow);
    struct od_row_sum other_sum = {0};
    if (other != NULL)
        other_sum = other->sum;
    set_place(place, got->stage, got->task, "%s: its operators put out the same rows; partition %u of its output has %s",
              name, flow->partition, difference(is_missing ? other_sum : flow->sum, is_missing ? flow->sum : other_sum, text));
    return OD_OK;
}

static enum od_status look_into(const struct od_traced_run *calm, const struct od_traced_attempt *wanted,
                                const struct od_traced_run *run, const struct od_traced_attempt *got,
                                struct od_place *place, struct od_error *error)
{
    struct od_place writes = {0};
    char name[80];
    snprintf(name, sizeof(name), "task %u.%u attempt %u, executor %u", got->stage, got->task, got->attempt, got->executor);
    OD_TRY(compare_writes(calm, wanted, run, got, name, &writes, error));
    if (!writes.found && od_row_sum_equal(wanted->output, got->output))
        return OD_OK;
    if (wanted->operators == NULL || got->operators == NULL)
        return OD_OK;
    OD_TRY(compare_reads(calm, wanted, run, got, name, place, error));
    if (!place->found && !compare_operators(run->graph, got->stage, wanted->operators, got->operators, name, got->task, place))
        *place = writes;
    return OD_OK;
}

/* --- two runs, stage by stage ------------------------------------------------------------------------------------ */

/* Outputs of an earlier query tell nothing of how they were made; which of them are left is chance, and so is what runs again. */
static bool has_told(const struct od_traced_run *run, uint32_t stage)
{
    bool has_run = false;
    for (uint32_t i = 0; i < run->attempt_count; i++) {
        const struct od_traced_attempt *attempt = run->attempts[i];
        bool is_reused = attempt->counts ? attempt->operators == NULL : attempt->launched == NULL;
        if (attempt->stage == stage && is_reused)
            return false;
        has_run = has_run || (attempt->stage == stage && attempt->counts);
    }
    return has_run;
}

static enum od_status add_up(const struct od_traced_run *run, uint32_t stage, struct od_row_sum *output_out,
                             struct od_row_sum **operators_out, struct od_error *error)
{
    uint32_t count = od_physical_count(run->graph->stages[stage].root);
    OD_TAKE(*operators_out, run->arena, count, error);
    *output_out = (struct od_row_sum){0};
    for (uint32_t t = 0; t < run->task_counts[stage]; t++) {
        const struct od_traced_attempt *attempt = od_traced_counting(run, stage, t);
        if (attempt == NULL || attempt->operators == NULL)
            continue;
        *output_out = od_row_sum_add(*output_out, attempt->output);
        for (uint32_t i = 0; i < count; i++)
            (*operators_out)[i] = od_row_sum_add((*operators_out)[i], attempt->operators[i]);
    }
    return OD_OK;
}

static enum od_status compare_stage(const struct od_traced_run *calm, const struct od_traced_run *run, uint32_t stage,
                                    struct od_place *place, struct od_error *error)
{
    struct od_row_sum wanted;
    struct od_row_sum got;
    struct od_row_sum *wanted_operators;
    struct od_row_sum *got_operators;
    char name[120];
    if (!has_told(calm, stage) || !has_told(run, stage))
        return OD_OK;
    OD_TRY(add_up(calm, stage, &wanted, &wanted_operators, error));
    OD_TRY(add_up(run, stage, &got, &got_operators, error));
    if (od_row_sum_equal(wanted, got))
        return OD_OK;
    snprintf(name, sizeof(name), "stage %u, all of its tasks together (%u, undisturbed %u)", stage, run->task_counts[stage],
             calm->task_counts[stage]);
    compare_operators(run->graph, stage, wanted_operators, got_operators, name, 0, place);
    return OD_OK;
}

/* --- what is compared --------------------------------------------------------------------------------------------- */

static enum od_status compare_tasks(const struct od_traced_run *calm, const struct od_traced_run *run, uint32_t stage,
                                    struct od_place *place, struct od_error *error)
{
    for (uint32_t i = 0; i < run->attempt_count && !place->found; i++) {
        const struct od_traced_attempt *got = run->attempts[i];
        if (got->stage != stage || !got->counts)
            continue;
        const struct od_traced_attempt *wanted = od_traced_counting(calm, stage, got->task);
        if (wanted != NULL)
            OD_TRY(look_into(calm, wanted, run, got, place, error));
    }
    return OD_OK;
}

enum od_status od_place_compare(const struct od_traced_run *calm, const struct od_traced_run *run, struct od_place *place,
                                struct od_error *error)
{
    struct od_place doubtful = {0};
    for (uint32_t s = 0; s < run->graph->stage_count && !place->found; s++) {
        bool varies = od_lineage_varies(run->graph, s);
        bool is_aligned = !varies && run->task_counts[s] == calm->task_counts[s] && run->adapted[s] == calm->adapted[s];
        struct od_place found = {0};
        OD_TRY(is_aligned ? compare_tasks(calm, run, s, &found, error) : compare_stage(calm, run, s, &found, error));
        found.may_vary = varies;
        if (found.found && !varies)
            *place = found;
        else if (found.found && !doubtful.found)
            doubtful = found;
    }
    if (!place->found && doubtful.found)
        *place = doubtful;
    struct od_flows wanted;
    struct od_flows got;
    OD_TRY(od_traced_reads(calm, NULL, &wanted, error));
    OD_TRY(od_traced_reads(run, NULL, &got, error));
    bool is_read = place->found || od_row_sum_equal(total(&wanted), total(&got)); /* whichever task has which rows */
    return is_read ? OD_OK : compare_reads(calm, NULL, run, NULL, "the driver", place, error);
}
