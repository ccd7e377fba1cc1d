/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* server.c: all connections to the exports, and their limits. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "connection.h"
#include "log.h"
#include "server.h"
#include "threads.h"

/* How long connections that were cut may take to end, when the server does, and
 * when there is no place for another before that.
 */
#define CUT_TIMEOUT_MS   2000
#define PLACE_TIMEOUT_MS 1000

/* A client that has nothing to say is asked for a sign of life after so many
 * seconds, then in these intervals, so many times.  (The kernel's default for
 * the first is two hours.)  TCP_USER_TIMEOUT would also end one that is alive
 * and only does not read for a while, because its own disk is slow, say.
 */
#define ALIVE_IDLE_S     60
#define ALIVE_INTERVAL_S 10
#define ALIVE_COUNT      6

/* How few connections in the handshake are never too many, in all and from one
 * origin: a client may open several at once.
 */
#define YOUNG_MIN        32
#define YOUNG_ORIGIN_MIN 16

struct server {
  const struct server_config *config;
  struct policy *policy; /* this and the next are the accepting thread's */
  uint64_t nr_accepted;

  pthread_mutex_t lock;
  pthread_cond_t one_less;
  struct connection *connections; /* a list, so that they can be ended */
  unsigned nr_connections;        /* with those that have just left the list */
};

struct server *
server_new (const struct server_config *config, struct policy *policy)
{
  struct server *server = calloc (1, sizeof *server);
  pthread_condattr_t attributes;

  if (server == NULL) {
    pb_set_error (errno, "server: %s", strerror (errno));
    policy_unref (policy);
    return NULL;
  }
  server->config = config;
  server->policy = policy;
  pthread_mutex_init (&server->lock, NULL); /* none of these fails on Linux */
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&server->one_less, &attributes);
  pthread_condattr_destroy (&attributes);
  return server;
}

void
server_set_policy (struct server *server, struct policy *policy)
{
  policy_unref (server->policy);
  server->policy = policy;
}

void
server_free (struct server *server)
{
  if (server == NULL)
    return;
  policy_unref (server->policy);
  pthread_cond_destroy (&server->one_less);
  pthread_mutex_destroy (&server->lock);
  free (server);
}

struct start {
  struct server *server;
  struct connection *connection;
};

static void
add (struct server *server, struct connection *connection)
{
  LOCK_CURRENT_SCOPE (&server->lock);

  connection->next = server->connections;
  if (connection->next)
    connection->next->previous = connection;
  server->connections = connection;
  server->nr_connections++;
}

static void
end (struct server *server, struct connection *connection)
{
  pthread_mutex_lock (&server->lock);
  if (connection->previous)
    connection->previous->next = connection->next;
  else
    server->connections = connection->next;
  if (connection->next)
    connection->next->previous = connection->previous;
  pthread_mutex_unlock (&server->lock);

  /* Out of the list, so that nobody shuts down its socket's number when that
   * is somebody else's already.
   */
  connection_free (connection);

  pthread_mutex_lock (&server->lock);
  server->nr_connections--;
  pthread_cond_broadcast (&server->one_less);
  pthread_mutex_unlock (&server->lock);
}

static void *
serve (void *opaque)
{
  struct start start = *(struct start *) opaque;

  free (opaque);
  connection_run (start.connection);
  end (start.server, start.connection);
  return NULL;
}

