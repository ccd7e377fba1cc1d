/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory-stream.c: text that grows while it is written with stdio. */

#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "error.h"
#include "memory-stream.h"

int
memory_stream_open (struct memory_stream *memory, const char *what)
{
  *memory = (struct memory_stream) { .stream = NULL };
  memory->stream = open_memstream (&memory->text, &memory->size);
  if (memory->stream == NULL) {
    set_error_errno ("%s", what);
    return -1;
  }
  return 0;
}

char *
memory_stream_finish (struct memory_stream *memory, const char *what)
{
  bool failed = ferror (memory->stream) != 0;

  if (fclose (STEAL (memory->stream)) == EOF || failed) {
    errno = ENOMEM; /* the one way in which memory fails */
    set_error_errno ("%s", what);
    memory_stream_clear (memory);
    return NULL;
  }
  return STEAL (memory->text);
}

void
memory_stream_clear (struct memory_stream *memory)
{
  if (memory->stream)
    fclose (STEAL (memory->stream));
  free (STEAL (memory->text));
}
