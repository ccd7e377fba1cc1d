/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* main.c: backup-pull, from the command line to the exit status. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backing.h"
#include "clock.h"
#include "exit-codes.h"
#include "nbd-handle.h"
#include "options.h"
#include "progress.h"
#include "pull.h"
#include "report.h"
#include "source.h"

/* All that one run has open. */
struct run {
  const struct options *options;
  struct source source;
  struct backing backing;
  pb_writer *writer;
  struct pull pull;
  bool has_pulled; /* pull's counters mean something */
};

static void verbose (const struct run *run, const char *format, ...)
  __attribute__ ((__format__ (__printf__, 2, 3)));

static void
verbose (const struct run *run, const char *format, ...)
{
  va_list args;

  if (!run->options->verbose)
    return;
  fputs ("backup-pull: ", stderr);
  va_start (args, format);
  vfprintf (stderr, format, args);
  va_end (args);
  fputc ('\n', stderr);
}

/* An output that exists is found before anything is connected; the writer
 * looks again, for good, when it gives the file its name.
 */
static int
check_output (const struct options *options)
{
  struct stat st;

  if (options->output == NULL || options->dry_run
      || lstat (options->output, &st) == -1)
    return 0;
  if (!S_ISREG (st.st_mode))
    pb_set_error (EEXIST, "%s: is not a regular file, and is not replaced by "
                  "one; choose another name",
                  options->output);
  else if (!options->force)
    pb_set_error (EEXIST, "%s: exists already; choose another name, or "
                  "--force if that backup is to be replaced",
                  options->output);
  else
    return 0;
  return -1;
}

static int
open_ends (struct run *run)
{
  const struct options *options = run->options;
  struct source *source = &run->source;

  if (check_output (options) == -1)
    return -1;
  if (options->backing
      && backing_open (&run->backing, options->backing,
                       options->dry_run ? NULL : options->output)
           == -1)
    return -1;
  if (source_open (source, options->uri, options->map_name) == -1)
    return -1;
  verbose (run, "export '%s': %" PRIu64 " bytes, requests of %" PRIu32
           " to %" PRIu32 " bytes, %s, %s",
           source->export_name, source->size, source->min_block,
           source->max_block,
           source->multi_conn ? "several connections" : "one connection only",
           source->has_allocation ? "tells what is allocated"
                                  : "does not tell what is allocated");
  if (source->map_name) {
    char name[256];

    verbose (run, "dirty map: %s '%s'", map_source_name (source->map_source),
             printable (source->map_name, name, sizeof name));
  }
  return 0;
}

static int
create_output (struct run *run)
{
  const struct options *options = run->options;
  struct pb_writer_options writer_options = {
    .struct_size = sizeof writer_options,
    .flags = options->force ? PB_WRITER_FORCE : 0,
    .cluster_size = options->cluster_size,
    .compression = options->compression,
    .compression_level = options->compression_level,
    .backing_file = run->backing.stored,
    .backing_format = PB_FORMAT_QCOW2,
  };

  if (options->dry_run)
    return 0;
  run->writer
    = pb_writer_create (options->output, run->source.size, &writer_options);
  return run->writer ? 0 : -1;
}

static struct pull_config
pull_config (struct run *run)
{
  const struct options *options = run->options;
  uint32_t granule = options->cluster_size ? options->cluster_size : 65536;

  if (run->writer)
    granule = pb_writer_get_cluster_size (run->writer);
  if (granule < run->source.min_block)
    granule = run->source.min_block;
  return (struct pull_config) {
    .source = &run->source,
    .writer = run->writer,
    .is_increment = options->map_name != NULL,
    .backing_size = run->backing.image ? pb_image_get_size (run->backing.image)
                                       : run->source.size,
    .granule = granule,
    .connections = options->connections,
    .requests = options->requests,
    .request_size = options->request_size,
    .rate_limit = options->rate_limit,
  };
}

/* Wait for the pull to end, or for a signal to end it.  Returns the signal's
 * number, or 0.
 */
static int
watch (struct pull *pull, int signal_fd, struct progress *progress)
{
  struct pollfd fds[2] = {
    { .fd = pull->done_fd, .events = POLLIN },
    { .fd = signal_fd, .events = POLLIN },
  };
  int timeout
    = progress->mode == PROGRESS_NONE ? -1 : PROGRESS_INTERVAL_MS;

  for (;;) {
    struct signalfd_siginfo info;
    int r = poll (fds, 2, timeout);

    if (r == -1 && errno != EINTR)
      return 0; /* pull_finish () still waits for the end */
    if (r > 0 && fds[0].revents)
      return 0;
    if (r > 0 && fds[1].revents
        && read (signal_fd, &info, sizeof info) == sizeof info) {
      pull_stop (pull);
      return info.ssi_signo;
    }
    progress_show (progress, &pull->counters);
  }
}

