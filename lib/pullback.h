/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pullback.h: the public interface of libpullback.
 *
 * Rules that hold for every function here:
 *
 * - Offsets, lengths and sizes are in bytes, unless a name says otherwise.
 * - A function that returns int gives 0 for success and -1 for failure, one
 *   that returns a pointer gives NULL for failure; the calling thread can
 *   then ask pb_get_error () and pb_get_errno () for the reason.
 * - What a function returns as a handle is freed by its own *_free function,
 *   and freeing NULL does nothing.  Strings returned as "const char *" belong
 *   to the handle they came from.
 * - Handles may be used from many threads at once only where it says so.
 * - Nothing here prints, exits, or changes signal handling.
 */

#ifndef PULLBACK_H
#define PULLBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define PB_MUST_CHECK __attribute__ ((__warn_unused_result__))
#else
#define PB_MUST_CHECK
#endif

/* The library is built with hidden symbols; what is declared here is seen. */
#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility push(default)
#endif

/*** Errors (pb_get_error(3)). ***/

/* The reason of the last failure in this thread: which operation, on which
 * object and place, and why ("vda.qcow2: L1 table, entry 3: L2 table offset
 * 0x50200 is not cluster aligned").  Never NULL; valid until the next failure
 * in this thread.  Only meaningful straight after a function has failed.
 */
const char *pb_get_error (void);

/* The errno value that goes with pb_get_error (): EIO for damaged metadata,
 * EBUSY where a running writer holds the image, ENOTSUP for features that
 * are refused, ESTALE for a dirty bitmap that can no longer be trusted, and
 * so on.  Never 0 after a failure.
 */
int pb_get_errno (void);

/* Version of the library, as "0.1.0". */
const char *pb_get_version (void);

/*** Extents (pb_extents(3)). ***/

/* What is known of the bytes of an extent.  In maps of change the meaningful
 * flags are DIRTY and ZERO, and their values are those of the JSON reports:
 * clean 0, dirty 1, zero 2, dirty and zero 3.
 */
enum pb_extent_flags {
  PB_EXTENT_DIRTY = 1, /* changed since the point that the map is about */
  PB_EXTENT_ZERO = 2,  /* reads as zeroes */
  PB_EXTENT_HOLE = 4   /* takes no storage in the layer that decides */
};

struct pb_extent {
  uint64_t offset;
  uint64_t length; /* > 0 */
  uint32_t flags;  /* of enum pb_extent_flags */
  uint32_t depth;  /* the layer that decides: 1 = the image itself, n = its
                    * n-th layer, 0 = none, or unknown */
};

/* A stream of extents: ascending, without gaps, from its first byte to its
 * last.  It is pulled, so no map is ever whole in memory.  One stream is for
 * one thread at a time.
 */
typedef struct pb_extents pb_extents;

/* Take the next extent.  Returns 1 and fills *extent, 0 at the end of the
 * range, or -1 on error; after an error the stream is dead and every later
 * call fails the same way.
 */
int pb_extents_next (pb_extents *extents,
                     struct pb_extent *extent) PB_MUST_CHECK;

/* The range that the stream covers. */
uint64_t pb_extents_get_start (const pb_extents *extents);
uint64_t pb_extents_get_end (const pb_extents *extents);

void pb_extents_free (pb_extents *extents);

/* Where a caller's own map comes from. */
struct pb_extents_ops {
  /* Describe the bytes from OFFSET on: set length (> 0), flags and depth of
   * *extent (offset is set already).  What lies beyond END is clipped by
   * the caller.  OFFSET only ever grows, by the lengths returned.  On failure
   * return -1 and say why with pb_set_error ().
   */
  int (*status) (void *opaque, uint64_t offset, uint64_t end,
                 struct pb_extent *extent);

  /* May be NULL.  Called once, by pb_extents_free () or when pb_extents_new ()
   * itself fails.
   */
  void (*free) (void *opaque);
};

/* A stream over [offset, offset + length), which must not go beyond 2^63 - 1,
 * from the caller's own source.
 */
pb_extents *pb_extents_new (uint64_t offset, uint64_t length,
                            const struct pb_extents_ops *ops,
                            void *opaque) PB_MUST_CHECK;

/* Record an error on behalf of a callback, printf-like.  ERRNUM must not be
 * 0; its text is not appended.
 */
void pb_set_error (int errnum, const char *format, ...)
#if defined(__GNUC__) || defined(__clang__)
  __attribute__ ((__format__ (__printf__, 2, 3)))
#endif
  ;

/* One extent with these flags over the whole range. */
pb_extents *pb_extents_constant (uint64_t offset, uint64_t length,
                                 uint32_t flags) PB_MUST_CHECK;

/* The functions below take streams and make a new one.  They own what they
 * take: it is freed with the result, and also when they fail.  A NULL stream
 * makes them fail with the error that is already set, so that calls nest.  A
 * stream from which something has been taken already is refused.
 */

