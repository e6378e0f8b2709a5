/* posix_secret: what the processes of one cluster know and nobody else does, and the proof of knowing it.
 *
 * A secret comes from a file or from the environment, never from the command line, where every user of the
 * machine can read it. It should be random: od_secret_make makes one. */
#ifndef OD_WORLD_POSIX_SECRET_H
#define OD_WORLD_POSIX_SECRET_H

#include "engine/core/status.h"

#define OD_SECRET_NONCE_BYTES 32
#define OD_SECRET_PROOF_BYTES 32
#define OD_SECRET_TEXT_BYTES  65 /* of a made one, with its NUL */
#define OD_SECRET_BYTES_MIN   16
#define OD_SECRET_BYTES_MAX   4096

/* All zero: there is none; such processes prove nothing to each other, and stay on loopback and Unix
 * addresses. */
struct od_secret {
    bool is_set;
    uint8_t key[32];
};

/* 256 random bits, in hexadecimal: to be put into a child's environment or a file. */
void od_secret_make(char text_out[OD_SECRET_TEXT_BYTES]);
/* BAD_INPUT when it is shorter than OD_SECRET_BYTES_MIN or longer than OD_SECRET_BYTES_MAX. */
enum od_status od_secret_from_text(const char *text, struct od_secret *secret_out, struct od_error *error);
/* The content of a file, without one newline at its end. BAD_INPUT, with the reason, also when others than
 * its owner may read or write the file, or it is owned by neither this user nor root; MISSING or IO when it
 * can't be read. */
enum od_status od_secret_from_file(const char *path, struct od_secret *secret_out, struct od_error *error);
/* MISSING when there is no such variable. Takes it out of this process's environment, so that it is not
 * passed on by chance. */
enum od_status od_secret_from_environment(const char *name, struct od_secret *secret_out,
                                          struct od_error *error);

/* Random bytes for a challenge. */
void od_secret_nonce(uint8_t nonce_out[OD_SECRET_NONCE_BYTES]);
/* HMAC-SHA512-256 over the bytes (libsodium's crypto_auth), and its check in constant time. */
void od_secret_prove(const struct od_secret *secret, const void *bytes, size_t size,
                     uint8_t proof_out[OD_SECRET_PROOF_BYTES]);
bool od_secret_check(const struct od_secret *secret, const void *bytes, size_t size,
                     const uint8_t proof[OD_SECRET_PROOF_BYTES]);

#endif
