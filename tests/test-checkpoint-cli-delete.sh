#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup-checkpoint delete and forget: what is said, and what is left.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"
. "$abs_top_srcdir/tests/cli-functions.sh"

requires qemu-io --version

# new_tree: a - b - c - e, and d below b.
new_tree ()
{
  new_disks
  backup-checkpoint -q create-as a
  backup-checkpoint -q create-as b
  backup-checkpoint -q create-as c
  backup-checkpoint -q create-as e
  backup-checkpoint -q current b
  backup-checkpoint -q create-as d
}

new_tree
behaviour 'G 40' as-libvirt 'delete says what was deleted'
prints 'Domain checkpoint d deleted' delete d
prints b current
image_has 'a b c e' vda.qcow2
fails "no domain checkpoint with matching name 'd'" delete d

new_tree
prints 'Domain checkpoint b deleted' delete b
names_are 'c d' --from a
image_has 'a c d e' vdb.qcow2
prints 'Domain checkpoint a deleted' delete a
names_are 'c d' --roots

new_tree
prints 'Domain checkpoint b deleted' delete --children b
names_are a
image_has a vda.qcow2
prints a current

new_tree
behaviour 'G 41' as-libvirt 'and of children, that they were'
prints 'Domain checkpoint b children deleted' \
  delete --children-only b
names_are 'a b'
image_has 'a b' vda.qcow2
prints b current
behaviour 'G 42' as-libvirt '--children-only of a leaf is no error'
prints 'Domain checkpoint b children deleted' \
  delete --children-only b
behaviour 'G 43' differs '--children excludes --children-only'
misused 'Options --children and --children-only are mutually exclusive' \
  delete --children --children-only b

prints 'Domain checkpoint b deleted' delete --metadata b
names_are a
image_has 'a b' vda.qcow2

# What is gone already counts as deleted.
new_tree
qemu-img bitmap --remove vda.qcow2 b
prints 'Domain checkpoint b deleted' delete b
image_has 'a c d e' vdb.qcow2

# A disk in use: nothing is changed, and nothing half.
start_guest vdb.qcow2
for flag in '' --children --children-only; do
  # shellcheck disable=SC2086 # none, or one
  behaviour 'G 44' differs 'a failure names the checkpoint'
  fails 'Failed to delete checkpoint a: ' delete $flag a
  expect_text err vdb.qcow2
done
prints 'Domain checkpoint e deleted' delete --metadata e
fails vdb.qcow2 create-as n
exec {guest[1]}>&-
wait "$guest_pid" || :
names_are 'a c d'
image_has 'a c d e' vda.qcow2
image_has 'a c d e' vdb.qcow2

# Without qemu-img nothing is changed, either.
mkdir programs
IFS=: read -ra folders <<<"$PATH"
for folder in "${folders[@]}"; do
  [ "$(cd "$folder" 2>/dev/null && pwd)" != "$abs_top_builddir/client" ] ||
    continue
  cp -sn "$(realpath "$folder")"/* programs/ 2>/dev/null || :
done
rm programs/qemu-img
cp -r state saved
PATH=$abs_top_builddir/client:$dir/programs \
  fails 'install it (qemu-utils)' delete a
diff -r saved state >&2 || fail "a failure has changed something"
image_has 'a c d e' vda.qcow2

# Quiet means quiet.
behaviour 'G 45' as-libvirt '-q: nothing is said of what was done'
prints '' -q delete d

# forget is what undefine does to checkpoints.
behaviour 'G 46' as-libvirt 'a domain with checkpoints is not forgotten'
fails 'with 2 checkpoints' forget
expect_text err '(--checkpoints-metadata)'
names_are 'a c'
behaviour 'G 47' as-libvirt 'but with --checkpoints-metadata; bitmaps stay'
prints "Domain 'state' has been forgotten" \
  forget --checkpoints-metadata
[ ! -e state ] || fail "the state folder is still there: $(ls -R state)"
image_has 'a c e' vda.qcow2
names_are ''
prints "Domain 'state' has been forgotten" forget

# The folder that one is in cannot be removed by that name, and stays.
mkdir here
(
  cd here
  expect_status 0 backup-checkpoint --state . -q create-as h
  [ -f checkpoints/h.xml ] || fail 'the checkpoint is not in this folder'
  expect_status 0 backup-checkpoint --state . -q forget --checkpoints-metadata
  [ ! -s err ] || { cat err >&2; fail 'forget says something'; }
  rm out err
)
rmdir here || fail "forget has left something: $(ls -R here)"

behaviours_done
