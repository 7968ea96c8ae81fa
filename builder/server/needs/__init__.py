"""What a machine must have before a container is started, each need by itself."""
