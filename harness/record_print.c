/* record_print: see record_print.h. */
#include "harness/record_print.h"

#include <stdio.h>
#include <sys/stat.h>

#include "engine/world/posix.h"
#include "harness/file.h"
#include "reports/record.h"

void od_record_print_file(const char *path)
{
    char inside[4200];
    struct stat info;
    struct od_buffer text;
    struct od_error error = {0};
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        snprintf(inside, sizeof(inside), "%s/%s", path, OD_RECORD_FILE_NAME);
        path = inside;
    }
    od_buffer_init(&text, od_posix_memory());
    if (od_file_read(path, &text, &error) == OD_OK)
        fwrite(text.bytes, 1, text.size, stdout);
    else
        fprintf(stderr, "error: %s\n", error.text);
    od_buffer_release(&text);
}
