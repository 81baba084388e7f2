# Completion of parley for fish; parley itself knows what fits.
function __parley_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] complete -- $words[2..-1] "$current" 2>/dev/null)
        if test "$line" = :files
            set -l value (string replace -r -- '^--[^=]*=' '' "$current")
            set -l before (string sub -l (math (string length -- "$current") - (string length -- "$value")) -- "$current")
            for path in (__fish_complete_path "$value")
                echo -- "$before$path"
            end
        else
            echo -- "$line"
        end
    end
end
complete -c parley -f -a '(__parley_complete)'
