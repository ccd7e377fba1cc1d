/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* access-file.c: reading the rules of an access file. */

#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "access-rules.h"
#include "line-file.h"
#include "log.h"
#include "pullback.h"

/* Words of one rule. */
#define WORDS_MAX 64

struct parser {
  struct line_file file;
  size_t nr_words, at;
  char *words[WORDS_MAX]; /* in the line's own memory */
  struct access *access;
};

/* Cut LINE into words, in place.  In double quotes a backslash stands before a
 * quote or a backslash that is meant itself.
 */
static int
split (struct parser *parser, char *line)
{
  char *in = line;

  parser->nr_words = parser->at = 0;
  for (;;) {
    in += strspn (in, " \t\r\n");
    if (*in == '\0' || *in == '#')
      return 0;
    if (parser->nr_words == WORDS_MAX)
      return line_error (&parser->file, "more than %d words", WORDS_MAX);

    char *out = parser->words[parser->nr_words++] = in;
    bool is_quoted = false;
    for (; *in && (is_quoted || !strchr (" \t\r\n", *in)); in++) {
      if (*in == '"')
        is_quoted = !is_quoted;
      else if (is_quoted && *in == '\\' && (in[1] == '"' || in[1] == '\\'))
        *out++ = *++in;
      else
        *out++ = *in;
    }
    if (is_quoted)
      return line_error (&parser->file, "a double quote is missing");
    if (*in)
      in++;
    *out = '\0';
  }
}

/* The next word, or NULL. */
static char *
next (struct parser *parser)
{
  return parser->at < parser->nr_words ? parser->words[parser->at++] : NULL;
}

static int
parse_user (struct parser *parser, const char *word, uid_t *uid)
{
  struct passwd *user = getpwnam (word); /* no other thread asks */
  char *end;
  unsigned long value;

  if (user) {
    *uid = user->pw_uid;
    return 0;
  }
  errno = 0;
  value = strtoul (word, &end, 10);
  if (word[0] < '0' || word[0] > '9' || *end != '\0' || errno
      || value >= UINT32_MAX)
    return line_error (&parser->file, "there is no user '%s'", word);
  *uid = value;
  return 0;
}

static int
parse_address (struct parser *parser, char *word,
               struct access_network *network)
{
  char *slash = strchr (word, '/'), *end;
  unsigned long bits;

  if (slash)
    *slash = '\0';
  if (inet_pton (AF_INET, word, network->bytes) == 1)
    network->size = 4;
  else if (inet_pton (AF_INET6, word, network->bytes) == 1)
    network->size = 16;
  else
    return line_error (&parser->file, "'%s' is no address", word);
  network->bits = network->size * 8;
  if (slash == NULL)
    return 0;
  errno = 0;
  bits = strtoul (slash + 1, &end, 10);
  if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || errno
      || bits > network->bits)
    return line_error (
      &parser->file, "'%s' is not the number of an address's bits", slash + 1);
  network->bits = bits;
  return 0;
}

/* The kind of condition that is called WORD, or -1. */
static int
find_kind (const char *word)
{
  static const char *const kinds[] = {
    [ACCESS_CERTIFICATE] = "certificate",
    [ACCESS_PSK] = "psk",
    [ACCESS_USER] = "user",
    [ACCESS_ADDRESS] = "address",
  };

  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp (word, kinds[i]) == 0)
      return i;
  return -1;
}

/* WORD is its kind, and what it is about comes next. */
static int
parse_condition (struct parser *parser, const char *word,
                 struct access_condition *condition)
{
  int kind = find_kind (word);
  char *value;

  if (kind == -1)
    return line_error (&parser->file,
                       "'%s' is none of certificate, psk, user, address "
                       "and export",
                       word);
  condition->kind = kind;
  value = next (parser);
  if (value == NULL)
    return line_error (&parser->file, "something is missing after '%s'", word);
  switch (condition->kind) {
  case ACCESS_USER:
    return parse_user (parser, value, &condition->uid);
  case ACCESS_ADDRESS:
    return parse_address (parser, value, &condition->network);
  case ACCESS_CERTIFICATE:
  case ACCESS_PSK:
    break;
  }
  condition->pattern = strdup (value);
  return condition->pattern ? 0 : line_error (&parser->file, "out of memory");
}

