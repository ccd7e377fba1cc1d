# SPDX-License-Identifier: LGPL-2.1-or-later
# test-xml-domain.sh: the disks of a libvirt <domain>, and of disks: URIs.

. "$abs_top_srcdir/tests/functions.sh"

tool="$abs_top_builddir/tests/xml-tool"
domains="$abs_top_srcdir/tests/xml"

# shows EXPECTED COMMAND...: "name ...", "uuid ...", then a line for each disk.
shows ()
{
  printf '%s\n' "$1" >expected
  shift
  "$tool" "$@" >out || fail "$*"
  diff -u expected out || fail "$*"
}

shows 'name two
uuid d0c6af10-b0f2-4ed7-8f3c-8a5d3e3d0a11
vda qcow2 /img/two-vda.qcow2
vdb qcow2 /dev/vg/two-vdb
sda raw - readonly' uri "xml:$domains/two.domain.xml"

shows "name five
uuid -
vda qcow2 /img/a.qcow2
vdb raw /img/b.raw
vdc qcow2 - unsupported: its type is 'network', and only 'file' and 'block' can be used
vdd qcow2 /img/d.qcow2 readonly
fda raw -" domain "$domains/five.domain.xml"

# With an image in the drive, and in a file that is made by hand.
cat >web.xml <<'END'
<?xml version="1.0"?><!-- by hand -->
<domain><uuid> D0C6AF10B0F24ED78F3C8A5D3E3D0A11
</uuid><name>web 1</name>
<devices><disk device="cdrom"><source file="/img/a,&amp;b.iso"/><target dev='ioemu:hdc'/></disk>
<disk xmlns:x="urn:x" type="block"><x:target dev='no'/><target dev="hda"/><source dev="/dev/sdb"
/></disk></devices><x:devices xmlns:x='urn:x'><disk/></x:devices>
<devices><disk device='floppy'><source file=''/><target dev='fda'/></disk></devices></domain>
END
shows 'name web 1
uuid d0c6af10-b0f2-4ed7-8f3c-8a5d3e3d0a11
hdc raw /img/a,&b.iso readonly
hda raw /dev/sdb
fda raw -' uri xml:web.xml

# What the guest sees is a part of the file, so the file is not the disk.
cat >slice.xml <<'END'
<domain><name>s</name><devices><disk type='file'><source file='/img/all.raw'>
<slices><slice type='storage' offset='1048576' size='1048576'/></slices>
</source><target dev='vda'/></disk></devices></domain>
END
shows 'name s
uuid -
vda raw - unsupported: it is a slice of a file, and only whole files can be used' \
  uri xml:slice.xml

# refused TEXT COMMAND...: as the one line of the error.
refused ()
{
  local text=$1
  shift
  expect_status 1 "$tool" "$@"
  [ "$(cat err)" = "$text" ] \
    || { printf '%s\n' "expected: $text" "     got: $(cat err)" >&2
         fail "$*"; }
}

# bad TEXT XML
bad ()
{
  printf '%s' "$2" >bad.xml
  refused "domain XML: $1" domain bad.xml
  refused "bad.xml: $1" uri xml:bad.xml
}

# disk TEXT CHILDREN ATTRIBUTES: of a domain whose only disk that is.
disk ()
{
  bad "$1" "<domain><name>a</name><devices><disk ${3:-}>$2</disk></devices></domain>"
}

bad "expecting root element of 'domain', not 'domainsnapshot'" \
  '<domainsnapshot><domain/></domainsnapshot>'
bad 'line 1: a document type (<!DOCTYPE>) is not accepted' \
  '<!DOCTYPE domain [<!ENTITY a "b">]><domain><name>&a;</name></domain>'
bad 'missing name of the domain' '<domain><title>a</title></domain>'
for name in '' . .. a/b ../a "a&#10;b" "$(printf 'n%.0s' {1..256})"; do
  bad "name '${name/&#10;/?}': cannot be the name of a folder" \
    "<domain><name>$name</name></domain>"
done
for uuid in '' x d0c6af10-b0f2-4ed7-8f3c-8a5d3e3d0a1 \
  d0c6af10-b0f2-4ed7-8f3c-8a5d3e3d0a110 -d0c6af10b0f24ed78f3c8a5d3e3d0a11 \
  d0c6af10--b0f2-4ed7-8f3c-8a5d3e3d0a11 g0c6af10-b0f2-4ed7-8f3c-8a5d3e3d0a11
