/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-domain-range-random.c: random histories of a disk, its bitmaps and its
 * checkpoints, by the rules of older and of today's libvirt and by ours, with
 * accidents.  What is said to have changed since a checkpoint must have in it
 * every block that was written since; and where nothing went wrong, it must be
 * known.
 *
 * SEQUENCES says how many histories there are.
 */

#include "config.h"

#include "disk-bitmaps.h"
#include "unit.h"

#define NR_BLOCKS  24
#define STEPS      40
#define NAMES_MAX  (STEPS + 1)
#define LAYERS_MAX 6

struct bitmap {
  unsigned name; /* that of its checkpoint */
  bool enabled, in_use;
  uint32_t bits;
};

struct layer {
  struct bitmap bitmaps[NAMES_MAX];
  size_t nr_bitmaps;
  uint32_t written; /* all that was, while it was on top */
};

/* [0] is the lowest one, as layers only grow at the top. */
static struct layer layers[LAYERS_MAX];
static size_t nr_layers;
static struct checkpoint_tree tree;
static unsigned nr_names;

static uint32_t written_since[NAMES_MAX]; /* the truth */

/* Does everybody keep to one model's rules, so that all must be known? */
static bool is_clean;

/* Does libvirt of today make checkpoints and snapshots now, or the older one,
 * or do we?
 */
static enum { CHAIN, INDEPENDENT, OURS } era;

static unsigned long nr_known, nr_known_chain, nr_unknown, nr_refused;

static bool
chance (unsigned percent)
{
  return unit_random_below (100) < percent;
}

static const char *
name_of (unsigned number)
{
  static char text[8];

  snprintf (text, sizeof text, "c%u", number);
  return text;
}

static unsigned
number_of (const struct checkpoint_node *node)
{
  return strtoul (node->def.name + 1, NULL, 10);
}

static struct layer *
top (void)
{
  return &layers[nr_layers - 1];
}

static struct bitmap *
find_bitmap (struct layer *layer, unsigned name)
{
  for (size_t i = 0; i < layer->nr_bitmaps; i++)
    if (layer->bitmaps[i].name == name)
      return &layer->bitmaps[i];
  return NULL;
}

static struct bitmap *
add_bitmap (struct layer *layer, unsigned name, bool enabled)
{
  struct bitmap *bitmap = &layer->bitmaps[layer->nr_bitmaps++];

  CHECK (layer->nr_bitmaps <= NAMES_MAX);
  *bitmap = (struct bitmap) { .name = name, .enabled = enabled };
  return bitmap;
}

static void
remove_bitmap (struct layer *layer, unsigned name)
{
  struct bitmap *bitmap = find_bitmap (layer, name);

  if (bitmap)
    *bitmap = layer->bitmaps[--layer->nr_bitmaps];
}

static bool
has_disk (const struct checkpoint_node *node)
{
  return node->def.disks[0].kind == CHECKPOINT_DISK_BITMAP;
}

/*** What the library sees. ***/

static void
look (struct disk_bitmaps *bitmaps)
{
  *bitmaps = (struct disk_bitmaps) { .disk = strdup ("vda") };
  bitmaps->layers = calloc (nr_layers, sizeof bitmaps->layers[0]);
  CHECK (bitmaps->disk && bitmaps->layers);
  bitmaps->nr_layers = nr_layers;
  for (size_t i = 0; i < nr_layers; i++) {
    const struct layer *layer = &layers[nr_layers - 1 - i];
    struct disk_layer *seen = &bitmaps->layers[i];

    seen->path = strdup ("/img");
    seen->bitmaps = calloc (layer->nr_bitmaps + 1, sizeof seen->bitmaps[0]);
    CHECK (seen->path && seen->bitmaps);
    for (size_t j = 0; j < layer->nr_bitmaps; j++) {
      const struct bitmap *bitmap = &layer->bitmaps[j];

      seen->bitmaps[seen->nr_bitmaps++] = (struct layer_bitmap) {
        .name = strdup (name_of (bitmap->name)),
        .granularity = 65536,
        .enabled = bitmap->enabled,
        .in_use = bitmap->in_use,
        .reason = bitmap->in_use ? strdup ("it is marked as in use") : NULL,
      };
    }
  }
}

static uint32_t
bits_of (const struct bitmap_range *range)
{
  uint32_t bits = 0;

  for (size_t i = 0; i < range->nr_parts; i++) {
    const struct bitmap *bitmap
      = find_bitmap (&layers[nr_layers - 1 - range->parts[i].layer],
                     strtoul (range->parts[i].bitmap + 1, NULL, 10));

    CHECK (bitmap);
    bits |= bitmap->bits;
  }
  return bits;
}

