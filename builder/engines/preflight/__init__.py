"""What an engine makes of the bare user turn, before anything is spent on it."""
