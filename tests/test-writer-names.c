/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-writer-names.c: PATH and PATH.partial: what may be in the way, who owns
 * them, and what they stand for at which time.
 */

#include "config.h"

#include <pthread.h>

#include "writer-tests.h"

#define IMAGE   "image.qcow2"
#define PARTIAL "image.qcow2.partial"

static char data[65536];

static pb_writer *
create (unsigned flags)
{
  struct pb_writer_options options
    = { .struct_size = sizeof options, .flags = flags };

  return pb_writer_create (IMAGE, sizeof data, &options);
}

/* Write an image from beginning to end. */
static void
make_image (unsigned flags, char value)
{
  pb_writer *writer = create (flags);

  CHECK_OK (writer != NULL);
  memset (data, value, sizeof data);
  CHECK_OK (pb_writer_write (writer, data, sizeof data, 0) == 0);
  CHECK_OK (pb_writer_finish (writer) == 0);
  pb_writer_free (writer);
  CHECK (!exists (PARTIAL));
  make_raw ("model", sizeof data, value);
  CHECK_IMAGE (IMAGE, "model");
}

static void
make_file (const char *name, const char *text)
{
  FILE *f = fopen (name, "w");

  CHECK (f != NULL && fputs (text, f) >= 0 && fclose (f) == 0);
}

static void
clear_folder (void)
{
  CHECK (system ("rm -rf ./*") == 0);
}

static void
test_unfinished_output_is_refused (void)
{
  for (uint32_t size = 512; size <= 2 << 20; size *= 2) {
    struct pb_writer_options options = {
      .struct_size = sizeof options,
      .cluster_size = size,
      .backing_file = "base.raw",
      .backing_format = PB_FORMAT_RAW,
    };
    pb_writer *writer = pb_writer_create (IMAGE, sizeof data, &options);

    CHECK_OK (writer != NULL);
    CHECK (is_refused_as_unfinished (PARTIAL));
    CHECK (shell ("qemu-img info " PARTIAL) == 1);
    CHECK (file_has ("output", "lock"));
    CHECK_OK (pb_writer_zero (writer, sizeof data, 0) == 0);
    pb_writer_free (writer);
    CHECK (is_refused_as_unfinished (PARTIAL));
    CHECK (!exists (IMAGE));
  }
  clear_folder ();
}

/* The longest names leave no room for the text, but never for less than a
 * refusal.
 */
static void
test_backing_name (uint32_t cluster_size, size_t length)
{
  char name[1100];
  struct pb_writer_options options = {
    .struct_size = sizeof options,
    .flags = PB_WRITER_FORCE,
    .cluster_size = cluster_size,
    .backing_file = name,
  };
  /* Beside it there are the fixed header, the extension with the format, and
   * the end of extensions.
   */
  bool fits = 112 + 16 + 8 + length <= cluster_size && length <= 1023;
  pb_writer *writer;

  memset (name, 'n', length);
  name[length] = '\0';
  writer = pb_writer_create (IMAGE, 0, &options);
  if (!fits) {
    CHECK_FAILS (writer == NULL, ENAMETOOLONG, "backing file");
    return;
  }
  CHECK_OK (writer != NULL);
  CHECK (shell ("qemu-img info -U " PARTIAL) == 1);
  CHECK (file_has ("output", "Unsupported qcow2 feature"));
  CHECK_OK (pb_writer_finish (writer) == 0);
  pb_writer_free (writer);
  CHECK_SHELL ("qemu-img info " IMAGE);
  CHECK (file_has ("output", name));
}

static void
test_backing_name_lengths (void)
{
  for (uint32_t size = 512; size <= 2048; size *= 2) {
    size_t longest = size - 136 < 1023 ? size - 136 : 1023;

    /* The text is left out from 55 bytes less on. */
    test_backing_name (size, longest - 56);
    test_backing_name (size, longest - 55);
    test_backing_name (size, longest);
    test_backing_name (size, longest + 1);
  }
  clear_folder ();
}

