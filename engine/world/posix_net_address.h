/* posix_net_address: where a node listens, as text and as the system wants it. Names are not looked up: but
 * for localhost a host is a number. */
#ifndef OD_WORLD_POSIX_NET_ADDRESS_H
#define OD_WORLD_POSIX_NET_ADDRESS_H

#include <netinet/in.h>
#include <sys/un.h>

#include "engine/core/status.h"

#define OD_ADDRESS_BYTES 160 /* of a text, with its NUL */

struct od_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un path;
    } as;
    char text[OD_ADDRESS_BYTES]; /* as it was written */
};

/* "tcp:HOST:PORT", "tcp:[V6]:PORT", "unix:PATH". BAD_INPUT says what is wrong. */
enum od_status od_address_parse(const char *text, struct od_address *address_out, struct od_error *error);
/* Reachable from this machine alone. */
bool od_address_is_local(const struct od_address *address);
/* Stands for every address of the machine: can be listened to, but not dialled. */
bool od_address_is_wildcard(const struct od_address *address);
/* Gives a socket that was bound to port 0 its text. */
void od_address_set_port(struct od_address *address, uint16_t port);

#endif
