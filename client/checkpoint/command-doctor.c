/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command-doctor.c: doctor. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repair.h"
#include "report.h"
#include "say.h"
#include "session.h"

/* The words of reports. */
static const char *const outcome_names[] = {
  [OUTCOME_FOUND] = "found",
  [OUTCOME_NO_REPAIR] = "no-repair",
  [OUTCOME_NOTE] = "note",
  [OUTCOME_WOULD_REPAIR] = "would-repair",
  [OUTCOME_REPAIRED] = "repaired",
  [OUTCOME_FAILED] = "failed",
};

/* How much was wrong, before anything was repaired?  Notes are not. */
static size_t
count_wrong (const struct diagnoses *diagnoses)
{
  return diagnoses->count - diagnoses_count (diagnoses, OUTCOME_NOTE);
}

static bool
is_all_well (const struct diagnoses *diagnoses)
{
  return diagnoses_count (diagnoses, OUTCOME_REPAIRED)
         == count_wrong (diagnoses);
}

static void
print_part (const char *label, const char *value)
{
  if (value == NULL)
    return;
  fputs (label, stdout);
  print_clean (stdout, value);
  fputs (": ", stdout);
}

static void
print_place (const struct pb_finding *finding)
{
  print_part ("checkpoint ", finding->checkpoint);
  print_part ("disk ", finding->disk);
  print_part ("", finding_names_path (finding) ? NULL : finding->path);
  print_part ("bitmap ", finding->checkpoint ? NULL : finding->bitmap);
}

static void
print_repair (const char *label, const char *text)
{
  printf ("  %s: ", label);
  print_clean (stdout, text);
  putchar ('\n');
}

/* What users can do who have not asked for it, or in vain. */
static void
print_choices (const struct arguments *arguments,
               const struct pb_finding *finding)
{
  if (finding->kind != PB_FINDING_BITMAP_ORPHAN)
    print_repair ("repair", "none that could be done without you");
  else if (has_option (arguments, OPTION_ADOPT))
    print_repair ("repair with --fix --remove-orphans", "remove it");
  else
    print_repair ("repair with --fix --adopt or --fix --remove-orphans",
                  "make a checkpoint of it, or remove it");
}

/* One line, and below it the repair. */
static void
print_diagnosis (const struct arguments *arguments,
                 const struct diagnosis *diagnosis)
{
  const struct pb_finding *finding = &diagnosis->finding;

  printf ("%s: ", pb_finding_kind_name (finding->kind));
  print_place (finding);
  print_clean (stdout, finding->text);
  putchar ('\n');
  switch (diagnosis->outcome) {
  case OUTCOME_FOUND:
    print_repair ("repair with --fix", finding->repair);
    break;
  case OUTCOME_WOULD_REPAIR:
    print_repair ("would repair", finding->repair);
    break;
  case OUTCOME_REPAIRED:
    print_repair ("repaired", finding->repair);
    break;
  case OUTCOME_FAILED:
    print_repair ("repair", finding->repair);
    print_repair ("which failed",
                  diagnosis->error ? diagnosis->error : strerror (ENOMEM));
    break;
  case OUTCOME_NO_REPAIR:
    print_choices (arguments, finding);
    break;
  case OUTCOME_NOTE:
    print_repair ("repair", "none is needed");
    break;
  }
}

static void
print_repaired (const struct arguments *arguments,
                const struct diagnoses *diagnoses)
{
  for (size_t i = 0; i < diagnoses->count; i++)
    if (diagnoses->list[i].outcome == OUTCOME_REPAIRED)
      print_diagnosis (arguments, &diagnoses->list[i]);
}

static void
print_text (const struct arguments *arguments,
            const struct diagnoses *diagnoses, const pb_domain *domain)
{
  size_t nr_notes = diagnoses_count (diagnoses, OUTCOME_NOTE);
  size_t nr_wrong = count_wrong (diagnoses);
  char notes[64] = "";

  for (size_t i = 0; i < diagnoses->count; i++)
    print_diagnosis (arguments, &diagnoses->list[i]);
  if (nr_notes > 0)
    snprintf (notes, sizeof notes, ", %zu note%s", nr_notes,
              nr_notes == 1 ? "" : "s");
  if (nr_wrong == 0)
    say (arguments, "Domain '%s': nothing is wrong%s",
         pb_domain_get_name (domain), notes);
  else
    say (arguments, "Domain '%s': %zu found, %zu repaired%s",
         pb_domain_get_name (domain), nr_wrong,
         diagnoses_count (diagnoses, OUTCOME_REPAIRED), notes);
}

