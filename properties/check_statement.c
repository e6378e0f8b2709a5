/* check_statement: a SQL statement has one answer, however the engine runs it, and it is the one that
 * others give.
 *
 *   bind -> run as usual -> run in every variation whose stages differ, equal to the bit -> ask the others
 *
 * What varies: each rule off alone, and all; each way to join; rows a batch, partitions, tasks, executors,
 * colliding hashes, a memory so small that all is spilled. Codes of findings: SV a variation differs, SB
 * the engine breaks; those of the others are given where they are asked (subject.h). */
#include "properties/answer.h"
#include "properties/check_run.h"
#include "properties/model.h"
#include "properties/statement.h"

#include "engine/core/assert.h"
#include "engine/plan/rules.h"

#include <stdio.h>
#include <string.h>

#define ALL_RULES    ((UINT32_C(1) << OD_RULE_COUNT) - 1)
#define SMALL_MEMORY 200u

/* A 0 leaves the usual. */
struct variation {
    uint32_t rules_off;
    uint32_t join_strategy;
    uint32_t join_algorithm;
    uint32_t batch_rows;
    uint32_t partition_count;
    uint32_t scan_task_count;
    uint32_t executor_count;
    bool collide;
    bool spill;
};
static const struct variation variations[] = {
    {ALL_RULES, 0, 0, 0, 0, 0, 0, false, false},
    /* broadcast or partitioned; hash, merge, nested loop */
    {0, 1, 0, 0, 0, 0, 0, false, false},
    {0, 2, 0, 0, 0, 0, 0, false, false},
    {0, 0, 1, 0, 0, 0, 0, false, false},
    {0, 0, 2, 0, 0, 0, 0, false, false},
    {0, 0, 3, 0, 0, 0, 0, false, false},
    {0, 1, 1, 0, 0, 0, 0, false, false},
    {0, 2, 1, 0, 0, 0, 0, false, false},
    {0, 1, 2, 0, 0, 0, 0, false, false},
    {0, 2, 2, 0, 0, 0, 0, false, false},
    {0, 1, 3, 0, 0, 0, 0, false, false},
    {0, 2, 3, 0, 0, 0, 0, false, false},
    {ALL_RULES, 2, 2, 0, 0, 0, 0, false, false},
    /* sizes, each value once and more */
    {0, 0, 0, 1, 16, 1, 1, false, false},
    {0, 0, 0, 2, 7, 3, 4, true, false},
    {0, 0, 0, 7, 1, 6, 2, false, true},
    {0, 0, 0, 49, 2, 2, 1, true, true},
    {0, 2, 0, 1, 3, 5, 3, true, true},
    {0, 2, 2, 2, 5, 4, 4, false, true},
    {ALL_RULES, 2, 1, 3, 11, 2, 4, true, true},
};
#define VARIATION_COUNT (sizeof(variations) / sizeof(variations[0]))

static struct od_case_cluster varied(const struct od_case_cluster *usual, const struct variation *variation)
{
    struct od_case_cluster cluster = *usual;
    cluster.rules_off = variation->rules_off;
    cluster.join_strategy = variation->join_strategy;
    cluster.join_algorithm = variation->join_algorithm;
    if (variation->batch_rows != 0)
        cluster.batch_rows = variation->batch_rows;
    if (variation->partition_count != 0)
        cluster.partition_count = variation->partition_count;
    if (variation->scan_task_count != 0)
        cluster.scan_task_count = variation->scan_task_count;
    if (variation->executor_count != 0)
        cluster.executor_count = variation->executor_count;
    cluster.collide = variation->collide;
    cluster.operator_bytes = variation->spill ? SMALL_MEMORY : 0;
    return cluster;
}

static void print_cluster(const struct od_case_cluster *cluster, char *text, size_t size)
{
    snprintf(text, size,
             "rules off %#x, join strategy %u, algorithm %u, batch %u, partitions %u, scan tasks %u, "
             "executors %u%s%s",
             cluster->rules_off, cluster->join_strategy, cluster->join_algorithm, cluster->batch_rows,
             cluster->partition_count, cluster->scan_task_count, cluster->executor_count,
             cluster->collide ? ", hashes 0" : "", cluster->operator_bytes != 0 ? ", spilling" : "");
}

struct run {
    enum od_status status;
    struct od_error error;
    struct od_answer answer;
    bool known; /* nothing was run */
};

static enum od_status copy_texts(struct od_arena *arena, struct od_answer *answer, struct od_error *error)
{
    for (size_t i = 0; i < (size_t)answer->row_count * answer->column_count; i++) {
        struct od_value *cell = &answer->cells[i];
        if (cell->is_null || cell->type != OD_TYPE_TEXT)
            continue;
        cell->text.bytes = od_arena_copy_text(arena, cell->text.bytes, cell->text.size);
        if (cell->text.bytes == NULL)
            return od_fail(error, OD_NO_MEMORY, "keeping an answer");
    }
    return OD_OK;
}

