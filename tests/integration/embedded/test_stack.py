"""The real servers: started, killed, stopped, and what a user is told."""

import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from prsnl.core.errors import StartError
from prsnl.embedded.programs import installed_programs
from prsnl.embedded.stack import EmbeddedStack, StackUrls
from prsnl.embedded.supervisor import Supervisor
from tests.integration.embedded.conftest import ENVIRONMENT, HOLDER, ROOT, held

PATIENCE_S = 60.0
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as running:
        yield running


def stack_of(data_dir: Path, supervisor: Supervisor) -> EmbeddedStack:
    return EmbeddedStack(data_dir, supervisor, what="prsnl up", is_durable=False)


def query(url: str, statement: str) -> object:
    """The first value of a statement's answer."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def remember(urls: StackUrls) -> None:
    """Write a row and a message that must outlive what follows."""
    with psycopg.connect(urls.database_url, autocommit=True) as connection:
        connection.execute("create table if not exists memory (word text)")
        connection.execute("insert into memory values ('kept')")
    with redis.Redis.from_url(urls.broker_url) as broker:
        broker.set("word", "kept")


def assert_remembered(urls: StackUrls) -> None:
    assert query(urls.database_url, "select word from memory") == "kept"
    with redis.Redis.from_url(urls.broker_url) as broker:
        assert broker.get("word") == b"kept"


def until_answering(urls: StackUrls) -> None:
    """Wait until both servers answer again."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            query(urls.database_url, "select 1")
            with redis.Redis.from_url(urls.broker_url) as broker:
                broker.ping()
        except (psycopg.OperationalError, redis.ConnectionError):
            assert time.monotonic() < deadline_s, "they did not come back"
            time.sleep(0.05)
        else:
            return


def test_both_servers_answer_and_outlive_a_stop(data_dir: Path) -> None:
    with Supervisor() as supervisor, stack_of(data_dir, supervisor) as first:
        remember(first)

    with Supervisor() as supervisor, stack_of(data_dir, supervisor) as second:
        assert second == first
        assert_remembered(second)


def test_pgvector_measures_distances(data_dir: Path, supervisor: Supervisor) -> None:
    with stack_of(data_dir, supervisor) as urls:
        with psycopg.connect(urls.database_url) as connection:
            connection.execute("create extension vector")
            row = connection.execute("select '[0,3]'::vector <-> '[4,0]'").fetchone()

        assert row == (5.0,)


def test_the_database_is_made_to_keep_what_it_is_given(data_dir: Path) -> None:
    """The defaults are those of a disk that may fail and a machine that may stop."""
    wanted = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "listen_addresses": "127.0.0.1",
        "password_encryption": "scram-sha-256",
        "idle_in_transaction_session_timeout": "1min",
    }
    with Supervisor() as supervisor, EmbeddedStack(data_dir, supervisor) as urls:
        with psycopg.connect(urls.database_url) as connection:
            found = {
                name: connection.execute(
                    "select current_setting(%s)", (name,)
                ).fetchone()
                for name in wanted
            }
        with redis.Redis.from_url(urls.broker_url) as broker:
            kept = broker.config_get("append*")

    assert found == {name: (value,) for name, value in wanted.items()}
    assert (kept["appendonly"], kept["appendfsync"]) == ("yes", "everysec")


def test_nobody_gets_in_without_the_password(
    data_dir: Path, supervisor: Supervisor
) -> None:
    with stack_of(data_dir, supervisor) as urls:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(re.sub(r":[^:@/]+@", ":wrong@", urls.database_url))
        without = redis.Redis.from_url(re.sub(r":[^:@/]+@", "", urls.broker_url))
        with without, pytest.raises(redis.AuthenticationError):
            without.ping()


def test_no_argument_list_shows_a_password(
    data_dir: Path, supervisor: Supervisor
) -> None:
    with stack_of(data_dir, supervisor) as urls:
        passwords = re.findall(r":([^:@/]+)@", urls.database_url + urls.broker_url)
        shown = "".join(
            " ".join(psutil.Process(state.pid).cmdline())
            for state in supervisor.states()
        )

        assert len(passwords) == 2
        assert not any(password in shown for password in passwords)


def test_a_folder_with_spaces_and_a_long_name_works(
    data_dir: Path, supervisor: Supervisor
) -> None:
    name = "what I've kept & more; " + "x" * 97
    assert len(name) == 120

    with stack_of(data_dir / name, supervisor) as urls:
        assert query(urls.database_url, "select 1") == 1


