/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* unit-folder.h: an empty folder for a C test, and shell commands in it. */

#ifndef PULLBACK_UNIT_FOLDER_H
#define PULLBACK_UNIT_FOLDER_H

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "unit.h"

/* Work in an empty folder of its own, which leave_folder () removes.  Where
 * there is room in memory it is there: what is tested syncs a lot, and what a
 * sync is good for shows when the power fails only.
 */
static char test_folder[300];

__attribute__ ((__unused__)) static void
enter_folder (void)
{
  const char *parent = getenv ("TMPDIR");
  struct statvfs fs;

  if (parent == NULL)
    parent = statvfs ("/dev/shm", &fs) == 0 && access ("/dev/shm", W_OK) == 0
                 && (uint64_t) fs.f_bavail * fs.f_frsize >= 1 << 30
               ? "/dev/shm"
               : "/tmp";
  CHECK (snprintf (test_folder, sizeof test_folder,
                   "%s/pullback-unit.XXXXXX", parent)
         < (int) sizeof test_folder);
  CHECK (mkdtemp (test_folder) != NULL);
  CHECK (chdir (test_folder) == 0);
}

/* The exit status of a shell command.  Its output goes to the file "output".
 */
__attribute__ ((__unused__, __format__ (__printf__, 1, 2))) static int
shell (const char *format, ...)
{
  char command[2048], line[4096];
  va_list args;
  int status;

  va_start (args, format);
  CHECK (vsnprintf (command, sizeof command, format, args)
         < (int) sizeof command);
  va_end (args);
  snprintf (line, sizeof line, "( %s ) >output 2>&1", command);
  status = system (line);
  CHECK (WIFEXITED (status));
  return WEXITSTATUS (status);
}

__attribute__ ((__unused__)) static void
leave_folder (void)
{
  char command[400];

  CHECK (chdir ("/") == 0);
  snprintf (command, sizeof command, "rm -rf '%s'", test_folder);
  CHECK (system (command) == 0);
}

static int
unit_remove_entry (const char *path, const struct stat *st, int type,
                   struct FTW *ftw)
{
  (void) st, (void) type, (void) ftw;
  return remove (path);
}

/* rm -rf, for a test that calls it often. */
__attribute__ ((__unused__)) static void
remove_tree (const char *name)
{
  CHECK (nftw (name, unit_remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0
         || errno == ENOENT);
}

/* Does a file have this text in its first bytes? */
__attribute__ ((__unused__)) static bool
file_has (const char *name, const char *text)
{
  char buffer[4096];
  FILE *f = fopen (name, "r");
  size_t n;

  CHECK (f != NULL);
  n = fread (buffer, 1, sizeof buffer - 1, f);
  fclose (f);
  buffer[n] = '\0';
  return strstr (buffer, text) != NULL;
}

__attribute__ ((__unused__)) static bool
exists (const char *name)
{
  struct stat st;

  return lstat (name, &st) == 0;
}

/* A shell command that must succeed; if not, what it says is shown. */
#define CHECK_SHELL(...)                                                      \
  do {                                                                        \
    if (shell (__VA_ARGS__) != 0) {                                           \
      fprintf (stderr, "%s:%d: %s: ", __FILE__, __LINE__, __func__);          \
      fprintf (stderr, __VA_ARGS__);                                          \
      fprintf (stderr, "\n");                                                 \
      (void) !system ("cat output >&2");                                      \
      exit (1);                                                               \
    }                                                                         \
  } while (0)

#endif /* PULLBACK_UNIT_FOLDER_H */
