/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* options.c: the command line of backup-pull. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nbd-uri.h"
#include "options.h"
#include "size.h"

static const char help_text[] =
  "Usage: backup-pull [OPTION]... NBD-URI OUTPUT.qcow2\n"
  "       backup-pull --dry-run [OPTION]... NBD-URI\n"
  "Pull a disk, or what has changed of it, from an NBD server into a qcow2\n"
  "file.\n"
  "\n"
  "What to pull (default: all of the disk):\n"
  "      --bitmap NAME        only what the dirty bitmap NAME says has changed\n"
  "      --since CHECKPOINT   only what has changed since CHECKPOINT\n"
  "      --backing FILE       the backup that an increment stands on\n"
  "\n"
  "How to pull:\n"
  "  -C, --connections N      NBD connections, where the server allows several\n"
  "                           (default 4, or fewer with fewer processors)\n"
  "  -R, --requests N         requests in flight on each connection\n"
  "                           (default 64)\n"
  "      --request-size SIZE  bytes of one request (default 256k)\n"
  "      --rate-limit SIZE    pull at most SIZE bytes a second\n"
  "\n"
  "What to write:\n"
  "      --compress[=zlib|zstd[:LEVEL]]\n"
  "                           compress clusters (default of the option: zstd)\n"
  "      --cluster-size SIZE  qcow2 cluster size, 512 to 2M (default 64k)\n"
  "      --force              replace OUTPUT if it exists\n"
  "  -n, --dry-run            only tell how much would be pulled\n"
  "\n"
  "What to say:\n"
  "      --json               print the report as JSON\n"
  "      --progress=auto|bar|none|FD\n"
  "                           bar on a terminal, or lines N/100 to a file\n"
  "                           descriptor (default auto)\n"
  "  -q, --quiet              print errors only\n"
  "  -v, --verbose            say more of what is done\n"
  "      --help               print this and exit\n"
  "      --version            print the version and exit\n"
  "\n"
  "SIZE is in bytes, or with a suffix k, M, G or T (powers of 1024).\n"
  "Exit status: 0 done, 1 failed, 2 wrong usage, 128+N ended by signal N.\n"
  "The whole manual is in backup-pull(1).\n";

enum long_only {
  OPT_HELP = 256,
  OPT_VERSION,
  OPT_BITMAP,
  OPT_SINCE,
  OPT_BACKING,
  OPT_REQUEST_SIZE,
  OPT_RATE_LIMIT,
  OPT_COMPRESS,
  OPT_CLUSTER_SIZE,
  OPT_FORCE,
  OPT_JSON,
  OPT_PROGRESS
};

static const struct option long_options[] = {
  { "backing", required_argument, NULL, OPT_BACKING },
  { "bitmap", required_argument, NULL, OPT_BITMAP },
  { "cluster-size", required_argument, NULL, OPT_CLUSTER_SIZE },
  { "compress", optional_argument, NULL, OPT_COMPRESS },
  { "connections", required_argument, NULL, 'C' },
  { "dry-run", no_argument, NULL, 'n' },
  { "force", no_argument, NULL, OPT_FORCE },
  { "help", no_argument, NULL, OPT_HELP },
  { "json", no_argument, NULL, OPT_JSON },
  { "progress", required_argument, NULL, OPT_PROGRESS },
  { "quiet", no_argument, NULL, 'q' },
  { "rate-limit", required_argument, NULL, OPT_RATE_LIMIT },
  { "request-size", required_argument, NULL, OPT_REQUEST_SIZE },
  { "requests", required_argument, NULL, 'R' },
  { "since", required_argument, NULL, OPT_SINCE },
  { "verbose", no_argument, NULL, 'v' },
  { "version", no_argument, NULL, OPT_VERSION },
  { NULL, 0, NULL, 0 },
};

static int wrong (const char *format, ...)
  __attribute__ ((__format__ (__printf__, 1, 2)));

static int
wrong (const char *format, ...)
{
  va_list args;

  fputs ("backup-pull: ", stderr);
  va_start (args, format);
  vfprintf (stderr, format, args);
  va_end (args);
  fputs ("\nTry 'backup-pull --help'.\n", stderr);
  return -1;
}

