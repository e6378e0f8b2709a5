/* case_parts: see case_parts.h.
 *
 *   whole --draw again--> probe --family->take(i)--> probe without part i --check--> still fails?
 *
 * A family is a kind of parts: how many there are, what one is called, and how to take it out of what the probe has drawn. Nothing of
 * one probe reaches the next. */
#include "harness/case_parts.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "chaos/fault_detail.h"
#include "engine/plan/plan_rewrite.h"
#include "properties/case_print.h"

#define ROWS_MAX  40u /* of more of them only whole tables are taken out */
#define NODES_MAX 20u

/* --- settings of the cluster ------------------------------------------------------------------------------------ */

#define SETTING(field, plain, text) {text, offsetof(struct od_case_cluster, field), sizeof(((struct od_case_cluster *)0)->field), plain}
static const struct {
    const char *text;
    size_t offset;
    size_t size;
    uint64_t plain;
} settings[] = {
    SETTING(executor_count, 1, "executors"),
    SETTING(slots_per_executor, 1, "slots"),
    SETTING(partition_count, 1, "partitions"),
    SETTING(scan_task_count, 1, "scan tasks"),
    SETTING(batch_rows, 1024, "rows a batch"),
    SETTING(rules_off, 0, "rules off"),
    SETTING(join_strategy, 0, "join strategy"),
    SETTING(join_algorithm, 0, "join algorithm"),
    SETTING(compress, 0, "compressed blocks"),
    SETTING(via_sql, 0, "plan through SQL"),
    SETTING(operator_bytes, 0, "bytes of an operator"),
    SETTING(collide, 0, "hashes all 0"),
    SETTING(arrival_order, 0, "blocks as they arrive"),
    SETTING(partition_bytes, 0, "bytes a task should read"),
    SETTING(broadcast_bytes, 0, "bytes of sides read whole"),
    SETTING(backlog, 0, "waiting attempts a slot"),
    SETTING(eager, 0, "early second attempts"),
    SETTING(touchy, 0, "exclusion after one failure"),
    SETTING(seed, 0, "seed"),
};
#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))
#define COUNTED_SETTINGS 4u /* the first ones have axes of their own */

static uint64_t setting_of(const struct od_case_cluster *cluster, uint32_t index)
{
    uint64_t value = 0;
    memcpy(&value, (const char *)cluster + settings[index].offset, settings[index].size); /* little-endian, as all our machines */
    return value;
}

static uint32_t settings_count(const struct od_trial *whole)
{
    return whole->test_case.query == NULL ? SETTING_COUNT : 0; /* statements are run with every setting anyway */
}

/* --- sizes ---------------------------------------------------------------------------------------------------- */

static uint32_t details_of(const struct od_schedule *schedule)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < schedule->fault_count; i++) {
        struct od_fault fault = schedule->faults[i];
        for (uint32_t detail = 0; detail < OD_FAULT_DETAIL_COUNT; detail++)
            count += od_fault_drop_detail(&fault, (enum od_fault_detail)detail);
    }
    return count;
}

static uint32_t nodes_of(const struct od_plan *plan)
{
    return plan->tree_size > UINT32_MAX ? UINT32_MAX : (uint32_t)plan->tree_size;
}

