/* scope: the columns that FROM makes visible, and how a name finds one.
 *
 * A bare name looks at all `plain` entries and must find exactly one; a qualified one looks at one relation's
 * entries. Lists are short, so looking is a loop. */
#include <string.h>

#include "engine/sql/binder.h"

bool od_scope_has_relation(const struct od_scope *scope, const char *relation)
{
    for (uint32_t i = 0; i < scope->entry_count; i++)
        if (scope->entries[i].relation != NULL && strcmp(scope->entries[i].relation, relation) == 0)
            return true;
    return false;
}

static bool entry_matches(const struct od_scope_entry *entry, const char *relation, const char *name)
{
    if (strcmp(entry->name, name) != 0)
        return false;
    if (relation == NULL)
        return entry->plain;
    return entry->relation != NULL && strcmp(entry->relation, relation) == 0;
}

enum od_status od_scope_find(struct od_binder *binder, const struct od_scope *scope, const char *relation,
                             const char *name, int32_t location, const struct od_scope_entry **entry_out)
{
    *entry_out = NULL;
    for (uint32_t i = 0; i < scope->entry_count; i++) {
        if (!entry_matches(&scope->entries[i], relation, name))
            continue;
        if (*entry_out != NULL)
            return od_sql_fail(binder, OD_BAD_INPUT, location, "column reference \"%s\" is ambiguous", name);
        *entry_out = &scope->entries[i];
    }
    return OD_OK;
}

enum od_status od_scope_join(struct od_binder *binder, const struct od_scope *left,
                             const struct od_scope *right, int32_t location, struct od_scope *scope_out)
{
    uint32_t field_count = left->schema.field_count + right->schema.field_count;
    uint32_t entry_count = left->entry_count + right->entry_count;
    *scope_out = (struct od_scope){.schema.field_count = field_count, .entry_count = entry_count};
    scope_out->schema.fields =
        od_arena_take_array(binder->plan_arena, field_count, sizeof(*scope_out->schema.fields));
    scope_out->entries = od_arena_take_array(binder->plan_arena, entry_count, sizeof(*scope_out->entries));
    if (scope_out->schema.fields == NULL || scope_out->entries == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < field_count; i++)
        scope_out->schema.fields[i] = i < left->schema.field_count
                                          ? left->schema.fields[i]
                                          : right->schema.fields[i - left->schema.field_count];
    for (uint32_t i = 0; i < left->entry_count; i++)
        scope_out->entries[i] = left->entries[i];
    for (uint32_t i = 0; i < right->entry_count; i++) {
        const struct od_scope_entry *entry = &right->entries[i];
        if (entry->relation != NULL && od_scope_has_relation(left, entry->relation))
            return od_sql_fail(binder, OD_BAD_INPUT, location, "table name \"%s\" specified more than once",
                               entry->relation);
        scope_out->entries[left->entry_count + i] = *entry;
        scope_out->entries[left->entry_count + i].column_index += left->schema.field_count;
    }
    return OD_OK;
}
