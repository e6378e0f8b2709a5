/* enum_text: the texts of an enum whose members are the rows of an X-macro list. */
#ifndef OD_CORE_ENUM_TEXT_H
#define OD_CORE_ENUM_TEXT_H

#define OD_ENUM_TEXT_ROW(name, text, ...) text,
/* Defines `const char *function(type value)`: the second column of LIST, which stands in the order of the enum; never NULL. */
#define OD_ENUM_TEXT(function, type, LIST)                                                                   \
    const char *function(type value)                                                                         \
    {                                                                                                        \
        static const char *const texts[] = {LIST(OD_ENUM_TEXT_ROW)};                                         \
        return (unsigned)value < sizeof(texts) / sizeof(texts[0]) ? texts[value] : "unknown";                \
    }

#endif
