/* record_shape: the fields of a record as tables, so that writer and reader cannot disagree.
 *
 * A shape is a list of (name, kind, offset); lists name the shape of their items. A new field of the record
 * is one line in record_shape.c: it is then written, read, and covered by the round-trip test. Internal to
 * reports. */
#ifndef OD_REPORTS_RECORD_SHAPE_H
#define OD_REPORTS_RECORD_SHAPE_H

#include "engine/core/buffer.h"
#include "reports/record.h"

enum od_field_kind {
    OD_FIELD_TEXT,   /* char * */
    OD_FIELD_NUMBER, /* uint64_t, a JSON integer; saturates at INT64_MAX, the largest that readers agree on */
    OD_FIELD_SEED,   /* uint64_t, a JSON string of decimals: seeds use all 64 bits */
    OD_FIELD_BOOL,   /* bool */
    OD_FIELD_STATE,  /* enum od_record_state, by name */
    OD_FIELD_VERDICT, /* enum od_record_verdict, by name */
    OD_FIELD_TEXTS,   /* struct od_record_texts */
    OD_FIELD_LIST,    /* OD_RECORD_LIST of `item` */
    OD_FIELD_KIND_COUNT
};

struct od_shape;
struct od_field {
    const char *name;
    enum od_field_kind kind;
    size_t offset;
    const struct od_shape *item;
};
struct od_shape {
    const char *name; /* for messages: "a query" */
    size_t bytes;
    const struct od_field *fields;
    size_t field_count;
};

extern const struct od_shape od_record_shape;

/* Any OD_RECORD_LIST, for code that works by shape. */
struct od_record_any_list {
    void **items;
    uint32_t count;
    uint32_t capacity;
};

/* A new zeroed item of `bytes` at the end of `list` (a struct od_record_any_list); NULL on refusal,
 * remembered in record. */
void *od_record_append(struct od_record *record, void *list, size_t bytes);

/* Puts an existing item at the end of `list`; it stays in the memory it is in. False on refusal, remembered
 * in record. */
bool od_record_adopt(struct od_record *record, void *list, void *item);

/* Appends the record as JSON; refusals are remembered by the buffer. In record_save.c. */
void od_record_to_json(const struct od_record *record, struct od_buffer *out);

#endif