/* FIRST, then SECOND, which must start where FIRST ends. */
pb_extents *pb_extents_concat (pb_extents *first,
                               pb_extents *second) PB_MUST_CHECK;

/* Two maps of change over the same range: dirty where either is (union), or
 * where both are (intersection).  Other flags are dropped.
 */
pb_extents *pb_extents_union (pb_extents *a, pb_extents *b) PB_MUST_CHECK;
pb_extents *pb_extents_intersection (pb_extents *a,
                                     pb_extents *b) PB_MUST_CHECK;

/* Change laid over allocation, same range: DIRTY comes from DIRTY, everything
 * else from ALLOCATION.  So an extent is clean, dirty, zero, or dirty and
 * zero: the last is a change to zeroes, never nothing.
 */
pb_extents *pb_extents_overlay (pb_extents *dirty,
                                pb_extents *allocation) PB_MUST_CHECK;

/* Widen extents to granules of GRANULE bytes (a power of two), counted from
 * byte 0 of the disk: a granule is DIRTY where any byte of it is, and ZERO or
 * HOLE only where all of it is; its depth is 0 where that differs inside it.
 * The range must start on a granule; it may end inside one.
 */
pb_extents *pb_extents_align (pb_extents *extents,
                              uint64_t granule) PB_MUST_CHECK;

/* Merge neighbours with equal flags and depth, up to MAX_LENGTH bytes each (0:
 * no limit); extents longer than that are cut.
 */
pb_extents *pb_extents_coalesce (pb_extents *extents,
                                 uint64_t max_length) PB_MUST_CHECK;

/* Only [offset, offset + length), which must lie inside EXTENTS. */
pb_extents *pb_extents_clip (pb_extents *extents, uint64_t offset,
                             uint64_t length) PB_MUST_CHECK;

/*** Dirty bitmaps (pb_bitmap(3)). ***/

#define PB_GRANULARITY_MIN ((uint64_t) 512)
#define PB_GRANULARITY_MAX ((uint64_t) 1 << 31)
#define PB_DISK_SIZE_MAX ((uint64_t) INT64_MAX)

/* "No such offset" of pb_bitmap_next_*. */
#define PB_NO_OFFSET UINT64_MAX

/* One bit for each granule of a disk: set where the granule is dirty.  Many
 * threads may read one bitmap; changing it needs it alone.
 */
typedef struct pb_bitmap pb_bitmap;

/* A clean bitmap for a disk of SIZE bytes (at most PB_DISK_SIZE_MAX), with one
 * bit a GRANULARITY bytes: a power of two from PB_GRANULARITY_MIN to
 * PB_GRANULARITY_MAX.  Clean areas of it take no memory until they are set; on
 * kernels that share no page of zeroes they do once they have been looked at.
 */
pb_bitmap *pb_bitmap_new (uint64_t size, uint64_t granularity) PB_MUST_CHECK;
void pb_bitmap_free (pb_bitmap *bitmap);

uint64_t pb_bitmap_get_size (const pb_bitmap *bitmap);
uint64_t pb_bitmap_get_granularity (const pb_bitmap *bitmap);

/* Set every granule that the range touches; clear every granule that lies
 * wholly inside it (the last granule of the disk counts as whole when the
 * range reaches the end of the disk).  So neither ever loses a change.  The
 * range must lie on the disk; an empty one does nothing.
 */
int pb_bitmap_set (pb_bitmap *bitmap, uint64_t offset,
                   uint64_t length) PB_MUST_CHECK;
int pb_bitmap_clear (pb_bitmap *bitmap, uint64_t offset,
                     uint64_t length) PB_MUST_CHECK;

/* Is any byte, or are all bytes, of the range dirty?  Bytes beyond the end of
 * the disk are clean.  An empty range has no dirty byte and is all dirty.
 */
bool pb_bitmap_test_any (const pb_bitmap *bitmap, uint64_t offset,
                         uint64_t length);
bool pb_bitmap_test_all (const pb_bitmap *bitmap, uint64_t offset,
                         uint64_t length);

/* Bytes that are dirty: whole granules, the last one clipped to the disk. */
uint64_t pb_bitmap_count (const pb_bitmap *bitmap);

/* The first dirty (clean) byte at or after OFFSET and before END (clipped to
 * the end of the disk), or PB_NO_OFFSET.
 */
uint64_t pb_bitmap_next_dirty (const pb_bitmap *bitmap, uint64_t offset,
                               uint64_t end);
uint64_t pb_bitmap_next_clean (const pb_bitmap *bitmap, uint64_t offset,
                               uint64_t end);

/* Set in TARGET whatever is dirty in SOURCE.  Where TARGET is the coarser of
 * the two, its granules widen the changes; sizes may differ, and what SOURCE
 * has beyond the end of TARGET is dropped.
 */
int pb_bitmap_merge (pb_bitmap *target, const pb_bitmap *source) PB_MUST_CHECK;

/* A new bitmap, dirty exactly where any of the COUNT (>= 1) bitmaps is: as
 * large as the largest, as fine as the finest.
 */
