/* text: functions of text, a row at a time; a result is appended to row->text.
 *
 * Text is UTF-8 and collation is "C": letters other than ASCII have no case. A character is a byte that is not 10xxxxxx and
 * those of that form behind it; positions and lengths count characters. */
#include <limits.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/expr/kernel.h"

#define RESULT_BYTES_MAX (UINT32_C(1) << 28) /* of one text that repeat, pad or replace makes */

/* --- characters ----------------------------------------------------------------------------------------- */

static struct span argument(const struct od_row *row, uint32_t k)
{
    const char *bytes = row->arguments[k].text.bytes;
    return (struct span){bytes, bytes + row->arguments[k].text.size};
}

static int64_t count_characters(struct span text)
{
    int64_t count = 0;
    for (; text.at < text.end; text.at++)
        count += od_begins_character(*text.at);
    return count;
}

/* Behind so many characters; all of them if there are fewer. */
static const char *behind(struct span text, int64_t count)
{
    for (; count > 0 && text.at < text.end; count--)
        text.at += od_character_bytes(text);
    return text.at;
}

static enum od_status append(struct od_row *row, const char *at, const char *end)
{
    if (at < end)
        od_buffer_append(row->text, at, (size_t)(end - at)); /* a refusal is remembered in the buffer */
    return OD_OK;
}

/* Where `needle` first stands in `text`; NULL if nowhere. */
static const char *find(struct span text, struct span needle)
{
    size_t size = (size_t)(needle.end - needle.at);
    for (; (size_t)(text.end - text.at) >= size; text.at++)
        if (memcmp(text.at, needle.at, size) == 0)
            return text.at;
    return NULL;
}

/* --- case, size, order ---------------------------------------------------------------------------------- */

