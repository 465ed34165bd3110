"""How fast postbacks leave, beside what a user could pick instead; the receiver's own log says what arrived.

    python -m benchmarks.deliver [--rows N] [--json] [--contenders a,b] [--rounds R]

`__main__` tells what is measured. This file holds nothing.
"""
