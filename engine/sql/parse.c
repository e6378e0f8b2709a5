/* parse: calls PostgreSQL's grammar and takes its trees over.
 *
 *   text -> pg_query_parse_protobuf (raw parse trees, serialised) -> depth check -> unpacked trees in our
 * arena
 *
 * libpg_query keeps its own memory and gives everything back before we return. Its code and the unpacking are
 * recursive on the depth of the tree, so hostile text could overflow the stack. Two bounds prevent that. Text
 * of more than 32 KiB is cut into tokens first, and the longest chain of them must be short: what is between
 * two commas, plus the same of every parenthesis around it, is as deep as a tree can be ("1+1+1..."; only set
 * operations go on across commas). And the depth of the serialised tree is measured by a loop over the bytes
 * before anything of ours recurses over them. */
#include "engine/sql/parse.h"

#include <pg_query.h>
#include <string.h>

#include "engine/core/utf8.h"

#define SQL_BYTES_MAX     ((size_t)16 << 20)
#define SHORT_BYTES       ((size_t)32 << 10) /* cannot nest too deep, whatever it says */
#define CHAIN_TOKENS_MAX  16384
#define MESSAGE_DEPTH_MAX 1100 /* a node and its kind are two messages: about 500 nested expressions */

void od_sql_position(const char *sql, uint32_t byte_offset, uint32_t *line_out, uint32_t *column_out)
{
    *line_out = 1;
    *column_out = 1;
    for (uint32_t i = 0; i < byte_offset && sql[i] != '\0'; i++) {
        if (sql[i] == '\n') {
            (*line_out)++;
            *column_out = 1;
        } else if (((uint8_t)sql[i + 1] & 0xc0) != 0x80) {
            (*column_out)++; /* the next byte begins a character */
        }
    }
}

/* libpg_query counts the position of a syntax error in characters, from 1. */
static uint32_t byte_offset_of(const char *sql, int character)
{
    uint32_t offset = 0;
    for (int i = 1; i < character && sql[offset] != '\0'; i++) {
        offset++;
        while (((uint8_t)sql[offset] & 0xc0) == 0x80)
            offset++;
    }
    return offset;
}

/* --- depth of the serialised tree ------------------------------------------------------------- */

/* Protocol buffers' wire format: protobuf.dev/programming-guides/encoding. */
struct wire_level {
    const ProtobufCMessageDescriptor *descriptor;
    size_t end; /* of this message's bytes */
};

static bool read_varint(const uint8_t *bytes, size_t end, size_t *offset, uint64_t *value_out)
{
    *value_out = 0;
    for (unsigned shift = 0; shift < 64 && *offset < end; shift += 7) {
        uint8_t byte = bytes[(*offset)++];
        *value_out |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return true;
    }
    return false;
}

/* Steps over one field; for a message, *child_out is its descriptor and *offset stands at its first byte. */
static bool read_field(const uint8_t *bytes, const struct wire_level *level, size_t *offset,
                       struct wire_level *child_out)
{
    uint64_t tag;
    uint64_t value;
    child_out->descriptor = NULL;
    if (!read_varint(bytes, level->end, offset, &tag))
        return false;
    switch (tag & 7) {
    case 0:
        return read_varint(bytes, level->end, offset, &value);
    case 1:
        *offset += 8;
        return *offset <= level->end;
    case 5:
        *offset += 4;
        return *offset <= level->end;
    case 2:
        break;
    default:
        return false;
    }
    if (!read_varint(bytes, level->end, offset, &value) || value > level->end - *offset)
        return false;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(level->descriptor, (unsigned)(tag >> 3));
    if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE)
        *child_out = (struct wire_level){field->descriptor, *offset + (size_t)value};
    else
        *offset += (size_t)value;
    return true;
}

/* False when it is deeper than MESSAGE_DEPTH_MAX, or not well-formed. */
static bool depth_is_bounded(const uint8_t *bytes, size_t size)
{
    struct wire_level levels[MESSAGE_DEPTH_MAX];
    uint32_t depth = 0;
    size_t offset = 0;
    levels[0] = (struct wire_level){&pg_query__parse_result__descriptor, size};
    for (;;) {
        struct wire_level child;
        while (offset == levels[depth].end) {
            if (depth == 0)
                return true;
            depth--;
        }
        if (!read_field(bytes, &levels[depth], &offset, &child))
            return false;
        if (child.descriptor == NULL)
            continue;
        if (depth + 1 == MESSAGE_DEPTH_MAX)
            return false;
        levels[++depth] = child;
    }
}

/* --- the text before it is parsed ----------------------------------------------------------------- */

/* libpg_query takes bytes as they come; PostgreSQL's server checks them first, so we do. */
static enum od_status check_text(const char *sql, struct od_error *error)
{
    size_t size = strlen(sql);
    uint32_t line;
    uint32_t column;
    if (size > SQL_BYTES_MAX)
        return od_fail_at(error, OD_UNSUPPORTED, 1, 1, "SQL text of more than %zu bytes is not supported",
                          SQL_BYTES_MAX);
    size_t valid_size = od_utf8_valid_bytes(sql, size);
    if (valid_size == size)
        return OD_OK;
    od_sql_position(sql, (uint32_t)valid_size, &line, &column);
    return od_fail_at(error, OD_BAD_INPUT, line, column, "byte 0x%02x is not valid UTF-8",
                      (unsigned char)sql[valid_size]);
}

