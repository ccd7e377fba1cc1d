/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* serve-load.c: many connections with many reads in flight each, whose data is
 * looked at, and some of which end in the middle.
 *
 *   serve-load make FILE BYTES
 *   serve-load run SOCKET BYTES CONNECTIONS REQUESTS SECONDS SEED
 *
 * make writes a disk in which every 8 bytes tell their place.  run reads it as
 * the only export behind the unix socket, with simple replies over every other
 * connection and with structured ones, some of them in one piece (DF), over the
 * rest; and prints what it has done.
 */

#include "config.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "byteorder.h"
#include "nbd-protocol.h"

#define LENGTH_MAX   65536
#define REQUESTS_MAX 256

static const char *socket_path;
static uint64_t disk_size;
static unsigned nr_requests;
static time_t end_time;
static atomic_ulong nr_reads, nr_killed, nr_connected;

static void
fail (const char *what)
{
  perror (what);
  exit (1);
}

static void __attribute__ ((__noreturn__))
wrong (const char *what)
{
  fprintf (stderr, "serve-load: %s\n", what);
  exit (1);
}

static uint64_t
word_at (uint64_t offset)
{
  uint64_t x = offset / 8 + UINT64_C (0x9e3779b97f4a7c15);

  x = (x ^ (x >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
  return x ^ (x >> 27);
}

static void
take (int fd, void *buffer, size_t count)
{
  char *bytes = buffer;

  while (count > 0) {
    ssize_t n = recv (fd, bytes, count, 0);

    if (n <= 0)
      fail ("serve-load: the server does not answer");
    bytes += n;
    count -= n;
  }
}

static void
give (int fd, const void *buffer, size_t count)
{
  if (send (fd, buffer, count, MSG_NOSIGNAL) != (ssize_t) count)
    fail ("serve-load: send");
}

/* Returns the size of what was put into BUFFER. */
static size_t
make_option (unsigned char *buffer, uint32_t option)
{
  store_be64 (buffer, NBD_OPTION_MAGIC);
  store_be32 (buffer + 8, option);
  store_be32 (buffer + 12, 0);
  return NBD_OPTION_HEADER_SIZE;
}

static void
ask_for_structured (int fd)
{
  unsigned char buffer[NBD_OPTION_REPLY_HEADER_SIZE];

  give (fd, buffer, make_option (buffer, NBD_OPT_STRUCTURED_REPLY));
  take (fd, buffer, sizeof buffer);
  if (load_be32 (buffer + 12) != NBD_REP_ACK)
    wrong ("there are no structured replies");
}

static int
dial (bool is_structured)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  unsigned char buffer[64];
  int fd = socket (AF_UNIX, SOCK_STREAM, 0);

  strncpy (address.sun_path, socket_path, sizeof address.sun_path - 1);
  if (fd == -1
      || connect (fd, (struct sockaddr *) &address, sizeof address) == -1)
    fail (socket_path);
  take (fd, buffer, 18);
  store_be32 (buffer, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
  give (fd, buffer, 4);
  if (is_structured)
    ask_for_structured (fd);
  give (fd, buffer, make_option (buffer, NBD_OPT_EXPORT_NAME));
  take (fd, buffer, NBD_EXPORT_NAME_REPLY_SIZE);
  if (load_be64 (buffer) != disk_size)
    wrong ("the export has the wrong size");
  atomic_fetch_add (&nr_connected, 1);
  return fd;
}

struct read {
  uint64_t offset;
  uint32_t length;
  uint32_t got; /* bytes of it */
  bool in_flight;
};

struct client {
  unsigned seed;
  bool is_structured;
  struct read reads[REQUESTS_MAX];
  unsigned char buffer[LENGTH_MAX];
};

static void
ask (struct client *client, int fd, unsigned i)
{
  struct read *read = &client->reads[i];
  unsigned char request[NBD_REQUEST_SIZE];
  uint64_t words = disk_size / 8;

  read->length = 8 * (1 + rand_r (&client->seed) % (LENGTH_MAX / 8));
  read->offset
    = ((uint64_t) rand_r (&client->seed) << 16 ^ rand_r (&client->seed))
      % (words - read->length / 8) * 8;
  read->got = 0;
  read->in_flight = true;
  store_be32 (request, NBD_REQUEST_MAGIC);
  store_be16 (request + 4,
              client->is_structured && i % 4 == 0 ? NBD_CMD_FLAG_DF : 0);
  store_be16 (request + 6, NBD_CMD_READ);
  store_be64 (request + 8, i);
  store_be64 (request + 16, read->offset);
  store_be32 (request + 24, read->length);
  give (fd, request, sizeof request);
}

/* Take COUNT bytes of the disk at OFFSET, which must be READ's next ones, and
 * look at them.
 */
static void
take_data (struct client *client, int fd, struct read *read, uint64_t offset,
           uint32_t count)
{
  if (offset != read->offset + read->got || count > read->length - read->got
      || count % 8 != 0)
    wrong ("data that was not asked for");
  take (fd, client->buffer, count);
  for (uint32_t at = 0; at < count; at += 8)
    if (load_be64 (client->buffer + at) != word_at (offset + at))
      wrong ("wrong data");
  read->got += count;
}

/* The read that an answer with this COOKIE is to. */
static struct read *
find_read (struct client *client, uint64_t cookie)
{
  if (cookie >= nr_requests || !client->reads[cookie].in_flight)
    wrong ("an answer to nothing");
  return &client->reads[cookie];
}

static struct read *
take_simple (struct client *client, int fd)
{
  unsigned char reply[NBD_SIMPLE_REPLY_SIZE];
  struct read *read;

  take (fd, reply, sizeof reply);
  if (load_be32 (reply) != NBD_SIMPLE_REPLY_MAGIC || load_be32 (reply + 4) != 0)
    wrong ("a wrong reply");
  read = find_read (client, load_be64 (reply + 8));
  take_data (client, fd, read, read->offset, read->length);
  return read;
}

/* Chunks, up to one that is the last of its answer. */
static struct read *
take_structured (struct client *client, int fd)
{
  unsigned char head[NBD_STRUCTURED_REPLY_SIZE], place[8];

  for (;;) {
    struct read *read;
    uint32_t length;

    take (fd, head, sizeof head);
    if (load_be32 (head) != NBD_STRUCTURED_REPLY_MAGIC)
      wrong ("a wrong reply");
    read = find_read (client, load_be64 (head + 8));
    length = load_be32 (head + 16);
    if (load_be16 (head + 6) == NBD_REPLY_TYPE_OFFSET_DATA && length > 8) {
      take (fd, place, sizeof place);
      take_data (client, fd, read, load_be64 (place), length - 8);
    }
    else if (load_be16 (head + 6) != NBD_REPLY_TYPE_NONE || length != 0)
      wrong ("a wrong chunk");
    if (load_be16 (head + 4) & NBD_REPLY_FLAG_DONE)
      return read;
  }
}

/* Take one answer and look at it; returns whose it was. */
static unsigned
take_answer (struct client *client, int fd)
{
  struct read *read = client->is_structured ? take_structured (client, fd)
                                            : take_simple (client, fd);

  if (read->got != read->length)
    wrong ("an answer that is not whole");
  read->in_flight = false;
  atomic_fetch_add (&nr_reads, 1);
  return read - client->reads;
}

static void *
run_client (void *opaque)
{
  struct client *client = opaque;

  while (time (NULL) < end_time) {
    int fd = dial (client->is_structured);
    unsigned left = rand_r (&client->seed) % 2000;

    for (unsigned i = 0; i < nr_requests; i++)
      ask (client, fd, i);
    for (; left > 0 && time (NULL) < end_time; left--)
      ask (client, fd, take_answer (client, fd));
    /* With all of that in flight. */
    close (fd);
    atomic_fetch_add (&nr_killed, 1);
  }
  return NULL;
}

static void
run (unsigned nr_connections, unsigned seed)
{
  pthread_t *threads = calloc (nr_connections, sizeof *threads);
  struct client *clients = calloc (nr_connections, sizeof *clients);

  if (threads == NULL || clients == NULL)
    fail ("serve-load");
  for (unsigned i = 0; i < nr_connections; i++) {
    clients[i].seed = seed + i;
    clients[i].is_structured = i % 2 == 1;
    if (pthread_create (&threads[i], NULL, run_client, &clients[i]) != 0)
      fail ("serve-load: pthread_create");
  }
  for (unsigned i = 0; i < nr_connections; i++)
    pthread_join (threads[i], NULL);
  printf ("%lu reads over %lu connections, %lu of them cut\n",
          atomic_load (&nr_reads), atomic_load (&nr_connected),
          atomic_load (&nr_killed));
  free (threads);
  free (clients);
}

static void
make (const char *file, uint64_t size)
{
  FILE *stream = fopen (file, "wb");
  unsigned char word[8];

  if (stream == NULL)
    fail (file);
  for (uint64_t at = 0; at < size; at += 8) {
    store_be64 (word, word_at (at));
    if (fwrite (word, sizeof word, 1, stream) != 1)
      fail (file);
  }
  if (fclose (stream) == EOF)
    fail (file);
}

int
main (int argc, char *argv[])
{
  if (argc == 4 && strcmp (argv[1], "make") == 0) {
    make (argv[2], strtoull (argv[3], NULL, 0));
    return 0;
  }
  if (argc != 8 || strcmp (argv[1], "run") != 0) {
    fprintf (stderr, "usage: serve-load make FILE BYTES\n"
                     "       serve-load run SOCKET BYTES CONNECTIONS "
                     "REQUESTS SECONDS SEED\n");
    return 2;
  }
  socket_path = argv[2];
  disk_size = strtoull (argv[3], NULL, 0);
  nr_requests = strtoul (argv[5], NULL, 0);
  end_time = time (NULL) + strtol (argv[6], NULL, 0);
  if (nr_requests < 1 || nr_requests > REQUESTS_MAX)
    return 2;
  run (strtoul (argv[4], NULL, 0), strtoul (argv[7], NULL, 0));
  return 0;
}
