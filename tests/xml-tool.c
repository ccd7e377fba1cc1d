/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xml-tool.c: what the library makes of XML, for the tests.
 *
 *   xml-tool create [OPTION...] FILE     a checkpoint that is made
 *   xml-tool redefine [OPTION...] FILE   one that existed
 *     --align=FILE     hold its disks against those of this <domain>
 *     --check-bitmaps  and see whether they can have the bitmaps
 *     --parent=NAME, --size=DISK,BYTES     what only the caller knows
 *     --secure, --no-domain, --file        how it is written
 *   xml-tool domain FILE                 the name and disks of a <domain>
 *   xml-tool uri URI                     and of what a URI names
 *   xml-tool valid SCHEMA FILE           by a schema of the library
 *
 * FILE is "-" for standard input.  Errors are one line on standard error.
 */

#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "align.h"
#include "checkpoint-def.h"
#include "domain-def.h"
#include "pullback.h"
#include "xml.h"

/* When a checkpoint is made here. */
#define NOW 1700000000

struct options {
  unsigned parse_flags, format_flags;
  const char *align;
  const char *parent;
  const char *size;
  bool check_bitmaps;
};

static int
failed (void)
{
  fprintf (stderr, "%s\n", pb_get_error ());
  return 1;
}

static char *
copy (const char *text)
{
  char *new = strdup (text);

  if (new == NULL)
    abort ();
  return new;
}

/* All of a file, freed by the caller; larger ones than may be parsed too. */
static char *
read_all (const char *name, size_t *count)
{
  FILE *stream = strcmp (name, "-") == 0 ? stdin : fopen (name, "rb");
  size_t max = 4 * XML_SIZE_MAX;
  char *text = malloc (max);

  if (stream == NULL || text == NULL) {
    perror (name);
    exit (2);
  }
  *count = fread (text, 1, max, stream);
  fclose (stream);
  return text;
}

static void
set_size (struct checkpoint_def *def, const char *size)
{
  const char *comma = strchr (size, ',');

  for (size_t i = 0; comma && i < def->nr_disks; i++)
    if (strncmp (def->disks[i].name, size, comma - size) == 0) {
      def->disks[i].has_size = true;
      def->disks[i].size = strtoull (comma + 1, NULL, 10);
    }
}

static int
use_domain (struct checkpoint_def *def, const struct options *options)
{
  struct domain_def CLEANUP_DOMAIN_DEF domain = { .name = NULL };
  bool is_redefined = options->parse_flags & CHECKPOINT_PARSE_REDEFINE;
  size_t count;
  char *CLEANUP_FREE xml = options->align ? read_all (options->align, &count)
                                          : NULL;

  if (is_redefined && def->domain) {
    if (domain_def_parse_xml (&domain, "domain", def->domain,
                              strlen (def->domain))
        == -1)
      return -1;
    return checkpoint_align (def, &domain);
  }
  if (xml == NULL)
    return checkpoint_default_bitmaps (def);
  if (domain_def_parse_xml (&domain, options->align, xml, count) == -1
      || checkpoint_align (def, &domain) == -1)
    return -1;
  def->domain = STEAL (domain.xml);
  return options->check_bitmaps ? checkpoint_check_bitmaps (def, &domain) : 0;
}

static int
checkpoint (const char *name, const struct options *options)
{
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF def = { .name = NULL };
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF second = { .name = NULL };
  size_t count;
  char *CLEANUP_FREE xml = read_all (name, &count);
  char *CLEANUP_FREE text = NULL;

  if (checkpoint_def_parse (&def, "checkpoint XML", xml, count,
                            options->parse_flags)
      == -1)
    return failed ();
  if (!def.has_creation_time) {
    def.has_creation_time = true;
    def.creation_time = NOW;
    def.independent = true;
  }
  if (def.name == NULL && asprintf (&def.name, "%d", NOW) == -1)
    abort ();
  if (options->parent)
    def.parent = copy (options->parent);
  if (use_domain (&def, options) == -1)
    return failed ();
  if (options->size)
    set_size (&def, options->size);
  if (checkpoint_def_copy (&second, &def) == -1)
    return failed ();
  text = checkpoint_def_format (&second, options->format_flags);
  if (text == NULL)
    return failed ();
  fputs (text, stdout);
  return 0;
}

