/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-view-disk-spec.c: NAME=[FORMAT:]PATH, well and badly written. */

#include "config.h"

#include "unit.h"

static void
check_spec (const char *text, const char *name, enum pb_format format,
            const char *path)
{
  struct pb_disk_spec spec;

  CHECK_OK (pb_disk_spec_parse (text, &spec) == 0);
  CHECK (strcmp (spec.name, name) == 0);
  CHECK (spec.format == format);
  CHECK (strcmp (spec.path, path) == 0);
  pb_disk_spec_clear (&spec);
  CHECK (spec.name == NULL && spec.path == NULL);
  pb_disk_spec_clear (&spec);
}

static void
check_refused (const char *text, const char *why)
{
  struct pb_disk_spec spec;

  CHECK_FAILS (pb_disk_spec_parse (text, &spec) == -1, EINVAL, why);
  CHECK (strncmp (pb_get_error (), text, strlen (text)) == 0);
  CHECK (spec.name == NULL && spec.path == NULL);
}

static void
test_specs (void)
{
  check_spec ("vda=/img/a.qcow2", "vda", PB_FORMAT_QCOW2, "/img/a.qcow2");
  check_spec ("vda=qcow2:a", "vda", PB_FORMAT_QCOW2, "a");
  check_spec ("vda=raw:/dev/vg/b", "vda", PB_FORMAT_RAW, "/dev/vg/b");
  check_spec ("A-z_0.9=x", "A-z_0.9", PB_FORMAT_QCOW2, "x");

  /* Only the first '=' and one known format mean anything. */
  check_spec ("a=b=c", "a", PB_FORMAT_QCOW2, "b=c");
  check_spec ("a=raw:raw:b", "a", PB_FORMAT_RAW, "raw:b");
  check_spec ("a=raw:qcow2:b", "a", PB_FORMAT_RAW, "qcow2:b");
  check_spec ("a=vmdk:b", "a", PB_FORMAT_QCOW2, "vmdk:b");
  check_spec ("a=rawx:b", "a", PB_FORMAT_QCOW2, "rawx:b");
  check_spec ("a=raw", "a", PB_FORMAT_QCOW2, "raw");

  /* A path that looks like a format is written with "./" before it. */
  check_spec ("a=./raw:b", "a", PB_FORMAT_QCOW2, "./raw:b");
}

static void
test_refused (void)
{
  check_refused ("", "is not NAME=[FORMAT:]PATH");
  check_refused ("vda", "is not NAME=[FORMAT:]PATH");
  check_refused ("/img/a.qcow2", "is not NAME=[FORMAT:]PATH");
  check_refused ("=/img/a.qcow2", "is not NAME=[FORMAT:]PATH");
  check_refused ("vd a=x", "is not NAME=[FORMAT:]PATH");
  check_refused ("vda/b0=x", "is not NAME=[FORMAT:]PATH");
  check_refused ("vd\xc3\xa4=x", "is not NAME=[FORMAT:]PATH");
  check_refused ("vda=", "the path of the disk is missing");
  check_refused ("vda=raw:", "the path of the disk is missing");
}

static void
test_formats (void)
{
  enum pb_format format;

  CHECK_OK (pb_format_parse ("raw", &format) == 0);
  CHECK (format == PB_FORMAT_RAW);
  CHECK_OK (pb_format_parse ("qcow2", &format) == 0);
  CHECK (format == PB_FORMAT_QCOW2);
  CHECK_FAILS (pb_format_parse ("vmdk", &format) == -1, EINVAL,
               "vmdk: unknown format; it is qcow2 or raw");
  CHECK_FAILS (pb_format_parse ("", &format) == -1, EINVAL, "unknown format");
  CHECK_FAILS (pb_format_parse ("RAW", &format) == -1, EINVAL,
               "unknown format");
}

int
main (void)
{
  test_specs ();
  test_refused ();
  test_formats ();
  return 0;
}
