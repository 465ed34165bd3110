"""What a test reads out of a page: its tables, its forms' hidden fields."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

from starlette.testclient import TestClient


def csv_of(client: TestClient, address: str, table: str) -> list[dict[str, str]]:
    """A table of a page as CSV."""
    reply = client.get(address, params={"csv": table})
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(reply.text)))


def cells_of(page: str, table: str) -> list[list[str]]:
    """A table of a page as it reads, without its head."""
    (found,) = re.findall(rf'<table id="{table}">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    return [
        [unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", found, re.DOTALL)
    ]


def hidden_of(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in found}
