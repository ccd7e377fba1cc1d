/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command-info.c: info, parent and current. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "document.h"
#include "say.h"
#include "session.h"

static void
print_field (const char *label, const char *text)
{
  printf ("%-15s ", label);
  print_clean (stdout, text);
  putchar ('\n');
}

static size_t
count_strings (char *const *list)
{
  size_t count = 0;

  while (list[count])
    count++;
  return count;
}

/* Its parent as its XML has it, also where there is no such checkpoint; NULL
 * where it has none.
 */
static int
get_named_parent (pb_checkpoint *checkpoint, char **name)
{
  CLEANUP_FREE char *xml
    = pb_checkpoint_get_xml_desc (checkpoint, PB_CHECKPOINT_XML_NO_DOMAIN);
  CLEANUP_DOCUMENT xmlDoc *document = xml ? document_parse (xml) : NULL;

  if (document == NULL)
    return -1;
  *name = document_text (document, "parent", "name");
  return 0;
}

static enum exit_code
run_info (const struct arguments *arguments)
{
  CLEANUP_CHECKPOINT pb_checkpoint *checkpoint = NULL, *parent = NULL;
  CLEANUP_FREE char **backups = NULL;
  CLEANUP_FREE char *named = NULL;
  int nr_children, nr_descendants, is_current;
  enum exit_code code;

  code = session_lookup (arguments, SESSION_READ, &checkpoint);
  if (code != EXIT_CODE_DONE)
    return code;
  if (get_named_parent (checkpoint, &named) == -1)
    return failed ();
  parent = pb_checkpoint_get_parent (checkpoint, 0);
  if (parent == NULL && pb_get_errno () != ENOENT)
    return failed ();
  nr_children = pb_checkpoint_list_all_children (checkpoint, NULL, 0);
  if (nr_children == -1)
    return failed ();
  nr_descendants = pb_checkpoint_list_all_children (
    checkpoint, NULL, PB_CHECKPOINT_LIST_DESCENDANTS);
  if (nr_descendants == -1)
    return failed ();
  is_current = pb_checkpoint_is_current (checkpoint, 0);
  if (is_current == -1)
    return failed ();
  backups = pb_checkpoint_get_backups (checkpoint, 0);
  if (backups == NULL)
    return failed ();

  print_field ("Name:", pb_checkpoint_get_name (checkpoint));
  print_field ("Domain:",
               pb_domain_get_name (pb_checkpoint_get_domain (checkpoint)));
  if (parent == NULL && named)
    printf ("%-15s %s (broken)\n", "Parent:", named);
  else
    print_field ("Parent:", parent ? pb_checkpoint_get_name (parent) : "-");
  printf ("%-15s %d\n", "Children:", nr_children);
  printf ("%-15s %d\n", "Descendants:", nr_descendants);
  print_field ("Current:", is_current ? "yes" : "no");
  printf ("%-15s %zu\n", "Backups:", count_strings (backups));
  return EXIT_CODE_DONE;
}

const struct command info_command = {
  .name = "info",
  .operands = "CHECKPOINT",
  .summary = "say where a checkpoint is in the tree",
  .min_operands = 1,
  .max_operands = 1,
  .options = NO_OPTIONS,
  .rules = NO_RULES,
  .run = run_info,
};

static enum exit_code
run_parent (const struct arguments *arguments)
{
  CLEANUP_CHECKPOINT pb_checkpoint *checkpoint = NULL, *parent = NULL;
  CLEANUP_FREE char *named = NULL;
  enum exit_code code;

  code = session_lookup (arguments, SESSION_READ, &checkpoint);
  if (code != EXIT_CODE_DONE)
    return code;
  if (get_named_parent (checkpoint, &named) == -1)
    return failed ();
  parent = pb_checkpoint_get_parent (checkpoint, 0);
  if (parent == NULL && named == NULL && pb_get_errno () == ENOENT) {
    say_error ("checkpoint '%s' has no parent",
               pb_checkpoint_get_name (checkpoint));
    return EXIT_CODE_FAILED;
  }
  if (parent == NULL)
    return failed ();
  puts (pb_checkpoint_get_name (parent));
  return EXIT_CODE_DONE;
}

const struct command parent_command = {
  .name = "parent",
  .operands = "CHECKPOINT",
  .summary = "print the name of a checkpoint's parent",
  .min_operands = 1,
  .max_operands = 1,
  .options = NO_OPTIONS,
  .rules = NO_RULES,
  .run = run_parent,
};

static enum exit_code
print_current (const struct arguments *arguments)
{
  CLEANUP_DOMAIN pb_domain *domain = NULL;
  CLEANUP_CHECKPOINT pb_checkpoint *current = NULL;
  enum exit_code code = session_open (arguments, SESSION_READ, &domain);

  if (code != EXIT_CODE_DONE)
    return code;
  current = pb_domain_get_current_checkpoint (domain, 0);
  if (current == NULL)
    return failed ();
  puts (pb_checkpoint_get_name (current));
  return EXIT_CODE_DONE;
}

/* It is defined anew as it is. */
static enum exit_code
make_current (const struct arguments *arguments)
{
  CLEANUP_CHECKPOINT pb_checkpoint *checkpoint = NULL, *current = NULL;
  CLEANUP_FREE char *xml = NULL;
  enum exit_code code;

  code = session_lookup (arguments, SESSION_CHANGE, &checkpoint);
  if (code != EXIT_CODE_DONE)
    return code;
  xml = pb_checkpoint_get_xml_desc (checkpoint, PB_CHECKPOINT_XML_SECURE);
  if (xml == NULL)
    return failed ();
  current = pb_checkpoint_create_xml (pb_checkpoint_get_domain (checkpoint),
                                      xml,
                                      PB_CHECKPOINT_CREATE_REDEFINE
                                        | PB_CHECKPOINT_CREATE_REPLACE
                                        | PB_CHECKPOINT_CREATE_CURRENT);
  if (current == NULL)
    return failed ();
  say (arguments, "Checkpoint %s set as current",
       pb_checkpoint_get_name (current));
  return EXIT_CODE_DONE;
}

static enum exit_code
run_current (const struct arguments *arguments)
{
  return arguments->nr_operands > 0 ? make_current (arguments)
                                    : print_current (arguments);
}

const struct command current_command = {
  .name = "current",
  .operands = "[CHECKPOINT]",
  .summary = "print the current checkpoint, which will be the\n"
             "next one's parent, or make CHECKPOINT current",
  .max_operands = 1,
  .options = NO_OPTIONS,
  .rules = NO_RULES,
  .run = run_current,
};
