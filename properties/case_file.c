/* case_file: see case_file.h. Reading is a cursor over lines; each reader of a line says exactly what it
 * expected and where. Nothing is read back from below the marker, so that people may write notes there. */
#include "properties/case_file.h"

#include "engine/core/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHOICES_MAX    16384u
#define LINE_BYTES     32u
#define PCT_DEPTH_MAX      8u
#define SCHEDULE_LINES_MAX 1000u
#define FILE_BYTES_MAX (4u << 20)

struct cursor {
    struct od_memory *memory;
    const char *source_name;
    const char *text;
    size_t size;
    size_t offset; /* of the next line */
    uint32_t line_number;
    const char *line; /* the current line, without its end */
    size_t line_size;
    struct od_error *error;
};

static bool read_line(struct cursor *cursor)
{
    if (cursor->offset >= cursor->size)
        return false;
    cursor->line = cursor->text + cursor->offset;
    const char *end = memchr(cursor->line, '\n', cursor->size - cursor->offset);
    cursor->line_size = end != NULL ? (size_t)(end - cursor->line) : cursor->size - cursor->offset;
    cursor->offset += cursor->line_size + (end != NULL);
    cursor->line_number++;
    if (cursor->line_size > 0 && cursor->line[cursor->line_size - 1] == '\r')
        cursor->line_size--;
    return true;
}

/* The next line that says something. At the end of the text the line is empty, and line_number is one behind
 * the last. */
static void next_line(struct cursor *cursor)
{
    while (read_line(cursor))
        if (cursor->line_size > 0 && cursor->line[0] != '#')
            return;
    cursor->line = "";
    cursor->line_size = 0;
    cursor->line_number++;
}

static enum od_status expected(struct cursor *cursor, size_t column, const char *what)
{
    return od_fail_at(cursor->error, OD_BAD_INPUT, cursor->line_number, (uint32_t)column + 1,
                      "%s: expected %s", cursor->source_name, what);
}

/* The current line is "key value": where the value starts, or 0. */
static size_t value_offset(const struct cursor *cursor, const char *key)
{
    size_t size = strlen(key);
    bool matches =
        cursor->line_size > size && memcmp(cursor->line, key, size) == 0 && cursor->line[size] == ' ';
    return matches ? size + 1 : 0;
}

static enum od_status read_word(struct cursor *cursor, const char *key, const char *what, char *word,
                                size_t word_size)
{
    size_t from = value_offset(cursor, key);
    if (from == 0)
        return expected(cursor, 0, what);
    size_t size = cursor->line_size - from;
    if (size == 0 || size >= word_size)
        return expected(cursor, from, what);
    for (size_t i = from; i < cursor->line_size; i++)
        if (cursor->line[i] <= ' ' || cursor->line[i] > '~')
            return expected(cursor, i, "a printable character");
    memcpy(word, cursor->line + from, size);
    word[size] = '\0';
    next_line(cursor);
    return OD_OK;
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static enum od_status read_digest(struct cursor *cursor, struct od_case_file *file)
{
    size_t from = value_offset(cursor, "digest");
    if (from == 0)
        return OD_OK; /* optional */
    for (size_t i = 0; i < 16; i++) {
        int digit = from + i < cursor->line_size ? hex_digit(cursor->line[from + i]) : -1;
        if (digit < 0)
            return expected(cursor, from + i, "16 hexadecimal digits (0-9, a-f)");
        file->digest = file->digest << 4 | (uint64_t)digit;
    }
    if (cursor->line_size > from + 16)
        return expected(cursor, from + 16, "the end of the line");
    file->has_digest = true;
    next_line(cursor);
    return OD_OK;
}

/* "key N", N up to `most`. */
static enum od_status read_count(struct cursor *cursor, const char *key, uint32_t most, const char *what,
                                 uint32_t *count_out)
{
    size_t from = value_offset(cursor, key);
    uint32_t count = 0;
    if (from == 0 || from == cursor->line_size)
        return expected(cursor, from, what);
    for (size_t i = from; i < cursor->line_size; i++) {
        if (cursor->line[i] < '0' || cursor->line[i] > '9')
            return expected(cursor, i, what);
        count = count * 10 + (uint32_t)(cursor->line[i] - '0');
        if (count > most)
            return expected(cursor, from, what);
    }
    *count_out = count;
    next_line(cursor);
    return OD_OK;
}

/* What the lines say is for others to read. */
static enum od_status read_schedule(struct cursor *cursor, struct od_case_file *file)
{
    uint32_t count = 0;
    struct od_buffer text;
    if (value_offset(cursor, "schedule") == 0)
        return OD_OK; /* optional */
    OD_TRY(read_count(cursor, "schedule", SCHEDULE_LINES_MAX, "\"schedule\" and a number of lines up to 1000", &count));
    od_buffer_init(&text, cursor->memory);
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < count && status == OD_OK; i++) {
        if (cursor->line_size == 0)
            status = expected(cursor, 0, "one more line of the schedule");
        else if (!od_buffer_print(&text, "%.*s\n", (int)cursor->line_size, cursor->line))
            status = od_fail(cursor->error, OD_NO_MEMORY, "reading a case file: its schedule");
        next_line(cursor);
    }
    if (status == OD_OK && (file->schedule = od_take(cursor->memory, text.size + 1)) == NULL)
        status = od_fail(cursor->error, OD_NO_MEMORY, "reading a case file: its schedule");
    if (status == OD_OK) {
        file->schedule_bytes = (uint32_t)text.size;
        memcpy(file->schedule, od_buffer_text(&text), text.size);
    }
    od_buffer_release(&text);
    return status;
}

