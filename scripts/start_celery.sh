#!/bin/sh
# Starts the workers of every queue on this host, as many as the queue table says; they
# need PRSNL_DATABASE_URL and PRSNL_BROKER_URL, and a scheduler and an API somewhere.
#
#   scripts/start_celery.sh [start] [QUEUE...]    start what is not running
#   scripts/start_celery.sh stop [QUEUE...]       give back what runs, and leave
#   scripts/start_celery.sh status [QUEUE...]     say which run; 1 if any does not
set -eu

repo=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
"$repo/prsnl" --version >/dev/null # sets it up, the first time
python=${PRSNL_VENV:-$repo/.venv}/bin/python

say() {
    printf '%s\n' "$1"
}

# Queue and number of workers, one a line.
table() {
    PYTHONPATH=$repo/src "$python" -c '
from prsnl.work.queues import QUEUES
for row in QUEUES:
    print(row.queue, row.workers)'
}

data=$(PYTHONPATH=$repo/src "$python" -c '
from prsnl.core.settings import Settings
print(Settings.read().storage.folder)')
pids=$data/run
logs=$data/logs

# Whether a pid file names a worker of ours that runs: a pid may be another's by now.
runs() {
    [ -f "$1" ] && pid=$(cat "$1") && kill -0 "$pid" 2>/dev/null || return 1
    ! command -v ps >/dev/null 2>&1 ||
        ps -o args= -p "$pid" 2>/dev/null | grep -q "prsnl worker"
}

start() {
    if [ -z "${PRSNL_DATABASE_URL-}" ] || [ -z "${PRSNL_BROKER_URL-}" ]; then
        say "PRSNL_DATABASE_URL and PRSNL_BROKER_URL are not set: workers need both. (On one machine ./prsnl up starts everything.)" >&2
        exit 2
    fi
    mkdir -p "$pids" "$logs"
    if ! runs "$2"; then
        PYTHONPATH=$repo/src nohup "$python" -m prsnl worker "$1" \
            </dev/null >>"$logs/$(basename "$2" .pid).log" 2>&1 &
        echo $! >"$2"
    fi
    started=$((started + 1))
}

stop() {
    if runs "$2"; then
        kill -TERM "$(cat "$2")"
        left="$left $2"
    else
        rm -f "$2"
    fi
}

status() {
    name=$(basename "$2" .pid)
    if runs "$2"; then
        say "$name   runs (pid $(cat "$2"))"
    else
        say "$name   does not run: see $logs/$name.log"
        missing=$((missing + 1))
    fi
}

# A worker leaves within 20 s; one that does not is killed, and its tasks go on elsewhere.
await() {
    seconds=0
    for file in $left; do
        while runs "$file" && [ "$seconds" -lt 25 ]; do
            sleep 1
            seconds=$((seconds + 1))
        done
        runs "$file" && kill -KILL "$(cat "$file")"
        rm -f "$file"
    done
}

command=start
case ${1-} in
    start | stop | status) command=$1 && shift ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 0 ;;
esac
known=$(table)
for queue in "$@"; do
    if ! printf '%s\n' "$known" | grep -q "^$queue "; then
        say "$queue is no queue; there are $(printf '%s\n' "$known" | cut -d' ' -f1 | tr '\n' ' ')" >&2
        exit 2
    fi
done

started=0 missing=0 left=''
while read -r queue workers; do
    case " $* " in
        "  " | *" $queue "*) ;;
        *) continue ;;
    esac
    number=1
    while [ "$number" -le "$workers" ]; do
        "$command" "$queue" "$pids/$queue-$number.pid"
        number=$((number + 1))
    done
done <<TABLE
$known
TABLE
case $command in
    start) say "$started workers run. Their logs: $logs. Stop them: scripts/start_celery.sh stop" ;;
    stop) await && say "Stopped." ;;
    status) [ "$missing" -eq 0 ] ;;
esac
