/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls of domains and checkpoints as a program sees them: handles that
 * outlive what they name, domains that are only read, lists, and many threads.
 * What the calls do to disks is tested by the shell tests.
 */

#include "config.h"

#include <pthread.h>

#include "checkpoint-tests.h"

/* The checkpoint a, which stays until all are forgotten. */
static void
make_first (void)
{
  pb_domain *domain = open_domain (0);

  pb_checkpoint_free (create (domain, NAMED ("a")));
  pb_domain_free (domain);
}

/* A handle of one that was deleted has a name, and no more. */
static void
check_deleted (pb_checkpoint *gone)
{
#define IS_GONE(call, failure)                                                \
  CHECK_FAILS ((call) == (failure), ENOENT, "matching name 'b'")

  CHECK (strcmp (pb_checkpoint_get_name (gone), "b") == 0);
  CHECK (pb_checkpoint_get_domain (gone) != NULL);
  IS_GONE (pb_checkpoint_get_xml_desc (gone, 0), NULL);
  IS_GONE (pb_checkpoint_get_parent (gone, 0), NULL);
  IS_GONE (pb_checkpoint_is_current (gone, 0), -1);
  IS_GONE (pb_checkpoint_list_all_children (gone, NULL, 0), -1);
  IS_GONE (pb_checkpoint_dirty_extents (gone, "vda", 0, 1), NULL);
  IS_GONE (pb_checkpoint_record_backup (gone, "x", 0), -1);
  IS_GONE (pb_checkpoint_forget_backup (gone, "x", 0), -1);
  IS_GONE (pb_checkpoint_get_backups (gone, 0), NULL);
  IS_GONE (pb_checkpoint_delete (gone, 0), -1);
  IS_GONE (pb_checkpoint_delete (gone, PB_CHECKPOINT_DELETE_METADATA_ONLY),
           -1);
#undef IS_GONE
}

static void
test_handles_after_deletion (void)
{
  pb_domain *domain = open_domain (0);
  pb_checkpoint *b = create (domain, NAMED ("b"));
  pb_checkpoint *same = look_up (domain, "b");

  CHECK (b != same);
  CHECK_OK (pb_checkpoint_delete (same, 0) == 0);
  check_deleted (b);
  check_deleted (same);

  /* The name, not the object, is what a handle holds: as in libvirt. */
  pb_checkpoint_free (create (domain, NAMED ("b")));
  CHECK_OK (pb_checkpoint_is_current (b, 0) == 1);
  CHECK_OK (pb_checkpoint_delete (b, 0) == 0);
  pb_checkpoint_free (b);
  pb_checkpoint_free (same);
  pb_domain_free (domain);
}

static void
test_references (void)
{
  pb_domain *domain = open_domain (0), *again;
  pb_checkpoint *a = look_up (domain, "a"), *parent;
  pb_extents *extents;
  struct pb_extent extent;

  /* The domain stays while a handle is left... */
  CHECK (pb_checkpoint_get_domain (a) == domain);
  CHECK (pb_checkpoint_ref (a) == a);
  pb_checkpoint_free (a);
  pb_domain_free (domain);
  CHECK (strcmp (pb_domain_get_name (pb_checkpoint_get_domain (a)), "state")
         == 0);
  CHECK_FAILS ((parent = pb_checkpoint_get_parent (a, 0)) == NULL, ENOENT,
               "checkpoint 'a' does not have a parent");

  /* ...and has its lock. */
  CHECK_FAILS (pb_domain_open (URI, "state", 0) == NULL, EBUSY, "state");

  /* A stream needs neither. */
  CHECK_OK ((extents = pb_checkpoint_dirty_extents (a, "vda", 0, 1 << 20))
            != NULL);
  pb_checkpoint_free (a);
  again = open_domain (0);
  CHECK (pb_extents_next (extents, &extent) == 1);
  CHECK (extent.length == 1 << 20 && extent.flags == 0);
  CHECK (pb_extents_next (extents, &extent) == 0);
  pb_extents_free (extents);

  CHECK (pb_domain_ref (again) == again);
  pb_domain_free (again);
  CHECK (pb_domain_nr_disks (again) == 2);
  pb_domain_free (again);
}

