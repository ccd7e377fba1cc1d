#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Names on backup-serve's command line that are those of something else: nothing
# is lost by that, and the message says what is wrong.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"

requires nbdinfo --version

qemu-img create -q -f qcow2 a.qcow2 4M
qemu-io -c 'write -P 1 0 1M' a.qcow2 >/dev/null
cp a.qcow2 precious.qcow2

# refused STATUS TEXT ARGS...
refused ()
{
  expect_status "$1" backup-serve "${@:3}" --run true
  expect_text err "$2"
  [ "$(grep -vc '^Try ' err)" -eq 1 ] || { cat err >&2; fail "more than one line: $*"; }
}

# A pid file in the place of a disk, a folder, a device, a link.
mkdir folder
ln -s precious.qcow2 link
places=(precious.qcow2 a.qcow2 folder link)
if mknod device c 1 3 2>/dev/null; then
  places+=(device)
fi
ls -ld "${places[@]}" >before
for place in "${places[@]}"; do
  refused 1 "--pid-file $place: is there already, and is no pid file" \
    --pid-file "$place" vda=a.qcow2
done
ls -ld "${places[@]}" | diff before - || fail 'something was replaced'
cmp a.qcow2 precious.qcow2 || fail 'a disk was changed'
# One that was left behind is replaced; another server's is not removed.
echo 4194303 >pid
backup-serve --pid-file pid vda=a.qcow2 --run 'cat pid' >out
grep -qxE '[0-9]+' out && ! grep -qx 4194303 out || fail "pid file: $(cat out)"
[ ! -e pid ] || fail 'the pid file is left behind'
backup-serve --pid-file pid vda=a.qcow2 --run 'echo 4194303 >pid'
[ "$(cat pid)" = 4194303 ] || fail "another server's pid file is removed"
[ -z "$(ls pid.* 2>/dev/null)" ] || fail 'a file is left behind'

# Sockets.
refused 1 'bind: File exists' --listen unix:precious.qcow2 vda=a.qcow2
refused 1 'bind: File exists' --listen unix:folder vda=a.qcow2
cmp a.qcow2 precious.qcow2 || fail 'a disk was changed'
refused 1 "'10810' is no host; a port of all addresses is written tcp::PORT" \
  --insecure --listen tcp:10810 vda=a.qcow2
# The address that is told is good in any folder.
# shellcheck disable=SC2016 # the variable is the command's
expect_status 0 backup-serve --listen unix:s vda=a.qcow2 \
  --run 'cd / && nbdinfo --size "$uri"'
expect_text out 4194304

# Files of rules and keys that nobody writes to: a signal ends the waiting.
mkfifo pipe
for option in --access --tls-psk; do
  backup-serve "$option" pipe vda=a.qcow2 --run true >out 2>err &
  pid=$!
  cleanup_fn kill_and_wait "$pid"
  sleep 0.5
  kill "$pid"
  wait_for "the end of $option" bash -c "! kill -0 $pid"
done
# One that somebody has written to is read once.
echo "allow user $(id -u) export vda read" >pipe &
start_serve s --access pipe vda=a.qcow2
kill -HUP "$serve_pid"
expect_log s.log 'stay as they were: pipe: is no regular file, and is read once'
[ "$(nbdinfo --size "$(nbd_uri s vda)")" = 4194304 ] || fail 'rules of a pipe'
end_serve s
echo 'allow foo' >rules
refused 1 "rules: line 1: 'foo' is none of" --access rules vda=a.qcow2

# Names that NBD has no room for; the longest has.
long=$(head -c 4097 /dev/zero | tr '\0' x)
refused 1 'NBD has names of 4096 bytes at most' "$long=a.qcow2"
qemu-img bitmap --add --disable a.qcow2 b0
start_serve s "${long:1}=a.qcow2"
[ "$(nbdinfo --list --json "$(nbd_uri s)" | jq -r '.exports[]."export-name"')" \
  = "${long:1}" ] || fail 'the longest name'
# Which says nevertheless that a map is disabled.
expect_status 1 backup-pull --bitmap b0 --backing precious.qcow2 "$(nbd_uri s)" \
  inc.qcow2
expect_text err "is disabled"
end_serve s

# A domain: what is not served of it, and checkpoints that are not found.
cat >vm.xml <<END
<domain><name>vm</name><devices>
  <disk device='disk'><driver type='qcow2'/><source file='$dir/a.qcow2'/>
    <target dev='vda'/></disk>
  <disk type='network'><source protocol='rbd' name='pool/vm'/>
    <target dev='vdb'/></disk>
  <disk device='cdrom'><target dev='sda'/></disk>
</devices></domain>
END
start_serve s -c xml:vm.xml --state nowhere
expect_text s.log "disk vdb: its type is 'network', and only"
expect_text s.log 'disk sda: is an empty drive; it is not served'
expect_text s.log '--state nowhere: No such file or directory, so there are no'
[ "$(nbdinfo --list --json "$(nbd_uri s)" | jq -r '.exports[]."export-name"')" \
  = vda ] || fail 'the disk that is served'
end_serve s
