"""How often intervals of experiments hold the effect that was put in.

Belongs here: simulated experiments (`worlds`) and counting (`coverage`).
"""
