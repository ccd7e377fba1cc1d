/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-model.h: what a domain should be after any sequence of changes.
 *
 * The model is written from the rules of libvirt's two kinds of bitmaps, not
 * from the library.  It has two parts:
 *
 * - the truth: what was written on each disk since each checkpoint.  Whatever
 *   happens to bitmaps and metadata, a checkpoint that says it knows its
 *   changes must know these;
 *
 * - the prediction: tree, current one, and the bitmaps of every layer with
 *   what is in them, from which it follows what each checkpoint should say.
 *
 * A struct model has no pointers, so it is copied by assignment.
 */

#ifndef PULLBACK_CHECKPOINT_MODEL_H
#define PULLBACK_CHECKPOINT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_SECTOR      512
#define MODEL_SIZE_MAX    (UINT64_C (4) << 20)
#define MODEL_DISKS       3
#define MODEL_LAYERS      4
#define MODEL_BITMAPS     16
#define MODEL_CHECKPOINTS 16
#define MODEL_NAME        8
#define MODEL_PATH        128

/* A set of sectors of one disk. */
struct sectors {
  uint64_t words[MODEL_SIZE_MAX / MODEL_SECTOR / 64];
};

struct model_bitmap {
  char name[MODEL_NAME];
  uint64_t granularity;
  bool enabled;
  bool in_use; /* a process that had the image open was killed */
  struct sectors set;
};

struct model_layer {
  char path[MODEL_PATH];
  uint64_t cluster_size;
  size_t nr_bitmaps;
  struct model_bitmap bitmaps[MODEL_BITMAPS];
};

enum model_disk_kind {
  MODEL_DISK_QCOW2,
  MODEL_DISK_RAW,
  MODEL_DISK_READ_ONLY, /* a qcow2 image that the domain may not write */
  MODEL_DISK_EMPTY
};

struct model_disk {
  char name[MODEL_NAME];
  enum model_disk_kind kind;
  uint64_t size;
  size_t nr_layers;
  struct model_layer layers[MODEL_LAYERS]; /* [0] is the top one */
};

/* Does each bitmap of a checkpoint record for as long as it exists? */
enum model_origin {
  MODEL_INDEPENDENT,
  MODEL_OPEN /* nobody can say: it was redefined */
};

struct model_checkpoint {
  char name[MODEL_NAME];
  bool exists; /* else its metadata is gone, but may come back */
  char parent[MODEL_NAME];
  uint64_t time;
  enum model_origin origin;
  bool has_bitmap[MODEL_DISKS]; /* by its definition */
  unsigned backups;             /* that are recorded: bits */
  struct sectors written[MODEL_DISKS]; /* since then: the truth */
};

struct model {
  size_t nr_disks;
  struct model_disk disks[MODEL_DISKS];
  size_t nr_checkpoints;
  struct model_checkpoint checkpoints[MODEL_CHECKPOINTS];
  char current[MODEL_NAME]; /* "": none */

  /* Older checkpoints have disabled bitmaps, which go on in those of newer
   * ones, and nobody has spoilt that yet.
   */
  bool is_whole_chain;
};

/*** Sets. ***/

/* GRANULARITY widens the range. */
void sectors_add (struct sectors *set, uint64_t size, uint64_t offset,
                  uint64_t length, uint64_t granularity);
void sectors_merge (struct sectors *set, const struct sectors *other,
                    uint64_t size, uint64_t granularity);
bool sectors_has (const struct sectors *set, uint64_t offset);
bool sectors_cover (const struct sectors *set, const struct sectors *other);
bool sectors_are_equal (const struct sectors *a, const struct sectors *b);
uint64_t sectors_bytes (const struct sectors *set);

/*** Disks. ***/

/* QEMU's default. */
uint64_t model_default_granularity (uint64_t cluster_size);

struct model_bitmap *model_find_bitmap (struct model_layer *layer,
                                        const char *name);
struct model_bitmap *model_add_bitmap (struct model_layer *layer,
                                       const char *name, uint64_t granularity,
                                       bool enabled);
void model_remove_bitmap (struct model_layer *layer, const char *name);

/* A guest writes: the top layer's bitmaps that record, and the truth. */
void model_write (struct model *model, size_t disk, uint64_t offset,
                  uint64_t length);

/* Is the bitmap valid on the disk by libvirt's rule (libvirt.md E.2)? */
bool model_is_valid (const struct model_disk *disk, const char *name);

/*** Checkpoints. ***/

/* Also one whose metadata is gone; NULL. */
struct model_checkpoint *model_find (const struct model *model,
                                     const char *name);
struct model_checkpoint *model_find_existing (const struct model *model,
                                              const char *name);

/* A new one, or NAME anew, of this moment: nothing is written since. */
struct model_checkpoint *model_start (struct model *model, const char *name);

bool model_is_ancestor (const struct model *model, const char *ancestor,
                        const char *name);
size_t model_count_children (const struct model *model, const char *name);

enum model_answer {
  MODEL_KNOWN,
  MODEL_UNKNOWN,
  MODEL_MAYBE /* both would be right: the rules leave it open */
};

/* What the checkpoint should say of the disk; for MODEL_KNOWN, *CHANGES. */
enum model_answer model_ask (const struct model *model,
                             const struct model_checkpoint *checkpoint,
                             size_t disk, struct sectors *changes);

/* Could a checkpoint be one of a chain that is not whole?  Then the library
 * may refuse what might make such a chain look whole.
 */
bool model_is_doubtful (const struct model *model);

/* How many findings an examination should have; *EXACT: and no others. */
size_t model_count_findings (const struct model *model, bool *exact);

#endif /* PULLBACK_CHECKPOINT_MODEL_H */