static void
test_leftovers (void)
{
  /* An unfinished output of a process that is gone. */
  pb_writer_free (create (0));
  CHECK (exists (PARTIAL));
  make_image (0, 'a');

  /* It was killed before it wrote the first byte. */
  clear_folder ();
  make_file (PARTIAL, "");
  make_image (0, 'b');

  /* Something else. */
  clear_folder ();
  make_file (PARTIAL, "precious");
  CHECK_FAILS (create (0) == NULL, EEXIST, "rename it if it is wanted");
  CHECK (file_has (PARTIAL, "precious"));
  make_image (PB_WRITER_FORCE, 'c');

  /* A finished image: of a writer killed just before it got its name. */
  CHECK (rename (IMAGE, PARTIAL) == 0);
  CHECK_FAILS (create (0) == NULL, EEXIST, "not the unfinished output");
  clear_folder ();
}

static void
test_leftover_of_other_kinds (void)
{
  for (unsigned flags = 0; flags <= PB_WRITER_FORCE; flags++) {
    make_file ("target", "precious");
    CHECK (symlink ("target", PARTIAL) == 0);
    CHECK_FAILS (create (flags) == NULL, EEXIST, "not a regular file");
    CHECK (file_has ("target", "precious"));

    CHECK (unlink (PARTIAL) == 0 && symlink ("nothing", PARTIAL) == 0);
    CHECK_FAILS (create (flags) == NULL, EEXIST, "not a regular file");
    CHECK (!exists ("nothing"));

    CHECK (unlink (PARTIAL) == 0 && mkfifo (PARTIAL, 0666) == 0);
    CHECK_FAILS (create (flags) == NULL, EEXIST, "not a regular file");
    clear_folder ();
  }
}

/* A leftover is never emptied in place: who has it open, or has linked it,
 * must not be given the bytes of a disk.
 */
static void
test_leftover_is_not_reused (void)
{
  struct stat old, new;

  make_file (PARTIAL, "");
  CHECK (link (PARTIAL, "other") == 0 && chmod ("other", 0666) == 0);
  make_image (0, 'd');
  CHECK (stat ("other", &old) == 0 && old.st_size == 0);
  CHECK (stat (IMAGE, &new) == 0 && (new.st_mode & 0777) == 0600);
  clear_folder ();
}

static void
test_owner_is_left_alone (void)
{
  pb_writer *owner = create (0);

  CHECK_OK (owner != NULL);
  CHECK_FAILS (create (0) == NULL, EBUSY, "in use");
  CHECK_FAILS (create (PB_WRITER_FORCE) == NULL, EBUSY, "in use");
  CHECK_OK (pb_writer_finish (owner) == 0);
  pb_writer_free (owner);
  CHECK_SHELL ("qemu-img check " IMAGE);
  clear_folder ();
}

static void
test_existing_output (void)
{
  pb_writer *writer;

  make_file (IMAGE, "precious");
  CHECK_FAILS (create (0) == NULL, EEXIST, "already exists");
  CHECK (file_has (IMAGE, "precious"));
  CHECK (!exists (PARTIAL));

  /* Force keeps it until the new one is there. */
  writer = create (PB_WRITER_FORCE);
  CHECK_OK (writer != NULL);
  CHECK (file_has (IMAGE, "precious"));
  CHECK_OK (pb_writer_finish (writer) == 0);
  pb_writer_free (writer);
  CHECK_SHELL ("qemu-img check " IMAGE);

  CHECK (unlink (IMAGE) == 0 && mkdir (IMAGE, 0777) == 0);
  CHECK_FAILS (create (PB_WRITER_FORCE) == NULL, EEXIST, "regular file");
  clear_folder ();
}

static void
test_output_appears_meanwhile (void)
{
  pb_writer *writer = create (0);

  CHECK_OK (writer != NULL);
  make_file (IMAGE, "precious");
  CHECK_FAILS (pb_writer_finish (writer) == -1, EEXIST, "cannot be renamed");
  CHECK_FAILS (pb_writer_finish (writer) == -1, EEXIST, "cannot be renamed");
  pb_writer_free (writer);
  CHECK (file_has (IMAGE, "precious"));
  CHECK (is_refused_as_unfinished (PARTIAL));
  clear_folder ();
}

