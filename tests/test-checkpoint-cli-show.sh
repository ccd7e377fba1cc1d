#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup-checkpoint info, parent, current, dumpxml and record.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"
. "$abs_top_srcdir/tests/cli-functions.sh"

requires qemu-io --version
new_disks

backup-checkpoint -q create-as a 'before & after' vda
backup-checkpoint -q create-as b
backup-checkpoint -q create-as c

behaviour 'V 88' differs 'info: what virsh tells, and more'
prints 'Name:           a
Domain:         state
Parent:         -
Children:       1
Descendants:    2
Current:        no
Backups:        0' info a
prints 'Name:           c
Domain:         state
Parent:         b
Children:       0
Descendants:    0
Current:        yes
Backups:        0' info c
behaviour 'G 10' as-libvirt 'info of a checkpoint that is not there'
fails "no domain checkpoint with matching name 'nope'" \
  info nope
behaviour 'G 11' differs 'info of no checkpoint'
misused "command 'info' requires CHECKPOINT" info
behaviour 'V 89' as-libvirt 'parent: its name, or that there is none'
prints a parent b
fails "checkpoint 'a' has no parent" parent a
behaviour 'G 12' as-libvirt 'parent of a checkpoint that is not there'
fails "no domain checkpoint with matching name 'nope'" \
  parent nope

# Current is stored, and can be said.
prints c current
prints 'Checkpoint a set as current' \
  current a
prints a current
prints 'Domain checkpoint d created' create-as d
prints a parent d
fails "no domain checkpoint with matching name 'nope'" current nope
backup-checkpoint dumpxml a >a.xml
[ "$(qemu-img info vda.qcow2 | grep -c 'name: a$')" -eq 1 ] ||
  fail "making it current has changed its bitmap"

# The XML, and parts of it.
time=$(backup-checkpoint dumpxml --xpath 'string(//creationTime)' b)
behaviour 'V 94' as-libvirt 'dumpxml --no-domain'
prints "<domaincheckpoint>
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
behaviour 'V 95' as-libvirt 'dumpxml --xpath, and --wrap: nodes'
selects //name '<name>b</name>
<name>a</name>' b
prints '<nodes>
  <name>b</name>
  <name>a</name>
</nodes>' dumpxml --no-domain --xpath //name --wrap b
selects //parent '<parent>
  <name>a</name>
</parent>' b
selects //disk/@name ' name="vda"
 name="vdb"' b
selects '//name/text()' 'b
a' b
selects //nosuch '' b
prints '<nodes/>' \
  dumpxml --no-domain --xpath //nosuch --wrap b
behaviour 'G 13' differs '--xpath of a number'
selects 'count(//disk)' 2 b
behaviour 'G 14' differs '--wrap of attributes'
fails 'cannot be wrapped' dumpxml --xpath //disk/@name --wrap b
behaviour 'G 15' differs 'an XPath that is none'
misused "XPath '//[': Invalid expression, at character 3" \
  dumpxml --xpath '//[' b
behaviour 'G 16' as-libvirt 'an XPath with a function that is none'
fails "Unknown function" dumpxml --xpath 'nosuch()' b
behaviour 'G 17' differs '--wrap requires --xpath'
misused 'Option --xpath is required by option --wrap' dumpxml --wrap b
behaviour 'G 18' as-libvirt 'dumpxml of a checkpoint that is not there'
fails "no domain checkpoint with matching name 'nope'" \
  dumpxml nope

# Sizes.
qemu-io -f qcow2 -c 'write 1M 200k' -c 'write 3M 64k' vda.qcow2 >/dev/null
qemu-io -f qcow2 -c 'write 5M 1' vdb.qcow2 >/dev/null
prints ' size="327680"
 size="65536"' dumpxml --size --xpath //disk/@size b
prints ' size="327680"' dumpxml --size --xpath //disk/@size a
prints '' dumpxml --xpath //disk/@size b
qemu-img bitmap --disable vdb.qcow2 b
behaviour 'G 19' as-libvirt '--size leaves out what is not known'
prints ' size="327680"' \
  dumpxml --size --xpath //disk/@size b

# A running guest, as QEMU is one, has the disks: sizes are not known then.
start_guest vda.qcow2
fails vda.qcow2 \
  dumpxml --size a
prints '<name>a</name>' dumpxml --xpath /*/name a
behaviour 'G 20' as-libvirt 'the XML and lists while the disk is in use'
names_are 'a b c d'
exec {guest[1]}>&-
wait "$guest_pid" || :

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
selects '//disk/@checkpoint' ' checkpoint="bitmap"
 checkpoint="no"' e
behaviour 'G 21' as-libvirt 'passwords are shown with --security-info alone'
prints 0 dumpxml --xpath 'count(//@passwd)' e
prints 'secret' \
  dumpxml --security-info --xpath 'string(//@passwd)' e
selects //domain '' e
prints web1 dumpxml --xpath 'string(/*/domain/name)' e
expect_status 0 backup-checkpoint info e
expect_text out 'Domain:         web1'

# Backups that were taken at a checkpoint.
prints '' record e
prints "Backup 'full.qcow2' recorded at checkpoint e" record e full.qcow2
prints full.qcow2 record e
expect_status 0 backup-checkpoint info e
expect_text out 'Backups:        1'
expect_status 0 backup-checkpoint list --json
tr -d ' \n' <out | grep -qF '"backups":["full.qcow2"]' ||
  fail "list --json has no backups"
fails 'Failed to delete checkpoint e' \
  delete e
expect_text err '(--force)'
prints "Backup 'full.qcow2' is no longer recorded at checkpoint e" \
  record --remove e full.qcow2
fails 'full.qcow2' \
  record --remove e full.qcow2
misused '--remove requires BACKUP' \
  record --remove e
fails 'line' record e 'two
lines'

behaviours_done
