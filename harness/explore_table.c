/* explore_table: see explore_table.h. */
#include "harness/explore_table.h"

#include "chaos/fault_kind.h"

/* Pairs of rows that each take effect alone, and what became of them together. */
struct meetings {
    uint32_t possible;
    uint32_t tried;
    uint32_t both_fired;
};

static bool has_fired(const struct od_coverage *coverage, uint32_t row)
{
    return atomic_load(&coverage->cells[row / (OD_POINT_COUNT + 1)][row % (OD_POINT_COUNT + 1)][0][OD_COVERAGE_FIRED]) > 0;
}

static struct meetings count_meetings(const struct od_coverage *coverage)
{
    struct meetings meetings = {0};
    for (uint32_t i = 0; i < OD_COVERAGE_ROW_COUNT; i++) {
        for (uint32_t k = i; has_fired(coverage, i) && k < OD_COVERAGE_ROW_COUNT; k++) {
            if (!has_fired(coverage, k))
                continue;
            uint8_t met = atomic_load(&coverage->met[i][k]);
            meetings.possible++;
            meetings.tried += (met & OD_MET_TRIED) != 0;
            meetings.both_fired += (met & OD_MET_BOTH_FIRED) != 0;
        }
    }
    return meetings;
}

/* A row of the table. */
struct row {
    enum od_fault_kind kind;
    uint32_t point; /* or OD_COVERAGE_AT_TIME */
};

static bool is_row(enum od_fault_kind kind, uint32_t point)
{
    return point == OD_COVERAGE_AT_TIME ? od_fault_kind_row(kind)->at_time : od_fault_kind_allows(kind, (enum od_point)point);
}

static const char *point_text(uint32_t point)
{
    return point == OD_COVERAGE_AT_TIME ? "a time" : od_point_text((enum od_point)point);
}

static uint64_t at(const struct od_coverage *coverage, struct row row, uint32_t depth, enum od_coverage_field field)
{
    return atomic_load(&coverage->cells[row.kind][row.point][depth][field]);
}

static uint64_t reach(const struct od_coverage *coverage, uint32_t point, enum od_coverage_reach who)
{
    return atomic_load(&coverage->reached[point][who]);
}

/* Why it was not tried. */
static const char *untried(const struct od_coverage *coverage, struct row row)
{
    enum od_fault_victim victim = od_fault_kind_row(row.kind)->victim;
    if (row.point == OD_COVERAGE_AT_TIME)
        return NULL;
    uint64_t by_driver = reach(coverage, row.point, OD_REACH_DRIVER);
    uint64_t by_executors = reach(coverage, row.point, OD_REACH_EXECUTOR);
    if (by_driver + by_executors == 0)
        return "no query reaches this point";
    if (victim == OD_FAULT_OF_DRIVER && by_driver == 0)
        return "only executors reach this point";
    if (victim == OD_FAULT_OF_EXECUTOR && by_executors == 0)
        return "only the driver reaches this point";
    if (od_fault_needs_bytes(od_fault_kind_row(row.kind)) && reach(coverage, row.point, OD_REACH_WITH_BYTES) == 0)
        return "no bytes pass this point";
    uint32_t roles = od_fault_kind_row(row.kind)->roles;
    if (row.point == OD_POINT_MESSAGE_SEND && roles != 0 && (roles & coverage->roles_sent) == 0)
        return "no query sends such a message undisturbed";
    return NULL;
}

/* NULL: there is no gap. "" is one without a reason. */
static const char *gap_of(const struct od_coverage *coverage, struct row row)
{
    if (at(coverage, row, 0, OD_COVERAGE_FIRED) + at(coverage, row, 1, OD_COVERAGE_FIRED) > 0)
        return NULL;
    if (at(coverage, row, 0, OD_COVERAGE_RUNS) > 0)
        return "tried, without effect: there was nothing that it could act on";
    const char *reason = untried(coverage, row);
    if (coverage->is_cut)
        return "not tried before the end";
    return reason == NULL ? "" : reason;
}

static void each_row(void (*visit)(void *self, const struct od_coverage *coverage, struct row row),
                     const struct od_coverage *coverage, void *self)
{
    for (unsigned k = 0; k < OD_FAULT_KIND_COUNT; k++)
        for (uint32_t p = 0; p <= OD_COVERAGE_AT_TIME; p++)
            if (is_row((enum od_fault_kind)k, p))
                visit(self, coverage, (struct row){(enum od_fault_kind)k, p});
}

struct printer {
    FILE *stream;
    uint32_t depth;
};

static void print_row(void *self, const struct od_coverage *coverage, struct row row)
{
    const struct printer *printer = self;
    fprintf(printer->stream, "%-28s %-14s", od_fault_kind_text(row.kind), point_text(row.point));
    for (uint32_t d = 0; d < printer->depth; d++)
        for (unsigned f = 0; f < OD_COVERAGE_FIELD_COUNT; f++)
            fprintf(printer->stream, " %*llu", d == 0 ? 8 : 9,
                    (unsigned long long)at(coverage, row, d, (enum od_coverage_field)f));
    const char *gap = gap_of(coverage, row);
    fprintf(printer->stream, "%s%s\n", gap == NULL ? "" : "  ", gap == NULL ? "" : *gap == '\0' ? "NOT EXPLAINED" : gap);
}

