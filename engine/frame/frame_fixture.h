/* frame_fixture: for tests of frames: cmocka's headers and two empty tables, t and u, that live as long as a group of tests.
 *
 *   cmocka_run_group_tests(tests, make_tables, free_tables)     with a make_tables that calls fixture_make_tables
 *
 * Columns are the test's own: what is planned depends on which of them may be NULL. */
#ifndef OD_FRAME_FRAME_FIXTURE_H
#define OD_FRAME_FRAME_FIXTURE_H

#include "engine/frame/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"

static struct od_table *t_table;
static struct od_table *u_table;

static inline int fixture_make_tables(const struct od_schema *t_schema, const struct od_schema *u_schema)
{
    t_table = od_table_new(od_heap_for_tests(), "t", t_schema, NULL);
    u_table = od_table_new(od_heap_for_tests(), "u", u_schema, NULL);
    od_table_finish(t_table);
    od_table_finish(u_table);
    return 0;
}

static inline int free_tables(void **state)
{
    (void)state;
    od_table_free(od_heap_for_tests(), t_table);
    od_table_free(od_heap_for_tests(), u_table);
    return 0;
}

#endif
