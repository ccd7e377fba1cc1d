# SPDX-License-Identifier: LGPL-2.1-or-later
# cli-functions.sh: what backup-checkpoint prints, word for word.  Sourced
# after functions.sh and behaviour-functions.sh.

# new_disks: two qcow2 disks without a domain's definition, and the environment
# that names them.
new_disks ()
{
  rm -rf vda.qcow2 vdb.qcow2 state
  qemu-img create -q -f qcow2 vda.qcow2 8M
  qemu-img create -q -f qcow2 vdb.qcow2 8M
  export PULLBACK_CONNECT="disks:vda=$dir/vda.qcow2,vdb=$dir/vdb.qcow2"
  export PULLBACK_STATE="$dir/state"
}

# define NAME [PARENT [TIME]]: a checkpoint of which there is metadata alone.
define ()
{
  local parent=
  [ -z "${2:-}" ] || parent="<parent><name>$2</name></parent>"
  backup-checkpoint -q create --redefine - <<END
<domaincheckpoint>
  <name>$1</name>$parent<creationTime>${3:-1000000000}</creationTime>
</domaincheckpoint>
END
}

# prints TEXT ARGS...: the command succeeds, prints exactly TEXT, and says
# nothing on standard error.
prints ()
{
  local text=$1
  shift
  checked
  expect_status 0 backup-checkpoint "$@"
  printf '%s' "${text:+$text$'\n'}" >expected
  diff -u expected out >&2 || fail "backup-checkpoint $*"
  [ ! -s err ] || { cat err >&2; fail "it says something: $*"; }
}

# fails TEXT ARGS...: exit status 1, nothing printed, and a message that has
# TEXT in it.  misused: the same for a wrong command line, with exit status 2,
# and a second line that says where help is.
fails ()
{
  _refused 1 "$@"
}
misused ()
{
  _refused 2 "$@"
  [ "$(wc -l <err)" -eq 2 ] || { cat err >&2; fail "not two lines: ${*:2}"; }
  expect_text err "Try 'backup-checkpoint "
}
_refused ()
{
  local status=$1 text=$2
  shift 2
  checked
  expect_status "$status" backup-checkpoint "$@"
  [ ! -s out ] || { cat out >&2; fail "it prints something: $*"; }
  [[ $(head -n 1 err) == 'backup-checkpoint: '* ]] ||
    { cat err >&2; fail "the message does not say whose it is: $*"; }
  expect_text err "$text"
}

# names_are 'NAMES' ARGS...: list --name ARGS has these names, in this order.
names_are ()
{
  local names=$1
  shift
  # shellcheck disable=SC2086 # one a line
  prints "$(printf '%s\n' $names)" list --name "$@"
}

# selects XPATH TEXT CHECKPOINT: what XPATH selects in its XML is TEXT.
selects ()
{
  prints "$2" dumpxml --no-domain --xpath "$1" "$3"
}

# image_has 'NAMES' IMAGE: the bitmaps that QEMU sees in it, in order.
image_has ()
{
  checked
  [ "$(bitmaps_of "$2")" = "$1" ] ||
    fail "$2 has the bitmaps '$(bitmaps_of "$2")', not '$1'"
}
bitmaps_of ()
{
  qemu-img info -U --output=json "$1" |
    jq -r '.["format-specific"].data.bitmaps // [] | map(.name) | sort
           | join(" ")'
}
