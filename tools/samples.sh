#!/bin/bash
# Write etc/mycloud/mycloud.conf and policy.yaml anew, from the code: every line a comment.
#
#   tools/samples.sh [--check]     --check: only say whether they are as they would be written
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" PYTHONWARNINGS=ignore
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
oslo-config-generator --config-file etc/mycloud/generate/config.conf \
  --output-file "$work/mycloud.conf" 2>/dev/null
oslopolicy-sample-generator --config-file etc/mycloud/generate/policy.conf \
  --output-file "$work/policy.yaml" 2>/dev/null
if [ "${1:-}" = --check ]; then
  for file in mycloud.conf policy.yaml; do
    diff -u "etc/mycloud/$file" "$work/$file" || { echo "$file is old: run make sample"; exit 1; }
  done
else
  cp "$work/mycloud.conf" "$work/policy.yaml" etc/mycloud/
fi
