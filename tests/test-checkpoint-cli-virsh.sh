#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same commands, given to virsh and to backup-checkpoint, print the same.
# virsh has a driver for tests, with a domain that is only in its memory.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/cli-functions.sh"

requires virsh -c test:///default domstate test
export TZ=UTC
unset VISUAL EDITOR

# Checkpoints without disks, since the domains have different ones.
#   a - b - d - g      e
#     \ c     \ f        \ h
while read -r name parent; do
  {
    echo "<domaincheckpoint><name>$name</name>"
    echo "<description>it is &lt;$name&gt; &amp; more</description>"
    [ -z "$parent" ] || echo "<parent><name>$parent</name></parent>"
    echo "<creationTime>$((1500000000 + RANDOM))</creationTime>"
    echo '</domaincheckpoint>'
  } >"$name.xml"
  echo "$name"
done >names <<END
a
b a
c a
d b
g d
f d
e
h e
END

# What follows "checkpoint-" in virsh, without anything to quote: virsh and
# bash then see the same words.
cat >commands <<'END'
list
list --parent
list --name
list --tree
list --roots
list --leaves
list --no-leaves
list --leaves --name --roots
list --from a
list --from a --descendants
list --from a --descendants --leaves
list --from c
list --from b --tree
list --from b --tree --descendants
list --tree --from a
list --from a --parent
list --from nosuch
list --tree --name
list --parent --roots
list --parent --tree
list --roots --tree
list --roots --from a
list --leaves --tree
list --no-leaves --tree
info nosuch
parent a
parent b
parent g
parent nosuch
dumpxml a --no-domain
dumpxml g --no-domain
dumpxml nosuch
dumpxml g --no-domain --xpath //name
dumpxml g --no-domain --xpath //name --wrap
dumpxml g --no-domain --xpath //parent
dumpxml g --no-domain --xpath //parent --wrap
dumpxml g --no-domain --xpath /domaincheckpoint --wrap
dumpxml g --no-domain --xpath //nosuch
dumpxml g --no-domain --xpath //nosuch --wrap
dumpxml g --no-domain --xpath //name/text()
create-as --print-xml
create-as x --print-xml
create-as x y --print-xml
create-as x<&> y --print-xml --diskspec vda --diskspec vdb,checkpoint=no
create-as x y vda,bitmap=b vdb,checkpoint=bitmap,bitmap=c --print-xml
create-as x --print-xml --diskspec vda,,b
create-as x --print-xml --diskspec vda,foo=1
create-as x --print-xml --diskspec vda,bitmap=a,bitmap=b
create --redefine-validate
create nosuch.xml
create foo.xml
create a.xml --redefine-validate
delete nosuch
delete d --children-only --metadata
list --tree
delete b --metadata
list --tree
delete e --children --metadata
list --parent
END
echo '<foo/>' >foo.xml

# One virsh for all, since its domain goes when it ends.
{
  while read -r name; do
    echo "checkpoint-create test $name.xml --redefine"
  done <names
  while read -r command rest; do
    echo "checkpoint-$command test $rest"
  done <commands
} >script
virsh -c test:///default <script >virsh.all 2>&1 || : # status of the last
[ "$(grep -c '^virsh # ' virsh.all)" -gt "$(wc -l <script)" ] ||
  { cat virsh.all >&2; fail "virsh has not run all commands"; }

# virsh_says N: what virsh has printed for line N of the script.
virsh_says ()
{
  awk -v wanted="$1" '
    /^virsh # / { line++; next }
    line == wanted { print }' virsh.all | without_empty_end
}

# Each virsh command ends with an empty line more.
without_empty_end ()
{
  sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

new_disks
line=0
while read -r name; do
  line=$((line + 1))
  expect_status 0 backup-checkpoint create "$name.xml" --redefine
  virsh_says "$line" >virsh
  diff -u virsh out >&2 || fail "create --redefine $name.xml"
done <names

compared=0
while read -r command rest; do
  line=$((line + 1))
  virsh_says "$line" >virsh
  if grep -q '^error: ' virsh; then
    # "error: ", then what the error's number says, then what we say, too.
    text=$(tail -n 1 virsh | sed -E 's/^error: ((Domain checkpoint not found'\
'|XML error|operation failed|invalid argument): )?//')
    got=0
    # shellcheck disable=SC2086 # words, as virsh has them
    backup-checkpoint $command $rest >out 2>err || got=$?
    [ "$got" -eq 1 ] || [ "$got" -eq 2 ] ||
      fail "exit status $got where virsh fails: $command $rest"
    expect_text err "$text"
  else
    # shellcheck disable=SC2086
    expect_status 0 backup-checkpoint $command $rest
    without_empty_end <out >ours
    diff -u virsh ours >&2 || fail "$command $rest"
  fi
  compared=$((compared + 1))
done <commands
[ "$compared" -eq "$(wc -l <commands)" ] || fail "compared $compared commands"
echo "$compared commands print what virsh prints"
