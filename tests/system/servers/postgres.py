"""A real PostgreSQL of the test's own, and the bytes of its protocol for those that are not real."""

import os
import shutil
import struct
import subprocess
from functools import cache
from pathlib import Path

import psycopg2

from instance import as_service
from processes import SERVICE_USER, Process, free_port, short_dir, wait_until

BIN = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


@cache
def new_cluster():
    """A folder that initdb has made, to be copied: it takes longer than all the rest."""
    folder = short_dir() / "data"
    subprocess.run(as_service(BIN / "initdb", "-D", folder, "-U", "admin", "-A", "trust", "--no-sync", "--no-instructions",
                              "--locale=C.UTF-8"), check=True, capture_output=True, cwd="/")
    return folder


class PostgresServer(Process):
    """postgres on a free port of loopback. `hba`: the lines of pg_hba.conf after the one for the superuser `admin`, who
    comes by the socket; `tls`: the path of a certificate, beside which its key lies; `sql`: done once it runs."""

    def __init__(self, name, hba=(), tls=None, sql=(), standby=False, **settings):
        self.folder = short_dir()
        self.data = self.folder / "data"
        self.port = free_port()
        subprocess.run(["cp", "-a", new_cluster(), self.data], check=True)
        (self.data / "pg_hba.conf").write_text("\n".join(["local all admin trust", *hba, ""]))
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.folder, "fsync": "off",
                    "max_wal_senders": 0, "log_disconnections": "on", "shared_buffers": "1MB", **settings}
        if tls:
            settings |= {"ssl": "on", "ssl_cert_file": self.give(tls), "ssl_key_file": self.give(tls.with_suffix(".key"))}
        if standby:
            self.give(name="standby.signal")
        options = [option for key, value in settings.items() for option in ("-c", f"{key}={value}")]
        super().__init__(as_service(BIN / "postgres", "-D", self.data, *options), self.folder, name)
        self.stop_signal = 2  # a fast shutdown: clients are sent away
        if not standby:
            self.run(*sql)

    def give(self, source=None, name=None):
        """A copy of a file, or an empty one, in the data folder, which belongs to the server alone."""
        target = self.data / (name or source.name)
        target.write_bytes(source.read_bytes() if source else b"")
        target.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(target, SERVICE_USER, SERVICE_USER)
        return target

    def answers(self):
        """A connection of the superuser's once there is one."""
        assert self.is_running(), self.tail()
        try:
            return psycopg2.connect(host=str(self.folder), port=self.port, user="admin", dbname="postgres")
        except psycopg2.OperationalError:
            return None

    def run(self, *statements):
        connection = wait_until(self.answers, 30, what=f"{self.name} answers")
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.close()


def message(kind, body=b""):
    return kind + struct.pack("!I", len(body) + 4) + body


def request(number, data=b""):
    """A request at the login."""
    return message(b"R", struct.pack("!I", number) + data)


def refusal(sqlstate, text):
    return message(b"E", b"SFATAL\0VFATAL\0C%s\0M%s\0\0" % (sqlstate.encode(), text.encode()))


def row(*values):
    columns = b"".join(struct.pack("!i", -1) if value is None else struct.pack("!I", len(value)) + value for value in values)
    return message(b"D", struct.pack("!H", len(values)) + columns)


READY = message(b"Z", b"I")
LET_IN = request(0)