/* Pull everything into the writer.  Returns 0, a signal's number, or -1. */
static int
pull_all (struct run *run, struct progress *progress)
{
  struct pull_config config = pull_config (run);
  sigset_t signals;
  int signal_fd, ended_by = 0, result = -1;

  sigemptyset (&signals);
  sigaddset (&signals, SIGINT);
  sigaddset (&signals, SIGTERM);
  sigaddset (&signals, SIGHUP);
  signal_fd = signalfd (-1, &signals, SFD_CLOEXEC);
  if (signal_fd == -1) {
    pb_set_error (errno, "signalfd: %s", strerror (errno));
    return -1;
  }
  if (pull_connect (&run->pull, &config) == -1) {
    close (signal_fd);
    return -1;
  }
  if (run->pull.refusal)
    verbose (run, "there is no further connection than %u for data: %s",
             run->pull.nr_workers, run->pull.refusal);

  /* Blocked before any thread starts, so that all of them inherit it; not
   * earlier, since a server may let us wait for a connection.  They stay
   * blocked: what follows is short, and the report is to tell its outcome.
   */
  pthread_sigmask (SIG_BLOCK, &signals, NULL);
  if (pull_start (&run->pull) == 0) {
    run->has_pulled = true;
    ended_by = watch (&run->pull, signal_fd, progress);
    result = pull_finish (&run->pull);
  }
  close (signal_fd);
  if (ended_by) {
    pb_set_error (EINTR, "ended by signal %d (%s)", ended_by,
                  strsignal (ended_by));
    return ended_by;
  }
  return result;
}

static int
map_only (struct run *run)
{
  struct pull_config config = pull_config (run);

  run->has_pulled = true;
  return pull_map (&run->pull, &config);
}

/* Returns the exit code; for all but EXIT_CODE_DONE an error is set. */
static int
run_pull (struct run *run)
{
  struct progress progress;
  int r;

  if (open_ends (run) == -1 || create_output (run) == -1)
    return EXIT_CODE_FAILED;
  if (run->options->dry_run)
    return map_only (run) == -1 ? EXIT_CODE_FAILED : EXIT_CODE_DONE;
  progress_init (&progress, run->options, run->source.size);
  r = pull_all (run, &progress);
  if (r == 0)
    r = pb_writer_finish (run->writer);
  progress_end (&progress, r == 0);
  return r == 0 ? EXIT_CODE_DONE
         : r > 0 ? EXIT_CODE_SIGNAL + r
                 : EXIT_CODE_FAILED;
}

/* An output that fails at the very end may have its name already. */
static void
tell_of_leftover (const char *output)
{
  char *partial;
  struct stat st;

  if (asprintf (&partial, "%s.partial", output) == -1)
    return;
  if (lstat (partial, &st) == 0)
    fprintf (stderr, "backup-pull: %s is left unfinished; it is no backup, "
             "and the next run replaces it\n",
             partial);
  free (partial);
}

/* Say what has become of it.  Returns the exit code. */
static int
conclude (struct run *run, int exit_code, double seconds)
{
  char *error = exit_code == EXIT_CODE_DONE ? NULL : strdup (pb_get_error ());
  struct report report = {
    .options = run->options,
    .source = &run->source,
    .counters = run->has_pulled ? &run->pull.counters : NULL,
    .cluster_size
    = run->writer ? pb_writer_get_cluster_size (run->writer) : 0,
    .seconds = seconds,
    .exit_code = exit_code,
    .error = error,
  };

  if (run->writer)
    pb_writer_get_stats (run->writer, &report.stats);
  if (error) {
    fprintf (stderr, "backup-pull: %s\n", error);
    if (run->writer)
      tell_of_leftover (run->options->output);
  }
  if (report_print (&report) == -1) {
    fprintf (stderr, "backup-pull: cannot print the report: %s%s\n",
             pb_get_error (),
             run->writer && !error ? "; the backup itself is complete" : "");
    if (exit_code == EXIT_CODE_DONE)
      exit_code = EXIT_CODE_FAILED;
  }
  free (error);
  return exit_code;
}

int
main (int argc, char **argv)
{
  struct options options;
  struct run run = { .options = &options };
  uint64_t start = monotonic_ns ();
  int exit_code;

  /* A reader of our output that goes away shall not end a backup. */
  signal (SIGPIPE, SIG_IGN);

  switch (options_parse (&options, argc, argv)) {
  case OPTIONS_DONE:
    return EXIT_CODE_DONE;
  case OPTIONS_WRONG:
    options_clear (&options);
    return EXIT_CODE_USAGE;
  case OPTIONS_RUN:
    break;
  }
  exit_code = run_pull (&run);
  exit_code = conclude (&run, exit_code, (monotonic_ns () - start) / 1e9);
  pb_writer_free (run.writer);
  backing_close (&run.backing);
  source_close (&run.source);
  options_clear (&options);
  return exit_code;
}
