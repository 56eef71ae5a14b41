"""The layers of Keras that digit models are made of: shapes, parameters, and what each computes."""
