/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bitmap-chain.c: what has changed since a checkpoint whose bitmap is one of a
 * chain.
 *
 * A checkpoint C is part of a chain on a disk if nobody has marked it as
 * independent, and the top-most layer that has its bitmap has it disabled: it
 * was stopped when the next one took over.  Then the links of the chain are
 * the bitmaps of the checkpoints on the path of the tree from C to the
 * current one; those that leave the disk out are skipped, since they stopped
 * nothing.  The chain ends with the first link that the top layer has
 * enabled, because that one records all from itself on.
 *
 * An external snapshot freezes the layer with the link that records, and goes
 * on with an equally named one in the overlay.  So the links that a layer has
 * are neighbours in the chain, and the last of them is the first of the layer
 * above:
 *
 *     top layer            c  d       d enabled: it records
 *     its backing file  b  c          c enabled, as the snapshot froze it
 *     the next       a  b             b enabled, likewise
 *
 * Whatever is missing among these breaks the staircase, so a whole one covers
 * each moment since C in the layer that was on top then.  What has changed is
 * the union of all its bitmaps.
 *
 * A staircase may look whole because a link has been forgotten with its
 * checkpoint.  Therefore changes are not known either where
 *
 * - a layer of it has a bitmap of no checkpoint: a forgotten link maybe;
 * - a checkpoint of another branch from the path, or one that has lost its
 *   place in the tree, has a bitmap on the disk: it may have stopped a link,
 *   and recorded what no link has;
 * - the same of one that has been given a wrong place: it is above or below
 *   the chain, or elsewhere, but of a time between its ends;
 * - a link is marked independent: it did not stop the one before it, so
 *   something else did, which is gone.
 *
 * Last, a bitmap of a checkpoint that is marked independent, but disabled, was
 * disabled by somebody, and what was written meanwhile is lost.
 */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bitmap-range.h"
#include "error.h"

struct link {
  const struct checkpoint_node *node;
  const char *bitmap;
};

struct chain {
  const struct disk_bitmaps *bitmaps;
  const struct checkpoint_tree *tree;
  const struct checkpoint_node *start; /* C */
  const char *name;                    /* its bitmap */
  size_t nr_links;
  struct link *links; /* [0] is that of C, the last one records */
  size_t nr_layers;   /* that have any of them, from the top one on */
};

static bool
is_same_or_ancestor (const struct checkpoint_node *ancestor,
                     const struct checkpoint_node *node)
{
  return node == ancestor || checkpoint_node_is_ancestor (ancestor, node);
}

static const struct checkpoint_node *
top_of (const struct checkpoint_node *node)
{
  while (node->parent)
    node = node->parent;
  return node;
}

bool
bitmap_chain_has (const struct disk_bitmaps *bitmaps,
                  const struct checkpoint_node *node)
{
  const char *name = checkpoint_node_bitmap (node, bitmaps->disk);

  if (name == NULL || node->def.independent)
    return false;
  for (size_t i = 0; i < bitmaps->nr_layers; i++) {
    const struct layer_bitmap *bitmap
      = disk_layer_find (&bitmaps->layers[i], name);

    if (bitmap)
      return bitmap->reason == NULL && !bitmap->enabled;
  }
  return false;
}

/* The current checkpoint is none that comes after C. */
static int
not_known_for_current (struct bitmap_range *range, const struct chain *chain)
{
  const struct checkpoint_node *current = chain->tree->current;
  const struct checkpoint_node *top = current ? top_of (current) : NULL;

  if (current == NULL && chain->tree->current_is_unknown)
    return bitmap_range_not_known (
      range, PB_FINDING_CURRENT_UNKNOWN,
      "bitmap %s has been disabled, and where its chain goes "
      "on is not known: which checkpoint is current is not",
      chain->name);
  if (top && top->relation == CHECKPOINT_RELATION_MISSING_PARENT)
    return bitmap_range_not_known (
      range, PB_FINDING_MISSING_PARENT,
      "bitmap %s has been disabled, and where its chain goes "
      "on is not known: checkpoint %s has lost its parent",
      chain->name, top->def.name);
  if (top && top->relation == CHECKPOINT_RELATION_CYCLE)
    return bitmap_range_not_known (
      range, PB_FINDING_CYCLE,
      "bitmap %s has been disabled, and where its chain goes "
      "on is not known: checkpoint %s is its own ancestor",
      chain->name, top->def.name);
  return bitmap_range_not_known (
    range, PB_FINDING_BITMAP_DISABLED,
    "bitmap %s has been disabled, and the current checkpoint "
    "(%s) does not come after it",
    chain->name, current ? current->def.name : "none");
}

