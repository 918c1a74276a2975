"""A small farm of local services for the sample estate to probe: some healthy, some slow, flapping, failing or silent.

    farm.py DIR --prepare   picks free ports and makes the certificate authority; leaves both in DIR
    farm.py DIR             serves until TERM

The ports are picked once and kept in DIR/ports.json, because the checks of the estate name them. A port that somebody
else took meanwhile is reported and left out: its checks then say what a check says of a foreign service.
"""

import asyncio
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

# name → what it is
SERVICES = {
    "app": "HTTP, answers in a few milliseconds",
    "slow": "HTTP, takes about a second",
    "flapping": "HTTP, 25 s well and 25 s failing, again and again",
    "failing": "HTTP, always 503",
    "secure": "HTTPS with a good certificate",
    "expiring": "HTTPS with a certificate that ends in 9 days",
    "mail": "TCP, greets like a mail server",
    "queue": "TCP, answers a line with +OK",
    "silent": "TCP, accepts and says nothing",
    "refusing": "a port that is taken but does not listen",
}
FLAP_S = 25
CERTIFICATE_DAYS = {"secure": 365, "expiring": 9}
REQUEST_BYTES = 16384
IDLE_S = 20
PAGE = "<!doctype html><title>Acme</title><h1>Acme</h1><form><button>Sign in</button></form>\n"


def prepare(folder):
    """Makes what does not change between starts."""
    folder.mkdir(parents=True, exist_ok=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650",
            "-subj", "/CN=Sample CA", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    sockets = {name: socket.create_server(("127.0.0.1", 0)) for name in SERVICES}
    ports = dict(zip(SERVICES, free_ports(len(SERVICES))))
    unfinished = folder / "ports.json.new"
    unfinished.write_text(json.dumps(ports, indent=2) + "\n")
    unfinished.replace(folder / "ports.json")


def free_ports(count):
    """Ports that nobody has now, below the range that the kernel gives to outgoing connections."""
    found = []
    for port in random.sample(range(20000, 32000), 12000):
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    sys.exit("no free ports between 20000 and 32000")


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


def issue(folder, name):
    """A fresh certificate for localhost by the farm's authority; returns the context that serves it."""
    key, request, extra, certificate = (folder / f"{name}.{kind}" for kind in ("key", "csr", "ext", "pem"))
    extra.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
            "-keyout", key, "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial",
            "-days", CERTIFICATE_DAYS[name], "-extfile", extra, "-out", certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def is_well():
    """The flapping service is down at the start of each round, so that its first minute shows both."""
    return time.time() % (2 * FLAP_S) >= FLAP_S


async def serve_http(name, reader, writer):
    """One request, one answer."""
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_S)
        path = head.split(b" ", 2)[1].decode("latin-1", "replace")
        await asyncio.sleep(random.uniform(0.85, 1.3) if name == "slow" else random.uniform(0.001, 0.015))
        failing = name == "failing" or (name == "flapping" and not is_well())
        kind, body = "application/json", json.dumps({"status": "unavailable" if failing else "ok", "path": path})
        if path.endswith("/login") and not failing:
            kind, body = "text/html; charset=utf-8", PAGE
        status = "503 Service Unavailable" if failing else "200 OK"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                     f"Connection: close\r\n\r\n{body}".encode())
        await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.TimeoutError, IndexError, OSError):
        pass  # the client went away or sent no request
    finally:
        writer.close()


async def serve_text(name, reader, writer):
    """What the TCP services say."""
    try:
        if name == "mail":
            writer.write(b"220 mail.acme.test ESMTP ready\r\n")
        line = await asyncio.wait_for(reader.readline(), IDLE_S)
        if name == "queue" and line:
            writer.write(b"+OK\r\n")
        await writer.drain()
    except (asyncio.TimeoutError, ValueError, OSError):
        pass
    finally:
        writer.close()


async def open_service(folder, name, port):
    """Starts one service on its port; returns what has to be kept open."""
    if name == "refusing":
        taken = socket.socket()
        taken.bind(("127.0.0.1", port))
        return taken
    serve = serve_text if name in ("mail", "queue", "silent") else serve_http
    context = issue(folder, name) if name in CERTIFICATE_DAYS else None
    return await asyncio.start_server(lambda reader, writer: serve(name, reader, writer), "127.0.0.1", port,
                                      limit=REQUEST_BYTES, ssl=context, backlog=256)


async def run(folder):
    ports = json.loads((folder / "ports.json").read_text())
    kept = []
    for name in SERVICES:
        try:
            kept.append(await open_service(folder, name, ports[name]))
        except OSError as error:
            print(f"{name}: port {ports[name]}: {error.strerror or error}", flush=True)
    print(f"{len(kept)} of {len(SERVICES)} services are open, pid {os.getpid()}", flush=True)

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    for listener in kept:
        listener.close()


def main():
    folder = Path(sys.argv[1])
    if sys.argv[2:] == ["--prepare"]:
        prepare(folder)
    else:
        asyncio.run(run(folder))


if __name__ == "__main__":
    main()
