#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup-checkpoint create and create-as.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/checkpoint-functions.sh"

new_domain

# Without XML: all disks, by the time of day.
expect_status 0 backup-checkpoint create
grep -qxE 'Domain checkpoint [0-9]{10} created' out ||
  fail "case 02: $(cat out)"
first=$(backup-checkpoint list --name)
echo 'behaviour 02: as libvirt'
replay_bitmaps 02 'as libvirt' "$first" vda.qcow2
replay_bitmaps 02 'as libvirt' "$first" vdb.qcow2

cat >cp1.xml <<'END'
<domaincheckpoint><name>cp1</name></domaincheckpoint>
END
replay 01 'as libvirt' 0 "Domain checkpoint cp1 created from 'cp1.xml'" \
  create cp1.xml
replay_bitmaps 01 'as libvirt' "$first cp1" vda.qcow2
replay 08 'as libvirt' 1 'domain moment cp1 already exists' create cp1.xml
replay G 'differs: - is standard input' 0 \
  "Domain checkpoint cp2 created from '-'" create - <<'END'
<domaincheckpoint><name>cp2</name></domaincheckpoint>
END
replay G 'as libvirt' 1 "Failed to open file 'nosuch.xml': No such file or dir" \
  create nosuch.xml
replay G 'as libvirt' 1 "Failed to read file '$dir': Is a directory" \
  create "$dir"
echo '<foo/>' >foo.xml
replay 10 'as libvirt' 1 \
  "expecting root element of 'domaincheckpoint', not 'foo'" create foo.xml
echo '<domaincheckpoint>' >half.xml
replay 12 'as libvirt' 1 'line' create half.xml
printf '<domaincheckpoint/>\0' >nul.xml
replay G 'differs: libvirt reads up to the NUL' 1 'has a NUL in it' \
  create nul.xml
{ echo '<domaincheckpoint/>'; head -c 1048576 /dev/zero | tr '\0' ' '; } >big.xml
replay G 'differs: libvirt takes 10 MiB from virsh' 1 \
  'big.xml: is longer than 1048576 bytes' create big.xml
expect_status 1 backup-checkpoint create - <big.xml
expect_text err 'standard input: is longer than'

# Options, and what excludes what.
replay 43 "$usage" 2 \
  'Option --redefine is required by option --redefine-validate' \
  create --redefine-validate cp1.xml
replay 29 'differs: exit status 2, and options are named, not flags' 2 \
  'Options --redefine and --quiesce are mutually exclusive' \
  create --redefine --quiesce cp1.xml
replay 29 'differs: the reason is told, not an unsupported flag' 1 \
  'its disks are at rest: there is no guest' create-as --quiesce q
replay G "$usage" 2 "unexpected data 'x'" create cp1.xml x
replay G 'differs: virsh has no --replace' 2 \
  'Option --redefine is required by option --replace' create --replace cp1.xml
replay G 'differs: virsh has no --current' 2 \
  'Option --redefine is required by option --current' create --current cp1.xml
for size in 0 1000 256 4G 1x ''; do
  replay G 'differs: virsh has no --granularity' 2 \
    "--granularity: '$size' is not a power of two from 512 to 2147483648" \
    create --granularity "$size" cp1.xml
done
backup-checkpoint -q create-as --granularity 128k coarse
[ "$(granularity_of vda.qcow2 coarse)" -eq 131072 ] ||
  fail "--granularity is not that of the bitmap"
[ "$(granularity_of vda.qcow2 cp1)" -eq 65536 ] ||
  fail "the default granularity is not that of the clusters"
backup-checkpoint -q delete coarse

# Redefine: metadata alone.
cat >old.xml <<'END'
<domaincheckpoint><name>old</name><creationTime>100</creationTime></domaincheckpoint>
END
replay 39 'as libvirt' 0 "Domain checkpoint old created from 'old.xml'" \
  create --redefine old.xml
replay 39 'as libvirt' 0 "<domaincheckpoint>
  <name>old</name>
  <creationTime>100</creationTime>
</domaincheckpoint>" dumpxml --no-domain old
replay 47 'differs: an existing one needs --replace' 1 \
  'checkpoint old exists already; to replace it, say so (--replace)' \
  create --redefine old.xml
replay 47 'as libvirt' 0 "Domain checkpoint old created from 'old.xml'" \
  create --redefine --replace old.xml
echo '<domaincheckpoint/>' >none.xml
replay 32 'as libvirt' 1 'a redefined checkpoint must have a name' \
  create --redefine none.xml
replay 33 'as libvirt' 1 'missing creationTime' create --redefine cp1.xml
redefine_with_parent ()
{
  cat <<END
<domaincheckpoint><name>$1</name><parent><name>$2</name></parent><creationTime>1</creationTime></domaincheckpoint>
END
}
redefine_with_parent y nosuch >y.xml
replay 34 'as libvirt' 1 'parent nosuch for moment y not found' \
  create --redefine y.xml
