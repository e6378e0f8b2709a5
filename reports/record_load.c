/* record_load: JSON back into a record. jansson reads the syntax and says line and column of a mistake; the
 * shapes say which fields there are. Unknown fields are ignored (a newer minor writer), missing ones are
 * zero, a field of a wrong type is BAD_INPUT with its path: "scenarios[0].queries[2].rows: expected a list".
 */
#include "engine/core/assert.h"
#include "reports/record_shape.h"
#include "reports/whole_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the reader is, for messages: each level knows its parent. */
struct place {
    const struct place *parent; /* NULL: the top */
    const char *name;           /* NULL: an item of a list */
    size_t index;
};

struct loader {
    struct od_record *record; /* borrowed */
    const char *name;         /* of the file */
    struct od_error *error;
};

static size_t place_text(const struct place *place, char *text, size_t size)
{
    if (place == NULL)
        return 0;
    size_t used = place_text(place->parent, text, size);
    int count = place->name == NULL
                    ? snprintf(text + used, size - used, "[%zu]", place->index)
                    : snprintf(text + used, size - used, "%s%s", used > 0 ? "." : "", place->name);
    used += count < 0 ? 0 : (size_t)count;
    return used >= size ? size - 1 : used;
}

static enum od_status fail_here(const struct loader *loader, const struct place *place, const char *expected)
{
    char path[200];
    path[0] = '\0';
    place_text(place, path, sizeof(path));
    return od_fail(loader->error, OD_BAD_INPUT, "%s: %s: expected %s", loader->name,
                   path[0] == '\0' ? "top" : path, expected);
}

static enum od_status fail_memory(const struct loader *loader)
{
    return od_fail(loader->error, OD_NO_MEMORY, "reading %s", loader->name);
}

static enum od_status read_shape(const struct loader *loader, const struct place *place,
                                 const struct od_shape *shape, const json_t *value, void *item);

static enum od_status read_list(const struct loader *loader, const struct place *place,
                                const struct od_field *field, const json_t *value, void *list)
{
    if (!json_is_array(value))
        return fail_here(loader, place, "a list");
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *element = json_array_get(value, i);
        struct place here = {place, NULL, i};
        if (field->kind == OD_FIELD_TEXTS) {
            if (!json_is_string(element))
                return fail_here(loader, &here, "a text");
            od_record_line(loader->record, list, json_string_value(element));
            if (loader->record->failed)
                return fail_memory(loader);
            continue;
        }
        void *item = od_record_append(loader->record, list, field->item->bytes);
        if (item == NULL)
            return fail_memory(loader);
        enum od_status status = read_shape(loader, &here, field->item, element, item);
        if (status != OD_OK)
            return status;
    }
    return OD_OK;
}

static enum od_status read_seed(const struct loader *loader, const struct place *place, const json_t *value,
                                uint64_t *seed)
{
    const char *digits = json_string_value(value);
    char *end = NULL;
    errno = 0;
    if (digits != NULL)
        *seed = strtoull(digits, &end, 10);
    if (digits == NULL || end == digits || *end != '\0' || errno != 0 || digits[0] == '-')
        return fail_here(loader, place, "a seed: a text of decimal digits below 2^64");
    return OD_OK;
}

/* The number whose text is `value`, or `count`. */
static unsigned find_word(const json_t *value, unsigned count, const char *(*text_of)(unsigned))
{
    const char *word = json_string_value(value);
    unsigned index = 0;
    while (index < count && (word == NULL || strcmp(word, text_of(index)) != 0))
        index++;
    return index;
}
static const char *state_word(unsigned index)
{
    return od_record_state_text((enum od_record_state)index);
}
static const char *verdict_word(unsigned index)
{
    return od_record_verdict_text((enum od_record_verdict)index);
}

static enum od_status read_field(const struct loader *loader, const struct place *place,
                                 const struct od_field *field, const json_t *value, void *target)
{
    unsigned word;
    switch (field->kind) {
    case OD_FIELD_TEXT:
        if (!json_is_string(value))
            return fail_here(loader, place, "a text");
        od_record_text(loader->record, target, json_string_value(value));
        return loader->record->failed ? fail_memory(loader) : OD_OK;
    case OD_FIELD_NUMBER:
        if (!json_is_integer(value) || json_integer_value(value) < 0)
            return fail_here(loader, place, "a whole number from 0");
        *(uint64_t *)target = (uint64_t)json_integer_value(value);
        return OD_OK;
    case OD_FIELD_SEED:
        return read_seed(loader, place, value, target);
    case OD_FIELD_BOOL:
        if (!json_is_boolean(value))
            return fail_here(loader, place, "true or false");
        *(bool *)target = json_is_true(value);
        return OD_OK;
    case OD_FIELD_STATE:
        word = find_word(value, OD_RECORD_STATE_COUNT, state_word);
        if (word == OD_RECORD_STATE_COUNT)
            return fail_here(loader, place, "\"running\", \"finished\" or \"interrupted\"");
        *(enum od_record_state *)target = (enum od_record_state)word;
        return OD_OK;
    case OD_FIELD_VERDICT:
        word = find_word(value, OD_RECORD_VERDICT_COUNT, verdict_word);
        if (word == OD_RECORD_VERDICT_COUNT)
            return fail_here(loader, place, "\"held\", \"failed\" or \"undecided\"");
        *(enum od_record_verdict *)target = (enum od_record_verdict)word;
        return OD_OK;
    case OD_FIELD_TEXTS:
    case OD_FIELD_LIST:
        return read_list(loader, place, field, value, target);
    case OD_FIELD_KIND_COUNT:
        break;
    }
    od_unreachable();
}

