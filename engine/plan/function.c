/* function: the tables behind function.h, and signatures taken apart. */
#include "engine/plan/function.h"

#include <string.h>
#include <strings.h>

#include "engine/core/assert.h"

static const struct od_function_info functions[] = {
#define X(name, text, style, signatures, ...) [OD_FUNCTION_##name] = {text, OD_STYLE_##style, signatures},
    OD_FUNCTION_LIST(X)
#undef X
};

const struct od_function_info *od_function_info(enum od_function function)
{
    od_assert((unsigned)function < OD_FUNCTION_COUNT);
    return &functions[function];
}

const char *od_function_text(enum od_function function)
{
    return od_function_info(function)->text;
}

enum od_function_style od_function_style(enum od_function function)
{
    return od_function_info(function)->style;
}

static const struct {
    const char *name;
    enum od_function function;
} aliases[] = {
    {"ceiling", OD_FUNCTION_CEIL},
    {"char_length", OD_FUNCTION_LENGTH},
    {"character_length", OD_FUNCTION_LENGTH},
    {"log10", OD_FUNCTION_LOG},
    {"mod", OD_FUNCTION_MODULO},
    {"position", OD_FUNCTION_STRPOS},
    {"pow", OD_FUNCTION_POWER},
    {"substr", OD_FUNCTION_SUBSTRING},
};

bool od_function_find(const char *name, enum od_function *function_out)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        *function_out = aliases[i].function;
        if (strcmp(aliases[i].name, name) == 0)
            return true;
    }
    for (uint32_t i = OD_FUNCTION_FIRST_CALLABLE; i < OD_FUNCTION_COUNT; i++) {
        *function_out = (enum od_function)i;
        if (strcmp(functions[i].text, name) == 0)
            return true;
    }
    return false;
}

const char *od_function_refusal(const char *name)
{
    static const struct {
        const char *names; /* a blank before and behind each */
        const char *reason;
    } refusals[] = {
        {" now current_date current_time current_timestamp localtime localtimestamp clock_timestamp "
         "statement_timestamp "
         "transaction_timestamp timeofday ",
         "there is no clock: answers must be determinate"},
        {" random setseed gen_random_uuid random_normal ", "there is no chance: answers must be determinate"},
        {" age to_char to_date to_timestamp to_number format date_bin make_interval justify_days "
         "justify_hours "
         "justify_interval width_bucket factorial erf gamma encode decode convert_from convert_to sha256 "
         "quote_literal "
         "quote_ident quote_nullable regexp_match regexp_matches regexp_replace regexp_split_to_array "
         "regexp_split_to_table regexp_count regexp_instr regexp_like regexp_substr string_to_array "
         "array_length "
         "unnest generate_series nextval currval pg_typeof version num_nulls num_nonnulls ",
         "not built"},
    };
    size_t size = strlen(name);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]) && size > 0; i++)
        for (const char *at = strstr(refusals[i].names, name); at != NULL; at = strstr(at + 1, name))
            if (at > refusals[i].names && at[-1] == ' ' && at[size] == ' ')
                return refusals[i].reason;
    return NULL;
}

/* --- signatures ----------------------------------------------------------------------------------------- */

bool od_signature_next(const char **at, struct od_signature *signature_out)
{
    const char *text = *at + strspn(*at, " ");
    size_t size = strcspn(text, " ");
    const char *colon = strchr(text, ':');
    if (size == 0)
        return false;
    od_assert(colon != NULL);
    uint32_t count = (uint32_t)(colon - text);
    bool repeats = count > 0 && text[count - 1] == '+';
    *signature_out = (struct od_signature){.letters = text,
                                           .letter_count = count - repeats,
                                           .repeats = repeats,
                                           .result = colon[1],
                                           .may_fail = text[size - 1] == '!',
                                           .is_refused = text[size - 1] == '~'};
    *at = text + size;
    return true;
}

bool od_signature_takes_count(const struct od_signature *signature, uint32_t count)
{
    if (signature->letters[0] == 'C')
        return count >= 3 && count % 2 == 1;
    return signature->repeats ? count >= signature->letter_count : count == signature->letter_count;
}

