/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-domain-range.c: which bitmaps say what has changed since a checkpoint:
 * libvirt's table of what is valid, and chains by hand.
 */

#include "config.h"

#include "disk-bitmaps.h"
#include "unit.h"

/* Layers from the top one down, separated by '|'; in each of them bitmaps,
 * separated by blanks: a name, then '+' where it records, '-' where it does
 * not, 'x' where it is marked as in use, or '?' where it is damaged otherwise.
 * A '!' alone says that the layer's directory is damaged.
 */
static void
add_bitmap (struct disk_layer *layer, const char *word, size_t length)
{
  char kind = word[length - 1];
  struct layer_bitmap *bitmap;

  if (kind == '!') {
    CHECK (layer->damage = strdup ("it is no directory"));
    return;
  }
  layer->bitmaps = realloc (layer->bitmaps, (layer->nr_bitmaps + 1)
                                              * sizeof layer->bitmaps[0]);
  CHECK (layer->bitmaps);
  bitmap = &layer->bitmaps[layer->nr_bitmaps++];
  *bitmap = (struct layer_bitmap) {
    .name = strndup (word, length - 1),
    .granularity = 65536,
    .enabled = kind != '-',
    .in_use = kind == 'x',
    .reason = strchr ("x?", kind) ? strdup ("it is bad") : NULL,
  };
  CHECK (strchr ("+-x?", kind) && bitmap->name);
}

static void
make_bitmaps (struct disk_bitmaps *bitmaps, const char *text)
{
  *bitmaps = (struct disk_bitmaps) { .disk = strdup ("vda") };
  bitmaps->layers = calloc (strlen (text) + 1, sizeof bitmaps->layers[0]);
  for (const char *p = text; p; p = *p ? p + 1 : NULL) {
    struct disk_layer *layer = &bitmaps->layers[bitmaps->nr_layers++];

    CHECK (asprintf (&layer->path, "/layer%zu", bitmaps->nr_layers - 1) > 0);
    while (*p && *p != '|') {
      size_t length = strcspn (p, " |");

      if (length > 0)
        add_bitmap (layer, p, length);
      p += length + (p[length] == ' ');
    }
  }
}

/* The tree "a>b>c*": each checkpoint after the one before; words start a new
 * branch from their first name, which is there already.  After a name: '!' for
 * one that is independent, '0' for one that leaves the disk out, '*' for the
 * current one, '@' for one that has the bitmap of checkpoint a, '1' to '9' for
 * its time.
 */
static void
add_node (struct checkpoint_tree *tree, const char *parent, const char *name,
          const char *marks)
{
  struct checkpoint_def def = { .has_creation_time = true, .has_disks = true };

  def.name = strdup (name);
  def.parent = parent ? strdup (parent) : NULL;
  def.independent = strchr (marks, '!');
  def.creation_time = marks[0] >= '1' && marks[0] <= '9' ? marks[0] - '0' : 0;
  CHECK_OK (checkpoint_def_add_disk (
              &def, "vda",
              strchr (marks, '0') ? CHECKPOINT_DISK_NO
                                  : CHECKPOINT_DISK_BITMAP,
              strchr (marks, '0')   ? NULL
              : strchr (marks, '@') ? "a"
                                    : name)
            == 0);
  CHECK_OK (checkpoint_tree_put (tree, &def) == 0);
  if (strchr (marks, '*'))
    checkpoint_tree_set_current (tree, checkpoint_tree_find (tree, name));
}

static void
make_tree (struct checkpoint_tree *tree, const char *text)
{
  char parent[2] = "", name[2] = "", marks[8];
  bool has_parent = false;

  *tree = (struct checkpoint_tree) { 0 };
  for (const char *p = text; *p;) {
    size_t length = strspn (p + 1, "!0123456789*@");

    name[0] = *p;
    snprintf (marks, sizeof marks, "%.*s", (int) length, p + 1);
    if (checkpoint_tree_find (tree, name) == NULL)
      add_node (tree, has_parent ? parent : NULL, name, marks);
    strcpy (parent, name);
    p += 1 + length;
    has_parent = *p == '>';
    p += *p != '\0';
  }
}

