"""A container that we start and that then answers at an address."""
