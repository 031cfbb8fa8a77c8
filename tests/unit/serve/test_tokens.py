"""Tokens: random, stored hashed, with scopes and an end; a running service sees what was revoked."""

from __future__ import annotations

import base64
import stat
from datetime import UTC, datetime, timedelta

import pytest

from hilum.core.errors import InputError
from hilum.serve import tokens
from hilum.serve.tokens import FILE, PREFIX, TokenFile, new_token, read_tokens, revoke

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def test_a_token_has_256_random_bits_and_is_not_stored(tmp_path):
    made = [new_token(tmp_path, f"reader {k}", ("predict",), 1)[0] for k in range(20)]
    assert len(set(made)) == 20
    assert all(len(base64.urlsafe_b64decode(t.removeprefix(PREFIX) + "=")) == 32 for t in made)
    text = (tmp_path / FILE).read_text()
    assert not any(t in text or t.removeprefix(PREFIX) in text for t in made)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_scopes_and_days_are_asked_for(tmp_path):
    with pytest.raises(InputError, match="unknown scope 'predct'; did you mean 'predict'"):
        new_token(tmp_path, "a", ("predct",), 1)
    with pytest.raises(InputError, match="at least one scope and more than 0 days"):
        new_token(tmp_path, "a", ("predict",), 0)
    with pytest.raises(InputError, match="expected the name"):
        new_token(tmp_path, " ", ("predict",), 1)
    assert not (tmp_path / FILE).exists()


def test_a_token_ends_and_admin_may_all(tmp_path):
    _, token = new_token(tmp_path, "a", ("admin",), 2, NOW)
    assert token.state(NOW + timedelta(days=1.9)) == "good"
    assert token.state(NOW + timedelta(days=2)) == "expired"
    assert token.may("predict")
    assert token.may("review")
    assert not new_token(tmp_path, "b", ("predict",), 2, NOW)[1].may("explain")


def test_a_running_service_sees_new_and_revoked_tokens(tmp_path, monkeypatch):
    monkeypatch.setattr(tokens, "_LOOK_S", 0.0)
    known = TokenFile(tmp_path)
    assert not known.any
    secret, token = new_token(tmp_path, "a", ("predict",), 1)
    assert known.any
    assert known.known(secret) == token
    assert known.known(secret[:-1]) is None
    assert known.known("") is None
    revoked = revoke(tmp_path, token.id)
    assert revoked.revoked
    assert known.known(secret) is None
    assert not known.any
    assert [t.id for t in read_tokens(tmp_path)] == [token.id]
    with pytest.raises(InputError, match="no token with the id 'ffff'"):
        revoke(tmp_path, "ffff")


def test_an_expired_token_is_not_known(tmp_path):
    secret, _ = new_token(tmp_path, "a", ("predict",), 1, datetime.now(UTC) - timedelta(days=3))
    assert TokenFile(tmp_path).known(secret) is None


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / FILE).write_text("{}")
    with pytest.raises(InputError, match="expected a list 'tokens'"):
        read_tokens(tmp_path)
