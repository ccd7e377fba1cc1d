/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-uri.c: what libnbd does not check of an NBD URI. */

#include "config.h"

#include <errno.h>
#include <libxml/uri.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nbd-uri.h"
#include "pullback.h"

/* The parameters that an NBD URI may have (nbd_connect_uri(3)). */
enum parameter {
  SOCKET,
  TLS_CERTIFICATES,
  TLS_PSK_FILE,
  NR_PARAMETERS
};

static const char *const parameter_names[] = {
  [SOCKET] = "socket",
  [TLS_CERTIFICATES] = "tls-certificates",
  [TLS_PSK_FILE] = "tls-psk-file",
};

/* Their values, decoded, or NULL. */
struct parameters {
  char *values[NR_PARAMETERS];
};

static void
clear_parameters (struct parameters *parameters)
{
  for (int i = 0; i < NR_PARAMETERS; i++)
    xmlFree (parameters->values[i]);
}

/* One "NAME=VALUE" of a query. */
static int
add_parameter (const char *uri, const char *text, size_t length,
               struct parameters *parameters)
{
  const char *equals = memchr (text, '=', length);
  size_t name_length = equals ? (size_t) (equals - text) : length;

  for (int i = 0; i < NR_PARAMETERS; i++) {
    const char *name = parameter_names[i];

    if (strlen (name) != name_length || strncmp (text, name, name_length) != 0)
      continue;
    if (equals == NULL || name_length + 1 == length) {
      pb_set_error (EINVAL, "%s: %s has no value", uri, name);
      return -1;
    }
    if (parameters->values[i]) {
      pb_set_error (EINVAL, "%s: %s is there twice", uri, name);
      return -1;
    }
    parameters->values[i] = xmlURIUnescapeString (
      equals + 1, length - name_length - 1, NULL);
    if (parameters->values[i] == NULL) {
      pb_set_error (ENOMEM, "%s: %s", uri, strerror (ENOMEM));
      return -1;
    }
    return 0;
  }
  pb_set_error (EINVAL, "%s: NBD URIs have no parameter '%.*s'; they have "
                "socket, tls-certificates and tls-psk-file",
                uri, (int) name_length, text);
  return -1;
}

static int
parse_query (const char *uri, const char *query, struct parameters *parameters)
{
  while (query && *query) {
    size_t length = strcspn (query, "&;");

    if (length && add_parameter (uri, query, length, parameters) == -1)
      return -1;
    query += length;
    query += *query != '\0';
  }
  return 0;
}

static bool
is_one_of (const char *text, const char *const *list)
{
  for (; *list; list++)
    if (text && strcmp (text, *list) == 0)
      return true;
  return false;
}

static int
check_parts (const char *uri, const xmlURI *parsed)
{
  static const char *const schemes[]
    = { "nbd",      "nbds",       "nbd+unix", "nbds+unix",
        "nbd+vsock", "nbds+vsock", NULL };
  static const char *const unix_schemes[] = { "nbd+unix", "nbds+unix", NULL };
  struct parameters parameters = { 0 };
  int result = -1;

  if (parsed == NULL || !is_one_of (parsed->scheme, schemes)) {
    pb_set_error (EINVAL, "'%s' is not an NBD URI, such as "
                  "nbd://HOST/EXPORT or nbd+unix:///EXPORT?socket=PATH",
                  uri);
    return -1;
  }
  if (parsed->port > 65535) {
    pb_set_error (EINVAL, "%s: there is no port %d", uri, parsed->port);
    return -1;
  }
  /* "%00" would end the name early, and so name another export. */
  if (strstr (uri, "%00")) {
    pb_set_error (EINVAL, "%s: no name has a NUL character in it", uri);
    return -1;
  }
  if (parse_query (uri, parsed->query_raw, &parameters) == 0) {
    bool is_unix = is_one_of (parsed->scheme, unix_schemes);

    if (is_unix && parameters.values[SOCKET] == NULL)
      pb_set_error (EINVAL, "%s: needs socket=PATH", uri);
    else if (!is_unix && parameters.values[SOCKET])
      pb_set_error (EINVAL, "%s: socket=PATH is for nbd+unix and nbds+unix",
                    uri);
    else
      result = 0;
  }
  clear_parameters (&parameters);
  return result;
}

int
nbd_uri_check (const char *uri)
{
  xmlURI *parsed = xmlParseURI (uri);
  int result = check_parts (uri, parsed);

  xmlFreeURI (parsed);
  return result;
}

char *
nbd_uri_export (const char *uri)
{
  xmlURI *parsed = xmlParseURI (uri);
  char *name = NULL;

  /* libxml2 has decoded the path already. */
  if (parsed)
    name = strdup (parsed->path && parsed->path[0] == '/' ? parsed->path + 1
                                                          : "");
  xmlFreeURI (parsed);
  return name;
}

/* Can FOLDER/ca-cert.pem be read?  *PATH is set to its name, to be freed. */
static bool
has_authority (const char *home, const char *folder, char **path)
{
  free (*path);
  if (asprintf (path, "%s%s/ca-cert.pem", home, folder) == -1)
    *path = NULL;
  return *path && access (*path, R_OK) == 0;
}

/* The folders are those of nbd_set_tls_certificates(3). */
static int
check_authority (const char *uri, const char *folder)
{
  const char *home = getenv ("HOME");
  char *path = NULL;
  bool found;

  if (folder)
    found = has_authority ("", folder, &path);
  else if (geteuid () == 0)
    found = has_authority ("", "/etc/pki/libnbd", &path);
  else
    found = home
            && (has_authority (home, "/.config/pki/libnbd", &path)
                || has_authority (home, "/.pki/libnbd", &path));
  if (!found)
    pb_set_error (errno ? errno : ENOENT, "%s: %s%s%s: without it the server "
                  "cannot be verified; give tls-certificates=DIR, or "
                  "tls-psk-file=FILE",
                  uri, path ? path : "ca-cert.pem", errno ? ": " : "",
                  errno ? strerror (errno) : "");
  free (path);
  return found ? 0 : -1;
}

static int
check_key (const char *uri, const char *file)
{
  if (access (file, R_OK) == 0)
    return 0;
  pb_set_error (errno, "%s: %s: %s", uri, file, strerror (errno));
  return -1;
}

int
nbd_uri_check_credentials (const char *uri)
{
  struct parameters parameters = { 0 };
  xmlURI *parsed;
  int result;

  if (strncmp (uri, "nbds", 4) != 0)
    return 0;
  parsed = xmlParseURI (uri);
  if (parsed == NULL
      || parse_query (uri, parsed->query_raw, &parameters) == -1)
    result = -1;
  else if (parameters.values[TLS_PSK_FILE])
    result = check_key (uri, parameters.values[TLS_PSK_FILE]);
  else {
    errno = 0;
    result = check_authority (uri, parameters.values[TLS_CERTIFICATES]);
  }
  clear_parameters (&parameters);
  xmlFreeURI (parsed);
  return result;
}
