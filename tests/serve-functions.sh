# SPDX-License-Identifier: LGPL-2.1-or-later
# serve-functions.sh: backup-serve in tests.  Sourced after functions.sh.

# start_serve SOCKET ARGS...: backup-serve on a unix socket in $dir.  Its process
# id is left in $serve_pid, what it says in SOCKET.log.
start_serve ()
{
  local socket=$1 i
  shift
  rm -f "$socket.pid"
  backup-serve --listen "unix:$dir/$socket" --pid-file "$socket.pid" "$@" \
    >"$socket.out" 2>"$socket.log" &
  serve_pid=$!
  cleanup_fn kill_and_wait "$serve_pid"
  for ((i = 0; i < 600; i++)); do
    [ -s "$socket.pid" ] && [ -s "$socket.out" ] && return 0
    kill -0 "$serve_pid" 2>/dev/null || break
    sleep 0.05
  done
  cat "$socket.log" >&2
  fail "backup-serve did not start: $*"
}

# end_serve SOCKET: it must end in order, without a word of a sanitizer.
end_serve ()
{
  local status=0
  kill "$serve_pid"
  wait "$serve_pid" || status=$?
  [ "$status" -eq 0 ] || { cat "$1.log" >&2; fail "backup-serve: status $status"; }
  [ ! -e "$1" ] || fail "$1 is left behind"
}

# expect_log FILE TEXT: the log has it, or soon: a client may know how things
# ended before the server has written that.
expect_log ()
{
  local i
  for ((i = 0; i < 600; i++)); do
    ! grep -qF -- "$2" "$1" || return 0
    sleep 0.05
  done
  expect_text "$1" "$2"
}

# port_of FILE: where the server listens that has printed that; nothing where it
# does not listen on TCP.
port_of ()
{
  sed -n -E 's,^nbds?://.*:([0-9]*)/$,\1,p' "$1"
}

# context_map CONTEXT URI: lines "OFFSET LENGTH FLAGS", neighbours merged.
context_map ()
{
  nbdinfo --map="$1" --json "$2" |
    jq -r '.[] | "\(.offset) \(.length) \(.type)"' | _merge_map type
}

# same_map CONTEXT THEIR-URI URI: both must say the same.  What they say is left
# in the files want and got.
same_map ()
{
  context_map "$1" "$2" >want
  context_map "$1" "$3" >got
  [ -s want ] || fail "$2 has no map of $1"
  diff want got || fail "$1 of $3 is not what $2 (<) says"
}

# make_disks: base.qcow2 <- a.qcow2 with bitmaps of several kinds, and c.raw.
make_disks ()
{
  qemu-img create -q -f qcow2 base.qcow2 48M
  qemu-io -c 'write -P 1 0 4M' -c 'write -z 2M 1M' -c 'write -P 2 40M 8M' \
    base.qcow2 >/dev/null
  qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 a.qcow2 64M
  qemu-img bitmap --add a.qcow2 b0
  qemu-img bitmap --add -g 4k a.qcow2 fine
  qemu-io -c 'write -P 3 1M 192k' -c 'write -z 8M 1M' -c 'write -P 4 63M 1M' \
    -c 'write -c -P 5 20M 128k' -c 'discard 40M 1M' \
    -c 'write -P 6 47M 4k' a.qcow2 >/dev/null
  qemu-img bitmap --add -g 1M a.qcow2 later
  qemu-io -c 'write -P 7 30016k 64k' a.qcow2 >/dev/null
  qemu-img bitmap --add a.qcow2 clean
  # QEMU exports only bitmaps that do not record.
  local bitmap
  for bitmap in b0 fine later clean; do
    qemu-img bitmap --disable a.qcow2 "$bitmap"
  done
  truncate -s 16M c.raw
  qemu-io -f raw -c 'write -P 8 1M 1M' -c 'write -P 9 9M 64k' c.raw >/dev/null
}
