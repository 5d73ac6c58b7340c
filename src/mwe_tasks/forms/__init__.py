"""One file per scaling curve: each holds a `FORM`, a curve and a first guess without state."""

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mwe_tasks.errors import UnknownName

Floats = npt.NDArray[np.float64]


class Form(NamedTuple):
    """A curve of a score against x = log10 size, counted from the smallest size."""

    name: str
    formula: str
    parameters: tuple[str, ...]
    curve: Callable[[Floats, Floats], Floats]
    """(x, parameters) -> scores; x of any shape."""
    guess: Callable[[Floats, Floats], Floats]
    """(x, means) -> parameters to start from."""
    low: tuple[float, ...]
    high: tuple[float, ...]
    """Bounds of the parameters."""
    bends: bool
    """Whether it has an asymptote, an exponent or a break point, which few sizes over a short range cannot tell."""
    suits: Callable[[Floats, bool], bool]
    """(means, whether the score lies in [0, 1]) -> whether the curve can describe such a score."""


def known_forms() -> list[Form]:
    """Every form of this folder, in alphabetical order."""
    return [import_module(f"{__name__}.{module.name}").FORM for module in iter_modules(__path__)]


def find_form(name: str) -> Form:
    """The form of this name; raises UnknownName where there is none."""
    by_name = {form.name: form for form in known_forms()}
    if name not in by_name:
        raise UnknownName("curve", name, known=by_name)
    return by_name[name]
