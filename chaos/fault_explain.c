/* fault_explain: a fault in words, for reports and case files.
 *
 *   who + what (per kind)  +  when (per point)  +  where (the site)  +  what comes after (duration)  +  how often
 *   "executor 2 dies after writing its output in stage 1 task 0, attempt 0; a new one starts after 40 ms"
 *
 * Nothing reads this text back; the canonical form is schedule_text.c's. */
#include <inttypes.h>

#include "chaos/fault.h"
#include "chaos/fault_kind.h"

enum who { WHO_ATTEMPT, WHO_EXECUTOR, WHO_BLOCK, WHO_MESSAGE, WHO_DRIVER, WHO_NEW, WHO_QUERY };

struct kind_words {
    enum who who;
    const char *what;
    const char *after; /* before the duration; NULL: none */
};
static const struct kind_words kind_words[] = {
    [OD_FAULT_TASK_ERROR_BEFORE] = {WHO_ATTEMPT, "fails", NULL},
    [OD_FAULT_TASK_ERROR_MIDDLE] = {WHO_ATTEMPT, "fails", NULL},
    [OD_FAULT_TASK_ERROR_AFTER] = {WHO_ATTEMPT, "fails", NULL},
    [OD_FAULT_EXECUTOR_CRASH] = {WHO_EXECUTOR, "dies", "a new one starts after"},
    [OD_FAULT_EXECUTOR_PAUSE] = {WHO_EXECUTOR, "stands still", "it goes on after"},
    [OD_FAULT_SHUFFLE_BLOCK_MISSING] = {WHO_BLOCK, "is missing", NULL},
    [OD_FAULT_SHUFFLE_BLOCK_BIT_FLIP] = {WHO_BLOCK, "has one bit changed", NULL},
    [OD_FAULT_SHUFFLE_BLOCK_TRUNCATED] = {WHO_BLOCK, "loses its end", NULL},
    [OD_FAULT_NETWORK_DELAY] = {WHO_MESSAGE, "arrives late", "by"},
    [OD_FAULT_NETWORK_LOSS] = {WHO_MESSAGE, "never arrives", NULL},
    [OD_FAULT_NETWORK_DUPLICATE] = {WHO_MESSAGE, "arrives twice", "the copy later by"},
    [OD_FAULT_DRIVER_CRASH] = {WHO_DRIVER, "dies", "a new one starts after"},
    [OD_FAULT_EXECUTOR_DECOMMISSION] = {WHO_EXECUTOR, "is to leave", NULL},
    [OD_FAULT_EXECUTOR_ADD] = {WHO_NEW, "starts", NULL},
    [OD_FAULT_EXECUTOR_SLOW] = {WHO_EXECUTOR, "is slow", "as fast as ever after"},
    [OD_FAULT_DRIVER_CANCEL_QUERY] = {WHO_QUERY, "is cancelled", NULL},
};
_Static_assert(sizeof(kind_words) / sizeof(kind_words[0]) == OD_FAULT_KIND_COUNT, "every kind has words");

static const char *const point_words[] = {
    [OD_POINT_TASK_START] = "before its first row",
    [OD_POINT_TASK_STEP] = "between two steps",
    [OD_POINT_TASK_END] = "after writing its output",
    [OD_POINT_TASK_REPORTED] = "after reporting success",
    [OD_POINT_BLOCK_WRITE] = "when the output is written",
    [OD_POINT_BLOCK_SERVE] = "when a block is served",
    [OD_POINT_BLOCK_RECEIVE] = "when a block is received",
    [OD_POINT_MESSAGE_SEND] = "",
    [OD_POINT_JOURNAL_WRITE] = "when the journal is written",
    [OD_POINT_JOURNAL_SYNC] = "when the journal is synced",
};
_Static_assert(sizeof(point_words) / sizeof(point_words[0]) == OD_POINT_COUNT, "every point has words");

static void print_milliseconds(struct od_buffer *buffer, uint64_t ns)
{
    if (ns == UINT64_MAX)
        od_buffer_append_text(buffer, "nothing but the end of all faults");
    else
        od_buffer_print(buffer, "%g ms", (double)ns / 1e6);
}

