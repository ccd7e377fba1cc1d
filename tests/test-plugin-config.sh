# SPDX-License-Identifier: LGPL-2.1-or-later
# test-plugin-config.sh: the plugin's parameters: each mistake is one clear
# message and the server does not start; --help, --dump-plugin and the manual
# page agree.

. "$abs_top_srcdir/tests/functions.sh"

# refused TEXT ARGS...: the server does not start, and says TEXT and no more.
refused ()
{
  local text=$1
  shift
  expect_status 1 run_nbdkit -f -U s "$PULLBACK_PLUGIN" "$@"
  # What nbdkit itself says of a bad boolean does not name the parameter.
  grep -v 'could not decipher boolean' err >said || :
  expect_text said "$text"
  [ "$(wc -l <said)" -eq 1 ] || { cat err >&2; fail "not one message: $*"; }
}

qemu-img create -q -f qcow2 a.qcow2 1M
qemu-img create -q -f qcow2 b.qcow2 1M
truncate -s 1M c.raw
qemu-img create -q -f qcow2 -o data_file=d.data d.qcow2 1M

refused 'nothing to serve: give a PATH, disk=NAME=PATH, or domain=URI'
refused "unknown parameter 'colour'" colour=blue
refused 'disk=/img/a.qcow2: is not NAME=[FORMAT:]PATH' disk=/img/a.qcow2
refused 'disk=vd/a=a.qcow2: is not NAME=[FORMAT:]PATH' disk=vd/a=a.qcow2
refused 'disk=vda=: the path of the disk is missing' disk=vda=
refused 'disk vda: there are two disks of this name' \
        disk=vda=a.qcow2 disk=vda=b.qcow2
refused 'file=b.qcow2: only one file can be given in this way' a.qcow2 b.qcow2
refused 'file=a.qcow2: cannot be used together with disk=' \
        a.qcow2 disk=vdb=b.qcow2
refused 'is not the name of a file' file=
refused 'is not the name of a file' file=./
refused 'format=vmdk: unknown format; it is qcow2 or raw' a.qcow2 format=vmdk
refused 'format=raw is only for file=PATH' disk=vda=c.raw format=raw
refused 'the value of data-file was not understood' a.qcow2 data-file=perhaps
refused 'the value of allow-writer was not understood' a.qcow2 allow-writer=2
refused "disk vda: $dir/nosuch.qcow2: No such file or directory" \
        disk=vda=nosuch.qcow2
hint='is not a qcow2 image (no qcow2 magic at its start); a raw disk is written NAME=raw:PATH'
refused "disk c: $dir/c.raw: $hint" c.raw
refused "disk vda: $dir/c.raw: $hint" disk=vda=c.raw
refused "disk vda: $dir/c.raw: $hint" domain=disks:vda=c.raw state=s1
refused "disk vda: $dir/d.qcow2: " disk=vda=d.qcow2
refused "disk a: $dir/a.qcow2: " a.qcow2 allow-writer=true
refused "disk dev: /dev: " disk=dev=raw:/dev
refused 'domain=disks:vda=a.qcow2: cannot be used together with a PATH' \
        domain=disks:vda=a.qcow2 state=s1 disk=vdb=b.qcow2
refused 'domain=disks:vda=a.qcow2: cannot be used together with a PATH' \
        a.qcow2 domain=disks:vda=a.qcow2
refused 'domain=disks:vda=a.qcow2: cannot be used together with a PATH' \
        domain=disks:vda=a.qcow2 format=qcow2
refused 'domain=disks:x: only one can be given' domain=disks:y domain=disks:x
refused 'state=two: only one can be given' domain=disks:y state=one state=two
refused 'state=one is only for domain=URI' state=one a.qcow2
refused 'domain=nosuch:x: ' domain=nosuch:x state=s1
refused 'domain=disks:vda=a.qcow2: a domain of disks:' domain=disks:vda=a.qcow2
refused "disk vda: $dir/nosuch.qcow2: No such file or directory" \
        domain=disks:vda=nosuch.qcow2 state=s1
refused "disk vda: $dir/d.qcow2: " domain=disks:vda=d.qcow2 state=s1

# What is said to be right is.
started ()
{
  serve s "$@"
  nbdinfo --size "$(nbd_uri s)" | grep -qx 1048576 || fail "wrong size: $*"
  stop_server "$nbdkit_pid"
}
started a.qcow2
started file=./a.qcow2 format=qcow2
started file=c.raw format=raw
started c.raw format=raw allow-writer=true
started d.qcow2 data-file=true
started domain=disks:vda=a.qcow2 state=s1
started domain=disks:vda=d.qcow2 state=s1 data-file=true
[ ! -e s1 ] || fail 'a domain that was only read has a state folder now'
started disk=a=qcow2:a.qcow2 data-file=false allow-writer=false

# --help names each parameter that the manual page has, and the other way.
# What nbdkit has to say of itself comes before.
run_nbdkit --help "$PULLBACK_PLUGIN" | sed '1,/^(.*pullback-plugin/d' >help
awk '/=head1 PARAMETERS/ { on = 1; next } /^=head1/ { on = 0 }
     on && /^=item/' "$abs_top_srcdir/docs/nbdkit-pullback-plugin.pod" \
  | sed 's/B<\([^>]*\)>/\1/g; s/^=item //; s/^\[\?\([a-z-]*\)=.*/\1/' \
  | sort -u >in-manual
sed -n 's/^ *\[\?\([a-z-]\+\)=.*/\1/p' help | sort -u >in-help
diff in-manual in-help || fail 'the manual page and --help differ'
[ "$(wc -l <in-help)" -eq 7 ] || fail 'the parameters were not found'

run_nbdkit --dump-plugin "$PULLBACK_PLUGIN" >dump
for line in name=pullback magic_config_key=file thread_model=parallel \
            pullback_dirty_maps=exports 'pullback_formats=qcow2 raw'; do
  grep -qx "$line" dump || { cat dump >&2; fail "--dump-plugin lacks $line"; }
done
for field in $(sed -n 's/^\(pullback_[a-z_]*\)=.*/\1/p' dump); do
  expect_text "$abs_top_srcdir/docs/nbdkit-pullback-plugin.pod" "C<$field>"
done
