/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-disks.c: the images behind a model, and what happens to them while
 * no checkpoint tool looks.
 */

#include "config.h"

#include <fcntl.h>

#include "checkpoint-disks.h"
#include "checkpoint-tools.h"
#include "process.h"
#include "unit.h"

#define ARGUMENTS_MAX 32

/*** Making. ***/

static uint64_t
random_cluster_size (void)
{
  static const uint64_t sizes[] = { 4096, 4096, 16384, 65536, 65536, 512 };

  return sizes[random_below (sizeof sizes / sizeof sizes[0])];
}

/* Empty.  Our own writer is as good as qemu-img here, and starts no process. */
static void
make_image (const char *path, uint64_t size, uint64_t cluster_size,
            const char *backing_file)
{
  char option[64], text[32];

  if (random_below (4) == 0) {
    snprintf (option, sizeof option, "cluster_size=%" PRIu64, cluster_size);
    snprintf (text, sizeof text, "%" PRIu64, size);
    if (backing_file)
      run_program ("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2",
                   "-b", backing_file, "-o", option, path, NULL);
    else
      run_program ("qemu-img", "create", "-q", "-f", "qcow2", "-o", option,
                   path, text, NULL);
  }
  else {
    struct pb_writer_options options = { .struct_size = sizeof options,
                                         .cluster_size = cluster_size,
                                         .backing_file = backing_file,
                                         .backing_format = PB_FORMAT_QCOW2 };
    pb_writer *writer = pb_writer_create (path, size, &options);

    CHECK_OK (writer);
    CHECK_OK (pb_writer_finish (writer) == 0);
    pb_writer_free (writer);
  }
}

/* Let there be a new, empty layer 0. */
static struct model_layer *
push_layer (struct model_disk *disk)
{
  CHECK (disk->nr_layers < MODEL_LAYERS);
  memmove (&disk->layers[1], &disk->layers[0],
           disk->nr_layers * sizeof disk->layers[0]);
  disk->nr_layers++;
  disk->layers[0] = (struct model_layer) { .nr_bitmaps = 0 };
  return &disk->layers[0];
}

static void
make_disk (struct model_disk *disk, size_t index, const char *folder,
           bool may_be_odd)
{
  struct model_layer *layer = &disk->layers[0];
  uint64_t odd = may_be_odd ? random_below (10) : 9;
  FILE *stream;

  *disk = (struct model_disk) {
    .kind = odd == 0   ? MODEL_DISK_RAW
            : odd == 1 ? MODEL_DISK_READ_ONLY
            : odd == 2 ? MODEL_DISK_EMPTY
                       : MODEL_DISK_QCOW2,
    .size = ((1 + random_below (4)) << 20),
  };
  if (random_below (4) == 0)
    disk->size -= MODEL_SECTOR * (1 + random_below (200));
  snprintf (disk->name, sizeof disk->name, "vd%c", 'a' + (int) index);
  if (disk->kind == MODEL_DISK_EMPTY)
    return;
  snprintf (layer->path, sizeof layer->path, "%s/%s", folder, disk->name);
  disk->nr_layers = 1;
  if (disk->kind == MODEL_DISK_RAW) {
    CHECK ((stream = fopen (layer->path, "w")) != NULL);
    CHECK (ftruncate (fileno (stream), disk->size) == 0);
    CHECK (fclose (stream) == 0);
    return;
  }
  layer->cluster_size = random_cluster_size ();
  make_image (layer->path, disk->size, layer->cluster_size, NULL);
}

void
disks_make (struct model *model, const char *folder, bool may_be_odd)
{
  static const size_t counts[] = { 1, 2, 2, 3 };

  model->nr_disks = counts[random_below (4)];
  for (size_t i = 0; i < model->nr_disks; i++) {
    make_disk (&model->disks[i], i, folder, may_be_odd && i > 0);
    trace ("disk %zu: kind %d, %" PRIu64 " bytes, cluster size %" PRIu64 "\n",
           i, model->disks[i].kind, model->disks[i].size,
           model->disks[i].layers[0].cluster_size);
  }
}

void
disks_make_two (struct model *model, const char *folder)
{
  model->nr_disks = 2;
  for (size_t i = 0; i < 2; i++) {
    struct model_disk *disk = &model->disks[i];

    *disk = (struct model_disk) { .size = MODEL_SIZE_MAX / 4 };
    snprintf (disk->name, sizeof disk->name, "vd%c", 'a' + (int) i);
    push_layer (disk);
    snprintf (disk->layers[0].path, sizeof disk->layers[0].path, "%s/%s",
              folder, disk->name);
    disk->layers[0].cluster_size = 65536;
    make_image (disk->layers[0].path, disk->size, 65536, NULL);
  }
}

