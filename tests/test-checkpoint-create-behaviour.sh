#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Creating checkpoints as libvirt does it: what is made, what is in the way,
# and what is left where it fails.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"

behaviour 'D.1' as-libvirt 'the parent is the current one, and the new one is current then'
new_domain vda vdb
current_is ''
creates a b c
is_below a ''
is_below b a
is_below c b
current_is c
has_bitmaps vda a b c
has_bitmaps vdb a b c

behaviour 'V K4' as-libvirt 'a checkpoint is a file of mode 0600 that says who wrote it, with the domain and its secrets'
same '600' stat -c %a "$state/checkpoints/b.xml"
same '<!--' head -1 "$state/checkpoints/b.xml"
same 'backup-checkpoint edit' grep -o 'backup-checkpoint edit' "$state/checkpoints/b.xml"
same "secret" eval "sed -n \"s/.*passwd='\([^']*\)'.*/\1/p\" '$state/checkpoints/b.xml'"

behaviour 'D.7 1' differs 'its folder is for the owner alone'
same '700' stat -c %a "$state"
same '700' stat -c %a "$state/checkpoints"

behaviour 'D.2 1' differs 'which one is current is stored'
same 'c' cat "$state/current"

behaviour 'V 28' differs 'the disk must not be in use, where libvirt needs a machine that runs'
start_machine vda
refuses_xml 'is being written by another process' "<name>d</name>"

behaviour 'V K9' differs 'wrong XML is told before a disk in use is'
refuses_xml 'line 1: ' '<domaincheckpoint>'
refuses_xml "no disk named 'vdz'" "<name>d</name><disks><disk name='vdz'/></disks>"

behaviour 'I 1' differs 'a disk that is not part of it may be in use'
accepts_xml "<name>d</name><disks><disk name='vdb'/></disks>"
has_bitmaps vdb a b c d

behaviour 'V H0' as-libvirt 'a machine that ran and was stopped keeps all'
stop_machine
has_bitmaps vda a b c
dirty a vda 65536
lists a b c d

behaviour 'V 29' as-libvirt 'the guest cannot be quiesced'
refuses_xml 'no guest that could freeze its file systems' "<name>q</name>" --quiesce

behaviour 'C.1 1' differs 'flags that exclude each other are a usage error'
checked
expect_status 2 checkpoint create --redefine --quiesce document.xml
expect_text err 'mutually exclusive'
checked
expect_status 2 checkpoint create --redefine-validate document.xml
expect_text err '--redefine'

behaviour 'V 30' as-libvirt 'a bitmap of that name in an image is refused, and nothing is left behind'
new_domain vda vdb
qemu-img bitmap --add "$domain/vdb.qcow2" a
refuses_xml 'Bitmap already exists: a' "<name>a</name>"
has_bitmaps vda
accepts list --name
same '' cat out

behaviour 'I 2' differs 'all images with that bitmap are named, also those of lower layers'
qemu-img bitmap --add "$domain/vda.qcow2" a
use_overlay vda
refuses_xml "$domain/vda.1.qcow2, $domain/vdb.qcow2" "<name>a</name>"
has_bitmaps vda

behaviour 'I 3' differs 'and it can be adopted as a checkpoint'
rm "$domain/vda.qcow2"
mv "$domain/vda.1.qcow2" "$domain/vda.qcow2"
accepts doctor --fix --adopt
lists a
current_is a
dirty a vda 0
dirty a vdb 0

behaviour 'I 4' differs 'where one disk of several cannot have a bitmap, none has one'
new_domain vda vdb vdc:v2
refuses_xml 'disk vdc' "<name>a</name>"
has_bitmaps vda
has_bitmaps vdb

behaviour 'V 31' differs 'where the metadata cannot be written, there is no bitmap either, and current stays'
new_domain vda vdb
creates a
mkdir "$state/checkpoints/b.xml.new"
refuses_xml 'b.xml' "<name>b</name>"
has_bitmaps vda a
has_bitmaps vdb a
current_is a
rmdir "$state/checkpoints/b.xml.new"
creates b
is_below b a

behaviour 'V K7' as-libvirt 'a name of 247 characters is fine'
name=$(printf 'x%.0s' {1..247})
creates "$name"
has_bitmaps vda a b "$name"
accepts delete "$name"

behaviour 'A.2 4' differs 'one of 248 is refused before a bitmap is made'
refuses_xml 'longer than 247 characters' "<name>x$name</name>"
has_bitmaps vda a b

behaviour 'V K1' as-libvirt 'the granularity is the cluster size, but from 4k to 64k'
new_domain vda vdb vdc
for disk in vda:2M vdb:4k vdc:512; do
  qemu-img create -q -f qcow2 -o "cluster_size=${disk#*:}" \
    "$domain/${disk%:*}.qcow2" 8M
done
creates a
for disk in vda:65536 vdb:4096 vdc:4096; do
  same "${disk#*:}" eval "qemu-img info --output=json \
    '$domain/${disk%:*}.qcow2' |
    jq '.[\"format-specific\"].data.bitmaps[0].granularity'"
done

behaviour 'E.4' differs 'unless another one is chosen'
accepts_xml "<name>fine</name>" --granularity 1k
writes vda 'write 100k 1'
dirty fine vda 1024
dirty a vda 65536
checked
expect_status 2 checkpoint create-as wrong --granularity 1000
expect_text err 'not a power of two'

behaviour 'D.1 2' as-libvirt 'a checkpoint can be made on an overlay'
new_domain vda
use_overlay vda
creates a
has_bitmaps vda a
has_bitmaps vda.1
writes vda 'write 0 1'
dirty a vda 65536

behaviour 'D.1 3' as-libvirt 'a base that other machines share may be in use'
new_domain vda
mv "$domain/vda.qcow2" "$domain/base.qcow2"
for image in vda other; do
  qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 "$domain/$image.qcow2"
done
start_machine other
creates a
writes vda 'write 0 64k'
dirty a vda 65536
accepts delete a
stop_machine

behaviour 'D.1 4' as-libvirt 'the path of an image may have any characters'
domain="$dir/"$'we,ird: "q" \'s\' %s \\ new\nline'
state="$domain/state"
mkdir "$domain"
qemu-img create -q -f qcow2 "$domain/vda.qcow2" 8M
uri="disks:vda=${domain//,/,,}/vda.qcow2"
creates a b
has_bitmaps vda a b
dirty a vda 0
accepts delete a
has_bitmaps vda b

behaviour 'D.7 2' differs 'two processes cannot change one domain at a time, and are told who has it'
new_domain vda
creates a
writes vda 'write 0 1'
exec 9<"$state/lock"
flock -x 9
refuses "$state" create-as b
exec 9<&-
creates b

behaviour 'C.7 1' as-libvirt 'a domain that has checkpoints is not forgotten unless it is said so'
refuses 'checkpoints' forget
accepts forget --checkpoints-metadata
has_bitmaps vda a b
same no eval "[ -e '$state' ] || echo no"

behaviour 'V I2' as-libvirt 'the bitmaps stay then, are in the way of their names, and can be taken back'
refuses_xml 'Bitmap already exists: a' "<name>a</name>"
accepts_xml "$(redefined_xml a)" --redefine --redefine-validate
dirty a vda 65536

behaviours_done
