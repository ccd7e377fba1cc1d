/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-serve-engine.c: the protocol engine over a view that waits, fails and
 * tells of extents as the test wants.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "byteorder.h"
#include "connection.h"
#include "nbd-protocol.h"
#include "nowait.h"
#include "status.h"
#include "tls.h"
#include "transmission.h"
#include "unit.h"
#include "view.h"
#include "wire-error.h"

#define KIB  UINT64_C (1024)
#define SIZE (4096 * KIB)

/*** The view. ***/

static struct {
  pthread_mutex_t lock;
  pthread_cond_t change;
  bool is_held;        /* reads at odd offsets wait, and all maps */
  unsigned nr_waiting; /* requests that do */
  uint64_t bad_from;   /* reads that reach it fail */
  uint64_t fine_step;  /* length of the extents of each map */
  uint64_t coarse_step;
  uint64_t allocation_step;
  uint64_t allocation_bad; /* the map of allocation fails from there on */
} control = { .lock = PTHREAD_MUTEX_INITIALIZER,
              .change = PTHREAD_COND_INITIALIZER };

static unsigned char
byte_at (uint64_t offset)
{
  return offset / 512 + offset % 251;
}

static void
wait_while_held (void)
{
  pthread_mutex_lock (&control.lock);
  if (control.is_held) {
    control.nr_waiting++;
    pthread_cond_broadcast (&control.change);
    while (control.is_held)
      pthread_cond_wait (&control.change, &control.lock);
    control.nr_waiting--;
  }
  pthread_mutex_unlock (&control.lock);
}

static int
test_pread (pb_view *view, void *buffer, size_t count, uint64_t offset)
{
  (void) view;
  if (offset % 2 == 1)
    wait_while_held ();
  if (offset + count > control.bad_from) {
    pb_set_error (EIO, "test: a bad sector");
    return -1;
  }
  for (size_t i = 0; i < count; i++)
    ((unsigned char *) buffer)[i] = byte_at (offset + i);
  return 0;
}

/* Flags alternate every STEP bytes. */
struct steps {
  uint64_t step, bad;
  uint32_t flags;
};

static int
steps_status (void *opaque, uint64_t offset, uint64_t end,
              struct pb_extent *extent)
{
  const struct steps *steps = opaque;

  (void) end;
  if (is_nowait () && control.is_held)
    return fail_nowait ("test");
  wait_while_held ();
  if (offset >= steps->bad) {
    pb_set_error (EIO, "test: a bad table");
    return -1;
  }
  extent->length = steps->step - offset % steps->step;
  extent->flags = offset / steps->step % 2 ? steps->flags : 0;
  extent->depth = 1;
  return 0;
}

static pb_extents *
new_steps (uint64_t offset, uint64_t length, uint64_t step, uint64_t bad,
           uint32_t flags)
{
  static const struct pb_extents_ops ops
    = { .status = steps_status, .free = free };
  struct steps *steps = malloc (sizeof *steps);

  CHECK (steps);
  *steps = (struct steps) { step, bad, flags };
  return pb_extents_new (offset, length, &ops, steps);
}

static pb_extents *
test_extents (pb_view *view, uint64_t offset, uint64_t length)
{
  (void) view;
  return new_steps (offset, length, control.allocation_step,
                    control.allocation_bad, PB_EXTENT_ZERO);
}

static const char *const map_names[] = { "fine", "coarse", "stale" };

static size_t
test_nr_maps (const pb_view *view)
{
  (void) view;
  return 3;
}

static int
test_map_info (const pb_view *view, size_t index, struct pb_bitmap_info *info)
{
  (void) view;
  *info = (struct pb_bitmap_info) { .name = map_names[index],
                                    .granularity = 65536,
                                    .usable = true };
  return 0;
}

