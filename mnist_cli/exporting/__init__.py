"""A model in the formats that other programs run, ONNX and LiteRT, and whether it answers the same there."""
