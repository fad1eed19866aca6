"""`make bench`: the cost of LeFlux, as ratios that are measured side by side in one run."""
