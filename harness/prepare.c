/* prepare: see prepare.h. */
#include "harness/prepare.h"

#include <stdio.h>
#include <string.h>

#include "engine/expr/evaluate.h"
#include "engine/sql/sql.h"

enum od_status od_prepare_plan(struct od_arena *plan_arena, const struct od_plan *plan,
                               const struct od_plan_options *options, struct od_prepared *prepared_out,
                               struct od_error *error)
{
    struct od_plan_options with_folding = *options;
    with_folding.evaluate_constant = od_evaluate_constant;
    *prepared_out = (struct od_prepared){.plan = plan};
    return od_plan_query(plan_arena, plan, &with_folding, &prepared_out->optimised, &prepared_out->graph, error);
}

enum od_status od_prepare_sql(struct od_arena *plan_arena, const char *sql, const struct od_catalog *catalog,
                              const struct od_plan_options *options, struct od_prepared *prepared_out,
                              struct od_error *error)
{
    const struct od_plan *plan = NULL;
    const struct od_sql_context context = {.catalog = catalog, .evaluate_constant = od_evaluate_constant};
    *prepared_out = (struct od_prepared){0};
    OD_TRY(od_sql_bind(plan_arena, sql, &context, &plan, error));
    return od_prepare_plan(plan_arena, plan, options, prepared_out, error);
}

enum od_status od_rules_off_parse(const char *text, uint32_t *rules_off, struct od_error *error)
{
    for (const char *at = text; *at != '\0';) {
        size_t size = strcspn(at, ",");
        char name[40];
        enum od_rule rule;
        snprintf(name, sizeof(name), "%.*s", (int)(size < 39 ? size : 39), at);
        if (!od_rule_find(name, &rule)) {
            char list[300] = "";
            for (uint32_t i = 0; i < OD_RULE_COUNT; i++)
                snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i == 0 ? "" : ", ",
                         od_rule_text((enum od_rule)i));
            return od_fail(error, OD_BAD_INPUT, "unknown rule %s; expected some of %s", name, list);
        }
        *rules_off |= UINT32_C(1) << rule;
        at += size + (at[size] == ',');
    }
    return OD_OK;
}
