# SPDX-License-Identifier: LGPL-2.1-or-later
# functions.sh: what the benches share.  Sourced by each of them, which runs
# under ../run:
#
#   . "$abs_top_srcdir/bench/functions.sh"
#
# Everything lies in a folder of its own on tmpfs ($BENCH_DIR, default
# /dev/shm), so that the disk is no part of what is measured.

set -euo pipefail
export LC_ALL=C

dir=$(mktemp -d "${BENCH_DIR:-/dev/shm}/pullback-bench.XXXXXX")
cd "$dir"
_pids=()

_clean_up ()
{
  local status=$? pid
  for pid in "${_pids[@]}"; do
    kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || :
  done
  cd /
  rm -rf "$dir"
  exit "$status"
}
trap _clean_up EXIT
trap 'exit 130' INT TERM

pairs=${PAIRS:-5}

# start SOCKET COMMAND...: run a server until its socket takes connections.
# The process id is left in $server_pid.
start ()
{
  local socket=$1 i
  shift
  rm -f "$socket"
  "$@" >"$socket.log" 2>&1 &
  server_pid=$!
  _pids+=("$server_pid")
  for ((i = 0; i < 300; i++)); do
    nbdinfo --size "nbd+unix:///${bench_export:-}?socket=$dir/$socket" \
      >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  cat "$socket.log" >&2
  echo "bench: did not start: $*" >&2
  exit 1
}

stop ()
{
  kill "$1" && wait "$1" 2>/dev/null || :
}

# seconds COMMAND...: run it, and print the seconds it took.
seconds ()
{
  local begin=$EPOCHREALTIME
  "$@" >/dev/null
  awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.4f\n", b - a }'
}

median ()
{
  sort -n | awk '{ v[NR] = $1 } END {
    print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# What is done before each run, and is not measured: the outputs of the last
# runs go, and memory is used and freed again.  A virtual machine's memory that
# was idle for a while costs its host's page faults, which would be blamed on
# whoever writes first.
outputs=()
prepare ()
{
  rm -f "${outputs[@]}"
  head -c 3G /dev/zero >warm
  rm warm
}

# compare NAME TARGET OURS THEIRS: run the functions OURS and THEIRS in turns,
# after one warm-up of each and with either first in every other pair, and
# print a row of the table: the median seconds of both, and the median of the
# ratios pair by pair.
compare ()
{
  local name=$1 target=$2 ours=$3 theirs=$4 i turn
  for turn in "$ours" "$theirs"; do
    prepare
    "$turn" >/dev/null
  done
  : >ours.txt
  : >theirs.txt
  for ((i = 0; i < pairs; i++)); do
    local order=(ours theirs)
    ((i % 2 == 0)) || order=(theirs ours)
    for turn in "${order[@]}"; do
      prepare
      seconds "${!turn}" >>"$turn.txt"
    done
  done
  local ratio
  ratio=$(paste ours.txt theirs.txt | awk '{ print $1 / $2 }' | median)
  printf '| %s | %.3f s | %.3f s | %.2f | %s | %s |\n' "$name" \
    "$(median <ours.txt)" "$(median <theirs.txt)" "$ratio" "<= $target" \
    "$(awk -v r="$ratio" -v t="$target" \
      'BEGIN { print r <= t ? "met" : sprintf ("missed by %.0f %%", (r / t - 1) * 100) }')"
}

# make_disk: an 8 GiB disk with 2 GiB of random data in it, as disk.raw and
# disk.qcow2.
make_disk ()
{
  local i
  truncate -s 8G disk.raw
  for ((i = 0; i < 8; i++)); do
    dd if=/dev/urandom of=disk.raw bs=1M count=256 seek=$((i * 1024)) \
      conv=notrunc status=none
  done
  qemu-img convert -f raw -O qcow2 -W -m 16 disk.raw disk.qcow2
}

header ()
{
  printf '| %s | ours | peer | ratio | asked | |\n|---|---|---|---|---|---|\n' \
    "$1"
}
