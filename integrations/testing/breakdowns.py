"""What the engine survives must not go unseen in a test of the engine."""

from __future__ import annotations

import logging


class Breakdowns(logging.Handler):
    """While it is entered: what broke in our own code, which the engine survives. What is only worth knowing, such as expired cursors, is kept quiet."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.logger, self.seen = logging.getLogger("integrations"), list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))

    def __enter__(self) -> Breakdowns:
        self.level_before = self.logger.level
        self.logger.setLevel(logging.WARNING)
        self.logger.addHandler(self)
        return self

    def __exit__(self, *error: object) -> None:
        self.logger.removeHandler(self)
        self.logger.setLevel(self.level_before)
