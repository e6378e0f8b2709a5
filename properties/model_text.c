/* model_text: functions of texts. A text is bytes of UTF-8; positions count characters, from 1. Letters that have a case are
 * ASCII's (collation "C"). */
#include "properties/model_parts.h"

#include <stdio.h>
#include <string.h>

#define BYTES_MAX (1u << 26) /* texts that a cast or repeat makes larger are left to others */

/* Bytes of the character at `at`: up to the next byte that begins one. */
static uint32_t character_bytes(const char *text, uint32_t size, uint32_t at)
{
    uint32_t end = at + 1;
    while (end < size && ((unsigned char)text[end] & 0xc0) == 0x80)
        end++;
    return end - at;
}

/* Where character `index`, counted from 0, begins; the end of the text if there are fewer. */
static uint32_t offset_of(const struct od_value *text, int64_t index)
{
    uint32_t at = 0;
    for (int64_t i = 0; i < index && at < text->text.size; i++)
        at += character_bytes(text->text.bytes, text->text.size, at);
    return at;
}

static int64_t character_count(const struct od_value *text)
{
    int64_t count = 0;
    for (uint32_t at = 0; at < text->text.size; count++)
        at += character_bytes(text->text.bytes, text->text.size, at);
    return count;
}

/* The bytes [from, to) of a text, as a text. */
static struct od_value part_of(const struct od_value *text, uint32_t from, uint32_t to)
{
    struct od_value part = *text;
    part.text.bytes = text->text.bytes + from;
    part.text.size = to > from ? to - from : 0;
    return part;
}

static bool begins_with(const struct od_value *text, uint32_t at, const struct od_value *what)
{
    return text->text.size - at >= what->text.size &&
           (what->text.size == 0 || memcmp(text->text.bytes + at, what->text.bytes, what->text.size) == 0);
}

/* A text that grows within bytes taken beforehand. */
struct writer {
    char *bytes;
    uint32_t size;
};

static enum od_status make_writer(const struct od_model_call *call, uint64_t size_max, struct writer *writer)
{
    *writer = (struct writer){NULL, 0};
    if (size_max > BYTES_MAX)
        return od_model_unknown(call->model, "texts of that length");
    writer->bytes = od_arena_take(call->model->arena, size_max + 1);
    return writer->bytes == NULL ? od_model_no_memory(call->model) : OD_OK;
}

static void write(struct writer *writer, const struct od_value *text)
{
    if (text->text.size > 0)
        memcpy(writer->bytes + writer->size, text->text.bytes, text->text.size);
    writer->size += text->text.size;
}

static enum od_status end(const struct od_model_call *call, const struct writer *writer)
{
    call->result->text.bytes = writer->bytes;
    call->result->text.size = writer->size;
    return OD_OK;
}

/* --- lengths, parts ------------------------------------------------------------------------------------- */

static enum od_status length(const struct od_model_call *call)
{
    int64_t bytes = call->arguments[0].text.size;
    call->result->int64 = call->expr->function == OD_FUNCTION_LENGTH ? character_count(&call->arguments[0])
                          : call->expr->function == OD_FUNCTION_OCTET_LENGTH ? bytes
                                                                             : 8 * bytes;
    return OD_OK;
}

/* Characters start .. start + count - 1 (counted from 1), as far as they exist. */
static enum od_status substring(const struct od_model_call *call)
{
    const struct od_value *text = &call->arguments[0];
    int64_t first = call->arguments[1].int64, end = INT64_MAX, position = 1;
    uint32_t from = text->text.size, to = text->text.size;
    if (call->count == 3 && call->arguments[2].int64 < 0)
        return od_model_no_value(call->model, "negative substring length not allowed");
    if (call->count == 3 && __builtin_add_overflow(first, call->arguments[2].int64, &end))
        end = INT64_MAX;
    for (uint32_t at = 0; at < text->text.size; position++) {
        if (position >= first && from == text->text.size)
            from = at;
        if (position >= end) {
            to = at;
            break;
        }
        at += character_bytes(text->text.bytes, text->text.size, at);
    }
    *call->result = *text;
    call->result->text.bytes = text->text.bytes + from;
    call->result->text.size = to > from ? to - from : 0;
    return OD_OK;
}