static bool is_letter(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* lower, upper, initcap: a word is a run of letters and digits */
enum od_status od_row_change_case(struct od_row *row)
{
    enum od_function function = row->expr->function;
    struct span text = argument(row, 0);
    size_t size = (size_t)(text.end - text.at);
    if (!od_buffer_reserve(row->text, size))
        return OD_OK;
    uint8_t *target = row->text->bytes + row->text->size;
    bool in_word = false;
    for (size_t i = 0; i < size; i++) {
        char byte = text.at[i];
        bool raises = function == OD_FUNCTION_UPPER || (function == OD_FUNCTION_INITCAP && !in_word);
        in_word = is_letter(byte) || (byte >= '0' && byte <= '9');
        if (is_letter(byte))
            byte = (char)(raises ? byte & ~0x20 : byte | 0x20);
        target[i] = (uint8_t)byte;
    }
    row->text->size += size;
    return OD_OK;
}

/* In characters. */
enum od_status od_row_length(struct od_row *row)
{
    row->result.int64 = count_characters(argument(row, 0));
    return OD_OK;
}

/* octet_length, bit_length */
enum od_status od_row_octet_length(struct od_row *row)
{
    row->result.int64 = row->arguments[0].text.size;
    if (row->expr->function == OD_FUNCTION_BIT_LENGTH)
        row->result.int64 *= CHAR_BIT;
    return OD_OK;
}

enum od_status od_row_reverse(struct od_row *row)
{
    struct span text = argument(row, 0);
    const char *end = text.end;
    while (end > text.at) {
        const char *start = end - 1;
        while (start > text.at && !od_begins_character(*start))
            start--;
        append(row, start, end);
        end = start;
    }
    return OD_OK;
}

/* --- parts ---------------------------------------------------------------------------------------------- */

/* Characters [first, end), counted from 1 (text_substring in PostgreSQL's varlena.c). */
enum od_status od_row_substring(struct od_row *row)
{
    struct span text = argument(row, 0);
    int64_t first = row->arguments[1].int64;
    int64_t end = INT64_MAX;
    if (row->expr->argument_count == 3) {
        if (row->arguments[2].int64 < 0)
            return od_row_fail(row, "negative substring length not allowed");
        end = first + row->arguments[2].int64;
    }
    if (first < 1)
        first = 1;
    if (end <= first)
        return OD_OK;
    text.at = behind(text, first - 1);
    return append(row, text.at, behind(text, end - first));
}

/* Text with `count` characters from `from` on replaced. */
enum od_status od_row_overlay(struct od_row *row)
{
    struct span text = argument(row, 0);
    struct span with = argument(row, 1);
    int64_t from = row->arguments[2].int64;
    int64_t count = row->expr->argument_count == 4 ? row->arguments[3].int64 : count_characters(with);
    if (from <= 0)
        return od_row_fail(row, "negative substring length not allowed");
    if (from + count > INT32_MAX || from + count < INT32_MIN)
        return od_row_fail(row, "integer out of range");
    append(row, text.at, behind(text, from - 1));
    append(row, with.at, with.end);
    return append(row, behind(text, from + count - 1), text.end);
}

/* left, right, and the cast to varchar(n): a negative count leaves out so many characters at the other end. */
enum od_status od_row_left(struct od_row *row)
{
    struct span text = argument(row, 0);
    int64_t count = row->arguments[1].int64;
    int64_t from_end = count_characters(text) + (count < 0 ? count : -count);
    bool of_right = row->expr->function == OD_FUNCTION_RIGHT;
    if (of_right)
        count = count < 0 ? -count : from_end;
    else if (count < 0)
        count = from_end;
    const char *cut = behind(text, count);
    return of_right ? append(row, cut, text.end) : append(row, text.at, cut);
}

/* Whether the character at the front is one of `set`. */
static bool is_among(struct span character, struct span set)
{
    size_t bytes = od_character_bytes(character);
    for (; set.at < set.end; set.at += od_character_bytes(set))
        if (od_character_bytes(set) == bytes && memcmp(set.at, character.at, bytes) == 0)
            return true;
    return false;
}

/* btrim, ltrim, rtrim */
enum od_status od_row_trim(struct od_row *row)
{
    static const char blank[] = " ";
    struct span text = argument(row, 0);
    struct span set = row->expr->argument_count == 2 ? argument(row, 1) : (struct span){blank, blank + 1};
    while (row->expr->function != OD_FUNCTION_RTRIM && text.at < text.end && is_among(text, set))
        text.at += od_character_bytes(text);
    while (row->expr->function != OD_FUNCTION_LTRIM && text.at < text.end) {
        struct span last = {text.end - 1, text.end};
        while (last.at > text.at && !od_begins_character(*last.at))
            last.at--;
        if (!is_among(last, set))
            break;
        text.end = last.at;
    }
    return append(row, text.at, text.end);
}

/* The n-th piece between delimiters, from the end if n is negative. */
enum od_status od_row_split_part(struct od_row *row)
{
    struct span text = argument(row, 0);
    struct span delimiter = argument(row, 1);
    int64_t n = row->arguments[2].int64;
    size_t delimiter_bytes = (size_t)(delimiter.end - delimiter.at);
    int64_t count = 1;
    if (n == 0)
        return od_row_fail(row, "field position must not be zero");
    if (delimiter_bytes == 0)
        return n == 1 || n == -1 ? append(row, text.at, text.end) : OD_OK;
    for (struct span rest = text; n < 0 && (rest.at = find(rest, delimiter)) != NULL;
         rest.at += delimiter_bytes)
        count++;
    for (n = n < 0 ? n + count + 1 : n; n > 0; n--) {
        const char *cut = find(text, delimiter);
        if (n == 1)
            return append(row, text.at, cut == NULL ? text.end : cut);
        if (cut == NULL)
            return OD_OK;
        text.at = cut + delimiter_bytes;
    }
    return OD_OK;
}

/* --- search --------------------------------------------------------------------------------------------- */

enum od_status od_row_strpos(struct od_row *row)
{
    struct span text = argument(row, 0);
    const char *found = find(text, argument(row, 1));
    row->result.int64 = found == NULL ? 0 : count_characters((struct span){text.at, found}) + 1;
    return OD_OK;
}

enum od_status od_row_starts_with(struct od_row *row)
{
    struct span text = argument(row, 0);
    struct span front = argument(row, 1);
    size_t size = (size_t)(front.end - front.at);
    row->result.boolean = (size_t)(text.end - text.at) >= size && memcmp(text.at, front.at, size) == 0;
    return OD_OK;
}

static enum od_status too_large(struct od_row *row)
{
    return od_row_fail(row, "requested length too large");
}

enum od_status od_row_replace(struct od_row *row)
{
    struct span text = argument(row, 0);
    struct span from = argument(row, 1);
    struct span to = argument(row, 2);
    size_t start = row->text->size;
    const char *found = NULL;
    while (from.at < from.end && (found = find(text, from)) != NULL) {
        append(row, text.at, found);
        append(row, to.at, to.end);
        text.at = found + (from.end - from.at);
        if (row->text->size - start > RESULT_BYTES_MAX)
            return too_large(row);
    }
    return append(row, text.at, text.end);
}

/* The n-th character of `from` becomes the n-th of `to`, or goes if there is none. */
enum od_status od_row_translate(struct od_row *row)
{
    struct span text = argument(row, 0);
    for (; text.at < text.end; text.at += od_character_bytes(text)) {
        struct span from = argument(row, 1);
        struct span to = argument(row, 2);
        struct span one = {text.at, text.at + od_character_bytes(text)};
        while (from.at < from.end &&
               !is_among((struct span){from.at, from.at + od_character_bytes(from)}, one)) {
            from.at += od_character_bytes(from);
            to.at = behind(to, 1);
        }
        if (from.at == from.end)
            append(row, one.at, one.end);
        else
            append(row, to.at, behind(to, 1));
    }
    return OD_OK;
}

/* --- making text ---------------------------------------------------------------------------------------- */

/* ||, concat, concat_ws: NULLs are left out; other types print as they come out, booleans as t and f. */
enum od_status od_row_concat(struct od_row *row)
{
    bool has_separator = row->expr->function == OD_FUNCTION_CONCAT_WS;
    bool is_first = true;
    row->result.is_null = has_separator && row->arguments[0].is_null;
    for (uint32_t k = has_separator; k < row->expr->argument_count && !row->result.is_null; k++) {
        if (row->arguments[k].is_null)
            continue;
        if (has_separator && !is_first)
            append(row, argument(row, 0).at, argument(row, 0).end);
        od_value_print(&row->arguments[k], row->text);
        is_first = false;
    }
    return OD_OK;
}

enum od_status od_row_repeat(struct od_row *row)
{
    struct span text = argument(row, 0);
    int64_t count = row->arguments[1].int64;
    if (count > 0 && (text.end - text.at) * count > RESULT_BYTES_MAX)
        return too_large(row);
    for (; count > 0 && text.at < text.end; count--)
        append(row, text.at, text.end);
    return OD_OK;
}

/* lpad, rpad: to so many characters, with `fill` again and again; longer text is cut. */
enum od_status od_row_pad(struct od_row *row)
{
    static const char blank[] = " ";
    struct span text = argument(row, 0);
    struct span fill = row->expr->argument_count == 3 ? argument(row, 2) : (struct span){blank, blank + 1};
    int64_t size = count_characters(text);
    int64_t wanted = row->arguments[1].int64;
    bool before = row->expr->function == OD_FUNCTION_LPAD;
    int64_t missing = fill.at < fill.end ? wanted - size : 0;
    if (wanted * 4 > (int64_t)RESULT_BYTES_MAX)
        return too_large(row);
    text.end = behind(text, wanted);
    if (!before)
        append(row, text.at, text.end);
    for (struct span at = fill; missing > 0; missing--) {
        size_t bytes = od_character_bytes(at);
        append(row, at.at, at.at + bytes);
        at.at = at.at + bytes == at.end ? fill.at : at.at + bytes;
    }
    return before ? append(row, text.at, text.end) : OD_OK;
}

/* --- codes ---------------------------------------------------------------------------------------------- */

enum od_status od_row_ascii(struct od_row *row)
{
    struct span text = argument(row, 0);
    if (text.at == text.end)
        return OD_OK;
    size_t bytes = od_character_bytes(text);
    uint32_t code = (unsigned char)text.at[0] & (bytes == 1 ? 0x7fu : 0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++)
        code = code << 6 | ((unsigned char)text.at[i] & 0x3f);
    row->result.int64 = code;
    return OD_OK;
}

enum od_status od_row_chr(struct od_row *row)
{
    int64_t code = row->arguments[0].int64;
    if (code < 0)
        return od_row_fail(row, "character number must be positive");
    if (code == 0)
        return od_row_fail(row, "null character not permitted");
    if (code > 0x10ffff)
        return od_fail(row->error, OD_EVALUATION, "requested character too large for encoding: %d",
                       (int)code);
    if (code >= 0xd800 && code <= 0xdfff)
        return od_fail(row->error, OD_EVALUATION, "requested character not valid for encoding: %d",
                       (int)code);
    unsigned bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    od_buffer_append_u8(row->text, (uint8_t)(marks[bytes] | code >> 6 * (bytes - 1)));
    for (unsigned i = bytes - 1; i > 0; i--)
        od_buffer_append_u8(row->text, (uint8_t)(0x80 | (code >> 6 * (i - 1) & 0x3f)));
    return OD_OK;
}

enum od_status od_row_to_hex(struct od_row *row)
{
    uint64_t number = (uint64_t)row->arguments[0].int64;
    if (row->arguments[0].type == OD_TYPE_INT32)
        number &= UINT32_MAX;
    od_buffer_print(row->text, "%llx", (unsigned long long)number);
    return OD_OK;
}
