/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* line-file.c: a small file of lines that the operator wrote. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "line-file.h"
#include "pullback.h"

static int
fail (const struct line_file *file)
{
  pb_set_error (errno, "%s: %s", file->name, strerror (errno));
  return -1;
}

static int
read_all (struct line_file *file)
{
  int CLEANUP_CLOSE fd = open (file->name, O_RDONLY | O_CLOEXEC);

  if (fd == -1)
    return fail (file);
  while (file->size <= LINE_FILE_MAX) {
    ssize_t r = read (fd, file->text + file->size,
                      LINE_FILE_MAX + 1 - file->size);

    if (r == 0)
      return 0;
    if (r == -1 && errno != EINTR)
      return fail (file);
    if (r > 0)
      file->size += r;
  }
  pb_set_error (EFBIG, "%s: more than %zu bytes", file->name, LINE_FILE_MAX);
  return -1;
}

int
line_file_open (struct line_file *file, const char *name)
{
  *file = (struct line_file) { .name = name,
                               .text = malloc (LINE_FILE_MAX + 1) };
  if (file->text == NULL)
    return fail (file);
  if (read_all (file) == -1) {
    line_file_close (file);
    return -1;
  }
  return 0;
}

bool
line_file_next (struct line_file *file, char **line, size_t *length)
{
  char *end;

  if (file->taken == file->size)
    return false;
  *line = file->text + file->taken;
  end = memchr (*line, '\n', file->size - file->taken);
  *length = end ? (size_t) (end - *line) : file->size - file->taken;
  file->taken += *length + (end != NULL);
  (*line)[*length] = '\0';
  file->line++;
  return true;
}

int
line_error (const struct line_file *file, const char *format, ...)
{
  char text[512];
  va_list args;

  va_start (args, format);
  vsnprintf (text, sizeof text, format, args);
  va_end (args);
  pb_set_error (EINVAL, "%s: line %u: %s", file->name, file->line, text);
  return -1;
}

void
line_file_close (struct line_file *file)
{
  explicit_bzero (file->text, file->size);
  free (file->text);
}
