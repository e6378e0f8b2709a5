/* gen_query_table: the tables that SQL statements are drawn over; see statement.h.
 *
 * A column's name decides its type, so that NATURAL and USING find what fits; a value is NULL, or drawn
 * from a pool of few that its name always has (duplicates, partners in joins), or fresh from the flavour,
 * whose extremes break engines. */
#include "properties/statement.h"

#include "engine/core/assert.h"

static const struct {
    const char *name;
    enum od_type types[2]; /* either, by a draw */
} columns[OD_QUERY_COLUMNS_MAX] = {
    {"a", {OD_TYPE_INT32, OD_TYPE_INT64}},         {"b", {OD_TYPE_INT64, OD_TYPE_INT32}},
    {"c", {OD_TYPE_TEXT, OD_TYPE_TEXT}},           {"d", {OD_TYPE_FLOAT64, OD_TYPE_FLOAT64}},
    {"e", {OD_TYPE_DECIMAL, OD_TYPE_DECIMAL}},     {"f", {OD_TYPE_DATE, OD_TYPE_DATE}},
    {"g", {OD_TYPE_TIMESTAMP, OD_TYPE_TIMESTAMP}}, {"h", {OD_TYPE_BOOLEAN, OD_TYPE_BOOLEAN}},
};

struct profile {
    enum od_type type;
    uint32_t null_part; /* of 8 */
    bool is_fresh;      /* not from the name's pool */
};

/* The plainest of each type, a few times over. */
static struct od_value pool_value(struct od_gen *gen, enum od_type type)
{
    struct od_gen plain = *gen;
    plain.flavour = OD_FLAVOUR_PLAIN;
    if (type == OD_TYPE_INT32 || type == OD_TYPE_INT64)
        return (struct od_value){.type = type, .int64 = (int64_t)od_choices_below(gen->choices, 4)};
    return od_gen_value(&plain, type);
}

static struct od_value draw_cell(struct od_gen *gen, const struct profile *profile)
{
    if (od_random_chance(&gen->choices->random, profile->null_part, 8))
        return (struct od_value){.type = profile->type, .is_null = true};
    bool is_fresh = profile->is_fresh && od_random_chance(&gen->choices->random, 1, 2);
    return is_fresh ? od_gen_value(gen, profile->type) : pool_value(gen, profile->type);
}

static enum od_status draw_rows(struct od_gen *gen, struct od_table *table, const struct profile *profiles)
{
    static const uint32_t means[] = {1, 3, 4, 5, 5, 6, 8, 10}; /* of the number of rows; */
    enum { FIRST_ROWS = 3, FIRST_MEAN = 12 };                  /* but only the smallest are often empty */
    uint32_t mean = means[od_choices_below(gen->choices, 8)];
    enum od_status status = OD_OK;
    bool more = true;
    for (uint32_t row = 0; more && status == OD_OK; row++) {
        od_choices_begin(gen->choices, "row");
        uint32_t likely = mean > 1 && row < FIRST_ROWS ? FIRST_MEAN : mean;
        more = od_random_chance(&gen->choices->random, likely, likely + 1) && row < OD_QUERY_ROWS_MAX;
        for (uint32_t i = 0; i < table->schema.field_count && more && status == OD_OK; i++) {
            od_choices_begin(gen->choices, "cell");
            struct od_value value = draw_cell(gen, &profiles[i]);
            od_choices_end(gen->choices);
            status = od_batch_builder_append(&table->rows, i, &value, gen->error);
        }
        if (more && status == OD_OK)
            od_batch_builder_end_row(&table->rows);
        od_choices_end(gen->choices);
    }
    return status;
}

struct od_table *od_gen_query_table(struct od_gen *gen, uint32_t table_index)
{
    static const char *const names[OD_QUERY_TABLES_MAX] = {"t0", "t1", "t2", "t3"};
    static const uint32_t null_parts[] = {0, 1, 2, 1, 3, 1, 2, 1, 4, 2, 0, 8};
    struct profile profiles[OD_QUERY_COLUMNS_MAX];
    struct od_field fields[OD_QUERY_COLUMNS_MAX];
    struct od_schema schema = {0, fields};
    od_assert(table_index < OD_QUERY_TABLES_MAX);
    for (uint32_t i = 0; i < OD_QUERY_COLUMNS_MAX; i++) {
        od_choices_begin(gen->choices, "column");
        bool is_there = od_random_chance(&gen->choices->random, 1, 2) || (i == 7 && schema.field_count == 0);
        if (is_there) {
            struct profile *profile = &profiles[schema.field_count];
            profile->type = columns[i].types[od_choices_below(gen->choices, 2)];
            profile->null_part = null_parts[od_choices_below(gen->choices, 12)];
            profile->is_fresh = od_choices_below(gen->choices, 2) != 0;
            fields[schema.field_count++] = (struct od_field){columns[i].name, profile->type, true};
        }
        od_choices_end(gen->choices);
    }
    struct od_table *table = od_table_new(gen->memory, names[table_index], &schema, gen->error);
    gen->status = table == NULL ? OD_NO_MEMORY : draw_rows(gen, table, profiles);
    if (gen->status == OD_OK) {
        od_table_finish(table);
        return table;
    }
    od_table_free(gen->memory, table);
    return NULL;
}
