/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-connect.c: one connection to an NBD server, up to its export. */

#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "nbd-connect.h"
#include "nbd-handle.h"
#include "pullback.h"

/* After a connection was cut, nothing is waited for but its own end. */
#define CUT_POLL_MS 100

/* A server without TLS just ends the connection, and gnutls names itself where
 * it found something wrong.
 */
static void
set_connect_error (const char *uri)
{
  const char *cause = nbd_get_error ();
  bool is_tls = strncmp (uri, "nbds", 4) == 0;

  set_nbd_error ("%s: cannot connect%s%s", uri, is_tls ? " with TLS" : "",
                 is_tls && cause && strstr (cause, "gnutls") == NULL
                   ? " (does the server offer it?)"
                   : "");
}

/* Let NBD go on until it has nothing more to do, or SECONDS have passed.
 * Returns 1, 0 where the time was over, or -1.
 */
static int
finish_in_time (struct nbd_handle *nbd, unsigned seconds)
{
  uint64_t end = monotonic_ns () + seconds * NS_PER_S;

  while (nbd_aio_is_connecting (nbd) == 1) {
    uint64_t now = monotonic_ns ();

    if (now >= end)
      return 0;
    if (nbd_poll (nbd, (end - now) / 1000000 + 1) == -1)
      return -1;
  }
  return nbd_is_gone (nbd) ? -1 : 1;
}

static int
connect_in_time (struct nbd_handle *nbd, const char *uri, unsigned seconds)
{
  int r = nbd_aio_connect_uri (nbd, uri) == -1
            ? -1
            : finish_in_time (nbd, seconds);

  if (r == 0)
    pb_set_error (ETIMEDOUT, "%s: cannot connect: the server has not "
                  "answered for %u seconds",
                  uri, seconds);
  else if (r == -1)
    set_connect_error (uri);
  return r == 1 ? 0 : -1;
}

struct nbd_handle *
nbd_connect_start (const char *uri, unsigned seconds)
{
  struct nbd_handle *nbd = nbd_create ();

  if (nbd == NULL
      || nbd_set_opt_mode (nbd, true) == -1
      || nbd_set_full_info (nbd, true) == -1
      /* The URI comes from the user, so its key files are the user's too. */
      || nbd_set_uri_allow_local_file (nbd, true) == -1) {
    set_nbd_error ("%s", uri);
    nbd_close (nbd);
    return NULL;
  }
  if (connect_in_time (nbd, uri, seconds) == -1) {
    nbd_close (nbd);
    return NULL;
  }
  if (nbd_aio_is_negotiating (nbd) != 1) {
    pb_set_error (ENOTSUP, "%s: the server only speaks the old style of NBD, "
                  "which knows no exports and no maps",
                  uri);
    nbd_close (nbd);
    return NULL;
  }
  return nbd;
}

/* An option that has been sent, and what the server says to it. */
struct option {
  int error; /* errno, or 0 */
  const struct nbd_connect_list *list;
  unsigned nr_listed;
  bool is_enough; /* the list's user wants no more */
  bool is_long;
};

static int
on_completion (void *opaque, int *error)
{
  struct option *option = opaque;

  option->error = *error;
  return 1;
}

static int
on_entry (struct option *option, const char *name, const char *description)
{
  if (option->nr_listed == NBD_CONNECT_LIST_MAX)
    option->is_long = true;
  else if (!option->is_enough) {
    option->nr_listed++;
    option->is_enough
      = option->list->callback (option->list->opaque, name, description)
        == -1;
  }
  return 0;
}

static int
on_export (void *opaque, const char *name, const char *description)
{
  return on_entry (opaque, name, description);
}

static int
on_context (void *opaque, const char *name)
{
  return on_entry (opaque, name, "");
}

/* End the connection, which calls back what still waits for an answer. */
static void
cut (struct nbd_handle *nbd)
{
  shutdown (nbd_aio_get_fd (nbd), SHUT_RDWR);
  while (!nbd_is_gone (nbd) && nbd_poll (nbd, CUT_POLL_MS) >= 0)
    ;
}

