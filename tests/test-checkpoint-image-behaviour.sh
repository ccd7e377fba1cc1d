#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# In which image a checkpoint's bitmap was made: an equally named one elsewhere
# is not taken for it, and a chain that has lost a layer is not believed.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"

# replaced CHECKPOINT DISK: it is not known what has changed, doctor says why, and
# the bitmap is left alone.
replaced ()
{
  dirty "$1" "$2" unknown
  checkpoint doctor >found 2>&1 || :
  grep -q "^image-replaced: checkpoint $1: disk $2: " found ||
    { cat found >&2; wrong "doctor says nothing of it"; }
  refuses "was made in" delete "$1"
}

behaviour 'I 10' differs 'an overlay that was flattened does not hide that the bitmap below it is gone'
new_domain vda
writes vda 'write -P 1 0 8M'
creates a
writes vda 'write -z 0 1M'
use_overlay vda
qemu-img bitmap --add "$domain/vda.qcow2" a
dirty a vda 1048576
qemu-img rebase -f qcow2 -b '' "$domain/vda.qcow2"
replaced a vda
accepts delete --metadata a
has_bitmaps vda a
accepts doctor --fix --remove-orphans
has_bitmaps vda

behaviour 'I 11' differs 'nor does one that was put on another base'
new_domain vda
creates a
writes vda 'write -P 1 0 1M'
use_overlay vda
qemu-img bitmap --add "$domain/vda.qcow2" a
qemu-img convert -f qcow2 -O qcow2 "$domain/vda.1.qcow2" "$domain/flat.qcow2"
qemu-img rebase -u -f qcow2 -b flat.qcow2 -F qcow2 "$domain/vda.qcow2"
replaced a vda

behaviour 'I 12' differs 'two disks that have changed places are not taken for each other'
new_domain vda vdb
creates a
sed -i 's/vda.qcow2/vdc.qcow2/; s/vdb.qcow2/vda.qcow2/; s/vdc.qcow2/vdb.qcow2/' \
  "$domain/domain.xml"
replaced a vda
dirty a vdb unknown

behaviour 'I 13' as-libvirt 'an image that was renamed is the same'
new_domain vda
creates a
writes vda 'write 0 64k'
mv "$domain/vda.qcow2" "$domain/moved.qcow2"
sed -i 's/vda.qcow2/moved.qcow2/' "$domain/domain.xml"
dirty a vda 65536
mv "$domain" "$domain.moved"
ln -s "$domain.moved" "$domain"
dirty a vda 65536

behaviour 'I 14' differs 'a copy is not, also at the same path, until its checkpoints are taken over'
cp "$domain/moved.qcow2" "$domain/vda.qcow2"
sed -i 's/moved.qcow2/vda.qcow2/' "$domain/domain.xml"
replaced a vda
mv "$domain/vda.qcow2" "$domain/moved.qcow2"
sed -i 's/vda.qcow2/moved.qcow2/' "$domain/domain.xml"
replaced a vda
checkpoint dumpxml --security-info a >a.xml
accepts create --redefine --replace a.xml
dirty a vda unknown
accepts delete --metadata a
accepts create --redefine --redefine-validate a.xml
dirty a vda 65536
accepts delete a
has_bitmaps moved

behaviour 'I 15' differs 'a mark that cannot be understood is no reason to believe a bitmap'
new_domain vda
creates a
sed -i "s/inode='[0-9]*'/inode='x'/" "$state/checkpoints/a.xml"
refuses 'no domain checkpoint' dumpxml a
checkpoint doctor >found || :
grep -q '^unreadable-file: .*inode' found || wrong "$(cat found)"

behaviours_done
