"""Marks texts in Python that pages and mails show: found here for the catalogues, translated where they are shown."""


def N_(text: str) -> str:  # noqa: N802 - the name that translators' tools know
    """The same text; pages translate it with `_(…)`."""
    return text