static char *
describe (const struct bitmap_range *range)
{
  static char text[256];
  size_t used = 0;

  text[0] = '\0';
  for (size_t i = 0; i < range->nr_parts; i++)
    used += snprintf (text + used, sizeof text - used, "%s%zu%s",
                      i ? " " : "", range->parts[i].layer,
                      range->parts[i].bitmap);
  return text;
}

#define NONE ((enum pb_finding_kind) -1)

/* WANT: the parts, as "0a 1a", or NULL where KIND is what is wrong. */
static void
check_range (const char *what, const struct bitmap_range *range,
             const char *want, enum pb_finding_kind kind)
{
  bool ok = want ? range->is_known && range->reason == NULL
                     && strcmp (describe (range), want) == 0
                 : !range->is_known && range->reason && range->nr_parts == 0
                     && range->kind == kind;

  if (ok)
    return;
  fprintf (stderr, "%s: got %s (kind %d) %s, wanted %s (kind %d)\n", what,
           range->is_known ? describe (range) : "nothing", (int) range->kind,
           range->reason ? range->reason : "", want ? want : "nothing",
           (int) kind);
  exit (1);
}

/* libvirt's table: images from the top one down. */
static void
test_independent (void)
{
  static const struct {
    const char *layers, *want;
    enum pb_finding_kind kind;
  } rows[] = {
    { "C+|C+|C+", "0C 1C 2C", NONE },
    { "C+|C+|", "0C 1C", NONE },
    { "C+||", "0C", NONE },
    { "C+", "0C", NONE },
    { "b- C+ d+|C+ e-|f+", "0C 1C", NONE },
    { "||", NULL, PB_FINDING_BITMAP_MISSING },
    { "", NULL, PB_FINDING_BITMAP_MISSING },
    { "|C+|C+", NULL, PB_FINDING_BITMAP_GAP },
    { "C+||C+", NULL, PB_FINDING_BITMAP_GAP },
    { "C-||", NULL, PB_FINDING_BITMAP_DISABLED },
    { "C-|C+|C+", NULL, PB_FINDING_BITMAP_DISABLED },
    { "C+|C-|", NULL, PB_FINDING_BITMAP_DISABLED },
    { "C+|C+|C-", NULL, PB_FINDING_BITMAP_DISABLED },
    { "Cx||", NULL, PB_FINDING_BITMAP_IN_USE },
    { "Cx|C+|C+", NULL, PB_FINDING_BITMAP_IN_USE },
    { "C+|Cx|C+", NULL, PB_FINDING_BITMAP_IN_USE },
    { "C+|C?|", NULL, PB_FINDING_BITMAP_DAMAGED },
    { "C+||!", NULL, PB_FINDING_BITMAP_DAMAGED },
    { "!||", NULL, PB_FINDING_BITMAP_DAMAGED },
  };

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
    struct bitmap_range CLEANUP_BITMAP_RANGE range = { 0 };

    make_bitmaps (&bitmaps, rows[i].layers);
    CHECK_OK (bitmap_range_independent (&range, &bitmaps, "C") == 0);
    check_range (rows[i].layers, &range, rows[i].want, rows[i].kind);
    CHECK (!range.is_chain);
  }
}

