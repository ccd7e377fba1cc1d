# SPDX-License-Identifier: LGPL-2.1-or-later
# test-pull-errors.sh: bad input gets one clear message that names the object,
# exit status 1, and loses nothing.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"

# fails TEXT ARGS...: exit status 1 and TEXT in the message.
fails ()
{
  local text=$1
  shift
  expect_status 1 backup-pull "$@"
  expect_text err "$text"
  [ ! -s out ] || fail "wrote to standard output: $*"
}

socket=$dir/disk.sock
uri="nbd+unix:///vda?socket=$socket"
qemu-img create -q -f qcow2 disk.qcow2 8M
qemu-io -c 'write -P 0x11 0 4M' disk.qcow2 >/dev/null
qemu-img bitmap --add disk.qcow2 b0
serve "$socket" disk=vda=disk.qcow2
backup-pull -q "$uri" full.qcow2

# The output.
cp full.qcow2 existing.qcow2
fails "existing.qcow2: exists already; choose another name" \
  "$uri" existing.qcow2
cmp full.qcow2 existing.qcow2 || fail "an existing output was touched"
ln -s nowhere dangling.qcow2
for force in "" --force; do
  # shellcheck disable=SC2086
  fails "dangling.qcow2: is not a regular file" $force "$uri" dangling.qcow2
  # shellcheck disable=SC2086
  fails "$dir: is not a regular file" $force "$uri" "$dir"
done
fails "nosuch/out.qcow2: cannot open the folder" "$uri" nosuch/out.qcow2
backup-pull -q --force "$uri" existing.qcow2
qemu-img compare -q full.qcow2 existing.qcow2
echo precious >out.qcow2.partial
fails "out.qcow2.partial" "$uri" out.qcow2
[ "$(cat out.qcow2.partial)" = precious ] || fail "somebody's file is gone"
rm out.qcow2.partial

# The backing file.
fails "nosuch.qcow2: No such file or directory" \
  --bitmap b0 --backing nosuch.qcow2 "$uri" inc.qcow2
truncate -s 1M raw.img
fails "raw.img" --bitmap b0 --backing raw.img "$uri" inc.qcow2
expect_text err "cannot use the backing file"
fails "is neither a regular file nor a block device" \
  --bitmap b0 --backing "$dir" "$uri" inc.qcow2
cp full.qcow2 unfinished.qcow2
printf '\200\0\0\0\0\0\0\0' |
  dd of=unfinished.qcow2 bs=1 seek=72 conv=notrunc status=none
fails "unfinished" --bitmap b0 --backing unfinished.qcow2 "$uri" inc.qcow2
qemu-img create -q -f qcow2 -b full.qcow2 -F qcow2 loose.qcow2
mv full.qcow2 away.qcow2
fails "full.qcow2: No such file or directory" \
  --bitmap b0 --backing loose.qcow2 "$uri" inc.qcow2
mv away.qcow2 full.qcow2
# An increment cannot replace what it stands on.
for output in full.qcow2 "$dir/full.qcow2"; do
  fails "full.qcow2" --force --bitmap b0 --backing full.qcow2 "$uri" "$output"
done
fails "full.qcow2: is in use" \
  --force --bitmap b0 --backing loose.qcow2 "$uri" full.qcow2
qemu-img compare -q disk.qcow2 full.qcow2

# The dirty map.
fails "has no usable dirty map 'nosuch'" \
  --bitmap nosuch --backing full.qcow2 "$uri" inc.qcow2
expect_text err "only a full backup is safe"
expect_text err "'vda/b0'"
fails "has no usable dirty map 'since:cp'" \
  --since cp --backing full.qcow2 "$uri" inc.qcow2

# A bitmap that is disabled misses changes.
qemu-img create -q -f qcow2 disabled.qcow2 8M
qemu-img bitmap --add --disable disabled.qcow2 b0
serve "$dir/disabled.sock" disk=vda=disabled.qcow2
fails "the bitmap of export 'vda/b0' is disabled" --bitmap b0 \
  --backing full.qcow2 "nbd+unix:///vda?socket=$dir/disabled.sock" inc.qcow2
