"""What mails say: each is a pair of templates, `templates/mail/NAME.txt` and `NAME.html`, of the same content."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from babel.dates import format_datetime
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from tessera_shared.errors import StartupError
from tessera_shared.http.pages.language_choice import lookup
from tessera_shared.http.pages.languages import ENGLISH, Language, load_languages


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
        environments: Where the templates are, by language.
        brand: The name of the service that the recipient has an account at.
        url: Where that service is.

    """

    environments: Mapping[str, Environment]
    brand: str
    url: str

    def write(self, mail: Mail) -> Written:
        """The mail in plain text and HTML; a value that a template misses is an error."""
        environment = self.environments[lookup(mail.locale or ENGLISH, self.environments) or ENGLISH]
        plain = environment.get_template(f"{mail.template}.txt")
        html = environment.get_template(f"{mail.template}.html")
        values = {**mail.values, "brand": self.brand, "url": self.url}
        subject = " ".join("".join(plain.blocks["subject"](plain.new_context(values))).split())
        return Written(mail.to, subject, plain.render(values).strip() + "\n", html.render(values, subject=subject))


def load_mail_templates(brand: str, url: str) -> MailTemplates:
    """Read the package's templates in every language.

    Raises:
        StartupError: They are not installed.

    """
    try:
        loader = PackageLoader("tessera_idp", "templates/mail")
        languages = load_languages(("tessera_idp", "tessera_shared.http.pages"))
    except (OSError, ValueError) as error:
        raise StartupError(f"mail: the templates are not installed: {error}") from error
    environments = {tag: _environment(loader, language) for tag, language in languages.items()}
    return MailTemplates(environments, brand, url)


def _environment(loader: PackageLoader, language: Language) -> Environment:
    environment = Environment(
        loader=loader,
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(language.gettext, language.ngettext, newstyle=False)  # type: ignore[attr-defined]
    environment.globals["language"] = language

    def moment(value: datetime) -> str:
        return f"{format_datetime(value.astimezone(UTC), 'medium', locale=language.tag.replace('-', '_'))} UTC"

    environment.filters["moment"] = moment
    return environment
