/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu-img.c: bitmaps of an image that nobody has open, changed by qemu-img. */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <json-c/json.h>
#include <libxml/xmlstring.h>

#include "cleanup.h"
#include "error.h"
#include "process.h"
#include "qemu-img.h"

/* qemu-img bitmap, its options, and the four arguments after them. */
#define ARGUMENTS_MAX 16

struct command {
  const char *argv[ARGUMENTS_MAX];
  size_t argc;
};

void
qemu_img_target_clear (struct qemu_img_target *target)
{
  free (target->path);
  free (target->data_file);
  *target = (struct qemu_img_target) { 0 };
}

static void
add_argument (struct command *command, const char *argument)
{
  assert (command->argc + 1 < ARGUMENTS_MAX);
  command->argv[command->argc++] = argument;
}

/* VALUE is taken over, also where this fails. */
static int
add_member (json_object *object, const char *key, json_object *value)
{
  if (json_object_object_add (object, key, value) == 0)
    return 0;
  json_object_put (value);
  return -1;
}

static int
add_string (json_object *object, const char *key, const char *text)
{
  json_object *value = json_object_new_string (text);

  return value ? add_member (object, key, value) : -1;
}

/* The node that accesses the file PATH. */
static json_object *
file_node (const char *path, bool is_block_device)
{
  json_object *node = json_object_new_object ();

  if (node == NULL)
    return NULL;
  if (add_string (node, "driver", is_block_device ? "host_device" : "file")
        == -1
      || add_string (node, "filename", path) == -1) {
    json_object_put (node);
    return NULL;
  }
  return node;
}

static int
add_file_node (json_object *object, const char *key, const char *path,
               bool is_block_device)
{
  json_object *node = file_node (path, is_block_device);

  return node ? add_member (object, key, node) : -1;
}

/* The image as QEMU's json: syntax has it.  With "backing": null the backing
 * file is not opened, and with "data-file" not the one that the image names.
 */
static char *
describe_target (const struct qemu_img_target *target)
{
  json_object *image = json_object_new_object ();
  char *text = NULL;

  if (image && add_string (image, "driver", "qcow2") == 0
      && add_file_node (image, "file", target->path, target->is_block_device)
           == 0
      && (target->data_file == NULL
          || add_file_node (image, "data-file", target->data_file,
                            target->data_file_is_block_device)
               == 0)
      && json_object_object_add (image, "backing", NULL) == 0) {
    const char *json = json_object_to_json_string_ext (
      image, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

    if (json == NULL || asprintf (&text, "json:%s", json) == -1)
      text = NULL;
  }
  json_object_put (image);
  if (text == NULL)
    pb_set_error (ENOMEM, "%s: out of memory", target->path);
  return text;
}

static int
check_encoding (const struct qemu_img_target *target, const char *path)
{
  if (path == NULL || xmlCheckUTF8 ((const unsigned char *) path))
    return 0;
  pb_set_error (EILSEQ,
                "%s: its bitmaps cannot be changed, because qemu-img takes "
                "names in UTF-8 only, and %s is not; rename it",
                target->path, path);
  return -1;
}

static void
prefix_not_installed (const char *path)
{
  prefix_error ("%s: qemu-img changes the bitmaps of images at rest; install "
                "it (qemu-utils)",
                path);
}

int
qemu_img_check (const char *path)
{
  int r = process_check ("qemu-img");

  if (r == -1)
    prefix_not_installed (path);
  return r;
}

/* Run COMMAND, which has its options, on BITMAP of the target. */
static int
run (struct command *command, const struct qemu_img_target *target,
     const char *bitmap, int lock_fd)
{
  if (check_encoding (target, target->path) == -1
      || check_encoding (target, target->data_file) == -1)
    return -1;

  char *CLEANUP_FREE image = describe_target (target);
  if (image == NULL)
    return -1;
  add_argument (command, "--");
  add_argument (command, image);
  add_argument (command, bitmap);
  add_argument (command, NULL);
  if (process_run (command->argv, lock_fd) == 0)
    return 0;
  if (pb_get_errno () == ENOENT)
    prefix_not_installed (target->path);
  else
    prefix_error ("%s", target->path);
  return -1;
}

static struct command
start (void)
{
  return (struct command) { .argv = { "qemu-img", "bitmap" }, .argc = 2 };
}

/* TEXT, of 32 bytes, holds the number as long as COMMAND is used. */
static void
add_granularity (struct command *command, char text[32], uint64_t granularity)
{
  snprintf (text, 32, "%" PRIu64, granularity);
  add_argument (command, "-g");
  add_argument (command, text);
}

int
qemu_img_add (const struct qemu_img_target *target, const char *bitmap,
              uint64_t granularity, int lock_fd)
{
  struct command command = start ();
  char number[32];

  add_argument (&command, "--add");
  if (granularity)
    add_granularity (&command, number, granularity);
  return run (&command, target, bitmap, lock_fd);
}

int
qemu_img_remove (const struct qemu_img_target *target, const char *bitmap,
                 int lock_fd)
{
  struct command command = start ();

  add_argument (&command, "--remove");
  return run (&command, target, bitmap, lock_fd);
}

int
qemu_img_disable (const struct qemu_img_target *target, const char *bitmap,
                  int lock_fd)
{
  struct command command = start ();

  add_argument (&command, "--disable");
  return run (&command, target, bitmap, lock_fd);
}

int
qemu_img_merge (const struct qemu_img_target *target, const char *bitmap,
                const char *source, uint64_t new_granularity, bool enable,
                int lock_fd)
{
  struct command command = start ();
  char number[32];

  if (new_granularity) {
    add_granularity (&command, number, new_granularity);
    add_argument (&command, "--add");
    add_argument (&command, "--disable");
  }
  add_argument (&command, "--merge");
  add_argument (&command, source);
  if (enable)
    add_argument (&command, "--enable");
  return run (&command, target, bitmap, lock_fd);
}
