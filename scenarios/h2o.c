/* h2o: the tables of the db-benchmark of H2O.ai (https://github.com/h2oai/db-benchmark, _data/groupby-datagen.R and
 * join-datagen.R): one table to group, and four to join.
 *
 * Grouping: 100 groups in id1, id2, id4, id5; rows/100 groups in id3, id6; v1 in 1..5, v2 in 1..15, v3 in 0..100 with six
 * decimals. Joining: x has as many rows as big; medium has a thousandth, small a millionth of them (at least ten). A tenth of the
 * keys of either side are not on the other one. Every table takes its number of rows as that of x. */
#include "scenarios/row_writer.h"
#include "scenarios/subjects.h"

#define FIELDS(list) list, sizeof(list) / sizeof((list)[0])
#define GROUP_COUNT 100

static double draw_value(struct od_row_writer *rows)
{
    return (double)od_draw(rows, 100000001) / 1e6;
}

static const struct od_field group_fields[] = {
    {"id1", OD_TYPE_TEXT, true},  {"id2", OD_TYPE_TEXT, true},  {"id3", OD_TYPE_TEXT, true},
    {"id4", OD_TYPE_INT32, true}, {"id5", OD_TYPE_INT32, true}, {"id6", OD_TYPE_INT32, true},
    {"v1", OD_TYPE_INT32, true},  {"v2", OD_TYPE_INT32, true},  {"v3", OD_TYPE_FLOAT64, true}};

OD_MAKE(od_make_h2o_groups)
{
    struct od_row_writer rows;
    uint64_t many = row_count / GROUP_COUNT == 0 ? 1 : row_count / GROUP_COUNT;
    od_row_writer_begin(&rows, memory, table_name, FIELDS(group_fields), seed, "h2o groups", error);
    for (uint64_t i = 0; i < row_count; i++) {
        od_put_print(&rows, "id%03u", (unsigned)od_draw(&rows, GROUP_COUNT) + 1);
        od_put_print(&rows, "id%03u", (unsigned)od_draw(&rows, GROUP_COUNT) + 1);
        od_put_print(&rows, "id%010u", (unsigned)od_draw(&rows, many) + 1);
        od_put_int64(&rows, (int64_t)od_draw(&rows, GROUP_COUNT) + 1);
        od_put_int64(&rows, (int64_t)od_draw(&rows, GROUP_COUNT) + 1);
        od_put_int64(&rows, (int64_t)od_draw(&rows, many) + 1);
        od_put_int64(&rows, (int64_t)od_draw(&rows, 5) + 1);
        od_put_int64(&rows, (int64_t)od_draw(&rows, 15) + 1);
        od_put_float64(&rows, draw_value(&rows));
    }
    return od_row_writer_end(&rows, table_out);
}

/* How many keys a table of this size has: x's rows / 10^6, / 10^3 and / 1. */
static uint64_t key_count(uint64_t x_rows, uint64_t divisor)
{
    uint64_t count = x_rows / divisor;
    return count < 10 ? 10 : count;
}

/* The key of x: one of the first 10/9 of the other table's `count`, so that a tenth finds nothing. */
static uint64_t draw_key(struct od_row_writer *rows, uint64_t count)
{
    return od_draw(rows, count + count / 9) + 1;
}

static const struct od_field join_fields[] = {
    {"id1", OD_TYPE_INT32, true}, {"id2", OD_TYPE_INT32, true}, {"id3", OD_TYPE_INT32, true}, {"id4", OD_TYPE_TEXT, true},
    {"id5", OD_TYPE_TEXT, true},  {"id6", OD_TYPE_TEXT, true},  {"v1", OD_TYPE_FLOAT64, true}};

OD_MAKE(od_make_h2o_x)
{
    struct od_row_writer rows;
    od_row_writer_begin(&rows, memory, table_name, FIELDS(join_fields), seed, "h2o x", error);
    for (uint64_t i = 0; i < row_count; i++) {
        uint64_t small = draw_key(&rows, key_count(row_count, 1000000));
        uint64_t medium = draw_key(&rows, key_count(row_count, 1000));
        uint64_t big = draw_key(&rows, key_count(row_count, 1));
        od_put_int64(&rows, (int64_t)small);
        od_put_int64(&rows, (int64_t)medium);
        od_put_int64(&rows, (int64_t)big);
        od_put_print(&rows, "id%u", (unsigned)small);
        od_put_print(&rows, "id%u", (unsigned)medium);
        od_put_print(&rows, "id%u", (unsigned)big);
        od_put_float64(&rows, draw_value(&rows));
    }
    return od_row_writer_end(&rows, table_out);
}

static const struct od_field small_fields[] = {
    {"id1", OD_TYPE_INT32, true}, {"id4", OD_TYPE_TEXT, true}, {"v2", OD_TYPE_FLOAT64, true}};

OD_MAKE(od_make_h2o_small)
{
    struct od_row_writer rows;
    od_row_writer_begin(&rows, memory, table_name, FIELDS(small_fields), seed, "h2o small", error);
    for (uint64_t i = 1; i <= key_count(row_count, 1000000); i++) {
        od_put_int64(&rows, (int64_t)i);
        od_put_print(&rows, "id%u", (unsigned)i);
        od_put_float64(&rows, draw_value(&rows));
    }
    return od_row_writer_end(&rows, table_out);
}

static const struct od_field medium_fields[] = {{"id1", OD_TYPE_INT32, true},
                                                {"id2", OD_TYPE_INT32, true},
                                                {"id4", OD_TYPE_TEXT, true},
                                                {"id5", OD_TYPE_TEXT, true},
                                                {"v2", OD_TYPE_FLOAT64, true}};

OD_MAKE(od_make_h2o_medium)
{
    struct od_row_writer rows;
    od_row_writer_begin(&rows, memory, table_name, FIELDS(medium_fields), seed, "h2o medium", error);
    for (uint64_t i = 1; i <= key_count(row_count, 1000); i++) {
        uint64_t small = draw_key(&rows, key_count(row_count, 1000000));
        od_put_int64(&rows, (int64_t)small);
        od_put_int64(&rows, (int64_t)i);
        od_put_print(&rows, "id%u", (unsigned)small);
        od_put_print(&rows, "id%u", (unsigned)i);
        od_put_float64(&rows, draw_value(&rows));
    }
    return od_row_writer_end(&rows, table_out);
}

static const struct od_field big_fields[] = {
    {"id1", OD_TYPE_INT32, true}, {"id2", OD_TYPE_INT32, true}, {"id3", OD_TYPE_INT32, true}, {"id4", OD_TYPE_TEXT, true},
    {"id5", OD_TYPE_TEXT, true},  {"id6", OD_TYPE_TEXT, true},  {"v2", OD_TYPE_FLOAT64, true}};

OD_MAKE(od_make_h2o_big)
{
    struct od_row_writer rows;
    od_row_writer_begin(&rows, memory, table_name, FIELDS(big_fields), seed, "h2o big", error);
    for (uint64_t i = 1; i <= key_count(row_count, 1); i++) {
        uint64_t small = draw_key(&rows, key_count(row_count, 1000000));
        uint64_t medium = draw_key(&rows, key_count(row_count, 1000));
        od_put_int64(&rows, (int64_t)small);
        od_put_int64(&rows, (int64_t)medium);
        od_put_int64(&rows, (int64_t)i);
        od_put_print(&rows, "id%u", (unsigned)small);
        od_put_print(&rows, "id%u", (unsigned)medium);
        od_put_print(&rows, "id%u", (unsigned)i);
        od_put_float64(&rows, draw_value(&rows));
    }
    return od_row_writer_end(&rows, table_out);
}
