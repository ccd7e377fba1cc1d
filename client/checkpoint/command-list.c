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

static int
print_names (pb_checkpoint *const *list)
{
  for (; *list; list++)
    puts (pb_checkpoint_get_name (*list));
  return 0;
}

static int
print_loaded (const struct arguments *arguments, pb_domain *domain,
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

static void
warn_of_finding (const struct pb_finding *finding)
{
  const char *kind = pb_finding_kind_name (finding->kind);

  if (finding->checkpoint)
    say_error ("warning: %s: checkpoint %s: %s", kind, finding->checkpoint,
               finding->text);
  else if (!finding_names_path (finding))
    say_error ("warning: %s: %s: %s", kind, finding->path, finding->text);
  else
    say_error ("warning: %s: %s", kind, finding->text);
}

/* No form but JSON has a place for what is wrong, and a list that is short of
 * a damaged checkpoint looks as any other one.
 */
static int
warn_of_findings (const pb_findings *findings)
{
  size_t nr_told = 0;

  for (size_t i = 0; i < pb_findings_count (findings); i++) {
    struct pb_finding finding;

    if (pb_findings_get (findings, i, &finding) == -1)
      return -1;
    if (!finding_is_about_tree (&finding))
      continue;
    if (nr_told++ == 0)
      fflush (stdout); /* warnings belong below the list */
    warn_of_finding (&finding);
  }
  if (nr_told > 0)
    say_error ("warning: %zu finding%s; see backup-checkpoint doctor", nr_told,
               nr_told == 1 ? "" : "s");
  return 0;
}

static int
print_listing (const struct arguments *arguments, pb_domain *domain,
               struct listing *listing)
{
  if (has_option (arguments, OPTION_NAME))
    return print_names (listing->shown);
  if (listing_load (listing, domain) == -1)
    return -1;
  return print_loaded (arguments, domain, listing);
}

static enum exit_code
list (const struct arguments *arguments)
{
  CLEANUP_DOMAIN pb_domain *domain = NULL;
  CLEANUP_CHECKPOINT pb_checkpoint *from = NULL;
  CLEANUP (listing_clear) struct listing listing = { .nr_entries = 0 };
  enum exit_code code = session_open (arguments, SESSION_READ, &domain);

  if (code != EXIT_CODE_DONE)
    return code;
  if (has_option (arguments, OPTION_FROM)) {
    from = pb_domain_checkpoint_lookup_by_name (
      domain, arguments->value[OPTION_FROM], 0);
    if (from == NULL)
      return failed ();
  }
  listing.findings = pb_domain_examine (domain, PB_DOMAIN_EXAMINE_NO_IMAGES);
  if (listing.findings == NULL
      || get_list (arguments, domain, from, &listing.shown) == -1
      || print_listing (arguments, domain, &listing) == -1
      || (!has_option (arguments, OPTION_JSON)
          && warn_of_findings (listing.findings) == -1))
    return failed ();
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
