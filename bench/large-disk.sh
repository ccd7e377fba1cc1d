# SPDX-License-Identifier: LGPL-2.1-or-later
# large-disk.sh: an increment of a 16 TiB disk with a million dirty extents:
# how much memory backup-pull takes, and how soon it reads.

. "$abs_top_srcdir/bench/functions.sh"

# Every 16 MiB something has changed, mostly to zeroes; one in a thousand is
# data.  Large clusters keep the metadata of this disk small; those of the
# output are of the usual 64 KiB.
qemu-img create -q -f qcow2 -o cluster_size=2M disk.qcow2 16T
qemu-img create -q -f qcow2 full.qcow2 16T
qemu-img bitmap --add -g 64k disk.qcow2 b0
perl -e 'for my $i (0 .. 999_999) {
  printf "%s %dM 64k\n", $i % 1000 ? "write -q -z" : "write -q -P 7", $i * 16
}' | qemu-io disk.qcow2 >/dev/null

bench_export=vda start disk.sock nbdkit -f -U "$dir/disk.sock" --filter=log \
  "$PULLBACK_PLUGIN" disk=vda=disk.qcow2 logfile="$dir/log"
: >log
/usr/bin/time -f '%M %e' -o usage.txt \
  "$abs_top_builddir/run" backup-pull --json --bitmap b0 \
  --backing full.qcow2 "nbd+unix:///vda?socket=$dir/disk.sock" inc.qcow2 \
  >report.json
qemu-img check -q inc.qcow2
extents=$(jq '."dirty-extents" + ."dirty-zero-extents"' report.json)
[ "$extents" -eq 1000000 ] || { echo "bench: $extents extents" >&2; exit 1; }

# The log's times have microseconds.
first_read=$(awk '
  function when(text, p) { split(text, p, ":")
    return p[1] * 3600 + p[2] * 60 + p[3] }
  / Connect / && !c { c = when($2) }
  / Read / && !r { r = when($2); printf "%.1f", (r - c) * 1000 }' log)

printf '| %s | measured | asked | |\n|---|---|---|---|\n' \
  "16 TiB, a million dirty extents"
awk '{ mib = $1 / 1024
  printf "| most memory resident | %.1f MiB | <= 64 MiB | %s |\n", mib,
    mib <= 64 ? "met" : sprintf ("missed by %.0f %%", (mib / 64 - 1) * 100)
  printf "| seconds | %.2f | | |\n", $2 }' usage.txt
awk -v ms="$first_read" 'BEGIN {
  printf "| from connecting to the first read | %.1f ms | <= 100 ms | %s |\n",
    ms, ms <= 100 ? "met" : sprintf ("missed by %.0f %%", ms - 100) }'
