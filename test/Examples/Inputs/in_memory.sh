# in_memory.sh COMMAND...: runs it in a new folder in memory, where there is one. A
# store whose processes were killed leaves a file beside it that is named by its folder.
set -u
Base=/tmp
[ ! -w /dev/shm ] || Base=/dev/shm
Folder=$(mktemp -d $Base/perdure.XXXXXX) || exit 1
remove() {
  find "$Folder" -type d -exec stat -c '%D %i' {} + | while read -r Device Inode; do
    rm -f "/dev/shm/perdure-$Device-$(printf %x "$Inode")"-*
  done
  rm -rf "$Folder"
}
trap remove EXIT
cd "$Folder" && "$@"
