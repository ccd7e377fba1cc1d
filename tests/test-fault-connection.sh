# SPDX-License-Identifier: LGPL-2.1-or-later
# test-fault-connection.sh: connections that are cut at random bytes, servers
# that are killed, refuse connections, or stand still.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/fault-functions.sh"

requires perl -MIO::Select -e 1
RANDOM=${SEED:-$$}
echo "SEED=${SEED:-$$}"
fault_disk 2

start_plugin ()
{
  serve "$dir/disk.sock" disk=vda=disk.qcow2
  pid=$nbdkit_pid
}

start_qemu ()
{
  start_qemu_nbd disk.sock -r -e 8 -B b0 -f qcow2 disk.qcow2
  pid=$qemu_nbd_pid
}

# nbdkit 1.32 aborts when a client goes away before it has read its replies, and
# that may be a moment later.
fresh_server ()
{
  if [ $server = plugin ]; then
    kill -KILL "$pid" 2>/dev/null || :
    wait "$pid" 2>/dev/null || :
    start_plugin
  fi
}

# start_proxy cut|stall BYTES: in front of disk.sock.
start_proxy ()
{
  rm -f proxy.sock
  perl "$abs_top_srcdir/tests/cut-proxy.pl" "$@" proxy.sock disk.sock &
  proxy_pid=$!
  cleanup_fn kill_and_wait "$proxy_pid"
  local i
  for ((i = 0; i < 1000; i++)); do
    [ ! -S proxy.sock ] || return 0
    sleep 0.02
  done
  fail "the proxy did not start"
}

# One that has cut has ended already.
stop_proxy ()
{
  kill "$proxy_pid" 2>/dev/null || :
  wait "$proxy_pid" 2>/dev/null || :
}

for server in plugin qemu; do
  export=
  [ $server = qemu ] || export=vda
  uri="nbd+unix:///$export?socket=$dir/disk.sock"
  proxy_uri="nbd+unix:///$export?socket=$dir/proxy.sock"
  start_$server

  # Cut: while connecting, mapping or copying, and also not at all.
  for level in full increment; do
    set_level $level
    failed=0
    for bytes in 1 100 $((RANDOM % 400)) $((RANDOM % 2000)) \
      $((RANDOM * 10)) $((RANDOM * 50)) $((RANDOM * 50)) 999999999; do
      rm -f out.qcow2
      fresh_server
      start_proxy cut $bytes
      status=0
      backup-pull -q "${level_options[@]}" "$proxy_uri" out.qcow2 \
        >out 2>err || status=$?
      stop_proxy
      case $status in
      0) expect_right out.qcow2 ;;
      1) failed=$((failed + 1))
         expect_text err "$proxy_uri"
         expect_unfinished out.qcow2 ;;
      *) fail "$server, $level, cut at $bytes: exit status $status" ;;
      esac
    done
    [ $status -eq 0 ] || fail "a pull through the proxy failed: $(cat err)"
    [ $failed -ge 2 ] || fail "no cut has hit"
    rm out.qcow2
  done

  # Stand still: for ever, so it takes a signal to end it, at any stage.
  for bytes in 0 10 300 1200 300000; do
    fresh_server
    start_proxy stall $bytes
    backup-pull -q "$proxy_uri" out.qcow2 >out 2>err &
    pull_pid=$!
    sleep 0.3
    kill -0 $pull_pid || fail "did not wait: $(cat err)"
    kill -TERM $pull_pid
    status=0
    wait $pull_pid || status=$?
    [ $status -eq 143 ] || fail "stalled at $bytes: exit status $status"
    expect_unfinished out.qcow2
    stop_proxy
  done

  # Killed.
  fresh_server
  for level in full increment; do
    set_level $level
    rm -f out.qcow2 out.qcow2.partial
    backup-pull -q --rate-limit 128k --request-size 64k "${level_options[@]}" \
      "$uri" out.qcow2 >out 2>err &
    pull_pid=$!
    wait_for "the pull to write" test -s out.qcow2.partial
    sleep 0.$((RANDOM % 5))
    kill -KILL "$pid"
    status=0
    wait $pull_pid || status=$?
    [ $status -eq 1 ] || fail "$server was killed: exit status $status"
    expect_text err "$uri"
    expect_unfinished out.qcow2
    wait "$pid" || :
    start_$server
    expect_rerun "$uri" out.qcow2 "${level_options[@]}"
    rm out.qcow2
  done
  stop_server "$pid"
done

# A server that takes fewer connections than it says is pulled from over those.
nbdkit_options=(--filter=limit)
serve "$dir/disk.sock" disk=vda=disk.qcow2 limit=2
backup-pull -q -C 4 "nbd+unix:///vda?socket=$dir/disk.sock" out.qcow2
expect_right out.qcow2
