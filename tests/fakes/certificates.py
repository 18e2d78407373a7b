"""An authority of the test's own, and certificates that it signs."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_DAY = dt.timedelta(days=1)


@dataclass
class Authority:
    """Signs certificates; nobody knows it who is not told its file."""

    folder: Path
    name: str = "An authority of a test"
    _key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def file(self) -> Path:
        """Its own certificate, for `SSL_CERT_FILE`."""
        path = self.folder / "authority.pem"
        own = self._signed(self.name, self._key, days=30).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        path.write_bytes(_pem(own.sign(self._key, hashes.SHA256())))
        return path

    def server(self, names: Sequence[str], *, days: float = 30) -> ssl.SSLContext:
        """What a server shows that is known by these names; over, if *days* is less."""
        key = ec.generate_private_key(ec.SECP256R1())
        known = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        shown = self._signed(names[0], key, days=days).add_extension(
            known, critical=False
        )
        path = self.folder / f"{names[0]}.pem"
        path.write_bytes(
            _pem(shown.sign(self._key, hashes.SHA256()))
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _signed(
        self, name: str, key: ec.EllipticCurvePrivateKey, *, days: float
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 60 * _DAY)
            .not_valid_after(now + days * _DAY)
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