pb_bitmap *pb_bitmap_union (const pb_bitmap *const *bitmaps,
                            size_t count) PB_MUST_CHECK;

/* The bitmap as extents, DIRTY or 0, over a range that must lie on the disk.
 * BITMAP must stay as it is until the stream is freed.
 */
pb_extents *pb_bitmap_extents (const pb_bitmap *bitmap, uint64_t offset,
                               uint64_t length) PB_MUST_CHECK;

/* QEMU's serialised form, which is also that of qcow2's bitmap data (qcow2
 * specification, "Bitmap data"): granule n is bit n % 8 of byte n / 8.  Bits
 * beyond the end of the disk are saved as 0 and ignored when loaded.
 * Any part of the form, from byte POSITION on, can be moved by itself; it
 * must lie inside pb_bitmap_serialized_size () bytes.
 */
uint64_t pb_bitmap_serialized_size (const pb_bitmap *bitmap);
int pb_bitmap_serialize (const pb_bitmap *bitmap, void *buffer, size_t count,
                         uint64_t position) PB_MUST_CHECK;
int pb_bitmap_deserialize (pb_bitmap *bitmap, const void *buffer, size_t count,
                           uint64_t position) PB_MUST_CHECK;

/*** Disk images at rest (pb_image(3)). ***/

/* A format is always stated, never guessed from content: what a guest writes
 * into a raw disk must not make it a qcow2 one.
 */
enum pb_format {
  PB_FORMAT_QCOW2 = 0,
  PB_FORMAT_RAW = 1
};

enum pb_image_flags {
  /* Follow an external data file (qcow2 incompatible feature bit 2).  Its name
   * comes from the image, so this must be asked for.
   */
  PB_IMAGE_DATA_FILE = 1,

  /* Read a raw image although something else is writing to it.  What is read
   * is then no single point in time.  Refused for qcow2, whose metadata would
   * move under the reader.
   */
  PB_IMAGE_ALLOW_WRITER = 2,

  /* Do not open the backing chain.  The image can then tell of itself (size,
   * backing file, bitmaps), but what lies in its backing files can't be read.
   */
  PB_IMAGE_NO_BACKING = 4
};

/* An image and its backing chain, open for reading.  Safe for use from many
 * threads at once.
 */
typedef struct pb_image pb_image;

/* Open the file or block device PATH.  While it is open, QEMU-compatible
 * locks keep every writer out of each file of its chain; where one is already
 * writing, this fails with EBUSY.  The backing chain is followed by plain
 * file names only, each relative to the file that names it; a backing file
 * without a stated format is raw, or refused where it starts as a qcow2 image
 * does.
 */
pb_image *pb_image_open (const char *path, enum pb_format format,
                         unsigned flags) PB_MUST_CHECK;
void pb_image_free (pb_image *image);

uint64_t pb_image_get_size (const pb_image *image);
const char *pb_image_get_path (const pb_image *image);

/* Cluster size of a qcow2 image; 0 for a raw one. */
uint64_t pb_image_get_cluster_size (const pb_image *image);

/* The backing file's name as the image's header has it, or NULL. */
const char *pb_image_get_backing_file (const pb_image *image);

/* Number of layers that are open: 1 for an image without backing file. */
unsigned pb_image_get_depth (const pb_image *image);

/* Read COUNT bytes; the range must lie inside the image. */
int pb_image_pread (pb_image *image, void *buffer, size_t count,
                    uint64_t offset) PB_MUST_CHECK;

/* Where a piece of a disk's bytes can be had. */
enum pb_location_kind {
  PB_LOCATION_COPY = 0, /* only from pb_image_pread () or pb_view_pread () */
  PB_LOCATION_ZERO = 1, /* it reads as zeroes */
  PB_LOCATION_FILE = 2  /* as it is, in an open file */
};

struct pb_location {
  enum pb_location_kind kind;
  uint64_t length;      /* > 0 */
  int fd;               /* FILE: the file, which belongs to the handle, else -1 */
  uint64_t file_offset; /* FILE: where in it the piece starts */
};

/* Where the bytes from OFFSET on lie, for a caller that can do better with a
 * file or with zeroes than copy them (sendfile, posix_fadvise).  The piece is
 * at most LENGTH (> 0) long, and perhaps shorter than it could be.  The range
 * must lie inside the image.  The descriptor is for reading at offsets of one's
 * own only, and as long as the image is open; a file that was cut since ends
 * early.
 */
int pb_image_locate (pb_image *image, uint64_t offset, uint64_t length,
                     struct pb_location *location) PB_MUST_CHECK;

/* What each byte of the range is: 0 (data), ZERO, or ZERO | HOLE, with the
 * depth of the layer that says so.  IMAGE must outlive the stream.
 */
pb_extents *pb_image_map (pb_image *image, uint64_t offset,
                          uint64_t length) PB_MUST_CHECK;

