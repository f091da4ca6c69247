"""Asking a witness over HTTP: to the addresses of the operator's policy file, and to no others.

Source: C2SP tlog-witness v1.0.0.
"""

import ssl
from pathlib import Path
from typing import Final

import httpx

from crypto.addcheckpoint import PATH, SIZE_TYPE
from crypto.note import MAX_NOTE_BYTES
from sandbox.errors import Unavailable
from sandbox.provenance.cosigning import WitnessAnswer

TIMEOUT_S: Final = 5.0


class WitnessClient:
    """Asks witnesses; threads may share it.

    Args:
        certificates: PEM file of who may sign a witness's certificate; the system's when absent.
    """

    def __init__(self, certificates: Path | None = None) -> None:
        verify = ssl.create_default_context(cafile=certificates)
        # `trust_env` off: no proxy and no netrc of the environment gets between.
        self._http = httpx.Client(
            timeout=TIMEOUT_S, verify=verify, trust_env=False, follow_redirects=False
        )

    def __call__(self, url: str, request: bytes) -> WitnessAnswer:
        """What the witness at `url` answers to an `add-checkpoint` request.

        Raises:
            Unavailable: `witness-silent`.
        """
        try:
            with self._http.stream("POST", url.rstrip("/") + PATH, content=request) as answer:
                text = _text(answer)
                sized = answer.headers.get("content-type", "") == SIZE_TYPE
                return WitnessAnswer(answer.status_code, text, sized=sized)
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable("witness-silent", "a witness does not answer") from error

    def close(self) -> None:
        """Let go of all connections."""
        self._http.close()


def _text(answer: httpx.Response) -> str:
    """The body, as long as a note may be.

    Raises:
        Unavailable: `witness-silent`: it is longer, or no text.
        httpx.HTTPError: it breaks off.
    """
    octets = b""
    for part in answer.iter_bytes():
        octets += part
        if len(octets) > MAX_NOTE_BYTES:
            raise Unavailable("witness-silent", "a witness answers too much")
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise Unavailable("witness-silent", "a witness answers no text") from error
