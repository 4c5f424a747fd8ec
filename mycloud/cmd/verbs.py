"""Shows what the host agent answers, instead of running it."""

import json

from oslo_config import cfg

from mycloud.agent import verbs
from mycloud.agent.registry import Registry


def asked_for() -> bool:
    """Whether the command line has --list-verbs or --verbs-schema."""
    return bool(cfg.CONF.list_verbs or cfg.CONF.verbs_schema)


def show() -> int:
    """Print what is asked for; gives the exit status.

    :raises VerbBroken: a verb can't be offered
    """
    found = Registry.load(verbs).describe()
    if cfg.CONF.verbs_schema:
        print(json.dumps(found, indent=1))
        return 0
    for verb in found:
        required = verb["params"]["required"]
        arguments = [
            name if name in required else f"[{name}]" for name in verb["params"]["properties"]
        ]
        print(f"{verb['name']} {' '.join(arguments)}".rstrip())
        marks = {"changes the host; ": verb["changes"], "private; ": verb["private"]}
        print("    " + "".join(mark for mark, is_so in marks.items() if is_so) + verb["defined"])
        if verb["description"]:
            print(f"    {verb['description']}")
    return 0
