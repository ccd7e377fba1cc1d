# SPDX-License-Identifier: LGPL-2.1-or-later
# test-plugin-domain.sh: the disks of a domain, and increments from each of its
# checkpoints: through the layers of a snapshot, after a deletion, and by the
# bitmaps of an older libvirt.

. "$abs_top_srcdir/tests/functions.sh"

# domain_xml VDB: the domain, with that image as vdb.
domain_xml ()
{
  cat >domain.xml <<EOF
<domain type='kvm'>
  <name>web1</name>
  <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='$dir/a.qcow2'/>
      <target dev='vda'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='$dir/$1'/>
      <target dev='vdb'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='$dir/c.raw'/>
      <target dev='vdc'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='vmdk'/>
      <source file='$dir/d.vmdk'/>
      <target dev='vdd'/>
    </disk>
    <disk type='file' device='cdrom'>
      <target dev='sda'/>
      <readonly/>
    </disk>
  </devices>
</domain>
EOF
}

checkpoint ()
{
  backup-checkpoint -c "xml:$dir/domain.xml" --state "$dir/state" "$@"
}

# create NAME: a checkpoint of both qcow2 disks.
create ()
{
  checkpoint create-as "$1" --diskspec vda --diskspec vdb >/dev/null
}

serve_domain ()
{
  serve s "domain=xml:$dir/domain.xml" "state=$dir/state"
}

exports ()
{
  nbdinfo --list --json "$(nbd_uri s)" >list.json
  sed -n 's/.*"export-name": "\(.*\)",/\1/p' list.json
}

