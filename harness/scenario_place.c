/* scenario_place: where a text stands in its YAML file. A second, small pass of libyaml over the file, only for error messages. */
#include <string.h>
#include <yaml.h>

#include "harness/scenario.h"

/* For a block scalar the mark is at its "|"; its text begins on the next line, after the indentation. */
static struct od_scenario_place place_of(const char *text, size_t size, const yaml_event_t *event)
{
    struct od_scenario_place place = {(uint32_t)event->start_mark.line + 1, (uint32_t)event->start_mark.column};
    yaml_scalar_style_t style = event->data.scalar.style;
    if (style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE)
        place.column++;
    if (style != YAML_LITERAL_SCALAR_STYLE && style != YAML_FOLDED_SCALAR_STYLE)
        return place;
    size_t at = event->start_mark.index;
    while (at < size && text[at] != '\n')
        at++;
    place.line++;
    place.column = 0;
    for (at++; at < size && (text[at] == ' ' || text[at] == '\n'); at++) {
        place.line += text[at] == '\n';
        place.column = text[at] == '\n' ? 0 : place.column + 1;
    }
    return place;
}

bool od_scenario_locate(const char *text, size_t size, const char *key, uint32_t nth,
                        struct od_scenario_place *place_out)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return false;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    bool found = false;
    bool after_key = false; /* the last scalar was the key */
    for (bool going = true; going && !found;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event))
            break;
        going = event.type != YAML_STREAM_END_EVENT;
        bool scalar = event.type == YAML_SCALAR_EVENT;
        if (scalar && after_key && nth-- == 0) {
            *place_out = place_of(text, size, &event);
            found = true;
        }
        after_key = scalar && !after_key && strcmp((const char *)event.data.scalar.value, key) == 0;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return found;
}
