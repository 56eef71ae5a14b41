"""Bytes in and out, safely: files, archives, and child processes with limits."""
