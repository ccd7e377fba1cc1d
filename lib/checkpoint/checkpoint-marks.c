/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-marks.c: what only we know of a checkpoint. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint-marks.h"
#include "error.h"
#include "percent.h"

#define TARGET      "pullback"
#define INDEPENDENT "independent"

static int
write_made_in (FILE *stream, const struct checkpoint_disk *disk)
{
  const struct image_identity *image = &disk->made_in;
  char *CLEANUP_FREE path = NULL;

  if (image->path == NULL)
    return 0;
  path = percent_encode (image->path);
  if (path == NULL)
    return -1;
  fputs ("<?" TARGET, stream);
  xml_write_attribute (stream, "disk", disk->name);
  xml_write_attribute (stream, "image", path);
  fprintf (stream, " file-system='%" PRIu64 "' inode='%" PRIu64 "'?>\n",
           image->file_system, image->inode);
  return 0;
}

int
checkpoint_marks_write (FILE *stream, const struct checkpoint_def *def)
{
  if (def->independent)
    fputs ("<?" TARGET " bitmaps='" INDEPENDENT "'?>\n", stream);
  for (size_t i = 0; i < def->nr_disks; i++)
    if (write_made_in (stream, &def->disks[i]) == -1)
      return -1;
  return 0;
}

static int
set_fault (const char *fault)
{
  pb_set_error (EINVAL, "instruction <?" TARGET "?>: %s", fault);
  return -1;
}

static struct checkpoint_disk *
find_disk (struct checkpoint_def *def, const char *name)
{
  for (size_t i = 0; i < def->nr_disks; i++)
    if (strcmp (def->disks[i].name, name) == 0)
      return &def->disks[i];
  return NULL;
}

static int
parse_made_in (struct checkpoint_def *def, const xmlNode *mark)
{
  struct image_identity image = { .path = NULL };
  struct checkpoint_disk *disk;
  bool failed = false;
  char *CLEANUP_FREE name = xml_attribute (mark, "disk", &failed);
  char *CLEANUP_FREE path = xml_attribute (mark, "image", &failed);
  char *CLEANUP_FREE file_system = xml_attribute (mark, "file-system", &failed);
  char *CLEANUP_FREE inode = xml_attribute (mark, "inode", &failed);

  if (failed) {
    errno = ENOMEM;
    set_error_errno ("instruction");
    return -1;
  }
  if (name == NULL || path == NULL || file_system == NULL || inode == NULL)
    return set_fault ("says neither what bitmaps are nor where a disk's was "
                      "made");
  if (xml_parse_number ("file-system", file_system, &image.file_system) == -1
      || xml_parse_number ("inode", inode, &image.inode) == -1)
    return -1;
  image.path = percent_decode ("image", path);
  if (image.path == NULL)
    return -1;
  disk = find_disk (def, name);
  if (disk == NULL || disk->kind != CHECKPOINT_DISK_BITMAP
      || disk->made_in.path) {
    image_identity_clear (&image);
    return 0;
  }
  disk->made_in = image;
  return 0;
}

static int
parse_mark (struct checkpoint_def *def, const xmlNode *mark)
{
  bool failed = false;
  char *CLEANUP_FREE bitmaps = xml_attribute (mark, "bitmaps", &failed);

  if (failed) {
    errno = ENOMEM;
    set_error_errno ("instruction");
    return -1;
  }
  if (bitmaps == NULL)
    return parse_made_in (def, mark);
  if (strcmp (bitmaps, INDEPENDENT) != 0)
    return set_fault ("it is not known what kind of bitmaps that is");
  def->independent = true;
  return 0;
}

/* The text of an instruction is like the attributes of an element. */
static int
parse_instruction (struct checkpoint_def *def, const xmlNode *node)
{
  xmlDoc *CLEANUP_XML_DOC doc = NULL;
  char *CLEANUP_FREE element = NULL;
  int n = asprintf (&element, "<" TARGET " %s/>",
                    node->content ? (const char *) node->content : "");

  if (n == -1) {
    element = NULL;
    set_error_errno ("instruction");
    return -1;
  }
  doc = xml_parse ("instruction <?" TARGET "?>", element, n);
  return doc ? parse_mark (def, xmlDocGetRootElement (doc)) : -1;
}

int
checkpoint_marks_parse (struct checkpoint_def *def, const xmlDoc *doc)
{
  for (const xmlNode *node = doc->children; node; node = node->next)
    if (node->type == XML_PI_NODE
        && strcmp ((const char *) node->name, TARGET) == 0
        && parse_instruction (def, node) == -1)
      return -1;
  return 0;
}