void od_case_measure(const struct od_trial *trial, struct od_case_sizes *sizes_out)
{
    const struct od_case *test_case = &trial->test_case;
    uint32_t *counts = sizes_out->counts;
    memset(sizes_out, 0, sizeof(*sizes_out));
    counts[OD_CASE_AXIS_FAULTS] = trial->schedule.fault_count;
    counts[OD_CASE_AXIS_DETAILS] = details_of(&trial->schedule);
    counts[OD_CASE_AXIS_HEALS] = trial->schedule.heal_ns != 0;
    counts[OD_CASE_AXIS_TABLES] = test_case->table_count;
    counts[OD_CASE_AXIS_ROWS] = od_case_row_count(test_case);
    for (uint32_t i = 0; i < test_case->table_count; i++)
        counts[OD_CASE_AXIS_COLUMNS] += test_case->tables[i]->schema.field_count;
    counts[OD_CASE_AXIS_NODES] = test_case->plan == NULL ? 0 : nodes_of(test_case->plan);
    counts[OD_CASE_AXIS_SQL] = test_case->query == NULL ? 0 : (uint32_t)strlen(test_case->sql);
    counts[OD_CASE_AXIS_EXECUTORS] = test_case->cluster.executor_count;
    counts[OD_CASE_AXIS_SLOTS] = test_case->cluster.slots_per_executor;
    counts[OD_CASE_AXIS_PARTITIONS] = test_case->cluster.partition_count;
    counts[OD_CASE_AXIS_SCAN_TASKS] = test_case->cluster.scan_task_count;
    for (uint32_t i = COUNTED_SETTINGS; i < settings_count(trial); i++)
        counts[OD_CASE_AXIS_SETTINGS] += setting_of(&test_case->cluster, i) != settings[i].plain;
    counts[OD_CASE_AXIS_CHOICES] = od_choices_trimmed_bytes(trial->choices);
}

void od_case_sizes_print(const struct od_case_sizes *before, const struct od_case_sizes *after, struct od_buffer *buffer)
{
    static const char *const texts[] = {
#define X(name, text) text,
        OD_CASE_AXIS_LIST(X)
#undef X
    };
    od_buffer_print(buffer, "%-18s %7s %7s\n", "", "before", "after");
    for (uint32_t i = 0; i < OD_CASE_AXIS_COUNT; i++)
        if (before->counts[i] > 0 || after->counts[i] > 0)
            od_buffer_print(buffer, "%-18s %7" PRIu32 " %7" PRIu32 "\n", texts[i], before->counts[i], after->counts[i]);
}

/* --- needs: the families -------------------------------------------------------------------------------------- */

struct probe {
    const struct od_trial *whole; /* borrowed */
    struct od_choices choices;
    struct od_trial trial;
    struct od_schedule schedule; /* the trial's, to be changed before it is run */
    struct od_fault *faults;     /* owned; of the schedule; as many as the whole has, and one */
};

struct family {
    uint32_t (*count)(const struct od_trial *whole);
    /* Takes part `index` out of what was drawn; false: there is nothing to take. */
    bool (*take)(struct probe *probe, uint32_t index);
    void (*name)(const struct od_trial *whole, uint32_t index, struct od_buffer *buffer);
    const char *all; /* NULL, or what all of them are called when one verdict holds for all */
};

static uint32_t faults_count(const struct od_trial *whole)
{
    return whole->schedule.fault_count;
}

static bool take_fault(struct probe *probe, uint32_t index)
{
    probe->schedule.fault_count--;
    memmove(probe->faults + index, probe->faults + index + 1, (probe->schedule.fault_count - index) * sizeof(*probe->faults));
    return true;
}

static void name_fault(const struct od_trial *whole, uint32_t index, struct od_buffer *buffer)
{
    od_buffer_print(buffer, "fault %u (%s)", index + 1, od_fault_kind_text(whole->schedule.faults[index].kind));
}

static uint32_t details_count(const struct od_trial *whole)
{
    return whole->schedule.fault_count * OD_FAULT_DETAIL_COUNT;
}

static bool take_detail(struct probe *probe, uint32_t index)
{
    return od_fault_drop_detail(&probe->faults[index / OD_FAULT_DETAIL_COUNT],
                                (enum od_fault_detail)(index % OD_FAULT_DETAIL_COUNT));
}

static void name_detail(const struct od_trial *whole, uint32_t index, struct od_buffer *buffer)
{
    (void)whole;
    od_buffer_print(buffer, "%s of fault %u", od_fault_detail_text((enum od_fault_detail)(index % OD_FAULT_DETAIL_COUNT)),
                    index / OD_FAULT_DETAIL_COUNT + 1);
}

