"""Rates the knowledge agent on a real documentation site: `python -m bench.knowledge`.

The HTML of Debian's `python3.11-doc` package (or another version's) is served on this machine, read by the crawler,
and asked the questions of `questions.yaml`.
"""
