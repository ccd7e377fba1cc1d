#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What has changed since a checkpoint, and when that is not known: over layers
# of a backing chain, bitmaps in every state, and chains of bitmaps.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"
ulimit -c 0

# Known, or not, to every question: size, validation.
known ()
{
  dirty a vda "$1"
  accepts_xml "$(redefined_xml a)" --redefine --redefine-validate --replace
}
not_known ()
{
  dirty a vda unknown
  refuses_xml "missing or broken bitmap 'a' for disk 'vda'" \
    "$(redefined_xml a)" --redefine --redefine-validate --replace
}

# crash IMAGE: it was not closed by its last writer.
crash ()
{
  (qemu-io -f qcow2 -c abort "$domain/$1.qcow2" || :) >/dev/null 2>&1
}

behaviour 'V 92' as-libvirt 'the size is of whole granules; one byte counts one'
new_domain vda vdb
creates a
writes vda 'write 1M 200k' 'write 3M 64k'
writes vdb 'write 0 1'
dirty a vda 327680
dirty a vdb 65536
same 0 checkpoint dumpxml --xpath 'count(//@size)' a

behaviour 'E.1 1' as-libvirt 'zeroes and discarded ranges are changes as well'
writes vda 'write -z 5M 64k' 'discard 6M 64k'
dirty a vda 458752

behaviour 'V 93' differs 'it is told at rest, and refused of a disk that is in use'
start_machine vda
refuses 'is being written by another process' dumpxml --size a
accepts dumpxml --no-domain a
stop_machine

behaviour 'V F1' as-libvirt 'the bitmap of another checkpoint that is gone does not matter'
creates b c
qemu-img bitmap --remove "$domain/vda.qcow2" b
dirty a vda 524288
dirty b vda unknown
dirty c vda 0

behaviour 'V F4' differs 'a checkpoint that was created has its bitmap for good, also where its first user crashes'
new_domain vda
creates a
crash vda
same 'a ["in-use","auto"]' _bitmaps vda

# The truth table of bitmap a in three layers, of which 'top' is the disk:
#   ok   persistent, records, can be trusted
#   -    there is none
#   D    disabled
#   X    in use: not saved by its last writer
# One that was not persistent is none once its writer has ended.  One granule was written to each layer while it was there.
# The checkpoint is taken over from elsewhere, and so has no say in which layer
# its bitmap began.
new_domain vda
creates a
checkpoint dumpxml --security-info a >a.xml
checkpoint delete --metadata a >/dev/null
checkpoint create --redefine a.xml >/dev/null
qemu-img bitmap --remove "$domain/vda.qcow2" a
use_overlay vda
use_overlay vda
mkdir "$domain/template"
cp "$domain"/vda*.qcow2 "$domain/template"

layer ()
{
  local image=$1 bitmap=$2 offset=$3
  case $bitmap in
    ok | D | X) qemu-img bitmap --add "$domain/$image.qcow2" a ;;
  esac
  writes "$image" "write $offset 64k"
  case $bitmap in
    D) qemu-img bitmap --disable "$domain/$image.qcow2" a ;;
    X) crash "$image" ;;
  esac
}

