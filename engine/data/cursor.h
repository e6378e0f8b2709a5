/* cursor: reading text that is a slice of somebody's buffer and not a C string. Private to engine/data. */
#ifndef OD_DATA_CURSOR_H
#define OD_DATA_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const char *at;
    const char *end;
};

static inline bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}
static inline bool skip_spaces(struct cursor *cursor)
{
    const char *start = cursor->at;
    while (cursor->at < cursor->end && is_space(*cursor->at))
        cursor->at++;
    return cursor->at > start;
}
/* Without the white space around it. */
static inline struct cursor cursor_over(const char *text, uint32_t size)
{
    struct cursor cursor = {text, text + size};
    skip_spaces(&cursor);
    while (cursor.at < cursor.end && is_space(cursor.end[-1]))
        cursor.end--;
    return cursor;
}
static inline bool take(struct cursor *cursor, char c)
{
    bool is_there = cursor->at < cursor->end && *cursor->at == c;
    cursor->at += is_there;
    return is_there;
}
/* An optional sign: whether it is a minus. */
static inline bool take_sign(struct cursor *cursor)
{
    bool is_negative = take(cursor, '-');
    if (!is_negative)
        take(cursor, '+');
    return is_negative;
}
/* Reads between min and max digits as a number; max is at most 18. */
static inline bool take_digits(struct cursor *cursor, int min_count, int max_count, int64_t *number_out)
{
    int count = 0;
    int64_t number = 0;
    for (; cursor->at < cursor->end && is_digit(*cursor->at) && count < max_count; count++)
        number = number * 10 + (*cursor->at++ - '0');
    *number_out = number;
    return count >= min_count;
}
static inline bool equals_any_case(struct cursor cursor, const char *word)
{
    for (; cursor.at < cursor.end && *word != '\0' && lower(*cursor.at) == *word; cursor.at++)
        word++;
    return cursor.at == cursor.end && *word == '\0';
}

/* ".123": the part of 1 behind the point, as PostgreSQL reads it (a double); false without a digit. In value_parse.c. */
bool od_take_fraction(struct cursor *cursor, double *fraction_out);
/* The other way: ".5" for 500000, nothing for 0. In value_print.c. */
struct od_buffer;
bool od_print_fraction(uint32_t microseconds, struct od_buffer *buffer);

#endif
