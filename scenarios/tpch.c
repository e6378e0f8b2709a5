/* tpch: the eight tables of TPC-H (specification 3.0.1, section 4.2), from a seed, at any scale.
 *
 * A unit is a thousandth of scale factor 1: 10 suppliers, 200 parts, 800 offers (partsupp), 150 customers, 1,500 orders,
 * 6,000 lines. Each table says by its number of rows how many units there are, so tables made with matching numbers of rows
 * (`ordeal generate tpch --scale`, scenarios/tpch.yaml) refer to each other. nation and region have 25 and 5 rows.
 *
 * An order and its lines are made twice, once for each table, from one stream a order: the total price and the state of an
 * order follow from its lines. Each block of seven orders has 1, 2, ... 7 lines in some order, so that there are exactly four
 * lines an order on average (the specification: a uniform draw of 1 to 7).
 *
 * What the queries look for is there with the specification's odds: customers without orders (every third), "special requests"
 * in order comments, complaints about suppliers, the colours in part names. Text is the grammar's in spirit, not to the word. */
#include <stdio.h>
#include <string.h>

#include "scenarios/row_writer.h"
#include "scenarios/subjects.h"
#include "scenarios/tpch_words.h"

#define FIELDS(list) list, sizeof(list) / sizeof((list)[0])
#define WORD(rows, list) list[od_draw(rows, sizeof(list) / sizeof((list)[0]))]

/* Rows of a table -> things of another kind at the same scale; at least one. */
static uint64_t at_scale(uint64_t row_count, uint64_t of_rows, uint64_t of_other)
{
    uint64_t count = row_count * of_other / of_rows;
    return count == 0 ? 1 : count;
}

static int64_t between(struct od_row_writer *rows, int64_t first, int64_t last)
{
    return first + (int64_t)od_draw(rows, (uint64_t)(last - first) + 1);
}

/* Sentences of the grammar until about `size` bytes are full; cut at a word. */
static void put_comment(struct od_row_writer *rows, uint32_t least, uint32_t most, const char *inset)
{
    char text[256];
    uint32_t goal = (uint32_t)between(rows, least, most);
    uint32_t size = 0;
    if (inset != NULL)
        size = (uint32_t)snprintf(text, sizeof(text), "%s ", inset);
    for (uint32_t i = 0; size < goal; i++) {
        const char *word = i % 5 == 0   ? WORD(rows, od_tpch_adjectives)
                           : i % 5 == 1 ? WORD(rows, od_tpch_nouns)
                           : i % 5 == 2 ? WORD(rows, od_tpch_verbs)
                           : i % 5 == 3 ? WORD(rows, od_tpch_adverbs)
                                        : WORD(rows, od_tpch_prepositions);
        if (size > 0 && size + strlen(word) + 2 > goal)
            break;
        size += (uint32_t)snprintf(text + size, sizeof(text) - size, "%s%s", word,
                                   i % 5 == 3 && od_draw_chance(rows, 1, 2) ? ". " : " ");
    }
    text[size > 0 ? size - 1 : 0] = 0;
    od_put_text(rows, text);
}

static void put_phone(struct od_row_writer *rows, uint64_t nation)
{
    unsigned last = (unsigned)between(rows, 1000, 9999);
    unsigned middle = (unsigned)between(rows, 100, 999);
    unsigned first = (unsigned)between(rows, 100, 999);
    od_put_print(rows, "%02u-%03u-%03u-%04u", (unsigned)nation + 10, first, middle, last);
}

static void put_address(struct od_row_writer *rows)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ, ";
    char text[41];
    uint32_t size = (uint32_t)between(rows, 10, 40);
    for (uint32_t i = 0; i < size; i++)
        text[i] = letters[od_draw(rows, i == 0 || i + 1 == size ? 62 : 64)];
    text[size] = 0;
    od_put_text(rows, text);
}

static int64_t retail_cents(int64_t part)
{
    return 90000 + (part / 10) % 20001 + 100 * (part % 1000);
}