static uint32_t one(const struct od_trial *whole)
{
    (void)whole;
    return 1;
}

static bool take_heal(struct probe *probe, uint32_t index)
{
    bool heals = probe->schedule.heal_ns != 0;
    (void)index;
    probe->schedule.heal_ns = 0;
    return heals;
}

static void name_heal(const struct od_trial *whole, uint32_t index, struct od_buffer *buffer)
{
    (void)whole;
    (void)index;
    od_buffer_append_text(buffer, "healing");
}

/* As few executors as the faults name. */
static uint64_t plain_setting(const struct probe *probe, uint32_t index)
{
    uint64_t plain = settings[index].plain;
    for (uint32_t i = 0; i < probe->schedule.fault_count && settings[index].offset == offsetof(struct od_case_cluster, executor_count); i++) {
        uint32_t named = probe->faults[i].site.executor;
        plain = named != OD_ANY && named > plain ? named : plain;
    }
    return plain;
}

static bool take_setting(struct probe *probe, uint32_t index)
{
    struct od_case_cluster *cluster = &probe->trial.test_case.cluster;
    uint64_t plain = plain_setting(probe, index);
    bool is_other = setting_of(cluster, index) != plain;
    memcpy((char *)cluster + settings[index].offset, &plain, settings[index].size);
    return is_other;
}

static void name_setting(const struct od_trial *whole, uint32_t index, struct od_buffer *buffer)
{
    od_buffer_append_text(buffer, settings[index].text);
    if (settings[index].size > sizeof(bool))
        od_buffer_print(buffer, " %" PRIu64, setting_of(&whole->test_case.cluster, index));
}

/* In place: nobody else has seen the probe's tables yet. */
static bool keep_rows(struct od_table *table, uint32_t gone_first, uint32_t gone_count)
{
    uint32_t rows[ROWS_MAX], kept = 0;
    for (uint32_t i = 0; i < od_table_row_count(table) && kept < ROWS_MAX; i++)
        if (i < gone_first || i >= gone_first + gone_count)
            rows[kept++] = i;
    bool good = od_batch_builder_keep(&table->rows, rows, 0, kept, NULL) == OD_OK;
    od_table_finish(table);
    return good;
}

static uint32_t rows_count(const struct od_trial *whole)
{
    uint32_t count = od_case_row_count(&whole->test_case);
    return count <= ROWS_MAX ? count : 0;
}

/* The table of a row, which is then counted in it. */
static uint32_t table_of_row(const struct od_case *test_case, uint32_t *row)
{
    uint32_t table = 0;
    for (; *row >= od_table_row_count(test_case->tables[table]); table++)
        *row -= od_table_row_count(test_case->tables[table]);
    return table;
}

static bool take_row(struct probe *probe, uint32_t row)
{
    uint32_t table = table_of_row(&probe->trial.test_case, &row);
    return keep_rows(probe->trial.test_case.tables[table], row, 1);
}

static void name_row(const struct od_trial *whole, uint32_t row, struct od_buffer *buffer)
{
    uint32_t table = table_of_row(&whole->test_case, &row);
    od_buffer_print(buffer, "row %u of %s", row + 1, whole->test_case.tables[table]->name);
}

static uint32_t tables_count(const struct od_trial *whole)
{
    return whole->test_case.table_count;
}

static bool take_rows_of_table(struct probe *probe, uint32_t index)
{
    struct od_table *table = probe->trial.test_case.tables[index];
    return od_table_row_count(table) > 1 && keep_rows(table, 0, UINT32_MAX);
}

static void name_table(const struct od_trial *whole, uint32_t index, struct od_buffer *buffer)
{
    od_buffer_print(buffer, "rows of %s", whole->test_case.tables[index]->name);
}

/* --- the family of the plan's nodes ----------------------------------------------------------------------------- */

