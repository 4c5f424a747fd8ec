"""Text of logs without secrets, for somebody who must not learn them.

Wider than what our own logs are kept free of: this is also about what libvirt, QEMU and their like
write. Rather a word too many is hidden than one too few; what follows a name that sounds like a
secret is one.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator

MASK = "***"

#: within the name of what must not be seen: ``auth_password``, ``X-Auth-Token``
_SECRET_NAME = re.compile(
    r"password|passwd|passphrase|adminpass|admin_pass|secret|token|credential|cookie|chap|ticket"
    r"|signature|fernet"
    r"|(?:private|api|auth|access|signing|encryption|shared|master|luks)[_-]?key"
)
#: at its end: it points to a secret and is none, or is a count, a time, a kind
_HARMLESS_END = re.compile(
    r"_(?:uuid|ids?|count|at|seconds|timeout|interval|expiration|lifetime|size|name|type)"
    r"(?:$|[.-])"
)
_LONGEST_NAME = 200
_WORD = re.compile(r"[\w.-]+")
#: what may come after a name, up to the value; what is escaped in quotes ends nothing
_TO = r"['\"]?(?:[ \t]*(?:[:=]|=>|,)[ \t]*|[ \t]+)[bu]?"
_VALUE = re.compile(
    rf"{_TO}'(?P<single>(?:[^'\\\n]|\\.)+)'"
    rf"|{_TO}\"(?P<double>(?:[^\"\\\n]|\\.)+)\""
    # in a text that is quoted itself: \"name\": \"value\"
    r"|\\+['\"][ \t]*:[ \t]*\\+['\"](?P<escaped>[^\\'\"\n]+)"
    r"|['\"]?[ \t]*[:=][ \t]*(?!['\"{[(]|[bu]['\"])(?P<bare>[^\s,;&)}\]'\"<>]+)"
)
_OPTION_VALUE = re.compile(r"[ \t]+(?!-)(?P<option>\S+)")
_ELEMENT_TEXT = re.compile(r"[^>\n]{0,300}>(?P<element>[^<\n]+)</")

_PRIVATE_KEY = re.compile(
    r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
#: of a text that begins in the middle of a key
_END_OF_KEY = re.compile(
    r"\A(?:(?!-----BEGIN).)*?-----END [A-Z0-9 ]*PRIVATE KEY-----", re.DOTALL
)


#: a line without any of these names no secret
_STEMS = (
    "passw", "passphrase", "adminpass", "admin_pass", "secret", "token", "credential", "cookie",
    "chap", "ticket", "signature", "fernet", "key",
)


@dataclasses.dataclass(frozen=True)
class _Rule:
    """:ivar signs: small letters of which a line must hold one, or the pattern is not tried"""

    pattern: re.Pattern[str]
    instead: str
    signs: tuple[str, ...]


def _rule(pattern: str, instead: str, *signs: str) -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), instead, signs)


_RULES = (
    # whoever is named in a URL, but not by what password
    _rule(
        r"(\b[a-z][a-z0-9+.-]{0,30}://[^\s/:@'\"<>]{0,200}):[^\s@'\"<>]{1,300}@", rf"\1:{MASK}@",
        "://",
    ),
    # the name of an NBD export opens it
    _rule(r"(\bnbd(?:s|\+\w{1,8})?://[^\s/'\"]{0,300}/)[^\s?'\"]+", rf"\1{MASK}", "nbd"),
    _rule(r"(\"export\"\s*:\s*\")[^\"]+", rf"\1{MASK}", "export"),
    _rule(r"(\bexport(?:name)?=)[^\s,'\"]+", rf"\1{MASK}", "export"),
    _rule(r"(<source\b[^>]{0,300}\bprotocol='nbd'[^>]{0,300}\bname=')[^']+", rf"\1{MASK}", "nbd"),
    # QEMU's secrets
    _rule(r"(\bsecret,\S{0,200}?\bdata=)[^\s,'\"]+", rf"\1{MASK}", "secret"),
    _rule(
        r"(\"qom-type\"\s*:\s*\"secret\"[^}]{0,500}?\"data\"\s*:\s*\")[^\"]+", rf"\1{MASK}",
        "secret",
    ),
    # tgtd's accounts
    _rule(r"(\b(?:incoming|outgoing)user\s+\S+\s+)\S+", rf"\1{MASK}", "inguser"),
    # headers, to their end
    _rule(
        r"(\b(?:proxy-)?authorization['\"]?\s*[:=,]\s*['\"]?)[^'\"\n]+", rf"\1{MASK}",
        "authorization",
    ),
    _rule(
        r"\b(basic|bearer|digest)\s+[\w.~+/=-]{8,}", rf"\1 {MASK}", "basic", "bearer", "digest"
    ),
    # tokens by their looks
    _rule(r"\bgAAAAA[\w=-]{20,}", MASK, "gaaaaa"),
    _rule(r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}", MASK, "eyj"),
)


def mask(text: str) -> str:
    """The text with ``***`` in place of passwords, tokens, keys, and the names that open exports.

    A private key that is cut off at either end of the text is hidden, too. Other secrets must not
    go over the end of a line.
    """
    text = _PRIVATE_KEY.sub(rf"-----BEGIN \1----- {MASK}", text)
    text = _END_OF_KEY.sub(MASK, text)
    return "".join(map(_masked, text.splitlines(keepends=True)))


def _masked(line: str) -> str:
    small = line.lower()
    for rule in _RULES:
        if any(sign in small for sign in rule.signs):
            line = rule.pattern.sub(rule.instead, line)
    if any(stem in small for stem in _STEMS):
        line = "".join(_without_named(line))
    return line


def _without_named(line: str) -> Iterator[str]:
    """The pieces of a line, without what follows the names of secrets."""
    done = 0
    for word in _WORD.finditer(line):
        start, end = word.span()
        if start < done or not _names_secret(word[0]):
            continue
        value = _VALUE.match(line, end)
        if value is None and word[0].startswith("--"):
            value = _OPTION_VALUE.match(line, end)
        if value is None and line[start - 1:start] == "<":
            value = _ELEMENT_TEXT.match(line, end)
        if value is not None and value.lastgroup is not None:
            yield line[done:value.start(value.lastgroup)] + MASK
            done = value.end(value.lastgroup)
    yield line[done:]


@functools.lru_cache(maxsize=4096)
def _names_secret(word: str) -> bool:
    small = word[:_LONGEST_NAME].lower()
    return bool(_SECRET_NAME.search(small)) and not _HARMLESS_END.search(small)
