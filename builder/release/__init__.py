"""The release: the folder that goes to the Hub, byte for byte."""
