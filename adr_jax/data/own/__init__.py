"""The user's own arrays, in files or folders of images."""
