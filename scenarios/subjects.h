/* subjects: the generators' functions, one file a subject; users find them through generate.h. */
#ifndef OD_SCENARIOS_SUBJECTS_H
#define OD_SCENARIOS_SUBJECTS_H

#include "scenarios/generate.h"

#define OD_MAKE(name)                                                                                        \
    enum od_status name(struct od_memory *memory, const char *table_name, uint64_t row_count, uint64_t seed, \
                        struct od_table **table_out, struct od_error *error)

OD_MAKE(od_make_access_log);   /* web_log.c */
OD_MAKE(od_make_cards);        /* payments.c */
OD_MAKE(od_make_merchants);    /* payments.c */
OD_MAKE(od_make_transactions); /* payments.c */
OD_MAKE(od_make_sensors);      /* telemetry.c */
OD_MAKE(od_make_sensor_info);  /* telemetry.c */
OD_MAKE(od_make_flights);      /* aviation.c */
OD_MAKE(od_make_airports);     /* aviation.c */
OD_MAKE(od_make_tpch_region);
OD_MAKE(od_make_tpch_nation);
OD_MAKE(od_make_tpch_part);
OD_MAKE(od_make_tpch_supplier);
OD_MAKE(od_make_tpch_partsupp);
OD_MAKE(od_make_tpch_customer);
OD_MAKE(od_make_tpch_orders);
OD_MAKE(od_make_tpch_lineitem);
OD_MAKE(od_make_h2o_groups);
OD_MAKE(od_make_h2o_x);
OD_MAKE(od_make_h2o_small);
OD_MAKE(od_make_h2o_medium);
OD_MAKE(od_make_h2o_big);
OD_MAKE(od_make_hits);

#endif
