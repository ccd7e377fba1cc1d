#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup-serve --nbdkit: an nbdkit of its own, with our plugin and with others,
# and filters before them; what becomes of it when things go wrong.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"

requires nbdkit --version
requires nbdinfo --version
requires jq --version
use_plain_nbdkit

make_disks
cp base.qcow2 base-2.qcow2
qemu-img rebase -q -u -b base-2.qcow2 -F qcow2 a.qcow2
cp a.qcow2 a-2.qcow2
bitmaps=(b0 fine later clean)

# contexts SOCKET EXPORT: the dirty maps that it has, in order.
contexts ()
{
  nbdinfo --list --json "$(nbd_uri "$1")" |
    jq -r --arg name "$2" '.exports[] | select (."export-name" == $name) |
      .contexts[] | select (startswith ("qemu:dirty-bitmap:"))' |
    sed 's/qemu:dirty-bitmap://' | sort | xargs
}

# Our plugin's map exports are contexts here, and no exports.
start_serve s --nbdkit -- "$PULLBACK_PLUGIN" disk=vda=a.qcow2 \
  disk=vdb=raw:c.raw
nbdinfo --list --json "$(nbd_uri s)" | jq -r '.exports[]."export-name"' |
  xargs >names
echo vda vdb | diff - names || fail 'names'
contexts s vda >got
printf '%s\n' "${bitmaps[@]}" | sort | xargs | diff - got || fail 'maps of vda'
[ -z "$(contexts s vdb)" ] || fail 'maps of vdb'
nbdcopy "$(nbd_uri s vda)" copy.raw
nbdcopy "$(nbd_uri s vdb)" c.copy
cmp c.raw c.copy || fail 'data of vdb'
for bitmap in "${bitmaps[@]}"; do
  dirty_map "$(nbd_uri s vda)" "$bitmap" >"$bitmap.got"
done
zero_map "$(nbd_uri s vda)" >zero.got
end_serve s
qemu-img compare -q -f qcow2 -F raw a.qcow2 copy.raw || fail 'data of vda'
start_serve s vda=a.qcow2
for bitmap in "${bitmaps[@]}"; do
  dirty_map "$(nbd_uri s vda)" "$bitmap" | diff - "$bitmap.got" ||
    fail "map $bitmap"
done
zero_map "$(nbd_uri s vda)" | diff - zero.got || fail 'zeroes'
end_serve s

# A domain's checkpoints, behind filters; one makes its smallest block 4 KiB,
# which clients need not know.
backup-checkpoint -q -c disks:vda=a-2.qcow2 --state state create-as cp1
qemu-io -c 'write -P 11 12M 100k' -c 'write -z 1M 64k' a-2.qcow2 >/dev/null
start_serve s --nbdkit -- --filter=blocksize-policy --filter=delay \
  "$PULLBACK_PLUGIN" domain=disks:vda=a-2.qcow2 state=state \
  blocksize-minimum=4096 blocksize-preferred=65536 blocksize-maximum=1M \
  blocksize-error-policy=error delay-read=1ms
contexts s vda | grep -qw since:cp1 || fail 'since:cp1'
nbdcopy "$(nbd_uri s vda)" copy.raw
qemu-io -r -f raw -c 'read -P 11 12582913 77' -c 'read -P 11 12587007 3' \
  -c 'read -P 7 30736385 4094' -c 'read -v 67108863 1' "$(nbd_uri s)" >out
[ "$(grep -c '^read' out)" -eq 4 ] || { cat out >&2; fail 'odd reads'; }
dirty_map "$(nbd_uri s vda)" since:cp1 >got
printf '%s\n' '0 1048576 0' '1048576 65536 1' '1114112 11468800 0' \
  '12582912 131072 1' '12713984 54394880 0' | diff - got || fail 'since:cp1'
end_serve s
qemu-img compare -q -f qcow2 -F raw a-2.qcow2 copy.raw || fail 'a copy'

# An increment by way of it.
qemu-img convert -O qcow2 a-2.qcow2 full.qcow2
qemu-io -c 'write -P 12 33M 1M' a-2.qcow2 >/dev/null
start_serve s --nbdkit -- "$PULLBACK_PLUGIN" domain=disks:vda=a-2.qcow2 \
  state=state
backup-pull -q --since cp1 --backing full.qcow2 "$(nbd_uri s vda)" inc.qcow2
end_serve s
qemu-img compare -q a-2.qcow2 inc.qcow2 || fail 'an increment'

# Other plugins: a disk without a name, one that tells of no allocation, and one
# without structured replies.
start_serve s --nbdkit -- file c.raw
nbdinfo --list --json "$(nbd_uri s)" | jq -r '.exports[]."export-name"' >names
echo disk | diff - names || fail 'a disk without a name'
nbdcopy "$(nbd_uri s)" c.copy
cmp c.raw c.copy || fail 'the file plugin'
zero_map "$(nbd_uri s)" >got
end_serve s
start_serve s vda=raw:c.raw
zero_map "$(nbd_uri s)" | diff - got || fail 'zeroes of the file plugin'
end_serve s
start_serve s --nbdkit -- --no-sr file c.raw
nbdcopy "$(nbd_uri s)" c.copy
cmp c.raw c.copy || fail 'without structured replies'
echo '0 16777216 0' >want
zero_map "$(nbd_uri s)" | diff want - || fail 'no allocation'
end_serve s

# What the plugin cannot read or map is an error of that request alone.
start_serve s --nbdkit -- eval get_size='echo 1048576' \
  pread='[ $4 -ge 524288 ] && { echo EIO none there >&2; exit 1; }
         head -c $3 /dev/zero' \
  can_extents='exit 0' \
  extents='[ $4 -ge 524288 ] && { echo EIO no map >&2; exit 1; }
           echo 0 524288 hole'
