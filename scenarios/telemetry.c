/* telemetry: seven sensors, a reading every five minutes each.
 *
 * Daily rhythm plus noise; gaps; missing values; one reading in forty comes late (an older time behind newer ones) and one in a hundred
 * twice; a machine overheats now and then. sensor_info leaves the last sensor out. */
#include "scenarios/row_writer.h"
#include "scenarios/subjects.h"

static const struct sensor {
    const char *name;
    const char *kind;
    const char *unit;
    double base;
    double swing;
} sensors[] = {
    {"machine_temperature", "temperature", "F", 85, 12},  {"ambient_temperature", "temperature", "F", 70, 6},
    {"cpu_utilization_a", "cpu", "percent", 40, 30},      {"cpu_utilization_b", "cpu", "percent", 2, 1},
    {"traffic_speed", "traffic", "mph", 60, 25},          {"traffic_occupancy", "traffic", "percent", 9, 8},
    {"taxi_demand", "demand", NULL, 15000, 9000},
};
#define SENSOR_COUNT (sizeof(sensors) / sizeof(sensors[0]))

static const struct od_field reading_fields[] = {
    {"sensor", OD_TYPE_TEXT, true}, {"ts", OD_TYPE_TIMESTAMP, true}, {"value", OD_TYPE_FLOAT64, true}};

/* A triangle over the day in [-1, 1]; no libm, whose last bit differs between machines. */
static double rhythm(int64_t at)
{
    double part = (double)(at % OD_DAY_US) / (double)OD_DAY_US;
    return part < 0.5 ? 4 * part - 1 : 3 - 4 * part;
}

static void put_reading(struct od_row_writer *rows, const struct sensor *sensor, int64_t at)
{
    double noise = (double)((int64_t)od_draw(rows, 2001) - 1000) / 1000;
    double value = sensor->base + sensor->swing * (0.8 * rhythm(at) + 0.2 * noise);
    if (od_draw_chance(rows, 1, 400))
        value += 3 * sensor->swing;
    od_put_text(rows, sensor->name);
    od_put_int64(rows, at);
    if (od_draw_chance(rows, 1, 80))
        od_put_null(rows);
    else
        od_put_float64(rows, value);
}

OD_MAKE(od_make_sensors)
{
    struct od_row_writer rows;
    int64_t start = od_date_from_civil(2014, 2, 1) * OD_DAY_US;
    uint64_t tick = 0;
    od_row_writer_begin(&rows, memory, table_name, reading_fields, sizeof(reading_fields) / sizeof(reading_fields[0]),
                        seed, "sensors", error);
    for (uint64_t i = 0; i < row_count; i++, tick++) {
        if (od_draw_chance(&rows, 1, 2000))
            tick += SENSOR_COUNT * od_draw(&rows, 300); /* a gap of up to a day */
        int64_t at = start + (int64_t)(tick / SENSOR_COUNT) * 5 * OD_MINUTE_US;
        if (od_draw_chance(&rows, 1, 40))
            at -= (int64_t)od_draw(&rows, 24) * 5 * OD_MINUTE_US;
        put_reading(&rows, &sensors[tick % SENSOR_COUNT], at);
        if (i + 1 < row_count && od_draw_chance(&rows, 1, 100)) {
            put_reading(&rows, &sensors[tick % SENSOR_COUNT], at);
            i++;
        }
    }
    return od_row_writer_end(&rows, table_out);
}

static const struct od_field info_fields[] = {
    {"sensor", OD_TYPE_TEXT, true}, {"kind", OD_TYPE_TEXT, true}, {"unit", OD_TYPE_TEXT, true}};

OD_MAKE(od_make_sensor_info)
{
    struct od_row_writer rows;
    od_row_writer_begin(&rows, memory, table_name, info_fields, sizeof(info_fields) / sizeof(info_fields[0]), seed,
                        "sensor_info", error);
    for (uint64_t i = 0; i < row_count && i < SENSOR_COUNT - 1; i++) {
        od_put_text(&rows, sensors[i].name);
        od_put_text(&rows, sensors[i].kind);
        if (sensors[i].unit == NULL)
            od_put_null(&rows);
        else
            od_put_text(&rows, sensors[i].unit);
    }
    return od_row_writer_end(&rows, table_out);
}
