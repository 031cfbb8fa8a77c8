"""TLS of the node: DIMSE with a certificate on both sides, and DICOMweb with those who vouch for the archive."""

from __future__ import annotations

import ssl
from pathlib import Path

from hilum.core.errors import InputError
from hilum.node.config import TlsTable


def of_listener(table: TlsTable) -> ssl.SSLContext:
    """For associations that others begin: they must show a certificate that `authorities` vouch for.

    Raises:
        InputError: A file is missing or is none of those.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    return _with_files(context, table)


def of_sender(table: TlsTable) -> ssl.SSLContext:
    """For associations that the node begins: the archive's certificate must be for its host.

    Raises:
        InputError: A file is missing or is none of those.
    """
    return _with_files(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), table)


def of_web(authorities: Path | None) -> ssl.SSLContext:
    """For DICOMweb.

    Raises:
        InputError: The file is missing or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=str(authorities) if authorities else None)
    except (OSError, ssl.SSLError):
        raise InputError(f"{authorities}: expected certificates in PEM form") from None


def _with_files(context: ssl.SSLContext, table: TlsTable) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=str(table.authorities))
    except (OSError, ssl.SSLError):
        raise InputError(f"tls.authorities: {table.authorities}: expected certificates in PEM form") from None
    try:
        context.load_cert_chain(str(table.certificate), str(table.key))
    except (OSError, ssl.SSLError):
        words = "expected a certificate and its key in PEM form, the key without a password"
        raise InputError(f"tls: {table.certificate}, {table.key}: {words}") from None
    return context
