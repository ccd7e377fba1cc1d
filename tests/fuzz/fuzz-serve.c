/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-serve.c: what a client sends to the server.
 *
 * The first byte of the input says where the connection is when the rest of it
 * comes: 0 at its beginning, 1 to 3 in transmission, with simple, structured or
 * extended replies and all metadata contexts selected.  What the server sends
 * in transmission must be whole messages.
 */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "byteorder.h"
#include "connection.h"
#include "fuzz.h"
#include "handshake.h"
#include "log.h"
#include "nbd-protocol.h"
#include "transmission.h"
#include "view.h"

#define DISK_SIZE 65536
#define STEP      4096 /* flags of all maps change so often */

/* By turns it lies in a file, is known to be zero, and only to be read; what
 * lies in the file beyond this place cannot be read from it.
 */
#define PLACE    20480
#define FILE_END 61440

/*** A disk of zeroes. ***/

static void
disk_free (pb_view *view)
{
  free (view);
}

static int
disk_pread (pb_view *view, void *buffer, size_t count, uint64_t offset)
{
  (void) view;
  assert (count > 0 && offset < DISK_SIZE && count <= DISK_SIZE - offset);
  memset (buffer, 0, count);
  return 0;
}

static int
disk_locate (pb_view *view, uint64_t offset, uint64_t length,
             struct pb_location *location)
{
  static const enum pb_location_kind kinds[]
    = { PB_LOCATION_FILE, PB_LOCATION_ZERO, PB_LOCATION_COPY };
  static int fd = -1;
  uint64_t left = PLACE - offset % PLACE;

  (void) view;
  assert (length > 0 && offset < DISK_SIZE && length <= DISK_SIZE - offset);
  if (fd == -1) {
    int r;

    fd = memfd_create ("disk", MFD_CLOEXEC);
    r = ftruncate (fd, FILE_END);
    assert (fd != -1 && r == 0);
  }
  *location = (struct pb_location) {
    .kind = kinds[offset / PLACE % 3],
    .length = left < length ? left : length,
    .fd = fd,
    .file_offset = offset,
  };
  return 0;
}

static int
status (void *opaque, uint64_t offset, uint64_t end, struct pb_extent *extent)
{
  const uint32_t *flags = opaque;

  (void) end;
  extent->length = STEP - offset % STEP;
  extent->flags = offset / STEP % 2 ? *flags : 0;
  return 0;
}

static pb_extents *
steps (uint64_t offset, uint64_t length, uint32_t flags)
{
  static const struct pb_extents_ops ops = { .status = status, .free = free };
  uint32_t *opaque = malloc (sizeof *opaque);

  assert (opaque && offset <= DISK_SIZE && length <= DISK_SIZE - offset);
  *opaque = flags;
  return pb_extents_new (offset, length, &ops, opaque);
}

static pb_extents *
disk_extents (pb_view *view, uint64_t offset, uint64_t length)
{
  (void) view;
  return steps (offset, length, PB_EXTENT_ZERO | PB_EXTENT_HOLE);
}

static size_t
disk_nr_maps (const pb_view *view)
{
  (void) view;
  return 2;
}

static int
disk_map_info (const pb_view *view, size_t index, struct pb_bitmap_info *info)
{
  (void) view;
  *info = (struct pb_bitmap_info) { .name = index ? "b1" : "b0",
                                    .granularity = STEP,
                                    .usable = true };
  return 0;
}

static pb_extents *
disk_dirty (pb_view *view, const char *name, uint64_t offset, uint64_t length)
{
  (void) view;
  (void) name;
  return steps (offset, length, PB_EXTENT_DIRTY);
}

static const struct view_ops disk_ops = {
  .free = disk_free,
  .pread = disk_pread,
  .locate = disk_locate,
  .extents = disk_extents,
  .nr_dirty_maps = disk_nr_maps,
  .get_dirty_map_info = disk_map_info,
  .dirty_extents = disk_dirty,
};

/*** A transport from the input, to a reader that looks at the messages. ***/

struct fuzz_transport {
  struct transport transport; /* must be first */
  const uint8_t *data;
  size_t size;

  bool is_checked;
  bool is_extended;
  unsigned char head[NBD_EXTENDED_REPLY_SIZE];
  size_t nr_head;   /* bytes of the next message's header that have come */
  uint64_t payload; /* of the last, still to come */
};

static ssize_t
fuzz_receive (struct transport *transport, void *buffer, size_t count)
{
  struct fuzz_transport *fuzz = (struct fuzz_transport *) transport;

  if (count > fuzz->size)
    count = fuzz->size;
  memcpy (buffer, fuzz->data, count);
  fuzz->data += count;
  fuzz->size -= count;
  return count;
}

/* How long the header is whose first four bytes have come. */
static size_t
head_size (const struct fuzz_transport *fuzz)
{
  uint32_t magic = load_be32 (fuzz->head);

  if (fuzz->is_extended) {
    assert (magic == NBD_EXTENDED_REPLY_MAGIC);
    return NBD_EXTENDED_REPLY_SIZE;
  }
  assert (magic == NBD_STRUCTURED_REPLY_MAGIC
          || magic == NBD_SIMPLE_REPLY_MAGIC);
  return magic == NBD_SIMPLE_REPLY_MAGIC ? NBD_SIMPLE_REPLY_SIZE
                                         : NBD_STRUCTURED_REPLY_SIZE;
}

