#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup-serve with the disks of a domain, whose checkpoints are dirty maps, and
# as a service that is started with its sockets.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"

requires nbdinfo --version
requires jq --version

qemu-img create -q -f qcow2 vda.qcow2 8M
qemu-img create -q -f qcow2 vdb.qcow2 4M
domain=disks:vda=vda.qcow2,vdb=vdb.qcow2
checkpoint ()
{
  backup-checkpoint -q -c "$domain" --state state "$@"
}
qemu-io -c 'write -P 1 0 8M' vda.qcow2 >/dev/null
start_serve s -c "$domain" --state state
backup-pull -q "$(nbd_uri s vda)" full.qcow2
end_serve s
checkpoint create-as cp1
qemu-io -c 'write -P 2 1M 128k' vda.qcow2 >/dev/null
checkpoint create-as cp2
qemu-io -c 'write -P 3 4M 64k' -c 'write -z 2M 64k' vda.qcow2 >/dev/null
start_serve s --connect "$domain" --state state
nbdinfo --list --json "$(nbd_uri s)" | jq -r '.exports[] |
  "\(."export-name") \(."contexts" | map (select (startswith ("qemu:dirty"))) | sort | join (" "))"' >contexts
cat >want <<'END'
vda qemu:dirty-bitmap:cp1 qemu:dirty-bitmap:cp2 qemu:dirty-bitmap:since:cp1 qemu:dirty-bitmap:since:cp2
vdb qemu:dirty-bitmap:cp1 qemu:dirty-bitmap:cp2 qemu:dirty-bitmap:since:cp1 qemu:dirty-bitmap:since:cp2
END
diff want contexts || fail 'contexts'
since ()
{
  dirty_map "$(nbd_uri s vda)" "since:$1"
}
since cp2 >map
printf '%s\n' '0 2097152 0' '2097152 65536 1' '2162688 2031616 0' \
  '4194304 65536 1' '4259840 4128768 0' | diff - map || fail 'since:cp2'
since cp1 >map
printf '%s\n' '0 1048576 0' '1048576 131072 1' '1179648 917504 0' \
  '2097152 65536 1' '2162688 2031616 0' '4194304 65536 1' \
  '4259840 4128768 0' | diff - map || fail 'since:cp1'
backup-pull -q --since cp1 --backing full.qcow2 "$(nbd_uri s vda)" inc.qcow2
qemu-img compare -q vda.qcow2 inc.qcow2 || fail 'an increment since cp1'
end_serve s
# Rules are about maps since checkpoints as about others.
echo "allow user $(id -u) export vda list map=since:*" >rules
start_serve s -c "$domain" --state state --access rules
nbdinfo --json "$(nbd_uri s vda)" | jq -r '.exports[].contexts | sort | join (" ")' \
  >contexts
echo base:allocation qemu:allocation-depth qemu:dirty-bitmap:since:cp1 \
  qemu:dirty-bitmap:since:cp2 | diff - contexts || fail 'contexts by a rule'
end_serve s

# Usage.
wrong ()
{
  expect_status "$1" backup-serve "${@:3}"
  expect_text err "$2"
}
wrong 2 'one argument too many' -c "$domain" --state state vda=vda.qcow2
wrong 2 '--state is for --connect' --state state vda=vda.qcow2
wrong 1 'say which folder it is (--state FOLDER)' -c "$domain"
wrong 1 'nowhere' -c nowhere:x --state state
wrong 1 'none.qcow2' -c disks:vda=none.qcow2 --state state2

# Started with its sockets: they are not removed, nor private ones made; whoever
# started it is told.
export SOCKET=$dir/a
activate=(perl "$abs_top_srcdir/tests/serve-activate.pl" backup-serve)
"${activate[@]}" --insecure vda=vda.qcow2 >a.out 2>a.log &
pid=$!
cleanup_fn kill_and_wait "$pid"
wait_for 'the service to be ready' grep -q READY=1 a.out
grep -qxF "nbd+unix:///?socket=$dir/a" a.out || fail 'its unix socket'
uri=$(sed -n '/^nbd:/p' a.out)
[ "$(nbdinfo --size "$uri")" = 8388608 ] || fail 'its TCP socket'
[ "$(nbdinfo --size "$(nbd_uri a vda)")" = 8388608 ] || fail 'its unix socket'
[ "$(grep -c '^nbd' a.out)" -eq 2 ] || fail 'other sockets than its own'
kill "$pid"
wait "$pid" || { cat a.log >&2; fail 'the service did not end in order'; }
expect_text a.out STOPPING=1
[ -S a ] || fail 'a socket of others was removed'
rm -f a a.notify
NR_FDS=x expect_status 1 "${activate[@]}" vda=vda.qcow2
expect_text err "'x' is no number"
rm -f a a.notify
NR_FDS=9 expect_status 1 "${activate[@]}" vda=vda.qcow2
expect_text err 'LISTEN_FDS: descriptor'
rm -f a a.notify
expect_status 1 "${activate[@]}" vda=vda.qcow2 # TCP, and nobody is known
expect_text err '--insecure'

# The example units name options that there are.
grep -oE -- '--[a-z-]+' "$abs_top_srcdir"/docs/examples/systemd/* |
  sed 's/.*://' | sort -u >named
backup-serve --help | grep -oE -- '--[a-z-]+' | sort -u | comm -23 named - >unknown
[ ! -s unknown ] || { cat unknown >&2; fail 'unknown options in the units'; }
