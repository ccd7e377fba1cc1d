# SPDX-License-Identifier: LGPL-2.1-or-later
# test-xml-errors.sh: what is wrong with a checkpoint's XML is refused, in
# libvirt's order, with a message that says what and where; and what the schema
# refuses is what xmllint refuses by it.

. "$abs_top_srcdir/tests/functions.sh"

requires xmllint --version

tool="$abs_top_builddir/tests/xml-tool"
schema="$abs_top_srcdir/lib/checkpoint/domaincheckpoint.rng"
domains="$abs_top_srcdir/tests/xml"
against_schema='failed to validate against schema domaincheckpoint.rng: '

# refused TEXT MODE OPTION...: the file bad.xml is, with TEXT as the one line
# of the error.  xmllint's verdict (0 valid, 1 not XML, 3 not valid) is the same.
refused ()
{
  local text="checkpoint $1" mode=$2 want=0 got=0
  shift 2
  expect_status 1 "$tool" "$mode" "$@" bad.xml
  [ ! -s out ] || fail "refused, and written as well: $(cat bad.xml)"
  [ "$(cat err)" = "$text" ] \
    || { printf '%s\n' "expected: $text" "     got: $(cat err)" \
           "     for: $(cut -c1-200 bad.xml)" >&2; fail 'another error'; }
  case $text in *"$against_schema"*) want=3 ;; esac
  [ "$want" -ne 3 ] && [ -n "${not_for_xmllint:-}" ] && return
  xmllint --noout --nonet --relaxng "$schema" bad.xml >/dev/null 2>&1 || got=$?
  [ "$got" -eq "$want" ] || fail "xmllint says $got: $(cut -c1-200 bad.xml)"
}

# not_xml LINE XML: neither we nor xmllint can read it; the words are libxml2's,
# and not the same in all versions.
not_xml ()
{
  local mode
  printf '%s' "$2" >bad.xml
  for mode in create redefine; do
    expect_status 1 "$tool" "$mode" bad.xml
    grep -q "^checkpoint XML: line $1: [A-Z]" err || fail "$(cat err): $2"
    [ "$(wc -l <err)" -eq 1 ] || fail "not one line: $(cat err)"
  done
  ! xmllint --noout --nonet bad.xml 2>/dev/null || fail "xmllint takes: $2"
}

# invalid LINE TEXT CHILDREN: against the schema, whatever it is parsed for.
invalid ()
{
  printf '<domaincheckpoint>%s</domaincheckpoint>\n' "$3" >bad.xml
  refused "XML: line $1: $against_schema$2" create
  refused "XML: line $1: $against_schema$2" redefine
}

# bad TEXT MODE CHILDREN OPTION...: by a rule that no schema has.
bad ()
{
  local text=$1 mode=$2
  printf '<domaincheckpoint>%s</domaincheckpoint>\n' "$3" >bad.xml
  shift 3
  refused "$text" "$mode" "$@"
}

# Well-formed, or not.
not_xml 1 'no XML'
not_xml 1 ''
not_xml 1 '<domaincheckpoint>'
not_xml 2 $'<domaincheckpoint>\n<name>a</nam></domaincheckpoint>'
not_xml 1 '<domaincheckpoint><name>&nbsp;</name></domaincheckpoint>'
not_xml 1 $'<domaincheckpoint><name>\xff</name></domaincheckpoint>'
not_xml 1 $'<domaincheckpoint><name>\x08</name></domaincheckpoint>'
not_xml 1 '<domaincheckpoint><disks><disk name="a" name="b"/></disks></domaincheckpoint>'
not_xml 2 $'<domaincheckpoint/>\n<domaincheckpoint/>'

# What xmllint would take, and we do not.  Its schema takes some of it.
printf '<!DOCTYPE domaincheckpoint>\n<domaincheckpoint/>' >bad.xml
not_for_xmllint=1
refused 'XML: line 1: a document type (<!DOCTYPE>) is not accepted' create
cat >bad.xml <<'END'
<?xml version='1.0'?>
<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>
<domaincheckpoint><name>a</name><description>&b;</description></domaincheckpoint>
END
refused 'XML: line 2: a document type (<!DOCTYPE>) is not accepted' create
cat >bad.xml <<'END'
<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<domaincheckpoint><description>&c;&c;&c;</description></domaincheckpoint>
END
refused 'XML: line 1: a document type (<!DOCTYPE>) is not accepted' create
cat >bad.xml <<'END'
<!DOCTYPE a SYSTEM "http://example.org/a.dtd"><domaincheckpoint/>
END
refused 'XML: line 1: a document type (<!DOCTYPE>) is not accepted' create

