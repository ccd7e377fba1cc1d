# SPDX-License-Identifier: LGPL-2.1-or-later
# test-domain-qemu-img.sh: bitmaps of images at rest, added, merged and
# removed, as qemu-img itself lists them and qemu-nbd serves them.

. "$abs_top_srcdir/tests/functions.sh"

driver ()
{
  "$abs_top_builddir/tests/driver-tool" "$@"
}

# refused TEXT ARGS...: the driver must fail, and say TEXT.
refused ()
{
  local text=$1
  shift
  expect_status 1 driver "$@"
  expect_text err "$text"
}

# refused_with PATH TEXT ARGS...: the same where qemu-img is looked for in PATH.
refused_with ()
{
  local path=$1 text=$2
  shift 2
  expect_status 1 env PATH="$path" "$abs_top_builddir/tests/driver-tool" "$@"
  expect_text err "$text"
}

# qemu_bitmaps IMAGE: as lines "NAME GRANULARITY FLAGS".
qemu_bitmaps ()
{
  qemu-img info --output=json "$1" | jq -r '
    (."format-specific".data.bitmaps // [])[]
    | "\(.name) \(.granularity) \(.flags | join(","))"'
}

# has IMAGE LINE...: these are its bitmaps, and the image is sound.
has ()
{
  local image=$1
  shift
  [ $# -eq 0 ] || printf '%s\n' "$@" >want
  [ $# -gt 0 ] || : >want
  qemu_bitmaps "$image" | diff want - || fail "bitmaps of $image"
  qemu-img check -q "$image" || fail "$image is not sound"
}

# dirty IMAGE BITMAP: what qemu-nbd serves of it.
dirty ()
{
  start_qemu_nbd q.sock -r -f qcow2 -B "$2" "$1"
  dirty_map "$(nbd_uri q.sock)" "$2"
  stop_server "$qemu_nbd_pid"
}

img=$dir/a.qcow2
qemu-img create -q -f qcow2 "$img" 64M
driver "$img" check
driver "$img" add b0
driver "$img" add fine 4096
has "$img" 'b0 65536 auto' 'fine 4096 auto'
refused "Bitmap already exists: b0; adopt it" "$img" add b0
refused '(errno 17)' "$img" add b0
has "$img" 'b0 65536 auto' 'fine 4096 auto'

# What is recorded stays, and merging brings it together.
qemu-io -f qcow2 -c 'write 1M 64k' "$img" >/dev/null
qemu-img bitmap --disable "$img" fine
driver "$img" add b1
qemu-io -f qcow2 -c 'write 8M 64k' "$img" >/dev/null
driver "$img" merge b1 fine
has "$img" 'b0 65536 auto' 'fine 4096 auto' 'b1 65536 auto'
driver "$img" merge fine both
has "$img" 'b0 65536 auto' 'fine 4096 auto' 'b1 65536 auto' 'both 4096 auto'
cat >want.map <<'EOF'
0 1048576 0
1048576 65536 1
1114112 7274496 0
8388608 65536 1
8454144 58654720 0
EOF
for name in b0 fine both; do
  dirty "$img" "$name" | diff want.map - || fail "changes in $name"
  driver "$img" since "$name" | diff want.map - || fail "changes since $name"
done

# Of one that does not record, a new one does not either.
qemu-img bitmap --disable "$img" b1
driver "$img" merge b1 new
driver "$img" merge b1 new
has "$img" 'b0 65536 auto' 'fine 4096 auto' 'b1 65536 ' 'both 4096 auto' \
    'new 65536 '
dirty "$img" b1 >want.map
grep -q ' 1$' want.map || fail 'b1 has no changes'
dirty "$img" new | diff want.map - || fail 'changes in new'
# One that records goes on.
driver "$img" merge b1 b0
driver "$img" bitmaps | grep -qx '0 b0 65536 enabled' || fail 'b0 was disabled'
refused 'there is no bitmap nosuch that could be merged' "$img" merge nosuch b0
refused '(errno 2)' "$img" merge nosuch b0

# Removing, also what is not there, and undoing.
driver "$img" remove both
driver "$img" remove both
driver "$img" undo-add new
driver "$img" undo-add new
has "$img" 'b0 65536 auto' 'fine 4096 auto' 'b1 65536 '
driver "$dir/gone.qcow2" remove b0
driver "$dir/gone.qcow2" undo-add b0
refused 'No such file or directory' "$dir/gone.qcow2" add b0

# The backing file is neither opened nor touched, wherever it is.
qemu-img create -q -f qcow2 -b a.qcow2 -F qcow2 top.qcow2
mv a.qcow2 moved.qcow2
before=$(md5sum <moved.qcow2)
driver "$dir/top.qcow2" add b0
driver "$dir/top.qcow2" remove b0
[ "$before" = "$(md5sum <moved.qcow2)" ] || fail 'the backing file was changed'
mv moved.qcow2 a.qcow2

# A layer below, while nobody has it open.
driver "$dir/top.qcow2" check "$img"
qemu-img bitmap --add top.qcow2 b0
qemu-io -f qcow2 -c 'write 32M 1M' top.qcow2 >/dev/null
driver "$dir/top.qcow2" since b0 >got.map
cat >want.map <<'EOF'
0 1048576 0
1048576 65536 1
1114112 7274496 0
8388608 65536 1
8454144 25100288 0
33554432 1048576 1
34603008 32505856 0
EOF
diff want.map got.map || fail 'changes in two layers'

# Layers of several sizes and granularities: what was cut off reads as zeroes
# when the disk grows again, which no bitmap says.
qemu-img create -q -f qcow2 l0.qcow2 64M
qemu-img bitmap --add -g 4k l0.qcow2 b0
qemu-io -f qcow2 -c 'write 1M 4k' l0.qcow2 >/dev/null
qemu-img create -q -f qcow2 -b l0.qcow2 -F qcow2 l1.qcow2 32M
qemu-img bitmap --add l1.qcow2 b0
qemu-io -f qcow2 -c 'write 2M 4k' l1.qcow2 >/dev/null
qemu-img create -q -f qcow2 -b l1.qcow2 -F qcow2 l2.qcow2 48M
qemu-img bitmap --add -g 1M l2.qcow2 b0
qemu-io -f qcow2 -c 'write 5000k 4k' l2.qcow2 >/dev/null
cat >want.map <<'EOF'
0 1048576 0
1048576 4096 1
1052672 1044480 0
2097152 65536 1
2162688 2031616 0
4194304 1048576 1
5242880 28311552 0
33554432 16777216 1
EOF
driver "$dir/l2.qcow2" since b0 | diff want.map - || fail 'layers of several sizes'
driver "$dir/l2.qcow2" maps b0 >got
printf '%s\n' 'b0 1048576 enabled usable' 'since:b0 4096 enabled usable' \
  | diff - <(head -2 got) || fail 'maps of several granularities'
expect_text got 'there is no checkpoint called nosuch (there are: b0)'

# With a data file, which is followed only where that was asked for.
qemu-img create -q -f qcow2 -o data_file=d.raw,data_file_raw=on d.qcow2 8M
refused 'followed only when that is asked for' "$dir/d.qcow2" add b0
driver --data-file "$dir/d.qcow2" check
driver --data-file "$dir/d.qcow2" add b0
qemu-io -f qcow2 -c 'write 1M 64k' d.qcow2 >/dev/null
driver --data-file "$dir/d.qcow2" merge b0 b1
has d.qcow2 'b0 65536 auto' 'b1 65536 auto'

# An overlay of an image with a data file below.
qemu-img create -q -f qcow2 -b d.qcow2 -F qcow2 over.qcow2
driver --data-file "$dir/over.qcow2" add b0
driver --data-file "$dir/over.qcow2" bitmaps >got
printf '%s\n' '0 b0 65536 enabled' '1 b0 65536 enabled' '1 b1 65536 enabled' \
  | diff - got || fail 'bitmaps over a data file'

# Names that mean something elsewhere.
for name in 'json:{"driver":"raw"}' 'a,b=c:d' '-dash.qcow2' 'new
line' "quote'\"\\" 'nbd:localhost:10809' 'percent%20' 'sp ace' 'ü.qcow2' '@x'
do
  mkdir -p 'od,d:dir'
  path="$dir/od,d:dir/$name"
  cp d0.qcow2 "$path" 2>/dev/null \
    || { qemu-img create -q -f qcow2 d0.qcow2 1M; cp d0.qcow2 "$path"; }
  driver "$path" check
  driver "$path" add -dash
  driver "$path" add --all
  driver "$path" merge -dash 'comma,name'
  driver "$path" remove --all
  driver "$path" bitmaps >got
  printf '%s\n' '0 -dash 65536 enabled' '0 comma,name 65536 enabled' \
    | diff - got || fail "bitmaps of $name"
done
latin=$dir/$'l\xe4tin.qcow2'
cp d0.qcow2 "$latin"
refused 'qemu-img takes names in UTF-8 only' "$latin" add b0

# An answer for each thing that can be wrong with qemu-img.
cp d0.qcow2 w.qcow2
mkdir bin empty
refused_with "$dir/empty" 'qemu-img changes the bitmaps of images at rest; install it' \
  "$dir/w.qcow2" add b0
fake ()
{
  printf '#!/bin/bash\n%s\n' "$1" >bin/qemu-img
  chmod +x bin/qemu-img
}
real=$(command -v qemu-img)
fake 'exit 7'
refused_with "$dir/bin:$PATH" 'exited with 7 and without a word' "$dir/w.qcow2" add b0
fake 'echo first >&2; echo second >&2; exit 1'
refused_with "$dir/bin:$PATH" "disk vda: $dir/w.qcow2: first second (errno 5)" \
  "$dir/w.qcow2" add b0
fake 'kill -9 $$'
refused_with "$dir/bin:$PATH" 'was killed by signal 9' "$dir/w.qcow2" add b0
fake 'head -c 10000000 /dev/zero | tr "\0" x >&2; exit 1'
refused_with "$dir/bin:$PATH" 'xxxxxxxx' "$dir/w.qcow2" add b0
[ "$(wc -c <err)" -lt 4096 ] || fail 'all of a long message was kept'
# It has made a bitmap, and fails nevertheless: undoing finds it, and creating a
# checkpoint undoes it.
fake "$real \"\$@\"; case \$* in *--add*) echo it did not work >&2; exit 1 ;; esac"
refused_with "$dir/bin:$PATH" 'it did not work (errno 5)' "$dir/w.qcow2" add b0
driver "$dir/w.qcow2" undo-add b0
has w.qcow2
expect_status 1 env PATH="$dir/bin:$PATH" \
  "$abs_top_builddir/client/backup-checkpoint" -c "disks:vda=$dir/w.qcow2" \
  --state failed create-as b0
expect_text err 'it did not work'
has w.qcow2
# It says that all is well, and it is not.
fake 'exit 0'
refused_with "$dir/bin:$PATH" 'bitmap b0: qemu-img has not saved it' \
  "$dir/w.qcow2" add b0
driver "$dir/w.qcow2" add b0
refused_with "$dir/bin:$PATH" 'bitmap b0: qemu-img has not removed it' \
  "$dir/w.qcow2" remove b0
# No file is left open in it, no signal is blocked or ignored, and nothing can
# be read.
fake "ls -l /proc/self/fd >$dir/fds; grep Sig /proc/self/status >$dir/signals
  cat >$dir/read; echo \"\$LC_ALL\" >$dir/language; exec $real \"\$@\""
exec 7</dev/null
trap '' USR1
env LC_ALL=de_DE.UTF-8 PATH="$dir/bin:$PATH" \
  "$abs_top_builddir/tests/driver-tool" --lock "$dir/lock" "$dir/w.qcow2" add b1
trap - USR1
exec 7<&-
grep -- '->' fds | grep -v ' /proc/' | sed 's/.* \([0-9]*\) -> /\1 /' >open
sed -i 's/pipe:.*/pipe/' open
printf '%s\n' '0 /dev/null' "1 $dir/fds" '2 pipe' "3 $dir/lock" | diff - open \
  || fail 'files are open in qemu-img'
[ ! -s read ] || fail 'qemu-img could read something'
grep -qx C language || fail 'messages may be in another language'
# The C library keeps two signals to itself, 32 and 33.
grep -qEx 'SigIgn:	0000000[01][08]0000000' signals || fail 'a signal is ignored'
grep -qx 'SigBlk:	0000000000000000' signals || fail 'a signal is blocked'

# A parent that ignores its children never learns how they end.  What failed
# for that has left nothing.
cp d0.qcow2 i.qcow2
expect_status 1 perl -e '$SIG{CHLD} = "IGNORE"; exec @ARGV' \
  backup-checkpoint -c "disks:vda=$dir/i.qcow2" --state ignored create-as cp
expect_text err 'how it ended is not known'
[ -z "$(qemu_bitmaps i.qcow2)" ] || fail 'a create that failed has left a bitmap'
backup-checkpoint -q -c "disks:vda=$dir/i.qcow2" --state ignored create-as cp
