"""Sections of a page: those it shows, and those left out with the reason."""

from collections.abc import Callable, Mapping


class LeftOut(Exception):
    """Raised by a section that cannot be shown; its argument is the reason."""


def gather(
    sections: Mapping[str, Callable[[], object]],
) -> tuple[dict, dict[str, str]]:
    """Return what each section makes by title, and the titles left out by reason."""
    shown, reasons = {}, {}
    for title, make in sections.items():
        try:
            shown[title] = make()
        except LeftOut as left_out:
            reasons.setdefault(str(left_out), []).append(title)
    return shown, {reason: ", ".join(titles) for reason, titles in reasons.items()}
