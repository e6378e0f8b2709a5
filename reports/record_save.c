/* record_save: a record as JSON, field by field from the shapes. Empty texts, zeros and empty lists are left
 * out, except where the reader of the file would miss them: the schema version, the state, every verdict. */
#include "engine/core/assert.h"
#include "reports/json_write.h"
#include "reports/record_shape.h"
#include "reports/whole_file.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

static void write_shape(struct od_json *json, const char *key, const struct od_shape *shape,
                        const void *item);

static void write_list(struct od_json *json, const struct od_field *field,
                       const struct od_record_any_list *list)
{
    if (list->count == 0)
        return;
    od_json_open(json, field->name, '[');
    for (uint32_t i = 0; i < list->count; i++) {
        if (field->kind == OD_FIELD_TEXTS)
            od_json_text(json, NULL, list->items[i]);
        else
            write_shape(json, NULL, field->item, list->items[i]);
    }
    od_json_close(json, ']');
}

static void write_seed(struct od_json *json, const char *name, uint64_t seed)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRIu64, seed);
    od_json_text(json, name, digits);
}

static void write_field(struct od_json *json, const struct od_field *field, const void *place)
{
    switch (field->kind) {
    case OD_FIELD_TEXT:
        if (*(char *const *)place != NULL)
            od_json_text(json, field->name, *(char *const *)place);
        break;
    case OD_FIELD_NUMBER:
        if (*(const uint64_t *)place != 0)
            od_json_number(json, field->name, *(const uint64_t *)place);
        break;
    case OD_FIELD_SEED:
        write_seed(json, field->name, *(const uint64_t *)place);
        break;
    case OD_FIELD_BOOL:
        if (*(const bool *)place)
            od_json_bool(json, field->name, true);
        break;
    case OD_FIELD_STATE:
        od_json_text(json, field->name, od_record_state_text(*(const enum od_record_state *)place));
        break;
    case OD_FIELD_VERDICT:
        od_json_text(json, field->name, od_record_verdict_text(*(const enum od_record_verdict *)place));
        break;
    case OD_FIELD_TEXTS:
    case OD_FIELD_LIST:
        write_list(json, field, place);
        break;
    case OD_FIELD_KIND_COUNT:
        od_unreachable();
    }
}

static void write_shape(struct od_json *json, const char *key, const struct od_shape *shape, const void *item)
{
    od_json_open(json, key, '{');
    for (size_t i = 0; i < shape->field_count; i++)
        write_field(json, &shape->fields[i], (const uint8_t *)item + shape->fields[i].offset);
    od_json_close(json, '}');
}

void od_record_to_json(const struct od_record *record, struct od_buffer *out)
{
    struct od_json json = {.out = out, .indent = 1};
    write_shape(&json, NULL, &od_record_shape, record);
    od_buffer_append_text(out, "\n");
}

enum od_status od_record_save(const struct od_record *record, const char *directory, struct od_error *error)
{
    struct od_buffer text;
    od_buffer_init(&text, record->memory);
    char path[PATH_MAX];
    enum od_status status = od_whole_file_make_directory(directory, 0777, error);
    if (status != OD_OK)
        goto done;
    int length = snprintf(path, sizeof(path), "%s/%s", directory, OD_RECORD_FILE_NAME);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        status = od_fail(error, OD_IO, "saving the record: the name is too long: %s", directory);
        goto done;
    }
    od_record_to_json(record, &text);
    if (record->failed || text.failed)
        status = od_fail(error, OD_NO_MEMORY, "saving the record: an allocation was refused: %s", path);
    else
        status = od_whole_file_replace(path, text.bytes, text.size, error);
done:
    od_buffer_release(&text);
    return status;
}
