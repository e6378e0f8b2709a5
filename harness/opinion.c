/* opinion: see opinion.h. Cells of both sides become values that are compared: decimals and doubles that may differ in their last
 * digits as doubles, all else as text in one spelling. */
#include "harness/opinion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/io/csv.h"
#include "engine/world/posix.h"
#include "properties/answer.h"

static const struct od_opinion_ops *const engines[] = {&od_opinion_duckdb, &od_opinion_postgres};

enum od_status od_opinion_open(const char *name, struct od_opinion *opinion_out, struct od_error *error)
{
    *opinion_out = (struct od_opinion){0};
    for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
        if (strcmp(engines[i]->name, name) != 0)
            continue;
        enum od_status status =
            engines[i]->open(&opinion_out->self, opinion_out->version, sizeof(opinion_out->version), error);
        opinion_out->ops = status == OD_OK ? engines[i] : NULL;
        return status;
    }
    return od_fail(error, OD_BAD_INPUT, "--oracle %.40s: expected duckdb or postgres", name);
}

void od_opinion_close(struct od_opinion *opinion)
{
    if (opinion->ops != NULL)
        opinion->ops->close(opinion->self);
    *opinion = (struct od_opinion){0};
}

/* --- loading --------------------------------------------------------------------------------------------- */

static uint32_t largest_scale(const struct od_batch *rows, uint32_t column)
{
    uint32_t scale = 0;
    for (uint32_t row = 0; row < rows->row_count; row++) {
        struct od_value value = od_column_value(&rows->columns[column], row);
        if (!value.is_null && value.decimal.scale > scale)
            scale = (uint32_t)value.decimal.scale;
    }
    return scale;
}

static bool put_declaration(struct od_buffer *text, const struct od_table *table, const struct od_batch *rows)
{
    od_buffer_print(text, "CREATE TABLE %s (", table->name);
    for (uint32_t i = 0; i < table->schema.field_count; i++) {
        const struct od_field *field = &table->schema.fields[i];
        od_buffer_print(text, "%s%s %s", i == 0 ? "" : ", ", field->name, od_type_text(field->type));
        if (field->type == OD_TYPE_DECIMAL)
            od_buffer_print(text, "(%d,%u)", OD_DECIMAL_DIGITS_MAX, largest_scale(rows, i));
    }
    od_buffer_print(text, ")");
    return !text->failed;
}

enum od_status od_opinion_load(struct od_opinion *opinion, const struct od_table *table, struct od_error *error)
{
    struct od_buffer csv;
    struct od_buffer declaration;
    struct od_batch rows = od_table_view(table);
    od_buffer_init(&csv, od_posix_memory());
    od_buffer_init(&declaration, od_posix_memory());
    enum od_status status = od_csv_write(&rows, &csv, error);
    if (status == OD_OK && !put_declaration(&declaration, table, &rows))
        status = od_fail(error, OD_NO_MEMORY, "declaring %s", table->name);
    if (status == OD_OK)
        status = opinion->ops->load(opinion->self, table->name, od_buffer_text(&declaration), od_buffer_text(&csv),
                                    csv.size, error);
    od_buffer_release(&csv);
    od_buffer_release(&declaration);
    return status;
}

/* --- comparing ------------------------------------------------------------------------------------------- */

/* Their cells, as they come: texts in an arena, NULL for NULL. */
struct cells {
    struct od_arena *arena;
    uint32_t column_count;
    size_t count;
    size_t capacity;
    const char **texts;
};

static bool take_width(void *self, uint32_t column_count)
{
    ((struct cells *)self)->column_count = column_count;
    return true;
}

static bool take_cell(void *self, const char *text)
{
    struct cells *cells = self;
    if (cells->count == cells->capacity) {
        size_t capacity = cells->capacity == 0 ? 256 : cells->capacity * 2;
        const char **texts = od_arena_take_array(cells->arena, capacity, sizeof(*texts));
        if (texts == NULL)
            return false;
        if (cells->count > 0)
            memcpy(texts, cells->texts, cells->count * sizeof(*texts));
        cells->texts = texts;
        cells->capacity = capacity;
    }
    const char *copy = text == NULL ? NULL : od_arena_copy_text(cells->arena, text, (uint32_t)strlen(text));
    cells->texts[cells->count++] = copy;
    return text == NULL || copy != NULL;
}

static bool is_close_column(const struct od_opinion *opinion, enum od_type type)
{
    return type == OD_TYPE_FLOAT64 || (type == OD_TYPE_DECIMAL && !opinion->ops->decimals_are_exact);
}

static struct od_value comparable(const char *text, bool is_close, enum od_type type)
{
    struct od_value value = {.type = is_close ? OD_TYPE_FLOAT64 : OD_TYPE_TEXT, .is_null = text == NULL};
    if (text == NULL)
        return value;
    if (is_close) {
        value.float64 = strtod(text, NULL);
        return value;
    }
    if (type == OD_TYPE_BOOLEAN) /* t, true, f, false */
        text = text[0] == 't' ? "true" : "false";
    value.text.bytes = text;
    value.text.size = (uint32_t)strlen(text);
    return value;
}