/* One line of hexadecimal pairs behind `size` bytes already read. */
static enum od_status read_hex_line(struct cursor *cursor, uint8_t *bytes, uint32_t count, uint32_t *size)
{
    if (cursor->line_size == 0)
        return expected(cursor, 0, "more bytes of choices, as pairs of hexadecimal digits");
    for (size_t i = 0; i < cursor->line_size; i += 2) {
        int high = hex_digit(cursor->line[i]);
        int low = i + 1 < cursor->line_size ? hex_digit(cursor->line[i + 1]) : -1;
        if (high < 0 || low < 0)
            return expected(cursor, high < 0 ? i : i + 1, "a hexadecimal digit (0-9, a-f)");
        if (*size == count)
            return expected(cursor, i, "\"---\": there are more bytes than \"choices\" says");
        bytes[(*size)++] = (uint8_t)(high << 4 | low);
    }
    next_line(cursor);
    return OD_OK;
}

static enum od_status read_choices(struct cursor *cursor, struct od_case_file *file)
{
    uint32_t count = 0, size = 0;
    enum od_status status = read_count(cursor, "choices", CHOICES_MAX,
                                       "\"choices\" and a number of bytes up to 16384", &count);
    if (status != OD_OK)
        return status;
    file->choices = od_take(cursor->memory, (size_t)count + 1);
    if (file->choices == NULL)
        return od_fail(cursor->error, OD_NO_MEMORY, "reading a case file: choices=%u", count);
    file->choices_bytes = count;
    while (size < count && status == OD_OK)
        status = read_hex_line(cursor, file->choices, count, &size);
    return status;
}

static enum od_status read_version(struct cursor *cursor)
{
    static const char first[] = "ordeal case 1";
    next_line(cursor);
    if (cursor->line_size != strlen(first) || memcmp(cursor->line, first, strlen(first)) != 0)
        return expected(cursor, 0, "\"ordeal case 1\"");
    next_line(cursor);
    return OD_OK;
}

static enum od_status read_end(struct cursor *cursor)
{
    bool at_marker = cursor->line_size == 3 && memcmp(cursor->line, "---", 3) == 0;
    bool at_end = cursor->line_size == 0 && cursor->offset >= cursor->size;
    return at_marker || at_end ? OD_OK : expected(cursor, 0, "\"---\" or the end of the file");
}

enum od_status od_case_file_parse(struct od_memory *memory, const char *source_name, const char *text,
                                  size_t size, struct od_case_file *file_out, struct od_error *error)
{
    struct cursor cursor = {
        .memory = memory, .source_name = source_name, .text = text, .size = size, .error = error};
    struct od_case_file *file = file_out;
    memset(file, 0, sizeof(*file));
    enum od_status status = read_version(&cursor);
    if (status == OD_OK)
        status = read_word(&cursor, "property", "\"property\" and a code such as F1", file->property,
                           sizeof(file->property));
    if (status == OD_OK)
        status =
            read_word(&cursor, "found", "\"found\" and a code such as H1", file->found, sizeof(file->found));
    if (status == OD_OK)
        status = read_word(&cursor, "engine", "\"engine\" and a name", file->engine, sizeof(file->engine));
    if (status == OD_OK && value_offset(&cursor, "bug") != 0)
        status = read_word(&cursor, "bug", "\"bug\" and a name", file->bug, sizeof(file->bug));
    if (status == OD_OK)
        status = read_digest(&cursor, file);
    if (status == OD_OK && value_offset(&cursor, "pct") != 0)
        status = read_count(&cursor, "pct", PCT_DEPTH_MAX, "\"pct\" and a number up to 8", &file->pct_depth);
    if (status == OD_OK)
        status = read_schedule(&cursor, file);
    if (status == OD_OK)
        status = read_choices(&cursor, file);
    if (status == OD_OK)
        status = read_end(&cursor);
    if (status != OD_OK)
        od_case_file_release(memory, file);
    return status;
}

