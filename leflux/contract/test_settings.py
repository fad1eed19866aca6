"""Rules K1 to K4: small documents by compare-and-set, and the audit trail."""

import pytest

from backends.base import Storage
from backends.errors import VersionConflict
from backends.records import AuditEntry, Versioned
from leflux.contract.kit import OTHER_SITE, SITE, until


async def test_k1_a_document_is_made_and_replaced_version_by_version(storage: Storage) -> None:
    assert await storage.settings.get("privacy/shop") is None
    for version, value in enumerate([b'{"a":1}', b'{"a":2}', b"\x00\xff"], start=1):
        assert await storage.settings.put("privacy/shop", value, version - 1) == Versioned(value, version)
        assert await storage.settings.get("privacy/shop") == Versioned(value, version)


@pytest.mark.parametrize(("stored", "expect"), [(0, 1), (1, 0), (2, 1), (2, 3)])
async def test_k1_a_stale_version_is_refused_and_told_the_current_one(
    storage: Storage, stored: int, expect: int
) -> None:
    for version in range(stored):
        await storage.settings.put("name", b"%d" % version, version)
    before = await storage.settings.get("name")
    with pytest.raises(VersionConflict) as refused:
        await storage.settings.put("name", b"late", expect)
    assert refused.value.current == stored
    assert await storage.settings.get("name") == before


async def test_k3_names_are_listed_by_prefix_and_sorted(storage: Storage) -> None:
    for name in ("user/b", "user/a", "user", "users/x", "token/%", "token/_", "user/ö"):
        await storage.settings.put(name, b"{}", 0)
    assert await storage.settings.names("user/") == ["user/a", "user/b", "user/ö"]
    assert await storage.settings.names("token/%") == ["token/%"]
    assert await storage.settings.names("token/_") == ["token/_"]
    assert await storage.settings.names("nobody") == []
    assert len(await storage.settings.names("")) == 7


async def test_k4_a_removed_document_is_gone_and_may_be_made_again(storage: Storage) -> None:
    await storage.settings.put("name", b"{}", 0)
    assert await storage.settings.remove("name") is True
    assert await storage.settings.remove("name") is False
    assert await storage.settings.get("name") is None
    assert await storage.settings.names("") == []
    await storage.settings.put("name", b"again", 0)


@pytest.mark.parametrize("name", ["a/b/c", "user/ä@example.com", ".", "..", "__x__", "x" * 200, "a b\nc", "{tag}:1"])
async def test_any_text_is_a_name(storage: Storage, name: str) -> None:
    stored = await storage.settings.put(name, b"{}", 0)
    assert await storage.settings.get(name) == stored
    assert await storage.settings.names(name) == [name]
    assert await storage.settings.remove(name)


async def test_a_document_of_100_kib_comes_back_whole(storage: Storage) -> None:
    value = bytes(range(256)) * 400
    await storage.settings.put("large", value, 0)
    assert await storage.settings.get("large") == Versioned(value, 1)


async def test_k2_the_trail_is_newest_first_and_of_its_site_only(storage: Storage) -> None:
    details: dict[str, str | int | float | bool | None] = {
        "days": 7,
        "on": True,
        "who": "ä",
        "none": None,
        "share": 0.5,
    }
    for number in range(5):
        await storage.settings.audit(SITE, AuditEntry("ann@example.com", f"action {number}", details))
    await storage.settings.audit(OTHER_SITE, AuditEntry("bob@example.com", "elsewhere"))
    trail = await storage.settings.audit_trail(SITE, 10)
    assert [entry.action for entry in trail] == [f"action {number}" for number in (4, 3, 2, 1, 0)]
    assert {entry.actor for entry in trail} == {"ann@example.com"}
    assert trail[0].details == details
    stamps = [entry.ts for entry in trail]
    assert stamps == sorted(stamps, reverse=True)
    assert stamps[-1] > 1_600_000_000_000
    assert await storage.settings.audit_trail(SITE, 2) == trail[:2]
    assert await storage.settings.audit_trail("unknown", 10) == []


async def test_k2_before_pages_back_in_time(storage: Storage) -> None:
    await storage.settings.audit(SITE, AuditEntry("ann", "first"))

    async def later() -> bool:
        await storage.settings.audit(SITE, AuditEntry("ann", "later"))
        newest, *_, oldest = await storage.settings.audit_trail(SITE, 100)
        return newest.ts > oldest.ts

    await until(later, "time passes between two lines")
    trail = await storage.settings.audit_trail(SITE, 100)
    older = await storage.settings.audit_trail(SITE, 100, before=trail[0].ts)
    assert older == [entry for entry in trail if entry.ts < trail[0].ts]
    assert await storage.settings.audit_trail(SITE, 100, before=trail[-1].ts) == []


async def test_k2_a_ts_of_the_caller_is_not_believed(storage: Storage) -> None:
    await storage.settings.audit(SITE, AuditEntry("ann", "forged", ts=1))
    [entry] = await storage.settings.audit_trail(SITE, 10)
    assert entry.ts > 1_600_000_000_000