/* Can `input` stand where `node` stood? Its fields are found by number. */
static bool stands_for(const struct od_plan *node, const struct od_plan *input)
{
    bool alike = node->schema.field_count == input->schema.field_count;
    for (uint32_t i = 0; alike && i < node->schema.field_count; i++)
        alike = node->schema.fields[i].type == input->schema.fields[i].type &&
                node->schema.fields[i].nullable == input->schema.fields[i].nullable;
    return alike;
}

static uint32_t nodes_count(const struct od_trial *whole)
{
    const struct od_plan *plan = whole->test_case.plan;
    return plan == NULL || nodes_of(plan) > NODES_MAX ? 0 : 2 * nodes_of(plan); /* for either input */
}

/* The plan without its node of this number, counted from the root on; `node` itself where that is not in it, NULL where no input can
 * stand for it, or memory is refused. *number is lowered by the nodes that were passed, and UINT32_MAX behind the one. */
static const struct od_plan *without_node(struct od_arena *arena, const struct od_plan *node, uint32_t *number, uint32_t input)
{
    if (*number == 0) {
        *number = UINT32_MAX;
        return input < node->input_count && stands_for(node, node->inputs[input]) ? node->inputs[input] : NULL;
    }
    struct od_plan draft = *node;
    const struct od_plan *made = node;
    --*number;
    for (uint32_t i = 0; i < node->input_count && *number != UINT32_MAX; i++) {
        draft.inputs[i] = without_node(arena, node->inputs[i], number, input);
        bool is_bare = draft.inputs[i] != NULL && node->kind == OD_PLAN_LIMIT && draft.inputs[i]->kind != OD_PLAN_SORT;
        if (draft.inputs[i] == NULL || is_bare)
            return NULL;
    }
    if (*number == UINT32_MAX && od_plan_make(arena, &draft, NULL, &made, NULL) != OD_OK)
        return NULL;
    return made;
}

static bool take_node(struct probe *probe, uint32_t index)
{
    struct od_case *test_case = &probe->trial.test_case;
    uint32_t number = index / 2;
    if (number == 0 && test_case->property->root != OD_ROOT_ANY)
        return false;
    const struct od_plan *plan = without_node(&test_case->case_arena, test_case->plan, &number, index % 2);
    if (plan != NULL)
        test_case->plan = plan;
    return plan != NULL;
}

static const struct od_plan *node_of(const struct od_plan *plan, uint32_t *number)
{
    const struct od_plan *found = *number == 0 ? plan : NULL;
    if (found == NULL)
        --*number;
    for (uint32_t i = 0; i < plan->input_count && found == NULL; i++)
        found = node_of(plan->inputs[i], number);
    return found;
}

static void name_node(const struct od_trial *whole, uint32_t index, struct od_buffer *buffer)
{
    uint32_t number = index / 2;
    const struct od_plan *node = node_of(whole->test_case.plan, &number);
    od_buffer_print(buffer, "%s (node %u%s)", od_plan_kind_text(node->kind), index / 2 + 1,
                    node->input_count < 2 ? ""
                    : index % 2 == 0      ? ", for its left input"
                                          : ", for its right input");
}

static const struct family families[] = {
    {faults_count, take_fault, name_fault, NULL},
    {details_count, take_detail, name_detail, NULL},
    {one, take_heal, name_heal, NULL},
    {nodes_count, take_node, name_node, NULL},
    {tables_count, take_rows_of_table, name_table, NULL},
    {rows_count, take_row, name_row, "each row"},
    {settings_count, take_setting, name_setting, NULL},
};

/* --- needs: the trials ---------------------------------------------------------------------------------------- */

enum verdict { NOT_TAKEN, NEEDED, NOT_NEEDED };

