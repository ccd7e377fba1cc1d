# SPDX-License-Identifier: LGPL-2.1-or-later
# Backing chains: what is followed, how, and what is not.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/image-functions.sh"

info ()
{
  "$image_tool" "$1" info | jq -r "$2"
}

# Three layers of two folders, named relatively and absolutely.
mkdir img deep
qemu-img create -q -f raw img/base.raw 4M
qemu-io -f raw -c 'write -P 1 0 1M' -c 'write -P 2 3M 64k' img/base.raw \
  >/dev/null
(cd img && qemu-img create -q -f qcow2 -b base.raw -F raw mid.qcow2)
(cd deep && qemu-img create -q -f qcow2 -b ../img/mid.qcow2 -F qcow2 top.qcow2)
qemu-io -f qcow2 -c 'write -P 3 128k 200k' -c 'write -z 1M 64k' \
  -c 'write -z 64k 64k' img/mid.qcow2 >/dev/null
qemu-io -f qcow2 -c 'write -P 4 150k 10k' -c 'write -z 3M 32k' deep/top.qcow2 \
  >/dev/null
same_as_qemu deep/top.qcow2
test "$(info deep/top.qcow2 .depth)" = 3 || fail "depth"
test "$(info deep/top.qcow2 '."backing-file"')" = ../img/mid.qcow2 \
  || fail "backing file"
qemu-img rebase -u -f qcow2 -b "$dir/img/mid.qcow2" -F qcow2 deep/top.qcow2
same_as_qemu deep/top.qcow2

# The image alone still tells of itself.
"$image_tool" --no-backing deep/top.qcow2 info >out
test "$(jq .depth out)" = 1 || fail "--no-backing opens the backing file"
"$image_tool" --no-backing deep/top.qcow2 read 155648 1024 >/dev/null
expect_error 'offset 0x80000 is in its backing file, which was not opened' \
  --no-backing deep/top.qcow2 read 0x80000 512
test "$("$image_tool" --no-backing deep/top.qcow2 map | jq '.[0].depth')" = 0 \
  || fail "the map knows what it cannot know"

# Backing files that are shorter and longer than the overlay, by odd sizes.
for format in raw qcow2; do
  for size in 1000k 3M; do
    qemu-img create -q -f $format short.$format 1000448
    qemu-io -f $format -c 'write -P 5 0 1000448' short.$format >/dev/null
    qemu-img create -q -f qcow2 -b short.$format -F $format o.qcow2 $size
    qemu-io -f qcow2 -c 'write -P 6 960k 10k' o.qcow2 >/dev/null
    same_as_qemu o.qcow2
    qemu-img create -q -f qcow2 -b o.qcow2 -F qcow2 p.qcow2 700k
    same_as_qemu p.qcow2
    qemu-img create -q -f qcow2 -b p.qcow2 -F qcow2 q.qcow2 2M
    same_as_qemu q.qcow2
  done
done
truncate -s 1000000 odd.raw # not whole sectors
printf x | dd of=odd.raw bs=1 seek=999999 conv=notrunc status=none
qemu-img create -q -f qcow2 -b odd.raw -F raw o.qcow2 2M
same_bytes o.qcow2
test "$("$image_tool" --raw odd.raw info | jq .size)" = 1000000 \
  || fail "a raw image has another size than its file"
"$image_tool" --raw odd.raw dump | cmp - odd.raw

# A backing file without a format is raw; where it looks as if it were not,
# it must be said which it is.
cp img/base.raw plain
qemu-img create -q -f qcow2 noformat.qcow2 4M
qemu-img rebase -q -u -f qcow2 -b plain -F raw noformat.qcow2
# The extension, found by its type, becomes one of an unknown type.
at=$(grep -obUaP '\xe2\x79\x2a\xca' noformat.qcow2 | head -1 | cut -d: -f1)
printf '\1\1\1\1' \
  | dd of=noformat.qcow2 bs=1 seek="$at" conv=notrunc status=none
"$image_tool" noformat.qcow2 dump | cmp - plain
cp img/mid.qcow2 plain
expect_error 'plain: starts as a qcow2 image does, but noformat.qcow2 does not state its format; state it with qemu-img rebase -u' \
  noformat.qcow2 info

