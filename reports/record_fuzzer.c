/* record_fuzzer: any bytes as a record or an event log. Whatever loads must render in every format and
 * survive the round trip through JSON; nothing may crash. The first byte chooses: even a record, odd an event
 * log. */
#include "engine/core/assert.h"
#include "reports/record_shape.h"
#include "reports/report.h"

#include <stdlib.h>
#include <string.h>

static void *heap_resize(void *self, void *old, size_t old_bytes, size_t new_bytes)
{
    (void)self, (void)old_bytes;
    if (new_bytes == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, new_bytes);
}
static const struct od_memory_ops heap_ops = {heap_resize};
static struct od_memory heap = {&heap_ops, NULL};

static void render_all(struct od_record *record)
{
    struct od_report report = {.memory = &heap, .record = record};
    struct od_buffer out;
    od_buffer_init(&out, &heap);
    od_assert(od_report_junit(&report, &out, NULL) == OD_OK);
    od_assert(od_report_markdown(&report, &out, NULL) == OD_OK);
    if (od_record_count(record).queries < 4) /* the page is large and Graphviz is slow */
        od_assert(od_report_html(&report, &out, NULL) == OD_OK);
    od_buffer_release(&out);
}

static void try_record(const char *bytes, size_t size)
{
    struct od_record *record = NULL;
    struct od_record *again = NULL;
    struct od_error error = {0};
    enum od_status status = od_record_parse(&heap, "fuzz", bytes, size, &record, &error);
    od_assert(status == OD_OK || error.status == status);
    if (status != OD_OK)
        return;
    struct od_buffer first;
    struct od_buffer second;
    od_buffer_init(&first, &heap);
    od_buffer_init(&second, &heap);
    od_record_to_json(record, &first);
    od_assert(od_record_parse(&heap, "again", (const char *)first.bytes, first.size, &again, NULL) == OD_OK);
    od_record_to_json(again, &second);
    od_assert(first.size == second.size);
    od_assert(memcmp(first.bytes, second.bytes, first.size) == 0);
    render_all(record);
    od_buffer_release(&first);
    od_buffer_release(&second);
    od_record_free(record);
    od_record_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct od_event_list list;
    if (size == 0)
        return 0;
    if (data[0] % 2 == 0)
        try_record((const char *)data + 1, size - 1);
    else if (od_event_list_parse(&heap, "fuzz", (const char *)data + 1, size - 1, &list, NULL) == OD_OK)
        od_event_list_release(&list);
    return 0;
}
