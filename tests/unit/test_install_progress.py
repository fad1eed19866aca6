"""The progress that `make run` shows while pip works."""

from tools.install import progress

PIP = [
    "Collecting tornado==6.6.1\n",
    "  Downloading tornado-6.6.1.whl (445 kB)\n",
    "WARNING: lxml 6.1.3 does not provide the extra 'html_clean'\n",
    "Collecting lxml==6.1.3\n",
    "Collecting lxml==6.1.3\n",
    "Requirement already satisfied: idna==3.20 in ./site-packages\n",
    "Installing collected packages: lxml, tornado\n",
    "Successfully installed tornado-6.6.1\n",
]


def test_a_terminal_has_one_line_that_counts_packages_and_ends_empty() -> None:
    shown = "".join(progress(PIP, 3, True))
    assert "1 of 3 packages: tornado" in shown
    assert "3 of 3 packages: idna" in shown
    assert "unpacking" in shown
    assert "\n" not in shown
    assert "WARNING" not in shown
    assert shown.endswith("\r\033[K")


def test_a_pipe_has_a_line_for_every_tenth_package() -> None:
    pip = [f"Collecting package{number}==1\n" for number in range(25)]
    assert list(progress(pip, 25, False)) == ["     10 of 25 packages\n", "     20 of 25 packages\n"]