# Loops, of one file and of two, also through a link.
qemu-img create -q -f qcow2 a.qcow2 1M
qemu-img rebase -u -f qcow2 -b a.qcow2 -F qcow2 a.qcow2
expect_error 'a.qcow2: the backing chain is a loop' a.qcow2 info
qemu-img create -q -f qcow2 b.qcow2 1M
ln b.qcow2 b-link.qcow2
ln -s b-link.qcow2 b-symlink.qcow2
qemu-img create -q -u -f qcow2 -b b-symlink.qcow2 -F qcow2 a.qcow2 1M
qemu-img rebase -u -f qcow2 -b a.qcow2 -F qcow2 b.qcow2
expect_error 'the backing chain is a loop' b.qcow2 info

# Depth: 200 layers are read, 201 are not.
qemu-img create -q -f qcow2 d1.qcow2 1M
qemu-io -f qcow2 -c 'write -P 9 64k 64k' d1.qcow2 >/dev/null
for ((i = 2; i <= 201; i++)); do
  # All layers above the first are equal but for the name of the next.
  if [ $i -le 2 ]; then
    qemu-img create -q -u -f qcow2 -b d0001.qcow2 -F qcow2 d2.qcow2 1M
    mv d1.qcow2 d0001.qcow2
    mv d2.qcow2 d0002.qcow2
  else
    name=$(printf 'd%04d.qcow2' $i)
    sed "s/d0001\.qcow2/$(printf 'd%04d.qcow2' $((i - 1)))/" d0002.qcow2 >"$name"
  fi
done
test "$(info d0200.qcow2 .depth)" = 200 || fail "200 layers"
"$image_tool" d0200.qcow2 read 65536 65536 >/dev/null
test "$(our_map d0200.qcow2 | sed -n 2p)" = "65536 65536 data 200" \
  || fail "the depth of a deep chain"
expect_error 'the backing chain has more than 200 layers' d0201.qcow2 info

# Names that are not followed.
refused ()
{
  qemu-img create -q -f qcow2 n.qcow2 1M
  qemu-img rebase -u -f qcow2 -b "$1" -F "$2" n.qcow2
  expect_error "$3" n.qcow2 info
  # It can still tell of itself.
  "$image_tool" --no-backing n.qcow2 info >/dev/null
}
refused 'json:{"driver":"raw","file.filename":"img/base.raw"}' raw \
  'only names of files are followed'
refused 'nbd://localhost/x' raw 'only names of files are followed'
refused 'file:img/base.raw' raw 'only names of files are followed'
refused 'img/base.raw' vmdk 'format vmdk is not supported'
refused 'nosuch.raw' raw 'n.qcow2: backing file: nosuch.raw: No such file'
refused 'img' raw 'is neither a regular file nor a block device'
refused 'img/base.raw' qcow2 'is not a qcow2 image'
mkfifo pipe
refused pipe raw 'is neither a regular file nor a block device'
cp img/base.raw 'with:colon'
qemu-img create -q -f qcow2 n.qcow2 4M
qemu-img rebase -u -f qcow2 -b ./with:colon -F raw n.qcow2
same_bytes n.qcow2

# External data files, only where asked for; raw ones and others.
for raw in on off; do
  qemu-img create -q -f qcow2 -o data_file=data.raw,data_file_raw=$raw \
    ext.qcow2 4M
  qemu-io -f qcow2 -c 'write -P 1 0 64k' -c 'write -P 2 1M 70k' \
    -c 'write -z 1M 64k' -c 'write -P 3 3M 100k' ext.qcow2 >/dev/null
  expect_error 'external data file (data.raw), which is followed only' \
    ext.qcow2 info
  same_as_qemu ext.qcow2 --data-file
  truncate -s 2M data.raw
  expect_error 'beyond the end of the data file at 0x200000' --data-file \
    ext.qcow2 dump
  rm data.raw
  expect_error 'ext.qcow2: external data file: data.raw: No such file' \
    --data-file ext.qcow2 info
done
