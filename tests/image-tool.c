/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* image-tool.c: what the library makes of an image, for the shell tests.
 *
 *   image-tool [--raw] [--data-file] [--allow-writer] [--no-backing] IMAGE
 *              info | map | read OFFSET LENGTH | dump | bitmaps | bitmap NAME
 *              | layers | layer-bitmap LAYER NAME | hold
 *
 * info, map, bitmaps, bitmap, layers and layer-bitmap print JSON; maps with
 * equal neighbours merged, so that they can be compared with those of others.
 * read and dump write the bytes.  hold keeps the image open until its input
 * ends, having said "open".
 */

#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image.h"
#include "pullback.h"

#define DUMP_BYTES ((size_t) 1 << 20)

static void
fail (void)
{
  fflush (stdout);
  fprintf (stderr, "image-tool: %s\n", pb_get_error ());
  exit (1);
}

static void
usage (void)
{
  fprintf (stderr, "usage: image-tool [--raw] [--data-file] [--allow-writer] "
                   "[--no-backing] IMAGE COMMAND [ARGS]\n");
  exit (2);
}

static uint64_t
parse_number (const char *text)
{
  char *end;
  uint64_t value = strtoull (text, &end, 0);

  if (*text == '\0' || *end != '\0')
    usage ();
  return value;
}

static void
print_string (const char *text)
{
  if (text == NULL) {
    printf ("null");
    return;
  }
  putchar ('"');
  for (; *text; text++) {
    unsigned char c = *text;

    if (c == '"' || c == '\\')
      printf ("\\%c", c);
    else if (c < ' ')
      printf ("\\u%04x", c);
    else
      putchar (c);
  }
  putchar ('"');
}

static void
print_info (pb_image *image)
{
  printf ("{\"size\": %" PRIu64 ", \"cluster-size\": %" PRIu64
          ", \"depth\": %u, \"backing-file\": ",
          pb_image_get_size (image), pb_image_get_cluster_size (image),
          pb_image_get_depth (image));
  print_string (pb_image_get_backing_file (image));
  printf (", \"bitmaps\": %zu}\n", pb_image_nr_bitmaps (image));
}

static void
print_extents (pb_extents *extents)
{
  struct pb_extent extent;
  const char *separator = "";
  int r;

  extents = pb_extents_coalesce (extents, 0);
  if (extents == NULL)
    fail ();
  printf ("[");
  while ((r = pb_extents_next (extents, &extent)) == 1) {
    printf ("%s{\"start\": %" PRIu64 ", \"length\": %" PRIu64
            ", \"depth\": %u, \"zero\": %s, \"hole\": %s, \"dirty\": %s}",
            separator, extent.offset, extent.length, extent.depth,
            extent.flags & PB_EXTENT_ZERO ? "true" : "false",
            extent.flags & PB_EXTENT_HOLE ? "true" : "false",
            extent.flags & PB_EXTENT_DIRTY ? "true" : "false");
    separator = ",\n ";
  }
  if (r == -1)
    fail ();
  printf ("]\n");
  pb_extents_free (extents);
}

static void
copy_out (pb_image *image, uint64_t offset, uint64_t length)
{
  char *buffer = malloc (DUMP_BYTES);

  if (buffer == NULL)
    abort ();
  while (length > 0) {
    size_t n = length < DUMP_BYTES ? length : DUMP_BYTES;

    if (pb_image_pread (image, buffer, n, offset) == -1)
      fail ();
    if (fwrite (buffer, 1, n, stdout) != n) {
      perror ("image-tool: standard output");
      exit (1);
    }
    offset += n;
    length -= n;
  }
  free (buffer);
}