static int
parse_count (const char *option, const char *text, unsigned max,
             unsigned *count)
{
  uint64_t value;

  if (size_parse (text, &value) == -1 || value < 1 || value > max)
    return wrong ("%s: '%s' is not a number from 1 to %u", option, text, max);
  *count = value;
  return 0;
}

static int
parse_power_of_2 (const char *option, const char *text, uint64_t min,
                  uint64_t max, uint32_t *size)
{
  uint64_t value;

  if (size_parse (text, &value) == -1 || value < min || value > max
      || (value & (value - 1)) != 0)
    return wrong ("%s: '%s' is not a power of two from %ju to %ju", option,
                  text, (uintmax_t) min, (uintmax_t) max);
  *size = value;
  return 0;
}

static int
parse_compress (const char *text, struct options *options)
{
  static const struct {
    const char *name;
    enum pb_compression compression;
    int max_level;
  } kinds[] = {
    { "zlib", PB_COMPRESSION_ZLIB, 9 },
    { "zstd", PB_COMPRESSION_ZSTD, 19 },
  };
  size_t length;
  char *end;

  if (text == NULL)
    text = "zstd";
  length = strcspn (text, ":");
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    long level = 0;

    if (strlen (kinds[i].name) != length
        || strncmp (text, kinds[i].name, length) != 0)
      continue;
    if (text[length] == ':') {
      level = strtol (text + length + 1, &end, 10);
      if (text[length + 1] == '\0' || *end != '\0' || level < 1
          || level > kinds[i].max_level)
        return wrong ("--compress: the level of %s is a number from 1 to %d, "
                      "not '%s'",
                      kinds[i].name, kinds[i].max_level, text + length + 1);
    }
    options->compression = kinds[i].compression;
    options->compression_level = level;
    return 0;
  }
  return wrong ("--compress: '%s' is neither zlib nor zstd", text);
}

static int
parse_progress (const char *text, struct options *options)
{
  char *end;
  long fd;

  if (strcmp (text, "auto") == 0)
    options->progress = PROGRESS_AUTO;
  else if (strcmp (text, "bar") == 0)
    options->progress = PROGRESS_BAR;
  else if (strcmp (text, "none") == 0)
    options->progress = PROGRESS_NONE;
  else {
    fd = strtol (text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || fd > INT32_MAX)
      return wrong ("--progress: '%s' is none of auto, bar, none, or the "
                    "number of a file descriptor",
                    text);
    if (fcntl (fd, F_GETFD) == -1)
      return wrong ("--progress: file descriptor %ld is not open", fd);
    options->progress = PROGRESS_FD;
    options->progress_fd = fd;
  }
  return 0;
}

/* The map's name goes on the wire as a name of its own, so its limits are
 * those of NBD names.
 */
static int
parse_map_name (const char *option, const char *prefix, const char *name,
                struct options *options)
{
  if (options->map_name)
    return wrong ("--bitmap and --since: only one of them, once");
  if (name[0] == '\0' || strlen (name) > 1023)
    return wrong ("%s: a name has 1 to 1023 bytes", option);
  options->map_name = malloc (strlen (prefix) + strlen (name) + 1);
  if (options->map_name == NULL)
    return wrong ("%s: %s", option, strerror (errno));
  strcpy (options->map_name, prefix);
  strcat (options->map_name, name);
  return 0;
}

static int
parse_rate_limit (const char *text, struct options *options)
{
  if (size_parse (text, &options->rate_limit) == -1
      || options->rate_limit == 0)
    return wrong ("--rate-limit: '%s' is not a size", text);
  return 0;
}