/* The supplier of a part's i-th offer (0..3). */
static int64_t supplier_of(int64_t part, int64_t i, int64_t supplier_count)
{
    return (part + i * (supplier_count / 4 + (part - 1) / supplier_count)) % supplier_count + 1;
}

/* --- region, nation, part, supplier, partsupp, customer -------------------------------------------------- */

static const struct od_field region_fields[] = {
    {"r_regionkey", OD_TYPE_INT32, false}, {"r_name", OD_TYPE_TEXT, false}, {"r_comment", OD_TYPE_TEXT, true}};

OD_MAKE(od_make_tpch_region)
{
    struct od_row_writer rows;
    od_row_writer_begin(&rows, memory, table_name, FIELDS(region_fields), seed, "tpch region", error);
    for (uint64_t i = 0; i < row_count; i++) {
        od_put_int64(&rows, (int64_t)i);
        od_put_text(&rows, od_tpch_regions[i % OD_TPCH_REGION_COUNT]);
        put_comment(&rows, 31, 115, NULL);
    }
    return od_row_writer_end(&rows, table_out);
}

static const struct od_field nation_fields[] = {{"n_nationkey", OD_TYPE_INT32, false},
                                                {"n_name", OD_TYPE_TEXT, false},
                                                {"n_regionkey", OD_TYPE_INT32, false},
                                                {"n_comment", OD_TYPE_TEXT, true}};

OD_MAKE(od_make_tpch_nation)
{
    struct od_row_writer rows;
    od_row_writer_begin(&rows, memory, table_name, FIELDS(nation_fields), seed, "tpch nation", error);
    for (uint64_t i = 0; i < row_count; i++) {
        const struct od_tpch_nation *nation = &od_tpch_nations[i % OD_TPCH_NATION_COUNT];
        od_put_int64(&rows, (int64_t)i);
        od_put_text(&rows, nation->name);
        od_put_int64(&rows, nation->region);
        put_comment(&rows, 31, 114, NULL);
    }
    return od_row_writer_end(&rows, table_out);
}

static const struct od_field part_fields[] = {
    {"p_partkey", OD_TYPE_INT32, false}, {"p_name", OD_TYPE_TEXT, false},
    {"p_mfgr", OD_TYPE_TEXT, false},     {"p_brand", OD_TYPE_TEXT, false},
    {"p_type", OD_TYPE_TEXT, false},     {"p_size", OD_TYPE_INT32, false},
    {"p_container", OD_TYPE_TEXT, false}, {"p_retailprice", OD_TYPE_DECIMAL, false},
    {"p_comment", OD_TYPE_TEXT, false}};

OD_MAKE(od_make_tpch_part)
{
    struct od_row_writer rows;
    od_row_writer_begin(&rows, memory, table_name, FIELDS(part_fields), seed, "tpch part", error);
    for (int64_t part = 1; part <= (int64_t)row_count; part++) {
        unsigned maker = (unsigned)between(&rows, 1, 5);
        od_put_int64(&rows, part);
        const char *name[5];
        for (uint32_t k = 5; k-- > 0;)
            name[k] = WORD(&rows, od_tpch_colours);
        od_put_print(&rows, "%s %s %s %s %s", name[0], name[1], name[2], name[3], name[4]);
        od_put_print(&rows, "Manufacturer#%u", maker);
        od_put_print(&rows, "Brand#%u%u", maker, (unsigned)between(&rows, 1, 5));
        const char *type_3 = WORD(&rows, od_tpch_type_3);
        const char *type_2 = WORD(&rows, od_tpch_type_2);
        od_put_print(&rows, "%s %s %s", WORD(&rows, od_tpch_type_1), type_2, type_3);
        od_put_int64(&rows, between(&rows, 1, 50));
        const char *container_2 = WORD(&rows, od_tpch_container_2);
        od_put_print(&rows, "%s %s", WORD(&rows, od_tpch_container_1), container_2);
        od_put_decimal(&rows, retail_cents(part), 2);
        put_comment(&rows, 5, 22, NULL);
    }
    return od_row_writer_end(&rows, table_out);
}

