"""The layers of Keras that digit models are made of: shapes, weights, costs, and what each computes.

A new layer is a class in one of these modules, with its name in `_MODULES` of `mnist_cli/model/options.py`.
"""
