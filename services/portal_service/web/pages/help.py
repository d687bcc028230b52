"""The guides for approvers and auditors; everybody can read them without signing in."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("help", __name__, url_prefix="/help")


@blueprint.get("/<any(approvers, auditors):guide>")
def show_guide(guide: str) -> ResponseReturnValue:
    """Show a guide; its text is that of the document with the same name in docs/."""
    return render_template(f"help/{guide}.html")
