"""Text of logs without secrets, for somebody who must not learn them.

Wider than what our own logs are kept free of: this is also about what libvirt, QEMU and their like
write. Rather a word too many is hidden than one too few; what follows a name that sounds like a
secret is one.
"""

from __future__ import annotations

import dataclasses
import re

MASK = "***"

#: names of what must not be seen, within longer names: ``auth_password``, ``X-Auth-Token``
_NAMES = (
    r"password|passwd|passphrase|adminpass|admin_pass|secret|token|credential|cookie|chap|ticket"
    r"|signature|fernet"
    r"|(?:private|api|auth|access|signing|encryption|shared|master|luks)[_-]?key"
)
#: ``secret_uuid`` and ``token_id`` point to one and are none; nor are counts, times and kinds
_HARMLESS = (
    r"(?![\w.-]{0,200}(?:_uuid|_ids?|_count|_at|_seconds|_timeout|_interval|_name|_type)\b)"
)
# what stands around is bounded, so that a long line of anything takes no longer than another
_NAME = rf"(?<![\w.-]){_HARMLESS}[\w.-]{{0,200}}(?:{_NAMES})[\w.-]{{0,200}}"
_TO = r"['\"]?(?:\s*(?:[:=]|=>|,)\s*|\s+)[bu]?"

_PRIVATE_KEY = re.compile(
    r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
#: of a text that begins in the middle of a key
_END_OF_KEY = re.compile(
    r"\A(?:(?!-----BEGIN).)*?-----END [A-Z0-9 ]*PRIVATE KEY-----", re.DOTALL
)


#: what ``_NAMES`` finds, in small letters
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
    return _Rule(re.compile(pattern, re.IGNORECASE), instead, signs or _STEMS)


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
    # <password>...</password>
    _rule(rf"(<({_NAME})\b[^>]{{0,300}}>)[^<]+(</\2>)", rf"\1{MASK}\3"),
    # 'name': 'value', name="value", name 'value'; what is escaped ends nothing
    _rule(rf"({_NAME}{_TO})'(?:[^'\\\n]|\\.)+'", rf"\1'{MASK}'"),
    _rule(rf"({_NAME}{_TO})\"(?:[^\"\\\n]|\\.)+\"", rf'\1"{MASK}"'),
    # the same within a text that is quoted itself: \"name\": \"value\"
    _rule(rf"({_NAME}\\+['\"]\s*:\s*\\+['\"])[^\\'\"\n]+", rf"\1{MASK}"),
    # name = value, name: value, --name value
    _rule(rf"({_NAME}\s*[:=]\s*)(?!['\"]|[bu]['\"])[^\s,;&)}}\]'\"<>]+", rf"\1{MASK}"),
    _rule(rf"(--[\w-]{{0,100}}(?:{_NAMES})[\w-]{{0,100}} )(?!-)\S+", rf"\1{MASK}", "--"),
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
    return line
