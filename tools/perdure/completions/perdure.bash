# bash completion of perdure: share/bash-completion/completions/perdure
_perdure() {
  local IFS=$'\n' word
  COMPREPLY=()
  while read -r word; do
    COMPREPLY+=("$(printf '%q' "$word")")
    # One goes on in a directory.
    [[ $word == */ ]] && compopt -o nospace 2>/dev/null
  done < <("${COMP_WORDS[0]}" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _perdure perdure