nested ()
{
  echo '<domaincheckpoint><domain>'
  printf '<a>%.0s' $(seq "$1")
  printf '</a>%.0s' $(seq "$1")
  echo '</domain></domaincheckpoint>'
}
nested 126 >good.xml
expect_status 0 "$tool" create good.xml
nested 127 >bad.xml
refused 'XML: line 2: elements are nested too deeply' create
nested 250 >bad.xml
refused 'XML: line 2: elements are nested too deeply' create
{ echo '<domaincheckpoint/><!--'; head -c 1048576 /dev/zero | tr '\0' ' '
  echo '-->'; } >bad.xml
refused 'XML: is larger than 1048576 bytes' create
with_attributes ()
{
  printf '<!-- a="" -->\n<domaincheckpoint><domain><![CDATA[<a a="">]]>\n<a '
  printf "a%d='\"' " $(seq "$1")
  echo '/></domain></domaincheckpoint>'
}
with_attributes 256 >good.xml
expect_status 0 "$tool" create good.xml
with_attributes 257 >bad.xml
refused 'XML: line 3: an element has too many attributes' create
iconv -f UTF-8 -t UTF-16 <good.xml >bad.xml
refused 'XML: line 1: has a zero byte: it must be in an encoding like UTF-8' create
unset not_for_xmllint

# The root.
echo '<foo/>' >bad.xml
not_for_xmllint=1
refused "XML: expecting root element of 'domaincheckpoint', not 'foo'" create
echo '<domain><name>a</name></domain>' >bad.xml
refused "XML: expecting root element of 'domaincheckpoint', not 'domain'" redefine
echo '<domaincheckpoint xmlns="urn:a"/>' >bad.xml
refused "XML: expecting root element of 'domaincheckpoint', not 'domaincheckpoint'" \
  create
unset not_for_xmllint

# The schema.
not_a_name="is not made of letters, digits, '_', '-' and '.', the first one not '.'"
invalid 1 "checkpoint name 'a/b': $not_a_name" '<name>a/b</name>'
invalid 1 "checkpoint name '../a': $not_a_name" '<name>../a</name>'
invalid 1 "checkpoint name '.a': $not_a_name" '<name>.a</name>'
invalid 1 "checkpoint name '..': $not_a_name" '<name>..</name>'
invalid 1 "checkpoint name 'a b': $not_a_name" '<name>a b</name>'
invalid 1 "checkpoint name ' a ': $not_a_name" '<name> a </name>'
invalid 1 "checkpoint name 'a?': $not_a_name" '<name>a&#10;</name>'
invalid 1 "checkpoint name 'é': $not_a_name" '<name>é</name>'
invalid 1 "checkpoint name 'a+': $not_a_name" '<name>a+</name>'
invalid 1 'checkpoint name: is empty' '<name/>'
invalid 2 'more than one <name>' $'\n<name>a</name>\n<name>b</name>'
invalid 1 '<name> holds other elements' '<name>a<b/></name>'
invalid 1 "<name> has no attribute 'x'" '<name x="y">a</name>'
invalid 1 '<description> holds other elements' \
  '<description>a <b>c</b></description>'
invalid 2 'more than one <description>' $'\n<description/><description/>'
invalid 1 "parent name '.b': $not_a_name" \
  '<name>a</name><parent><name>.b</name></parent>'
invalid 1 '<parent> needs a <name>' '<parent/>'
invalid 1 '<parent> needs a <name>' '<parent>a</parent>'
invalid 1 '<parent> holds more than a <name>' \
  '<parent><name>a</name><name>b</name></parent>'