def test_killed_servers_come_back_with_everything(
    data_dir: Path, supervisor: Supervisor
) -> None:
    with stack_of(data_dir, supervisor) as urls:
        remember(urls)
        for state in supervisor.states():
            assert state.pid is not None
            os.kill(state.pid, signal.SIGKILL)

        until_answering(urls)

        assert_remembered(urls)


def test_after_a_kill_of_the_supervisor_the_next_start_recovers(
    data_dir: Path, supervisor: Supervisor
) -> None:
    """The servers are found by their pid files, stopped, and started anew."""
    with held(data_dir) as first:
        first.process.kill()
        first.process.wait()
        orphans = [first.postgres, first.valkey]
        assert all(psutil.pid_exists(pid) for pid in orphans)

        with stack_of(data_dir, supervisor) as urls:
            assert urls.database_url == first.told["database"]
            assert urls.broker_url == first.told["broker"]
            assert query(urls.database_url, "select 1") == 1
            assert not {state.pid for state in supervisor.states()} & set(orphans)


def test_after_a_kill_of_everything_the_next_start_recovers(
    data_dir: Path, supervisor: Supervisor
) -> None:
    with held(data_dir) as first:
        remember(
            StackUrls(
                database_url=first.told["database"], broker_url=first.told["broker"]
            )
        )
        first.process.kill()
        os.kill(first.postgres, signal.SIGKILL)
        os.kill(first.valkey, signal.SIGKILL)
        first.process.wait()

        with stack_of(data_dir, supervisor) as urls:
            assert_remembered(urls)


def test_a_second_start_names_the_holder(
    data_dir: Path, supervisor: Supervisor
) -> None:
    with held(data_dir) as first:
        with pytest.raises(StartError) as told:
            stack_of(data_dir, supervisor).start()

        assert f"`prsnl up` (pid {first.process.pid} on" in told.value.message
        assert query(first.told["database"], "select 1") == 1


def test_a_taken_port_is_left_to_its_owner(data_dir: Path) -> None:
    with Supervisor() as supervisor, stack_of(data_dir, supervisor) as first:
        ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", str(first))]
        remember(first)
    assert len(ports) == 2
    with socket.socket() as one, socket.socket() as two:
        for port, intruder in zip(ports, (one, two), strict=True):
            intruder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            intruder.bind(("127.0.0.1", port))
            intruder.listen()

        with Supervisor() as supervisor, stack_of(data_dir, supervisor) as second:
            assert not any(f":{port}/" in str(second) for port in ports)
            assert_remembered(second)


def test_a_folder_of_another_major_is_told(
    data_dir: Path, supervisor: Supervisor
) -> None:
    (data_dir / "postgresql").mkdir(parents=True)
    data_dir.chmod(0o711)
    (data_dir / "postgresql" / "PG_VERSION").write_text("17\n")

    with pytest.raises(StartError, match=r"made by PostgreSQL 17, and this is 18"):
        stack_of(data_dir, supervisor).start()


def test_a_folder_that_others_may_enter_is_told_with_the_cure(
    data_dir: Path, supervisor: Supervisor
) -> None:
    with Supervisor() as first, stack_of(data_dir, first):
        pass
    folder = data_dir / "postgresql"
    folder.chmod(0o755)

    with pytest.raises(StartError, match=f"`chmod 700 {folder}`"):
        stack_of(data_dir, supervisor).start()


def test_an_interrupted_first_start_is_made_anew(
    data_dir: Path, supervisor: Supervisor
) -> None:
    half = data_dir / "postgresql.new" / "base"
    half.mkdir(parents=True)
    data_dir.chmod(0o711)

    with stack_of(data_dir, supervisor) as urls:
        assert query(urls.database_url, "select 1") == 1

    assert not half.exists()


def test_lost_secrets_are_replaced_and_the_data_stays(data_dir: Path) -> None:
    with Supervisor() as supervisor, stack_of(data_dir, supervisor) as first:
        remember(first)
    (data_dir / "secrets.json").unlink()

    with Supervisor() as supervisor, stack_of(data_dir, supervisor) as second:
        assert second != first
        assert_remembered(second)


