"""Declare sections of a configuration: fields with a range and a reason."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn, Self

from adr_jax.errors import InputError


def option(
    default: Any,
    reason: str,
    *,
    minimum: float | None = None,
    below: float | None = None,
    choices: tuple[str, ...] = (),
    may_change: bool = False,
    optional: bool = False,
) -> Any:
    """Declare a field of a section.

    Args:
      default: the value that a configuration starts from.
      reason: what the field does, with its unit; errors print it.
      minimum: the smallest number it may be.
      below: the number it must stay below.
      choices: the strings it may be.
      may_change: whether a continued run may have another value.
      optional: whether some data sets read the field and others do not.
    """
    metadata = {
        "reason": reason,
        "minimum": minimum,
        "below": below,
        "choices": choices,
        "may_change": may_change,
        "optional": optional,
    }
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """Fields made by `option`; a value out of range is an InputError."""

    # The section's name in a configuration, "" for its top level.
    name_of_section: ClassVar[str] = ""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            self._check(field)

    def _check(self, field: dataclasses.Field) -> None:
        value, limits = getattr(self, field.name), field.metadata
        if not limits:  # a section within
            return
        if limits["choices"] and value not in limits["choices"]:
            self.refuse(field.name, f"one of {', '.join(limits['choices'])}")
        minimum, below = limits["minimum"], limits["below"]
        if minimum is not None and not (math.isfinite(value) and value >= minimum):
            self.refuse(field.name, f"a number from {minimum} up")
        if below is not None and value >= below:
            self.refuse(field.name, f"a number below {below}")

    def refuse(self, field: str, expected: str) -> NoReturn:
        """Raise InputError for the value of a field, with what was expected."""
        (reason,) = (
            known.metadata.get("reason", "")
            for known in dataclasses.fields(self)
            if known.name == field
        )
        path = ".".join(filter(None, ("config", self.name_of_section, field)))
        raise InputError(
            f"{path} is {getattr(self, field)!r}; expected {expected}. Set it with "
            f"--{path}=... {reason}"
        )

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the section of these values, lists as tuples.

        Raises:
          InputError: a field is absent or unknown, or a value is out of range.
        """
        section = f"{cls.name_of_section}." if cls.name_of_section else ""
        known = {field.name: field for field in dataclasses.fields(cls)}
        for name in sorted(values.keys() ^ known.keys()):
            has = "no field" if name in known else "an unknown field"
            raise InputError(f"the configuration has {has} {section}{name}")
        read = {}
        for name, value in values.items():
            inner = known[name].type
            if isinstance(inner, type) and issubclass(inner, Section):
                value = inner.of(value)
            read[name] = tuple(value) if isinstance(value, list) else value
        return cls(**read)
