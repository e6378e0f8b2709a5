/* scenario_place: where a place inside a text of a scenario stands in the YAML file. A second, small pass of libyaml over the file,
 * only for error messages.
 *
 *   "queries/2/sql", line 3, column 7 of that SQL  ->  line 41, column 13 of the file
 *
 * YAML re-indents, folds and unquotes, but it keeps every character that is not blank, in order. So a place in the text is named by
 * how many non-blank characters lie before it, and the same number is counted off in the file. That is exact for every style of
 * scalar, and needs no rule about indentation. Columns are in characters, as everywhere. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "harness/scenario.h"

/* A place in the file; `at` is in bytes, the others from 1. */
struct cursor {
    const char *text;
    size_t size;
    size_t at;
    uint32_t line;
    uint32_t column;
};

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\n' || character == '\r';
}

static bool at_end(const struct cursor *cursor)
{
    return cursor->at >= cursor->size;
}

/* One character, of one to four bytes. */
static void advance(struct cursor *cursor)
{
    bool ends_line = cursor->text[cursor->at] == '\n';
    cursor->at++;
    while (!at_end(cursor) && ((unsigned char)cursor->text[cursor->at] & 0xc0) == 0x80)
        cursor->at++;
    cursor->line += ends_line;
    cursor->column = ends_line ? 1 : cursor->column + 1;
}

/* What follows is a backslash that stands for a blank, or joins two lines. */
static bool is_blank_escape(const struct cursor *cursor)
{
    return cursor->at + 1 < cursor->size && cursor->text[cursor->at] == '\\' &&
           strchr("nrt \t\r\n", cursor->text[cursor->at + 1]) != NULL;
}

static void skip_blank(struct cursor *cursor, yaml_scalar_style_t style)
{
    while (!at_end(cursor)) {
        bool escape = style == YAML_DOUBLE_QUOTED_SCALAR_STYLE && is_blank_escape(cursor);
        if (!escape && !is_blank(cursor->text[cursor->at]))
            break;
        if (escape)
            advance(cursor);
        advance(cursor);
    }
}

static void skip_line(struct cursor *cursor)
{
    uint32_t line = cursor->line;
    while (!at_end(cursor) && cursor->line == line)
        advance(cursor);
}

/* Past one non-blank character of the text, as this style writes it. */
static void advance_one(struct cursor *cursor, yaml_scalar_style_t style)
{
    char first = at_end(cursor) ? '\0' : cursor->text[cursor->at];
    uint32_t more = 0; /* behind the first */
    if (style == YAML_SINGLE_QUOTED_SCALAR_STYLE && first == '\'')
        more = 1; /* '' stands for ' */
    if (style == YAML_DOUBLE_QUOTED_SCALAR_STYLE && first == '\\' && cursor->at + 1 < cursor->size) {
        char kind = cursor->text[cursor->at + 1];
        more = kind == 'x' ? 3 : kind == 'u' ? 5 : kind == 'U' ? 9 : 1;
    }
    for (uint32_t i = 0; i <= more && !at_end(cursor); i++)
        advance(cursor);
}

/* To the first character of the text; what may lie before it: an anchor or tag, a quote, the line of "|" or ">". */
static void enter_scalar(struct cursor *cursor, yaml_scalar_style_t style)
{
    while (!at_end(cursor) && (cursor->text[cursor->at] == '&' || cursor->text[cursor->at] == '!')) {
        while (!at_end(cursor) && !is_blank(cursor->text[cursor->at]))
            advance(cursor);
        skip_blank(cursor, YAML_PLAIN_SCALAR_STYLE);
    }
    if (style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE)
        advance(cursor);
    else if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE)
        skip_line(cursor);
}

static struct cursor cursor_at(const char *text, size_t size, const yaml_mark_t *mark)
{
    struct cursor cursor = {.text = text, .size = size, .line = 1, .column = 1};
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        cursor.at = 3; /* libyaml does not count a byte order mark */
    while (!at_end(&cursor) && cursor.line <= mark->line)
        advance(&cursor);
    while (!at_end(&cursor) && cursor.column <= mark->column)
        advance(&cursor);
    return cursor;
}

/* How many non-blank characters of `value` lie before the place; *on_blank_out: there is none right at it. */
static uint64_t count_before(const char *value, size_t size, uint32_t line, uint32_t column,
                             bool *on_blank_out)
{
    struct cursor cursor = {.text = value, .size = size, .line = 1, .column = 1};
    uint64_t count = 0;
    while (!at_end(&cursor) && (cursor.line < line || (cursor.line == line && cursor.column < column))) {
        count += !is_blank(value[cursor.at]);
        advance(&cursor);
    }
    *on_blank_out = at_end(&cursor) || is_blank(value[cursor.at]);
    return count;
}

static struct od_scenario_place place_in_scalar(const char *text, size_t size, const yaml_node_t *node,
                                                uint32_t line, uint32_t column)
{
    yaml_scalar_style_t style = node->data.scalar.style;
    struct cursor cursor = cursor_at(text, size, &node->start_mark);
    bool on_blank = false;
    uint64_t count = count_before((const char *)node->data.scalar.value, node->data.scalar.length, line,
                                  column, &on_blank);
    enter_scalar(&cursor, style);
    for (uint64_t i = 0; i < count; i++) {
        skip_blank(&cursor, style);
        advance_one(&cursor, style);
    }
    if (!on_blank)
        skip_blank(&cursor, style);
    return (struct od_scenario_place){cursor.line, cursor.column};
}

/* The node that a step of the path leads to; NULL when there is none. */
static yaml_node_t *step_into(yaml_document_t *document, const yaml_node_t *node, const char *step,
                              size_t step_size)
{
    if (node->type == YAML_SEQUENCE_NODE) {
        unsigned long index = strtoul(step, NULL, 10);
        size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
        return index < count ? yaml_document_get_node(document, node->data.sequence.items.start[index])
                             : NULL;
    }
    if (node->type != YAML_MAPPING_NODE)
        return NULL;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        const yaml_node_t *key = yaml_document_get_node(document, pair->key);
        if (key->type == YAML_SCALAR_NODE && key->data.scalar.length == step_size &&
            memcmp(key->data.scalar.value, step, step_size) == 0)
            return yaml_document_get_node(document, pair->value);
    }
    return NULL;
}

static const yaml_node_t *find(yaml_document_t *document, const char *path)
{
    const yaml_node_t *node = yaml_document_get_root_node(document);
    while (node != NULL && *path != '\0') {
        size_t size = strcspn(path, "/");
        node = step_into(document, node, path, size);
        path += size + (path[size] == '/');
    }
    return node;
}

bool od_scenario_locate(const char *text, size_t size, const char *path, uint32_t line, uint32_t column,
                        struct od_scenario_place *place_out)
{
    yaml_parser_t parser;
    yaml_document_t document;
    *place_out = (struct od_scenario_place){1, 1};
    if (!yaml_parser_initialize(&parser))
        return false;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    bool loaded = yaml_parser_load(&parser, &document) != 0;
    const yaml_node_t *node = loaded ? find(&document, path) : NULL;
    if (node != NULL && node->type == YAML_SCALAR_NODE && line != 0) {
        *place_out = place_in_scalar(text, size, node, line, column);
    } else if (node != NULL) {
        place_out->line = (uint32_t)node->start_mark.line + 1;
        place_out->column = (uint32_t)node->start_mark.column + 1;
    }
    if (loaded)
        yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    return node != NULL;
}