invalid 1 "creationTime '-1' is not a number" '<creationTime>-1</creationTime>'
invalid 1 "creationTime '+1' is not a number" '<creationTime>+1</creationTime>'
invalid 1 "creationTime ' 1' is not a number" '<creationTime> 1</creationTime>'
invalid 1 "creationTime '0x1' is not a number" \
  '<creationTime>0x1</creationTime>'
invalid 1 "creationTime '' is not a number" '<creationTime/>'
invalid 3 'unknown element <current>' $'<name>a</name>\n\n<current>1</current>'
invalid 1 'unknown element <state>' '<state>running</state>'
invalid 1 '<disks> needs at least one <disk>' '<disks/>'
invalid 1 '<disks> needs at least one <disk>' '<disks> </disks>'
invalid 1 'unknown element <dsk>' '<disks><dsk name="vda"/></disks>'
invalid 1 '<disk> needs a name' '<disks><disk checkpoint="no"/></disks>'
invalid 3 "disk '': is neither a target nor an absolute path" \
  $'<disks>\n<disk name="vda"/>\n<disk name=""/></disks>'
invalid 1 "disk 'a/b': is neither a target nor an absolute path" \
  '<disks><disk name="a/b"/></disks>'
invalid 1 "disk '/': is neither a target nor an absolute path" \
  '<disks><disk name="/"/></disks>'
invalid 1 "disk 'ioemu:': is neither a target nor an absolute path" \
  '<disks><disk name="ioemu:hda"/><disk name="ioemu:"/></disks>'
invalid 1 "disk 'vd a': is neither a target nor an absolute path" \
  '<disks><disk name="vd a"/></disks>'
invalid 1 "disk 'vda': checkpoint='no' goes without bitmap and size" \
  '<disks><disk name="vda" checkpoint="no" bitmap="a"/></disks>'
invalid 1 "disk 'vda': checkpoint='no' goes without bitmap and size" \
  '<disks><disk name="vda" checkpoint="no" size="0"/></disks>'
invalid 1 "disk 'vda': checkpoint is 'bitmap' or 'no', not 'yes'" \
  '<disks><disk name="vda" checkpoint="yes"/></disks>'
invalid 1 "disk 'vda': checkpoint is 'bitmap' or 'no', not ''" \
  '<disks><disk name="vda" checkpoint=""/></disks>'
invalid 1 "disk 'vda': bitmap is empty" \
  '<disks><disk name="vda" bitmap=""/></disks>'
invalid 1 "disk 'vda': size '-5' is not a number" \
  '<disks><disk name="vda" size="-5"/></disks>'
invalid 1 "<disk> has no attribute 'snapshot'" \
  '<disks><disk name="vda" snapshot="no"/></disks>'
invalid 1 "disk 'vda': <disk> holds other elements" \
  '<disks><disk name="vda"><driver/></disk></disks>'
invalid 1 'more than one <domain>' '<domain/><domain/>'
invalid 1 'text in <domaincheckpoint>' 'text'
invalid 1 'text in <disks>' '<disks>a<disk name="vda"/></disks>'
echo "<domaincheckpoint version='2'/>" >bad.xml
refused "XML: line 1: $against_schema<domaincheckpoint> has no attribute 'version'" \
  create

# What a schema cannot say.
n=$(printf 'n%.0s' {1..248})
bad "XML: checkpoint name '$n': is longer than 247 characters" create \
  "<name>$n</name>"
bad "XML: parent name '$n': is longer than 247 characters" redefine \
  "<name>a</name><creationTime>1</creationTime><parent><name>$n</name></parent>"
bad 'XML: a redefined checkpoint must have a name' redefine \
  '<creationTime>1</creationTime>'
bad 'XML: missing creationTime from existing checkpoint' redefine \
  '<name>a</name>'
bad 'XML: creationTime: is more than 9223372036854775807' redefine \
  '<name>a</name><creationTime>9223372036854775808</creationTime>'
bad 'XML: creationTime: is more than 9223372036854775807' redefine \
  '<name>a</name><creationTime>100000000000000000000</creationTime>'
bad "XML: domain: malformed uuid '1234'" redefine \
  '<name>a</name><creationTime>1</creationTime><domain><uuid>1234</uuid></domain>'
