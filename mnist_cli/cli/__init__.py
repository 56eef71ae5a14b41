"""The command line: one file a command, which parses, calls the core and hands the result to the display."""
