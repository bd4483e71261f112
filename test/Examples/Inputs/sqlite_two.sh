# sqlite_two.sh SHELL: two processes write to one store, and a third reads, each in
# the shell SHELL. Prints what is there in the end.
set -eu
Shell=$1
Table="USING perdure('pair.pkv' SHARED, id INTEGER PRIMARY KEY, who TEXT, UNIQUE u(who, id))"
"$Shell" pair-one.db "CREATE VIRTUAL TABLE t $Table"
"$Shell" pair-two.db "CREATE VIRTUAL TABLE t $Table"
Rows=150

writer() {
  {
    echo ".timeout 60000"
    for I in $(seq "$Rows"); do
      echo "INSERT INTO t(who) VALUES ('$1');"
      # Both statements see and change the same row, or one of them would fail.
      [ $((I % 10)) -ne 0 ] || echo "BEGIN; UPDATE t SET who = who || '.' WHERE id = $I; UPDATE t SET who = rtrim(who, '.') WHERE id = $I; COMMIT;"
    done
  } | "$Shell" "pair-$1.db"
}

writer one & One=$!
writer two & Two=$!
# What is read never gets less, and no half of a transaction is seen.
{
  echo ".timeout 60000"
  for _ in $(seq 40); do
    echo "SELECT count(*), (SELECT count(*) FROM t WHERE who LIKE '%.') FROM t;"
  done
} | "$Shell" pair-one.db > pair-seen
wait $One
wait $Two
sort -n -c pair-seen
! grep -v '|0$' pair-seen
"$Shell" pair-two.db "SELECT who, count(*) FROM t GROUP BY who; SELECT count(DISTINCT id) FROM t"
"$Shell" pair-one.db "PRAGMA integrity_check"

# A process that is killed in its transaction leaves nothing of it, and no lock.
mkfifo pair-hold
"$Shell" pair-one.db < pair-hold & Held=$!
exec 3> pair-hold
printf ".timeout 60000\nBEGIN; DELETE FROM t; SELECT 'deleted', count(*) FROM t;\n" >&3
while ! "$Shell" pair-two.db "UPDATE t SET who = 'x' WHERE id = 1" | grep -q locked; do sleep 0.05; done
# Meanwhile nobody has it who does not share it.
"$Shell" pair-three.db "CREATE VIRTUAL TABLE t USING perdure('pair.pkv', id INTEGER PRIMARY KEY, who TEXT, UNIQUE u(who, id))" || true
kill -9 $Held
wait $Held || true
exec 3>&-
"$Shell" pair-two.db ".timeout 60000" "UPDATE t SET who = 'three' WHERE id = 1; SELECT count(*) FROM t"
