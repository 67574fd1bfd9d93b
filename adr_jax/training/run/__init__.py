"""Keep what a run leaves in its workdir, and hear what it is told while it runs."""