static void
test_read_only (void)
{
  pb_domain *domain = open_domain (PB_DOMAIN_READ_ONLY);
  pb_domain *second = open_domain (PB_DOMAIN_READ_ONLY);
  pb_checkpoint *a = look_up (domain, "a"), *current;
  struct pb_finding finding = { .kind = PB_FINDING_CYCLE };
  char *xml;

#define MAY_NOT(call, failure, function)                                      \
  CHECK_FAILS ((call) == (failure), EPERM, function)

  MAY_NOT (pb_checkpoint_create_xml (domain, NAMED ("b"), 0), NULL,
           "pb_checkpoint_create_xml");
  MAY_NOT (pb_checkpoint_delete (a, 0), -1, "pb_checkpoint_delete");
  MAY_NOT (pb_checkpoint_delete (a, PB_CHECKPOINT_DELETE_METADATA_ONLY), -1,
           "pb_checkpoint_delete");
  MAY_NOT (pb_checkpoint_record_backup (a, "x", 0), -1,
           "pb_checkpoint_record_backup");
  MAY_NOT (pb_checkpoint_forget_backup (a, "x", 0), -1,
           "pb_checkpoint_forget_backup");
  MAY_NOT (pb_domain_forget (domain, PB_DOMAIN_FORGET_CHECKPOINTS_METADATA), -1,
           "pb_domain_forget");
  MAY_NOT (pb_domain_repair (domain, &finding, 0), -1, "pb_domain_repair");
#undef MAY_NOT

  CHECK_OK ((xml = pb_checkpoint_get_xml_desc (a, PB_CHECKPOINT_XML_SIZE))
            != NULL);
  CHECK (strstr (xml, "size='0'"));
  free (xml);
  CHECK_OK ((current = pb_domain_get_current_checkpoint (second, 0)) != NULL);
  CHECK (strcmp (pb_checkpoint_get_name (current), "a") == 0);
  CHECK_FAILS (pb_domain_open (URI, "state", 0) == NULL, EBUSY, "state");
  pb_checkpoint_free (current);
  pb_checkpoint_free (a);
  pb_domain_free (domain);
  pb_domain_free (second);

  /* Nothing is made of what is not there. */
  CHECK_OK ((domain = pb_domain_open (URI, "none", PB_DOMAIN_READ_ONLY))
            != NULL);
  CHECK (pb_domain_list_all_checkpoints (domain, NULL, 0) == 0);
  pb_domain_free (domain);
  CHECK (!exists ("none"));
}

static void
check_list (pb_checkpoint **list, int count, const char *names)
{
  char text[100] = "";
  int i;

  CHECK (count >= 0);
  for (i = 0; list[i]; i++) {
    strcat (text, pb_checkpoint_get_name (list[i]));
    strcat (text, " ");
  }
  CHECK (i == count);
  if (strcmp (text, names) != 0)
    fprintf (stderr, "listed: %s, expected: %s\n", text, names);
  CHECK (strcmp (text, names) == 0);
  pb_checkpoint_list_free (list);
}

/* a - b - C, and d below b: all made with metadata alone. */
static void
make_tree (pb_domain *domain)
{
  static const char *const parents[][2]
    = { { "a", NULL }, { "b", "a" }, { "C", "b" }, { "d", "b" } };
  pb_checkpoint *checkpoint;
  char xml[300];

  for (size_t i = 0; i < 4; i++) {
    snprintf (xml, sizeof xml,
              XML ("<name>%s</name>%s%s%s<creationTime>1</creationTime>"),
              parents[i][0], parents[i][1] ? "<parent><name>" : "",
              parents[i][1] ? parents[i][1] : "",
              parents[i][1] ? "</name></parent>" : "");
    checkpoint = pb_checkpoint_create_xml (domain, xml,
                                           PB_CHECKPOINT_CREATE_REDEFINE);
    CHECK_OK (checkpoint != NULL);
    pb_checkpoint_free (checkpoint);
  }
}

