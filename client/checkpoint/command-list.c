/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command-list.c: list. */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "listing.h"
#include "report.h"
#include "say.h"
#include "session.h"

/* Those that are asked for: all, or what comes after FROM (or NULL). */
static int
get_list (const struct arguments *arguments, pb_domain *domain,
          pb_checkpoint *from, pb_checkpoint ***list)
{
  unsigned flags
    = flag_of (arguments, OPTION_TOPOLOGICAL, PB_CHECKPOINT_LIST_TOPOLOGICAL)
      | flag_of (arguments, OPTION_LEAVES, PB_CHECKPOINT_LIST_LEAVES)
      | flag_of (arguments, OPTION_NO_LEAVES, PB_CHECKPOINT_LIST_NO_LEAVES);

  if (from)
    return pb_checkpoint_list_all_children (
      from, list,
      flags
        | flag_of (arguments, OPTION_DESCENDANTS,
                   PB_CHECKPOINT_LIST_DESCENDANTS));
  return pb_domain_list_all_checkpoints (
    domain, list,
    flags | flag_of (arguments, OPTION_ROOTS, PB_CHECKPOINT_LIST_ROOTS));
}

static enum exit_code
print_names (pb_checkpoint *const *list)
{
  for (; *list; list++)
    puts (pb_checkpoint_get_name (*list));
  return EXIT_CODE_DONE;
}

static int
print_listing (const struct arguments *arguments, pb_domain *domain,
               const struct listing *listing)
{
  const char *from = arguments->value[OPTION_FROM];

  if (has_option (arguments, OPTION_JSON))
    return listing_print_json (listing, domain);
  if (has_option (arguments, OPTION_TREE))
    return listing_print_tree (listing,
                               from ? listing_find (listing, from) : NO_ENTRY);
  return listing_print_table (listing, has_option (arguments, OPTION_PARENT));
}

/* A table shows them like all others. */
static void
warn_of_broken (const struct listing *listing)
{
  for (size_t i = 0; i < listing->nr_entries; i++)
    if (listing->entries[i].broken) {
      fflush (stdout); /* the warning belongs below the list */
      say_error ("warning: the tree is broken; see backup-checkpoint doctor");
      return;
    }
}

static enum exit_code
list (const struct arguments *arguments)
{
  CLEANUP_DOMAIN pb_domain *domain = NULL;
  CLEANUP_CHECKPOINT pb_checkpoint *from = NULL;
  CLEANUP (listing_clear) struct listing listing = { .nr_entries = 0 };
  pb_checkpoint **shown;
  enum exit_code code = session_open (arguments, SESSION_READ, &domain);

  if (code != EXIT_CODE_DONE)
    return code;
  if (has_option (arguments, OPTION_FROM)) {
    from = pb_domain_checkpoint_lookup_by_name (
      domain, arguments->value[OPTION_FROM], 0);
    if (from == NULL)
      return failed ();
  }
  if (get_list (arguments, domain, from, &shown) == -1)
    return failed ();
  if (has_option (arguments, OPTION_NAME)) {
    listing.shown = shown;
    return print_names (shown);
  }
  if (listing_load (&listing, domain, shown,
                    has_option (arguments, OPTION_JSON))
        == -1
      || print_listing (arguments, domain, &listing) == -1)
    return failed ();
  if (!has_option (arguments, OPTION_JSON))
    warn_of_broken (&listing);
  return EXIT_CODE_DONE;
}

/* A report is printed also where there is nothing but the failure to tell. */
static enum exit_code
run_list (const struct arguments *arguments)
{
  enum exit_code code = list (arguments);

  if (code == EXIT_CODE_FAILED && has_option (arguments, OPTION_JSON))
    report_print_failure ();
  return code;
}

static const struct command_option list_options[] = {
  { OPTION_PARENT, "with the parent of each" },
  { OPTION_ROOTS, "only those without a parent" },
  { OPTION_TREE, "as a tree" },
  { OPTION_NAME, "names only" },
  { OPTION_TOPOLOGICAL, "every parent before its children, not by name" },
  { OPTION_FROM, "only the children of CHECKPOINT" },
  { OPTION_DESCENDANTS, "with --from: also their children, and so on" },
  { OPTION_LEAVES, "only those without children" },
  { OPTION_NO_LEAVES, "only those with children" },
  { OPTION_JSON, "as JSON, with all that is known of each" },
  { 0, NULL },
};

static const struct option_rule list_rules[] = {
  { OPTION_EXCLUDES, OPTION_TREE, OPTION_NAME },
  { OPTION_EXCLUDES, OPTION_PARENT, OPTION_ROOTS },
  { OPTION_EXCLUDES, OPTION_PARENT, OPTION_TREE },
  { OPTION_EXCLUDES, OPTION_ROOTS, OPTION_TREE },
  { OPTION_EXCLUDES, OPTION_ROOTS, OPTION_FROM },
  { OPTION_EXCLUDES, OPTION_LEAVES, OPTION_TREE },
  { OPTION_EXCLUDES, OPTION_NO_LEAVES, OPTION_TREE },
  { OPTION_EXCLUDES, OPTION_JSON, OPTION_TREE },
  { OPTION_EXCLUDES, OPTION_JSON, OPTION_NAME },
  { OPTION_EXCLUDES, OPTION_JSON, OPTION_PARENT },
  { OPTION_REQUIRES, OPTION_DESCENDANTS, OPTION_FROM },
  { OPTION_RULES_END, 0, 0 },
};

const struct command list_command = {
  .name = "list",
  .operands = "",
  .summary = "list checkpoints",
  .options = list_options,
  .rules = list_rules,
  .run = run_list,
};
