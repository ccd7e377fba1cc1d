/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* options.c: the command line of backup-serve. */

#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

#define MAX_CONNECTIONS 10000
#define MAX_TIMEOUT     3600

static const char help_text[] =
  "Usage: backup-serve [OPTION]... DISK...\n"
  "       backup-serve [OPTION]... --connect URI\n"
  "       backup-serve [OPTION]... --nbdkit -- ARGUMENT...\n"
  "Serve disk images at rest over NBD, read-only, with what has changed in them\n"
  "since each of their dirty bitmaps was added.\n"
  "\n"
  "A DISK is NAME=[FORMAT:]PATH, an image that is served as the export NAME, where\n"
  "FORMAT is qcow2 (the default) or raw; or [NAME=]NBD-URI, what another server\n"
  "gives: one export, or all that it lists.\n"
  "\n"
  "Where to serve:\n"
  "      --listen unix:PATH|tcp:HOST[:PORT]\n"
  "                           listen there; may be repeated (default: a unix\n"
  "                           socket in a new private folder)\n"
  "      --run COMMAND        run COMMAND, which finds the address in $uri, and\n"
  "                           end with it\n"
  "\n"
  "Whom to serve:\n"
  "      --tls off|on|require whether clients can, or must, use TLS (default\n"
  "                           require where one of the next two is given)\n"
  "      --tls-certificates FOLDER\n"
  "                           certificates of the server and of the authority\n"
  "      --tls-psk FILE       users and their pre-shared keys\n"
  "      --tls-verify-peer    clients need a certificate of the authority too\n"
  "      --access FILE        rules that say who may list, read and map what\n"
  "      --insecure           serve anyone who can connect\n"
  "\n"
  "What to serve:\n"
  "  -c, --connect URI        all disks of a domain, with its checkpoints as maps:\n"
  "                           disks:vda=A.qcow2,vdb=B.qcow2 or xml:DOMAIN.xml\n"
  "      --state FOLDER       where the domain's checkpoints are\n"
  "      --nbdkit             run nbdkit with the ARGUMENTs, and serve its exports\n"
  "      --data-file          follow external data files of qcow2 images\n"
  "      --allow-writer       serve raw images that are being written\n"
  "\n"
  "Limits:\n"
  "      --max-connections N  clients at once (default 128)\n"
  "      --handshake-timeout SECONDS\n"
  "                           for a client to say what it wants (default 10)\n"
  "\n"
  "What to say:\n"
  "      --pid-file FILE      write the process id to FILE when ready\n"
  "      --log stderr|syslog|FILE\n"
  "                           where to say what went wrong (default stderr)\n"
  "  -v, --verbose            say more of what is done\n"
  "      --help               print this and exit\n"
  "      --version            print the version and exit\n"
  "\n"
  "Exit status: 0 ended by SIGTERM or SIGINT, 1 failed, 2 wrong usage; with --run\n"
  "that of the command.  The whole manual is in backup-serve(1).\n";

enum long_only {
  OPT_HELP = 256,
  OPT_ACCESS,
  OPT_VERSION,
  OPT_LISTEN,
  OPT_NBDKIT,
  OPT_RUN,
  OPT_STATE,
  OPT_INSECURE,
  OPT_TLS,
  OPT_TLS_CERTIFICATES,
  OPT_TLS_PSK,
  OPT_TLS_VERIFY_PEER,
  OPT_DATA_FILE,
  OPT_ALLOW_WRITER,
  OPT_MAX_CONNECTIONS,
  OPT_HANDSHAKE_TIMEOUT,
  OPT_PID_FILE,
  OPT_LOG
};

