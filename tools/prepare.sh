#!/bin/bash
# Install what mycloud needs on Debian: OS packages by apt, Python packages into .venv.
#
#   tools/prepare.sh core|libvirt|test
#
# core      to run the services; libvirt: core, and real guests; test: libvirt, and all tests
#
# Packages are installed as root, or by sudo where it asks for no password; otherwise those that
# are missing are listed, and nothing is changed. By root the services' user is made, too, and let
# through to this directory. A second run takes a moment.
# Exit status: 0 ready, 2 wrong use, 3 packages are missing, 1 anything else.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "prepare: $2" >&2; exit "$1"; }
say() { echo "prepare: $1"; }

what=${1:-}
packages="python3 python3-venv ca-certificates iproute2"
extras=""
hypervisor="qemu-system-x86 qemu-utils qemu-block-extra tgt libvirt-daemon libvirt-daemon-driver-qemu
 libvirt-dev gcc libc6-dev pkg-config python3-dev
 busybox-static cpio dosfstools e2fsprogs fdisk kmod mtools syslinux syslinux-common"
case $what in
  core) ;;
  libvirt) packages="$packages $hypervisor"; extras=libvirt ;;
  test) packages="$packages $hypervisor git rabbitmq-server postgresql openssl curl xfsprogs lldpd
 lldpad isc-dhcp-client procps"
        extras=libvirt,dev ;;
  *) fail 2 "use: prepare.sh core|libvirt|test" ;;
esac

# -- OS packages ------------------------------------------------------------------------------
missing=""
for package in $packages; do
  # pkgconf provides pkg-config, and so on: ask for what is installed or provided
  if ! dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed &&
     ! dpkg-query -W -f '${db:Status-Status} ${Provides}\n' 2>/dev/null |
       grep -q "^installed .*\b$package\b"; then
    # what only the services of others bring may be there in another way
    case $package in
      postgresql) command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres \
                    >/dev/null 2>&1 || missing="$missing $package" ;;
      *) missing="$missing $package" ;;
    esac
  fi
done
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ]; then sudo=""
  elif sudo -n true 2>/dev/null; then sudo="sudo -n"
  else fail 3 "these Debian packages are missing; as root run: apt-get install -y$missing"
  fi
  say "installing$missing"
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  # a package that starts a daemon must not: the cloud and the tests start their own
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
    $sudo chmod 755 $policy
    trap 'rm -f "$log"; $sudo rm -f $policy' EXIT
  fi
  apt() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >"$log" 2>&1; }
  # shellcheck disable=SC2086
  if ! apt install --no-install-recommends $missing; then
    # the lists may be old, or not be there at all
    if ! { apt update && apt install --no-install-recommends $missing; }; then
      tail -n 20 "$log" >&2
      fail 1 "apt-get could not install$missing"
    fi
  fi
fi

# -- the virtual environment ------------------------------------------------------------------
good() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
if ! [ -x .venv/bin/python ] || ! good .venv/bin/python; then
  for python in /usr/bin/python3 python3.11 python3.12 python3.13 python3; do
    command -v "$python" >/dev/null && good "$python" && break
    python=""
  done
  [ -n "$python" ] || fail 3 "there is no Python 3.11 with venv; install python3-venv"
  say "making .venv"
  "$python" -m venv .venv
fi

case $extras in
  *libvirt*) pkg-config --exists libvirt ||
    { say "libvirt's headers are not there: going on without its Python library"
      extras=${extras#libvirt}; extras=${extras#,}; } ;;
esac
# the user whom root lets the services run as: it must be able to read all this
if [ "$(id -u)" = 0 ]; then tools/as-user.sh true || exit 1; fi
# what was installed before stays good until one of these files changes
stamp=".venv/.prepared-$(cat setup.cfg setup.py constraints.txt | sha256sum | cut -c1-16)"
for extra in core ${extras//,/ }; do
  if ! grep -qsx "$extra" "$stamp"; then
    say "installing Python packages"
    .venv/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt \
      -e ".${extras:+[$extras]}" || fail 1 "pip could not install the packages"
    rm -f .venv/.prepared-*
    printf '%s\n' core ${extras//,/ } >"$stamp"
    break
  fi
done
# another user can't keep what Python compiles here, and would compile it at every start
if [ "$(id -u)" = 0 ]; then .venv/bin/python -m compileall -q mycloud tests || true; fi
