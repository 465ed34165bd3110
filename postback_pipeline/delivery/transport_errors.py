"""Why an attempt brought no reply, in our own words.

Belongs here: the client's own failures, and the words for those of the system. No text shows a URL, a header, a name
or an address: it ends up in attempt rows.
"""

from __future__ import annotations

import errno
import ssl

from postback_pipeline.delivery.addresses import AddressRefused, NameNotResolved

#: The receiver closed the connection in place of an answer, and within one.
CLOSED = "the connection failed (closed by the receiver)"
BROKE_OFF = "the reply broke off"


class WireError(Exception):
    """A failure that the client found itself; its text is fit for people.

    Args:
        words: what happened.
        configuration: the set-up is at fault, not the receiver.
    """

    def __init__(self, words: str, *, configuration: bool = False) -> None:
        super().__init__(words)
        self.configuration = configuration


def explain(failure: Exception, *, connected: bool) -> tuple[str, bool]:
    """Our words for a failure, and whether the set-up is at fault: that pauses the destination.

    Args:
        failure: what ended the attempt.
        connected: a connection stood when it happened.
    """
    if isinstance(failure, WireError):
        return str(failure), failure.configuration
    if isinstance(failure, AddressRefused):
        return str(failure), True
    if isinstance(failure, NameNotResolved):
        return "the host name was not resolved", False
    # TimeoutError is an OSError: the kernel's own (no answer to a SYN) has an error number, a deadline has none.
    if isinstance(failure, TimeoutError) and failure.errno is None:
        return "the deadline passed", False
    if isinstance(failure, ssl.SSLError):
        return _explain_tls(failure)
    if isinstance(failure, OSError):
        name = errno.errorcode.get(failure.errno or 0, "unknown cause")
        return f"the connection failed ({name})" if connected else f"no connection ({name})", False
    return f"the connection failed ({type(failure).__name__})", False


def _explain_tls(failure: ssl.SSLError) -> tuple[str, bool]:
    if isinstance(failure, ssl.SSLCertVerificationError):
        return "TLS: the certificate is not trusted for this host", True
    # A peer that takes its leave, or is in trouble itself, may be better tomorrow; a version it refuses stays refused.
    if isinstance(failure, ssl.SSLZeroReturnError):
        return CLOSED, False
    if failure.reason == "TLSV1_ALERT_INTERNAL_ERROR":
        return "TLS: the receiver had an internal error", False
    return "TLS: the handshake failed", True
