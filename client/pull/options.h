/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* options.h: the command line of backup-pull. */

#ifndef PULLBACK_OPTIONS_H
#define PULLBACK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "pullback.h"

enum progress_mode {
  PROGRESS_AUTO, /* a bar where standard error is a terminal */
  PROGRESS_BAR,
  PROGRESS_NONE,
  PROGRESS_FD /* lines "N/100" for another program */
};

struct options {
  const char *uri;
  const char *output;  /* NULL only with dry_run */
  char *map_name;      /* name of the dirty map, or NULL for a full backup */
  const char *backing; /* path of the backup that an increment stands on */

  unsigned connections;  /* 1..MAX_CONNECTIONS */
  unsigned requests;     /* in flight on each connection */
  uint32_t request_size; /* bytes, power of two */
  uint64_t rate_limit;   /* bytes a second, 0: none */

  uint32_t cluster_size; /* 0: the writer chooses */
  enum pb_compression compression;
  int compression_level;

  enum progress_mode progress;
  int progress_fd;
  bool json, quiet, verbose, dry_run, force;
};

#define MAX_CONNECTIONS  64
#define MAX_REQUESTS     1024
#define MIN_REQUEST_SIZE 4096
#define MAX_REQUEST_SIZE (32 << 20)

enum options_result {
  OPTIONS_RUN,   /* *options is filled in */
  OPTIONS_DONE,  /* --help or --version has been answered */
  OPTIONS_WRONG  /* said on standard error what is wrong */
};

enum options_result options_parse (struct options *options, int argc,
                                   char **argv);
void options_clear (struct options *options);

#endif /* PULLBACK_OPTIONS_H */
