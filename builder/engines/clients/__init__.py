"""Processes that speak to servers, where one core is not enough."""
