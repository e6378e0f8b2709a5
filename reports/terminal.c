#include "reports/terminal.h"

#include "reports/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define WIDTH_OF_PIPES 100
#define WIDTH_LEAST    40
#define FAILURES_SHOWN 10
#define ELLIPSIS       "\xe2\x80\xa6"

static const char *const style_starts[] = {
    [OD_STYLE_PLAIN] = "",        [OD_STYLE_GOOD] = "\033[32m", [OD_STYLE_BAD] = "\033[1;31m",
    [OD_STYLE_WARN] = "\033[33m", [OD_STYLE_DIM] = "\033[2m",   [OD_STYLE_BOLD] = "\033[1m",
};

void od_terminal_init(struct od_terminal *terminal, FILE *file)
{
    struct winsize size;
    const char *no_color = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    memset(&size, 0, sizeof(size));
    *terminal = (struct od_terminal){.file = file, .width = WIDTH_OF_PIPES};
    terminal->is_tty = isatty(fileno(file)) != 0;
    bool dumb = kind == NULL || strcmp(kind, "dumb") == 0;
    terminal->colour = terminal->is_tty && (no_color == NULL || no_color[0] == '\0') && !dumb;
    if (terminal->is_tty && ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        terminal->width = size.ws_col < WIDTH_LEAST ? WIDTH_LEAST : size.ws_col;
}

const char *od_terminal_start(const struct od_terminal *terminal, enum od_terminal_style style)
{
    return terminal->colour ? style_starts[style] : "";
}

const char *od_terminal_end(const struct od_terminal *terminal)
{
    return terminal->colour ? "\033[0m" : "";
}

/* Data must not move the cursor or colour the screen: control characters are shown as '?'. At most `width`
 * characters, the last an ellipsis when the text is cut; then padded to `width` if asked. */
static void put_cut(FILE *file, const char *text, size_t width, bool pad_left, bool pad_right)
{
    size_t have = od_text_width(text);
    size_t show = have > width ? (width > 0 ? width - 1 : 0) : have;
    for (size_t i = have; pad_left && i < width; i++)
        fputc(' ', file);
    for (size_t i = 0; i < show; i++) {
        size_t size = od_text_character(text);
        bool control = size == 0 || (size == 1 && ((unsigned char)*text < 0x20 || *text == 0x7f)) ||
                       (size == 2 && (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0);
        if (control)
            fputc('?', file);
        else
            fwrite(text, 1, size, file);
        text += size == 0 ? 1 : size;
    }
    if (have > width && width > 0)
        fputs(ELLIPSIS, file);
    for (size_t i = have; pad_right && i < width; i++)
        fputc(' ', file);
}

static const char *cell_of(const struct od_terminal_table *table, uint32_t row, uint32_t column)
{
    const char *cell = table->cells[(size_t)row * table->column_count + column];
    return cell == NULL ? "" : cell;
}

/* The widest column gives way, one character at a time, until the table fits or all are narrow. */
static void fit(size_t *widths, uint32_t count, size_t available)
{
    for (;;) {
        size_t total = count > 0 ? 2 * (size_t)(count - 1) : 0;
        uint32_t widest = 0;
        for (uint32_t i = 0; i < count; i++) {
            total += widths[i];
            widest = widths[i] > widths[widest] ? i : widest;
        }
        if (total <= available || count == 0 || widths[widest] <= 4)
            return;
        widths[widest]--;
    }
}

static void put_row(const struct od_terminal *terminal, const struct od_terminal_table *table,
                    const size_t *widths, uint32_t row, bool is_head)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        bool right = table->right != NULL && table->right[i];
        bool last = i + 1 == table->column_count;
        put_cut(terminal->file, is_head ? table->heads[i] : cell_of(table, row, i), widths[i], right,
                !right && !last);
        fputs(last ? "\n" : "  ", terminal->file);
    }
}