expect_status 0 qemu-io -r -f raw -c 'read -P 0 0 64k' "$(nbd_uri s)"
expect_status 1 qemu-io -r -f raw -c 'read 600k 64k' "$(nbd_uri s)"
expect_log s.log 'cannot read 65536 bytes at offset 0x96000: Input/output error'
expect_status 0 qemu-io -r -f raw -c 'read -P 0 4k 64k' "$(nbd_uri s)"
end_serve s

# nbdkit that cannot start says why itself; ours is one line more.
wrong ()
{
  expect_status "$1" timeout 30 backup-serve "${@:3}"
  expect_text err "$2"
}
wrong 1 'nbdkit has ended with exit status 1' --nbdkit -- file "$dir/nowhere"
expect_text err "$dir/nowhere"
wrong 1 'nbdkit has ended with exit status 1' --nbdkit -- file c.raw -U -
wrong 1 'control characters' --nbdkit -- eval get_size='echo 512' \
  list_exports='printf "INTERLEAVED\na\001b\nx\n"' pread='exit 1'
wrong 2 "nbdkit's arguments are missing" --nbdkit
wrong 2 'exclude each other' --nbdkit -c disks:vda=a.qcow2 --state state \
  -- file c.raw
wrong 2 'there is none' --allow-writer --nbdkit -- file c.raw
mkdir few
ln -s /usr/bin/* few
rm few/nbdkit
expect_status 1 env PATH="$dir/few" "$(command -v backup-serve)" --nbdkit \
  -- file c.raw
expect_text err 'nbdkit: No such file'

# children PID: those that it has.
children ()
{
  cat "/proc/$1/task/$1/children"
}

# It has the limit of open files that we were started with.
files=$(ulimit -Sn)
ulimit -Sn 200
start_serve s --nbdkit -- memory 1M
ulimit -Sn "$files"
child=$(children "$serve_pid")
grep -q '^Max open files  *200 ' "/proc/${child% }/limits" ||
  fail 'open files of nbdkit'
end_serve s

# When nbdkit dies we do, with an error, and the command of --run with us.
start_serve s --nbdkit -- memory 1M
child=$(children "$serve_pid")
kill -KILL $child
status=0
wait "$serve_pid" || status=$?
[ "$status" -eq 1 ] || fail "status $status when nbdkit died"
expect_log s.log 'nbdkit was ended by signal 9'
[ ! -e s ] || fail 's is left behind'

# When we die it does, however that comes about; its socket is in a folder that
# is removed where anybody can do that.
export TMPDIR=$dir/tmp
mkdir tmp
unset XDG_RUNTIME_DIR
for signal in TERM INT KILL; do
  start_serve s --nbdkit -- memory 1M
  child=$(children "$serve_pid")
  [ "$(stat -c %a tmp/backup-serve-*)" = 700 ] || fail 'the folder is not private'
  qemu-io -r -f raw -c 'read -P 0 0 4k' "$(nbd_uri s)" >/dev/null
  kill -"$signal" "$serve_pid"
  wait "$serve_pid" || [ "$signal" = KILL ] || fail "SIG$signal"
  wait_for "nbdkit to end after SIG$signal" \
    bash -c "! kill -0 $child"
  [ "$signal" = KILL ] || [ -z "$(ls tmp)" ] || fail "SIG$signal leaves a folder"
  rm -rf tmp/* s
done

# So it is while nbdkit does not answer yet.
for signal in TERM INT HUP; do
  env --default-signal="$signal" backup-serve --listen "unix:$dir/s" \
    --nbdkit -- eval open='sleep 5' get_size='echo 512' pread='exit 1' \
    >s.out 2>s.log &
  serve_pid=$!
  cleanup_fn kill_and_wait "$serve_pid"
  wait_for 'the socket of nbdkit' bash -c '[ -S tmp/backup-serve-*/nbdkit.sock ]'
  kill -"$signal" "$serve_pid"
  status=0
  wait "$serve_pid" || status=$?
  [ "$status" -eq $((128 + $(kill -l "$signal"))) ] ||
    { cat s.log >&2; fail "status $status after an early SIG$signal"; }
  [ -z "$(ls tmp)" ] || fail "an early SIG$signal leaves a folder"
done

# A request that does not end does not keep the server, which leaves nothing of
# its own behind.
start_serve s --nbdkit -- --filter=delay memory 1M delay-read=60
qemu-io -r -f raw -c 'read 0 4k' "$(nbd_uri s)" >/dev/null 2>&1 &
reader=$!
cleanup_fn kill_and_wait "$reader"
wait_for 'the client' bash -c "[ \$(ls /proc/$serve_pid/task | wc -l) -gt 2 ]"
SECONDS=0
kill "$serve_pid"
wait "$serve_pid" || fail "status $? with a request that does not end"
[ "$SECONDS" -ge 5 ] && [ "$SECONDS" -le 30 ] || fail "it took $SECONDS s"
expect_log s.log 'a request does not end'
[ ! -e s.pid ] || fail 'the pid file is left behind'
[ ! -e s ] && [ -z "$(ls tmp)" ] || fail 'a socket or folder is left behind'
kill_and_wait "$reader"

# --run, with its status; nothing is left.
expect_status 7 backup-serve --nbdkit --run 'nbdinfo --size "$uri" && exit 7' \
  -- memory 3M
expect_text out 3145728
[ -z "$(ls tmp)" ] || fail 'a folder is left behind'
