"""The contract suite: every rule of the storage protocol, proven on one store or several.

`pytest --pyargs leflux.contract --store my_package.testing:MyHarness` runs it on a store of another package.
"""