void od_coverage_print(const struct od_coverage *coverage, uint32_t depth, FILE *stream)
{
    struct printer printer = {stream, depth};
    fprintf(stream, "%-28s %-14s %8s %8s %8s %8s %8s", "kind", "at", "alone", "fired", "held", "promised", "violated");
    if (depth > 1)
        fprintf(stream, " %9s %9s %9s %9s %9s", "in pairs", "both", "held", "promised", "violated");
    fprintf(stream, "\n");
    each_row(print_row, coverage, &printer);
}

static unsigned long long load(const _Atomic uint64_t *number)
{
    return (unsigned long long)atomic_load(number);
}

static void print_grains(const struct od_coverage *coverage, uint32_t depth, FILE *stream)
{
    for (uint32_t g = 0; g < OD_EXPLORE_GRAIN_COUNT; g++) {
        uint64_t count = coverage->grain_subjects[depth][g];
        if (count > 0)
            fprintf(stream, "    %llu %s: %s%s\n", (unsigned long long)count, count == 1 ? "query" : "queries", g == 0 ? "" : "of like ones ",
                    od_explore_grain_text(g));
    }
}

void od_coverage_print_bounds(const struct od_coverage *coverage, uint32_t depth, FILE *stream)
{
    fprintf(stream, "single faults: %llu of %llu\n", load(&coverage->runs[0]), (unsigned long long)coverage->candidates);
    print_grains(coverage, 0, stream);
    if (depth < 2)
        return;
    fprintf(stream, "pairs: %llu of %llu, and %llu at points that only recovery reaches (%llu more were left out)\n",
            load(&coverage->runs[1]) - load(&coverage->recovery_pairs), (unsigned long long)coverage->candidate_pairs,
            load(&coverage->recovery_pairs), load(&coverage->pairs_left_out));
    print_grains(coverage, 1, stream);
    const struct meetings meetings = count_meetings(coverage);
    fprintf(stream, "    pairs of rows of the table: %u, of which %u were tried, and %u took effect in one run\n", meetings.possible,
            meetings.tried, meetings.both_fired);
    if (coverage->sampled_subjects > 0)
        fprintf(stream, "    of the pairs of %llu of these a fixed share, not all\n", (unsigned long long)coverage->sampled_subjects);
}

struct gap_counter {
    uint32_t count;
    uint32_t unexplained;
};

static void count_gap(void *self, const struct od_coverage *coverage, struct row row)
{
    struct gap_counter *counter = self;
    const char *gap = gap_of(coverage, row);
    counter->count += gap != NULL;
    counter->unexplained += gap != NULL && *gap == '\0';
}

uint32_t od_coverage_gaps(const struct od_coverage *coverage, uint32_t *unexplained_out)
{
    struct gap_counter counter = {0};
    each_row(count_gap, coverage, &counter);
    *unexplained_out = counter.unexplained;
    return counter.count;
}

static void add_row(void *self, const struct od_coverage *coverage, struct row row)
{
    static const char *const fields[OD_COVERAGE_FIELD_COUNT] = {"runs", "fired", "held", "promised", "violated"};
    json_t *rows = self;
    json_t *depths[2] = {json_object(), json_object()};
    const char *gap = gap_of(coverage, row);
    for (uint32_t d = 0; d < 2; d++)
        for (unsigned f = 0; f < OD_COVERAGE_FIELD_COUNT; f++)
            json_object_set_new(depths[d], fields[f], json_integer((json_int_t)at(coverage, row, d, (enum od_coverage_field)f)));
    json_array_append_new(rows, json_pack("{ss ss so so ss?}", "kind", od_fault_kind_text(row.kind), "at", point_text(row.point),
                                          "alone", depths[0], "in_pairs", depths[1], "gap", gap));
}

json_t *od_coverage_json(const struct od_coverage *coverage, uint32_t depth)
{
    uint32_t unexplained = 0;
    uint32_t gaps = od_coverage_gaps(coverage, &unexplained);
    const struct meetings meetings = count_meetings(coverage);
    json_t *rows = json_array();
    char digest[17];
    snprintf(digest, sizeof(digest), "%016llx", load(&coverage->digest));
    each_row(add_row, coverage, rows);
    return json_pack("{si sI sI sI sI sI sI sI sI sI si si si sb si si ss so}", "depth", (int)depth, "subjects", (json_int_t)coverage->subject_count,
                     "empty_answers", (json_int_t)coverage->empty_count, "single_runs", (json_int_t)load(&coverage->runs[0]),
                     "single_candidates", (json_int_t)coverage->candidates, "pair_runs", (json_int_t)load(&coverage->runs[1]),
                     "pair_candidates", (json_int_t)coverage->candidate_pairs, "recovery_pairs", (json_int_t)load(&coverage->recovery_pairs),
                     "recovery_pairs_left_out", (json_int_t)load(&coverage->pairs_left_out), "violated",
                     (json_int_t)(load(&coverage->violated[0]) + load(&coverage->violated[1])), "row_pairs", (int)meetings.possible, "row_pairs_tried", (int)meetings.tried, "row_pairs_fired", (int)meetings.both_fired, "cut", (int)coverage->is_cut, "gaps",
                     (int)gaps, "unexplained_gaps", (int)unexplained, "digest", digest, "rows", rows);
}
