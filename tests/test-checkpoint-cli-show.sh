#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup-checkpoint info, parent, current, dumpxml and record.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/checkpoint-functions.sh"

requires qemu-io --version
new_domain

backup-checkpoint -q create-as a 'before & after' vda
backup-checkpoint -q create-as b
backup-checkpoint -q create-as c

replay 88 'differs: Current and Backups are told, too' 0 \
  'Name:           a
Domain:         state
Parent:         -
Children:       1
Descendants:    2
Current:        no
Backups:        0' info a
replay 88 'differs: Current and Backups are told, too' 0 \
  'Name:           c
Domain:         state
Parent:         b
Children:       0
Descendants:    0
Current:        yes
Backups:        0' info c
replay G 'as libvirt' 1 "no domain checkpoint with matching name 'nope'" \
  info nope
replay G "$usage" 2 "command 'info' requires CHECKPOINT" info
replay 89 'as libvirt' 0 a parent b
replay 89 'as libvirt' 1 "checkpoint 'a' has no parent" parent a
replay G 'as libvirt' 1 "no domain checkpoint with matching name 'nope'" \
  parent nope

# Current is stored, and can be said.
replay D.2 'differs: virsh has no current' 0 c current
replay D.2 'differs: virsh has no current' 0 'Checkpoint a set as current' \
  current a
replay D.2 'differs: virsh has no current' 0 a current
replay D.2 'as libvirt' 0 'Domain checkpoint d created' create-as d
replay D.2 'as libvirt' 0 a parent d
replay D.2 'differs: virsh has no current' 1 \
  "no domain checkpoint with matching name 'nope'" current nope
backup-checkpoint dumpxml a >a.xml
[ "$(qemu-img info vda.qcow2 | grep -c 'name: a$')" -eq 1 ] ||
  fail "making it current has changed its bitmap"

# The XML, and parts of it.
time=$(backup-checkpoint dumpxml --xpath 'string(//creationTime)' b)
replay 94 'as libvirt' 0 "<domaincheckpoint>
  <name>b</name>
  <parent>
    <name>a</name>
  </parent>
  <creationTime>$time</creationTime>
  <disks>
    <disk name='vda' checkpoint='bitmap' bitmap='b'/>
    <disk name='vdb' checkpoint='bitmap' bitmap='b'/>
  </disks>
</domaincheckpoint>" dumpxml --no-domain b
replay_xpath 95 'as libvirt' //name '<name>b</name>
<name>a</name>' b
replay 95 'as libvirt' 0 '<nodes>
  <name>b</name>
  <name>a</name>
</nodes>' dumpxml --no-domain --xpath //name --wrap b
replay_xpath 95 'as libvirt' //parent '<parent>
  <name>a</name>
</parent>' b
replay_xpath 95 'as libvirt' //disk/@name ' name="vda"
 name="vdb"' b
replay_xpath 95 'as libvirt' '//name/text()' 'b
a' b
replay_xpath 95 'as libvirt' //nosuch '' b
replay 95 'as libvirt' 0 '<nodes/>' \
  dumpxml --no-domain --xpath //nosuch --wrap b
replay_xpath 95 'differs: libvirt refuses what is no set of nodes' \
  'count(//disk)' 2 b
replay 95 'differs: libvirt prints the last attribute alone' 1 \
  'cannot be wrapped' dumpxml --xpath //disk/@name --wrap b
replay 95 'differs: exit status 2, not 1, and in one line' 2 \
  "XPath '//[': Invalid expression, at character 3" dumpxml --xpath '//[' b
replay 95 'as libvirt' 1 "Unknown function" dumpxml --xpath 'nosuch()' b
replay 95 'differs: exit status 2; virsh ignores it' 2 \
  'Option --xpath is required by option --wrap' dumpxml --wrap b
replay G 'as libvirt' 1 "no domain checkpoint with matching name 'nope'" \
  dumpxml nope

# Sizes.
qemu-io -f qcow2 -c 'write 1M 200k' -c 'write 3M 64k' vda.qcow2 >/dev/null
qemu-io -f qcow2 -c 'write 5M 1' vdb.qcow2 >/dev/null
replay 92 'as libvirt' 0 ' size="327680"
 size="65536"' dumpxml --size --xpath //disk/@size b
replay 92 'as libvirt' 0 ' size="327680"' dumpxml --size --xpath //disk/@size a
replay 92 'as libvirt' 0 '' dumpxml --xpath //disk/@size b
qemu-img bitmap --disable vdb.qcow2 b
replay F2 'as libvirt' 0 ' size="327680"' \
  dumpxml --size --xpath //disk/@size b

# A running guest, as QEMU is one, has the disks: sizes are not known then.
coproc guest { qemu-io -f qcow2 vda.qcow2; }
# shellcheck disable=SC2154 # coproc sets it
cleanup_fn kill_and_wait "$guest_PID"
wait_for 'the lock on vda.qcow2' eval '! qemu-img info vda.qcow2'
replay 93 'differs: at rest it works, while it runs it does not' 1 vda.qcow2 \
  dumpxml --size a
replay 94 'as libvirt' 0 '<name>a</name>' dumpxml --xpath /*/name a
replay_names G 'as libvirt' 'a b c d'
exec {guest[1]}>&-
wait "$guest_PID" || :

# The domain's definition, with its secrets or without.
cat >web1.xml <<END
<domain type='kvm'>
  <name>web1</name>
  <uuid>c7a5fdbd-cdaf-9455-926a-d65c16db1809</uuid>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='$dir/vda.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>
    <graphics type='vnc' passwd='secret'/>
  </devices>
</domain>
END
export PULLBACK_CONNECT="xml:$dir/web1.xml" PULLBACK_STATE="$dir/web1"
backup-checkpoint -q create-as e
replay_xpath 13 'as libvirt' '//disk/@checkpoint' ' checkpoint="bitmap"
 checkpoint="no"' e
replay G 'as libvirt' 0 '*****' dumpxml --xpath 'string(//@passwd)' e
replay G 'as libvirt' 0 'secret' \
  dumpxml --security-info --xpath 'string(//@passwd)' e
replay_xpath G 'as libvirt' //domain '' e
replay G 'as libvirt' 0 web1 dumpxml --xpath 'string(/*/domain/name)' e
expect_status 0 backup-checkpoint info e
expect_text out 'Domain:         web1'

# Backups that were taken at a checkpoint.
replay G 'differs: virsh has no record' 0 '' record e
replay G 'differs: virsh has no record' 0 \
  "Backup 'full.qcow2' recorded at checkpoint e" record e full.qcow2
replay G 'differs: virsh has no record' 0 full.qcow2 record e
expect_status 0 backup-checkpoint info e
expect_text out 'Backups:        1'
expect_status 0 backup-checkpoint list --json
tr -d ' \n' <out | grep -qF '"backups":["full.qcow2"]' ||
  fail "list --json has no backups"
replay G 'differs: virsh has no record' 1 'Failed to delete checkpoint e' \
  delete e
expect_text err '(--force)'
replay G 'differs: virsh has no record' 0 \
  "Backup 'full.qcow2' is no longer recorded at checkpoint e" \
  record --remove e full.qcow2
replay G 'differs: virsh has no record' 1 'full.qcow2' \
  record --remove e full.qcow2
replay G 'differs: virsh has no record' 2 '--remove requires BACKUP' \
  record --remove e
replay G 'differs: virsh has no record' 1 'line' record e 'two
lines'
