"""Files: everything about bytes, whatever data set they belong to."""
