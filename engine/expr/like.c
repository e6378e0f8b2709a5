/* like: text against a pattern of %, _ and backslash, as PostgreSQL's MatchText (like_match.c).
 *
 *   text     a b x y c d     on a mismatch behind a %, the place in the text where this % ends moves one character
 *   pattern  a % c d         on, and matching goes on from there; an earlier % never has to be tried again, so only
 *                            the last one is remembered
 *
 * PostgreSQL recurses at each %; this loop visits the same pairs in the same order, so that a pattern ending
 * in its escape character is an error exactly where it is one there: when matching gets to it. */
#include "engine/expr/kernel.h"

struct like_cursor {
    const char *at;
    const char *end;
};

enum like_answer { LIKE_NO, LIKE_YES, LIKE_BAD_PATTERN };

static void next_character(struct like_cursor *text)
{
    do {
        text->at++;
    } while (text->at < text->end && ((unsigned char)*text->at & 0xc0) == 0x80);
}

/* Behind a %: further % mean nothing, each _ takes a character. False when the text is too short for them. */
static bool skip_wildcards(struct like_cursor *text, struct like_cursor *pattern)
{
    for (; pattern->at < pattern->end && (*pattern->at == '%' || *pattern->at == '_'); pattern->at++) {
        if (*pattern->at == '%')
            continue;
        if (text->at == text->end)
            return false;
        next_character(text);
    }
    return true;
}

/* The pattern's literal byte at the cursor, which is moved onto it if it was escaped. False at a lone escape.
 * */
static bool literal_byte(struct like_cursor *pattern, char *byte_out)
{
    if (*pattern->at == '\\' && ++pattern->at == pattern->end)
        return false;
    *byte_out = *pattern->at;
    return true;
}

static bool only_percents(struct like_cursor pattern)
{
    while (pattern.at < pattern.end && *pattern.at == '%')
        pattern.at++;
    return pattern.at == pattern.end;
}

static bool is_lone_escape(struct like_cursor pattern)
{
    return pattern.end - pattern.at == 1 && *pattern.at == '\\';
}

/* A state machine over two cursors: the switch over the pattern's next byte is the whole of it. */
static enum like_answer like(struct like_cursor text, struct like_cursor pattern)
{
    struct like_cursor retry_text = {NULL, NULL}; /* where the last % ends for now; none: no % yet */
    struct like_cursor retry_pattern = pattern;
    for (;;) {
        bool matches = false;
        if (text.at == text.end)
            return only_percents(pattern) ? LIKE_YES : LIKE_NO;
        if (pattern.at < pattern.end && *pattern.at == '%') {
            if (!skip_wildcards(&text, &pattern))
                return LIKE_NO;
            if (pattern.at == pattern.end)
                return LIKE_YES;
            if (is_lone_escape(pattern))
                return LIKE_BAD_PATTERN;
            retry_text = text;
            retry_pattern = pattern;
            continue;
        }
        if (pattern.at < pattern.end && *pattern.at == '_') {
            next_character(&text);
            pattern.at++;
            continue;
        }
        if (pattern.at < pattern.end) {
            char byte = 0;
            if (!literal_byte(&pattern, &byte))
                return LIKE_BAD_PATTERN;
            matches = byte == *text.at;
        }
        if (matches) {
            text.at++;
            pattern.at++;
            continue;
        }
        if (retry_text.at == NULL)
            return LIKE_NO;
        next_character(&retry_text);
        text = retry_text;
        pattern = retry_pattern;
        if (text.at == text.end)
            return LIKE_NO;
    }
}

static struct like_cursor cursor_of(const struct od_operand *operand, uint32_t row)
{
    uint32_t size = 0;
    const char *bytes = od_operand_text(operand, row, &size);
    return (struct like_cursor){bytes, bytes + size};
}

enum od_status od_kernel_like(const struct od_kernel_call *call, struct od_column *column_out)
{
    uint8_t *bits = od_arena_take(call->batch_arena, od_bitmap_bytes(call->row_count));
    if (bits == NULL)
        return od_kernel_no_memory(call->error);
    for (uint32_t i = 0; i < call->row_count; i++) {
        if (!od_call_row_is_valid(call, i))
            continue;
        enum like_answer answer = like(cursor_of(&call->arguments[0], i), cursor_of(&call->arguments[1], i));
        if (answer == LIKE_BAD_PATTERN)
            return od_fail(call->error, OD_EVALUATION, "LIKE pattern must not end with escape character");
        od_bitmap_put(bits, i, answer == LIKE_YES);
    }
    *column_out = (struct od_column){.type = OD_TYPE_BOOLEAN, .row_count = call->row_count, .values = bits};
    return OD_OK;
}
