/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* text-file.c: XML that users give as a file. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "pullback.h"
#include "text-file.h"

/* Up to SIZE bytes, or -1. */
static ssize_t
read_up_to (int fd, char *buffer, size_t size)
{
  size_t count = 0;

  while (count < size) {
    ssize_t r = read (fd, buffer + count, size - count);

    if (r == 0)
      break;
    if (r == -1 && errno != EINTR)
      return -1;
    if (r > 0)
      count += r;
  }
  return count;
}

static char *
read_text (int fd, const char *name)
{
  CLEANUP_FREE char *text = malloc (TEXT_FILE_MAX + 1);
  ssize_t count;
  char *result;

  if (text == NULL) {
    pb_set_error (errno, "%s: %s", name, strerror (errno));
    return NULL;
  }
  count = read_up_to (fd, text, TEXT_FILE_MAX + 1);
  if (count == -1)
    pb_set_error (errno, "Failed to read file '%s': %s", name,
                  strerror (errno));
  else if ((size_t) count > TEXT_FILE_MAX)
    pb_set_error (EFBIG, "%s: is longer than %zu bytes", name, TEXT_FILE_MAX);
  else if (memchr (text, '\0', count))
    pb_set_error (EINVAL, "%s: has a NUL in it, and so is no XML", name);
  else {
    text[count] = '\0';
    result = text;
    text = NULL;
    return result;
  }
  return NULL;
}

char *
text_file_read (const char *path)
{
  char *text;
  int fd;

  if (strcmp (path, "-") == 0)
    return read_text (STDIN_FILENO, "standard input");
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd == -1) {
    pb_set_error (errno, "Failed to open file '%s': %s", path,
                  strerror (errno));
    return NULL;
  }
  text = read_text (fd, path);
  close (fd);
  return text;
}
