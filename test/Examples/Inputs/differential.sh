# differential.sh LANGUAGE COMPILER FOLDER CLI.O LOW HIGH -OA -OB
#
# Builds every step but the first of FOLDER at both levels and has them answer
# the commands that lie in the current folder: 1, 2, 3 and end, together all, to
# which `expected` is the answer.
set -euo pipefail
Name=$1 Compiler=$2 Folder=$3 Cli=$4 Low=$5 High=$6 A=$7 B=$8

# Thousands of transactions do not wait for the disk.
export PERDURE_OPTIONS=battery=1
Low=${Low/=window/=battery=1:window} High=${High/=window/=battery=1:window}

# Some commands fail, as they shall: 1 is no error of the program.
answer() {
  local Status=0
  "$@" 2>/dev/null || Status=$?
  [ $Status -le 1 ]
}

Steps=
for Step in "$Folder"/[2-9]-*; do
  N=$Name$(basename "$Step" | cut -c1)
  Steps="$Steps $N"
  $Compiler $A "$Cli" "$Step"/*.c* -o "$N$A"
  [ $A = $B ] || $Compiler $B "$Cli" "$Step"/*.c* -o "$N$B"
done

for N in $Steps; do
  answer ./$N$B $N-whole <all | diff -q expected -
  # In processes of their own, the store elsewhere in each.
  {
    answer $Low ./$N$A $N-parts <1
    answer $High ./$N$B $N-parts <2
    answer ./$N$A $N-parts <3
    answer $Low ./$N$B $N-parts <end
  } | diff -q expected -
  ./$N$B $N-whole same $N-parts
done

# One store, grown up: each part by the next step, the last part by the last.
{
  Steps=($Steps)
  for Part in 1 2 3 end; do
    answer ./${Steps[0]}$B $Name-grown <$Part
    [ ${#Steps[@]} -eq 1 ] || Steps=("${Steps[@]:1}")
  done
} | diff -q expected -

# And back: what a program of the first of these steps changes, the last one
# finds, first without its index, which is old, then with one built anew.
Steps=($Steps)
First=${Steps[0]} Last=${Steps[-1]}
printf '%s\n' 'put k1 back' 'put new back' 'del k2' | answer ./$First$B $Name-grown
[ "$(./$Last$A $Name-grown find back)" = $'k1\nnew' ]
./$Last$B $Name-grown put newer back
[ "$(./$Last$B $Name-grown find back)" = $'k1\nnew\nnewer' ]
./$Last$B $Name-grown check
