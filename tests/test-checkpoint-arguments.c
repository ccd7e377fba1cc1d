/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments that the calls of domains and checkpoints refuse: flags that are
 * not known or exclude each other, NULL, and ranges that are not on the disk.
 */

#include "config.h"

#include "checkpoint-tests.h"

#define UNKNOWN 0x40000000u

/* Calls that fail, with the name of the function in the error. */
#define IS_REFUSED(result, failure, function)                                 \
  CHECK_FAILS ((result) == (failure), EINVAL, function)

/* Every one of them that has flags. */
static void
test_unknown_flags (void)
{
  pb_domain *domain = open_domain (0);
  pb_checkpoint *a = create (domain, NAMED ("a"));
  pb_checkpoint **list = NULL;
  struct pb_finding finding = { .kind = PB_FINDING_CYCLE };

#define REFUSES(call, failure, function)                                      \
  do {                                                                        \
    IS_REFUSED (call, failure, function);                                     \
    CHECK (strstr (pb_get_error (), "unsupported flags (0x40000000)"));       \
  } while (0)

  REFUSES (pb_domain_open (URI, "other", UNKNOWN), NULL, "pb_domain_open");
  CHECK (!exists ("other"));
  REFUSES (pb_domain_open_view (domain, "vda", UNKNOWN), NULL,
           "pb_domain_open_view");
  REFUSES (pb_domain_forget (domain, UNKNOWN), -1, "pb_domain_forget");
  REFUSES (pb_checkpoint_create_xml (domain, NAMED ("b"), UNKNOWN), NULL,
           "pb_checkpoint_create_xml");
  REFUSES (pb_checkpoint_delete (a, UNKNOWN), -1, "pb_checkpoint_delete");
  REFUSES (pb_checkpoint_get_xml_desc (a, UNKNOWN), NULL,
           "pb_checkpoint_get_xml_desc");
  REFUSES (pb_checkpoint_get_parent (a, UNKNOWN), NULL,
           "pb_checkpoint_get_parent");
  REFUSES (pb_checkpoint_is_current (a, UNKNOWN), -1,
           "pb_checkpoint_is_current");
  REFUSES (pb_domain_list_all_checkpoints (domain, &list, UNKNOWN), -1,
           "pb_domain_list_all_checkpoints");
  REFUSES (pb_checkpoint_list_all_children (a, &list, UNKNOWN), -1,
           "pb_checkpoint_list_all_children");
  REFUSES (pb_domain_checkpoint_lookup_by_name (domain, "a", UNKNOWN), NULL,
           "pb_domain_checkpoint_lookup_by_name");
  REFUSES (pb_domain_get_current_checkpoint (domain, UNKNOWN), NULL,
           "pb_domain_get_current_checkpoint");
  REFUSES (pb_checkpoint_record_backup (a, "x", UNKNOWN), -1,
           "pb_checkpoint_record_backup");
  REFUSES (pb_checkpoint_forget_backup (a, "x", UNKNOWN), -1,
           "pb_checkpoint_forget_backup");
  REFUSES (pb_checkpoint_get_backups (a, UNKNOWN), NULL,
           "pb_checkpoint_get_backups");
  REFUSES (pb_domain_examine (domain, UNKNOWN), NULL, "pb_domain_examine");
  REFUSES (pb_domain_repair (domain, &finding, UNKNOWN), -1,
           "pb_domain_repair");
#undef REFUSES
  IS_REFUSED (pb_domain_repair (domain, &finding, PB_DOMAIN_EXAMINE_NO_IMAGES),
              -1, "pb_domain_repair: unsupported flags (0x4)");

  CHECK (list == NULL);
  CHECK (pb_domain_list_all_checkpoints (domain, NULL, 0) == 1);
  pb_checkpoint_free (a);
  pb_domain_free (domain);
}

