/* sql_fixture: for tests of the front end: cmocka's headers, four empty tables, three views, and the context that knows them.
 *
 *   cmocka_run_group_tests(tests, make_tables, free_tables) */
#ifndef OD_SQL_SQL_FIXTURE_H
#define OD_SQL_SQL_FIXTURE_H

#include "engine/sql/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"

static struct od_field t_fields[] = {
    {"a", OD_TYPE_INT32, true}, {"b", OD_TYPE_FLOAT64, true}, {"c", OD_TYPE_TEXT, true},
    {"d", OD_TYPE_DATE, true},  {"p", OD_TYPE_BOOLEAN, true},
};
static struct od_field u_fields[] = {
    {"a", OD_TYPE_INT32, true}, {"w", OD_TYPE_DECIMAL, true}, {"ts", OD_TYPE_TIMESTAMP, true}};
static struct od_field v_fields[] = {{"k", OD_TYPE_INT64, true}, {"name", OD_TYPE_TEXT, true}};
static struct od_field e_fields[] = {{"x", OD_TYPE_INT32, true}, {"y", OD_TYPE_INT32, true}};
static const struct od_schema schemas[] = {{5, t_fields}, {3, u_fields}, {2, v_fields}, {2, e_fields}};
#define TABLE_COUNT 4
static struct od_table *tables[TABLE_COUNT];
static struct od_catalog catalog = {TABLE_COUNT, (const struct od_table *const *)tables};

/* A view, one that means itself, and one that is wrong. */
static inline const char *find_view(void *self, const char *name)
{
    static const struct {
        const char *name;
        const char *sql;
    } views[] = {{"vw", "create view vw (k, n) as select a, count(*) from t group by a"},
                 {"loop", "select * from loop"},
                 {"wrong", "select\n nope from t"}};
    (void)self;
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
        if (strcmp(views[i].name, name) == 0)
            return views[i].sql;
    return NULL;
}
static const struct od_sql_context context = {.catalog = &catalog, .find_view = find_view};

static inline int make_tables(void **state)
{
    static const char *const names[] = {"t", "u", "v", "e"};
    (void)state;
    for (uint32_t i = 0; i < TABLE_COUNT; i++) {
        tables[i] = od_table_new(od_heap_for_tests(), names[i], &schemas[i], NULL);
        od_table_finish(tables[i]);
    }
    return 0;
}

static inline int free_tables(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < TABLE_COUNT; i++)
        od_table_free(od_heap_for_tests(), tables[i]);
    return 0;
}

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

#endif