/* Since checkpoint a. */
static const struct {
  const char *tree, *layers, *want;
  enum pb_finding_kind kind;
} chains[] = {
  /* One layer: up to the first that records. */
  { "a>b>c*", "a- b- c+", "0a 0b 0c", NONE },
  { "a>b*", "a- b+", "0a 0b", NONE },
  { "a*", "a+", "0a", NONE },
  { "a>b>c*", "a- b+ c+", "0a 0b", NONE },
  { "a>b>c!*", "a- b+ c+", "0a 0b", NONE },
  { "p>a>b*", "p- a- b+", "0a 0b", NONE },
  { "a>b>c*", "a+ b- c-", "0a", NONE },
  { "a!>b!*", "a+ b+", "0a", NONE },
  /* Checkpoints that leave the disk out. */
  { "a>b0>c*", "a- c+", "0a 0c", NONE },
  { "a>b>c0*", "a- b+", "0a 0b", NONE },
  { "a>b0>c0*", "a-", NULL, PB_FINDING_BITMAP_DISABLED },
  { "a0>b*", "b+", NULL, PB_FINDING_BITMAP_MISSING },
  /* Links that are missing or bad. */
  { "a>b>c*", "a- c+", NULL, PB_FINDING_BITMAP_MISSING },
  { "a>b>c*", "b- c+", NULL, PB_FINDING_BITMAP_MISSING },
  { "a>b>c*", "a- bx c+", NULL, PB_FINDING_BITMAP_IN_USE },
  { "a>b>c*", "a- b? c+", NULL, PB_FINDING_BITMAP_DAMAGED },
  { "a>b>c*", "a- b- cx", NULL, PB_FINDING_BITMAP_IN_USE },
  { "a>b>c*", "a- b- c-", NULL, PB_FINDING_BITMAP_DISABLED },
  { "a>b>c*", "ax b- c+", NULL, PB_FINDING_BITMAP_IN_USE },
  { "a>b>c*", "a- b- c+|!", NULL, PB_FINDING_BITMAP_DAMAGED },
  /* Disabled by nobody of the chain. */
  { "a!>b*", "a- b+", NULL, PB_FINDING_BITMAP_DISABLED },
  { "a>b!*", "a- b+", NULL, PB_FINDING_BITMAP_DISABLED },
  { "a>b>c!*", "a- b- c+", NULL, PB_FINDING_BITMAP_DISABLED },
  /* The way to the present. */
  { "a>b>c", "a- b- c+", NULL, PB_FINDING_BITMAP_DISABLED },
  { "a>b a>c*", "a- b- c+", NULL, PB_FINDING_BITMAP_DISABLED },
  { "a>b>c b>d*", "a- b- c+ d+", NULL, PB_FINDING_BITMAP_DISABLED },
  { "a>b>c b>d0*", "a- b- c+", NULL, PB_FINDING_BITMAP_DISABLED },
  { "a>b a>c!*", "a+ b+ c+", "0a", NONE },
  { "a>b*>c!", "a- b+ c+", "0a 0b", NONE },
  { "a>b>c*>d", "a- b- c+ d+", "0a 0b 0c", NONE },
  { "a>b a>c0>d*", "a- b+ d+", NULL, PB_FINDING_BITMAP_DISABLED },
  { "p>a>b* p>q>r", "p- a- b+ q- r+", "0a 0b", NONE },
  { "p>a p>b*", "p- a- b+", NULL, PB_FINDING_BITMAP_DISABLED },
  { "a>b*>c a>d!", "a- b+ c+ d+", "0a 0b", NONE },
  /* Checkpoints that were given a wrong place. */
  { "a1>c3*>b2", "a- b- c+", NULL, PB_FINDING_BITMAP_DISABLED },
  { "a1>c3*>b3", "a- b- c+", NULL, PB_FINDING_BITMAP_DISABLED },
  { "a1>c3*>d4", "a- c+ d+", "0a 0c", NONE },
  { "a1>c3*>d3", "a- c+ d+", "0a 0c", NONE },
  { "b2>a1>c3*", "a- b- c+", NULL, PB_FINDING_BITMAP_DISABLED },
  { "p1>a1>c3*", "p- a- c+", "0a 0c", NONE },
  { "b2 a1>c3*", "a- b- c+", NULL, PB_FINDING_BITMAP_DISABLED },
  { "p1>b2 p>a1>c3*", "p- a- b- c+", NULL, PB_FINDING_BITMAP_DISABLED },
  { "p1>q2 a3>c4*", "p- q+ a- c+", "0a 0c", NONE },
  { "p5>q6 a3>c4*", "p- q+ a- c+", "0a 0c", NONE },
  /* Bitmaps of no checkpoint. */
  { "a>b*", "a- b+ z+", NULL, PB_FINDING_BITMAP_ORPHAN },
  { "a>b*", "a- z- b+", NULL, PB_FINDING_BITMAP_ORPHAN },
  { "a>b*", "a- b+|z+", "0a 0b", NONE },
  { "a>b*", "b+|a- b+ z+", NULL, PB_FINDING_BITMAP_ORPHAN },
  { "a*", "a+ z-", "0a", NONE },
  /* Two checkpoints with one bitmap. */
  { "a>b@*", "a-", NULL, PB_FINDING_BITMAP_DISABLED },
  { "a>b@>c*", "a- c+", NULL, PB_FINDING_BITMAP_DISABLED },
  /* Layers. */
  { "a>b>c>d*", "c- d+|b- c+|a- b+", "0c 0d 1b 1c 2a 2b", NONE },
  { "a>b*", "b+|b+|a- b+", "0b 1b 2a 2b", NONE },
  { "a>b*", "a- b+|a+|a+", "0a 0b 1a 2a", NONE },
  { "a>b*", "a- b+||", "0a 0b", NONE },
  { "a>b*", "a- b+|a+|", "0a 0b 1a", NONE },
  { "p>a>b*", "b+|p- a- b+|p+", "0b 1a 1b", NONE },
  { "a>b>c*", "b- c+|a- b+|", "0b 0c 1a 1b", NONE },
  { "a>b>c*", "b- c+||a- b+", NULL, PB_FINDING_BITMAP_GAP },
  { "a>b>c*", "c+|a- b+", NULL, PB_FINDING_BITMAP_GAP },
  { "a>b>c*", "b- c+|a- b-", NULL, PB_FINDING_BITMAP_GAP },
  { "a>b>c*", "b- c+|a+", NULL, PB_FINDING_BITMAP_GAP },
  { "a>b>c*", "b- c+|a-", NULL, PB_FINDING_BITMAP_GAP },
  { "a>b>c*", "b- c+|a- c+", NULL, PB_FINDING_BITMAP_GAP },
  { "a>b>c*", "c+|a- b- c+|", "0c 1a 1b 1c", NONE },
  { "a>b>c*", "c+|a- c+|", NULL, PB_FINDING_BITMAP_MISSING },
  { "a>b>c*", "c+|b- c+|a- c+", NULL, PB_FINDING_BITMAP_GAP },
  { "a>b>c*", "c+|b- c+|a-", NULL, PB_FINDING_BITMAP_GAP },
  { "a>b>c*", "c+|b- c+|a- b-", NULL, PB_FINDING_BITMAP_GAP },
  { "a>b>c*", "|a- b- c+", NULL, PB_FINDING_BITMAP_DISABLED },
  { "a>b*", "b+|a- bx", NULL, PB_FINDING_BITMAP_IN_USE },
  { "a>b*", "a+|a-", NULL, PB_FINDING_BITMAP_DISABLED },
  { "a>b*", "a- b+|a-", NULL, PB_FINDING_BITMAP_GAP },
  { "a>b*", "a- b+|a+|b+", NULL, PB_FINDING_BITMAP_GAP },
};

