# SPDX-License-Identifier: LGPL-2.1-or-later
# make-corpus.sh FOLDER: make the seeds of the fuzz entries, those of images
# with QEMU's tools, in a folder for each entry.  They are kept in the
# repository; this says where they came from, and makes them anew when the
# entries change.

set -euo pipefail

tests=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1/qcow2" "$1/bitmaps" "$1/xml" "$1/store" "$1/serve" \
  "$1/policy"
cd "$1"

perl "$tests/fuzz/make-serve-corpus.pl" serve

# image NAME SIZE OPTIONS COMMAND...: with qemu-io's COMMANDs run on it.
image ()
{
  local name=qcow2/$1 size=$2 options=$3 command
  shift 3
  rm -f "$name"
  qemu-img create -q -f qcow2 -o "$options" "$name" "$size"
  for command; do
    qemu-io -c "$command" "$name" >/dev/null
  done
}

small=cluster_size=512
image empty 0 $small
image unallocated 64k $small
image data 64k $small 'write -P 1 0 1k' 'write -P 2 40k 512'
image zeroes 64k $small 'write -z 0 4k' 'write -P 1 8k 1k' 'write -z 8k 512'
image v2 64k $small,compat=0.10 'write -P 1 0 1k' 'write -c -P 2 2k 512'
image zlib 64k $small 'write -c -P 1 0 512' 'write -c -P 2 1k 512'
image zstd 64k $small,compression_type=zstd \
  'write -c -P 1 0 512' 'write -c -P 2 1k 512'
image zlib-4k 64k cluster_size=4k 'write -c -P 1 0 4k' 'write -c -P 2 8k 4k'
image lazy 64k $small,lazy_refcounts=on 'write -P 1 0 512'
image refcounts-1 64k $small,refcount_bits=1 'write -P 1 0 512'
image refcounts-64 64k $small,refcount_bits=64 'write -P 1 0 512'
image odd-size 65000 $small 'write -P 1 64512 512'
image huge 2G cluster_size=4k
image backing 64k "$small" 'write -P 1 0 512'
qemu-img rebase -u -b nowhere.qcow2 -F qcow2 qcow2/backing
image extended-l2 64k cluster_size=16k,extended_l2=on \
  'write -P 1 0 512' 'write -z 2k 1k' 'write -z 16k 16k'
image bitmaps 64k $small
qemu-img bitmap --add -g 512 qcow2/bitmaps b0
qemu-img bitmap --add -g 512 --disable qcow2/bitmaps b1
qemu-io -c 'write -P 1 0 512' qcow2/bitmaps >/dev/null

