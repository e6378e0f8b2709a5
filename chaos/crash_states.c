/* crash_states: see crash_states.h.
 *
 *   walk     the log is read once; `files` hold what is settled, `names` who is called how, `waiting` what is not settled
 *   fates    one for each change that waits: what became of it; each family below is a way to fill them in
 *   show     fates -> images of the files that have a name -> hash -> shown, unless an equal state was
 *
 * A file that is cut (made again under its name) stays the same file: the cut waits like a write, so that old bytes may be
 * left between new ones. */
#include "chaos/crash_states.h"

#include <inttypes.h>
#include <string.h>

#include "engine/core/assert.h"

#define PAIRS_MAX  64u /* changes up to which all pairs are left out */
#define EDGE_BYTES 24u /* of a write, from both its ends, at each of which it tears */

enum fill { FILL_NONE, FILL_ZEROS, FILL_GARBAGE, FILL_STALE, FILL_COUNT };

/* Of what a write brought, [first, end) did not come; what is there instead (NONE: what was there, and no length). */
struct fate {
    size_t first;
    size_t end;
    enum fill fill;
    bool is_lost; /* nothing came */
};

struct disk_file {
    struct od_buffer settled;
    struct od_buffer now;   /* before the machine ended */
    struct od_buffer image; /* of the state at hand */
};
struct name {
    const char *text; /* the log's */
    uint32_t file;    /* 0: removed */
};

struct od_crash_walk {
    struct od_memory *memory;
    const struct od_wrap_record *log;
    struct od_crash_options options;
    struct od_crash_visitor visitor;
    struct od_crash_facts *facts;
    struct od_stream stream;
    struct disk_file *files; /* owned; by number, from 1 */
    uint32_t file_count;
    struct od_buffer stale; /* what the file had that was cut or removed last */
    /* Each has room for one more than there are notes: */
    struct name *names;     /* owned; settled ones, in order of their making */
    struct name *names_now; /* owned; of the state at hand */
    uint32_t name_count;
    uint32_t *waiting; /* owned; numbers of notes */
    uint32_t waiting_count;
    struct fate *fates; /* owned; of each */
    uint32_t late;      /* the change that comes behind `late_behind`; UINT32_MAX: none */
    uint32_t late_behind;
    struct od_crash_file *shown; /* owned */
    struct od_hash128 *seen;     /* owned; a table of seen_capacity places, a power of two */
    uint32_t seen_count;
    uint32_t seen_capacity;
    uint32_t behind;
};

/* --- images ------------------------------------------------------------------------------------------------------- */

static bool put_bytes(struct od_buffer *image, uint64_t offset, const void *bytes, size_t size)
{
    if (size == 0)
        return true;
    if (offset + size > image->size && !od_buffer_append_zeros(image, (size_t)(offset + size - image->size)))
        return false;
    memcpy(image->bytes + offset, bytes, size);
    return true;
}

static bool copy_image(struct od_buffer *to, const struct od_buffer *from)
{
    od_buffer_reset(to);
    return from->size == 0 || od_buffer_append(to, from->bytes, from->size);
}

static uint8_t garbage_at(uint64_t place)
{
    return (uint8_t)(od_mix(place / 8 + 1) >> 8 * (place % 8));
}

static bool put_fill(const struct od_crash_walk *walk, struct od_buffer *image, const struct od_disk_note *note,
                     const struct fate *fate)
{
    uint64_t end = note->offset + fate->end;
    if (fate->fill == FILL_NONE || fate->first == fate->end)
        return true;
    if (end > image->size && !od_buffer_append_zeros(image, (size_t)(end - image->size)))
        return false;
    for (uint64_t at = note->offset + fate->first; at < end; at++)
        if (fate->fill != FILL_STALE)
            image->bytes[at] = fate->fill == FILL_ZEROS ? 0 : garbage_at(at);
        else if (at < walk->stale.size)
            image->bytes[at] = walk->stale.bytes[at];
    return true;
}

