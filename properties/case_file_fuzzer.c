/* case_file_fuzzer: any bytes either parse or give BAD_INPUT with a position; what parses prints to a text
 * that parses to the same file (Z1, Z2, Z3). */
#include "engine/core/assert.h"
#include "properties/case_file.h"
#include "properties/plain_memory.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct od_memory memory = od_plain_memory();
    struct od_case_file first, second;
    struct od_error error = {.status = OD_OK};
    struct od_buffer text;
    enum od_status status = od_case_file_parse(&memory, "fuzz", (const char *)data, size, &first, &error);
    if (status != OD_OK) {
        od_assert(status == OD_BAD_INPUT);
        od_assert(error.line > 0);
        od_assert(error.column > 0);
        return 0;
    }
    od_buffer_init(&text, &memory);
    od_assert(od_case_file_print(&first, NULL, &text));
    od_assert(od_case_file_parse(&memory, "printed", od_buffer_text(&text), text.size, &second, &error) ==
              OD_OK);
    od_assert(strcmp(first.property, second.property) == 0);
    od_assert(strcmp(first.found, second.found) == 0);
    od_assert(strcmp(first.bug, second.bug) == 0);
    od_assert(first.digest == second.digest);
    od_assert(first.choices_bytes == second.choices_bytes);
    od_assert(memcmp(first.choices, second.choices, first.choices_bytes) == 0);
    od_case_file_release(&memory, &first);
    od_case_file_release(&memory, &second);
    od_buffer_release(&text);
    return 0;
}