/* Other endings than an answer, an error of evaluation or a refusal are findings. */
static enum od_status run_once(struct od_arena *arena, const struct od_case *test_case,
                               struct od_subject *subject, const struct od_plan *plan,
                               const struct od_case_cluster *cluster, bool only_new, struct run *run,
                               struct od_finding *finding, struct od_error *error)
{
    struct od_observation observation = {0};
    const struct od_run_request request = {
        .plan = plan, .sql = test_case->sql, .cluster = cluster, .only_new = only_new};
    *run = (struct run){0};
    OD_TRY(subject->run(subject->self, &request, &observation, error));
    run->known = observation.known;
    run->status = observation.status;
    run->error = observation.error;
    if (run->known || run->status == OD_UNSUPPORTED)
        return OD_OK;
    bool found_before = finding->found;
    od_check_invariants(&observation, finding);
    od_check_end(&observation, "SB", finding);
    if (finding->found && !found_before) {
        size_t size = strlen(finding->text);
        snprintf(finding->text + size, sizeof(finding->text) - size, "; ");
        print_cluster(cluster, finding->text + size + 2, sizeof(finding->text) - size - 2);
    }
    if (run->status != OD_OK || !observation.ended)
        return OD_OK;
    OD_TRY(od_answer_from_table(arena, observation.answer, &run->answer, error));
    return copy_texts(arena, &run->answer, error);
}

static enum od_status check_same(struct od_arena *arena, const struct od_case_cluster *cluster,
                                 enum od_compare how, const struct run *usual, const struct run *other,
                                 struct od_finding *finding, struct od_error *error)
{
    char text[600] = "";
    char where[250];
    bool equal = true;
    print_cluster(cluster, where, sizeof(where));
    if (usual->status != other->status)
        od_finding_set(finding, "SV", "%s as usual, %s with %s: %.200s%.200s", od_status_text(usual->status),
                       od_status_text(other->status), where, usual->error.text, other->error.text);
    if (usual->status != OD_OK || other->status != OD_OK)
        return OD_OK;
    OD_TRY(od_answer_compare(arena, &usual->answer, &other->answer, how, &equal, text, sizeof(text), error));
    if (!equal)
        od_finding_set(finding, "SV", "another answer with %s: %s", where, text);
    return OD_OK;
}

static enum od_status vary(struct od_arena *arena, const struct od_case *test_case,
                           struct od_subject *subject, const struct od_plan *plan, const struct run *usual,
                           struct od_finding *finding, struct od_error *error)
{
    struct run run;
    enum od_compare how = od_model_comparison(plan);
    for (uint32_t i = 0; i < OD_RULE_COUNT + VARIATION_COUNT && !finding->found; i++) {
        const struct variation rule = {.rules_off = UINT32_C(1) << (i < OD_RULE_COUNT ? i : 0)};
        const struct od_case_cluster cluster =
            varied(&test_case->cluster, i < OD_RULE_COUNT ? &rule : &variations[i - OD_RULE_COUNT]);
        OD_TRY(run_once(arena, test_case, subject, plan, &cluster, true, &run, finding, error));
        if (!run.known && !finding->found)
            OD_TRY(check_same(arena, &cluster, how, usual, &run, finding, error));
    }
    return OD_OK;
}

static enum od_status check(const struct od_case *test_case, struct od_subject *subject,
                            struct od_arena *arena, struct od_finding *finding, struct od_error *error)
{
    struct od_error refusal = {0};
    struct run usual = {0};
    const struct od_plan *plan = NULL;
    usual.status = subject->bind(subject->self, test_case, &plan, &refusal);
    if (usual.status == OD_NO_MEMORY)
        return od_fail(error, OD_NO_MEMORY, "binding a statement");
    if (usual.status == OD_OK)
        OD_TRY(run_once(arena, test_case, subject, plan, &test_case->cluster, false, &usual, finding, error));
    else
        usual.error = refusal;
    finding->excused = usual.status == OD_UNSUPPORTED;
    if (finding->excused)
        finding->error = usual.error;
    if (finding->excused || finding->found)
        return OD_OK;
    if (plan != NULL)
        OD_TRY(vary(arena, test_case, subject, plan, &usual, finding, error));
    const struct od_statement_outcome outcome = {usual.status, usual.error.text, plan, &usual.answer};
    if (finding->found || subject->ask_others == NULL)
        return OD_OK;
    return subject->ask_others(subject->self, test_case, &outcome, finding, error);
}

static enum od_status check_statement(const struct od_case *test_case, struct od_subject *subject,
                                      struct od_finding *finding, struct od_error *error)
{
    struct od_arena arena;
    od_assert(subject->bind != NULL);
    od_arena_init(&arena, test_case->memory, 0);
    enum od_status status = check(test_case, subject, &arena, finding, error);
    od_arena_release(&arena);
    return status;
}

const struct od_property od_property_statement = {
    .code = "SQL",
    .sentence = "a statement has one answer in every variation, and it is the others'",
    .root = OD_ROOT_STATEMENT,
    .check = check_statement,
};
