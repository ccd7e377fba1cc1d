/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* say.c: what backup-checkpoint tells people. */

#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "pullback.h"
#include "say.h"

void
print_clean (FILE *file, const char *text)
{
  for (const unsigned char *c = (const unsigned char *) text; *c; c++) {
    if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) {
      fputc ('?', file); /* U+0080 to U+009F */
      c++;
    }
    else if (*c == '\n')
      fputc (' ', file);
    else
      fputc (*c < ' ' || *c == 0x7f ? '?' : *c, file);
  }
}

static void vprint_clean (FILE *file, const char *format, va_list args)
  SAY_FORMAT (2, 0);

static void
vprint_clean (FILE *file, const char *format, va_list args)
{
  char *text;

  if (vasprintf (&text, format, args) == -1) {
    fputs ("out of memory", file);
    return;
  }
  print_clean (file, text);
  free (text);
}

void
say (const struct arguments *arguments, const char *format, ...)
{
  va_list args;

  if (has_option (arguments, OPTION_QUIET))
    return;
  va_start (args, format);
  vprint_clean (stdout, format, args);
  va_end (args);
  fputc ('\n', stdout);
}

void
say_error (const char *format, ...)
{
  va_list args;

  fputs ("backup-checkpoint: ", stderr);
  va_start (args, format);
  vprint_clean (stderr, format, args);
  va_end (args);
  fputc ('\n', stderr);
}

/* The library speaks of its own flags, and users know options. */
static void
print_library_error (void)
{
  static const struct {
    const char *flag, *option;
  } words[] = {
    { "PB_CHECKPOINT_CREATE_CURRENT", "backup-checkpoint current CHECKPOINT" },
    { "PB_CHECKPOINT_CREATE_REPLACE", "--replace" },
    { "PB_CHECKPOINT_DELETE_FORCE", "--force" },
    { "PB_CHECKPOINT_DELETE_METADATA_ONLY", "--metadata" },
    { "PB_DOMAIN_DATA_FILE", "--data-file" },
    { "PB_DOMAIN_FORGET_CHECKPOINTS_METADATA", "--checkpoints-metadata" },
    { "(state)", "(--state DIR, or PULLBACK_STATE)" },
    { "pb_domain_repair", "backup-checkpoint doctor" },
  };
  const size_t nr_words = sizeof words / sizeof words[0];
  CLEANUP_FREE char *text = strdup (pb_get_error ());
  char *rest = text;

  while (rest && *rest) {
    char *next = NULL;
    size_t word = 0;

    for (size_t i = 0; i < nr_words; i++) {
      char *found = strstr (rest, words[i].flag);

      if (found && (next == NULL || found < next)) {
        next = found;
        word = i;
      }
    }
    if (next == NULL) {
      print_clean (stderr, rest);
      break;
    }
    *next = '\0';
    print_clean (stderr, rest);
    fputs (words[word].option, stderr);
    rest = next + strlen (words[word].flag);
  }
  fputc ('\n', stderr);
}

enum exit_code
failed (void)
{
  fputs ("backup-checkpoint: ", stderr);
  print_library_error ();
  return EXIT_CODE_FAILED;
}

enum exit_code
failed_to (const char *what, ...)
{
  va_list args;

  fputs ("backup-checkpoint: ", stderr);
  va_start (args, what);
  vprint_clean (stderr, what, args);
  va_end (args);
  fputs (": ", stderr);
  print_library_error ();
  return EXIT_CODE_FAILED;
}

enum exit_code
wrong (const struct command *command, const char *format, ...)
{
  va_list args;

  fputs ("backup-checkpoint: ", stderr);
  va_start (args, format);
  vprint_clean (stderr, format, args);
  va_end (args);
  fprintf (stderr, "\nTry 'backup-checkpoint %s%s--help'.\n",
           command ? command->name : "", command ? " " : "");
  return EXIT_CODE_USAGE;
}
