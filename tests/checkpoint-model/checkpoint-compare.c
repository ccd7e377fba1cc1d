/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-compare.c: what the library says of a domain, held against the
 * model.
 */

#include "config.h"

#include <stdarg.h>

#include "checkpoint-disks.h"
#include "checkpoint-ops.h"
#include "unit.h"

#define XML_MAX 4096

/* One comparison under way. */
struct comparison {
  pb_domain *domain;
  struct model *model;
  char *text;
  size_t count;
};

static bool differ (const struct comparison *comparison, const char *format,
                    ...) __attribute__ ((__format__ (__printf__, 2, 3)));

static bool
differ (const struct comparison *comparison, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vsnprintf (comparison->text, comparison->count, format, args);
  va_end (args);
  return false;
}

/*** The tree. ***/

static bool
is_wanted (const struct model *model,
           const struct model_checkpoint *checkpoint, const char *from,
           unsigned flags)
{
  bool leaf = model_count_children (model, checkpoint->name) == 0;
  unsigned leaves = flags
                    & (PB_CHECKPOINT_LIST_LEAVES
                       | PB_CHECKPOINT_LIST_NO_LEAVES);

  if (!checkpoint->exists
      || (leaves == PB_CHECKPOINT_LIST_LEAVES && !leaf)
      || (leaves == PB_CHECKPOINT_LIST_NO_LEAVES && leaf)
      || ((flags & PB_CHECKPOINT_LIST_CURRENT)
          && strcmp (checkpoint->name, model->current) != 0))
    return false;
  if (from == NULL)
    return !(flags & PB_CHECKPOINT_LIST_ROOTS) || !checkpoint->parent[0];
  if (flags & PB_CHECKPOINT_LIST_DESCENDANTS)
    return model_is_ancestor (model, from, checkpoint->name);
  return strcmp (checkpoint->parent, from) == 0;
}

/* Was the parent of LIST[INDEX] before it, if it is there at all? */
static bool
is_after_its_parent (const struct model *model, pb_checkpoint **list,
                     int index)
{
  const char *name = pb_checkpoint_get_name (list[index]);

  for (int i = index + 1; list[i]; i++)
    if (strcmp (model_find (model, name)->parent,
                pb_checkpoint_get_name (list[i]))
        == 0)
      return false;
  return true;
}

/* FROM is NULL for the whole domain. */
static bool
compare_list (const struct comparison *comparison, pb_checkpoint *from,
              unsigned flags)
{
  const struct model *model = comparison->model;
  const char *from_name = from ? pb_checkpoint_get_name (from) : NULL;
  pb_checkpoint **list;
  bool r = true;
  int expected = 0, count;

  for (size_t i = 0; i < model->nr_checkpoints; i++)
    expected += is_wanted (model, &model->checkpoints[i], from_name, flags);
  count = from ? pb_checkpoint_list_all_children (from, &list, flags)
               : pb_domain_list_all_checkpoints (comparison->domain, &list,
                                                 flags);
  CHECK_OK (count >= 0);
  if (count != expected)
    r = differ (comparison, "list of %s, flags %u: expected %d, got %d",
                from ? from_name : "all", flags, expected, count);
  for (int i = 0; i < count && r; i++) {
    const char *name = pb_checkpoint_get_name (list[i]);
    const struct model_checkpoint *checkpoint
      = model_find_existing (model, name);

    if (checkpoint == NULL || !is_wanted (model, checkpoint, from_name, flags))
      r = differ (comparison, "list of %s, flags %u: has %s",
                  from ? from_name : "all", flags, name);
    else if (flags & PB_CHECKPOINT_LIST_TOPOLOGICAL
               ? !is_after_its_parent (model, list, i)
               : i > 0
                   && strcmp (pb_checkpoint_get_name (list[i - 1]), name) >= 0)
      r = differ (comparison, "list of %s, flags %u: wrong order",
                  from ? from_name : "all", flags);
  }
  pb_checkpoint_list_free (list);
  return r;
}

