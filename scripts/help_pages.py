"""Help pages of the portal: docs/approvers.md and docs/auditors.md as templates, so that the package carries them.

`python -m scripts.help_pages` writes the templates again; a unit test holds that they say what the documents say.
"""

from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "services" / "portal_service" / "templates" / "help"
GUIDES = ("approvers", "auditors")


def template(markdown: str) -> str:
    """Return the template of a guide; its text is not looked at by Jinja."""
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    title = markdown.splitlines()[0].removeprefix("# ")
    html = html.replace("<table>", '<div class="table-frame"><table>').replace("</table>", "</table></div>")
    html = html.replace("<pre>", '<pre class="data" tabindex="0">')
    return (
        '{% extends "base.html" %}\n'
        f"{{% block title %}}{title}{{% endblock %}}\n"
        '{% block content %}\n<article class="narrow guide">\n{% raw %}\n'
        f"{html}"
        "{% endraw %}\n</article>\n{% endblock %}\n"
    )


def main() -> None:
    """Write the templates."""
    TEMPLATES.mkdir(exist_ok=True)
    for guide in GUIDES:
        (TEMPLATES / f"{guide}.html").write_text(template((ROOT / "docs" / f"{guide}.md").read_text()))


if __name__ == "__main__":
    main()
