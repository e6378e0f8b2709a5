/* case: draws everything random about a trial, in a fixed order; see case.h.
 *
 *   property -> flavour -> tables -> plan -> cluster        (then harness/ draws the schedule from the same
 *                                                           choices)
 *
 * The order is part of the format of case files: changing it changes the meaning of every stored case.
 * Lifetimes: the plan, the SQL and the catalogue die with case_arena; the tables are given back one by one in
 * _release. */
#include "properties/case.h"

#include "engine/core/assert.h"
#include "engine/plan/rules.h"
#include "properties/generate.h"
#include "properties/property.h"
#include "properties/statement.h"

#include <string.h>

static const struct od_property *draw_property(struct od_choices *choices)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < od_property_count; i++)
        total += od_properties[i].weight;
    uint64_t drawn = od_choices_below(choices, total);
    for (uint32_t i = 0; i < od_property_count; i++) {
        if (drawn < od_properties[i].weight)
            return &od_properties[i];
        drawn -= od_properties[i].weight;
    }
    od_unreachable();
}

/* R2 needs tables that SQLite can hold; the others meet every flavour. */
static enum od_flavour draw_flavour(struct od_choices *choices, const struct od_property *property)
{
    static const enum od_flavour flavours[] = {OD_FLAVOUR_PLAIN, OD_FLAVOUR_SPECIAL, OD_FLAVOUR_SPECIAL,
                                               OD_FLAVOUR_WILD};
    uint64_t drawn = od_choices_below(choices, 4);
    if (property->root == OD_ROOT_STATEMENT) /* half of them for SQLite */
        return (enum od_flavour)(drawn == 0 ? 0 : drawn - 1);
    return property->plain_numbers ? OD_FLAVOUR_PLAIN : flavours[drawn];
}

/* One, two or three tables, as likely. Each comes with its "one more?", the first one too: any of them can go. */
static enum od_status draw_tables(struct od_case *test_case, struct od_gen *gen)
{
    test_case->tables =
        od_arena_take_array(&test_case->case_arena, OD_GEN_TABLES_MAX, sizeof(struct od_table *));
    if (test_case->tables == NULL)
        return od_fail(gen->error, OD_NO_MEMORY, "drawing a case: its tables");
    gen->tables = test_case->tables; /* later tables take values of earlier ones */
    for (bool more = true; more;) {
        uint32_t index = test_case->table_count;
        od_choices_begin(gen->choices, "table");
        more = od_random_chance(&gen->choices->random, index == 2 ? 1 : 2, index == 2 ? 2 : 3);
        more = (more || index == 0) && index < OD_GEN_TABLES_MAX;
        if (more)
            test_case->tables[index] = od_gen_table(gen, index);
        od_choices_end(gen->choices);
        if (more && test_case->tables[index] == NULL)
            return gen->status;
        test_case->table_count += more;
        gen->table_count = test_case->table_count;
    }
    test_case->catalog.table_count = test_case->table_count;
    test_case->catalog.tables = (const struct od_table *const *)test_case->tables;
    return OD_OK;
}

/* Half of the cases run with all rules. Of the others some lack one, some lack all, and most lack about a quarter. */
static uint32_t draw_rules_off(struct od_choices *choices)
{
    const uint32_t all = (UINT32_C(1) << OD_RULE_COUNT) - 1;
    uint64_t kind = od_choices_below(choices, 8);
    if (kind < 4)
        return 0;
    if (kind == 4)
        return UINT32_C(1) << od_choices_below(choices, OD_RULE_COUNT);
    if (kind == 5)
        return all;
    uint64_t first = od_choices_below(choices, (uint64_t)all + 1);
    return (uint32_t)(first & od_choices_below(choices, (uint64_t)all + 1));
}

static void draw_cluster(struct od_choices *choices, struct od_case_cluster *cluster)
{
    static const uint32_t batch_rows[] = {1024, 1, 2, 7, 49};
    static const uint64_t operator_bytes[] = {0, 0, 0, 0, 0, 0, 2000, 1};
    static const uint64_t partition_bytes[] = {0, 0, 0, 0, 1, 300, 1500, 100000};
    cluster->executor_count = 1 + (uint32_t)od_choices_below(choices, 5);
    cluster->slots_per_executor = 1 + (uint32_t)od_choices_below(choices, 3);
    cluster->batch_rows = batch_rows[od_choices_below(choices, 5)];
    uint64_t partitions_max = od_choices_below(choices, 8) == 7 ? 16 : 6;
    cluster->partition_count = 1 + (uint32_t)od_choices_below(choices, partitions_max);
    cluster->scan_task_count = 1 + (uint32_t)od_choices_below(choices, 6);
    cluster->rules_off = draw_rules_off(choices);
    cluster->join_strategy = (uint32_t)od_choices_below(choices, 3);
    if (od_choices_below(choices, 2) == 1)
        cluster->join_algorithm = (uint32_t)od_choices_below(choices, 4);
    cluster->compress = od_choices_below(choices, 3) == 2;
    cluster->via_sql = od_choices_below(choices, 4) == 3;
    cluster->operator_bytes = operator_bytes[od_choices_below(choices, 8)];
    cluster->collide = od_choices_below(choices, 8) == 7;
    od_choices_begin(choices, "seed"); /* so that a shrinker can draw another one for itself */
    cluster->seed = od_choices_below(choices, UINT64_C(1) << 32);
    od_choices_end(choices);
    cluster->arrival_order = od_choices_below(choices, 2) == 1;
    cluster->partition_bytes = partition_bytes[od_choices_below(choices, 8)];
    if (cluster->partition_bytes != 0)
        cluster->broadcast_bytes = partition_bytes[od_choices_below(choices, 8)];
    uint64_t backlog = od_choices_below(choices, 6);
    cluster->backlog = backlog < 3 ? 0 : (uint32_t)backlog - 2;
    cluster->eager = od_choices_below(choices, 3) == 2;
    cluster->touchy = od_choices_below(choices, 4) == 3;
}

