#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# malformed.sh FOLDER: make images with one defect each in FOLDER, NAME.qcow2,
# and beside each a NAME.expect: what must be refused ("image", or "bitmap" for
# its bitmap b0 alone), and a text that the message must have.
#
# QEMU makes good images; a few bytes of a copy are then changed.  The table
# of defects is the second half of this file.

set -euo pipefail
export LC_ALL=C
mkdir -p "$1"
cd "$1"

# --- Reading and changing bytes -------------------------------------------

# get FILE OFFSET BITS: the big-endian integer that is there.
get ()
{
  echo "0x$(od -An -v -tx1 -j "$2" -N "$(($3 / 8))" "$1" | tr -d ' \n')"
}

# put FILE OFFSET BITS VALUE
put ()
{
  local digits text=
  printf -v digits '%016x' "$4"
  digits=${digits: -$(($3 / 4))}
  while [ -n "$digits" ]; do
    text+="\\x${digits:0:2}"
    digits=${digits:2}
  done
  # shellcheck disable=SC2059
  printf "$text" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# extension FILE TYPE: offset of the data of a header extension.
extension ()
{
  local at=112
  while (($(get "$1" $at 32) != $2)); do
    at=$((at + 8 + ($(get "$1" $((at + 4)) 32) + 7) / 8 * 8))
  done
  echo $((at + 8))
}

# --- Good images ----------------------------------------------------------

# good NAME OPTIONS ARGS...: 1 MiB of disk, data at its start, and zeroes
# without a cluster at 8 KiB; then what qemu-io does by ARGS.
good ()
{
  local name=$1 options=$2
  shift 2
  qemu-img create -q -f qcow2 -o "$options" "$name.good" 1M
  qemu-io -c 'write -P 1 0 4k' -c 'write -z 8k 4k' "$@" "$name.good" >/dev/null
}
good plain cluster_size=4k
good v2 cluster_size=4k,compat=0.10
good named cluster_size=64k # with a table of the features' names
good zlib cluster_size=4k -c 'write -c -P 2 64k 4k' -c 'write -c -P 3 68k 4k'
good zstd cluster_size=4k,compression_type=zstd \
     -c 'write -c -P 2 64k 4k' -c 'write -c -P 3 68k 4k'
good extended cluster_size=16k,extended_l2=on
good datafile cluster_size=4k,data_file=data.raw
good bitmaps cluster_size=4k
qemu-img bitmap --add -g 512 bitmaps.good b0
qemu-img bitmap --add -g 64k bitmaps.good b1
qemu-io -c 'write -P 4 16k 4k' bitmaps.good >/dev/null
good overlay cluster_size=4k
cp plain.good below.img

# --- What a defect is -----------------------------------------------------

# defect NAME BASE TEXT CHANGE...: a copy of BASE, with the changes, must be
# refused with a message that has TEXT in it.  bitmap_defect: its bitmap b0.
#
# A change is OFFSET:BITS=VALUE, OFFSET:BITS|=VALUE, or end=SIZE.  Each part of
# it is an expression, in which the names below are places in the image.
defect ()
{
  make_defect image "$@"
}
bitmap_defect ()
{
  make_defect bitmap "$@"
}

make_defect ()
{
  local kind=$1 f=$2.qcow2 base=$3.good text=$4 name=$2
  shift 4
  cp --sparse=always "$base" "$f"
  printf '%s\n%s\n' "$kind" "$text" >"$name.expect"
  if [ "$base" != "$places_of" ]; then
    find_places "$base"
    places_of=$base
  fi
  while [ $# -gt 0 ]; do
    change "$f" "$1"
    shift
  done
}

# All offsets in bytes.
places_of=
find_places ()
{
  local mask=0x00fffffffffffe00 descriptor='((1 << 58) - 1)'
  end=$(stat -c %s "$1")
  l1=$(($(get "$1" 40 64)))              # the L1 table,
  l2=$(($(get "$1" $l1 64) & mask))      # the first L2 table,
  data=$(($(get "$1" $l2 64) & mask))    # the first cluster's data
  case $1 in
    named.good)
      names=$(extension "$1" 0x6803f857) ;;
    zlib.good | zstd.good)
      blob=$((l2 + 16 * 8))              # L2 entry of the first compressed
      deflated=$(($(get "$1" $blob 64) & descriptor)) # cluster, its data,
      last=$(($(get "$1" $((blob + 8)) 64) & descriptor)) ;; # the second's
    bitmaps.good)
      ext=$(extension "$1" 0x23852875)
      dir=$(($(get "$1" $((ext + 16)) 64)))  # b0 in the directory; 24 bytes
      next=$((dir + 32))                     # and a name; b1 follows
      table=$(($(get "$1" $dir 64)))         # table and data of b0
      bits=$(($(get "$1" $table 64))) ;;
  esac
}

