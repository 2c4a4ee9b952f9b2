"""Links that somebody tampered with."""


def bent(link: str) -> str:
    """With another signature, which follows the last full stop. Its first letter is changed: of the last one not every bit counts."""
    said, _stop, signature = link.rpartition(".")
    return f"{said}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
