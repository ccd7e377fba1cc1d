# SPDX-License-Identifier: LGPL-2.1-or-later
# test-domain-broken-chain.sh: a chain of bitmaps that is broken for now must not
# lose a link, or it would look whole without it when it is put right.

. "$abs_top_srcdir/tests/functions.sh"

checkpoint ()
{
  backup-checkpoint -c "disks:vda=$dir/a.qcow2" --state "$dir/state" "$@"
}

redefine ()
{
  cat >checkpoint.xml <<EOF
<domaincheckpoint>
  <name>$1</name>
  ${2:+<parent><name>$2</name></parent>}
  <creationTime>1234567890</creationTime>
  <disks><disk name='vda' checkpoint='${3:-bitmap}'/></disks>
</domaincheckpoint>
EOF
  checkpoint create --redefine checkpoint.xml >/dev/null
}

# make_chain: a, b and c, of which c records, with 64 KiB written in each.
make_chain ()
{
  local name parent='' at=1
  rm -rf state
  qemu-img create -q -f qcow2 a.qcow2 64M
  for name in a b c; do
    qemu-img bitmap --add a.qcow2 $name
    [ -z "$parent" ] || qemu-img bitmap --disable a.qcow2 "$parent"
    qemu-io -f qcow2 -c "write -P 7 $((at++))M 64k" a.qcow2 >/dev/null
    parent=$name
  done
  redefine a
  redefine b a
  redefine c b
}

# size_since NAME: bytes, or nothing where they are not known.
size_since ()
{
  checkpoint dumpxml --size --no-domain "$1" \
    | sed -n "s/.*<disk name='vda'.* size='\([0-9]*\)'.*/\1/p"
}

refused ()
{
  expect_status 1 checkpoint "$@"
  expect_text err 'the changes since the older checkpoint a are spread over a chain of bitmaps that has been broken'
  expect_text err 'delete a first'
  checkpoint list --name | grep -qx b || fail 'b is gone'
  qemu-img info a.qcow2 | grep -q 'name: b' || fail 'the bitmap b is gone'
}

make_chain
[ "$(size_since a)" = 196608 ] || fail 'size since a'
checkpoint delete b >/dev/null
[ "$(size_since a)" = 196608 ] || fail 'size since a without b'

# A bitmap of no checkpoint may be a link that was forgotten.
make_chain
qemu-img bitmap --add a.qcow2 foreign
[ -z "$(size_since a)" ] || fail 'a is known in spite of a foreign bitmap'
refused delete b
refused delete --metadata b
refused delete --children b
qemu-img bitmap --remove a.qcow2 foreign
[ "$(size_since a)" = 196608 ] || fail 'size since a, as before'

# What is current is not known: the chain may go on anywhere.
make_chain
redefine other '' no
rm state/current
[ -z "$(size_since a)" ] || fail 'a is known, but not what is current'
refused delete b
checkpoint current c >/dev/null
[ "$(size_since a)" = 196608 ] || fail 'size since a with c current'

# The oldest first, or all at once, is as always.
make_chain
qemu-img bitmap --add a.qcow2 foreign
checkpoint delete a >/dev/null
checkpoint delete b >/dev/null
[ "$(size_since c)" = 65536 ] || fail 'size since c'
make_chain
qemu-img bitmap --add a.qcow2 foreign
checkpoint delete --children a >/dev/null
[ "$(qemu-img info --output=json a.qcow2 \
     | jq -r '."format-specific".data.bitmaps[].name')" = foreign ] \
  || fail 'bitmaps are left'

# A repair that takes the disk out of a link does so with all older ones.
make_chain
qemu-img bitmap --add a.qcow2 foreign
qemu-img bitmap --remove a.qcow2 b
checkpoint doctor --fix >/dev/null || :
checkpoint dumpxml --no-domain b | grep -q "checkpoint='no'" \
  || fail 'b still has the disk'
checkpoint dumpxml --no-domain a | grep -q "checkpoint='no'" \
  || fail 'a would look whole without b'
[ "$(size_since c)" = 65536 ] || fail 'size since c after the repair'