static void
check_node (const struct disk_bitmaps *bitmaps,
            const struct checkpoint_node *node)
{
  struct bitmap_range CLEANUP_BITMAP_RANGE range = { 0 };

  CHECK_OK (bitmap_range_find (&range, bitmaps, &tree, node) == 0);
  if (!range.is_known) {
    nr_unknown++;
    if (is_clean && has_disk (node)) {
      fprintf (stderr, "%s: %s\n", node->def.name, range.reason);
      CHECK (!"known");
    }
    return;
  }
  CHECK (has_disk (node));
  nr_known++;
  nr_known_chain += range.is_chain;
  CHECK ((written_since[number_of (node)] & ~bits_of (&range)) == 0);
}

static void
check_all (void)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };

  look (&bitmaps);
  for (size_t i = 0; i < tree.nr_nodes; i++)
    check_node (&bitmaps, tree.nodes[i]);
}

/*** What happens to a disk. ***/

static void
write_blocks (void)
{
  uint32_t blocks = UINT32_C (1) << unit_random_below (NR_BLOCKS);

  if (chance (30))
    blocks |= blocks << 1 & ((UINT32_C (1) << NR_BLOCKS) - 1);
  for (size_t i = 0; i < top ()->nr_bitmaps; i++)
    if (top ()->bitmaps[i].enabled && !top ()->bitmaps[i].in_use)
      top ()->bitmaps[i].bits |= blocks;
  top ()->written |= blocks;
  for (unsigned i = 0; i < nr_names; i++)
    written_since[i] |= blocks;
}

/* libvirt's chain model: the nearest ancestor with a bitmap on the disk stops
 * in the top image.
 */
static void
stop_ancestor (const struct checkpoint_node *node)
{
  struct bitmap *bitmap;

  while (node && !has_disk (node))
    node = node->parent;
  bitmap = node ? find_bitmap (top (), number_of (node)) : NULL;
  if (bitmap && !bitmap->in_use)
    bitmap->enabled = false;
}

static void
create (void)
{
  struct checkpoint_def def = { .has_creation_time = true, .has_disks = true };
  bool with_disk = chance (85);

  CHECK (nr_names < NAMES_MAX);
  CHECK (def.name = strdup (name_of (nr_names)));
  if (tree.current)
    CHECK (def.parent = strdup (tree.current->def.name));
  def.independent = era == OURS;
  CHECK_OK (checkpoint_def_add_disk (&def, "vda",
                                     with_disk ? CHECKPOINT_DISK_BITMAP
                                               : CHECKPOINT_DISK_NO,
                                     with_disk ? def.name : NULL)
            == 0);
  if (with_disk) {
    if (era == CHAIN)
      stop_ancestor (tree.current);
    add_bitmap (top (), nr_names, true);
  }
  CHECK_OK (checkpoint_tree_put (&tree, &def) == 0);
  checkpoint_tree_set_current (&tree,
                               checkpoint_tree_find (&tree,
                                                     name_of (nr_names)));
  written_since[nr_names++] = 0;
}

/* What libvirt starts anew in the overlay: what records, or what is valid by
 * its rule for independent bitmaps.
 */
static bool
goes_on (const struct disk_bitmaps *bitmaps, const struct bitmap *bitmap)
{
  struct bitmap_range CLEANUP_BITMAP_RANGE range = { 0 };

  if (era == CHAIN)
    return bitmap->enabled && !bitmap->in_use;
  CHECK_OK (bitmap_range_independent (&range, bitmaps,
                                      name_of (bitmap->name))
            == 0);
  return range.is_known;
}

static void
snapshot (bool with_bitmaps)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
  struct layer *below = top (), *overlay = below + 1;

  if (nr_layers == LAYERS_MAX)
    return;
  look (&bitmaps);
  *overlay = (struct layer) { 0 };
  for (size_t i = 0; with_bitmaps && i < below->nr_bitmaps; i++)
    if (goes_on (&bitmaps, &below->bitmaps[i]))
      add_bitmap (overlay, below->bitmaps[i].name, true);
  nr_layers++;
}

/* qemu-img commit: what the overlay holds is written to the image below, whose
 * enabled bitmaps record that, and the overlay is given up.
 */
static void
commit (void)
{
  uint32_t written = top ()->written;

  if (nr_layers == 1)
    return;
  nr_layers--;
  for (size_t i = 0; i < top ()->nr_bitmaps; i++)
    if (top ()->bitmaps[i].enabled && !top ()->bitmaps[i].in_use)
      top ()->bitmaps[i].bits |= written;
  top ()->written |= written;
}

static void
give_children_away (struct checkpoint_node *node)
{
  while (node->nr_children > 0) {
    struct checkpoint_def def = { 0 };

    CHECK_OK (checkpoint_def_copy (&def, &node->children[0]->def) == 0);
    free (def.parent);
    def.parent = NULL;
    if (node->parent)
      CHECK (def.parent = strdup (node->parent->def.name));
    CHECK_OK (checkpoint_tree_put (&tree, &def) == 0);
  }
}

