#!/bin/bash
# Run the tests, those first that fail fastest.
#
#   tools/run-tests.sh lint|fast|all
#
# fast   lint, and the tests that need no other program: unit, architecture, golden, functional
# all    fast, functional again in native threads, then contract and integration
#
# Started by root, the tests run as the ordinary user whom mycloud's services run as
# (tools/as-user.sh). Root runs those alone that only root can: whole clouds as 'mycloud up' makes
# them, whose services are that user's again, and what mounts or has network namespaces.
#
# Ends with a line "N passed, N failed" (a check of lint counts as a test), exit status 1 if any
# failed. What failed is shown with what to look at.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH:/usr/sbin:/sbin" PYTHONWARNINGS=ignore
# QEMU's and libvirt's messages are compared with
export LC_ALL=C.UTF-8

what=${1:-all}
case $what in lint|fast|all) ;; *) echo "use: run-tests.sh lint|fast|all" >&2; exit 2 ;; esac
passed=0 failed=0 skipped=0
walks='bad_input|identity_bad_input|foreign|cli|identity_manage|migrations'
# in modules of tests that root runs
of_root='PrivilegedHelper|privileged\.why_not|needs_root|geteuid\(\) [!=]= 0|only root can|LocalCloud|GuestCloud|RealGuestCase|lvm_guest|netns|unshare'
runner=() results=.
out=$(mktemp)
trap 'rm -f "$out"' EXIT

check() {   # check NAME COMMAND...: one thing that holds or not
  local name=$1 started=$SECONDS
  shift
  if "$@" >"$out" 2>&1; then
    passed=$((passed + 1))
    echo "$name: passed ($((SECONDS - started)) s)"
  else
    failed=$((failed + 1))
    cat "$out"
    echo "$name: FAILED ($((SECONDS - started)) s); run again: $*"
  fi
}

count() {   # count WORD: the number that stestr's summary has for it
  sed -n "s/^ - $1: \([0-9]*\)$/\1/p" "$out" | tail -n 1
}

results() {   # results COMMAND...: what stestr knows of the last run
  "${runner[@]}" stestr --repo-url "$results" "$@"
}

modules() {   # modules DIRECTORY...: a regex of the ids of the tests that root runs there
  grep -lErs "$of_root" --include='test_*.py' "$@" | sed 's/\.py$//; s,/,\\.,g' | paste -sd '|'
}

again() {   # a few failed: run those alone, and say which of them depend on the machine's mood
  local first
  first=$(mktemp)
  cp "$out" "$first"
  results failing --list 2>/dev/null | sed 's/^  *//' >"$first.ids"
  chmod 644 "$first.ids"
  echo "$name: running again alone what failed:"
  sed 's/^/  /' "$first.ids"
  "${runner[@]}" env "$@" timeout --signal=INT --kill-after=30 "$limit" \
    stestr --repo-url "$results" run --concurrency 1 --load-list "$first.ids" >"$out" 2>&1
  status=$?
  if [ $status = 0 ]; then
    echo "$name: they passed alone"
    good=$((good + bad)) bad=0
  else
    # what is shown is the first failure, with everything beside it
    cp "$first" "$out"
  fi
  rm -f "$first" "$first.ids"
}

suite() {   # suite NAME REGEX WORKERS SECONDS [VARIABLE=VALUE]: tests whose ids match
  local name=$1 regex=$2 workers=$3 limit=$4 started=$SECONDS status good bad
  shift 4
  "${runner[@]}" test -d "$results/.stestr" || results init
  "${runner[@]}" tools/times.py know "$results"
  "${runner[@]}" env "$@" timeout --signal=INT --kill-after=30 "$limit" \
    stestr --repo-url "$results" run --concurrency "$workers" "$regex" >"$out" 2>&1
  status=$?
  good=$(count Passed) bad=$(count Failed)
  if [ "${bad:-0}" -gt 0 ] && [ "$bad" -le 8 ] && [ $status != 124 ] && [ $status != 137 ]; then
    again "$@"
  fi
  passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-0}))
  skipped=$((skipped + $(count Skipped || echo 0)))
  if [ $status = 0 ]; then
    echo "$name: ${good:-0} passed ($((SECONDS - started)) s)"
    return
  fi
  # not even a summary: the tests could not be loaded, or did not end
  [ "${bad:-0}" -gt 0 ] || failed=$((failed + 1))
  if [ $status = 124 ] || [ $status = 137 ]; then
    tail -n 40 "$out"
    echo "$name: FAILED, did not end within $limit s"
  else
    # from the first failure on, without the lines of those that passed
    grep -v ' \.\.\. ok$\|^{[0-9]*} .* \[.*\] \.\.\. \(ok\|SKIPPED.*\)$' "$out" | tail -n 400
    echo "$name: FAILED ($((SECONDS - started)) s); look at:"
    results failing --list 2>/dev/null | sed 's/^/  /'
    echo "run one again: ${runner[*]:+${runner[*]} }${*:+$* }.venv/bin/python -m testtools.run TEST"
  fi
}

check ruff ruff check .
check mypy mypy mycloud/common mycloud/objects mycloud/client mycloud/cli mycloud/local mycloud/cmd \
  mycloud/agent mycloud/privileged
check shell bash -n tools/*.sh .ci/run
check samples tools/samples.sh --check
root=""
if [ "$(id -u)" = 0 ] && [ "$what" != lint ]; then
  root=1 runner=(tools/as-user.sh) results=/var/cache/mycloud
  "${runner[@]}" true || exit 1
fi
if [ "$what" != lint ]; then
  suite "unit, architecture and golden" '^tests\.(unit|architecture|golden)\.' 2 400
  suite "functional" '^tests\.functional\.' 4 1800
fi
if [ "$what" = all ]; then
  # walks over every row with nonsense are the same requests in both modes
  suite "functional, native threads" "^tests\.functional\.test_(?!$walks)" 4 1800 \
    MYCLOUD_CONCURRENCY=threading
  suite "contract" '^tests\.contract\.' 2 600
  if [ -z "$root" ]; then
    suite "integration" '^tests\.integration\.' 4 3000
  else
    suite "integration" "^(?!$(modules tests/integration))tests\.integration\." 4 3000
    runner=() results=.
    suite "as root" "^($(modules tests/unit tests/functional tests/contract))\." 2 600
    suite "integration as root" "^($(modules tests/integration))\." 3 3600
  fi
fi
[ $skipped = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