static pb_extents *
test_dirty (pb_view *view, const char *name, uint64_t offset, uint64_t length)
{
  (void) view;
  if (strcmp (name, "stale") == 0) {
    pb_set_error (ESTALE, "test: bitmap stale cannot be trusted");
    return NULL;
  }
  return new_steps (offset, length,
                    strcmp (name, "fine") == 0 ? control.fine_step
                                               : control.coarse_step,
                    UINT64_MAX, PB_EXTENT_DIRTY);
}

static void
test_free (pb_view *view)
{
  free (view);
}

static const struct view_ops ops = {
  .free = test_free,
  .pread = test_pread,
  .extents = test_extents,
  .nr_dirty_maps = test_nr_maps,
  .get_dirty_map_info = test_map_info,
  .dirty_extents = test_dirty,
};

/*** A connection to it. ***/

static struct exports exports;
static struct policy *policy;
static const struct server_config config = {
  .exports = &exports,
  .max_connections = 4,
  .handshake_timeout_ms = 20000,
};

struct client {
  int fd;
  pthread_t thread;
  struct connection *connection;
};

static void *
run (void *opaque)
{
  struct client *client = opaque;

  connection_run (client->connection);
  connection_free (client->connection);
  return NULL;
}

static void
give (const struct client *client, const void *bytes, size_t count)
{
  CHECK (send (client->fd, bytes, count, MSG_NOSIGNAL) == (ssize_t) count);
}

static void
take (const struct client *client, void *bytes, size_t count)
{
  /* Asked for nothing, recv () waits for something. */
  CHECK (count == 0
         || recv (client->fd, bytes, count, MSG_WAITALL) == (ssize_t) count);
}

static void
give_option (const struct client *client, uint32_t option, const void *data,
             uint32_t length)
{
  unsigned char header[16];

  store_be64 (header, NBD_OPTION_MAGIC);
  store_be32 (header + 8, option);
  store_be32 (header + 12, length);
  give (client, header, sizeof header);
  give (client, data, length);
}

/* Take replies up to the last; returns how many were not. */
static unsigned
take_replies (const struct client *client, uint32_t want)
{
  unsigned char header[20], data[4096];

  for (unsigned n = 0;; n++) {
    take (client, header, sizeof header);
    uint32_t type = load_be32 (header + 12);
    uint32_t length = load_be32 (header + 16);

    CHECK (length <= sizeof data);
    take (client, data, length);
    if (type == NBD_REP_ACK || type & NBD_REP_ERROR (0)) {
      CHECK (type == want);
      return n;
    }
  }
}

