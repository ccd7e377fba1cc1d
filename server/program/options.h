/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* options.h: the command line of backup-serve. */

#ifndef PULLBACK_OPTIONS_H
#define PULLBACK_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "disks.h"
#include "policy.h"

/* How long a server that is told to end waits for its clients' last requests.
 * The manual says so too.
 */
#define DRAIN_TIMEOUT_MS 5000

struct options {
  struct disk_options disks;
  size_t nr_listen;
  const char **listen;
  struct policy_config security;
  bool has_tls; /* --tls was given */
  unsigned max_connections;
  unsigned handshake_timeout; /* seconds */
  const char *run;            /* or NULL, as all that follow */
  const char *pid_file;
  const char *log;            /* never NULL */
  bool verbose;
};

enum options_result {
  OPTIONS_RUN,
  OPTIONS_DONE, /* --help or --version has been printed */
  OPTIONS_WRONG /* and it has been said why */
};

/* The strings stay ARGV's.  options_clear () is needed in any case. */
enum options_result options_parse (struct options *options, int argc,
                                   char **argv);
void options_clear (struct options *options);

#endif /* PULLBACK_OPTIONS_H */
