# rights.sh KVSTORE ROOT AS_NOBODY
#
# Makes a store called KVSTORE.store, lets another user in bit by bit, and looks
# at what that user gets at each point. ROOT is the tree's object.
set -u
Kvstore=$1 Root=$2 Nobody=$3 Store=$1.store

fail() { echo "$*"; exit 1; }
# expect STATUS OUTPUT COMMAND...: OUTPUT is a pattern.
expect() {
  local Status=$1 Pattern=$2 Got Ended=0
  shift 2
  Got=$("$@" 2>&1) || Ended=$?
  [ $Ended -eq "$Status" ] || fail "$*: exit $Ended, not $Status: $Got"
  # shellcheck disable=SC2053
  [[ $Got == $Pattern ]] || fail "$*: $Got, not $Pattern"
}
object() { echo "$Store/objects/$(cat "$Store/names/$1")"; }

rm -rf "$Store"
for Key in a b c d e f .secret; do
  $Kvstore $Store put $Key "value of $Key" || fail "put"
done

# Owner-only by default.
expect 2 "kvstore: *ermission denied*" $Nobody $Kvstore $Store get a
chmod a+rx $Store $Store/names $Store/objects
chmod a+r $Store/perdure.store $Store/names/*
expect 2 "kvstore: *ermission denied*" $Nobody $Kvstore $Store get a

# The tree alone: keys, no value.
chmod a+r "$(object $Root)"
expect 2 "kvstore: no right to read the value of 'a'" $Nobody $Kvstore $Store get a
expect 1 "kvstore: no key 'x'" $Nobody $Kvstore $Store get x
expect 0 ".secret*no right to read it*a*no right*" $Nobody $Kvstore $Store scan '' ''
expect 0 "" $Nobody $Kvstore $Store find 'value of a'

# Some of the values.
chmod a+r "$(object values-1)"
Readable=0
for Key in a b c d e f; do
  $Nobody $Kvstore $Store get $Key >/dev/null 2>&1 && Readable=$((Readable + 1))
done
[ $Readable -gt 0 ] && [ $Readable -lt 6 ] || fail "$Readable of 6 values are readable"
Found=0
for Key in a b c d e f; do
  [ "$($Nobody $Kvstore $Store find "value of $Key")" != $Key ] || Found=$((Found + 1))
done
[ $Found -eq $Readable ] || fail "$Found values are found, $Readable are readable"

# All but the private ones.
for Values in 0 2 3; do
  chmod a+r "$(object values-$Values)"
done
[ ! -e $Store/names/by-value ] || chmod a+r "$(object by-value)"
expect 0 "value of a" $Nobody $Kvstore $Store get a
expect 0 "a" $Nobody $Kvstore $Store find 'value of a'
expect 2 "kvstore: no right to read the value of '.secret'" $Nobody $Kvstore $Store get .secret
expect 0 "" $Nobody $Kvstore $Store find 'value of .secret'
expect 0 "whole: *" $Nobody $Kvstore $Store check
expect 2 "kvstore: *ermission denied*" $Nobody $Kvstore $Store put a other

# The owner gets all of it, and what the other user tried to put is not there.
expect 0 "value of .secret" $Kvstore $Store get .secret
expect 0 "value of a" $Kvstore $Store get a