/* disks: cannot say that a disk is read-only, or a drive empty. */
static bool
needs_xml (const struct model *model)
{
  for (size_t i = 0; i < model->nr_disks; i++)
    if (model->disks[i].kind == MODEL_DISK_READ_ONLY
        || model->disks[i].kind == MODEL_DISK_EMPTY)
      return true;
  return false;
}

static void
write_xml (const struct model *model, const char *path)
{
  FILE *stream = fopen (path, "w");

  CHECK (stream != NULL);
  fprintf (stream, "<domain type='kvm'>\n  <name>random</name>\n"
                   "  <uuid>5a9b8f6e-0b3c-4a53-9d5f-1c2d3e4f5a6b</uuid>\n"
                   "  <devices>\n");
  for (size_t i = 0; i < model->nr_disks; i++) {
    const struct model_disk *disk = &model->disks[i];

    fprintf (stream, "    <disk type='file' device='%s'>\n",
             disk->kind == MODEL_DISK_EMPTY ? "cdrom" : "disk");
    fprintf (stream, "      <driver name='qemu' type='%s'/>\n",
             disk->kind == MODEL_DISK_RAW ? "raw" : "qcow2");
    if (disk->nr_layers)
      fprintf (stream, "      <source file='%s'/>\n", disk->layers[0].path);
    fprintf (stream, "      <target dev='%s'/>\n%s    </disk>\n", disk->name,
             disk->kind == MODEL_DISK_READ_ONLY ? "      <readonly/>\n" : "");
  }
  fprintf (stream, "  </devices>\n</domain>\n");
  CHECK (fclose (stream) == 0);
}

void
disks_uri (const struct model *model, const char *folder, bool as_xml,
           char *uri, size_t count)
{
  if (as_xml || needs_xml (model)) {
    CHECK ((size_t) snprintf (uri, count, "xml:%s/domain.xml", folder)
           < count);
    write_xml (model, uri + strlen ("xml:"));
    return;
  }
  strcpy (uri, "disks:");
  for (size_t i = 0; i < model->nr_disks; i++) {
    const struct model_disk *disk = &model->disks[i];
    size_t used = strlen (uri);

    CHECK ((size_t) snprintf (uri + used, count - used, "%s%s=%s%s",
                              i ? "," : "", disk->name,
                              disk->kind == MODEL_DISK_RAW ? "raw:" : "",
                              disk->layers[0].path)
           < count - used);
  }
}

/*** Changing. ***/

/* One request, as qemu-io has it. */
static void
random_request (struct model *model, size_t disk, char text[64])
{
  static const char *const verbs[]
    = { "write -P 7", "write -P 9", "write -z", "write -zu", "discard" };
  uint64_t size = model->disks[disk].size;
  uint64_t sectors = size / MODEL_SECTOR;
  uint64_t offset = random_below (sectors), length;
  const char *verb = verbs[random_below (5)];

  if (random_below (4) == 0)
    offset = offset / 128 * 128;
  length = 1 + random_below (random_below (3) ? 64 : 1024);
  if (length > sectors - offset)
    length = sectors - offset;
  snprintf (text, 64, "%s %" PRIu64 " %" PRIu64, verb, offset * MODEL_SECTOR,
            length * MODEL_SECTOR);
  model_write (model, disk, offset * MODEL_SECTOR, length * MODEL_SECTOR);
  trace ("    %s\n", text);
}

static void
mark_in_use (struct model_layer *layer)
{
  for (size_t i = 0; i < layer->nr_bitmaps; i++)
    layer->bitmaps[i].in_use = true;
}

void
disks_write (struct model *model, size_t disk, bool killed)
{
  struct model_layer *layer = &model->disks[disk].layers[0];
  const char *argv[ARGUMENTS_MAX]
    = { "qemu-io", "-f", "qcow2", "-d", "unmap" };
  size_t argc = 5, nr = 1 + random_below (5);
  char requests[5][64];

  trace ("  qemu-io on %s%s\n", layer->path, killed ? ", killed" : "");
  for (size_t i = 0; i < nr; i++) {
    random_request (model, disk, requests[i]);
    argv[argc++] = "-c";
    argv[argc++] = requests[i];
  }
  if (killed) {
    argv[argc++] = "-c";
    argv[argc++] = "abort";
  }
  argv[argc++] = layer->path;
  if (killed) {
    CHECK_FAILS (process_run (argv, -1) == -1, EIO, "killed");
    mark_in_use (layer);
  }
  else
    CHECK_OK (process_run (argv, -1) == 0);
}

void
disks_add_bitmap (struct model *model, size_t disk, const char *name,
                  uint64_t granularity)
{
  struct model_layer *layer = &model->disks[disk].layers[0];
  char text[32];

  trace ("  add bitmap %s to %s, granularity %" PRIu64 "\n", name, layer->path,
         granularity);
  snprintf (text, sizeof text, "%" PRIu64, granularity);
  if (granularity)
    run_program ("qemu-img", "bitmap", "--add", "-f", "qcow2", "-g", text,
                 layer->path, name, NULL);
  else
    run_program ("qemu-img", "bitmap", "--add", "-f", "qcow2", layer->path,
                 name, NULL);
  model_add_bitmap (layer, name, granularity, true);
}

