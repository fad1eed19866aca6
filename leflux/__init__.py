"""LeFlux: a visitor chat whose conversation survives."""

__version__ = "0.2.0"