/* left(text, n), right(text, n): a negative n leaves so many off the other side. */
static enum od_status left(const struct od_model_call *call)
{
    const struct od_value *text = &call->arguments[0];
    int64_t n = call->arguments[1].int64, count = character_count(text);
    n = n < 0 ? count + n : n;
    n = n < 0 ? 0 : n > count ? count : n;
    *call->result = call->expr->function == OD_FUNCTION_RIGHT
                        ? part_of(text, offset_of(text, count - n), text->text.size)
                        : part_of(text, 0, offset_of(text, n));
    return OD_OK;
}

static enum od_status overlay(const struct od_model_call *call)
{
    const struct od_value *text = &call->arguments[0], *other = &call->arguments[1];
    int64_t start = call->arguments[2].int64;
    int64_t count = call->count == 4 ? call->arguments[3].int64 : character_count(other);
    struct writer writer;
    if (start <= 0)
        return od_model_no_value(call->model, "negative substring length not allowed");
    if (start + count != (int32_t)(start + count))
        return od_model_no_value(call->model, "integer out of range");
    OD_TRY(make_writer(call, 2 * (uint64_t)text->text.size + other->text.size, &writer));
    struct od_value before = part_of(text, 0, offset_of(text, start - 1));
    struct od_value after = part_of(text, offset_of(text, start + count - 1), text->text.size);
    write(&writer, &before);
    write(&writer, other);
    write(&writer, &after);
    return end(call, &writer);
}

/* Is the character of `text` at `at` one of the set? */
static bool is_in(const struct od_value *set, const struct od_value *text, uint32_t at)
{
    uint32_t bytes = character_bytes(text->text.bytes, text->text.size, at);
    struct od_value character = part_of(text, at, at + bytes);
    for (uint32_t i = 0; i < set->text.size; i += character_bytes(set->text.bytes, set->text.size, i))
        if (character_bytes(set->text.bytes, set->text.size, i) == bytes && begins_with(set, i, &character))
            return true;
    return false;
}

static enum od_status trim(const struct od_model_call *call)
{
    const struct od_value *text = &call->arguments[0];
    struct od_value set = {.type = OD_TYPE_TEXT, .text = {" ", 1}};
    uint32_t from = 0, to = 0;
    if (call->count == 2)
        set = call->arguments[1];
    if (call->expr->function != OD_FUNCTION_RTRIM)
        while (from < text->text.size && is_in(&set, text, from))
            from += character_bytes(text->text.bytes, text->text.size, from);
    for (uint32_t at = from; at < text->text.size;) {
        bool stays = call->expr->function == OD_FUNCTION_LTRIM || !is_in(&set, text, at);
        at += character_bytes(text->text.bytes, text->text.size, at);
        to = stays ? at : to;
    }
    *call->result = part_of(text, from, to);
    return OD_OK;
}

static enum od_status split_part(const struct od_model_call *call)
{
    const struct od_value *text = &call->arguments[0], *separator = &call->arguments[1];
    int64_t wanted = call->arguments[2].int64, field_count = 1, field = 1;
    uint32_t from = 0;
    bool splits = separator->text.size > 0;
    if (wanted == 0)
        return od_model_no_value(call->model, "field position must not be zero");
    for (uint32_t at = 0; splits && at < text->text.size;) {
        bool found = begins_with(text, at, separator);
        field_count += found;
        at += found ? separator->text.size : 1;
    }
    wanted = wanted < 0 ? field_count + wanted + 1 : wanted;
    *call->result = part_of(text, 0, 0);
    for (uint32_t at = 0; at <= text->text.size;) {
        bool ends = at == text->text.size || (splits && begins_with(text, at, separator));
        if (ends && field++ == wanted)
            *call->result = part_of(text, from, at);
        at += ends && at < text->text.size ? separator->text.size : 1;
        from = ends ? at : from;
    }
    return OD_OK;
}

/* --- new texts ------------------------------------------------------------------------------------------ */

static enum od_status concatenate(const struct od_model_call *call)
{
    struct writer writer;
    OD_TRY(make_writer(call, (uint64_t)call->arguments[0].text.size + call->arguments[1].text.size, &writer));
    write(&writer, &call->arguments[0]);
    write(&writer, &call->arguments[1]);
    return end(call, &writer);
}