# pull DISK IMAGE [SINCE BACKING]: a backup, which must be as the disk is now.
pull ()
{
  local disk=$1 image=$2 out=$1-$((++pulls)).qcow2
  if [ $# -gt 2 ]; then
    backup-pull --since "$3" --backing "$4" "$(nbd_uri s "$disk")" "$out"
  else
    backup-pull "$(nbd_uri s "$disk")" "$out"
  fi >/dev/null
  qemu-img compare -q -f qcow2 -F qcow2 "$out" "$image" \
    || fail "the backup of $disk since ${3:-ever} is not the disk"
}
pulls=0

# bytes_of FILE: of the disk that are stored in this layer.
data_of ()
{
  qemu-img map --output=json "$1" \
    | jq '[.[] | select(.depth == 0 and .present) | .length] | add // 0'
}

for name in a b; do
  qemu-img create -q -f qcow2 $name.qcow2 64M
  qemu-io -f qcow2 -c 'write -P 1 0 16M' $name.qcow2 >/dev/null
done
truncate -s 8M c.raw
qemu-img create -q -f vmdk d.vmdk 1M
domain_xml b.qcow2

create mon
serve_domain
exports >got
printf '%s\n' vda vda/mon vda/since:mon vdb vdb/mon vdb/since:mon vdc \
  | diff - got || fail 'exports'
expect_text list.json \
  '"description": "pullback dirty map of vda: since checkpoint mon, granularity 65536"'
expect_text list.json \
  '"description": "pullback dirty map of vda: bitmap mon, granularity 65536"'
pull vda a.qcow2
pull vdb b.qcow2
stop_server "$nbdkit_pid"

# Writes, and another checkpoint, and writes.
qemu-io -f qcow2 -c 'write -P 2 1M 1M' -c 'write -z 4M 1M' a.qcow2 >/dev/null
qemu-io -f qcow2 -c 'write -P 2 20M 1M' b.qcow2 >/dev/null
create tue
serve_domain
pull vda a.qcow2 mon vda-1.qcow2
pull vdb b.qcow2 mon vdb-2.qcow2
stop_server "$nbdkit_pid"
[ "$(data_of vda-3.qcow2)" -eq $((2 * 1048576)) ] || fail 'size of vda-3'

# A snapshot of vdb as libvirt makes it: the overlay goes on with both bitmaps.
qemu-io -f qcow2 -c 'write -P 3 30M 1M' b.qcow2 >/dev/null
qemu-img create -q -f qcow2 -b b.qcow2 -F qcow2 b2.qcow2
qemu-img bitmap --add b2.qcow2 mon
qemu-img bitmap --add b2.qcow2 tue
domain_xml b2.qcow2
qemu-io -f qcow2 -c 'write -P 4 40M 1M' b2.qcow2 >/dev/null
qemu-io -f qcow2 -c 'write -P 3 50M 64k' a.qcow2 >/dev/null
create wed
qemu-io -f qcow2 -c 'write -P 5 60M 64k' b2.qcow2 >/dev/null
serve_domain
pull vda a.qcow2 mon vda-1.qcow2
pull vda a.qcow2 tue vda-3.qcow2
pull vdb b2.qcow2 mon vdb-2.qcow2
pull vdb b2.qcow2 tue vdb-4.qcow2
[ "$(data_of vdb-8.qcow2)" -eq $((2 * 1048576 + 65536)) ] \
  || fail 'size of vdb-8'
# What the top image alone knows is not all: it is no increment.
dirty_map "$(nbd_uri s vdb/tue)" >top.map
dirty_map "$(nbd_uri s vdb/since:tue)" >all.map
! cmp -s top.map all.map || fail 'the map of one layer is that of all'
stop_server "$nbdkit_pid"

# A deletion in the middle.
checkpoint delete tue >/dev/null
serve_domain
exports | grep -q tue && fail 'tue is still there'
pull vdb b2.qcow2 mon vdb-2.qcow2
stop_server "$nbdkit_pid"

# A bitmap with the name of a map does not hide it.
qemu-img bitmap --add a.qcow2 since:mon
qemu-img bitmap --add a.qcow2 since:thu
serve_domain
exports >got
printf '%s\n' vda vda/mon vda/wed vda/since:thu vda/since:mon vda/since:wed \
  | diff - <(grep ^vda got) || fail "exports of vda"
pull vda a.qcow2 mon vda-1.qcow2
stop_server "$nbdkit_pid"
qemu-img bitmap --remove a.qcow2 since:mon
qemu-img bitmap --remove a.qcow2 since:thu

# One that cannot be trusted any more is not offered, and the reason is said.
qemu-img bitmap --disable a.qcow2 mon
nbdkit_options=(-v -D pullback.exports=1)
serve_domain
exports >got
grep -q since:mon got && grep -q vda/since:mon got && fail 'mon is offered'
grep -qx vda/since:wed got || fail 'wed is not offered'
expect_status 1 nbdinfo --size "$(nbd_uri s vda/since:mon)"
expect_text s.log "what has changed since checkpoint mon is not known"
expect_text s.log "it has been disabled; take a full backup"
expect_text s.log "map since:mon of vda is not exported: bitmap mon in "
expect_text s.log 'disk vdd is not exported: vmdk'
expect_text s.log 'disk sda is not exported: no file or device of it'
expect_status 1 nbdinfo --size "$(nbd_uri s vda/since:nosuch)"
expect_text s.log 'there is no checkpoint called nosuch (there are: mon, wed)'
expect_status 1 backup-pull --since mon --backing vda-1.qcow2 \
              "$(nbd_uri s vda)" no.qcow2
stop_server "$nbdkit_pid"
nbdkit_options=()

# A chain, of which only the last bitmap records: all of them are needed.
rm -r state
qemu-img create -q -f qcow2 a.qcow2 64M
qemu-img create -q -f qcow2 b2.qcow2 64M
serve_domain
pull vda a.qcow2
stop_server "$nbdkit_pid"
parent=
at=1
for name in one two three; do
  qemu-img bitmap --add a.qcow2 "$name"
  [ -z "$parent" ] || qemu-img bitmap --disable a.qcow2 "$parent"
  qemu-io -f qcow2 -c "write -P 7 $((at++))M 64k" a.qcow2 >/dev/null
  parent=$name
done
parent=
for name in one two three; do
  cat >checkpoint.xml <<EOF
<domaincheckpoint>
  <name>$name</name>
  ${parent:+<parent><name>$parent</name></parent>}
  <creationTime>1234567890</creationTime>
  <disks><disk name='vda' checkpoint='bitmap'/></disks>
</domaincheckpoint>
EOF
  checkpoint create --redefine checkpoint.xml >/dev/null
  parent=$name
done
serve_domain
pull vda a.qcow2 one vda-11.qcow2
for number in 1 2 3; do
  set -- one two three
  dirty_map "$(nbd_uri s "vda/since:${!number}")" \
    | awk '$3 == 1 { n += $2 } END { print n }' >got
  echo $(((4 - number) * 65536)) | diff - got || fail "changes since ${!number}"
done
stop_server "$nbdkit_pid"
