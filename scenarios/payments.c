/* payments: cards, merchants and their transactions.
 *
 * Cards and merchants are numbered from 1; transactions use them skewed, and some that do not exist (a merchant not yet registered, a
 * card number mistyped), so that left joins have something to pad. A fraudster takes a card abroad at night and pays many times
 * within minutes. Amounts have cents, refunds are negative, a few amounts are missing. */
#include "scenarios/row_writer.h"
#include "scenarios/subjects.h"

#define CARDS_KNOWN 2000
#define MERCHANTS_KNOWN 300

static const char *const countries[] = {"DE", "FR", "US", "GB", "PL", "BR", "NG", "JP"};
static const char *const categories[] = {"grocery", "fuel", "travel", "electronics", "restaurant", "gambling"};

static const struct od_field card_fields[] = {
    {"card", OD_TYPE_INT64, true},     {"country", OD_TYPE_TEXT, true},     {"opened", OD_TYPE_DATE, true},
    {"credit_limit", OD_TYPE_FLOAT64, true}, {"business", OD_TYPE_BOOLEAN, true},
};

OD_MAKE(od_make_cards)
{
    struct od_row_writer rows;
    od_row_writer_begin(&rows, memory, table_name, card_fields, sizeof(card_fields) / sizeof(card_fields[0]), seed,
                        "cards", error);
    for (uint64_t i = 0; i < row_count; i++) {
        od_put_int64(&rows, (int64_t)i + 1);
        od_put_text(&rows, countries[od_draw_skewed(&rows, 8)]);
        od_put_int64(&rows, od_date_from_civil(2015, 1, 1) + (int64_t)od_draw(&rows, 3000));
        if (od_draw_chance(&rows, 1, 20))
            od_put_null(&rows);
        else
            od_put_float64(&rows, (double)(500 * (1 + od_draw(&rows, 20))));
        od_put_boolean(&rows, od_draw_chance(&rows, 1, 7));
    }
    return od_row_writer_end(&rows, table_out);
}

static const struct od_field merchant_fields[] = {
    {"merchant", OD_TYPE_INT64, true}, {"name", OD_TYPE_TEXT, true}, {"category", OD_TYPE_TEXT, true},
    {"country", OD_TYPE_TEXT, true},
};

OD_MAKE(od_make_merchants)
{
    struct od_row_writer rows;
    od_row_writer_begin(&rows, memory, table_name, merchant_fields, sizeof(merchant_fields) / sizeof(merchant_fields[0]),
                        seed, "merchants", error);
    for (uint64_t i = 0; i < row_count; i++) {
        uint64_t category = od_draw(&rows, 7);
        od_put_int64(&rows, (int64_t)i + 1);
        od_put_print(&rows, "Shop \"%03u\", %s", (unsigned)i + 1, i % 9 == 0 ? "Müller & Söhne" : "Ltd");
        if (category == 6)
            od_put_null(&rows);
        else
            od_put_text(&rows, categories[category]);
        od_put_text(&rows, countries[od_draw_skewed(&rows, 8)]);
    }
    return od_row_writer_end(&rows, table_out);
}

static const struct od_field transaction_fields[] = {
    {"id", OD_TYPE_INT64, true},       {"at", OD_TYPE_TIMESTAMP, true},   {"card", OD_TYPE_INT64, true},
    {"merchant", OD_TYPE_INT64, true}, {"amount", OD_TYPE_FLOAT64, true}, {"country", OD_TYPE_TEXT, true},
    {"declined", OD_TYPE_BOOLEAN, true},
};

/* A spree: while `left` > 0 the same card pays abroad, every few minutes. */
struct spree {
    uint64_t card;
    uint32_t left;
};

static void put_amount(struct od_row_writer *rows, bool in_spree)
{
    if (od_draw_chance(rows, 1, 200)) {
        od_put_null(rows);
        return;
    }
    int64_t cents = (int64_t)(100 + od_draw_skewed(rows, in_spree ? 400000 : 60000));
    if (od_draw_chance(rows, 1, 60))
        cents = -cents;
    od_put_float64(rows, (double)cents / 100);
}

static void put_transaction(struct od_row_writer *rows, uint64_t index, int64_t now, struct spree *spree)
{
    if (spree->left == 0 && od_draw_chance(rows, 1, 150)) {
        uint64_t spree_card = 1 + od_draw(rows, CARDS_KNOWN);
        *spree = (struct spree){spree_card, 3 + (uint32_t)od_draw(rows, 12)};
    }
    bool in_spree = spree->left > 0;
    spree->left -= in_spree;
    uint64_t card = in_spree ? spree->card : 1 + od_draw_skewed(rows, CARDS_KNOWN + 40);
    od_put_int64(rows, (int64_t)index + 1);
    od_put_int64(rows, now);
    od_put_int64(rows, (int64_t)card);
    if (od_draw_chance(rows, 1, 100))
        od_put_null(rows);
    else
        od_put_int64(rows, (int64_t)(1 + od_draw_skewed(rows, MERCHANTS_KNOWN + 10)));
    put_amount(rows, in_spree);
    od_put_text(rows, in_spree ? countries[5 + od_draw(rows, 2)] : countries[od_draw_skewed(rows, 8)]);
    od_put_boolean(rows, od_draw_chance(rows, in_spree ? 3 : 1, in_spree ? 10 : 50));
}

OD_MAKE(od_make_transactions)
{
    struct od_row_writer rows;
    struct spree spree = {0, 0};
    int64_t now = od_date_from_civil(2023, 3, 1) * OD_DAY_US;
    od_row_writer_begin(&rows, memory, table_name, transaction_fields,
                        sizeof(transaction_fields) / sizeof(transaction_fields[0]), seed, "transactions", error);
    for (uint64_t i = 0; i < row_count; i++) {
        now += (int64_t)od_draw(&rows, spree.left > 0 ? 90 : 240) * OD_SECOND_US;
        put_transaction(&rows, i, now, &spree);
    }
    return od_row_writer_end(&rows, table_out);
}
