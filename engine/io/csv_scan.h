/* csv_scan: cuts CSV text into fields and knows where each stands. Used by csv_read.c and csv_infer.c. */
#ifndef OD_IO_CSV_SCAN_H
#define OD_IO_CSV_SCAN_H

#include "engine/core/buffer.h"
#include "engine/core/status.h"

struct od_csv_scan {
    const char *source_name; /* borrowed; for error texts */
    const char *bytes;       /* borrowed */
    size_t size;
    size_t offset; /* of the next field */
    char separator;
    struct od_buffer unquoted; /* owned; a field whose quotes were doubled */
};

/* A field; valid until the next one is read. */
struct od_csv_field {
    const char *bytes;
    uint32_t size;
    bool is_quoted;
    bool ends_record;
    size_t offset; /* where it begins, for od_csv_scan_fail */
    size_t end;    /* where it ends: its separator or line end */
};

/* Skips a byte order mark. Fails with BAD_INPUT on NUL bytes and invalid UTF-8. */
enum od_status od_csv_scan_init(struct od_csv_scan *scan, struct od_memory *memory, const char *source_name,
                                const char *bytes, size_t size, char separator, struct od_error *error);
void od_csv_scan_release(struct od_csv_scan *scan);
static inline bool od_csv_scan_at_end(const struct od_csv_scan *scan)
{
    return scan->offset == scan->size;
}
/* The next field; must not be at the end, except behind a separator. */
enum od_status od_csv_scan_next(struct od_csv_scan *scan, struct od_csv_field *field_out,
                                struct od_error *error);
/* BAD_INPUT at a byte offset, as line and column. */
enum od_status od_csv_scan_fail(const struct od_csv_scan *scan, size_t offset, struct od_error *error,
                                const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
