#compdef parley
# Completion of parley for zsh; parley itself knows what fits.
_parley() {
    local line word
    local -a found
    for line in "${(@f)$(${~words[1]} complete -- "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}"; do
        word=${line%%$'\t'*}
        case $word in
            :files)
                compset -P '--*='
                _files
                ;;
            ?*) found+=("${word//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    (( $#found )) && _describe -V parley found
}
if [[ $funcstack[1] == _parley ]]; then _parley "$@"; else compdef _parley parley; fi