/* What came of one change. */
static bool change_image(const struct od_crash_walk *walk, struct od_buffer *image, const struct od_disk_note *note,
                         const struct fate *fate)
{
    if (note->change == OD_DISK_CUT)
        image->size = 0;
    if (note->change != OD_DISK_WRITTEN)
        return true;
    return put_bytes(image, note->offset, note->bytes, fate->first) && put_fill(walk, image, note, fate) &&
           put_bytes(image, note->offset + fate->end, note->bytes + fate->end, note->size - fate->end);
}

static void change_name(struct name *names, uint32_t *count, const struct od_disk_note *note)
{
    uint32_t i = 0;
    while (i < *count && names[i].text != note->name)
        i++;
    names[i] = (struct name){note->name, note->change == OD_DISK_REMOVED ? 0 : note->file};
    *count += i == *count;
}

static bool is_of_names(const struct od_disk_note *note)
{
    return note->change == OD_DISK_MADE || note->change == OD_DISK_REMOVED;
}

/* --- one state ---------------------------------------------------------------------------------------------------- */

/* False: an equal state was shown. The table has room. */
static bool note_seen(struct od_crash_walk *walk, struct od_hash128 hash)
{
    uint32_t mask = walk->seen_capacity - 1;
    uint32_t at = (uint32_t)hash.low & mask;
    hash.high |= 1; /* 0 is an empty place */
    for (; walk->seen[at].high != 0; at = (at + 1) & mask)
        if (od_hash128_equal(walk->seen[at], hash))
            return false;
    walk->seen[at] = hash;
    walk->seen_count++;
    return true;
}

static bool make_room_for_seen(struct od_crash_walk *walk)
{
    if (walk->seen_count * 2 < walk->seen_capacity)
        return true;
    struct od_hash128 *old = walk->seen;
    uint32_t old_capacity = walk->seen_capacity;
    uint32_t capacity = old_capacity == 0 ? 1024 : old_capacity * 2;
    struct od_hash128 *seen = od_take_array(walk->memory, capacity, sizeof(*seen));
    if (seen == NULL)
        return false;
    walk->seen = seen;
    walk->seen_capacity = capacity;
    walk->seen_count = 0;
    for (uint32_t i = 0; i < old_capacity; i++)
        if (old[i].high != 0)
            note_seen(walk, old[i]);
    od_give(walk->memory, old, old_capacity * sizeof(*old));
    return true;
}

/* Files that have a name, by name. */
static uint32_t list_files(struct od_crash_walk *walk, uint32_t name_count)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < name_count; i++) {
        if (walk->names_now[i].file == 0)
            continue;
        const struct od_buffer *image = &walk->files[walk->names_now[i].file].image;
        const struct od_crash_file file = {walk->names_now[i].text, image->bytes, image->size};
        uint32_t at = count++;
        for (; at > 0 && strcmp(walk->shown[at - 1].name, file.name) > 0; at--)
            walk->shown[at] = walk->shown[at - 1];
        walk->shown[at] = file;
    }
    return count;
}

static struct od_hash128 hash_files(const struct od_crash_walk *walk, uint32_t count)
{
    struct od_hash128 hash = {count, 0};
    for (uint32_t i = 0; i < count; i++) {
        const struct od_crash_file *file = &walk->shown[i];
        struct od_hash128 name = od_hash128_bytes(file->name, strlen(file->name), hash.low);
        hash = od_hash128_bytes(file->bytes, file->size, od_mix_two(name.low, file->size));
        hash.high ^= name.high;
    }
    return hash;
}

