#!/usr/bin/env python3
"""Write the golden files (tests/golden/*.json) and docs/states.md anew from the code.

Read their difference before you commit it: it is what other programs see of your change. A
change that owes a new version (of an object, of an RPC interface, of the API) is refused unless
the version was raised; ``--unreleased`` writes it all the same, for what nobody runs yet.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.golden import collect, owed, states_page  # noqa: E402


def main() -> int:
    """Write what has changed; 1 if a version is owed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unreleased", action="store_true", help="nobody runs the old one yet")
    args = parser.parse_args()
    status = 0
    for name in collect.FILES:
        place, text = collect.path(name), collect.render(name)
        old = place.read_text() if place.exists() else None
        if old == text:
            continue
        debts = owed.versions(name, json.loads(old), json.loads(text)) if old else []
        if debts and not args.unreleased:
            print("\n".join(debts), file=sys.stderr)
            status = 1
            continue
        place.write_text(text)
        print(f"wrote {place}")
    page = states_page.render()
    if not states_page.PAGE.exists() or states_page.PAGE.read_text() != page:
        states_page.PAGE.write_text(page)
        print(f"wrote {states_page.PAGE}")
    return status


if __name__ == "__main__":
    sys.exit(main())
