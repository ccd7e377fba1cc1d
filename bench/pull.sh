# SPDX-License-Identifier: LGPL-2.1-or-later
# pull.sh: full pulls and increments of an 8 GiB disk with 2 GiB of random
# data, from one server: nbdkit with our plugin and a qcow2 disk.

. "$abs_top_srcdir/bench/functions.sh"

make_disk
rm disk.raw
qemu-img bitmap --add -g 64k disk.qcow2 b0
uri="nbd+unix:///vda?socket=$dir/disk.sock"

start_plugin ()
{
  bench_export=vda start disk.sock nbdkit -f -U "$dir/disk.sock" \
    "$PULLBACK_PLUGIN" disk=vda=disk.qcow2
}

outputs=(full.qcow2 copy.raw copy.qcow2 inc.qcow2)

full ()
{
  backup-pull -q "$uri" full.qcow2
}

copy_raw ()
{
  nbdcopy "$uri" copy.raw
}

convert ()
{
  qemu-img convert -W -m 16 -f raw -O qcow2 "$uri" copy.qcow2
}

increment ()
{
  backup-pull -q --bitmap b0 --backing full.qcow2 "$uri" inc.qcow2
}

header "pull of 2 GiB, $pairs pairs"
start_plugin
compare "full, against nbdcopy to a raw file" 1.05 full copy_raw
compare "full, against qemu-img convert -W -m 16" 0.7 full convert
stop "$server_pid"

# 1 % of the data, in 328 pieces of 64 KiB.
for ((i = 0; i < 328; i++)); do
  echo "write -q -P $((i % 255 + 1)) $((i * 400))k 64k"
done | qemu-io disk.qcow2 >/dev/null
start_plugin
: >full.txt
: >increment.txt
for ((i = 0; i <= pairs; i++)); do
  prepare
  seconds full >>full.txt
  seconds increment >>increment.txt
  ((i > 0)) || : >full.txt >increment.txt # the warm-up
done
qemu-img compare -q disk.qcow2 inc.qcow2 || {
  echo "bench: the increment is wrong" >&2
  exit 1
}
awk -v full="$(median <full.txt)" -v inc="$(median <increment.txt)" 'BEGIN {
  limit = full * 0.03 + 0.05
  printf "| increment of 1 %%, against a full pull | %.3f s | %.3f s | %.3f | ",
    inc, full, inc / full
  printf "<= %.3f s (3 %% + 50 ms) | %s |\n", limit,
    inc <= limit ? "met" : sprintf ("missed by %.0f %%", (inc / limit - 1) * 100)
}'
stop "$server_pid"
