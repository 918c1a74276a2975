"""Certificates of all sorts, made by the openssl command when a test needs them."""

import ssl
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path


def stamp(days):
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


class Authority:
    """A root in a folder, and what it has signed."""

    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "index.txt").touch()
        (self.folder / "serial").write_text("01\n")
        (self.folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca = root\n[root]\ndatabase = index.txt\nserial = serial\nnew_certs_dir = .\n"
            "certificate = ca.pem\nprivate_key = ca.key\ndefault_md = sha256\npolicy = any\nunique_subject = no\n"
            "copy_extensions = copy\n[any]\ncommonName = supplied\n")
        self.openssl("req", "-x509", *self.new_key("ca"), "-out", "ca.pem", "-days", "3650", "-subj", "/CN=Test CA")
        self.ca = (self.folder / "ca.pem").read_text()

    def openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def new_key(self, name, rsa_bits=None):
        kind = (f"rsa:{rsa_bits}",) if rsa_bits else ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        return ("-newkey", *kind, "-nodes", "-keyout", f"{name}.key")

    def context(self, name, more=(), ciphers=None, **settings):
        """A server's context with that certificate; `more` are names of what it shows beside it, `ciphers` are as OpenSSL
        writes them, settings are attributes such as maximum_version."""
        shown = self.folder / f"{name}.shown.pem"
        shown.write_text("".join((self.folder / f"{part}.pem").read_text() for part in (name, *more)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if ciphers:
            context.set_ciphers(ciphers)
        context.load_cert_chain(shown, self.folder / f"{name}.key")
        for key, value in settings.items():
            setattr(context, key, value)
        return context

    def sign(self, name, subject, extension, from_days, to_days, issuer="ca", rsa_bits=None):
        self.openssl("req", *self.new_key(name, rsa_bits), "-out", f"{name}.csr", "-subj", f"/CN={subject}",
                     *(("-addext", extension) if extension else ()))
        self.openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", f"{issuer}.pem", "-keyfile", f"{issuer}.key",
                     "-in", f"{name}.csr", "-out", f"{name}.pem", "-startdate", stamp(from_days), "-enddate", stamp(to_days))

    def intermediate(self, name, to_days=365):
        """A further authority, signed by the root, to be the issuer of others."""
        self.sign(name, name, "basicConstraints=critical,CA:TRUE", -1, to_days)

    def issue(self, name, names="DNS:localhost,IP:127.0.0.1", from_days=-1, to_days=365, issuer="ca", rsa_bits=None, ciphers=None):
        """A certificate signed by the root; `names` may be empty: then only the common name is there."""
        self.sign(name, "localhost", names and f"subjectAltName={names}", from_days, to_days, issuer, rsa_bits)
        return self.context(name, ciphers=ciphers)

    def self_signed(self, name):
        self.openssl("req", "-x509", *self.new_key(name), "-out", f"{name}.pem", "-days", "30", "-subj", "/CN=localhost",
                     "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        return self.context(name)
