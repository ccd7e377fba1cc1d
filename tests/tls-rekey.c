/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tls-rekey.c: a client that reads by TLS with many requests in flight, while
 * the keys of the session change.
 *
 *   tls-rekey SOCKET DISK USER HEX-KEY MODE SECONDS
 *
 * SOCKET is the unix socket of a server whose only export is the raw file DISK,
 * which all that is read is compared with.  In MODE
 *
 *   ask      the client changes its keys, and asks the server to do so
 *   tell     it only changes its own
 *   limit    the server has used its keys for nearly as long as gnutls allows
 *            (tls-rekey-limit.c), and changes them by itself
 *   tls12    TLS is version 1.2, where keys stay as they are
 *
 * It prints how many reads and changes there were.
 */

#include "config.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

#include "byteorder.h"
#include "nbd-protocol.h"
#include "tls-rekey-limit.h"

#define IN_FLIGHT  32
#define LENGTH_MAX 65536

/* gnutls takes 8 changes in a second for an attack. */
#define CHANGE_MS 150

/* There are so many at least, however slow the machine is: it is given time. */
#define NR_CHANGES_MIN 4
#define PATIENCE_MS    60000

static gnutls_session_t session;
static const unsigned char *disk;
static uint64_t disk_size;
static uint64_t random_state = 1;
static unsigned nr_reads, nr_own, nr_asked, nr_servers;

/* Each has its place as its cookie. */
static struct {
  uint64_t offset;
  uint32_t length;
} requests[IN_FLIGHT];

static void
fail (const char *what, int r)
{
  fprintf (stderr, "tls-rekey: %s: %s\n", what,
           r < 0 ? gnutls_strerror (r) : "the server has closed");
  exit (1);
}