/* A persistent dirty bitmap of a qcow2 image. */
struct pb_bitmap_info {
  const char *name;
  uint64_t granularity;
  bool enabled;       /* QEMU goes on recording into it ("auto") */
  bool in_use;        /* was not saved by its last writer */
  bool usable;        /* can be trusted */
  const char *reason; /* why not, where it is not usable; else NULL */
};

/* The bitmaps of the image itself, not of its backing files.  INFO's strings
 * belong to IMAGE.  INDEX must be below pb_image_nr_bitmaps ().
 */
size_t pb_image_nr_bitmaps (const pb_image *image);
int pb_image_get_bitmap_info (const pb_image *image, size_t index,
                              struct pb_bitmap_info *info) PB_MUST_CHECK;

/* Load the bitmap called NAME, whose disk size is the image's.  Fails with
 * ENOENT where there is none (the error lists those that there are), and with
 * ESTALE where it is not usable: only a full backup is safe then.
 */
pb_bitmap *pb_image_load_bitmap (pb_image *image,
                                 const char *name) PB_MUST_CHECK;

/*** Views (pb_view(3)). ***/

/* NAME=[FORMAT:]PATH, as users write a disk. */
struct pb_disk_spec {
  char *name;
  enum pb_format format;
  char *path;
};

/* Parse "NAME=[FORMAT:]PATH", where FORMAT is qcow2 (the default) or raw and
 * NAME has only letters, digits, '-', '_' and '.'.  A PATH that itself starts
 * with "qcow2:" or "raw:" is written with "./" before it.
 */
int pb_disk_spec_parse (const char *text,
                        struct pb_disk_spec *spec) PB_MUST_CHECK;
void pb_disk_spec_clear (struct pb_disk_spec *spec);

/* The format called NAME ("qcow2" or "raw"). */
int pb_format_parse (const char *name, enum pb_format *format) PB_MUST_CHECK;

/* A disk at one point in time: its bytes, what is allocated, and what changed
 * since which point.  Safe for use from many threads at once.
 */
typedef struct pb_view pb_view;

/* A disk at rest.  FLAGS are of enum pb_image_flags. */
pb_view *pb_view_open_disk (const char *path, enum pb_format format,
                            unsigned flags) PB_MUST_CHECK;
void pb_view_free (pb_view *view);

/* A disk that another NBD server gives: its export EXPORT_NAME, or, with NULL,
 * the one that URI names.  Its dirty maps are the export's metadata contexts
 * "qemu:dirty-bitmap:NAME", and the exports EXPORT_NAME/NAME of our nbdkit
 * plugin, each as NAME; what their granularity is the server does not say, so
 * that is 0.  It is read over several connections, when many threads read at
 * once, where the server says that all see the same disk.  When the server ends
 * one, later calls that need it fail with ENOTCONN: what came back might be
 * another disk.
 */
pb_view *pb_view_open_nbd (const char *uri,
                           const char *export_name) PB_MUST_CHECK;

/* The names of the exports that are disks at URI: the one that it names, or,
 * where it names none, all that the server lists but the maps of our nbdkit
 * plugin.  A name may be "".  The list is ended by NULL, and freed by the
 * caller in one piece.
 */
char **pb_nbd_list_disks (const char *uri) PB_MUST_CHECK;

/* Does what the view tells come from another server, so that asking for extents
 * takes a round trip?
 */
bool pb_view_is_remote (const pb_view *view);

/* Do the extents of pb_view_extents () say which layer each comes from? */
bool pb_view_has_depth (const pb_view *view);

uint64_t pb_view_get_size (const pb_view *view);

/* As NBD means them: requests are best multiples of PREFERRED; none is longer
 * than MAXIMUM.
 */
void pb_view_get_block_size (const pb_view *view, uint32_t *minimum,
                             uint32_t *preferred, uint32_t *maximum);

int pb_view_pread (pb_view *view, void *buffer, size_t count,
                   uint64_t offset) PB_MUST_CHECK;

/* As pb_image_locate ().  A kind of view that cannot tell says COPY. */
int pb_view_locate (pb_view *view, uint64_t offset, uint64_t length,
                    struct pb_location *location) PB_MUST_CHECK;

/* While this is set for the calling thread, where bytes lie and what is
 * allocated (pb_image_locate (), pb_image_map (), the same of views at rest, and
 * their streams) is told only as far as the tables that say so are in memory
 * already; what needs another one fails with EAGAIN.  Data must not be read meanwhile.
 * For a thread that could have another one do what takes longer.
 */
void pb_set_nowait (bool is_set);

/* As pb_image_map (). */
pb_extents *pb_view_extents (pb_view *view, uint64_t offset,
                             uint64_t length) PB_MUST_CHECK;

/* The maps of change that the view has, by name.  INFO's strings belong to
 * VIEW.
 */
size_t pb_view_nr_dirty_maps (const pb_view *view);
int pb_view_get_dirty_map_info (const pb_view *view, size_t index,
                                struct pb_bitmap_info *info) PB_MUST_CHECK;

