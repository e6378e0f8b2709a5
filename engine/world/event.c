/* event: names of event kinds, as they stand in events.jsonl. */
#include "engine/world/event.h"

static const char *const event_texts[] = {
#define X(name, text, sentence) [OD_EVENT_##name] = text,
    OD_EVENT_LIST(X)
#undef X
};
_Static_assert(sizeof(event_texts) / sizeof(event_texts[0]) == OD_EVENT_COUNT, "every event kind has a name");

const char *od_event_text(enum od_event_kind kind)
{
    return (unsigned)kind < OD_EVENT_COUNT ? event_texts[kind] : "unknown event";
}
