"""Finds plug-ins: imports every module of a package and gathers the objects of one type."""

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def modules(package: ModuleType) -> list[ModuleType]:
    """Every module below a package, imported, in the order of their names."""
    found = pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    return [importlib.import_module(info.name) for info in found]


def instances(package: ModuleType, kind: type[T]) -> list[T]:
    """Module-level objects of a type that the package's modules themselves define, in the order of module names."""
    gathered: list[T] = []
    for module in modules(package):
        for value in vars(module).values():
            if isinstance(value, kind) and value not in gathered:
                gathered.append(value)
    return gathered
