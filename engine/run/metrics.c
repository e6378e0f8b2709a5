/* metrics: see metrics.h. */
#include "engine/run/metrics.h"

#include <string.h>

#include "engine/core/assert.h"

struct od_query_metrics *od_query_metrics_new(struct od_memory *memory, const struct od_stage_graph *graph)
{
    uint32_t operator_count = 0;
    for (uint32_t i = 0; i < graph->stage_count; i++)
        operator_count += od_physical_count(graph->stages[i].root);
    size_t size = sizeof(struct od_query_metrics) + graph->stage_count * sizeof(struct od_stage_metrics) +
                  operator_count * sizeof(struct od_op_metrics);
    struct od_query_metrics *metrics = od_take(memory, size);
    if (metrics == NULL)
        return NULL;
    memset(metrics, 0, size);
    metrics->size = size;
    metrics->stage_count = graph->stage_count;
    metrics->operator_count = operator_count;
    for (uint32_t i = 0, first = 0; i < graph->stage_count; i++) {
        metrics->stages[i].operator_first = first;
        metrics->stages[i].operator_count = od_physical_count(graph->stages[i].root);
        first += metrics->stages[i].operator_count;
    }
    return metrics;
}

struct od_query_metrics *od_query_metrics_copy(struct od_memory *memory,
                                               const struct od_query_metrics *source)
{
    struct od_query_metrics *copy = source == NULL ? NULL : od_take(memory, source->size);
    if (copy != NULL)
        memcpy(copy, source, source->size);
    return copy;
}

void od_query_metrics_free(struct od_memory *memory, struct od_query_metrics *metrics)
{
    if (metrics != NULL)
        od_give(memory, metrics, metrics->size);
}

struct od_op_metrics *od_stage_operators(struct od_query_metrics *metrics, uint32_t stage)
{
    od_assert(stage < metrics->stage_count);
    struct od_op_metrics *all = (struct od_op_metrics *)(void *)(metrics->stages + metrics->stage_count);
    return all + metrics->stages[stage].operator_first;
}

void od_attempt_metrics_add(struct od_attempt_metrics *sum, const struct od_attempt_metrics *more)
{
    sum->steps += more->steps;
    sum->run_ns += more->run_ns;
    sum->wait_ns += more->wait_ns;
    sum->fetched_blocks += more->fetched_blocks;
    sum->fetched_bytes += more->fetched_bytes;
}

void od_op_metrics_add(struct od_op_metrics *sum, const struct od_op_metrics *more)
{
    sum->rows += more->rows;
    sum->bytes += more->bytes;
    sum->batches += more->batches;
    sum->spilled_bytes += more->spilled_bytes;
    sum->peak_bytes = more->peak_bytes > sum->peak_bytes ? more->peak_bytes : sum->peak_bytes;
    sum->time_ns += more->time_ns;
}

/* --- as bytes ------------------------------------------------------------------------------------------------------- */

/* Of a stage, in this order; what is not here is the graph's. */
#define OD_STAGE_NUMBERS(X)                                                                                  \
    X(attempts_launched) X(attempts_failed) X(tasks_recomputed) X(commits) X(adaptations) X(adapted_tasks)   \
    X(rows) X(bytes) X(spilled_bytes)                                                                          \
    X(peak_bytes) X(submitted_ns) X(completed_ns) X(attempts.steps) X(attempts.run_ns) X(attempts.wait_ns)   \
    X(attempts.fetched_blocks) X(attempts.fetched_bytes)
#define OD_OPERATOR_NUMBERS(X) X(rows) X(bytes) X(batches) X(spilled_bytes) X(peak_bytes) X(time_ns)

bool od_query_metrics_write(struct od_buffer *buffer, const struct od_query_metrics *metrics)
{
#define X(field) od_buffer_append_u64(buffer, numbers->field);
    for (uint32_t i = 0; i < metrics->stage_count; i++) {
        const struct od_stage_metrics *numbers = &metrics->stages[i];
        OD_STAGE_NUMBERS(X)
    }
    for (uint32_t i = 0; i < metrics->operator_count; i++) {
        const struct od_op_metrics *numbers = &od_stage_operators((struct od_query_metrics *)metrics, 0)[i];
        OD_OPERATOR_NUMBERS(X)
    }
#undef X
    return !buffer->failed;
}

bool od_query_metrics_read(struct od_reader *reader, struct od_query_metrics *metrics)
{
#define X(field)                                                                                             \
    number = od_reader_u64(reader);                                                                          \
    numbers->field = number;
    uint64_t number;
    for (uint32_t i = 0; i < metrics->stage_count; i++) {
        struct od_stage_metrics *numbers = &metrics->stages[i];
        OD_STAGE_NUMBERS(X)
    }
    for (uint32_t i = 0; i < metrics->operator_count; i++) {
        struct od_op_metrics *numbers = &od_stage_operators(metrics, 0)[i];
        OD_OPERATOR_NUMBERS(X)
    }
#undef X
    return !reader->failed && reader->offset == reader->size;
}

