/* posix_net_address: the texts "tcp:127.0.0.1:7000", "tcp:[::1]:7000", "tcp:localhost:7000" and
 * "unix:/run/ordeal/driver". */
#include "engine/world/posix_net_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum od_status parse_path(const char *path, struct od_address *address, struct od_error *error)
{
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof(address->as.path.sun_path))
        return od_fail(error, OD_BAD_INPUT,
                       "reading address '%s': a Unix path has 1 to %zu bytes, this one %zu", address->text,
                       sizeof(address->as.path.sun_path) - 1, size);
    address->as.path.sun_family = AF_UNIX;
    memcpy(address->as.path.sun_path, path, size + 1);
    return OD_OK;
}

static bool parse_port(const char *text, uint16_t *port_out)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);
    *port_out = (uint16_t)port;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && port <= UINT16_MAX;
}

static enum od_status parse_tcp(const char *text, struct od_address *address, struct od_error *error)
{
    char host[OD_ADDRESS_BYTES];
    uint16_t port;
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !parse_port(colon + 1, &port))
        return od_fail(error, OD_BAD_INPUT, "reading address '%s': expected tcp:HOST:PORT", address->text);
    bool is_v6 = text[0] == '[' && colon - text >= 2 && colon[-1] == ']';
    snprintf(host, sizeof(host), "%.*s", (int)(colon - text) - 2 * is_v6, text + is_v6);
    if (strcmp(host, "localhost") == 0)
        strcpy(host, "127.0.0.1");
    bool ok = is_v6 ? inet_pton(AF_INET6, host, &address->as.v6.sin6_addr) == 1
                    : inet_pton(AF_INET, host, &address->as.v4.sin_addr) == 1;
    if (!ok)
        return od_fail(
            error, OD_BAD_INPUT,
            "reading address '%s': the host must be localhost, 1.2.3.4 or [1:2::3], names are not looked up",
            address->text);
    address->as.any.sa_family = is_v6 ? AF_INET6 : AF_INET;
    if (is_v6)
        address->as.v6.sin6_port = htons(port);
    else
        address->as.v4.sin_port = htons(port);
    return OD_OK;
}

enum od_status od_address_parse(const char *text, struct od_address *address_out, struct od_error *error)
{
    *address_out = (struct od_address){0};
    if (strlen(text) >= sizeof(address_out->text))
        return od_fail(error, OD_BAD_INPUT, "reading an address: it is longer than %zu bytes: '%.60s...'",
                       sizeof(address_out->text) - 1, text);
    strcpy(address_out->text, text);
    if (strncmp(text, "unix:", 5) == 0)
        return parse_path(text + 5, address_out, error);
    if (strncmp(text, "tcp:", 4) == 0)
        return parse_tcp(text + 4, address_out, error);
    return od_fail(error, OD_BAD_INPUT, "reading address '%s': expected tcp:HOST:PORT or unix:PATH", text);
}

bool od_address_is_local(const struct od_address *address)
{
    switch (address->as.any.sa_family) {
    case AF_INET:
        return ntohl(address->as.v4.sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&address->as.v6.sin6_addr);
    default:
        return true;
    }
}

bool od_address_is_wildcard(const struct od_address *address)
{
    switch (address->as.any.sa_family) {
    case AF_INET:
        return address->as.v4.sin_addr.s_addr == htonl(INADDR_ANY);
    case AF_INET6:
        return IN6_IS_ADDR_UNSPECIFIED(&address->as.v6.sin6_addr);
    default:
        return false;
    }
}

void od_address_set_port(struct od_address *address, uint16_t port)
{
    char host[INET6_ADDRSTRLEN];
    if (address->as.any.sa_family == AF_INET6) {
        address->as.v6.sin6_port = htons(port);
        inet_ntop(AF_INET6, &address->as.v6.sin6_addr, host, sizeof(host));
        snprintf(address->text, sizeof(address->text), "tcp:[%s]:%u", host, port);
    } else {
        address->as.v4.sin_port = htons(port);
        inet_ntop(AF_INET, &address->as.v4.sin_addr, host, sizeof(host));
        snprintf(address->text, sizeof(address->text), "tcp:%s:%u", host, port);
    }
}
