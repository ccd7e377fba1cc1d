/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-util-error.c: what a message holds, and whose it is. */

#include "config.h"

#include <pthread.h>

#include "error.h"
#include "unit.h"

static void *
fail_in_a_thread (void *unused)
{
  (void) unused;
  pb_set_error (ENOTSUP, "other thread");
  return NULL;
}

static void
test_message_and_number (void)
{
  pb_set_error (EIO, "a.qcow2: L2 table at offset 0x%x", 0x200);
  CHECK (strcmp (pb_get_error (), "a.qcow2: L2 table at offset 0x200") == 0);
  CHECK (pb_get_errno () == EIO);
}

static void
test_cause_is_appended (void)
{
  errno = ENOENT;
  set_error_errno ("%s", "nosuch.qcow2");
  CHECK (strcmp (pb_get_error (), "nosuch.qcow2: No such file or directory")
         == 0);
  CHECK (pb_get_errno () == ENOENT);
}

static void
test_prefix_keeps_the_number (void)
{
  pb_set_error (ESTALE, "bitmap b0: in use");
  prefix_error ("disk %s", "vda");
  CHECK (strcmp (pb_get_error (), "disk vda: bitmap b0: in use") == 0);
  CHECK (pb_get_errno () == ESTALE);
}

static void
test_message_may_quote_the_last (void)
{
  pb_set_error (EIO, "inner");
  pb_set_error (EINVAL, "outer (%s)", pb_get_error ());
  CHECK (strcmp (pb_get_error (), "outer (inner)") == 0);
}

static void
test_each_thread_has_its_own (void)
{
  pthread_t thread;

  pb_set_error (EIO, "mine");
  CHECK (pthread_create (&thread, NULL, fail_in_a_thread, NULL) == 0);
  CHECK (pthread_join (thread, NULL) == 0);
  CHECK (strcmp (pb_get_error (), "mine") == 0);
}

static void
test_long_message_is_cut (void)
{
  char *text = malloc (100000);

  CHECK (text != NULL);
  memset (text, 'x', 99999);
  text[99999] = '\0';
  pb_set_error (EIO, "%s", text);
  CHECK (strlen (pb_get_error ()) < 99999);
  CHECK (strncmp (pb_get_error (), text, 1000) == 0);
  errno = ENOSPC;
  set_error_errno ("%s", text);
  CHECK (pb_get_errno () == ENOSPC);
  free (text);
}

static void
test_names_cannot_drive_a_terminal (void)
{
  pb_set_error (EIO, "bitmap a\033]0;b\nc\177 \xc3\xbc: in use");
  CHECK (strcmp (pb_get_error (), "bitmap a?]0;b?c? \xc3\xbc: in use") == 0);
}

int
main (void)
{
  test_message_and_number ();
  test_cause_is_appended ();
  test_prefix_keeps_the_number ();
  test_message_may_quote_the_last ();
  test_each_thread_has_its_own ();
  test_long_message_is_cut ();
  test_names_cannot_drive_a_terminal ();
  return 0;
}
