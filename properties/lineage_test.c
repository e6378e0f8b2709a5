/* Goal: the books of lineage.c are silent on sound recoveries and name the right code on each unsound one.
 * Method: histories written by hand, an event a line, over a diamond of four stages:
 *
 *   0 (two tasks) -> 1 -> 3        1, 2 and 3 have one task each; 3 is read by the driver
 *                 -> 2 -> 3
 *
 * `in` rows have an indeterminate stage 0. */
#include "engine/plan/physical.h"
#include "properties/property.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define EVENTS_MAX 64u

struct history {
    struct od_event events[EVENTS_MAX];
    uint32_t count;
};

/* One word an event, blanks between them; digits are single:
 *   L<stage><task><attempt><executor>   launched          C<stage><task><attempt><executor>   committed, generation = attempt / 2
 *   R<stage><task><attempt><stage><task><attempt>         the first consumed the second's block; driver: R---...
 *   O<stage><task><attempt>  the driver plans to compute it again
 *   B<stage><task><attempt>  a bad block of it            W<stage><task><attempt>             wrote a block with rows
 *   X<executor> lost         N<executor> registers        M<stage><task><executor> moved      K<stage><task> checkpointed
 *   P<stage><tasks> adapted
 *   G<executor> is to leave
 *   S<stage> completed       Y<stage> rolled back         D driver restarted                  E and has found no journal */
static uint32_t digit(char byte)
{
    return byte == '-' ? OD_ANY : (uint32_t)(byte - '0');
}

static enum od_event_kind kind_of(char byte)
{
    static const struct {
        char byte;
        enum od_event_kind kind;
    } kinds[] = {
        {'L', OD_EVENT_TASK_LAUNCHED},   {'C', OD_EVENT_TASK_COMMITTED},      {'R', OD_EVENT_BLOCK_CONSUMED},
        {'O', OD_EVENT_OUTPUT_LOST},     {'B', OD_EVENT_BLOCK_BAD},       {'W', OD_EVENT_BLOCK_WRITTEN},       {'X', OD_EVENT_EXECUTOR_LOST},
        {'M', OD_EVENT_OUTPUT_MOVED},    {'N', OD_EVENT_EXECUTOR_REGISTERED}, {'K', OD_EVENT_CHECKPOINTED},
        {'P', OD_EVENT_PLAN_ADAPTED},    {'G', OD_EVENT_EXECUTOR_DRAINING},   {'E', OD_EVENT_DRIVER_RESTARTED},
        {'S', OD_EVENT_STAGE_COMPLETED}, {'Y', OD_EVENT_STAGE_ROLLED_BACK},   {'D', OD_EVENT_DRIVER_RESTARTED},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].byte == byte)
            return kinds[i].kind;
    fail_msg("no such event: %c", byte);
    return OD_EVENT_COUNT;
}

static struct od_event read_event(const char *word)
{
    struct od_event event = {.kind = kind_of(word[0]), .site = OD_SITE_ANY};
    const char *digits = word + 1;
    if (strchr("LCRWMKSYBOP", word[0]) != NULL)
        event.site.stage = digit(*digits++);
    if (strchr("LCRWMKBO", word[0]) != NULL)
        event.site.task = digit(*digits++);
    if (strchr("LCRWBO", word[0]) != NULL)
        event.site.attempt = digit(*digits++);
    if (strchr("LCXNMG", word[0]) != NULL)
        event.site.executor = digit(*digits++);
    event.value = word[0] == 'C' ? event.site.attempt / 2 : 0;
    event.rows = word[0] == 'P' ? digit(*digits++) : word[0] != 'E';
    if (word[0] == 'B') {
        event.source_stage = event.site.stage;
        event.source_task = event.site.task;
        event.source_attempt = event.site.attempt;
    } else if (word[0] == 'R') {
        event.source_stage = digit(digits[0]);
        event.source_task = digit(digits[1]);
        event.source_attempt = digit(digits[2]);
    }
    return event;
}

static void read_history(struct history *history, const char *text)
{
    history->count = 0;
    for (const char *word = text; *word != '\0'; word += *word != '\0') {
        assert_true(history->count < EVENTS_MAX);
        history->events[history->count++] = read_event(word);
        while (*word != ' ' && *word != '\0')
            word++;
    }
}

