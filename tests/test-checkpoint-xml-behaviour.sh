#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What of <domaincheckpoint> is accepted, refused and printed, as libvirt does
# it: elements, names, the order of checks, and disks of the domain.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"

schema='failed to validate against schema'

# One domain for all that is refused: nothing of it must have changed in the
# end, which each refusal checks as well.
new_domain vda vdb sda:empty

behaviour 'V 01' as-libvirt 'a name alone makes a bitmap that records, and a root'
accepts_xml "<name>cp1</name>"
has_bitmaps vda cp1
is_below cp1 ''
xml_is cp1 "<domaincheckpoint>
  <name>cp1</name>
  <creationTime>100</creationTime>
  <disks>
    <disk name='vda' checkpoint='bitmap' bitmap='cp1'/>
    <disk name='vdb' checkpoint='bitmap' bitmap='cp1'/>
    <disk name='sda' checkpoint='no'/>
  </disks>
</domaincheckpoint>"

behaviour 'V 03' as-libvirt 'a name with a slash is refused'
refuses_xml "$schema" "<name>a/b</name>"

behaviour 'A.2 1' as-libvirt 'a name that leads out of the folder is refused'
refuses_xml "$schema" "<name>../../etc/passwd</name>"
refuses_xml "$schema" "<name>..</name>"

behaviour 'V 04' as-libvirt 'a name that starts with a dot is refused'
refuses_xml "$schema" "<name>.a</name>"

behaviour 'V 05' as-libvirt 'a name with a blank is refused, also around it'
refuses_xml "$schema" "<name>a b</name>"
refuses_xml "$schema" "<name> a </name>"

behaviour 'V 06' as-libvirt 'an empty name is refused'
refuses_xml "$schema" "<name></name>"
refuses_xml "$schema" "<name/>"

behaviour 'A.2 2' as-libvirt 'a name with a line break, or beyond ASCII, is refused'
refuses_xml "$schema" "<name>a
b</name>"
refuses_xml "$schema" "<name>aé</name>"

behaviour 'V 08' as-libvirt 'a name that is taken is refused'
refuses_xml 'domain moment cp1 already exists' "<name>cp1</name>"

behaviour 'V 10' as-libvirt 'another root element is refused'
refuses_xml "expecting root element of 'domaincheckpoint', not 'foo'" "<foo/>"

behaviour 'V 11' as-libvirt 'elements that are not known are refused'
refuses_xml "$schema" "<name>x</name><current>1</current>"
refuses_xml "$schema" "<name>x</name><state>running</state>"

behaviour 'A.1 1' as-libvirt 'an element twice is refused'
refuses_xml "$schema" "<name>x</name><name>y</name>"

behaviour 'V 12' as-libvirt 'what is not well-formed is refused, with the line'
refuses_xml 'line 4: ' "<domaincheckpoint>
  <name>x</name>
  <disks>
</domaincheckpoint>"
refuses_xml "line 1: Start tag expected, '<' not found" 'hello'

behaviour 'V 16' as-libvirt 'a disk that the domain has not got is refused'
refuses_xml "no disk named 'vdz'" "<name>x</name><disks><disk name='vdz'/></disks>"

behaviour 'A.1 2' differs 'the name of a disk is asked of the domain, not of the schema'
refuses_xml "no disk named 'data'" "<name>x</name><disks><disk name='data'/></disks>"

behaviour 'V 17' as-libvirt 'a disk twice is refused, also once by name and once by path'
refuses_xml "disk 'vda' specified twice" \
  "<name>x</name><disks><disk name='vda'/><disk name='vda'/></disks>"
refuses_xml "disk '$domain/vda.qcow2' specified twice" \
  "<name>x</name><disks><disk name='vda'/><disk name='$domain/vda.qcow2'/></disks>"

behaviour 'V 18' as-libvirt 'an empty drive is refused with a bitmap, and fine without'
refuses_xml "disk 'sda' is empty or readonly" \
  "<name>x</name><disks><disk name='sda'/></disks>"

behaviour 'V 19' as-libvirt 'more disks than the domain has is told before their names are'
refuses_xml 'too many disk checkpoint requests for domain' \
  "<name>x</name><disks><disk name='vdw'/><disk name='vdx'/><disk name='vdy'/><disk name='vdz'/></disks>"

