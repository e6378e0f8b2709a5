/* calendar: days since 1970-01-01 <-> year, month, day.
 *
 * The year is taken to begin in March, so that the leap day is its last; 400 years ("an era") have always
 * 146097 days.
 * Source: Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil and civil_from_days.
 */
#include "engine/data/type.h"

#include "engine/core/assert.h"

#define ERA_DAYS          146097
#define EPOCH_FROM_0_MAR1 719468 /* days from 0000-03-01 to 1970-01-01 */

int64_t od_date_from_civil(int64_t year, uint32_t month, uint32_t day)
{
    od_assert(month >= 1);
    od_assert(month <= 12);
    int64_t march_year = year - (month <= 2);
    int64_t era = (march_year >= 0 ? march_year : march_year - 399) / 400;
    int64_t year_of_era = march_year - era * 400;
    int64_t march_month = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * march_month + 2) / 5 + (int64_t)day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * ERA_DAYS + day_of_era - EPOCH_FROM_0_MAR1;
}

void od_date_to_civil(int64_t days, int64_t *year_out, uint32_t *month_out, uint32_t *day_out)
{
    int64_t shifted = days + EPOCH_FROM_0_MAR1;
    int64_t era = (shifted >= 0 ? shifted : shifted - (ERA_DAYS - 1)) / ERA_DAYS;
    int64_t day_of_era = shifted - era * ERA_DAYS;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    *day_out = (uint32_t)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *month_out = (uint32_t)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year_out = year_of_era + era * 400 + (*month_out <= 2);
}

uint32_t od_month_days(int64_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap);
}
