# Run one module of tests in the guest: run.sh MODULE MODE-OF-CONCURRENCY [PART-OF-A-NAME...]
# as the user of the cloud's services, beside a root helper; what a test itself does as root it
# asks of that helper too.
cd /tmp || exit 1
export PYTHONPATH=/share/source:/share/packages PYTHONDONTWRITEBYTECODE=1 MYCLOUD_CONCURRENCY=$2
export MYCLOUD_GUEST_STATE=/run/mycloud
module=$1
shift 2
allowed=$MYCLOUD_GUEST_STATE/privileged/allowed
mkdir -p "$allowed"
chmod 700 "$MYCLOUD_GUEST_STATE/privileged"
chown mycloud:mycloud "$MYCLOUD_GUEST_STATE"
printf 'vg-*\nno-such-group\n' >"$allowed/volume-groups"
python3 -W ignore -m mycloud.privileged.program --state "$MYCLOUD_GUEST_STATE" --user mycloud \
  --verbs-dir /share/source/tests/guest/verbs --verbs-prefix test 2>/tmp/helper.log &
helper=$!
setpriv --reuid mycloud --regid mycloud --init-groups --no-new-privs \
  python3 -W ignore -m tests.guest.report "$module" "$@"
status=$?
kill "$helper"
wait "$helper"
# what root did in the end, for whoever looks for the reason
[ $status -eq 0 ] || tail -n 40 /tmp/helper.log
exit $status