/* The images and names_now of the fates. */
static bool make_images(struct od_crash_walk *walk, uint32_t *name_count_out)
{
    uint32_t name_count = walk->name_count;
    if (name_count > 0)
        memcpy(walk->names_now, walk->names, name_count * sizeof(*walk->names));
    for (uint32_t f = 1; f <= walk->file_count; f++)
        if (!copy_image(&walk->files[f].image, &walk->files[f].settled))
            return false;
    for (uint32_t turn = 0; turn < walk->waiting_count; turn++) {
        uint32_t i = turn;
        if (walk->late <= turn && turn < walk->late_behind)
            i = turn + 1;
        else if (turn == walk->late_behind && walk->late != UINT32_MAX)
            i = walk->late;
        const struct od_disk_note *note = &walk->log->notes[walk->waiting[i]];
        if (walk->fates[i].is_lost)
            continue;
        if (is_of_names(note))
            change_name(walk->names_now, &name_count, note);
        else if (!change_image(walk, &walk->files[note->file].image, note, &walk->fates[i]))
            return false;
    }
    *name_count_out = name_count;
    return true;
}

static enum od_status show(struct od_crash_walk *walk, struct od_error *error)
{
    uint32_t name_count;
    if (!make_images(walk, &name_count) || !make_room_for_seen(walk))
        return od_fail(error, OD_NO_MEMORY, "making a state of a disk");
    struct od_crash_state state = {walk->shown, list_files(walk, name_count), walk->behind, walk};
    if (!note_seen(walk, hash_files(walk, state.file_count))) {
        walk->facts->equal++;
        return OD_OK;
    }
    walk->facts->states++;
    return walk->visitor.visit(walk->visitor.self, &state, error);
}

/* --- families ----------------------------------------------------------------------------------------------------- */

static void set_fate(struct od_crash_walk *walk, uint32_t i, bool is_lost)
{
    walk->fates[i] = (struct fate){.is_lost = is_lost};
}

/* Changes [first, end) are lost, the others there; `inside` false: the other way round. */
static void set_fates(struct od_crash_walk *walk, uint32_t first, uint32_t end, bool inside)
{
    for (uint32_t i = 0; i < walk->waiting_count; i++)
        set_fate(walk, i, (first <= i && i < end) == inside);
}

static enum od_status show_some_subsets(struct od_crash_walk *walk, struct od_error *error)
{
    uint32_t count = walk->waiting_count;
    walk->facts->cut++;
    for (uint32_t i = 0; i <= count; i++) {
        set_fates(walk, i, count, true);
        OD_TRY(show(walk, error));
        set_fates(walk, 0, i, true);
        OD_TRY(show(walk, error));
    }
    for (uint32_t i = 0; i < count; i++) {
        set_fates(walk, i, i + 1, false);
        OD_TRY(show(walk, error));
        for (uint32_t j = i; j < (count <= PAIRS_MAX ? count : i + 1); j++) {
            set_fates(walk, i, i + 1, true);
            set_fate(walk, j, true);
            OD_TRY(show(walk, error));
        }
    }
    for (uint32_t k = 0; k < walk->options.random_count; k++) {
        for (uint32_t i = 0; i < count; i++)
            set_fate(walk, i, od_random_below(&walk->stream.random, 2) != 0);
        OD_TRY(show(walk, error));
    }
    return OD_OK;
}

static enum od_status show_subsets(struct od_crash_walk *walk, struct od_error *error)
{
    if (walk->waiting_count > walk->options.subset_max)
        return show_some_subsets(walk, error);
    for (uint32_t mask = 0; mask >> walk->waiting_count == 0; mask++) {
        for (uint32_t i = 0; i < walk->waiting_count; i++)
            set_fate(walk, i, (mask >> i & 1) != 0);
        OD_TRY(show(walk, error));
    }
    return OD_OK;
}

/* Change i came but for [first, end); the others: all there, those before it, none but names. */
static enum od_status show_torn(struct od_crash_walk *walk, uint32_t i, size_t first, size_t end, struct od_error *error)
{
    for (uint32_t others = 0; others < 3; others++) {
        set_fates(walk, others == 0 ? walk->waiting_count : i + 1, walk->waiting_count, true);
        for (uint32_t j = 0; j < i && others == 2; j++)
            set_fate(walk, j, !is_of_names(&walk->log->notes[walk->waiting[j]]));
        for (enum fill fill = FILL_NONE; fill < FILL_COUNT; fill++) {
            if (fill == FILL_STALE && walk->stale.size == 0)
                continue;
            walk->fates[i] = (struct fate){.first = first, .end = end, .fill = fill};
            OD_TRY(show(walk, error));
        }
    }
    return OD_OK;
}

