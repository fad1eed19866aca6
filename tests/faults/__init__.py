"""A black-box checker: seeded visitors, a nemesis that breaks things, and rules over the recorded history.

`make faults` runs it on each kind of store. A seed reproduces the operations and the faults, not their timing.
"""
