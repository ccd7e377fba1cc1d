/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-policy.c: the files that say who may connect: rules and keys.
 *
 * The input is the contents of a file, which is read as either.  Whoever has a
 * right by a rule is known, and whoever may have a map has the right to maps;
 * each user that a file of keys names in plain has a key.
 */

#include "config.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access.h"
#include "fuzz.h"
#include "log.h"
#include "pullback.h"
#include "tls-psk.h"

static char file[32];

/* What is refused is so with the file's name. */
static void
check_refusal (void)
{
  assert (pb_get_errno () == EINVAL);
  assert (strncmp (pb_get_error (), file, strlen (file)) == 0);
}

static void
judge (const struct access *access, const struct identity *identity)
{
  static const char *const exports[] = { "", "vda", "vdb", "vda/b0" };
  static const char *const maps[] = { "b0", "since:cp1" };
  bool is_known = access_knows (access, identity);

  for (size_t i = 0; i < sizeof exports / sizeof exports[0]; i++) {
    unsigned rights = access_rights (access, identity, exports[i]);

    assert (rights <= (ACCESS_LIST | ACCESS_READ | ACCESS_MAP));
    assert (rights == 0 || is_known);
    for (size_t j = 0; j < sizeof maps / sizeof maps[0]; j++)
      if (access_may_map (access, identity, exports[i], maps[j]))
        assert (rights & ACCESS_MAP);
  }
}

static struct identity
from_tcp (int family, const char *address, enum identity_tls tls,
          const char *name)
{
  struct identity identity = { .tls = tls };
  struct sockaddr_in6 *six = (struct sockaddr_in6 *) &identity.address;
  struct sockaddr_in *four = (struct sockaddr_in *) &identity.address;
  int r = inet_pton (family, address,
                     family == AF_INET6 ? (void *) &six->sin6_addr
                                        : (void *) &four->sin_addr);

  assert (r == 1);
  identity.address.ss_family = family;
  snprintf (identity.tls_name, sizeof identity.tls_name, "%s", name);
  return identity;
}

static void
try_rules (void)
{
  struct identity clients[] = {
    { .is_unix = true, .uid = 0 },
    from_tcp (AF_INET, "127.0.0.1", IDENTITY_NO_TLS, ""),
    from_tcp (AF_INET, "10.1.2.3", IDENTITY_PSK, "alice"),
    from_tcp (AF_INET6, "::ffff:10.1.2.3", IDENTITY_TLS_UNKNOWN, ""),
    from_tcp (AF_INET6, "fd00::1", IDENTITY_CERTIFICATE, "CN=backup1,O=A"),
  };
  struct access *access = access_read (file);

  if (access == NULL) {
    check_refusal ();
    return;
  }
  for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
    judge (access, &clients[i]);
    if (clients[i].tls >= IDENTITY_PSK && access_knows (access, &clients[i])) {
      bool needs_tls = access_needs_tls (access, clients[i].tls);

      clients[i].tls = IDENTITY_NO_TLS;
      assert (needs_tls || access_knows (access, &clients[i]));
    }
  }
  access_free (access);
}

static void
check_keys (const struct tls_psk *psk, const char *text, size_t size)
{
  while (size > 0) {
    const char *end = memchr (text, '\n', size);
    size_t length = end ? (size_t) (end - text) : size;
    const char *colon = memchr (text, ':', length);

    if (colon && text[0] != '#') {
      gnutls_datum_t name = { (unsigned char *) text, colon - text };
      const gnutls_datum_t *key = tls_psk_find (psk, &name);

      assert (key && key->size > 0);
    }
    text += length + (end != NULL);
    size -= length + (end != NULL);
  }
}

static void
try_keys (const uint8_t *data, size_t size)
{
  struct tls_psk *psk = tls_psk_read (file);

  if (psk == NULL) {
    check_refusal ();
    return;
  }
  check_keys (psk, (const char *) data, size);
  tls_psk_free (psk);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static int fd = -1;
  ssize_t n;
  int r;

  if (size > FUZZ_INPUT_MAX)
    return 0;
  if (fd == -1) {
    r = log_open ("/dev/null", true);
    fd = memfd_create ("policy", MFD_CLOEXEC);
    assert (r == 0 && fd != -1);
    snprintf (file, sizeof file, "/proc/self/fd/%d", fd);
  }
  n = pwrite (fd, data, size, 0);
  r = ftruncate (fd, size);
  assert (n == (ssize_t) size && r == 0);
  try_rules ();
  try_keys (data, size);
  return 0;
}
