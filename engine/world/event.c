/* event: names of event kinds, as they stand in events.jsonl, and of what their numbers mean. */
#include "engine/world/event.h"

#include "engine/core/assert.h"
#include "engine/core/enum_text.h"

OD_ENUM_TEXT(od_adaptation_text, enum od_adaptation, OD_ADAPTATION_LIST)

const char *od_event_text(enum od_event_kind kind)
{
    static const char *const texts[] = {
#define X(name, value, text, sentence) text,
        OD_EVENT_LIST(X)
#undef X
    };
    return (unsigned)kind < OD_EVENT_COUNT ? texts[kind] : "unknown";
}

enum od_event_value od_event_value_of(enum od_event_kind kind)
{
    static const enum od_event_value values[] = {
#define X(name, value, text, sentence) OD_EVENT_VALUE_##value,
        OD_EVENT_LIST(X)
#undef X
    };
    od_assert((unsigned)kind < OD_EVENT_COUNT);
    return values[kind];
}
