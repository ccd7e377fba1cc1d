/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-checkpoint-backups.c: which backups were taken at which checkpoints,
 * held against a table, and through a file and back; and the text that names of
 * files become in there.
 */

#include "config.h"

#include "backups.h"
#include "percent.h"
#include "unit.h"

#define NR_CHECKPOINTS 4
#define NR_BACKUPS     6

static const char *const checkpoints[NR_CHECKPOINTS] = { "a", "A", "b", "a.1" };
static const char *const backups[NR_BACKUPS] = {
  "/backup/a.qcow2", "b", "<b> & 'c' \"d\"", "100%41", "caf\xc3\xa9",
  "\x01\xff\t",
};

static bool model[NR_CHECKPOINTS][NR_BACKUPS];

static void
check_records (const struct backup_records *records)
{
  size_t count = 0;

  for (size_t c = 0; c < NR_CHECKPOINTS; c++) {
    bool has_any = false;

    for (size_t b = 0; b < NR_BACKUPS; b++) {
      size_t found = 0;

      for (size_t i = 0; i < records->count; i++)
        found += strcmp (records->list[i].checkpoint, checkpoints[c]) == 0
                 && strcmp (records->list[i].backup, backups[b]) == 0;
      CHECK (found == model[c][b]);
      has_any = has_any || model[c][b];
      count += model[c][b];
    }
    CHECK (backup_records_has_checkpoint (records, checkpoints[c]) == has_any);
  }
  CHECK (records->count == count);
}

static void
change (struct backup_records *records)
{
  size_t c = unit_random_below (NR_CHECKPOINTS);
  size_t b = unit_random_below (NR_BACKUPS);

  switch (unit_random_below (6)) {
  case 0:
    backup_records_remove_checkpoint (records, checkpoints[c]);
    memset (model[c], 0, sizeof model[c]);
    break;
  case 1:
  case 2:
    if (model[c][b])
      CHECK_OK (backup_records_remove (records, checkpoints[c], backups[b])
                == 0);
    else
      CHECK_FAILS (backup_records_remove (records, checkpoints[c], backups[b])
                     == -1,
                   ENOENT, "is not recorded at checkpoint");
    model[c][b] = false;
    break;
  default:
    CHECK_OK (backup_records_add (records, checkpoints[c], backups[b]) == 0);
    model[c][b] = true;
  }
}

static void
test_random (void)
{
  struct backup_records records = { 0 }, copy;
  char *text;

  for (unsigned i = 0; i < 2000; i++) {
    change (&records);
    check_records (&records);
    if (i % 20)
      continue;
    text = backup_records_format (&records);
    CHECK_OK (text);
    CHECK_OK (backup_records_parse (&copy, "copy", text, strlen (text)) == 0);
    check_records (&copy);
    backup_records_clear (&copy);
    free (text);
  }
  backup_records_clear (&records);
  CHECK (records.count == 0);
}

static void
test_bad_names (void)
{
  struct backup_records records = { 0 };
  char name[BACKUP_NAME_MAX + 2];

  CHECK_FAILS (backup_records_add (&records, "a", "") == -1, EINVAL, "empty");
  CHECK_FAILS (backup_records_add (&records, "a", "x\ny") == -1, EINVAL,
               "more than one line");
  CHECK_FAILS (backup_records_add (&records, "a", "x\r") == -1, EINVAL,
               "more than one line");
  memset (name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  CHECK_FAILS (backup_records_add (&records, "a", name) == -1, EINVAL,
               "too long");
  name[BACKUP_NAME_MAX] = '\0';
  CHECK_OK (backup_records_add (&records, "a", name) == 0);
  CHECK (records.count == 1);
  backup_records_clear (&records);
}

static void
test_bad_files (void)
{
  static const char *const bad[] = {
    "", "<backup/>", "<backups>", "<backups x='y'/>",
    "<backups>text</backups>", "<backups><backup/></backups>",
    "<backups><backup checkpoint='a'/></backups>",
    "<backups><backup checkpoint='a/b' name='x'/></backups>",
    "<backups><backup checkpoint='' name='x'/></backups>",
    "<backups><backup checkpoint='a' name=''/></backups>",
    "<backups><backup checkpoint='a' name='%'/></backups>",
    "<backups><backup checkpoint='a' name='%4'/></backups>",
    "<backups><backup checkpoint='a' name='%ff'/></backups>",
    "<backups><backup checkpoint='a' name='%00'/></backups>",
    "<backups><backup checkpoint='a' name='a%0Ab'/></backups>",
    "<backups><backup checkpoint='a' name='\xc3\xa9'/></backups>",
    "<!DOCTYPE x><backups/>",
  };
  struct backup_records records;

  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    CHECK_FAILS (backup_records_parse (&records, "FILE", bad[i],
                                       strlen (bad[i]))
                   == -1,
                 EINVAL, "FILE: ");
    CHECK (records.count == 0 && records.list == NULL);
  }
}

static void
test_percent (void)
{
  char all[256], *encoded, *decoded;

  for (int i = 0; i < 255; i++)
    all[i] = (char) (i + 1);
  all[255] = '\0';
  encoded = percent_encode (all);
  CHECK_OK (encoded);
  for (const char *p = encoded; *p; p++)
    CHECK (*p >= ' ' && *p <= '~' && strchr ("<>&\"'", *p) == NULL);
  decoded = percent_decode ("all", encoded);
  CHECK_OK (decoded);
  CHECK (strcmp (decoded, all) == 0);
  free (encoded);
  free (decoded);

  encoded = percent_encode ("/a b/100%/\xc3\xa9");
  CHECK_OK (encoded);
  CHECK (strcmp (encoded, "/a b/100%25/%C3%A9") == 0);
  free (encoded);
  CHECK_FAILS (percent_decode ("it", "%") == NULL, EINVAL, "it: '%' is not");
  CHECK_FAILS (percent_decode ("it", "%4") == NULL, EINVAL, "it: ");
  CHECK_FAILS (percent_decode ("it", "%4g") == NULL, EINVAL, "it: ");
  CHECK_FAILS (percent_decode ("it", "%4a") == NULL, EINVAL, "it: ");
  CHECK_FAILS (percent_decode ("it", "%00") == NULL, EINVAL, "it: ");
}

int
main (void)
{
  unit_seed ();
  test_random ();
  test_bad_names ();
  test_bad_files ();
  test_percent ();
  return 0;
}