static void
test_flags_that_exclude_each_other (void)
{
  pb_domain *domain = open_domain (0);
  pb_checkpoint *a = look_up (domain, "a");

#define CREATES(flags) pb_checkpoint_create_xml (domain, NAMED ("b"), flags)
  CHECK_FAILS (CREATES (PB_CHECKPOINT_CREATE_REDEFINE
                        | PB_CHECKPOINT_CREATE_QUIESCE)
                 == NULL,
               EINVAL, "mutually exclusive");
  CHECK_FAILS (CREATES (PB_CHECKPOINT_CREATE_REDEFINE_VALIDATE) == NULL, EINVAL,
               "is required by flag 'PB_CHECKPOINT_CREATE_REDEFINE_VALIDATE'");
  CHECK_FAILS (CREATES (PB_CHECKPOINT_CREATE_REPLACE) == NULL, EINVAL,
               "is required by flag 'PB_CHECKPOINT_CREATE_REPLACE'");
  CHECK_FAILS (CREATES (PB_CHECKPOINT_CREATE_CURRENT) == NULL, EINVAL,
               "is required by flag 'PB_CHECKPOINT_CREATE_CURRENT'");
  CHECK_FAILS (CREATES (PB_CHECKPOINT_CREATE_QUIESCE) == NULL, ENOTSUP,
               "freeze");
#undef CREATES
  CHECK_FAILS (pb_checkpoint_delete (a, PB_CHECKPOINT_DELETE_CHILDREN
                                          | PB_CHECKPOINT_DELETE_CHILDREN_ONLY)
                 == -1,
               EINVAL, "mutually exclusive");
  CHECK_FAILS (pb_domain_examine (domain, PB_DOMAIN_REPAIR_ADOPT
                                            | PB_DOMAIN_REPAIR_REMOVE)
                 == NULL,
               EINVAL, "pb_domain_examine: Flags");
  CHECK_FAILS (pb_domain_examine (domain, PB_DOMAIN_EXAMINE_NO_IMAGES
                                            | PB_DOMAIN_REPAIR_ADOPT
                                            | PB_DOMAIN_REPAIR_REMOVE)
                 == NULL,
               EINVAL, "pb_domain_examine: Flags");
  CHECK (pb_domain_list_all_checkpoints (domain, NULL, 0) == 1);
  pb_checkpoint_free (a);
  pb_domain_free (domain);
}

static void
test_null_domain (void)
{
  struct pb_domain_disk disk;
  struct pb_finding finding = { .kind = PB_FINDING_CYCLE };

  IS_REFUSED (pb_domain_open (NULL, "state", 0), NULL, "pb_domain_open: uri");
  IS_REFUSED (pb_domain_ref (NULL), NULL, "pb_domain_ref: domain");
  IS_REFUSED (pb_domain_get_uri (NULL), NULL, "pb_domain_get_uri");
  IS_REFUSED (pb_domain_get_name (NULL), NULL, "pb_domain_get_name");
  IS_REFUSED (pb_domain_get_state (NULL), NULL, "pb_domain_get_state");
  IS_REFUSED (pb_domain_nr_disks (NULL), 0, "pb_domain_nr_disks");
  IS_REFUSED (pb_domain_get_disk (NULL, 0, &disk), -1, "pb_domain_get_disk");
  IS_REFUSED (pb_domain_set_granularity (NULL, 0), -1,
              "pb_domain_set_granularity");
  IS_REFUSED (pb_domain_open_view (NULL, "vda", 0), NULL,
              "pb_domain_open_view");
  IS_REFUSED (pb_domain_forget (NULL, 0), -1, "pb_domain_forget");
  IS_REFUSED (pb_checkpoint_create_xml (NULL, NAMED ("b"), 0), NULL,
              "pb_checkpoint_create_xml: domain");
  IS_REFUSED (pb_domain_list_all_checkpoints (NULL, NULL, 0), -1,
              "pb_domain_list_all_checkpoints");
  IS_REFUSED (pb_domain_checkpoint_lookup_by_name (NULL, "a", 0), NULL,
              "pb_domain_checkpoint_lookup_by_name: domain");
  IS_REFUSED (pb_domain_get_current_checkpoint (NULL, 0), NULL,
              "pb_domain_get_current_checkpoint");
  IS_REFUSED (pb_domain_examine (NULL, 0), NULL, "pb_domain_examine");
  IS_REFUSED (pb_domain_repair (NULL, &finding, 0), -1, "pb_domain_repair");
  IS_REFUSED (pb_findings_count (NULL), 0, "pb_findings_count");
  IS_REFUSED (pb_findings_get (NULL, 0, &finding), -1, "pb_findings_get");
  pb_domain_free (NULL);
  pb_findings_free (NULL);
}

