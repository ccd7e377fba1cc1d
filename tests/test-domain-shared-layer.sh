#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A base image of two disks, and an image that is two disks: a repair of the
# one takes no bitmap away that a checkpoint of the other needs.

. "$abs_top_srcdir/tests/functions.sh"

requires qemu-io --version

# size_of DISK: what has changed on it since checkpoint a, in bytes.
size_of ()
{
  backup-checkpoint dumpxml --no-domain --size a |
    sed -n "s/.*<disk name='$1'.* size='\([0-9]*\)'.*/\1/p"
}

# has_a IMAGE: it has a bitmap a.
has_a ()
{
  qemu-img info "$1" | grep -q '^ *name: a$'
}

# Two overlays go on with the bitmap of their base, as external snapshots do.
qemu-img create -q -f qcow2 base.qcow2 8M
export PULLBACK_STATE=state
backup-checkpoint -q -c disks:vda=base.qcow2 create-as a
qemu-io -f qcow2 -c 'write 1M 1M' base.qcow2 >/dev/null
for i in 1 2; do
  qemu-img create -q -f qcow2 -F qcow2 -b base.qcow2 "$i.qcow2"
  qemu-img bitmap --add "$i.qcow2" a
  qemu-io -f qcow2 -c "write ${i}M 64k" -c 'write 5M 64k' "$i.qcow2" >/dev/null
done
export PULLBACK_CONNECT=disks:vda=1.qcow2,vdb=2.qcow2
backup-checkpoint dumpxml --no-domain a |
  sed "s|</disks>|<disk name='vdb'/>&|" >a.xml
backup-checkpoint -q create --redefine --replace a.xml
[ "$(size_of vda)" = 1114112 ] || fail "vda: $(size_of vda)"
[ "$(size_of vdb)" = 1179648 ] || fail "vdb: $(size_of vdb)"

# The one cannot be used any more; the other must not seem to have less.
qemu-img bitmap --disable 1.qcow2 a
expect_status 0 backup-checkpoint doctor --fix
expect_text out '1 found, 1 repaired'
[ -z "$(size_of vda)" ] || fail "vda is still part of the checkpoint"
[ "$(size_of vdb)" = 1179648 ] || fail "vdb has lost changes: $(size_of vdb)"
has_a 1.qcow2 && fail "the bitmap that nobody needs is left"

# Nor is what the other needs nobody's.
expect_status 0 backup-checkpoint doctor --fix --remove-orphans
expect_text out 'nothing is wrong'
[ "$(size_of vdb)" = 1179648 ] || fail "vdb has lost changes: $(size_of vdb)"

# Where the other cannot be looked at, nothing is removed.
qemu-img bitmap --add 1.qcow2 a
mv 2.qcow2 away.qcow2
expect_status 1 backup-checkpoint doctor --fix --remove-orphans
expect_text out 'is needed for disk vdb too cannot be told'
has_a base.qcow2 || fail "a bitmap is gone that vdb may need"
mv away.qcow2 2.qcow2
expect_status 0 backup-checkpoint doctor --fix --remove-orphans
expect_text out '1 found, 1 repaired'
has_a base.qcow2 || fail "the bitmap of vdb is gone"

# With the checkpoint all of it goes.
backup-checkpoint -q delete a
if has_a base.qcow2 || has_a 2.qcow2; then
  fail "delete has left a bitmap"
fi

# One image under two names.
qemu-img create -q -f qcow2 image.qcow2 8M
ln -s image.qcow2 link.qcow2
export PULLBACK_CONNECT=disks:vda=image.qcow2,vdb=link.qcow2 PULLBACK_STATE=two
backup-checkpoint -q create-as a '' --diskspec vda
expect_status 0 backup-checkpoint doctor --fix --remove-orphans
has_a image.qcow2 || fail "the bitmap of vda is gone, because vdb has none"
