# sh encodings.sh PERDURE-CC RUN WANTED FILE.mlir ENCODING...: has MLIR fold, chooses each
# encoding for all records, compiles, and runs it in a folder of its own; the exit status
# has to be WANTED.
cc=$1 run=$2 wanted=$3 file=$4
shift 4
for encoding; do
  perdure-opt "$file" --inline --canonicalize --cse "--perdure-choose-encodings=encodings=*=$encoding" \
    --perdure-to-llvm -o "$encoding.mlir" &&
    perdure-translate --mlir-to-llvmir "$encoding.mlir" -o "$encoding.ll" &&
    "$cc" -O1 "$encoding.ll" -o "$encoding" && mkdir "$encoding.d" || exit 1
  (cd "$encoding.d" && $run "../$encoding")
  status=$?
  test $status = "$wanted" || { echo "$encoding: $status"; exit 1; }
done
