/* run_folder: see run_folder.h. */
#include "harness/run_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "engine/world/posix.h"
#include "harness/file.h"
#include "harness/version.h"

/* Two runs in one directory would each write over the other's files. The claim ends with the process. */
static enum od_status claim(const struct od_arguments *arguments, struct od_run_folder *folder, struct od_error *error)
{
    folder->claim = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->claim >= 0 && flock(folder->claim, LOCK_EX | LOCK_NB) == 0)
        return OD_OK;
    if (folder->claim >= 0 && errno != EWOULDBLOCK)
        return OD_OK; /* a file system without locks: nothing to be claimed */
    return od_fail(error, OD_BAD_INPUT, "ordeal %s: --out %.300s: %s", arguments->command->name, folder->path,
                   folder->claim < 0 ? strerror(errno) : "another run is writing there; expected a folder of its own");
}

enum od_status od_run_folder_open(const struct od_arguments *arguments, const char *name, struct od_run_folder *folder,
                                  struct od_error *error)
{
    const char *given = od_arguments_text(arguments, "out", NULL);
    if (given != NULL) {
        snprintf(folder->path, sizeof(folder->path), "%s", given);
    } else {
        char stamp[40];
        time_t now = time(NULL);
        struct tm parts;
        strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", localtime_r(&now, &parts));
        snprintf(folder->path, sizeof(folder->path), "ordeal-out/%s-%s-%d", name, stamp, (int)getpid());
    }
    OD_TRY(od_folder_make(folder->path, error));
    return claim(arguments, folder, error);
}

enum od_status od_run_folder_record(const struct od_arguments *arguments, struct od_record **record_out, struct od_error *error)
{
    struct od_buffer text;
    struct od_record *record = *record_out = od_record_new(od_posix_memory());
    if (record == NULL)
        return od_fail(error, OD_NO_MEMORY, "beginning a record");
    od_buffer_init(&text, od_posix_memory());
    od_buffer_append_text(&text, "ordeal");
    for (int i = 0; i < arguments->argc; i++)
        od_buffer_print(&text, " %s", arguments->argv[i]);
    od_record_text(record, &record->command, od_buffer_text(&text));
    od_buffer_release(&text);
    od_record_text(record, &record->version, OD_VERSION);
    od_record_text(record, &record->engine, "ref " OD_VERSION);
    return OD_OK;
}
