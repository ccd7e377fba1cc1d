/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* store-tests.h: what the tests of state folders share: files made by hand. */

#ifndef PULLBACK_STORE_TESTS_H
#define PULLBACK_STORE_TESTS_H

#include "store.h"
#include "unit-folder.h"

#define STATE "state"

__attribute__ ((__unused__)) static void
write_bytes (const char *name, const void *bytes, size_t count)
{
  FILE *f = fopen (name, "w");

  CHECK (f != NULL);
  CHECK (fwrite (bytes, 1, count, f) == count);
  CHECK (fclose (f) == 0);
}

__attribute__ ((__unused__)) static void
write_text_file (const char *name, const char *text)
{
  write_bytes (name, text, strlen (text));
}

/* The text of a file of at most 1 MiB, or NULL where there is none. */
__attribute__ ((__unused__)) static char *
read_text_file (const char *name)
{
  char *text = calloc (1, (1 << 20) + 1);
  FILE *f = fopen (name, "r");

  CHECK (text != NULL);
  if (f == NULL) {
    free (text);
    return NULL;
  }
  CHECK (fread (text, 1, 1 << 20, f) < 1 << 20);
  fclose (f);
  return text;
}

/* <domaincheckpoint> of a checkpoint with PARENT, or NULL. */
__attribute__ ((__unused__)) static const char *
checkpoint_xml (const char *name, const char *parent)
{
  static char xml[1024];
  char link[400] = "";

  if (parent)
    snprintf (link, sizeof link, "<parent><name>%s</name></parent>", parent);
  CHECK (snprintf (xml, sizeof xml,
                   "<domaincheckpoint><name>%s</name>%s"
                   "<creationTime>100</creationTime></domaincheckpoint>\n",
                   name, link)
         < (int) sizeof xml);
  return xml;
}

/* The file of a checkpoint, in a state folder that need not be there yet. */
__attribute__ ((__unused__)) static void
put_checkpoint (const char *name, const char *parent)
{
  char path[400];

  mkdir (STATE, 0700);
  mkdir (STATE "/checkpoints", 0700);
  snprintf (path, sizeof path, STATE "/checkpoints/%s.xml", name);
  write_text_file (path, checkpoint_xml (name, parent));
}

#endif /* PULLBACK_STORE_TESTS_H */
