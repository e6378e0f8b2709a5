/* like, ilike: text against a pattern of %, _ and backslash, as PostgreSQL's MatchText (like_match.c). A pattern with another
 * escape character is written with backslashes first.
 *
 *   text     a b x y c d     on a mismatch behind a %, the place in the text where this % ends moves one character
 *   pattern  a % c d         on, and matching goes on from there; an earlier % never has to be tried again, so only
 *                            the last one is remembered
 *
 * PostgreSQL recurses at each %; this loop visits the same pairs in the same order, so that a pattern ending
 * in its escape character is an error exactly where it is one there: when matching gets to it. */
#include <string.h>

#include "engine/expr/kernel.h"

enum like_answer { LIKE_NO, LIKE_YES, LIKE_BAD_PATTERN };

/* ASCII letters only (collation "C"). */
static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

/* A state machine over two cursors, the longest function of the engine: the pattern's next byte is the state, and each branch
 * moves the cursors and goes on. */
static enum like_answer like(struct span text, struct span pattern, bool folds)
{
    struct span retry_text = {NULL, NULL}; /* where the last % ends for now; none: no % yet */
    struct span retry_pattern = pattern;
    for (;;) {
        char next = pattern.at < pattern.end ? *pattern.at : '\0';
        bool is_text_over = text.at == text.end;
        if (pattern.at < pattern.end && next == '%') {
            while (pattern.at < pattern.end && (*pattern.at == '%' || *pattern.at == '_')) {
                bool takes_character = *pattern.at++ == '_'; /* further % mean nothing */
                if (takes_character && text.at == text.end)
                    return LIKE_NO;
                if (takes_character)
                    text.at += od_character_bytes(text);
            }
            if (pattern.at == pattern.end)
                return LIKE_YES;
            if (is_text_over)
                return LIKE_NO;
            if (*pattern.at == '\\' && pattern.end - pattern.at == 1)
                return LIKE_BAD_PATTERN;
            retry_text = text;
            retry_pattern = pattern;
            continue;
        }
        if (is_text_over)
            return pattern.at == pattern.end ? LIKE_YES : LIKE_NO;
        if (pattern.at < pattern.end && next == '_') {
            text.at += od_character_bytes(text);
            pattern.at++;
            continue;
        }
        if (pattern.at < pattern.end) {
            if (next == '\\' && ++pattern.at == pattern.end)
                return LIKE_BAD_PATTERN;
            if (*pattern.at == *text.at || (folds && lower(*pattern.at) == lower(*text.at))) {
                text.at++;
                pattern.at++;
                continue;
            }
        }
        if (retry_text.at == NULL)
            return LIKE_NO;
        retry_text.at += od_character_bytes(retry_text);
        text = retry_text;
        pattern = retry_pattern;
        if (text.at == text.end)
            return LIKE_NO;
    }
}

/* like_escape in PostgreSQL's like_match.c. */
static enum od_status rewrite_pattern(const struct od_kernel_call *call, uint32_t row, struct span *pattern)
{
    struct span escape = od_operand_span(&call->arguments[2], row);
    struct span first = escape;
    size_t escape_bytes = (size_t)(escape.end - escape.at);
    char *target = od_arena_take_raw(call->batch_arena, (size_t)(pattern->end - pattern->at) * 2);
    char *end = target;
    bool escaped = false;
    if (target == NULL)
        return od_kernel_no_memory(call->error);
    if (escape_bytes > 0)
        first.at += od_character_bytes(first);
    if (first.at != escape.end)
        return od_fail(call->error, OD_EVALUATION, "invalid escape string");
    while (pattern->at < pattern->end) {
        bool is_escape = !escaped && escape_bytes > 0 &&
                         (size_t)(pattern->end - pattern->at) >= escape_bytes &&
                         memcmp(pattern->at, escape.at, escape_bytes) == 0;
        if (is_escape || (*pattern->at == '\\' && !escaped))
            *end++ = '\\';
        if (!is_escape)
            *end++ = *pattern->at;
        pattern->at += is_escape ? escape_bytes : 1;
        escaped = is_escape;
    }
    *pattern = (struct span){target, end};
    return OD_OK;
}

enum od_status od_kernel_like(const struct od_kernel_call *call)
{
    bool folds = call->expr->function == OD_FUNCTION_ILIKE;
    bool rewrites = call->expr->argument_count == 3;
    bool is_constant = call->arguments[1].step == 0 && (!rewrites || call->arguments[2].step == 0);
    struct span pattern = {NULL, NULL};
    uint8_t *bits = call->results;
    for (uint32_t i = 0; i < call->row_count; i++) {
        if (!od_call_row_is_valid(call, i))
            continue;
        if (!is_constant || pattern.at == NULL) {
            pattern = od_operand_span(&call->arguments[1], i);
            if (rewrites)
                OD_TRY(rewrite_pattern(call, i, &pattern));
        }
        enum like_answer answer = like(od_operand_span(&call->arguments[0], i), pattern, folds);
        if (answer == LIKE_BAD_PATTERN)
            return od_fail(call->error, OD_EVALUATION, "LIKE pattern must not end with escape character");
        od_bitmap_put(bits, i, answer == LIKE_YES);
    }
    return OD_OK;
}
