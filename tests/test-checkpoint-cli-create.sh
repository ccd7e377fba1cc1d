#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup-checkpoint create and create-as.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"
. "$abs_top_srcdir/tests/cli-functions.sh"

new_disks

# Without XML: all disks, by the time of day.
expect_status 0 backup-checkpoint create
grep -qxE 'Domain checkpoint [0-9]{10} created' out ||
  fail "without XML: $(cat out)"
first=$(backup-checkpoint list --name)
image_has "$first" vda.qcow2
image_has "$first" vdb.qcow2

behaviour 'G 30' as-libvirt 'create says what was created, and from which file'
cat >cp1.xml <<'END'
<domaincheckpoint><name>cp1</name></domaincheckpoint>
END
prints "Domain checkpoint cp1 created from 'cp1.xml'" \
  create cp1.xml
image_has "$first cp1" vda.qcow2
fails 'domain moment cp1 already exists' create cp1.xml
behaviour 'G 31' differs 'the file - is standard input'
prints "Domain checkpoint cp2 created from '-'" create - <<'END'
<domaincheckpoint><name>cp2</name></domaincheckpoint>
END
behaviour 'G 32' as-libvirt 'a file that cannot be read'
fails "Failed to open file 'nosuch.xml': No such file or dir" \
  create nosuch.xml
fails "Failed to read file '$dir': Is a directory" \
  create "$dir"
echo '<foo/>' >foo.xml
fails "expecting root element of 'domaincheckpoint', not 'foo'" create foo.xml
echo '<domaincheckpoint>' >half.xml
fails 'line' create half.xml
behaviour 'G 33' differs 'a file with a NUL in it'
printf '<domaincheckpoint/>\0' >nul.xml
fails 'has a NUL in it' \
  create nul.xml
behaviour 'G 34' differs 'a file of more than 1 MiB'
{
  echo '<domaincheckpoint/>'
  head -c 1048576 /dev/zero | tr '\0' ' '
} >big.xml
fails 'big.xml: is longer than 1048576 bytes' create big.xml
expect_status 1 backup-checkpoint create - <big.xml
expect_text err 'standard input: is longer than'

# Options, and what excludes what.
behaviour 'G 35' differs '--redefine excludes --quiesce'
misused 'Options --redefine and --quiesce are mutually exclusive' \
  create --redefine --quiesce cp1.xml
behaviour 'G 36' differs 'an operand too many'
misused "unexpected data 'x'" create cp1.xml x

# An image that two disks have, by a name of its own or by another.
ln vda.qcow2 link.qcow2
for same in vda.qcow2 ./vda.qcow2 link.qcow2; do
  PULLBACK_CONNECT="disks:vda=$dir/vda.qcow2,vdb=vdb.qcow2,vdc=$same" \
    fails "checkpoint twice: disk 'vda' and disk 'vdc' have the same image" \
    create-as twice
  expect_text err "exclude one of them with checkpoint='no'"
done
case "$(bitmaps_of vdb.qcow2)" in
  *twice*) fail 'a refused checkpoint has a bitmap' ;;
esac
rm link.qcow2

# What virsh has not got.
for option in redefine-validate replace current; do
  misused "Option --redefine is required by option --$option" \
    create --$option cp1.xml
done
for size in 0 1000 256 4G 1x ''; do
  misused "--granularity: '$size' is not a power of two from 512 to 214748" \
    create --granularity "$size" cp1.xml
