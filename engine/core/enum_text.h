/* enum_text: the texts of an enum whose members are the rows of an X-macro list. */
#ifndef OD_CORE_ENUM_TEXT_H
#define OD_CORE_ENUM_TEXT_H

#include "engine/core/assert.h"

#define OD_ENUM_TEXT_ROW(name, text, ...) text,
/* Defines `const char *function(type value)`: the second column of LIST, which stands in the order of the enum. */
#define OD_ENUM_TEXT(function, type, LIST)                                                                   \
    const char *function(type value)                                                                         \
    {                                                                                                        \
        static const char *const texts[] = {LIST(OD_ENUM_TEXT_ROW)};                                         \
        od_assert((unsigned)value < sizeof(texts) / sizeof(texts[0]));                                         \
        return texts[value];                                                                                 \
    }

#endif
