# sqlite_build.sh EXAMPLES INPUTS PROGRAMS PKV COMPILER FLAGS...: programs that test
# examples/sqlite, INPUTS/sqlite_PROGRAM.cpp, in the current folder. PKV: its library, or
# "sources", which are compiled with these flags, too.
set -eu
Examples=$1 Inputs=$2 Programs=$3 Library=$4
shift 4
Module=("$Examples"/sqlite/*.cpp)
Pkv=()
if [ "$Library" = sources ]; then
  Pkv=("$Examples"/pkv/{objects,processes,queue,store,tree}.cpp) Library=
fi
# The flags are for what is tested; the programs only have to be there soon.
# char is unsigned, as on AArch64; the shell's tests have it signed.
Common="-funsigned-char -Wall -Wextra -Werror -DSQLITE_CORE -I$Examples/pkv -I$Examples/sqlite -c"
{
  for File in "${Pkv[@]}"; do printf '%s\0' "$* -fperdure-tx-clones -c $File"; done
  for File in "${Module[@]}"; do printf '%s\0' "$* $Common $File"; done
  for Program in $Programs; do printf '%s\0' "$1 -O0 $Common $Inputs/sqlite_$Program.cpp"; done
} | xargs -0 -P 2 -n 1 bash -c 'exec $0'
Objects=()
for File in "${Module[@]}" "${Pkv[@]}"; do
  Objects+=("$(basename "$File" .cpp).o")
done
for Program in $Programs; do
  "$@" "${Objects[@]}" "sqlite_$Program.o" $Library -lsqlite3 -o "sqlite_$Program"
done
