"""How good a prediction is, and what is made of it: metrics, curves, thresholds, calibration."""
