/* web_log: an access log with the columns of the common combined format.
 *
 * Pages are skewed (a few get most requests), clients too; a bot asks for robots.txt; 304 and 404 answers carry no size; now and then
 * a client sends a burst within one second. Rows come in order of time but for a few late ones, as from several front ends. */
#include "scenarios/row_writer.h"
#include "scenarios/subjects.h"

static const struct od_field fields[] = {
    {"ts", OD_TYPE_TIMESTAMP, true},  {"client", OD_TYPE_TEXT, true}, {"method", OD_TYPE_TEXT, true},
    {"path", OD_TYPE_TEXT, true},     {"status", OD_TYPE_INT64, true}, {"bytes", OD_TYPE_INT64, true},
    {"referer", OD_TYPE_TEXT, true},  {"agent", OD_TYPE_TEXT, true},
};
static const char *const sections[] = {"/blog/", "/articles/", "/images/", "/projects/", "/presentations/", "/"};
static const char *const agents[] = {
    "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:27.0) Gecko/20100101 Firefox/27.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "UniversalFeedParser/4.2-pre-314-svn",
    "-",
};

static int64_t draw_status(struct od_row_writer *rows)
{
    uint64_t draw = od_draw(rows, 100);
    return draw < 88 ? 200 : draw < 93 ? 304 : draw < 97 ? 404 : draw < 99 ? 301 : 500;
}

static void put_request(struct od_row_writer *rows, int64_t now)
{
    bool bot = od_draw_chance(rows, 8, 100);
    bool late = od_draw_chance(rows, 1, 50);
    uint64_t client = od_draw_skewed(rows, 700);
    uint64_t page = od_draw_skewed(rows, 400);
    int64_t status = draw_status(rows);
    od_put_int64(rows, late ? now - (int64_t)od_draw(rows, 30) * OD_MINUTE_US : now);
    od_put_print(rows, "%u.%u.%u.%u", (unsigned)(10 + client % 180), (unsigned)(client * 7 % 256),
                 (unsigned)(client * 13 % 256), (unsigned)(client % 254 + 1));
    od_put_text(rows, od_draw_chance(rows, 1, 40) ? "POST" : od_draw_chance(rows, 1, 60) ? "HEAD" : "GET");
    if (bot && od_draw_chance(rows, 1, 3))
        od_put_text(rows, "/robots.txt");
    else
        od_put_print(rows, "%s%s%u", sections[page % 6], page % 5 == 0 ? "geek/" : "", (unsigned)page);
    od_put_int64(rows, status);
    if (status == 304 || od_draw_chance(rows, 1, 100))
        od_put_null(rows);
    else
        od_put_int64(rows, status == 200 ? (int64_t)(200 + od_draw_skewed(rows, 300000)) : (int64_t)(200 + page));
    if (od_draw_chance(rows, 2, 5))
        od_put_null(rows);
    else
        od_put_print(rows, "http://%s/%u", page % 3 == 0 ? "www.google.com" : "semicomplete.com", (unsigned)(page % 40));
    od_put_text(rows, agents[bot ? 2 : od_draw_skewed(rows, 5)]);
}

OD_MAKE(od_make_access_log)
{
    struct od_row_writer rows;
    int64_t now = od_date_from_civil(2015, 5, 17) * OD_DAY_US + 10 * OD_HOUR_US;
    od_row_writer_begin(&rows, memory, table_name, fields, sizeof(fields) / sizeof(fields[0]), seed, "access_log", error);
    for (uint64_t i = 0; i < row_count; i++) {
        if (!od_draw_chance(&rows, 1, 4)) /* else: same second, a burst */
            now += (int64_t)(1 + od_draw(&rows, 60)) * OD_SECOND_US;
        put_request(&rows, now);
    }
    return od_row_writer_end(&rows, table_out);
}
