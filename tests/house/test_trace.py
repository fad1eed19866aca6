"""How many source files a call crosses: the house stays small enough to follow one call through it."""

from tests.house.trace import crossed

MOST = {"message": 19, "restore": 14, "erasure": 23}


async def test_a_call_crosses_few_files() -> None:
    found = await crossed()
    assert found.keys() == MOST.keys()
    for call, files in found.items():
        assert any(file.startswith("leflux/chat/") for file in files), "nothing was traced"
        assert len(files) <= MOST[call], (call, sorted(files))
