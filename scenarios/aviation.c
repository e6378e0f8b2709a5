/* aviation: US flights and airports.
 *
 * Airports are made from their index alone, so that both tables agree: three letters, the first 30 are hubs. Flights use 320, the
 * airports table knows 300: some origins have no row. Delays are mostly around zero with a long tail; a cancelled flight has none. */
#include "scenarios/row_writer.h"
#include "scenarios/subjects.h"

#define AIRPORTS_FLOWN 320

static const char *const hubs[] = {"ATL", "ORD", "DFW", "LAX", "PHX", "DEN", "DTW", "IAH", "MSP", "STL",
                                   "EWR", "SFO", "LAS", "CLT", "BOS", "LGA", "PHL", "PIT", "SEA", "MCO"};
#define HUB_COUNT (sizeof(hubs) / sizeof(hubs[0]))

static void put_iata(struct od_row_writer *rows, uint64_t index)
{
    if (index < HUB_COUNT)
        od_put_text(rows, hubs[index]);
    else if (index % 11 == 0)
        od_put_print(rows, "%02uM", (unsigned)(index % 100)); /* real codes have digits too: 00M stays text */
    else
        od_put_print(rows, "%c%c%c", (char)('A' + index % 26), (char)('A' + index * 7 % 26), (char)('A' + index / 26 % 26));
}

static const struct od_field flight_fields[] = {
    {"departed", OD_TYPE_TIMESTAMP, true}, {"delay", OD_TYPE_INT64, true},      {"distance", OD_TYPE_INT64, true},
    {"origin", OD_TYPE_TEXT, true},        {"destination", OD_TYPE_TEXT, true},
};

static int64_t draw_delay(struct od_row_writer *rows)
{
    if (od_draw_chance(rows, 1, 12))
        return (int64_t)(20 + od_draw_skewed(rows, 400));
    return (int64_t)od_draw(rows, 31) - 12;
}

OD_MAKE(od_make_flights)
{
    struct od_row_writer rows;
    int64_t start = od_date_from_civil(2001, 1, 1) * OD_DAY_US;
    od_row_writer_begin(&rows, memory, table_name, flight_fields, sizeof(flight_fields) / sizeof(flight_fields[0]), seed,
                        "flights", error);
    for (uint64_t i = 0; i < row_count; i++) {
        int64_t minute = (int64_t)(i * 90 * 24 * 60 / row_count);
        int64_t of_day = 5 * 60 + (int64_t)od_draw(&rows, 18 * 60);
        uint64_t origin = od_draw_skewed(&rows, AIRPORTS_FLOWN);
        uint64_t destination = (origin + 1 + od_draw_skewed(&rows, AIRPORTS_FLOWN - 1)) % AIRPORTS_FLOWN;
        od_put_int64(&rows, start + minute / (24 * 60) * OD_DAY_US + of_day * OD_MINUTE_US);
        if (od_draw_chance(&rows, 1, 50))
            od_put_null(&rows);
        else
            od_put_int64(&rows, draw_delay(&rows));
        od_put_int64(&rows, 80 + (int64_t)((origin * 37 + destination * 91) % 2500));
        put_iata(&rows, origin);
        put_iata(&rows, destination);
    }
    return od_row_writer_end(&rows, table_out);
}

static const char *const states[] = {"TX", "CA", "FL", "NY", "CO", "IL", "AK", "WA", "GA", "MN"};
static const struct od_field airport_fields[] = {
    {"iata", OD_TYPE_TEXT, true},    {"name", OD_TYPE_TEXT, true},        {"city", OD_TYPE_TEXT, true},
    {"state", OD_TYPE_TEXT, true},   {"country", OD_TYPE_TEXT, true},     {"latitude", OD_TYPE_FLOAT64, true},
    {"longitude", OD_TYPE_FLOAT64, true},
};

OD_MAKE(od_make_airports)
{
    struct od_row_writer rows;
    od_row_writer_begin(&rows, memory, table_name, airport_fields, sizeof(airport_fields) / sizeof(airport_fields[0]),
                        seed, "airports", error);
    for (uint64_t i = 0; i < row_count; i++) {
        put_iata(&rows, i);
        od_put_print(&rows, "%s %u", i < HUB_COUNT ? "International" : "Municipal", (unsigned)i);
        od_put_print(&rows, "City %u", (unsigned)(i * 5 % 97));
        if (od_draw_chance(&rows, 1, 50))
            od_put_null(&rows);
        else
            od_put_text(&rows, states[i % 10]);
        od_put_text(&rows, "USA");
        od_put_float64(&rows, 25 + (double)od_draw(&rows, 24000) / 1000);
        od_put_float64(&rows, -125 + (double)od_draw(&rows, 58000) / 1000);
    }
    return od_row_writer_end(&rows, table_out);
}
