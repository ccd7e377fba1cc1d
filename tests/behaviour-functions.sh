# SPDX-License-Identifier: LGPL-2.1-or-later
# behaviour-functions.sh: what libvirt does with checkpoints, replayed with
# backup-checkpoint.  Sourced after functions.sh.
#
#   new_domain vda vdb sda:empty
#
#   behaviour 'V 22' as-libvirt 'a bitmap of another name is refused'
#   refuses_xml "bitmap for disk 'vda' must match checkpoint name 'a'" \
#     "<name>a</name><disks><disk name='vda' bitmap='b'/></disks>"
#
#   behaviours_done
#
# docs/libvirt-differences.md says what the numbers mean, and has the reason
# of each behaviour that differs; test-checkpoint-behaviours.sh holds the two
# together, and so "behaviour" starts a line that has all of it.

_behaviour= _verdict= _checks=0
_nr_as_libvirt=0 _nr_differ=0

# behaviour CASE as-libvirt|differs SENTENCE: what follows, up to the next one,
# is about this.
behaviour ()
{
  _end_behaviour
  case $2 in
    as-libvirt) _nr_as_libvirt=$((_nr_as_libvirt + 1)) ;;
    differs) _nr_differ=$((_nr_differ + 1)) ;;
    *) fail "[$1] is neither as-libvirt nor differs: $2" ;;
  esac
  _behaviour="[$1] $3" _verdict=$2 _checks=0
}

# One that has looked at nothing has not been replayed.
_end_behaviour ()
{
  [ -z "$_behaviour" ] || [ "$_checks" -gt 0 ] ||
    fail "nothing was checked: $_behaviour"
}

behaviours_done ()
{
  _end_behaviour
  echo "$test_name: $((_nr_as_libvirt + _nr_differ)) behaviours:" \
    "$_nr_as_libvirt as libvirt, $_nr_differ differ on purpose"
}

# wrong MESSAGE: the behaviour is not what was said.
wrong ()
{
  fail "$_behaviour: $*"
}

checked ()
{
  _checks=$((_checks + 1))
}

# new_domain DISK[:KIND]...: a domain with new disks of 8 MiB, of KIND qcow2 (as
# default), raw, v2 (qcow2 without bitmaps), readonly, or empty (a drive).  Its
# folder is $domain, its images $domain/DISK.qcow2; it has a name, an uuid and
# a secret, as libvirt writes them.  Commands that follow are about it.
_nr_domains=0
new_domain ()
{
  local spec disk kind image

  _nr_domains=$((_nr_domains + 1))
  domain="$dir/domain$_nr_domains"
  uuid=$(printf '11111111-2222-4333-8444-%012d' "$_nr_domains")
  uri="xml:$domain/domain.xml"
  state="$domain/state"
  mkdir "$domain"
  {
    echo "<domain type='qemu'>"
    echo "  <name>web$_nr_domains</name>"
    echo "  <uuid>$uuid</uuid>"
    echo "  <memory unit='KiB'>65536</memory>"
    echo "  <os><type arch='x86_64' machine='pc'>hvm</type></os>"
    echo "  <devices>"
    for spec; do
      disk=${spec%%:*} kind=${spec#"$disk"}
      kind=${kind#:}
      image="$domain/$disk.qcow2"
      _disk_xml "$disk" "$kind" "$image"
      case $kind in
        raw) truncate -s 8M "$image" ;;
        empty) ;;
        v2) qemu-img create -q -f qcow2 -o compat=0.10 "$image" 8M ;;
        *) qemu-img create -q -f qcow2 "$image" 8M ;;
      esac
    done
    echo "    <graphics type='vnc' passwd='secret'/>"
    echo "  </devices>"
    echo "</domain>"
  } >"$domain/domain.xml"
}

_disk_xml ()
{
  local disk=$1 kind=$2 image=$3 format=qcow2 device=disk

  [ "$kind" != raw ] || format=raw
  [ "$kind" != empty ] || device=cdrom
  echo "    <disk type='file' device='$device'>"
  echo "      <driver name='qemu' type='$format'/>"
  [ "$kind" = empty ] || echo "      <source file='$image'/>"
  echo "      <target dev='$disk'/>"
  case $kind in readonly | empty) echo "      <readonly/>" ;; esac
  echo "    </disk>"
}

# use_overlay DISK: an external snapshot of DISK, made as by hand: the domain's
# image is a new one on top of what it was, without any bitmap.  The old one is
# moved to DISK.N.qcow2, and its name printed.
use_overlay ()
{
  local disk=$1 n=1

  while [ -e "$domain/$disk.$n.qcow2" ]; do n=$((n + 1)); done
  mv "$domain/$disk.qcow2" "$domain/$disk.$n.qcow2"
  qemu-img create -q -f qcow2 -b "$disk.$n.qcow2" -F qcow2 \
    "$domain/$disk.qcow2"
}

# checkpoint ARGS...: the program, on the domain.
checkpoint ()
{
  backup-checkpoint -c "$uri" --state "$state" "$@"
}

# All of the state folder and the images: what must not change.
_fingerprint ()
{
  find "$domain" -type f ! -name lock -printf '%P ' -exec sha256sum {} \; |
    sort
}

# accepts ARGS...: the command does it; its output is in out, messages in err.
accepts ()
{
  local status=0
  checked
  checkpoint "$@" >out 2>err || status=$?
  [ "$status" -eq 0 ] || { cat err >&2; wrong "exit status $status: $*"; }
}

