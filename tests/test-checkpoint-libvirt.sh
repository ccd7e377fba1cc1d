#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# libvirt itself as the oracle: checkpoints that it has made are taken here, and
# the other way, as XML and as files; both say that the same has changed.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"

requires /usr/sbin/libvirtd --version
requires virsh --version
requires qemu-system-x86_64 --version

# A libvirtd of our own, in session mode, which touches nothing outside $dir.
# Run by root it would be the system's, so it is run by another user then.
as_user=()
if [ "$(id -u)" -eq 0 ]; then
  as_user=(setpriv --reuid=nobody "--regid=$(id -g nobody)" --clear-groups)
fi
mkdir run config config/libvirt cache data
cat >config/libvirt/qemu.conf <<'END'
stdio_handler = "file"
security_driver = "none"
END
own ()
{
  [ "${#as_user[@]}" -eq 0 ] || chown -R "nobody:$(id -g nobody)" "$dir"
}
session=("${as_user[@]}" env -u LD_LIBRARY_PATH -u LD_PRELOAD HOME="$dir"
  XDG_RUNTIME_DIR="$dir/run" XDG_CONFIG_HOME="$dir/config"
  XDG_CACHE_HOME="$dir/cache" XDG_DATA_HOME="$dir/data"
  LIBVIRT_AUTOSTART=0)
own
requires "${session[@]}" test -w "$dir"

# start_libvirt: without a shell in between, so that its process can be ended.
start_libvirt ()
{
  own
  "${session[@]}" /usr/sbin/libvirtd >libvirtd.log 2>&1 &
  libvirtd=$!
  cleanup_fn kill_and_wait "$libvirtd"
  cleanup_fn end_machine
  wait_for libvirtd libvirt uri
}
libvirt ()
{
  "${session[@]}" virsh -q -c qemu:///session "$@"
}

# The machine would outlive its libvirtd.
end_machine ()
{
  libvirt destroy "$name" >/dev/null 2>&1 || :
}

# machine COMMAND...: qemu-io's, done by the machine that libvirt runs.
machine ()
{
  local disk=$1 command
  shift
  for command; do
    libvirt qemu-monitor-command "$name" --hmp \
      "qemu-io -d /machine/peripheral/virtio-disk$disk/virtio-backend \"$command\"" \
      >/dev/null
  done
}

# its_size CHECKPOINT DISK, as "dirty" has ours.
its_size ()
{
  libvirt checkpoint-dumpxml --size --no-domain "$name" "$1" |
    sed -n "s/.*<disk name='$2'.* size='\([0-9]*\)'.*/\1/p"
}

new_domain vda vdb
name=web1
sed -i "s,<graphics .*,<graphics type='vnc' socket='$domain/vnc' passwd='secret'/>," \
  "$domain/domain.xml"

start_libvirt
libvirt define "$domain/domain.xml" >/dev/null
libvirt dumpxml --inactive --security-info "$name" >"$domain/domain.xml"

# From libvirt to us.
libvirt start --paused "$name" >/dev/null
libvirt checkpoint-create-as "$name" a 'the <first> & only' >/dev/null
machine 0 'write 1M 200k' 'write 3M 64k'
libvirt checkpoint-create-as "$name" b --diskspec vda >/dev/null
machine 0 'write 5M 1' 'write -z 6M 64k'
machine 1 'write 0 1'
libvirt checkpoint-create-as "$name" c >/dev/null
for checkpoint in a b c; do
  libvirt checkpoint-dumpxml --security-info "$name" "$checkpoint" \
    >"its-$checkpoint.xml"
  libvirt checkpoint-dumpxml "$name" "$checkpoint" \
    >"its-public-$checkpoint.xml"
  libvirt checkpoint-dumpxml --no-domain "$name" "$checkpoint" \
    >"its-short-$checkpoint.xml"
  for disk in vda vdb; do
    its_size "$checkpoint" "$disk" >"its-size-$checkpoint-$disk"
  done
done
libvirt checkpoint-list --tree "$name" >its-tree
end_machine

behaviour 'V 42' as-libvirt "libvirt's checkpoints pass validation here"
for checkpoint in a b c; do
  accepts create --redefine --redefine-validate "its-$checkpoint.xml"
done
lists a b c
current_is c

