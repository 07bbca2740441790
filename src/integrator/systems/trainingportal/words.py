"""Words that an interface says of anything. An answer may name a student: what else stands in it may be their name."""

from integrator.domain.portal import STATUSES

_WORDS = """
    a access again allowed already an and as at be before booking byte cannot cancelled character class completed
    completion course currency date deadline decimal deleted denied document does duplicate empty end enrollment error
    exist expected failed field file for format found free from has http id in internal invalid is kind large larger
    less limit login maximum minimum missing more must name negative new no not number of on only or parameter part pdf
    permission positive price provider published reference rejected request required restored seat sent server service
    show size start status than the this time to too try twice type unavailable unknown upload uploaded user valid value
    when with wrong yyyy mm dd hh NOK EUR USD GBP SEK DKK newStatus completionDate bookingReference
    active archived attended been closed ended enrolled expired full inactive locked open participant please
    registered student
"""


def bare(word: str) -> str:
    """A word as it is compared: in small letters, without an s at its end."""
    return word.casefold().rstrip("s")


SPOKEN = frozenset(bare(word) for word in (*_WORDS.split(), *STATUSES, "CANCELLED"))