static const struct od_field supplier_fields[] = {
    {"s_suppkey", OD_TYPE_INT32, false},   {"s_name", OD_TYPE_TEXT, false},  {"s_address", OD_TYPE_TEXT, false},
    {"s_nationkey", OD_TYPE_INT32, false}, {"s_phone", OD_TYPE_TEXT, false}, {"s_acctbal", OD_TYPE_DECIMAL, false},
    {"s_comment", OD_TYPE_TEXT, false}};

OD_MAKE(od_make_tpch_supplier)
{
    struct od_row_writer rows;
    od_row_writer_begin(&rows, memory, table_name, FIELDS(supplier_fields), seed, "tpch supplier", error);
    for (uint64_t i = 1; i <= row_count; i++) {
        uint64_t nation = od_draw(&rows, OD_TPCH_NATION_COUNT);
        /* 5 in 10,000 of each in the specification; one in 100 here, so that small scales have some */
        const char *inset = i % 100 == 7    ? "slyly Customer ironic Complaints"
                            : i % 100 == 57 ? "even Customer bold Recommends"
                                            : NULL;
        od_put_int64(&rows, (int64_t)i);
        od_put_print(&rows, "Supplier#%09u", (unsigned)i);
        put_address(&rows);
        od_put_int64(&rows, (int64_t)nation);
        put_phone(&rows, nation);
        od_put_decimal(&rows, between(&rows, -99999, 999999), 2);
        put_comment(&rows, 35, 100, inset);
    }
    return od_row_writer_end(&rows, table_out);
}

static const struct od_field partsupp_fields[] = {{"ps_partkey", OD_TYPE_INT32, false},
                                                  {"ps_suppkey", OD_TYPE_INT32, false},
                                                  {"ps_availqty", OD_TYPE_INT32, false},
                                                  {"ps_supplycost", OD_TYPE_DECIMAL, false},
                                                  {"ps_comment", OD_TYPE_TEXT, false}};

OD_MAKE(od_make_tpch_partsupp)
{
    struct od_row_writer rows;
    int64_t supplier_count = (int64_t)at_scale(row_count, 800, 10);
    od_row_writer_begin(&rows, memory, table_name, FIELDS(partsupp_fields), seed, "tpch partsupp", error);
    for (int64_t i = 0; i < (int64_t)row_count; i++) {
        od_put_int64(&rows, i / 4 + 1);
        od_put_int64(&rows, supplier_of(i / 4 + 1, i % 4, supplier_count));
        od_put_int64(&rows, between(&rows, 1, 9999));
        od_put_decimal(&rows, between(&rows, 100, 100000), 2);
        put_comment(&rows, 49, 198, NULL);
    }
    return od_row_writer_end(&rows, table_out);
}

static const struct od_field customer_fields[] = {
    {"c_custkey", OD_TYPE_INT32, false},   {"c_name", OD_TYPE_TEXT, false},       {"c_address", OD_TYPE_TEXT, false},
    {"c_nationkey", OD_TYPE_INT32, false}, {"c_phone", OD_TYPE_TEXT, false},      {"c_acctbal", OD_TYPE_DECIMAL, false},
    {"c_mktsegment", OD_TYPE_TEXT, false}, {"c_comment", OD_TYPE_TEXT, false}};

OD_MAKE(od_make_tpch_customer)
{
    struct od_row_writer rows;
    od_row_writer_begin(&rows, memory, table_name, FIELDS(customer_fields), seed, "tpch customer", error);
    for (uint64_t i = 1; i <= row_count; i++) {
        uint64_t nation = od_draw(&rows, OD_TPCH_NATION_COUNT);
        od_put_int64(&rows, (int64_t)i);
        od_put_print(&rows, "Customer#%09u", (unsigned)i);
        put_address(&rows);
        od_put_int64(&rows, (int64_t)nation);
        put_phone(&rows, nation);
        od_put_decimal(&rows, between(&rows, -99999, 999999), 2);
        od_put_text(&rows, WORD(&rows, od_tpch_segments));
        put_comment(&rows, 29, 116, NULL);
    }
    return od_row_writer_end(&rows, table_out);
}