/* The map called NAME as extents, DIRTY or 0.  Errors are those of
 * pb_image_load_bitmap ().  VIEW must outlive the stream.
 */
pb_extents *pb_view_dirty_extents (pb_view *view, const char *name,
                                   uint64_t offset,
                                   uint64_t length) PB_MUST_CHECK;

/*** Domains (pb_domain(3)). ***/

/* The disks of one virtual machine, and their checkpoints.  A domain is safe
 * for use from many threads at once.
 */
typedef struct pb_domain pb_domain;

enum pb_domain_flags {
  /* Change nothing.  Several processes may have one state folder open in this
   * way at once.
   */
  PB_DOMAIN_READ_ONLY = 1,

  /* Follow external data files of disks: see PB_IMAGE_DATA_FILE. */
  PB_DOMAIN_DATA_FILE = 2
};

/* Open the domain that URI names:
 *
 *   disks:NAME=[FORMAT:]PATH[,NAME=[FORMAT:]PATH]...
 *                    disks at rest, each as pb_disk_spec_parse () has it; a
 *                    comma in a PATH is written twice.  Such a domain has no
 *                    name of its own: it is called as its state folder is.
 *   xml:PATH         a libvirt <domain> in a file: its disks of type file and
 *                    block, while the machine is shut down
 *
 * STATE is the folder with its checkpoints, which is made if need be.  NULL:
 * /var/lib/pullback/NAME for root, else pullback/NAME in $XDG_STATE_HOME
 * (~/.local/state where that is not set), with the domain's own NAME; disks:
 * needs a STATE.
 *
 * Images are opened only when a call needs them.  While the domain is open it
 * holds the state folder's lock: EBUSY, with the name of the process that has
 * it, where another process (or another pb_domain) is in the way.  A change
 * that was interrupted by a crash is finished or undone first, also with
 * PB_DOMAIN_READ_ONLY; where that cannot be done now, because a disk is in
 * use, a domain that is to be changed fails to open, and one to be read lists
 * it among what pb_domain_examine () finds.
 */
pb_domain *pb_domain_open (const char *uri, const char *state,
                           unsigned flags) PB_MUST_CHECK;

/* One more reference to DOMAIN, which is returned.  Each reference is given
 * back with pb_domain_free (); checkpoints of the domain hold one as well.
 */
pb_domain *pb_domain_ref (pb_domain *domain);
void pb_domain_free (pb_domain *domain);

const char *pb_domain_get_uri (const pb_domain *domain);
const char *pb_domain_get_name (const pb_domain *domain);
const char *pb_domain_get_state (const pb_domain *domain); /* the folder */

/* A disk of the domain.  The strings belong to the domain. */
struct pb_domain_disk {
  const char *name;   /* its target: vda, sdb, ... */
  const char *path;   /* of the image; NULL where the drive is empty */
  const char *format; /* "qcow2", "raw", or another one that is only named */
  bool read_only;
};

/* In the domain's order.  INDEX must be below pb_domain_nr_disks (). */
size_t pb_domain_nr_disks (const pb_domain *domain);
int pb_domain_get_disk (const pb_domain *domain, size_t index,
                        struct pb_domain_disk *disk) PB_MUST_CHECK;

/* The granularity of bitmaps of checkpoints that are created from now on: a
 * power of two from PB_GRANULARITY_MIN to PB_GRANULARITY_MAX, or 0, as it is
 * at first, for QEMU's default: the cluster size, but 4 KiB to 64 KiB.
 */
int pb_domain_set_granularity (pb_domain *domain,
                               uint64_t granularity) PB_MUST_CHECK;

/* A view of the disk called NAME.  Its dirty maps are the image's bitmaps, and
 * "since:CP" for each checkpoint CP that has a bitmap on it: all that has
 * changed since then, whatever bitmaps and layers hold that.  A checkpoint
 * whose changes are not known is listed as not usable.  The view needs the
 * domain no longer.  FLAGS are of enum pb_image_flags, without
 * PB_IMAGE_NO_BACKING.
 */
pb_view *pb_domain_open_view (pb_domain *domain, const char *name,
                              unsigned flags) PB_MUST_CHECK;

enum pb_domain_forget_flags {
  /* Forget the checkpoints too.  Their bitmaps stay in the images. */
  PB_DOMAIN_FORGET_CHECKPOINTS_METADATA = 1
};

/* Remove the domain's state.  Fails with EEXIST where it has checkpoints and
 * the flag is not given.  Every handle of one of them is invalid after that.
 */
int pb_domain_forget (pb_domain *domain, unsigned flags) PB_MUST_CHECK;

/*** Checkpoints (pb_checkpoint(3)). ***/

/* A point in time of a domain: from then on, what changes on its disks is
 * recorded in dirty bitmaps.  Modelled after libvirt's virDomainCheckpoint.
 *
 * Checkpoints form a tree: the parent of a new one is the current one, and the
 * new one is current then.  A handle stays valid after its checkpoint was
 * deleted: its name can be asked, and other calls fail with ENOENT.  Handles
 * are safe for use from many threads at once.
 *
 * Flags that a function does not know are refused (EINVAL), as are arguments
 * that are NULL.
 */
