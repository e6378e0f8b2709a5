/* node_faults: see node_faults.h. */
#include "harness/node_faults.h"

#include "engine/world/posix.h"
#include "harness/file.h"

static void send_later(void *self, struct od_message *message, uint64_t delay_ns)
{
    struct od_node_faults *faults = self;
    od_node_send_later(*faults->node, message, delay_ns);
}

static enum od_status read_schedule(struct od_node_faults *faults, const char *path, struct od_error *error)
{
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    enum od_status status = od_file_read(path, &text, error);
    if (status == OD_OK)
        status = od_schedule_parse(&faults->arena, path, od_buffer_text(&text), text.size, &faults->schedule, error);
    od_buffer_release(&text);
    return status;
}

enum od_status od_node_faults_read(struct od_node_faults *faults, const struct od_arguments *arguments,
                                   uint32_t actor_count, struct od_node **node, struct od_error *error)
{
    const char *path = od_arguments_text(arguments, "faults", NULL);
    const char *board = od_arguments_text(arguments, "board", NULL);
    *faults = (struct od_node_faults){.node = node};
    od_arena_init(&faults->arena, od_posix_memory(), 0);
    if (path == NULL)
        return OD_OK;
    if (board == NULL)
        return od_fail(error, OD_BAD_INPUT, "--faults: expected --board too");
    OD_TRY(read_schedule(faults, path, error));
    OD_TRY(od_fault_board_open(od_posix_memory(), board, &faults->schedule, actor_count, &faults->board, error));
    faults->wrap = (struct od_wrap_process){.board = faults->board, .send_later = send_later, .self = faults};
    return OD_OK;
}

void od_node_faults_dress(struct od_node_faults *faults, struct od_world *world)
{
    if (faults->board != NULL)
        od_wrap_process_dress(&faults->wrap, world);
}

void od_node_faults_release(struct od_node_faults *faults)
{
    od_fault_board_free(faults->board);
    if (faults->node != NULL)
        od_arena_release(&faults->arena);
}
