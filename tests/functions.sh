# SPDX-License-Identifier: LGPL-2.1-or-later
# functions.sh: what the shell tests share.  Sourced by each of them:
#
#   . "$abs_top_srcdir/tests/functions.sh"
#
# It stops the test at the first failing command, gives it an empty folder
# ($dir, the current one, removed when it ends), and undoes what cleanup_fn
# was told, last first.

set -euo pipefail
export LC_ALL=C

test_name=$(basename "$0" .sh)
dir=$(mktemp -d "${TMPDIR:-/tmp}/pullback-$test_name.XXXXXX")
cd "$dir"
export PULLBACK_TEST=$dir # by which the processes of this test are known

_cleanups=()
# cleanup_fn COMMAND ARGS...: run it when the test ends, however it ends.
cleanup_fn ()
{
  _cleanups+=("$(printf '%q ' "$@")")
}

_run_cleanups ()
{
  local status=$? i
  trap '' INT TERM
  set +e
  for ((i = ${#_cleanups[@]} - 1; i >= 0; i--)); do
    eval "${_cleanups[i]}"
  done
  cd /
  if [ "$status" -ne 0 ] && [ "$status" -ne 77 ] && [ -n "${KEEP_TEST_DIR:-}" ]
  then
    echo "$test_name: kept $dir" >&2
  else
    rm -rf "$dir"
  fi
  exit "$status"
}
trap _run_cleanups EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# fail MESSAGE: this test has found a defect.
fail ()
{
  echo "$test_name: FAILED: $*" >&2
  exit 1
}

# requires COMMAND...: skip the test unless the command succeeds.
requires ()
{
  if ! "$@" >/dev/null 2>&1; then
    echo "$test_name: skipped because this failed: $*" >&2
    exit 77
  fi
}

# expect_status N COMMAND...: COMMAND must exit with N.  Its standard output
# and error are left in the files out and err.
expect_status ()
{
  local want=$1 got=0
  shift
  "$@" >out 2>err || got=$?
  if [ "$got" -ne "$want" ]; then
    cat out err >&2
    fail "exit status $got instead of $want: $*"
  fi
}

# expect_text FILE TEXT: FILE must contain TEXT literally.
expect_text ()
{
  grep -qF -- "$2" "$1" || { cat "$1" >&2; fail "$1 does not say: $2"; }
}

# wait_for DESCRIPTION COMMAND...: until COMMAND succeeds, for 30 s at most.
wait_for ()
{
  local what=$1 i
  shift
  for ((i = 0; i < 300; i++)); do
    if "$@" >/dev/null 2>&1; then
      return 0
    fi
    sleep 0.1
  done
  fail "waited too long for $what"
}

# kill_and_wait PID: end a process that this test started.  Another may have its
# number by now, where it ended long ago.
kill_and_wait ()
{
  local i
  grep -qsx "PPid:	$$" "/proc/$1/status" ||
    grep -qsxz "PULLBACK_TEST=$dir" "/proc/$1/environ" || return 0
  kill "$1" 2>/dev/null || return 0
  for ((i = 0; i < 600; i++)); do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.05
  done
  kill -KILL "$1" 2>/dev/null || :
  wait "$1" 2>/dev/null || :
}

# free_port: a TCP port that nobody has, for servers that cannot choose one
# themselves.  The kernel gives clients none of these.
free_port ()
{
  perl -MIO::Socket::INET -e '
    for (1 .. 100) {
      my $port = 20000 + int rand 10000;
      IO::Socket::INET->new (LocalPort => $port, Listen => 1) or next;
      print $port;
      exit 0;
    }
    exit 1'
}

# start_guest IMAGE: qemu-io has it open, and locked, as QEMU does with the disk
# of a machine, until it is killed or ${guest[1]}, its standard input, is closed.
# Its process id is left in $guest_pid, since $guest_PID is unset when it ends.
start_guest ()
{
  coproc guest { exec qemu-io -f qcow2 "$1"; }
  # shellcheck disable=SC2154 # coproc sets it
  guest_pid=$guest_PID
  cleanup_fn kill_and_wait "$guest_pid"
  guest_does length
}

# guest_does COMMAND: have qemu-io do it, and wait until that is done.
guest_does ()
{
  local line
  echo "$1" >&"${guest[1]}"
  read -r -t 30 line <&"${guest[0]}" || fail "qemu-io does not answer: $1"
}

# start_nbdkit SOCKET PLUGIN-ARGS...: stock nbdkit on a unix socket.  Its
# process id is left in $nbdkit_pid, its messages in SOCKET.log.  Arguments
# before the plugin (filters, TLS) are taken from the array nbdkit_options.
nbdkit_options=()
start_nbdkit ()
{
  local socket=$1
  shift
  rm -f "$socket" "$socket.pid"
  LD_PRELOAD="${SANITIZE_PRELOAD:-}" ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" \
    nbdkit -f -U "$socket" -P "$socket.pid" "${nbdkit_options[@]}" "$@" \
    >"$socket.log" 2>&1 &
  nbdkit_pid=$!
  cleanup_fn kill_and_wait "$nbdkit_pid"
  local i
  for ((i = 0; i < 600; i++)); do
    [ -s "$socket.pid" ] && return 0
    kill -0 "$nbdkit_pid" 2>/dev/null || break
    sleep 0.05
  done
  cat "$socket.log" >&2
  fail "nbdkit did not start: $*"
}

# start_nbdkit_tcp PLUGIN-ARGS...: the same on a TCP port of the loopback
# interface, which is left in $tcp_port; its messages are in tcp.log.
start_nbdkit_tcp ()
{
  tcp_port=$(free_port) || fail 'no port is free'
  rm -f tcp.pid
  LD_PRELOAD="${SANITIZE_PRELOAD:-}" ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" \
    nbdkit -f -i 127.0.0.1 -p "$tcp_port" -P tcp.pid "${nbdkit_options[@]}" \
    "$@" >tcp.log 2>&1 &
  nbdkit_pid=$!
  cleanup_fn kill_and_wait "$nbdkit_pid"
  wait_for "nbdkit on port $tcp_port" test -s tcp.pid
}

# run_nbdkit ARGS...: nbdkit until it ends, where it is expected to do so soon.
run_nbdkit ()
{
  timeout -k 5 120 env LD_PRELOAD="${SANITIZE_PRELOAD:-}" \
    ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" nbdkit "$@"
}

# use_plain_nbdkit: for commands that are shown to people and call nbdkit as it
# is.  In a build with sanitizers it needs them loaded first, which is nothing
# that these should show.
use_plain_nbdkit ()
{
  [ -n "${SANITIZE_PRELOAD:-}" ] || return 0
  mkdir "$dir/bin"
  cat >"$dir/bin/nbdkit" <<END
#!/bin/sh
LD_PRELOAD='$SANITIZE_PRELOAD' ASAN_OPTIONS='$ASAN_OPTIONS:detect_leaks=0' \\
  exec $(command -v nbdkit) "\$@"
END
  chmod +x "$dir/bin/nbdkit"
  PATH=$dir/bin:$PATH
}

# serve SOCKET ARGS...: nbdkit with our plugin.
serve ()
{
  local socket=$1
  shift
  start_nbdkit "$socket" "$PULLBACK_PLUGIN" "$@"
}

# stop_server PID: end it and wait until its socket and locks are gone.
stop_server ()
{
  kill_and_wait "$1"
}

# start_qemu_nbd SOCKET ARGS...: qemu-nbd on a unix socket; the process id is
# left in $qemu_nbd_pid.
start_qemu_nbd ()
{
  local socket=$1
  shift
  rm -f "$socket" "$socket.pid"
  qemu-nbd -t -k "$dir/$socket" --pid-file="$dir/$socket.pid" "$@" \
    >"$socket.log" 2>&1 &
  qemu_nbd_pid=$!
  cleanup_fn kill_and_wait "$qemu_nbd_pid"
  local i
  for ((i = 0; i < 600; i++)); do
    [ -s "$socket.pid" ] && return 0
    kill -0 "$qemu_nbd_pid" 2>/dev/null || break
    sleep 0.05
  done
  cat "$socket.log" >&2
  fail "qemu-nbd did not start: $*"
}

# nbd_uri SOCKET [EXPORT]: the URI of an export on a unix socket in $dir.
nbd_uri ()
{
  echo "nbd+unix:///${2:-}?socket=$dir/$1"
}

# zero_map URI and dirty_map URI [BITMAP]: what a server tells of a disk, as
# lines "OFFSET LENGTH FLAG", neighbours merged, so that two servers can be
# compared with cmp.  FLAG says whether the bytes are zero, or dirty: by QEMU's
# metadata context of that BITMAP, else as the allocation of a map's export.
_merge_map ()
{
  awk -v kind="$1" '
    function flush() { if (sum > 0) print start, sum, last }
    {
      flag = kind == "zero" ? int($3 / 2) % 2 : kind == "clean" ? 1 - $3 : $3
      if (sum == 0 || flag != last) {
        flush()
        start = $1; sum = 0; last = flag
      }
      sum += $2
    }
    END { flush() }'
}
zero_map ()
{
  nbdinfo --map "$1" | _merge_map zero
}
dirty_map ()
{
  if [ $# -gt 1 ]; then
    nbdinfo --map="qemu:dirty-bitmap:$2" "$1" | _merge_map dirty
  else
    nbdinfo --map "$1" | _merge_map clean
  fi
}
