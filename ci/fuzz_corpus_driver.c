/* fuzz_corpus_driver: runs a fuzz target over files, for builds without libFuzzer.
 *
 * Each argument is a file or a folder; every file is one input. Prints how many inputs ran. No input at all is a
 * failure: an empty corpus would make the test assert nothing. A crash of the target is the failure that matters. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(size > 0 ? (size_t)size : 1);
    size_t got = bytes == NULL ? 0 : fread(bytes, 1, (size_t)size, file);
    fclose(file);
    if (bytes == NULL || got != (size_t)size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        free(bytes);
        return -1;
    }
    LLVMFuzzerTestOneInput(bytes, got);
    free(bytes);
    return 1;
}

static int run_path(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        perror(path);
        return -1;
    }
    if (!S_ISDIR(info.st_mode))
        return run_file(path);
    struct dirent **names = NULL;
    int name_count = scandir(path, &names, NULL, alphasort);
    int ran = name_count < 0 ? -1 : 0;
    for (int i = 0; i < name_count; i++) {
        char child[4096];
        snprintf(child, sizeof(child), "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && ran >= 0) {
            int result = run_file(child);
            ran = result < 0 ? -1 : ran + result;
        }
        free(names[i]);
    }
    free(names);
    return ran;
}

int main(int argc, char **argv)
{
    int ran = 0;
    for (int i = 1; i < argc; i++) {
        int result = run_path(argv[i]);
        if (result < 0)
            return 1;
        ran += result;
    }
    printf("%d inputs ran\n", ran);
    return ran > 0 ? 0 : 1;
}
