"""Every way the domain can say no.

SafeconductError            has a stable ``code`` and a sentence that a coordinator understands
├── Refused                 a decision that may not be taken now: the sentence says why
├── NotUnderstood           what was typed, or what stands in a file, has no meaning
│   └── UnknownRule         a rulebook lacks something, or a rulebook file is wrong
├── NotFound                no such case, event, duty or phase
└── Erased                  the case was erased: there is nothing to read, and nothing can be recorded
"""


class SafeconductError(Exception):
    """Base of all errors that reach a person, always as one line.

    Attributes:
        code: stable, machine-readable name of the error.
        sentence: what is wrong and what to do, without any personal value.
    """

    code = "error"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Refused(SafeconductError):
    """A decision that the path, consent or another person's rights do not allow now."""

    code = "refused"


class NotUnderstood(SafeconductError):
    """Input without meaning: a wrong date, an unknown word, a broken file."""

    code = "not-understood"


class UnknownRule(NotUnderstood):
    """A rulebook lacks something, or one of its files is wrong."""

    code = "unknown-rule"


class NotFound(SafeconductError):
    """No such case, event, duty or phase."""

    code = "not-found"


class Erased(SafeconductError):
    """The case was erased."""

    code = "erased"
