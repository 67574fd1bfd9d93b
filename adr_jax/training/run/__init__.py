"""What a run leaves in its workdir and hears while it runs."""
