/* duckdb_library: the library is looked for once an opening and stays loaded: its threads may outlive the last close. */
#include "harness/duckdb_library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core/sanitizer.h"

#if OD_THREAD_SANITIZER
/* The library is not built with it, so how it locks is not seen; at a fork its allocator takes more locks than the detector of
 * deadlocks can count. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:libduckdb.so\n";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "detect_deadlocks=0";
}
#endif

static void *find_library(void)
{
    const char *named = getenv("ORDEAL_DUCKDB");
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    char path[4096];
    if (named != NULL)
        return dlopen(named, RTLD_NOW | RTLD_LOCAL);
    snprintf(path, sizeof(path), "%s%s/ordeal/libduckdb.so",
             cache != NULL  ? cache
             : home != NULL ? home
                            : "",
             cache != NULL ? "" : "/.cache");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return library != NULL ? library : dlopen("libduckdb.so", RTLD_NOW | RTLD_LOCAL);
}

static bool find_calls(struct od_duckdb *duckdb)
{
    bool all = true;
    /* POSIX has functions and objects share one representation; ISO C has no cast between them. */
#define X(result, name, arguments)                                                                           \
    do {                                                                                                     \
        void *address = dlsym(duckdb->library, "duckdb_" #name);                                             \
        memcpy(&duckdb->name, &address, sizeof(address));                                                    \
        all = all && address != NULL;                                                                        \
    } while (0);
    OD_DUCKDB_CALLS(X)
#undef X
    return all;
}

enum od_status od_duckdb_open(struct od_duckdb **duckdb_out, struct od_error *error)
{
    struct od_duckdb *duckdb = calloc(1, sizeof(*duckdb));
    enum od_status status = OD_OK;
    *duckdb_out = NULL;
    if (duckdb == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening DuckDB");
    duckdb->library = find_library();
    if (duckdb->library == NULL)
        status = od_fail(error, OD_MISSING,
                         "no DuckDB here: %.150s; `ci/install engines` gets it, ORDEAL_DUCKDB names it",
                         dlerror());
    else if (!find_calls(duckdb))
        status = od_fail(error, OD_MISSING, "the libduckdb.so that was found lacks calls of DuckDB 1.4");
    else if (duckdb->open(NULL, &duckdb->database) != 0 ||
             duckdb->connect(duckdb->database, &duckdb->connection) != 0)
        status = od_fail(error, OD_MISSING, "DuckDB does not open an in-memory database");
    if (status == OD_OK)
        *duckdb_out = duckdb;
    else
        od_duckdb_close(duckdb);
    return status;
}

void od_duckdb_close(struct od_duckdb *duckdb)
{
    if (duckdb == NULL)
        return;
    if (duckdb->connection != NULL)
        duckdb->disconnect(&duckdb->connection);
    if (duckdb->database != NULL)
        duckdb->close(&duckdb->database);
    free(duckdb);
}
