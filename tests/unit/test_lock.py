"""The check of the locks: what it accepts, and each thing it refuses."""

from pathlib import Path

import pytest

from tests.lock.check import missing, problems, stale
from tests.lock.lockfile import List, Package, parse, render
from tests.lock.targets import Target, supported
from tests.lock.write import package_of, tag_of

PURE = Package("pure", "1.0", None, ["py3-none-any"], ["aa"])


def target(minor: int, system: str, machine: str) -> Target:
    return next(
        each for each in supported([minor]) if (each.platform.system, each.platform.machine) == (system, machine)
    )


def native(*tags: str, marker: str | None = None) -> Package:
    return Package("native", "2.0", marker, list(tags), ["bb"] * len(tags))


def listed(folder: Path, pins: str) -> List:
    (folder / "requirements.txt").write_text(pins)
    return List(folder / "requirements.txt", folder / "requirements.lock")


def test_the_locks_of_this_repository_pass() -> None:
    assert list(problems(Path(__file__).parents[2])) == []


def test_a_lock_reads_back_as_it_was_written() -> None:
    many = native(*(f"cp311-cp311-manylinux_2_{minor}_x86_64" for minor in range(17, 37)), marker="os_name == 'posix'")
    assert parse(render([PURE, many], "0" * 64)) == [PURE, many]


@pytest.mark.parametrize(
    ("pins", "is_stale"),
    [
        ("a==1\nb==2\n", False),
        ("# Why b.\na==1\n\nb==2  # fast\n", False),
        ("a==1\nb==3\n", True),
        ("a==1\n", True),
        ("a==1\nb==2\nc==1\n", True),
        ("a[extra]==1\nb==2\n", True),
    ],
)
def test_a_lock_is_stale_when_a_pin_changes_and_not_when_a_comment_does(
    tmp_path: Path, pins: str, is_stale: bool
) -> None:
    made_from = listed(tmp_path, "a==1\nb==2\n")
    made_from.lock.write_text(render([PURE], made_from.inputs()))
    assert bool(list(stale(listed(tmp_path, pins)))) is is_stale


def test_a_lock_is_stale_when_a_list_below_it_changes(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    below = listed(tmp_path, "a==1\n")
    upper = listed(tmp_path / "tests", "-r ../requirements.txt\nb==2\n")
    upper.below.append(below)
    upper.lock.write_text(render([PURE], upper.inputs()))
    assert list(stale(upper)) == []
    listed(tmp_path, "a==2\n")
    assert len(list(stale(upper))) == 1


@pytest.mark.parametrize(
    ("wheel", "minor", "system", "machine"),
    [
        ("py3-none-any", 13, "darwin", "arm64"),
        ("py2.py3-none-any", 13, "linux", "aarch64"),
        ("cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64", 13, "linux", "x86_64"),
        ("cp39-abi3-manylinux_2_28_aarch64", 11, "linux", "aarch64"),
        ("cp311-cp311-macosx_10_9_universal2", 11, "darwin", "arm64"),
        ("py3-none-manylinux1_x86_64", 12, "linux", "x86_64"),
    ],
)
def test_a_wheel_that_the_target_can_install_is_enough(wheel: str, minor: int, system: str, machine: str) -> None:
    assert list(missing([native(wheel)], [target(minor, system, machine)])) == []


@pytest.mark.parametrize(
    "wheel",
    [
        "cp311-cp311-manylinux_2_17_x86_64",
        "cp314-abi3-manylinux_2_17_x86_64",
        "cp313-cp313t-manylinux_2_17_x86_64",
        "cp313-cp313-musllinux_1_2_x86_64",
        "cp313-cp313-manylinux_2_17_aarch64",
        "cp313-cp313-win_amd64",
        "pp311-pypy311_pp73-manylinux_2_17_x86_64",
    ],
)
def test_a_wheel_for_another_python_or_platform_is_none(wheel: str) -> None:
    found = list(missing([PURE, native(wheel)], [target(13, "linux", "x86_64")]))
    assert found == ["native 2.0 has no wheel for Python 3.13 on linux x86_64"]


def test_a_package_without_wheels_is_missing_only_where_its_marker_wants_it() -> None:
    package = native(marker="python_full_version < '3.12' and sys_platform == 'linux'")
    targets = [target(11, "linux", "x86_64"), target(12, "linux", "x86_64"), target(11, "darwin", "arm64")]
    assert list(missing([package], targets)) == ["native 2.0 has no wheel for Python 3.11 on linux x86_64"]


def test_a_lock_keeps_the_wheels_of_its_targets_and_no_source() -> None:
    names = ["x-1-cp313-cp313-manylinux_2_17_x86_64.whl", "x-1-cp313-cp313-win_amd64.whl"]
    wheels = [{"url": f"https://example.test/{name}", "hashes": {"sha256": name}} for name in names]
    source = {"url": "https://example.test/x-1.tar.gz", "hashes": {"sha256": "source"}}
    entry = {"name": "x", "version": "1", "wheels": wheels, "sdist": source}
    kept = package_of(entry, set(target(13, "linux", "x86_64").tags()))
    assert kept == Package("x", "1", None, ["cp313-cp313-manylinux_2_17_x86_64"], [names[0]])


def test_the_tag_of_a_wheel_with_a_build_number_is_found() -> None:
    assert tag_of("https://example.test/x-1-7-cp311-cp311-macosx_14_0_arm64.whl") == "cp311-cp311-macosx_14_0_arm64"
