# Completion of parley for bash 4 and later; parley itself knows what fits.
_parley() {
    local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} words cur prefix word
    read -ra words <<<"$line"
    [[ $line == *[[:blank:]] ]] && words+=("")
    cur=${words[-1]}
    prefix=${cur%"${cur##*["$COMP_WORDBREAKS"]}"} # bash replaces what follows the last of these characters only
    while IFS=$'\t' read -r word _; do
        if [[ $word == :files ]]; then
            compopt -o default
        else
            COMPREPLY+=("${word#"$prefix"}")
        fi
    done < <("${1/#\~\//$HOME/}" complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _parley parley
