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

bool od_scope_matches(const struct od_scope_entry *entry, const char *relation, const char *name)
{
    if (name != NULL && strcmp(entry->name, name) != 0)
        return false;
    return relation == NULL ? entry->plain
                            : entry->relation != NULL && strcmp(entry->relation, relation) == 0;
}

uint32_t od_scope_find(const struct od_scope *scope, const char *relation, const char *name,
                       const struct od_scope_entry **entry_out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < scope->entry_count; i++) {
        if (!od_scope_matches(&scope->entries[i], relation, name))
            continue;
        *entry_out = &scope->entries[i];
        count++;
    }
    return count;
}

bool od_scope_of(struct od_binder *binder, const char *relation, const struct od_schema *schema,
                 struct od_scope *scope_out)
{
    struct od_scope_entry *entries = od_sql_take(binder, schema->field_count, sizeof(*entries));
    OD_NEED(entries != NULL);
    *scope_out = (struct od_scope){*schema, schema->field_count, entries};
    for (uint32_t i = 0; i < schema->field_count; i++)
        entries[i] = (struct od_scope_entry){
            .relation = relation, .name = schema->fields[i].name, .column_index = i, .plain = true};
    return true;
}

bool od_scope_join(struct od_binder *binder, const struct od_scope *left, const struct od_scope *right,
                   int32_t location, struct od_scope *scope_out)
{
    uint32_t left_count = left->schema.field_count;
    uint32_t field_count = left_count + right->schema.field_count;
    uint32_t entry_count = left->entry_count + right->entry_count;
    struct od_field *fields = od_sql_take(binder, field_count, sizeof(*fields));
    struct od_scope_entry *entries = od_sql_take(binder, entry_count, sizeof(*entries));
    OD_NEED(fields != NULL && entries != NULL);
    for (uint32_t i = 0; i < field_count; i++)
        fields[i] = i < left_count ? left->schema.fields[i] : right->schema.fields[i - left_count];
    for (uint32_t i = 0; i < left->entry_count; i++)
        entries[i] = left->entries[i];
    for (uint32_t i = 0; i < right->entry_count; i++) {
        const struct od_scope_entry *entry = &right->entries[i];
        if (entry->relation != NULL && od_scope_has_relation(left, entry->relation))
            return od_sql_wrong(binder, location, "table name \"%s\" specified more than once",
                                entry->relation);
        entries[left->entry_count + i] = *entry;
        entries[left->entry_count + i].column_index += left_count;
    }
    *scope_out = (struct od_scope){{field_count, fields}, entry_count, entries};
    return true;
}
