# SPDX-License-Identifier: LGPL-2.1-or-later
# test-xml-pairs.sh: checkpoints in tests/xml, NAME.in.xml, come out as they are
# written beside it in NAME.out.xml, byte for byte as libvirt would format them
# (but for the files of our own), and all are valid by the schema.

. "$abs_top_srcdir/tests/functions.sh"

requires xmllint --version

tool="$abs_top_builddir/tests/xml-tool"
schema="$abs_top_srcdir/lib/checkpoint/domaincheckpoint.rng"
libvirt_schema=/usr/share/libvirt/schemas/domaincheckpoint.rng
cd "$abs_top_srcdir/tests/xml"

check_valid ()
{
  xmllint --noout --nonet --relaxng "$schema" "$1" 2>"$dir/verdict" \
    || { cat "$dir/verdict" >&2; fail "not valid by xmllint: $1"; }
}

# pair OUT IN MODE OPTION...: what IN comes out as; and what came out comes out
# the same again, when it is taken back.
seen=' '
pair ()
{
  local out=$1.out.xml in=$2.in.xml mode=$3
  shift 3
  seen+="$in $out "
  check_valid "$in"
  "$tool" "$mode" "$@" "$in" >"$dir/out" || fail "$in: $mode $*"
  diff -u "$out" "$dir/out" || fail "$in: $mode $*"
  check_valid "$out"

  local again=() option
  for option; do
    case $option in --align=*|--parent=*) ;; *) again+=("$option") ;; esac
  done
  "$tool" redefine "${again[@]}" "$out" >"$dir/again" \
    || fail "$out cannot be taken back"
  diff -u "$out" "$dir/again" || fail "$out: is not the same when taken back"
}

two=--align=two.domain.xml
pair empty empty create $two --no-domain
pair empty-domain empty create $two
pair empty-secure empty create $two --secure
pair sample sample create $two --no-domain --parent=1525111885
pair size sample create $two --no-domain --size=vda,1048576
pair new-file sample create $two --file --parent=1525111885
pair by-path by-path create $two --no-domain --parent=mon
pair entities entities create $two --no-domain
pair order order create $two --no-domain
pair ignored ignored create $two --no-domain
pair no-disk no-disk create $two --no-domain --check-bitmaps
pair long-name long-name create $two --no-domain --check-bitmaps
pair subset subset create --align=five.domain.xml --no-domain --check-bitmaps
pair defaults empty create --align=five.domain.xml --no-domain
pair redefine-minimum redefine-minimum redefine
pair redefine-time-0 redefine-time-0 redefine
pair redefine redefine redefine
pair redefine-domain redefine-domain redefine
pair redefine-domain-secure redefine-domain redefine --secure
pair redefine-domain-no-domain redefine-domain redefine --no-domain
pair redefine-domain-file redefine-domain redefine --file
pair libvirt-file libvirt-file redefine --secure
pair independent-file independent-file redefine --file
pair independent-lost independent-file redefine

# Where libvirt is installed, it must take what we write, but for names of disks
# that only we have.
if [ -f "$libvirt_schema" ]; then
  for file in *.out.xml; do
    [ "$file" = redefine.out.xml ] && continue
    xmllint --noout --nonet --relaxng "$libvirt_schema" "$file" 2>"$dir/verdict" \
      || { cat "$dir/verdict" >&2; fail "not valid for libvirt: $file"; }
  done
fi

# What nothing looks at would be no test.
for file in *.in.xml *.out.xml; do
  [[ $seen == *" $file "* ]] || fail "no pair has $file"
done
