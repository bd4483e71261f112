# debuggee.sh core FOLDER PROGRAM ARGUMENT...: lets the program die, and leaves its core
# file, as the kernel writes it, as FOLDER/core.
# debuggee.sh attached PROGRAM STORE -- COMMAND...: runs the command with @PID@ standing
# for the program, which waits meanwhile.
set -eu
case $1 in
core)
  Folder=$2
  shift 2
  rm -rf "$Folder"
  mkdir "$Folder"
  cd "$Folder"
  ulimit -c unlimited
  "$@" 2>/dev/null && exit 1
  for File in core core.*; do
    if [ -f "$File" ]; then
      [ "$File" = core ] || mv "$File" core
      exit 0
    fi
  done
  echo "the kernel has left no core file" >&2
  exit 1
  ;;
attached)
  Program=$2 Store=$3
  shift 4
  coproc Debuggee { exec "$Program" "$Store" wait; }
  Pid=$Debuggee_PID Input=${Debuggee[1]}
  read -r Line <&"${Debuggee[0]}"
  [ "$Line" = ready ]
  Status=0
  "${@//@PID@/$Pid}" </dev/null || Status=$?
  echo >&"$Input"
  wait "$Pid" && exit "$Status"
  ;;
esac
