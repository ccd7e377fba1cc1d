# SPDX-License-Identifier: LGPL-2.1-or-later
# test-pull-map.sh: maps that stop early, contexts that stop at different
# places of one reply, and maps that say nothing.

. "$abs_top_srcdir/tests/functions.sh"

socket=$dir/disk.sock
uri="nbd+unix:///vda?socket=$socket"

# qemu-nbd ends a reply after 131072 extents: with 512-byte clusters that are
# in turn data and hole, base:allocation ends at 64 MiB while the bitmap has
# said all of 256 MiB.  A client that goes on where the bitmap ends loses what
# has changed behind 64 MiB.
qemu-img create -q -f qcow2 -o cluster_size=512 disk.qcow2 256M
truncate -s 256M stripes.raw
perl -e 'my $block = "\x11" x 512;
  for (my $i = 0; $i < 140000; $i++) {
    sysseek STDOUT, $i * 1024, 0; syswrite STDOUT, $block
  }' 1<>stripes.raw
qemu-img convert -n -f raw -O qcow2 -S 512 stripes.raw disk.qcow2
cp disk.qcow2 full.qcow2
qemu-img bitmap --add -g 64k disk.qcow2 b0
qemu-io -c 'write -P 0x22 200M 64k' -c 'write -P 0x33 100k 1k' \
  disk.qcow2 >/dev/null
start_qemu_nbd disk.sock -r -f qcow2 -x vda -B b0 disk.qcow2
expect_status 0 nbdinfo --map "$uri"
[ "$(wc -l <out)" -gt 200000 ] || fail "the disk is not as fragmented as meant"
backup-pull --json --bitmap b0 --backing full.qcow2 "$uri" inc.qcow2 >report
[ "$(jq .bytes.dirty report)" -ge $((64 * 1024 + 512)) ] || fail "$(cat report)"
[ "$(jq .bytes.dirty report)" -le $((128 * 1024)) ] || fail "$(cat report)"
qemu-img compare -q disk.qcow2 inc.qcow2 || fail "the chain is not the disk"
qemu-img check -q inc.qcow2
backup-pull --dry-run --json --bitmap b0 "$uri" >dry
[ "$(jq -c '[.bytes.clean, .bytes.dirty, .bytes."dirty-zero"]' dry)" \
  = "$(jq -c '[.bytes.clean, .bytes.dirty, .bytes."dirty-zero"]' report)" ] ||
  fail "a dry run says something else: $(cat dry)"
kill_and_wait "$qemu_nbd_pid"

# A server that describes one block at a time, and too much of the last one.
cat >one-by-one.sh <<'S'
case $1 in
get_size) echo 1M ;;
can_multi_conn) exit 0 ;;
pread)
  if [ "$4" -lt 524288 ]; then head -c "$3" /dev/zero | tr '\0' '\021'
  else head -c "$3" /dev/zero; fi ;;
can_extents) exit 0 ;;
extents)
  block=$(($4 / 65536 * 65536))
  if [ "$4" -lt 524288 ]; then echo "$block 65536"
  else echo "$block 1048576 hole,zero"; fi ;;
*) exit 2 ;;
esac
S
chmod +x one-by-one.sh
start_nbdkit "$socket" sh "$dir/one-by-one.sh"
backup-pull --json "nbd+unix:///?socket=$socket" one.qcow2 >report
[ "$(jq -c '[.bytes.dirty, .bytes."dirty-zero"]' report)" = '[524288,524288]' ] ||
  fail "$(cat report)"
nbdcopy "nbd+unix:///?socket=$socket" one.raw
qemu-img compare -q -f raw -F qcow2 one.raw one.qcow2 || fail "one by one"
stop_server "$nbdkit_pid"

# A server that cannot answer for a part of its map.
sed 's/^extents)/extents) [ "$4" -lt 262144 ] || { echo EIO >\&2; exit 1; }/' \
  one-by-one.sh >broken.sh
chmod +x broken.sh
start_nbdkit "$socket" sh "$dir/broken.sh"
expect_status 1 backup-pull "nbd+unix:///?socket=$socket" broken.qcow2
expect_text err "the server cannot map"
expect_text err "offset 0x40000"
[ ! -e broken.qcow2 ] || fail "a broken map made a backup"
stop_server "$nbdkit_pid"