static void
test_null_checkpoint (void)
{
  IS_REFUSED (pb_checkpoint_delete (NULL, 0), -1, "pb_checkpoint_delete");
  IS_REFUSED (pb_checkpoint_get_xml_desc (NULL, 0), NULL,
              "pb_checkpoint_get_xml_desc");
  IS_REFUSED (pb_checkpoint_get_name (NULL), NULL, "pb_checkpoint_get_name");
  IS_REFUSED (pb_checkpoint_get_parent (NULL, 0), NULL,
              "pb_checkpoint_get_parent");
  IS_REFUSED (pb_checkpoint_get_domain (NULL), NULL,
              "pb_checkpoint_get_domain");
  IS_REFUSED (pb_checkpoint_ref (NULL), NULL, "pb_checkpoint_ref");
  IS_REFUSED (pb_checkpoint_is_current (NULL, 0), -1,
              "pb_checkpoint_is_current");
  IS_REFUSED (pb_checkpoint_list_all_children (NULL, NULL, 0), -1,
              "pb_checkpoint_list_all_children");
  IS_REFUSED (pb_checkpoint_dirty_extents (NULL, "vda", 0, 1), NULL,
              "pb_checkpoint_dirty_extents: checkpoint");
  IS_REFUSED (pb_checkpoint_record_backup (NULL, "x", 0), -1,
              "pb_checkpoint_record_backup: checkpoint");
  IS_REFUSED (pb_checkpoint_forget_backup (NULL, "x", 0), -1,
              "pb_checkpoint_forget_backup: checkpoint");
  IS_REFUSED (pb_checkpoint_get_backups (NULL, 0), NULL,
              "pb_checkpoint_get_backups");
  pb_checkpoint_free (NULL);
  pb_checkpoint_list_free (NULL);
}

static void
test_null_texts (void)
{
  pb_domain *domain = open_domain (0);
  pb_checkpoint *a = look_up (domain, "a");
  pb_findings *findings;
  struct pb_finding finding;

  IS_REFUSED (pb_checkpoint_create_xml (domain, NULL, 0), NULL,
              "pb_checkpoint_create_xml: xml must not be NULL");
  IS_REFUSED (pb_domain_checkpoint_lookup_by_name (domain, NULL, 0), NULL,
              "pb_domain_checkpoint_lookup_by_name: name");
  IS_REFUSED (pb_domain_open_view (domain, NULL, 0), NULL,
              "pb_domain_open_view: name");
  IS_REFUSED (pb_domain_get_disk (domain, 0, NULL), -1,
              "pb_domain_get_disk: disk");
  IS_REFUSED (pb_checkpoint_dirty_extents (a, NULL, 0, 1), NULL,
              "pb_checkpoint_dirty_extents: name");
  IS_REFUSED (pb_checkpoint_record_backup (a, NULL, 0), -1,
              "pb_checkpoint_record_backup: backup");
  IS_REFUSED (pb_checkpoint_forget_backup (a, NULL, 0), -1,
              "pb_checkpoint_forget_backup: backup");
  IS_REFUSED (pb_domain_repair (domain, NULL, 0), -1,
              "pb_domain_repair: finding");

  CHECK_OK ((findings = pb_domain_examine (domain, 0)) != NULL);
  CHECK (pb_findings_count (findings) == 0);
  IS_REFUSED (pb_findings_get (findings, 0, NULL), -1,
              "pb_findings_get: finding");
  CHECK_FAILS (pb_findings_get (findings, 0, &finding) == -1, EINVAL,
               "no finding number 0");
  pb_findings_free (findings);
  pb_checkpoint_free (a);
  pb_domain_free (domain);
}

static void
test_dirty_extents_arguments (void)
{
  pb_domain *domain = open_domain (PB_DOMAIN_READ_ONLY);
  pb_checkpoint *a = look_up (domain, "a");

  CHECK_FAILS (pb_checkpoint_dirty_extents (a, "vdz", 0, 1) == NULL, ENOENT,
               "no disk named 'vdz'");
  CHECK_FAILS (pb_checkpoint_dirty_extents (a, "vda", 1 << 20, 1) == NULL,
               EINVAL, "");
  CHECK_FAILS (pb_checkpoint_dirty_extents (a, "vda", UINT64_MAX, 2) == NULL,
               EINVAL, "");
  pb_checkpoint_free (a);
  pb_domain_free (domain);
}

int
main (void)
{
  enter_folder ();
  make_disks ();
  test_unknown_flags ();
  test_flags_that_exclude_each_other ();
  test_null_domain ();
  test_null_checkpoint ();
  test_null_texts ();
  test_dirty_extents_arguments ();
  leave_folder ();
  return 0;
}
