#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# State folders that are not as they should be, or come from libvirt: what is
# kept, what is shown, and what is current.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"

# checkpoint_file NAME [PARENT [FILE]]: put into the state folder by hand, as
# libvirt writes it: a comment, and the domain.
checkpoint_file ()
{
  cat >"$state/checkpoints/${3:-$1.xml}" <<END
<!--
WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE
OVERWRITTEN AND LOST. Changes to this xml configuration should be made using:
  virsh checkpoint-edit
or other application using the libvirt API.
-->

<domaincheckpoint>
  <name>$1</name>${2:+
  <parent>
    <name>$2</name>
  </parent>}
  <creationTime>1795273922</creationTime>
  <disks>
    <disk name='vda' checkpoint='bitmap' bitmap='$1'/>
  </disks>
$(sed 's/^/  /' "$domain/domain.xml")
</domaincheckpoint>
END
}

# folder_with NAME:PARENT...: a domain whose state came from elsewhere.
folder_with ()
{
  local checkpoint
  new_domain vda
  mkdir -p "$state/checkpoints"
  for checkpoint; do
    qemu-img bitmap --add "$domain/vda.qcow2" "${checkpoint%:*}"
    checkpoint_file "${checkpoint%:*}" "${checkpoint#*:}"
  done
}

# list_tree: without the empty lines that end it.
list_tree ()
{
  checkpoint list --tree "$@" 2>/dev/null | grep -v '^ *$'
}