static const struct option long_options[] = {
  { "access", required_argument, NULL, OPT_ACCESS },
  { "allow-writer", no_argument, NULL, OPT_ALLOW_WRITER },
  { "connect", required_argument, NULL, 'c' },
  { "data-file", no_argument, NULL, OPT_DATA_FILE },
  { "handshake-timeout", required_argument, NULL, OPT_HANDSHAKE_TIMEOUT },
  { "help", no_argument, NULL, OPT_HELP },
  { "insecure", no_argument, NULL, OPT_INSECURE },
  { "listen", required_argument, NULL, OPT_LISTEN },
  { "log", required_argument, NULL, OPT_LOG },
  { "max-connections", required_argument, NULL, OPT_MAX_CONNECTIONS },
  { "nbdkit", no_argument, NULL, OPT_NBDKIT },
  { "pid-file", required_argument, NULL, OPT_PID_FILE },
  { "run", required_argument, NULL, OPT_RUN },
  { "state", required_argument, NULL, OPT_STATE },
  { "tls", required_argument, NULL, OPT_TLS },
  { "tls-certificates", required_argument, NULL, OPT_TLS_CERTIFICATES },
  { "tls-psk", required_argument, NULL, OPT_TLS_PSK },
  { "tls-verify-peer", no_argument, NULL, OPT_TLS_VERIFY_PEER },
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

  fputs ("backup-serve: ", stderr);
  va_start (args, format);
  vfprintf (stderr, format, args);
  va_end (args);
  fputs ("\nTry 'backup-serve --help'.\n", stderr);
  return -1;
}

static int
parse_count (const char *option, const char *text, unsigned max,
             unsigned *count)
{
  char *end;
  unsigned long value;

  errno = 0;
  value = strtoul (text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < 1
      || value > max)
    return wrong ("%s: '%s' is not a number from 1 to %u", option, text, max);
  *count = value;
  return 0;
}

static int
add_listen (struct options *options, const char *address)
{
  const char **list
    = reallocarray (options->listen, options->nr_listen + 1, sizeof *list);

  if (list == NULL)
    return wrong ("--listen: %s", strerror (errno));
  options->listen = list;
  list[options->nr_listen++] = address;
  return 0;
}

static int
parse_tls (const char *text, struct options *options)
{
  static const char *const names[]
    = { [TLS_OFF] = "off", [TLS_ON] = "on", [TLS_REQUIRE] = "require" };

  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp (text, names[i]) == 0) {
      options->security.tls = i;
      options->has_tls = true;
      return 0;
    }
  return wrong ("--tls: '%s' is none of off, on and require", text);
}

/* Whoever gives keys means them to be used. */
static int
complete_security (struct options *options)
{
  struct policy_config *security = &options->security;
  bool has_keys = security->tls_certificates || security->tls_psk;

  if (!options->has_tls)
    security->tls = has_keys ? TLS_REQUIRE : TLS_OFF;
  if (security->tls != TLS_OFF && !has_keys)
    return wrong ("--tls: --tls-certificates or --tls-psk is needed");
  if (security->access && security->insecure)
    return wrong ("--access and --insecure exclude each other");
  if (security->tls_verify_peer && !security->tls_certificates)
    return wrong ("--tls-verify-peer: --tls-certificates is needed");
  return 0;
}

/* One option that getopt has found. */
static int
parse_one (int option, struct options *options)
{
  switch (option) {
  case 'c':
    options->disks.connect = optarg;
    return 0;
  case OPT_STATE:
    options->disks.state = optarg;
    return 0;
  case 'v':
    options->verbose = true;
    return 0;
  case OPT_LISTEN:
    return add_listen (options, optarg);
  case OPT_NBDKIT:
    options->disks.is_nbdkit = true;
    return 0;
  case OPT_RUN:
    options->run = optarg;
    return 0;
  case OPT_ACCESS:
    options->security.access = optarg;
    return 0;
  case OPT_INSECURE:
    options->security.insecure = true;
    return 0;
  case OPT_TLS:
    return parse_tls (optarg, options);
  case OPT_TLS_CERTIFICATES:
    options->security.tls_certificates = optarg;
    return 0;
  case OPT_TLS_PSK:
    options->security.tls_psk = optarg;
    return 0;
  case OPT_TLS_VERIFY_PEER:
    options->security.tls_verify_peer = true;
    return 0;
  case OPT_DATA_FILE:
    options->disks.image_flags |= PB_IMAGE_DATA_FILE;
    return 0;
  case OPT_ALLOW_WRITER:
    options->disks.image_flags |= PB_IMAGE_ALLOW_WRITER;
    return 0;
  case OPT_MAX_CONNECTIONS:
    return parse_count ("--max-connections", optarg, MAX_CONNECTIONS,
                        &options->max_connections);
  case OPT_HANDSHAKE_TIMEOUT:
    return parse_count ("--handshake-timeout", optarg, MAX_TIMEOUT,
                        &options->handshake_timeout);
  case OPT_PID_FILE:
    options->pid_file = optarg;
    return 0;
  case OPT_LOG:
    options->log = optarg;
    return 0;
  default: /* getopt has said what is wrong */
    fputs ("Try 'backup-serve --help'.\n", stderr);
    return -1;
  }
}