# layers TOP MIDDLE BASE
layers ()
{
  cp "$domain"/template/* "$domain"
  layer vda.1 "$3" 1M
  layer vda.2 "$2" 2M
  layer vda "$1" 3M
}

behaviour 'E.7 ok,ok,ok' as-libvirt 'the union over all layers'
layers ok ok ok
known 196608
behaviour 'E.7 ok,ok,-' as-libvirt 'a checkpoint that is younger than the base'
layers ok ok -
known 131072
behaviour 'E.7 ok,-,-' as-libvirt 'one of the top layer alone'
layers ok - -
known 65536
behaviour 'E.7 -,-,-' as-libvirt 'no bitmap'
layers - - -
not_known
behaviour 'V F8' as-libvirt 'the top layer lacks it: what was written there is not known'
layers - ok ok
not_known
behaviour 'E.7 -,-,ok' as-libvirt 'the two top layers lack it'
layers - - ok
not_known
behaviour 'V F7' as-libvirt 'a gap'
layers ok - ok
not_known
behaviour 'V F2' as-libvirt 'disabled in the only layer'
layers D - -
not_known
behaviour 'E.7 D,ok,ok' as-libvirt 'disabled in the top layer'
layers D ok ok
not_known
behaviour 'E.7 ok,D,-' as-libvirt 'disabled below'
layers ok D -
not_known
behaviour 'E.7 ok,ok,D' as-libvirt 'disabled in the base'
layers ok ok D
not_known
behaviour 'V F3' as-libvirt 'not saved in the only layer'
layers X - -
not_known
behaviour 'E.7 X,ok,ok' as-libvirt 'not saved in the top layer'
layers X ok ok
not_known
behaviour 'E.7 ok,X,ok' as-libvirt 'not saved below'
layers ok X ok
not_known
behaviour 'E.7 ok,ok,X' as-libvirt 'not saved in the base'
layers ok ok X
not_known
behaviour 'I 7' differs 'what is not known is said, with the reason, by doctor'
layers ok - ok
checked
expect_status 1 checkpoint doctor
expect_text out 'bitmap-gap: checkpoint a: disk vda:'
expect_text out "$domain/vda.1.qcow2 has it"

behaviour 'V G0' as-libvirt 'committing an overlay keeps what has changed'
new_domain vda
creates a
writes vda 'write 1M 64k'
use_overlay vda
qemu-img bitmap --add "$domain/vda.qcow2" a
writes vda 'write 2M 64k'
dirty a vda 131072
qemu-img commit -q "$domain/vda.qcow2"
mv "$domain/vda.1.qcow2" "$domain/vda.qcow2"
dirty a vda 131072

behaviour 'V G1' differs 'pulling the backing file into it does not: the bitmap there is gone'
use_overlay vda
qemu-img bitmap --add "$domain/vda.qcow2" a
writes vda 'write 3M 64k'
qemu-img rebase -f qcow2 -b '' "$domain/vda.qcow2"
dirty a vda unknown

behaviour 'V F9' as-libvirt 'an overlay with an equally named bitmap goes on counting'
new_domain vda
creates a
writes vda 'write 1M 64k'
use_overlay vda
qemu-img bitmap --add "$domain/vda.qcow2" a
writes vda 'write 1M 64k' 'write 4M 64k'
dirty a vda 131072

# Chains of bitmaps, as libvirt made them before 2020: only the newest records.
#   a - b - c, and what each of them has to tell
old_chain ()
{
  local image="$domain/vda.qcow2" name previous=

  for name in a:1M b:3M c:5M; do
    [ -z "$previous" ] || qemu-img bitmap --disable "$image" "$previous"
    previous=${name%:*}
    qemu-img bitmap --add "$image" "$previous"
    writes vda "write ${name#*:} 64k"
  done
  for name in a: b:a c:b; do
    accepts_xml "$(redefined_xml "${name%:*}" "${name#*:}")" --redefine
  done
}

behaviour 'E.6 1' differs 'a chain of bitmaps is read: the union up to the present'
new_domain vda
old_chain
dirty a vda 196608
dirty b vda 131072
dirty c vda 65536

behaviour 'E.6 2' differs 'validation follows it'
accepts_xml "$(redefined_xml b a)" --redefine --redefine-validate --replace

behaviour 'E.6 3' differs 'a checkpoint that leaves the disk out is no link of it'
accepts_xml "<name>d</name><disks><disk name='vda' checkpoint='no'/></disks>"
dirty a vda 196608
accepts delete d

behaviour 'E.6 4' differs 'a broken link makes all that are older unknown, and no younger one'
qemu-img bitmap --remove "$domain/vda.qcow2" b
dirty a vda unknown
dirty b vda unknown
dirty c vda 65536

behaviour 'E.6 5' differs 'what is not before the current one has no end of its chain'
new_domain vda
old_chain
accepts current b
dirty a vda unknown
dirty c vda 65536
accepts current c
dirty a vda 196608

behaviour 'E.6 6' differs 'new checkpoints on such a disk are independent, and the chain still known'
creates new
writes vda 'write 6M 64k'
dirty new vda 65536
dirty c vda 131072
dirty a vda 262144

behaviour 'E.6 7' differs 'with the newest gone, the older ones record'
accepts delete new
accepts delete c
writes vda 'write 0 64k'
dirty b vda 262144
dirty a vda 327680

behaviours_done
