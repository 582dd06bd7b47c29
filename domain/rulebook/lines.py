"""Where things stand in a TOML file: the reader of the standard library does not say."""

import re

_HEADER = re.compile(r"\s*\[\[?\s*([a-z_]+)(?:\.([a-z_-]+))?\s*\]?\]")
_KEY = re.compile(r"\s*([a-z_]+)\s*=")


class Lines:
    """The lines of a file's tables and of their fields, counted from one."""

    def __init__(self, text: str) -> None:
        self._begins: dict[tuple[str, int, int], int] = {}
        self._fields: dict[tuple[str, int, int], dict[str, int]] = {}
        numbers: dict[str, int] = {}
        here = ("", 0, 0)
        for number, line in enumerate(text.splitlines(), 1):
            if header := _HEADER.match(line):
                here = self._entered(header[1], header[2], here, numbers)
                self._begins.setdefault(here, number)
            elif key := _KEY.match(line):
                self._fields.setdefault(here, {}).setdefault(key[1], number)

    @staticmethod
    def _entered(
        kind: str, part: str | None, here: tuple[str, int, int], numbers: dict[str, int]
    ) -> tuple[str, int, int]:
        if part == "version" and here[0] == kind:
            return (kind, here[1], here[2] + 1)
        if part is None:
            numbers[kind] = numbers.get(kind, 0) + 1
        return (kind, numbers.get(kind, 0), 0)

    def of(self, kind: str, number: int = 1, version: int = 0) -> int | None:
        """The line on which a table begins; ``None`` when it has none of its own."""
        return self._begins.get((kind, number, version))

    def fields(self, kind: str, number: int, version: int) -> dict[str, int]:
        """The lines of a version's fields; those that it has from its head stand there."""
        return {**self._fields.get((kind, number, 0), {}), **self._fields.get((kind, number, version), {})}

    def of_head(self) -> dict[str, int]:
        """The lines of the country's own fields, such as ``code``, and of its place, such as ``place.time_zone``."""
        place = self._begins.get(("place", 1, 0))
        within = {f"place.{name}": line for name, line in self._fields.get(("place", 1, 0), {}).items()}
        return {**({"place": place} if place else {}), **within, **self._fields.get(("", 0, 0), {})}

    def of_name(self, name: str) -> int | None:
        """The line of a table or a field of the country's own."""
        return self._begins.get((name, 1, 0)) or self._fields.get(("", 0, 0), {}).get(name)
