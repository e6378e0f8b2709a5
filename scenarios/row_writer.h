/* row_writer: fills a table value by value, in column order. The first failure sticks; the generator checks once, at its end.
 *
 *   begin -> (put_* for each column, in order) x rows -> end */
#ifndef OD_SCENARIOS_ROW_WRITER_H
#define OD_SCENARIOS_ROW_WRITER_H

#include "engine/core/random.h"
#include "engine/data/batch.h"

struct od_row_writer {
    struct od_memory *memory; /* borrowed */
    struct od_table *table;   /* owned until _end */
    uint32_t column;          /* the next one of the unfinished row */
    enum od_status status;
    struct od_error *error;   /* borrowed; may be NULL */
    struct od_stream draws;
};

/* `fields` (count of them) name the columns. Draws come from (seed, stream_name). */
void od_row_writer_begin(struct od_row_writer *writer, struct od_memory *memory, const char *table_name,
                         const struct od_field *fields, uint32_t field_count, uint64_t seed, const char *stream_name,
                         struct od_error *error);
void od_put_null(struct od_row_writer *writer);
void od_put_boolean(struct od_row_writer *writer, bool value);
void od_put_int64(struct od_row_writer *writer, int64_t value); /* also dates and timestamps */
/* coefficient / 10^scale */
void od_put_decimal(struct od_row_writer *writer, int64_t coefficient, uint32_t scale);
void od_put_float64(struct od_row_writer *writer, double value);
void od_put_text(struct od_row_writer *writer, const char *text);
void od_put_print(struct od_row_writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Gives the finished table to the caller, or frees it and returns the first failure. */
enum od_status od_row_writer_end(struct od_row_writer *writer, struct od_table **table_out);

/* A draw in [0, bound), uniform. */
uint64_t od_draw(struct od_row_writer *writer, uint64_t bound);
bool od_draw_chance(struct od_row_writer *writer, uint32_t part, uint32_t whole);
/* A rank in [0, bound) with a heavy head: the first of 100 gets about a fifth of the draws. Integer arithmetic only, so that it is the
 * same everywhere: bound * u^3 with u uniform in [0, 1). */
uint64_t od_draw_skewed(struct od_row_writer *writer, uint64_t bound);

#define OD_SECOND_US INT64_C(1000000)
#define OD_MINUTE_US (60 * OD_SECOND_US)
#define OD_HOUR_US (60 * OD_MINUTE_US)
#define OD_DAY_US (24 * OD_HOUR_US)

#endif
