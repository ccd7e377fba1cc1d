/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* journal.c: a change as it is kept on disk while it is under way. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "commit.h"
#include "error.h"
#include "memory-stream.h"
#include "percent.h"
#include "pullback.h"
#include "round.h"
#include "store.h"
#include "xml.h"

#define WHAT "journal"

/* qcow2: name_size of a bitmap directory entry. */
#define BITMAP_NAME_MAX 1023

/* Those of all checkpoints, and the others. */
#define FILES_MAX ((size_t) STORE_CHECKPOINTS_MAX + 2)

static const char *const elements[] = {
  [BITMAP_ACTION_ADD] = "add",
  [BITMAP_ACTION_MERGE] = "merge",
  [BITMAP_ACTION_REMOVE] = "remove",
};

static const char *const undo_values[] = {
  [BITMAP_UNDO_REMOVE] = "remove",
  [BITMAP_UNDO_DISABLE] = "disable",
};

static int
write_encoded (FILE *stream, const char *name, const char *value)
{
  char *CLEANUP_FREE encoded = percent_encode (value);

  if (encoded == NULL)
    return -1;
  xml_write_attribute (stream, name, encoded);
  return 0;
}

static int
write_actions (FILE *stream, const char *name,
               const struct bitmap_actions *actions)
{
  fprintf (stream, "  <%s>\n", name);
  for (size_t i = 0; i < actions->count; i++) {
    const struct bitmap_action *action = &actions->list[i];

    fprintf (stream, "    <%s", elements[action->kind]);
    if (write_encoded (stream, "disk", action->disk) == -1
        || write_encoded (stream, "image", action->path) == -1
        || write_encoded (stream, "bitmap", action->bitmap) == -1
        || (action->kind == BITMAP_ACTION_MERGE
            && write_encoded (stream, "source", action->source) == -1))
      return -1;
    if (action->undo)
      fprintf (stream, " undo='%s'", undo_values[action->undo]);
    if (action->granularity)
      fprintf (stream, " granularity='%" PRIu64 "'", action->granularity);
    fputs ("/>\n", stream);
  }
  fprintf (stream, "  </%s>\n", name);
  return 0;
}

char *
commit_format (const struct commit *commit)
{
  struct memory_stream CLEANUP_MEMORY_STREAM out = { 0 };

  if (memory_stream_open (&out, WHAT) == -1)
    return NULL;
  fputs ("<journal", out.stream);
  if (write_encoded (out.stream, "what", commit->what) == -1)
    return NULL;
  fprintf (out.stream, " state='%s'>\n",
           commit->is_committed ? "committed" : "prepared");
  if (write_actions (out.stream, "before", &commit->before) == -1)
    return NULL;
  fputs ("  <files>\n", out.stream);
  for (size_t i = 0; i < commit->nr_files; i++)
    fprintf (out.stream, "    <%s name='%s'/>\n",
             commit->files[i].is_written ? "write" : "remove",
             commit->files[i].name);
  fputs ("  </files>\n", out.stream);
  if (write_actions (out.stream, "after", &commit->after) == -1)
    return NULL;
  fputs ("</journal>\n", out.stream);
  return memory_stream_finish (&out, WHAT);
}

/* The schema has seen to it that the attribute is there. */
static char *
read_encoded (const xmlNode *node, const char *name)
{
  bool failed = false;
  char *CLEANUP_FREE encoded = xml_attribute (node, name, &failed);

  if (encoded == NULL) {
    errno = ENOMEM;
    set_error_errno ("%s", name);
    return NULL;
  }
  return percent_decode (name, encoded);
}

static int
check_bitmap_name (const char *what, const char *name)
{
  if (strlen (name) <= BITMAP_NAME_MAX)
    return 0;
  pb_set_error (EINVAL, "%s: no bitmap has so long a name", what);
  return -1;
}

static int
read_granularity (const xmlNode *node, uint64_t *granularity)
{
  bool failed = false;
  char *CLEANUP_FREE text = xml_attribute (node, "granularity", &failed);

  if (failed) {
    errno = ENOMEM;
    set_error_errno ("granularity");
    return -1;
  }
  if (text == NULL)
    return 0;
  if (xml_parse_number ("granularity", text, granularity) == -1)
    return -1;
  if (!is_power_of_2 (*granularity) || *granularity < PB_GRANULARITY_MIN
      || *granularity > PB_GRANULARITY_MAX) {
    pb_set_error (EINVAL, "granularity: %" PRIu64 " is none that bitmaps have",
                  *granularity);
    return -1;
  }
  return 0;
}

