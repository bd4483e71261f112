#!/bin/sh
# through_words.sh ONE OTHER NAME: two builds of the same store of keys and values. What
# either writes the other reads and changes.
set -e
one=$1 other=$2
head -3000 /usr/share/dict/words > words
head -1500 words | sed 's/.*/del "&"/' > dels
$one "$3" load words --words > /dev/null
$other "$3" scan '' '' > scan
$other "$3" < dels
$one "$3" check > /dev/null
$one "$3" scan '' '' > rest
$other "$3-other" load words --words > /dev/null
$one "$3-other" < dels
$other "$3-other" check > /dev/null
$other "$3-other" scan '' '' > rest-other
cmp rest rest-other
test "$(wc -l < scan)" = "$(sort -u words | wc -l)"
test "$(wc -l < rest)" -lt "$(wc -l < scan)"