char od_signature_letter(const struct od_signature *signature, uint32_t position, uint32_t count)
{
    if (signature->letters[0] == 'C')
        return position % 2 == 0 && position + 1 < count ? 'b' : 'T';
    return signature->letters[position < signature->letter_count ? position : signature->letter_count - 1];
}

enum od_type od_signature_type(char letter)
{
    static const char letters[] = {
        [OD_TYPE_BOOLEAN] = 'b',   [OD_TYPE_INT64] = 'l',   [OD_TYPE_FLOAT64] = 'f',
        [OD_TYPE_TEXT] = 't',      [OD_TYPE_DATE] = 'd',    [OD_TYPE_INT32] = 'i',
        [OD_TYPE_TIMESTAMP] = 's', [OD_TYPE_DECIMAL] = 'n', [OD_TYPE_INTERVAL] = 'v',
    };
    _Static_assert(sizeof(letters) == OD_TYPE_COUNT, "every type has a letter");
    const char *found = memchr(letters, letter, sizeof(letters));
    if (found == NULL)
        return letter == 'x' ? OD_TYPE_TEXT : OD_TYPE_COUNT;
    return (enum od_type)(found - letters);
}

/* --- casts ---------------------------------------------------------------------------------------------- */

/* What a type can be cast to, as letters; behind the '!', those casts that can fail. A date can be too far away for a
 * timestamp. */
static const char *const cast_targets[] = {
    [OD_TYPE_BOOLEAN] = "bit",     [OD_TYPE_INT64] = "lnft!i",   [OD_TYPE_FLOAT64] = "ft!iln",
    [OD_TYPE_TEXT] = "t!bilnfdsv", [OD_TYPE_TIMESTAMP] = "std",  [OD_TYPE_DATE] = "dt!s",
    [OD_TYPE_INT32] = "ilnftb",    [OD_TYPE_DECIMAL] = "nft!il", [OD_TYPE_INTERVAL] = "vt",
};
_Static_assert(sizeof(cast_targets) / sizeof(cast_targets[0]) == OD_TYPE_COUNT, "every type has its casts");

bool od_cast_exists(enum od_type from, enum od_type to, bool *may_fail_out)
{
    od_assert((unsigned)from < OD_TYPE_COUNT);
    od_assert((unsigned)to < OD_TYPE_COUNT);
    const char *failing = strchr(cast_targets[from], '!');
    for (const char *at = cast_targets[from]; *at != '\0'; at++) {
        if (*at == '!' || od_signature_type(*at) != to)
            continue;
        *may_fail_out = failing != NULL && at > failing;
        return true;
    }
    *may_fail_out = false;
    return false;
}

bool od_cast_is_implicit(enum od_type from, enum od_type to)
{
    static const uint8_t ranks[OD_TYPE_COUNT] = {
        [OD_TYPE_INT32] = 1, [OD_TYPE_INT64] = 2, [OD_TYPE_DECIMAL] = 3, [OD_TYPE_FLOAT64] = 4};
    if (from == to || (from == OD_TYPE_DATE && to == OD_TYPE_TIMESTAMP))
        return true;
    return ranks[from] != 0 && ranks[from] < ranks[to];
}

/* --- time fields ---------------------------------------------------------------------------------------- */

static const struct od_time_field_info time_fields[] = {
#define X(name, text, others, of_date, truncates) [OD_TIME_FIELD_##name] = {text, others, of_date, truncates},
    OD_TIME_FIELD_LIST(X)
#undef X
};

const struct od_time_field_info *od_time_field_info(enum od_time_field field)
{
    od_assert((unsigned)field < OD_TIME_FIELD_COUNT);
    return &time_fields[field];
}

/* Whether `text` is one of the words in a list with single blanks between. */
static bool is_word_of(const char *list, const char *text, uint32_t size)
{
    while (*list != '\0') {
        size_t word_size = strcspn(list, " ");
        if (word_size == size && strncasecmp(list, text, size) == 0)
            return true;
        list += word_size + (list[word_size] == ' ');
    }
    return false;
}

bool od_time_field_find(const char *text, uint32_t size, enum od_time_field *field_out)
{
    for (uint32_t i = 0; i < OD_TIME_FIELD_COUNT; i++) {
        *field_out = (enum od_time_field)i;
        if (is_word_of(time_fields[i].text, text, size) || is_word_of(time_fields[i].others, text, size))
            return true;
    }
    return false;
}