/* `family` NULL: the whole. */
static enum verdict try_without(struct probe *probe, const struct family *family, uint32_t index)
{
    const struct od_trial *whole = probe->whole;
    struct od_trial *trial = &probe->trial;
    for (uint32_t i = 0; i < whole->schedule.fault_count; i++)
        probe->faults[i] = whole->schedule.faults[i];
    probe->schedule = (struct od_schedule){whole->schedule.fault_count, probe->faults, whole->schedule.heal_ns};
    od_choices_from_bytes(&probe->choices, whole->choices->bytes, od_choices_trimmed_bytes(whole->choices));
    if (od_trial_draw(trial, &probe->choices, NULL) != OD_OK || (family != NULL && !family->take(probe, index)))
        return NOT_TAKEN;
    trial->schedule = probe->schedule;
    if ((trial->oracles == NULL ? od_trial_check_guarded(trial, NULL) : od_trial_check(trial, NULL)) != OD_OK)
        return NOT_TAKEN;
    return od_trial_fails_with(trial, whole->finding.code, whole->digest) ? NOT_NEEDED : NEEDED;
}

struct told {
    struct od_buffer lists[2]; /* needed, not needed */
    uint32_t tried;
};

static void tell(struct told *told, enum verdict verdict, const struct od_trial *whole, const struct family *family, uint32_t index)
{
    struct od_buffer *list = &told->lists[verdict == NOT_NEEDED];
    if (list->size > 0)
        od_buffer_append_text(list, ", ");
    if (family->all != NULL && index == UINT32_MAX)
        od_buffer_append_text(list, family->all);
    else
        family->name(whole, index, list);
}

static void try_family(struct probe *probe, const struct family *family, struct told *told)
{
    enum verdict verdicts[OD_CASE_PARTS_MAX];
    uint32_t counts[3] = {0}, count = 0;
    for (; count < family->count(probe->whole) && told->tried < OD_CASE_PARTS_MAX; count++) {
        verdicts[count] = try_without(probe, family, count);
        counts[verdicts[count]]++;
        told->tried += verdicts[count] != NOT_TAKEN;
    }
    for (uint32_t v = NEEDED; v <= NOT_NEEDED && family->all != NULL && count > 1; v++)
        if (counts[v] == count) {
            tell(told, (enum verdict)v, probe->whole, family, UINT32_MAX);
            return;
        }
    for (uint32_t i = 0; i < count; i++)
        if (verdicts[i] != NOT_TAKEN)
            tell(told, verdicts[i], probe->whole, family, i);
}

void od_case_needs_print(const struct od_trial *whole, struct od_buffer *buffer)
{
    static struct probe probe; /* too large for a stack; one at a time */
    struct told told = {.tried = 0};
    size_t faults_bytes = ((size_t)whole->schedule.fault_count + 1) * sizeof(*probe.faults);
    if (!whole->finding.found || whole->deployment != OD_DEPLOY_SIM)
        return;
    memset(&probe, 0, sizeof(probe));
    probe.whole = whole;
    probe.faults = od_take(whole->memory, faults_bytes);
    od_choices_init(&probe.choices, whole->memory);
    od_trial_init(&probe.trial, whole->memory);
    probe.trial.only = whole->only;
    probe.trial.oracles = whole->oracles;
    probe.trial.given = &probe.schedule;
    od_buffer_init(&told.lists[0], whole->memory);
    od_buffer_init(&told.lists[1], whole->memory);
    if (probe.faults != NULL && try_without(&probe, NULL, 0) == NOT_NEEDED) {
        for (uint32_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
            try_family(&probe, &families[i], &told);
        od_buffer_print(buffer, "needed: %s\n", told.lists[0].size > 0 ? od_buffer_text(&told.lists[0]) : "nothing alone");
        od_buffer_print(buffer, "not needed: %s\n", told.lists[1].size > 0 ? od_buffer_text(&told.lists[1]) : "nothing");
    }
    od_buffer_release(&told.lists[0]);
    od_buffer_release(&told.lists[1]);
    od_trial_release(&probe.trial);
    od_choices_release(&probe.choices);
    od_give(whole->memory, probe.faults, faults_bytes);
}
