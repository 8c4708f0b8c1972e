"""How templates are read, of pages and of mails alike: one environment for each language."""

from collections.abc import Mapping

from jinja2 import BaseLoader, Environment, StrictUndefined, select_autoescape

from tessera_shared.http.pages.languages import Language


def template_environment(loader: BaseLoader, language: Language, known: Mapping[str, object]) -> Environment:
    """The environment of one language: values are escaped but in .txt, and a value that is missed is an error.

    Templates translate by `_("…")`, `_("… %(name)s …", name=…)` and `{% trans %}`; the filter `time` writes times.

    Args:
        loader: Finds the templates.
        language: What they are written in; every template knows it as `language`.
        known: What every template knows beside.

    """
    environment = Environment(
        loader=loader,
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.policies["ext.i18n.trimmed"] = True
    # not the new style of jinja2: it takes every translated text for safe HTML, also one that is no constant
    environment.install_gettext_callables(language.gettext, language.ngettext, newstyle=False)  # type: ignore[attr-defined]
    environment.filters["time"] = language.time
    environment.globals.update(known)
    environment.globals["language"] = language
    return environment
