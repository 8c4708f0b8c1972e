"""What mails say: each is a pair of templates, `templates/mail/NAME.txt` and `NAME.html`, of the same content."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader

from tessera_shared.branding import Branding, Colours
from tessera_shared.errors import StartupError
from tessera_shared.http.pages.language_choice import choose_language
from tessera_shared.http.pages.languages import ENGLISH, load_languages
from tessera_shared.http.pages.template_environment import template_environment


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
        environments: Where the templates are, for each language.
        brand: The name of the service that the recipient has an account at.
        default_language: Of mails to those who wish for none that there is.
        url: Where that service is.

    """

    environments: Mapping[str, Environment]
    brand: str
    url: str
    default_language: str = ENGLISH

    def write(self, mail: Mail) -> Written:
        """The mail in plain text and HTML; a value that a template misses is an error."""
        locale = choose_language([[mail.locale or ""]], self.environments, self.default_language)
        environment = self.environments[locale]
        plain = environment.get_template(f"{mail.template}.txt")
        html = environment.get_template(f"{mail.template}.html")
        values = {**mail.values, "brand": self.brand, "url": self.url, "locale": locale}
        subject = " ".join("".join(plain.blocks["subject"](plain.new_context(values))).split())
        return Written(mail.to, subject, plain.render(values).strip() + "\n", html.render(values, subject=subject))


def load_mail_templates(branding: Branding, url: str) -> MailTemplates:
    """Read the package's templates, in every language that the pages have.

    Raises:
        StartupError: They are not installed.

    """
    try:
        loader = PackageLoader("tessera_idp", "templates/mail")
        languages = load_languages(("tessera_idp", "tessera_shared.http.pages"))
    except (OSError, ValueError) as error:
        raise StartupError(f"mail: the templates cannot be read: {error}") from error
    # mails load nothing: who has a logo is told by name alone, and not by the mark of this software
    known = {"colours": Colours.of(branding), "has_logo": branding.logo_file is not None}
    environments = {tag: template_environment(loader, language, known) for tag, language in languages.items()}
    return MailTemplates(environments, branding.name, url, branding.default_language)