/* --- orders and lineitem --------------------------------------------------------------------------------- */

#define LINES_MAX 7
struct line {
    int64_t part, supplier, quantity, price_cents, discount, tax; /* percent */
    int64_t ship_date, commit_date, receipt_date;
};
struct order {
    int64_t key, customer, date;
    uint32_t line_count;
    struct line lines[LINES_MAX];
};

/* A permutation of 1..7 for each block of seven orders; four for the orders behind the last whole block. */
static uint32_t lines_of(uint64_t index, uint64_t order_count, uint64_t seed)
{
    struct od_stream draws;
    uint32_t counts[LINES_MAX] = {1, 2, 3, 4, 5, 6, 7};
    uint64_t block = index / LINES_MAX;
    if ((block + 1) * LINES_MAX > order_count)
        return 4;
    od_stream_init(&draws, seed * 1000003 + block, "tpch lines");
    for (uint32_t i = LINES_MAX - 1; i > 0; i--) {
        uint32_t other = (uint32_t)od_random_below(&draws.random, i + 1);
        uint32_t count = counts[i];
        counts[i] = counts[other];
        counts[other] = count;
    }
    return counts[index % LINES_MAX];
}

/* Draws an order of `order_count` from its own stream, which it leaves to the caller for the columns of its own. */
static void make_order(struct od_row_writer *rows, uint64_t seed, uint64_t index, uint64_t order_count, struct order *order)
{
    int64_t customer_count = (int64_t)at_scale(order_count, 1500, 150);
    int64_t part_count = (int64_t)at_scale(order_count, 1500, 200);
    int64_t supplier_count = (int64_t)at_scale(order_count, 1500, 10);
    od_stream_init(&rows->draws, seed * 1000003 + index, "tpch order");
    order->key = (int64_t)(index / 8 * 32 + index % 8 + 1);
    do
        order->customer = between(rows, 1, customer_count);
    while (order->customer % 3 == 0 && customer_count >= 3);
    order->date = between(rows, od_date_from_civil(1992, 1, 1), od_date_from_civil(1998, 8, 2));
    order->line_count = lines_of(index, order_count, seed);
    for (uint32_t i = 0; i < order->line_count; i++) {
        struct line *line = &order->lines[i];
        line->part = between(rows, 1, part_count);
        line->supplier = supplier_of(line->part, between(rows, 0, 3), supplier_count);
        line->quantity = between(rows, 1, 50);
        line->price_cents = line->quantity * retail_cents(line->part);
        line->discount = between(rows, 0, 10);
        line->tax = between(rows, 0, 8);
        line->ship_date = order->date + between(rows, 1, 121);
        line->commit_date = order->date + between(rows, 30, 90);
        line->receipt_date = line->ship_date + between(rows, 1, 30);
    }
}

static bool is_open(const struct line *line)
{
    return line->ship_date > od_date_from_civil(1995, 6, 17);
}

static const struct od_field order_fields[] = {
    {"o_orderkey", OD_TYPE_INT32, false},   {"o_custkey", OD_TYPE_INT32, false},     {"o_orderstatus", OD_TYPE_TEXT, false},
    {"o_totalprice", OD_TYPE_DECIMAL, false}, {"o_orderdate", OD_TYPE_DATE, false},  {"o_orderpriority", OD_TYPE_TEXT, false},
    {"o_clerk", OD_TYPE_TEXT, false},       {"o_shippriority", OD_TYPE_INT32, false}, {"o_comment", OD_TYPE_TEXT, false}};