behaviour 'A.5' as-libvirt 'and are printed in its very words'
for checkpoint in a b c; do
  same "$(cat "its-$checkpoint.xml")" \
    checkpoint dumpxml --security-info "$checkpoint"
  same "$(cat "its-public-$checkpoint.xml")" checkpoint dumpxml "$checkpoint"
  same "$(cat "its-short-$checkpoint.xml")" \
    checkpoint dumpxml --no-domain "$checkpoint"
done
same "$(cat its-tree)" checkpoint list --tree

behaviour 'E.3' as-libvirt 'it counts the same'
for checkpoint in a b c; do
  for disk in vda vdb; do
    size=$(cat "its-size-$checkpoint-$disk")
    [ "$checkpoint-$disk" = b-vdb ] || [ -n "$size" ] ||
      fail "libvirt has no size of $disk since $checkpoint"
    dirty "$checkpoint" "$disk" "${size:-unknown}"
  done
done

dirty a vda 458752
dirty a vdb 65536

behaviour 'D.7 12' as-libvirt 'its folder can be taken as it is'
mkdir -p "$domain/copied/checkpoints"
cp "config/libvirt/qemu/checkpoint/$name/"*.xml "$domain/copied/checkpoints"
for command in 'list --tree' 'dumpxml --size a' 'current' 'doctor'; do
  # shellcheck disable=SC2086 # several words
  same "$(checkpoint $command)" \
    backup-checkpoint -c "$uri" --state "$domain/copied" $command
done

# From us to libvirt.
creates d
writes vda 'write 7M 64k'
writes vdb 'write 2M 128k'
accepts_xml "<name>e</name><description>'quoted' \"twice\"</description>
  <disks><disk name='vdb'/></disks>"
writes vdb 'write 2M 1'
for checkpoint in d e; do
  checkpoint dumpxml --security-info "$checkpoint" >"our-$checkpoint.xml"
done
own

behaviour 'V 45' as-libvirt 'libvirt takes our checkpoints while the machine is off'
checked
libvirt checkpoint-create --redefine "$name" our-d.xml >/dev/null
libvirt checkpoint-create --redefine "$name" "$state/checkpoints/e.xml" \
  >/dev/null

behaviour 'V 42b' as-libvirt 'they pass its validation'
checked
libvirt start --paused "$name" >/dev/null
for checkpoint in d e; do
  libvirt checkpoint-create --redefine --redefine-validate "$name" \
    "our-$checkpoint.xml" >/dev/null
done

behaviour 'A.5 2' as-libvirt 'it prints them in our very words'
for checkpoint in d e; do
  same "$(cat "our-$checkpoint.xml")" \
    libvirt checkpoint-dumpxml --security-info "$name" "$checkpoint"
done

behaviour 'E.3 2' as-libvirt 'and counts the same'
for checkpoint in a b c d e; do
  for disk in vda vdb; do
    its_size "$checkpoint" "$disk" >"its-size-$checkpoint-$disk"
  done
done
libvirt checkpoint-list --tree "$name" >its-tree
end_machine
for checkpoint in a b c d e; do
  for disk in vda vdb; do
    size=$(cat "its-size-$checkpoint-$disk")
    dirty "$checkpoint" "$disk" "${size:-unknown}"
  done
done
same "$(cat its-tree)" checkpoint list --tree

behaviour 'D.7 13' as-libvirt 'our files can be put into its folder'
checked
kill_and_wait "$libvirtd"
rm "config/libvirt/qemu/checkpoint/$name/"*
cp "$state/checkpoints/"*.xml "config/libvirt/qemu/checkpoint/$name"
start_libvirt
same "$(cat its-tree)" libvirt checkpoint-list --tree "$name"
same "$(cat our-e.xml)" libvirt checkpoint-dumpxml --security-info "$name" e

behaviour 'V 60b' differs 'what libvirt has deleted meanwhile counts as deleted'
libvirt start --paused "$name" >/dev/null
libvirt checkpoint-delete "$name" b >/dev/null
end_machine
dirty b vda unknown
dirty a vda "$(cat its-size-a-vda)"
accepts delete b
libvirt checkpoint-list --tree "$name" >its-tree
same "$(cat its-tree)" checkpoint list --tree

behaviours_done