static uint64_t
now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (uint64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
take (void *buffer, size_t count)
{
  char *bytes = buffer;

  while (count > 0) {
    ssize_t n = gnutls_record_recv (session, bytes, count);

    if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
      continue;
    if (n <= 0)
      fail ("receive", n);
    bytes += n;
    count -= n;
  }
}

static void
give (const void *buffer, size_t count)
{
  ssize_t n = gnutls_record_send (session, buffer, count);

  if (n != (ssize_t) count)
    fail ("send", n);
}

static void
exchange_plain (int fd, const void *message, size_t length, size_t answer)
{
  char buffer[64];

  if ((length && send (fd, message, length, MSG_NOSIGNAL) != (ssize_t) length)
      || (answer
          && recv (fd, buffer, answer, MSG_WAITALL) != (ssize_t) answer)) {
    perror ("tls-rekey: before TLS");
    exit (1);
  }
}

static int
dial (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  unsigned char flags[4], option[16];
  int fd = socket (AF_UNIX, SOCK_STREAM, 0);

  snprintf (address.sun_path, sizeof address.sun_path, "%s", path);
  if (fd == -1
      || connect (fd, (struct sockaddr *) &address, sizeof address) == -1) {
    perror (path);
    exit (1);
  }
  store_be32 (flags, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
  store_be64 (option, NBD_OPTION_MAGIC);
  store_be32 (option + 8, NBD_OPT_STARTTLS);
  store_be32 (option + 12, 0);
  exchange_plain (fd, NULL, 0, 18);
  exchange_plain (fd, flags, sizeof flags, 0);
  exchange_plain (fd, option, sizeof option, 20);
  return fd;
}

static int
count_change (gnutls_session_t s, unsigned type, unsigned when,
              unsigned is_incoming, const gnutls_datum_t *message)
{
  (void) s;
  (void) type;
  (void) when;
  (void) message;
  if (is_incoming)
    nr_servers++;
  return 0;
}

static void
start_tls (int fd, const char *user, const char *key, const char *mode)
{
  gnutls_datum_t datum = { (unsigned char *) key, (unsigned) strlen (key) };
  bool is_tls12 = strcmp (mode, "tls12") == 0;
  gnutls_psk_client_credentials_t psk;
  int r;

  gnutls_init (&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
  gnutls_priority_set_direct (session,
                              is_tls12
                                ? "NORMAL:-VERS-ALL:+VERS-TLS1.2:+ECDHE-PSK"
                                : "NORMAL:-CIPHER-ALL:+AES-128-GCM:"
                                  "+ECDHE-PSK",
                              NULL);
  gnutls_psk_allocate_client_credentials (&psk);
  gnutls_psk_set_client_credentials (psk, user, &datum, GNUTLS_PSK_KEY_HEX);
  gnutls_credentials_set (session, GNUTLS_CRD_PSK, psk);
  gnutls_transport_set_int (session, fd);
  do
    r = gnutls_handshake (session);
  while (r < 0 && !gnutls_error_is_fatal (r));
  if (r < 0)
    fail ("handshake", r);
  r = gnutls_protocol_get_version (session);
  if (r != (is_tls12 ? GNUTLS_TLS1_2 : GNUTLS_TLS1_3))
    fail (gnutls_protocol_get_name (r), 0);
  gnutls_handshake_set_hook_function (session, GNUTLS_HANDSHAKE_KEY_UPDATE,
                                      GNUTLS_HOOK_POST, count_change);
  if (strcmp (mode, "limit") == 0) {
    r = gnutls_record_set_state (session, 1, rekey_limit_sequence);
    if (r < 0)
      fail ("sequence number", r);
  }
}

static void
open_export (void)
{
  unsigned char option[16], answer[10];

  store_be64 (option, NBD_OPTION_MAGIC);
  store_be32 (option + 8, NBD_OPT_EXPORT_NAME);
  store_be32 (option + 12, 0);
  give (option, sizeof option);
  take (answer, sizeof answer);
  if (load_be64 (answer) != disk_size)
    fail ("another disk is served", 0);
}

static uint32_t
random_number (void)
{
  random_state = random_state * UINT64_C (6364136223846793005) + 1;
  return random_state >> 33;
}

static void
send_read (unsigned slot)
{
  unsigned char request[28] = { 0 };

  requests[slot].length = 1 + random_number () % LENGTH_MAX;
  requests[slot].offset
    = random_number () % (disk_size - requests[slot].length);
  store_be32 (request, NBD_REQUEST_MAGIC);
  store_be16 (request + 6, NBD_CMD_READ);
  store_be64 (request + 8, slot);
  store_be64 (request + 16, requests[slot].offset);
  store_be32 (request + 24, requests[slot].length);
  give (request, sizeof request);
}

/* Returns which of them it was. */
static unsigned
take_answer (void)
{
  static unsigned char bytes[LENGTH_MAX];
  unsigned char head[16];
  uint64_t slot;

  take (head, sizeof head);
  slot = load_be64 (head + 8);
  if (load_be32 (head) != NBD_SIMPLE_REPLY_MAGIC || load_be32 (head + 4) != 0
      || slot >= IN_FLIGHT || requests[slot].length == 0)
    fail ("no answer that was asked for", 0);
  take (bytes, requests[slot].length);
  if (memcmp (bytes, disk + requests[slot].offset, requests[slot].length)
      != 0)
    fail ("wrong data", 0);
  requests[slot].length = 0;
  nr_reads++;
  return slot;
}

/* The next change of keys, where the server has followed the last. */
static void
change_keys (bool ask)
{
  int r;

  if (nr_servers < nr_asked)
    return;
  r = gnutls_session_key_update (session, ask ? GNUTLS_KU_PEER : 0);
  if (r < 0)
    fail ("key update", r);
  nr_own++;
  nr_asked += ask;
}

/* Has there been what MODE is to show? */
static bool
is_shown (const char *mode)
{
  if (strcmp (mode, "limit") == 0)
    return nr_servers > 0;
  return strcmp (mode, "tls12") == 0 || nr_own >= NR_CHANGES_MIN;
}

static void
read_until (uint64_t end, const char *mode)
{
  bool ask = strcmp (mode, "ask") == 0, tell = strcmp (mode, "tell") == 0;
  uint64_t next = now_ms ();

  for (unsigned slot = 0; slot < IN_FLIGHT; slot++)
    send_read (slot);
  while (now_ms () < end
         || (!is_shown (mode) && now_ms () < end + PATIENCE_MS)) {
    send_read (take_answer ());
    if ((ask || tell) && now_ms () >= next) {
      change_keys (ask);
      next = now_ms () + CHANGE_MS;
    }
  }
  /* The server changes its keys before the next that it sends. */
  send_read (take_answer ());
  for (unsigned slot = 0; slot < IN_FLIGHT; slot++)
    take_answer ();
}

static void
map_disk (const char *path)
{
  int fd = open (path, O_RDONLY);
  struct stat info;

  if (fd == -1 || fstat (fd, &info) == -1
      || (disk = mmap (NULL, info.st_size, PROT_READ, MAP_PRIVATE, fd, 0))
           == MAP_FAILED) {
    perror (path);
    exit (1);
  }
  disk_size = info.st_size;
}

int
main (int argc, char *argv[])
{
  if (argc != 7) {
    fprintf (stderr, "usage: tls-rekey SOCKET DISK USER HEX-KEY "
                     "ask|tell|limit|tls12 SECONDS\n");
    return 2;
  }
  map_disk (argv[2]);
  start_tls (dial (argv[1]), argv[3], argv[4], argv[5]);
  open_export ();
  read_until (now_ms () + 1000 * strtoul (argv[6], NULL, 10), argv[5]);
  printf ("%u reads, %u changes of keys by the client, %u by the server\n",
          nr_reads, nr_own, nr_servers);
  gnutls_bye (session, GNUTLS_SHUT_WR);
  if (strcmp (argv[5], "ask") == 0 && nr_servers != nr_own)
    fail ("not each change was answered by one", 0);
  if (strcmp (argv[5], "limit") == 0 && nr_servers == 0)
    fail ("the server has kept its keys", 0);
  return 0;
}