behaviour 'V 20' as-libvirt "checkpoint='no' goes without a bitmap or a size"
refuses_xml "$schema" \
  "<name>x</name><disks><disk name='vda' checkpoint='no' bitmap='x'/></disks>"
refuses_xml "$schema" \
  "<name>x</name><disks><disk name='vda' checkpoint='no' size='1'/></disks>"

behaviour 'V 21' as-libvirt 'another value of checkpoint is refused'
refuses_xml "$schema" \
  "<name>x</name><disks><disk name='vda' checkpoint='external'/></disks>"

behaviour 'V 22' as-libvirt 'a bitmap of another name is refused'
refuses_xml "bitmap for disk 'vda' must match checkpoint name 'k1'" \
  "<name>k1</name><disks><disk name='vda' bitmap='k2'/></disks>"

behaviour 'V 23' as-libvirt 'an empty <disks> is refused'
refuses_xml "$schema" "<name>x</name><disks/>"

behaviour 'A.1 3' as-libvirt 'a size must be a number'
refuses_xml "$schema" \
  "<name>x</name><disks><disk name='vda' size='-1'/></disks>"
refuses_xml "$schema" \
  "<name>x</name><disks><disk name='vda' size='1k'/></disks>"

behaviour 'A.3 1' as-libvirt 'well-formed comes before the root element'
refuses_xml 'line 1: ' "<foo><name>x</foo>"

behaviour 'A.3 2' as-libvirt 'the root element comes before the schema'
refuses_xml 'expecting root element' "<foo><disks/></foo>"

behaviour 'A.3 3' as-libvirt 'the schema comes before the disks of the domain'
refuses_xml "$schema" \
  "<name>a/b</name><disks><disk name='vdz'/></disks>"

behaviour 'A.3 4' as-libvirt 'disks come before their bitmaps, and these before a name that is taken'
refuses_xml "no disk named 'vdz'" \
  "<name>cp1</name><disks><disk name='vda' bitmap='x'/><disk name='vdz'/></disks>"
refuses_xml 'must match checkpoint name' \
  "<name>cp1</name><disks><disk name='vda' bitmap='x'/></disks>"

behaviour 'A.1 4' differs 'document types are refused, and what they would fetch or expand'
refuses_xml 'document type' \
  "<?xml version='1.0'?><!DOCTYPE domaincheckpoint [<!ENTITY e 'x'>]><domaincheckpoint><name>&e;</name></domaincheckpoint>"
refuses_xml 'document type' \
  "<?xml version='1.0'?><!DOCTYPE d SYSTEM 'file:///etc/passwd'><domaincheckpoint/>"

has_bitmaps vda cp1
has_bitmaps vdb cp1
lists cp1

# From here on, what is accepted.

behaviour 'V 07' as-libvirt 'a name may start with a minus sign, and have two dots in it'
accepts_xml "<name>-a..b</name>"
same 'cp1' checkpoint parent -- -a..b
accepts delete -- -a..b

behaviour 'V 02' as-libvirt 'without XML the name is the time in seconds, which is creationTime'
accepts create
same 1 grep -cE "^Domain checkpoint [0-9]{10} created$" out
name=$(checkpoint list --name --leaves)
same "$name" checkpoint dumpxml --xpath 'string(/*/creationTime)' "$name"

behaviour 'A.2 3' differs 'two without a name in one second both succeed'
for i in 1 2 3; do accepts create; done
same 5 eval 'checkpoint list --name | wc -l'
checkpoint delete --children-only cp1

behaviour 'V 09' as-libvirt 'parent, time, size and domain are accepted and ignored; text is escaped'
accepts_xml "<name>tue</name><description>a &amp; b &lt;c&gt;</description>
  <parent><name>nosuch</name></parent><creationTime>5</creationTime>
  <domain type='qemu'><name>other</name></domain>
  <disks><disk name='vda' size='99'/></disks>"
xml_is tue "<domaincheckpoint>
  <name>tue</name>
  <description>a &amp; b &lt;c&gt;</description>
  <parent>
    <name>cp1</name>
  </parent>
  <creationTime>100</creationTime>
  <disks>
    <disk name='vda' checkpoint='bitmap' bitmap='tue'/>
    <disk name='vdb' checkpoint='no'/>
    <disk name='sda' checkpoint='no'/>
  </disks>