/* All checkpoints from C to the current one that have a bitmap on the disk.
 * Returns 1, 0 where the range is not known, or -1.
 */
static int
collect_links (struct chain *chain, struct bitmap_range *range)
{
  const struct checkpoint_node *node = chain->tree->current;
  size_t count = 0, i;

  if (node == NULL || !is_same_or_ancestor (chain->start, node))
    return not_known_for_current (range, chain);
  for (; node != chain->start->parent; node = node->parent)
    if (checkpoint_node_bitmap (node, chain->bitmaps->disk))
      count++;
  chain->links = calloc (count, sizeof chain->links[0]);
  if (chain->links == NULL) {
    set_error_errno ("bitmap %s", chain->name);
    return -1;
  }
  chain->nr_links = i = count;
  for (node = chain->tree->current; i > 0; node = node->parent) {
    const char *name = checkpoint_node_bitmap (node, chain->bitmaps->disk);

    if (name)
      chain->links[--i] = (struct link) { .node = node, .bitmap = name };
  }
  return 1;
}

/* Is LINK, which is not the first one, such that the one before it was stopped
 * for it, and can each of its bitmaps be trusted?  Returns as above.
 */
static int
judge_link (const struct chain *chain, const struct link *link,
            struct bitmap_range *range)
{
  bool found = false;

  if (link->node->def.independent)
    return bitmap_range_not_known (
      range, PB_FINDING_BITMAP_DISABLED,
      "bitmap %s has been disabled, but not for that of "
      "checkpoint %s, which comes next",
      link[-1].bitmap, link->node->def.name);
  for (const struct link *before = chain->links; before < link; before++)
    if (strcmp (before->bitmap, link->bitmap) == 0)
      return bitmap_range_not_known (
        range, PB_FINDING_BITMAP_DISABLED,
        "bitmap %s has been disabled, and belongs to the "
        "checkpoints %s and %s at once",
        link->bitmap, before->node->def.name, link->node->def.name);
  for (size_t i = 0; i < chain->bitmaps->nr_layers; i++) {
    const struct disk_layer *layer = &chain->bitmaps->layers[i];
    const struct layer_bitmap *bitmap = disk_layer_find (layer, link->bitmap);

    if (bitmap && bitmap->reason)
      return bitmap_range_not_known_for (range, layer, bitmap);
    found = found || bitmap;
  }
  if (!found)
    return bitmap_range_not_known (
      range, PB_FINDING_BITMAP_MISSING,
      "bitmap %s, which goes on from bitmap %s, is in no "
      "layer of the disk",
      link->bitmap, link[-1].bitmap);
  return 1;
}

/* Let the chain end where it records. */
static int
judge_links (struct chain *chain, struct bitmap_range *range)
{
  for (size_t i = 0; i < chain->nr_links; i++) {
    const struct link *link = &chain->links[i];
    const struct layer_bitmap *bitmap
      = disk_layer_find (&chain->bitmaps->layers[0], link->bitmap);

    if (i > 0) {
      int r = judge_link (chain, link, range);

      if (r != 1)
        return r;
    }
    if (bitmap && bitmap->enabled) {
      chain->nr_links = i + 1;
      return 1;
    }
  }
  return bitmap_range_not_known (
    range, PB_FINDING_BITMAP_DISABLED,
    "bitmap %s has been disabled, and no checkpoint that "
    "comes after it has one that records",
    chain->name);
}

/* Does layer I have neighbours of the chain that end with link LAST, which
 * recorded when the layer was frozen?  *FIRST is where they start.  Returns as
 * above.
 */
