/* json_write: JSON text straight into a buffer, for the record, the event log and the data inside the HTML
 * page.
 *
 *   od_json_open(&json, NULL, '{'); od_json_text(&json, "name", "x"); od_json_close(&json, '}');
 *
 * Keys are NULL inside an array. Refusals are remembered by the buffer. Reading is jansson's work. Internal
 * to reports. */
#ifndef OD_REPORTS_JSON_WRITE_H
#define OD_REPORTS_JSON_WRITE_H

#include "engine/core/buffer.h"

struct od_json {
    struct od_buffer *out; /* borrowed */
    uint32_t indent;       /* spaces a level; 0: all on one line */
    bool inside_html;      /* also escape < > & and the line separators, for a <script> element */
    uint32_t depth;
    bool comma; /* something precedes on this level */
};

void od_json_open(struct od_json *json, const char *key, char bracket);
void od_json_close(struct od_json *json, char bracket);
/* NULL text is JSON's null. Text must be valid UTF-8; ill-formed bytes become U+FFFD. */
void od_json_text(struct od_json *json, const char *key, const char *text);
/* Saturates at INT64_MAX, which is as far as readers agree. */
void od_json_number(struct od_json *json, const char *key, uint64_t number);
/* number / 1000, exactly. */
void od_json_thousandths(struct od_json *json, const char *key, uint64_t number);
void od_json_bool(struct od_json *json, const char *key, bool value);

#endif
