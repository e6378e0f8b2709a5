/* scenario_shape: see scenario_shape.h. libyaml's document (a tree of nodes with marks) is walked along libcyaml's schema.
 *
 *   syntax -> one document -> each node: kind, then keys (unknown, twice, missing), then the values below
 *
 * The walk follows the schema, which is not recursive, so an alias to a node above it ends where the kinds no longer fit. */
#include "harness/scenario_shape.h"

#include <inttypes.h>
#include <string.h>
#include <yaml.h>

#include "engine/core/assert.h"

struct shape {
    const char *name;
    yaml_document_t document;
    struct od_error *error;
};

static enum od_status check_value(struct shape *shape, const cyaml_schema_value_t *schema,
                                  const yaml_node_t *node, const char *key);

static enum od_status fail_at_node(struct shape *shape, const yaml_node_t *node, const char *what)
{
    return od_fail_at(shape->error, OD_BAD_INPUT, (uint32_t)node->start_mark.line + 1,
                      (uint32_t)node->start_mark.column + 1, "%.90s: %s", shape->name, what);
}

static const char *scalar_of(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

/* "a list", "'abc'", "nothing". */
static void describe(const yaml_node_t *node, char *text, size_t size)
{
    if (node->type == YAML_MAPPING_NODE)
        snprintf(text, size, "a mapping");
    else if (node->type == YAML_SEQUENCE_NODE)
        snprintf(text, size, "a list");
    else if (node->data.scalar.length == 0)
        snprintf(text, size, "nothing");
    else
        snprintf(text, size, "'%.30s'", scalar_of(node));
}

static enum od_status fail_kind(struct shape *shape, const yaml_node_t *node, const char *key,
                                const char *expected)
{
    char found[40];
    char what[160];
    describe(node, found, sizeof(found));
    snprintf(what, sizeof(what), "%.20s: expected %.80s, found %s", key, expected, found);
    return fail_at_node(shape, node, what);
}

/* --- mappings -------------------------------------------------------------------------------------------------- */

static const cyaml_schema_field_t *field_find(const cyaml_schema_field_t *fields, const char *key)
{
    for (uint32_t i = 0; fields[i].key != NULL; i++) {
        if (strcmp(fields[i].key, key) == 0)
            return &fields[i];
    }
    return NULL;
}

static enum od_status fail_unknown_key(struct shape *shape, const cyaml_schema_field_t *fields,
                                       const yaml_node_t *key)
{
    char what[200];
    char found[40];
    describe(key, found, sizeof(found));
    snprintf(what, sizeof(what), "unknown key %s; expected one of ", found);
    for (uint32_t i = 0; fields[i].key != NULL; i++)
        snprintf(what + strlen(what), sizeof(what) - strlen(what), "%s%s", i == 0 ? "" : ", ", fields[i].key);
    return fail_at_node(shape, key, what);
}

static bool is_given(struct shape *shape, const yaml_node_t *node, const yaml_node_pair_t *end,
                     const char *key)
{
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < end; pair++) {
        const yaml_node_t *other = yaml_document_get_node(&shape->document, pair->key);
        if (other->type == YAML_SCALAR_NODE && strcmp(scalar_of(other), key) == 0)
            return true;
    }
    return false;
}

static enum od_status check_mapping(struct shape *shape, const cyaml_schema_field_t *fields,
                                    const yaml_node_t *node, const char *name)
{
    char what[100];
    if (node->type != YAML_MAPPING_NODE)
        return fail_kind(shape, node, name, "a mapping");
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        const yaml_node_t *key = yaml_document_get_node(&shape->document, pair->key);
        const cyaml_schema_field_t *field =
            key->type == YAML_SCALAR_NODE ? field_find(fields, scalar_of(key)) : NULL;
        if (field == NULL)
            return fail_unknown_key(shape, fields, key);
        if (is_given(shape, node, pair, field->key)) {
            snprintf(what, sizeof(what), "the key %.40s is given twice", field->key);
            return fail_at_node(shape, key, what);
        }
        enum od_status status = check_value(
            shape, &field->value, yaml_document_get_node(&shape->document, pair->value), field->key);
        if (status != OD_OK)
            return status;
    }
    for (uint32_t i = 0; fields[i].key != NULL; i++) {
        if ((fields[i].value.flags & CYAML_FLAG_OPTIONAL) != 0 ||
            is_given(shape, node, node->data.mapping.pairs.top, fields[i].key))
            continue;
        snprintf(what, sizeof(what), "%.30s: expected the key %.30s in this mapping", name, fields[i].key);
        return fail_at_node(shape, node, what);
    }
    return OD_OK;
}

/* --- other values ---------------------------------------------------------------------------------------------- */

