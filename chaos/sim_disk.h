/* sim_disk: one actor's disk in memory, and what is on it after a crash. Inside chaos/ only. */
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
    bool gone;           /* its actor is dying: only close still works */
    bool is_durable;     /* set before the first use: it outlives crashes */
    struct od_sim_disk_write *unsynced; /* owned; of a durable disk, in order */
};

void od_sim_disk_init(struct od_sim_disk *disk, struct od_memory *memory, struct od_digest *digest);
/* The part that goes into a world. */
struct od_disk od_sim_disk_part(struct od_sim_disk *disk);
/* Drops all files. Contents behind open handles live until those are closed. */
void od_sim_disk_empty(struct od_sim_disk *disk);
/* A crash of the machine under a durable disk: every file becomes what was synced of it, and of the writes since, in
 * their order over all files, the first keep_bytes bytes; the lost_write-th of them (from 1; 0: none) is lost although
 * those behind it may stay. Handles must be closed. */
void od_sim_disk_crash(struct od_sim_disk *disk, uint64_t keep_bytes, uint32_t lost_write);

#endif
