"""Labelled digits, in all the forms that people keep them in."""
