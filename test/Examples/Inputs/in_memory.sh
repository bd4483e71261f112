# in_memory.sh COMMAND...: runs it in a new folder in memory, where there is one.
set -u
Base=/tmp
[ ! -w /dev/shm ] || Base=/dev/shm
Folder=$(mktemp -d $Base/perdure.XXXXXX) || exit 1
trap 'rm -rf "$Folder"' EXIT
cd "$Folder" && "$@"
