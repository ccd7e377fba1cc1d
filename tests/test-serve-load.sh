#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Many clients, and hostile ones: data stays right, other clients are not
# disturbed, and neither descriptors nor memory are left behind.
#
# LOAD_SECONDS and HOSTILE_CONNECTIONS make it longer; CI does.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"

load="$abs_top_builddir/tests/serve-load"
size=$((32 << 20))
seconds=${LOAD_SECONDS:-2}
count=${HOSTILE_CONNECTIONS:-500}

"$load" make disk.raw "$size"
qemu-img convert -f raw -O qcow2 disk.raw disk.qcow2
qemu-img bitmap --add disk.qcow2 b0
truncate -s 1M vdc.raw

# state: "DESCRIPTORS THREADS KILOBYTES" of the server.
state ()
{
  echo "$(find "/proc/$serve_pid/fd" -mindepth 1 | wc -l)" \
    "$(awk '/^Threads:/ { print $2 }' "/proc/$serve_pid/status")" \
    "$(awk '/^VmRSS:/ { print $2 }' "/proc/$serve_pid/status")"
}

# is_at_rest: has it the descriptors and threads that it started with?
is_at_rest ()
{
  local now
  read -ra now <<<"$(state)"
  [ "${now[0]} ${now[1]}" = "${start[0]} ${start[1]}" ]
}

# After what it needs once (buffers of the C library, say) memory stays.
check_memory ()
{
  local now
  [ -z "$SANITIZE_PRELOAD" ] || return 0 # which keeps what was freed for a while
  read -ra now <<<"$(state)"
  [ "${now[2]}" -le $(($1 + 8192)) ] ||
    fail "memory has grown from $1 to ${now[2]} KiB"
}

for disk in raw:disk.raw qcow2:disk.qcow2; do
  start_serve s --max-connections 1000 "vda=$disk"
  read -ra start <<<"$(state)"
  seed=${SEED:-$RANDOM}
  echo "SEED=$seed"
  "$load" run s "$size" 200 32 "$seconds" "$seed" &
  pid=$!
  # A stock client among them.
  nbdcopy "$(nbd_uri s)" copy.raw
  cmp disk.raw copy.raw || fail 'a copy under load'
  wait "$pid" || fail "load on $disk"
  wait_for 'the clients to be gone' is_at_rest
  read -ra loaded <<<"$(state)"
  "$load" run s "$size" 200 32 1 "$((seed + 1))"
  wait_for 'the clients to be gone' is_at_rest
  check_memory "${loaded[2]}"
  end_serve s
done

# Hostile ones, with an honest one in between.
start_serve s --max-connections 250 --handshake-timeout 5 "vda=raw:disk.raw"
read -ra start <<<"$(state)"
SOCKET=$dir/s perl "$abs_top_srcdir/tests/serve-hostile.pl" 500
wait_for 'the clients to be gone' is_at_rest
read -ra warm <<<"$(state)"
SOCKET=$dir/s perl "$abs_top_srcdir/tests/serve-hostile.pl" "$count" &
pid=$!
nbdcopy "$(nbd_uri s)" copy.raw
cmp disk.raw copy.raw || fail 'a copy among hostile clients'
wait "$pid" || fail 'hostile clients'
wait_for 'the clients to be gone' is_at_rest
check_memory "${warm[2]}"
nbdcopy "$(nbd_uri s)" copy.raw
cmp disk.raw copy.raw || fail 'a copy after hostile clients'
end_serve s

# Over TCP, to clients who by the rules may read one disk, and see maps of
# another, of which there is one more.
printf '%s\n' 'allow address 127.0.0.1 export vda list read' \
  'allow address 127.0.0.1 export vdb map' >rules
start_serve s --listen tcp:127.0.0.1:0 --access rules --max-connections 250 \
  --handshake-timeout 5 vda=raw:disk.raw vdb=disk.qcow2 vdc=raw:vdc.raw
port=$(port_of s.out)
read -ra start <<<"$(state)"
for name in vda vdb; do
  EXPORT=$name HOST=127.0.0.1 PORT=$port \
    perl "$abs_top_srcdir/tests/serve-hostile.pl" $((count / 2)) &
  pid=$!
  nbdcopy "nbd://127.0.0.1:$port/vda" copy.raw
  cmp disk.raw copy.raw || fail 'a copy among hostile clients over TCP'
  wait "$pid" || fail 'hostile clients over TCP'
  wait_for 'the clients to be gone' is_at_rest
done
for name in vdb vdc; do
  expect_status 1 nbdcopy "nbd://127.0.0.1:$port/$name" none.raw
done
end_serve s
