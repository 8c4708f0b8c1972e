"""What mails say: each is a pair of templates, `templates/mail/NAME.txt` and `NAME.html`, of the same content."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from tessera_shared.errors import StartupError


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to be written.

    Attributes:
        to: The recipient's address.
        template: The name of its pair of templates.
        locale: The recipient's language, such as `de`; None for English.
        values: What the templates say; nothing that a stranger could have chosen, or anyone could send anything.

    """

    to: str = field(repr=False)
    template: str
    locale: str | None = None
    values: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Written:
    """A mail as it is sent."""

    to: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class MailTemplates:
    """All of them, and who they are from.

    Attributes:
        environment: Where the templates are.
        brand: The name of the service that the recipient has an account at.
        url: Where that service is.

    """

    environment: Environment
    brand: str
    url: str

    def write(self, mail: Mail) -> Written:
        """The mail in plain text and HTML; a value that a template misses is an error."""
        plain = self.environment.get_template(f"{mail.template}.txt")
        html = self.environment.get_template(f"{mail.template}.html")
        values = {**mail.values, "brand": self.brand, "url": self.url, "locale": mail.locale or "en"}
        subject = " ".join("".join(plain.blocks["subject"](plain.new_context(values))).split())
        return Written(mail.to, subject, plain.render(values).strip() + "\n", html.render(values, subject=subject))


def load_mail_templates(brand: str, url: str) -> MailTemplates:
    """Read the package's templates.

    Raises:
        StartupError: They are not installed.

    """
    try:
        loader = PackageLoader("tessera_idp", "templates/mail")
    except ValueError as error:
        raise StartupError(f"mail: the templates are not installed: {error}") from error
    environment = Environment(
        loader=loader,
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    return MailTemplates(environment, brand, url)