/* --- for people --------------------------------------------------------------------------------------------------- */

struct printing {
    const struct od_query_metrics *metrics;
    struct od_buffer *buffer;
};

/* ", waited 1.204 ms"; nothing for 0. */
static void print_time(struct od_buffer *buffer, const char *what, uint64_t ns)
{
    if (ns != 0)
        od_buffer_print(buffer, ", %s %llu.%03llu ms", what, (unsigned long long)(ns / 1000000),
                        (unsigned long long)(ns / 1000 % 1000));
}

static void print_amount(struct od_buffer *buffer, const char *what, uint64_t bytes)
{
    if (bytes != 0)
        od_buffer_print(buffer, ", %s %llu bytes", what, (unsigned long long)bytes);
}

/* ", 3 failed"; nothing for 0. */
static void print_count(struct od_buffer *buffer, uint64_t count, const char *what)
{
    if (count != 0)
        od_buffer_print(buffer, ", %llu %s", (unsigned long long)count, what);
}

static void print_stage(void *self, const struct od_stage *stage)
{
    struct printing *printing = self;
    struct od_buffer *buffer = printing->buffer;
    const struct od_stage_metrics *metrics = &printing->metrics->stages[stage->stage_index];
    const struct od_attempt_metrics *attempts = &metrics->attempts;
    od_buffer_print(buffer, "  ran: %u attempt%s", metrics->attempts_launched,
                    metrics->attempts_launched == 1 ? "" : "s");
    print_count(buffer, metrics->attempts_failed, "failed");
    print_count(buffer, metrics->tasks_recomputed, "of recomputed tasks");
    if (metrics->adaptations != 0)
        od_buffer_print(buffer, ", %u task%s", metrics->adapted_tasks, metrics->adapted_tasks == 1 ? "" : "s");
    for (uint32_t a = 0; a < OD_ADAPTATION_COUNT; a++)
        if (metrics->adaptations >> a & 1)
            od_buffer_print(buffer, ", %s", od_adaptation_text((enum od_adaptation)a));
    od_buffer_print(buffer, ", rows %llu, %s %llu bytes", (unsigned long long)metrics->rows,
                    stage->exchange == OD_EXCHANGE_RESULT ? "answered" : "shuffled",
                    (unsigned long long)metrics->bytes);
    if (attempts->fetched_blocks != 0)
        od_buffer_print(buffer, ", fetched %llu blocks of %llu bytes",
                        (unsigned long long)attempts->fetched_blocks,
                        (unsigned long long)attempts->fetched_bytes);
    print_amount(buffer, "held", metrics->peak_bytes);
    print_amount(buffer, "spilled", metrics->spilled_bytes);
    if (metrics->completed_ns > metrics->submitted_ns)
        print_time(buffer, "took", metrics->completed_ns - metrics->submitted_ns);
    print_time(buffer, "worked", attempts->run_ns);
    print_time(buffer, "waited", attempts->wait_ns);
    od_buffer_append_text(buffer, "\n");
}

static void print_operator(void *self, const struct od_stage *stage, uint32_t position)
{
    struct printing *printing = self;
    struct od_buffer *buffer = printing->buffer;
    struct od_query_metrics *all = (struct od_query_metrics *)printing->metrics; /* only read */
    const struct od_op_metrics *metrics = &od_stage_operators(all, stage->stage_index)[position];
    od_buffer_print(buffer, " (rows %llu", (unsigned long long)metrics->rows);
    print_count(buffer, metrics->batches, metrics->batches == 1 ? "batch" : "batches");
    print_count(buffer, metrics->bytes, "bytes");
    print_amount(buffer, "held", metrics->peak_bytes);
    print_amount(buffer, "spilled", metrics->spilled_bytes);
    print_time(buffer, "took", metrics->time_ns);
    od_buffer_append_text(buffer, ")");
}

bool od_query_metrics_print(const struct od_query_metrics *metrics, const struct od_stage_graph *graph,
                            const struct od_run_counts *counts, struct od_buffer *buffer)
{
    struct printing printing = {metrics, buffer};
    const struct od_stage_notes notes = {print_stage, print_operator, &printing};
    od_stage_graph_print_noted(graph, &notes, buffer);
    od_buffer_print(buffer, "total: %u attempt%s", counts->attempts_launched,
                    counts->attempts_launched == 1 ? "" : "s");
    print_count(buffer, counts->attempts_failed, "failed");
    print_count(buffer, counts->attempts_refused, "too late");
    print_count(buffer, counts->tasks_recomputed, "of recomputed tasks");
    print_count(buffer, counts->executors_lost, "executors lost");
    print_count(buffer, counts->shuffle_rows, "rows shuffled");
    print_amount(buffer, "in", counts->shuffle_bytes);
    print_amount(buffer, "held", counts->memory_peak_bytes);
    print_amount(buffer, "spilled", counts->spilled_bytes);
    print_time(buffer, "took", counts->ended_ns - counts->started_ns);
    od_buffer_append_text(buffer, "\n");
    return !buffer->failed;
}