static void print_who(struct od_buffer *buffer, const struct od_fault *fault)
{
    uint32_t executor = fault->site.executor;
    switch (kind_words[fault->kind].who) {
    case WHO_ATTEMPT:
        od_buffer_append_text(buffer, "an attempt");
        break;
    case WHO_EXECUTOR:
        if (executor != OD_ANY)
            od_buffer_print(buffer, "executor %" PRIu32, executor);
        else
            od_buffer_append_text(buffer, "the executor");
        return;
    case WHO_BLOCK:
        od_buffer_append_text(buffer, "a block");
        break;
    case WHO_MESSAGE:
        od_buffer_append_text(buffer, "a message");
        break;
    case WHO_DRIVER:
        od_buffer_append_text(buffer, "the driver");
        return;
    case WHO_NEW:
        od_buffer_append_text(buffer, "one more executor");
        return;
    case WHO_QUERY:
        od_buffer_append_text(buffer, "the query");
        return;
    }
    if (executor != OD_ANY && fault->point == OD_POINT_MESSAGE_SEND)
        od_buffer_print(buffer, " of executor %" PRIu32, executor);
    else if (executor != OD_ANY)
        od_buffer_print(buffer, " on executor %" PRIu32, executor);
}

static void print_when(struct od_buffer *buffer, const struct od_fault *fault)
{
    if (fault->at_time) {
        od_buffer_append_text(buffer, " ");
        print_milliseconds(buffer, fault->time_ns);
        od_buffer_append_text(buffer, " after the start");
    } else if (fault->point == OD_POINT_TASK_STEP && fault->site.nth != OD_ANY) {
        od_buffer_print(buffer, " before step %" PRIu32, fault->site.nth);
    } else if (fault->kind == OD_FAULT_DRIVER_CRASH && fault->point == OD_POINT_MESSAGE_SEND) {
        od_buffer_append_text(buffer, " in place of sending a message");
        if (fault->site.executor != OD_ANY)
            od_buffer_print(buffer, " to executor %" PRIu32, fault->site.executor);
    } else if (point_words[fault->point][0] != '\0') {
        od_buffer_print(buffer, " %s", point_words[fault->point]);
    }
}

static void print_where(struct od_buffer *buffer, const struct od_fault *fault)
{
    const struct od_site *site = &fault->site;
    if (site->stage != OD_ANY)
        od_buffer_print(buffer, " in stage %" PRIu32, site->stage);
    if (site->task != OD_ANY)
        od_buffer_print(buffer, "%s task %" PRIu32, site->stage == OD_ANY ? " in" : "", site->task);
    if (site->attempt != OD_ANY)
        od_buffer_print(buffer, ", attempt %" PRIu32, site->attempt);
    if (site->partition != OD_ANY)
        od_buffer_print(buffer, ", partition %" PRIu32, site->partition);
    if (site->message_kind != OD_ANY)
        od_buffer_print(buffer, ", messages of kind %" PRIu32, site->message_kind);
    if (site->nth != OD_ANY && fault->point != OD_POINT_TASK_STEP && !fault->at_time)
        od_buffer_print(buffer, ", from number %" PRIu32 " on", site->nth);
}

static void print_amount(struct od_buffer *buffer, const struct od_fault *fault)
{
    if (od_fault_kind_row(fault->kind)->amount == OD_FAULT_AMOUNT_BIT)
        od_buffer_print(buffer, " (bit %" PRIu32 ")", fault->amount);
    if (od_fault_kind_row(fault->kind)->amount == OD_FAULT_AMOUNT_CUT)
        od_buffer_print(buffer, " (%" PRIu32 " bytes)", fault->amount);
    if (od_fault_kind_row(fault->kind)->amount == OD_FAULT_AMOUNT_FACTOR)
        od_buffer_print(buffer, " (%" PRIu32 " times)", fault->amount);
    if (od_fault_kind_row(fault->kind)->amount == OD_FAULT_AMOUNT_KEEP)
        od_buffer_print(buffer, " (%" PRIu32 " unsynced bytes stay)", fault->amount);
    if (fault->lost_write != 0)
        od_buffer_print(buffer, " (write %" PRIu32 " of them is lost)", fault->lost_write);
}

bool od_fault_explain(const struct od_fault *fault, struct od_buffer *buffer)
{
    const struct kind_words *words = &kind_words[fault->kind];
    print_who(buffer, fault);
    od_buffer_print(buffer, " %s", words->what);
    print_amount(buffer, fault);
    print_when(buffer, fault);
    print_where(buffer, fault);
    if (words->after != NULL) {
        od_buffer_print(buffer, "; %s ", words->after);
        print_milliseconds(buffer, od_fault_duration_ns(fault));
    }
    if (fault->times == OD_FAULT_ALWAYS)
        od_buffer_append_text(buffer, "; every time");
    else if (fault->times != 1)
        od_buffer_print(buffer, "; %" PRIu32 " times", fault->times);
    return !buffer->failed;
}
