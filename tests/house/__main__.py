"""Runs every check and prints what it finds."""

import sys

from tests.house import citations, code, storage_rules, typescript, vendor
from tests.house.files import ROOT

findings = [
    *code.modules_without_a_layer(ROOT),
    *code.class_names_used_twice(ROOT),
    *code.too_long(ROOT),
    *citations.dangling(ROOT),
    *vendor.patches(ROOT),
    *storage_rules.untested(ROOT),
    *typescript.stale(),
]
print("\n".join(findings) or "the house is in order")
sys.exit(bool(findings))
