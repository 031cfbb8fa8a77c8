"""`hilum token` and `hilum audit-log` as typed: what is printed where, and what is kept."""

from pathlib import Path

import pytest

from called import called
from hilum.serve.audit_log import LOG, AuditLog
from hilum.serve.tokens import read_tokens


def test_a_token_is_printed_once_listed_without_its_secret_and_revoked(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path))
    made = called("token", "new", "ward 3", "--scope", "review", "--days", "2", *state)
    (token,) = read_tokens(tmp_path)
    assert (made.returncode, made.stdout.startswith("hilum_")) == (0, True)
    assert f"token {token.id} for ward 3: review, until {token.expires}" in made.stderr
    listed = called("token", "list", *state).stdout
    assert token.id in listed
    assert made.stdout.strip() not in listed
    revoked = called("token", "revoke", token.id, *state)
    assert (revoked.returncode, f"token {token.id} of ward 3 is revoked" in revoked.stderr) == (0, True)
    assert called("token", "revoke", "none-such", *state).returncode == 2


@pytest.mark.parametrize("tampered", [False, True])
def test_a_log_is_whole_or_says_where_it_is_not(tmp_path: Path, tampered: bool) -> None:
    log = AuditLog(tmp_path)
    for k in range(3):
        log.add("seen", n=k)
    log.close()
    state = ("--state", str(tmp_path))
    head = called("audit-log", "head", *state).stdout.strip()
    if tampered:
        lines = (tmp_path / LOG).read_text().splitlines(keepends=True)
        (tmp_path / LOG).write_text("".join([lines[0], *lines[2:]]))
    done = called("audit-log", "verify", "--head", head, *state)
    if tampered:
        assert (done.returncode, "line 2 is numbered 3 where 2 is due" in done.stderr) == (2, True)
    else:
        assert (done.returncode, done.stdout.strip()) == (0, head)
        assert "3 lines, whole" in done.stderr