typedef struct pb_checkpoint pb_checkpoint;

enum pb_checkpoint_create_flags {
  /* Make no bitmap: take back what pb_checkpoint_get_xml_desc () gave before
   * the metadata was lost or removed, or change it.
   */
  PB_CHECKPOINT_CREATE_REDEFINE = 1,

  /* Freeze the guest's file systems at that moment.  A guest at rest cannot
   * do that: ENOTSUP.  Excludes REDEFINE.
   */
  PB_CHECKPOINT_CREATE_QUIESCE = 2,

  /* Needs REDEFINE: fail with ESTALE unless the bitmaps are there and can be
   * trusted, for every disk.
   */
  PB_CHECKPOINT_CREATE_REDEFINE_VALIDATE = 4,

  /* Needs REDEFINE: allow it to replace a checkpoint that exists.  Without
   * this that is EEXIST.
   */
  PB_CHECKPOINT_CREATE_REPLACE = 8,

  /* Needs REDEFINE: make it current. */
  PB_CHECKPOINT_CREATE_CURRENT = 16
};

/* Create the checkpoint that XML, a <domaincheckpoint>, describes: a bitmap on
 * each of its disks, or on none where anything fails.  The error of a disk
 * that cannot have one says what to do.
 */
pb_checkpoint *pb_checkpoint_create_xml (pb_domain *domain, const char *xml,
                                         unsigned flags) PB_MUST_CHECK;

enum pb_checkpoint_delete_flags {
  PB_CHECKPOINT_DELETE_CHILDREN = 1,      /* with all descendants */
  PB_CHECKPOINT_DELETE_METADATA_ONLY = 2, /* leave the bitmaps alone */
  PB_CHECKPOINT_DELETE_CHILDREN_ONLY = 4, /* only descendants; not with
                                           * CHILDREN */

  /* Even though a backup is recorded that only this checkpoint's bitmaps can
   * make the next increment for (pb_checkpoint_record_backup ()).
   */
  PB_CHECKPOINT_DELETE_FORCE = 8
};

/* Delete the checkpoint and its bitmaps; its children become those of its
 * parent.  No other checkpoint loses a change: where bitmaps form a chain, its
 * own are merged into the next older one.  What is gone already counts as
 * deleted.  All is checked before anything is changed.
 */
int pb_checkpoint_delete (pb_checkpoint *checkpoint,
                          unsigned flags) PB_MUST_CHECK;

enum pb_checkpoint_xml_flags {
  PB_CHECKPOINT_XML_SECURE = 1,    /* with passwords in the <domain> */
  PB_CHECKPOINT_XML_NO_DOMAIN = 2, /* without <domain> */
  PB_CHECKPOINT_XML_SIZE = 4       /* with the bytes that are dirty since, for
                                    * each disk where that is known; EBUSY
                                    * where a disk is in use */
};

/* As <domaincheckpoint>; freed by the caller. */
char *pb_checkpoint_get_xml_desc (pb_checkpoint *checkpoint,
                                  unsigned flags) PB_MUST_CHECK;

const char *pb_checkpoint_get_name (const pb_checkpoint *checkpoint);

/* ENOENT where it has none. */
pb_checkpoint *pb_checkpoint_get_parent (pb_checkpoint *checkpoint,
                                         unsigned flags) PB_MUST_CHECK;

/* The domain belongs to the handle: call pb_domain_ref () to keep it. */
pb_domain *pb_checkpoint_get_domain (const pb_checkpoint *checkpoint);

pb_checkpoint *pb_checkpoint_ref (pb_checkpoint *checkpoint);
void pb_checkpoint_free (pb_checkpoint *checkpoint);

/* 1, 0, or -1 on error. */
int pb_checkpoint_is_current (pb_checkpoint *checkpoint,
                              unsigned flags) PB_MUST_CHECK;

enum pb_checkpoint_list_flags {
  PB_CHECKPOINT_LIST_ROOTS = 1,       /* pb_domain_list_all_checkpoints ():
                                       * only those without a parent */
  PB_CHECKPOINT_LIST_DESCENDANTS = 1, /* pb_checkpoint_list_all_children ():
                                       * also children's children */
  PB_CHECKPOINT_LIST_TOPOLOGICAL = 2, /* every parent before its children */
  PB_CHECKPOINT_LIST_LEAVES = 4,      /* only those without children */
  PB_CHECKPOINT_LIST_NO_LEAVES = 8,   /* only those with; with both of these
                                       * flags, as with neither */
  PB_CHECKPOINT_LIST_CURRENT = 16     /* only the current one */
};

/* Store a new list of handles in *LIST, ended by NULL, and return how many
 * there are; or return -1.  The list is freed by pb_checkpoint_list_free ().
 * LIST may be NULL, to count only.  Names are in order, unless TOPOLOGICAL.
 */