/* Wait SECONDS for the answer to OPTION, whose sending has returned R, about
 * WHAT.
 */
static int
finish_option (struct nbd_handle *nbd, const char *uri, const char *what,
               unsigned seconds, const struct option *option, int r)
{
  bool needs_tls;

  if (r == -1) {
    set_nbd_error ("%s: %s", uri, what);
    return -1;
  }
  switch (finish_in_time (nbd, seconds)) {
  case 0:
    cut (nbd);
    pb_set_error (ETIMEDOUT, "%s: %s: the server has not answered for %u "
                  "seconds",
                  uri, what, seconds);
    return -1;
  case -1:
    set_command_error (nbd, "%s: %s", uri, what);
    return -1;
  }
  if (option->error == 0)
    return 0;
  /* What libnbd calls "not supported" is most often NBD_REP_ERR_TLS_REQD. */
  needs_tls
    = option->error == ENOTSUP && nbd_get_tls_negotiated (nbd) == 0;
  pb_set_error (option->error, "%s: %s%s: %s", uri, what,
                needs_tls ? " (does the server ask for TLS, nbds?)" : "",
                strerror (option->error));
  return -1;
}

/* Send INFO or GO, and wait for what the server says of the export. */
static int
ask_about_export (struct nbd_handle *nbd, const char *uri,
                  const char *export_name, unsigned seconds,
                  int (*ask) (struct nbd_handle *nbd,
                              nbd_completion_callback completion))
{
  struct option option = { 0 };
  nbd_completion_callback completion
    = { .callback = on_completion, .user_data = &option };
  char what[256];
  int r = nbd_set_export_name (nbd, export_name);

  if (r == 0)
    r = ask (nbd, completion);
  snprintf (what, sizeof what, "export '%.200s'", export_name);
  return finish_option (nbd, uri, what, seconds, &option, r);
}

int
nbd_connect_info (struct nbd_handle *nbd, const char *uri,
                  const char *export_name)
{
  return ask_about_export (nbd, uri, export_name, NBD_CONNECT_SECONDS,
                           nbd_aio_opt_info);
}

int
nbd_connect_go (struct nbd_handle *nbd, const char *uri,
                const char *export_name, unsigned seconds)
{
  return ask_about_export (nbd, uri, export_name, seconds, nbd_aio_opt_go);
}

static int
finish_list (struct nbd_handle *nbd, const char *uri, const char *what,
             struct option *option, int r)
{
  r = finish_option (nbd, uri, what, NBD_CONNECT_SECONDS, option, r);
  if (r == 0 && option->is_long) {
    pb_set_error (E2BIG, "%s: %s: the server lists more than %d", uri, what,
                  NBD_CONNECT_LIST_MAX);
    return -1;
  }
  return r;
}

int
nbd_connect_list_exports (struct nbd_handle *nbd, const char *uri,
                          const struct nbd_connect_list *list)
{
  struct option option = { .list = list };
  nbd_list_callback each = { .callback = on_export, .user_data = &option };
  nbd_completion_callback completion
    = { .callback = on_completion, .user_data = &option };

  return finish_list (nbd, uri, "list of exports", &option,
                      nbd_aio_opt_list (nbd, each, completion) == -1 ? -1 : 0);
}

int
nbd_connect_list_contexts (struct nbd_handle *nbd, const char *uri,
                           const struct nbd_connect_list *list)
{
  struct option option = { .list = list };
  nbd_context_callback each = { .callback = on_context, .user_data = &option };
  nbd_completion_callback completion
    = { .callback = on_completion, .user_data = &option };

  return finish_list (nbd, uri, "list of metadata contexts", &option,
                      nbd_aio_opt_list_meta_context (nbd, each, completion)
                          == -1
                        ? -1
                        : 0);
}