/* Up to the word "export". */
static int
parse_conditions (struct parser *parser, struct access_rule *rule)
{
  char *word;

  while ((word = next (parser)) && strcmp (word, "export") != 0) {
    struct access_condition *conditions = reallocarray (
      rule->conditions, rule->nr_conditions + 1, sizeof *conditions);

    if (conditions == NULL)
      return line_error (&parser->file, "out of memory");
    rule->conditions = conditions;
    conditions[rule->nr_conditions] = (struct access_condition) { .uid = 0 };
    if (parse_condition (parser, word, &conditions[rule->nr_conditions]) == -1)
      return -1;
    rule->nr_conditions++;
  }
  if (word == NULL)
    return line_error (&parser->file, "the word 'export' is missing");
  if (rule->nr_conditions == 0)
    return line_error (&parser->file, "it does not say who is allowed");
  return 0;
}

static int
add_map (struct parser *parser, struct access_rule *rule, const char *pattern)
{
  char **maps
    = reallocarray (rule->maps, rule->nr_maps + 1, sizeof *rule->maps);

  if (maps == NULL)
    return line_error (&parser->file, "out of memory");
  rule->maps = maps;
  maps[rule->nr_maps] = strdup (pattern);
  if (maps[rule->nr_maps] == NULL)
    return line_error (&parser->file, "out of memory");
  rule->nr_maps++;
  rule->rights |= ACCESS_MAP;
  return 0;
}

static int
parse_rights (struct parser *parser, struct access_rule *rule)
{
  char *word;

  while ((word = next (parser))) {
    if (strcmp (word, "list") == 0)
      rule->rights |= ACCESS_LIST;
    else if (strcmp (word, "read") == 0)
      rule->rights |= ACCESS_READ;
    else if (strcmp (word, "map") == 0) {
      if (add_map (parser, rule, "*") == -1)
        return -1;
    }
    else if (strncmp (word, "map=", 4) == 0) {
      if (add_map (parser, rule, word + 4) == -1)
        return -1;
    }
    else
      return line_error (&parser->file,
                         "'%s' is none of list, read, map and map=PATTERN",
                         word);
  }
  if (rule->rights == 0)
    return line_error (&parser->file, "it does not say what is allowed");
  return 0;
}

/* The rule is in the list already, so that what it has got is freed with it. */
static int
parse_rule (struct parser *parser)
{
  struct access *access = parser->access;
  struct access_rule *rules, *rule;
  char *word = next (parser);

  if (word == NULL)
    return 0; /* an empty line */
  if (strcmp (word, "allow") != 0)
    return line_error (&parser->file, "'%s': a rule starts with 'allow'",
                       word);
  rules
    = reallocarray (access->rules, access->nr_rules + 1, sizeof *rules);
  if (rules == NULL)
    return line_error (&parser->file, "out of memory");
  access->rules = rules;
  rule = &rules[access->nr_rules++];
  *rule = (struct access_rule) { .rights = 0 };
  if (parse_conditions (parser, rule) == -1)
    return -1;
  word = next (parser);
  if (word == NULL)
    return line_error (&parser->file, "the name of an export is missing");
  rule->export = strdup (word);
  if (rule->export == NULL)
    return line_error (&parser->file, "out of memory");
  return parse_rights (parser, rule);
}

static int
parse_file (struct parser *parser)
{
  char *line;
  size_t length;

  while (line_file_next (&parser->file, &line, &length)) {
    if (strlen (line) != length)
      return line_error (&parser->file, "a NUL byte");
    if (split (parser, line) == -1 || parse_rule (parser) == -1)
      return -1;
  }
  return 0;
}

struct access *
access_read (const char *file)
{
  struct parser parser;
  int r;

  if (line_file_open (&parser.file, file) == -1)
    return NULL;
  parser.access = calloc (1, sizeof *parser.access);
  r = parser.access ? parse_file (&parser)
                    : line_error (&parser.file, "out of memory");
  line_file_close (&parser.file);
  if (r == -1) {
    access_free (parser.access);
    return NULL;
  }
  /* Which is how to shut everybody out; it may be a mistake as well. */
  if (parser.access->nr_rules == 0)
    log_line ("%s: there is no rule in it, so nobody is allowed anything",
              file);
  return parser.access;
}
