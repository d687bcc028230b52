"""Text that people read, judged by the Unicode data: the characters that show, that hide, and that look like others."""

import unicodedata

import regex

SHOWN = regex.compile(r"(?V1)[[\p{L}\p{N}\p{P}\p{S}]--\p{Default_Ignorable_Code_Point}]")
BLANK = ("BLANK", "NULL NOTEHEAD")
"""The ends of the names of characters that are letters or symbols by their category, and show as nothing."""
DISGUISING = regex.compile(r"(?V1)[[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}]--[\t\n\r]]")
UNSEEN = regex.compile(r"(?V1)[[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]--[\t\n\r]]")
"""A character that a reader does not see in the place where it is."""
HIDDEN_TAG = regex.compile(r"(?<!\N{WAVING BLACK FLAG}\p{Block=Tags}*)\p{Block=Tags}")
"""A tag character that is not of a flag: text in them is seen by programs and by no person."""
NOT_OF_NAMES = regex.compile(r"(?V1)[\p{C}\p{Default_Ignorable_Code_Point}]|[\p{Z}--\ ]|^\ |\ \ |\ \Z")


def shows(text: str) -> bool:
    """Return whether a reader sees anything: a letter, a number, a punctuation mark or a symbol."""
    return any(not unicodedata.name(found[0], "").endswith(BLANK) for found in SHOWN.finditer(text))


def disguises(text: str) -> bool:
    """Return whether a character changes the direction or the lines of the text, or is no character for people."""
    return DISGUISING.search(text) is not None


def hides(text: str) -> bool:
    """Return whether the text holds other text that no person sees."""
    return HIDDEN_TAG.search(text) is not None


def is_name(text: str) -> bool:
    """Return whether two such names that look alike are the same: composed (NFC), nothing hidden, single spaces."""
    return unicodedata.is_normalized("NFC", text) and not NOT_OF_NAMES.search(text) and shows(text)


def is_address(text: str) -> bool:
    """Return whether an address has no other form of any of its letters, such as a full-width one (NFKC)."""
    return unicodedata.is_normalized("NFKC", text) and is_name(text)
