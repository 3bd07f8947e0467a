"""Conditional writes, counters and logged batches while nodes are killed: what clients saw, and whether it can be true."""
