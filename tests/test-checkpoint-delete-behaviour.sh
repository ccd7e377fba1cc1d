#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Deleting checkpoints as libvirt does it: what becomes of children, of the
# current one, of bitmaps, and of what was recorded.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"

# A tree, all of it with bitmaps:   a - b - c - d
#                                        `- e
new_tree ()
{
  new_domain vda vdb
  creates a b c d
  accepts current b
  creates e
}

behaviour 'V 50' as-libvirt 'where the current one goes, its parent is current'
new_domain vda
creates a b c
accepts delete c
current_is b
creates d
is_below d b

behaviour 'V L0' as-libvirt 'its parent, also where others are deeper elsewhere'
new_tree
current_is e
accepts delete e
current_is b
lists a b c d

behaviour 'V 51' as-libvirt 'children become those of the grandparent'
new_tree
accepts delete b
is_below c a
is_below e a
is_below d c
lists a c d e
has_bitmaps vda a c d e
has_bitmaps vdb a c d e
current_is e

behaviour 'V 52' as-libvirt 'children of a root become roots'
accepts delete a
is_below c ''
is_below e ''
same $'c\ne' checkpoint list --name --roots

behaviour 'V 53' as-libvirt '--children takes all that descend from it; then its parent is current'
new_tree
accepts delete --children b
lists a
current_is a
has_bitmaps vda a
has_bitmaps vdb a

behaviour 'V 54' as-libvirt '--children-only leaves it, and makes it current'
new_tree
accepts delete --children-only b
lists a b
current_is b
has_bitmaps vda a b

behaviour 'D.3 1' as-libvirt 'on a leaf that changes nothing'
accepts delete --children-only b
lists a b
current_is b

behaviour 'D.2 4' as-libvirt 'current stays where it is not among them'
new_tree
accepts delete --children c
lists a b e
current_is e

behaviour 'D.3 2' differs '--children and --children-only exclude each other'
checked
expect_status 2 checkpoint delete --children --children-only a
expect_text err 'mutually exclusive'
lists a b e

behaviour 'V 55' as-libvirt '--metadata leaves the bitmap, and it goes on recording'
new_tree
accepts delete --metadata e
has_bitmaps vda a b c d e
lists a b c d
writes vda 'write 2M 64k'
accepts_xml "$(redefined_xml e b)" --redefine --redefine-validate
dirty e vda 65536

behaviour 'V L8' as-libvirt '--metadata goes with --children'
accepts delete --metadata --children c
lists a b e
has_bitmaps vda a b c d e

behaviour 'V 58' differs 'it needs a disk that is not in use, where libvirt needs a machine that runs'
new_tree
start_machine vda
refuses 'is being written by another process' delete c

behaviour 'V 59' as-libvirt '--metadata needs neither'
accepts delete --metadata c
is_below d b
stop_machine

behaviour 'D.3 3' differs 'what does not exist is told before a disk in use is'
refuses "no domain checkpoint with matching name 'nosuch'" delete nosuch

behaviour 'V 60' differs 'a bitmap that is gone already counts as deleted'
new_tree
qemu-img bitmap --remove "$domain/vda.qcow2" b
accepts delete b
lists a c d e
is_below c a
has_bitmaps vdb a c d e

behaviour 'I 6' differs 'a failure has not moved a child'
start_machine vda
refuses 'is being written' delete c
is_below d c
stop_machine

behaviour 'V L3' differs '--children deletes all, or nothing'
start_machine vdb
refuses 'is being written' delete --children a
stop_machine
lists a c d e
current_is e
has_bitmaps vda a c d e

behaviour 'V 61' as-libvirt 'the bitmap goes from every layer of the backing chain'
new_domain vda
creates a b
use_overlay vda
qemu-img bitmap --add "$domain/vda.qcow2" a
qemu-img bitmap --add "$domain/vda.qcow2" b
accepts delete a
has_bitmaps vda b
has_bitmaps vda.1 b

behaviour 'V 62' as-libvirt 'an ancestor keeps all that has changed since it'
new_domain vda
creates a
writes vda 'write 1M 64k'
creates b
writes vda 'write 3M 64k'
creates c
dirty a vda 131072
accepts delete b
dirty a vda 131072
dirty c vda 0

behaviour 'V F3' as-libvirt 'a bitmap that was not saved can be deleted'
start_machine vda
kill_machine
dirty a vda unknown
accepts delete a
has_bitmaps vda 'c ["in-use","auto"]'
accepts delete c
has_bitmaps vda

behaviour 'D.3 4' as-libvirt 'a disk that the domain has not got any more is left out'
new_domain vda vdb
creates a b
sed -i "/<disk /{:a;N;/<\/disk>/!ba;/vdb/d}" "$domain/domain.xml"
same 1 grep -c '<disk ' "$domain/domain.xml"
accepts delete a
has_bitmaps vda b
has_bitmaps vdb a b

behaviour 'D.3 5' differs 'bitmaps are merged into the next older one, where they form a chain'
new_domain vda
creates a
qemu-img bitmap --remove "$domain/vda.qcow2" a
accepts delete --metadata a
image="$domain/vda.qcow2"
qemu-img bitmap --add "$image" a
writes vda 'write 1M 64k'
qemu-img bitmap --disable "$image" a
qemu-img bitmap --add "$image" b
writes vda 'write 3M 64k'
qemu-img bitmap --disable "$image" b
qemu-img bitmap --add "$image" c
writes vda 'write 5M 64k'
for name in a: b:a c:b; do
  accepts_xml "$(redefined_xml "${name%:*}" "${name#*:}")" --redefine
done
dirty a vda 196608
dirty b vda 131072
dirty c vda 65536
accepts delete b
dirty a vda 196608
dirty c vda 65536

behaviour 'D.3 6' differs 'and the older one records where the newest goes'
accepts delete c
dirty a vda 196608
writes vda 'write 6M 64k'
dirty a vda 262144
has_bitmaps vda a

behaviour 'V E1' differs 'what is being pulled cannot be deleted'
new_domain vda
creates a
serve pull.sock disk="vda=$domain/vda.qcow2"
nbdinfo --size "$(nbd_uri pull.sock vda)" >/dev/null
refuses 'another process reads it' delete a
stop_server "$nbdkit_pid"
accepts delete a

behaviour 'C.7 2' differs 'the last one that a backup can go on from is not deleted unless it is said so'
new_domain vda
creates a b
accepts record a full.qcow2
refuses '(--force)' delete a
refuses "a recorded backup ('full.qcow2')" delete a
accepts delete b
accepts delete --force a
accepts list --name
same '' cat out

behaviours_done
