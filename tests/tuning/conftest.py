import os
from pathlib import Path
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile

import pytest


@pytest.fixture(scope="session")
def server():
    """Give the address of a server of PostgreSQL that runs meanwhile."""
    pytest.importorskip("psycopg2")
    found = shutil.which("initdb") or next(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), None
    )
    if found is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    programs = Path(found).resolve().parent
    # Not below the folder of pytest, which is closed to others.
    with tempfile.TemporaryDirectory(prefix="dipy_tractogen_") as folder:
        user = {}
        if os.getuid() == 0:
            # PostgreSQL refuses to run as root.
            owner = pwd.getpwnam("nobody")
            user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        password = secrets.token_hex(8)
        pwfile, data = Path(folder, "password"), Path(folder, "data")
        pwfile.write_text(password)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]

        def run(program, *options):
            line = [str(programs / program), "-D", str(data), *options]
            where = {"cwd": folder, "stdout": subprocess.DEVNULL}
            subprocess.run(line, check=True, timeout=60, **where, **user)

        of_user = ("-U", "sweep", "-A", "scram-sha-256", f"--pwfile={pwfile}")
        run("initdb", "--no-sync", *of_user)
        settings = f"-F -p {port} -k {folder} -c listen_addresses=127.0.0.1"
        run("pg_ctl", "start", "-w", "-o", settings, "-l", f"{folder}/log")
        try:
            yield f"postgresql://sweep:{password}@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "stop", "-m", "immediate")
