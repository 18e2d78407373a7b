#!/bin/sh
# Writes both locks anew from pyproject.toml, with uv. Newer versions come in with
# `scripts/lock.sh --upgrade`; without it only what changed there changes here.
set -eu
cd -- "$(dirname -- "$0")/.."

compile() {
    uv pip compile --universal --generate-hashes --no-emit-index-url --no-header \
        --no-annotate --python-version 3.11 --quiet "$@"
}
compile "$@" pyproject.toml -o requirements.lock
compile "$@" --group test -c requirements.lock -o requirements-test.lock
