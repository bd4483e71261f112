# lockfree_tsan.sh COMPILER FOLDER FILE...: counts the files under ThreadSanitizer,
# and sees that it finds an entry which is published without a release.
set -eu
Compiler=$1 Folder=$2
shift 2
rm -rf tsan && mkdir tsan
cp "$Folder"/* tsan
$Compiler -std=c++17 -O1 -g -fsanitize=thread tsan/words.cpp -o tsan/words
./tsan/words tsan/store count "$@"
./tsan/words tsan/store check
sed -i 's/memory_order_release/memory_order_relaxed/; s/memory_order_acquire/memory_order_relaxed/' tsan/map.h
$Compiler -std=c++17 -O1 -g -fsanitize=thread tsan/words.cpp -o tsan/wrong
if ./tsan/wrong tsan/wrong-store count "$@" 2>tsan/log; then
  echo "ThreadSanitizer has not found the race"
  exit 1
fi
grep -q 'data race' tsan/log
