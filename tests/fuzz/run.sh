#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# run.sh SECONDS [ENTRY...]: run each fuzz entry (all of them, or those named:
# qcow2, bitmaps, xml, store, serve, policy) for so long from the corpus.
#
#   ./run bash tests/fuzz/run.sh 60
#
# What is needed is built by clang in build-fuzz/, beside this build and from a
# copy of its sources.  Inputs that led further are kept in
# build-fuzz/corpus/ENTRY for the next run; one that fails stays in
# build-fuzz/ and is named.  Ends with a summary as that of "make check".

set -euo pipefail

if [ $# -lt 1 ] || ! [ "$1" -gt 0 ] 2>/dev/null; then
  echo 'usage: ./run bash tests/fuzz/run.sh SECONDS [ENTRY...]' >&2
  exit 2
fi
seconds=$1
shift
entries=("$@")
[ $# -gt 0 ] || entries=(qcow2 bitmaps xml store serve policy)

cd "$abs_top_builddir"
make --no-print-directory distdir >/dev/null
mkdir -p build-fuzz/build
rm -rf build-fuzz/source
mv pullback-[0-9]*[0-9]/ build-fuzz/source
cd build-fuzz
if [ ! -f build/config.status ]; then
  (cd build && ../source/configure --quiet --enable-werror --enable-fuzzers \
     CC=clang CFLAGS='-g -O1')
fi
make --no-print-directory -s -C build/lib libpullback-internal.la
make --no-print-directory -s -C build/server libserver.la
for entry in "${entries[@]}"; do
  make --no-print-directory -s -C build/tests "fuzz/fuzz-$entry"
done

# Each entry keeps one core busy, so they run side by side.  A shell's
# background jobs ignore the terminal's interrupt: whatever ends this ends them.
trap 'kill $(jobs -p) 2>/dev/null || :' EXIT
declare -A pids
for entry in "${entries[@]}"; do
  mkdir -p "corpus/$entry"
  "build/tests/fuzz/fuzz-$entry" -max_total_time="$seconds" \
    -max_len=65536 -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$entry-" "corpus/$entry" \
    "$abs_top_srcdir/tests/fuzz/corpus/$entry" >"$entry.log" 2>&1 &
  pids[$entry]=$!
done

passed=0 failed=0
for entry in "${entries[@]}"; do
  echo "fuzz-$entry: $seconds s"
  if wait "${pids[$entry]}"; then
    grep -E 'number_of_executed_units|average_exec' "$entry.log"
    echo "PASS: fuzz-$entry"
    passed=$((passed + 1))
  else
    tail -60 "$entry.log"
    echo "FAIL: fuzz-$entry (its input and messages are in build-fuzz/)"
    failed=$((failed + 1))
  fi
done
echo "# PASS:  $passed"
echo "# FAIL:  $failed"
[ "$failed" -eq 0 ]
