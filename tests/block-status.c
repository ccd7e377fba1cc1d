/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* block-status.c: one block status request, of any length, as other clients
 * do not send it.
 *
 *   block-status URI OFFSET LENGTH [one]
 *
 * prints a line "LENGTH TYPE" for each extent of base:allocation that came;
 * "one" asks for the first extent only.
 */

#include "config.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnbd.h>

static int
print_extents (void *unused, const char *context, uint64_t offset,
               uint32_t *entries, size_t nr_entries, int *error)
{
  (void) unused;
  (void) context;
  (void) offset;
  (void) error;
  for (size_t i = 0; i + 1 < nr_entries; i += 2)
    printf ("%" PRIu32 " %" PRIu32 "\n", entries[i], entries[i + 1]);
  return 0;
}

int
main (int argc, char *argv[])
{
  struct nbd_handle *nbd = nbd_create ();

  if (argc < 4 || argc > 5 || (argc == 5 && strcmp (argv[4], "one") != 0)) {
    fprintf (stderr, "usage: block-status URI OFFSET LENGTH [one]\n");
    nbd_close (nbd);
    return 2;
  }
  if (nbd == NULL
      || nbd_add_meta_context (nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) == -1
      || nbd_connect_uri (nbd, argv[1]) == -1
      || nbd_block_status (nbd, strtoull (argv[3], NULL, 0),
                           strtoull (argv[2], NULL, 0),
                           (nbd_extent_callback) { .callback = print_extents },
                           argc == 5 ? LIBNBD_CMD_FLAG_REQ_ONE : 0)
           == -1
      || nbd_shutdown (nbd, 0) == -1) {
    fprintf (stderr, "block-status: %s\n", nbd_get_error ());
    nbd_close (nbd);
    return 1;
  }
  nbd_close (nbd);
  return 0;
}