static bool
compare_lists (const struct comparison *comparison, pb_checkpoint *from)
{
  for (unsigned flags = 0; flags < 32; flags++)
    if (!compare_list (comparison, from, flags))
      return false;
  return true;
}

static bool
compare_current (const struct comparison *comparison)
{
  pb_checkpoint *current
    = pb_domain_get_current_checkpoint (comparison->domain, 0);
  const char *name = current ? pb_checkpoint_get_name (current) : "";
  bool r = strcmp (name, comparison->model->current) == 0
             || differ (comparison, "current: expected '%s', got '%s'",
                        comparison->model->current, name);

  if (current == NULL && pb_get_errno () != ENOENT)
    r = differ (comparison, "current: %s", pb_get_error ());
  pb_checkpoint_free (current);
  return r;
}

static bool
compare_parent (const struct comparison *comparison, pb_checkpoint *checkpoint,
                const struct model_checkpoint *expected)
{
  pb_checkpoint *parent = pb_checkpoint_get_parent (checkpoint, 0);
  const char *name = parent ? pb_checkpoint_get_name (parent) : "";
  bool r = true;

  if (parent == NULL)
    CHECK (pb_get_errno () == ENOENT);
  if (strcmp (name, expected->parent) != 0)
    r = differ (comparison, "parent of %s: expected '%s', got '%s'",
                expected->name, expected->parent, name);
  if (pb_checkpoint_is_current (checkpoint, 0)
      != (strcmp (expected->name, comparison->model->current) == 0))
    r = differ (comparison, "%s is wrong about being current",
                expected->name);
  pb_checkpoint_free (parent);
  return r;
}

static unsigned
read_backups (pb_checkpoint *checkpoint)
{
  char **list = pb_checkpoint_get_backups (checkpoint, 0);
  unsigned backups = 0, number;

  CHECK_OK (list);
  for (size_t i = 0; list[i]; i++) {
    CHECK (sscanf (list[i], "backup %u", &number) == 1 && number < 8);
    CHECK (!(backups & 1U << number));
    backups |= 1U << number;
  }
  free (list);
  return backups;
}

static bool
compare_backups (const struct comparison *comparison,
                 pb_checkpoint *checkpoint,
                 const struct model_checkpoint *expected)
{
  unsigned backups = read_backups (checkpoint);

  return backups == expected->backups
         || differ (comparison, "%s: backups: expected %x, got %x",
                    expected->name, expected->backups, backups);
}

/*** Changes. ***/

static void
read_extents (pb_extents *extents, uint64_t size, struct sectors *set)
{
  struct pb_extent extent;
  int r;

  *set = (struct sectors) { { 0 } };
  while ((r = pb_extents_next (extents, &extent)) == 1)
    if (extent.flags & PB_EXTENT_DIRTY)
      sectors_add (set, size, extent.offset, extent.length, MODEL_SECTOR);
  CHECK_OK (r == 0);
  pb_extents_free (extents);
}

/* *SIZE: bytes that are dirty, or UINT64_MAX. */
static bool
compare_changes (const struct comparison *comparison,
                 pb_checkpoint *checkpoint,
                 const struct model_checkpoint *expected, size_t disk,
                 uint64_t *size)
{
  const struct model_disk *d = &comparison->model->disks[disk];
  struct sectors wanted, changes;
  enum model_answer answer
    = model_ask (comparison->model, expected, disk, &wanted);
  pb_extents *extents
    = pb_checkpoint_dirty_extents (checkpoint, d->name, 0, d->size);

  *size = UINT64_MAX;
  if (extents == NULL) {
    if (pb_get_errno ()
        != (d->kind == MODEL_DISK_EMPTY ? ENOTSUP : ESTALE))
      return differ (comparison, "%s on %s: %s", expected->name, d->name,
                     pb_get_error ());
    return answer != MODEL_KNOWN
           || differ (comparison, "%s on %s: changes should be known: %s",
                      expected->name, d->name, pb_get_error ());
  }
  read_extents (extents, d->size, &changes);
  *size = sectors_bytes (&changes);
  if (!sectors_cover (&changes, &expected->written[disk]))
    return differ (comparison, "%s on %s: changes are lost", expected->name,
                   d->name);
  if (answer == MODEL_UNKNOWN)
    return differ (comparison, "%s on %s: changes should not be known",
                   expected->name, d->name);
  return answer == MODEL_MAYBE || sectors_are_equal (&changes, &wanted)
         || differ (comparison,
                    "%s on %s: expected %" PRIu64 " bytes, got %" PRIu64,
                    expected->name, d->name, sectors_bytes (&wanted), *size);
}

