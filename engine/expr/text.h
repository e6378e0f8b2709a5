/* text: a text column that is written row by row into an arena. For this folder only. */
#ifndef OD_EXPR_TEXT_H
#define OD_EXPR_TEXT_H

#include "engine/expr/kernel.h"

struct od_text_writer {
    int32_t *offsets;
    uint8_t *bytes;
    uint64_t capacity;  /* of bytes: an upper bound known beforehand */
    uint32_t row_count; /* rows ended so far */
};

/* Room for all rows of the call and `capacity` bytes. NO_MEMORY, also beyond 2 GiB. */
enum od_status od_text_writer_init(struct od_text_writer *writer, const struct od_kernel_call *call,
                                   uint64_t capacity);
/* Where the next row's bytes go. */
static inline uint8_t *od_text_writer_at(struct od_text_writer *writer)
{
    return writer->bytes + writer->offsets[writer->row_count];
}
static inline void od_text_writer_end_row(struct od_text_writer *writer, uint32_t size)
{
    writer->offsets[writer->row_count + 1] = writer->offsets[writer->row_count] + (int32_t)size;
    writer->row_count++;
}
struct od_column od_text_writer_column(const struct od_text_writer *writer,
                                       const struct od_kernel_call *call);

#endif
