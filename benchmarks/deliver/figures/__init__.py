"""Figures of the engine alone, each taken in a process of its own by the function that bears its name.

Belongs here: what the table of contenders does not show. Does not belong here: comparisons with others
(`contenders/`). This file holds nothing else.
"""
