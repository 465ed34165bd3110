"""How many faults anomaly detection finds in real daily series, how soon, and how often it cries wolf."""
