"""Coming in and going out, where the console can be reached by others than this machine.

Belongs here: those two pages. Does not belong here: who may see what (`guard`).
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from postback_pipeline.console.guard import Access, ConsoleError, require_token
from postback_pipeline.console.page import Page


async def login(request: Request) -> Page | Response:
    """`/login`: name and password; the name is what the ledger keeps of whoever steps in."""
    access: Access = request.app.state.access
    if not access.needs_login or request.session.get("in"):
        return RedirectResponse("/", status_code=303)
    if request.method != "POST":
        return Page("login.html", "Log in", values={"refused": None, "name": ""})
    form = await request.form()
    name, password = str(form.get("name", "")).strip()[:100], str(form.get("password", ""))
    status, refused = 403, "That is not the password."
    try:
        require_token(request, str(form.get("token", "")))
        if not name:
            raise ConsoleError("Say who you are: it is recorded with every step.")
        if access.is_right(password, request.client.host if request.client else ""):
            request.session.clear()
            request.session.update({"in": True, "who": name})
            return RedirectResponse("/", status_code=303)
    except ConsoleError as error:
        status, refused = 429 if "Too many" in str(error) else 400, str(error)
    return Page("login.html", "Log in", values={"refused": refused, "name": name}, status=status)


async def logout(request: Request) -> Response:
    """`/logout`."""
    form = await request.form()
    require_token(request, str(form.get("token", "")))
    request.session.clear()
    return RedirectResponse("/login", status_code=303)
