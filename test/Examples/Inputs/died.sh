# died.sh KVSTORE GDB: kills a writer at the end of its change, still inside.
set -u
Kvstore=$1 Gdb=$2 Store=$1.died
$Kvstore "$Store" put a 1 || exit 1
$Gdb -ex 'set breakpoint pending on' -ex 'break perdure_unlock' -ex run -ex kill \
  --args $Kvstore "$Store" put b 2 >died.log 2>&1
Said=$($Kvstore "$Store" put c 3 2>&1)
Again=$($Kvstore "$Store" put d 4 2>&1)
Got=$($Kvstore "$Store" scan '' '' | tr '\t\n' ', ')
Warning='kvstore: warning: a process died in the middle of a change; see check'
[ "$Said" = "$Warning" ] && [ -z "$Again" ] && [ "$Got" = 'a,1 b,2 c,3 d,4 ' ] && exit
cat died.log
echo "first: $Said, then: $Again, pairs: $Got"
exit 1