# Also where it is a context: of backup-serve, and of one in front of others.
start_serve context.sock "nbd+unix:///vda?socket=$dir/disabled.sock"
fails "the bitmap 'b0' of export 'vda' is disabled" --bitmap b0 \
  --backing full.qcow2 "nbd+unix:///vda?socket=$dir/context.sock" inc.qcow2
end_serve context.sock
stop_server "$nbdkit_pid"
qemu-img bitmap --add disabled.qcow2 good
start_serve own.sock vda=disabled.qcow2
start_serve front.sock "nbd+unix:///vda?socket=$dir/own.sock"
for server in own front; do
  fails "the bitmap 'b0' of export 'vda' is disabled" --bitmap b0 \
    --backing full.qcow2 "nbd+unix:///vda?socket=$dir/$server.sock" inc.qcow2
  backup-pull -q --bitmap good --backing full.qcow2 \
    "nbd+unix:///vda?socket=$dir/$server.sock" "good-$server.qcow2"
done
end_serve front.sock
expect_text err "only a full backup is safe"
stop_server "$nbdkit_pid"

# The server and the export.
fails "the server does not give the export 'vdz'; it has 'vda', 'vda/b0'" \
  "nbd+unix:///vdz?socket=$socket" out.qcow2
fails "does not give the export 'vdz'" \
  --bitmap b0 --backing full.qcow2 "nbd+unix:///vdz?socket=$socket" inc.qcow2
fails "nosuch.sock" "nbd+unix:///?socket=$dir/nosuch.sock" out.qcow2
stop_server "$nbdkit_pid"

# The locks are advisory: a raw disk that is cut while it is served is not a
# disk that ends in zeroes, whether it is the disk itself or backs it.
for disk in raw:cut.raw overlay.qcow2; do
  head -c 8M /dev/urandom >cut.raw
  qemu-img create -q -f qcow2 -b cut.raw -F raw overlay.qcow2
  serve "$socket" disk="vda=$disk"
  truncate -s 4M cut.raw
  fails "the server cannot map" "$uri" out.qcow2
  expect_text "$socket.log" "cut.raw: was cut to 4194304 of its 8388608 bytes"
  [ ! -e out.qcow2 ] || fail "a cut disk made a backup"
  stop_server "$nbdkit_pid"
done
rm out.qcow2.partial

# What a server calls itself is not sent to the terminal as it is.
cat >escape.sh <<'S'
case $1 in
list_exports) echo NAMES; echo vda ;;
default_export) printf 'v\033]0;pwn\007da\n' ;;
get_size) echo 1M ;;
pread) head -c "$3" /dev/zero ;;
*) exit 2 ;;
esac
S
chmod +x escape.sh
start_nbdkit "$socket" sh "$dir/escape.sh"
fails "has no usable dirty map 'b0'" --bitmap b0 --backing full.qcow2 \
  "nbd+unix:///?socket=$socket" inc.qcow2
expect_text err "v?]0;pwn?da"
grep -q $'\033' err && fail "an escape sequence"
stop_server "$nbdkit_pid"

# An export that only has a map's name is no dirty map: its holes are holes.
cat >no-map.sh <<'S'
case $1 in
list_exports) echo NAMES; echo vda; echo vda/b0 ;;
open) ;;
get_size) echo 8M ;;
pread) head -c "$3" /dev/zero ;;
can_extents) exit 0 ;;
extents) echo "0 8M hole" ;;
*) exit 2 ;;
esac
S
chmod +x no-map.sh
start_nbdkit "$socket" sh "$dir/no-map.sh"
fails "has no usable dirty map 'b0'" \
  --bitmap b0 --backing full.qcow2 "$uri" inc.qcow2
expect_text err "nor a dirty map in the export 'vda/b0'"
stop_server "$nbdkit_pid"

# The oldest style of NBD knows no maps, and its disk cannot be named.
nbdkit_options=(-o)
start_nbdkit "$socket" memory 1M
fails "old style of NBD" "nbd+unix:///?socket=$socket" out.qcow2
stop_server "$nbdkit_pid"
nbdkit_options=()

for file in out.qcow2 inc.qcow2; do
  [ ! -e "$file" ] || fail "$file was made"
done
