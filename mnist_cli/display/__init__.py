"""What people see: everything that is printed, and all of Rich, is in this package."""
