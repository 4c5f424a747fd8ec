# Run one module of tests in the guest: run.sh MODULE MODE-OF-CONCURRENCY [PART-OF-A-NAME...]
cd /tmp || exit 1
export PYTHONPATH=/share/source:/share/packages PYTHONDONTWRITEBYTECODE=1 MYCLOUD_CONCURRENCY=$2
module=$1
shift 2
exec python3 -W ignore -m tests.guest.report "$module" "$@"