# refuses TEXT ARGS...: the command fails with status 1, says TEXT, and has
# changed nothing.
refuses ()
{
  local text=$1 status=0
  shift
  checked
  _fingerprint >before
  checkpoint "$@" >out 2>err || status=$?
  [ "$status" -eq 1 ] || { cat err >&2; wrong "exit status $status: $*"; }
  grep -qF -- "$text" err || { cat err >&2; wrong "does not say: $text"; }
  [ ! -s out ] || { cat out >&2; wrong "output of what has failed"; }
  _fingerprint >after
  diff before after >&2 || wrong "refused, and something has changed"
}

# accepts_xml XML [OPTION...], refuses_xml TEXT XML [OPTION...]: create what XML
# describes: the content of a <domaincheckpoint>, or all of a document where it
# starts with "<?" or "<domaincheckpoint" (or is no XML at all).
_document ()
{
  case $1 in
    '<?'* | '<domaincheckpoint'* | '<foo'* | [!\<]*) printf '%s' "$1" ;;
    *) printf '<domaincheckpoint>%s</domaincheckpoint>' "$1" ;;
  esac >document.xml
}
accepts_xml ()
{
  _document "$1"
  shift
  accepts create "$@" document.xml
}
refuses_xml ()
{
  local text=$1
  _document "$2"
  shift 2
  refuses "$text" create "$@" document.xml
}

# creates NAME...: checkpoints of all disks, one after the other.
creates ()
{
  local name
  for name; do
    accepts create-as "$name"
  done
}

# redefined NAME [PARENT [OPTION...]]: metadata alone, of disk vda.
redefined_xml ()
{
  printf '%s' "<name>$1</name>${2:+<parent><name>$2</name></parent>}" \
    "<creationTime>100</creationTime>" \
    "<disks><disk name='vda' checkpoint='bitmap'/></disks>"
}

# same WANT COMMAND...: COMMAND must print WANT.
same ()
{
  local want=$1 got
  shift
  checked
  got=$("$@") || wrong "failed: $*"
  [ "$got" = "$want" ] ||
    wrong "not '$want', but '$got': $*"
}

# lists NAME...: exactly these checkpoints are there, in this order.
lists ()
{
  same "$(printf '%s\n' "$@")" checkpoint list --name
}

# is_below NAME PARENT: PARENT empty for a root.
_parent_of ()
{
  checkpoint parent "$1" 2>/dev/null || :
}
is_below ()
{
  same "$2" _parent_of "$1"
}

# current_is NAME: empty where there is none.
_current ()
{
  checkpoint current 2>/dev/null || :
}
current_is ()
{
  same "$1" _current
}

# has_bitmaps IMAGE NAME...: exactly these, persistent and recording, in
# $domain/IMAGE.qcow2, as QEMU sees them.
_bitmaps ()
{
  qemu-img info --output=json "$domain/$1.qcow2" | jq -r \
    '.["format-specific"].data.bitmaps // [] | sort_by(.name) | .[]
     | .name + (if .flags == ["auto"] then "" else " \(.flags)" end)'
}
has_bitmaps ()
{
  local image=$1
  shift
  same "$(printf '%s\n' "$@")" _bitmaps "$image"
}

# xml_is NAME XML: what dumpxml prints without <domain>; creationTime is 100
# there where it is a time near now.
_xml_of ()
{
  checkpoint dumpxml --no-domain "$1" |
    sed -E 's,(<creationTime>)[0-9]{10}<,\1100<,'
}
xml_is ()
{
  same "$2" _xml_of "$1"
}

# writes DISK COMMAND...: the machine runs, does this (qemu-io's commands), and
# is shut down.
writes ()
{
  local image="$domain/$1.qcow2" command arguments=()
  shift
  for command; do arguments+=(-c "$command"); done
  qemu-io -f qcow2 "${arguments[@]}" "$image" >qemu-io.out 2>&1 ||
    { cat qemu-io.out >&2; fail "qemu-io: $*"; }
  ! grep -q 'failed' qemu-io.out || fail "qemu-io: $(cat qemu-io.out)"
}

# dirty NAME DISK BYTES: how much has changed on DISK since checkpoint NAME;
# BYTES is "unknown" where that must not be said.
_dirty ()
{
  local size
  size=$(checkpoint dumpxml --size \
    --xpath "string(/domaincheckpoint/disks/disk[@name='$2']/@size)" "$1") ||
    return
  echo "${size:-unknown}"
}
dirty ()
{
  same "$3" _dirty "$1" "$2"
}

# start_machine DISK: something has the disk's image open, and its locks, until
# stop_machine or kill_machine (which leaves the bitmaps marked as in use).
# Its first guest write makes QEMU load and mark them.
start_machine ()
{
  local image="$domain/$1.qcow2" socket="$domain/$1.sock"

  rm -f "$socket" "$socket.pid" # one that was killed leaves them
  qemu-nbd -t -f qcow2 -k "$socket" --pid-file="$socket.pid" "$image" \
    >machine.log 2>&1 &
  machine=$!
  cleanup_fn kill_and_wait "$machine"
  wait_for "a machine on $image" test -s "$socket.pid"
  qemu-io -f raw -c 'write 7M 64k' "nbd+unix:///?socket=$socket" >/dev/null
}
stop_machine ()
{
  kill_and_wait "$machine"
}
kill_machine ()
{
  kill -KILL "$machine"
  wait "$machine" 2>/dev/null || :
}
