/* event: names of event kinds, as they stand in events.jsonl. */
#include "engine/world/event.h"

#include "engine/core/enum_text.h"

OD_ENUM_TEXT(od_event_text, enum od_event_kind, OD_EVENT_LIST)