static enum od_status read_shape(const struct loader *loader, const struct place *place,
                                 const struct od_shape *shape, const json_t *value, void *item)
{
    if (!json_is_object(value))
        return fail_here(loader, place, shape->name);
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct od_field *field = &shape->fields[i];
        const json_t *member = json_object_get(value, field->name);
        struct place here = {place, field->name, 0};
        if (field->kind == OD_FIELD_VERDICT && member == NULL)
            return fail_here(loader, &here, "a verdict: a run without one must not count as held");
        if (member == NULL || json_is_null(member))
            continue;
        enum od_status status = read_field(loader, &here, field, member, (uint8_t *)item + field->offset);
        if (status != OD_OK)
            return status;
    }
    return OD_OK;
}

static enum od_status check_version(const struct loader *loader, const json_t *root)
{
    const json_t *version = json_object_get(root, "schema_version");
    if (!json_is_integer(version))
        return od_fail(loader->error, OD_BAD_INPUT,
                       "%s: expected a run record (an object with a whole number \"schema_version\")",
                       loader->name);
    if (json_integer_value(version) < 1 || json_integer_value(version) > OD_RECORD_SCHEMA_VERSION)
        return od_fail(loader->error, OD_BAD_INPUT, "%s: schema_version is %lld, this ordeal reads 1 to %d",
                       loader->name, (long long)json_integer_value(version), OD_RECORD_SCHEMA_VERSION);
    if (!json_is_string(json_object_get(root, "state")))
        return od_fail(loader->error, OD_BAD_INPUT, "%s: state: expected a text", loader->name);
    return OD_OK;
}

/* A record without what od_record_new says about this process. */
static struct od_record *new_blank(struct od_memory *memory)
{
    struct od_record *record = od_take(memory, sizeof(*record));
    if (record == NULL)
        return NULL;
    record->memory = memory;
    od_arena_init(&record->arena, memory, 64 * 1024);
    return record;
}

/* New runs of a loaded record must not repeat an index. */
static void find_next_run_index(struct od_record *record)
{
    for (uint32_t i = 0; i < record->scenarios.count; i++) {
        const struct od_record_scenario *scenario = record->scenarios.items[i];
        for (uint32_t k = 0; k < scenario->queries.count; k++) {
            const struct od_record_query *query = scenario->queries.items[k];
            for (uint32_t m = 0; m < query->runs.count; m++) {
                uint64_t after = query->runs.items[m]->run_index + 1;
                record->next_run_index = after > record->next_run_index ? after : record->next_run_index;
            }
        }
    }
}

enum od_status od_record_parse(struct od_memory *memory, const char *name, const char *bytes, size_t size,
                               struct od_record **record_out, struct od_error *error)
{
    enum od_status status = OD_OK;
    json_error_t mistake;
    *record_out = NULL;
    json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &mistake);
    struct od_record *record = NULL;
    if (root == NULL) {
        status = json_error_code(&mistake) == json_error_out_of_memory
                     ? od_fail(error, OD_NO_MEMORY, "reading %s", name)
                     : od_fail_at(error, OD_BAD_INPUT, (uint32_t)(mistake.line > 0 ? mistake.line : 0),
                                  (uint32_t)(mistake.column > 0 ? mistake.column : 0),
                                  "%s:%d:%d: not JSON: %s", name, mistake.line, mistake.column, mistake.text);
        goto done;
    }
    record = new_blank(memory);
    struct loader loader = {record, name, error};
    if (record == NULL) {
        status = od_fail(error, OD_NO_MEMORY, "reading %s", name);
        goto done;
    }
    status = check_version(&loader, root);
    if (status == OD_OK)
        status = read_shape(&loader, NULL, &od_record_shape, root, record);
    if (status != OD_OK)
        goto done;
    find_next_run_index(record);
    *record_out = record;
    record = NULL;
done:
    od_record_free(record);
    json_decref(root);
    return status;
}

enum od_status od_record_load(struct od_memory *memory, const char *path, struct od_record **record_out,
                              struct od_error *error)
{
    struct od_buffer file;
    struct od_buffer bytes;
    *record_out = NULL;
    od_buffer_init(&file, memory);
    od_buffer_init(&bytes, memory);
    od_whole_file_inside(&file, path, OD_RECORD_FILE_NAME);
    const char *name = od_buffer_text(&file);
    enum od_status status = file.failed ? od_fail(error, OD_NO_MEMORY, "reading %s", path)
                                        : od_whole_file_read(name, &bytes, error);
    if (status == OD_OK)
        status = od_record_parse(memory, name, (const char *)bytes.bytes, bytes.size, record_out, error);
    od_buffer_release(&bytes);
    od_buffer_release(&file);
    return status;
}
