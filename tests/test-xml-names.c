/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-xml-names.c: names, numbers and uuids; and threads that validate. */

#include "config.h"

#include <pthread.h>

#include <libxml/parser.h>
#include <libxml/xmlerror.h>

#include "checkpoint-def.h"
#include "memory-stream.h"
#include "unit.h"
#include "uuid.h"
#include "xml.h"

static void
test_names (void)
{
  static const char *const good[]
    = { "a", "-", "_", "-a..b", "A-Z_a-z.0-9", "0", "a.", "a.xml" };
  static const char *const bad[]
    = { "",    ".",   "..",   ".a",  "/",  "a/b",      "a/../b", " a",
        "a ",  "a b", "a\nb", "a\t", "a*", "\xc3\xa9", "a:b",    "\x7f",
        "a\\b" };
  char name[CHECKPOINT_NAME_MAX + 2];

  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    CHECK_OK (checkpoint_name_check ("checkpoint", good[i]) == 0);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    CHECK_FAILS (checkpoint_name_check ("checkpoint", bad[i]) == -1, EINVAL,
                 "checkpoint name");
  CHECK_FAILS (checkpoint_name_check ("parent", ".a") == -1, EINVAL,
               "parent name '.a'");

  memset (name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  CHECK_FAILS (checkpoint_name_check ("checkpoint", name) == -1, EINVAL,
               "longer than 247");
  name[CHECKPOINT_NAME_MAX] = '\0';
  CHECK_OK (checkpoint_name_check ("checkpoint", name) == 0);
}

/* Of every single character, only those of the rule pass: 64 at the start of a
 * name, and '.' as well behind it.
 */
static void
test_each_character (void)
{
  unsigned first = 0, second = 0;

  for (unsigned c = 1; c < 256; c++) {
    const char one[] = { (char) c, '\0' };
    const char two[] = { 'a', (char) c, '\0' };

    first += checkpoint_name_check ("checkpoint", one) == 0;
    second += checkpoint_name_check ("checkpoint", two) == 0;
  }
  CHECK (first == 64);
  CHECK (second == 65);
}

static void
check_number (const char *text, uint64_t expected)
{
  uint64_t number = 0;

  CHECK_OK (xml_parse_number ("size", text, &number) == 0);
  CHECK (number == expected);
}

static void
test_numbers (void)
{
  static const char *const bad[]
    = { "", " ", "-1", "+1", "1 ", "0x1", "1e3", "1.0", "\xd9\xa1" };
  uint64_t number = 7;

  check_number ("0", 0);
  check_number ("00012", 12);
  check_number ("9223372036854775807", INT64_MAX);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    CHECK_FAILS (xml_parse_number ("size", bad[i], &number) == -1, EINVAL,
                 "is not a number");
  CHECK_FAILS (xml_parse_number ("size", "9223372036854775808", &number) == -1,
               EINVAL, "size: is more than 9223372036854775807");
  CHECK_FAILS (xml_parse_number ("size", "99999999999999999999", &number)
                 == -1,
               EINVAL, "size: is more than");
  CHECK (number == 7);
}

static void
test_uuids (void)
{
  static const char *const same[]
    = { "d0c6af10-b0f2-4ed7-8f3c-8a5d3e3d0a11",
        "D0C6AF10B0F24ED78F3C8A5D3E3D0A11",
        " \n d0-c6-af-10-b0-f2-4e-d7-8f-3c-8a-5d-3e-3d-0a-11\t" };

  for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
    char *CLEANUP_FREE uuid = uuid_normalize (same[i]);

    CHECK_OK (uuid);
    CHECK (strcmp (uuid, same[0]) == 0);
  }
  CHECK_FAILS (uuid_normalize ("") == NULL, EINVAL, "malformed uuid ''");
  CHECK_FAILS (uuid_normalize ("d0c6af10-b0f2-4ed7-8f3c-8a5d3e3d0a1") == NULL,
               EINVAL, "malformed uuid");
}