change ()
{
  local where=${2%%=*} value=$((${2#*=})) offset width
  case $where in
    end)
      truncate -s "$value" "$1"
      return ;;
    *\|)
      where=${where%|}
      value=$((value | $(get "$1" $((${where%:*})) "${where#*:}"))) ;;
  esac
  offset=$((${where%:*}))
  width=${where#*:}
  put "$1" "$offset" "$width" "$value"
}

# --- The defects ----------------------------------------------------------

# The header.  Where its fields are is in the qcow2 specification, "Header".
defect magic plain 'is not a qcow2 image' '3:8=0'
defect empty-file plain 'is not a qcow2 image' 'end=0'
defect short-file plain 'the file ends inside it' 'end=71'
defect short-v3 plain 'the file ends inside it' 'end=103'
defect version-1 plain 'version 1 is not supported' '4:32=1'
defect version-4 plain 'version 4 is not supported' '4:32=4'
defect cluster-bits-8 plain 'cluster_bits is 8' '20:32=8'
defect cluster-bits-22 plain 'cluster_bits is 22' '20:32=22'
defect cluster-bits-huge plain 'cluster_bits is 4294967295' '20:32=-1'
defect size-huge plain 'the disk size' '24:64=-1'
defect encrypted-aes plain 'is encrypted (AES)' '32:32=1'
defect encrypted-luks plain 'is encrypted (LUKS)' '32:32=2'
defect encrypted-other plain 'is encrypted' '32:32=7'
defect l1-none plain 'l1_size of 0 entries is too small' '36:32=0'
defect l1-small plain 'l1_size of 1 entries is too small' '24:64=1<<30'
defect l1-large plain 'l1_size of 4294967295 entries is too large' '36:32=-1'
defect l1-unaligned plain 'L1 table offset' '40:64=l1+512'
defect l1-nowhere plain 'L1 table offset is 0' '40:64=0'
defect l1-beyond plain 'L1 table at offset 0x10000000000' '40:64=1<<40'
defect l1-overflow plain 'L1 table at offset' '40:64=-4096'
defect reftable-unaligned plain 'refcount table offset' '48:64=4097'
defect reftable-beyond plain 'refcount table at offset' '48:64=1<<40'
defect reftable-none plain 'refcount_table_clusters is 0' '56:32=0'
defect reftable-large plain 'refcount_table_clusters is 65536' '56:32=65536'
defect snapshots-many plain '65537 snapshots' '60:32=65537'
defect snapshots-unaligned plain 'snapshot table offset' '60:32=1' '64:64=99'
defect snapshots-beyond plain 'snapshot table at offset' '60:32=1' '64:64=1<<40'
defect unknown-bit plain 'not supported: unnamed (bit 5)' '72:64=1<<5'
defect unknown-bits plain '(bit 5), unnamed (bit 62)' '72:64=1<<5|1<<62'
defect unknown-named named 'extended L2 entries (bit 6)' \
  '72:64=1<<6' 'names+4*48+1:8=6'
defect unfinished plain 'is an unfinished backup output' '72:64=1<<63'
defect data-file-bit plain 'data file' '72:64=4'
defect data-file datafile 'data file'
defect refcount-order plain 'refcount_order is 7' '96:32=7'
defect header-length-small plain 'header_length is 103' '100:32=103'
defect header-length-large plain 'header_length is 4104' '100:32=4104'
defect compression-2 plain 'compression type 2 is not supported' \
  '72:64=8' '104:8=2'
defect compression-unmarked plain 'contradict' '104:8=1'
defect compression-marked zstd 'contradict' '104:8=0'
defect extended-small plain 'extended L2 entries need cluster_bits' '72:64=16'

# Header extensions: the first one's type is at 112, its length at 116.
defect extension-long bitmaps 'runs past the end' 'ext-4:32=0x7fffffff'
defect extension-wraps bitmaps 'runs past the end' 'ext-4:32=-8'
defect extension-short bitmaps 'bitmaps extension' 'ext-4:32=16'

# The cluster map: entry 0 of the L1 table, and entry 0 of its L2 table.
defect l1-reserved plain 'L1 table, entry 0: reserved bits' 'l1:64|=1'
defect l1-reserved-high plain 'L1 table, entry 0: reserved bits' 'l1:64|=1<<56'
defect l2-table-unaligned plain 'L2 table offset' 'l1:64=l2+512'
defect l2-table-beyond plain 'L2 table at offset 0x10000000000 lies beyond' \
  'l1:64=1<<40'
defect l2-table-cut plain 'lies beyond the end of the file' 'end=l2+4095'
defect l2-table-copied plain 'L1 table, entry 0' 'l1:64=1<<63'
defect l2-reserved plain 'reserved bits are set' 'l2:64|=1<<58'
defect l2-reserved-low plain 'reserved bits are set' 'l2:64|=2'
defect data-unaligned plain 'is not cluster aligned' 'l2:64=data+512'
defect data-beyond plain 'lies beyond the end of the file' 'l2:64=1<<50'
defect data-just-beyond plain 'lies beyond the end of the file' \
  'l2:64=(end+4095)/4096*4096'
defect data-copied plain 'has no offset' 'l2:64=1<<63'
defect zero-beyond plain 'lies beyond the end of the file' 'l2:64=1<<50|1'
defect zero-v2 v2 'reserved bits are set' 'l2:64|=1'
defect file-cut plain 'lies beyond the end of the file' 'end=data'
defect extended-both extended 'both data and zeroes' 'l2+8:64|=1<<32'
defect extended-nowhere extended 'there is no cluster' 'l2:64=0'
defect extended-zero-bit extended 'reserved bits are set' 'l2:64|=1'

# Compressed clusters.
defect compressed-copied zlib 'bit 63 (copied)' 'blob:64|=1<<63'
defect compressed-beyond zlib 'lies beyond the end of the file' \
  'blob:64=1<<62|1<<40'
defect compressed-long zlib 'lies beyond the end of the file' 'blob:64|=15<<58'
defect zlib-garbage zlib 'bad deflate data' 'deflated:64=-1'
defect zlib-short zlib 'the deflate data ends' 'deflated:16=0x0300'
defect zstd-garbage zstd 'bad zstd data' 'deflated:64=-1'
defect zstd-blank zstd 'bad zstd data' 'deflated:64=0'
defect zstd-cut zstd 'bad zstd data' 'end=last+6'

# Bitmaps.  A defect of one of them, or of all, leaves the image readable.
bitmap_defect in-use bitmaps 'in use' 'dir+12:32|=1'
bitmap_defect stale bitmaps 'stale' '88:64=0'
bitmap_defect flags bitmaps 'unknown flags' 'dir+12:32|=8'
bitmap_defect flag-extra-data bitmaps 'unknown flags' 'dir+12:32|=4'
bitmap_defect type bitmaps 'unknown type 2' 'dir+16:8=2'
bitmap_defect granularity-8 bitmaps 'granularity' 'dir+17:8=8'
bitmap_defect granularity-32 bitmaps 'granularity' 'dir+17:8=32'
bitmap_defect granularity-255 bitmaps 'granularity' 'dir+17:8=255'
bitmap_defect table-small bitmaps 'its table has 0 entries' 'dir+8:32=0'
bitmap_defect table-large bitmaps 'its table has 2 entries' 'dir+8:32=2'
bitmap_defect table-unaligned bitmaps 'not cluster aligned' 'dir:64=table+8'
bitmap_defect table-nowhere bitmaps 'not cluster aligned' 'dir:64=0'
bitmap_defect table-beyond bitmaps 'lies beyond the end' 'dir:64=1<<40'
bitmap_defect entry-reserved bitmaps 'reserved bits' 'table:64|=2'
bitmap_defect entry-ones bitmaps 'all ones, but has an offset' 'table:64|=1'
bitmap_defect entry-unaligned bitmaps 'not cluster aligned' 'table:64=bits+512'
bitmap_defect entry-beyond bitmaps 'lies beyond the end' 'table:64=1<<40'
bitmap_defect extra-data bitmaps 'extra data' \
  'ext:32=1' 'ext+8:64=40' 'dir+20:32=8' 'dir+32:16=0x6230'
bitmap_defect extra-data-large bitmaps 'runs past the end' 'dir+20:32=-1'
bitmap_defect name-empty bitmaps 'bad name' 'next+18:16=0'
bitmap_defect name-nul bitmaps 'bad name' 'next+25:8=0'
bitmap_defect name-long bitmaps 'runs past the end' 'next+18:16=1024'
bitmap_defect name-twice bitmaps 'another bitmap of this name' 'next+25:8=0x30'
bitmap_defect count-none bitmaps 'has 0 bitmaps' 'ext:32=0'
bitmap_defect count-small bitmaps 'after the last' 'ext:32=1'
bitmap_defect count-large bitmaps 'entry 2 ' 'ext:32=3'
bitmap_defect count-huge bitmaps 'bitmaps, not 1 to' 'ext:32=-1'
bitmap_defect reserved bitmaps 'reserved field' 'ext+4:32=1'
bitmap_defect directory-short bitmaps 'entry 1 ' 'ext+8:64=56'
bitmap_defect directory-cut bitmaps 'entry 1 is cut short' 'ext+8:64=40'
bitmap_defect directory-long bitmaps 'after the last' 'ext+8:64=72' 'end=dir+72'
bitmap_defect directory-huge bitmaps 'too large' 'ext+8:64=-1'
bitmap_defect directory-nowhere bitmaps 'not cluster aligned' 'ext+16:64=0'
bitmap_defect directory-unaligned bitmaps 'not cluster aligned' \
  'ext+16:64=dir+8'
bitmap_defect directory-beyond bitmaps 'lies beyond the end' 'ext+16:64=1<<40'

# Backing files.  The name is changed without looking at what it names.
backing ()
{
  local name=$1 text=$2 format=$3 backing=$4
  make_defect image "$name" overlay "$text"
  qemu-img rebase -q -u -F "$format" -b "$backing" "$name.qcow2"
}
backing backing-json 'json:' raw 'json:{"driver":"null-co","size":"1M"}'
backing backing-nbd 'nbd' raw nbd://localhost/x
backing backing-protocol 'ssh' raw ssh://localhost/x
backing backing-missing 'No such file or directory' qcow2 nosuch.qcow2
backing backing-folder 'neither a regular file nor a block device' raw .
backing backing-self 'loop' qcow2 backing-self.qcow2
backing backing-loop 'loop' qcow2 backing-loop2.img
cp overlay.good backing-loop2.img
qemu-img rebase -q -u -F qcow2 -b backing-loop.qcow2 backing-loop2.img
backing backing-format 'vmdk' qcow2 below.img
put backing-format.qcow2 116 32 4 # the name of the format becomes "vmdk"
put backing-format.qcow2 120 64 0x766d646b00000000
backing backing-damaged 'cluster_bits is 9999' qcow2 damaged.img
cp plain.good damaged.img
put damaged.img 20 32 9999
backing backing-not-qcow2 'is not a qcow2 image' qcow2 raw.img
truncate -s 1M raw.img

# A chain of 210 images, each the same but for the digits in the name below.
backing backing-deep 'more than 200 layers' qcow2 deep100.img
at=$(($(get backing-deep.qcow2 8 64) + 4))
for ((i = 100; i < 310; i++)); do
  cp --sparse=always backing-deep.qcow2 "deep$i.img"
  printf %d $((i + 1)) \
    | dd of="deep$i.img" bs=1 seek="$at" conv=notrunc status=none
done
cp plain.good deep310.img

# Names that go beyond their place, or have a NUL in them.
defect backing-name-long overlay 'longer than 1023' '8:64=2048' '16:32=1024'
defect backing-name-beyond overlay 'lies outside' '8:64=4090' '16:32=10'
defect backing-name-header overlay 'lies outside' '8:64=4' '16:32=10'
defect backing-name-wraps overlay 'lies outside' '8:64=-2' '16:32=10'
defect backing-name-nul overlay 'NUL byte' '8:64=2048' '16:32=4'
backing backing-format-long 'backing format extension' raw below.img
put backing-format-long.qcow2 116 32 16
