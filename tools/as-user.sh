#!/bin/bash
# Run a command as the ordinary user that mycloud's services run as, for tests started by root.
#
#   tools/as-user.sh COMMAND [ARGUMENT...]
#
# The user is made if it is missing, and let through to the sources. Its home is /var/cache/mycloud,
# where the tests keep what they build once. Anybody else than root runs the command as himself.
set -euo pipefail
[ "$(id -u)" = 0 ] || exec "$@"
user=mycloud home=/var/cache/mycloud
PATH=$PATH:/usr/sbin:/sbin
id "$user" >/dev/null 2>&1 ||
  useradd --system --user-group --no-create-home --home-dir /var/lib/mycloud \
    --shell /usr/sbin/nologin "$user"
mkdir -p "$home"
[ "$(stat -c %U "$home")" = "$user" ] || chown -R -h "$user:" "$home"
"$(dirname "$0")/let-through.py" "$user"
exec setpriv --reuid="$user" --regid="$user" --init-groups --no-new-privs \
  env HOME="$home" XDG_CACHE_HOME=/var/cache USER="$user" LOGNAME="$user" "$@"
