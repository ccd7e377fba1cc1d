/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* listing.c: the checkpoints of a domain, all of them and those that are
 * asked for.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "document.h"
#include "listing.h"

static int
compare_names (const void *a, const void *b, void *opaque)
{
  const struct entry *entries = opaque;

  return strcmp (entries[*(const size_t *) a].name,
                 entries[*(const size_t *) b].name);
}

size_t
listing_find (const struct listing *listing, const char *name)
{
  size_t low = 0, high = listing->nr_entries;

  while (low < high) {
    size_t middle = low + (high - low) / 2;
    size_t found = listing->by_name[middle];
    int order = strcmp (name, listing->entries[found].name);

    if (order == 0)
      return found;
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NO_ENTRY;
}

static int
load_entry (struct entry *entry)
{
  CLEANUP_FREE char *xml = NULL;

  entry->name = pb_checkpoint_get_name (entry->checkpoint);
  xml = pb_checkpoint_get_xml_desc (entry->checkpoint,
                                    PB_CHECKPOINT_XML_NO_DOMAIN);
  if (xml)
    entry->document = document_parse (xml);
  if (entry->document == NULL)
    return -1;
  entry->parent_name = document_text (entry->document, "parent", "name");
  return 0;
}

static int
mark_broken (struct listing *listing)
{
  for (size_t i = 0; i < pb_findings_count (listing->findings); i++) {
    struct pb_finding finding;
    size_t at;

    if (pb_findings_get (listing->findings, i, &finding) == -1)
      return -1;
    if (finding.kind != PB_FINDING_MISSING_PARENT
        && finding.kind != PB_FINDING_CYCLE)
      continue;
    at = finding.checkpoint ? listing_find (listing, finding.checkpoint)
                            : NO_ENTRY;
    if (at == NO_ENTRY)
      continue;
    listing->entries[at].parent = NO_ENTRY;
    listing->entries[at].broken
      = finding.kind == PB_FINDING_CYCLE ? "cycle" : "missing";
  }
  return 0;
}

static int
link_entries (struct listing *listing)
{
  for (size_t i = 0; i < listing->nr_entries; i++)
    listing->by_name[i] = i;
  qsort_r (listing->by_name, listing->nr_entries, sizeof listing->by_name[0],
           compare_names, listing->entries);
  for (size_t i = 0; i < listing->nr_entries; i++) {
    struct entry *entry = &listing->entries[i];

    entry->parent = entry->parent_name
                      ? listing_find (listing, entry->parent_name)
                      : NO_ENTRY;
  }
  for (size_t i = 0; listing->shown[i]; i++) {
    const char *name = pb_checkpoint_get_name (listing->shown[i]);
    size_t at = listing_find (listing, name);

    if (at == NO_ENTRY || listing->nr_shown == listing->nr_entries) {
      pb_set_error (EAGAIN, "checkpoint %s: was created meanwhile", name);
      return -1;
    }
    listing->entries[at].is_shown = true;
    listing->order[listing->nr_shown++] = at;
  }
  return 0;
}

int
listing_load (struct listing *listing, pb_domain *domain)
{
  int count = pb_domain_list_all_checkpoints (domain, &listing->all, 0);

  if (count == -1)
    return -1;
  listing->entries = calloc (count + 1, sizeof listing->entries[0]);
  listing->by_name = calloc (count + 1, sizeof listing->by_name[0]);
  listing->order = calloc (count + 1, sizeof listing->order[0]);
  if (!listing->entries || !listing->by_name || !listing->order) {
    pb_set_error (ENOMEM, "%s", strerror (ENOMEM));
    return -1;
  }
  for (int i = 0; i < count; i++) {
    listing->entries[i].checkpoint = listing->all[i];
    listing->nr_entries++;
    if (load_entry (&listing->entries[i]) == -1)
      return -1;
  }
  return link_entries (listing) == -1 ? -1 : mark_broken (listing);
}

void
listing_clear (struct listing *listing)
{
  for (size_t i = 0; i < listing->nr_entries; i++) {
    xmlFreeDoc (listing->entries[i].document);
    free (listing->entries[i].parent_name);
  }
  free (listing->entries);
  free (listing->by_name);
  free (listing->order);
  pb_findings_free (listing->findings);
  pb_checkpoint_list_free (listing->all);
  pb_checkpoint_list_free (listing->shown);
  *listing = (struct listing) { .nr_entries = 0 };
}