static int
read_undo (const xmlNode *node, enum bitmap_action_undo *undo)
{
  bool failed = false;
  char *CLEANUP_FREE text = xml_attribute (node, "undo", &failed);

  if (failed) {
    errno = ENOMEM;
    set_error_errno ("undo");
    return -1;
  }
  *undo = BITMAP_UNDO_NOTHING;
  if (text) /* the schema knows no third one */
    *undo = strcmp (text, undo_values[BITMAP_UNDO_REMOVE]) == 0
              ? BITMAP_UNDO_REMOVE
              : BITMAP_UNDO_DISABLE;
  return 0;
}

/* commit_add_before () or commit_add_after () */
typedef int add_function (struct commit *commit,
                          const struct bitmap_action *action);

static int
parse_action (struct commit *commit, const xmlNode *node,
              enum bitmap_action_kind kind, add_function *add)
{
  char *CLEANUP_FREE disk = read_encoded (node, "disk");
  char *CLEANUP_FREE path = disk ? read_encoded (node, "image") : NULL;
  char *CLEANUP_FREE bitmap = path ? read_encoded (node, "bitmap") : NULL;
  char *CLEANUP_FREE source = NULL;
  struct bitmap_action action
    = { .kind = kind, .disk = disk, .path = path, .bitmap = bitmap };

  if (bitmap == NULL)
    return -1;
  if (path[0] != '/' || strlen (path) >= PATH_MAX) {
    pb_set_error (EINVAL, "image: '%s' is not the absolute name of a file",
                  path);
    return -1;
  }
  if (check_bitmap_name ("bitmap", bitmap) == -1)
    return -1;
  if (kind == BITMAP_ACTION_MERGE) {
    action.source = source = read_encoded (node, "source");
    if (source == NULL || check_bitmap_name ("source", source) == -1
        || read_undo (node, &action.undo) == -1)
      return -1;
  }
  if (kind == BITMAP_ACTION_ADD
      && read_granularity (node, &action.granularity) == -1)
    return -1;
  return add (commit, &action);
}

static bool
is_called (const xmlNode *node, const char *name)
{
  return strcmp ((const char *) node->name, name) == 0;
}

static int
parse_actions (struct commit *commit, const xmlNode *list, add_function *add)
{
  for (const xmlNode *node = xml_child (list, NULL); node;
       node = xml_next (node, NULL)) {
    enum bitmap_action_kind kind = BITMAP_ACTION_ADD;

    while (!is_called (node, elements[kind]))
      kind++; /* the schema knows no others */
    if (parse_action (commit, node, kind, add) == -1) {
      prefix_error ("line %ld", xmlGetLineNo (node));
      return -1;
    }
  }
  return 0;
}

static int
parse_file (struct commit *commit, const xmlNode *node)
{
  char *CLEANUP_FREE name = read_encoded (node, "name");

  if (name == NULL)
    return -1;
  if (!store_file_name_is_valid (name)) {
    pb_set_error (EINVAL, "'%s' is no file that a change is about", name);
    return -1;
  }
  if (commit->nr_files >= FILES_MAX) {
    pb_set_error (EFBIG, "no change is about so many files");
    return -1;
  }
  return commit_append_file (commit, name, is_called (node, "write"));
}

static int
parse_files (struct commit *commit, const xmlNode *list)
{
  for (const xmlNode *node = xml_child (list, NULL); node;
       node = xml_next (node, NULL))
    if (parse_file (commit, node) == -1) {
      prefix_error ("line %ld", xmlGetLineNo (node));
      return -1;
    }
  return 0;
}

static int
parse_root (struct commit *commit, const xmlNode *root)
{
  bool failed = false;
  char *CLEANUP_FREE state = xml_attribute (root, "state", &failed);

  commit->what = read_encoded (root, "what");
  if (commit->what == NULL)
    return -1;
  if (state == NULL) {
    errno = ENOMEM;
    set_error_errno ("state");
    return -1;
  }
  commit->is_committed = strcmp (state, "committed") == 0;
  if (parse_actions (commit, xml_child (root, "before"), commit_add_before)
        == -1
      || parse_files (commit, xml_child (root, "files")) == -1)
    return -1;
  return parse_actions (commit, xml_child (root, "after"), commit_add_after);
}

int
commit_parse (struct commit *commit, const char *source, const char *xml,
              size_t count)
{
  xmlDoc *CLEANUP_XML_DOC doc = xml_parse_large (source, xml, count);
  const xmlNode *root;

  *commit = (struct commit) { 0 };
  if (doc == NULL || (root = xml_root (source, doc, WHAT)) == NULL
      || xml_validate (source, doc, XML_SCHEMA_JOURNAL) == -1)
    return -1;
  if (parse_root (commit, root) == -1) {
    prefix_error ("%s", source);
    commit_clear (commit);
    return -1;
  }
  return 0;
}
