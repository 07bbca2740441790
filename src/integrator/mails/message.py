"""A mail as one file that any mail program opens."""

from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP

from integrator.domain.mails import Mail
from integrator.errors import BadRecord


def as_message(mail: Mail, *, sender: str | None) -> bytes:
    """The whole message with its attachments. sender as [mailgun] from has it,
    "Kurser <kurser@example.org>"; None leaves the line out.

    Errors  BadRecord: the address cannot stand in a mail
    """
    message = EmailMessage(policy=SMTP.clone(max_line_length=200))
    message["Subject"] = mail.subject
    message["To"] = _mailbox(mail.to.name, mail.to.email)
    if sender:
        name, _, address = sender.rpartition("<")
        message["From"] = _mailbox(name.strip(' "'), address.strip(" >"))
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    for attachment in mail.attachments:
        kind = attachment.content_type.partition(";")[0]
        main, _, sub = kind.partition("/")
        params = {"method": "PUBLISH"} if kind == "text/calendar" else {}
        message.add_attachment(
            attachment.content, maintype=main, subtype=sub, filename=attachment.filename, params=params
        )
    return message.as_bytes()


def _mailbox(name: str, email: str) -> Mailbox:
    try:
        return Mailbox(name, addr_spec=email)
    except (ValueError, IndexError):
        raise BadRecord("mail: an address cannot stand in a mail", code="bad_address") from None
