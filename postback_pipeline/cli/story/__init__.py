"""What the published warehouse knows about one order, lead, subscription event, app or pixel event.

Belongs here: the questions, one statement per `.sql` file, their answers as plain rows (`answers.py`), and how the
story reads (`telling.py`). Does not belong here: the command, the ledger's part (`cli/tracing.py`).

No answer holds an e-mail address, a phone number, a name, a user id, an IP address or a URL: the statements name
columns one by one, and of the person's keys and identifiers they tell which there are, not what they are.
"""