/* --- parsing ---------------------------------------------------------------------------------- */

static void *arena_alloc(void *arena, size_t size)
{
    return od_arena_take_raw(arena, size);
}

static void arena_free(void *arena, void *pointer)
{
    (void)arena; /* all of it goes with the arena */
    (void)pointer;
}

static enum od_status syntax_error(const char *sql, const PgQueryError *cause, struct od_error *error)
{
    uint32_t line;
    uint32_t column;
    od_sql_position(sql, byte_offset_of(sql, cause->cursorpos), &line, &column);
    return od_fail_at(error, OD_BAD_INPUT, line, column, "%s", cause->message);
}

static enum od_status unpack(struct od_arena *parse_arena, const PgQueryProtobuf *tree,
                             const PgQuery__ParseResult **result_out, struct od_error *error)
{
    ProtobufCAllocator allocator = {.alloc = arena_alloc, .free = arena_free, .allocator_data = parse_arena};
    if (!depth_is_bounded((const uint8_t *)tree->data, tree->len))
        return od_fail_at(error, OD_UNSUPPORTED, 1, 1, "SQL nested this deep is not supported");
    *result_out = pg_query__parse_result__unpack(&allocator, tree->len, (const uint8_t *)tree->data);
    return *result_out == NULL ? od_fail(error, OD_NO_MEMORY, "parsing SQL") : OD_OK;
}

/* --- chains of tokens in a long text ------------------------------------------------------------ */

#define PARENTHESES_MAX 1024

static bool chains_are_short(const PgQuery__ScanResult *scan, const char *sql)
{
    uint32_t chain[PARENTHESES_MAX] = {
        0}; /* tokens since the last comma, and the set operations before it, of each level */
    uint32_t set_operations[PARENTHESES_MAX] = {0};
    uint32_t depth = 0;
    uint64_t total = 0;
    for (size_t i = 0; i < scan->n_tokens && total <= CHAIN_TOKENS_MAX; i++) {
        const PgQuery__ScanToken *token = scan->tokens[i];
        char first = sql[token->start];
        if (first == ',' || first == ';') {
            total -= chain[depth];
            chain[depth] = first == ',' ? set_operations[depth] : 0;
            set_operations[depth] = chain[depth];
            total += chain[depth];
            continue;
        }
        if ((first == ')' || first == ']') && depth > 0)
            total -= chain[depth--];
        set_operations[depth] += token->token == PG_QUERY__TOKEN__UNION ||
                                 token->token == PG_QUERY__TOKEN__EXCEPT ||
                                 token->token == PG_QUERY__TOKEN__INTERSECT;
        chain[depth]++;
        total++;
        if (first == '(' || first == '[') {
            if (++depth == PARENTHESES_MAX)
                return false;
            chain[depth] = 0;
            set_operations[depth] = 0;
        }
    }
    return total <= CHAIN_TOKENS_MAX;
}

static enum od_status check_chains(struct od_memory *memory, const char *sql, struct od_error *error)
{
    struct od_arena scan_arena;
    enum od_status status = OD_OK;
    PgQueryScanResult result = pg_query_scan(sql);
    od_arena_init(&scan_arena, memory, 0);
    ProtobufCAllocator allocator = {.alloc = arena_alloc, .free = arena_free, .allocator_data = &scan_arena};
    if (result.error != NULL) {
        status = syntax_error(sql, result.error, error);
    } else {
        const PgQuery__ScanResult *scan =
            pg_query__scan_result__unpack(&allocator, result.pbuf.len, (const uint8_t *)result.pbuf.data);
        if (scan == NULL)
            status = od_fail(error, OD_NO_MEMORY, "parsing SQL");
        else if (!chains_are_short(scan, sql))
            status = od_fail_at(error, OD_UNSUPPORTED, 1, 1, "SQL nested this deep is not supported");
    }
    pg_query_free_scan_result(result);
    od_arena_release(&scan_arena);
    return status;
}

enum od_status od_sql_parse(struct od_arena *parse_arena, const char *sql,
                            const PgQuery__ParseResult **result_out, struct od_error *error)
{
    *result_out = NULL;
    OD_TRY(check_text(sql, error));
    if (strlen(sql) > SHORT_BYTES)
        OD_TRY(check_chains(parse_arena->memory, sql, error));
    enum od_status status = OD_OK;
    PgQueryProtobufParseResult result = pg_query_parse_protobuf(sql);
    if (result.error != NULL)
        status = syntax_error(sql, result.error, error);
    else
        status = unpack(parse_arena, &result.parse_tree, result_out, error);
    pg_query_free_protobuf_parse_result(result);
    return status;
}
