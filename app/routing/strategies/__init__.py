"""One strategy per file, found by itself."""

import sys

from app.core.discover import instances
from app.routing.strategies.base import Strategy

STRATEGIES: dict[str, Strategy] = {strategy.name: strategy for strategy in instances(sys.modules[__name__], Strategy)}
