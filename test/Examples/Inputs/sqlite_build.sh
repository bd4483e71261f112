# sqlite_build.sh EXAMPLES INPUTS COMPILER FLAGS...: the programs that test
# examples/sqlite, in the current folder.
set -eu
Examples=$1 Inputs=$2
shift 2
for File in "$Examples"/sqlite/*.cpp "$Inputs"/sqlite_*.cpp; do
  printf '%s\n' "$File"
done | xargs -P 2 -n 1 "$@" -Wall -Wextra -Werror -DSQLITE_CORE -I"$Examples/pkv" -c
"$@" -fperdure-tx-clones -c "$Examples/pkv/store.cpp" "$Examples/pkv/tree.cpp"
for File in "$Inputs"/sqlite_*.cpp; do
  Program=$(basename "$File" .cpp)
  Objects=
  for Object in "$Examples"/sqlite/*.cpp; do
    Objects="$Objects $(basename "$Object" .cpp).o"
  done
  "$@" $Objects store.o tree.o "$Program.o" -lsqlite3 -o "$Program"
done
