/* utf8: a walk from sequence to sequence, each held against table 3-7 of the Unicode standard (version 15), which leaves no
 * room for overlong forms, surrogates or code points beyond U+10FFFF. */
#include "engine/core/utf8.h"

/* Bytes of the well-formed sequence that starts here, 0 when there is none. */
static size_t sequence_bytes(const unsigned char *bytes, size_t size)
{
    unsigned char lead = bytes[0];
    if (lead < 0x80)
        return 1;
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || length > size)
        return 0;
    unsigned char second_first = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char second_last = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (bytes[1] < second_first || bytes[1] > second_last)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

size_t od_utf8_valid_bytes(const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t offset = 0;
    while (offset < size) {
        size_t length = sequence_bytes(bytes + offset, size - offset);
        if (length == 0)
            break;
        offset += length;
    }
    return offset;
}