# shows FINDING...: the kinds that doctor tells, and it exits with 1.
findings ()
{
  { checkpoint doctor --json || :; } | jq -r '.findings[].kind' | sort
}
shows ()
{
  local status=0
  same "$(printf '%s\n' "$@")" findings
  checkpoint doctor >out 2>err || status=$?
  [ "$status" -eq $(($# > 0)) ] || wrong "doctor exits with $status"
}

behaviour 'D.7 3' as-libvirt "a folder of libvirt's files is taken as it is"
folder_with a: b:a c:b
lists a b c
is_below b a
is_below c b
shows

behaviour 'V H5' as-libvirt 'its only leaf is current'
current_is c

behaviour 'E.1 2' as-libvirt 'its bitmaps say what has changed'
writes vda 'write 1M 64k'
dirty a vda 65536
dirty c vda 65536

behaviour 'D.7 4' as-libvirt 'the next checkpoint goes on from there'
creates d
is_below d c
has_bitmaps vda a b c d

behaviour 'V K3' as-libvirt "a file of libvirt's is printed as libvirt prints it"
xml_is b "<domaincheckpoint>
  <name>b</name>
  <parent>
    <name>a</name>
  </parent>
  <creationTime>100</creationTime>
  <disks>
    <disk name='vda' checkpoint='bitmap' bitmap='b'/>
  </disks>
</domaincheckpoint>"

behaviour 'D.7 5' as-libvirt 'and deleting one removes file and bitmap'
accepts delete b
same no eval "[ -e '$state/checkpoints/b.xml' ] || echo no"
is_below c a
has_bitmaps vda a c d

behaviour 'V H6' differs 'with several leaves none is current, and none is created until one is named'
folder_with a: b:a c:a
current_is ''
shows current-unknown
refuses 'current' create-as d
has_bitmaps vda a b c

behaviour 'D.2 5' differs 'naming one settles that'
accepts current b
current_is b
creates d
is_below d b
shows

behaviour 'D.2 6' differs 'what is current survives from one process to the next'
creates e
accepts current c
current_is c
creates f
is_below f c

behaviour 'V H7' differs 'a checkpoint whose parent is not there is shown, marked'
folder_with a: b:nosuch c:b
shows current-unknown missing-parent
lists a b c
same 'a
(broken)
  |
  +- b (parent nosuch: missing)
      |
      +- c' list_tree
accepts list --tree
expect_text err doctor

behaviour 'H7 2' as-libvirt 'it is among the roots'
same $'a\nb' checkpoint list --name --roots

behaviour 'H7 3' differs 'it has no parent, which is said, instead of one that is not there'
refuses 'nosuch' parent b

accepts info b
expect_text out 'Parent:         nosuch (broken)'

behaviour 'H7 4' differs 'it is repaired where one says its parent'
accepts_xml "$(redefined_xml b a)" --redefine --replace --current
is_below b a
same 'a
  |
  +- b
      |
      +- c' list_tree
shows

behaviour 'V H8' differs 'checkpoints that are their own ancestors are shown, marked'
folder_with a: b:c c:b
shows current-unknown cycle cycle
lists a b c
same 'a
(broken)
  |
  +- b (parent c: cycle)
  +- c (parent b: cycle)' list_tree

behaviour 'H8 2' differs 'and deleting one of them ends the cycle'
accepts delete b
is_below c ''
shows current-unknown
accepts current c
shows
lists a c

behaviour 'V H9' differs 'a file that is not named as its checkpoint is told, and stays'
folder_with a:
checkpoint_file b a other.xml
lists a
shows unreadable-file
checkpoint doctor >out || :
expect_text out "$state/checkpoints/other.xml"

behaviour 'H9 2' differs 'so deleting never leaves one that comes back'
accepts delete a
accepts list --name
same '' cat out

behaviour 'D.7 6' differs 'what is no checkpoint is told, and stays'
folder_with a:
echo 'no XML' >"$state/checkpoints/broken.xml"
: >"$state/checkpoints/empty.xml"
echo '<domaincheckpoint/>' >"$state/checkpoints/nameless.xml"
head -c 1100000 /dev/zero | tr '\0' ' ' >"$state/checkpoints/large.xml"
ln -s a.xml "$state/checkpoints/link.xml"
mkfifo "$state/checkpoints/pipe.xml"
lists a
shows unreadable-file unreadable-file unreadable-file unreadable-file \
  unreadable-file unreadable-file
same 7 eval "ls '$state/checkpoints' | wc -l"

behaviour 'D.7 7' differs 'a file without .xml is told, and not loaded'
folder_with a:
checkpoint_file b a b.txt
lists a
shows unreadable-file

behaviour 'D.7 8' differs 'a file that is written anew keeps what it was, until it is whole'
folder_with a: b:a
echo '<domaincheck' >"$state/checkpoints/b.xml.new"
lists a b
shows
creates c
is_below c b

behaviour 'D.7 9' differs 'a checkpoint of another machine is told'
folder_with a:
sed -i "s,<uuid>.*<,<uuid>99999999-2222-4333-8444-000000000001<," \
  "$state/checkpoints/a.xml"
shows foreign-domain

behaviour 'D.7 10' differs 'a checkpoint of a disk that is gone is told, and its others still work'
folder_with a:
sed -i "s,^  </disks>,    <disk name='vdq' checkpoint='bitmap' bitmap='a'/>\n&," \
  "$state/checkpoints/a.xml"
shows disk-unknown
dirty a vda 0

behaviour 'I 8' differs 'a checkpoint without its bitmap is told'
folder_with a: b:a
qemu-img bitmap --remove "$domain/vda.qcow2" a
shows bitmap-missing

behaviour 'I 9' differs 'a bitmap without its checkpoint is told'
accepts delete a
qemu-img bitmap --add "$domain/vda.qcow2" x
shows bitmap-orphan

behaviour 'V H4' differs 'another name of the domain keeps the checkpoints where the folder is given'
sed -i 's,<name>web[0-9]*<,<name>renamed<,' "$domain/domain.xml"
lists b

behaviour 'D.7 11' differs 'current may name one that is not there: then none is taken for it'
echo nosuch >"$state/current"
current_is ''
refuses 'current' create-as d
accepts doctor --fix --remove-orphans
current_is b
shows

behaviours_done