static void
test_chains (void)
{
  for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
    struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
    struct bitmap_range CLEANUP_BITMAP_RANGE range = { 0 };
    struct checkpoint_tree tree;
    char what[256];

    snprintf (what, sizeof what, "%s in %s", chains[i].tree,
              chains[i].layers);
    make_bitmaps (&bitmaps, chains[i].layers);
    make_tree (&tree, chains[i].tree);
    CHECK_OK (bitmap_range_find (&range, &bitmaps, &tree,
                                 checkpoint_tree_find (&tree, "a"))
              == 0);
    check_range (what, &range, chains[i].want, chains[i].kind);
    checkpoint_tree_clear (&tree);
  }
}

/* The current checkpoint is not known, and a parent is missing. */
static void
test_broken_trees (void)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
  struct bitmap_range CLEANUP_BITMAP_RANGE range = { 0 };
  struct checkpoint_tree tree;

  make_bitmaps (&bitmaps, "a- b- c+");
  make_tree (&tree, "a>b>c");
  tree.current_is_unknown = true;
  CHECK_OK (bitmap_range_find (&range, &bitmaps, &tree,
                               checkpoint_tree_find (&tree, "a"))
            == 0);
  check_range ("current is unknown", &range, NULL,
               PB_FINDING_CURRENT_UNKNOWN);
  CHECK (range.is_chain);
  checkpoint_tree_clear (&tree);
  bitmap_range_clear (&range);

  make_tree (&tree, "a>b>c*");
  checkpoint_tree_remove (&tree, checkpoint_tree_find (&tree, "b"));
  CHECK_OK (bitmap_range_find (&range, &bitmaps, &tree,
                               checkpoint_tree_find (&tree, "a"))
            == 0);
  check_range ("b is lost", &range, NULL, PB_FINDING_MISSING_PARENT);
  bitmap_range_clear (&range);

  /* With a sound way to the present beside what has lost its place. */
  add_node (&tree, "a", "d", "*");
  bitmap_range_clear (&range);
  disk_bitmaps_clear (&bitmaps);
  make_bitmaps (&bitmaps, "a- c- d+");
  CHECK_OK (bitmap_range_find (&range, &bitmaps, &tree,
                               checkpoint_tree_find (&tree, "a"))
            == 0);
  check_range ("c may belong to a", &range, NULL, PB_FINDING_BITMAP_DISABLED);
  checkpoint_tree_clear (&tree);
}

