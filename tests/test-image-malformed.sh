# SPDX-License-Identifier: LGPL-2.1-or-later
# test-image-malformed.sh: every image of tests/images/malformed.sh is refused,
# with one message that names the file, the place and the cause; some of them
# through nbdkit too.

. "$abs_top_srcdir/tests/functions.sh"

image_tool ()
{
  timeout 120 "$abs_top_builddir/tests/image-tool" "$@"
}

bash "$abs_top_srcdir/tests/images/malformed.sh" images

# The images that the defects were made from are good: what refuses the others
# is the defect.
for good in plain v2 named zlib zstd extended bitmaps; do
  image_tool "images/$good.good" dump >/dev/null || fail "$good.good"
done
image_tool --data-file images/datafile.good dump >/dev/null \
  || fail datafile.good
for bitmap in b0 b1; do
  image_tool images/bitmaps.good bitmap "$bitmap" >/dev/null \
    || fail "bitmap $bitmap"
done

# read_expect NAME: what must be refused, and with which text.
read_expect ()
{
  { read -r kind; read -r text; } <"images/$1.expect"
}

# refuses NAME COMMAND...: with one line that has $text.
refuses ()
{
  local name=$1
  shift
  expect_status 1 image_tool "images/$name.qcow2" "$@"
  expect_text err "$text"
  [ "$(wc -l <err)" -eq 1 ] || { cat err >&2; fail "$name: not one message"; }
  # Where a file below is at fault, it is the one that is named.
  [[ $name = backing-* ]] || expect_text err "image-tool: images/$name.qcow2: "
}

count=0
for expect in images/*.expect; do
  name=$(basename "$expect" .expect)
  read_expect "$name"
  case $kind in
    image)
      refuses "$name" dump ;;
    bitmap)
      image_tool "images/$name.qcow2" dump >/dev/null \
        || fail "$name cannot be read"
      refuses "$name" bitmap b0
      expect_text err 'full backup' ;;
    *)
      fail "$expect is not understood" ;;
  esac
  count=$((count + 1))
done
[ "$count" -ge 100 ] || fail "there were only $count images"

# Through nbdkit: what is found at the start keeps the server from starting.
for name in magic l1-beyond encrypted-luks unfinished data-file backing-loop; do
  read_expect "$name"
  expect_status 1 run_nbdkit -f -U s "$PULLBACK_PLUGIN" \
    "disk=vda=images/$name.qcow2"
  expect_text err "disk vda: $dir/images/"
  expect_text err "$text"
done

# What is found later fails the request; its cause is in the server's log, and
# the server and its other disks go on.  (One request at a time: nbdkit 1.32
# aborts if a client goes away while replies to it are still to be sent.)
later=(data-beyond l2-reserved zlib-garbage compressed-copied)
disks=(disk=good=images/plain.good)
for name in "${later[@]}" in-use name-twice; do
  disks+=("disk=$name=images/$name.qcow2")
done
serve s "${disks[@]}"
for name in "${later[@]}"; do
  read_expect "$name"
  expect_status 1 qemu-io -r -f raw -c 'read 0 128k' "$(nbd_uri s "$name")"
  grep -F "disk $name: $dir/images/$name.qcow2: " s.log | grep -qF "$text" \
    || { cat s.log >&2; fail "$name: the log does not say: $text"; }
done
expect_status 1 nbdinfo --map "$(nbd_uri s data-beyond)"
for name in in-use name-twice; do
  read_expect "$name"
  nbdcopy "$(nbd_uri s "$name")" null: || fail "the data of $name"
  expect_status 1 nbdinfo --size "$(nbd_uri s "$name/b0")"
  grep -F "export '$name/b0': " s.log | grep -qF "$text" \
    || { cat s.log >&2; fail "$name: the log does not say: $text"; }
done
nbdcopy "$(nbd_uri s good)" null: || fail 'the good disk beside bad ones'
