"""Makes and upgrades the tables, and refuses a database that cannot serve.

One transaction under one lock of the database: processes that open at once follow each other. The files of `sql/` hold
one step for each version, and the functions, which belong to the newest version and are made anew by every step.
"""

import re
from pathlib import Path
from typing import Any

from psycopg import AsyncRawCursor
from psycopg.errors import InsufficientPrivilege, LockNotAvailable

from backends.errors import StoreMisconfigured, StoreUnavailable
from backends.postgres.connect import Connection

_SQL = Path(__file__).with_name("sql")
_NAME = re.compile(r"\bleflux\.")
_OLDEST = 130_000
# Of the catalogue's tables, not of `to_regclass`: that may answer from a cache which knows nothing of another process.
_FACTS = """
SELECT current_setting('server_version_num')::integer, current_setting('server_encoding'), pg_is_in_recovery(),
    current_setting('transaction_read_only'), current_setting('synchronous_commit'), current_user, current_database(),
    EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = 'versions')
"""
_FUNCTIONS = """
SELECT 'DROP FUNCTION ' || p.oid::regprocedure || ' CASCADE'
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1
"""


def steps() -> list[str]:
    """What leads from each version to the next; the first makes the tables."""
    files = sorted(_SQL.glob("[0-9]*.sql"), key=lambda file: int(file.name.partition("_")[0]))
    return [file.read_text("utf-8") for file in files]


def functions() -> str:
    return "\n".join(file.read_text("utf-8") for file in sorted(_SQL.glob("functions_*.sql")))


def named(sql: str, schema: str) -> str:
    """The SQL for another schema than the one that the files name."""
    return _NAME.sub(f'"{schema}".', sql)


async def prepare(connection: Connection, schema: str) -> None:
    """Bring the schema to the newest version. Raises `StoreMisconfigured`, `StoreUnavailable` or driver errors."""
    newest = len(steps())
    if await _version(connection, schema, newest) == newest:
        return
    try:
        async with connection.transaction():
            await _query(connection, "SELECT pg_advisory_xact_lock(hashtextextended($1, 3))", f"leflux {schema}")
            # Another process may have done it meanwhile.
            version = await _version(connection, schema, newest)
            if version < newest:
                await _upgrade(connection, schema, version)
    except InsufficientPrivilege as error:
        [[role, database]] = await _query(connection, "SELECT current_user, current_database()")
        raise StoreMisconfigured(
            f"storage.postgres: the role {role} may not make the tables of LeFlux in the database {database}; "
            f"as a superuser, run: CREATE SCHEMA {schema} AUTHORIZATION {role} "
            f"({str(error).partition(chr(10))[0]})"
        ) from error
    except LockNotAvailable as error:
        raise StoreUnavailable(f"another process upgrades the schema {schema}: {error}") from error


async def _version(connection: Connection, schema: str, newest: int) -> int:
    [facts] = await _query(connection, _FACTS, schema)
    server, encoding, is_standby, is_read_only, synchronous, role, database, has_tables = facts
    where = f"storage.postgres: the database {database}"
    if server < _OLDEST:
        raise StoreMisconfigured(f"{where} is on PostgreSQL {server // 10_000}; LeFlux needs {_OLDEST // 10_000}")
    if encoding != "UTF8":
        raise StoreMisconfigured(f"{where} has the encoding {encoding}; expected UTF8: CREATE DATABASE … ENCODING UTF8")
    if is_standby:
        raise StoreUnavailable(f"{where} is a standby, which takes no writes until it is promoted")
    if is_read_only == "on":
        raise StoreMisconfigured(f"{where} is read-only for the role {role}: default_transaction_read_only is on")
    if synchronous == "off":
        raise StoreMisconfigured(
            f"{where} has synchronous_commit off for the role {role}, so a crash loses acknowledged messages; "
            f"run: ALTER ROLE {role} SET synchronous_commit = on"
        )
    if not has_tables:
        return 0
    version: int = (await _query(connection, named("SELECT max(version) FROM leflux.versions", schema)))[0][0]
    if version > newest:
        raise StoreMisconfigured(f"{where} was written by a newer LeFlux (schema {version}; this one knows {newest})")
    return version


async def _upgrade(connection: Connection, schema: str, version: int) -> None:
    [[exists]] = await _query(connection, "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)", schema)
    if not exists:
        await _script(connection, f'CREATE SCHEMA "{schema}"')
    changes = steps()
    for step in changes[version:]:
        await _script(connection, named(step, schema))
    for (drop,) in await _query(connection, _FUNCTIONS, schema):
        await _script(connection, drop)
    await _script(connection, named(functions(), schema))
    await _query(connection, named("DELETE FROM leflux.versions", schema))
    await _query(connection, named("INSERT INTO leflux.versions (version) VALUES ($1)", schema), len(changes))


async def _query(connection: Connection, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    cursor = AsyncRawCursor(connection)
    await cursor.execute(sql, arguments)
    return await cursor.fetchall() if cursor.description is not None else []


async def _script(connection: Connection, sql: str) -> None:
    """Several statements; without arguments they need no parsing of ours."""
    await connection.execute(sql.encode())