enum od_status od_terminal_table(const struct od_terminal *terminal, struct od_memory *memory,
                                 const struct od_terminal_table *table, struct od_error *error)
{
    size_t *widths = od_take_array(memory, table->column_count, sizeof(*widths));
    if (widths == NULL && table->column_count > 0)
        return od_fail(error, OD_NO_MEMORY, "printing a table: columns=%u", table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        widths[i] = od_text_width(table->heads[i]);
        for (uint32_t row = 0; row < table->row_count; row++) {
            size_t width = od_text_width(cell_of(table, row, i));
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    fit(widths, table->column_count, terminal->width);
    fputs(od_terminal_start(terminal, OD_STYLE_BOLD), terminal->file);
    put_row(terminal, table, widths, 0, true);
    fputs(od_terminal_end(terminal), terminal->file);
    for (uint32_t row = 0; row < table->row_count; row++)
        put_row(terminal, table, widths, row, false);
    od_give(memory, widths, table->column_count * sizeof(*widths));
    return OD_OK;
}

static void put_headline(const struct od_record *record, const struct od_terminal *terminal)
{
    static const enum od_terminal_style styles[] = {
        [OD_RECORD_HELD] = OD_STYLE_GOOD,
        [OD_RECORD_FAILED] = OD_STYLE_BAD,
        [OD_RECORD_UNDECIDED] = OD_STYLE_WARN,
    };
    enum od_record_verdict verdict = od_record_overall(record);
    struct od_record_counts counts = od_record_count(record);
    fprintf(
        terminal->file,
        "%s%s%s: %s runs of %s queries in %s scenarios, %s held, %s failed, %s undecided; %s faults fired\n",
        od_terminal_start(terminal, styles[verdict]), od_record_verdict_text(verdict),
        od_terminal_end(terminal), od_measure_count(counts.runs).text, od_measure_count(counts.queries).text,
        od_measure_count(counts.scenarios).text, od_measure_count(counts.verdicts[OD_RECORD_HELD]).text,
        od_measure_count(counts.verdicts[OD_RECORD_FAILED]).text,
        od_measure_count(counts.verdicts[OD_RECORD_UNDECIDED]).text,
        od_measure_count(counts.faults_fired).text);
    if (counts.recomputed_tasks > 0 || counts.repair_ns > 0)
        fprintf(terminal->file, "%s tasks recomputed; repairs took %s, the longest %s\n",
                od_measure_count(counts.recomputed_tasks).text, od_measure_ns(counts.repair_ns).text,
                od_measure_ns(counts.repair_worst_ns).text);
    if (record->state != OD_RECORD_FINISHED)
        fprintf(terminal->file, "%sthis run %s: only what was done up to then is shown%s\n",
                od_terminal_start(terminal, OD_STYLE_WARN),
                record->state == OD_RECORD_INTERRUPTED ? "was interrupted" : "has not ended (or was killed)",
                od_terminal_end(terminal));
}

#define SUMMARY_COLUMNS 8
static const char *const summary_heads[SUMMARY_COLUMNS] = {"scenario", "query",  "answer rows", "runs",
                                                           "held",     "failed", "undecided",   "faults"};
static const bool summary_right[SUMMARY_COLUMNS] = {false, false, true, true, true, true, true, true};

static void fill_row(struct od_arena *arena, const char **cells, const struct od_record_scenario *scenario,
                     const struct od_record_query *query)
{
    struct od_record_counts counts = od_record_count_query(query);
    const uint64_t numbers[] = {query->answer_rows,
                                counts.runs,
                                counts.verdicts[OD_RECORD_HELD],
                                counts.verdicts[OD_RECORD_FAILED],
                                counts.verdicts[OD_RECORD_UNDECIDED],
                                counts.faults_fired};
    cells[0] = scenario->name;
    cells[1] = query->name;
    for (size_t i = 0; i < SUMMARY_COLUMNS - 2; i++)
        cells[i + 2] = od_arena_print(arena, "%s", od_measure_count(numbers[i]).text);
}

static enum od_status put_summary(const struct od_record *record, const struct od_terminal *terminal,
                                  struct od_error *error)
{
    uint64_t query_count = od_record_count(record).queries;
    struct od_arena table_arena;
    od_arena_init(&table_arena, record->memory, 0);
    const char **cells = od_arena_take_array(&table_arena, query_count * SUMMARY_COLUMNS, sizeof(*cells));
    uint32_t row = 0;
    enum od_status status = OD_OK;
    if (cells == NULL) {
        status = od_fail(error, OD_NO_MEMORY, "printing the summary");
        goto done;
    }
    for (uint32_t i = 0; i < record->scenarios.count; i++) {
        const struct od_record_scenario *scenario = record->scenarios.items[i];
        for (uint32_t k = 0; k < scenario->queries.count; k++)
            fill_row(&table_arena, cells + SUMMARY_COLUMNS * row++, scenario, scenario->queries.items[k]);
    }
    struct od_terminal_table table = {.column_count = SUMMARY_COLUMNS,
                                      .row_count = row,
                                      .heads = summary_heads,
                                      .cells = cells,
                                      .right = summary_right};
    status = od_terminal_table(terminal, record->memory, &table, error);
done:
    od_arena_release(&table_arena);
    return status;
}

static void put_line(const struct od_terminal *terminal, const char *label, const char *text)
{
    fprintf(terminal->file, "  %s", label);
    put_cut(terminal->file, text, od_text_width(text), false, false);
    fputc('\n', terminal->file);
}

static void put_failure(const struct od_terminal *terminal, const struct od_record_scenario *scenario,
                        const struct od_record_query *query, const struct od_record_run *run)
{
    bool failed = run->verdict == OD_RECORD_FAILED;
    fprintf(terminal->file, "\n%s%s%s %s/%s, %s, schedule %" PRIu64 ", seed %" PRIu64 "%s%s\n",
            od_terminal_start(terminal, failed ? OD_STYLE_BAD : OD_STYLE_WARN),
            od_record_verdict_text(run->verdict), od_terminal_end(terminal),
            scenario->name == NULL ? "?" : scenario->name, query->name == NULL ? "?" : query->name,
            run->deployment == NULL ? "?" : run->deployment, run->schedule_index, run->seed,
            run->property == NULL ? "" : ", property ", run->property == NULL ? "" : run->property);
    if (run->message != NULL)
        put_line(terminal, "", run->message);
    for (uint32_t i = 0; i < run->schedule.count; i++)
        put_line(terminal, "fault: ", run->schedule.items[i]);
    if (run->replay != NULL)
        put_line(terminal, "replay: ", run->replay);
}

static void put_failures(const struct od_record *record, const struct od_terminal *terminal)
{
    uint64_t found = 0;
    for (uint32_t i = 0; i < record->scenarios.count; i++) {
        const struct od_record_scenario *scenario = record->scenarios.items[i];
        for (uint32_t k = 0; k < scenario->queries.count; k++) {
            const struct od_record_query *query = scenario->queries.items[k];
            for (uint32_t m = 0; m < query->runs.count; m++) {
                if (query->runs.items[m]->verdict != OD_RECORD_HELD && found++ < FAILURES_SHOWN)
                    put_failure(terminal, scenario, query, query->runs.items[m]);
            }
        }
    }
    if (found > FAILURES_SHOWN)
        fprintf(terminal->file, "\n%" PRIu64 " more are in the report\n", found - FAILURES_SHOWN);
}

enum od_status od_record_terminal(const struct od_record *record, const struct od_terminal *terminal,
                                  struct od_error *error)
{
    put_headline(record, terminal);
    enum od_status status = put_summary(record, terminal, error);
    if (status == OD_OK)
        put_failures(record, terminal);
    fflush(terminal->file);
    return status;
}

enum od_status od_report_terminal(const struct od_report *report, const struct od_terminal *terminal,
                                  struct od_error *error)
{
    for (uint32_t i = 0; i < report->notes.count; i++)
        put_line(terminal, "note: ", report->notes.items[i]);
    return od_record_terminal(report->record, terminal, error);
}

static uint64_t now_ns(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void od_progress_init(struct od_progress *progress, const struct od_terminal *terminal, uint64_t total)
{
    *progress = (struct od_progress){.terminal = terminal, .total = total, .started_ns = now_ns()};
}

/* "  3%  41/s  0:26 left", as far as it is known. */
static void describe_pace(const struct od_progress *progress, uint64_t done, uint64_t now, char *text,
                          size_t size)
{
    double seconds = (double)(now - progress->started_ns) / 1e9;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    text[0] = '\0';
    if (progress->total == 0 || done > progress->total) {
        snprintf(text, size, "%" PRIu64 "  %.0f/s", done, rate);
        return;
    }
    uint64_t left = rate > 0 ? (uint64_t)((double)(progress->total - done) / rate + 0.5) : 0;
    int used = snprintf(text, size, "%" PRIu64 "/%" PRIu64 "  %.0f%%  %.*f/s", done, progress->total,
                        100.0 * (double)done / (double)progress->total, rate < 10 ? 1 : 0, rate);
    if (rate > 0 && used > 0 && (size_t)used < size)
        snprintf(text + used, size - (size_t)used, "  %" PRIu64 ":%02" PRIu64 " left", left / 60, left % 60);
}

void od_progress_step(struct od_progress *progress, uint64_t done, uint64_t failed, const char *what)
{
    const struct od_terminal *terminal = progress->terminal;
    uint64_t now = now_ns();
    if (!terminal->is_tty || (progress->shown && now - progress->shown_ns < 100000000))
        return;
    char pace[120];
    char line[400];
    describe_pace(progress, done, now, pace, sizeof(pace));
    int used =
        snprintf(line, sizeof(line), "%s%s%s", pace, what == NULL ? "" : "  ", what == NULL ? "" : what);
    fputs("\r\033[K", terminal->file);
    if (failed > 0)
        fprintf(terminal->file, "%s%" PRIu64 " failed%s  ", od_terminal_start(terminal, OD_STYLE_BAD), failed,
                od_terminal_end(terminal));
    if (used > 0 && terminal->width > 24)
        put_cut(terminal->file, line, terminal->width - 24 < 24 ? 24 : terminal->width - 24, false, false);
    fflush(terminal->file);
    progress->shown = true;
    progress->shown_ns = now;
}

void od_progress_end(struct od_progress *progress)
{
    if (!progress->shown)
        return;
    fputs("\r\033[K", progress->terminal->file);
    fflush(progress->terminal->file);
    progress->shown = false;
}