static void
print_bitmaps (pb_image *image, unsigned layer)
{
  printf ("[");
  for (size_t i = 0; i < image_layer_nr_bitmaps (image, layer); i++) {
    struct pb_bitmap_info info;

    if (image_layer_bitmap_info (image, layer, i, &info) == -1)
      fail ();
    printf ("%s{\"name\": ", i ? ",\n " : "");
    print_string (info.name);
    printf (", \"granularity\": %" PRIu64
            ", \"enabled\": %s, \"in-use\": %s, \"usable\": %s, \"reason\": ",
            info.granularity, info.enabled ? "true" : "false",
            info.in_use ? "true" : "false", info.usable ? "true" : "false");
    print_string (info.reason);
    printf ("}");
  }
  printf ("]\n");
}

static void
print_layers (pb_image *image)
{
  printf ("[");
  for (unsigned i = 0; i < pb_image_get_depth (image); i++) {
    printf ("%s{\"path\": ", i ? ",\n " : "");
    print_string (image_layer_path (image, i));
    printf (", \"size\": %" PRIu64 ", \"damage\": ",
            image_layer_size (image, i));
    print_string (image_layer_bitmap_damage (image, i));
    printf (", \"bitmaps\": ");
    print_bitmaps (image, i);
    printf ("}");
  }
  printf ("]\n");
}

/* Takes BITMAP. */
static void
print_bitmap (pb_bitmap *bitmap)
{
  if (bitmap == NULL)
    fail ();
  print_extents (
    pb_bitmap_extents (bitmap, 0, pb_bitmap_get_size (bitmap)));
  pb_bitmap_free (bitmap);
}

static void
hold (void)
{
  printf ("open\n");
  fflush (stdout);
  while (getchar () != EOF)
    ;
}

static void
run_command (pb_image *image, int argc, char **argv)
{
  const char *command = argv[0];

  if (strcmp (command, "info") == 0 && argc == 1)
    print_info (image);
  else if (strcmp (command, "map") == 0 && argc == 1)
    print_extents (pb_image_map (image, 0, pb_image_get_size (image)));
  else if (strcmp (command, "read") == 0 && argc == 3)
    copy_out (image, parse_number (argv[1]), parse_number (argv[2]));
  else if (strcmp (command, "dump") == 0 && argc == 1)
    copy_out (image, 0, pb_image_get_size (image));
  else if (strcmp (command, "bitmaps") == 0 && argc == 1)
    print_bitmaps (image, 0);
  else if (strcmp (command, "bitmap") == 0 && argc == 2)
    print_bitmap (pb_image_load_bitmap (image, argv[1]));
  else if (strcmp (command, "layers") == 0 && argc == 1)
    print_layers (image);
  else if (strcmp (command, "layer-bitmap") == 0 && argc == 3
           && parse_number (argv[1]) < pb_image_get_depth (image))
    print_bitmap (
      image_layer_load_bitmap (image, parse_number (argv[1]), argv[2]));
  else if (strcmp (command, "hold") == 0 && argc == 1)
    hold ();
  else
    usage ();
}

int
main (int argc, char **argv)
{
  enum pb_format format = PB_FORMAT_QCOW2;
  unsigned flags = 0;
  pb_image *image;
  int i;

  for (i = 1; i < argc && strncmp (argv[i], "--", 2) == 0; i++) {
    if (strcmp (argv[i], "--raw") == 0)
      format = PB_FORMAT_RAW;
    else if (strcmp (argv[i], "--data-file") == 0)
      flags |= PB_IMAGE_DATA_FILE;
    else if (strcmp (argv[i], "--allow-writer") == 0)
      flags |= PB_IMAGE_ALLOW_WRITER;
    else if (strcmp (argv[i], "--no-backing") == 0)
      flags |= PB_IMAGE_NO_BACKING;
    else
      usage ();
  }
  if (argc - i < 2)
    usage ();
  image = pb_image_open (argv[i], format, flags);
  if (image == NULL)
    fail ();
  run_command (image, argc - i - 1, argv + i + 1);
  pb_image_free (image);
  if (fflush (stdout) != 0) {
    perror ("image-tool: standard output");
    return 1;
  }
  return 0;
}