/* What is written is read as it was. */
static void
test_escapes (void)
{
  static const char text[] = "<&>\"' \t\r\n]]> \xe2\x82\xac";
  struct memory_stream CLEANUP_MEMORY_STREAM out = { 0 };
  bool failed = false;

  CHECK_OK (memory_stream_open (&out, "test") == 0);
  fputs ("<a", out.stream);
  xml_write_attribute (out.stream, "b", text);
  fputs (">", out.stream);
  xml_write_text (out.stream, text);
  fputs ("</a>", out.stream);
  char *CLEANUP_FREE xml = memory_stream_finish (&out, "test");
  CHECK_OK (xml);

  xmlDoc *CLEANUP_XML_DOC doc = xml_parse ("test", xml, strlen (xml));
  CHECK_OK (doc);
  const xmlNode *root = xml_root ("test", doc, "a");
  CHECK_OK (root);
  char *CLEANUP_FREE value = xml_attribute (root, "b", &failed);
  char *CLEANUP_FREE content = xml_content (root);
  CHECK (!failed && strcmp (value, text) == 0);
  CHECK (content && strcmp (content, text) == 0);
  CHECK (xml_attribute (root, "c", &failed) == NULL && !failed);
}

static unsigned errors_seen;

__attribute__ ((__format__ (__printf__, 2, 3))) static void
see_error (void *opaque, const char *format, ...)
{
  (void) opaque;
  (void) format;
  errors_seen++;
}

static void
see_structured_error (void *opaque, xml_error_argument error)
{
  (void) opaque;
  (void) error;
  errors_seen++;
}

#define NR_THREADS 8
#define NR_ROUNDS  50

static void
check_parse (const char *xml, const char *error)
{
  struct checkpoint_def def;

  if (error) {
    CHECK_FAILS (checkpoint_def_parse (&def, "test", xml, strlen (xml), 0)
                   == -1,
                 EINVAL, error);
    return;
  }
  CHECK_OK (checkpoint_def_parse (&def, "test", xml, strlen (xml), 0) == 0);
  CHECK (def.nr_disks == 1 && strcmp (def.name, "a") == 0);
  checkpoint_def_clear (&def);
}

static void *
parse_often (void *opaque)
{
  for (unsigned i = 0; i < NR_ROUNDS; i++) {
    check_parse ("<domaincheckpoint><name>a</name><disks><disk name='vda'/>"
                 "</disks><description>b</description></domaincheckpoint>",
                 NULL);
    check_parse ("<domaincheckpoint><name>a/</name></domaincheckpoint>",
                 "checkpoint name 'a/'");
    check_parse ("<domaincheckpoint>text</domaincheckpoint>", "schema");
    check_parse ("<domaincheckpoint>", "line 1");
  }
  return opaque;
}

static void
test_threads (void)
{
  pthread_t threads[NR_THREADS];

  for (unsigned i = 0; i < NR_THREADS; i++)
    CHECK (pthread_create (&threads[i], NULL, parse_often, NULL) == 0);
  for (unsigned i = 0; i < NR_THREADS; i++)
    CHECK (pthread_join (threads[i], NULL) == 0);
}

/* A program's own handlers of libxml2's errors see nothing of ours, and stay.
 */
static void
test_quiet (void)
{
  xmlSetGenericErrorFunc (NULL, see_error);
  parse_often (NULL);
  CHECK (xmlGenericError == see_error);

  xmlSetStructuredErrorFunc (&errors_seen, see_structured_error);
  parse_often (NULL);
  CHECK (xmlStructuredErrorContext == &errors_seen);
  CHECK (errors_seen == 0);

  CHECK (xmlReadMemory ("<a>", 3, "a", NULL, 0) == NULL);
  CHECK (errors_seen > 0);
  xmlSetStructuredErrorFunc (NULL, NULL);
  xmlSetGenericErrorFunc (NULL, NULL);
  xmlResetLastError ();
}

int
main (void)
{
  test_names ();
  test_each_character ();
  test_numbers ();
  test_uuids ();
  test_escapes ();
  test_threads ();
  test_quiet ();
  return 0;
}
