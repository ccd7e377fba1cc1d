#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Redefining checkpoints as libvirt does it: metadata taken back or changed,
# and no bitmap touched.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"

# redefine NAME PARENT [OPTION...], and no_redefine TEXT NAME PARENT [OPTION...]
redefine ()
{
  accepts_xml "$(redefined_xml "$1" "$2")" --redefine "${@:3}"
}
no_redefine ()
{
  refuses_xml "$1" "$(redefined_xml "$2" "$3")" --redefine "${@:4}"
}

new_domain vda vdb
creates a b

behaviour 'V 32' as-libvirt 'it needs a name'
refuses_xml 'a redefined checkpoint must have a name' \
  "<creationTime>5</creationTime>" --redefine

behaviour 'V 33' as-libvirt 'it needs a time'
refuses_xml 'missing creationTime from existing checkpoint' "<name>x</name>" --redefine

behaviour 'A.1 9' as-libvirt 'which is a number without sign or blanks'
for time in -1 +5 0x10 1.5; do
  refuses_xml creationTime "<name>x</name><creationTime>$time</creationTime>" --redefine
done

behaviour 'V 34' as-libvirt 'its parent must be there'
no_redefine 'parent nosuch for moment y not found' y nosuch

behaviour 'V 35' as-libvirt 'it is not its own parent'
no_redefine 'cannot set moment y as its own parent' y y

behaviour 'V 36' as-libvirt 'it is not below itself'
no_redefine 'parent b would create cycle to a' a b --replace

behaviour 'A.2 5' as-libvirt 'the name of its parent is a name, too'
no_redefine "failed to validate against schema" y ../b

behaviour 'V 37' as-libvirt 'its domain must have the same uuid'
checkpoint dumpxml b | sed "s/$uuid/99999999-2222-4333-8444-000000000001/" >foreign.xml
refuses_xml "definition for checkpoint b must use uuid $uuid" \
  "$(cat foreign.xml)" --redefine --replace

behaviour 'V 43' differs 'validating needs redefining'
checked
expect_status 2 checkpoint create --redefine-validate document.xml

has_bitmaps vda a b
lists a b
current_is b

behaviour 'V 38' as-libvirt 'dumpxml, delete --metadata, redefine: the same again, bitmaps untouched'
writes vda 'write 1M 64k'
checkpoint dumpxml --security-info b >saved.xml
accepts delete --metadata b
has_bitmaps vda a b
current_is a
accepts create --redefine saved.xml
same "$(cat saved.xml)" checkpoint dumpxml --security-info b
current_is b
dirty b vda 65536

behaviour 'V 38b' as-libvirt 'with --redefine-validate as well'
accepts delete --metadata b
accepts create --redefine --redefine-validate saved.xml
same "$(cat saved.xml)" checkpoint dumpxml --security-info b

behaviour 'V 39' as-libvirt 'the least of XML is kept as it is, as a root; current stays'
accepts_xml "<name>old</name><creationTime>100</creationTime>" --redefine
xml_is old "<domaincheckpoint>
  <name>old</name>
  <creationTime>100</creationTime>
</domaincheckpoint>"
is_below old ''
current_is b

behaviour 'V 40' as-libvirt 'as a child of the current one it is current'
redefine c b
current_is c
is_below c b

behaviour 'D.2 2' as-libvirt 'elsewhere in the tree it is not, which is how histories branch'
redefine other a
current_is c
same $'b\nother' checkpoint list --name --from a

behaviour 'D.2 3' differs 'it is made current where one asks for that'
redefine alternate a --current
current_is alternate
accepts delete --metadata alternate
current_is a
accepts current c
current_is c

behaviour 'V 45' as-libvirt 'without validation the disks may be in use'
start_machine vda
redefine busy c
stop_machine
accepts delete --metadata busy

behaviour 'V 41' as-libvirt 'validation fails where a bitmap is missing, and names it'
no_redefine "missing or broken bitmap 'w' for disk 'vda'" w a --redefine-validate

behaviour 'V 42' as-libvirt 'a bitmap that is there passes'
qemu-img bitmap --add "$domain/vda.qcow2" w
redefine w a --redefine-validate
dirty w vda 0

behaviour 'E.8' as-libvirt 'one that does not record fails'
accepts delete --metadata w
qemu-img bitmap --disable "$domain/vda.qcow2" w
no_redefine "missing or broken bitmap 'w' for disk 'vda'" w a --redefine-validate

behaviour 'D.4 1' as-libvirt 'all disks of it are validated'
qemu-img bitmap --enable "$domain/vda.qcow2" w
refuses_xml "missing or broken bitmap 'w' for disk 'vdb'" \
  "<name>w</name><creationTime>1</creationTime><disks><disk name='vda'/><disk name='vdb'/></disks>" \
  --redefine --redefine-validate

behaviour 'V 46' differs 'validation works at rest, and the disk must not be in use'
start_machine vda
no_redefine 'is being written by another process' w a --redefine-validate
stop_machine
redefine w a --redefine-validate

behaviour 'I 5' differs 'one that exists is replaced only where that is asked for'
no_redefine 'exists already' c a
is_below c b

behaviour 'V 47' as-libvirt 'replaced with another parent it moves, and its children with it'
redefine d c
accepts_xml "$(redefined_xml c a)" --redefine --replace
is_below c a
is_below d c
current_is d

behaviour 'V L5' differs 'replaced without its domain, it keeps the one that it has'
checkpoint dumpxml --no-domain b >short.xml
accepts create --redefine --replace short.xml
same "$(cat saved.xml)" checkpoint dumpxml --security-info b

behaviour 'V L7' as-libvirt 'disks that the domain has not got are kept'
accepts_xml "<name>gone</name><creationTime>7</creationTime>
  <disks><disk name='vdq'/></disks>" --redefine --redefine-validate
same 'gone' checkpoint dumpxml --xpath "string(//disk[@name='vdq']/@bitmap)" gone

behaviour 'D.4 2' as-libvirt 'with a domain in it, its disks must be of that'
refuses_xml "no disk named 'vdq'" \
  "$(sed "s/name='vda'/name='vdq'/; s,<name>b<,<name>q<," saved.xml)" --redefine

behaviour 'V L1' differs 'the bitmap of another checkpoint is refused'
refuses_xml "bitmap for disk 'vda' must match checkpoint name 'thief'" \
  "<name>thief</name><creationTime>1</creationTime><disks><disk name='vda' bitmap='a'/></disks>" \
  --redefine

behaviour 'V K8' differs 'a time of 0 is one'
accepts_xml "<name>epoch</name><creationTime>0</creationTime>" --redefine
same 0 checkpoint dumpxml --xpath 'string(/*/creationTime)' epoch
lists a b c d epoch gone old other w

behaviour 'A.1 10' as-libvirt 'a size in it is ignored'
checkpoint dumpxml --size b >sized.xml
sed -i "s/ size='131072'/ size='999'/" sized.xml
accepts create --redefine --replace sized.xml
dirty b vda 131072

behaviour 'D.4 3' as-libvirt 'no redefinition has touched a bitmap'
has_bitmaps vda a b w
has_bitmaps vdb a b

behaviours_done