/* concat(any...), concat_ws(separator, any...): NULLs are left out; a boolean is one letter, as PostgreSQL shows it. */
static enum od_status concat(const struct od_model_call *call)
{
    bool has_separator = call->expr->function == OD_FUNCTION_CONCAT_WS, is_first = true;
    struct od_value *texts = od_arena_take_array(call->model->arena, call->count + 1, sizeof(*texts));
    struct writer writer;
    uint64_t size = 0;
    if (texts == NULL)
        return od_model_no_memory(call->model);
    for (uint32_t i = 0; i < call->count; i++) {
        const struct od_value *argument = &call->arguments[i];
        texts[i] = *argument;
        if (argument->is_null)
            continue;
        OD_TRY(od_model_cast(call->model, argument, OD_TYPE_TEXT, &texts[i]));
        if (argument->type == OD_TYPE_BOOLEAN)
            texts[i].text.size = 1;
        size += texts[i].text.size + (has_separator && !texts[0].is_null ? texts[0].text.size : 0);
    }
    call->result->is_null = has_separator && texts[0].is_null;
    if (call->result->is_null)
        return OD_OK;
    OD_TRY(make_writer(call, size, &writer));
    for (uint32_t i = has_separator; i < call->count; i++) {
        if (texts[i].is_null)
            continue;
        if (has_separator && !is_first)
            write(&writer, &texts[0]);
        write(&writer, &texts[i]);
        is_first = false;
    }
    return end(call, &writer);
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static enum od_status change_letters(const struct od_model_call *call)
{
    enum od_function function = call->expr->function;
    const struct od_value *text = &call->arguments[0];
    bool in_word = false;
    struct writer writer;
    OD_TRY(make_writer(call, text->text.size, &writer));
    for (uint32_t i = 0; i < text->text.size; i++) {
        char byte = text->text.bytes[i];
        bool wants_lower = function == OD_FUNCTION_LOWER || (function == OD_FUNCTION_INITCAP && in_word);
        in_word = is_letter(byte) || (byte >= '0' && byte <= '9');
        if (is_letter(byte))
            byte = wants_lower ? lower(byte) : (char)(lower(byte) - 'a' + 'A');
        writer.bytes[writer.size++] = byte;
    }
    return end(call, &writer);
}

static enum od_status reverse(const struct od_model_call *call)
{
    const struct od_value *text = &call->arguments[0];
    struct writer writer;
    OD_TRY(make_writer(call, text->text.size, &writer));
    for (int64_t i = character_count(text); i-- > 0;) {
        struct od_value character = part_of(text, offset_of(text, i), offset_of(text, i + 1));
        write(&writer, &character);
    }
    return end(call, &writer);
}

static enum od_status repeat(const struct od_model_call *call)
{
    const struct od_value *text = &call->arguments[0];
    int64_t count = call->arguments[1].int64 < 0 ? 0 : call->arguments[1].int64;
    struct writer writer;
    OD_TRY(make_writer(call, (uint64_t)count * text->text.size, &writer));
    for (int64_t i = 0; i < count && text->text.size > 0; i++)
        write(&writer, text);
    return end(call, &writer);
}

static enum od_status pad(const struct od_model_call *call)
{
    const struct od_value *text = &call->arguments[0];
    struct od_value fill = {.type = OD_TYPE_TEXT, .text = {" ", 1}};
    int64_t wanted = call->arguments[1].int64 < 0 ? 0 : call->arguments[1].int64,
            count = character_count(text);
    struct writer writer;
    if (call->count == 3)
        fill = call->arguments[2];
    if (fill.text.size == 0)
        wanted = wanted < count ? wanted : count;
    OD_TRY(make_writer(call, (uint64_t)wanted * 4 + text->text.size, &writer));
    struct od_value kept = part_of(text, 0, offset_of(text, wanted));
    if (call->expr->function == OD_FUNCTION_RPAD)
        write(&writer, &kept);
    for (int64_t i = 0, fills = character_count(&fill); i < wanted - count; i++) {
        struct od_value character =
            part_of(&fill, offset_of(&fill, i % fills), offset_of(&fill, i % fills + 1));
        write(&writer, &character);
    }
    if (call->expr->function == OD_FUNCTION_LPAD)
        write(&writer, &kept);
    return end(call, &writer);
}

static enum od_status replace(const struct od_model_call *call)
{
    const struct od_value *text = &call->arguments[0], *from = &call->arguments[1], *to = &call->arguments[2];
    struct writer writer;
    OD_TRY(make_writer(call, (uint64_t)text->text.size * (to->text.size + 1), &writer));
    for (uint32_t at = 0; at < text->text.size;) {
        bool found = from->text.size > 0 && begins_with(text, at, from);
        struct od_value byte = part_of(text, at, at + 1);
        write(&writer, found ? to : &byte);
        at += found ? from->text.size : 1;
    }
    return end(call, &writer);
}

/* Characters of the second text become those at their places in the third; those that have none there go. */
static enum od_status translate(const struct od_model_call *call)
{
    const struct od_value *text = &call->arguments[0], *from = &call->arguments[1], *to = &call->arguments[2];
    struct writer writer;
    OD_TRY(make_writer(call, (uint64_t)text->text.size * 4, &writer));
    for (uint32_t at = 0; at < text->text.size;
         at += character_bytes(text->text.bytes, text->text.size, at)) {
        struct od_value character =
            part_of(text, at, at + character_bytes(text->text.bytes, text->text.size, at));
        int64_t place = 0, places = character_count(from);
        for (; place < places; place++) {
            struct od_value other = part_of(from, offset_of(from, place), offset_of(from, place + 1));
            if (other.text.size == character.text.size && begins_with(&other, 0, &character))
                break;
        }
        struct od_value there = part_of(to, offset_of(to, place), offset_of(to, place + 1));
        write(&writer, place < places ? &there : &character);
    }
    return end(call, &writer);
}

static enum od_status to_hex(const struct od_model_call *call)
{
    uint64_t number = (uint64_t)call->arguments[0].int64;
    struct writer writer;
    if (call->arguments[0].type == OD_TYPE_INT32)
        number &= UINT32_MAX;
    OD_TRY(make_writer(call, 20, &writer));
    writer.size = (uint32_t)snprintf(writer.bytes, 20, "%llx", (unsigned long long)number);
    return end(call, &writer);
}

static enum od_status chr(const struct od_model_call *call)
{
    int64_t code = call->arguments[0].int64;
    struct writer writer;
    if (code <= 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return od_model_no_value(call->model, "requested character not valid");
    OD_TRY(make_writer(call, 4, &writer));
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3; /* bytes behind the first */
    static const int first_bits[] = {0, 0xc0, 0xe0, 0xf0};
    writer.bytes[writer.size++] = (char)(first_bits[more] | (int)(code >> (6 * more)));
    for (int i = more - 1; i >= 0; i--)
        writer.bytes[writer.size++] = (char)(0x80 | (int)((code >> (6 * i)) & 0x3f));
    return end(call, &writer);
}

/* --- searching ------------------------------------------------------------------------------------------ */

static enum od_status ascii(const struct od_model_call *call)
{
    const struct od_value *text = &call->arguments[0];
    uint32_t bytes = text->text.size == 0 ? 0 : character_bytes(text->text.bytes, text->text.size, 0);
    static const int first_masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    for (uint32_t i = 0; i < bytes; i++) {
        int byte = (unsigned char)text->text.bytes[i];
        call->result->int64 = i == 0 ? byte & first_masks[bytes] : call->result->int64 << 6 | (byte & 0x3f);
    }
    return OD_OK;
}

static enum od_status starts_with(const struct od_model_call *call)
{
    call->result->boolean = begins_with(&call->arguments[0], 0, &call->arguments[1]);
    return OD_OK;
}

static enum od_status position(const struct od_model_call *call)
{
    const struct od_value *text = &call->arguments[0];
    int64_t number = 1;
    for (uint32_t at = 0; at <= text->text.size; number++) {
        if (begins_with(text, at, &call->arguments[1])) {
            call->result->int64 = number;
            return OD_OK;
        }
        at += at == text->text.size ? 1 : character_bytes(text->text.bytes, text->text.size, at);
    }
    return OD_OK;
}

/* What is left of a text and of a pattern. */
struct liking {
    const char *text, *pattern, *escape;
    uint32_t text_size, pattern_size, escape_size; /* no escape: size 0 */
    bool any_case;
};

/* Recursion on the rests. -1: the pattern ends in its escape character, found when it is reached. */
static int like_rest(struct liking l)
{
    if (l.pattern_size == 0)
        return l.text_size == 0;
    bool is_escaped = l.escape_size > 0 && l.pattern_size >= l.escape_size &&
                      memcmp(l.pattern, l.escape, l.escape_size) == 0;
    if (is_escaped) {
        l.pattern += l.escape_size, l.pattern_size -= l.escape_size;
        if (l.text_size == 0)
            return 0;
        if (l.pattern_size == 0)
            return -1;
    } else if (*l.pattern == '%') {
        for (struct liking rest = l;;) {
            rest.pattern = l.pattern + 1, rest.pattern_size = l.pattern_size - 1;
            int matched = like_rest(rest);
            if (matched != 0 || rest.text_size == 0)
                return matched;
            uint32_t bytes = character_bytes(rest.text, rest.text_size, 0);
            rest.text += bytes, rest.text_size -= bytes;
        }
    }
    if (l.text_size == 0)
        return 0;
    uint32_t bytes = 1;
    if (!is_escaped && *l.pattern == '_')
        bytes = character_bytes(l.text, l.text_size, 0);
    else if (l.any_case ? lower(*l.text) != lower(*l.pattern) : *l.text != *l.pattern)
        return 0;
    l.text += bytes, l.text_size -= bytes;
    l.pattern++, l.pattern_size--;
    return like_rest(l);
}

static enum od_status like(const struct od_model_call *call)
{
    const struct od_value *text = &call->arguments[0], *pattern = &call->arguments[1];
    struct liking liking = {.text = text->text.bytes,
                            .text_size = text->text.size,
                            .pattern = pattern->text.bytes,
                            .pattern_size = pattern->text.size,
                            .escape = "\\",
                            .escape_size = 1,
                            .any_case = call->expr->function == OD_FUNCTION_ILIKE};
    if (call->count == 3) {
        liking.escape = call->arguments[2].text.bytes;
        liking.escape_size = call->arguments[2].text.size;
        if (character_count(&call->arguments[2]) > 1)
            return od_model_no_value(call->model, "invalid escape string");
    }
    int matched = like_rest(liking);
    call->result->boolean = matched > 0;
    return matched < 0 ? od_model_no_value(call->model, "LIKE pattern must not end with escape character")
                       : OD_OK;
}

/* --- the table ------------------------------------------------------------------------------------------ */

od_model_apply od_model_text_function(enum od_function function)
{
    static const od_model_apply functions[OD_FUNCTION_COUNT] = {
        [OD_FUNCTION_LIKE] = like,
        [OD_FUNCTION_ILIKE] = like,
        [OD_FUNCTION_CONCATENATE] = concatenate,
        [OD_FUNCTION_CONCAT] = concat,
        [OD_FUNCTION_CONCAT_WS] = concat,
        [OD_FUNCTION_LOWER] = change_letters,
        [OD_FUNCTION_UPPER] = change_letters,
        [OD_FUNCTION_INITCAP] = change_letters,
        [OD_FUNCTION_LENGTH] = length,
        [OD_FUNCTION_OCTET_LENGTH] = length,
        [OD_FUNCTION_BIT_LENGTH] = length,
        [OD_FUNCTION_SUBSTRING] = substring,
        [OD_FUNCTION_FIT_VARCHAR] = left,
        [OD_FUNCTION_LEFT] = left,
        [OD_FUNCTION_RIGHT] = left,
        [OD_FUNCTION_OVERLAY] = overlay,
        [OD_FUNCTION_BTRIM] = trim,
        [OD_FUNCTION_LTRIM] = trim,
        [OD_FUNCTION_RTRIM] = trim,
        [OD_FUNCTION_REPLACE] = replace,
        [OD_FUNCTION_STRPOS] = position,
        [OD_FUNCTION_LPAD] = pad,
        [OD_FUNCTION_RPAD] = pad,
        [OD_FUNCTION_REPEAT] = repeat,
        [OD_FUNCTION_REVERSE] = reverse,
        [OD_FUNCTION_SPLIT_PART] = split_part,
        [OD_FUNCTION_STARTS_WITH] = starts_with,
        [OD_FUNCTION_ASCII] = ascii,
        [OD_FUNCTION_CHR] = chr,
        [OD_FUNCTION_TRANSLATE] = translate,
        [OD_FUNCTION_TO_HEX] = to_hex,
    };
    return functions[function];
}
