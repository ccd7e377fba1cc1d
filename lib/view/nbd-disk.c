/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-disk.c: further connections to a disk of another NBD server. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>

#include "error.h"
#include "nbd-connect.h"
#include "nbd-disk.h"
#include "nbd-handle.h"
#include "round.h"

/* Does the server still answer over the first connection?  That it has ended an
 * idle one is noticed by asking only.
 */
static bool
is_alive (const struct nbd_disk *disk)
{
  struct nbd_reply reply = {
    .nr_contexts = 1,
    .contexts = { LIBNBD_CONTEXT_BASE_ALLOCATION },
  };
  unsigned char block[65536];
  uint64_t count = min_u64 (disk->limits.min_block, disk->limits.size);
  int r;

  if (count == 0)
    return !upstream_is_gone (disk->upstream);
  if (disk->has_allocation) { /* which is quicker than a disk */
    nbd_reply_start (&reply, 0, count);
    r = upstream_block_status (disk->upstream, &reply);
    nbd_reply_clear (&reply);
  }
  else
    r = upstream_read (disk->upstream, block, count, 0);
  /* That a block cannot be had is an answer, too. */
  return r == 0 || pb_get_errno () != ENOTCONN;
}

/* Is what was found at the other end of NBD, which is ready, the same disk? */
static int
check_same (const struct nbd_disk *disk, struct nbd_handle *nbd,
            const char *export_name, const char *context)
{
  struct nbd_export_limits limits;

  if (nbd_export_get_limits (nbd, disk->uri, export_name, &limits) == -1)
    return -1;
  if (limits.size != disk->limits.size) {
    pb_set_error (ESTALE, "%s: export '%s' has %" PRIu64 " bytes, but its "
                  "disk, export '%s', has %" PRIu64,
                  disk->uri, export_name, limits.size, disk->export_name,
                  disk->limits.size);
    return -1;
  }
  if (nbd_can_meta_context (nbd, context) != 1) {
    pb_set_error (ENOENT, "%s: export '%s' has no context %s any more",
                  disk->uri, export_name, context);
    return -1;
  }
  /* A server that was started anew may have another disk under this name, or
   * this one at another time.
   */
  if (!is_alive (disk) || !upstream_has_peer (disk->upstream, nbd)) {
    pb_set_error (ENOTCONN, "%s: the server that was connected to first is no "
                  "longer there; what is there now may be another disk",
                  disk->uri);
    return -1;
  }
  return 0;
}

struct upstream *
nbd_disk_connect (const struct nbd_disk *disk, const char *export_name,
                  const char *context, unsigned seconds)
{
  struct nbd_handle *nbd = nbd_connect_start (disk->uri, seconds);

  if (nbd == NULL)
    return NULL;
  if (nbd_add_meta_context (nbd, context) == -1) {
    set_nbd_error ("%s: %s", disk->uri, context);
    goto fail;
  }
  if (nbd_connect_go (nbd, disk->uri, export_name, seconds) == -1
      || check_same (disk, nbd, export_name, context) == -1)
    goto fail;
  return upstream_new (nbd, disk->uri);

 fail:
  nbd_close (nbd);
  return NULL;
}