static void
print_json (const struct diagnoses *diagnoses, const pb_domain *domain)
{
  const char *status = count_wrong (diagnoses) == 0 ? "sound"
                       : is_all_well (diagnoses)    ? "repaired"
                                                    : "wrong";
  CLEANUP_JSON struct json_object *report = report_new (status, domain);
  struct json_object *list = json_object_new_array ();

  json_object_object_add (report, "findings", list);
  for (size_t i = 0; i < diagnoses->count; i++) {
    const struct diagnosis *diagnosis = &diagnoses->list[i];
    struct json_object *object = finding_to_json (&diagnosis->finding);

    report_add_string (object, "outcome", outcome_names[diagnosis->outcome]);
    if (diagnosis->outcome == OUTCOME_FAILED)
      report_add_string (object, "error", diagnosis->error);
    json_object_array_add (list, object);
  }
  report_print (report);
}

/* *TOLD is set where the outcome, good or bad, has been printed. */
static enum exit_code
examine (const struct arguments *arguments, bool *told)
{
  CLEANUP_DOMAIN pb_domain *domain = NULL;
  CLEANUP (diagnoses_clear) struct diagnoses diagnoses = { .count = 0 };
  enum repair_mode mode = has_option (arguments, OPTION_DRY_RUN)
                            ? REPAIR_DRY_RUN
                          : has_option (arguments, OPTION_FIX) ? REPAIR_FIX
                                                               : REPAIR_NOT;
  enum exit_code code;

  code = session_open (arguments,
                       mode == REPAIR_FIX ? SESSION_CHANGE : SESSION_READ,
                       &domain);
  if (code != EXIT_CODE_DONE)
    return code;
  if (diagnose (&diagnoses, domain, mode,
                flag_of (arguments, OPTION_ADOPT, PB_DOMAIN_REPAIR_ADOPT)
                  | flag_of (arguments, OPTION_REMOVE_ORPHANS,
                             PB_DOMAIN_REPAIR_REMOVE))
      == -1) {
    code = failed ();
    if (!has_option (arguments, OPTION_JSON))
      print_repaired (arguments, &diagnoses); /* that was done, all the same */
    return code;
  }
  if (has_option (arguments, OPTION_JSON))
    print_json (&diagnoses, domain);
  else
    print_text (arguments, &diagnoses, domain);
  *told = true;
  return is_all_well (&diagnoses) ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

static enum exit_code
run_doctor (const struct arguments *arguments)
{
  bool told = false;
  enum exit_code code = examine (arguments, &told);

  if (code == EXIT_CODE_FAILED && !told
      && has_option (arguments, OPTION_JSON))
    report_print_failure ();
  return code;
}

static const struct command_option doctor_options[] = {
  { OPTION_FIX, "do the repairs, as far as there are any" },
  { OPTION_DRY_RUN, "with --fix: only say what would be done" },
  { OPTION_ADOPT, "with --fix: make a checkpoint of each bitmap that\n"
                  "has none" },
  { OPTION_REMOVE_ORPHANS, "with --fix: remove each bitmap that has no\n"
                           "checkpoint" },
  { OPTION_JSON, "as JSON" },
  { 0, NULL },
};

static const struct option_rule doctor_rules[] = {
  { OPTION_EXCLUDES, OPTION_ADOPT, OPTION_REMOVE_ORPHANS },
  { OPTION_REQUIRES, OPTION_DRY_RUN, OPTION_FIX },
  { OPTION_REQUIRES, OPTION_ADOPT, OPTION_FIX },
  { OPTION_REQUIRES, OPTION_REMOVE_ORPHANS, OPTION_FIX },
  { OPTION_RULES_END, 0, 0 },
};

const struct command doctor_command = {
  .name = "doctor",
  .operands = "",
  .summary = "compare the checkpoints with the bitmaps of every\n"
             "disk, say what is wrong, and repair it with --fix",
  .options = doctor_options,
  .rules = doctor_rules,
  .run = run_doctor,
};