/* Everything once, stage 0 on executors 1 and 2, stages 1 and 2 on 1 and 2, stage 3 on 2. */
#define STAGE_0 "L0001 L0102 W000 W010 C0001 C0102 S0 "
#define STAGE_1 "L1001 R100000 R100010 C1001 S1 "
#define STAGE_2 "L2002 R200000 R200010 C2002 S2 "
#define STAGE_3 "L3002 R300100 R300200 C3002 S3 "
#define ANSWER  "R--0300"

static const struct {
    bool in;
    const char *text;
    const char *code; /* NULL: sound */
} rows[] = {
    {false, STAGE_0 STAGE_1 STAGE_2 STAGE_3 ANSWER, NULL},
    {true, STAGE_0 STAGE_1 STAGE_2 STAGE_3 ANSWER, NULL},
    /* F3: what is there is not computed again */
    {false, STAGE_0 "L0021", "F3"},
    {false, STAGE_0 "X2 L0023", "F3"},
    {false, STAGE_0 "X1 L0023 C0023 L0043", "F3"},
    {false, STAGE_0 "X1 L0023 C0023 X1 L0043", "F3"},
    {false, STAGE_0 "X1 L0023 C0023 X3 L0041", NULL},
    {false, STAGE_0 "N1 L0023", NULL},
    {false, STAGE_0 "B000 L0021", NULL},
    {false, STAGE_0 "X1 L0023 C0023 B000 L0041", "F3"},
    {false, STAGE_0 "B010 L0021", "F3"},
    /* retries and second attempts of what never was there are no recoveries */
    {false, "L0001 L0012 C0012 L0101", NULL},
    /* F3: nor what nobody needs: stage 2 is there, and stage 1 */
    {false, STAGE_0 STAGE_1 "X1 L0023", NULL},
    {false, STAGE_0 STAGE_1 STAGE_2 "X1 L1023", NULL},
    {false, STAGE_0 STAGE_1 STAGE_2 "B000 L0023", "F3"},
    {false, STAGE_0 STAGE_1 STAGE_2 "X1 L0023 C0023 L1023", NULL},
    {false, STAGE_0 STAGE_1 STAGE_2 "B100 L1023 C1023 B000 L0023", "F3"},
    {false, STAGE_0 STAGE_1 STAGE_2 STAGE_3 "B100 L1023", "F3"},
    {false, STAGE_0 STAGE_1 STAGE_2 STAGE_3 "X2 L3023", NULL},
    {false, STAGE_0 STAGE_1 STAGE_2 STAGE_3 "X2 L2023", NULL},
    {false, STAGE_0 STAGE_1 STAGE_2 STAGE_3 "X2 L1023", "F3"},
    {false, STAGE_0 STAGE_1 "L2002 B000 O000 R200000 R200010 C2002 S2 L0023", NULL},
    {false, STAGE_0 STAGE_1 STAGE_2 "B000 O000 L0023", "F3"},
    {false, STAGE_0 STAGE_1 "L2002 B000 O000 L0023 C0023 R200000 R200010 C2002 S2 B002 L0043", "F3"},
    /* moved and checkpointed outputs are where they are */
    {false, STAGE_0 "M002 X1 L0023", "F3"},
    {false, STAGE_0 "M003 X3 L0023", NULL},
    {false, STAGE_0 "K00 X1 L0023", "F3"},
    {false, STAGE_0 "K00 D X1 L0023", NULL},
    {false, STAGE_0 "M002 D L0023", NULL},
    {false, STAGE_0 "M002 D L0123", "F3"},
    {false, STAGE_0 "K00 B000 L0023", NULL},
    /* a driver that comes back repeats no stage that it had called complete */
    {false, STAGE_0 "D L0021", "F3"},
    {false, "L0001 L0102 C0001 D L0021", NULL},
    {false, STAGE_0 "D L0021", "F3"}, /* a stage that was complete is in the journal */
    {false, STAGE_0 "E L0021", NULL},
    /* who leaves may take along what could not be copied, and nothing else */
    {false, STAGE_0 "G1 O000 L0022", NULL},
    {false, STAGE_0 "G1 L0022", "F3"},
    {false, STAGE_0 "G2 O000 L0022", "F3"},
    {false, STAGE_0 "X1 L0023 C0023 D L0041", NULL},
    {false, STAGE_0 "D P02 L0023", "F3"},
    {false, STAGE_0 "P03 L0023", NULL},
    {false, STAGE_0 "X1 L0023 C0023 S0 D L0041", "F3"},
    {false, "N1 N2 " STAGE_0 "D N1 L0021", "F3"},
    {false, STAGE_0 "X1 L0023 C0023 D L1001 R100000", NULL},
    /* rolling back: with a cause only, and then whole */
    {false, STAGE_0 "X1 Y0", "F3"},
    {true, STAGE_0 "Y0", "F3"},
    {true, STAGE_0 STAGE_1 "Y1", "F3"},
    {true, STAGE_0 "X1 Y0 L0023 L0122", NULL},
    {true, STAGE_0 STAGE_1 "X1 Y0 Y1 L0022 L0122 C0022 C0122 L1022 R102002 R102012 C1022", NULL},
    {true, STAGE_0 STAGE_1 "X1 L0022 L0122", "F3"},
    /* H8: what was replaced is not read by who came later */
    {false, STAGE_0 "L1001 X1 L0023 C0023 R100000", NULL},
    {false, STAGE_0 "X1 L0023 C0023 L1001 R100000", "H8"},
    {false, STAGE_0 "X1 L0023 C0023 L1001 R100002", NULL},
    /* H8: generations are not mixed, by one reader or by two */
    {true, STAGE_0 "L1001 R100010 X1 Y0 L0023 C0023 R100002", "H8"},
    {false, STAGE_0 "L1001 R100010 X1 L0023 C0023 R100002", NULL},
    {true, STAGE_0 STAGE_1 "X1 L0022 W002 C0022 L2002 R200002 R200010 C2002 S2 X1 L1022 R102002 R102010 C1022 " STAGE_3,
     "H8"},
    {true, STAGE_0 STAGE_1 "B000 L0012 W001 C0012 L2002 R200001 R200010 C2002 S2 " STAGE_3 ANSWER, "H8"},
    {false, STAGE_0 STAGE_1 "B000 L0012 W001 C0012 L2002 R200001 R200010 C2002 S2 " STAGE_3 ANSWER, NULL},
    /* H5: of an indeterminate stage all rows are read */
    {true, STAGE_0 STAGE_1 "L2002 R200000 C2002 S2 " STAGE_3 ANSWER, "H5"},
};

