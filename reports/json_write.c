#include "reports/json_write.h"

#include <inttypes.h>
#include <string.h>

#include "engine/core/assert.h"
#include "reports/text.h"

static void write_string(struct od_json *json, const char *text)
{
    static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* RFC 8259, section 7, in pairs */
    od_buffer_append_text(json->out, "\"");
    while (*text != '\0') {
        size_t size = od_text_character(text);
        unsigned char first = (unsigned char)*text;
        const char *pair = short_forms;
        while (*pair != '\0' && *pair != *text)
            pair += 2;
        if (size == 0)
            od_buffer_append_text(json->out, "\xef\xbf\xbd");
        else if (*pair != '\0')
            od_buffer_print(json->out, "\\%c", pair[1]);
        else if (first < 0x20 || first == 0x7f || (json->inside_html && strchr("<>&", first) != NULL))
            od_buffer_print(json->out, "\\u%04x", first);
        else if (json->inside_html && size == 3 && memcmp(text, "\xe2\x80", 2) == 0 &&
                 (text[2] & 0xfe) == 0xa8)
            od_buffer_print(json->out, "\\u20%02x", text[2] & 0x3f);
        else
            od_buffer_append(json->out, text, size);
        text += size == 0 ? 1 : size;
    }
    od_buffer_append_text(json->out, "\"");
}

static void new_line(struct od_json *json)
{
    if (json->indent == 0)
        return;
    od_buffer_append_text(json->out, "\n");
    for (uint32_t i = 0; i < json->depth * json->indent; i++)
        od_buffer_append_text(json->out, " ");
}

static void begin_value(struct od_json *json, const char *key)
{
    if (json->comma)
        od_buffer_append_text(json->out, ",");
    if (json->depth > 0)
        new_line(json);
    if (key != NULL) {
        write_string(json, key);
        od_buffer_append_text(json->out, json->indent > 0 ? ": " : ":");
    }
    json->comma = true;
}

void od_json_open(struct od_json *json, const char *key, char bracket)
{
    begin_value(json, key);
    od_buffer_append(json->out, &bracket, 1);
    json->depth++;
    json->comma = false;
}

void od_json_close(struct od_json *json, char bracket)
{
    od_assert(json->depth > 0);
    json->depth--;
    if (json->comma)
        new_line(json);
    od_buffer_append(json->out, &bracket, 1);
    json->comma = true;
}

void od_json_text(struct od_json *json, const char *key, const char *text)
{
    begin_value(json, key);
    if (text == NULL)
        od_buffer_append_text(json->out, "null");
    else
        write_string(json, text);
}

void od_json_number(struct od_json *json, const char *key, uint64_t number)
{
    begin_value(json, key);
    od_buffer_print(json->out, "%" PRIu64, number > INT64_MAX ? (uint64_t)INT64_MAX : number);
}

void od_json_thousandths(struct od_json *json, const char *key, uint64_t number)
{
    begin_value(json, key);
    od_buffer_print(json->out, "%" PRIu64 ".%03u", number / 1000, (unsigned)(number % 1000));
}

void od_json_bool(struct od_json *json, const char *key, bool value)
{
    begin_value(json, key);
    od_buffer_append_text(json->out, value ? "true" : "false");
}