void
disks_remove_bitmap (struct model *model, size_t disk, size_t layer,
                     const char *name)
{
  struct model_layer *l = &model->disks[disk].layers[layer];

  trace ("  remove bitmap %s from %s\n", name, l->path);
  run_program ("qemu-img", "bitmap", "--remove", "-f", "qcow2", l->path, name,
               NULL);
  model_remove_bitmap (l, name);
}

void
disks_disable_bitmap (struct model *model, size_t disk, size_t layer,
                      const char *name)
{
  struct model_layer *l = &model->disks[disk].layers[layer];

  trace ("  disable bitmap %s in %s\n", name, l->path);
  run_program ("qemu-img", "bitmap", "--disable", "-f", "qcow2", l->path, name,
               NULL);
  model_find_bitmap (l, name)->enabled = false;
}

void
disks_snapshot (struct model *model, size_t disk, const char *folder,
                bool as_libvirt)
{
  struct model_disk *d = &model->disks[disk];
  struct model_layer *top;
  char names[MODEL_BITMAPS][MODEL_NAME];
  uint64_t granularity[MODEL_BITMAPS];
  size_t count = 0;

  for (size_t i = 0; i < d->layers[0].nr_bitmaps; i++) {
    const struct model_bitmap *bitmap = &d->layers[0].bitmaps[i];

    if (!model_is_valid (d, bitmap->name)
        || (!as_libvirt && random_below (2)))
      continue;
    granularity[count] = bitmap->granularity;
    if (!as_libvirt && random_below (4) == 0)
      granularity[count] = 4096;
    strcpy (names[count++], bitmap->name);
  }

  top = push_layer (d);
  snprintf (top->path, sizeof top->path, "%s/vd%c.%zu", folder,
            'a' + (int) disk, d->nr_layers - 1);
  top->cluster_size = random_cluster_size ();
  trace ("  overlay %s%s\n", top->path, as_libvirt ? "" : ", bitmaps left out");
  make_image (top->path, d->size, top->cluster_size, d->layers[1].path);
  for (size_t i = 0; i < count; i++)
    disks_add_bitmap (model, disk, names[i], granularity[i]);
}

/* On one disk. */
static void
make_chain_on_disk (struct model *model, size_t disk, const char *folder,
                    size_t count)
{
  static const char *const names[] = { "a", "b", "c" };
  uint64_t granularity
    = random_below (2) ? 0 : UINT64_C (512) << random_below (8);

  for (size_t i = 0; i < count; i++) {
    struct model_checkpoint *checkpoint = model_find (model, names[i]);

    if (i > 0)
      disks_disable_bitmap (model, disk, 0, names[i - 1]);
    disks_add_bitmap (model, disk, names[i], granularity);
    /* Its time begins now. */
    checkpoint->written[disk] = (struct sectors) { { 0 } };
    checkpoint->has_bitmap[disk] = true;
    disks_write (model, disk, false);
    if (folder && chance (4) && model->disks[disk].nr_layers == 1) {
      disks_snapshot (model, disk, folder, true);
      disks_write (model, disk, false);
    }
  }
}

void
disks_make_chain (struct model *model, const char *folder, size_t count)
{
  static const char *const names[] = { "a", "b", "c" };

  trace ("chain of %zu\n", count);
  for (size_t i = 0; i < count; i++) {
    struct model_checkpoint *checkpoint = model_start (model, names[i]);

    checkpoint->origin = MODEL_OPEN;
    checkpoint->time = 1000 + i;
    if (i > 0)
      strcpy (checkpoint->parent, names[i - 1]);
  }
  for (size_t i = 0; i < model->nr_disks; i++)
    if (model->disks[i].kind == MODEL_DISK_QCOW2)
      make_chain_on_disk (model, i, folder, count);
  model->is_whole_chain = true;
}

int
disks_hold (const char *path, bool writes)
{
  /* Reads, and lets nobody write; a writer's own permissions. */
  static const off_t reader[] = { 100, 201, 203 }, writer[] = { 101, 103 };
  int fd = open (path, O_RDWR | O_CLOEXEC);

  CHECK (fd != -1);
  for (size_t i = 0; i < 5; i++) {
    struct flock lock = { .l_type = F_RDLCK,
                          .l_whence = SEEK_SET,
                          .l_start = i < 3 ? reader[i] : writer[i - 3],
                          .l_len = 1 };

    if (i < 3 || writes)
      CHECK (fcntl (fd, F_OFD_SETLK, &lock) == 0);
  }
  return fd;
}