redefine_with_parent y y >y.xml
replay 35 'as libvirt' 1 'cannot set moment y as its own parent' \
  create --redefine y.xml
redefine_with_parent cp1 cp2 >y.xml
replay 36 'as libvirt' 1 'would create cycle' create --redefine --replace y.xml
replay_names 40 'as libvirt' 'cp2' --from cp1
replay 41 'as libvirt' 1 \
  "checkpoint inconsistent: missing or broken bitmap 'w' for disk 'vda'" \
  create --redefine --redefine-validate - <<'END'
<domaincheckpoint><name>w</name><creationTime>1</creationTime>
<disks><disk name='vda'/></disks></domaincheckpoint>
END
backup-checkpoint dumpxml --security-info cp2 >cp2.xml
replay 38 'as libvirt' 0 'Domain checkpoint cp2 deleted' delete --metadata cp2
replay 38 'as libvirt' 0 "Domain checkpoint cp2 created from 'cp2.xml'" \
  create --redefine --redefine-validate cp2.xml
replay 38 'as libvirt' 0 "$(cat cp2.xml)" dumpxml --security-info cp2

# create-as makes the XML.
replay 90 'differs: no domain is needed' 0 "<domaincheckpoint>
  <name>a&lt;b</name>
  <description>x &amp; &quot;y&quot;</description>
  <disks>
    <disk name='v&apos;a'/>
    <disk name='v,b' checkpoint='no'/>
    <disk name='vdc' checkpoint='bitmap' bitmap='x'/>
    <disk name='vdd' bitmap='x'/>
  </disks>
</domaincheckpoint>" \
  -c disks:none create-as --print-xml --diskspec "v'a" 'a<b' 'x & "y"' \
  --diskspec 'v,,b,checkpoint=no' vdc,bitmap=x,checkpoint=bitmap vdd,bitmap=x
replay 90 'as libvirt' 0 '<domaincheckpoint>
</domaincheckpoint>' create-as --print-xml
for spec in vda,foo=1 vda, ,bitmap=x vda,bitmap=a,bitmap=b ''; do
  replay 91 "$usage" 2 "unable to parse diskspec: $spec" \
    create-as n --diskspec "$spec"
done
replay G 'as libvirt' 0 'Domain checkpoint one created' \
  create-as one 'only one' --diskspec vdb
replay_xpath 14 'as libvirt' '//description/text() | //disk/@checkpoint' \
  'only one
 checkpoint="no"
 checkpoint="bitmap"' one
replay_bitmaps 14 'as libvirt' "$first cp1 cp2" vda.qcow2
replay_bitmaps 14 'as libvirt' "$first cp1 cp2 one" vdb.qcow2
replay 15 'as libvirt' 0 'Domain checkpoint two created' \
  create-as two '' "$dir/vda.qcow2"
replay_xpath 15 'as libvirt' '//disk/@name' ' name="vda"
 name="vdb"' two
replay 16 'as libvirt' 1 "no disk named 'vdz'" create-as n '' vdz
replay 17 'as libvirt' 1 "specified twice" create-as n '' vda "$dir/vda.qcow2"
replay 19 'as libvirt' 1 "too many disk checkpoint requests for domain" \
  create-as n '' vda vdb vda
replay 21 'as libvirt' 1 'checkpoint XML' create-as n '' vda,checkpoint=maybe
replay 22 'as libvirt' 1 \
  "bitmap for disk 'vda' must match checkpoint name 'n'" \
  create-as n '' vda,bitmap=other
replay 24 'as libvirt' 0 'Domain checkpoint none created' \
  create-as none '' vda,checkpoint=no vdb,checkpoint=no
replay_bitmaps 24 'as libvirt' "$first cp1 cp2 two" vda.qcow2
for name in a/b .a 'a b' '' 'a
b' é; do
  replay 03 'as libvirt' 1 'checkpoint XML' create-as "$name"
done
replay 07 'as libvirt' 0 'Domain checkpoint -a..b created' create-as -- -a..b
replay G 'as libvirt' 0 'Domain checkpoint -a..b deleted' delete -- -a..b
replay K7 'differs: refused before anything is done, not after' 1 '247' \
  create-as "$(printf '%248s' | tr ' ' x)"
qemu-img bitmap --add vda.qcow2 taken
replay 30 'differs: the images are named, and what to do' 1 \
  'Bitmap already exists: taken' create-as taken
expect_text err vda.qcow2
expect_text err 'backup-checkpoint doctor'
replay_bitmaps 30 'as libvirt' "$first cp1 cp2 one" vdb.qcow2

# A raw disk cannot have one.
truncate -s 1M raw.img
export PULLBACK_CONNECT="disks:vda=$dir/vda.qcow2,vdb=raw:$dir/raw.img"
export PULLBACK_STATE="$dir/state2"
replay 25 'as libvirt' 1 \
  'checkpoint for disk vdb unsupported for storage type raw' create-as r
replay 26 'as libvirt' 0 'Domain checkpoint r created' create-as r '' vda
