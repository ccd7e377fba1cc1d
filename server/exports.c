/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* exports.c: the disks that are served. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exports.h"
#include "log.h"
#include "nbd-protocol.h"

#define DIRTY_PREFIX "qemu:dirty-bitmap:"

static int
out_of_memory (const char *name)
{
  pb_set_error (ENOMEM, "disk %s: out of memory", name);
  return -1;
}

static int
add_context (struct export *export, enum context_kind kind, const char *prefix,
             const char *map)
{
  struct context *context = &export->contexts[export->nr_contexts];

  if (asprintf (&context->name, "%s%s", prefix, map) == -1) {
    context->name = NULL;
    return out_of_memory (export->name);
  }
  context->kind = kind;
  context->map = context->name + strlen (prefix);
  export->nr_contexts++;
  return 0;
}

static int
add_dirty_map (struct export *export, const struct pb_bitmap_info *info)
{
  struct context *context = &export->contexts[export->nr_contexts];

  if (!info->usable) {
    log_line ("disk %s: bitmap %s is not served: %s", export->name, info->name,
              info->reason);
    return 0;
  }
  if (add_context (export, CONTEXT_DIRTY, DIRTY_PREFIX, info->name) == -1)
    return -1;
  context->is_disabled = !info->enabled;
  if (context->is_disabled)
    log_verbose ("disk %s: bitmap %s is disabled: QEMU does not record into "
                 "it, so an increment from it alone misses later changes",
                 export->name, info->name);
  return 0;
}

static int
add_contexts (struct export *export)
{
  size_t nr = pb_view_nr_dirty_maps (export->view);
  struct pb_bitmap_info info;

  export->contexts = calloc (nr + 2, sizeof export->contexts[0]);
  if (export->contexts == NULL)
    return out_of_memory (export->name);
  if (add_context (export, CONTEXT_ALLOCATION, "base:allocation", "") == -1)
    return -1;
  if (pb_view_has_depth (export->view)
      && add_context (export, CONTEXT_DEPTH, "qemu:allocation-depth", "")
           == -1)
    return -1;
  for (size_t i = 0; i < nr; i++) {
    if (pb_view_get_dirty_map_info (export->view, i, &info) == -1
        || add_dirty_map (export, &info) == -1)
      return -1;
  }
  return 0;
}

static void
export_clear (struct export *export)
{
  for (size_t i = 0; i < export->nr_contexts; i++)
    free (export->contexts[i].name);
  free (export->contexts);
  pb_view_free (export->view);
  free (export->name);
}

int
exports_add (struct exports *exports, const char *name, pb_view *view)
{
  struct export export = { .view = view };
  struct export *list;

  if (strlen (name) > NBD_STRING_MAX) {
    pb_set_error (ENAMETOOLONG, "disk %.40s...: NBD has names of %d bytes at "
                                "most",
                  name, NBD_STRING_MAX);
    goto error;
  }
  if (exports_find (exports, name, strlen (name))) {
    pb_set_error (EINVAL, "disk %s: there are two disks of this name", name);
    goto error;
  }
  export.name = strdup (name);
  if (export.name == NULL) {
    out_of_memory (name);
    goto error;
  }
  if (add_contexts (&export) == -1)
    goto error;
  list = reallocarray (exports->list, exports->count + 1, sizeof *list);
  if (list == NULL) {
    out_of_memory (name);
    goto error;
  }
  exports->list = list;
  exports->list[exports->count++] = export;
  return 0;

error:
  export_clear (&export);
  return -1;
}

const struct export *
exports_find (const struct exports *exports, const void *name, size_t length)
{
  for (size_t i = 0; i < exports->count; i++)
    if (strlen (exports->list[i].name) == length
        && memcmp (exports->list[i].name, name, length) == 0)
      return &exports->list[i];
  return NULL;
}

void
exports_clear (struct exports *exports)
{
  for (size_t i = 0; i < exports->count; i++)
    export_clear (&exports->list[i]);
  free (exports->list);
  *exports = (struct exports) { 0 };
}