static void
test_lists (void)
{
  static const struct {
    unsigned flags;
    const char *all;
    const char *below_a;
  } cases[] = {
    { 0, "a b C d ", "b " },
    { PB_CHECKPOINT_LIST_ROOTS /* DESCENDANTS */, "a ", "b C d " },
    { PB_CHECKPOINT_LIST_LEAVES, "C d ", "" },
    { PB_CHECKPOINT_LIST_NO_LEAVES, "a b ", "b " },
    { PB_CHECKPOINT_LIST_LEAVES | PB_CHECKPOINT_LIST_NO_LEAVES, "a b C d ",
      "b " },
    { PB_CHECKPOINT_LIST_ROOTS | PB_CHECKPOINT_LIST_LEAVES, "", "C d " },
    { PB_CHECKPOINT_LIST_TOPOLOGICAL, "a b C d ", "b " },
    { PB_CHECKPOINT_LIST_CURRENT, "C ", "" },
    { PB_CHECKPOINT_LIST_CURRENT | PB_CHECKPOINT_LIST_DESCENDANTS, "", "C " },
  };
  pb_domain *domain;
  pb_checkpoint *a, **list;

  CHECK_OK ((domain = pb_domain_open (URI, "tree", 0)) != NULL);
  make_tree (domain);
  a = look_up (domain, "a");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int count;

    count = pb_domain_list_all_checkpoints (domain, &list, cases[i].flags);
    CHECK (count == pb_domain_list_all_checkpoints (domain, NULL,
                                                    cases[i].flags));
    check_list (list, count, cases[i].all);
    count = pb_checkpoint_list_all_children (a, &list, cases[i].flags);
    CHECK (count == pb_checkpoint_list_all_children (a, NULL, cases[i].flags));
    check_list (list, count, cases[i].below_a);
  }
  pb_checkpoint_free (a);
  pb_domain_free (domain);
}

static void
test_backups (void)
{
  pb_domain *domain = open_domain (0);
  pb_checkpoint *a = look_up (domain, "a");
  char **backups;

  CHECK_OK (pb_checkpoint_record_backup (a, "full.qcow2", 0) == 0);
  CHECK_OK (pb_checkpoint_record_backup (a, "full.qcow2", 0) == 0);
  CHECK_FAILS (pb_checkpoint_record_backup (a, "two\nlines", 0) == -1, EINVAL,
               "");
  CHECK_OK ((backups = pb_checkpoint_get_backups (a, 0)) != NULL);
  CHECK (strcmp (backups[0], "full.qcow2") == 0 && backups[1] == NULL);
  free (backups);
  CHECK_FAILS (pb_checkpoint_delete (a, 0) == -1, EBUSY,
               "PB_CHECKPOINT_DELETE_FORCE");
  CHECK_FAILS (pb_checkpoint_forget_backup (a, "other", 0) == -1, ENOENT,
               "other");
  CHECK_OK (pb_checkpoint_forget_backup (a, "full.qcow2", 0) == 0);
  CHECK_OK ((backups = pb_checkpoint_get_backups (a, 0)) != NULL);
  CHECK (backups[0] == NULL);
  free (backups);
  pb_checkpoint_free (a);
  pb_domain_free (domain);
}

static void
test_forget (void)
{
  pb_domain *domain = open_domain (0);
  pb_checkpoint *a = look_up (domain, "a"), *b;

  CHECK_FAILS (pb_domain_forget (domain, 0) == -1, EEXIST,
               "PB_DOMAIN_FORGET_CHECKPOINTS_METADATA");
  CHECK_OK (pb_domain_forget (domain, PB_DOMAIN_FORGET_CHECKPOINTS_METADATA)
            == 0);
  CHECK (!exists ("state"));
  CHECK_FAILS (pb_checkpoint_get_xml_desc (a, 0) == NULL, ENOENT, "'a'");
  CHECK (pb_domain_list_all_checkpoints (domain, NULL, 0) == 0);

  /* What would be written now would be in a folder that is gone. */
  CHECK_FAILS ((b = pb_checkpoint_create_xml (domain, NAMED ("b"), 0)) == NULL,
               ENOENT, "state");
  CHECK (shell ("qemu-img info vda.qcow2 | grep 'name: b'") == 1);
  pb_checkpoint_free (a);
  pb_domain_free (domain);
  pb_domain_free (open_domain (0));
}

