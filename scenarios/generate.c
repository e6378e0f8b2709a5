/* generate: the table of generators. A new one is a function in a file of its subject and a row here. */
#include "scenarios/generate.h"

#include <string.h>

#include "scenarios/subjects.h"

const struct od_generator od_generators[] = {
    {"access_log", "requests of a web site: hot pages, bots, bursts, missing sizes", 10000, od_make_access_log},
    {"cards", "payment cards and their holders' countries", 2000, od_make_cards},
    {"merchants", "shops with category and country; some unknown", 300, od_make_merchants},
    {"transactions", "payments: hot merchants, night-time bursts abroad, declined ones", 20000, od_make_transactions},
    {"sensors", "readings of seven sensors: rhythm, gaps, late and duplicate rows, spikes", 20000, od_make_sensors},
    {"sensor_info", "what the sensors measure; one sensor is not described", 7, od_make_sensor_info},
    {"flights", "US flights: hubs, delays with a tail, cancelled ones without delay", 20000, od_make_flights},
    {"airports", "airports; a few that flights use are missing", 300, od_make_airports},
};
const uint32_t od_generator_count = sizeof(od_generators) / sizeof(od_generators[0]);

const struct od_generator *od_generator_find(const char *name)
{
    for (uint32_t i = 0; i < od_generator_count; i++) {
        if (strcmp(od_generators[i].name, name) == 0)
            return &od_generators[i];
    }
    return NULL;
}
