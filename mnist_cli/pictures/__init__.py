"""From a picture to the 28x28 digits in it, in reading order, and what a model reads in them."""
