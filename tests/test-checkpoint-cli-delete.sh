#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup-checkpoint delete and forget: what is said, and what is left.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/checkpoint-functions.sh"

requires qemu-io --version

# new_tree: a - b - c - e, and d below b.
new_tree ()
{
  new_domain
  backup-checkpoint -q create-as a
  backup-checkpoint -q create-as b
  backup-checkpoint -q create-as c
  backup-checkpoint -q create-as e
  backup-checkpoint -q current b
  backup-checkpoint -q create-as d
}

new_tree
replay 50 'as libvirt' 0 'Domain checkpoint d deleted' delete d
replay 50 'differs: virsh has no current' 0 b current
replay_bitmaps 50 'as libvirt' 'a b c e' vda.qcow2
replay 50 'as libvirt' 1 "no domain checkpoint with matching name 'd'" delete d

new_tree
replay 51 'as libvirt' 0 'Domain checkpoint b deleted' delete b
replay_names 51 'as libvirt' 'c d' --from a
replay_bitmaps 51 'as libvirt' 'a c d e' vdb.qcow2
replay 52 'as libvirt' 0 'Domain checkpoint a deleted' delete a
replay_names 52 'as libvirt' 'c d' --roots

new_tree
replay 53 'as libvirt' 0 'Domain checkpoint b deleted' delete --children b
replay_names 53 'as libvirt' a
replay_bitmaps 53 'as libvirt' a vda.qcow2
replay 53 'differs: virsh has no current' 0 a current

new_tree
replay 54 'as libvirt' 0 'Domain checkpoint b children deleted' \
  delete --children-only b
replay_names 54 'as libvirt' 'a b'
replay_bitmaps 54 'as libvirt' 'a b' vda.qcow2
replay 54 'differs: virsh has no current' 0 b current
replay 54 'as libvirt' 0 'Domain checkpoint b children deleted' \
  delete --children-only b
replay 54 "$usage, and options are named, not flags" 2 \
  'Options --children and --children-only are mutually exclusive' \
  delete --children --children-only b

replay 59 'as libvirt' 0 'Domain checkpoint b deleted' delete --metadata b
replay_names 59 'as libvirt' a
replay_bitmaps 55 'as libvirt' 'a b' vda.qcow2

# What is gone already counts as deleted.
new_tree
qemu-img bitmap --remove vda.qcow2 b
replay 60 'differs: what is gone counts as deleted' 0 \
  'Domain checkpoint b deleted' delete b
replay_bitmaps 60 'differs: what is gone counts as deleted' 'a c d e' vdb.qcow2

# A disk in use: nothing is changed, and nothing half.
coproc guest { qemu-io -f qcow2 vdb.qcow2; }
# shellcheck disable=SC2154 # coproc sets it
cleanup_fn kill_and_wait "$guest_PID"
wait_for 'the lock on vdb.qcow2' eval '! qemu-img info vdb.qcow2'
for flag in '' --children --children-only; do
  # shellcheck disable=SC2086 # none, or one
  replay L3 'differs: all is checked before anything is changed' 1 \
    'Failed to delete checkpoint a: ' delete $flag a
  expect_text err vdb.qcow2
done
replay 59 'as libvirt' 0 'Domain checkpoint e deleted' delete --metadata e
replay 58 'differs: disks must be at rest, not in use' 1 vdb.qcow2 create-as n
exec {guest[1]}>&-
wait "$guest_PID" || :
replay_names L3 'differs: all is checked before anything is changed' 'a c d'
replay_bitmaps L3 'differs: all is checked before anything is changed' \
  'a c d e' vda.qcow2
replay_bitmaps L3 'differs: all is checked before anything is changed' \
  'a c d e' vdb.qcow2

# Quiet means quiet.
replay G 'as libvirt' 0 '' -q delete d

# forget is what undefine does to checkpoints.
replay H1 'as libvirt' 1 'with 2 checkpoints' forget
expect_text err '(--checkpoints-metadata)'
replay_names H1 'as libvirt' 'a c'
replay H2 'as libvirt' 0 "Domain 'state' has been forgotten" \
  forget --checkpoints-metadata
[ ! -e state ] || fail "the state folder is still there: $(ls -R state)"
replay_bitmaps H2 'as libvirt' 'a c e' vda.qcow2
replay_names H2 'as libvirt' ''
replay H2 'as libvirt' 0 "Domain 'state' has been forgotten" forget
