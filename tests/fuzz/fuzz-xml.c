/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-xml.c: the XML of checkpoints and of domains.
 *
 * The input is a document, or a disks: URI.  A checkpoint that is let in is
 * aligned to what disks there are, written as a file, and taken back, and must
 * be the same then.
 */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "align.h"
#include "checkpoint-def.h"
#include "domain-def.h"
#include "fuzz.h"

/* For checkpoints that do not say what their domain is. */
static const char any_domain[]
  = "<domain><name>any</name><devices>"
    "<disk><driver type='qcow2'/><source file='/a'/><target dev='vda'/></disk>"
    "<disk><source file='/b'/><target dev='vdb'/></disk>"
    "<disk device='cdrom'><target dev='sda'/></disk>"
    "</devices></domain>";

static void
check_domain (const struct domain_def *domain)
{
  for (size_t i = 0; i < domain->nr_disks; i++) {
    const struct domain_disk *disk = &domain->disks[i];

    assert (disk->format);
    assert (disk->path == NULL || disk->path[0] == '/');
    assert (disk->path == NULL || disk->unsupported == NULL);
    assert (domain_def_find_disk (domain, disk->name) == disk);
  }
}

static void
try_domain (const char *text, size_t size)
{
  struct domain_def CLEANUP_DOMAIN_DEF domain = { .name = NULL };

  if (domain_def_parse_xml (&domain, "input", text, size) == -1) {
    assert (pb_get_errno () == EINVAL);
    return;
  }
  assert (strchr (domain.name, '/') == NULL);
  check_domain (&domain);

  struct domain_def CLEANUP_DOMAIN_DEF again = { .name = NULL };
  if (domain_def_parse_xml (&again, "again", domain.xml, strlen (domain.xml))
      == -1)
    return; /* indentation has made it too large */
  assert (strcmp (again.xml, domain.xml) == 0);
  assert (again.nr_disks == domain.nr_disks);
}

static void
try_uri (const char *text, size_t size)
{
  struct domain_def CLEANUP_DOMAIN_DEF domain = { .name = NULL };
  char *CLEANUP_FREE list = strndup (text, size);

  assert (list);
  if (domain_def_parse_disks (&domain, list) == 0)
    check_domain (&domain);
}

static int
align (struct checkpoint_def *def)
{
  struct domain_def CLEANUP_DOMAIN_DEF domain = { .name = NULL };
  const char *xml = def->domain ? def->domain : any_domain;

  if (domain_def_parse_xml (&domain, "domain", xml, strlen (xml)) == -1
      || checkpoint_align (def, &domain) == -1)
    return checkpoint_default_bitmaps (def);
  assert (def->nr_disks == domain.nr_disks);
  if (checkpoint_check_bitmaps (def, &domain) == -1)
    assert (pb_get_errno () == EINVAL);
  return 0;
}

static void
check_again (const char *file)
{
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF def = { .name = NULL };
  int r = checkpoint_def_parse (&def, "file", file, strlen (file),
                                CHECKPOINT_PARSE_REDEFINE);
  assert (r == 0);
  char *CLEANUP_FREE again
    = checkpoint_def_format (&def, CHECKPOINT_FORMAT_FILE);

  assert (again && strcmp (again, file) == 0);
}

static void
try_checkpoint (const char *text, size_t size, unsigned flags)
{
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF def = { .name = NULL };
  char *CLEANUP_FREE shown = NULL;
  char *CLEANUP_FREE file = NULL;

  if (checkpoint_def_parse (&def, "input", text, size, flags) == -1) {
    assert (pb_get_errno () == EINVAL);
    return;
  }
  if (def.name == NULL)
    def.name = strdup ("1");
  assert (checkpoint_name_check ("checkpoint", def.name) == 0);
  def.has_creation_time = true;
  if (align (&def) == -1)
    return;
  shown = checkpoint_def_format (&def, CHECKPOINT_FORMAT_NO_DOMAIN);
  assert (shown);
  file = checkpoint_def_format (&def, CHECKPOINT_FORMAT_FILE);
  if (file)
    check_again (file);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *) data;

  if (size > FUZZ_INPUT_MAX)
    return 0;
  try_checkpoint (text, size, 0);
  try_checkpoint (text, size, CHECKPOINT_PARSE_REDEFINE);
  try_domain (text, size);
  try_uri (text, size);
  return 0;
}
