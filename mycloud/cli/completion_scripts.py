"""The text of completion scripts. All three work alike.

They find the place in the command that the words so far lead to, and then offer its words, its
options where a dash was typed, or the values of the option before.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mycloud.cli.completion import Option, Place

_BASH = """\
# completion of mycloud for bash; made by: mycloud completion bash
_mycloud_words() {
    case "$1" in
%(words)s
    esac
}
_mycloud_options() {
    case "$1" in
%(options)s
    esac
}
_mycloud_values() {
    case "$1" in
%(values)s
    esac
}
_mycloud() {
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"
    local where="" word values i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word="${COMP_WORDS[i]}"
        case " $(_mycloud_words "$where") " in
            *" $word "*) where="${where:+$where }$word" ;;
        esac
    done
    values="$(_mycloud_values "$where $prev")"
    if [[ "$values" == "<file>" ]]; then
        COMPREPLY=($(compgen -f -- "$cur"))
    elif [[ "$values" == "<any>" ]]; then
        COMPREPLY=()
    elif [[ -n "$values" ]]; then
        COMPREPLY=($(compgen -W "$values" -- "$cur"))
    elif [[ "$cur" == -* ]]; then
        COMPREPLY=($(compgen -W "$(_mycloud_options "$where")" -- "$cur"))
    else
        COMPREPLY=($(compgen -W "$(_mycloud_words "$where")" -- "$cur"))
    fi
}
complete -F _mycloud mycloud
"""


def _bash_value(option: "Option") -> str:
    if option.files:
        return "<file>"
    return " ".join(option.choices) or "<any>"


def bash(places: "list[Place]") -> str:
    """For bash 3.2 and later, without the bash-completion package."""
    words = [f"        '{p.where}') echo '{' '.join(p.words)}' ;;" for p in places if p.words]
    options = [
        f"        '{p.where}') echo '{' '.join(flag for o in p.options for flag in o.flags)}' ;;"
        for p in places
        if p.options
    ]
    values = [
        f"        '{p.where} {flag}') echo '{_bash_value(option)}' ;;"
        for p in places
        for option in p.options
        if option.takes_value
        for flag in option.flags
    ]
    return _BASH % {
        "words": "\n".join(words),
        "options": "\n".join(options),
        "values": "\n".join(values),
    }


_ZSH = """\
#compdef mycloud
# completion of mycloud for zsh; made by: mycloud completion zsh
_mycloud() {
    local where="" word next i
    local -a entries options
    local -A known
    known=(%(known)s)
    for ((i = 2; i < CURRENT; i++)); do
        next="${where:+$where }${words[i]}"
        [[ -n "${known[$next]}" ]] && where="$next"
    done
    case "$where ${words[CURRENT-1]}" in
%(values)s
    esac
    case "$where" in
%(places)s
    esac
    if [[ "${words[CURRENT]}" == -* ]]; then
        _describe -o 'option' options
    else
        _describe 'command' entries
    fi
}
if [[ "$funcstack[1]" == _mycloud ]]; then
    _mycloud "$@"
else
    compdef _mycloud mycloud
fi
"""


def _zsh_entry(name: str, text: str) -> str:
    plain = name.replace(":", r"\:") + ":" + text.replace(":", r"\:")
    return _quoted(plain)


def _quoted(text: str) -> str:
    """As one word of a POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def zsh(places: "list[Place]") -> str:
    """For a file called _mycloud in a folder of $fpath, or to be sourced after compinit."""
    known = " ".join(f"{_quoted(p.where)} 1" for p in places if p.where)
    values, cases = [], []
    for place in places:
        for option in place.options:
            if not option.takes_value:
                continue
            pattern = "|".join(_quoted(f"{place.where} {flag}") for flag in option.flags)
            action = "_files" if option.files else f"compadd -- {' '.join(option.choices)}"
            values.append(f"        {pattern}) {action}; return ;;")
        entries = " ".join(_zsh_entry(word, text) for word, text in place.words.items())
        options = " ".join(
            _zsh_entry(flag, option.text) for option in place.options for flag in option.flags
        )
        cases.append(f"        {_quoted(place.where)})")
        cases.append(f"            entries=({entries})")
        cases.append(f"            options=({options}) ;;")
    return _ZSH % {"known": known, "values": "\n".join(values), "places": "\n".join(cases)}


_FISH = """\
# completion of mycloud for fish; made by: mycloud completion fish
function __mycloud_where
    set -l known %(known)s
    set -l where ''
    for word in (commandline -opc)[2..-1]
        set -l next (string trim -- "$where $word")
        contains -- "$next" $known; and set where "$next"
    end
    echo "$where"
end
function __mycloud_at
    test (__mycloud_where) = "$argv[1]"
end
complete -c mycloud -f
%(lines)s
"""


def fish(places: "list[Place]") -> str:
    """For fish 3 and later."""
    lines = []
    for place in places:
        at = f"complete -c mycloud -n {_fish(f'__mycloud_at {_fish(place.where)}')}"
        for word, text in place.words.items():
            lines.append(f"{at} -a {_fish(word)} -d {_fish(text)}")
        for option in place.options:
            names = " ".join(
                f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
                for flag in option.flags
            )
            value = ""
            if option.takes_value:
                value = " -rF" if option.files else " -x"
            if option.choices:
                value += f" -a {_fish(' '.join(option.choices))}"
            lines.append(f"{at} {names}{value} -d {_fish(option.text)}")
    known = " ".join(_fish(place.where) for place in places if place.where)
    return _FISH % {"known": known, "lines": "\n".join(lines)}


def _fish(text: str) -> str:
    """As one word of fish."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
