/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* extents.c: the checked layer between a source of extents and its reader. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "extents.h"
#include "round.h"

struct pb_extents {
  struct pb_extents_ops ops;
  void *opaque;
  uint64_t start;
  uint64_t end;
  uint64_t position; /* where the next extent starts */

  /* After a failure: what it was, to be told again at every later call. */
  int errnum;
  char *message; /* may be NULL: there was no memory to keep it */
};

int
check_range (const char *name, uint64_t offset, uint64_t length, uint64_t size)
{
  if (range_is_inside (offset, length, size))
    return 0;
  pb_set_error (EINVAL,
                "%s: %" PRIu64 " bytes at offset 0x%" PRIx64
                " are beyond its end at 0x%" PRIx64,
                name, length, offset, size);
  return -1;
}

static void
free_opaque (const struct pb_extents_ops *ops, void *opaque)
{
  if (ops->free)
    ops->free (opaque);
}

pb_extents *
pb_extents_new (uint64_t offset, uint64_t length,
                const struct pb_extents_ops *ops, void *opaque)
{
  pb_extents *extents;

  /* No disk is larger, and code on top may round up without overflow. */
  if (check_range ("extents", offset, length, PB_DISK_SIZE_MAX) == -1) {
    free_opaque (ops, opaque);
    return NULL;
  }
  extents = calloc (1, sizeof *extents);
  if (!extents) {
    set_error_errno ("extents");
    free_opaque (ops, opaque);
    return NULL;
  }
  extents->ops = *ops;
  extents->opaque = opaque;
  extents->start = extents->position = offset;
  extents->end = offset + length;
  return extents;
}

void
pb_extents_free (pb_extents *extents)
{
  if (!extents)
    return;
  free_opaque (&extents->ops, extents->opaque);
  free (extents->message);
  free (extents);
}

uint64_t
pb_extents_get_start (const pb_extents *extents)
{
  return extents->start;
}

uint64_t
pb_extents_get_end (const pb_extents *extents)
{
  return extents->end;
}

bool
extents_are_untouched (const pb_extents *extents)
{
  return extents->position == extents->start && extents->errnum == 0;
}

/* Keep the error that is set, so that the stream stays dead. */
static int
fail (pb_extents *extents)
{
  extents->errnum = pb_get_errno () ? pb_get_errno () : EIO;
  extents->message = strdup (pb_get_error ());
  return -1;
}

static int
fail_again (const pb_extents *extents)
{
  pb_set_error (extents->errnum, "%s",
                extents->message ? extents->message
                                 : strerror (extents->errnum));
  return -1;
}

int
pb_extents_next (pb_extents *extents, struct pb_extent *extent)
{
  struct pb_extent next = { .offset = extents->position };

  if (extents->errnum != 0)
    return fail_again (extents);
  if (extents->position == extents->end)
    return 0;

  if (extents->ops.status (extents->opaque, extents->position, extents->end,
                           &next)
      == -1)
    return fail (extents);
  if (next.offset != extents->position || next.length == 0) {
    pb_set_error (EIO,
                  "extents: the source answered for offset 0x%" PRIx64
                  " with %" PRIu64 " bytes at 0x%" PRIx64,
                  extents->position, next.length, next.offset);
    return fail (extents);
  }

  next.length = min_u64 (next.length, extents->end - next.offset);
  extents->position += next.length;
  *extent = next;
  return 1;
}

/* pb_extents_constant: the opaque pointer is a copy of the flags. */

static int
constant_status (void *opaque, uint64_t offset, uint64_t end,
                 struct pb_extent *extent)
{
  const uint32_t *flags = opaque;

  extent->length = end - offset;
  extent->flags = *flags;
  return 0;
}

pb_extents *
pb_extents_constant (uint64_t offset, uint64_t length, uint32_t flags)
{
  static const struct pb_extents_ops ops = {
    .status = constant_status,
    .free = free,
  };
  uint32_t *copy = malloc (sizeof *copy);

  if (!copy) {
    set_error_errno ("extents");
    return NULL;
  }
  *copy = flags;
  return pb_extents_new (offset, length, &ops, copy);
}
