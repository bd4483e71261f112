# sqlite_build.sh EXAMPLES INPUTS COMPILER FLAGS...: the programs that test
# examples/sqlite, in the current folder.
set -eu
Examples=$1 Inputs=$2
shift 2
# The flags are for what is tested; the programs only have to be there soon.
# char is unsigned, as on AArch64; the shell's tests have it signed.
for File in "$Examples"/sqlite/*.cpp "$Inputs"/sqlite_*.cpp; do
  Flags=("$@")
  case $File in "$Inputs"/*) Flags=("$1" -O0) ;; esac
  printf '%s\0' "${Flags[*]} -funsigned-char -Wall -Wextra -Werror -DSQLITE_CORE -I$Examples/pkv -I$Examples/sqlite -c $File"
done | xargs -0 -P 2 -n 1 bash -c 'exec $0'
"$@" -fperdure-tx-clones -c "$Examples"/pkv/{objects,processes,queue,store,tree}.cpp
for File in "$Inputs"/sqlite_*.cpp; do
  Program=$(basename "$File" .cpp)
  Objects=
  for Object in "$Examples"/sqlite/*.cpp; do
    Objects="$Objects $(basename "$Object" .cpp).o"
  done
  "$@" $Objects objects.o processes.o queue.o store.o tree.o "$Program.o" -lsqlite3 -o "$Program"
done
