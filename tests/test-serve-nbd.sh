#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup-serve in front of other NBD servers: QEMU's own, qemu-nbd, itself.  Its
# clients get the same bytes and maps, extent by extent, as from those.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"
. "$abs_top_srcdir/tests/tls-functions.sh"

requires nbdinfo --version
requires jq --version
requires qemu-storage-daemon --version

make_disks
cp base.qcow2 base-2.qcow2
cp a.qcow2 a-2.qcow2 # what is open in one server is locked
bitmaps=(b0 fine later clean)

# contexts URI: what it offers, in order.
contexts ()
{
  nbdinfo --list --json "$1" | jq -r '.exports[0].contexts[]' | sort | xargs
}

all_bitmaps=$(printf ' qemu:dirty-bitmap:%s' "${bitmaps[@]}" | xargs -n 1 |
  sort | xargs)

# QEMU's own server, as a running machine has it, with several bitmaps.
qemu-storage-daemon \
  --blockdev "driver=qcow2,node-name=a,read-only=on,file.driver=file,file.filename=a.qcow2" \
  --nbd-server "addr.type=unix,addr.path=$dir/q" \
  --export "type=nbd,id=e,node-name=a,name=vda,allocation-depth=on,bitmaps.0=b0,bitmaps.1=fine,bitmaps.2=later,bitmaps.3=clean" \
  --pidfile q.pid >q.log 2>&1 &
cleanup_fn kill_and_wait "$!"
wait_for "QEMU's server" test -s q.pid
theirs=$(nbd_uri q vda)
start_serve s "$theirs" "second=$theirs"
for export in vda second; do
  ours=$(nbd_uri s "$export")
  for context in base:allocation qemu:allocation-depth $all_bitmaps; do
    same_map "$context" "$theirs" "$ours"
  done
  qemu-img compare -q -f raw -F raw "$theirs" "$ours" || fail "data of $export"
done
contexts "$(nbd_uri s)" >got
echo "base:allocation qemu:allocation-depth $all_bitmaps" | diff - got ||
  fail 'contexts'

# All of several contexts in one answer, odd ranges, one extent at a time.
seed=${SEED:-$RANDOM}
echo "SEED=$seed"
/usr/bin/python3 "$abs_top_srcdir/tests/compare-servers.py" "$seed" 400 \
  "$theirs" "$(nbd_uri s vda)" base:allocation qemu:allocation-depth \
  qemu:dirty-bitmap:b0 qemu:dirty-bitmap:fine || fail 'a libnbd program'

# The whole job through it; then both end in order.
backup-pull -q "$(nbd_uri s vda)" full.qcow2
qemu-img compare -q -U a.qcow2 full.qcow2 || fail 'the full backup'
cp full.qcow2 old.qcow2
backup-pull -q --bitmap later --backing old.qcow2 "$(nbd_uri s vda)" inc.qcow2
qemu-img compare -q -U a.qcow2 inc.qcow2 || fail 'the increment'
end_serve s
kill_and_wait "$(cat q.pid)"

# qemu-nbd with one connection and one bitmap; and not persistent, so that it
# ends with its only client.
for bitmap in b0 clean; do
  qemu-nbd -r -A -e 1 -k "$dir/one" --pid-file="$dir/one.pid" -f qcow2 \
    -B "$bitmap" a-2.qcow2 >one.log 2>&1 &
  pid=$!
  cleanup_fn kill_and_wait "$pid"
  wait_for qemu-nbd test -s one.pid
  start_serve s "vda=$(nbd_uri one)"
  contexts "$(nbd_uri s)" >got
  echo "base:allocation qemu:allocation-depth qemu:dirty-bitmap:$bitmap" |
    diff - got || fail 'contexts of qemu-nbd'
  nbdcopy "$(nbd_uri s vda)" copy.raw &
  copy=$!
  dirty_map "$(nbd_uri s vda)" "$bitmap" >got # over the same connection
  wait "$copy" || fail 'nbdcopy beside a map'
  qemu-img compare -q -f qcow2 -F raw -U a-2.qcow2 copy.raw || fail 'a copy'
  end_serve s
  wait "$pid" || fail 'qemu-nbd did not end'
  start_serve s vda=a-2.qcow2
  dirty_map "$(nbd_uri s vda)" "$bitmap" | diff - got || fail "map $bitmap"
  end_serve s
  rm -f one one.pid
done

# Ourselves, over TLS, with more maps than share a connection: both disks.
psktool -u alice -p psk >/dev/null 2>&1
for i in 1 2 3; do
  qemu-img bitmap --add a.qcow2 "more$i"
done
port=$(free_port) || fail 'no port is free'
backup-serve --listen "tcp:127.0.0.1:$port" --tls-psk psk \
  vda=a.qcow2 vdb=raw:c.raw >t.out 2>t.log &
behind=$!
cleanup_fn kill_and_wait "$behind"
wait_for 'the server with TLS' test -s t.out
uri="nbds://alice@127.0.0.1:$port/?tls-psk-file=$dir/psk"
start_serve s "$uri"
nbdinfo --list --json "$(nbd_uri s)" | jq -r '.exports[]."export-name"' |
  xargs >names
echo vda vdb | diff - names || fail 'both disks'
for context in base:allocation qemu:allocation-depth $all_bitmaps \
  qemu:dirty-bitmap:more2; do
  same_map "$context" "nbds://alice@127.0.0.1:$port/vda?tls-psk-file=$dir/psk" \
    "$(nbd_uri s vda)"