static uint64_t
read_time (const char *xml)
{
  const char *time = strstr (xml, "<creationTime>");

  CHECK (time != NULL);
  return strtoull (time + strlen ("<creationTime>"), NULL, 10);
}

static bool
compare_xml (const struct comparison *comparison, pb_checkpoint *checkpoint,
             struct model_checkpoint *expected,
             const uint64_t sizes[MODEL_DISKS])
{
  char text[XML_MAX];
  char *xml = pb_checkpoint_get_xml_desc (
    checkpoint, PB_CHECKPOINT_XML_NO_DOMAIN | PB_CHECKPOINT_XML_SIZE);
  bool r;

  CHECK_OK (xml);
  if (expected->time == 0)
    expected->time = read_time (xml);
  format_checkpoint (comparison->model, expected, sizes, text, sizeof text);
  r = strcmp (xml, text) == 0
      || differ (comparison, "XML: expected\n%sgot\n%s", text, xml);
  free (xml);
  return r;
}

static bool
compare_checkpoint (const struct comparison *comparison,
                    struct model_checkpoint *expected)
{
  uint64_t sizes[MODEL_DISKS];
  pb_checkpoint *checkpoint = pb_domain_checkpoint_lookup_by_name (
    comparison->domain, expected->name, 0);
  bool r = true;

  if (checkpoint == NULL)
    return differ (comparison, "%s is not there", expected->name);
  for (size_t i = 0; i < comparison->model->nr_disks && r; i++)
    r = compare_changes (comparison, checkpoint, expected, i, &sizes[i]);
  r = r && compare_parent (comparison, checkpoint, expected)
      && compare_lists (comparison, checkpoint)
      && compare_backups (comparison, checkpoint, expected)
      && compare_xml (comparison, checkpoint, expected, sizes);
  pb_checkpoint_free (checkpoint);
  return r;
}

/* A view lists each checkpoint as a map: usable where its changes are known. */
static bool
compare_view (const struct comparison *comparison, size_t disk)
{
  const struct model *model = comparison->model;
  pb_view *view
    = pb_domain_open_view (comparison->domain, model->disks[disk].name, 0);
  struct pb_bitmap_info info;
  struct sectors changes;
  size_t found = 0, expected = 0;
  bool r = true;

  CHECK_OK (view);
  for (size_t i = 0; i < model->nr_checkpoints; i++)
    expected += model->checkpoints[i].exists
                && model->checkpoints[i].has_bitmap[disk];
  for (size_t i = 0; i < pb_view_nr_dirty_maps (view) && r; i++) {
    const struct model_checkpoint *checkpoint;
    enum model_answer answer;

    CHECK_OK (pb_view_get_dirty_map_info (view, i, &info) == 0);
    if (strncmp (info.name, "since:", 6) != 0)
      continue;
    checkpoint = model_find_existing (model, info.name + 6);
    if (checkpoint == NULL) {
      r = differ (comparison, "view of %s has %s", model->disks[disk].name,
                  info.name);
      break;
    }
    found++;
    answer = model_ask (model, checkpoint, disk, &changes);
    if (answer != MODEL_MAYBE && info.usable != (answer == MODEL_KNOWN))
      r = differ (comparison, "view of %s: %s is wrong about being usable",
                  model->disks[disk].name, info.name);
  }
  if (r && found != expected)
    r = differ (comparison, "view of %s has %zu checkpoints",
                model->disks[disk].name, found);
  pb_view_free (view);
  return r;
}