int pb_domain_list_all_checkpoints (pb_domain *domain, pb_checkpoint ***list,
                                    unsigned flags) PB_MUST_CHECK;
int pb_checkpoint_list_all_children (pb_checkpoint *checkpoint,
                                     pb_checkpoint ***list,
                                     unsigned flags) PB_MUST_CHECK;
void pb_checkpoint_list_free (pb_checkpoint **list);

/* ENOENT where there is none called NAME. */
pb_checkpoint *pb_domain_checkpoint_lookup_by_name (pb_domain *domain,
                                                    const char *name,
                                                    unsigned flags)
  PB_MUST_CHECK;

/* ENOENT where no checkpoint is current, ESTALE where it is not known which
 * one is: the state folder came without that, and has several leaves.
 */
pb_checkpoint *pb_domain_get_current_checkpoint (pb_domain *domain,
                                                 unsigned flags) PB_MUST_CHECK;

/* What has changed on the disk called NAME since the checkpoint, DIRTY or 0,
 * over a range that must lie on the disk.  ESTALE where that is not known any
 * more: only a full backup is safe then.  The stream needs neither handle.
 */
pb_extents *pb_checkpoint_dirty_extents (pb_checkpoint *checkpoint,
                                         const char *name, uint64_t offset,
                                         uint64_t length) PB_MUST_CHECK;

/* Remember that the backup called BACKUP (a file name or any text on one line)
 * was taken at this checkpoint, so that the checkpoint is what its next
 * increment starts from.  Recording the same one twice is no error; forgetting
 * one that is not recorded is ENOENT.
 */
int pb_checkpoint_record_backup (pb_checkpoint *checkpoint,
                                 const char *backup,
                                 unsigned flags) PB_MUST_CHECK;
int pb_checkpoint_forget_backup (pb_checkpoint *checkpoint,
                                 const char *backup,
                                 unsigned flags) PB_MUST_CHECK;

/* The recorded backups: a list that is ended by NULL, freed by the caller in
 * one piece.
 */
char **pb_checkpoint_get_backups (pb_checkpoint *checkpoint,
                                  unsigned flags) PB_MUST_CHECK;

/*** What is wrong with a domain (pb_domain_examine(3)). ***/

enum pb_finding_kind {
  PB_FINDING_UNFINISHED_COMMIT,    /* a change was interrupted */
  PB_FINDING_UNREADABLE_FILE,      /* of the state folder: damaged, misnamed,
                                    * or a duplicate; kept as it is */
  PB_FINDING_MISSING_PARENT,       /* a checkpoint names one that is not there
                                    */
  PB_FINDING_CYCLE,                /* a checkpoint is its own ancestor */
  PB_FINDING_CURRENT_UNKNOWN,      /* or current is one that is not there */
  PB_FINDING_FOREIGN_DOMAIN,       /* a checkpoint of a domain with another
                                    * uuid */
  PB_FINDING_DISK_UNKNOWN,         /* the domain has no such disk any more */
  PB_FINDING_DISK_UNREADABLE,      /* its image cannot be opened now */
  PB_FINDING_BITMAP_MISSING,       /* a checkpoint without its bitmap */
  PB_FINDING_BITMAP_IN_USE,        /* the image was not closed cleanly */
  PB_FINDING_BITMAP_DAMAGED,
  PB_FINDING_BITMAP_DISABLED,      /* does not record, and no chain goes on */
  PB_FINDING_BITMAP_GAP,           /* a layer of the backing chain lacks it */
  PB_FINDING_BITMAP_ORPHAN,        /* a bitmap without a checkpoint */
  PB_FINDING_BITMAP_GRANULARITY,   /* layers of one disk differ in it */
  PB_FINDING_IMAGE_REPLACED        /* a bitmap is not in the image in which it
                                    * was made */
};

/* What is wrong, where, and what pb_domain_repair () would do.  Strings are
 * NULL where they do not apply; TEXT never is.
 */
struct pb_finding {
  enum pb_finding_kind kind;
  const char *checkpoint;
  const char *disk;
  const char *path;   /* the file that it is about */
  const char *bitmap;
  const char *text;   /* one sentence for people */
  const char *repair; /* what a repair would do; NULL where only people can */
};

typedef struct pb_findings pb_findings;

enum pb_domain_repair_flags {
  /* What becomes of a bitmap without a checkpoint, which may be somebody
   * else's: make a checkpoint of it, or remove it.  At most one of the two;
   * with neither it has no repair.
   */
  PB_DOMAIN_REPAIR_ADOPT = 1,
  PB_DOMAIN_REPAIR_REMOVE = 2
};

enum pb_domain_examine_flags {
  /* Look at the state folder and the domain's definition alone, and open no
   * image: what only the images can tell is not found.
   */
  PB_DOMAIN_EXAMINE_NO_IMAGES = 4
};

/* Compare tree, state folder and the bitmaps of every disk.  A list without
 * entries means that all is well.  FLAGS are of enum pb_domain_examine_flags,
 * and of enum pb_domain_repair_flags those that a repair would be asked for
 * with.
 */