static enum od_status check_sequence(struct shape *shape, const cyaml_schema_value_t *schema,
                                     const yaml_node_t *node, const char *key)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return fail_kind(shape, node, key, "a list");
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (count < schema->sequence.min)
        return fail_kind(shape, node, key, "a list with at least one entry");
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *entry =
            yaml_document_get_node(&shape->document, node->data.sequence.items.start[i]);
        enum od_status status = check_value(shape, schema->sequence.entry, entry, key);
        if (status != OD_OK)
            return status;
    }
    return OD_OK;
}

/* Decimal digits only: no sign, no fraction, and no leading 0, which YAML 1.1 would read as octal. */
static bool parse_whole(const char *text, uint64_t last, uint64_t *value_out)
{
    uint64_t value = 0;
    if (*text == '\0' || (text[0] == '0' && text[1] != '\0'))
        return false;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            return false;
    }
    *value_out = value;
    return *text == '\0' && value <= last;
}

static enum od_status check_number(struct shape *shape, const cyaml_schema_value_t *schema,
                                   const yaml_node_t *node, const char *key)
{
    uint64_t last =
        schema->data_size >= sizeof(uint64_t) ? UINT64_MAX : (UINT64_C(1) << 8 * schema->data_size) - 1;
    uint64_t value;
    char expected[60];
    if (node->type == YAML_SCALAR_NODE && parse_whole(scalar_of(node), last, &value))
        return OD_OK;
    snprintf(expected, sizeof(expected), "a whole number from 0 to %" PRIu64, last);
    return fail_kind(shape, node, key, expected);
}

static enum od_status check_text(struct shape *shape, const cyaml_schema_value_t *schema,
                                 const yaml_node_t *node, const char *key)
{
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.length < schema->string.min)
        return fail_kind(shape, node, key, "a text");
    if (strlen(scalar_of(node)) != node->data.scalar.length)
        return fail_kind(shape, node, key, "a text without NUL characters");
    return OD_OK;
}

static enum od_status check_value(struct shape *shape, const cyaml_schema_value_t *schema,
                                  const yaml_node_t *node, const char *key)
{
    switch (schema->type) {
    case CYAML_MAPPING:
        return check_mapping(shape, schema->mapping.fields, node, key);
    case CYAML_SEQUENCE:
        return check_sequence(shape, schema, node, key);
    case CYAML_UINT:
        return check_number(shape, schema, node, key);
    default:
        od_assert(schema->type == CYAML_STRING);
        return check_text(shape, schema, node, key);
    }
}

/* --- the file -------------------------------------------------------------------------------------------------- */

/* libyaml's reader (bad UTF-8, control characters) knows an offset in bytes, its scanner and parser know a mark. */
static enum od_status fail_syntax(const char *name, const char *text, const yaml_parser_t *parser,
                                  struct od_error *error)
{
    uint32_t line = (uint32_t)parser->problem_mark.line + 1;
    uint32_t column = (uint32_t)parser->problem_mark.column + 1;
    if (parser->error == YAML_MEMORY_ERROR)
        return od_fail(error, OD_NO_MEMORY, "reading %.90s", name);
    if (parser->error == YAML_READER_ERROR) {
        line = column = 1;
        for (size_t i = 0; i < parser->problem_offset; i++) {
            bool ends_line = text[i] == '\n';
            bool begins_character = ((unsigned char)text[i] & 0xc0) != 0x80;
            line += ends_line;
            column = ends_line ? 1 : column + begins_character;
        }
    }
    return od_fail_at(error, OD_BAD_INPUT, line, column, "%.90s: expected YAML: %.60s%s%.60s", name,
                      parser->context == NULL ? "" : parser->context, parser->context == NULL ? "" : ", ",
                      parser->problem == NULL ? "it can't be read" : parser->problem);
}

static enum od_status check_document(struct shape *shape, yaml_parser_t *parser, const char *text,
                                     const cyaml_schema_value_t *schema)
{
    const yaml_node_t *root = yaml_document_get_root_node(&shape->document);
    if (root == NULL)
        return od_fail_at(shape->error, OD_BAD_INPUT, 1, 1, "%.90s: expected a scenario, found nothing",
                          shape->name);
    enum od_status status = check_value(shape, schema, root, "scenario");
    if (status != OD_OK)
        return status;
    yaml_document_delete(&shape->document);
    if (!yaml_parser_load(parser, &shape->document))
        return fail_syntax(shape->name, text, parser, shape->error);
    root = yaml_document_get_root_node(&shape->document);
    return root == NULL ? OD_OK : fail_at_node(shape, root, "expected one document, found a second one");
}

enum od_status od_scenario_check_shape(const char *name, const char *text, size_t size,
                                       const cyaml_schema_value_t *schema, struct od_error *error)
{
    struct shape shape = {.name = name, .error = error};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return od_fail(error, OD_NO_MEMORY, "reading %.90s", name);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    enum od_status status = yaml_parser_load(&parser, &shape.document)
                                ? check_document(&shape, &parser, text, schema)
                                : fail_syntax(name, text, &parser, error);
    yaml_document_delete(&shape.document); /* a failed load leaves an empty one */
    yaml_parser_delete(&parser);
    return status;
}
