"""A run: one directory that holds one execution of one recipe, and can always go on."""