/* Connect; with CONTEXTS, a list that ends with NULL, also structured. */
static void
client_open (struct client *client, bool is_structured,
             const char *const *contexts, unsigned nr_selected)
{
  static const struct identity identity
    = { .is_unix = true, .text = "the test" };
  unsigned char greeting[18], data[1024], *end = data + 8;
  int fds[2];

  CHECK (socketpair (AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  client->fd = fds[0];
  client->connection = connection_new (&config, policy, fds[1], &identity, 1);
  CHECK_OK (client->connection != NULL);
  CHECK (pthread_create (&client->thread, NULL, run, client) == 0);

  take (client, greeting, sizeof greeting);
  store_be32 (data, 3);
  give (client, data, 4);
  if (is_structured) {
    give_option (client, NBD_OPT_STRUCTURED_REPLY, NULL, 0);
    take_replies (client, NBD_REP_ACK);
  }
  store_be32 (data, 0); /* the only export */
  if (contexts) {
    uint32_t nr = 0;

    for (; contexts[nr]; nr++) {
      store_be32 (end, strlen (contexts[nr]));
      memcpy (end + 4, contexts[nr], strlen (contexts[nr]));
      end += 4 + strlen (contexts[nr]);
    }
    store_be32 (data + 4, nr);
    give_option (client, NBD_OPT_SET_META_CONTEXT, data, end - data);
    CHECK (take_replies (client, NBD_REP_ACK) == nr_selected);
  }
  store_be16 (data + 4, 0);
  give_option (client, NBD_OPT_GO, data, 6);
  take_replies (client, NBD_REP_ACK);
}

static void
client_close (struct client *client)
{
  close (client->fd);
  CHECK (pthread_join (client->thread, NULL) == 0);
}

static void
ask (const struct client *client, enum nbd_command command, uint16_t flags,
     uint64_t cookie, uint64_t offset, uint32_t length)
{
  unsigned char request[NBD_REQUEST_SIZE];

  store_be32 (request, NBD_REQUEST_MAGIC);
  store_be16 (request + 4, flags);
  store_be16 (request + 6, command);
  store_be64 (request + 8, cookie);
  store_be64 (request + 16, offset);
  store_be32 (request + 24, length);
  give (client, request, sizeof request);
}

struct chunk {
  uint16_t flags, type;
  uint64_t cookie;
  uint32_t length;
  unsigned char *data; /* freed by the next take_chunk () */
};

static void
take_chunk (const struct client *client, struct chunk *chunk)
{
  unsigned char header[NBD_STRUCTURED_REPLY_SIZE];

  take (client, header, sizeof header);
  CHECK (load_be32 (header) == NBD_STRUCTURED_REPLY_MAGIC);
  free (chunk->data);
  *chunk = (struct chunk) {
    .flags = load_be16 (header + 4),
    .type = load_be16 (header + 6),
    .cookie = load_be64 (header + 8),
    .length = load_be32 (header + 16),
  };
  chunk->data = malloc (chunk->length + 1);
  CHECK (chunk->data);
  take (client, chunk->data, chunk->length);
}

static void
check_bytes (const unsigned char *bytes, uint64_t offset, size_t count)
{
  for (size_t i = 0; i < count; i++)
    CHECK (bytes[i] == byte_at (offset + i));
}

/*** The tests. ***/

static void
reset (void)
{
  control.bad_from = UINT64_MAX;
  control.allocation_bad = UINT64_MAX;
  control.fine_step = 4096;
  control.coarse_step = 65536 * 3;
  control.allocation_step = 65536;
}

static void
hold (bool is_held)
{
  pthread_mutex_lock (&control.lock);
  control.is_held = is_held;
  pthread_cond_broadcast (&control.change);
  pthread_mutex_unlock (&control.lock);
}

static void
wait_for_waiting (unsigned nr)
{
  pthread_mutex_lock (&control.lock);
  while (control.nr_waiting < nr)
    pthread_cond_wait (&control.change, &control.lock);
  pthread_mutex_unlock (&control.lock);
}

/* One read that waits holds up no other; as many as there are threads wait side
 * by side, and no more than that are taken.
 */
static void
test_out_of_order (void)
{
  struct chunk chunk = { .data = NULL };
  struct client client;
  bool seen[40] = { false };

  reset ();
  client_open (&client, true, NULL, 0);
  hold (true);
  ask (&client, NBD_CMD_READ, 0, 1, 1, 512);
  wait_for_waiting (1);
  for (uint64_t i = 2; i < 10; i++) {
    ask (&client, NBD_CMD_READ, 0, i, i * 512, 512);
    take_chunk (&client, &chunk);
    CHECK (chunk.cookie == i && chunk.flags == NBD_REPLY_FLAG_DONE);
    check_bytes (chunk.data + 8, i * 512, 512);
  }
  for (uint64_t i = 2; i < 40; i++)
    ask (&client, NBD_CMD_READ, 0, i, i * 512 + 1, 512);
  wait_for_waiting (TRANSMISSION_THREADS_MAX);
  usleep (20000);
  pthread_mutex_lock (&control.lock);
  CHECK (control.nr_waiting == TRANSMISSION_THREADS_MAX);
  pthread_mutex_unlock (&control.lock);
  hold (false);
  for (uint64_t i = 1; i < 40; i++) {
    take_chunk (&client, &chunk);
    CHECK (chunk.cookie < 40 && !seen[chunk.cookie]);
    seen[chunk.cookie] = true;
  }
  client_close (&client);

  /* A client that goes away with reads in work leaves nothing behind. */
  client_open (&client, true, NULL, 0);
  hold (true);
  for (uint64_t i = 0; i < 20; i++)
    ask (&client, NBD_CMD_READ, 0, i, i * 512 + 1, 512);
  wait_for_waiting (TRANSMISSION_THREADS_MAX);
  close (client.fd);
  hold (false);
  CHECK (pthread_join (client.thread, NULL) == 0);
  free (chunk.data);
}

/* A read that fails in the middle gives what comes before, and says where. */
static void
test_bad_sector (void)
{
  struct chunk chunk = { .data = NULL };
  unsigned char reply[NBD_SIMPLE_REPLY_SIZE], *data = malloc (1024 * KIB);
  struct client client;

  CHECK (data);
  reset ();
  control.bad_from = 600 * KIB;
  client_open (&client, true, NULL, 0);
  ask (&client, NBD_CMD_READ, 0, 1, 0, 1024 * KIB);
  take_chunk (&client, &chunk);
  CHECK (chunk.type == NBD_REPLY_TYPE_OFFSET_DATA && chunk.flags == 0);
  take_chunk (&client, &chunk);
  CHECK (chunk.type == NBD_REPLY_TYPE_OFFSET_DATA && chunk.flags == 0);
  check_bytes (chunk.data + 8, 256 * KIB, chunk.length - 8);
  take_chunk (&client, &chunk);
  CHECK (chunk.type == NBD_REPLY_TYPE_ERROR_OFFSET);
  CHECK (chunk.flags == NBD_REPLY_FLAG_DONE);
  CHECK (load_be32 (chunk.data) == NBD_EIO);
  CHECK (load_be64 (chunk.data + 6 + load_be16 (chunk.data + 4)) == 512 * KIB);

  ask (&client, NBD_CMD_READ, 0, 2, 700 * KIB, 512);
  take_chunk (&client, &chunk);
  CHECK (chunk.type == NBD_REPLY_TYPE_ERROR);
  CHECK (chunk.flags == NBD_REPLY_FLAG_DONE);
  /* The cause is not the client's business. */
  chunk.data[chunk.length] = '\0';
  CHECK (strstr ((char *) chunk.data + 6, "bad sector") == NULL);

  /* In one piece: what is there, zeroes, and the error. */
  ask (&client, NBD_CMD_READ, NBD_CMD_FLAG_DF, 3, 0, 1024 * KIB);
  take_chunk (&client, &chunk);
  CHECK (chunk.type == NBD_REPLY_TYPE_OFFSET_DATA && chunk.flags == 0);
  CHECK (chunk.length == 8 + 1024 * KIB);
  check_bytes (chunk.data + 8, 0, 512 * KIB);
  for (size_t i = 512 * KIB; i < 1024 * KIB; i++)
    CHECK (chunk.data[8 + i] == 0);
  take_chunk (&client, &chunk);
  CHECK (chunk.type == NBD_REPLY_TYPE_ERROR_OFFSET && chunk.cookie == 3);
  CHECK (chunk.flags == NBD_REPLY_FLAG_DONE);
  CHECK (load_be64 (chunk.data + 6 + load_be16 (chunk.data + 4)) == 512 * KIB);

  /* The connection goes on.  A chunk is the last where it is sure to be. */
  ask (&client, NBD_CMD_READ, NBD_CMD_FLAG_DF, 4, 0, 256 * KIB);
  take_chunk (&client, &chunk);
  CHECK (chunk.type == NBD_REPLY_TYPE_OFFSET_DATA);
  CHECK (chunk.flags == NBD_REPLY_FLAG_DONE);
  ask (&client, NBD_CMD_READ, NBD_CMD_FLAG_DF, 5, 0, 512 * KIB);
  take_chunk (&client, &chunk);
  CHECK (chunk.type == NBD_REPLY_TYPE_OFFSET_DATA && chunk.flags == 0);
  check_bytes (chunk.data + 8, 0, 512 * KIB);
  take_chunk (&client, &chunk);
  CHECK (chunk.type == NBD_REPLY_TYPE_NONE && chunk.cookie == 5);
  CHECK (chunk.flags == NBD_REPLY_FLAG_DONE);
  client_close (&client);

  /* Simple replies have no other way than to end. */
  client_open (&client, false, NULL, 0);
  ask (&client, NBD_CMD_READ, 0, 5, 700 * KIB, 512);
  take (&client, reply, sizeof reply);
  CHECK (load_be32 (reply + 4) == NBD_EIO && load_be64 (reply + 8) == 5);
  ask (&client, NBD_CMD_READ, 0, 6, 0, 1024 * KIB);
  CHECK (recv (client.fd, data, 1024 * KIB, MSG_WAITALL) < 600 * 1024);
  client_close (&client);
  free (chunk.data);
  free (data);
}

static const char *const all_contexts[]
  = { "base:allocation", "qemu:dirty-bitmap:fine", "qemu:dirty-bitmap:coarse",
      "qemu:dirty-bitmap:stale", NULL };

/* Go through the disk by block status; returns the number of answers. */
static unsigned
walk (const struct client *client, uint16_t flags, unsigned nr_contexts,
      unsigned max)
{
  struct chunk chunk = { .data = NULL };
  unsigned n = 0;

  for (uint64_t at = 0, common; at < SIZE; at += common, n++) {
    ask (client, NBD_CMD_BLOCK_STATUS, flags, at, at, SIZE - at);
    common = 0;
    for (unsigned i = 0; i < nr_contexts; i++) {
      uint64_t sum = 0;
      unsigned nr;

      take_chunk (client, &chunk);
      CHECK (chunk.type == NBD_REPLY_TYPE_BLOCK_STATUS && chunk.cookie == at);
      CHECK ((chunk.flags == NBD_REPLY_FLAG_DONE) == (i + 1 == nr_contexts));
      nr = (chunk.length - 4) / 8;
      CHECK (nr >= 1 && nr <= max);
      for (unsigned j = 0; j < nr; j++) {
        uint64_t length = load_be32 (chunk.data + 4 + j * 8);
        uint32_t id = load_be32 (chunk.data);
        uint32_t map = nr_contexts == 1 ? 1 : id; /* of all_contexts */
        uint64_t step = map == 0   ? control.allocation_step
                        : map == 1 ? control.fine_step
                                   : control.coarse_step;
        uint32_t set = map == 0 ? NBD_STATE_HOLE | NBD_STATE_ZERO
                                : NBD_STATE_DIRTY;

        CHECK (id == i);
        CHECK (load_be32 (chunk.data + 8 + j * 8)
               == ((at + sum) / step % 2 ? set : 0));
        sum += length;
      }
      CHECK (common == 0 || sum == common);
      common = sum;
    }
    CHECK (common > 0 && at + common <= SIZE);
  }
  free (chunk.data);
  return n;
}

/* All contexts of an answer cover the same length, whatever their extents; a
 * bitmap that cannot be loaded is not selected.
 */
static void
test_common_length (void)
{
  struct client client;

  reset ();
  client_open (&client, true, all_contexts, 3);
  CHECK (walk (&client, 0, 3, SIZE / 4096) == 1);
  CHECK (walk (&client, NBD_CMD_FLAG_REQ_ONE, 3, 1) == SIZE / 4096);
  control.fine_step = 100000;
  control.allocation_step = 999;
  CHECK (walk (&client, 0, 3, 65536) == 1);
  client_close (&client);
}

/* Maps that need a disk hold up nothing else of the connection. */
static void
test_cold_maps (void)
{
  static const char *const base[] = { "base:allocation", NULL };
  struct chunk chunk = { .data = NULL };
  struct client client;
  bool seen[20] = { false };

  reset ();
  client_open (&client, true, base, 1);
  hold (true);
  for (unsigned i = 0; i < 4; i++)
    ask (&client, NBD_CMD_BLOCK_STATUS, 0, i, 0, SIZE);
  wait_for_waiting (4);
  for (unsigned i = 4; i < 10; i++) {
    ask (&client, i % 2 ? NBD_CMD_FLUSH : NBD_CMD_READ, 0, i, 0,
         i % 2 ? 0 : 512);
    if (i % 2) {
      unsigned char reply[NBD_SIMPLE_REPLY_SIZE];

      take (&client, reply, sizeof reply);
      CHECK (load_be64 (reply + 8) == i);
      continue;
    }
    take_chunk (&client, &chunk);
    CHECK (chunk.type == NBD_REPLY_TYPE_OFFSET_DATA && chunk.cookie == i);
  }
  for (unsigned i = 10; i < 15; i++)
    ask (&client, NBD_CMD_BLOCK_STATUS, NBD_CMD_FLAG_REQ_ONE, i, 0, SIZE);
  wait_for_waiting (9); /* each has its thread */
  hold (false);
  for (unsigned i = 0; i < 9; i++) {
    take_chunk (&client, &chunk);
    CHECK (chunk.type == NBD_REPLY_TYPE_BLOCK_STATUS);
    CHECK (chunk.flags == NBD_REPLY_FLAG_DONE);
    CHECK (chunk.cookie < 4 || (chunk.cookie >= 10 && chunk.cookie < 15));
    CHECK (!seen[chunk.cookie]);
    seen[chunk.cookie] = true;
    CHECK ((chunk.length == 12) == (chunk.cookie >= 10));
  }
  client_close (&client);
  free (chunk.data);
}

/* Of answers that are made at once, one may be as long as any. */
static void
test_long_answers (void)
{
  static const char *const fine[] = { "qemu:dirty-bitmap:fine", NULL };
  struct chunk chunk = { .data = NULL };
  struct client client;
  unsigned nr_long = 0;

  reset ();
  control.fine_step = 16; /* 262,144 extents */
  client_open (&client, true, fine, 1);
  hold (true);
  for (unsigned i = 0; i < 5; i++)
    ask (&client, NBD_CMD_BLOCK_STATUS, 0, i, 0, SIZE);
  wait_for_waiting (5);
  hold (false);
  for (unsigned i = 0; i < 5; i++) {
    take_chunk (&client, &chunk);
    CHECK (chunk.type == NBD_REPLY_TYPE_BLOCK_STATUS);
    CHECK (chunk.length == 4 + 8 * 131072 || chunk.length == 4 + 8 * 8192);
    nr_long += chunk.length > 100000;
  }
  CHECK (nr_long == 1);
  /* Alone, each is. */
  for (unsigned i = 0; i < 2; i++) {
    ask (&client, NBD_CMD_BLOCK_STATUS, 0, i, 0, SIZE);
    take_chunk (&client, &chunk);
    CHECK (chunk.length == 4 + 8 * 131072);
  }
  client_close (&client);
  free (chunk.data);
}

/* A map with more extents than an answer has place for. */
static void
test_many_extents (void)
{
  static const char *const fine[] = { "qemu:dirty-bitmap:fine", NULL };
  struct client client;

  reset ();
  control.fine_step = 16; /* 262,144 extents */
  client_open (&client, true, fine, 1);
  CHECK (walk (&client, 0, 1, 131072) == 2);
  client_close (&client);
  client_open (&client, true, all_contexts, 3);
  CHECK (walk (&client, 0, 3, 131072 / 3) > 6);
  client_close (&client);
}

/* What a status takes of memory is what it may have. */
static void
test_status_memory (void)
{
  const struct export *export = &exports.list[0];
  static const uint32_t max[] = { 1, 2, 16, 17, 1000 };

  reset ();
  for (size_t i = 0; i < sizeof max / sizeof max[0]; i++) {
    struct status status = { .list = NULL };

    CHECK_OK (status_get (&status, export, &export->contexts[0], 0, SIZE,
                          max[i])
              == 0);
    CHECK (status.count <= max[i] && status.allocated <= max[i]);
    status_clear (&status);
  }
}

/* What can be told is told; the error comes where it is met. */
static void
test_bad_table (void)
{
  struct chunk chunk = { .data = NULL };
  struct client client;

  reset ();
  control.allocation_bad = 1024 * KIB;
  client_open (&client, true, all_contexts, 3);
  ask (&client, NBD_CMD_BLOCK_STATUS, 0, 1, 0, SIZE);
  for (unsigned i = 0; i < 3; i++) {
    uint64_t sum = 0;

    take_chunk (&client, &chunk);
    CHECK (chunk.type == NBD_REPLY_TYPE_BLOCK_STATUS);
    for (unsigned j = 4; j < chunk.length; j += 8)
      sum += load_be32 (chunk.data + j);
    CHECK (sum == 1024 * KIB);
  }
  ask (&client, NBD_CMD_BLOCK_STATUS, 0, 2, 1024 * KIB, 512);
  take_chunk (&client, &chunk);
  CHECK (chunk.type == NBD_REPLY_TYPE_ERROR && chunk.cookie == 2);
  CHECK (chunk.flags == NBD_REPLY_FLAG_DONE);
  ask (&client, NBD_CMD_READ, 0, 3, 0, 512);
  take_chunk (&client, &chunk);
  CHECK (chunk.cookie == 3);
  client_close (&client);
  free (chunk.data);
}

/* The socket of a client that fails to shake hands is the connection's until
 * that ends: it may be shut down by its number before that.
 */
static void
test_failed_tls (void)
{
  char keys[] = "/tmp/pullback-test-keys.XXXXXX";
  int fd = mkstemp (keys), pair[2];
  struct identity identity = { .is_unix = true };
  struct tls_credentials *credentials;
  struct transport *plain;

  CHECK (fd != -1 && write (fd, "alice:00112233\n", 15) == 15);
  credentials = tls_credentials_new (NULL, keys, false, false);
  CHECK_OK (credentials != NULL);
  CHECK (socketpair (AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  plain = transport_plain_new (pair[0]);
  CHECK_OK (plain != NULL);
  CHECK (write (pair[1], "no TLS", 6) == 6);
  CHECK (shutdown (pair[1], SHUT_WR) == 0);
  CHECK (transport_tls_new (plain, credentials, &identity) == NULL);
  CHECK (fcntl (pair[0], F_GETFD) != -1);
  transport_free (plain);
  CHECK (fcntl (pair[0], F_GETFD) == -1 && errno == EBADF);
  close (pair[1]);
  close (fd);
  unlink (keys);
  tls_credentials_free (credentials);
}

static void
test_wire_error (void)
{
  CHECK (wire_error (0) == NBD_SUCCESS);
  CHECK (wire_error (EPERM) == NBD_EPERM);
  CHECK (wire_error (EROFS) == NBD_EPERM);
  CHECK (wire_error (ENOTSUP) == NBD_ENOTSUP);
  CHECK (wire_error (ESTALE) == NBD_EIO);
  CHECK (wire_error (12345) == NBD_EIO);
}

int
main (void)
{
  struct pb_view *view = calloc (1, sizeof *view);

  CHECK (view);
  reset ();
  view->ops = &ops;
  view->name = (char *) "test";
  view->size = SIZE;
  view->preferred_block_size = 4096;
  view->has_depth = true;
  CHECK_OK (exports_add (&exports, "vda", view) == 0);
  policy = policy_new (&(struct policy_config) { .insecure = true });
  CHECK_OK (policy != NULL);

  test_wire_error ();
  test_out_of_order ();
  test_bad_sector ();
  test_common_length ();
  test_cold_maps ();
  test_long_answers ();
  test_many_extents ();
  test_status_memory ();
  test_bad_table ();
  test_failed_tls ();
  policy_unref (policy);
  exports_clear (&exports);
  return 0;
}
