/* interval: struct od_interval (see type.h) as text, and what it does to timestamps, as PostgreSQL does it. */
#ifndef OD_DATA_INTERVAL_H
#define OD_DATA_INTERVAL_H

#include "engine/data/type.h"

/* "1 year 2 mons -3 days 04:05:06.7", "1 month", "90 days", "@ 1 hour ago", "P1Y2M3DT4H5M6.7S", "1-2", "04:05". False when it
 * is none or out of range. */
bool od_interval_parse(const char *text, uint32_t size, struct od_interval *interval_out);
/* PostgreSQL's default style. */
bool od_interval_print(const struct od_interval *interval, struct od_buffer *buffer);
/* As a span of 30-day months and 24-hour days, as PostgreSQL compares them: '1 month' equals '30 days'. */
int od_interval_compare(const struct od_interval *left, const struct od_interval *right);
/* Equal intervals hash alike: 1 day as 24 hours. */
uint64_t od_interval_hash(const struct od_interval *interval);
/* False on overflow of a part. */
bool od_interval_add(const struct od_interval *left, const struct od_interval *right, struct od_interval *result_out);
bool od_interval_negate(const struct od_interval *interval, struct od_interval *result_out);
/* PostgreSQL's interval * double precision, or / when `divides` (the factor is not 0 then): fractions of months go to days, of
 * days to microseconds. */
bool od_interval_scale(const struct od_interval *interval, double factor, bool divides, struct od_interval *result_out);
/* Months first (the day is cut to the month's last), then days, then microseconds. False out of range. */
bool od_timestamp_add_interval(int64_t timestamp, const struct od_interval *interval, int64_t *timestamp_out);
/* timestamp - timestamp: days of 24 hours and the rest. */
bool od_timestamp_subtract(int64_t left, int64_t right, struct od_interval *result_out);

#endif
