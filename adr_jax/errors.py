"""The one exception for mistakes that a user can mend."""


class InputError(ValueError):
    """Bad input: a file, a configuration, an argument.

    The message names the thing, what was expected, and the remedy, in one line. The
    entry points print it without a traceback; any other exception is our own mistake
    and keeps its traceback.
    """
