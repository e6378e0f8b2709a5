/* utf8: whether bytes are well-formed UTF-8. Whoever lets text in from outside asks once, so that nobody behind has to. */
#ifndef OD_CORE_UTF8_H
#define OD_CORE_UTF8_H

#include <stddef.h>

/* Size of the longest well-formed front of `text` (a NUL byte is a character like any other): `size` when all is well, else
 * the offset of the byte that is not. */
size_t od_utf8_valid_bytes(const char *text, size_t size);

#endif
