/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* memory-stream.h: text that grows while it is written with stdio. */

#ifndef PULLBACK_MEMORY_STREAM_H
#define PULLBACK_MEMORY_STREAM_H

#include <stddef.h>
#include <stdio.h>

#include "cleanup.h"

/* struct memory_stream CLEANUP_MEMORY_STREAM out = { 0 }; */
struct memory_stream {
  FILE *stream; /* to write to; failures are seen at the end */
  char *text;
  size_t size;
};

/* WHAT is for the error. */
int memory_stream_open (struct memory_stream *memory, const char *what);

/* What was written, freed by the caller, with a NUL behind its end.  NULL,
 * with an error that names WHAT, where memory was short at any time.
 */
char *memory_stream_finish (struct memory_stream *memory, const char *what);

void memory_stream_clear (struct memory_stream *memory);

#define CLEANUP_MEMORY_STREAM CLEANUP (memory_stream_clear)

#endif /* PULLBACK_MEMORY_STREAM_H */
