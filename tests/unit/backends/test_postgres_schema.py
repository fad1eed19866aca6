"""The files that make PostgreSQL's tables and functions."""

import hashlib

import pytest

from backends.postgres import check_schema, check_url
from backends.postgres.schema import functions, named, steps

FUNCTIONS_OF = {1: "8a71edb525a72710"}
"""The digest of the functions by version. A change of a function takes a new version, or no database would get it:
until the release of a version, its own digest may change."""


def test_a_change_of_the_functions_takes_a_new_version() -> None:
    assert {len(steps()): hashlib.sha256(functions().encode()).hexdigest()[:16]} == FUNCTIONS_OF


def test_another_schema_takes_the_place_of_the_one_that_the_files_name() -> None:
    assert named("SELECT leflux.append('leflux.' || id) FROM leflux.sessions", "chat") == (
        'SELECT "chat".append(\'"chat".\' || id) FROM "chat".sessions'
    )
    assert "leflux." not in named("\n".join([*steps(), functions()]), "chat")


@pytest.mark.parametrize("url", ["", "x", "http://a/b", "postgresql://host", "postgresql://a b/c", "postgresql://["])
def test_what_is_no_url_of_a_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="Expected a URL"):
        check_url(url)


@pytest.mark.parametrize("url", ["postgresql://u:p@h:5432/db", "postgres://one,two:5433/db?sslmode=require"])
def test_urls_as_libpq_reads_them_are_taken(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize("name", ["", "Leflux", 'a"b', "a.b", "1a", "pg_chat", "ü", "x" * 64])
def test_a_schema_is_a_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="Expected a schema"):
        check_schema(name)
