# differential.sh LANGUAGE COMPILER FOLDER CLI.O LOW HIGH
#
# Builds every step but the first of FOLDER at -O0 and -O2 and has them answer
# the commands that lie in the current folder: 1, 2, 3 and end, together all, to
# which `expected` is the answer.
set -eu
Name=$1 Compiler=$2 Folder=$3 Cli=$4 Low=$5 High=$6

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
  $Compiler -O0 "$Cli" "$Step"/*.c* -o "$N-O0" &
  $Compiler -O2 "$Cli" "$Step"/*.c* -o "$N-O2"
  wait $!
done

for N in $Steps; do
  answer ./$N-O2 $N-whole <all | diff -q expected -
  # In processes of their own, the store elsewhere in each.
  {
    answer $Low ./$N-O0 $N-parts <1
    answer $High ./$N-O2 $N-parts <2
    answer ./$N-O0 $N-parts <3
    answer $Low ./$N-O2 $N-parts <end
  } | diff -q expected -
  ./$N-O2 $N-whole same $N-parts
done

# One store, grown up: each part by the next step, the last part by the last.
{
  Steps=($Steps)
  for Part in 1 2 3 end; do
    answer ./${Steps[0]}-O2 $Name-grown <$Part
    [ ${#Steps[@]} -eq 1 ] || Steps=("${Steps[@]:1}")
  done
} | diff -q expected -
