"""Reward models behind a server: a conversation goes in, one number comes out."""