/* Tables first, which neighbouring cases of a campaign share. */
static enum od_status draw_statement(struct od_case *test_case, struct od_gen *gen)
{
    test_case->tables = od_arena_take_array(gen->arena, OD_QUERY_TABLES_MAX, sizeof(struct od_table *));
    if (test_case->tables == NULL)
        return od_fail(gen->error, OD_NO_MEMORY, "drawing a case: its tables");
    gen->tables = test_case->tables;
    for (bool more = true; more && gen->table_count < OD_QUERY_TABLES_MAX;) {
        od_choices_begin(gen->choices, "table");
        more = od_random_chance(&gen->choices->random, 3, 4) || gen->table_count == 0;
        struct od_table *table = more ? od_gen_query_table(gen, gen->table_count) : NULL;
        od_choices_end(gen->choices);
        if (more && table == NULL)
            return gen->status;
        if (more)
            test_case->tables[gen->table_count++] = table;
        test_case->table_count = gen->table_count;
    }
    test_case->catalog.table_count = test_case->table_count;
    test_case->catalog.tables = (const struct od_table *const *)test_case->tables;
    od_choices_turn(gen->choices);
    test_case->query = od_gen_query(gen);
    if (test_case->query == NULL)
        return gen->status;
    test_case->sql = test_case->query->sql;
    od_choices_begin(gen->choices, "cluster");
    test_case->cluster = (struct od_case_cluster){.executor_count = 3,
                                                  .slots_per_executor = 1,
                                                  .batch_rows = 1024,
                                                  .partition_count = 4,
                                                  .scan_task_count = 4,
                                                  .seed = od_choices_below(gen->choices, 256)};
    od_choices_end(gen->choices);
    return OD_OK;
}

/* SQL has no words for where rows are: a query says that its rows keep the order of the sub-query, the plan that they lose it. */
static bool deals_out_sorted_rows(const struct od_plan *plan, bool is_dealt_out)
{
    is_dealt_out = is_dealt_out || plan->kind == OD_PLAN_REPARTITION;
    if (is_dealt_out && plan->kind == OD_PLAN_SORT)
        return true;
    for (uint32_t i = 0; i < plan->input_count; i++)
        if (deals_out_sorted_rows(plan->inputs[i], is_dealt_out))
            return true;
    return false;
}

enum od_status od_case_draw(struct od_case *test_case, struct od_memory *memory, struct od_choices *choices,
                            const struct od_property *only, struct od_error *error)
{
    memset(test_case, 0, sizeof(*test_case));
    test_case->memory = memory;
    od_arena_init(&test_case->case_arena, memory, 0);
    const struct od_property *drawn =
        draw_property(choices); /* drawn also when `only` rules: same bytes, same rest */
    test_case->property = only != NULL ? only : drawn;

    struct od_gen gen;
    memset(&gen, 0, sizeof(gen));
    gen.choices = choices;
    gen.memory = memory;
    gen.arena = &test_case->case_arena;
    gen.error = error;
    gen.flavour = draw_flavour(choices, test_case->property);
    if (test_case->property->root == OD_ROOT_STATEMENT)
        return draw_statement(test_case, &gen);
    enum od_status status = draw_tables(test_case, &gen);
    if (status != OD_OK)
        return status;
    test_case->plan = od_gen_plan(&gen, test_case->property->root);
    if (test_case->plan == NULL)
        return gen.status;
    od_choices_begin(choices, "cluster");
    draw_cluster(choices, &test_case->cluster);
    od_choices_end(choices);
    test_case->cluster.via_sql &= !deals_out_sorted_rows(test_case->plan, false);
    return OD_OK;
}

void od_case_release(struct od_case *test_case)
{
    if (test_case->memory == NULL)
        return;
    for (uint32_t i = 0; i < test_case->table_count; i++)
        od_table_free(test_case->memory, test_case->tables[i]);
    od_arena_release(&test_case->case_arena);
    memset(test_case, 0, sizeof(*test_case));
}

/* --- the same plan over other tables -------------------------------------------------------------------- */

static const struct od_table *replacement(const struct od_case *test_case, struct od_table *const *tables,
                                          const struct od_table *table)
{
    for (uint32_t i = 0; i < test_case->table_count; i++)
        if (test_case->tables[i] == table)
            return tables[i];
    od_unreachable();
}

static enum od_status replan(struct od_arena *arena, const struct od_case *test_case,
                             struct od_table *const *tables, const struct od_plan *plan,
                             const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan *copy = od_arena_take(arena, sizeof(*copy));
    *plan_out = NULL;
    if (copy == NULL)
        return od_fail(error, OD_NO_MEMORY, "replacing the tables of a plan");
    *copy = *plan;
    if (plan->kind == OD_PLAN_SCAN)
        copy->scan.table = replacement(test_case, tables, plan->scan.table);
    for (uint32_t i = 0; i < plan->input_count; i++) {
        enum od_status status = replan(arena, test_case, tables, plan->inputs[i], &copy->inputs[i], error);
        if (status != OD_OK)
            return status;
    }
    *plan_out = copy;
    return OD_OK;
}

enum od_status od_case_replan(struct od_arena *arena, const struct od_case *test_case,
                              struct od_table *const *tables, const struct od_plan **plan_out,
                              struct od_error *error)
{
    return replan(arena, test_case, tables, test_case->plan, plan_out, error);
}
