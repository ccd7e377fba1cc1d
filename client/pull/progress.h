/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* progress.h: how far a pull is, for people or for another program. */

#ifndef PULLBACK_PROGRESS_H
#define PULLBACK_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "pull.h"

struct progress {
  enum progress_mode mode; /* never PROGRESS_AUTO */
  int fd;
  uint64_t size;           /* bytes of the disk */
  uint64_t start;          /* monotonic_ns () */
  int last_percent;        /* last written to fd, or -1 */
  bool bar_is_shown;
};

/* How often progress_show () is worth calling. */
#define PROGRESS_INTERVAL_MS 200

void progress_init (struct progress *progress, const struct options *options,
                    uint64_t size);
void progress_show (struct progress *progress,
                    const struct pull_counters *counters);

/* Take the bar away; tell a program that everything is DONE, or not. */
void progress_end (struct progress *progress, bool done);

#endif /* PULLBACK_PROGRESS_H */
