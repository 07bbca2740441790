"""How people leave the store: what is due (work), their rows (rows), the order of steps, the journal, the proof.

Nothing is imported here: the start of every job asks journal.is_behind.
"""