static void
merge_into (unsigned heir, unsigned name)
{
  for (size_t i = 0; i < nr_layers; i++) {
    struct bitmap *source = find_bitmap (&layers[i], name);
    struct bitmap *target = find_bitmap (&layers[i], heir);

    if (source == NULL)
      continue;
    if (target == NULL) {
      target = add_bitmap (&layers[i], heir, false);
      source = find_bitmap (&layers[i], name);
    }
    target->bits |= source->bits;
    target->enabled |= source->enabled;
  }
}

/* As ours does it: refused where others would be stranded, and merged where
 * others depend on it.
 */
static void
delete (struct checkpoint_node *node, bool metadata_only)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
  unsigned name = number_of (node);
  struct checkpoint_node **list, *parent = node->parent;
  size_t nr_stranded, nr_dependents;
  bool was_current = node == tree.current;

  look (&bitmaps);
  list = bitmap_stranded (&bitmaps, &tree, node, &nr_stranded);
  CHECK_OK (list);
  free (list);
  if (nr_stranded > 0) {
    CHECK (!is_clean);
    nr_refused++;
    return;
  }
  list = bitmap_dependents (&bitmaps, &tree, node, &nr_dependents);
  CHECK_OK (list);
  if (nr_dependents > 0 && !metadata_only)
    merge_into (number_of (list[0]), name);
  free (list);
  for (size_t i = 0; i < nr_layers && !metadata_only; i++)
    remove_bitmap (&layers[i], name);
  give_children_away (node);
  checkpoint_tree_remove (&tree, node);
  if (was_current)
    checkpoint_tree_set_current (&tree, parent);
}

/*** Accidents. ***/

/* A writer that is killed leaves all bitmaps of the top image in use. */
static void
crash (void)
{
  for (size_t i = 0; i < top ()->nr_bitmaps; i++)
    top ()->bitmaps[i].in_use = true;
}

/* Somebody removes a bitmap, or disables one that should always record. */
static void
meddle (struct checkpoint_node *node)
{
  for (size_t i = 0; i < nr_layers; i++) {
    struct bitmap *bitmap = find_bitmap (&layers[i], number_of (node));

    if (node->def.independent && bitmap)
      bitmap->enabled = false;
    else
      remove_bitmap (&layers[i], number_of (node));
  }
}

/* Somebody removes a bitmap from one image, but not from the lowest that has
 * it: that cannot be told from one that never had it.
 */
static void
tear (unsigned name)
{
  size_t lowest, i;

  for (lowest = 0; lowest < nr_layers; lowest++)
    if (find_bitmap (&layers[lowest], name))
      break;
  i = lowest + 1 + unit_random_below (LAYERS_MAX);
  if (i < nr_layers)
    remove_bitmap (&layers[i], name);
}

static void
accident (struct checkpoint_node *node)
{
  switch (unit_random_below (7)) {
  case 0:
    crash ();
    break;
  case 1:
    meddle (node);
    break;
  case 2:
    snapshot (false);
    break;
  case 3:
    commit ();
    break;
  case 4: /* another branch begins */
    checkpoint_tree_set_current (&tree, node);
    break;
  case 5:
    delete (node, true);
    break;
  case 6:
    tear (number_of (node));
    break;
  }
}

static void
step (void)
{
  struct checkpoint_node *node
    = tree.nr_nodes ? tree.nodes[unit_random_below (tree.nr_nodes)] : NULL;
  unsigned dice = unit_random_below (100);

  if (dice < 45)
    write_blocks ();
  else if (dice < 70)
    create ();
  else if (dice < 80)
    snapshot (true);
  else if (node && dice < 92)
    delete (node, false);
  else if (node && !is_clean)
    accident (node);
}

static void
history (void)
{
  bool is_upgraded = chance (30);

  nr_layers = 1;
  nr_names = 0;
  layers[0] = (struct layer) { 0 };
  tree = (struct checkpoint_tree) { 0 };
  is_clean = chance (40);
  era = is_upgraded ? CHAIN : unit_random_below (3);
  for (unsigned i = 0; i < STEPS; i++) {
    if (is_upgraded && i == STEPS / 2)
      era = chance (50) ? INDEPENDENT : OURS;
    step ();
    check_all ();
  }
  checkpoint_tree_clear (&tree);
}

int
main (void)
{
  const char *text = getenv ("SEQUENCES");
  unsigned long count = text ? strtoul (text, NULL, 10) : 300;

  unit_seed ();
  for (unsigned long i = 0; i < count; i++)
    history ();
  printf ("known: %lu, of them as a chain: %lu; not known: %lu; deletions "
          "refused: %lu\n",
          nr_known, nr_known_chain, nr_unknown, nr_refused);
  CHECK (count < 300
         || (nr_known > 10000 && nr_known_chain > 1000 && nr_refused > 10));
  return 0;
}
