"""`make bench`: what LeFlux costs, as ratios measured side by side in one run."""
