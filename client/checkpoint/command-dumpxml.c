/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command-dumpxml.c: dumpxml. */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "document.h"
#include "say.h"
#include "session.h"

static enum exit_code
run_dumpxml (const struct arguments *arguments)
{
  CLEANUP_CHECKPOINT pb_checkpoint *checkpoint = NULL;
  CLEANUP_FREE char *xml = NULL;
  const char *xpath = arguments->value[OPTION_XPATH];
  enum exit_code code;

  if (xpath && xpath_check (xpath) == -1)
    return wrong (arguments->command, "%s", pb_get_error ());
  code = session_lookup (arguments, SESSION_READ, &checkpoint);
  if (code != EXIT_CODE_DONE)
    return code;
  xml = pb_checkpoint_get_xml_desc (
    checkpoint,
    flag_of (arguments, OPTION_SECURITY_INFO, PB_CHECKPOINT_XML_SECURE)
      | flag_of (arguments, OPTION_NO_DOMAIN, PB_CHECKPOINT_XML_NO_DOMAIN)
      | flag_of (arguments, OPTION_SIZE, PB_CHECKPOINT_XML_SIZE));
  if (xml == NULL)
    return failed ();
  if (xpath == NULL)
    fputs (xml, stdout);
  else if (xpath_print (xml, xpath, has_option (arguments, OPTION_WRAP)) == -1)
    return failed ();
  return EXIT_CODE_DONE;
}

static const struct command_option dumpxml_options[] = {
  { OPTION_SECURITY_INFO, "with passwords" },
  { OPTION_NO_DOMAIN, "without the definition of the domain" },
  { OPTION_SIZE, "with the bytes of each disk that changed since" },
  { OPTION_XPATH, "only what this XPath selects" },
  { OPTION_WRAP, "with --xpath: inside one element <nodes>" },
  { 0, NULL },
};

static const struct option_rule dumpxml_rules[] = {
  { OPTION_REQUIRES, OPTION_WRAP, OPTION_XPATH },
  { OPTION_RULES_END, 0, 0 },
};

const struct command dumpxml_command = {
  .name = "dumpxml",
  .operands = "CHECKPOINT",
  .summary = "print the XML of a checkpoint",
  .min_operands = 1,
  .max_operands = 1,
  .options = dumpxml_options,
  .rules = dumpxml_rules,
  .run = run_dumpxml,
};
