"""What people see, in the terminal and in reports."""
