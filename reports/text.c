#include "reports/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* The first byte decides the length and what the second may be (RFC 3629, section 4). */
size_t od_text_character(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned char first = bytes[0];
    if (first == 0)
        return 0;
    if (first < 0x80)
        return 1;
    size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    for (size_t i = 1; i < size; i++) {
        if (bytes[i] < low || bytes[i] > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    return size;
}

size_t od_text_width(const char *text)
{
    size_t width = 0;
    while (*text != '\0') {
        size_t size = od_text_character(text);
        text += size == 0 ? 1 : size;
        width++;
    }
    return width;
}

/* Bytes of the cleaned text, which are also written when target is not NULL. */
static size_t clean_into(char *target, const char *text)
{
    size_t total = 0;
    while (*text != '\0') {
        size_t size = od_text_character(text);
        const char *from = size == 0 ? REPLACEMENT : text;
        size_t count = size == 0 ? strlen(REPLACEMENT) : size;
        if (target != NULL)
            memcpy(target + total, from, count);
        total += count;
        text += size == 0 ? 1 : size;
    }
    return total;
}

char *od_text_clean(struct od_arena *arena, const char *text)
{
    char *copy = od_arena_take(arena, clean_into(NULL, text) + 1);
    if (copy != NULL)
        clean_into(copy, text);
    return copy;
}

struct od_measure od_measure_ns(uint64_t ns)
{
    struct od_measure measure;
    double value = (double)ns;
    char *text = measure.text;
    size_t size = sizeof(measure.text);
    if (ns == 0)
        snprintf(text, size, "0");
    else if (ns < 1000)
        snprintf(text, size, "%" PRIu64 " ns", ns);
    else if (ns < 999500) /* above, three digits would round to 1e+03 */
        snprintf(text, size, "%.3g µs", value / 1e3);
    else if (ns < 999500000)
        snprintf(text, size, "%.3g ms", value / 1e6);
    else if (ns < UINT64_C(120000000000))
        snprintf(text, size, "%.2f s", value / 1e9);
    else
        snprintf(text, size, "%" PRIu64 " min %02" PRIu64 " s", ns / UINT64_C(60000000000),
                 ns / 1000000000 % 60);
    return measure;
}

struct od_measure od_measure_seconds(uint64_t ns)
{
    struct od_measure measure;
    snprintf(measure.text, sizeof(measure.text), "%" PRIu64 ".%06" PRIu64, ns / 1000000000,
             ns % 1000000000 / 1000);
    return measure;
}

struct od_measure od_measure_bytes(uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    struct od_measure measure;
    size_t unit = 0;
    double value = (double)bytes;
    for (; value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
        value /= 1024;
    snprintf(measure.text, sizeof(measure.text), unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return measure;
}

struct od_measure od_measure_count(uint64_t count)
{
    struct od_measure measure;
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    char *target = measure.text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *target++ = ',';
        *target++ = digits[i];
    }
    *target = '\0';
    return measure;
}

struct od_measure od_measure_moment(uint64_t unix_ms)
{
    struct od_measure measure = {"-"};
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm parts;
    memset(&parts, 0, sizeof(parts));
    if (unix_ms == 0 || gmtime_r(&seconds, &parts) == NULL)
        return measure;
    if (strftime(measure.text, sizeof(measure.text), "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        snprintf(measure.text, sizeof(measure.text), "-");
    return measure;
}

/* XML 1.0, section 2.2: tab, line feed, carriage return, and from U+0020 on without surrogates, U+FFFE and
 * U+FFFF. HTML allows no other control characters either; DEL and C1 controls are legal in XML and shown by
 * nobody. */
static bool is_markup_character(const unsigned char *bytes, size_t size)
{
    if (size == 1)
        return (bytes[0] >= 0x20 && bytes[0] != 0x7f) || bytes[0] == '\t' || bytes[0] == '\n' ||
               bytes[0] == '\r';
    if (size == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0)
        return false;
    return !(size == 3 && bytes[0] == 0xef && bytes[1] == 0xbf && bytes[2] >= 0xbe);
}

static const char *entity_of(char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void od_text_markup(struct od_buffer *out, const char *text)
{
    while (text != NULL && *text != '\0') {
        size_t size = od_text_character(text);
        const char *entity = entity_of(*text);
        if (entity != NULL)
            od_buffer_append_text(out, entity);
        else if (size == 0 || !is_markup_character((const unsigned char *)text, size))
            od_buffer_append_text(out, REPLACEMENT);
        else
            od_buffer_append(out, text, size);
        text += size == 0 ? 1 : size;
    }
}