static bool
compare_findings (const struct comparison *comparison)
{
  pb_findings *findings = pb_domain_examine (comparison->domain, 0);
  struct pb_finding finding = { .text = "none" };
  size_t expected, count;
  bool exact, r = true;

  CHECK_OK (findings);
  expected = model_count_findings (comparison->model, &exact);
  count = pb_findings_count (findings);
  if (count < expected || (exact && count > expected)) {
    if (count)
      CHECK_OK (pb_findings_get (findings, count - 1, &finding) == 0);
    r = differ (comparison, "expected %zu findings, got %zu, the last: %s",
                expected, count, finding.text);
  }
  pb_findings_free (findings);
  return r;
}

bool
domain_compare (pb_domain *domain, struct model *model, char *text,
                size_t count)
{
  struct comparison comparison = { domain, model, text, count };

  if (!disks_compare (model, text, count)
      || !compare_lists (&comparison, NULL) || !compare_current (&comparison))
    return false;
  for (size_t i = 0; i < model->nr_checkpoints; i++)
    if (model->checkpoints[i].exists
        && !compare_checkpoint (&comparison, &model->checkpoints[i]))
      return false;
  for (size_t i = 0; i < model->nr_disks; i++)
    if (model->disks[i].kind != MODEL_DISK_EMPTY
        && !compare_view (&comparison, i))
      return false;
  return compare_findings (&comparison);
}

/*** Taking over. ***/

static void
resync_checkpoint (pb_checkpoint *checkpoint, struct model *model)
{
  const char *name = pb_checkpoint_get_name (checkpoint);
  struct model_checkpoint *c = model_find (model, name);
  pb_checkpoint *parent = pb_checkpoint_get_parent (checkpoint, 0);
  char *xml
    = pb_checkpoint_get_xml_desc (checkpoint, PB_CHECKPOINT_XML_NO_DOMAIN);
  char disk[64];

  CHECK_OK (xml);
  if (c == NULL)
    c = model_start (model, name);
  c->time = read_time (xml);
  c->exists = true;
  c->backups = read_backups (checkpoint);
  strcpy (c->parent, parent ? pb_checkpoint_get_name (parent) : "");
  for (size_t i = 0; i < model->nr_disks; i++) {
    snprintf (disk, sizeof disk, "<disk name='%s' checkpoint='bitmap'",
              model->disks[i].name);
    c->has_bitmap[i] = strstr (xml, disk) != NULL;
  }
  free (xml);
  pb_checkpoint_free (parent);
}

void
domain_resync (pb_domain *domain, struct model *model)
{
  pb_checkpoint **list;
  pb_checkpoint *current;
  int count = pb_domain_list_all_checkpoints (domain, &list, 0);

  CHECK_OK (count >= 0);
  for (size_t i = 0; i < model->nr_checkpoints; i++)
    if (model->checkpoints[i].exists) {
      pb_checkpoint *checkpoint = pb_domain_checkpoint_lookup_by_name (
        domain, model->checkpoints[i].name, 0);

      model->checkpoints[i].exists = checkpoint != NULL;
      pb_checkpoint_free (checkpoint);
    }
  for (int i = 0; i < count; i++)
    resync_checkpoint (list[i], model);
  pb_checkpoint_list_free (list);
  current = pb_domain_get_current_checkpoint (domain, 0);
  strcpy (model->current, current ? pb_checkpoint_get_name (current) : "");
  pb_checkpoint_free (current);
  disks_resync (model);
}
