"""LeFlux: a visitor chat whose conversation survives."""

__version__ = "0.1.0"
