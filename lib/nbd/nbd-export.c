/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-export.c: what an NBD server says of an export of its. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "nbd-description.h"
#include "nbd-export.h"
#include "nbd-handle.h"
#include "pullback.h"

/* Where a server states no limits, what every server takes (NBD protocol,
 * "Block size constraints").
 */
#define DEFAULT_MAX_BLOCK (32U << 20)

/* What libnbd takes in one read. */
#define LIBNBD_MAX_BLOCK (64U << 20)

bool
nbd_name_is_plain (const char *name)
{
  for (; *name; name++)
    if ((unsigned char) *name < ' ' || *name == 0x7f)
      return false;
  return true;
}

static bool
ends_with (const char *text, const char *end)
{
  size_t length = strlen (text), end_length = strlen (end);

  return length >= end_length && strcmp (text + length - end_length, end) == 0;
}

enum nbd_export_kind
nbd_export_kind (const char *description)
{
  if (description == NULL
      || strncmp (description, NBD_DESCRIPTION_MAP,
                  strlen (NBD_DESCRIPTION_MAP))
           != 0)
    return NBD_EXPORT_OTHER;
  return ends_with (description, NBD_DESCRIPTION_MAP_DISABLED)
           ? NBD_EXPORT_DISABLED_MAP
           : NBD_EXPORT_MAP;
}

enum nbd_export_kind
nbd_export_kind_of (struct nbd_handle *nbd)
{
  char *description = nbd_get_export_description (nbd);
  enum nbd_export_kind kind = nbd_export_kind (description);

  free (description);
  return kind;
}

bool
nbd_export_has_disabled (const char *description, const char *map)
{
  const char *list
    = description ? strstr (description, NBD_DESCRIPTION_DISABLED_MAPS) : NULL;
  char *CLEANUP_FREE quoted = NULL;

  if (list == NULL)
    return false;
  if (asprintf (&quoted, "'%s'", map) == -1) {
    quoted = NULL;
    return true; /* rather a full backup than a wrong one */
  }
  return ends_with (list, NBD_DESCRIPTION_DISABLED_MAPS_OTHERS)
         || strstr (list, quoted) != NULL;
}

char *
nbd_export_canonical_name (struct nbd_handle *nbd, const char *export_name)
{
  char *name = nbd_get_canonical_export_name (nbd);

  if (name == NULL || name[0] == '\0') { /* the server does not say */
    free (name);
    name = strdup (export_name);
  }
  return name;
}

/* Without stated constraints every range is fine. */
static int
get_min_block (struct nbd_handle *nbd, const char *uri,
               const char *export_name, uint32_t *min_block)
{
  int64_t min = nbd_get_block_size (nbd, LIBNBD_SIZE_MINIMUM);

  *min_block = min > 0 && min <= UINT32_MAX ? min : 1;
  if ((*min_block & (*min_block - 1)) != 0 || *min_block > 65536) {
    pb_set_error (EINVAL, "%s: export '%s': the server's smallest block, "
                  "%" PRIu32 " bytes, is not a power of two up to 65536",
                  uri, export_name, *min_block);
    return -1;
  }
  return 0;
}

int
nbd_export_get_limits (struct nbd_handle *nbd, const char *uri,
                       const char *export_name,
                       struct nbd_export_limits *limits)
{
  int64_t size = nbd_get_size (nbd);
  int64_t max = nbd_get_block_size (nbd, LIBNBD_SIZE_MAXIMUM);

  if (size == -1) {
    set_nbd_error ("%s: size of export '%s'", uri, export_name);
    return -1;
  }
  limits->size = size;
  if (get_min_block (nbd, uri, export_name, &limits->min_block) == -1)
    return -1;
  limits->max_block = max > 0 && max < LIBNBD_MAX_BLOCK
                        ? max
                        : max > 0 ? LIBNBD_MAX_BLOCK : DEFAULT_MAX_BLOCK;
  limits->max_block -= limits->max_block % limits->min_block;
  if (limits->max_block == 0) {
    pb_set_error (EINVAL, "%s: export '%s': the server's longest request is "
                  "shorter than its smallest block",
                  uri, export_name);
    return -1;
  }
  return 0;
}
