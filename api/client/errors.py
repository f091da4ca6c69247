"""What goes wrong on the client's side of the door."""


class ClientError(Exception):
    """The server refused, or could not be reached; `code` is the problem's own.

    Attributes:
        code: stable code of the problem, or `unreachable`, `answer-malformed`.
        status: HTTP status, 0 where there was no answer.
        message: a sentence for people.
        field: the field that was refused, if one was.
        clock_behind_s: how far this machine's clock is behind the server's, where it said.
    """

    exit_code = 69

    def __init__(
        self, code: str, message: str = "", *, status: int = 0, field: str | None = None
    ) -> None:
        self.code = code
        self.message = message or code.replace("-", " ")
        self.status = status
        self.field = field
        self.clock_behind_s: float | None = None
        self.exit_code = _EXIT_CODES.get(status, 69) if status else _found_here(code)
        super().__init__(f"{code}: {self.message}")


_EXIT_CODES = {
    400: 65,
    401: 77,
    403: 77,
    404: 75,
    409: 75,
    410: 75,
    413: 65,
    422: 65,
    429: 77,
    500: 70,
    503: 69,
}
"""The exit codes of `sandbox.errors`, by the status that each class answers with."""

_UNAVAILABLE = frozenset(
    {
        "answer-malformed",
        "certificate-refused",
        "demo-stuck",
        "disk-full",
        "member-unknown",
        "naming-key-missing",
        "process-ended",
        "process-late",
        "release-stopped",
        "sample-timeout",
        "unreachable",
    }
)
_INPUT = frozenset(
    {
        "file-changed",
        "file-failed",
        "folder-not-empty",
        "input-missing",
        "nothing-cleaned",
        "nothing-to-deposit",
        "spool-malformed",
        "subjects-malformed",
    }
)


def _found_here(code: str) -> int:
    """The exit code of what no server said: what was shown does not hold, unless told otherwise.

    A lying server must not look like a busy one, which a script would ask again.
    """
    if code in _UNAVAILABLE:
        return 69
    return 65 if code in _INPUT else 76