def test_a_pid_file_of_somebody_elses_process_hinders_nothing(
    data_dir: Path, supervisor: Supervisor
) -> None:
    """Pids are used again, in a container soon: that process must be left alone."""
    with Supervisor() as first, stack_of(data_dir, first):
        pid_file = data_dir / "postgresql" / "postmaster.pid"
        text = pid_file.read_text()
    pid_file.write_text(re.sub(r"^\d+", str(os.getpid()), text))

    with stack_of(data_dir, supervisor) as urls:
        assert query(urls.database_url, "select 1") == 1


def test_a_damaged_broker_log_is_put_aside(
    data_dir: Path, supervisor: Supervisor
) -> None:
    """The broker carries hints alone: an empty one is better than none."""
    with Supervisor() as first, stack_of(data_dir, first) as urls:
        remember(urls)
    (log,) = (data_dir / "valkey" / "appendonlydir").glob("*.incr.aof")
    log.write_bytes(b"damage" + log.read_bytes())

    with (
        stack_of(data_dir, supervisor) as urls,
        redis.Redis.from_url(urls.broker_url) as broker,
    ):
        assert broker.get("word") is None

    assert (data_dir / "valkey" / "appendonlydir.damaged").is_dir()


@needs_root
def test_as_root_the_servers_run_as_another_user(
    data_dir: Path, supervisor: Supervisor
) -> None:
    with stack_of(data_dir, supervisor):
        users = {psutil.Process(state.pid).uids().real for state in supervisor.states()}

        assert 0 not in users
        assert len(users) == 1


@needs_root
def test_a_folder_that_the_servers_user_cannot_enter_is_told(
    data_dir: Path, supervisor: Supervisor
) -> None:
    data_dir.mkdir(mode=0o700)

    with pytest.raises(StartError, match=rf"who may not enter {data_dir}:"):
        stack_of(data_dir, supervisor).start()

    assert data_dir.stat().st_mode & 0o777 == 0o700


@needs_root
def test_an_ordinary_user_starts_it_too(data_dir: Path) -> None:
    user = pwd.getpwnam("nobody")
    data_dir.mkdir()
    os.chown(data_dir, user.pw_uid, user.pw_gid)
    python = _python_for_all()

    with held(
        data_dir, "setpriv", f"--reuid={user.pw_uid}", "--clear-groups", python=python
    ) as holder:
        assert "error" not in holder.told
        assert psutil.Process(holder.postgres).uids().real == user.pw_uid
        assert query(holder.told["database"], "select 1") == 1


@needs_root
@pytest.mark.parametrize("size_mb", [10, 50])
def test_a_full_disk_is_told_in_one_sentence(size_mb: int, data_dir: Path) -> None:
    """Too small for the programs' copies, then too small for the database."""
    data_dir.mkdir()
    script = f"mount -t tmpfs -o size={size_mb}m,mode=711 none '{data_dir}' || exit 77"
    unshare = ["unshare", "-m", "sh", "-c", f'{script}; exec "$@"']
    done = subprocess.run(
        [*unshare, "sh", sys.executable, str(HOLDER), str(data_dir)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=PATIENCE_S,
        check=False,
    )
    if not done.stdout:
        pytest.skip(f"no mounts here: {done.stderr.strip()}")

    message = json.loads(done.stdout)["error"]
    assert message.startswith(f"The disk that holds {data_dir}")
    assert "is full: free some room" in message


def _python_for_all() -> str:
    """A Python that another user may run with our packages, or a skip."""
    version = sysconfig.get_python_version()
    packages = Path(psycopg.__file__).parents[1]
    ENVIRONMENT["PYTHONPATH"] = f"{ROOT / 'src'}:{packages}"
    as_nobody = ["setpriv", "--reuid=65534", "--clear-groups"]
    for python in (sys.executable, shutil.which(f"python{version}", path="/usr/bin")):
        if python is None:
            continue
        tried = subprocess.run(
            [*as_nobody, python, "-c", "import prsnl.embedded.stack, psycopg"],
            env=ENVIRONMENT,
            cwd="/",
            check=False,
            capture_output=True,
        )
        if tried.returncode == 0:
            return python
    pytest.skip("no Python here that another user may run")


def test_the_programs_are_those_of_this_platform() -> None:
    programs = installed_programs()

    for program in (programs.postgres, programs.initdb, programs.valkey):
        assert os.access(program, os.X_OK)