static bool tears_at(const struct od_crash_walk *walk, const struct od_disk_note *note, size_t at)
{
    return walk->options.tears_at_each_byte || at <= EDGE_BYTES || note->size - at <= EDGE_BYTES ||
           (note->offset + at) % OD_CRASH_SECTOR_BYTES == 0 || (at & (at - 1)) == 0;
}

static enum od_status show_tears_of(struct od_crash_walk *walk, uint32_t i, struct od_error *error)
{
    const struct od_disk_note *note = &walk->log->notes[walk->waiting[i]];
    for (size_t at = 0; at < note->size; at++) {
        if (!tears_at(walk, note, at))
            continue;
        OD_TRY(show_torn(walk, i, at, note->size, error));
        OD_TRY(show_torn(walk, i, 0, at, error));
    }
    for (size_t at = 0; at < note->size;) {
        size_t end = at + OD_CRASH_SECTOR_BYTES - (size_t)(note->offset + at) % OD_CRASH_SECTOR_BYTES;
        end = end < note->size ? end : note->size;
        OD_TRY(show_torn(walk, i, at, end, error));
        at = end;
    }
    return OD_OK;
}

static enum od_status show_tears(struct od_crash_walk *walk, struct od_error *error)
{
    for (uint32_t i = 0; i < walk->waiting_count; i++)
        if (walk->log->notes[walk->waiting[i]].change == OD_DISK_WRITTEN)
            OD_TRY(show_tears_of(walk, i, error));
    return OD_OK;
}

static bool overlap(const struct od_disk_note *left, const struct od_disk_note *right)
{
    if (left->file != right->file || is_of_names(left) || is_of_names(right))
        return false;
    return left->change == OD_DISK_CUT || right->change == OD_DISK_CUT ||
           (left->offset < right->offset + right->size && right->offset < left->offset + left->size);
}

static enum od_status show_orders(struct od_crash_walk *walk, struct od_error *error)
{
    enum od_status status = OD_OK;
    set_fates(walk, 0, 0, true);
    for (uint32_t i = 0; i < walk->waiting_count; i++) {
        for (uint32_t j = i + 1; j < walk->waiting_count && status == OD_OK; j++) {
            if (!overlap(&walk->log->notes[walk->waiting[i]], &walk->log->notes[walk->waiting[j]]))
                continue;
            walk->late = i;
            walk->late_behind = j;
            status = show(walk, error);
        }
    }
    walk->late = UINT32_MAX;
    return status;
}

static enum od_status show_all(struct od_crash_walk *walk, struct od_error *error)
{
    walk->facts->places++;
    walk->seen_count = 0;
    if (walk->seen_capacity > 0)
        memset(walk->seen, 0, walk->seen_capacity * sizeof(*walk->seen));
    OD_TRY(show_subsets(walk, error));
    OD_TRY(show_orders(walk, error));
    return show_tears(walk, error);
}

/* --- the log ------------------------------------------------------------------------------------------------------ */

/* What a sync of `file` makes of a change that waits. False: no memory. */
static bool settle(struct od_crash_walk *walk, const struct od_disk_note *note, uint32_t file, bool *is_settled_out)
{
    static const struct fate whole = {0};
    *is_settled_out = is_of_names(note) || note->file == file;
    if (is_of_names(note))
        change_name(walk->names, &walk->name_count, note);
    return is_of_names(note) || note->file != file || change_image(walk, &walk->files[file].settled, note, &whole);
}

