/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* report.h: what a pull has done, for people or as JSON. */

#ifndef PULLBACK_REPORT_H
#define PULLBACK_REPORT_H

#include "options.h"
#include "pull.h"

struct report {
  const struct options *options;
  const struct source *source;          /* as far as it was found */
  const struct pull_counters *counters; /* NULL: it did not come to that */
  struct pb_writer_stats stats;
  uint32_t cluster_size; /* 0: nothing was written */
  double seconds;
  int exit_code;
  const char *error; /* NULL: it is done */
};

/* Print to standard output: one JSON object with --json, else some lines,
 * unless --quiet.  Returns -1 where standard output cannot be written.
 */
int report_print (const struct report *report);

#endif /* PULLBACK_REPORT_H */
