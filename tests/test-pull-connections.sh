# SPDX-License-Identifier: LGPL-2.1-or-later
# test-pull-connections.sh: servers that take fewer connections than are wanted,
# because they have others, or let one more wait for ever.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"

qemu-img create -q -f qcow2 disk.qcow2 32M
qemu-io -c 'write -P 1 0 20M' disk.qcow2 >/dev/null
qemu-img convert -O qcow2 disk.qcow2 old.qcow2
qemu-img bitmap --add disk.qcow2 b0
qemu-io -c 'write -P 2 3M 5M' -c 'write -z 12M 1M' disk.qcow2 >/dev/null
cp disk.qcow2 serve.qcow2
qemu-img bitmap --disable disk.qcow2 b0 # QEMU exports it so only

# pulls URI TEXT ARGS...: a full backup and an increment are right, and -v has
# said TEXT, or nothing of connections where that is empty.
pulls ()
{
  local uri=$1 text=$2
  shift 2
  rm -f full.qcow2 inc.qcow2
  timeout 120 backup-pull -v "$@" "$uri" full.qcow2 2>err ||
    { cat err >&2; fail "$uri: $*"; }
  if [ -n "$text" ]; then
    expect_text err "$text"
  else
    ! grep -q 'no further connection' err || { cat err >&2; fail "$uri: $*"; }
  fi
  timeout 120 backup-pull -q --bitmap b0 --backing old.qcow2 "$@" "$uri" \
    inc.qcow2 || fail "$uri: $*: an increment"
  qemu-img compare -q disk.qcow2 full.qcow2 || fail "$uri: $*: full"
  qemu-img compare -q disk.qcow2 inc.qcow2 || fail "$uri: $*: increment"
}
few='there is no further connection than'

# qemu-nbd lets those that are too many wait until others leave.
start_qemu_nbd q -r -e 2 -x vda -B b0 -f qcow2 disk.qcow2
pulls "$(nbd_uri q vda)" "$few 2 for data: " -C 4
expect_text err 'the server has not answered for 5 seconds'
pulls "$(nbd_uri q vda)" '' -C 1
kill_and_wait "$qemu_nbd_pid"
start_qemu_nbd q -r -e 3 -x vda -B b0 -f qcow2 disk.qcow2
pulls "$(nbd_uri q vda)" '' -C 2
kill_and_wait "$qemu_nbd_pid"

# Others close them.
for max in 2 3 5; do
  start_serve s --max-connections "$max" vda=serve.qcow2
  if [ "$max" -lt 5 ]; then
    pulls "$(nbd_uri s vda)" "$few $max for data: " -C 4
  else
    # Those of the pull before may still be on their way out.
    pulls "$(nbd_uri s vda)" '' -C 4
  fi
  end_serve s
done
nbdkit_options=(--filter=limit)
serve n disk=vda=serve.qcow2 limit=2
backup-pull -q -C 4 "$(nbd_uri n vda)" limit.qcow2
qemu-img compare -q disk.qcow2 limit.qcow2 || fail 'nbdkit with a limit'
