/* generate: the table of generators. A new one is a function in a file of its subject and a row here. */
#include "scenarios/generate.h"

#include <string.h>

#include "scenarios/subjects.h"

const struct od_generator od_generators[] = {
    {"access_log", "requests of a web site: hot pages, bots, bursts, missing sizes", 10000, false, od_make_access_log},
    {"cards", "payment cards and their holders' countries", 2000, false, od_make_cards},
    {"merchants", "shops with category and country; some unknown", 300, false, od_make_merchants},
    {"transactions", "payments: hot merchants, night-time bursts abroad, declined ones", 20000, false, od_make_transactions},
    {"sensors", "readings of seven sensors: rhythm, gaps, late and duplicate rows, spikes", 20000, false, od_make_sensors},
    {"sensor_info", "what the sensors measure; one sensor is not described", 7, false, od_make_sensor_info},
    {"flights", "US flights: hubs, delays with a tail, cancelled ones without delay", 20000, false, od_make_flights},
    {"airports", "airports; a few that flights use are missing", 300, false, od_make_airports},
    {"tpch_region", "TPC-H: five regions", 5, true, od_make_tpch_region},
    {"tpch_nation", "TPC-H: 25 nations and their region", 25, true, od_make_tpch_nation},
    {"tpch_part", "TPC-H: parts on sale", 2000, false, od_make_tpch_part},
    {"tpch_supplier", "TPC-H: suppliers", 100, false, od_make_tpch_supplier},
    {"tpch_partsupp", "TPC-H: which supplier offers which part", 8000, false, od_make_tpch_partsupp},
    {"tpch_customer", "TPC-H: customers, a third of them without orders", 1500, false, od_make_tpch_customer},
    {"tpch_orders", "TPC-H: orders", 15000, false, od_make_tpch_orders},
    {"tpch_lineitem", "TPC-H: the lines of the orders", 60000, false, od_make_tpch_lineitem},
    {"h2o_groups", "db-benchmark: the table to group", 100000, false, od_make_h2o_groups},
    {"h2o_x", "db-benchmark: the table to join", 10000, false, od_make_h2o_x},
    {"h2o_small", "db-benchmark: small join partner; rows are those of x", 10000, false, od_make_h2o_small},
    {"h2o_medium", "db-benchmark: medium join partner; rows are those of x", 10000, false, od_make_h2o_medium},
    {"h2o_big", "db-benchmark: big join partner; rows are those of x", 10000, false, od_make_h2o_big},
    {"hits", "ClickBench-like page views", 100000, false, od_make_hits},
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
