# SPDX-License-Identifier: LGPL-2.1-or-later
# test-fault-kill.sh: backup-pull is killed (SIGKILL) at 50 random moments.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/fault-functions.sh"

RANDOM=${SEED:-$$}
echo "SEED=${SEED:-$$}"
PATH="$abs_top_builddir/client/.libs:$PATH" # no wrapper that is killed instead
fault_disk 4
uri="nbd+unix:///?socket=$dir/disk.sock"

# pull_and_kill ARGS: runs backup-pull and kills it at a random moment, up to half
# as late again as it usually takes.  Its exit status is left in $status, and
# when it was killed in $moment.
pull_and_kill ()
{
  backup-pull -q --request-size 64k "${level_options[@]}" "$@" "$uri" \
    out.qcow2 >out 2>err &
  local pid=$!
  moment=$((RANDOM * 32768 % (3 * usual / 2)))
  sleep "$(printf '%d.%06d' $((moment / 1000000)) $((moment % 1000000)))"
  kill -KILL $pid 2>/dev/null || :
  status=0
  wait $pid 2>/dev/null || status=$?
}

microseconds () { echo "${EPOCHREALTIME/./}"; }

start_server ()
{
  if [ $1 = qemu ]; then
    start_qemu_nbd disk.sock -r -e 8 -B b0 -f qcow2 disk.qcow2
    pid=$qemu_nbd_pid
  else
    serve "$dir/disk.sock" disk.qcow2
    pid=$nbdkit_pid
  fi
}

killed=0
for server in qemu plugin; do
  start_server $server
  level_options=()
  # The quickest of a few: the first may have waited for other work.
  usual=
  for i in 1 2 3 4; do
    start=$(microseconds)
    backup-pull -q --request-size 64k "$uri" out.qcow2
    took=$(($(microseconds) - start))
    [ -n "$usual" ] && [ "$usual" -le "$took" ] || usual=$took
    rm out.qcow2
  done

  for ((i = 0; i < 25; i++)); do
    # nbdkit 1.32 aborts when a client vanishes before it has read its replies.
    kill -0 "$pid" 2>/dev/null || start_server $server
    if ((i % 2)); then set_level full; else set_level increment; fi
    if ((i % 3 == 0)); then
      # An output that is there stays as it is until the new one is finished.
      qemu-img create -q -f qcow2 out.qcow2 1M
      cp out.qcow2 old.qcow2
      pull_and_kill --force
      if cmp -s out.qcow2 old.qcow2; then
        mv out.qcow2 old.qcow2
        expect_killed out.qcow2
      else
        expect_right out.qcow2
      fi
    else
      pull_and_kill
      if [ -e out.qcow2 ]; then
        expect_right out.qcow2
      else
        expect_killed out.qcow2
      fi
    fi
    case $status in
    0)
      expect_right out.qcow2
      # Those before may all have waited for other work.
      ((moment >= usual)) || usual=$((moment > 1000 ? moment : 1000))
      ;;
    137) killed=$((killed + 1)) ;;
    *) # the server has died of the last one that was killed
       [ $server = plugin ] || fail "exit status $status: $(cat err)" ;;
    esac
    rm -f out.qcow2
  done
  stop_server "$pid"
  start_server $server
  expect_rerun "$uri" out.qcow2 "${level_options[@]}"
  rm out.qcow2
  stop_server "$pid"
done
echo "killed $killed of 50 before they were done"
((killed >= 10)) || fail "only $killed of 50 were killed in time"