pb_findings *pb_domain_examine (pb_domain *domain,
                                unsigned flags) PB_MUST_CHECK;
size_t pb_findings_count (const pb_findings *findings);

/* INDEX must be below the count.  The strings belong to FINDINGS. */
int pb_findings_get (const pb_findings *findings, size_t index,
                     struct pb_finding *finding) PB_MUST_CHECK;

/* The word for KIND in reports: "bitmap-missing" and so on. */
const char *pb_finding_kind_name (enum pb_finding_kind kind);
void pb_findings_free (pb_findings *findings);

/* Do the repair of one finding, which may be of an earlier examination.  Fails
 * with ENOTSUP where it has none, and with ESTALE where it is no longer true.
 */
int pb_domain_repair (pb_domain *domain, const struct pb_finding *finding,
                      unsigned flags) PB_MUST_CHECK;

/*** Writing new qcow2 files (pb_writer(3)). ***/

enum pb_compression {
  PB_COMPRESSION_NONE = 0,
  PB_COMPRESSION_ZLIB = 1,
  PB_COMPRESSION_ZSTD = 2
};

enum pb_writer_flags {
  /* Replace a file that already has the output's name, once the new one is
   * finished, and any leftover that is in the way.  A file that anybody has
   * locked, as QEMU and this library do while they read it, is not replaced
   * (EBUSY): it may be a layer of the output's own backing chain.
   */
  PB_WRITER_FORCE = 1,

  /* Store every byte as data, also where it is zero. */
  PB_WRITER_KEEP_ZEROES = 2
};

struct pb_writer_options {
  size_t struct_size;                /* sizeof (struct pb_writer_options) */
  unsigned flags;                    /* of enum pb_writer_flags */
  uint32_t cluster_size;             /* power of two, 512 to 2 MiB; 0: 64 KiB,
                                      * or more where the disk needs it */
  enum pb_compression compression;
  int compression_level;             /* 0: the library's default */
  const char *backing_file;          /* as written into the header, or NULL */
  enum pb_format backing_format;
};

/* A new qcow2 file that is being written.  write and zero are safe from many
 * threads at once, on ranges that do not overlap.
 */
typedef struct pb_writer pb_writer;

/* What has been written so far. */
struct pb_writer_stats {
  uint64_t data_bytes;       /* guest bytes stored as data */
  uint64_t zero_bytes;       /* guest bytes given to pb_writer_zero () */
  uint64_t zero_found_bytes; /* guest bytes of pb_writer_write () that were
                              * zero and are not stored */
  uint64_t compressed_bytes; /* guest bytes among data_bytes that are stored
                              * compressed */
  uint64_t stored_bytes;     /* what data_bytes take in the file */
  uint64_t file_size;        /* of the file so far */
};

/* Start PATH as a qcow2 image with a virtual size of SIZE bytes (rounded up to
 * 512).  All is written to PATH.partial, which carries an incompatible feature
 * bit that every qcow2 reader refuses, until pb_writer_finish ().  A leftover
 * PATH.partial that is such an unfinished output (or an empty file) and that
 * nobody is writing is replaced; another file there is EEXIST, unless
 * PB_WRITER_FORCE is given and it is a regular file; one that somebody is using
 * is EBUSY.  OPTIONS may be NULL.  Memory is bounded whatever the size.
 */
pb_writer *pb_writer_create (const char *path, uint64_t size,
                             const struct pb_writer_options *options)
  PB_MUST_CHECK;

/* The cluster size in use. */
uint32_t pb_writer_get_cluster_size (const pb_writer *writer);

/* Store data, or store that the range reads as zeroes whatever the backing
 * file has.  OFFSET is a multiple of the cluster size, and so is COUNT unless
 * the range reaches the end of the disk, as it was given or as it was rounded.
 * Each cluster may be given once only (EINVAL where that is noticed); clusters
 * never given read from the backing file, or as zeroes.  After any other
 * failure than EINVAL the output is lost: every later call fails in the same
 * way.
 */
int pb_writer_write (pb_writer *writer, const void *buffer, size_t count,
                     uint64_t offset) PB_MUST_CHECK;
int pb_writer_zero (pb_writer *writer, uint64_t count,
                    uint64_t offset) PB_MUST_CHECK;

void pb_writer_get_stats (pb_writer *writer, struct pb_writer_stats *stats);

/* Write the tables, make all of it durable, take the mark away and give the
 * file its name.  No other call may be running.  Fails with EEXIST where PATH
 * has appeared meanwhile and PB_WRITER_FORCE was not given.  After success or
 * failure only pb_writer_get_stats () and pb_writer_free () may follow.
 */
int pb_writer_finish (pb_writer *writer) PB_MUST_CHECK;

/* Without a successful pb_writer_finish () this leaves PATH.partial as it is:
 * marked unfinished, and refused by every reader.
 */
void pb_writer_free (pb_writer *writer);

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif /* PULLBACK_H */