/* LIST, of COUNT, as a word of names; it is freed. */
static void
check_list (struct checkpoint_node **list, size_t count, const char *want)
{
  char text[16];

  CHECK_OK (list);
  CHECK (count < sizeof text);
  for (size_t i = 0; i < count; i++)
    text[i] = list[i]->def.name[0];
  text[count] = '\0';
  if (strcmp (text, want) != 0) {
    fprintf (stderr, "got '%s', wanted '%s'\n", text, want);
    exit (1);
  }
  free (list);
}

static void
check_need (const char *tree_text, const char *layers, const char *name,
            const char *dependents, const char *stranded)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
  struct checkpoint_tree tree;
  const struct checkpoint_node *node;
  struct checkpoint_node **list;
  size_t count;

  make_bitmaps (&bitmaps, layers);
  make_tree (&tree, tree_text);
  node = checkpoint_tree_find (&tree, name);
  list = bitmap_dependents (&bitmaps, &tree, node, &count);
  check_list (list, count, dependents);
  list = bitmap_stranded (&bitmaps, &tree, node, &count);
  check_list (list, count, stranded);
  checkpoint_tree_clear (&tree);
}

static void
test_dependents (void)
{
  check_need ("a>b>c*", "a- b- c+", "c", "ba", "");
  check_need ("a>b>c*", "a- b- c+", "b", "a", "");
  check_need ("a>b>c*", "a- b- c+", "a", "", "");
  check_need ("a>b>c*", "a+ b+ c+", "c", "", "");
  check_need ("a>b>c>d*", "a- b+ c- d+", "d", "c", "");
  check_need ("a>b>c>d*", "a- b+ c- d+", "b", "a", "");
  check_need ("a>b0>c*", "a- c+", "c", "a", "");
  check_need ("a>b0>c*", "a- c+", "b", "", "");
  check_need ("a>b>c*", "a- bx c+", "b", "", "a");
  check_need ("a>b>c*", "a- bx c+", "c", "", "a");
  check_need ("a>b>c*", "a- c+", "b", "", "a");
  check_need ("a>b>c", "a- b- c+", "b", "", "a");
  check_need ("a!>b>c*", "a- b- c+", "c", "b", "");
  check_need ("a>b>c*", "a- b- c+ z+", "b", "", "a");
  check_need ("a>b>c b>d*", "a- b- c- d+", "d", "", "ba");
  check_need ("a>b>c*", "b- c+|a- b+", "c", "ba", "");
  check_need ("a>b>c*", "c+|a- b+", "c", "", "a");
}

/* A copy without some bitmaps; what is different is seen. */
static void
test_equal (void)
{
  static const char *const texts[]
    = { "a+", "a-", "ax", "a?", "a+ b+", "b+", "a+|", "|a+", "!", "" };
  const size_t count = sizeof texts / sizeof texts[0];

  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < count; j++) {
      struct disk_bitmaps CLEANUP_DISK_BITMAPS a = { 0 };
      struct disk_bitmaps CLEANUP_DISK_BITMAPS b = { 0 };

      make_bitmaps (&a, texts[i]);
      make_bitmaps (&b, texts[j]);
      CHECK (disk_bitmaps_are_equal (&a, &b) == (i == j));
    }
}

int
main (void)
{
  test_independent ();
  test_chains ();
  test_broken_trees ();
  test_dependents ();
  test_equal ();
  return 0;
}
