/* block_store: the outputs of map attempts on an executor: on its disk, one file each, or in its memory. An output ends with its
 * query, unless it is cached: then when there is no room for it. */
#ifndef OD_RUN_BLOCK_STORE_H
#define OD_RUN_BLOCK_STORE_H

#include "engine/run/protocol.h"

struct od_stored_output;

/* Begins with the world and nothing else. */
struct od_block_store {
    struct od_world *world; /* borrowed */
    struct od_stored_output *outputs; /* owned list, newest first */
    uint64_t use_count;
};

/* Writes the file of an attempt. After a failure the store knows nothing of it and no file is left. An output without bytes
 * needs no file and must not be put. NO_MEMORY, IO. */
enum od_status od_block_store_put(struct od_block_store *store, const struct od_attempt_name *name,
                                  const uint8_t *bytes, size_t size, struct od_error *error);
/* In memory, without a file. NO_MEMORY. */
enum od_status od_block_store_hold(struct od_block_store *store, const struct od_attempt_name *name,
                                   const uint8_t *bytes, size_t size, struct od_error *error);
/* From now on the outputs of this stage stay when their query goes. */
void od_block_store_cache(struct od_block_store *store, uint32_t query_id, uint32_t stage);
/* When the cached outputs are more than this: the least recently used one, which somebody else drops. */
bool od_block_store_oldest(const struct od_block_store *store, uint64_t bytes_max, struct od_attempt_name *name_out);
/* Fills `buffer` with [offset, offset + size) of an output. MISSING when there is no such output, CORRUPT when it is
 * shorter, IO, NO_MEMORY. */
enum od_status od_block_store_read(struct od_block_store *store, const struct od_attempt_name *name,
                                   uint64_t offset, uint32_t size, struct od_buffer *buffer,
                                   struct od_error *error);
/* Knows of a file that an earlier life of this actor has made, or has begun to. NO_MEMORY. */
enum od_status od_block_store_adopt(struct od_block_store *store, const struct od_attempt_name *name,
                                    uint64_t size, struct od_error *error);
/* 0: there is no such output. */
uint64_t od_block_store_size(const struct od_block_store *store, const struct od_attempt_name *name);
/* Of an output that is there: it survives the machine. IO. */
enum od_status od_block_store_sync(struct od_block_store *store, const struct od_attempt_name *name,
                                   struct od_error *error);
/* Removes an output, if it is there. A file that the disk does not let go is the disk's. */
void od_block_store_drop(struct od_block_store *store, const struct od_attempt_name *name);
/* Removes all outputs of a query that are not cached. */
void od_block_store_drop_query(struct od_block_store *store, uint32_t query_id);
/* The smallest query above this one of which there is any that goes with it; 0: none. */
uint32_t od_block_store_next_query(const struct od_block_store *store, uint32_t query_id);
/* Removes all outputs; `with_files` false: only forgets them (the disk died with its executor). */
void od_block_store_drop_all(struct od_block_store *store, bool with_files);

#endif