void od_case_file_release(struct od_memory *memory, struct od_case_file *file)
{
    if (file->choices != NULL)
        od_give(memory, file->choices, (size_t)file->choices_bytes + 1);
    if (file->schedule != NULL)
        od_give(memory, file->schedule, (size_t)file->schedule_bytes + 1);
    memset(file, 0, sizeof(*file));
}

/* --- writing -------------------------------------------------------------------------------------------- */

static uint32_t line_count(const char *text)
{
    uint32_t count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

bool od_case_file_print(const struct od_case_file *file, const char *rendering, struct od_buffer *buffer)
{
    od_buffer_print(buffer, "ordeal case %d\nproperty %s\nfound %s\nengine %s\n", OD_CASE_FILE_VERSION,
                    file->property, file->found, file->engine);
    if (file->bug[0] != '\0')
        od_buffer_print(buffer, "bug %s\n", file->bug);
    if (file->has_digest)
        od_buffer_print(buffer, "digest %016" PRIx64 "\n", file->digest);
    if (file->pct_depth != 0)
        od_buffer_print(buffer, "pct %u\n", file->pct_depth);
    if (file->schedule != NULL)
        od_buffer_print(buffer, "schedule %u\n%s", line_count(file->schedule), file->schedule);
    od_buffer_print(buffer, "choices %u\n", file->choices_bytes);
    for (uint32_t i = 0; i < file->choices_bytes; i++) {
        bool ends_line = i % LINE_BYTES == LINE_BYTES - 1 || i + 1 == file->choices_bytes;
        od_buffer_print(buffer, "%02x%s", file->choices[i], ends_line ? "\n" : "");
    }
    od_buffer_append_text(buffer, "---\n");
    if (rendering != NULL)
        od_buffer_append_text(buffer, rendering);
    return !buffer->failed;
}

static bool write_all(int descriptor, const uint8_t *bytes, size_t size)
{
    for (size_t written = 0; written < size;) {
        ssize_t count = write(descriptor, bytes + written, size - written);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        written += (size_t)count;
    }
    return true;
}

static enum od_status write_file(const char *path, const char *temporary, const struct od_buffer *text,
                                 struct od_error *error)
{
    int descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0)
        return od_fail(error, OD_IO, "creating %s: %s", temporary, strerror(errno));
    bool good = write_all(descriptor, text->bytes, text->size) && fsync(descriptor) == 0;
    good = close(descriptor) == 0 && good;
    good = good && rename(temporary, path) == 0;
    if (good)
        return OD_OK;
    enum od_status status = od_fail(error, OD_IO, "writing %s: %s", path, strerror(errno));
    unlink(temporary);
    return status;
}

enum od_status od_case_file_write(struct od_memory *memory, const char *path, const struct od_case_file *file,
                                  const char *rendering, struct od_error *error)
{
    struct od_buffer text, temporary;
    enum od_status status;
    od_buffer_init(&text, memory);
    od_buffer_init(&temporary, memory);
    if (od_case_file_print(file, rendering, &text) &&
        od_buffer_print(&temporary, "%s.%ld.tmp", path, (long)getpid()))
        status = write_file(path, od_buffer_text(&temporary), &text, error);
    else
        status = od_fail(error, OD_NO_MEMORY, "writing %s", path);
    od_buffer_release(&temporary);
    od_buffer_release(&text);
    return status;
}

/* --- reading -------------------------------------------------------------------------------------------- */

static enum od_status read_file(FILE *stream, const char *path, struct od_buffer *text,
                                struct od_error *error)
{
    char part[4096];
    size_t size;
    while ((size = fread(part, 1, sizeof(part), stream)) > 0) {
        if (text->size + size > FILE_BYTES_MAX)
            return od_fail(error, OD_BAD_INPUT, "%s: not a case file: larger than %u bytes", path,
                           FILE_BYTES_MAX);
        if (!od_buffer_append(text, part, size))
            return od_fail(error, OD_NO_MEMORY, "reading %s", path);
    }
    if (ferror(stream) && errno == EISDIR)
        return od_fail(error, OD_BAD_INPUT, "reading %s: expected a file, found a folder", path);
    return ferror(stream) ? od_fail(error, OD_IO, "reading %s: %s", path, strerror(errno)) : OD_OK;
}

enum od_status od_case_file_read(struct od_memory *memory, const char *path, struct od_case_file *file_out,
                                 struct od_error *error)
{
    struct od_buffer text;
    memset(file_out, 0, sizeof(*file_out));
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        return od_fail(error, errno == ENOENT ? OD_MISSING : OD_IO, "opening %s: %s", path, strerror(errno));
    od_buffer_init(&text, memory);
    enum od_status status = read_file(stream, path, &text, error);
    if (status == OD_OK)
        status = od_case_file_parse(memory, path, od_buffer_text(&text), text.size, file_out, error);
    od_buffer_release(&text);
    fclose(stream);
    return status;
}