static int
judge_step (const struct chain *chain, size_t i, size_t last, size_t *first,
            struct bitmap_range *range)
{
  const struct disk_layer *layer = &chain->bitmaps->layers[i];
  const struct layer_bitmap *bitmap
    = disk_layer_find (layer, chain->links[last].bitmap);
  size_t link;

  if (bitmap == NULL)
    return bitmap_range_not_known (
      range, PB_FINDING_BITMAP_GAP,
      "bitmap %s: the layer %s lacks bitmap %s, which should "
      "go on there",
      chain->name, layer->path, chain->links[last].bitmap);
  if (!bitmap->enabled)
    return bitmap_range_not_known (
      range, PB_FINDING_BITMAP_GAP,
      "bitmap %s: in the layer %s bitmap %s is disabled, so "
      "it was when the layer above began",
      chain->name, layer->path, bitmap->name);
  *first = last;
  while (*first > 0 && disk_layer_find (layer, chain->links[*first - 1].bitmap))
    (*first)--;
  for (link = 0; link < chain->nr_links; link++)
    if ((link < *first || link > last)
        && disk_layer_find (layer, chain->links[link].bitmap))
      return bitmap_range_not_known (
        range, PB_FINDING_BITMAP_GAP,
        "bitmap %s: the layer %s has bitmap %s, but lacks "
        "what is between that and bitmap %s",
        chain->name, layer->path, chain->links[link].bitmap,
        chain->links[link < *first ? *first : last].bitmap);
  return 1;
}

static bool
has_any_link (const struct chain *chain, size_t layer)
{
  for (size_t i = 0; i < chain->nr_links; i++)
    if (disk_layer_find (&chain->bitmaps->layers[layer],
                         chain->links[i].bitmap))
      return true;
  return false;
}

/* Go down the staircase.  Returns as above. */
static int
judge_layers (struct chain *chain, struct bitmap_range *range)
{
  size_t nr_layers = chain->bitmaps->nr_layers, last = chain->nr_links - 1, i;
  int r;

  for (i = 0; i < nr_layers && has_any_link (chain, i); i++) {
    r = judge_step (chain, i, last, &last, range);
    if (r != 1)
      return r;
  }
  chain->nr_layers = i;
  for (; i < nr_layers; i++)
    if (has_any_link (chain, i))
      return bitmap_range_not_known (
        range, PB_FINDING_BITMAP_GAP,
        "bitmap %s: the layer %s has part of its chain, but "
        "above that %s has none",
        chain->name, chain->bitmaps->layers[i].path,
        chain->bitmaps->layers[chain->nr_layers].path);
  if (last > 0)
    return bitmap_range_not_known (
      range, PB_FINDING_BITMAP_GAP,
      "bitmap %s: the layer %s lacks it, but begins with "
      "bitmap %s of its chain",
      chain->name, chain->bitmaps->layers[chain->nr_layers - 1].path,
      chain->links[last].bitmap);
  return 1;
}

static bool
is_recording (const struct chain *chain, const struct checkpoint_node *node)
{
  const struct layer_bitmap *bitmap
    = disk_layer_find (&chain->bitmaps->layers[0],
                       checkpoint_node_bitmap (node, chain->bitmaps->disk));

  return bitmap && bitmap->enabled && bitmap->reason == NULL;
}

/* Where all was made in one second, times say nothing. */
static bool
is_of_that_time (const struct chain *chain, const struct checkpoint_node *node)
{
  uint64_t from = chain->start->def.creation_time;
  uint64_t to = chain->links[chain->nr_links - 1].node->def.creation_time;

  return from < to && from <= node->def.creation_time
         && node->def.creation_time <= to;
}

