/* text: clean UTF-8, and measures in words that people read: "1.24 ms", "3.1 MiB", "12,345".
 *
 * Everything that enters a record or an event list passes od_text_clean, so that JSON, XML and HTML writers
 * below may rely on valid UTF-8. Which characters each of them must escape is their own affair. Internal to
 * reports. */
#ifndef OD_REPORTS_TEXT_H
#define OD_REPORTS_TEXT_H

#include "engine/core/arena.h"
#include "engine/core/buffer.h"

/* A copy in which every ill-formed byte is U+FFFD (RFC 3629 decides what is well-formed); NULL on refusal. */
char *od_text_clean(struct od_arena *arena, const char *text);

/* The length in bytes of the well-formed character at `text`, 0 if it is ill-formed or the end. */
size_t od_text_character(const char *text);
/* Characters, which on a terminal is nearly the width. */
size_t od_text_width(const char *text);

/* A measure as text, held by value so that several fit into one printf. */
struct od_measure {
    char text[32];
};
struct od_measure od_measure_ns(uint64_t ns);       /* "0", "340 ns", "1.24 ms", "2 min 05 s" */
struct od_measure od_measure_bytes(uint64_t bytes); /* "17 B", "3.1 MiB" */
struct od_measure od_measure_count(uint64_t count); /* "12,345" */
struct od_measure od_measure_seconds(uint64_t ns);  /* "0.001240", for machines */
/* "2026-02-03 04:05:06 UTC"; "-" for 0. */
struct od_measure od_measure_moment(uint64_t unix_ms);

/* Appends text with & < > " ' as entities. Control characters that neither XML 1.0 nor HTML allow become
 * U+FFFD. NULL: nothing. */
void od_text_markup(struct od_buffer *out, const char *text);

#endif
