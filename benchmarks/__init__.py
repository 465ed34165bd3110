"""What is measured, as programs: speed is never asserted by a test."""
