/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tls-psk.c: users and their pre-shared keys, as a file has them. */

#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "line-file.h"
#include "log.h"
#include "pullback.h"
#include "tls-psk.h"

/* What gnutls takes from a client. */
#define NAME_MAX_LENGTH 128

#define KEY_MAX_LENGTH 512

struct user {
  gnutls_datum_t name, key; /* freed by gnutls_free () */
  unsigned line;
};

struct tls_psk {
  struct user *users; /* sorted, once all are there */
  size_t nr_users;
};

struct parser {
  struct line_file file;
  struct tls_psk *psk;
};

static void
wipe (gnutls_datum_t *datum)
{
  if (datum->data)
    explicit_bzero (datum->data, datum->size);
  gnutls_free (datum->data);
}

/* LENGTH digits to bytes.  What they are is never in a message, which ends in a
 * log.
 */
static int
decode (const struct parser *parser, const char *what, const char *digits,
        size_t length, gnutls_datum_t *out)
{
  const gnutls_datum_t hex = { (unsigned char *) digits, (unsigned) length };

  if (length == 0)
    return line_error (&parser->file, "%s is missing", what);
  if (gnutls_hex_decode2 (&hex, out) < 0)
    return line_error (&parser->file, "%s is not hexadecimal", what);
  return 0;
}

static int
parse_name (const struct parser *parser, const char *text, size_t length,
            gnutls_datum_t *name)
{
  if (length > 0 && text[0] == '#') {
    if (decode (parser, "the user's name behind '#'", text + 1, length - 1,
                name)
        == -1)
      return -1;
  }
  else if (length == 0)
    return line_error (&parser->file, "the user's name is missing");
  else {
    name->data = gnutls_malloc (length);
    if (name->data == NULL)
      return line_error (&parser->file, "out of memory");
    memcpy (name->data, text, length);
    name->size = length;
  }
  if (name->size > NAME_MAX_LENGTH)
    return line_error (&parser->file,
                       "the user's name is longer than %d bytes",
                       NAME_MAX_LENGTH);
  if (memchr (name->data, '\0', name->size))
    return line_error (&parser->file, "the user's name has a byte 0");
  return 0;
}

static bool
is_blank (char c)
{
  return c == ' ' || c == '\t' || c == '\r';
}

/* The user is in the list already, so that what it has got is freed with it. */
static int
parse_line (struct parser *parser, const char *line, size_t length)
{
  struct tls_psk *psk = parser->psk;
  const char *colon = memchr (line, ':', length);
  struct user *users, *user;

  if (colon == NULL)
    return line_error (&parser->file, "it is not USER:KEY");
  users = reallocarray (psk->users, psk->nr_users + 1, sizeof *users);
  if (users == NULL)
    return line_error (&parser->file, "out of memory");
  psk->users = users;
  user = &users[psk->nr_users++];
  *user = (struct user){ .line = parser->file.line };

  if (parse_name (parser, line, colon - line, &user->name) == -1
      || decode (parser, "the key", colon + 1, line + length - colon - 1,
                 &user->key)
           == -1)
    return -1;
  if (user->key.size > KEY_MAX_LENGTH)
    return line_error (&parser->file, "the key is longer than %d bytes",
                       KEY_MAX_LENGTH);
  return 0;
}

static int
parse (struct parser *parser)
{
  char *line;
  size_t length;

  while (line_file_next (&parser->file, &line, &length)) {
    while (length > 0 && is_blank (line[length - 1]))
      length--;
    if (length > 0 && parse_line (parser, line, length) == -1)
      return -1;
  }
  return 0;
}

static int
compare_names (const gnutls_datum_t *a, const gnutls_datum_t *b)
{
  if (a->size != b->size)
    return a->size < b->size ? -1 : 1;
  return memcmp (a->data, b->data, a->size);
}

static int
compare_users (const void *a, const void *b)
{
  return compare_names (&((const struct user *) a)->name,
                        &((const struct user *) b)->name);
}

/* By name; which of two keys a user should have is not guessed. */
static int
sort (struct parser *parser)
{
  struct user *users = parser->psk->users;
  size_t nr_users = parser->psk->nr_users;

  if (nr_users > 0)
    qsort (users, nr_users, sizeof *users, compare_users);
  for (size_t i = 1; i < nr_users; i++)
    if (compare_users (&users[i - 1], &users[i]) == 0) {
      unsigned a = users[i - 1].line, b = users[i].line;

      parser->file.line = a > b ? a : b;
      return line_error (&parser->file, "the user is in line %u already",
                         a < b ? a : b);
    }
  return 0;
}

struct tls_psk *
tls_psk_read (const char *file)
{
  struct parser parser;
  int r = -1;

  if (line_file_open (&parser.file, file) == -1)
    return NULL;
  parser.psk = calloc (1, sizeof *parser.psk);
  if (parser.psk == NULL)
    pb_set_error (ENOMEM, "%s: out of memory", file);
  else
    r = parse (&parser) == 0 ? sort (&parser) : -1;
  line_file_close (&parser.file);
  if (r == -1) {
    tls_psk_free (parser.psk);
    return NULL;
  }
  /* Which is how to shut everybody out; it may be a mistake as well. */
  if (parser.psk->nr_users == 0)
    log_line ("%s: there is no key in it, so nobody can connect with one",
              file);
  return parser.psk;
}

static int
compare_with_name (const void *name, const void *user)
{
  return compare_names (name, &((const struct user *) user)->name);
}

const gnutls_datum_t *
tls_psk_find (const struct tls_psk *psk, const gnutls_datum_t *name)
{
  const struct user *user
    = psk->nr_users > 0 ? bsearch (name, psk->users, psk->nr_users,
                                   sizeof *psk->users, compare_with_name)
                        : NULL;

  return user ? &user->key : NULL;
}

void
tls_psk_free (struct tls_psk *psk)
{
  if (psk == NULL)
    return;
  for (size_t i = 0; i < psk->nr_users; i++) {
    wipe (&psk->users[i].name);
    wipe (&psk->users[i].key);
  }
  free (psk->users);
  free (psk);
}