</domaincheckpoint>"
same 'web1' checkpoint dumpxml --xpath 'string(/*/domain/name)' tue

behaviour 'V 13' as-libvirt 'without <disks> all have a bitmap that are neither empty nor read-only'
new_domain vda vdb sda:empty vdc:readonly
creates all
for disk in vda:bitmap vdb:bitmap sda:no vdc:no; do
  same "${disk#*:}" checkpoint dumpxml \
    --xpath "string(//disk[@name='${disk%:*}']/@checkpoint)" all
done
has_bitmaps vdc

behaviour 'V 14' as-libvirt 'with <disks> only those have one that are listed'
accepts_xml "<name>one</name><disks><disk name='vdb'/></disks>"
has_bitmaps vda all
has_bitmaps vdb all one
same 'no' checkpoint dumpxml --xpath "string(//disk[@name='vda']/@checkpoint)" one

behaviour 'V 15' as-libvirt 'a disk by the path of its source is printed by its name'
accepts_xml "<name>path</name><disks><disk name='$domain/vdb.qcow2'/></disks>"
has_bitmaps vdb all one path
same 'path' checkpoint dumpxml --xpath "string(//disk[@name='vdb']/@bitmap)" path

behaviour 'V 24' as-libvirt "a checkpoint of no disk at all is one"
accepts_xml "<name>none</name><disks><disk name='vda' checkpoint='no'/></disks>"
has_bitmaps vda all
is_below none path

behaviour 'A.1 5' as-libvirt 'children come in any order, and are printed in one'
accepts_xml "<disks><disk name='vdb' checkpoint='bitmap'/></disks>
  <description>d</description><name>order</name>"
xml_is order "<domaincheckpoint>
  <name>order</name>
  <description>d</description>
  <parent>
    <name>none</name>
  </parent>
  <creationTime>100</creationTime>
  <disks>
    <disk name='vda' checkpoint='no'/>
    <disk name='vdb' checkpoint='bitmap' bitmap='order'/>
    <disk name='sda' checkpoint='no'/>
    <disk name='vdc' checkpoint='no'/>
  </disks>
</domaincheckpoint>"

behaviour 'A.1 6' as-libvirt 'an empty description is not printed'
accepts_xml "<name>silent</name><description></description>"
same 0 checkpoint dumpxml --xpath 'count(/*/description)' silent

behaviour 'A.1 7' as-libvirt 'the domain is printed as it was, without passwords unless they are asked for'
accepts dumpxml silent
same "      <graphics type='vnc'/>" grep '<graphics' out
accepts dumpxml --security-info silent
same "      <graphics type='vnc' passwd='secret'/>" grep '<graphics' out
sed -i 's,>65536<,>131072<,' "$domain/domain.xml"
same 65536 checkpoint dumpxml --xpath 'string(/*/domain/memory)' silent

behaviour 'C.1 2' differs 'passwords are for whoever may read the folder, also where it is only read'
chmod 500 "$state"
accepts dumpxml --security-info silent
same 1 grep -c secret out
chmod 700 "$state"

behaviour 'A.1 8' as-libvirt 'and not at all with --no-domain'
accepts dumpxml --no-domain silent
same 0 eval "grep -c '<domain ' out || :"

behaviour 'V 25' as-libvirt 'a raw disk is refused, also by default'
new_domain vda vdb:raw
refuses_xml 'checkpoint for disk vdb unsupported for storage type raw' "<name>a</name>"

behaviour 'V 26' as-libvirt 'and is fine where it is left out'
accepts_xml "<name>a</name><disks><disk name='vda'/></disks>"
has_bitmaps vda a

behaviour 'V 27' as-libvirt 'a domain without disks has no checkpoints'
new_domain
refuses_xml 'domain must have at least one disk to perform checkpoints' "<name>a</name>"

behaviour 'V K0' as-libvirt 'qcow2 of version 2 is refused'
new_domain vda vdb:v2
refuses_xml 'qcow2 image of version 2' "<name>a</name>"

behaviours_done
