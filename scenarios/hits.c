/* hits: page views in the manner of ClickBench (https://github.com/ClickHouse/ClickBench): the columns that its queries read, with
 * what makes them hard: most text is empty, a few counters, regions and pages get most of the views, users come back, hashes
 * are spread over all 64 bits. */
#include "scenarios/row_writer.h"
#include "scenarios/subjects.h"

#define FIELDS(list) list, sizeof(list) / sizeof((list)[0])

static const struct od_field hit_fields[] = {
    {"watchid", OD_TYPE_INT64, false},          {"title", OD_TYPE_TEXT, false},
    {"eventtime", OD_TYPE_TIMESTAMP, false},    {"eventdate", OD_TYPE_DATE, false},
    {"counterid", OD_TYPE_INT32, false},        {"clientip", OD_TYPE_INT32, false},
    {"regionid", OD_TYPE_INT32, false},         {"userid", OD_TYPE_INT64, false},
    {"url", OD_TYPE_TEXT, false},               {"referer", OD_TYPE_TEXT, false},
    {"isrefresh", OD_TYPE_INT32, false},        {"resolutionwidth", OD_TYPE_INT32, false},
    {"mobilephone", OD_TYPE_INT32, false},      {"mobilephonemodel", OD_TYPE_TEXT, false},
    {"traficsourceid", OD_TYPE_INT32, false},   {"searchengineid", OD_TYPE_INT32, false},
    {"searchphrase", OD_TYPE_TEXT, false},      {"advengineid", OD_TYPE_INT32, false},
    {"windowclientwidth", OD_TYPE_INT32, false}, {"windowclientheight", OD_TYPE_INT32, false},
    {"islink", OD_TYPE_INT32, false},           {"isdownload", OD_TYPE_INT32, false},
    {"dontcounthits", OD_TYPE_INT32, false},    {"refererhash", OD_TYPE_INT64, false},
    {"urlhash", OD_TYPE_INT64, false}};

static const char *const sites[] = {"http://www.google.com/", "http://news.example/", "https://shop.example/", "http://video.example/",
                                    "http://mail.example/"};
static const char *const words[] = {"weather", "cheap", "tickets", "moscow", "google", "кино", "maps", "recipe", "auto", "news"};
static const char *const models[] = {"iPhone", "iPad", "Galaxy", "Nexus", "Lumia"};
static const int widths[] = {0, 1024, 1280, 1366, 1440, 1600, 1920};

static int64_t draw_hash(uint64_t number)
{
    return (int64_t)((number + 1) * UINT64_C(0x9E3779B97F4A7C15));
}

static void put_address(struct od_row_writer *rows, uint64_t page)
{
    od_put_print(rows, "%s%s/%u", sites[page % 5], page % 3 == 0 ? "search?q=tickets" : "page", (unsigned)page);
}

/* Who looked at what, from where. */
static void put_view(struct od_row_writer *rows, uint64_t page, bool was_referred, uint64_t referer)
{
    if (od_draw_chance(rows, 1, 12))
        od_put_text(rows, "");
    else
        put_address(rows, page);
    if (was_referred)
        put_address(rows, referer);
    else
        od_put_text(rows, "");
    od_put_int64(rows, od_draw_chance(rows, 1, 8));
    od_put_int64(rows, widths[od_draw(rows, 7)]);
    if (od_draw_chance(rows, 1, 10)) {
        od_put_int64(rows, 1 + (int64_t)od_draw_skewed(rows, 7));
        od_put_text(rows, models[od_draw_skewed(rows, 5)]);
    } else {
        od_put_int64(rows, 0);
        od_put_text(rows, "");
    }
}

static void put_search(struct od_row_writer *rows)
{
    bool searched = od_draw_chance(rows, 1, 6);
    od_put_int64(rows, (int64_t)od_draw(rows, 9) - 1);
    od_put_int64(rows, searched ? 1 + (int64_t)od_draw_skewed(rows, 4) : 0);
    if (searched) {
        const char *second = words[od_draw(rows, 10)];
        od_put_print(rows, "%s %s", words[od_draw_skewed(rows, 10)], second);
    } else {
        od_put_text(rows, "");
    }
    od_put_int64(rows, od_draw_chance(rows, 1, 25) ? 1 + (int64_t)od_draw(rows, 30) : 0);
}

OD_MAKE(od_make_hits)
{
    struct od_row_writer rows;
    int64_t start = od_date_from_civil(2013, 7, 1) * OD_DAY_US;
    od_row_writer_begin(&rows, memory, table_name, FIELDS(hit_fields), seed, "hits", error);
    for (uint64_t i = 0; i < row_count; i++) {
        uint64_t page = od_draw_skewed(&rows, row_count / 10 + 20);
        uint64_t referer = od_draw_skewed(&rows, row_count / 10 + 20);
        uint64_t user = od_draw_skewed(&rows, row_count / 5 + 10);
        bool was_referred = od_draw_chance(&rows, 3, 5);
        int64_t at = start + (int64_t)od_draw(&rows, 31 * 24 * 3600) * OD_SECOND_US;
        od_put_int64(&rows, draw_hash(i * 7 + seed));
        if (od_draw_chance(&rows, 1, 5))
            od_put_text(&rows, "");
        else
            od_put_print(&rows, "%s - %s", words[page % 10], page % 7 == 0 ? "Google" : "Example");
        od_put_int64(&rows, at);
        od_put_int64(&rows, at / OD_DAY_US);
        od_put_int64(&rows, od_draw_chance(&rows, 1, 3) ? 62 : (int64_t)od_draw_skewed(&rows, 5000));
        od_put_int64(&rows, (int64_t)(user * UINT64_C(2654435761) % UINT64_C(4294967296)) - INT64_C(2147483648));
        od_put_int64(&rows, 1 + (int64_t)od_draw_skewed(&rows, 300));
        od_put_int64(&rows, user == 3 ? INT64_C(435090932899640449) : draw_hash(user));
        put_view(&rows, page, was_referred, referer);
        put_search(&rows);
        od_put_int64(&rows, 300 + (int64_t)od_draw(&rows, 1500));
        od_put_int64(&rows, 200 + (int64_t)od_draw(&rows, 900));
        od_put_int64(&rows, od_draw_chance(&rows, 1, 9));
        od_put_int64(&rows, od_draw_chance(&rows, 1, 40));
        od_put_int64(&rows, od_draw_chance(&rows, 1, 30));
        od_put_int64(&rows, was_referred ? (referer == 5 ? INT64_C(3594120000172545465) : draw_hash(referer)) : 0);
        od_put_int64(&rows, page == 4 ? INT64_C(2868770270353813622) : draw_hash(page));
    }
    return od_row_writer_end(&rows, table_out);
}
