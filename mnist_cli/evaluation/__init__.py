"""How good a model is: metrics, calibration, comparison, robustness, and the report of them all."""