/* May NODE, which is none of the chain, have taken part in it? */
static bool
is_suspect (const struct chain *chain, const struct checkpoint_node *node)
{
  const struct checkpoint_node *end = chain->links[chain->nr_links - 1].node;

  if (node->def.independent
      || checkpoint_node_bitmap (node, chain->bitmaps->disk) == NULL)
    return false;
  if (is_same_or_ancestor (end, node))
    return is_of_that_time (chain, node) && !is_recording (chain, node);
  if (is_same_or_ancestor (chain->start, node)
      && is_same_or_ancestor (node, end))
    return false; /* a link */
  if (is_same_or_ancestor (node, chain->start))
    return node->def.creation_time > chain->start->def.creation_time
           && is_of_that_time (chain, node);
  return is_same_or_ancestor (chain->start, node)
         || is_of_that_time (chain, node)
         || (top_of (node) != top_of (chain->start)
             && top_of (node)->relation != CHECKPOINT_RELATION_SOUND);
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Is there a bitmap of no checkpoint in a layer of the chain?  Returns as
 * above.
 */
static int
judge_orphans (const struct chain *chain, struct bitmap_range *range)
{
  const struct checkpoint_tree *tree = chain->tree;
  const char **CLEANUP_FREE names = calloc (tree->nr_nodes, sizeof names[0]);
  size_t count = 0;

  if (names == NULL) {
    set_error_errno ("bitmap %s", chain->name);
    return -1;
  }
  for (size_t i = 0; i < tree->nr_nodes; i++) {
    names[count]
      = checkpoint_node_bitmap (tree->nodes[i], chain->bitmaps->disk);
    if (names[count])
      count++;
  }
  qsort (names, count, sizeof names[0], compare_names);
  for (size_t i = 0; i < chain->nr_layers; i++) {
    const struct disk_layer *layer = &chain->bitmaps->layers[i];

    for (size_t j = 0; j < layer->nr_bitmaps; j++)
      if (!bsearch (&layer->bitmaps[j].name, names, count, sizeof names[0],
                    compare_names))
        return bitmap_range_not_known (
          range, PB_FINDING_BITMAP_ORPHAN,
          "bitmap %s is one of a chain, and bitmap %s in %s, "
          "which belongs to no checkpoint, may be another",
          chain->name, layer->bitmaps[j].name, layer->path);
  }
  return 1;
}

static int
judge_others (const struct chain *chain, struct bitmap_range *range)
{
  for (size_t i = 0; i < chain->tree->nr_nodes; i++) {
    const struct checkpoint_node *node = chain->tree->nodes[i];

    if (is_suspect (chain, node))
      return bitmap_range_not_known (
        range, PB_FINDING_BITMAP_DISABLED,
        "bitmap %s is one of a chain, and checkpoint %s, "
        "which has another place in the tree, may have interrupted it",
        chain->name, node->def.name);
  }
  return judge_orphans (chain, range);
}

static int
add_parts (const struct chain *chain, struct bitmap_range *range)
{
  for (size_t i = 0; i < chain->nr_layers; i++)
    for (size_t j = 0; j < chain->nr_links; j++)
      if (disk_layer_find (&chain->bitmaps->layers[i], chain->links[j].bitmap)
          && bitmap_range_add_part (range, i, chain->links[j].bitmap) == -1)
        return -1;
  range->is_known = true;
  return 0;
}

static int
find (struct chain *chain, struct bitmap_range *range)
{
  int r;

  *range = (struct bitmap_range) { .is_chain = true };
  if ((r = bitmap_range_judge_damage (range, chain->bitmaps, chain->name)) != 1
      || (r = collect_links (chain, range)) != 1
      || (r = judge_links (chain, range)) != 1
      || (r = judge_layers (chain, range)) != 1
      || (r = judge_others (chain, range)) != 1)
    return r;
  return add_parts (chain, range);
}

int
bitmap_chain_find (struct bitmap_range *range,
                   const struct disk_bitmaps *bitmaps,
                   const struct checkpoint_tree *tree,
                   const struct checkpoint_node *node)
{
  struct chain chain = {
    .bitmaps = bitmaps,
    .tree = tree,
    .start = node,
    .name = checkpoint_node_bitmap (node, bitmaps->disk),
  };
  int r = find (&chain, range);

  free (chain.links);
  if (r == -1)
    bitmap_range_clear (range);
  return r;
}
