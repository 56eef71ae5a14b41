"""A network as data, its file, what images it expects, and what it answers, in NumPy."""
