"""Rows that exist already: the data set that they come from, its rows, what is said of them."""
