"""What mails say: facts and templates become a mail with its calendar file or spreadsheet. Nothing is sent here."""

from integrator.mails.postroom import NAMES, Postroom

__all__ = ["NAMES", "Postroom"]