static void
look_at (struct fuzz_transport *fuzz, const unsigned char *bytes, size_t count)
{
  while (count > 0) {
    size_t n = 1;

    if (fuzz->payload > 0) {
      n = count < fuzz->payload ? count : fuzz->payload;
      fuzz->payload -= n;
    }
    else {
      fuzz->head[fuzz->nr_head++] = *bytes;
      if (fuzz->nr_head >= 4 && fuzz->nr_head == head_size (fuzz)) {
        if (fuzz->is_extended)
          fuzz->payload = load_be64 (fuzz->head + 24);
        else if (fuzz->nr_head == NBD_STRUCTURED_REPLY_SIZE)
          fuzz->payload = load_be32 (fuzz->head + 16);
        assert (fuzz->payload <= 2 * DISK_SIZE);
        fuzz->nr_head = 0;
      }
    }
    bytes += n;
    count -= n;
  }
}

static int
fuzz_send (struct transport *transport, struct iovec *iov, int nr_iov,
           bool more)
{
  struct fuzz_transport *fuzz = (struct fuzz_transport *) transport;

  (void) more;
  for (int i = 0; fuzz->is_checked && i < nr_iov; i++)
    look_at (fuzz, iov[i].iov_base, iov[i].iov_len);
  return 0;
}

static int64_t
fuzz_send_file (struct transport *transport, int fd, uint64_t offset,
                uint64_t count)
{
  static const unsigned char zeroes[DISK_SIZE];
  uint64_t there = offset < FILE_END ? FILE_END - offset : 0;

  (void) fd;
  assert (offset <= DISK_SIZE && count <= DISK_SIZE - offset);
  if (there < count) {
    pb_set_error (EIO, "the file ends");
    count = there;
  }
  struct iovec iov = { .iov_base = (void *) zeroes, .iov_len = count };
  fuzz_send (transport, &iov, 1, false);
  return count;
}

static void
fuzz_set_deadline (struct transport *transport, uint64_t deadline)
{
  (void) transport;
  (void) deadline;
}

static void
fuzz_free (struct transport *transport)
{
  (void) transport; /* not from the heap */
}

static const struct transport_ops fuzz_ops = {
  .receive = fuzz_receive,
  .send = fuzz_send,
  .send_file = fuzz_send_file,
  .set_deadline = fuzz_set_deadline,
  .free = fuzz_free,
};

/*** The server around it, made once. ***/

static struct exports exports;
static struct policy *policy;
static const struct server_config config = {
  .exports = &exports,
  .max_connections = 16,
  .handshake_timeout_ms = 1000000,
};

static void
set_up (void)
{
  struct pb_view *view;
  int r;

  if (policy)
    return;
  r = log_open ("/dev/null", true);
  view = calloc (1, sizeof *view);
  assert (r == 0 && view);
  view->ops = &disk_ops;
  view->name = (char *) "disk";
  view->size = DISK_SIZE;
  view->preferred_block_size = 4096;
  view->has_depth = true;
  r = exports_add (&exports, "vda", view);
  policy = policy_new (&(struct policy_config) { .insecure = true });
  assert (r == 0 && policy);
}

/* As if it had negotiated for all that there is. */
static void
skip_handshake (struct connection *connection, enum reply_style style)
{
  const struct export *export = &exports.list[0];

  connection->style = style;
  connection->export = export;
  connection->may_read = true;
  if (style == REPLY_SIMPLE)
    return;
  connection->contexts
    = calloc (export->nr_contexts, sizeof connection->contexts[0]);
  assert (connection->contexts);
  for (; connection->nr_contexts < export->nr_contexts;
       connection->nr_contexts++)
    connection->contexts[connection->nr_contexts] = connection->nr_contexts;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const struct identity identity = { .is_unix = true, .text = "fuzz" };
  struct fuzz_transport fuzz = { .transport = { .ops = &fuzz_ops, .fd = -1 } };
  struct connection *connection;
  int fds[2], r;

  if (size < 1 || size > FUZZ_INPUT_MAX || data[0] > 3)
    return -1;
  set_up ();
  fuzz.data = data + 1;
  fuzz.size = size - 1;

  r = socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
  assert (r == 0);
  close (fds[0]);
  connection = connection_new (&config, policy, fds[1], &identity, 1);
  assert (connection);
  transport_free (connection->transport);
  connection->transport = connection->input.transport = &fuzz.transport;

  if (data[0] == 0)
    connection_run (connection);
  else {
    enum reply_style style = data[0] - 1;

    skip_handshake (connection, style);
    fuzz.is_checked = style != REPLY_SIMPLE;
    fuzz.is_extended = style == REPLY_EXTENDED;
    r = transmission_run (connection);
    assert (fuzz.nr_head == 0 && fuzz.payload == 0);
    (void) r; /* a client may well end as it should not */
  }
  connection_free (connection);
  return 0;
}
