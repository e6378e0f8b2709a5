/* posix_secret: keys from texts and files; the mathematics is libsodium's. A text of any length becomes a key
 * by hashing (crypto_generichash, BLAKE2b): that adds no strength to a weak text, which is why there is a
 * least length. */
#include "engine/world/posix_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/core/assert.h"

_Static_assert(crypto_auth_KEYBYTES == sizeof(((struct od_secret *)0)->key),
               "a key is what crypto_auth wants");
_Static_assert(crypto_auth_BYTES == OD_SECRET_PROOF_BYTES, "a proof is what crypto_auth makes");
_Static_assert(OD_SECRET_TEXT_BYTES == 2 * crypto_auth_KEYBYTES + 1, "a made secret is a key in hexadecimal");

/* Before any other use of the library; again is fine. */
static void start_sodium(void)
{
    int result = sodium_init();
    od_assert(result >= 0);
}

void od_secret_make(char text_out[OD_SECRET_TEXT_BYTES])
{
    uint8_t key[crypto_auth_KEYBYTES];
    start_sodium();
    randombytes_buf(key, sizeof(key));
    sodium_bin2hex(text_out, OD_SECRET_TEXT_BYTES, key, sizeof(key));
    sodium_memzero(key, sizeof(key));
}

static enum od_status take_secret(const void *bytes, size_t size, const char *where,
                                  struct od_secret *secret_out, struct od_error *error)
{
    start_sodium();
    if (size < OD_SECRET_BYTES_MIN || size > OD_SECRET_BYTES_MAX)
        return od_fail(error, OD_BAD_INPUT,
                       "reading the secret from %s: it has %zu bytes, wanted are %d to %d", where, size,
                       OD_SECRET_BYTES_MIN, OD_SECRET_BYTES_MAX);
    int result = crypto_generichash(secret_out->key, sizeof(secret_out->key), bytes, size, NULL, 0);
    od_assert(result == 0);
    secret_out->is_set = true;
    return OD_OK;
}

enum od_status od_secret_from_text(const char *text, struct od_secret *secret_out, struct od_error *error)
{
    *secret_out = (struct od_secret){0};
    return take_secret(text, strlen(text), "a text", secret_out, error);
}

static enum od_status check_file(int descriptor, const char *path, struct od_error *error)
{
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return od_fail(error, OD_IO, "reading the secret from '%s': %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return od_fail(error, OD_BAD_INPUT, "reading the secret from '%s': it is not a file", path);
    if (info.st_uid != geteuid() && info.st_uid != 0)
        return od_fail(error, OD_BAD_INPUT,
                       "reading the secret from '%s': it is neither this user's nor root's", path);
    if ((info.st_mode & 077) != 0)
        return od_fail(
            error, OD_BAD_INPUT,
            "reading the secret from '%s': others may use the file (mode %03o); do: chmod 600 '%s'", path,
            (unsigned)(info.st_mode & 0777), path);
    return OD_OK;
}

enum od_status od_secret_from_file(const char *path, struct od_secret *secret_out, struct od_error *error)
{
    uint8_t bytes[OD_SECRET_BYTES_MAX + 2];
    size_t size = 0;
    ssize_t got = 1;
    *secret_out = (struct od_secret){0};
    int descriptor =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a named pipe is refused, not waited for */
    if (descriptor < 0)
        return od_fail(error, errno == ENOENT ? OD_MISSING : OD_IO, "reading the secret from '%s': %s", path,
                       strerror(errno));
    enum od_status status = check_file(descriptor, path, error);
    while (status == OD_OK && got > 0 && size < sizeof(bytes)) {
        got = read(descriptor, bytes + size, sizeof(bytes) - size);
        size += got > 0 ? (size_t)got : 0;
    }
    if (got < 0)
        status = od_fail(error, OD_IO, "reading the secret from '%s': %s", path, strerror(errno));
    close(descriptor);
    if (size > 0 && bytes[size - 1] == '\n')
        size--;
    if (status == OD_OK)
        status = take_secret(bytes, size, path, secret_out, error);
    sodium_memzero(bytes, sizeof(bytes));
    return status;
}

enum od_status od_secret_from_environment(const char *name, struct od_secret *secret_out,
                                          struct od_error *error)
{
    *secret_out = (struct od_secret){0};
    const char *text = getenv(name);
    if (text == NULL)
        return od_fail(error, OD_MISSING, "reading the secret: the environment has no %s", name);
    enum od_status status = take_secret(text, strlen(text), name, secret_out, error);
    unsetenv(name);
    return status;
}

void od_secret_nonce(uint8_t nonce_out[OD_SECRET_NONCE_BYTES])
{
    start_sodium();
    randombytes_buf(nonce_out, OD_SECRET_NONCE_BYTES);
}

void od_secret_prove(const struct od_secret *secret, const void *bytes, size_t size,
                     uint8_t proof_out[OD_SECRET_PROOF_BYTES])
{
    start_sodium();
    crypto_auth(proof_out, bytes, size, secret->key);
}

bool od_secret_check(const struct od_secret *secret, const void *bytes, size_t size,
                     const uint8_t proof[OD_SECRET_PROOF_BYTES])
{
    start_sodium();
    return crypto_auth_verify(proof, bytes, size, secret->key) == 0;
}
