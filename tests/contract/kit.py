"""The helpers of the suite, for tests elsewhere."""

from leflux.contract.kit import *  # noqa: F403