OD_MAKE(od_make_tpch_orders)
{
    struct od_row_writer rows;
    struct order order;
    uint64_t clerk_count = at_scale(row_count, 1500, 1);
    od_row_writer_begin(&rows, memory, table_name, FIELDS(order_fields), seed, "tpch orders", error);
    for (uint64_t i = 0; i < row_count; i++) {
        int64_t total = 0; /* in 1/10,000 of a cent */
        uint32_t open_count = 0;
        make_order(&rows, seed, i, row_count, &order);
        for (uint32_t k = 0; k < order.line_count; k++) {
            total += order.lines[k].price_cents * (100 - order.lines[k].discount) * (100 + order.lines[k].tax);
            open_count += is_open(&order.lines[k]);
        }
        od_stream_init(&rows.draws, seed * 1000003 + i, "tpch order text"); /* not what its lines draw */
        od_put_int64(&rows, order.key);
        od_put_int64(&rows, order.customer);
        od_put_text(&rows, open_count == 0 ? "F" : open_count == order.line_count ? "O" : "P");
        od_put_decimal(&rows, (total + 5000) / 10000, 2);
        od_put_int64(&rows, order.date);
        od_put_text(&rows, WORD(&rows, od_tpch_priorities));
        od_put_print(&rows, "Clerk#%09u", (unsigned)(1 + od_draw(&rows, clerk_count)));
        od_put_int64(&rows, 0);
        put_comment(&rows, 19, 78, NULL);
    }
    return od_row_writer_end(&rows, table_out);
}

static const struct od_field line_fields[] = {
    {"l_orderkey", OD_TYPE_INT32, false},     {"l_partkey", OD_TYPE_INT32, false},    {"l_suppkey", OD_TYPE_INT32, false},
    {"l_linenumber", OD_TYPE_INT32, false},   {"l_quantity", OD_TYPE_DECIMAL, false}, {"l_extendedprice", OD_TYPE_DECIMAL, false},
    {"l_discount", OD_TYPE_DECIMAL, false},   {"l_tax", OD_TYPE_DECIMAL, false},      {"l_returnflag", OD_TYPE_TEXT, false},
    {"l_linestatus", OD_TYPE_TEXT, false},    {"l_shipdate", OD_TYPE_DATE, false},    {"l_commitdate", OD_TYPE_DATE, false},
    {"l_receiptdate", OD_TYPE_DATE, false},   {"l_shipinstruct", OD_TYPE_TEXT, false}, {"l_shipmode", OD_TYPE_TEXT, false},
    {"l_comment", OD_TYPE_TEXT, false}};

static void put_line(struct od_row_writer *rows, const struct order *order, uint32_t number)
{
    const struct line *line = &order->lines[number];
    bool was_received = line->receipt_date <= od_date_from_civil(1995, 6, 17);
    od_put_int64(rows, order->key);
    od_put_int64(rows, line->part);
    od_put_int64(rows, line->supplier);
    od_put_int64(rows, number + 1);
    od_put_decimal(rows, line->quantity * 100, 2);
    od_put_decimal(rows, line->price_cents, 2);
    od_put_decimal(rows, line->discount, 2);
    od_put_decimal(rows, line->tax, 2);
    od_put_text(rows, !was_received ? "N" : od_draw_chance(rows, 1, 2) ? "R" : "A");
    od_put_text(rows, is_open(line) ? "O" : "F");
    od_put_int64(rows, line->ship_date);
    od_put_int64(rows, line->commit_date);
    od_put_int64(rows, line->receipt_date);
    od_put_text(rows, WORD(rows, od_tpch_instructions));
    od_put_text(rows, WORD(rows, od_tpch_modes));
    put_comment(rows, 10, 43, NULL);
}

OD_MAKE(od_make_tpch_lineitem)
{
    struct od_row_writer rows;
    struct order order;
    uint64_t order_count = (row_count + 3) / 4;
    uint64_t left = row_count;
    od_row_writer_begin(&rows, memory, table_name, FIELDS(line_fields), seed, "tpch lineitem", error);
    for (uint64_t i = 0; left > 0 && i < order_count; i++) {
        make_order(&rows, seed, i, order_count, &order);
        for (uint32_t k = 0; k < order.line_count && left > 0; k++, left--)
            put_line(&rows, &order, k);
    }
    return od_row_writer_end(&rows, table_out);
}
