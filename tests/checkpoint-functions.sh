# SPDX-License-Identifier: LGPL-2.1-or-later
# checkpoint-functions.sh: behaviours of libvirt's checkpoints, replayed with
# backup-checkpoint.  Sourced after functions.sh.
#
# Each line "replay CASE VERDICT STATUS TEXT ARGS..." is one behaviour.  CASE is
# the number it has in the notes on libvirt 9.0.0 that the project started from,
# or the letter of their section.  VERDICT is "as libvirt", or "differs: WHY".

# virsh ends with 1 where the command line is wrong.
# shellcheck disable=SC2034 # used by those that source this
usage='differs: exit status 2, not 1'

# replay CASE VERDICT STATUS TEXT ARGS...: "backup-checkpoint ARGS" exits with
# STATUS.  With status 0 it prints exactly TEXT, and nothing on standard error;
# else nothing on standard output, and standard error has TEXT in it.
replay ()
{
  local case=$1 verdict=$2 status=$3 text=$4
  shift 4
  case $verdict in
    'as libvirt' | 'differs: '?*) ;;
    *) fail "case $case has the verdict '$verdict'" ;;
  esac
  expect_status "$status" backup-checkpoint "$@"
  if [ "$status" -eq 0 ]; then
    printf '%s' "${text:+$text$'\n'}" >expected
    diff -u expected out >&2 || fail "case $case: backup-checkpoint $*"
    [ ! -s err ] || { cat err >&2; fail "case $case: says something: $*"; }
  else
    [ ! -s out ] || { cat out >&2; fail "case $case: prints something: $*"; }
    [[ $(head -n 1 err) == 'backup-checkpoint: '* ]] ||
      { cat err >&2; fail "case $case: $*"; }
    expect_text err "$text"
  fi
  printf 'behaviour %s: %s\n' "$case" "$verdict"
}

# replay_xpath CASE VERDICT XPATH TEXT CHECKPOINT: what XPATH selects in its XML
# is TEXT.
replay_xpath ()
{
  local case=$1 verdict=$2 xpath=$3 text=$4
  shift 4
  replay "$case" "$verdict" 0 "$text" dumpxml --no-domain --xpath "$xpath" "$@"
}

# replay_names CASE VERDICT 'NAMES' ARGS...: list --name ARGS has these names.
replay_names ()
{
  local case=$1 verdict=$2 names=$3
  shift 3
  # shellcheck disable=SC2086 # one a line
  replay "$case" "$verdict" 0 "$(printf '%s\n' $names)" list --name "$@"
}

# replay_bitmaps CASE VERDICT 'NAMES' IMAGE: the bitmaps that QEMU sees in it.
replay_bitmaps ()
{
  local case=$1 verdict=$2 names=$3 image=$4
  [ "$(bitmaps_of "$image")" = "$names" ] ||
    fail "case $case: $image has bitmaps '$(bitmaps_of "$image")', not '$names'"
  printf 'behaviour %s: %s\n' "$case" "$verdict"
}

# bitmaps_of IMAGE: their names, in order, on one line.
bitmaps_of ()
{
  _of_bitmaps 'print join " ", sort map { $_->{name} } @bitmaps' "$1"
}

# granularity_of IMAGE BITMAP
granularity_of ()
{
  _of_bitmaps "print map { \$_->{granularity} } grep { \$_->{name} eq '$2' }
               @bitmaps" "$1"
}

_of_bitmaps ()
{
  qemu-img info -U --output=json "$2" | perl -MJSON::PP -e "
    my \$info = decode_json(join '', <STDIN>);
    my @bitmaps = @{\$info->{'format-specific'}{data}{bitmaps} // []};
    $1"
}

# new_domain [SIZE]: two qcow2 disks, and the environment that names them.
new_domain ()
{
  rm -rf vda.qcow2 vdb.qcow2 state
  qemu-img create -q -f qcow2 vda.qcow2 "${1:-8M}"
  qemu-img create -q -f qcow2 vdb.qcow2 "${1:-8M}"
  export PULLBACK_CONNECT="disks:vda=$dir/vda.qcow2,vdb=$dir/vdb.qcow2"
  export PULLBACK_STATE="$dir/state"
}

# redefine NAME [PARENT [TIME]]: a checkpoint of which there is metadata alone.
redefine ()
{
  local parent=
  [ -z "${2:-}" ] || parent="<parent><name>$2</name></parent>"
  backup-checkpoint -q create --redefine - <<END
<domaincheckpoint>
  <name>$1</name>$parent<creationTime>${3:-1000000000}</creationTime>
</domaincheckpoint>
END
}
