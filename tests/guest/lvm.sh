# Run all tests of LVM in the guest: thick and thin volumes side by side, each on disks of its own,
# and each in another mode of concurrency.
cd /tmp || exit 1
export PYTHONPATH=/share/source:/share/packages PYTHONDONTWRITEBYTECODE=1
report="python3 -W ignore -m tests.guest.report"
MYCLOUD_CONCURRENCY=eventlet $report lvm_thick &
thick=$!
MYCLOUD_CONCURRENCY=threading $report lvm_thin &
thin=$!
status=0
wait $thick || status=1
wait $thin || status=1
exit $status