do
  bad "malformed uuid '$uuid'" \
    "<domain><name>a</name><uuid>$uuid</uuid></domain>"
done
disk 'missing target information for /img/a' '<source file="/img/a"/>'
disk 'missing target information for a disk' '<target bus="virtio"/>'
disk 'missing target information for a disk' '<target dev=""/>'
disk "target 'a/b': is not made of letters, digits, '-', '_' and '.'" \
  '<target dev="a/b"/>'
disk 'missing source information for device vda' '<target dev="vda"/>'
disk 'missing source information for device vda' \
  '<source dev="/img/a"/><target dev="vda"/>' 'type="file"'
disk 'missing source information for device vda' \
  '<source file="/img/a"/><target dev="vda"/>' 'type="block" device="lun"'
disk "disk vda: source 'a.qcow2' is not an absolute path" \
  '<source file="a.qcow2"/><target dev="vda"/>'
disk "disk vda: source 'json:{}' is not an absolute path" \
  '<source file="json:{}"/><target dev="vda"/>'
disk "disk vda: unknown device 'tape'" \
  '<source file="/a"/><target dev="vda"/>' 'device="tape"'
disk "target 'vda' duplicated for disk sources '/a' and '(empty)'" \
  '<source file="/a"/><target dev="vda"/></disk><disk device="cdrom"><target dev="vda"/>'
disks=$(printf '<disk device="floppy"><target dev="fd%d"/></disk>' {1..1025})
bad 'more than 1024 disks' \
  "<domain><name>a</name><devices>$disks</devices></domain>"

refused 'none.xml: No such file or directory' uri xml:none.xml
refused 'line.xml: line 1: Document is empty' uri xml:line.xml \
  $(: >line.xml)
truncate -s 1048577 large.xml
refused 'large.xml: is larger than 1048576 bytes' uri xml:large.xml
refused ".: is neither a regular file nor a block device" uri xml:.

# disks: lists.
shows "name -
uuid -
vda qcow2 /img/a.qcow2
vdb raw $dir/b,c
x-1.2 qcow2 $dir/=,d" uri disks:vda=/img/a.qcow2,vdb=raw:b,,c,x-1.2=qcow2:=,,d
shows "name -
uuid -
a qcow2 $dir/b," uri disks:a=b,,
shows "name -
uuid -
a qcow2 $dir/b,,c
d qcow2 $dir/e," uri disks:a=b,,,,c,d=e,,
shows "name -
uuid -
a qcow2 $dir/b,
c qcow2 /d" uri disks:a=b,,,c=/d

not_a_disk="is not NAME=[FORMAT:]PATH with a NAME of letters, digits, '-', '_' and '.'"
refused 'disks: disk number 1 of the list is empty' uri disks:
refused "disks: vda: $not_a_disk" uri disks:vda
refused 'disks: disk number 2 of the list is empty' uri disks:vda=a,
refused 'disks: disk number 1 of the list is empty' uri disks:,vda=a
refused "xml: the path of the domain's XML is missing" uri xml:
refused "disks: ,vdb=b: $not_a_disk" uri disks:,,vdb=b
refused "disks: b: $not_a_disk" uri disks:vda=a,b
refused "disks: v/a=a: $not_a_disk" uri disks:v/a=a
refused 'disks: vda=raw:: the path of the disk is missing' uri disks:vda=raw:
refused "disks: target 'a' duplicated for disk sources 'b' and 'raw:b'" uri \
  disks:a=b,a=qcow2:raw:b
refused 'qmp:/a: is neither disks:NAME=[FORMAT:]PATH[,...] nor xml:PATH' uri \
  qmp:/a
refused ' disks:a=b: is neither disks:NAME=[FORMAT:]PATH[,...] nor xml:PATH' \
  uri ' disks:a=b'

# Two disks may share an image; then only their targets tell them apart.
cat >shared.xml <<'END'
<domain><name>s</name><devices>
<disk><source file="/a"/><target dev="vda"/></disk>
<disk><source file="/a"/><target dev="vdb"/></disk>
</devices></domain>
END
echo '<domaincheckpoint><name>a</name><disks><disk name="/a"/></disks></domaincheckpoint>' \
  >cp.xml
refused "checkpoint a: '/a' is the path of disk 'vda' and of disk 'vdb'" \
  create --align=shared.xml cp.xml