done
backup-checkpoint -q create-as --granularity 128k coarse
granularities=$(qemu-img info --output=json vda.qcow2 |
  jq -r '.["format-specific"].data.bitmaps | map("\(.name) \(.granularity)")
         | sort | .[]')
grep -qx 'coarse 131072' <<<"$granularities" ||
  fail "--granularity is not that of the bitmap: $granularities"
grep -qx 'cp1 65536' <<<"$granularities" ||
  fail "the default is not that of the clusters: $granularities"
backup-checkpoint -q delete coarse

# Redefine: metadata alone.
cat >old.xml <<'END'
<domaincheckpoint>
  <name>old</name>
  <creationTime>100</creationTime>
</domaincheckpoint>
END
prints "Domain checkpoint old created from 'old.xml'" create --redefine old.xml
prints "$(cat old.xml)" dumpxml --no-domain old
fails 'checkpoint old exists already; to replace it, say so (--replace)' \
  create --redefine old.xml
prints "Domain checkpoint old created from 'old.xml'" \
  create --redefine --replace old.xml
echo '<domaincheckpoint/>' >none.xml
fails 'a redefined checkpoint must have a name' create --redefine none.xml
fails 'missing creationTime' create --redefine cp1.xml
fails "checkpoint inconsistent: missing or broken bitmap 'w' for disk 'vda'" \
  create --redefine --redefine-validate - <<'END'
<domaincheckpoint><name>w</name><creationTime>1</creationTime>
<disks><disk name='vda'/></disks></domaincheckpoint>
END
backup-checkpoint dumpxml --security-info cp2 >cp2.xml
prints 'Domain checkpoint cp2 deleted' delete --metadata cp2
prints "Domain checkpoint cp2 created from 'cp2.xml'" \
  create --redefine --redefine-validate cp2.xml
prints "$(cat cp2.xml)" dumpxml --security-info cp2
prints cp2 current
prints "Domain checkpoint cp1 created from '-'" \
  create --redefine --replace --current - < <(backup-checkpoint dumpxml cp1)
prints cp1 current

# create-as makes the XML.
behaviour 'V 90' differs 'create-as --print-xml needs no domain'
prints "<domaincheckpoint>
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
prints '<domaincheckpoint>
</domaincheckpoint>' create-as --print-xml
behaviour 'V 91' differs 'a diskspec that is none'
for spec in vda,foo=1 'vda,' ,bitmap=x vda,bitmap=a,bitmap=b ''; do
  misused "unable to parse diskspec: $spec" create-as n --diskspec "$spec"
done
behaviour 'G 37' as-libvirt 'create-as says what was created'
prints 'Domain checkpoint one created' \
  create-as one 'only one' --diskspec vdb
selects '//description/text() | //disk/@checkpoint' \
  'only one
 checkpoint="no"
 checkpoint="bitmap"' one
image_has "$first cp1 cp2" vda.qcow2
image_has "$first cp1 cp2 one" vdb.qcow2
prints 'Domain checkpoint two created' \
  create-as two '' "$dir/vda.qcow2"
selects '//disk/@name' ' name="vda"
 name="vdb"' two
fails "no disk named 'vdz'" create-as n '' vdz
fails "specified twice" create-as n '' vda "$dir/vda.qcow2"
fails "too many disk checkpoint requests for domain" \
  create-as n '' vda vdb vda
fails 'checkpoint XML' create-as n '' vda,checkpoint=maybe
fails "bitmap for disk 'vda' must match checkpoint name 'n'" \
  create-as n '' vda,bitmap=other
prints 'Domain checkpoint none created' \
  create-as none '' vda,checkpoint=no vdb,checkpoint=no
image_has "$first cp1 cp2 two" vda.qcow2
for name in a/b .a 'a b' '' 'a
b' é; do
  fails 'checkpoint XML' create-as "$name"
done
behaviour 'G 38' as-libvirt 'a name that starts with - comes after --'
prints 'Domain checkpoint -a..b created' create-as -- -a..b
prints 'Domain checkpoint -a..b deleted' delete -- -a..b
fails '247' \
  create-as "$(head -c 248 /dev/zero | tr '\0' x)"
qemu-img bitmap --add vda.qcow2 taken
fails 'Bitmap already exists: taken' create-as taken
expect_text err vda.qcow2
expect_text err 'backup-checkpoint doctor'
image_has "$first cp1 cp2 one" vdb.qcow2

# A raw disk cannot have one.
truncate -s 1M raw.img
export PULLBACK_CONNECT="disks:vda=$dir/vda.qcow2,vdb=raw:$dir/raw.img"
export PULLBACK_STATE="$dir/state2"
fails 'checkpoint for disk vdb unsupported for storage type raw' create-as r
prints 'Domain checkpoint r created' create-as r '' vda

behaviours_done