disks=$(printf '<disk name="vd%d"/>' {1..1025})
bad 'XML: more than 1024 disks' create "<disks>$disks</disks>"
bad "a: disk 'vda' specified twice" redefine \
  '<name>a</name><creationTime>1</creationTime><disks><disk name="vda"/><disk name="vdb"/><disk name="vda"/></disks>'

# The domain's disks.
two=--align=$domains/two.domain.xml
five=--align=$domains/five.domain.xml
a='<name>a</name>'
bad 'a: too many disk checkpoint requests for domain' create \
  "$a<disks><disk name='x'/><disk name='y'/><disk name='z'/><disk name='w'/></disks>" \
  "$two"
bad 'a: too many disk checkpoint requests for domain' create \
  "$a<disks><disk name='vda'/></disks>" "--align=$domains/none.domain.xml"
bad 'a: domain must have at least one disk to perform checkpoints' create \
  "$a" "--align=$domains/none.domain.xml"
bad "a: no disk named 'vdz'" create "$a<disks><disk name='vdz'/></disks>" "$two"
bad "a: no disk named 'VDA'" create "$a<disks><disk name='VDA'/></disks>" "$two"
bad "a: no disk named '/img/none'" create \
  "$a<disks><disk name='/img/none' checkpoint='no'/></disks>" "$two"
bad "a: disk 'vda' specified twice" create \
  "$a<disks><disk name='vda'/><disk name='vda'/></disks>" "$two"
bad "a: disk '/img/two-vda.qcow2' specified twice" create \
  "$a<disks><disk name='vda'/><disk name='/img/two-vda.qcow2'/></disks>" "$two"
bad "a: disk 'vda' specified twice" create \
  "$a<disks><disk name='/img/two-vda.qcow2' checkpoint='no'/><disk name='vda'/></disks>" \
  "$two"
bad "a: disk 'sda' is empty or readonly" create \
  "$a<disks><disk name='sda'/></disks>" "$two"
bad "a: disk '/img/d.qcow2' is empty or readonly" create \
  "$a<disks><disk name='/img/d.qcow2'/></disks>" "$five"
bad "a: disk 'fda' is empty or readonly" create \
  "$a<disks><disk name='fda' bitmap='a'/></disks>" "$five"

# The order of these: unknown before twice, twice before empty.
bad "a: no disk named 'x'" create \
  "$a<disks><disk name='x'/><disk name='sda'/></disks>" "$two"
bad "a: disk 'sda' is empty or readonly" create \
  "$a<disks><disk name='sda'/><disk name='x'/></disks>" "$two"
bad "a: disk 'sda' specified twice" create \
  "$a<disks><disk name='sda' checkpoint='no'/><disk name='sda'/></disks>" "$two"

# And whether they can have the bitmaps.
bad "a: bitmap for disk 'vda' must match checkpoint name 'a'" create \
  "$a<disks><disk name='vda' bitmap='b'/></disks>" "$two" --check-bitmaps
bad "a: checkpoint for disk vdb unsupported for storage type raw; exclude the \
disk with checkpoint='no', or keep its data in a raw file beside a qcow2 \
image, which has the bitmaps (qemu-img create -f qcow2 -o \
data_file=RAW,data_file_raw=on)" create "$a" "$five" --check-bitmaps
bad "a: checkpoint for disk vdc unsupported: its type is 'network', and only \
'file' and 'block' can be used; exclude the disk with checkpoint='no'" create \
  "$a<disks><disk name='vdc'/></disks>" "$five" --check-bitmaps

# A redefined one is held against the domain in it.
domain=$(cat "$domains/two.domain.xml")
bad "a: no disk named 'vdz'" redefine \
  "$a<creationTime>1</creationTime><disks><disk name='vdz'/></disks>$domain"

# What could not be loaded again is not written to a file.
large="<creationTime>1</creationTime><description>$(
  head -c 350000 /dev/zero | tr '\0' '>')</description>"
printf '<domaincheckpoint>%s%s</domaincheckpoint>' "$a" "$large" >bad.xml
expect_status 0 "$tool" redefine bad.xml
refused 'a: is larger than 1048576 bytes' redefine --file
