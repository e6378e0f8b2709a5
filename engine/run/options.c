/* options: every knob of a cluster and of a query: its name, its default, and why it is that; the one table behind
 * resolving options and behind setting them by name. README.md explains what each does. */
#include "engine/run/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define US UINT64_C(1000)
#define MS (1000 * US)

enum option_unit { UNIT_COUNT, UNIT_NS };

static const struct option_row {
    const char *name;
    size_t offset;
    size_t size;
    enum option_unit unit;
    uint64_t otherwise; /* what 0 means */
} rows[] = {
#define ROW(field, unit, otherwise)                                                                          \
    {#field, offsetof(struct od_run_options, field), sizeof(((struct od_run_options *)NULL)->field), unit,   \
     otherwise}
    ROW(cluster.executor_count, UNIT_COUNT, 3),
    ROW(cluster.executors_max, UNIT_COUNT, 0),
    ROW(cluster.slots_per_executor, UNIT_COUNT, 1),
    ROW(cluster.backlog_per_slot, UNIT_COUNT, 0),
    ROW(cluster.heartbeat_ns, UNIT_NS, 20 * MS),
    ROW(cluster.lease_ns, UNIT_NS, 100 * MS),
    ROW(cluster.resend_ns, UNIT_NS, 30 * MS),
    ROW(cluster.executor_memory_bytes, UNIT_COUNT, 0),
    ROW(cluster.drain_grace_ns, UNIT_NS, 500 * MS),
    ROW(cluster.drop_on_drain, UNIT_COUNT, 0),
    ROW(cluster.cache_bytes, UNIT_COUNT, UINT64_C(256) << 20),
    ROW(cluster.breaker_failures, UNIT_COUNT, 3),
    ROW(cluster.breaker_window_ns, UNIT_NS, 1000 * MS),
    ROW(cluster.breaker_open_ns, UNIT_NS, 200 * MS),
    ROW(slots_max, UNIT_COUNT, 0),
    ROW(batch_rows, UNIT_COUNT, 1024),
    ROW(attempts_max, UNIT_COUNT, 4),
    ROW(recoveries_max, UNIT_COUNT, 1000),
    ROW(retry_backoff_ns, UNIT_NS, 5 * MS),
    ROW(burst_tasks, UNIT_COUNT, 4),
    ROW(burst_ns, UNIT_NS, 20 * MS),
    ROW(speculation_percent, UNIT_COUNT, 150),
    ROW(speculation_share, UNIT_COUNT, 75),
    ROW(speculation_min_ns, UNIT_NS, 100 * MS),
    ROW(deadline_ns, UNIT_NS, 60000 * MS),
    ROW(operator_memory_bytes, UNIT_COUNT, 0),
    ROW(query_memory_bytes, UNIT_COUNT, 0),
    ROW(link_bytes_per_s, UNIT_COUNT, 0),
    ROW(partition_bytes, UNIT_COUNT, 0),
    ROW(broadcast_bytes, UNIT_COUNT, 0),
    ROW(coalesce_off, UNIT_COUNT, 0),
    ROW(split_off, UNIT_COUNT, 0),
    ROW(broadcast_off, UNIT_COUNT, 0),
    ROW(trace_operators, UNIT_COUNT, 0),
#undef ROW
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static uint64_t get(const struct od_run_options *options, const struct option_row *row)
{
    uint32_t narrow = 0;
    uint64_t wide = 0;
    memcpy(row->size == sizeof(narrow) ? (void *)&narrow : (void *)&wide, (const char *)options + row->offset,
           row->size);
    return row->size == sizeof(narrow) ? narrow : wide;
}

static void set(struct od_run_options *options, const struct option_row *row, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    memcpy((char *)options + row->offset, row->size == sizeof(narrow) ? (void *)&narrow : (void *)&value,
           row->size);
}

struct od_run_options od_run_options_resolve(const struct od_run_options *options)
{
    struct od_run_options resolved = *options;
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (get(&resolved, &rows[i]) == 0)
            set(&resolved, &rows[i], rows[i].otherwise);
    if (resolved.cluster.executors_max < resolved.cluster.executor_count)
        resolved.cluster.executors_max = resolved.cluster.executor_count;
    return resolved;
}

void od_run_options_override(struct od_run_options *options, const struct od_run_options *by)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (get(by, &rows[i]) != 0)
            set(options, &rows[i], get(by, &rows[i]));
}

/* --- as bytes --------------------------------------------------------------------------------------------------- */

/* What has no row above: it is no number to set by name. */
static const struct option_row unnamed[] = {
#define ROW(field)                                                                                           \
    {#field, offsetof(struct od_run_options, field), sizeof(((struct od_run_options *)NULL)->field),           \
     UNIT_COUNT, 0}
    ROW(cluster.journal), ROW(hash_bits_off), ROW(codec),
#undef ROW
};
#define OPTION_COUNT (ROW_COUNT + sizeof(unnamed) / sizeof(unnamed[0]))