/*** Threads. ***/

#define NR_THREADS 4
#define NR_ROUNDS  4

struct worker {
  pthread_t thread;
  pb_domain *domain;
  unsigned number;
};

static void
use_list (pb_domain *domain)
{
  pb_checkpoint **list;

  CHECK_OK (pb_domain_list_all_checkpoints (domain, &list,
                                            PB_CHECKPOINT_LIST_TOPOLOGICAL)
            >= 0);
  for (size_t i = 0; list[i]; i++) {
    pb_checkpoint *parent;
    char *xml = pb_checkpoint_get_xml_desc (list[i], PB_CHECKPOINT_XML_SIZE);

    /* Others delete them meanwhile, and nothing else may go wrong. */
    CHECK_OK (xml || pb_get_errno () == ENOENT);
    CHECK (xml == NULL || strstr (xml, "size='0'"));
    free (xml);
    parent = pb_checkpoint_get_parent (list[i], 0);
    CHECK_OK (parent || pb_get_errno () == ENOENT);
    pb_checkpoint_free (parent);
  }
  pb_checkpoint_list_free (list);
}

static void *
work (void *opaque)
{
  struct worker *worker = opaque;
  char xml[100];

  for (unsigned i = 0; i < NR_ROUNDS; i++) {
    pb_checkpoint *checkpoint, *current;
    pb_findings *findings;

    snprintf (xml, sizeof xml, NAMED ("t%u-%u"), worker->number, i);
    checkpoint = create (worker->domain, xml);
    use_list (worker->domain);
    current = pb_domain_get_current_checkpoint (worker->domain, 0);
    CHECK_OK (current || pb_get_errno () == ENOENT);
    pb_checkpoint_free (current);
    CHECK_OK ((findings = pb_domain_examine (worker->domain, 0)) != NULL);
    CHECK (pb_findings_count (findings) == 0);
    pb_findings_free (findings);
    if (i % 2 == 0)
      CHECK_OK (pb_checkpoint_delete (checkpoint, 0) == 0);
    pb_checkpoint_free (checkpoint);
  }
  return NULL;
}

static void
test_threads (void)
{
  struct worker workers[NR_THREADS];
  pb_domain *domain;
  pb_checkpoint **list;
  int count;

  make_disks ();
  domain = open_domain (0);
  for (unsigned i = 0; i < NR_THREADS; i++) {
    workers[i] = (struct worker){ .domain = pb_domain_ref (domain),
                                  .number = i };
    CHECK (pthread_create (&workers[i].thread, NULL, work, &workers[i]) == 0);
  }
  for (unsigned i = 0; i < NR_THREADS; i++) {
    CHECK (pthread_join (workers[i].thread, NULL) == 0);
    pb_domain_free (workers[i].domain);
  }

  /* One line of descent, whatever the order was. */
  CHECK ((count = pb_domain_list_all_checkpoints (domain, &list, 0))
         == NR_THREADS * NR_ROUNDS / 2);
  pb_checkpoint_list_free (list);
  CHECK (pb_domain_list_all_checkpoints (domain, NULL, PB_CHECKPOINT_LIST_ROOTS)
         == 1);
  CHECK (pb_domain_list_all_checkpoints (domain, NULL,
                                         PB_CHECKPOINT_LIST_LEAVES)
         == 1);
  pb_domain_free (domain);
}

int
main (void)
{
  enter_folder ();
  make_disks ();
  make_first ();
  test_handles_after_deletion ();
  test_references ();
  test_read_only ();
  test_lists ();
  test_backups ();
  test_forget ();
  test_threads ();
  leave_folder ();
  return 0;
}
