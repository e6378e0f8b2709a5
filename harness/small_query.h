/* small_query: for tests: two little tables and a query prepared over them.
 *
 *   od_small_query_make -> query->prepared, query->plan_arena -> od_small_query_release
 *
 * orders (30 rows, keys with NULL and one that matches nothing) join people (4 rows): enough for several stages, tasks, blocks. */
#ifndef OD_HARNESS_SMALL_QUERY_H
#define OD_HARNESS_SMALL_QUERY_H

#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/io/csv.h"
#include "engine/world/posix.h"
#include "harness/cluster.h"
#include "harness/prepare.h"

#define OD_SMALL_QUERY                                                                                       \
    "SELECT p.name, count(*) AS orders, sum(o.amount) AS total FROM orders AS o JOIN people AS p ON "        \
    "o.person = p.id "                                                                                       \
    "GROUP BY p.name ORDER BY total DESC, p.name"
/* Its answer, worked out by hand: person i % 5 buys for amount i, i = 0..29, person 4 is unknown, every seventh order has no person. */
#define OD_SMALL_ANSWER                                                                                      \
    "name,orders,total\n"                                                                                    \
    "dora,5,80\n"                                                                                            \
    "bess,5,75\n"                                                                                            \
    "carl,5,60\n"                                                                                            \
    "anna,5,55\n"

struct od_small_query {
    struct od_arena plan_arena;
    struct od_table *tables[2];
    struct od_prepared prepared;
};

static inline struct od_table *od_small_table(const char *name, const char *csv)
{
    struct od_table *table = NULL;
    struct od_error error = {0};
    enum od_status status =
        od_csv_read(od_posix_memory(), name, name, csv, strlen(csv), NULL, &table, &error);
    if (status != OD_OK)
        fprintf(stderr, "%s\n", error.text);
    od_assert(status == OD_OK);
    return table;
}

static inline void od_small_query_make(struct od_small_query *query, const char *sql)
{
    char orders[1000] = "id,person,amount\n";
    struct od_error error = {0};
    for (int i = 0; i < 30; i++) {
        size_t used = strlen(orders);
        if (i % 7 == 6)
            snprintf(orders + used, sizeof(orders) - used, "%d,,%d\n", i, i);
        else
            snprintf(orders + used, sizeof(orders) - used, "%d,%d,%d\n", i, i % 5, i);
    }
    *query = (struct od_small_query){0};
    od_arena_init(&query->plan_arena, od_posix_memory(), 0);
    query->tables[0] = od_small_table("orders", orders);
    query->tables[1] = od_small_table("people", "id,name\n0,anna\n1,bess\n2,carl\n3,dora\n");
    const struct od_catalog catalog = {2, (const struct od_table *const *)query->tables};
    const struct od_plan_options options = {.join_strategy = OD_JOIN_FORCE_PARTITIONED};
    enum od_status status =
        od_prepare_sql(&query->plan_arena, sql, &catalog, &options, &query->prepared, &error);
    if (status != OD_OK)
        fprintf(stderr, "%s\n", error.text);
    od_assert(status == OD_OK);
}

static inline void od_small_query_release(struct od_small_query *query)
{
    od_table_free(od_posix_memory(), query->tables[0]);
    od_table_free(od_posix_memory(), query->tables[1]);
    od_arena_release(&query->plan_arena);
}

/* The answer as CSV; the text lives in the plan_arena. */
static inline const char *od_small_csv(struct od_small_query *query, const struct od_table *answer)
{
    struct od_buffer text;
    struct od_batch rows = od_table_view(answer);
    od_buffer_init(&text, od_posix_memory());
    od_assert(od_csv_write(&rows, &text, NULL) == OD_OK);
    const char *copy = od_arena_copy_text(&query->plan_arena, (const char *)text.bytes, text.size);
    od_buffer_release(&text);
    return copy;
}

#endif
