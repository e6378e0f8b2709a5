/* fault_explain: a fault in words, for reports and case files.
 *
 *   who + what (per kind)  +  when (per point)  +  where (the site)  +  what comes after (duration)  +  how often
 *   "executor 2 dies after writing its output in stage 1 task 0, attempt 0; a new one starts after 40 ms"
 *
 * Nothing reads this text back; the canonical form is schedule_text.c's. */
#include <inttypes.h>

#include "chaos/fault.h"
#include "chaos/fault_kind.h"

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
    [OD_POINT_SCAN_READ] = "as it reads its table",
    [OD_POINT_COMMIT] = "as a success is about to count",
    [OD_POINT_COMMITTED] = "when a success has been counted",
    [OD_POINT_ACTOR_START] = "when a life of it begins",
    [OD_POINT_DISK_CREATE] = "when a file is made",
    [OD_POINT_DISK_OPEN] = "when a file is opened",
    [OD_POINT_DISK_WRITE] = "when a file is written",
    [OD_POINT_DISK_READ] = "when a file is read",
    [OD_POINT_DISK_SYNC] = "when a file is synced",
    [OD_POINT_DISK_REMOVE] = "when a file is removed",
    [OD_POINT_MEMORY_TAKE] = "when memory is taken",
    [OD_POINT_TIMER_SET] = "when a timer is set",
};
_Static_assert(sizeof(point_words) / sizeof(point_words[0]) == OD_POINT_COUNT, "every point has words");

static void print_milliseconds(struct od_buffer *buffer, uint64_t ns)
{
    if (ns == UINT64_MAX)
        od_buffer_append_text(buffer, "the end of all faults");
    else
        od_buffer_print(buffer, "%g ms", (double)ns / 1e6);
}

/* Of whom; `is_named`: with the executor's number in it. */
static const struct {
    const char *text;
    const char *with_number;
} who_words[] = {
    [OD_FAULT_WHO_ATTEMPT] = {"an attempt", "an attempt on executor %" PRIu32},
    [OD_FAULT_WHO_EXECUTOR] = {"the executor", "executor %" PRIu32},
    [OD_FAULT_WHO_BLOCK] = {"a block", "a block on executor %" PRIu32},
    [OD_FAULT_WHO_MESSAGE] = {"a message", "a message of executor %" PRIu32},
    [OD_FAULT_WHO_DRIVER] = {"the driver", "the driver"},
    [OD_FAULT_WHO_NEW] = {"one more executor", "one more executor"},
    [OD_FAULT_WHO_QUERY] = {"the query", "the query"},
    [OD_FAULT_WHO_DISK] = {"a disk", "the disk of executor %" PRIu32},
    [OD_FAULT_WHO_ACTOR] = {"an executor or the driver", "executor %" PRIu32},
};

static void print_who(struct od_buffer *buffer, const struct od_fault *fault)
{
    uint32_t executor = fault->site.executor;
    enum od_fault_who who = od_fault_kind_row(fault->kind)->who;
    if (executor == OD_ANY)
        od_buffer_append_text(buffer, who_words[who].text);
    else if (who == OD_FAULT_WHO_ACTOR && executor == 0)
        od_buffer_append_text(buffer, "the driver");
    else if (od_fault_kind_row(fault->kind)->links == OD_LINK_FROM_DRIVER)
        od_buffer_print(buffer, "a message to executor %" PRIu32, executor);
    else
        od_buffer_print(buffer, who_words[who].with_number, executor);
}

static void print_when(struct od_buffer *buffer, const struct od_fault *fault)
{
    if (fault->at_time) {
        od_buffer_append_text(buffer, " ");
        print_milliseconds(buffer, fault->time_ns);
        od_buffer_append_text(buffer, " after the start");
    } else if (fault->point == OD_POINT_TASK_STEP && fault->site.nth != OD_ANY) {
        od_buffer_print(buffer, " before step %" PRIu32, fault->site.nth);
    } else if (od_fault_kind_row(fault->kind)->victim == OD_FAULT_OF_DRIVER && fault->point == OD_POINT_MESSAGE_SEND) {
        bool dies = od_fault_kind_row(fault->kind)->effect == OD_EFFECT_KILL;
        od_buffer_append_text(buffer, dies ? " in place of sending a message" : " when it sends a message");
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
    const struct od_fault_amount_row *row = od_fault_amount_row(od_fault_kind_row(fault->kind)->amount);
    if (row->key != NULL) {
        od_buffer_append_text(buffer, " (");
        od_buffer_print(buffer, row->unit, fault->amount);
        od_buffer_append_text(buffer, ")");
    }
    if (fault->lost_write != 0)
        od_buffer_print(buffer, " (write %" PRIu32 " of them is lost)", fault->lost_write);
}

bool od_fault_explain(const struct od_fault *fault, struct od_buffer *buffer)
{
    const struct od_fault_kind_row *words = od_fault_kind_row(fault->kind);
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
