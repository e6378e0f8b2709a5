/* arrow: tables to and from other programs of this process, by Arrow's C data and C stream interfaces
 * (https://arrow.apache.org/docs/format/CDataInterface.html, .../CStreamInterface.html).
 *
 *   ours               out          in, besides
 *   boolean            b
 *   integer            i            c C s S (8 and 16 bits)
 *   bigint             l            I (32 bits without a sign)
 *   numeric            d:38,scale   L (64 bits without a sign); 128-bit decimals of any precision up to 38, scale 0 to 38
 *   double precision   g            f
 *   text               u            U
 *   date               tdD
 *   timestamp          tsu:         tss: tsm: tsn: (whole microseconds)
 *
 * Everything else is UNSUPPORTED: dictionaries, nested types, time zones, intervals. */
#ifndef OD_IO_ARROW_H
#define OD_IO_ARROW_H

#include "engine/data/batch.h"

/* The interfaces, as their pages define them. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE           2
#define ARROW_FLAG_MAP_KEYS_SORTED    4
struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

/* Out: a struct array with a child for each column. Nothing is copied but numerics, each column of which goes out at its
 * largest scale; so `batch` and what it shows must outlive the array (not the schema). Both are released by whoever gets
 * them, children also apart from their parent, any of them from any thread if `memory` allows that. UNSUPPORTED when a
 * type has no row above, or a numeric more than 38 digits at its column's scale. NO_MEMORY. On failure both outputs are zeroed. */
enum od_status od_arrow_export(struct od_memory *memory, const struct od_batch *batch, struct ArrowSchema *schema_out,
                               struct ArrowArray *array_out, struct od_error *error);
/* The rows as arrays of at most chunk_rows. `batch` must outlive the stream and its arrays. */
enum od_status od_arrow_export_stream(struct od_memory *memory, const struct od_batch *batch, uint32_t chunk_rows,
                                      struct ArrowArrayStream *stream_out, struct od_error *error);

/* In: a table with copies of all rows. Schema, array or stream are released in any case. BAD_INPUT for what breaks the
 * interface's rules as far as one can see (sizes of buffers one cannot), for invalid UTF-8 and for NULs; UNSUPPORTED; IO with
 * the stream's own text when it fails; NO_MEMORY, also for a stream's ENOMEM. On failure *table_out is NULL. */
enum od_status od_arrow_import(struct od_memory *memory, const char *table_name, struct ArrowSchema *schema,
                               struct ArrowArray *array, struct od_table **table_out, struct od_error *error);
enum od_status od_arrow_import_stream(struct od_memory *memory, const char *table_name,
                                      struct ArrowArrayStream *stream, struct od_table **table_out,
                                      struct od_error *error);

#endif
