"""Parts of a page: those it has, and those it has to leave out, with the reason."""

from collections.abc import Callable, Mapping


class LeftOut(Exception):
    """Raised by a part that cannot be shown; its argument is the reason."""


def gather(parts: Mapping[str, Callable[[], object]]) -> tuple[dict, dict[str, str]]:
    """What each part makes, by its title, and the titles left out by their reason."""
    shown, reasons = {}, {}
    for title, make in parts.items():
        try:
            shown[title] = make()
        except LeftOut as left_out:
            reasons.setdefault(str(left_out), []).append(title)
    return shown, {reason: ", ".join(titles) for reason, titles in reasons.items()}
