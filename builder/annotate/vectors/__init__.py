"""Where vectors of texts come from, one backend a file; `annotate.embedding` chooses one."""