static void
test_own_backing_file (void)
{
  struct pb_writer_options options = {
    .struct_size = sizeof options,
    .flags = PB_WRITER_FORCE,
    .backing_file = "../folder/link",
  };

  CHECK (mkdir ("folder", 0777) == 0);
  make_file ("folder/" IMAGE, "precious");
  CHECK (symlink (IMAGE, "folder/link") == 0);
  CHECK_FAILS (pb_writer_create ("folder/" IMAGE, 0, &options) == NULL, EINVAL,
               "own backing file");
  options.backing_file = "nbd://host/disk";
  CHECK_FAILS (pb_writer_create ("folder/" IMAGE, 0, &options) == NULL, EINVAL,
               "not a plain file name");
  options.backing_file = "json:{}";
  CHECK_FAILS (pb_writer_create ("folder/" IMAGE, 0, &options) == NULL, EINVAL,
               "not a plain file name");
  CHECK (file_has ("folder/" IMAGE, "precious"));
  clear_folder ();
}

static void
test_current_folder_changes (void)
{
  pb_writer *writer;

  CHECK (mkdir ("elsewhere", 0777) == 0);
  writer = create (0);
  CHECK_OK (writer != NULL);
  CHECK (chdir ("elsewhere") == 0);
  CHECK_OK (pb_writer_finish (writer) == 0);
  pb_writer_free (writer);
  CHECK (chdir ("..") == 0);
  CHECK_SHELL ("qemu-img check " IMAGE);
  clear_folder ();
}

static void
test_folders_that_do_not_do (void)
{
  CHECK_FAILS (pb_writer_create ("no/such.qcow2", 0, NULL) == NULL, ENOENT,
               "no/");
  CHECK_FAILS (pb_writer_create ("./", 0, NULL) == NULL, EINVAL,
               "not the name of a file");
}

/* Of those who create at the same time one wins at most, whatever the others
 * remove as a leftover; and while it has not let go, nobody else does.
 */
static pthread_barrier_t barrier;

static void *
create_with_others (void *unused)
{
  (void) unused;
  pthread_barrier_wait (&barrier);
  return create (0);
}

static void
test_race_for_the_name (void)
{
  enum { THREADS = 4, ROUNDS = 50 };
  pthread_t threads[THREADS];
  unsigned wins = 0;

  CHECK (pthread_barrier_init (&barrier, NULL, THREADS) == 0);
  for (unsigned round = 0; round < ROUNDS; round++) {
    pb_writer *winner = NULL;

    for (unsigned i = 0; i < THREADS; i++)
      CHECK (pthread_create (&threads[i], NULL, create_with_others, NULL)
             == 0);
    for (unsigned i = 0; i < THREADS; i++) {
      void *writer;

      CHECK (pthread_join (threads[i], &writer) == 0);
      CHECK (writer == NULL || winner == NULL);
      if (writer)
        winner = writer;
    }
    if (winner) {
      wins++;
      CHECK_FAILS (create (0) == NULL, EBUSY, "in use");
      if (round % 4 == 0) {
        CHECK_OK (pb_writer_finish (winner) == 0);
        CHECK (unlink (IMAGE) == 0);
      }
      pb_writer_free (winner);
    }
  }
  CHECK (wins > 0);
  pthread_barrier_destroy (&barrier);
  clear_folder ();
}

int
main (void)
{
  enter_folder ();
  test_unfinished_output_is_refused ();
  test_backing_name_lengths ();
  test_leftovers ();
  test_leftover_of_other_kinds ();
  test_leftover_is_not_reused ();
  test_owner_is_left_alone ();
  test_existing_output ();
  test_output_appears_meanwhile ();
  test_own_backing_file ();
  test_current_folder_changes ();
  test_folders_that_do_not_do ();
  test_race_for_the_name ();
  leave_folder ();
  return 0;
}
