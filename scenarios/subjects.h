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

#endif