static void the_books_tell_sound_from_unsound(void **state)
{
    static const uint32_t zero[] = {0}, both[] = {1, 2};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct od_stage stages[] = {
            {.stage_index = 0, .task_count = 2, .determinism = rows[i].in ? OD_INDETERMINATE : OD_DETERMINATE},
            {.stage_index = 1, .task_count = 1, .input_count = 1, .input_stages = zero},
            {.stage_index = 2, .task_count = 1, .input_count = 1, .input_stages = zero},
            {.stage_index = 3, .task_count = 1, .input_count = 2, .input_stages = both},
        };
        const struct od_stage_graph graph = {.stage_count = 4, .stages = stages};
        struct history history;
        struct od_finding finding = {0};
        read_history(&history, rows[i].text);
        const struct od_observation observation = {
            .graph = &graph,
            .events = history.events,
            .event_count = history.count,
            .status = strstr(rows[i].text, ANSWER) != NULL ? OD_OK : OD_RETRIES_EXHAUSTED,
        };
        od_check_lineage(&observation, &finding);
        if (finding.found != (rows[i].code != NULL) ||
            (finding.found && strcmp(finding.code, rows[i].code) != 0))
            fail_msg("row %zu: %s\nwanted %s, got %s: %s", i, rows[i].text,
                     rows[i].code == NULL ? "nothing" : rows[i].code, finding.found ? finding.code : "nothing",
                     finding.found ? finding.text : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_books_tell_sound_from_unsound)};
    return cmocka_run_group_tests_name("lineage", tests, NULL, NULL);
}