/* One option that getopt has found. */
static int
parse_one (int option, struct options *options)
{
  switch (option) {
  case 'C':
    return parse_count ("--connections", optarg, MAX_CONNECTIONS,
                        &options->connections);
  case 'R':
    return parse_count ("--requests", optarg, MAX_REQUESTS,
                        &options->requests);
  case 'n':
    options->dry_run = true;
    return 0;
  case 'q':
    options->quiet = true;
    return 0;
  case 'v':
    options->verbose = true;
    return 0;
  case OPT_BITMAP:
    return parse_map_name ("--bitmap", "", optarg, options);
  case OPT_SINCE:
    return parse_map_name ("--since", "since:", optarg, options);
  case OPT_BACKING:
    options->backing = optarg;
    return 0;
  case OPT_REQUEST_SIZE:
    return parse_power_of_2 ("--request-size", optarg, MIN_REQUEST_SIZE,
                             MAX_REQUEST_SIZE, &options->request_size);
  case OPT_RATE_LIMIT:
    return parse_rate_limit (optarg, options);
  case OPT_COMPRESS:
    return parse_compress (optarg, options);
  case OPT_CLUSTER_SIZE:
    return parse_power_of_2 ("--cluster-size", optarg, 512, 2 << 20,
                             &options->cluster_size);
  case OPT_FORCE:
    options->force = true;
    return 0;
  case OPT_JSON:
    options->json = true;
    return 0;
  case OPT_PROGRESS:
    return parse_progress (optarg, options);
  default: /* getopt has said what is wrong */
    fputs ("Try 'backup-pull --help'.\n", stderr);
    return -1;
  }
}

static int
parse_operands (struct options *options, int argc, char **argv)
{
  if (argc == 0)
    return wrong ("an NBD URI is needed, as nbd://HOST/EXPORT or "
                  "nbd+unix:///EXPORT?socket=PATH");
  if (argc > 2)
    return wrong ("'%s' is one argument too many", argv[2]);
  if (nbd_uri_check (argv[0]) == -1)
    return wrong ("%s", pb_get_error ());
  options->uri = argv[0];
  options->output = argc > 1 ? argv[1] : NULL;
  if (options->output == NULL && !options->dry_run)
    return wrong ("the name of the output file is needed");
  if (options->output && options->output[0] == '\0')
    return wrong ("the name of the output file is empty");
  if (options->output && strcmp (options->output, "-") == 0)
    return wrong ("a qcow2 file cannot be written to a pipe; './-' is a file");
  return 0;
}

static int
check_combination (const struct options *options)
{
  if (options->backing && !options->map_name)
    return wrong ("--backing makes an increment, which needs --bitmap or "
                  "--since too");
  if (options->map_name && !options->backing && !options->dry_run)
    return wrong ("an increment needs --backing: the backup it stands on");
  if (options->quiet && options->verbose)
    return wrong ("--quiet and --verbose exclude each other");
  return 0;
}

/* More threads than processors only take turns: with 2 processors a pull over 4
 * connections took 1.1 to 1.2 times as long as one over 2.
 */
static unsigned
default_connections (void)
{
  long processors = sysconf (_SC_NPROCESSORS_ONLN);

  return processors < 1 ? 1 : processors > 4 ? 4 : processors;
}

enum options_result
options_parse (struct options *options, int argc, char **argv)
{
  static char name[] = "backup-pull";
  int option;

  if (argc > 0)
    argv[0] = name; /* getopt's messages start with it */

  *options = (struct options) {
    .connections = default_connections (),
    .requests = 64,
    .request_size = 256 << 10,
    .progress = PROGRESS_AUTO,
    .progress_fd = -1,
  };
  while ((option = getopt_long (argc, argv, "C:R:nqv", long_options, NULL))
         != -1) {
    if (option == OPT_HELP) {
      fputs (help_text, stdout);
      return OPTIONS_DONE;
    }
    if (option == OPT_VERSION) {
      printf ("backup-pull %s\n", pb_get_version ());
      return OPTIONS_DONE;
    }
    if (parse_one (option, options) == -1)
      return OPTIONS_WRONG;
  }
  if (parse_operands (options, argc - optind, argv + optind) == -1
      || check_combination (options) == -1)
    return OPTIONS_WRONG;
  return OPTIONS_RUN;
}

void
options_clear (struct options *options)
{
  free (options->map_name);
  options->map_name = NULL;
}
