# fish completion of perdure: share/fish/vendor_completions.d/perdure.fish
function __perdure_complete
    set -l words (commandline -opc) (commandline -ct)
    command $words[1] complete $words[2..-1] 2>/dev/null
end
complete -c perdure -f -a '(__perdure_complete)'
