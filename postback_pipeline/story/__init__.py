"""What is known about one order, lead, subscription event, app or pixel event: the whole story, for whoever shows it.

Belongs here: the questions to the published warehouse, one statement per `.sql` file, their answers as plain rows
(`answers`), the ledger's part (`postback_parts`, `requests`), and in what order it reads (`chapters`). Does not belong
here: how it looks (the command line, the console).

No answer holds an e-mail address, a phone number, a name, a user id, an IP address or a URL: the statements name
columns one by one, and of the person's keys and identifiers they tell which there are, not what they are.
"""