static const struct option_row *option_at(size_t index)
{
    return index < ROW_COUNT ? &rows[index] : &unnamed[index - ROW_COUNT];
}

bool od_run_options_write(const struct od_run_options *options, struct od_buffer *buffer)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        od_buffer_append(buffer, (const char *)options + option_at(i)->offset, option_at(i)->size);
    return !buffer->failed;
}

bool od_run_options_read(struct od_reader *reader, struct od_run_options *options_out)
{
    *options_out = (struct od_run_options){0};
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const uint8_t *bytes = od_reader_bytes(reader, option_at(i)->size);
        bool is_flag = option_at(i)->size == sizeof(bool);
        if (bytes == NULL || (is_flag && *bytes > 1))
            return false;
        memcpy((char *)options_out + option_at(i)->offset, bytes, option_at(i)->size);
    }
    *options_out = od_run_options_resolve(options_out);
    return options_out->codec < OD_CODEC_COUNT && options_out->batch_rows <= OD_BATCH_ROWS_MAX &&
           options_out->cluster.executors_max <= OD_EXECUTORS_MAX &&
           options_out->cluster.slots_per_executor <= OD_EXECUTORS_MAX;
}

/* --- by name --------------------------------------------------------------------------------------------------- */

/* Without the group, and without the unit at its end. */
static bool is_named(const struct option_row *row, const char *name, size_t name_size)
{
    const char *known = strncmp(row->name, "cluster.", 8) == 0 ? row->name + 8 : row->name;
    size_t known_size = strlen(known) - (row->unit == UNIT_NS ? strlen("_ns") : 0);
    return name_size == known_size && memcmp(name, known, name_size) == 0;
}

/* Digits, and for a time its unit: the factor of it; 0: none of them. */
static uint64_t factor_of(enum option_unit unit, const char *text)
{
    static const struct {
        const char *text;
        uint64_t factor;
    } units[] = {{"ns", 1}, {"us", US}, {"ms", MS}, {"s", 1000 * MS}};
    for (size_t i = 0; unit == UNIT_NS && i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(text, units[i].text) == 0)
            return units[i].factor;
    return unit == UNIT_COUNT && *text == '\0' ? 1 : 0;
}

static enum od_status read_value(const struct option_row *row, const char *text, uint64_t *value_out,
                                 struct od_error *error)
{
    const uint64_t most = row->size == sizeof(uint32_t) ? UINT32_MAX : UINT64_MAX / (1000 * MS);
    const char *rest = text;
    uint64_t value = 0;
    for (; *rest >= '0' && *rest <= '9' && value <= most; rest++)
        value = value * 10 + (uint64_t)(*rest - '0');
    uint64_t factor = factor_of(row->unit, rest);
    if (rest == text || value == 0 || value > most || factor == 0)
        return od_fail(error, OD_BAD_INPUT, "option %s: expected %s, not '%.40s'", row->name,
                       row->unit == UNIT_NS ? "a time such as 20ms" : "a whole number from 1", text);
    *value_out = value * factor;
    return OD_OK;
}

enum od_status od_run_options_set(struct od_run_options *options, const char *assignment, struct od_error *error)
{
    size_t name_size = strcspn(assignment, "=");
    if (assignment[name_size] == '\0')
        return od_fail(error, OD_BAD_INPUT, "option '%.60s': expected NAME=VALUE", assignment);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        uint64_t value = 0;
        if (!is_named(&rows[i], assignment, name_size))
            continue;
        OD_TRY(read_value(&rows[i], assignment + name_size + 1, &value, error));
        set(options, &rows[i], value);
        return OD_OK;
    }
    return od_fail(error, OD_BAD_INPUT, "no option is named '%.*s': engine/run/README.md lists them",
                   name_size < 60 ? (int)name_size : 60, assignment);
}

bool od_run_options_assignment(const struct od_run_options *options, size_t index, char text[OD_OPTION_TEXT_BYTES])
{
    static const char group[] = "cluster.";
    text[0] = '\0';
    if (index >= ROW_COUNT)
        return false;
    const struct option_row *row = &rows[index];
    const char *name = row->name + sizeof(group) - 1;
    bool is_time = row->unit == UNIT_NS;
    if (strncmp(row->name, group, sizeof(group) - 1) == 0 && get(options, row) != 0)
        snprintf(text, OD_OPTION_TEXT_BYTES, "%.*s=%" PRIu64 "%s", (int)(strlen(name) - (is_time ? strlen("_ns") : 0)), name,
                 get(options, row), is_time ? "ns" : "");
    return true;
}
