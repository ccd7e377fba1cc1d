/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command-create.c: create and create-as. */

#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diskspec.h"
#include "say.h"
#include "session.h"
#include "size.h"
#include "text-file.h"

static const struct command_option create_options[] = {
  { OPTION_REDEFINE, "make no bitmaps: take back what dumpxml has given" },
  { OPTION_REDEFINE_VALIDATE, "with --redefine: fail unless the bitmaps are\n"
                              "there and can be trusted" },
  { OPTION_REPLACE, "with --redefine: also where it exists" },
  { OPTION_CURRENT, "with --redefine: make it the current checkpoint" },
  { OPTION_QUIESCE, "freeze the guest's file systems (a running guest)" },
  { OPTION_GRANULARITY, "bytes that one bit of its bitmaps stands for" },
  { 0, NULL },
};

static const struct option_rule create_rules[] = {
  { OPTION_REQUIRES, OPTION_REDEFINE_VALIDATE, OPTION_REDEFINE },
  { OPTION_REQUIRES, OPTION_REPLACE, OPTION_REDEFINE },
  { OPTION_REQUIRES, OPTION_CURRENT, OPTION_REDEFINE },
  { OPTION_EXCLUDES, OPTION_REDEFINE, OPTION_QUIESCE },
  { OPTION_EXCLUDES, OPTION_REDEFINE, OPTION_GRANULARITY },
  { OPTION_RULES_END, 0, 0 },
};

/* 0 where there is no --granularity. */
static enum exit_code
get_granularity (const struct arguments *arguments, uint64_t *granularity)
{
  const char *text = arguments->value[OPTION_GRANULARITY];

  *granularity = 0;
  if (text == NULL)
    return EXIT_CODE_DONE;
  if (size_parse (text, granularity) == -1
      || *granularity < PB_GRANULARITY_MIN
      || *granularity > PB_GRANULARITY_MAX
      || (*granularity & (*granularity - 1)) != 0)
    return wrong (arguments->command,
                  "--granularity: '%s' is not a power of two from %ju to %ju",
                  text, (uintmax_t) PB_GRANULARITY_MIN,
                  (uintmax_t) PB_GRANULARITY_MAX);
  return EXIT_CODE_DONE;
}

/* FILE is where XML comes from, or NULL. */
static enum exit_code
create (const struct arguments *arguments, const char *xml, const char *file)
{
  CLEANUP_DOMAIN pb_domain *domain = NULL;
  CLEANUP_CHECKPOINT pb_checkpoint *checkpoint = NULL;
  uint64_t granularity;
  enum exit_code code;
  unsigned flags;

  flags
    = flag_of (arguments, OPTION_REDEFINE, PB_CHECKPOINT_CREATE_REDEFINE)
      | flag_of (arguments, OPTION_REDEFINE_VALIDATE,
                 PB_CHECKPOINT_CREATE_REDEFINE_VALIDATE)
      | flag_of (arguments, OPTION_REPLACE, PB_CHECKPOINT_CREATE_REPLACE)
      | flag_of (arguments, OPTION_CURRENT, PB_CHECKPOINT_CREATE_CURRENT)
      | flag_of (arguments, OPTION_QUIESCE, PB_CHECKPOINT_CREATE_QUIESCE);
  code = get_granularity (arguments, &granularity);
  if (code == EXIT_CODE_DONE)
    code = session_open (arguments, SESSION_CHANGE, &domain);
  if (code != EXIT_CODE_DONE)
    return code;
  if (pb_domain_set_granularity (domain, granularity) == -1)
    return failed ();
  checkpoint = pb_checkpoint_create_xml (domain, xml, flags);
  if (checkpoint == NULL)
    return failed ();
  say (arguments, "Domain checkpoint %s created%s%s%s",
       pb_checkpoint_get_name (checkpoint), file ? " from '" : "",
       file ? file : "", file ? "'" : "");
  return EXIT_CODE_DONE;
}

static enum exit_code
run_create (const struct arguments *arguments)
{
  CLEANUP_FREE char *xml = NULL;

  if (arguments->nr_operands == 0)
    return create (arguments, "<domaincheckpoint/>", NULL);
  xml = text_file_read (arguments->operands[0]);
  if (xml == NULL)
    return failed ();
  return create (arguments, xml, arguments->operands[0]);
}

const struct command create_command = {
  .name = "create",
  .operands = "[FILE]",
  .summary = "create the checkpoint that the XML in FILE (-:\n"
             "standard input) describes; without FILE, one\n"
             "that is called by the time of day",
  .max_operands = 1,
  .options = create_options,
  .rules = create_rules,
  .run = run_create,
};

/* As virsh has it, operands after name and description are more diskspecs. */
static char *
describe (const struct arguments *arguments)
{
  size_t nr_operands = arguments->nr_operands;
  size_t nr_more = nr_operands > 2 ? nr_operands - 2 : 0;
  size_t nr_all = arguments->nr_diskspecs + nr_more;
  CLEANUP_FREE const char **all = calloc (nr_all + 1, sizeof all[0]);

  if (all == NULL) {
    pb_set_error (ENOMEM, "%s", strerror (ENOMEM));
    return NULL;
  }
  for (size_t i = 0; i < nr_all; i++)
    all[i] = i < arguments->nr_diskspecs
               ? arguments->diskspecs[i]
               : arguments->operands[2 + i - arguments->nr_diskspecs];
  return checkpoint_xml_new (nr_operands > 0 ? arguments->operands[0] : NULL,
                             nr_operands > 1 ? arguments->operands[1] : NULL,
                             all, nr_all);
}

static enum exit_code
run_create_as (const struct arguments *arguments)
{
  CLEANUP_FREE char *xml = describe (arguments);

  if (xml == NULL)
    return wrong (arguments->command, "%s", pb_get_error ());
  if (has_option (arguments, OPTION_PRINT_XML)) {
    fputs (xml, stdout);
    return EXIT_CODE_DONE;
  }
  return create (arguments, xml, NULL);
}

static const struct command_option create_as_options[] = {
  { OPTION_DISKSPEC, "DISK[,checkpoint=bitmap|no][,bitmap=NAME]; may be\n"
                     "given several times" },
  { OPTION_PRINT_XML, "only print the XML; no domain is needed" },
  { OPTION_QUIESCE, "freeze the guest's file systems (a running guest)" },
  { OPTION_GRANULARITY, "bytes that one bit of its bitmaps stands for" },
  { 0, NULL },
};

const struct command create_as_command = {
  .name = "create-as",
  .operands = "[NAME [DESC [DISKSPEC...]]]",
  .summary = "create the checkpoint that the command line\n"
             "describes",
  .max_operands = SIZE_MAX,
  .options = create_as_options,
  .rules = NO_RULES,
  .run = run_create_as,
};
