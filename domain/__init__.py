"""What is true of a case: pure, without I/O, without a clock, without randomness."""