static void
set_socket_options (int fd, const struct identity *identity)
{
  int on = 1, idle = ALIVE_IDLE_S, interval = ALIVE_INTERVAL_S,
      probes = ALIVE_COUNT;

  if (identity->is_unix)
    return;
  /* "both the client and server SHOULD disable Nagle's algorithm"; and a
   * client whose machine is gone shall not keep its place for ever.  Neither is
   * worth losing a client over.
   */
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt (fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt (fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt (fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt (fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

/* With the lock held: wait until there are fewer than NR connections.  Returns
 * whether that is so.
 */
static bool
wait_for_fewer (struct server *server, unsigned nr, unsigned timeout_ms)
{
  struct timespec until;

  clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += (long) (timeout_ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  while (server->nr_connections >= nr)
    if (pthread_cond_timedwait (&server->one_less, &server->lock, &until)
        == ETIMEDOUT)
      break;
  return server->nr_connections < nr;
}

/* What there is of connections. */
struct census {
  unsigned nr;                      /* without those that were cut */
  unsigned nr_young, nr_origin;     /* in the handshake; and from one origin */
  struct connection *oldest, *oldest_origin; /* of each */
};

/* With the lock held.  The list has the newest first. */
static struct census
count (const struct server *server, const struct identity *origin)
{
  struct census census = { .nr = server->nr_connections };

  for (struct connection *connection = server->connections; connection;
       connection = connection->next) {
    if (connection->is_draining)
      census.nr--;
    else if (!connection->is_served) {
      census.nr_young++;
      census.oldest = connection;
      if (identity_same_origin (&connection->origin, origin)) {
        census.nr_origin++;
        census.oldest_origin = connection;
      }
    }
  }
  return census;
}

/* With the lock held: which connection must go for one more from ORIGIN, if
 * any?
 */
static struct connection *
choose_to_cut (const struct server *server, const struct identity *origin)
{
  unsigned max = server->config->max_connections;
  unsigned max_young = max / 2 > YOUNG_MIN ? max / 2 : YOUNG_MIN;
  unsigned max_origin
    = max_young / 2 > YOUNG_ORIGIN_MIN ? max_young / 2 : YOUNG_ORIGIN_MIN;
  struct census census = count (server, origin);

  if (census.nr_origin >= max_origin)
    return census.oldest_origin;
  return census.nr_young >= max_young || census.nr >= max ? census.oldest
                                                          : NULL;
}

/* A connection that was cut, for the log. */
struct cut {
  bool is_one;
  uint64_t number;
  struct identity origin;
};

/* See to it that there is a place for one more connection.  Returns whether
 * there is.
 */
static bool
find_place (struct server *server, const struct identity *origin,
            struct cut *cut)
{
  LOCK_CURRENT_SCOPE (&server->lock);
  struct connection *oldest = choose_to_cut (server, origin);

  cut->is_one = oldest != NULL;
  if (oldest) {
    cut->number = oldest->number;
    cut->origin = oldest->origin;
    connection_cut (oldest);
  }
  if (server->nr_connections < server->config->max_connections)
    return true;
  /* Others that were cut may be on their way out. */
  return count (server, origin).nr < server->config->max_connections
         && wait_for_fewer (server, server->config->max_connections,
                            PLACE_TIMEOUT_MS);
}

/* The same, with what is to be said of it: nothing that takes the lock waits for
 * the log.
 */
static bool
make_place (struct server *server, const struct identity *origin)
{
  struct cut cut;
  bool is_place = find_place (server, origin, &cut);

  if (cut.is_one)
    log_line ("client %" PRIu64 " (%s): cut in its handshake, for another "
              "client, %s",
              cut.number, cut.origin.text, origin->text);
  return is_place;
}

/* Is there a place for one more, and may this one have it? */
static int
admit (struct server *server, int fd, struct identity *identity)
{
  if (identity_init (identity, fd) == -1) {
    log_line ("a client was gone before it was served: %s", pb_get_error ());
    return -1;
  }
  if (policy_judge (server->policy, identity) == POLICY_REFUSED) {
    log_line ("client %s: refused: %s", identity->text, pb_get_error ());
    return -1;
  }
  if (!make_place (server, identity)) {
    log_line ("client %s: refused: there are %u connections already",
              identity->text, server->config->max_connections);
    return -1;
  }
  return 0;
}

int
server_accept (struct server *server, int listener)
{
  struct connection *connection;
  struct identity identity;
  struct start *start;
  int fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);

  if (fd == -1) {
    if (errno == EINTR || errno == EAGAIN || errno == ECONNABORTED)
      return 0; /* it has gone again */
    pb_set_error (errno, "accept: %s", strerror (errno));
    return -1;
  }
  if (admit (server, fd, &identity) == -1) {
    close (fd);
    return 0;
  }
  set_socket_options (fd, &identity);
  connection = connection_new (server->config, server->policy, fd, &identity,
                               ++server->nr_accepted);
  if (connection == NULL)
    return -1;
  start = malloc (sizeof *start);
  if (start == NULL) {
    pb_set_error (errno, "client %s: %s", identity.text, strerror (errno));
    connection_free (connection);
    return -1;
  }
  *start = (struct start) { server, connection };
  add (server, connection);
  if (thread_start_detached (serve, start) == -1) {
    free (start);
    end (server, connection);
    return -1;
  }
  return 0;
}

/* Let all end in order.  Returns how many have not when the time is over. */
static unsigned
drain_all (struct server *server, unsigned timeout_ms)
{
  LOCK_CURRENT_SCOPE (&server->lock);

  for (struct connection *connection = server->connections; connection;
       connection = connection->next)
    connection_drain (connection);
  return wait_for_fewer (server, 1, timeout_ms) ? 0 : server->nr_connections;
}

/* Returns whether all have ended. */
static bool
cut_all (struct server *server)
{
  LOCK_CURRENT_SCOPE (&server->lock);

  for (struct connection *connection = server->connections; connection;
       connection = connection->next)
    connection_cut (connection);
  return wait_for_fewer (server, 1, CUT_TIMEOUT_MS);
}

int
server_drain (struct server *server, unsigned timeout_ms)
{
  unsigned nr = drain_all (server, timeout_ms);

  if (nr == 0)
    return 0;
  log_line ("%u connections have not ended in time and are cut", nr);
  return cut_all (server) ? 0 : -1;
}
