/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* progress.c: how far a pull is, for people or for another program. */

#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"
#include "progress.h"
#include "size.h"

#define BAR_MAX 40

void
progress_init (struct progress *progress, const struct options *options,
               uint64_t size)
{
  enum progress_mode mode = options->progress;

  if (mode == PROGRESS_AUTO)
    mode = !options->quiet && isatty (STDERR_FILENO) ? PROGRESS_BAR
                                                     : PROGRESS_NONE;
  *progress = (struct progress) {
    .mode = mode,
    .fd = options->progress_fd,
    .size = size,
    .start = monotonic_ns (),
    .last_percent = -1,
  };
}

/* The part of the pull that is done.  While the map is still being read, what
 * it will say of the rest of the disk is taken to be like what it has said.
 */
static double
fraction_done (const struct progress *progress,
               const struct pull_counters *counters)
{
  /* All of them grow meanwhile.  In this order what is read is never more
   * than the data that it is a part of.
   */
  uint64_t mapped = atomic_load (&counters->mapped);
  uint64_t read = atomic_load (&counters->read);
  uint64_t data = atomic_load (&counters->data);
  double of_mapped = data ? (double) read / data : 1;

  if (progress->size == 0 || of_mapped > 1)
    return 1;
  return of_mapped * ((double) mapped / progress->size);
}

static void
format_seconds (double seconds, char *buffer, size_t size)
{
  uint64_t s = seconds;

  if (s >= 3600)
    snprintf (buffer, size, "%" PRIu64 ":%02u:%02u", s / 3600,
              (unsigned) (s / 60 % 60), (unsigned) (s % 60));
  else
    snprintf (buffer, size, "%u:%02u", (unsigned) (s / 60),
              (unsigned) (s % 60));
}

static void
show_bar (struct progress *progress, const struct pull_counters *counters,
          double fraction)
{
  double seconds = (monotonic_ns () - progress->start) / 1e9;
  uint64_t read = atomic_load (&counters->read);
  char bar[BAR_MAX + 1], bytes[SIZE_TEXT_MAX], rate[SIZE_TEXT_MAX];
  char left[32] = "-:--";
  struct winsize window = { .ws_col = 80 };
  int width, filled;

  ioctl (STDERR_FILENO, TIOCGWINSZ, &window);
  width = (int) window.ws_col - 52; /* what the numbers may take */
  width = width > BAR_MAX ? BAR_MAX : width < 4 ? 4 : width;
  filled = fraction * width;
  memset (bar, ' ', width);
  memset (bar, '#', filled);
  bar[width] = '\0';
  if (fraction > 0.001)
    format_seconds (seconds / fraction - seconds, left, sizeof left);
  fprintf (stderr, "\r%3d%% [%s] %s, %s/s, %s left\033[K",
           (int) (fraction * 100), bar, size_format (read, bytes),
           size_format (seconds > 0 ? read / seconds : 0, rate), left);
  fflush (stderr);
  progress->bar_is_shown = true;
}

/* Whoever reads may go away: that is no reason to end a backup. */
static void
write_percent (struct progress *progress, int percent)
{
  if (percent <= progress->last_percent)
    return;
  progress->last_percent = percent;
  if (dprintf (progress->fd, "%d/100\n", percent) < 0)
    progress->mode = PROGRESS_NONE;
}

void
progress_show (struct progress *progress, const struct pull_counters *counters)
{
  double fraction = fraction_done (progress, counters);

  if (progress->mode == PROGRESS_BAR)
    show_bar (progress, counters, fraction);
  else if (progress->mode == PROGRESS_FD)
    write_percent (progress, fraction * 99); /* 100 means durable */
}

void
progress_end (struct progress *progress, bool done)
{
  if (progress->bar_is_shown)
    fputs ("\r\033[K", stderr);
  if (progress->mode == PROGRESS_FD && done)
    write_percent (progress, 100);
}
