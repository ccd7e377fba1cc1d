/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-tests.h: what the tests of the calls of domains and checkpoints
 * share: a domain of two small disks.
 */

#ifndef PULLBACK_CHECKPOINT_TESTS_H
#define PULLBACK_CHECKPOINT_TESTS_H

#include "unit-folder.h"

#define URI          "disks:vda=vda.qcow2,vdb=vdb.qcow2"
#define XML(content) "<domaincheckpoint>" content "</domaincheckpoint>"
#define NAMED(name)  XML ("<name>" name "</name>")

__attribute__ ((__unused__)) static void
make_disks (void)
{
  remove_tree ("state");
  CHECK_SHELL ("rm -f vd?.qcow2 && qemu-img create -f qcow2 vda.qcow2 1M"
               " && qemu-img create -f qcow2 vdb.qcow2 1M");
}

__attribute__ ((__unused__)) static pb_domain *
open_domain (unsigned flags)
{
  pb_domain *domain;

  CHECK_OK ((domain = pb_domain_open (URI, "state", flags)) != NULL);
  return domain;
}

__attribute__ ((__unused__)) static pb_checkpoint *
create (pb_domain *domain, const char *xml)
{
  pb_checkpoint *checkpoint;

  CHECK_OK ((checkpoint = pb_checkpoint_create_xml (domain, xml, 0)) != NULL);
  return checkpoint;
}

__attribute__ ((__unused__)) static pb_checkpoint *
look_up (pb_domain *domain, const char *name)
{
  pb_checkpoint *checkpoint
    = pb_domain_checkpoint_lookup_by_name (domain, name, 0);

  CHECK_OK (checkpoint != NULL);
  return checkpoint;
}

#endif /* PULLBACK_CHECKPOINT_TESTS_H */
