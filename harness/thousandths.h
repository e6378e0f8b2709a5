/* thousandths: numbers people write with up to three digits behind a point (scales, shares), kept exactly. */
#ifndef OD_HARNESS_THOUSANDTHS_H
#define OD_HARNESS_THOUSANDTHS_H

#include "engine/core/status.h"

/* Digits, at least one, and up to three behind a point; *end_out behind them. False where there are none, for zero, and for
 * what is too large. */
bool od_thousandths_read(const char *text, uint64_t *thousandths_out, const char **end_out);
/* The whole text is such a number from first to last. BAD_INPUT names `what` ("--scale") and the range. */
enum od_status od_thousandths_parse(const char *what, const char *text, uint64_t first, uint64_t last,
                                    uint64_t *thousandths_out, struct od_error *error);
/* Of `rows` at scale 1: at least one. */
uint64_t od_rows_at_scale(uint64_t rows, uint64_t scale_thousandths);

#define OD_SCALE_MIN UINT64_C(1)
#define OD_SCALE_ONE UINT64_C(1000)
#define OD_SCALE_MAX UINT64_C(10000000)

#endif