static bool sync(struct od_crash_walk *walk, uint32_t file)
{
    uint32_t left = 0;
    bool good = true;
    for (uint32_t i = 0; i < walk->waiting_count && good; i++) {
        bool is_settled;
        good = settle(walk, &walk->log->notes[walk->waiting[i]], file, &is_settled);
        if (!is_settled)
            walk->waiting[left++] = walk->waiting[i];
    }
    if (good)
        walk->waiting_count = left;
    return good;
}

/* Changes of files without a name, and that will have none, are of no interest. */
static void forget_removed(struct od_crash_walk *walk)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < walk->waiting_count; i++) {
        const struct od_disk_note *note = &walk->log->notes[walk->waiting[i]];
        bool has_name = is_of_names(note);
        for (uint32_t j = 0; j < walk->waiting_count && !has_name; j++)
            has_name = walk->log->notes[walk->waiting[j]].change == OD_DISK_MADE &&
                       walk->log->notes[walk->waiting[j]].file == note->file;
        for (uint32_t j = 0; j < walk->name_count && !has_name; j++)
            has_name = walk->names[j].file == note->file;
        if (has_name)
            walk->waiting[left++] = walk->waiting[i];
    }
    walk->waiting_count = left;
}

static bool take_note(struct od_crash_walk *walk, uint32_t index)
{
    static const struct fate whole = {0};
    const struct od_disk_note *note = &walk->log->notes[index];
    struct od_buffer *now = &walk->files[note->file].now;
    bool good = true;
    if (note->change == OD_DISK_CUT || note->change == OD_DISK_REMOVED)
        good = copy_image(&walk->stale, now);
    good = good && change_image(walk, now, note, &whole);
    if (note->change == OD_DISK_SYNCED)
        good = good && sync(walk, note->file);
    else if (walk->options.names_at_once && is_of_names(note))
        change_name(walk->names, &walk->name_count, note);
    else
        walk->waiting[walk->waiting_count++] = index;
    forget_removed(walk);
    return good;
}

static bool make_room(struct od_crash_walk *walk)
{
    size_t room = walk->log->note_count + (size_t)1;
    walk->names = od_take_array(walk->memory, room, sizeof(*walk->names));
    walk->names_now = od_take_array(walk->memory, room, sizeof(*walk->names_now));
    walk->waiting = od_take_array(walk->memory, room, sizeof(*walk->waiting));
    walk->fates = od_take_array(walk->memory, room, sizeof(*walk->fates));
    walk->shown = od_take_array(walk->memory, room, sizeof(*walk->shown));
    walk->files = od_take_array(walk->memory, walk->file_count + (size_t)1, sizeof(*walk->files));
    if (walk->names == NULL || walk->names_now == NULL || walk->waiting == NULL || walk->fates == NULL ||
        walk->shown == NULL || walk->files == NULL)
        return false;
    for (uint32_t f = 0; f <= walk->file_count; f++) {
        od_buffer_init(&walk->files[f].settled, walk->memory);
        od_buffer_init(&walk->files[f].now, walk->memory);
        od_buffer_init(&walk->files[f].image, walk->memory);
    }
    return true;
}

static void release(struct od_crash_walk *walk)
{
    size_t room = walk->log->note_count + (size_t)1;
    for (uint32_t f = 0; f <= walk->file_count && walk->files != NULL; f++) {
        od_buffer_release(&walk->files[f].settled);
        od_buffer_release(&walk->files[f].now);
        od_buffer_release(&walk->files[f].image);
    }
    od_give(walk->memory, walk->names, room * sizeof(*walk->names));
    od_give(walk->memory, walk->names_now, room * sizeof(*walk->names_now));
    od_give(walk->memory, walk->waiting, room * sizeof(*walk->waiting));
    od_give(walk->memory, walk->fates, room * sizeof(*walk->fates));
    od_give(walk->memory, walk->shown, room * sizeof(*walk->shown));
    od_give(walk->memory, walk->files, (walk->file_count + (size_t)1) * sizeof(*walk->files));
    od_give(walk->memory, walk->seen, walk->seen_capacity * sizeof(*walk->seen));
    od_buffer_release(&walk->stale);
}

