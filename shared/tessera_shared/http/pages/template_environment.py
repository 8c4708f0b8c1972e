"""How templates are read, of pages and of mails alike: one environment for each language."""

from collections.abc import Callable, Mapping
from datetime import datetime

from jinja2 import BaseLoader, Environment, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from markupsafe import Markup

from tessera_shared.http.pages.languages import Language


def template_environment(loader: BaseLoader, language: Language, known: Mapping[str, object]) -> Environment:
    """The environment of one language: values are escaped but in .txt, and a value that is missed is an error.

    Templates translate by `_("…")`, `_("… %(name)s …", name=…)` and `{% trans %}`. The filter `time` writes
    times in the zone that the template knows as `time_zone`, and `written_time` does without HTML.

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
    environment.filters["time"], environment.filters["written_time"] = _time_filters(language)
    environment.globals.update(known)
    environment.globals["language"] = language
    return environment


def _time_filters(
    language: Language,
) -> tuple[Callable[[Context, datetime], Markup], Callable[[Context, datetime], str]]:
    @pass_context
    def time(context: Context, value: datetime) -> Markup:
        return language.time(value, context.get("time_zone"))

    @pass_context
    def written_time(context: Context, value: datetime) -> str:
        return language.written_time(value, context.get("time_zone"))

    return time, written_time