# Extended L2 entries need clusters of 16 KiB, six of them.  A reader does not
# look at refcounts: without them the tables and the data fit into four.
poke ()
{
  printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
dd if=qcow2/extended-l2 of=packed bs=16k count=1 status=none
dd if=qcow2/extended-l2 of=packed bs=16k skip=3 seek=1 status=none
truncate -s 50k packed
poke packed 46 '\x40\x00' # l1_table_offset, refcount_table_offset: 0x4000
poke packed 54 '\x40\x00'
poke packed 16388 '\x00\x00\x80\x00' # L1 entry 0: the L2 table at 0x8000
poke packed 32772 '\x00\x00\xc0\x00' # L2 entry 0: the data at 0xc000
mv packed qcow2/extended-l2

# bitmaps NAME GRANULARITY...: an input of fuzz-bitmaps from an image with a
# bitmap of each granularity.
bitmaps ()
{
  local name=$1 granularity n=0
  shift
  rm -f image
  qemu-img create -q -f qcow2 -o cluster_size=512 image 8M
  for granularity; do
    qemu-img bitmap --add -g "$granularity" image "b$n"
    n=$((n + 1))
    qemu-io -c "write -z $((n * 700))k 4k" image >/dev/null
  done
  as_input "$name"
}

# as_input NAME: the extension's data, which follows its type and length in
# the header, then all behind the first cluster.
as_input ()
{
  local at
  at=$(LC_ALL=C grep -obUaP '\x23\x85\x28\x75\x00\x00\x00\x18' image \
         | head -1 | cut -d: -f1)
  { dd if=image bs=1 skip=$((at + 8)) count=24 status=none
    tail -c +513 image; } >"bitmaps/$1"
}

bitmaps one 64k
bitmaps fine 512
bitmaps fine-and-coarse 512 1M
bitmaps coarsest 2G
bitmaps several 4k 8k 16k 32k
bitmaps same 64k 64k 64k

qemu-img bitmap --disable image b1
as_input disabled
qemu-img bitmap --remove image b1
as_input removed
qemu-img bitmap --clear image b0
as_input cleared
qemu-img bitmap --add image "$(printf 'x%.0s' {1..1023})"
as_input long-name
qemu-io -c 'write -z 0 1M' image >/dev/null
as_input whole-bytes
qemu-io -c 'write -z 0 4k' -c abort image >/dev/null 2>&1 || :
as_input in-use
rm -f image

# Checkpoints and domains that the tests have, and what they have nothing of.
cp "$tests"/xml/*.domain.xml "$tests"/xml/*.in.xml xml/
cp "$tests"/xml/{redefine,size,redefine-domain-file}.out.xml xml/
document ()
{
  printf '%s' "$2" >"xml/$1"
}
document doctype '<!DOCTYPE a [<!ENTITY b "c">]><domaincheckpoint>&b;</domaincheckpoint>'
document unfinished '<domaincheckpoint><name>a</name><disks><disk name="vda'
document latin '<?xml version="1.0" encoding="ISO-8859-1"?><domaincheckpoint/>'
document disks 'vda=/a,vdb=raw:b,,c,x-1.2=qcow2:=,,d'
document faults '<domaincheckpoint a="b"><name>a/b</name><name/><current/><parent/>
<disks><disk name="vda" checkpoint="no" bitmap="a"/><disk/></disks></domaincheckpoint>'

# input NAME FORMAT: an input of fuzz-store.
input ()
{
  printf "$2" >"store/$1"
}

# cp NAME [PARENT]: a file of a folder.
cp_file ()
{
  printf '\\0%s.xml\\n<domaincheckpoint><name>%s</name>' "$1" "$1"
  if [ $# -gt 1 ]; then
    printf '<parent><name>%s</name></parent>' "$2"
  fi
  printf '<creationTime>1</creationTime></domaincheckpoint>'
}

input chain "cb$(cp_file a)$(cp_file b a)$(cp_file c b)"
input leaves "c$(cp_file a)$(cp_file b a)$(cp_file c a)"
input broken "cx$(cp_file a b)$(cp_file b a)$(cp_file c gone)$(cp_file d d)"
input strange 'c\0README\nx\0a.xml\0.b.xml\n\0c.xml.new\n<\0d.xml\n<d/>'
input misnamed "ca$(cp_file a)$(cp_file b a | sed 's/b.xml/c.xml/')"
image="disk='vda' image='/img/a%%25b.qcow2'"
input prepared "j<journal what='creating' state='prepared'><before><add \
$image bitmap='a' granularity='65536'/></before><files><write \
name='checkpoints/a.xml'/><write name='current'/></files><after/></journal>"
input committed "j<journal what='deleting' state='committed'><before><merge \
$image bitmap='a' source='b'/></before><files><remove \
name='checkpoints/b.xml'/><write name='backups.xml'/></files><after><remove \
$image bitmap='b'/></after></journal>"
input nothing "j<journal what='%%C3%%A9' state='prepared'><before/><files/>\
<after/></journal>"
input no-backups 'b<backups/>'
input backups "b<backups><backup checkpoint='a' name='/b/1.qcow2'/><backup \
checkpoint='a' name='%%FF %%27'/><backup checkpoint='b' name='x'/></backups>"

# Rules, and keys of users.
policy ()
{
  printf "$2" >"policy/$1"
}
policy rule-user 'allow user 0 export vda list read map\n'
policy rule-psk 'allow psk alice export vd? read map=since:*\n'
policy rule-certificate '# one\n\nallow certificate "CN=backup1,O=A" '\
'address fd00::/8 export "*" list\n'
policy rule-address 'allow address 10.0.0.0/9 export vda list\r\n'
policy rule-quotes 'allow psk "a\\"\\\\b" export [!v]da map=b0 map=b1\n'
policy rules 'allow user root export vda list\nallow user 0 psk * export vdb map'
policy rule-no-export 'allow user 0\n'
policy rule-no-right 'allow user 0 export vda'
policy rule-open-quote 'allow psk "alice export vda read\n'
policy rule-bits 'allow address ::/129 export vda read\n'
policy keys 'alice:00112233445566778899aabbccddeeff\nbob:00\n'
policy keys-in-hex '#616c696365:0011\r\nbob:11 \t\n'
policy keys-twice 'alice:00\nbob:11\nalice:22\n'
policy key-odd 'alice:001\n'
policy key-none 'alice:\n'
policy key-nul 'a\000b:00\n'
policy comments '# nothing\n\n   \n'