static enum od_status walk_log(struct od_crash_walk *walk, struct od_error *error)
{
    const struct od_crash_options *options = &walk->options;
    uint32_t last = options->last == 0 ? walk->log->note_count : options->last;
    if (!make_room(walk))
        return od_fail(error, OD_NO_MEMORY, "making states of a disk");
    for (walk->behind = 0; walk->behind <= last && walk->behind <= walk->log->note_count; walk->behind++) {
        if (walk->behind > 0 && !take_note(walk, walk->behind - 1))
            return od_fail(error, OD_NO_MEMORY, "making states of a disk");
        if (walk->behind >= options->first)
            OD_TRY(show_all(walk, error));
    }
    return OD_OK;
}

enum od_status od_crash_states(struct od_memory *memory, const struct od_wrap_record *log,
                               const struct od_crash_options *options, struct od_crash_visitor visitor,
                               struct od_crash_facts *facts, struct od_error *error)
{
    struct od_crash_walk walk = {.memory = memory,
                                 .log = log,
                                 .options = *options,
                                 .visitor = visitor,
                                 .facts = facts,
                                 .file_count = log->file_count,
                                 .late = UINT32_MAX};
    if (walk.options.subset_max == 0)
        walk.options.subset_max = 8;
    if (walk.options.random_count == 0)
        walk.options.random_count = 64;
    od_assert(walk.options.subset_max <= 20);
    od_stream_init(&walk.stream, options->seed, "crash");
    od_buffer_init(&walk.stale, memory);
    enum od_status status = walk_log(&walk, error);
    release(&walk);
    return status;
}

/* --- what a visitor does with a state ----------------------------------------------------------------------------- */

const struct od_crash_file *od_crash_state_find(const struct od_crash_state *state, const char *name)
{
    for (uint32_t i = 0; i < state->file_count; i++)
        if (strcmp(state->files[i].name, name) == 0)
            return &state->files[i];
    return NULL;
}

static enum od_status put_file(const struct od_crash_file *file, const struct od_disk *disk, struct od_error *error)
{
    struct od_file *handle;
    OD_TRY(disk->ops->create(disk->self, file->name, &handle, error));
    enum od_status status = OD_OK;
    if (file->size > 0)
        status = disk->ops->write(disk->self, handle, 0, file->bytes, file->size, error);
    if (status == OD_OK)
        status = disk->ops->sync(disk->self, handle, error);
    disk->ops->close(disk->self, handle);
    return status;
}

enum od_status od_crash_state_put(const struct od_crash_state *state, const struct od_disk *disk,
                                  struct od_error *error)
{
    for (uint32_t i = 0; i < state->file_count; i++)
        OD_TRY(put_file(&state->files[i], disk, error));
    return OD_OK;
}

bool od_crash_state_print(const struct od_crash_state *state, struct od_buffer *buffer)
{
    static const char *const fill_texts[FILL_COUNT] = {"what was there", "zeros", "garbage", "another file's"};
    const struct od_crash_walk *walk = state->walk;
    od_buffer_print(buffer, "behind operation %u of %u", state->behind, walk->log->note_count);
    for (uint32_t i = 0; i < walk->waiting_count; i++) {
        const struct fate *fate = &walk->fates[i];
        const struct od_disk_note *note = &walk->log->notes[walk->waiting[i]];
        if (fate->is_lost)
            od_buffer_print(buffer, "; %u lost", walk->waiting[i] + 1);
        else if (fate->first < fate->end)
            od_buffer_print(buffer, "; %u (%zu bytes of %s at %" PRIu64 ") torn: [%zu, %zu) is %s", walk->waiting[i] + 1,
                            note->size, note->name, note->offset, fate->first, fate->end, fill_texts[fate->fill]);
    }
    if (walk->late != UINT32_MAX)
        od_buffer_print(buffer, "; %u came behind %u", walk->waiting[walk->late] + 1,
                        walk->waiting[walk->late_behind] + 1);
    return !buffer->failed;
}
