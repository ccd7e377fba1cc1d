/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* replay.c: give files to a fuzz entry, in place of libFuzzer.
 *
 *   replay-ENTRY FILE...
 */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

static int
replay (const char *name)
{
  FILE *stream = fopen (name, "rb");
  uint8_t *data;
  size_t size;

  if (stream == NULL) {
    perror (name);
    return -1;
  }
  data = malloc (FUZZ_INPUT_MAX + 1);
  size = data ? fread (data, 1, FUZZ_INPUT_MAX + 1, stream) : 0;
  fclose (stream);
  if (size == 0 || size > FUZZ_INPUT_MAX) {
    fprintf (stderr, "%s: is empty or too large for an input\n", name);
    free (data);
    return -1;
  }

  /* Of exactly its size, so that a read beyond its end is found. */
  uint8_t *input = realloc (data, size);
  if (input == NULL) {
    perror (name);
    free (data);
    return -1;
  }
  LLVMFuzzerTestOneInput (input, size);
  free (input);
  return 0;
}

int
main (int argc, char *argv[])
{
  if (argc < 2) {
    fprintf (stderr, "usage: %s FILE...\n", argv[0]);
    return 2;
  }
  for (int i = 1; i < argc; i++)
    if (replay (argv[i]) == -1)
      return 1;
  printf ("%d files\n", argc - 1);
  return 0;
}
