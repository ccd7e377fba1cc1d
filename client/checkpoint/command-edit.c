/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command-edit.c: edit. */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "document.h"
#include "editor.h"
#include "say.h"
#include "session.h"
#include "text-file.h"

/* The XML as it is now.  The domain is not kept open while somebody edits, so
 * that backups can go on.
 */
static enum exit_code
get_xml (const struct arguments *arguments, char **xml)
{
  CLEANUP_CHECKPOINT pb_checkpoint *checkpoint = NULL;
  enum exit_code code = session_lookup (arguments, SESSION_READ, &checkpoint);

  if (code != EXIT_CODE_DONE)
    return code;
  *xml = pb_checkpoint_get_xml_desc (checkpoint, PB_CHECKPOINT_XML_SECURE);
  return *xml ? EXIT_CODE_DONE : failed ();
}

/* A checkpoint's name is also that of its bitmaps. */
static enum exit_code
check_name (const char *name, const char *edited)
{
  CLEANUP_DOCUMENT xmlDoc *document = document_parse (edited);
  CLEANUP_FREE char *edited_name = NULL;

  if (document == NULL)
    return failed_to ("Failed to update %s", name);
  edited_name = document_text (document, "name", NULL);
  if (edited_name == NULL || strcmp (name, edited_name) == 0)
    return EXIT_CODE_DONE; /* the library says what a name's lack means */
  say_error ("Cannot rename checkpoint %s to %s", name, edited_name);
  return EXIT_CODE_FAILED;
}

/* Define it anew as EDITED has it, unless it is not as BEFORE any more. */
static enum exit_code
update (const struct arguments *arguments, const char *before,
        const char *edited)
{
  CLEANUP_CHECKPOINT pb_checkpoint *checkpoint = NULL, *updated = NULL;
  CLEANUP_FREE char *now = NULL;
  const char *name = arguments->operands[0];
  enum exit_code code = check_name (name, edited);

  if (code == EXIT_CODE_DONE)
    code = session_lookup (arguments, SESSION_CHANGE, &checkpoint);
  if (code != EXIT_CODE_DONE)
    return code;
  now = pb_checkpoint_get_xml_desc (checkpoint, PB_CHECKPOINT_XML_SECURE);
  if (now == NULL)
    return failed ();
  if (strcmp (now, before) != 0) {
    say_error ("Failed to update %s: the XML configuration was changed by "
               "another user",
               name);
    return EXIT_CODE_FAILED;
  }
  updated = pb_checkpoint_create_xml (pb_checkpoint_get_domain (checkpoint),
                                      edited,
                                      PB_CHECKPOINT_CREATE_REDEFINE
                                        | PB_CHECKPOINT_CREATE_REPLACE);
  if (updated == NULL)
    return failed_to ("Failed to update %s", name);
  say (arguments, "Checkpoint %s edited.", name);
  return EXIT_CODE_DONE;
}

static enum exit_code
run_edit (const struct arguments *arguments)
{
  CLEANUP_FREE char *before = NULL, *edited = NULL, *path = NULL;
  const char *name = arguments->operands[0];
  enum exit_code code = get_xml (arguments, &before);
  bool is_changed;

  if (code != EXIT_CODE_DONE)
    return code;
  path = editor_write (before);
  if (path == NULL)
    return failed ();
  if (editor_run (path) == -1)
    code = failed_to ("Failed to update %s", name);
  edited = text_file_read (path);
  if (edited == NULL && code == EXIT_CODE_DONE)
    code = failed_to ("Failed to update %s", name);
  is_changed = edited == NULL || strcmp (before, edited) != 0;
  if (code == EXIT_CODE_DONE && is_changed)
    code = update (arguments, before, edited);
  else if (code == EXIT_CODE_DONE)
    say (arguments, "Checkpoint %s XML configuration not changed.", name);

  /* Nobody shall type it again, unless the editor has removed it. */
  if (code != EXIT_CODE_DONE && is_changed && access (path, F_OK) == 0)
    say_error ("what you have edited is kept in %s; after a correction: "
               "backup-checkpoint create --redefine --replace %s",
               path, path);
  else
    unlink (path);
  return code;
}

const struct command edit_command = {
  .name = "edit",
  .operands = "CHECKPOINT",
  .summary = "edit the XML of a checkpoint, with passwords,\n"
             "by $VISUAL, $EDITOR or vi",
  .min_operands = 1,
  .max_operands = 1,
  .options = NO_OPTIONS,
  .rules = NO_RULES,
  .run = run_edit,
};