/* What kind of disks the options are about decides which others make sense. */
static int
check_disk_options (const struct disk_options *disks, int nr_operands,
                    const char *first)
{
  if (disks->connect && disks->is_nbdkit)
    return wrong ("--connect and --nbdkit exclude each other");
  if (disks->connect && nr_operands > 0)
    return wrong ("--connect serves the domain's disks; '%s' is one argument "
                  "too many",
                  first);
  if (disks->state && !disks->connect)
    return wrong ("--state is for --connect");
  if (disks->is_nbdkit && nr_operands == 0)
    return wrong ("--nbdkit: nbdkit's arguments are missing; they come last, "
                  "after '--'");
  if (!disks->connect && nr_operands == 0)
    return wrong ("there is nothing to serve: a disk is needed, as "
                  "NAME=[FORMAT:]PATH or as an NBD URI");
  return 0;
}

static int
parse_operands (struct options *options, int argc, char **argv)
{
  struct disk_options *disks = &options->disks;
  bool has_images = disks->connect != NULL;

  if (check_disk_options (disks, argc, argv[0]) == -1)
    return -1;
  if (disks->is_nbdkit)
    disks->nbdkit_arguments = argv;
  else if (argc > 0) {
    disks->list = calloc (argc, sizeof disks->list[0]);
    if (disks->list == NULL)
      return wrong ("%s", strerror (errno));
    for (int i = 0; i < argc; i++) {
      if (disk_parse (argv[i], &disks->list[i]) == -1)
        return wrong ("%s", pb_get_error ());
      disks->count++;
      has_images |= disks->list[i].uri == NULL;
    }
  }
  if (disks->image_flags && !has_images)
    return wrong ("--data-file and --allow-writer are for images, of which "
                  "there is none");
  return 0;
}

enum options_result
options_parse (struct options *options, int argc, char **argv)
{
  static char name[] = "backup-serve";
  int option;

  if (argc > 0)
    argv[0] = name; /* getopt's messages start with it */

  *options = (struct options) {
    .max_connections = 128,
    .handshake_timeout = 10,
    .log = "stderr",
  };
  while ((option = getopt_long (argc, argv, "c:v", long_options, NULL)) != -1) {
    if (option == OPT_HELP) {
      fputs (help_text, stdout);
      return OPTIONS_DONE;
    }
    if (option == OPT_VERSION) {
      printf ("backup-serve %s\n", pb_get_version ());
      return OPTIONS_DONE;
    }
    if (parse_one (option, options) == -1)
      return OPTIONS_WRONG;
  }
  return parse_operands (options, argc - optind, argv + optind) == -1
             || complete_security (options) == -1
           ? OPTIONS_WRONG
           : OPTIONS_RUN;
}

void
options_clear (struct options *options)
{
  for (size_t i = 0; i < options->disks.count; i++)
    disk_clear (&options->disks.list[i]);
  free (options->disks.list);
  free (options->listen);
  *options = (struct options) { .log = NULL };
}
