# SPDX-License-Identifier: LGPL-2.1-or-later
# test-pull-increment.sh: increments through both kinds of dirty map, in which
# nothing that has changed is missing and nothing else is pulled.

. "$abs_top_srcdir/tests/functions.sh"

socket=$dir/disk.sock

# start_source plugin|qemu-nbd|qemu-nbd-8 BITMAP: serve disk.qcow2 as vda.
start_source ()
{
  case $1 in
  plugin)
    serve "$socket" disk=vda=disk.qcow2
    server_pid=$nbdkit_pid
    ;;
  qemu-nbd)
    start_qemu_nbd disk.sock -r -f qcow2 -x vda -B "$2" disk.qcow2
    server_pid=$qemu_nbd_pid
    ;;
  qemu-nbd-8)
    start_qemu_nbd disk.sock -r -e 8 -f qcow2 -x vda -B "$2" disk.qcow2
    server_pid=$qemu_nbd_pid
    ;;
  esac
}

stop_source ()
{
  kill_and_wait "$server_pid"
}

uri="nbd+unix:///vda?socket=$socket"

# increment SOURCE BITMAP BACKING OUTPUT ARGS...: pull it and prove the chain
# equal to the disk.  The report is left in the file report.
increment ()
{
  local source=$1 bitmap=$2 backing=$3 output=$4
  shift 4
  rm -f "$output"
  start_source "$source" "$bitmap"
  backup-pull --json --bitmap "$bitmap" --backing "$backing" "$@" \
    "$uri" "$output" >report || fail "cannot pull: $source $*"
  stop_source
  qemu-img check -q "$output" || fail "check: $source $*"
  qemu-img compare -q disk.qcow2 "$output" ||
    fail "the chain is not the disk: $source $*"
}

report ()
{
  jq -r "$1" report
}

# The disk before: data everywhere that matters below.
qemu-img create -q -f qcow2 disk.qcow2 64M
qemu-io -c 'write -P 0x11 0 32M' disk.qcow2 >/dev/null
qemu-img bitmap --add -g 64k disk.qcow2 b0
start_source qemu-nbd b0
backup-pull -q "$uri" full.qcow2
stop_source
qemu-img compare -q disk.qcow2 full.qcow2

# What a guest does between two backups: it writes, it writes zeroes, it
# discards.  The zeroes must hide what the full backup has there.
qemu-io -c 'write -P 0x22 1M 128k' -c 'write -z 2M 64k' \
  -c 'write -z -u 3M 64k' -c 'discard 4M 64k' -c 'write -P 0 5M 64k' \
  -c 'write -P 0x33 63M 512' disk.qcow2 >/dev/null

for source in plugin qemu-nbd qemu-nbd-8; do
  increment "$source" b0 full.qcow2 inc.qcow2
  case $source in
  plugin) [ "$(report .map.source)/$(report .map.name)" = export/vda/b0 ] ;;
  *) [ "$(report .map.source)/$(report .map.name)" \
    = context/qemu:dirty-bitmap:b0 ] ;;
  esac || fail "$source: wrong map: $(report .map)"
  [ "$(report .level)" = incremental ] || fail "wrong level"
  [ "$(report .bytes.pulled)" = $((128 * 1024 + 64 * 1024 + 64 * 1024)) ] ||
    fail "$source: pulled $(report .bytes.pulled) bytes"
  [ "$(report '.bytes."dirty-zero"')" = $((3 * 64 * 1024)) ] ||
    fail "$source: $(report .bytes)"
  [ "$(report '.bytes."found-zero"')" = 65536 ] ||
    fail "$source: $(report .bytes)"
  # The backing file's name is relative, and what is clean is not in the file.
  [ "$(qemu-img info --output=json inc.qcow2 |
    jq -r '."backing-filename", ."backing-filename-format"' | xargs)" \
    = "full.qcow2 qcow2" ] || fail "wrong backing file"
  qemu-img map --output=json inc.qcow2 |
    jq -e '[.[] | select(.depth == 0) | .length] | add == 458752' >/dev/null ||
    fail "$source: $(qemu-img map --output=json inc.qcow2)"
done

# Coarser and finer clusters than the map's granules; compression.
for args in "--cluster-size 512" "--cluster-size 2M" "--compress" \
  "--compress=zlib --cluster-size 4k" "-C 1 -R 1 --request-size 4k"; do
  # shellcheck disable=SC2086
  increment plugin b0 full.qcow2 inc.qcow2 $args
  # shellcheck disable=SC2086
  increment qemu-nbd b0 full.qcow2 inc.qcow2 $args
done

# A second increment on the first, from a bitmap that begins there.
increment plugin b0 full.qcow2 inc1.qcow2
qemu-img bitmap --add -g 4k disk.qcow2 b1
qemu-io -c 'write -P 0x55 6M 4k' -c 'write -z 1M 64k' disk.qcow2 >/dev/null
increment plugin b1 inc1.qcow2 inc2.qcow2
[ "$(qemu-img info --backing-chain --output=json inc2.qcow2 | jq length)" = 3 ]
# b0 still tells all since the full backup.
increment qemu-nbd b0 full.qcow2 inc1b.qcow2

# The chain moves as a folder; another folder is named absolutely.
mkdir moved elsewhere
cp full.qcow2 inc1.qcow2 inc2.qcow2 moved
qemu-img compare -q disk.qcow2 moved/inc2.qcow2
increment plugin b1 moved/inc1.qcow2 elsewhere/inc2.qcow2
[ "$(qemu-img info --output=json elsewhere/inc2.qcow2 |
  jq -r '."backing-filename"')" = "$dir/moved/inc1.qcow2" ]
mv moved/inc1.qcow2 "moved/web:1.qcow2"
increment plugin b1 "moved/web:1.qcow2" "moved/inc:2.qcow2"

# The disk grows: all of the tail is pulled, whatever the map says of it.
cp inc2.qcow2 before.qcow2
qemu-img bitmap --add disk.qcow2 b2
qemu-img resize -q disk.qcow2 $((80 * 1024 * 1024 + 512))
qemu-io -c 'write -P 0x66 79M 1M' -c "write -P 0x77 80M 512" disk.qcow2 >/dev/null
for source in plugin qemu-nbd; do
  increment "$source" b2 before.qcow2 grown.qcow2
  [ "$(report .bytes.dirty)" -ge $((1024 * 1024 + 512)) ] || fail "the tail"
done

# It shrinks: what the backing file has beyond the end is not seen.
qemu-img bitmap --add disk.qcow2 b3
qemu-img resize -q --shrink disk.qcow2 48M
qemu-io -c 'write -P 0x88 47M 1M' disk.qcow2 >/dev/null
for source in plugin qemu-nbd; do
  increment "$source" b3 grown.qcow2 shrunk.qcow2
  [ "$(qemu-img info --output=json shrunk.qcow2 | jq '."virtual-size"')" \
    = $((48 * 1024 * 1024)) ] || fail "the size"
done
