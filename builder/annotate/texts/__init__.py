"""What detectors share: prose without code, words of any script, rows of data files."""
