#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup-checkpoint edit: what is refused changes nothing, and is kept.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"
. "$abs_top_srcdir/tests/cli-functions.sh"

new_disks
mkdir edited
export TMPDIR=$dir/edited
unset VISUAL EDITOR
for name in a b; do
  backup-checkpoint -q create-as "$name" 'one two'
done

# kept: the only temporary file, whose name a message has had.
kept ()
{
  local files=(edited/*)
  [ "${#files[@]}" -eq 1 ] && [ -f "${files[0]}" ] ||
    fail "the edited text was not kept"
  expect_text err "$dir/${files[0]}"
  [ "$(stat -c %a "${files[0]}")" = 600 ] || fail "others can read the text"
  echo "${files[0]}"
}

# none_kept: no temporary file is left.
none_kept ()
{
  [ -z "$(ls edited)" ] || fail "left: $(ls edited)"
}

export EDITOR=true
behaviour 'V 96' as-libvirt 'edit: nothing was changed'
prints 'Checkpoint a XML configuration not changed.' edit a
none_kept
export EDITOR='sed -i s/one/1/'
behaviour 'V 97' as-libvirt 'edit: it is redefined'
prints 'Checkpoint a edited.' edit a
none_kept
selects 'string(//description)' '1 two' a
VISUAL='sed -i s/two/2/' prints 'Checkpoint a edited.' edit a
behaviour 'G 22' as-libvirt '$VISUAL, else $EDITOR, else vi'
selects 'string(//description)' '1 2' a
mkdir bin
printf '#!/bin/sh\nsed -i "s/1 2/vi/" "$1"\n' >bin/vi
chmod +x bin/vi
VISUAL='' EDITOR='' PATH=$dir/bin:$PATH \
  prints 'Checkpoint a edited.' edit a
selects 'string(//description)' vi a
backup-checkpoint dumpxml a >before.a
backup-checkpoint dumpxml b >before.b

# A checkpoint keeps its name, and so do its bitmaps.
export EDITOR='sed -i s,name.b./name,name\>bb\</name,'
behaviour 'V 98' differs 'a rename is refused before anything is redefined'
fails 'Cannot rename checkpoint b to bb' edit b
file=$(kept)
grep -q '<name>bb</name>' "$file" || fail "$file is not what was edited"
rm "$file"
names_are 'a b'
image_has 'a b' vda.qcow2
backup-checkpoint dumpxml b | diff before.b - >&2 || fail "b has changed"

# What is wrong is told, and can be corrected.
export EDITOR='sed -i s/creationTime/creationTide/'
behaviour 'G 23' differs 'what is refused is kept, and not lost'
fails 'Failed to update a: checkpoint XML' edit a
file=$(kept)
backup-checkpoint dumpxml a | diff before.a - >&2 || fail "a has changed"
sed -i 's/creationTide/creationTime/; s/vi</mended</' "$file"
prints "Domain checkpoint a created from '$file'" \
  create --redefine --replace "$file"
selects 'string(//description)' mended a
rm "$file"
export EDITOR='truncate -s 0'
fails 'Failed to update a' edit a
rm "$(kept)"
export EDITOR='truncate -s 2M'
fails 'is longer than 1048576 bytes' edit a
rm "$(kept)"
export EDITOR='sed -i "/<name>b</d"'
fails 'a redefined checkpoint must have a name' edit b
rm "$(kept)"
export EDITOR='sed -i "s,</parent>,<unknown/></parent>,"'
fails 'Failed to update b' edit b
rm "$(kept)"

# An editor that fails has done nothing, unless it has.
export EDITOR=false
fails "editor 'false' ended with status 1" edit a
none_kept
export EDITOR="$dir/nosuch-editor"
expect_status 1 backup-checkpoint edit a # the shell has its say, too
expect_text err 'ended with status 127'
none_kept
export EDITOR=rm
fails 'No such file or directory' edit a
if grep 'is kept in' err >&2; then
  fail "a file that is gone is said to be kept"
fi
none_kept
printf '#!/bin/sh\necho "<!-- -->" >>"$1"\nkill -TERM $$\n' >bin/dies
chmod +x bin/dies
export EDITOR="exec $dir/bin/dies"
fails 'was ended by signal 15' edit a
rm "$(kept)"

# The domain can be used while somebody edits; who comes second is refused.
printf '#!/bin/sh\nbackup-checkpoint -q current a\n%s\n' \
  'sed -i s/mended/mine/ "$1"' >bin/while
chmod +x bin/while
export EDITOR="$dir/bin/while"
prints 'Checkpoint a edited.' edit a
printf '#!/bin/sh\n%s\n%s\n' \
  'EDITOR="sed -i s/mine/yours/" backup-checkpoint -q edit a' \
  'sed -i s/mine/ours/ "$1"' >bin/while
fails 'the XML configuration was changed by another user' \
  edit a
rm "$(kept)"
selects 'string(//description)' yours a
fails "no domain checkpoint with matching name 'nope'" \
  edit nope
none_kept

behaviours_done
