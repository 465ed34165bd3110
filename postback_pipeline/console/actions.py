"""Steps of a person: a form with reason and name, a preview of what it would do, and doing it.

Belongs here: what forms carry, and the order of these three. Does not belong here: what a step selects, shows and
refuses (`ledger.steps`, shared with the command line and the jobs).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from postback_pipeline.console.guard import ConsoleError, require_token, who
from postback_pipeline.console.page import Page
from postback_pipeline.ledger import LedgerError, Selection, open_ledger, steps
from postback_pipeline.ledger.steps import Step
from postback_pipeline.model import Resolution, State
from postback_pipeline.settings import Settings

#: Command -> what it does, and the fields by which its form says to what.
COMMANDS = {
    "resolve": ("Say what you found out about parked postbacks", ("postback", "destination", "event", "last_reason")),
    "replay": (
        "Send again what was rejected, expired, parked or cancelled",
        ("postback", "destination", "state", "event", "last_reason"),
    ),
    "cancel": ("Take back what has not left", ("postback", "destination", "state", "event", "last_reason")),
    "pause": ("Let nothing leave to a destination; postbacks wait", ("destination",)),
    "resume": ("Let a paused destination's postbacks leave again", ("destination",)),
    "approve": ("Let an enqueue through that was stopped for its size", ("approval",)),
}


async def action(request: Request) -> Page | Response:
    """`/actions/COMMAND`: the form; sent, its preview; confirmed, the deed."""
    command: str = request.path_params["command"]
    if command not in COMMANDS:
        return Page("sentence.html", "Not found", values={"sentence": f"There is no step {command}."}, status=404)
    if request.method != "POST":
        return _form(request, command, request.query_params)
    form = await request.form()
    fields = _texts(form)
    require_token(request, fields.get("token", ""))
    settings: Settings = request.app.state.settings
    try:
        # Who has said a password has also said a name: it is theirs, whatever the form says.
        signed = who(request) if request.app.state.access.needs_login else fields.get("actor", "").strip()
        step = _step(command, fields, settings, signed)
        with open_ledger(settings.ledger_url(), settings.environment) as ledger:
            told = step.rehearse(ledger)
            # Between the preview and the confirmation the world may have moved on: then it is shown anew.
            if fields.get("seen") == told.identity and told.count:
                done = step.take(ledger, told.identity)
                request.session["done"] = done.sentence
                return RedirectResponse("/done", status_code=303)
    except LedgerError as error:
        return _form(request, command, fields, refused=str(error))
    values = {"command": command, "step": step, "told": told, "fields": fields, "what": COMMANDS[command][0]}
    values["changed"] = "seen" in fields
    return Page("preview.html", f"{command.capitalize()}: preview", values=values)


def done(request: Request) -> Page:
    """`/done`: what the last step did; shown once."""
    sentence = request.session.pop("done", "Nothing was done since.")
    return Page("sentence.html", "Done", values={"sentence": sentence})


def _form(request: Request, command: str, fields: Mapping[str, str], refused: str | None = None) -> Page:
    what, names = COMMANDS[command]
    values: dict[str, Any] = {"command": command, "what": what, "names": names, "fields": {**fields}}
    values["refused"] = refused
    values["choices"] = {"found_out": [each.value for each in Resolution], "state": [each.value for each in State]}
    return Page("action.html", command.capitalize(), values=values, status=400 if refused else 200)


def _step(command: str, fields: Mapping[str, str], settings: Settings, actor: str) -> Step:
    """What the form asks for.

    Raises:
        LedgerError: a field is missing or wrong; nothing was changed.
    """
    reason = fields.get("reason", "").strip()
    if not reason or not actor:
        raise LedgerError("Say why, and who you are: both are recorded. Nothing was changed.")
    if command in ("pause", "resume"):
        switch = steps.pause if command == "pause" else steps.resume
        return switch(fields.get("destination", ""), settings.destinations, actor=actor, reason=reason)
    if command == "approve":
        return steps.approve(_number(fields.get("approval", "")), actor=actor, reason=reason)
    chosen = _selection(fields)
    if command == "replay":
        return steps.replay(chosen, force=fields.get("force") == "yes", actor=actor, reason=reason)
    if command == "cancel":
        return steps.cancel(chosen, actor=actor, reason=reason)
    return steps.resolve(chosen, _resolution(fields.get("found_out", "")), actor=actor, reason=reason)


def _selection(fields: Mapping[str, str]) -> Selection:
    state = fields.get("state", "")
    return steps.select(
        fields.get("postback", "").split(),
        states=[State(state)] if state in set(State) else (),
        destination=_given(fields, "destination"),
        event=_given(fields, "event"),
        last_reason=_given(fields, "last_reason"),
    )


def _given(fields: Mapping[str, str], name: str) -> str | None:
    return fields.get(name, "").strip() or None


def _resolution(text: str) -> Resolution:
    if text not in set(Resolution):
        raise LedgerError("Say what you found out: accepted, rejected or resend. Nothing was changed.")
    return Resolution(text)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise LedgerError("Say which approval, by its number. Nothing was changed.")
    return steps.numbered(text)


def _texts(form: FormData) -> dict[str, str]:
    """Fields of a form; files, which no form of ours has, are refused."""
    if not all(isinstance(value, str) for value in form.values()):
        raise ConsoleError("No step takes a file. Nothing was changed.")
    return {name: str(value) for name, value in form.items()}