static enum od_status their_answer(const struct od_opinion *opinion, const struct cells *cells,
                                   const struct od_schema *schema, struct od_answer *answer_out, struct od_error *error)
{
    uint32_t width = schema->field_count;
    *answer_out = (struct od_answer){width, (uint32_t)(cells->count / width), NULL};
    answer_out->cells = od_arena_take_array(cells->arena, cells->count + 1, sizeof(struct od_value));
    if (answer_out->cells == NULL)
        return od_fail(error, OD_NO_MEMORY, "reading %s's answer", opinion->version);
    for (size_t i = 0; i < cells->count; i++) {
        enum od_type type = schema->fields[i % width].type;
        answer_out->cells[i] = comparable(cells->texts[i], is_close_column(opinion, type), type);
    }
    return OD_OK;
}

enum od_status od_opinion_express(const struct od_opinion *opinion, const struct od_answer *rows,
                                  const struct od_schema *schema, struct od_arena *arena, struct od_answer *answer_out,
                                  struct od_error *error)
{
    uint32_t width = rows->column_count;
    size_t count = (size_t)rows->row_count * width;
    struct od_buffer text;
    *answer_out = (struct od_answer){width, rows->row_count, NULL};
    answer_out->cells = od_arena_take_array(arena, count + 1, sizeof(struct od_value));
    od_buffer_init(&text, od_posix_memory());
    bool fits = answer_out->cells != NULL;
    for (size_t i = 0; fits && i < count; i++) {
        enum od_type type = schema->fields[i % width].type;
        const char *copy = NULL;
        od_buffer_reset(&text);
        if (!rows->cells[i].is_null) {
            fits = od_value_print(&rows->cells[i], &text);
            copy = fits ? od_arena_copy_text(arena, od_buffer_text(&text), (uint32_t)text.size) : NULL;
            fits = copy != NULL;
        }
        answer_out->cells[i] = comparable(copy, is_close_column(opinion, type), type);
    }
    od_buffer_release(&text);
    return fits ? OD_OK : od_fail(error, OD_NO_MEMORY, "printing an answer");
}

enum od_status od_opinion_ask(const struct od_opinion *opinion, const char *sql, const struct od_schema *schema,
                              struct od_arena *arena, struct od_answer *answer_out, struct od_error *error)
{
    struct cells cells = {.arena = arena};
    const struct od_opinion_sink sink = {take_width, take_cell, &cells};
    *answer_out = (struct od_answer){0};
    OD_TRY(opinion->ops->ask(opinion->self, sql, &sink, error));
    if (schema->field_count == 0)
        return OD_OK;
    if (cells.column_count != schema->field_count)
        return od_fail(error, OD_BAD_INPUT, "%s's answer has %u columns, ours %u", opinion->version, cells.column_count,
                       schema->field_count);
    return their_answer(opinion, &cells, schema, answer_out, error);
}

static enum od_status compare_answers(struct od_opinion *opinion, const struct od_answer *expected, const struct od_table *table,
                                      struct od_arena *arena, struct od_finding *finding, char *said, size_t said_size,
                                      struct od_error *error)
{
    struct od_answer rows = {0};
    struct od_answer actual = {0};
    char text[600] = "";
    bool equal = false;
    OD_TRY(od_answer_from_table(arena, table, &rows, error));
    OD_TRY(od_opinion_express(opinion, &rows, &table->schema, arena, &actual, error));
    OD_TRY(od_answer_compare(arena, expected, &actual, OD_COMPARE_CLOSE, &equal, text, sizeof(text), error));
    snprintf(said, said_size, "%s %s's answer, %u rows", equal ? "equal to" : "differs from", opinion->version,
             expected->row_count);
    if (!equal)
        od_finding_set(finding, "R2", "the answer differs from %s's: %s", opinion->version, text);
    return OD_OK;
}

enum od_status od_opinion_compare(struct od_opinion *opinion, const char *sql, const struct od_table *answer,
                                  struct od_finding *finding, char *said, size_t said_size, struct od_error *error)
{
    struct od_arena arena;
    static const struct od_schema no_columns;
    const struct od_schema *schema = answer != NULL ? &answer->schema : &no_columns;
    struct od_answer expected = {0};
    struct od_error theirs = {0};
    od_arena_init(&arena, od_posix_memory(), 256 * 1024);
    enum od_status status = od_opinion_ask(opinion, sql, schema, &arena, &expected, &theirs);
    if (status == OD_EVALUATION && answer == NULL) {
        snprintf(said, said_size, "%s refuses it, too: %.100s", opinion->version, theirs.text);
        status = OD_OK;
    } else if (status == OD_EVALUATION || (status == OD_OK && answer == NULL)) {
        snprintf(said, said_size, "differs from %s", opinion->version);
        od_finding_set(finding, "R2", status == OD_OK ? "%s has an answer, we have none%s" : "%s has no answer: %.300s",
                       opinion->version, theirs.text);
        status = OD_OK;
    } else if (status == OD_OK) {
        status = compare_answers(opinion, &expected, answer, &arena, finding, said, said_size, error);
    } else if (status == OD_BAD_INPUT) {
        od_finding_set(finding, "R2", "%s", theirs.text);
        status = OD_OK;
    } else if (error != NULL) {
        *error = theirs;
    }
    od_arena_release(&arena);
    return status;
}
