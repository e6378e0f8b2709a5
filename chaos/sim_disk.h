/* sim_disk: one actor's disk in memory. Inside chaos/ only. */
#ifndef OD_CHAOS_SIM_DISK_H
#define OD_CHAOS_SIM_DISK_H

#include "engine/core/hash.h"
#include "engine/world/world.h"

struct od_sim_disk_entry;

struct od_sim_disk {
    struct od_memory *memory;          /* borrowed; contents are kept here, not in the actor's budget */
    struct od_digest *digest;          /* borrowed; every operation is folded in */
    struct od_sim_disk_entry *entries; /* owned */
    uint32_t file_count;
    uint32_t open_count; /* handles that were not closed */
    bool gone;           /* its executor is dying: only close still works */
};

void od_sim_disk_init(struct od_sim_disk *disk, struct od_memory *memory, struct od_digest *digest);
/* The part that goes into a world. */
struct od_disk od_sim_disk_part(struct od_sim_disk *disk);
/* Drops all files. Contents behind open handles live until those are closed. */
void od_sim_disk_empty(struct od_sim_disk *disk);

#endif