static void
show_domain (const struct domain_def *def)
{
  printf ("name %s\nuuid %s\n", def->name ? def->name : "-",
          def->uuid ? def->uuid : "-");
  for (size_t i = 0; i < def->nr_disks; i++) {
    const struct domain_disk *disk = &def->disks[i];

    printf ("%s %s %s", disk->name, disk->format,
            disk->path ? disk->path : "-");
    if (disk->read_only)
      printf (" readonly");
    if (disk->unsupported)
      printf (" unsupported: %s", disk->unsupported);
    putchar ('\n');
  }
}

static int
domain_file (const char *name)
{
  struct domain_def CLEANUP_DOMAIN_DEF def = { .name = NULL };
  size_t count;
  char *CLEANUP_FREE xml = read_all (name, &count);

  if (domain_def_parse_xml (&def, "domain XML", xml, count) == -1)
    return failed ();
  show_domain (&def);
  return 0;
}

static int
domain_uri (const char *uri)
{
  struct domain_def CLEANUP_DOMAIN_DEF def = { .name = NULL };

  if (domain_def_parse_uri (&def, uri) == -1)
    return failed ();
  show_domain (&def);
  return 0;
}

static int
valid (const char *schema, const char *name)
{
  static const char *const names[] = {
    [XML_SCHEMA_DOMAINCHECKPOINT] = "domaincheckpoint",
    [XML_SCHEMA_JOURNAL] = "journal",
    [XML_SCHEMA_BACKUPS] = "backups",
  };
  size_t count;
  char *CLEANUP_FREE xml = read_all (name, &count);
  xmlDoc *CLEANUP_XML_DOC doc = xml_parse (name, xml, count);

  if (doc == NULL)
    return failed ();
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp (names[i], schema) == 0)
      return xml_validate (name, doc, i) == -1 ? failed () : 0;
  fprintf (stderr, "%s: no such schema\n", schema);
  return 2;
}

static const char *
parse_options (int argc, char *argv[], struct options *options)
{
  static const struct option names[] = {
    { "align", required_argument, NULL, 'a' },
    { "check-bitmaps", no_argument, NULL, 'c' },
    { "parent", required_argument, NULL, 'p' },
    { "size", required_argument, NULL, 'z' },
    { "secure", no_argument, NULL, 's' },
    { "no-domain", no_argument, NULL, 'n' },
    { "file", no_argument, NULL, 'f' },
    { NULL, 0, NULL, 0 },
  };
  int c;

  while ((c = getopt_long (argc, argv, "", names, NULL)) != -1)
    switch (c) {
    case 'a': options->align = optarg; break;
    case 'c': options->check_bitmaps = true; break;
    case 'p': options->parent = optarg; break;
    case 'z': options->size = optarg; break;
    case 's': options->format_flags |= CHECKPOINT_FORMAT_SECURE; break;
    case 'n': options->format_flags |= CHECKPOINT_FORMAT_NO_DOMAIN; break;
    case 'f': options->format_flags |= CHECKPOINT_FORMAT_FILE; break;
    default: exit (2);
    }
  return optind == argc - 1 ? argv[optind] : NULL;
}

int
main (int argc, char *argv[])
{
  struct options options = { .parse_flags = 0 };
  const char *mode = argc > 2 ? argv[1] : "";
  const char *name;

  if (strcmp (mode, "domain") == 0)
    return domain_file (argv[2]);
  if (strcmp (mode, "uri") == 0)
    return domain_uri (argv[2]);
  if (strcmp (mode, "valid") == 0 && argc == 4)
    return valid (argv[2], argv[3]);
  if (strcmp (mode, "redefine") == 0)
    options.parse_flags = CHECKPOINT_PARSE_REDEFINE;
  name = argc > 2 ? parse_options (argc - 1, argv + 1, &options) : NULL;
  if (name == NULL
      || (strcmp (mode, "create") != 0 && strcmp (mode, "redefine") != 0)) {
    fputs ("usage: see xml-tool.c\n", stderr);
    return 2;
  }
  return checkpoint (name, &options);
}