done
nbdcopy "$(nbd_uri s vdb)" c.copy
cmp c.raw c.copy || fail 'a copy over TLS'

# The server behind goes away: clients are told, the log says why, and nothing
# that comes back is taken for it.
kill_and_wait "$behind"
expect_status 1 nbdcopy "$(nbd_uri s vda)" null:
expect_log s.log 'the server has closed the connection'
rm -f t.out
backup-serve --listen "tcp:127.0.0.1:$port" --tls-psk psk \
  vda=a.qcow2 vdb=raw:c.raw >t.out 2>t.log &
behind=$!
cleanup_fn kill_and_wait "$behind"
wait_for 'the server with TLS' test -s t.out
expect_status 1 nbdcopy "$(nbd_uri s vda)" null:
expect_status 1 nbdinfo --map=qemu:dirty-bitmap:more1 "$(nbd_uri s vda)"
expect_log s.log 'may be another disk'
end_serve s
kill_and_wait "$behind"

# Nor where the first connection was idle, so that nobody has noticed, and a map
# has a connection of its own: here an export of our plugin, where the other disk
# has a bitmap of this name too.
qemu-img create -q -f qcow2 other.qcow2 64M
qemu-img bitmap --add other.qcow2 b0
for how in ended replaced; do
  serve p disk=vda=a-2.qcow2
  first=$nbdkit_pid
  start_serve s "$(nbd_uri p vda)"
  if [ "$how" = ended ]; then
    stop_server "$first"
  else
    rm p # it goes on for those that it has
  fi
  serve p disk=vda=other.qcow2
  expect_status 1 nbdinfo --map=qemu:dirty-bitmap:b0 "$(nbd_uri s vda)"
  expect_log s.log 'what is there now may be another disk'
  stop_server "$nbdkit_pid"
  end_serve s
  stop_server "$first"
done

# What is wrong is said in one line that names the server.
wrong ()
{
  expect_status "$1" timeout 60 backup-serve "${@:3}"
  expect_text err "$2"
  [ "$(grep -c 'backup-serve: ' err)" -eq 1 ] || { cat err >&2; fail 'lines'; }
}
start_qemu_nbd x -r -A -e 16 -x name -f qcow2 a-2.qcow2
wrong 1 "export 'other'" "$(nbd_uri x other)"
wrong 1 "$dir/nowhere" "$(nbd_uri nowhere)"
wrong 1 'two disks of this name' "$(nbd_uri x name)" "$(nbd_uri x name)"
wrong 1 "export ''" "vda=$(nbd_uri x)"
wrong 2 'needs socket=PATH' 'nbd+unix:///name'
wrong 2 "no parameter 'sockt'" 'nbd+unix:///name?sockt=x'
wrong 2 'there is none' --data-file "$(nbd_uri x name)"
wrong 1 'psk' "nbds://alice@127.0.0.1:$port/?tls-psk-file=$dir/none"
wrong 1 'cannot connect with TLS' \
  "nbds+unix://alice@/name?socket=$dir/x&tls-psk-file=$dir/psk"

# Servers that do what they should not.
start_bad ()
{
  rm -f bad
  perl "$abs_top_srcdir/tests/bad-server.pl" "$1" bad &
  bad_pid=$!
  cleanup_fn kill_and_wait "$bad_pid"
  wait_for "a bad server ($1)" test -S bad
}
# One that does not answer is waited for, but not against a signal.
start_bad silent
backup-serve "$(nbd_uri bad)" >silent.out 2>&1 &
pid=$!
cleanup_fn kill_and_wait "$pid"
sleep 1
kill "$pid"
wait_for 'the end of a server that waits' bash -c "! kill -0 $pid"
kill_and_wait "$bad_pid"
for fault in long-list long-contexts; do
  start_bad "$fault"
  wrong 1 'the server lists more than 65536' "$(nbd_uri bad)"
  kill_and_wait "$bad_pid"
done

# bad FAULT STATUS TEXT COMMAND...: what clients and the log are told.
bad ()
{
  local fault=$1 status=$2 text=$3
  shift 3
  start_bad "$fault"
  start_serve s "$(nbd_uri bad vda)"
  expect_status "$status" timeout 60 "$@"
  [ -z "$text" ] || expect_log s.log "$text"
  cp out out.bad
  end_serve s
  kill_and_wait "$bad_pid"
}
read_half=(qemu-io -r -f raw -c 'read -P 1 4k 512k')
read_half+=("$(nbd_uri s)")
map_b=(nbdinfo --map=qemu:dirty-bitmap:b "$(nbd_uri s)")
bad none 0 '' "${read_half[@]}"
bad none 0 '' "${map_b[@]}"
_merge_map dirty <out.bad >got
printf '%s\n' '0 524288 1' '524288 524288 0' | diff - got || fail 'a good map'
for fault in map-empty map-foreign; do
  bad "$fault" 1 "map says nothing of the 1048576 bytes" "${map_b[@]}"
done
bad map-nothing 1 'cannot map 1048576 bytes at offset 0x0' "${map_b[@]}"
bad read-short 1 'has a gap at offset 0x21000' "${read_half[@]}"
bad read-elsewhere 1 'cannot read 262144 bytes' "${read_half[@]}"
bad read-hangup 1 'the server has closed the connection' "${read_half[@]}"
